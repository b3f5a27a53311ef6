"""REFI-QDA projects of the tools that write them: what comes in, and what is said not to."""

import io
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from annotations.codebook import Code
from annotations.codings import Coding
from annotations.formats.refi.sources import MOST_BYTES
from annotations.memos import Memo, NamedSet
from annotations.study import Material
from annotations.transcripts import Transcript

Put = Callable[[str, str | bytes], Path]
Read = Callable[..., Material]
Refusal = Callable[..., str]
Refi = Callable[..., bytes]
Packed = Callable[..., bytes]

INTERVIEW = (
    "Interviewer: Who helps you? 😀\n"
    "Nurse: My sister helps me 👍🏽. She is a nurse, too.\n"
    "\n"
    "Interviewer: And at work? 🏥\n"
    "Nurse: Nobody. We are too few, née Müller says.\n"
)
PASSAGES = [
    ("My sister helps me 👍🏽", 2, 1),
    ("My sister helps me 👍🏽", 1, 2),
    ("too few", 3, 1),
]


def words_of(material: Material) -> list[tuple[str, str, str]]:
    texts = {item.name: item.turns for item in material.transcripts}
    return [
        (texts[one.transcript][one.turn].text[one.start : one.end], one.code, one.coder)
        for one in material.codings
    ]


def test_every_tool_counts_its_own_way_and_is_understood(
    tool: Any, put: Put, read: Read, refi: Refi
) -> None:
    material = read(put("wards.qdpx", refi(tool, INTERVIEW, PASSAGES)))
    assert words_of(material) == [
        ("My sister helps me 👍🏽", "Support > Family", "Ana"),
        ("My sister helps me 👍🏽", "Support", "Bo"),
        ("too few", "Strain", "Ana"),
    ]
    (transcript,) = material.transcripts
    assert [turn.speaker for turn in transcript.turns] == ["Interviewer", "Nurse"] * 2
    assert transcript.turns[3].text == "Nobody. We are too few, née Müller says."
    assert material.codebook.codes[:2] == (
        Code(path="Support", definition="Help that is given", color="#33cc33"),
        Code(path="Support > Family"),
    )
    assert material.codebook.declared
    assert material.codings[0].coded_at is not None
    assert not material.refused


def test_whoever_coded_any_of_a_source_has_read_all_of_it(
    qualcoder: Any, put: Put, read: Read, refi: Refi
) -> None:
    material = read(put("wards.qdpx", refi(qualcoder, INTERVIEW, PASSAGES)))
    assert {(one.coder, one.turn) for one in material.readings} == {
        *(("Ana", turn) for turn in range(4)),
        *(("Bo", turn) for turn in range(4)),
    }


def test_a_passage_across_turns_becomes_a_coding_a_turn(
    qualcoder: Any, put: Put, read: Read, refi: Refi
) -> None:
    passage = INTERVIEW[INTERVIEW.index("She is") : INTERVIEW.index(" We are")]
    material = read(put("wards.qdpx", refi(qualcoder, INTERVIEW, [(passage, 1, 1)])))
    assert [words for words, _, _ in words_of(material)] == [
        "She is a nurse, too.",
        "And at work? 🏥",
        "Nobody.",
    ]
    assert [one.continues for one in material.codings] == [False, True, True]


def test_offsets_that_fit_no_counting_are_refused_with_the_place(
    qualcoder: Any, put: Put, refusal: Refusal, refi: Refi
) -> None:
    message = refusal(put("wards.qdpx", refi(qualcoder, INTERVIEW, PASSAGES, shift=500)))
    assert "3 of 3 passages of source 'ward' fit its text in no way of counting" in message
    assert "export the project again" in message


def test_names_that_are_excerpts_are_checked_against_the_text(
    put: Put, refusal: Refusal, refi: Refi, maxqda: Any
) -> None:
    shifted = refi(maxqda, INTERVIEW, PASSAGES, shift=3)
    assert "no way of counting" in refusal(put("wards.qdpx", shifted))


def test_paragraphs_are_turns_where_nobody_is_named(
    qualcoder: Any, put: Put, read: Read, refi: Refi
) -> None:
    text = "A first thought.\nNote: this is said once, in passing.\n" + "word " * 40 + "\n\nEnd.\n"
    material = read(put("a.qdpx", refi(qualcoder, text, [("first", 1, 1)])))
    assert [turn.text for turn in material.transcripts[0].turns] == [
        "A first thought.",
        "Note: this is said once, in passing.",
        ("word " * 40).strip(),
        "End.",
    ]


def test_a_text_wrapped_by_hand_has_paragraphs_between_empty_lines(
    qualcoder: Any, put: Put, read: Read, refi: Refi
) -> None:
    material = read(put("a.qdpx", refi(qualcoder, "One\ntwo\n\nthree\nfour\n", [("two", 1, 1)])))
    assert [turn.text for turn in material.transcripts[0].turns] == ["One\ntwo", "three\nfour"]


