"""Label Studio's native JSON export: tasks with their annotations.

A transcript is named by its task's data (see `NAME_KEYS`), else `task ID`. A finished
annotation reads every turn of its transcript, also one without results; a cancelled one is
refused. Two annotations of one coder on one transcript count as one that applied the codes of
both. Labels of all controls are codes, by the names they have there; what coders typed beside a
region is the memo of its codings.
"""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePath
from typing import Any

from annotations.codebook import no_text
from annotations.codings import Coding, Reading
from annotations.formats.intake import Intake, Place
from annotations.formats.label_config import code_of_label
from annotations.formats.results import (
    CODED_TYPES,
    MEMO_TYPE,
    Json,
    Span,
    UnreadableRegion,
    labels_of,
    memos_of,
    spans_of,
)
from annotations.numerals import form, many
from annotations.transcripts import Transcript, Turn

NAME_KEYS = ("transcript", "name", "title", "document", "filename", "file_name", "file", "id")
"""Keys of the data that name a transcript, the first that does so for every task; after these
any key that begins or ends with `id` as a word."""

MOST_VALUES = 3_000_000
"""Commas and brackets of an export that are read: each may become an object in memory."""

ATTRIBUTE = "attribute "
"""How the keys of a task's data begin that are a transcript's attributes."""

UNDECIDED = "undecided_turns"
"""Key of an annotation of our own export: turns that its coder has a choice to make on."""

_ID_KEY = re.compile(r"id\b.*|.*(?:\b|_)id", re.IGNORECASE)
_LONGEST_NAME = 200
_LONGEST_OWN = 1000
_ADDRESS = re.compile(r"(?:[a-z][a-z0-9+.-]*://|/data/)\S+", re.IGNORECASE)
_WORDS_KEYS = ("text", "words", "content", "utterance", "dialogue")
_SPEAKER_KEYS = ("speaker", "author", "name", "role")


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """A task of an export whose transcript was taken in."""

    place: Place
    label: str
    transcript: Transcript
    annotations: Sequence[Any]
    predictions: Sequence[Any]
    drafts: int = 0


_NAMED = 10
"""Transcripts that a message names; a large project has hundreds."""


def read_tasks(file: str, text: str, intake: Intake) -> tuple[Task, ...]:
    """Put in the transcripts of an export; its annotations come later, after all codes."""
    place = Place(file=file)
    values = text.count(",") + text.count("[") + text.count("{")
    if values > MOST_VALUES:
        intake.problem(
            place, f"holds {values:,} values, more than {MOST_VALUES:,}; export it in parts"
        )
        return ()
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        where = Place(file=file, line=error.lineno)
        intake.problem(where, f"not valid JSON ({error.msg}); export the project again")
        return ()
    except RecursionError:
        intake.problem(place, "nested too deeply for a Label Studio export")
        return ()
    except ValueError:
        intake.problem(place, "holds a number of thousands of digits; export the project again")
        return ()
    entries = [found] if isinstance(found, dict) and "data" in found else found
    if not isinstance(entries, list) or not all(
        isinstance(entry, dict) and isinstance(entry.get("data"), dict) for entry in entries
    ):
        intake.problem(
            place,
            "not a Label Studio export: expected a list of tasks that each have 'data' and "
            "'annotations'; export the project as JSON (not JSON-MIN, CSV or another format)",
        )
        return ()
    if not entries:
        intake.problem(place, "an export without tasks; choose a project or tab that has some")
        return ()
    words_key = _words_key([entry["data"] for entry in entries])
    turns = [_turns(entry["data"].get(words_key)) for entry in entries]
    names = _names(entries, turns, words_key)
    tasks = []
    for number, (entry, of_entry) in enumerate(zip(entries, turns, strict=True)):
        label = f"task {entry.get('id', number + 1)}"
        name = names[number] or (label if "id" in entry else f"{_stem(file)} {number + 1}")
        wrong = _wrong(of_entry)
        if of_entry is None or wrong:
            intake.problem(place, f"{label}: {wrong or _no_words(entry['data'], words_key)}")
            intake.lost_transcript(name)
            continue
        taken = intake.add_transcript(Transcript(name=name, turns=of_entry), place)
        if taken is not None:
            _add_attributes(entry["data"], name, place, intake)
            task = Task(
                place=place,
                label=label if name == label else f"{label} (transcript {name!r})",
                transcript=taken,
                annotations=_list(entry.get("annotations")),
                predictions=_list(entry.get("predictions")),
                drafts=len(_list(entry.get("drafts"))),
            )
            tasks.append(task)
    return tuple(tasks)


