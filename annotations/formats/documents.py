"""What word processors' documents share: paragraphs and tables as they are read, and what is not.

A reader of one format walks its XML and hands over `Paragraph`s; tables with a column of speakers
and one of words become labelled paragraphs here.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from annotations.formats.labels import LONGEST_LABEL, TIME, could_speak, plain
from annotations.formats.speech import Paragraph, Spoken
from annotations.numerals import many

_WORDS = re.compile(
    r"text|words|speech|transcript(?:ion)?|utterances?|dialogue|content|said|talk", re.I
)
_SPEAKER = re.compile(r"speakers?|names?|who|participants?|person|voice|role", re.I)
_TIME = re.compile(rf"\s*(?:{TIME})?\s*")

_MOST_COLUMNS = 100
_SHOWN = 3
_EXCERPT = 40

Cell = list[Paragraph]


@dataclass(frozen=True, kw_only=True, slots=True)
class Document:
    """The turns of a document, and in words what was left out of them."""

    spoken: Spoken
    left_out: tuple[str, ...] = ()


def lines_of(pieces: Iterable[tuple[str, bool]], *, heading: bool) -> Iterator[Paragraph]:
    """A paragraph of `pieces`, each bold or not, in as many as it has lines (soft breaks).

    A label may begin any of them.
    """
    lines: list[list[tuple[str, bool]]] = [[]]
    for text, bold in pieces:
        for number, part in enumerate(text.split("\n")):
            if number:
                lines.append([])
            lines[-1].append((part, bold))
    for number, line in enumerate(lines):
        text = "".join(part for part, _ in line)
        spans, place = [], 0
        for part, bold in line:
            if bold:
                spans.append((place, place + len(part)))
            place += len(part)
        if text.strip():
            yield Paragraph(
                text=text, label=labelled(text, spans), apart=number == 0, heading=heading
            )


def tag_of(element: Element) -> str:
    """The tag of an XML element without its namespace."""
    return element.tag.rsplit("}", 1)[-1]


def labelled(text: str, bold: Sequence[tuple[int, int]]) -> str:
    """The bold beginning of a paragraph, from the spans that are bold; empty where there is none.

    A bold space does not end a label, and a paragraph that is bold throughout has one only
    where it is as short as a name.
    """
    end = 0
    for start, stop in bold:
        if text[end:start].strip():
            break
        end = max(end, stop)
    label = text[:end].strip()
    return label if len(label) < LONGEST_LABEL else ""


def table_paragraphs(rows: Sequence[Sequence[Cell]]) -> list[Paragraph]:
    """A table's cells as paragraphs; with a column of speakers, each row labelled by it."""
    width = max((len(row) for row in rows), default=0)
    found = None
    # Word has up to 63 columns; where there are more, nobody speaks in one of them.
    if 1 < width <= _MOST_COLUMNS:
        texts = [[_text(cell) for cell in row] + [""] * (width - len(row)) for row in rows]
        found = _columns([[row[at] for row in texts] for at in range(width)])
    if found is None:
        return [one for row in rows for cell in row for one in cell]
    speaker, words, header = found
    paragraphs = []
    for row in texts[1:] if header else texts:
        if row[words]:
            label = re.sub(TIME, "", row[speaker]).strip(" :\t")
            paragraphs.append(Paragraph(text=row[words], label=label, sure=bool(label)))
    return paragraphs


def _columns(columns: Sequence[Sequence[str]]) -> tuple[int, int, bool] | None:
    """Which column speaks, which holds the words, and whether the first row is a header."""
    heads = [column[0].strip(" :") for column in columns]
    named = [at for at, head in enumerate(heads) if _SPEAKER.fullmatch(head)]
    said = [at for at, head in enumerate(heads) if _WORDS.fullmatch(head)]
    if named and said:
        return named[0], said[0], True
    size = [sum(len(text.split()) for text in column) for column in columns]
    words = said[0] if said else size.index(max(size))
    for at, column in enumerate(columns):
        labels = Counter(text.strip(" :\t") for text in column if text.strip(" :\t"))
        if at == words or not labels or all(_TIME.fullmatch(label) for label in labels):
            continue
        good = sum(times for label, times in labels.items() if could_speak(label, times))
        if good >= 0.9 * labels.total() and max(labels.values()) > 1:
            return at, words, bool(said) or bool(_SPEAKER.fullmatch(heads[at]))
    return None


def _text(cell: Cell) -> str:
    return " ".join(plain(one.text).strip() for one in cell if one.text.strip())


def heading_note(spoken: Spoken) -> list[str]:
    """That headings are not among the turns."""
    if not spoken.headings:
        return []
    shown = "; ".join(repr(_short(one)) for one in spoken.headings[:_SHOWN])
    more = f" and {len(spoken.headings) - 3} more" if len(spoken.headings) > 3 else ""
    return [f"{many(len(spoken.headings), 'heading')} ({shown}{more})"]


def count_note(number: int, what: str, whats: str | None = None) -> list[str]:
    """That so many things of a kind are not among the turns; nothing where there is none."""
    return [many(number, what, whats)] if number else []


def text_note(texts: Sequence[str], what: str, whats: str | None = None) -> list[str]:
    """That texts of a kind are not among the turns, with how the first begins."""
    filled = [one for one in (plain(text).strip() for text in texts) if one]
    if not filled:
        return []
    return [f"{many(len(filled), what, whats)} (the first begins {_short(filled[0])!r})"]


def _short(text: str) -> str:
    return text if len(text) <= _EXCERPT else f"{text[:_EXCERPT].rstrip()}…"
