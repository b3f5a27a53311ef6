"""Old excerpts drawn for coders to code again, and sent to them blind."""

import secrets
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from annotations.codings import ADJUDICATED
from annotations.errors import NotFound, StateError, command
from annotations.formats.label_config import label_config_for
from annotations.numerals import form, many
from annotations.recoding import (
    OldExcerpt,
    draw_excerpts,
    excerpt_of,
    not_drawn_yet,
    old_excerpts,
)
from annotations.reliability.drift.recoded import SOON
from annotations.study import Study
from annotations.transcripts import Transcript
from service.house import House
from service.label_studio import recoding
from service.label_studio.client import Client
from service.storage.records import Connection, RecodeDraw, RecodeExcerpt, now
from service.workflows.labelling import client_of, config_of, connection_of, known_labels
from service.workflows.training import Progress

_KEY_BYTES = 6


@dataclass(frozen=True, kw_only=True, slots=True)
class PushedExcerpts:
    """One coder's project: `created` tasks are new, `tasks` are there in all."""

    project_id: int
    project_url: str
    created: int
    tasks: int


@dataclass(frozen=True, kw_only=True, slots=True)
class StratumDrawn:
    """Excerpts whose rarest code is `code` (empty: without a code), and how many were drawn."""

    code: str
    drawn: int
    probability: float


@dataclass(frozen=True, kw_only=True, slots=True)
class CoderPlan:
    """What one coder is to code again; `before`: it had been drawn already.

    `oldest` and `newest` are when it was coded, None where nothing tells. `returned` excerpts
    are coded again by now.
    """

    coder: str
    seed: int
    drawn_at: datetime
    before: bool
    excerpts: int
    returned: int
    transcripts: tuple[str, ...]
    oldest: datetime | None
    newest: datetime | None
    undated: int
    strata: tuple[StratumDrawn, ...]
    pushed: PushedExcerpts | None


@dataclass(frozen=True, kw_only=True, slots=True)
class RecodePlan:
    """Everybody's excerpts; `notes` say what could not be drawn, and what to beware of."""

    study: str
    coders: tuple[CoderPlan, ...]
    notes: tuple[str, ...]


def recode_sample(
    house: House,
    study: str,
    *,
    size: int | None = None,
    coders: Sequence[str] = (),
    seed: int | None = None,
    days: int | None = None,
    to_label_studio: bool = False,
    progress: Progress = lambda _stage, _done, _total: None,
) -> RecodePlan:
    """Draw old excerpts of each coder (or of these), and with `to_label_studio` send them.

    The same request changes nothing, nor does one that leaves all open. Another one draws a
    further round from what was not drawn yet, in place of a draw that nobody was sent. Drawn is
    what was coded at least `days` ago, without suggestions in sight. Raises NotFound for a coder
    whom the study does not have, StateError where there is nothing to draw, or no Label Studio.
    """
    notes: list[str] = []
    with house.database.unit_of_work() as work:
        whole = work.studies.load(study)
        if to_label_studio:
            connection_of(work, study)
        names = _coders(whole, coders)
        found: list[tuple[RecodeDraw, bool]] = []
        draws = work.recodings.list(study)
        for name in names:
            own = [draw for draw in draws if draw.coder == name]
            newest = own[-1] if own else None
            if newest is not None and _is(newest, size, seed, days):
                found.append((newest, True))
                continue
            if newest is not None and newest.project_id is None:
                work.recodings.remove(study, newest.key)
                own.pop()
            candidates = _candidates(whole, name, own, days or 0)
            if not candidates:
                notes.append(f"{name} {_nothing(whole, name, own, days or 0)}")
                continue
            draw = _drawn(candidates, name, size, seed or 0, days or 0)
            work.recodings.add(study, draw)
            found.append((draw, False))
        if not found:
            raise StateError("; ".join(notes) + ".")
        work.commit()
    pushed = (
        _push(house, study, whole, [draw for draw, _ in found], progress) if to_label_studio else {}
    )
    notes += _notes([draw for draw, _ in found])
    return RecodePlan(
        study=study,
        coders=tuple(_plan(draw, before, pushed.get(draw.key)) for draw, before in found),
        notes=tuple(notes),
    )


def _coders(study: Study, asked: Sequence[str]) -> tuple[str, ...]:
    there = tuple(one for one in study.coders if one != ADJUDICATED)
    if not there:
        raise StateError(
            f"nobody has coded {study.name} yet, so there is nothing to code again. "
            f"Import some: {command('import', study.name)} PATH..."
        )
    for name in asked:
        if name not in there:
            raise NotFound(
                f"There is no coder {name!r} in {study.name}. The coders are: {', '.join(there)}."
            )
    return tuple(dict.fromkeys(asked)) or there


def _is(draw: RecodeDraw, size: int | None, seed: int | None, days: int | None) -> bool:
    """Whether a request asks for this draw; what it leaves open is as it was."""
    return size in (None, draw.size) and seed in (None, draw.seed) and days in (None, draw.days)


