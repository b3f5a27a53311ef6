"""Label Studio's regions and predictions, to and from spans of our transcripts.

Label Studio counts UTF-16 units, we count code points: the two part at the first emoji.
Tasks of a Text object are transcripts of one turn, number 0.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from annotations.codebook import SEPARATOR, normal_path
from annotations.errors import InputError, Problem
from annotations.formats.label_config import SPAN_KINDS, Control, LabelConfig
from annotations.formats.results import (
    CODED_TYPES,
    Json,
    UnreadableRegion,
    labels_of,
    memos_of,
    spans_of,
)
from annotations.formats.utf16 import utf16_offset
from annotations.transcripts import Transcript, Turn


@dataclass(frozen=True, kw_only=True, slots=True)
class Region:
    """Codes on characters `start` to `end` of one turn, as a coder left them.

    A region over several turns is several of these with the same `id`; so is a choice for the
    whole text. `origin` is `prediction` (kept), `prediction-changed` or `manual`; `memo` is what
    the coder typed beside it, at its first turn.
    """

    id: str
    turn: int
    start: int
    end: int
    text: str
    codes: tuple[str, ...]
    origin: str
    memo: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class PredictedSpan:
    """A code suggested for characters `start` to `end` of a turn, score 0 to 1, and why."""

    turn: int
    start: int
    end: int
    code: str
    score: float
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Decoded:
    """The coded regions of an annotation, and what was wrong with those left out."""

    regions: tuple[Region, ...]
    refused: tuple[str, ...]


def decode(result: Sequence[Json], transcript: Transcript, config: LabelConfig) -> Decoded:
    """The coded regions of an annotation, in its order.

    Results of other controls (ratings) are passed over, regions that do not fit the
    transcript refused; codes that the config does not list are kept as paths.
    """
    refused: list[str] = []
    controls = {control.name: control for control in config.controls}
    memos = memos_of(result)
    regions: list[Region] = []
    for item in result:
        control = controls.get(str(item.get("from_name")))
        if control is None or item.get("type") not in CODED_TYPES:
            continue
        try:
            spans = spans_of(item, transcript)
        except UnreadableRegion as error:
            refused.append(f"a region {error}")
            continue
        codes = dict.fromkeys(control.code_of(levels) for levels in labels_of(item))
        regions.extend(
            Region(
                id=str(item.get("id", "")),
                turn=span.turn,
                start=span.start,
                end=span.end,
                text=transcript.turns[span.turn].text[span.start : span.end],
                codes=tuple(code for code in codes if code),
                origin=str(item.get("origin") or "manual"),
                memo="" if at else memos.get(str(item.get("id", "")), ""),
            )
            for at, span in enumerate(spans)
        )
    return Decoded(regions=tuple(regions), refused=tuple(refused))


def result_of(
    spans: Iterable[PredictedSpan], transcript: Transcript, config: LabelConfig
) -> list[Json]:
    """Predicted regions for one task.

    A span and code is one region, so that each can be deleted by itself; a control for the
    whole text takes all its codes in one. The same content has the same id. Codes that the
    config cannot show are left out, since Label Studio would refuse the rest with them:
    `LabelConfig.missing` names them.
    """
    result: list[Json] = []
    whole: dict[str, list[PredictedSpan]] = {}
    for span in spans:
        control = config.control_for(span.code)
        if control is None:
            continue
        if control.kind in SPAN_KINDS:
            result.append(_span_result(span, transcript, config, control))
        else:
            whole.setdefault(control.name, []).append(span)
    result.extend(
        _whole_result(whole[control.name], transcript, config, control)
        for control in config.controls
        if control.name in whole
    )
    return result


def transcript_of(task_data: Mapping[str, Any], config: LabelConfig, name: str) -> Transcript:
    """The transcript that a task shows; InputError where its data does not fit the config."""
    value = task_data.get(config.value)
    if not config.paragraphs and isinstance(value, str):
        return Transcript(name=name, turns=(Turn(index=0, speaker="", text=value),))
    if config.paragraphs and isinstance(value, list):
        if all(isinstance(turn, dict) and config.words_key in turn for turn in value):
            return Transcript(
                name=name,
                turns=tuple(
                    Turn(
                        index=index,
                        speaker=str(turn.get(config.speaker_key) or ""),
                        text=str(turn[config.words_key] or ""),
                    )
                    for index, turn in enumerate(value)
                ),
            )
        expected = f"turns that each have {config.words_key!r}"
    else:
        expected = "a list of turns" if config.paragraphs else "a text"
    message = (
        f"the data of {name!r} has {_shape(value)} under {config.value!r}, expected {expected}; "
        "put the words themselves into the task's data"
    )
    raise InputError(Problem(file="task", line=None, message=message))


def task_data_of(transcript: Transcript) -> Json:
    """The data of a task in transcript mode, as `label_config_for` shows it."""
    return {
        "transcript": transcript.name,
        "turns": [{"speaker": turn.speaker, "text": turn.text} for turn in transcript.turns],
    }


def _shape(value: object) -> str:
    if value is None:
        return "nothing"
    return "a text" if isinstance(value, str) else f"a {type(value).__name__}"


def _span_result(
    span: PredictedSpan, transcript: Transcript, config: LabelConfig, control: Control
) -> Json:
    text = transcript.turns[span.turn].text
    start, end = utf16_offset(text, span.start), utf16_offset(text, span.end)
    kind = control.kind.lower()
    value: Json = {"text": text[span.start : span.end], kind: list(_written(span.code, control))}
    if config.paragraphs:
        turn = str(span.turn)
        value |= {"start": turn, "end": turn, "startOffset": start, "endOffset": end}
    else:
        value |= {"start": start, "end": end}
    content = (transcript.name, str(span.turn), str(start), str(end), span.code, value["text"])
    return _result(content, config, control, value, span.score, span.reason)


def _whole_result(
    spans: Sequence[PredictedSpan], transcript: Transcript, config: LabelConfig, control: Control
) -> Json:
    best: dict[str, PredictedSpan] = {}
    for span in spans:
        if span.code not in best or span.score > best[span.code].score:
            best[span.code] = span
    kind = control.kind.lower()
    levels = [list(_written(code, control)) for code in best]
    chosen = (
        levels if kind == "taxonomy" else [path if len(path) > 1 else path[0] for path in levels]
    )
    reasons = [
        span.reason if len(best) == 1 else f"{span.code}: {span.reason}"
        for span in best.values()
        if span.reason
    ]
    content = (transcript.name, *best, *(turn.text for turn in transcript.turns))
    score = max(span.score for span in spans)
    return _result(content, config, control, {kind: chosen}, score, "\n".join(reasons))


def _written(code: str, control: Control) -> tuple[str, ...]:
    """A code's label as the control writes it."""
    if code in control.labels:
        return control.labels[code]
    return tuple(code.split(SEPARATOR)) if control.kind == "Taxonomy" else (normal_path(code),)


def _result(
    content: Sequence[str],
    config: LabelConfig,
    control: Control,
    value: Json,
    score: float,
    reason: str,
) -> Json:
    named = "\0".join((control.name, *content)).encode("utf-8", "surrogatepass")
    digest = hashlib.blake2b(named, digest_size=8)
    result: Json = {
        "id": digest.hexdigest(),
        "from_name": control.name,
        "to_name": config.text_name,
        "type": control.kind.lower(),
        "value": value,
        "score": float(score),
    }
    if reason:
        result["meta"] = {"text": [reason]}
    return result
