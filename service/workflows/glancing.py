"""A study at a glance: who coded what, what became of suggestions, and what needs attention."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from annotations.errors import command
from annotations.numerals import decimals, form, many
from annotations.reliability.agreement import agreement_of
from service import queue
from service.house import House
from service.storage.overviews import TranscriptSummary
from service.storage.records import OPEN, OVER, DecisionCounts, Job, TaskLink, now
from service.storage.session import UnitOfWork
from service.workflows.model_codes import ModelCodes, codes_of_model
from service.workflows.studying import StudyView, show_study
from service.workflows.withholding import withheld

_PATIENCE = timedelta(seconds=60)
"""A job that waits for longer has no worker, or a busy one."""

_TENTATIVE = 0.667
"""Below this, by convention, agreement allows not even tentative conclusions."""

_FEW = 5
MANY = 100
"""So many jobs are on the page of a study, and ended ones on the page of its jobs."""

_NAMED = 5
"""So many codes are named in a sentence, the others counted."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Attention:
    """Something that the lead should see: what it is, and the page where it is dealt with."""

    message: str
    page: str


@dataclass(frozen=True, kw_only=True, slots=True)
class CodeGlance:
    """A code's gate in the model in use, its suggestions, and what coders decided on them.

    `kappa` is the held-out figure as a JSON document, None without a model that knows the
    code. `suggested` leaves out what is withheld.
    """

    code: str
    support: int
    gate: str | None
    reason: str | None
    kappa: Mapping[str, Any] | None
    suggested: int
    decisions: DecisionCounts

    @property
    def decided(self) -> int:
        """How many suggestions of it were decided on."""
        return self.decisions.accepted + self.decisions.changed + self.decisions.rejected