def test_the_studys_own_turns_are_kept_where_only_white_space_differs(
    qualcoder: Any, put: Put, read: Read, refi: Refi, transcript: Callable[..., Transcript]
) -> None:
    known = transcript("ward", "Who  helps?", "My sister, mostly.", speakers=["Int", "Nurse"])
    text = "Int: Who helps?\nNurse (00:12): My\nsister, mostly.\n"
    content = refi(qualcoder, text, [("helps?\nNurse (00:12): My\nsis", 1, 1)], source="ward.docx")
    path = put("a.qdpx", content)
    material = read(path, known={"ward": known})
    assert material.transcripts == (known,)
    assert [words for words, _, _ in words_of(material)] == ["helps?", "My sis"]


CASES = """
<Variables><Variable guid="{v1}" name="trust" typeOfVariable="Text"/>
<Variable guid="{v2}" name="age" typeOfVariable="Integer"/></Variables>
<Cases><Case guid="{c1}" name="Nurse 7"><Description>Met twice</Description>
<VariableValue><VariableRef targetGUID="{v1}"/><TextValue>Acute</TextValue></VariableValue>
<VariableValue><VariableRef targetGUID="{v2}"/><IntegerValue>44</IntegerValue></VariableValue>
<SourceRef targetGUID="{s1}"/></Case></Cases>
<Sources><TextSource guid="{s1}" name="ward" plainTextPath="internal://a.txt">
<PlainTextSelection guid="{p1}" startPosition="0" endPosition="5">
<Description>Said with a smile</Description><NoteRef targetGUID="{n2}"/></PlainTextSelection>
<PlainTextSelection guid="{p2}" startPosition="6" endPosition="9">
<Coding guid="{k1}" creatingUser="{u1}"><CodeRef targetGUID="{d1}"/><NoteRef targetGUID="{n1}"/>
</Coding></PlainTextSelection><NoteRef targetGUID="{n2}"/>
<VariableValue><VariableRef targetGUID="{v1}"/><TextValue>Care</TextValue></VariableValue>
</TextSource>
<PictureSource guid="{s2}" name="photo" path="internal://p.png"><PictureSelection guid="{p3}"
firstX="0" firstY="0" secondX="9" secondY="9"><Coding guid="{k2}"><CodeRef targetGUID="{d1}"/>
</Coding></PictureSelection></PictureSource>
<PDFSource guid="{s3}" name="report" path="internal://r.pdf"><PDFSelection guid="{p4}" page="1"
firstX="0" firstY="0" secondX="9" secondY="9"/><Representation guid="{s4}" name="report"
plainTextPath="internal://a.txt"/></PDFSource>
<TextSource guid="{s5}" name="afar" plainTextPath="absolute://C:/x.txt"><PlainTextSelection
guid="{p5}" startPosition="0" endPosition="5"/></TextSource></Sources>
<Notes><Note guid="{n1}" name="Memo"><PlainTextContent>Why so?</PlainTextContent></Note>
<Note guid="{n2}" name="Field note" creatingUser="{u1}"><PlainTextContent>A long day.
</PlainTextContent></Note><Note guid="{n3}" name="Method" plainTextPath="internal://n.txt"/></Notes>
<Links><Link guid="{l1}" originGUID="{d1}" targetGUID="{s1}"/></Links>
<Sets><Set guid="{t1}" name="Early"><Description>First wave</Description>
<MemberCode targetGUID="{d1}"/><MemberSource targetGUID="{s1}"/></Set></Sets>
"""


def test_cases_variables_notes_and_sets_come_in_and_the_rest_is_listed(
    put: Put, read: Read, packed: Packed
) -> None:
    keys = [f"{kind}{n}" for kind in "vcspnkudlt" for n in range(1, 6)]
    guids = {key: f"00000000-0000-4000-8000-{n:012d}" for n, key in enumerate(keys)}
    inside = (
        '<Users><User guid="{u1}" name="Ana"/></Users><CodeBook><Codes>'
        '<Code guid="{d1}" name="Strain" isCodable="true"><NoteRef targetGUID="{n1}"/></Code>'
        "</Codes></CodeBook>" + CASES
    ).format(**guids)
    texts = {"a.txt": b"Hello and welcome.", "n.txt": b"How we did it."}
    material = read(put("all.qdpx", packed(inside, texts)))
    ward = material.transcripts[0]
    assert ward.attributes == {"case": "Nurse 7", "trust": "Care", "age": "44"}
    assert [item.name for item in material.transcripts] == ["ward", "report"]
    assert [(one.code, one.memo) for one in material.codings] == [("Strain", "Why so?")]
    place: dict[str, Any] = {"transcript": "ward", "turn": 0, "start": 0, "end": 5}
    assert set(material.memos) == {
        Memo(title="Field note", text="A long day.", author="Ana", **place),
        Memo(title="Description", text="Said with a smile", **place),
        Memo(title="Field note", text="A long day.", author="Ana", transcript="ward"),
        Memo(title="Memo", text="Why so?", code="Strain"),
        Memo(title="Case Nurse 7", text="Met twice", transcript="ward"),
        Memo(title="Method", text="How we did it."),
    }
    assert material.sets == (
        NamedSet(name="Early", description="First wave", codes=("Strain",), transcripts=("ward",)),
    )
    told = " ".join(one.message for one in material.refused)
    for what in (
        "picture 'photo' has no text",
        "'photo': 1 region of the picture with 1 coding not read",
        "'report': 1 region of pages with 0 codings not read",
        "source 'afar' lies outside of the project",
        "1 passage of source 'afar' left out",
        "1 link between its parts is not read",
    ):
        assert what in told