def _add_attributes(data: Json, name: str, place: Place, intake: Intake) -> None:
    """Put in what our own export keeps of a transcript beside its words."""
    found = {
        key.removeprefix(ATTRIBUTE): value
        for key, value in data.items()
        if key.startswith(ATTRIBUTE) and key != ATTRIBUTE and isinstance(value, str)
    }
    if wrong := no_text("".join((*found, *found.values()))):
        intake.problem(place, f"an attribute of transcript {name!r} {wrong}; mend it")
    elif found:
        intake.add_attributes(name, found, place)


def read_annotations(tasks: Sequence[Task], intake: Intake) -> None:
    """Put in the codings and readings of the tasks' annotations, with what they leave out."""
    listed = intake.listed
    numbers: dict[Place, dict[str, None]] = {}
    left_out: Counter[tuple[Place, str]] = Counter()
    drafts: dict[Place, list[Task]] = defaultdict(list)
    again: dict[Place, list[Task]] = defaultdict(list)
    for task in tasks:
        if task.drafts:
            drafts[task.place].append(task)
        coders: set[str] = set()
        for annotation in task.annotations:
            if not isinstance(annotation, dict) or not isinstance(
                annotation.get("result") or [], list
            ):
                intake.problem(task.place, f"{task.label}: an annotation without a list of results")
                continue
            coder = _coder(annotation.get("completed_by")) or intake.coder
            if coder is None:
                intake.problem(
                    task.place, f"{task.label}: an annotation names no coder; say --coder NAME"
                )
            elif wrong := no_text(coder):
                intake.problem(task.place, f"{task.label}: the name of a coder {wrong}; mend it")
            elif annotation.get("was_cancelled"):
                intake.refuse(
                    task.place, f"{task.label}: the annotation by {coder} was cancelled (skipped)"
                )
            else:
                _read_annotation(task, annotation, coder, listed, intake, left_out)
                if coder in coders:
                    again[task.place].append(task)
                coders.add(coder)
                if coder.isdecimal():
                    numbers.setdefault(task.place, {})[coder] = None
    for (place, what), count in left_out.items():
        intake.refuse(place, f"{many(count, 'result')} {what}")
    for place, of_file in drafts.items():
        intake.refuse(place, _drafts(of_file))
    for place, found in numbers.items():
        intake.note(
            place,
            f"names coders by number ({', '.join(found)}), as Label Studio's plain export does: "
            "they are other coders than people of the study who have names",
        )
    for place, of_file in again.items():
        intake.note(
            place,
            f"a coder has more than one annotation of {_named(of_file)}: their codings were taken "
            "together",
        )


def _drafts(tasks: Sequence[Task]) -> str:
    """One line for all of a file."""
    count = sum(task.drafts for task in tasks)
    return f"{many(count, 'draft')}, which nobody submitted ({_named(tasks)})"


def _named(tasks: Sequence[Task]) -> str:
    named = ", ".join(repr(task.transcript.name) for task in tasks[:_NAMED])
    more = f" and {len(tasks) - _NAMED} more" if len(tasks) > _NAMED else ""
    return f"{form(len(tasks), 'transcript', 'transcripts')} {named}{more}"


def _list(value: object) -> Sequence[Any]:
    return value if isinstance(value, list) else ()


def _read_annotation(
    task: Task,
    annotation: Json,
    coder: str,
    listed: frozenset[str] | None,
    intake: Intake,
    left_out: Counter[tuple[Place, str]],
) -> None:
    result = [item for item in annotation.get("result") or [] if isinstance(item, dict)]
    assisted = _assisted(task, annotation, result)
    name = task.transcript.name
    undecided = _list(annotation.get(UNDECIDED))
    for turn in task.transcript.turns:
        if turn.index not in undecided:
            intake.add_reading(
                Reading(transcript=name, turn=turn.index, coder=coder, assisted=assisted)
            )
    when = _time(annotation.get("updated_at") or annotation.get("created_at"))
    memos = memos_of(result)
    if wrong := no_text("".join(memos.values())):
        intake.problem(task.place, f"{task.label}: a memo {wrong}; mend it")
    coded = {str(item.get("id", "")) for item in result if item.get("type") in CODED_TYPES}
    for item in result:
        kind = item.get("type")
        if kind == MEMO_TYPE and str(item.get("id", "")) in coded:
            continue
        if kind not in CODED_TYPES:
            left_out[task.place, f"of kind {kind!r}, which is no coding"] += 1
            continue
        spans: tuple[Span, ...] = ()
        try:
            spans = spans_of(item, task.transcript)
        except UnreadableRegion as error:
            left_out[task.place, f"of kind {kind!r} {error}"] += 1
            continue
        labels = labels_of(item)
        codes = dict.fromkeys(code_of_label(label, listed or ()) for label in labels)
        codes.pop("", None)
        if not codes:
            left_out[task.place, f"of kind {kind!r} without a label"] += 1
        for code in codes:
            for at, span in enumerate(spans):
                coding = Coding(
                    transcript=name,
                    turn=span.turn,
                    start=span.start,
                    end=span.end,
                    code=code,
                    coder=coder,
                    coded_at=when,
                    memo="" if at else memos.get(str(item.get("id", "")), ""),
                )
                intake.add_coding(coding, task.place, listed)


