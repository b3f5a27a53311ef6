"""What is written comes in again as it was, whatever the study."""

import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import docx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annotations.codebook import Code, Codebook
from annotations.codings import Coding, Reading
from annotations.errors import InputError
from annotations.formats.csv_out import for_spreadsheet
from annotations.formats.label_studio_out import tasks_of
from annotations.formats.pseudonyms import Pseudonyms, read_pseudonyms
from annotations.formats.quotations_out import as_csv, as_text, as_word
from annotations.formats.reading import read_paths
from annotations.formats.tables import dictionary_of, tables_of
from annotations.quotations import find_quotations
from annotations.study import Material, Study
from annotations.transcripts import Transcript, Turn
from annotations.work import work_of

NAMES = st.text("aä-=+@,;\"'|\n🙂 ", min_size=1, max_size=8).filter(
    lambda text: text == " ".join(text.split()) and text
)
WORDS = st.text("aä=-@,\"'\n\r\t🙂 ", min_size=1, max_size=30).filter(str.strip)
CODES = ("Work", "Work > Pay", "=Trust", "-Ä > 🙂")
CODERS = ("ana", "=ben", "model:1", "adjudicated")
NOW = datetime(2030, 1, 1, tzinfo=UTC)


@st.composite
def studies(draw: st.DrawFn, *, single: bool = False) -> Study:
    """A study whose coders read some turns and coded some of what they read."""
    names = draw(st.lists(NAMES, min_size=1, max_size=3, unique=True))
    transcripts = []
    for name in names:
        texts = draw(st.lists(WORDS, min_size=1, max_size=1 if single else 3))
        attributes = draw(st.dictionaries(st.sampled_from(["trust", "=group"]), NAMES))
        transcripts.append(
            Transcript(
                name=name,
                turns=tuple(
                    Turn(
                        index=at,
                        speaker="" if single else draw(NAMES),
                        text=text,
                        interviewer=not single and draw(st.booleans()),
                    )
                    for at, text in enumerate(texts)
                ),
                attributes=attributes,
            )
        )
    readings, codings = [], []
    for item in transcripts:
        for coder in draw(st.sets(st.sampled_from(CODERS))):
            assisted = draw(st.booleans())
            for turn in item.turns:
                if not single and draw(st.integers(0, 4)) == 0:
                    continue
                readings.append(
                    Reading(transcript=item.name, turn=turn.index, coder=coder, assisted=assisted)
                )
                for code in draw(st.sets(st.sampled_from(CODES))):
                    start = 0 if single else draw(st.integers(0, len(turn.text) - 1))
                    end = len(turn.text) if single else draw(st.integers(start + 1, len(turn.text)))
                    codings.append(
                        Coding(
                            transcript=item.name,
                            turn=turn.index,
                            start=start,
                            end=end,
                            code=code,
                            coder=coder,
                            coded_at=draw(st.sampled_from([None, datetime(2026, 3, 1, 9), NOW])),
                        )
                    )
    codebook = Codebook.of(
        [Code(path=code, definition="=what", examples=("a", "b")) for code in CODES],
        declared=draw(st.booleans()),
    )
    return Study(
        name="s",
        codebook=codebook,
        transcripts=tuple(transcripts),
        codings=tuple(codings),
        readings=tuple(readings),
    )


def _in_again(**files: str) -> Material:
    with TemporaryDirectory() as folder:
        for name, content in files.items():
            path = Path(folder) / name.replace("__", ".")
            path.write_bytes(content.encode())
        return read_paths([Path(folder)], known={}, codebook=Codebook(), coder=None)


@settings(max_examples=25, deadline=None)
@given(studies())
def test_tables_come_in_again_as_they_were(study: Study) -> None:
    tables = tables_of(study)
    written = {f"{one.name}__csv": one.csv() for one in (*tables, dictionary_of(tables))}
    found = _in_again(**written)
    assert found.transcripts == study.transcripts
    assert set(found.codings) == set(study.codings)
    assert set(found.readings) == set(study.readings)
    assert found.codebook == study.codebook


@settings(max_examples=25, deadline=None)
@given(studies())
def test_parquet_holds_what_the_tables_hold(study: Study) -> None:
    for table in tables_of(study):
        read = pq.read_table(pa.BufferReader(table.parquet()))
        assert [tuple(row.values()) for row in read.to_pylist()] == list(table.rows)
        assert read.schema.field(0).metadata == {b"meaning": table.columns[0].meaning.encode()}


