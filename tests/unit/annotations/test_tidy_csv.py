"""Tidy CSV: what is read, what is refused and where, and that writing can be read back."""

import csv
import gzip
import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annotations.codebook import Code, Codebook
from annotations.codings import Coding, Reading
from annotations.formats import tidy_csv_out
from annotations.formats.reading import read_paths
from annotations.study import Material
from annotations.transcripts import Transcript, Turn

Put = Callable[[str, str | bytes], Path]
Read = Callable[..., Material]
Refusal = Callable[..., str]

HEADER = "transcript,turn,start,end,code,coder,coded_at\n"


def test_turns_come_in_their_order_whatever_the_order_of_the_rows(put: Put, read: Read) -> None:
    path = put("transcripts.csv", "transcript,turn,speaker,text\nT,1,B,second\nT,0,A,first\n")
    (found,) = read(path).transcripts
    assert [(turn.index, turn.speaker, turn.text) for turn in found.turns] == [
        (0, "A", "first"),
        (1, "B", "second"),
    ]


def test_empty_offsets_mean_the_whole_turn(put: Put, read: Read, transcripts_csv: Path) -> None:
    codings = put("codings.csv", HEADER + "A1,1,,,Beds,ann,\nA1,1,3,10,Beds,bob,\n")
    found = read(transcripts_csv, codings).codings
    assert [(item.start, item.end, item.coder) for item in found] == [
        (0, 19, "ann"),
        (3, 10, "bob"),
    ]


def test_an_empty_code_is_a_reading_and_no_coding(
    put: Put, read: Read, transcripts_csv: Path
) -> None:
    material = read(
        transcripts_csv, put("codings.csv", HEADER + "A1,0,,,,ann,\nA1,1,,,Beds,ann,\n")
    )
    assert [(item.turn, item.coder) for item in material.readings] == [(0, "ann"), (1, "ann")]
    assert [item.turn for item in material.codings] == [1]


def test_a_turn_without_a_row_was_not_read(put: Put, read: Read, transcripts_csv: Path) -> None:
    material = read(transcripts_csv, put("codings.csv", HEADER + "A1,1,,,Beds,ann,\n"))
    assert [(item.transcript, item.turn) for item in material.readings] == [("A1", 1)]


def test_spaces_around_the_levels_of_a_code_do_not_make_another_code(
    put: Put, read: Read, transcripts_csv: Path
) -> None:
    rows = "A1,0,,, Trust >\tLost ,ann,\nA1,1,,,Trust  >  Lost,ann,\n"
    material = read(transcripts_csv, put("codings.csv", HEADER + rows))
    assert {item.code for item in material.codings} == {"Trust > Lost"}
    assert material.codebook.paths == ("Trust", "Trust > Lost")
    assert not material.codebook.declared


def test_a_name_keeps_its_sign_and_a_known_path_needs_no_spaces(
    put: Put, read: Read, transcripts_csv: Path
) -> None:
    book = put("codebook.csv", "code\nTrust > Lost\nBefore>after\nA & B <b>\n")
    rows = "A1,0,,,Trust>Lost,ann,\nA1,1,,,Before>after,ann,\nA1,1,,,A & B <b>,ann,\n"
    material = read(transcripts_csv, book, put("codings.csv", HEADER + rows))
    assert material.codebook.paths == ("Trust", "Trust > Lost", "Before>after", "A & B <b>")
    assert {item.code for item in material.codings} == set(material.codebook.paths) - {"Trust"}


