"""QualCoder projects: a folder `NAME.qda` with the SQLite file `data.qda` in it.

Text sources become transcripts, categories and codes (and codes below codes) paths, memos of codes
definitions, owners coders, attributes of files and of the one case of a file attributes. Other
memos, annotations and journals become memos. Pictures, audio and video are listed as left out.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

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
from annotations.formats.colors import color_of
from annotations.formats.intake import Intake, Place
from annotations.formats.layout import lay_out
from annotations.formats.offsets import Counting, LineEnd, SourceText
from annotations.formats.refi.attributes import CASE
from annotations.formats.sqlite_project import SqliteProject, read_project, whole, words
from annotations.formats.utf16 import code_point_offset
from annotations.transcripts import Transcript

NEEDED = frozenset({"source", "code_name", "code_text"})
"""Tables that every QualCoder project has."""

_DEEPEST = 100
_AS_STORED = Counting(utf16=False, line_end=LineEnd.AS_IN_FILE)


def read(path: Path, intake: Intake) -> None:
    """Put in a project's transcripts, codes and codings."""
    read_project(path, intake, tool="QualCoder", needed=NEEDED, read=_read)


def _read(project: SqliteProject, place: Place, intake: Intake) -> None:
    left_out = Uncoded()
    codes = _codes(project, place, intake)
    rows_of: dict[int, list[Mapping[str, object]]] = {}
    columns = ("fid", "cid", "pos0", "pos1", "seltext", "owner", "date", "memo", "important")
    for row in project.rows("code_text", columns):
        rows_of.setdefault(whole(row["fid"]) or 0, []).append(row)
        left_out.note("mark of codings as important not read", int(bool(row["important"])))
    annotations: dict[int, list[Mapping[str, object]]] = {}
    for row in project.rows("annotation", ("fid", "pos0", "pos1", "memo", "owner")):
        annotations.setdefault(whole(row["fid"]) or 0, []).append(row)
    attributes = _attributes(project, left_out)
    names: dict[int, str] = {}
    taken: set[str] = set()
    for row in project.rows("source", ("id", "name", "fulltext", "memo", "owner")):
        number = whole(row["id"])
        name = free_name(words(row["name"]), taken)
        text = row["fulltext"] if isinstance(row["fulltext"], str) else ""
        if number is None or not name or not text.strip():
            left_out.note("source without text (pictures, audio, video, empty files) not read")
            memo = bool(words(row["memo"])) + len(annotations.pop(number or 0, []))
            left_out.note("memo on sources without text not read", memo)
            continue
        names[number] = name
        taken.add(name)
        document = _Document(text)
        layout = lay_out(document.source.text, known=intake.known(name))
        transcript = intake.add_transcript(Transcript(name=name, turns=layout.turns), place)
        if transcript is None:
            continue
        laid = Laid(transcript=transcript, layout=layout)
        of_source = attributes.get(number, {})
        if of_source.get(CASE) == name:
            del of_source[CASE]
        if of_source:
            intake.add_attributes(name, of_source, place)
        add_memo(intake, words(row["memo"]), author=words(row["owner"]), transcript=name)
        found = _passages(rows_of.pop(number, []), document, codes, intake, left_out)
        add_passages(laid, list(found), place, intake, left_out)
        for one in annotations.pop(number, []):
            _add_annotation(one, laid, document, intake)
    left_out.note("coding of sources that are not text", sum(map(len, rows_of.values())))
    left_out.note("annotation of sources that are not text", sum(map(len, annotations.values())))
    _add_memos(project, names, intake)
    for table, what in (
        ("code_image", "coding of pictures not read"),
        ("code_av", "coding of audio and video not read"),
    ):
        left_out.note(what, project.count(table))
    for row in project.rows("attribute_type", ("memo",)):
        left_out.note("memo on attributes not read", int(bool(words(row["memo"]))))
    left_out.tell(place, intake)


class _Document:
    """A source's text as it is stored, and with every line's end as one line feed."""

    def __init__(self, stored: str) -> None:
        self.stored = stored
        self.source = SourceText.of(stored)
        self._starts = self.source.starts(_AS_STORED)

    def span(self, row: Mapping[str, object]) -> tuple[int, int] | None:
        """The characters of a coding, checked against the words stored beside it.

        Positions are code points; where the words say so they are UTF-16 units, as the editor
        that QualCoder is made with counts.
        """
        start, end = whole(row["pos0"]), whole(row["pos1"])
        if start is None or end is None or not 0 <= start < end:
            return None
        selected = row.get("seltext")
        selected = selected if isinstance(selected, str) else ""
        text = self.stored
        if not (end <= len(text) and (not selected or _same(text[start:end], selected))):
            try:
                start = code_point_offset(text, start)
                end = code_point_offset(text, end, up=True)
            except ValueError:
                return None
            if not selected or not _same(text[start:end], selected):
                return None
        at = np.searchsorted(self._starts, [start, end])
        return (int(at[0]), int(at[1]))


def _add_annotation(
    row: Mapping[str, object], laid: Laid, document: _Document, intake: Intake
) -> None:
    """An annotation is a memo on the first turn of its passage, or on all of the transcript."""
    span = document.span(row)
    parts = laid.parts(*span) if span is not None else ()
    add_memo(
        intake,
        words(row["memo"]),
        author=words(row["owner"]),
        transcript=laid.transcript.name,
        part=parts[0] if parts else None,
    )


