"""Plain text transcripts: `Speaker: words` lines."""

import re
from collections import Counter
from collections.abc import Iterator

from annotations.transcripts import Transcript, Turn

_TIME = r"[\[(]?\d{1,2}(?::\d{2}){1,2}(?:[.,]\d+)?[\])]?"
_SPOKEN = re.compile(
    rf"\s*(?:{_TIME}\s+)?(?P<speaker>[^\s:：][^:：]{{0,59}}?)(?:\s+{_TIME})?\s*(?::(?:\s+|$)|：\s*)(?P<words>.*)"
)
_MOST_WORDS = 4
_NOT_IN_NAMES = re.compile(r"[,;!?…\"“”]|\.\s+[a-z]")


def read(name: str, text: str) -> Transcript:
    """Read a transcript: a turn begins where a line begins with a speaker and a colon.

    A speaker is up to four words that each begin with a capital or a digit (`Interviewer:`,
    `P 3:`, `Dr. Ní Bhriain:`), or one word, with or without a number,
    that begins two lines or more (`int:`, `coder 2:`). Other
    lines go on with the turn, joined by a space. Where no line names a speaker, each
    paragraph is a turn without one. Time stamps beside the speaker are dropped.
    """
    lines = text.splitlines()
    labels = Counter(match["speaker"] for line in lines if (match := _SPOKEN.fullmatch(line)))
    speakers = {label for label, times in labels.items() if _is_speaker(label, times)}
    pieces = _spoken(lines, speakers) if speakers else _paragraphs(lines)
    turns = [(speaker, " ".join(words)) for speaker, words in pieces]
    return Transcript(
        name=name,
        turns=tuple(
            Turn(index=index, speaker=speaker, text=words)
            for index, (speaker, words) in enumerate(item for item in turns if item[1])
        ),
    )


def _is_speaker(label: str, times: int) -> bool:
    words = label.split()
    if len(words) > _MOST_WORDS or _NOT_IN_NAMES.search(label):
        return False
    if times > 1 and (len(words) == 1 or (len(words) == 2 and words[1].isdecimal())):
        return True
    return not any(word.lstrip("[(")[:1].islower() for word in words)


def _spoken(lines: list[str], speakers: set[str]) -> Iterator[tuple[str, list[str]]]:
    speaker, words = "", list[str]()
    for line in lines:
        match = _SPOKEN.fullmatch(line)
        if match is not None and match["speaker"] in speakers:
            yield speaker, words
            speaker, words = match["speaker"].strip("[]() "), list[str]()
            line = match["words"]
        if line.strip():
            words.append(line.strip())
    yield speaker, words


def _paragraphs(lines: list[str]) -> Iterator[tuple[str, list[str]]]:
    words = list[str]()
    for line in [*lines, ""]:
        if line.strip():
            words.append(line.strip())
        elif words:
            yield "", words
            words = list[str]()
