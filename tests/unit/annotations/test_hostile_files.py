"""Small files that would take all memory or all day: read or refused in seconds, by name."""

import io
import json
import sqlite3
import zipfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from annotations.formats.taguette import Text
from annotations.formats.utf16 import code_point_offset
from annotations.study import Material
from annotations.transcripts import Transcript, Turn

Put = Callable[[str, str | bytes], Path]
Read = Callable[..., Material]
Refusal = Callable[..., str]

pytestmark = pytest.mark.timeout(60)

KNOWN = {"w": Transcript(name="w", turns=(Turn(index=0, speaker="N", text="No beds."),))}
DEEP = " > ".join(["a"] * 100_000)
LONGEST = 3_000
"""Characters of a message."""


def labelled(label: object, **more: object) -> str:
    value = {"start": "0", "end": "0", "startOffset": 0, "endOffset": 2, "text": "No"}
    result = {"id": "a", "type": "taxonomy", "value": value | {"taxonomy": [label]}, **more}
    data = {"transcript": "w", "turns": [{"speaker": "N", "text": "No beds."}]}
    annotation = {"completed_by": "ana", "result": [result]}
    return json.dumps([{"data": data, "annotations": [annotation | more]}])


def codebook(name: str) -> str:
    codes = f'<Code guid="a" name="{name}">' * 190 + "</Code>" * 190
    return f'<CodeBook xmlns="urn:QDA-XML:codebook:1.0"><Codes>{codes}</Codes></CodeBook>'


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("codebook.csv", f"code\n{DEEP}\n", "line 2: the code 'a > a > "),
        ("codebook.csv", "code\n" + " > ".join("a" * 300) + "\n", "has more than 200 levels"),
        ("codings.csv", f"transcript,turn,start,end,code,coder\nw,0,,,{DEEP},ana\n", "characters"),
        ("attributes.csv", "transcript" + ",a" * 100_000 + "\n", "100,001 columns"),
        ("t.json", labelled(["a"] * 100_000), "has 399,997 characters, more than 2,000"),
        ("t.json", labelled("A\ud800"), "the code 'A\\ud800' holds half a character"),
        ("t.json", labelled("A\0"), "or a NUL"),
        ("t.json", labelled("A", completed_by="a\ud800"), "the name of a coder holds half"),
        ("t.json", labelled("A", meta={"text": ["\ud800"]}, origin="manual"), "a memo holds half"),
        ("t.json", f'[{{"id": {"9" * 9000}}}]', "a number of thousands of digits"),
        ("a.qdc", codebook("c" * 20_000), "has 20,000 characters"),
        ("transcripts.csv", f"transcript,turn,speaker,text\nw,{'9' * 10**6},A,x\n", "line 2: turn"),
    ],
)
def test_what_would_take_all_memory_is_refused(
    put: Put, refusal: Refusal, name: str, content: str, told: str
) -> None:
    message = refusal(put(name, content), known=KNOWN)
    assert told in message
    assert name in message
    assert len(message) < LONGEST


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.txt", "A" + " " * 10**6 + "x"),
        ("b.txt", "Ann" + ", " * 500_000),
        ("a.vtt", "00:00:01.000 --> 00:00:02.000\nAnn: &#" + "9" * 10_000 + ";\n"),
        ("s.csv", "Document name,Code,Segment,code:" + " " * 200_000 + "x\nw,A,No,\n"),
    ],
)
def test_long_lines_take_no_longer_than_short_ones(
    put: Put, read: Read, name: str, content: str
) -> None:
    assert read(put(name, content), known=KNOWN, coder="ana").transcripts is not None


