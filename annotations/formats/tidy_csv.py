"""Tidy CSV, the plain interchange format: UTF-8, RFC 4180, a header in every file.

- transcripts: `transcript, turn (0, 1, ...), speaker, text, interviewer`
- codings: `transcript, turn, start, end, code, coder, coded_at, memo, continues` (`true`: it goes
  on from the turn before); offsets count Unicode code points of the turn's text, `end` is
  exclusive, both empty means the whole turn; an empty code says that the coder read the turn and
  applied nothing
- attributes: `transcript`, then any columns
- codebook: `code, definition, include, exclude, examples` (joined by ` | `), code alone required;
  with `declared` false the codes were gathered, and others may join them
- readings: `transcript, turn, coder, assisted`, where suggestions were visible to some
"""

import re
from collections.abc import Mapping
from datetime import datetime
from itertools import islice

from annotations.codebook import Code, known_path, normal_path
from annotations.codings import Coding, Reading
from annotations.formats.colors import color_of
from annotations.formats.csv_table import Row, Table
from annotations.formats.intake import Intake, Place
from annotations.numerals import many
from annotations.transcripts import Transcript, Turn

EXAMPLES_SEPARATOR = " | "

_NUMBER = re.compile(r"\d{1,9}(?:\.0+)?", re.ASCII)  # spreadsheets and pandas write 3 as 3.0
_MOST_GAPS = 5
_YES = ("true", "yes", "1")
_NO = ("false", "no", "0")


def read_transcripts(table: Table, intake: Intake) -> None:
    """Put in the transcripts of a table; rows may come in any order."""
    turns: dict[str, dict[int, tuple[Turn, Place]]] = {}
    broken: set[str] = set()
    for row in table.rows:
        place = Place(file=table.file, line=row.line)
        name = _transcript(row, place, intake)
        index = None if name is None else _turn(row, place, intake)
        if name is None or index is None:
            broken.add(name or "")
            continue
        of_name = turns.setdefault(name, {})
        if index in of_name:
            first = of_name[index][1].line
            intake.problem(
                place, f"turn {index} of {name!r} is there already, in line {first}; number it anew"
            )
            broken.add(name)
            continue
        turn = Turn(
            index=index,
            speaker=row.fields["speaker"].strip(),
            text=row.fields["text"],
            interviewer=row.fields.get("interviewer", "").strip().lower() in _YES,
        )
        of_name[index] = (turn, place)
    for name, of_name in turns.items():
        last, place = of_name[max(of_name)]
        gaps = (str(number) for number in range(last.index) if number not in of_name)
        missing = list(islice(gaps, _MOST_GAPS + 1))
        if missing and name not in broken:
            listed = ", ".join(missing[:_MOST_GAPS]) + ", ..." * (len(missing) > _MOST_GAPS)
            intake.problem(
                place,
                f"transcript {name!r} has a turn {last.index} but no turn {listed}; "
                "turns are numbered 0, 1, 2 without gaps",
            )
            broken.add(name)
        if name not in broken:
            ordered = tuple(of_name[number][0] for number in sorted(of_name))
            intake.add_transcript(
                Transcript(name=name, turns=ordered), Place(file=table.file, line=place.line)
            )
    for name in broken:
        intake.lost_transcript(name or None)


def read_attributes(table: Table, intake: Intake) -> None:
    """Put attributes to transcripts; an empty field leaves the attribute unset."""
    key = next(name for name in table.columns if name.lower() == "transcript")
    seen: dict[str, int] = {}
    for row in table.rows:
        place = Place(file=table.file, line=row.line)
        name = _transcript(
            Row(line=row.line, fields={"transcript": row.fields[key]}), place, intake
        )
        if name is None:
            continue
        if name in seen:
            intake.problem(place, f"{name!r} is there already, in line {seen[name]}; remove one")
            continue
        seen[name] = row.line
        attributes = {
            column: text.strip()
            for column, text in row.fields.items()
            if column not in (key, "") and text.strip()
        }
        intake.add_attributes(name, attributes, place)


def read_codebook(table: Table, intake: Intake) -> None:
    """Put in the codes of a declared codebook."""
    for row in table.rows:
        place = Place(file=table.file, line=row.line)
        fields = {column: text.strip() for column, text in row.fields.items()}
        path = normal_path(fields["code"])
        if not path:
            intake.problem(place, "no code; write its path, levels joined by ' > '")
            continue
        examples = fields.get("examples", "").split(EXAMPLES_SEPARATOR)
        color = color_of(fields.get("color"))
        if fields.get("color") and not color:
            intake.refuse(
                place,
                f"the colour {fields['color']!r} of the code {path!r}: write it as #RRGGBB",
            )
        code = Code(
            path=path,
            definition=fields.get("definition", ""),
            include=fields.get("include", ""),
            exclude=fields.get("exclude", ""),
            examples=tuple(example.strip() for example in examples if example.strip()),
            color=color,
        )
        if fields.get("declared", "").lower() in _NO:
            intake.gather_code(code, place)
        else:
            intake.add_code(code, place)