@settings(max_examples=25, deadline=None)
@given(studies())
def test_label_studio_tasks_come_in_again_and_a_part_that_was_read_is_a_draft(
    study: Study,
) -> None:
    found = _in_again(tasks__json=tasks_of(study, now=NOW).json)
    turns = {item.name: len(item.turns) for item in study.transcripts}
    wholly = {
        (transcript, coder)
        for transcript, number in turns.items()
        for coder in CODERS
        if not coder.startswith("model:")
        and sum((r.transcript, r.coder) == (transcript, coder) for r in study.readings) == number
    }
    assert [[turn.text for turn in item.turns] for item in found.transcripts] == [
        [turn.text for turn in item.turns] for item in study.transcripts
    ]
    assert {replace(one, coded_at=None) for one in found.codings} == {
        replace(one, coded_at=None)
        for one in study.codings
        if (one.transcript, one.coder) in wholly
    }
    assert set(found.readings) == {
        one for one in study.readings if (one.transcript, one.coder) in wholly
    }
    drafts = {
        (one.transcript, one.coder)
        for one in study.readings
        if not one.coder.startswith("model:") and (one.transcript, one.coder) not in wholly
    }
    assert any("draft" in problem.message for problem in found.refused) == bool(drafts)


@settings(max_examples=25, deadline=None)
@given(studies())
def test_who_read_everything_and_has_a_choice_to_make_comes_in_again(study: Study) -> None:
    turns = {item.name: item.turns for item in study.transcripts}
    read = {(one.transcript, one.turn, one.coder): one for one in study.human_readings}
    begun = {(one.transcript, one.coder): one.assisted for one in study.human_readings}
    undecided = tuple(
        Reading(transcript=name, turn=turn.index, coder=coder, assisted=assisted)
        for (name, coder), assisted in begun.items()
        for turn in turns[name]
        if (name, turn.index, coder) not in read
    )
    written = tasks_of(replace(study, undecided=undecided), now=NOW)
    found = _in_again(tasks__json=written.json)
    assert found.refused == ()
    assert set(found.readings) == set(study.human_readings)
    assert {replace(one, coded_at=None) for one in found.codings} == {
        replace(one, coded_at=None) for one in study.human_codings
    }
    assert not any("draft" in note for note in written.notes)
    told = [note for note in written.notes if "choice is to be made there after a split" in note]
    assert bool(told) == bool(undecided)


def test_where_every_turn_waits_there_is_an_annotation_and_nothing_was_read() -> None:
    turns = (Turn(index=0, speaker="P", text="one"), Turn(index=1, speaker="P", text="two"))
    study = Study(
        name="s",
        codebook=Codebook.of([Code(path="x")], declared=False),
        transcripts=(Transcript(name="A", turns=turns),),
        codings=(),
        readings=(),
        undecided=tuple(
            Reading(transcript="A", turn=at, coder="ann", assisted=True) for at in (0, 1)
        ),
    )
    written = tasks_of(study, now=NOW)
    (annotation,) = json.loads(written.json)[0]["annotations"]
    assert (annotation["undecided_turns"], annotation["assisted"]) == ([0, 1], True)
    assert _in_again(tasks__json=written.json).readings == ()


@settings(max_examples=25, deadline=None)
@given(studies(single=True))
def test_texts_coded_as_a_whole_are_tasks_with_a_taxonomy(study: Study) -> None:
    written = tasks_of(study, now=NOW)
    assert "<Taxonomy" in written.label_config
    found = _in_again(tasks__json=written.json)
    assert {replace(one, coded_at=None) for one in found.codings} == {
        replace(one, coded_at=None) for one in study.codings if not one.coder.startswith("model:")
    }


@settings(max_examples=25, deadline=None)
@given(studies())
def test_quotations_are_the_same_words_in_every_form(study: Study) -> None:
    if not study.human_readings:
        return
    found = find_quotations(
        work_of(study, "people"),
        "Work",
        study="s",
        codebook=study.codebook,
        transcripts=study.transcripts,
        by=(),
        pseudonyms=Pseudonyms(),
        in_text=False,
    )
    words = [one.text for group in found.groups for one in group.quotations]
    rows = list(csv.DictReader(io.StringIO(as_csv(found), newline="")))
    assert [row["quotation"] for row in rows] == [for_spreadsheet(text) for text in words]
    assert all(text.strip() in as_text(found) for text in words)
    paragraphs = docx.Document(io.BytesIO(as_word(found))).paragraphs
    shown = "\n".join(one.text for one in paragraphs)
    for text in words:
        assert "".join(text.split()) in "".join(shown.split())


def test_pseudonyms_replace_whole_names_the_longest_first() -> None:
    names = Pseudonyms(of={"Ann": "Bea", "Ann Lee": "Cleo", "W1-01": "Case 1"})
    assert names.name(" ann  lee") == "Cleo"
    assert names.in_text("Ann Lee told ANN about Anna at W1-01.") == (
        "Cleo told Bea about Anna at Case 1."
    )
    assert names.missing(["Ann", "Zoe", "Zoe", ""]) == ("Zoe",)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("who,alias\na,b\n", "columns name, pseudonym"),
        ("name,pseudonym\nAnn,\n", "line 2: a name and a pseudonym"),
        ("name,pseudonym\nAnn,B\nAnn,C\n", "line 3: 'Ann' has another pseudonym"),
        ("", "empty"),
    ],
)
def test_a_file_of_pseudonyms_that_is_wrong_says_where(
    put: Callable[..., Path], content: str, told: str
) -> None:
    with pytest.raises(InputError, match=told):
        read_pseudonyms(put("names.csv", content))