def opened(**entries: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as out:
        for name, content in entries.items():
            out.writestr(f"{name}.xml", f'<o:d xmlns:o="o">{content}</o:d>')
    return packed.getvalue()


def test_the_rows_of_a_table_in_a_table_are_read_once(put: Put, read: Read) -> None:
    inner, end = "<o:table><o:table-row><o:table-cell>", "</o:table-cell></o:table-row></o:table>"
    text = inner * 50 + "<o:p>Ann: Hello.</o:p>" + end * 50
    path = put("a.odt", opened(content=f"<o:body><o:text>{text}</o:text></o:body>"))
    (transcript,) = read(path).transcripts
    assert [turn.text for turn in transcript.turns] == ["Hello."]
    grouped = "<o:table><o:table-header-rows><o:table-row><o:table-cell><o:p>Ann: Hello.</o:p>"
    grouped += "</o:table-cell></o:table-row></o:table-header-rows></o:table>"
    path = put("b.odt", opened(content=f"<o:body><o:text>{grouped}</o:text></o:body>"))
    assert read(path).transcripts[0].turns[0].text == "Hello."


def test_styles_without_end_are_followed_so_far(put: Put, read: Read) -> None:
    styles = "".join(
        f'<o:style o:name="s{n}" o:parent-style-name="s{n + 1}"/>' for n in range(20_000)
    )
    text = '<o:p o:style-name="s0">Ann: Hello.</o:p>' * 20_000
    whole = f"<o:styles>{styles}</o:styles><o:body><o:text>{text}</o:text></o:body>"
    path = put("a.odt", opened(content=whole))
    assert len(read(path).transcripts[0].turns) == 20_000


def test_a_table_wider_than_any_is_no_table_of_speakers(put: Put, refusal: Refusal) -> None:
    rows = "<w:tr>" + "<w:tc/>" * 50_000 + "</w:tr>" + "<w:tr><w:tc/></w:tr>" * 10_000
    body = f'<w:document xmlns:w="w"><w:body><w:tbl>{rows}</w:tbl></w:body></w:document>'
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("word/document.xml", body)
    assert "no words of speech" in refusal(put("a.docx", packed.getvalue()))


def project(path: Path, tables: Mapping[str, Sequence[Sequence[object]]]) -> Path:
    with closing(sqlite3.connect(path)) as connection:
        for table, rows in tables.items():
            connection.execute(f"CREATE TABLE {table}")
            marks = ",".join("?" * len(rows[0]))
            connection.executemany(f"INSERT INTO {table.split()[0]} VALUES ({marks})", rows)
        connection.commit()
    return path


def qualcoder(
    path: Path, codes: Sequence[Sequence[object]], categories: Sequence[Sequence[object]]
) -> Path:
    return project(
        path,
        {
            "source (id, name, fulltext)": [(1, "w", "N: No beds.")],
            "code_name (cid, name, catid, supercid)": codes,
            "code_cat (catid, name, supercatid)": categories,
            "code_text (cid, fid, seltext, pos0, pos1, owner)": [(1, 1, "No", 3, 5, "ana")],
        },
    )


def test_codes_and_categories_above_themselves_are_met_once(tmp_path: Path, read: Read) -> None:
    path = qualcoder(
        tmp_path / "a.qda",
        [(1, "A", 1, 2), (2, "B", 1, 1)],
        [(1, "C", 2), (2, "D", 1)],
    )
    found = read(path)
    assert {coding.code for coding in found.codings} == {"D > C > B > A"}


def test_a_long_name_above_many_codes_is_refused(tmp_path: Path, refusal: Refusal) -> None:
    codes = [(number, f"A{number}", 1, None) for number in range(2000)]
    told = refusal(qualcoder(tmp_path / "a.qda", codes, [(1, "C" * 10**6, None)]))
    assert "has 1,000,005 characters, more than 2,000" in told


def taguette(path: Path, html: str) -> Path:
    return project(
        path,
        {
            "documents (id, name, contents)": [(1, "w", html)],
            "tags (id, path)": [(1, "a")],
            "highlights (id, document_id, start_offset, end_offset)": [(1, 1, 0, 2)],
            "highlight_tags (highlight_id, tag_id)": [(1, 1)],
        },
    )


@pytest.mark.parametrize("broken", ["<a ", "<!--", "</", "<?", '<a b="', "<![CDATA[", "<!-- >"])
def test_html_that_is_read_again_and_again_is_refused(
    tmp_path: Path, refusal: Refusal, broken: str
) -> None:
    told = refusal(taguette(tmp_path / "a.sqlite3", "<p>N: x</p>" + broken * 100_000))
    assert "a.sqlite3" in told
    assert "no HTML that Taguette writes" in told


def test_a_declaration_that_is_none_is_refused_by_name(tmp_path: Path, refusal: Refusal) -> None:
    told = refusal(taguette(tmp_path / "a.sqlite3", "<p>N: x</p><![zzz[ y"))
    assert "a.sqlite3" in told


def test_places_in_a_long_piece_of_html_are_found_quickly() -> None:
    text = Text("<p>" + "é " * 500_000 + "</p>")
    places = [text.place(3 * number) for number in range(0, 300_000, 10)]
    assert places == [2 * number for number in range(0, 300_000, 10)]
    assert text.place(1) is None


@pytest.mark.parametrize("text", ["", "abc", "a🙂b", "🙂🙂", "é🙂" * 5000])
def test_utf16_offsets_agree_with_counting(text: str) -> None:
    starts = [0]
    for character in text:
        starts.append(starts[-1] + 1 + (character > "\uffff"))
    for offset in range(min(starts[-1], 50) + 1):
        down = max(at for at, start in enumerate(starts) if start <= offset)
        assert code_point_offset(text, offset) == down
        assert code_point_offset(text, offset, up=True) == down + (starts[down] < offset)
    with pytest.raises(ValueError):
        code_point_offset(text, starts[-1] + 1)