def read_readings(table: Table, intake: Intake) -> None:
    """Put in who read which turn, and whether suggestions were visible."""
    for row in table.rows:
        place = Place(file=table.file, line=row.line)
        name = _transcript(row, place, intake)
        turn = _turn(row, place, intake)
        coder = row.fields["coder"].strip()
        assisted = row.fields["assisted"].strip().lower()
        if not coder:
            intake.problem(place, "no coder; every reading is somebody's")
        if assisted not in (*_YES, *_NO, ""):
            intake.problem(place, f"assisted {assisted!r} is neither true nor false")
        if name is None or turn is None or not coder or intake.find_turn(name, turn, place) is None:
            continue
        intake.add_reading(
            Reading(transcript=name, turn=turn, coder=coder, assisted=assisted in _YES)
        )


def read_codings(table: Table, intake: Intake) -> None:
    """Put in the codings and readings of a table; transcripts and codes come before."""
    if "coder" not in table.columns and intake.coder is None:
        intake.problem(
            Place(file=table.file, line=1), "no column 'coder'; add it, or say --coder NAME"
        )
        return
    listed = intake.listed
    for row in table.rows:
        place = Place(file=table.file, line=row.line)
        name = _transcript(row, place, intake)
        turn = _turn(row, place, intake)
        coder = row.fields.get("coder", "").strip() or (intake.coder or "")
        if not coder:
            intake.problem(place, "no coder; fill in the column, or say --coder NAME")
        when = _coded_at(row, place, intake)
        if name is None or turn is None or not coder:
            continue
        length = intake.find_turn(name, turn, place)
        span = None if length is None else _span(row.fields, length, place, intake)
        if span is None:
            continue
        intake.add_reading(Reading(transcript=name, turn=turn, coder=coder))
        code = known_path(row.fields["code"], listed or ())
        if code:
            coding = Coding(
                transcript=name,
                turn=turn,
                start=span[0],
                end=span[1],
                code=code,
                coder=coder,
                coded_at=when,
                memo=row.fields.get("memo", "").strip(),
                continues=row.fields.get("continues", "").strip().lower() in _YES,
            )
            intake.add_coding(coding, place, listed)


def _transcript(row: Row, place: Place, intake: Intake) -> str | None:
    name = row.fields["transcript"].strip()
    if not name:
        intake.problem(place, "no transcript; every row names the transcript that it belongs to")
        return None
    return name


def _number(text: str) -> int | None:
    text = text.strip()
    return int(text.split(".")[0]) if _NUMBER.fullmatch(text) else None


def _turn(row: Row, place: Place, intake: Intake) -> int | None:
    number = _number(row.fields["turn"])
    if number is None:
        intake.problem(place, f"turn {row.fields['turn']!r} is not a number 0, 1, 2, ...")
    return number


def _span(
    fields: Mapping[str, str], length: int, place: Place, intake: Intake
) -> tuple[int, int] | None:
    """The characters that a row codes, or None after noting what is wrong with them."""
    given = (fields["start"].strip(), fields["end"].strip())
    if given == ("", ""):
        return (0, length)
    if "" in given:
        there, absent = ("start", "end") if given[0] else ("end", "start")
        intake.problem(
            place, f"{there} is given and {absent} is not; give both, or neither for the whole turn"
        )
        return None
    start, end = _number(given[0]), _number(given[1])
    if start is None or end is None:
        wrong = given[0] if start is None else given[1]
        intake.problem(place, f"offset {wrong!r} is not a number of characters, 0 or more")
        return None
    if start >= end:
        intake.problem(place, f"start {start} is not before end {end}; end is exclusive")
        return None
    if end > length:
        intake.problem(
            place,
            f"end {end} is outside the turn, which has {many(length, 'character')} (offsets "
            "count Unicode code points)",
        )
        return None
    return (start, end)


def _coded_at(row: Row, place: Place, intake: Intake) -> datetime | None:
    text = row.fields.get("coded_at", "").strip()
    if not text:
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        intake.problem(
            place, f"coded_at {text!r} is not an ISO 8601 time such as 2026-03-01T14:05:00Z"
        )
        return None