def test_a_byte_order_mark_and_windows_line_ends_change_nothing(
    put: Put, read: Read, transcripts_csv: Path
) -> None:
    plain = read(transcripts_csv)
    text = transcripts_csv.read_text()
    other = put("other/transcripts.csv", b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    assert read(other).transcripts == plain.transcripts


def test_a_compressed_file_reads_like_the_plain_one(
    put: Put, read: Read, transcripts_csv: Path
) -> None:
    packed = put("z/transcripts.csv.gz", gzip.compress(transcripts_csv.read_bytes()))
    assert read(packed).transcripts == read(transcripts_csv).transcripts


def test_numbers_that_a_spreadsheet_wrote_with_a_point_are_numbers(
    put: Put, read: Read, transcripts_csv: Path
) -> None:
    material = read(transcripts_csv, put("codings.csv", HEADER + "A1,1.0,3.0,10.0,Beds,ann,\n"))
    assert [(item.turn, item.start, item.end) for item in material.codings] == [(1, 3, 10)]


def test_a_document_in_one_very_long_field_is_read(put: Put, read: Read) -> None:
    text = "word " * 60_000
    material = read(put("transcripts.csv", f'transcript,turn,speaker,text\nT,0,,"{text}"\n'))
    assert material.transcripts[0].turns[0].text == text


def test_the_coder_in_the_file_wins_over_the_one_given(
    put: Put, read: Read, transcripts_csv: Path
) -> None:
    path = put("codings.csv", HEADER + "A1,0,,,Beds,ann,\nA1,1,,,Beds,,\n")
    found = read(transcripts_csv, path, coder="me").codings
    assert [item.coder for item in found] == ["ann", "me"]


def test_codings_alone_refer_to_transcripts_of_the_study(
    put: Put, read: Read, transcripts_csv: Path
) -> None:
    known = {item.name: item for item in read(transcripts_csv).transcripts}
    material = read(put("codings.csv", HEADER + "B2,0,,,Beds,ann,\n"), known=known)
    assert len(material.codings) == 1
    assert material.transcripts == ()


def test_the_same_row_twice_is_one_coding(put: Put, read: Read, transcripts_csv: Path) -> None:
    row = "A1,1,,,Beds,ann,\n"
    material = read(transcripts_csv, put("codings.csv", HEADER + row + row))
    assert (len(material.codings), len(material.readings)) == (1, 1)


def test_files_are_known_by_their_columns_where_the_name_says_nothing(
    put: Put, read: Read, transcripts_csv: Path
) -> None:
    renamed = transcripts_csv.rename(transcripts_csv.with_name("interviews.csv"))
    wave = put("anna wave 2.csv", HEADER + "A1,1,,,Beds,ann,\n")
    where = put("sites.csv", "transcript,trust\nA1,Acute\n")
    codes = put("tree.csv", "code,definition\nBeds,Not enough beds\n")
    material = read(wave, where, codes, renamed)
    assert material.transcripts[0].attributes == {"trust": "Acute"}
    assert material.codebook.code("Beds") == Code(path="Beds", definition="Not enough beds")
    assert len(material.codings) == 1


def test_attributes_are_added_to_a_transcript_of_the_study(
    put: Put, read: Read, transcripts_csv: Path
) -> None:
    first = read(transcripts_csv, put("attributes.csv", "transcript,trust,wave\nA1,Acute,1\n"))
    known = {item.name: item for item in first.transcripts}
    (changed,) = read(
        put("attributes.csv", "transcript,wave,group\nA1,2,\n"), known=known
    ).transcripts
    assert changed.attributes == {"trust": "Acute", "wave": "2"}
    assert changed.turns == known["A1"].turns


def test_a_column_that_is_not_read_is_told(put: Put, read: Read, transcripts_csv: Path) -> None:
    codings = put("codings.csv", "transcript,turn,start,end,code,coder,note\nA1,1,,,Beds,ann,x\n")
    (refused,) = read(transcripts_csv, codings).refused
    assert refused.line == 1
    assert "'note'" in refused.message


@pytest.mark.parametrize(
    ("row", "line", "says"),
    [
        ("A1,1,0,20,Beds,ann,", 3, "end 20 is outside the turn, which has 19 characters"),
        ("A1,1,0,99,Beds,ann,", 3, "end 99 is outside the turn, which has 19 characters"),
        ("A1,1,7,7,Beds,ann,", 3, "start 7 is not before end 7"),
        ("A1,1,9,3,Beds,ann,", 3, "start 9 is not before end 3"),
        ("A1,1,-1,3,Beds,ann,", 3, "'-1' is not a number"),
        ("A1,1,x,3,Beds,ann,", 3, "'x' is not a number"),
        ("A1,1,3,,Beds,ann,", 3, "start is given and end is not"),
        ("A1,1,,3,Beds,ann,", 3, "end is given and start is not"),
        ("A1,two,,,Beds,ann,", 3, "turn 'two' is not a number"),
        ("A1,2,,,Beds,ann,", 3, "turn 2 is not in transcript 'A1', which has 2 turns"),
        ("A9,0,,,Beds,ann,", 3, "transcript 'A9' is neither in this input nor in the study"),
        (",0,,,Beds,ann,", 3, "no transcript"),
        ("A1,0,,,Beds,,", 3, "--coder"),
        ("A1,0,,,Beds,ann,yesterday", 3, "'yesterday' is not an ISO 8601 time"),
        ("A1,0,,,Beds,ann", 3, "6 fields, expected 7"),
        ("A1,0,,,Beds, and more,ann,", 3, "8 fields, expected 7"),
        ('A1,0,,,"Beds,ann,', 3, "not valid CSV"),
    ],
)
def test_a_bad_coding_is_refused_with_its_line(
    put: Put, refusal: Refusal, transcripts_csv: Path, row: str, line: int, says: str
) -> None:
    codings = put("codings.csv", f"{HEADER}A1,1,,,Beds,ann,\n{row}\n")
    message = refusal(transcripts_csv, codings)
    assert message.startswith(f"{codings}, line {line}: ")
    assert says in message


@pytest.mark.parametrize("absent", ["transcript", "turn", "start", "end", "code"])
def test_a_missing_column_is_named(
    put: Put, refusal: Refusal, transcripts_csv: Path, absent: str
) -> None:
    columns = [name for name in HEADER.strip().split(",") if name != absent]
    codings = put("codings.csv", ",".join(columns) + "\n")
    message = refusal(transcripts_csv, codings)
    assert f"{codings}, line 1: column {absent!r} missing" in message


def test_codings_without_a_coder_anywhere_ask_for_one(
    put: Put, read: Read, refusal: Refusal, transcripts_csv: Path
) -> None:
    codings = put("codings.csv", "transcript,turn,start,end,code\nA1,1,,,Beds\n")
    assert "--coder NAME" in refusal(transcripts_csv, codings)
    assert read(transcripts_csv, codings, coder="ann").codings[0].coder == "ann"


def test_a_code_outside_a_declared_codebook_is_refused_once_with_its_count(
    put: Put, refusal: Refusal, transcripts_csv: Path
) -> None:
    codebook = put("codebook.csv", "code\nTrust > Lost\n")
    codings = put("codings.csv", HEADER + "A1,0,,,Trust > Lots,ann,\nA1,1,,,Trust > Lots,ann,\n")
    message = refusal(transcripts_csv, codebook, codings)
    assert message.count("\n") == 0
    assert "line 2: code 'Trust > Lots' is not in the codebook (2 codings" in message
    assert "did you mean 'Trust > Lost'?" in message


def test_the_studys_declared_codebook_binds_a_later_import(
    put: Put, read: Read, refusal: Refusal, transcripts_csv: Path
) -> None:
    declared = Codebook.of([Code(path="Trust > Lost")], declared=True)
    good = put("codings.csv", HEADER + "A1,0,,,Trust,ann,\n")
    assert read(transcripts_csv, good, codebook=declared).codebook == declared
    bad = put("codings.csv", HEADER + "A1,0,,,Beds,ann,\n")
    assert "'Beds' is not in the codebook" in refusal(transcripts_csv, bad, codebook=declared)


def test_a_gathered_codebook_grows_with_the_codings(
    put: Put, read: Read, transcripts_csv: Path
) -> None:
    gathered = Codebook.of([Code(path="Trust")], declared=False)
    codings = put("codings.csv", HEADER + "A1,0,,,Beds,ann,\n")
    assert read(transcripts_csv, codings, codebook=gathered).codebook.paths == ("Trust", "Beds")


def test_a_codebook_file_says_what_codes_mean(put: Put, read: Read) -> None:
    path = put(
        "codebook.csv",
        "code,definition,include,exclude,examples\n"
        'Trust > Lost,"Faith gone","broken, promises",rumours,I gave up | never again\n',
    )
    codebook = read(path).codebook
    assert codebook.declared
    assert codebook.codes == (
        Code(path="Trust"),
        Code(
            path="Trust > Lost",
            definition="Faith gone",
            include="broken, promises",
            exclude="rumours",
            examples=("I gave up", "never again"),
        ),
    )


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("transcripts.csv", "transcript,turn,speaker,text\nT,0,,a\nT,0,,b\n", "line 3: turn 0"),
        ("transcripts.csv", "transcript,turn,speaker,text\nT,0,,a\nT,2,,b\n", "no turn 1"),
        ("transcripts.csv", "transcript,turn,speaker,text\nT,1,,a\n", "no turn 0"),
        ("transcripts.csv", "transcript,turn,speaker,text\nT,999999999,,a\n", "no turn 0, 1, 2"),
        (
            "transcripts.csv",
            "transcript,turn,speaker,text\nT,first,,a\n",
            "'first' is not a number",
        ),
        ("transcripts.csv", "transcript,turn,speaker\nT,0,A\n", "column 'text' missing"),
        ("transcripts.csv", "transcript,turn,speaker,text\n", "only a header"),
        ("transcripts.csv", "transcript;turn;speaker;text\nT;0;;a\n", "not separated by commas"),
        ("transcripts.csv", "transcript,turn,speaker,text,Text\n", "occurs more than once"),
        ("codebook.csv", "code\nTrust\n Trust \n", "line 3: code 'Trust' is listed twice"),
        ("codebook.csv", "code,definition\n,nothing\n", "line 2: no code"),
        ("attributes.csv", "transcript,trust\nT,Acute\n", "transcript 'T' is neither"),
        ("things.csv", "a,turn\n1,2\n", "those of no known file"),
    ],
)
def test_a_bad_table_is_refused(
    put: Put, refusal: Refusal, name: str, text: str, says: str
) -> None:
    assert says in refusal(put(name, text))