def _candidates(
    study: Study, coder: str, earlier: Sequence[RecodeDraw], days: int
) -> tuple[OldExcerpt, ...]:
    seen = {(one.transcript, one.turn) for draw in earlier for one in draw.excerpts}
    latest = now() - timedelta(days=days)
    return tuple(
        one
        for one in not_drawn_yet(old_excerpts(study, coder), seen)
        # A file without times tells no age: the plan says how many those are.
        if one.coded_at is None or days == 0 or one.coded_at <= latest
    )


def _nothing(study: Study, coder: str, earlier: Sequence[RecodeDraw], days: int) -> str:
    if not old_excerpts(study, coder):
        return (
            "has coded nothing without suggestions in sight: a second coding without them would "
            "differ for that alone"
        )
    if days and _candidates(study, coder, earlier, 0):
        return f"has coded nothing that is {many(days, 'day')} old: ask for a smaller --older-than"
    return "has been sent everything already: wait until they have coded more"


def _drawn(
    candidates: Sequence[OldExcerpt], coder: str, size: int | None, seed: int, days: int
) -> RecodeDraw:
    return RecodeDraw(
        coder=coder,
        size=size,
        seed=seed,
        days=days,
        key=secrets.token_hex(_KEY_BYTES),
        excerpts=tuple(
            RecodeExcerpt(
                transcript=one.old.transcript,
                turn=one.old.turn,
                key=secrets.token_hex(_KEY_BYTES),
                stratum=one.stratum,
                probability=one.probability,
                coded_at=one.old.coded_at,
                before=one.old.codings,
            )
            for one in draw_excerpts(candidates, size=size, seed=seed)
        ),
    )


def _push(
    house: House, study: str, whole: Study, draws: Sequence[RecodeDraw], progress: Progress
) -> dict[str, PushedExcerpts]:
    with house.database.reading() as work:
        connection = connection_of(work, study)
        former = work.codebooks.former_names(study)
        labels = known_labels(work, study)
    client = client_of(connection)
    # Raises where the study's own project is gone, to which these belong.
    config_of(client, connection, labels)
    # What was coded under an older codebook has its labels still.
    config = label_config_for(whole.codebook, former)
    transcripts = {item.name: item for item in whole.transcripts}
    done: dict[str, PushedExcerpts] = {}
    for number, draw in enumerate(draws):
        progress("making tasks", number, len(draws))
        done[draw.key] = _send(house, study, client, connection, draw, transcripts, config)
    progress("making tasks", len(draws), len(draws))
    return done


def _send(
    house: House,
    study: str,
    client: Client,
    connection: Connection,
    draw: RecodeDraw,
    transcripts: dict[str, Transcript],
    config: str,
) -> PushedExcerpts:
    """Make the tasks that are not there yet, as an earlier push may have been cut off."""
    project = recoding.open_project(
        client, connection.project_id, key=draw.key, label_config=config
    )
    with house.database.unit_of_work() as work:
        work.recodings.pushed(study, draw.key, project.id)
        work.commit()
    there = {recoding.key_of(task) for task in client.tasks(project.id)}
    new = [one for one in draw.excerpts if one.key not in there]
    made = client.create_tasks(
        project.id,
        [
            recoding.data_of(excerpt_of(transcripts[one.transcript], one.turn), one.key)
            for one in new
        ],
    )
    return PushedExcerpts(
        project_id=project.id,
        project_url=client.project_url(project.id),
        created=len(made),
        tasks=len(draw.excerpts),
    )


def _plan(draw: RecodeDraw, before: bool, pushed: PushedExcerpts | None) -> CoderPlan:
    times = [one.coded_at for one in draw.excerpts if one.coded_at is not None]
    drawn = Counter(one.stratum for one in draw.excerpts)
    chance = {one.stratum: one.probability for one in draw.excerpts}
    return CoderPlan(
        coder=draw.coder,
        seed=draw.seed,
        drawn_at=draw.created_at,
        before=before,
        excerpts=len(draw.excerpts),
        returned=sum(one.after is not None for one in draw.excerpts),
        transcripts=tuple(sorted({one.transcript for one in draw.excerpts})),
        oldest=min(times, default=None),
        newest=max(times, default=None),
        undated=len(draw.excerpts) - len(times),
        strata=tuple(
            StratumDrawn(code=code, drawn=count, probability=chance[code])
            for code, count in sorted(drawn.items())
        ),
        pushed=pushed,
    )


def _notes(draws: Sequence[RecodeDraw]) -> list[str]:
    notes = []
    for draw in draws:
        latest = draw.created_at - timedelta(days=SOON)
        fresh = sum(one.coded_at is not None and one.coded_at > latest for one in draw.excerpts)
        if fresh:
            notes.append(
                f"{many(fresh, 'excerpt')} of {draw.coder} {form(fresh, 'was', 'were')} coded less "
                f"than {SOON} days before the draw: what a coder remembers is not coded anew. "
                f"Leave such out with --older-than {SOON}"
            )
        if draw.size is not None and len(draw.excerpts) < draw.size:
            notes.append(
                f"{draw.coder} has only {many(len(draw.excerpts), 'excerpt')} to draw from, and "
                f"codes {form(len(draw.excerpts), 'it', 'all of them')} again"
            )
    return notes
