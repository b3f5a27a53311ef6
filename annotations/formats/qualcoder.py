"""QualCoder projects: a folder `NAME.qda` with the SQLite file `data.qda` in it.

Text sources become transcripts, categories and codes (and codes below codes) paths, memos of codes
definitions, owners coders, attributes of files and of the one case of a file attributes. Pictures,
audio and video, and memos and journals are listed as left out.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from annotations.codebook import SEPARATOR, Code
from annotations.errors import InputError
from annotations.formats.coded_documents import (
    Passage,
    Uncoded,
    add_passages,
    code_level,
    document_name,
    time_of,
)
from annotations.formats.intake import Intake, Place
from annotations.formats.sqlite_project import SqliteProject, open_project, whole, words
from annotations.formats.utf16 import code_point_offset
from annotations.formats.whole_text import lay_out

NEEDED = frozenset({"source", "code_name", "code_text"})
"""Tables that every QualCoder project has."""

_DEEPEST = 100


def read(path: Path, intake: Intake) -> None:
    """Put in a project's transcripts, codes and codings."""
    place = Place(file=str(path))
    try:
        with open_project(path) as project:
            if project.tables >= NEEDED:
                _read(project, place, intake)
            else:
                missing = ", ".join(sorted(NEEDED - project.tables))
                intake.problem(place, f"no QualCoder project: it has no table {missing}")
                intake.lost_transcript(None)
    except InputError as error:
        intake.problems(error.problems)
        intake.lost_transcript(None)


def _read(project: SqliteProject, place: Place, intake: Intake) -> None:
    left_out = Uncoded()
    codes = _codes(project)
    for code in codes.values():
        intake.gather_code(code)
    passages: dict[int, list[Mapping[str, object]]] = {}
    columns = ("fid", "cid", "pos0", "pos1", "seltext", "owner", "date", "memo")
    for row in project.rows("code_text", columns):
        passages.setdefault(whole(row["fid"]) or 0, []).append(row)
        left_out.note("memos on codings not read", int(bool(words(row["memo"]))))
    attributes = _attributes(project, left_out)
    for row in project.rows("source", ("id", "name", "fulltext", "memo")):
        number, name = whole(row["id"]), document_name(words(row["name"]))
        text = row["fulltext"] if isinstance(row["fulltext"], str) else ""
        if number is None or not name or not text.strip():
            left_out.note("sources without text (pictures, audio, video, empty files) not read")
            continue
        left_out.note("memos on sources not read", int(bool(words(row["memo"]))))
        laid = lay_out(name, text, known=intake.known(name))
        if laid is None or intake.add_transcript(laid.transcript, place) is None:
            continue
        if attributes.get(number):
            intake.add_attributes(name, attributes[number], place)
        found = _passages(passages.pop(number, []), text, codes, intake, left_out)
        add_passages(laid, list(found), place, intake, left_out)
    left_out.note("codings of sources that are not text", sum(map(len, passages.values())))
    for table, what in (
        ("code_image", "codings of pictures not read"),
        ("code_av", "codings of audio and video not read"),
        ("annotation", "annotations not read"),
        ("journal", "journals not read"),
    ):
        left_out.note(what, project.count(table))
    left_out.tell(place, intake)


def _codes(project: SqliteProject) -> dict[int, Code]:
    """Every code by its number, its path made of categories and of codes above it."""
    categories = {
        whole(row["catid"]): row
        for row in project.rows("code_cat", ("catid", "name", "supercatid"))
    }
    rows = {
        number: row
        for row in project.rows("code_name", ("cid", "name", "memo", "catid", "supercid"))
        if (number := whole(row["cid"])) is not None
    }

    def above(category: object) -> list[str]:
        levels: list[str] = []
        number = whole(category)
        while number in categories and len(levels) < _DEEPEST:
            row = categories[number]
            levels.insert(0, code_level(words(row["name"])))
            number = whole(row["supercatid"])
        return levels

    codes = {}
    for number, row in rows.items():
        levels, at, category = [code_level(words(row["name"]))], row, row["catid"]
        while (parent := whole(at["supercid"])) in rows and len(levels) < _DEEPEST:
            at = rows[parent]
            levels.insert(0, code_level(words(at["name"])))
            category = at["catid"]
        path = SEPARATOR.join(level for level in [*above(category), *levels] if level)
        if path:
            codes[number] = Code(path=path, definition=words(row["memo"]))
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
            left_out.note("sources with several cases: the cases' attributes not read")
            continue
        (case,) = of_source
        found[source] = {"case": names.get(case, ""), **of.get(("case", case), {})}
        found[source] = {name: value for name, value in found[source].items() if value}
    for (kind, source), attributes in of.items():
        if kind == "file":
            found.setdefault(source, {}).update(attributes)
    return found


def _passages(
    rows: list[Mapping[str, object]],
    text: str,
    codes: Mapping[int, Code],
    intake: Intake,
    left_out: Uncoded,
) -> Iterator[Passage]:
    for row in rows:
        code = codes.get(whole(row["cid"]) or 0)
        coder = words(row["owner"]) or intake.coder or ""
        span = _span(row, text)
        if code is None:
            left_out.note("codings with a code that is not there")
        elif span is None:
            left_out.note("codings whose words are not those at their offsets")
        elif not coder:
            left_out.note("codings without a coder; say --coder NAME")
        else:
            yield Passage(
                start=span[0],
                end=span[1],
                code=code.path,
                coder=coder,
                coded_at=time_of(row["date"]),
            )


def _span(row: Mapping[str, object], text: str) -> tuple[int, int] | None:
    """The characters of a coding, checked against the words stored beside it.

    Positions are code points; where the words say so they are UTF-16 units, as the editor that
    QualCoder is made with counts.
    """
    start, end = whole(row["pos0"]), whole(row["pos1"])
    if start is None or end is None or not 0 <= start < end:
        return None
    selected = row["seltext"] if isinstance(row["seltext"], str) else ""
    if end <= len(text) and (not selected or _same(text[start:end], selected)):
        return (start, end)
    try:
        start, end = code_point_offset(text, start), code_point_offset(text, end, up=True)
    except ValueError:
        return None
    return (start, end) if selected and _same(text[start:end], selected) else None


def _same(one: str, other: str) -> bool:
    return one.split() == other.split()
