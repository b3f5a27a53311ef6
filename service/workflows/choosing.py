"""The worklist after a split: which excerpts need a choice, pushed to coders, and taken back."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from annotations.codebook_versions.reading import CodebookMap
from annotations.errors import StateError
from annotations.formats.label_config import LabelConfig, label_config_for
from annotations.formats.regions import PredictedSpan, result_of, task_data_of
from annotations.transcripts import Transcript
from service.house import House
from service.label_studio import choosing
from service.label_studio.client import Client
from service.label_studio.records import NewPrediction
from service.storage.records import Connection
from service.workflows.labelling import client_of, config_of, connection_of, known_labels
from service.workflows.part_proposals import (
    SCORE,
    ProposedPart,
    open_to_proposals,
    propose_parts,
)
from service.workflows.training import Progress


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkItem:
    """An excerpt that needs a choice; `text` only on request.

    `proposed` is None where the study has no model in use, and in transcripts that people code
    without one (the blind sample, what was drawn).
    """

    transcript: str
    turn: int
    start: int
    end: int
    code: str
    options: tuple[str, ...]
    coder: str
    coding: int
    proposed: ProposedPart | None
    text: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Worklist:
    """All excerpts of a study that need a choice.

    `withheld` of them lie in transcripts that people code without a model's proposals.
    """

    study: str
    items: tuple[WorkItem, ...]
    withheld: int


@dataclass(frozen=True, kw_only=True, slots=True)
class PushedChoices:
    """The project of choices: `created` tasks are new, `items` excerpts are in them."""

    study: str
    project_id: int
    project_url: str
    created: int
    items: int


def worklist(
    house: House,
    study: str,
    *,
    text: bool = False,
    progress: Progress = lambda _stage, _done, _total: None,
) -> Worklist:
    """The excerpts whose code was split, with what the model would choose."""
    with house.database.reading() as work:
        waiting = work.codebooks.waiting(study)
        transcripts = {
            name: work.studies.transcript(study, name)
            for name in dict.fromkeys(one.transcript for one in waiting)
        }
        open_ = open_to_proposals(work, study, transcripts)
    proposed = propose_parts(
        house,
        study,
        waiting,
        {name: item for name, item in transcripts.items() if name in open_},
        progress,
    )
    return Worklist(
        study=study,
        items=tuple(
            WorkItem(
                transcript=one.transcript,
                turn=one.turn,
                start=one.start,
                end=one.end,
                code=one.code,
                options=one.options,
                coder=one.coder,
                coding=one.coding,
                proposed=proposed.get(one.coding),
                text=transcripts[one.transcript].turns[one.turn].text[one.start : one.end]
                if text
                else None,
            )
            for one in waiting
        ),
        withheld=sum(one.transcript not in open_ for one in waiting),
    )


def push_worklist(
    house: House,
    study: str,
    *,
    progress: Progress = lambda _stage, _done, _total: None,
) -> PushedChoices:
    """Make a task for each coder's excerpts of a transcript, the model's proposal in them.

    A coding goes there once. Raises StateError where nothing waits.
    """
    found = worklist(house, study, progress=progress)
    if not found.items:
        raise StateError(f"Nothing in {study} waits for a choice: no split left any excerpt open.")
    with house.database.reading() as work:
        connection = connection_of(work, study)
        codebook = work.studies.codebook(study)
        former = work.codebooks.former_names(study)
        labels = known_labels(work, study)
        transcripts = {item.name: item for item in work.studies.transcripts(study)}
    client = client_of(connection)
    # Raises where the study's own project is gone, to which this one belongs.
    config_of(client, connection, labels)
    kept = {one.code: former[one.code] for one in found.items if one.code in former}
    project = choosing.open_project(
        client,
        connection.project_id,
        study=study,
        label_config=label_config_for(codebook, kept),
    )
    config = LabelConfig.parse(project.label_config, labels)
    tasks = client.tasks(project.id)
    there = {coding for task in tasks for coding in choosing.codings_in(task)}
    new: dict[tuple[str, str], list[WorkItem]] = defaultdict(list)
    for item in found.items:
        if item.coding not in there:
            new[item.transcript, item.coder].append(item)
    progress("making tasks", 0, len(new))
    made = client.create_tasks(
        project.id,
        [
            {
                **task_data_of(transcripts[transcript]),
                "coder": coder,
                "codings": [one.coding for one in items],
            }
            for (transcript, coder), items in new.items()
        ],
    )
    # Also of tasks that an earlier push was cut off before it could fill.
    filled = {one.task for one in client.predictions(project.id)}
    by_coding = {one.coding: one for one in found.items}
    numbers = {task.id: choosing.codings_in(task) for task in tasks} | {
        task: tuple(one.coding for one in items)
        for task, items in zip(made, new.values(), strict=True)
    }
    client.create_predictions(
        project.id,
        [
            NewPrediction(
                task=task,
                result=_regions(
                    [by_coding[one] for one in codings if one in by_coding], transcripts, config
                ),
                score=None,
                model_version=choosing.WAITING,
            )
            for task, codings in numbers.items()
            if task not in filled and any(one in by_coding for one in codings)
        ],
    )
    if project.model_version != choosing.WAITING:
        client.update_project(project.id, {"model_version": choosing.WAITING})
    progress("making tasks", len(new), len(new))
    return PushedChoices(
        study=study,
        project_id=project.id,
        project_url=client.project_url(project.id),
        created=len(made),
        items=len(found.items),
    )


def take_choices(house: House, study: str, client: Client, connection: Connection) -> int:
    """Note what coders chose; how many choices are new or different.

    A region that still has the label of the split code is not decided on.
    """
    found = choosing.chosen(client, connection.project_id)
    if not found:
        return 0
    with house.database.unit_of_work() as work:
        history = work.codebooks.history(study)
        read = CodebookMap(history, history.current.number)
        codes = history.current.by_id
        # A coding that was never split has nothing to choose.
        asked = {
            one.coding.id: one.coding
            for one in work.codebooks.record(study)
            if read.read(one.coding.code, one.coding.version).options
        }

        def parts(coding: int, paths: Sequence[str], at: datetime) -> list[str]:
            """The codes of today that a region's labels name, but for the code that was split."""
            bearers = [history.bearer(path, at=at) for path in paths]
            fates = [
                read.read(bearer.code, bearer.version)
                for bearer in bearers
                if bearer is not None and bearer.code != asked[coding].code
            ]
            return [codes[code].path for fate in fates for code in fate.codes]

        changed = 0
        for one in found:
            choices = {
                coding: parts(coding, paths, one.at)
                for coding, paths in one.codes.items()
                if coding in asked
            }
            changed += work.codebooks.choose(
                study,
                {
                    coding: decided
                    for coding, decided in choices.items()
                    if decided or not one.codes[coding]
                },
                by=one.coder,
                at=one.at,
                # A proposal is a region that came with another label than the split code's.
                assisted={
                    coding for coding in choices if parts(coding, one.shown.get(coding, ()), one.at)
                },
            )
        work.commit()
    return changed


def _why(proposed: ProposedPart) -> str:
    if proposed.basis == SCORE:
        return f"The model's proposal, score {proposed.score:.2f}."
    return (
        "The model's proposal: nearest to what the codebook says of it, and to what was coded so "
        f"(likeness {proposed.score:.2f})."
    )


def _regions(
    items: Sequence[WorkItem], transcripts: Mapping[str, Transcript], config: LabelConfig
) -> list[dict[str, object]]:
    regions: list[dict[str, object]] = []
    for one in items:
        code = one.code if one.proposed is None else one.proposed.code
        reason = f"Coded {one.code} by {one.coder}. Choose: {' or '.join(one.options)}."
        if one.proposed is not None:
            reason += f"\n{_why(one.proposed)}"
        span = PredictedSpan(
            turn=one.turn,
            start=one.start,
            end=one.end,
            code=code,
            score=0.0 if one.proposed is None else one.proposed.score,
            reason=reason,
        )
        regions += [
            {**region, "id": choosing.region_of(one.coding)}
            for region in result_of([span], transcripts[one.transcript], config)
        ]
    return regions
