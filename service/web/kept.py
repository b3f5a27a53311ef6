"""Pages that were made, kept as long as what they were made from stays the same."""

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

from service.documents import document
from service.house import House
from service.workflows.agreeing import check_choices, gather, report_on

# Drawing takes a second to import: when the first page is asked for, not when the service starts.
if TYPE_CHECKING:
    from service.web.page import Page

_Key = tuple[str, str, int | None, str, str]


class KeptPages:
    """The pages that were asked for last. Making one is slow: call from a thread that may wait."""

    def __init__(self, *, keep: int = 16) -> None:
        self._keep = keep
        self._pages: OrderedDict[_Key, Page] = OrderedDict()
        self._guard = threading.Lock()

    def agreement(
        self, house: House, study: str, *, unit: str, level: int | None, expertise: str
    ) -> "Page":
        """The reliability report as it is now; a new coding or another model makes a new page."""
        from service.web.page import agreement_page

        check_choices(unit, expertise)
        material = gather(house, study)
        key = (study, unit, level, expertise, material.digest)
        with self._guard:
            kept = self._pages.get(key)
            if kept is not None:
                self._pages.move_to_end(key)
                return kept
        report = report_on(house, material, unit=unit, level=level, expertise=expertise)
        page = agreement_page(document(report))
        with self._guard:
            self._pages[key] = page
            while len(self._pages) > self._keep:
                self._pages.popitem(last=False)
        return page