def test_attributes_given_twice_are_refused(
    put: Put, refusal: Refusal, transcripts_csv: Path
) -> None:
    attributes = put("attributes.csv", "transcript,trust\nA1,Acute\nA1,Care\n")
    assert "line 3: 'A1' is there already, in line 2" in refusal(transcripts_csv, attributes)


def test_codings_of_a_broken_transcript_do_not_bury_the_cause(put: Put, refusal: Refusal) -> None:
    transcripts = put("transcripts.csv", "transcript,turn,speaker,text\nT,0,,a\nT,0,,b\n")
    codings = put("codings.csv", HEADER + "T,0,,,Beds,ann,\n" * 9)
    message = refusal(transcripts, codings)
    assert message.startswith(f"{transcripts}, line 3")
    assert "\n" not in message


# Lone surrogates are no Unicode text and NUL is refused, so neither can come from a file.
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)
NAME = TEXT.map(str.strip).filter(bool)


@st.composite
def studies(draw: st.DrawFn) -> Material:
    transcripts = tuple(
        Transcript(
            name=name,
            turns=tuple(
                Turn(index=index, speaker=speaker, text=text)
                for index, (speaker, text) in enumerate(
                    draw(st.lists(st.tuples(TEXT.map(str.strip), TEXT), min_size=1, max_size=4))
                )
            ),
            attributes=draw(st.dictionaries(st.sampled_from(["trust", "Wave 1"]), NAME)),
        )
        for name in draw(st.lists(NAME, min_size=1, max_size=3, unique=True))
    )
    codings = {}
    for _ in range(draw(st.integers(0, 6))):
        transcript = draw(st.sampled_from(transcripts))
        turn = draw(st.sampled_from(transcript.turns))
        if turn.text:
            start = draw(st.integers(0, len(turn.text) - 1))
            end = draw(st.integers(start + 1, len(turn.text)))
            code, coder = draw(st.sampled_from(["Trust > Lost", 'Bèds, "all"'])), draw(NAME)
            codings[transcript.name, turn.index, start, end, code, coder] = Coding(
                transcript=transcript.name,
                turn=turn.index,
                start=start,
                end=end,
                code=code,
                coder=coder,
                coded_at=draw(st.none() | st.just(datetime(2026, 3, 1, 14, 5, tzinfo=UTC))),
            )
    readings = {
        (item.transcript, item.turn, item.coder): Reading(
            transcript=item.transcript, turn=item.turn, coder=item.coder
        )
        for item in codings.values()
    }
    for transcript in transcripts:
        if draw(st.booleans()):
            key = (transcript.name, 0, "reader")
            readings[key] = Reading(transcript=transcript.name, turn=0, coder="reader")
    return Material(
        transcripts=transcripts,
        codings=tuple(codings.values()),
        readings=tuple(readings.values()),
        codebook=Codebook.of(
            [
                Code(path="Trust > Lost", definition="a, b\nc", color="#0a0B0c"),
                Code(path='Bèds, "all"'),
            ],
            declared=True,
        ),
    )