def _assisted(task: Task, annotation: Json, result: Sequence[Json]) -> bool:
    """Whether suggestions were, or may have been, visible: in doubt they were."""
    if isinstance(annotation.get("assisted"), bool):  # as our own export says
        return bool(annotation["assisted"])
    if annotation.get("parent_prediction") or annotation.get("prediction"):
        return True
    if any(str(item.get("origin")).startswith("prediction") for item in result):
        return True
    made = _time(annotation.get("created_at"))
    for prediction in task.predictions:
        shown = _time(prediction.get("created_at")) if isinstance(prediction, dict) else None
        if made is None or shown is None or in_utc(shown) < in_utc(made):
            return True
    return False


def _coder(completed_by: object) -> str | None:
    """The name of an annotation's coder: the e-mail address where the export has it, or the id."""
    if isinstance(completed_by, Mapping):
        who = completed_by.get("email") or completed_by.get("username") or completed_by.get("id")
    else:
        who = completed_by
    return None if who is None else str(who).strip() or None


def in_utc(when: datetime) -> datetime:
    """A time that can be compared with any other; one without a zone is taken for UTC."""
    return when if when.tzinfo is not None else when.replace(tzinfo=UTC)


def _time(text: object) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None


def _words_key(data: Sequence[Json]) -> str | None:
    """The key that holds the transcript: turns, else `text`, else the longest texts."""
    length: Counter[str] = Counter()
    for item in data:
        for key, value in item.items():
            if _turns(value) is not None:
                length[key] += len(value) if isinstance(value, str) else 1
    with_turns = [key for key in length if any(isinstance(item.get(key), list) for item in data)]
    if with_turns:
        return with_turns[0]
    if "text" in length:
        return "text"
    return max(length, key=lambda key: length[key], default=None)


def _turns(value: object) -> tuple[Turn, ...] | None:
    """The turns in a value of the data: a text is one; None where it is neither."""
    if isinstance(value, str):
        return (Turn(index=0, speaker="", text=value),) if value.strip() else None
    if not isinstance(value, list) or not value:
        return None
    if not all(isinstance(item, dict) for item in value):
        return None
    texts = [key for key in value[0] if all(isinstance(item.get(key), str) for item in value)]
    words = next((key for key in _WORDS_KEYS if key in texts), None)
    if words is None:
        return None
    speaker = next((key for key in _SPEAKER_KEYS if key in value[0]), None)
    return tuple(
        Turn(
            index=index,
            speaker=str(item.get(speaker) or "").strip(),
            text=item[words],
            interviewer=item.get("interviewer") is True,
        )
        for index, item in enumerate(value)
    )


def _wrong(turns: Sequence[Turn] | None) -> str | None:
    """What keeps turns from being stored."""
    for turn in turns or ():
        if wrong := no_text(turn.speaker + turn.text):
            return f"turn {turn.index} {wrong}; mend it"
    if turns and len(turns) == 1 and _ADDRESS.fullmatch(turns[0].text.strip()):
        return "holds the address of the text, not its words; export with the words in the data"
    return None


def _no_words(data: Mapping[str, object], key: str | None) -> str:
    there = ", ".join(map(repr, data)) or "nothing"
    wanted = "a text or a list of turns" if key is None else f"a text or turns under {key!r}"
    return f"no words; its data has {there}, expected {wanted}"


def _names(
    entries: Sequence[Json], turns: Sequence[Sequence[Turn] | None], words_key: str | None
) -> list[str | None]:
    """The tasks' names by the first key that names every task, and no two texts alike."""
    keys = dict.fromkeys(NAME_KEYS)
    keys |= {key: None for key in entries[0]["data"] if _ID_KEY.fullmatch(key)}
    for key in keys:
        if key == words_key:
            continue
        # The first key is our own export's: a study's names may be longer than a title is.
        longest = _LONGEST_OWN if key == NAME_KEYS[0] else _LONGEST_NAME
        names = [_name(entry["data"].get(key), longest) for entry in entries]
        first: dict[str | None, Sequence[Turn] | None] = {}
        unlike = any(
            first.setdefault(name, of_name) != of_name
            for name, of_name in zip(names, turns, strict=True)
        )
        if None not in names and not unlike:
            return list(names)
    return [None] * len(entries)


def _name(value: object, longest: int) -> str | None:
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    name = str(value).strip()
    unfit = len(name) > longest or "\n" in name or no_text(name)
    return None if unfit else name or None


def _stem(file: str) -> str:
    return re.sub(r"\.json(?:\.gz)?$", "", PurePath(file).name, flags=re.IGNORECASE)
