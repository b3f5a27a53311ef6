"""Pages that were made, kept as long as what they were made from stays the same."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable

from markupsafe import Markup

from annotations.errors import SecondCoderError
from service.documents import document
from service.house import House
from service.workflows import agreeing, drifting, extending
from service.workflows.candidates import find_candidates
from service.workflows.codebook_stability import codebook_stability
from service.workflows.glancing import Attention, weak_pairs
from service.workflows.withholding import withheld


class KeptPages:
    """The pages that were asked for last. Making one is slow: call from a thread that may wait."""

    def __init__(self, *, keep: int = 16) -> None:
        self._keep = keep
        self._pages: OrderedDict[Hashable, Markup] = OrderedDict()
        self._pairs: OrderedDict[tuple[str, str], tuple[Attention, ...]] = OrderedDict()
        self._guard = threading.Lock()

    def agreement(
        self,
        house: House,
        study: str,
        *,
        unit: str,
        level: int | None,
        expertise: str,
        codebook: int | None = None,
    ) -> Markup:
        """The reliability report as it is now; a new coding or another model makes a new one."""
        # Drawing takes a second to import: for the first page, not when the service starts.
        from service.web.page import agreement_part

        agreeing.check_choices(unit, expertise)
        material = agreeing.gather(house, study, codebook)

        def make() -> Markup:
            report = agreeing.report_on(
                house, material, unit=unit, level=level, expertise=expertise
            )
            return agreement_part(document(report))

        return self._kept(
            ("agreement", study, unit, level, expertise, codebook, material.digest), make
        )

    def prevalence(
        self,
        house: House,
        study: str,
        *,
        by: tuple[str, ...],
        unit: str,
        of: str,
        level: int | None = None,
    ) -> Markup:
        """The report on prevalence as it is now; a new coding or draw makes a new one."""
        from service.web.prevalence_page import prevalence_part

        extending.check_choices(unit, of)
        material = extending.gather(house, study)

        def make() -> Markup:
            report = extending.report_on(house, material, by=by, unit=unit, of=of, level=level)
            return prevalence_part(document(report))

        return self._kept(("prevalence", study, by, unit, of, level, material.digest), make)

    def drift(
        self,
        house: House,
        study: str,
        *,
        by: str,
        attribute: str | None,
        adjust: tuple[str, ...],
        codebook: int | None = None,
    ) -> Markup:
        """The report on drift as it is now; a new coding, decision or model makes a new one."""
        from service.web.drift_page import drift_part

        drifting.check_choices(by, attribute)
        material = drifting.gather(house, study, codebook)

        def make() -> Markup:
            report = drifting.report_on(house, material, by=by, attribute=attribute, adjust=adjust)
            return drift_part(document(report))

        return self._kept(("drift", study, by, attribute, adjust, codebook, material.digest), make)

    def settling(self, house: House, study: str) -> Markup:
        """Whether the codebook is done; a new coding, edit or model makes a new page."""
        from service.web.settling_page import settling_part

        with house.database.reading() as work:
            record = work.models.active(study)
            key = (
                work.overviews.stamp(study),
                work.studies.unread(study),
                None if record is None else record.version,
                withheld(work, study, work.overviews.transcripts(study)),
            )

        def make() -> Markup:
            found, missing = None, ""
            try:
                found = document(find_candidates(house, study))
            except SecondCoderError as problem:
                # The rest of the page can be told without a model, or without its files.
                missing = str(problem)
            return settling_part(document(codebook_stability(house, study)), found, missing)

        return self._kept(("settling", study, key), make)

    def weak_pairs(self, house: House, study: str) -> tuple[Attention, ...]:
        """The coders who agree too little, looked at again when somebody coded."""
        with house.database.reading() as work:
            stamp = work.overviews.stamp(study)
        with self._guard:
            kept = self._pairs.get((study, stamp))
        if kept is None:
            kept = weak_pairs(house, study)
            with self._guard:
                self._pairs[study, stamp] = kept
                while len(self._pairs) > self._keep:
                    self._pairs.popitem(last=False)
        return kept

    def _kept(self, key: Hashable, make: Callable[[], Markup]) -> Markup:
        with self._guard:
            kept = self._pages.get(key)
            if kept is not None:
                self._pages.move_to_end(key)
                return kept
        page = make()
        with self._guard:
            self._pages[key] = page
            while len(self._pages) > self._keep:
                self._pages.popitem(last=False)
        return page
