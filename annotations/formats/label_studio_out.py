"""Label Studio JSON as Label Studio itself exports it: what `label_studio` reads back.

A coder's work on a transcript is an annotation; that of one who read a part of it alone a
draft, because an annotation says that everything was read. Turns on which its coder has a choice
to make after a split are named in it, and stay unread. What a model coded or suggested is a
prediction.
"""

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from xml.sax.saxutils import quoteattr

from annotations.codebook import Code, Codebook
from annotations.codings import MODEL_PREFIX, Coding, Reading, is_model
from annotations.formats.label_config import LabelConfig, label_config_for
from annotations.formats.label_studio import ATTRIBUTE, UNDECIDED, in_utc
from annotations.formats.regions import PredictedSpan, result_of, task_data_of
from annotations.formats.results import MEMO_TYPE, Json
from annotations.numerals import many
from annotations.study import Study
from annotations.transcripts import Transcript

_MOST_NAMED = 5
_OFFSETS = ("startOffset", "endOffset")


@dataclass(frozen=True, kw_only=True, slots=True)
class Predicted:
    """What a model version suggested for a transcript."""

    version: str
    transcript: str
    spans: tuple[PredictedSpan, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Tasks:
    """Tasks as JSON, the label config that shows them, and what is not as it was."""

    json: str
    label_config: str
    notes: tuple[str, ...]


def tasks_of(study: Study, *, now: datetime, predicted: Sequence[Predicted] = ()) -> Tasks:
    """Every transcript as a task. `now` is when the predictions are said to be made.

    Where transcripts are single texts without a speaker that people code as a whole, codes
    are a taxonomy on the text; otherwise they are labels on the turns of a dialogue.
    """
    whole = _coded_as_a_whole(study)
    xml = _taxonomy_config(study.codebook) if whole else label_config_for(study.codebook)
    config = LabelConfig.parse(xml, study.codebook.paths)
    by_transcript: dict[str, dict[str, list[Coding]]] = defaultdict(lambda: defaultdict(list))
    for coding in study.codings:
        by_transcript[coding.transcript][coding.coder].append(coding)
    read: dict[str, dict[str, list[Reading]]] = defaultdict(lambda: defaultdict(list))
    for reading in study.readings:
        read[reading.transcript][reading.coder].append(reading)
    undecided: dict[tuple[str, str], list[Reading]] = defaultdict(list)
    for reading in study.undecided:
        if not is_model(reading.coder):
            undecided[reading.transcript, reading.coder].append(reading)
            # Also of whoever has a choice to make on every turn.
            read[reading.transcript].setdefault(reading.coder, [])
    suggested: dict[str, list[Predicted]] = defaultdict(list)
    for one in predicted:
        suggested[one.transcript].append(one)
    tasks: list[Json] = []
    partly: list[str] = []
    number = 0
    for at, item in enumerate(study.transcripts):
        annotations: list[Json] = []
        drafts: list[Json] = []
        predictions = [
            _prediction(one.version, one.spans, item, config, now) for one in suggested[item.name]
        ]
        for coder, readings in read[item.name].items():
            number += 1
            codings = by_transcript[item.name][coder]
            if is_model(coder):
                spans = [_as_span(one) for one in codings]
                version = coder.removeprefix(MODEL_PREFIX)
                predictions.append(_prediction(version, spans, item, config, now))
                continue
            result = [_by_hand(one) for one in _results(codings, item, config)]
            result += _memos(codings, item, config)
            waiting = undecided[item.name, coder]
            if {one.turn for one in (*readings, *waiting)} == set(range(len(item.turns))):
                annotations.append(_annotation(number, coder, codings, readings, waiting, result))
            else:
                partly.append(f"{coder} in {item.name}")
                drafts.append({"id": number, "user": coder, "result": result})
        tasks.append(
            {
                "id": at + 1,
                "data": _data(item, whole=whole),
                "annotations": annotations,
                "drafts": drafts,
                "predictions": predictions,
            }
        )
    return Tasks(
        json=json.dumps(tasks, ensure_ascii=False, indent=1),
        label_config=xml,
        notes=(*_drafted(partly), *_left_open(study), *_not_carried(study, whole=whole)),
    )


def _drafted(partly: Sequence[str]) -> tuple[str, ...]:
    if not partly:
        return ()
    return (
        f"The work of {many(len(partly), 'coder')} is a draft, because they read a part of the "
        f"transcript alone and an annotation would say all of it: {', '.join(partly[:5])}"
        + (", ..." if len(partly) > 5 else ""),
    )


def _left_open(study: Study) -> tuple[str, ...]:
    waiting = sum(not is_model(one.coder) for one in study.undecided)
    if not waiting:
        return ()
    return (
        f"{many(waiting, 'reading of a turn is', 'readings of turns are')} left open, because a "
        "choice is to be made there after a split. An annotation names such turns: `import` takes "
        "them as not read, and Label Studio itself as read and without codes.",
    )


def _not_carried(study: Study, *, whole: bool) -> tuple[str, ...]:
    """What tasks have no place for."""
    memos = sum(bool(one.memo) for one in study.codings) if whole else 0
    about = (
        (memos, "memo", "on codings of whole texts"),
        (len(study.memos), "memo", "on transcripts, codes and the study"),
        (len(study.sets), "set", ""),
        (
            sum(one.continues for one in study.codings),
            "mark",
            "that a coding continues the one above",
        ),
    )
    lost = [f"{many(number, noun)} {rest}".rstrip() for number, noun, rest in about if number]
    notes = ["A task has no codebook: colours and rules are not in it (--format csv has them)."]
    coders = list(dict.fromkeys(one.coder for one in study.human_readings))
    if coders:
        named = ", ".join(coders[:_MOST_NAMED]) + ", ..." * (len(coders) > _MOST_NAMED)
        notes.append(
            "Label Studio takes the tasks in only where every coder has an account there under "
            f"that name as its e-mail: {named}."
        )
    if any(one.coded_at for one in study.codings):
        notes.append("Of a coder's times on a transcript the last is kept.")
    if lost:
        notes.append(f"Not in the tasks: {', '.join(lost)} (--format qdpx has them).")
    return tuple(notes)


def _coded_as_a_whole(study: Study) -> bool:
    texts = {item.name: item.turns for item in study.transcripts}
    return (
        bool(texts)
        and all(len(turns) == 1 and not turns[0].speaker for turns in texts.values())
        and all(
            (one.start, one.end) == (0, len(texts[one.transcript][0].text)) for one in study.codings
        )
    )


def _taxonomy_config(codebook: Codebook) -> str:
    def choices(parent: str | None, depth: int) -> str:
        pad = "  " * depth
        below = [code for code in codebook.codes if code.parent == parent]
        return "".join(
            f"{pad}{_choice(code, choices(code.path, depth + 1), pad)}" for code in below
        )

    return (
        '<View>\n  <Text name="text" value="$text"/>\n'
        '  <Taxonomy name="codes" toName="text" leafsOnly="false">\n'
        f"{choices(None, 2)}  </Taxonomy>\n</View>\n"
    )


def _choice(code: Code, below: str, pad: str) -> str:
    hint = f" hint={quoteattr(code.definition)}" if code.definition else ""
    start = f"<Choice value={quoteattr(code.name)}{hint}"
    return f"{start}>\n{below}{pad}</Choice>\n" if below else f"{start}/>\n"


def _data(transcript: Transcript, *, whole: bool) -> Json:
    if whole:
        data: Json = {"transcript": transcript.name, "text": transcript.turns[0].text}
    else:
        data = task_data_of(transcript)
        for turn, shown in zip(transcript.turns, data["turns"], strict=True):
            if turn.interviewer:
                shown["interviewer"] = True
    # Beside the words, so that Label Studio's filters know them; ours are named apart.
    return {**{f"{ATTRIBUTE}{k}": v for k, v in transcript.attributes.items()}, **data}


def _as_span(coding: Coding) -> PredictedSpan:
    return PredictedSpan(
        turn=coding.turn,
        start=coding.start,
        end=coding.end,
        code=coding.code,
        score=1.0,
        reason="",
    )


def _results(codings: Sequence[Coding], transcript: Transcript, config: LabelConfig) -> list[Json]:
    return result_of([_as_span(one) for one in codings], transcript, config)


def _memos(codings: Sequence[Coding], transcript: Transcript, config: LabelConfig) -> list[Json]:
    """What was noted beside codings, as the text field of their regions holds it."""
    if not config.paragraphs:
        return []
    found: list[Json] = []
    for coding in codings:
        for region in _results([coding], transcript, config) if coding.memo else ():
            value = {key: region["value"][key] for key in ("start", "end", *_OFFSETS)}
            found.append(
                {
                    "id": region["id"],
                    "from_name": "memo",
                    "to_name": config.text_name,
                    "type": MEMO_TYPE,
                    "value": {**value, "text": [coding.memo]},
                    "origin": "manual",
                }
            )
    return found


def _by_hand(result: Json) -> Json:
    kept = {key: value for key, value in result.items() if key != "score"}
    return {**kept, "origin": "manual"}


def _annotation(
    number: int,
    coder: str,
    codings: Sequence[Coding],
    readings: Sequence[Reading],
    waiting: Sequence[Reading],
    result: list[Json],
) -> Json:
    times = [one.coded_at for one in codings if one.coded_at is not None]
    annotation: Json = {
        "id": number,
        "completed_by": {"email": coder},
        "result": result,
        "was_cancelled": False,
        "ground_truth": False,
        # Label Studio itself has no such field: it lets our own reading be exact.
        "assisted": any(one.assisted for one in (*readings, *waiting)),
    }
    if waiting:
        annotation[UNDECIDED] = [one.turn for one in waiting]
    if times:
        latest = max(times, key=in_utc).isoformat()
        annotation |= {"created_at": latest, "updated_at": latest}
    if annotation["assisted"]:
        # What Label Studio keeps of the prediction that a coder saw.
        annotation["prediction"] = {"model_version": "unknown"}
    return annotation


def _prediction(
    version: str,
    spans: Sequence[PredictedSpan],
    transcript: Transcript,
    config: LabelConfig,
    now: datetime,
) -> Json:
    return {
        "model_version": version,
        "score": max((span.score for span in spans), default=0.0),
        "created_at": now.isoformat(),
        "result": result_of(spans, transcript, config),
    }