def _add_memos(project: SqliteProject, names: Mapping[int, str], intake: Intake) -> None:
    """Memos on the project and on cases, and journals."""
    for row in project.rows("project", ("memo",)):
        add_memo(intake, words(row["memo"]))
    for row in project.rows("journal", ("name", "jentry", "owner")):
        text = words(row["jentry"])
        add_memo(intake, text, title=words(row["name"]), author=words(row["owner"]))
    members: dict[int, dict[str, None]] = {}
    for row in project.rows("case_text", ("caseid", "fid")):
        name = names.get(whole(row["fid"]) or 0)
        if name is not None:
            members.setdefault(whole(row["caseid"]) or 0, {})[name] = None
    for row in project.rows("cases", ("caseid", "name", "memo", "owner")):
        title = f"Case {words(row['name'])}".strip()
        about: list[str | None] = [*members.get(whole(row["caseid"]) or 0, {})]
        for target in about or [None]:
            text, author = words(row["memo"]), words(row["owner"])
            add_memo(intake, text, title=title, author=author, transcript=target)


def _codes(project: SqliteProject, place: Place, intake: Intake) -> dict[int, Code]:
    """Put in every code and category; the codes by number.

    The path of a code is made of categories and of codes above it.
    """
    categories = {
        whole(row["catid"]): row
        for row in project.rows("code_cat", ("catid", "name", "supercatid", "memo"))
    }
    rows = {
        number: row
        for row in project.rows("code_name", ("cid", "name", "memo", "catid", "color", "supercid"))
        if (number := whole(row["cid"])) is not None
    }

    def above(category: object) -> list[str]:
        levels: list[str] = []
        seen: set[int | None] = set()
        number = whole(category)
        while number in categories and number not in seen and len(levels) < _DEEPEST:
            seen.add(number)
            row = categories[number]
            levels.insert(0, code_level(words(row["name"])))
            number = whole(row["supercatid"])
        return levels

    codes = {}
    for number, row in rows.items():
        levels, at, category = [code_level(words(row["name"]))], row, row["catid"]
        seen = {number}
        while (parent := whole(at["supercid"])) in rows and parent not in seen:
            if len(levels) == _DEEPEST:
                break
            seen.add(parent)
            at = rows[parent]
            levels.insert(0, code_level(words(at["name"])))
            category = at["catid"]
        path = SEPARATOR.join(level for level in [*above(category), *levels] if level)
        if path:
            definition, color = words(row["memo"]), color_of(words(row["color"]))
            code = Code(path=path, definition=definition, color=color)
            if intake.gather_code(code, place):
                codes[number] = code
    for number, row in categories.items():
        path = SEPARATOR.join(level for level in above(number) if level)
        if path:
            intake.gather_code(Code(path=path, definition=words(row["memo"])), place)
    return codes


def _attributes(project: SqliteProject, left_out: Uncoded) -> dict[int, dict[str, str]]:
    """The attributes of each source: its own, and those of its case where it has one."""
    of: dict[tuple[str, int], dict[str, str]] = {}
    for row in project.rows("attribute", ("name", "attr_type", "value", "id")):
        number, name, value = whole(row["id"]), words(row["name"]), row["value"]
        text = words(value) if isinstance(value, str) else "" if value is None else str(value)
        if number is not None and name and text:
            of.setdefault((words(row["attr_type"]), number), {})[name] = text
    cases: dict[int, set[int]] = {}
    for row in project.rows("case_text", ("caseid", "fid")):
        case, source = whole(row["caseid"]), whole(row["fid"])
        if case is not None and source is not None:
            cases.setdefault(source, set()).add(case)
    names = {
        whole(row["caseid"]): words(row["name"])
        for row in project.rows("cases", ("caseid", "name"))
    }
    found: dict[int, dict[str, str]] = {}
    for source, of_source in cases.items():
        if len(of_source) > 1:
            left_out.note("source with several cases: the cases' attributes not read")
            continue
        (case,) = of_source
        found[source] = {CASE: names.get(case, ""), **of.get(("case", case), {})}
        found[source] = {name: value for name, value in found[source].items() if value}
    for (kind, source), attributes in of.items():
        if kind == "file":
            found.setdefault(source, {}).update(attributes)
    return found


def _passages(
    rows: list[Mapping[str, object]],
    document: _Document,
    codes: Mapping[int, Code],
    intake: Intake,
    left_out: Uncoded,
) -> Iterator[Passage]:
    for row in rows:
        code = codes.get(whole(row["cid"]) or 0)
        coder = words(row["owner"]) or intake.coder or ""
        span = document.span(row)
        if code is None:
            left_out.note("coding with a code that is not there")
        elif span is None:
            left_out.note("coding at whose offsets other words stand")
        elif not coder:
            left_out.note("coding without a coder; say --coder NAME")
        else:
            yield Passage(
                start=span[0],
                end=span[1],
                code=code.path,
                coder=coder,
                coded_at=time_of(row["date"]),
                memo=words(row["memo"]),
            )


def _same(one: str, other: str) -> bool:
    return one.split() == other.split()
