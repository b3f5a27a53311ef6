"""What coders coded again: fetched from Label Studio, and set beside what they coded first."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from annotations.codings import Coding
from annotations.errors import StateError, command
from annotations.formats.label_config import LabelConfig
from annotations.formats.regions import decode
from annotations.recoding import excerpt_of
from annotations.reliability.drift.recoded import (
    RecodedExcerpt,
    RecodedRound,
    compared,
    days_between,
    settled,
)
from annotations.study import Study
from annotations.transcripts import Transcript
from service.house import House
from service.label_studio import recoding
from service.label_studio.client import Client
from service.label_studio.records import Annotation
from service.storage.records import RecodeDraw, RecodeExcerpt
from service.storage.session import UnitOfWork

SEED = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Taken:
    """How many re-codings are new or different; `notes` say what was not taken over and why."""

    changed: int
    notes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class RecodeReport:
    """Each coder's agreement with themself, a round for each draw, the newest last."""

    study: str
    rounds: tuple[RecodedRound, ...]
    notes: tuple[str, ...]


def recode_report(house: House, study: str) -> RecodeReport:
    """Set what came back beside what was coded first. StateError where nothing was drawn."""
    with house.database.reading() as work:
        whole = work.studies.load(study)
        draws = work.recodings.list(study)
    if not draws:
        raise StateError(
            f"nothing of {study} was drawn to be coded again. Draw some: "
            f"{command('recode-sample', study, '--push')}"
        )
    notes = []
    if all(draw.project_id is None for draw in draws):
        notes.append(
            f"The excerpts were not sent to anybody: {command('recode-sample', study, '--push')}"
        )
    elif any(one.after is None for draw in draws for one in draw.excerpts):
        notes.append(
            f"Not all is coded again yet. Fetch what is: {command('label-studio', 'sync', study)}"
        )
    return RecodeReport(study=study, rounds=rounds_of(whole, draws), notes=tuple(notes))


def draws_back(work: UnitOfWork, study: str) -> tuple[RecodeDraw, ...]:
    """The draws of which something came back, for a report on other things too."""
    draws = work.recodings.list(study)
    return tuple(one for one in draws if any(item.after is not None for item in one.excerpts))


def rounds_of(study: Study, draws: Sequence[RecodeDraw]) -> tuple[RecodedRound, ...]:
    """Every draw as a round, compared and put in words."""
    return settled([_round(study, draw) for draw in draws])


def _round(study: Study, draw: RecodeDraw) -> RecodedRound:
    back = [one for one in draw.excerpts if one.after is not None]
    excerpts = [
        RecodedExcerpt(
            transcript=one.transcript,
            turn=one.turn,
            probability=one.probability,
            coded_at=one.coded_at,
            recoded_at=one.recoded_at,
            before=one.before,
            after=one.after,
            younger=one.younger,
        )
        for one in back
        if one.after is not None and one.recoded_at is not None and not one.undecided
    ]
    agreement = compared(study, draw.coder, excerpts, seed=SEED)
    asked = {one.code for one in agreement}
    return RecodedRound(
        coder=draw.coder,
        drawn_at=draw.created_at,
        drawn=len(draw.excerpts),
        excerpts=len(excerpts),
        undecided=len(back) - len(excerpts),
        transcripts=len({one.transcript for one in excerpts}),
        days=days_between(excerpts),
        annotators=tuple(sorted({one.annotator for one in back if one.annotator is not None})),
        younger=tuple(
            sorted(
                {
                    coding.code
                    for one in excerpts
                    for coding in one.after
                    if coding.code in one.younger
                }
            )
        ),
        redefined=tuple(sorted({code for one in back for code in one.redefined if code in asked})),
        agreement=agreement,
    )


def take_recodings(house: House, study: str, client: Client, codes: tuple[str, ...]) -> Taken:
    """Keep what was coded again, apart from all codings of the study.

    Where the coder has an account in Label Studio, only theirs counts. Of several annotations
    of an excerpt the first does. What is deleted or skipped there has not been coded again;
    a project that is gone takes nothing with it.
    """
    with house.database.reading() as work:
        draws = [one for one in work.recodings.list(study) if one.project_id is not None]
        transcripts = {item.name: item for item in work.studies.transcripts(study)} if draws else {}
    if not draws:
        return Taken(changed=0, notes=())
    accounts = {user.email for user in client.users()}
    changed = 0
    notes: list[str] = []
    for draw in draws:
        assert draw.project_id is not None  # noqa: S101 - chosen so above
        found = recoding.recoded(client, draw.project_id, codes, {one.key for one in draw.excerpts})
        if found is None:
            notes.append(
                f"project {draw.project_id}, in which {draw.coder} codes again, is gone; what had "
                "come back stays"
            )
            continue
        gone: list[str] = []
        with house.database.unit_of_work() as work:
            for one in draw.excerpts:
                annotation = _counting(
                    found.annotations.get(one.key, ()), draw.coder, accounts, notes
                )
                if annotation is None:
                    gone.append(one.key)
                    continue
                small = excerpt_of(transcripts[one.transcript], one.turn)
                changed += work.recodings.take(
                    study,
                    one.key,
                    _codings(annotation, one, len(small.turns) - 1, small, found.config, notes),
                    annotator=annotation.coder,
                    at=annotation.updated_at,
                )
            changed += work.recodings.forget(study, gone)
            work.commit()
    return Taken(changed=changed, notes=tuple(dict.fromkeys(notes)))


def _counting(
    annotations: Sequence[Annotation], coder: str, accounts: Collection[str], notes: list[str]
) -> Annotation | None:
    """The annotation that is the coder's second coding, None where there is none."""
    found = [one for one in annotations if not one.was_cancelled]
    if coder in accounts:
        others = {one.coder for one in found} - {coder}
        notes.extend(
            f"{other} coded excerpts that were {coder}'s to code again; that is left alone"
            for other in sorted(others)
        )
        found = [one for one in found if one.coder == coder]
    return found[0] if found else None


def _codings(
    annotation: Annotation,
    one: RecodeExcerpt,
    last: int,
    excerpt: Transcript,
    config: LabelConfig,
    notes: list[str],
) -> list[Coding]:
    """What was applied to the turn that was to be coded; the turns before it are context."""
    decoded = decode([dict(item) for item in annotation.result], excerpt, config)
    notes.extend(f"annotation {annotation.id}: {why}" for why in decoded.refused)
    if any(region.turn != last for region in decoded.regions):
        notes.append(
            f"annotation {annotation.id}: a region lies on what comes before the excerpt, and is "
            "left out"
        )
    return [
        Coding(
            transcript=one.transcript,
            turn=one.turn,
            start=region.start,
            end=region.end,
            code=code,
            coder=annotation.coder,
            coded_at=annotation.updated_at,
        )
        for region in decoded.regions
        if region.turn == last
        for code in region.codes
    ]