@dataclass(frozen=True, kw_only=True, slots=True)
class TranscriptLine:
    """A transcript with what is known of its suggestions: their number, or that they wait.

    `suggestions`: None where the model in use has not looked at it. `withheld`: it is in the
    blind sample and no person has read it to the end.
    """

    transcript: TranscriptSummary
    suggestions: int | None
    withheld: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class RecentJobs:
    """Jobs of a study, each part the newest first: all that wait or run, and the last ended."""

    waiting: tuple[Job, ...]
    over: tuple[Job, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Glance:
    """A study at a glance. `connected` tells whether it has a Label Studio project."""

    study: StudyView
    codes: tuple[CodeGlance, ...]
    jobs: RecentJobs
    connected: bool
    waiting: int
    suggested: int
    attention: tuple[Attention, ...]


def list_transcripts(house: House, study: str) -> tuple[TranscriptLine, ...]:
    """Every transcript of a study with its coders and suggestions."""
    with house.database.reading() as work:
        return _transcripts(work, study)


def glance(house: House, study: str) -> Glance:
    """Look at everything that a lead looks at daily; NotFound lists the studies there are."""
    view = show_study(house, study)
    with house.database.reading() as work:
        transcripts = _transcripts(work, study)
        hidden = {line.transcript.name for line in transcripts if line.withheld}
        read = {line.transcript.name for line in transcripts if line.transcript.readers}
        record = work.models.active(study)
        connection = work.label_studio.connection(study)
        tasks = work.label_studio.tasks(study)
        begun = frozenset(work.label_studio.annotated_transcripts(study))
        jobs = recent_jobs(work, study, few=True)
        latest = [work.jobs.latest(study, kind) for kind in queue.KINDS]
        suggested = Counter[str]()
        if record is not None:
            for one in work.overviews.suggestions(study, version=record.version):
                if one.transcript not in hidden:
                    suggested[one.code] += one.number
        paths = work.studies.codebook(study).paths
        proposed = len(work.codebooks.proposals(study))
        model = None if record is None else codes_of_model(work, study, record)
    known = {} if record is None else {one["code"]: one for one in record.figures.get("codes", ())}
    decisions = {one.code: one for one in view.decisions}
    codes = tuple(
        CodeGlance(
            code=path,
            support=known[path]["support"] if path in known else 0,
            gate=known[path]["gate"] if path in known else None,
            reason=known[path]["reason"] if path in known else None,
            kappa=known[path]["kappa"] if path in known else None,
            suggested=suggested[path],
            decisions=decisions.get(path)
            or DecisionCounts(code=path, accepted=0, changed=0, rejected=0, added=0),
        )
        for path in paths
        if path in known or path in decisions or suggested[path]
    )
    return Glance(
        study=view,
        codes=codes,
        jobs=jobs,
        connected=connection is not None,
        waiting=len(hidden),
        suggested=suggested.total(),
        attention=(
            *_of_study(view, connection is not None),
            *_of_jobs([job for job in latest if job is not None]),
            *_of_model(model),
            *_of_codes(codes),
            *_of_codebook(view, proposed, connected=connection is not None),
            *_of_blind(tasks, hidden, connected=connection is not None),
            *_of_pushing(
                [link for link in tasks if not link.blind and link.transcript not in begun | read],
                None if record is None else record.version,
            ),
        ),
    )


def recent_jobs(work: UnitOfWork, study: str, *, few: bool) -> RecentJobs:
    """A few jobs for the page of a study, or as many as a page of them alone holds."""
    waiting = work.jobs.list(study, states=OPEN)
    room = max(_FEW - len(waiting), 0) if few else MANY
    return RecentJobs(waiting=waiting, over=work.jobs.list(study, states=OVER, limit=room))


def weak_pairs(house: House, study: str) -> tuple[Attention, ...]:
    """Pairs of coders whose kappa, whole interval, lies below what allows conclusions.

    Reads the whole study: call from a thread that may wait.
    """
    with house.database.reading() as work:
        whole = work.studies.load(study)
    if len(whole.coders) < 2:
        return ()
    return tuple(
        Attention(
            message=f"{' and '.join(pair.coders)} agree little: kappa "
            f"{decimals(pair.kappa.value)}, 95% interval {decimals(pair.kappa.low)} to "
            f"{decimals(pair.kappa.high)}.",
            page="agreement",
        )
        for pair in agreement_of(whole.table()).pairs
        if pair.kappa.defined
        and pair.kappa.low is not None
        and pair.kappa.high is not None
        and pair.kappa.high < _TENTATIVE
    )


def _transcripts(work: UnitOfWork, study: str) -> tuple[TranscriptLine, ...]:
    found = work.overviews.transcripts(study)
    hidden = withheld(work, study, found)
    record = work.models.active(study)
    looked: frozenset[str] = frozenset()
    numbers = Counter[str]()
    if record is not None:
        looked = work.suggestions.looked_at(study, version=record.version)
        for one in work.overviews.suggestions(study, version=record.version):
            numbers[one.transcript] += one.number
    return tuple(
        TranscriptLine(
            transcript=item,
            suggestions=numbers[item.name]
            if item.name in looked and item.name not in hidden
            else None,
            withheld=item.name in hidden,
        )
        for item in found
    )


def _of_study(view: StudyView, connected: bool) -> list[Attention]:
    found = []
    if not view.transcripts:
        message = (
            f"There is no transcript yet. Import some: {command('import', view.study)} PATH..."
        )
        found.append(Attention(message=message, page="transcripts"))
    elif not view.codings and not view.unread.waiting:
        how = (
            "Code some in Label Studio."
            if connected
            else f"Import codings: {command('import', view.study)} PATH..., or code in Label "
            f"Studio: {command('label-studio', 'connect', view.study)}"
        )
        message = f"Nobody has coded yet, so there is nothing to learn from. {how}"
        found.append(Attention(message=message, page="transcripts"))
    elif not view.models:
        message = "There is no model yet. Start a training."
        found.append(Attention(message=message, page="jobs"))
    if view.codings and len(view.coders) == 1:
        message = "One coder alone has coded: agreement needs a second coder on some transcripts."
        found.append(Attention(message=message, page="agreement"))
    return found


def _of_jobs(latest: Sequence[Job]) -> list[Attention]:
    found = []
    for job in latest:
        if job.state == "failed":
            message = f"The last {job.kind} failed: {job.message}"
            found.append(Attention(message=message, page="jobs"))
        if job.state == "queued" and now() - job.created_at > _PATIENCE:
            message = (
                f"A {job.kind} waits for more than a minute. Does a worker run? Start one: "
                "second-coder worker"
            )
            found.append(Attention(message=message, page="jobs"))
    return found


def _of_codes(codes: Sequence[CodeGlance]) -> list[Attention]:
    silent = [one for one in codes if one.gate == "closed"]
    found = []
    for support, why in ((True, "for lack of support"), (False, "for want of agreement")):
        names = [one.code for one in silent if _lacks_support(one) is support]
        if names:
            are = many(len(names), "code is", "codes are")
            message = f"{are} not suggested {why}: {_named(names)}."
            found.append(Attention(message=message, page="codebook"))
    return found


def _of_model(model: ModelCodes | None) -> list[Attention]:
    if model is None or not model.stale:
        return []
    names = [one.code for one in model.stale]
    need = many(len(names), "code needs", "codes need")
    message = (
        f"{need} a training, since the model knows version {model.model_version} of the codebook "
        f"and there is version {model.version}: {_named(names)}."
    )
    return [Attention(message=message, page="models")]


def _named(codes: Sequence[str]) -> str:
    more = f" and {len(codes) - _NAMED} more" if len(codes) > _NAMED else ""
    return f"{', '.join(codes[:_NAMED])}{more}"


def _of_codebook(view: StudyView, proposed: int, *, connected: bool) -> list[Attention]:
    found = []
    if proposed:
        message = f"To accept or decline: {many(proposed, 'edit')} of the labels in Label Studio."
        found.append(Attention(message=message, page="codebook"))
    if view.unread.waiting:
        what = many(view.unread.waiting, "coding")
        message = (
            f"To choose, because the code was split: the part of {what}. See them: "
            f"{command('codebook', 'worklist', view.study)}"
            + (" (send them to their coders with --push)" if connected else "")
        )
        found.append(Attention(message=message, page="codebook"))
    return found


def _lacks_support(code: CodeGlance) -> bool:
    return "kappa" not in (code.reason or "")


def _of_blind(tasks: Sequence[TaskLink], hidden: set[str], *, connected: bool) -> list[Attention]:
    if not connected or not tasks:
        return []
    blind = [link for link in tasks if link.blind]
    if not blind:
        message = (
            "No transcript is in the blind sample, so the model cannot be checked on coding done "
            "without its suggestions. New transcripts are drawn when they are pushed."
        )
        return [Attention(message=message, page="transcripts")]
    if all(link.transcript in hidden for link in blind):
        message = (
            f"The blind sample ({many(len(blind), 'transcript')}) is not coded yet: until then "
            "nothing can be said of how suggestions influence coders."
        )
        return [Attention(message=message, page="transcripts")]
    return []


def _of_pushing(open_tasks: Sequence[TaskLink], version: str | None) -> list[Attention]:
    behind = [link for link in open_tasks if link.pushed_version != version]
    if version is None or not behind:
        return []
    message = (
        f"{many(len(behind), 'task')} in Label Studio {form(len(behind), 'is', 'are')} without the "
        "suggestions of the model in use. Push, so that coders see them."
    )
    return [Attention(message=message, page="jobs")]
