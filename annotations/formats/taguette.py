"""Taguette projects: an SQLite file with one project or more.

Documents are HTML; a highlight's offsets count the UTF-8 bytes of the text without tags. Tags are
codes, `a.b` a level below `a`; descriptions of projects and documents are memos. Who highlighted
stands in the project's log.
"""

import json
import re
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from html.parser import HTMLParser
from pathlib import Path

from annotations.codebook import SEPARATOR, Code
from annotations.formats.coded_documents import (
    Laid,
    Passage,
    Uncoded,
    add_memo,
    add_passages,
    code_level,
    free_name,
    time_of,
)
from annotations.formats.intake import Intake, Place
from annotations.formats.layout import lay_out
from annotations.formats.sqlite_project import SqliteProject, read_project, whole, words
from annotations.transcripts import Transcript

NEEDED = frozenset({"documents", "highlights", "tags", "highlight_tags"})
"""Tables that every Taguette project has."""

_LOCAL_USER = "admin"
"""Who everybody is in a Taguette that runs on one's own machine."""

_LEVEL = re.compile(r"(?<=\S)\.(?=\S)")
_BLOCKS = frozenset(
    (
        *("p", "div", "br", "h1", "h2", "h3", "h4", "h5", "h6", "li", "ul", "ol", "table"),
        *(
            "tr",
            "td",
            "th",
            "blockquote",
            "pre",
            "section",
            "article",
            "hr",
            "dl",
            "dt",
            "dd",
            "header",
            "footer",
            "figure",
        ),
    )
)
_BROKEN = re.compile(r"<[!?]|<[^<>]*(?=<|\Z)")
"""Comments, declarations, and tags without an end: Taguette writes none."""

_MOST_BROKEN = 100
"""So many: the parser reads on to the end of the text for each."""

_PIECE = 4096
"""Characters of which a place in them is counted."""

_UNSEEN = frozenset(("script", "style", "head", "title"))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Hand:
    """Who made a highlight, and when."""

    coder: str
    when: datetime | None


class Text(HTMLParser):
    """The text of an HTML document, with a line a block, and the places of its bytes.

    The line breaks between blocks are ours: Taguette does not count them.
    """

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self._pieces: list[str] = []
        self._length = 0
        self._bytes = 0
        self._starts: list[tuple[int, int, str]] = []
        self._unseen = 0
        if sum(1 for _ in _BROKEN.finditer(html)) > _MOST_BROKEN:
            raise ValueError("a document is no HTML that Taguette writes")
        self.feed(html.replace("\r\n", "\n").replace("\r", "\n"))
        self.close()
        self.text = "".join(self._pieces)

    def handle_starttag(self, tag: str, _attributes: object) -> None:
        """A block begins on a line of its own."""
        self._unseen += tag in _UNSEEN
        self._break(tag)

    def handle_endtag(self, tag: str) -> None:
        """A block ends its line."""
        self._unseen -= tag in _UNSEEN and self._unseen > 0
        self._break(tag)

    def handle_data(self, data: str) -> None:
        """Text, which is counted."""
        if self._unseen:
            return
        for first in range(0, len(data), _PIECE):
            piece = data[first : first + _PIECE]
            self._starts.append((self._bytes, self._length, piece))
            self._bytes += len(piece.encode("utf-8", "surrogatepass"))
            self._add(piece)

    def place(self, given: int, *, end: bool = False) -> int | None:
        """The character at a byte; None beyond the text or inside a character."""
        if not 0 <= given <= self._bytes or not self._starts:
            return None
        # The end of a passage belongs to the piece before it, and so does not reach over a line.
        key = given - 1 if end and given else given
        at = bisect_right(self._starts, key, key=lambda start: start[0]) - 1
        first, place, data = self._starts[max(at, 0)]
        raw = data.encode("utf-8", "surrogatepass")[: given - first]
        try:
            return place + len(raw.decode("utf-8"))
        except UnicodeDecodeError:
            return None

    def _break(self, tag: str) -> None:
        if tag in _BLOCKS and self._pieces and not self._pieces[-1].endswith("\n"):
            self._add("\n")

    def _add(self, data: str) -> None:
        self._pieces.append(data)
        self._length += len(data)


def read(path: Path, intake: Intake) -> None:
    """Put in the documents, tags and highlights of a file's projects."""
    read_project(path, intake, tool="Taguette", needed=NEEDED, read=_read)


