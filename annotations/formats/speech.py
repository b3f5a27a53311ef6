"""Who speaks: from lines and paragraphs to turns, whatever format they came in.

Every reader of transcripts hands over its paragraphs, with what the format knows of labels, and
gets turns back, so that `Name: words` is understood in one place.
"""

import itertools
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from annotations.formats.labels import LONGEST_LABEL, TIME, could_speak, plain, without_time
from annotations.transcripts import Turn

_LABEL = r"(?P<label>[^\W_][^:：]{0,59}?|[\[(<][^:：]{1,59}?[\])>])"
_LEAD = rf"\s*(?:[-–—•*>]+\s*)?(?:{TIME}\s*[-–—:|,]?\s*)?"
_COLON = re.compile(
    rf"{_LEAD}{_LABEL}(?:[\s,]{{0,60}}{TIME})?\s*(?::(?:\s+|$)|：\s*)(?P<words>.*)", re.DOTALL
)
_TIGHT = re.compile(rf"{_LEAD}{_LABEL}:(?P<words>[^\s:/\d].*)", re.DOTALL)
_TIMED = re.compile(
    rf"\s*(?:{TIME}\s*[-–—|,]?\s*(?P<after>[^\W\d_][^:：]{{0,59}})|"
    rf"(?P<before>[^\W\d_][^:：]{{0,59}}?)\s*[-–—|,]?\s*{TIME})\s*"
)
_NUMBERED = re.compile(r"\s*(?P<number>\d{1,5})[.):]?(?:\s+(?P<rest>.*)|\s*)", re.DOTALL)
_LEAST_NUMBERED = 4
_COLON_AFTER = re.compile(r"[:：]\s*$")
_SIGN = re.compile(r"[^a-z]*[A-Z][A-Z0-9 ._-]*|.*\d")


@dataclass(frozen=True, kw_only=True, slots=True)
class Paragraph:
    """A line or paragraph of a transcript.

    `label` is the part of the text that a format sets apart (in bold); with `sure` it is who
    speaks, as in a table's column or a voice tag, and not part of the text. `apart`: a blank
    line or a paragraph's end is before it. `heading`: it is a title, not speech.
    """

    text: str
    label: str = ""
    sure: bool = False
    apart: bool = True
    heading: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Spoken:
    """Turns, and what was not taken for speech. `named`: at least one turn has a speaker."""

    turns: tuple[Turn, ...]
    headings: tuple[str, ...] = ()

    @property
    def named(self) -> bool:
        """Whether any speaker was found."""
        return any(turn.speaker for turn in self.turns)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Said:
    speaker: str | None
    """None: goes on with the turn before."""
    words: str
    apart: bool


def turns_of(paragraphs: Sequence[Paragraph]) -> Spoken:
    """Turns of labelled paragraphs; those without a label go on with the turn before.

    A label is what comes before a colon, or is set apart, and looks like a name (see
    `could_speak`), or stands alone above the words. Where nobody is named, every paragraph is
    a turn. Time stamps beside a label and line numbers are dropped. Headings are speech only
    where nobody is named.
    """
    lines = _without_numbers([replace(one, text=plain(one.text)) for one in paragraphs])
    speakers = _speakers(lines)
    spoken = [line for line in lines if not line.heading]
    if not speakers:
        return Spoken(turns=_numbered(("", words) for words in _by_paragraph(lines)))
    said = [_said(line, speakers) for line in spoken]
    return Spoken(
        turns=_numbered(_joined(said)),
        headings=tuple(line.text.strip() for line in lines if line.heading and line.text.strip()),
    )


def speaker_of(text: str, speakers: frozenset[str]) -> tuple[str, str] | None:
    """The label and the words of a line that begins with one of these labels and a colon."""
    for pattern in (_COLON, _TIGHT):
        match = pattern.fullmatch(text)
        if match is not None and _folded(match["label"]) in speakers:
            return _bare(match["label"]), without_time(match["words"])
    return None


def labels_of(texts: Iterable[str]) -> frozenset[str]:
    """The labels before colons that are speakers, folded, as `speaker_of` takes them."""
    texts = list(texts)
    spaced = Counter(_folded(m["label"]) for text in texts if (m := _COLON.fullmatch(text)))
    tight = Counter(_folded(m["label"]) for text in texts if (m := _TIGHT.fullmatch(text)))
    shown = {
        _folded(m["label"]): _bare(m["label"])
        for text in texts
        for m in (_COLON.fullmatch(text) or _TIGHT.fullmatch(text),)
        if m is not None
    }
    found = {label for label, times in spaced.items() if could_speak(shown[label], times)}
    found |= {
        label
        for label, times in tight.items()
        if label not in found and times > 1 and could_speak(shown[label], times)
    }
    return frozenset(found)