def write_transcripts(folder: Path, transcripts: Sequence[Transcript]) -> None:
    """A row a turn, and beside them a row a transcript with all attributes that occur."""
    names = list(dict.fromkeys(name for item in transcripts for name in item.attributes))
    turns = [
        (item.name, turn.index, turn.speaker, turn.text)
        for item in transcripts
        for turn in item.turns
    ]
    values = [
        (item.name, *(item.attributes.get(name, "") for name in names)) for item in transcripts
    ]
    for file, rows in (
        ("transcripts.csv", [("transcript", "turn", "speaker", "text"), *turns]),
        ("attributes.csv", [("transcript", *names), *values]),
    ):
        with (folder / file).open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream).writerows(rows)


@given(studies())
@settings(max_examples=60, deadline=None)
def test_what_is_written_is_read_back_the_same(material: Material) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_transcripts(folder, material.transcripts)
        tidy_csv_out.write_codebook(folder / "codebook.csv", material.codebook)
        tidy_csv_out.write_codings(
            folder / "codings.csv",
            material.codings,
            {item.name: item for item in material.transcripts},
            material.readings,
        )
        back = read_paths([folder], known={}, codebook=Codebook(), coder=None)
    assert back.transcripts == material.transcripts
    assert set(back.codings) == set(material.codings)
    assert set(back.readings) == set(material.readings)
    assert back.codebook == material.codebook


def test_a_whole_turn_is_written_without_offsets(tmp_path: Path) -> None:
    transcript = Transcript(name="T", turns=(Turn(index=0, speaker="", text="all of it"),))
    coding = Coding(transcript="T", turn=0, start=0, end=9, code="Beds", coder="ann")
    tidy_csv_out.write_codings(tmp_path / "new" / "codings.csv", [coding], {"T": transcript})
    assert (tmp_path / "new" / "codings.csv").read_text().splitlines()[1] == "T,0,,,Beds,ann,"
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["codings.csv"]