def test_two_codes_of_one_name_stay_two(put: Put, read: Read, packed: Packed) -> None:
    code = '<Code guid="00000000-0000-4000-8000-00000000000{}" name="{}" isCodable="true"/>'
    codes = code.format(1, "Trust") + code.format(2, "Trust") + code.format(3, "A &gt; B")
    material = read(put("a.qdpx", packed(f"<CodeBook><Codes>{codes}</Codes></CodeBook>")))
    assert material.codebook.paths == ("Trust", "Trust (2)", "A › B")
    assert len(material.refused) == 3


def test_codings_without_a_user_are_the_coders_named(
    qualcoder: Any, put: Put, read: Read, refusal: Refusal, refi: Refi
) -> None:
    project = refi(qualcoder, INTERVIEW, [("too few", 3, 9)])
    path = put("wards.qdpx", project)
    assert "1 coding names no user; say --coder NAME" in refusal(path)
    assert [one.coder for one in read(path, coder="Cy").codings] == ["Cy"]


def test_a_codebook_file_comes_in(put: Put, read: Read) -> None:
    content = (
        '<CodeBook xmlns="urn:QDA-XML:codebook:1.0"><Codes><Code guid="{0}1" name="Trust" '
        'isCodable="false" color="#f00"><Description>A bond\n\nInclude: oaths\n\nExample: I swear'
        '</Description><Code guid="{0}2" name="Lost" isCodable="true"/></Code></Codes>'
        '<Sets><Set guid="{0}3" name="Core"><MemberCode guid="{0}2"/></Set></Sets></CodeBook>'
    ).format("00000000-0000-4000-8000-00000000000")
    material = read(put("core.qdc", content))
    assert material.codebook.codes == (
        Code(
            path="Trust", definition="A bond", include="oaths", examples=("I swear",), color="#f00"
        ),
        Code(path="Trust > Lost"),
    )
    assert material.sets == (NamedSet(name="Core", codes=("Trust > Lost",)),)


def zipped(**entries: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in entries.items():
            file.writestr(name, content)
    return packed.getvalue()


BOMB = b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><Project name="&b;"/>'


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"project.qde": bytes(30 * 2**20)}, "200 times its size"),
        ({"project.qde": BOMB}, "declares a document type or entities"),
        ({"project.qde": b"<a>" * 300}, "more than 200 elements inside each other"),
        ({"project.qde": b"<Project>"}, "not valid XML"),
        ({"project.qde": b"<CodeBook/>"}, "expected a REFI-QDA <Project>"),
        ({"other.xml": b"<Project/>"}, "has no 'project.qde' in it"),
        ({"project.qde": b"<Project/>", "../evil": b""}, "a path outside itself"),
        ({"project.qde": b"<Project/>", "/etc/evil": b""}, "a path outside itself"),
    ],
)
def test_what_would_do_harm_or_is_no_project_is_refused(
    put: Put, refusal: Refusal, entries: dict[str, bytes], message: str
) -> None:
    assert message in refusal(put("a.qdpx", zipped(**entries)))


def test_an_entity_bomb_in_a_codebook_is_refused(put: Put, refusal: Refusal) -> None:
    assert "declares a document type or entities" in refusal(put("a.qdc", BOMB))


def test_more_elements_than_any_study_has_are_refused(put: Put, refusal: Refusal) -> None:
    many = b"<a>" + b"<b/>" * 400_001 + b"</a>"
    assert "more than 400,000 elements" in refusal(put("a.qdc", many))


def test_a_link_in_place_of_a_file_is_refused(put: Put, refusal: Refusal) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        link = zipfile.ZipInfo("project.qde")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        file.writestr(link, "/etc/passwd")
    assert "holds a link" in refusal(put("a.qdpx", packed.getvalue()))


def test_too_many_entries_are_refused_before_they_are_listed(put: Put, refusal: Refusal) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        for number in range(10_001):
            file.writestr(str(number), b"")
    assert "holds 10001 files" in refusal(put("a.qdpx", packed.getvalue()))


def test_a_source_too_large_is_told(put: Put, refusal: Refusal, packed: Packed) -> None:
    source = '<Sources><TextSource name="a" plainTextPath="internal://a.txt"/></Sources>'
    text = b"".join(b"%d words and more of them\n" % n for n in range(MOST_BYTES // 24))
    assert "split the project" in refusal(put("a.qdpx", packed(source, {"a.txt": text})))


def test_importing_a_project_again_changes_nothing(
    qualcoder: Any, put: Put, read: Read, refi: Refi
) -> None:
    path = put("wards.qdpx", refi(qualcoder, INTERVIEW, PASSAGES))
    first = read(path)
    again = read(
        path, known={item.name: item for item in first.transcripts}, codebook=first.codebook
    )
    assert again == first
    assert all(isinstance(one, Coding) for one in again.codings)
