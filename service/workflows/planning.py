"""What a sample of so many transcripts would tell of a study, from a pilot."""

from collections.abc import Sequence
from dataclasses import dataclass

from annotations.drawing import Member
from annotations.errors import StateError
from annotations.numerals import many
from annotations.reliability.prevalence.extent import (
    check_attributes,
    coded_by_people,
    read_by_people,
    stratum_of,
)
from annotations.reliability.prevalence.planning import (
    CodePlan,
    Extension,
    plans_of,
    usual_sizes,
)
from annotations.reliability.prevalence.sums import Population
from service.house import House
from service.workflows.doubting import doubts_about
from service.workflows.extending import check_choices, frame_for
from service.workflows.modelling import model_in_use
from service.workflows.training import Progress


@dataclass(frozen=True, kw_only=True, slots=True)
class ExtensionPlan:
    """What samples of several sizes would tell of `total` transcripts in so many `cells`.

    The `pilot` transcripts that people have coded say how far the model may be leaned on.
    `unsure_of` are the codes whose doubtful transcripts would be likelier to be drawn, none named
    for all codes; None for even chances.
    """

    study: str
    model_version: str
    by: tuple[str, ...]
    unit: str
    of: str
    unsure_of: tuple[str, ...] | None
    pilot: int
    total: int
    cells: int
    sizes: tuple[int, ...]
    codes: tuple[CodePlan, ...]


def plan(
    house: House,
    study: str,
    *,
    by: Sequence[str] = (),
    unit: str = "segments",
    of: str = Population.THESE.value,
    total: int | None = None,
    sizes: Sequence[int] = (),
    unsure_of: Sequence[str] | None = None,
    progress: Progress = lambda _stage, _done, _total: None,
) -> ExtensionPlan:
    """What N buys for which codes, from what people have coded as the pilot.

    `total` is how many transcripts there will be, else those that there are. With `unsure_of` the
    draw is one in which what the model doubts is likelier, as in `sample`. Raises StateError
    where nothing is left to draw.
    """
    check_choices(unit, of)
    record = model_in_use(house, study)
    with house.database.reading() as work:
        whole = work.studies.load(study)
    check_attributes(whole.transcripts, by)
    coded, pilot = coded_by_people(whole), read_by_people(whole)
    total = len(whole.transcripts) if total is None else total
    rest = total - len(coded)
    if rest < 1:
        raise StateError(
            f"people have coded {len(coded)} of {many(total, 'transcript')}, so there is nothing "
            "to draw. Import the others first, or say with --total how many there will be."
        )
    cells = len({stratum_of(item, by) for item in whole.transcripts})
    chosen = tuple(sizes) or usual_sizes(rest, cells)
    members = [
        Member(transcript=name, stratum=(), probability=1.0, drawn=True) for name in sorted(pilot)
    ]
    frame = frame_for(house, whole, members, record, unit, progress)
    return ExtensionPlan(
        study=study,
        model_version=record.version,
        by=tuple(by),
        unit=unit,
        of=of,
        unsure_of=None if unsure_of is None else tuple(unsure_of),
        pilot=len(pilot),
        total=total,
        cells=cells,
        sizes=chosen,
        codes=plans_of(
            frame.sums,
            Extension(total=total, coded=len(coded), cells=cells, of=Population(of)),
            chosen,
            doubts=None
            if unsure_of is None
            else doubts_about(house, study, record, frame.transcripts, unsure_of),
        )
        if pilot
        else (),
    )