def _read(project: SqliteProject, place: Place, intake: Intake) -> None:
    left_out = Uncoded()
    projects: dict[int | None, str] = {}
    for row in project.rows("projects", ("id", "name", "description")):
        projects[whole(row["id"])] = words(row["name"])
        add_memo(intake, words(row["description"]), title=words(row["name"]))
    tags: dict[int, str] = {}
    # The path was called the name once.
    for row in project.rows("tags", ("id", "path", "name", "description")):
        levels = _LEVEL.split(words(row["path"]) or words(row["name"]))
        path = SEPARATOR.join(level for part in levels if (level := code_level(part)))
        number = whole(row["id"])
        if path and number is not None:
            code = Code(path=path, definition=words(row["description"]))
            if intake.gather_code(code, place):
                tags[number] = path
    tagged: dict[int, list[str]] = {}
    for row in project.rows("highlight_tags", ("highlight_id", "tag_id")):
        tag = tags.get(whole(row["tag_id"]) or 0)
        if tag is not None:
            tagged.setdefault(whole(row["highlight_id"]) or 0, []).append(tag)
    hands = _hands(project, intake)
    highlights: dict[int, list[Mapping[str, object]]] = {}
    for row in project.rows("highlights", ("id", "document_id", "start_offset", "end_offset")):
        highlights.setdefault(whole(row["document_id"]) or 0, []).append(row)
    taken: set[str] = set()
    columns = ("id", "name", "contents", "project_id", "description")
    for row in project.rows("documents", columns):
        number, name = whole(row["id"]), free_name(words(row["name"]), taken)
        html = row["contents"] if isinstance(row["contents"], str) else ""
        if len(projects) > 1:
            name = f"{projects.get(whole(row['project_id']), '')}: {name}"
        text = Text(html)
        if number is None or not name or not text.text.strip():
            left_out.note("document without words not read")
            continue
        taken.add(name)
        layout = lay_out(text.text, known=intake.known(name))
        transcript = intake.add_transcript(Transcript(name=name, turns=layout.turns), place)
        if transcript is None:
            continue
        laid = Laid(transcript=transcript, layout=layout)
        add_memo(intake, words(row["description"]), transcript=name)
        passages: list[Passage] = []
        for highlight in highlights.pop(number, []):
            passages += _passages(highlight, text, tagged, hands, intake, left_out)
        add_passages(laid, passages, place, intake, left_out)
    left_out.note("highlight of documents not read", sum(map(len, highlights.values())))
    left_out.tell(place, intake)


def _hands(project: SqliteProject, intake: Intake) -> dict[int, _Hand]:
    """Who made each highlight, by the project's log."""
    hands: dict[int, _Hand] = {}
    for row in project.rows("commands", ("date", "user_login", "payload")):
        try:
            payload = json.loads(words(row["payload"]))
        except (ValueError, RecursionError):
            continue
        if not isinstance(payload, dict) or payload.get("type") != "highlight_add":
            continue
        number = whole(payload.get("highlight_id", payload.get("id")))
        login = words(row["user_login"])
        if login == _LOCAL_USER and intake.coder is not None:
            login = intake.coder
        if number is not None and login:
            hands[number] = _Hand(coder=login, when=time_of(row["date"]))
    return hands


def _passages(
    row: Mapping[str, object],
    text: Text,
    tagged: Mapping[int, list[str]],
    hands: Mapping[int, _Hand],
    intake: Intake,
    left_out: Uncoded,
) -> list[Passage]:
    number = whole(row["id"]) or 0
    first, last = whole(row["start_offset"]), whole(row["end_offset"])
    start = None if first is None else text.place(first)
    end = None if last is None else text.place(last, end=True)
    hand = hands.get(number)
    coder = hand.coder if hand is not None else intake.coder
    if start is None or end is None or start >= end:
        left_out.note("highlight outside the document")
    elif number not in tagged:
        left_out.note("highlight without a tag")
    elif not coder:
        left_out.note("highlight of which the log does not say whose; say --coder NAME")
    else:
        return [
            Passage(
                start=start,
                end=end,
                code=code,
                coder=coder,
                coded_at=hand.when if hand is not None else None,
            )
            for code in tagged[number]
        ]
    return []
