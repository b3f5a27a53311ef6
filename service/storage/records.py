"""What the repositories take and return where no core type says it already."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypedDict

from pydantic import SecretStr

from annotations.codebook import Code
from annotations.codebook_versions.operations import Edit
from annotations.codings import Coding
from annotations.drawing import Member
from models.suggestions import Suggestion


def now() -> datetime:
    """The moment, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class Added:
    """How many of each were new to the study. `attributes` counts transcripts whose changed.

    `interviewers` counts known turns that were marked as an interviewer's, or no longer are.
    `memos` counts those on codings, too, and `sets` those that got new members. `choices` counts
    codings of a split code that had waited for the part that came in.
    """

    transcripts: int = 0
    turns: int = 0
    codings: int = 0
    readings: int = 0
    codes: int = 0
    attributes: int = 0
    definitions: int = 0
    interviewers: int = 0
    memos: int = 0
    sets: int = 0
    choices: int = 0

    @property
    def anything(self) -> bool:
        """Whether the study changed at all."""
        return any(
            (
                self.transcripts,
                self.turns,
                self.codings,
                self.readings,
                self.codes,
                self.attributes,
                self.definitions,
                self.interviewers,
                self.memos,
                self.sets,
                self.choices,
            )
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class CoderSummary:
    """One coder's share of a study: turns read, in how many transcripts, codings applied.

    Turns and codings are without those on which a choice is to be made.
    """

    coder: str
    transcripts: int
    turns: int
    codings: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Unread:
    """People's codings that a version of the codebook leaves out of its table, and why.

    `waiting` for a choice after a split; `beside` those, of other codes on the same coder's
    turns, and of everybody on the `unsettled` turns, where the team's agreed coding waits; of
    `retired` codes; of codes `later` than the version.
    """

    waiting: int = 0
    beside: int = 0
    unsettled: int = 0
    retired: int = 0
    later: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class WaitingCoding:
    """A coding (its row id) of a code that was split, waiting for a choice among `options`.

    `code` is what it was coded with, as that was called then.
    """

    coding: int
    transcript: str
    turn: int
    start: int
    end: int
    code: str
    options: tuple[str, ...]
    coder: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RetiredCoding:
    """A coding that counts nowhere: its `code`, as called last, is retired since a version."""

    transcript: str
    turn: int
    start: int
    end: int
    code: str
    since: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Proposal:
    """An edit of the codebook that was found in Label Studio: open, accepted or declined."""

    number: int
    operation: Edit
    state: str
    found_at: datetime
    decided_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class StudySummary:
    """A study in numbers. `coded` counts transcripts of which a person read a turn.

    `codings`, `readings` and `coders` are people's, without turns on which a choice is to be made
    after a split; `model_codings` came in with files.
    The turns of `interviewers` are context, or with `code_interviewer` coded like all others.
    """

    name: str
    created_at: datetime
    transcripts: int
    coded: int
    turns: int
    words: int
    interviewers: tuple[str, ...]
    code_interviewer: bool
    codes: int
    codings: int
    model_codings: int
    readings: int
    coders: tuple[CoderSummary, ...]
    models: int
    active_model: str | None
    codebook_version: int
    unread: Unread


@dataclass(frozen=True, kw_only=True, slots=True)
class CodeSummary:
    """A code with the number of codings of it and of the transcripts that they are in."""

    code: Code
    codings: int
    transcripts: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelRecord:
    """A published model version; `figures` is the training report as a JSON document.

    `codebook_version` is the version of the codebook whose codes it knows.
    """

    version: str
    encoder: str
    size_bytes: int
    figures: Mapping[str, Any]
    created_at: datetime = field(default_factory=now)
    active: bool = True
    codebook_version: int = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredSuggestion:
    """A suggestion as it was made, and the Label Studio region that shows it, if one does.

    Its code is as the codebook version that was asked for calls it; `silent` says that it has
    none for it, and `options` are the parts where it was split.
    """

    suggestion: Suggestion
    region_id: str | None
    shown: bool
    created_at: datetime
    silent: bool = False
    options: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Connection:
    """A study's Label Studio project. Token and secret are not in its repr.

    `blind_share` (0 to 1) and `seed` decide which transcripts are in the blind sample.
    `labels_version` is the version of the codebook whose labels the annotations there have,
    `label_config` what was written there last, and `label_config_next` what is being written;
    None where that is not known.
    """

    study: str
    url: str
    token: SecretStr
    project_id: int
    ml_url: str | None
    webhook_id: int | None
    webhook_secret: SecretStr
    blind_share: float
    seed: int
    labels_version: int | None = None
    label_config: str | None = field(default=None, repr=False)
    label_config_next: str | None = field(default=None, repr=False)

    def wrote(self, label_config: str) -> bool:
        """Whether a project's labels are as they were written from here."""
        ours = (self.label_config, self.label_config_next)
        return label_config.strip() in [one.strip() for one in ours if one is not None]


class ConnectionChanges(TypedDict, total=False):
    """Fields of a connection that change by themselves, without those of whoever connected."""

    blind_share: float
    labels_version: int
    label_config: str
    label_config_next: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskLink:
    """Which transcript is in which task, and what was pushed to it.

    `blind`: its suggestions are withheld. `pushed_version` is the model version whose
    prediction (`prediction_id`, where Label Studio told it) the task carries.
    """

    task_id: int
    transcript: str
    blind: bool
    pushed_version: str | None = None
    prediction_id: int | None = None
    pushed_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class DrawRecord:
    """A sample that was drawn: how, with which model in use, and every member.

    `unsure_of` are the codes whose doubtful transcripts were likelier to be drawn, none named for
    all codes; None where chances were even.
    """

    size: int
    by: tuple[str, ...]
    allocation: str
    seed: int
    version: str | None
    members: tuple[Member, ...]
    unsure_of: tuple[str, ...] | None = None
    created_at: datetime = field(default_factory=now)


@dataclass(frozen=True, kw_only=True, slots=True)
class RecodeExcerpt:
    """An excerpt drawn to be coded again, and both codings under the newest codebook.

    `key` names it in Label Studio. `after` is None as long as it did not come back. `undecided`:
    one of its codes was split, and nobody can say which part was meant. `younger` codes were not
    in the codebook when it was coded first, `redefined` ones have another definition now.
    """

    transcript: str
    turn: int
    key: str
    stratum: str
    probability: float
    coded_at: datetime | None
    before: tuple[Coding, ...]
    after: tuple[Coding, ...] | None = None
    recoded_at: datetime | None = None
    annotator: str | None = None
    undecided: bool = False
    younger: frozenset[str] = frozenset()
    redefined: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True, slots=True)