def _speakers(lines: Sequence[Paragraph]) -> frozenset[str]:
    """Every label that is a speaker's, folded."""
    sure = {_folded(line.label) for line in lines if line.sure and line.label}
    rest = [line for line in lines if not line.sure and not line.heading]
    found = set(labels_of(line.text for line in rest))
    alone: Counter[str] = Counter()
    timed: set[str] = set()
    shown: dict[str, str] = {}
    for position, line in enumerate(rest):
        label = _alone(line)
        if label:
            timed.add(_folded(label))
        label = label or _set_apart(line)
        if not label and len(line.text) < LONGEST_LABEL:
            above = line.apart or position == 0
            below = position + 1 < len(rest) and not rest[position + 1].apart
            label = line.text.strip() if (above and below) or _SIGN.fullmatch(line.text) else ""
        if label and len(label) < LONGEST_LABEL:
            alone[_folded(label)] += 1
            shown[_folded(label)] = _bare(label)
    found |= {
        label
        for label, times in alone.items()
        if (times > 1 or label in timed) and could_speak(shown[label], times, alone=True)
    }
    return frozenset(found | sure)


def _said(line: Paragraph, speakers: frozenset[str]) -> _Said:
    if line.sure:
        return _Said(speaker=_bare(line.label) or None, words=line.text.strip(), apart=line.apart)
    found = speaker_of(line.text, speakers)
    if found is not None:
        return _Said(speaker=found[0], words=found[1].strip(), apart=line.apart)
    label = _alone(line)
    if label and _folded(label) in speakers:
        return _Said(speaker=_bare(label), words="", apart=line.apart)
    label = _set_apart(line)
    if label and _folded(label) in speakers:
        words = line.text.strip()[len(plain(line.label).strip()) :]
        return _Said(speaker=_bare(label), words=without_time(words).strip(), apart=line.apart)
    if len(line.text) < LONGEST_LABEL and _folded(line.text) in speakers:
        return _Said(speaker=_bare(line.text), words="", apart=line.apart)
    return _Said(speaker=None, words=without_time(line.text).strip(), apart=line.apart)


def _alone(line: Paragraph) -> str:
    """A name that stands with a time and nothing else."""
    match = _TIMED.fullmatch(line.text) if len(line.text) < 2 * LONGEST_LABEL else None
    return "" if match is None else (match["after"] or match["before"] or "").strip()


def _set_apart(line: Paragraph) -> str:
    """A bold beginning, without its time stamp and colon."""
    return re.sub(rf"{TIME}|[:：]\s*$", "", plain(line.label)).strip(" -–—\t:")


def _joined(said: Sequence[_Said]) -> Iterator[tuple[str, str]]:
    """Words by turn; labels that differ in case alone are one speaker, as spelt most often."""
    spelt: dict[str, Counter[str]] = {}
    for one in said:
        if one.speaker:
            spelt.setdefault(_folded(one.speaker), Counter())[one.speaker] += 1
    names = {folded: ways.most_common(1)[0][0] for folded, ways in spelt.items()}
    speaker, words = "", list[str]()
    for one in said:
        if one.speaker is not None:
            yield speaker, " ".join(words)
            speaker, words = names[_folded(one.speaker)], list[str]()
        if one.words:
            words.append(one.words)
    yield speaker, " ".join(words)


def _by_paragraph(lines: Sequence[Paragraph]) -> Iterator[str]:
    words = list[str]()
    for line in lines:
        if line.apart:
            yield " ".join(words)
            words = []
        if line.text.strip():
            words.append(line.text.strip())
    yield " ".join(words)


def _numbered(turns: Iterable[tuple[str, str]]) -> tuple[Turn, ...]:
    kept = [(speaker, words) for speaker, words in turns if words]
    return tuple(
        Turn(index=index, speaker=speaker, text=words)
        for index, (speaker, words) in enumerate(kept)
    )


def _without_numbers(lines: list[Paragraph]) -> list[Paragraph]:
    """The lines without their numbers, where nearly all are numbered one by one."""
    matches = [_NUMBERED.fullmatch(line.text) for line in lines]
    filled = sum(bool(line.text.strip()) for line in lines)
    numbers = [int(match["number"]) for match in matches if match is not None]
    rising = sum(later == earlier + 1 for earlier, later in itertools.pairwise(numbers))
    if len(numbers) < _LEAST_NUMBERED or rising < 0.9 * (filled - 1):
        return lines
    return [
        line if match is None else replace(line, text=match["rest"] or "")
        for line, match in zip(lines, matches, strict=True)
    ]


def _bare(label: str) -> str:
    """A label without brackets and colon around it, in single spaces."""
    return " ".join(_COLON_AFTER.sub("", plain(label)).split()).strip("[]<>*_ ").rstrip(":")


def _folded(label: str) -> str:
    return _bare(label).casefold()