class RecodeDraw:
    """One coder's excerpts of one draw, in the order in which they are to be coded.

    `size` is what was asked for (None: as usual), `days` how old codings had to be; `project_id`
    is None before the push.
    """

    coder: str
    size: int | None
    seed: int
    days: int
    key: str
    excerpts: tuple[RecodeExcerpt, ...]
    created_at: datetime = field(default_factory=now)
    project_id: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class AnnotationRecord:
    """One Label Studio annotation as it was fetched; times are Label Studio's.

    `assisted`: suggestions were visible to the coder; `shown_version` names their model.
    `lead_time` is in seconds.
    """

    annotation_id: int
    task_id: int
    transcript: str
    coder: str
    created_at: datetime
    updated_at: datetime
    cancelled: bool
    assisted: bool
    parent_prediction: int | None
    shown_version: str | None
    result: Sequence[Mapping[str, Any]]
    lead_time: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Replaced:
    """What storing an annotation did: it was `new`, `changed`, `unchanged`, or `outdated`.

    An outdated one, older than what is stored, was not written.
    """

    outcome: str

    @property
    def is_news(self) -> bool:
        """Whether the study's data is different now."""
        return self.outcome in ("new", "changed")


@dataclass(frozen=True, kw_only=True, slots=True)
class DecisionRecord:
    """What a coder did with a suggestion: accepted, changed, rejected; or added of their own.

    `start` and `end` are as the coder left it, `shown_*` as it was suggested (None: added).
    """

    annotation_id: int
    transcript: str
    turn: int
    start: int
    end: int
    code: str
    kind: str
    coder: str
    model_version: str | None
    decided_at: datetime
    shown_turn: int | None
    shown_start: int | None
    shown_end: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class DecisionCounts:
    """How often each kind of decision fell on one code."""

    code: str
    accepted: int
    changed: int
    rejected: int
    added: int


OPEN = ("queued", "running")
OVER = ("finished", "failed", "cancelled")
"""States of jobs: those that something will still happen to, and those of the others."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """Slow work. `state` is queued, running, finished, failed or cancelled.

    `done` of `total` steps of the `stage`; `message` says why it failed.
    """

    id: int
    kind: str
    study: str
    state: str
    payload: Mapping[str, Any]
    attempts: int
    worker: str | None
    stage: str
    done: int
    total: int
    cancel_requested: bool
    result: Mapping[str, Any] | None
    message: str | None
    created_at: datetime
    started_at: datetime | None
    heartbeat_at: datetime | None
    finished_at: datetime | None

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.state in OVER


@dataclass(frozen=True, kw_only=True, slots=True)
class Recovered:
    """Jobs whose worker died: those to run again, those given up, those cancelled."""

    queued: tuple[Job, ...]
    failed: tuple[Job, ...]
    cancelled: tuple[Job, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class JobCount:
    """How many jobs of a kind are in a state."""

    kind: str
    state: str
    number: int


@dataclass(frozen=True, kw_only=True, slots=True)
class SuggestionCount:
    """How many suggestions are kept, by whether coders see them."""

    shown: int
    withheld: int
