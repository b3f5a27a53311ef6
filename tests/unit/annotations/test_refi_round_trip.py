"""What is written as REFI-QDA fits the schema, and is read back as it was."""

import io
import zipfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from annotations.codebook import Code, Codebook
from annotations.codings import Coding, Reading
from annotations.formats.reading import read_paths
from annotations.formats.refi.codebook import write_codebook
from annotations.formats.refi.project_out import project_bytes
from annotations.memos import Memo, NamedSet
from annotations.study import Material, Study
from annotations.transcripts import Transcript, Turn

DATA = Path(__file__).resolve().parents[2] / "data" / "refi_qda"

# All that XML can hold but lone carriage returns, which it makes line feeds.
CHARACTERS = st.characters(
    exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff", include_characters="\n\t"
)
TEXT = st.text(CHARACTERS | st.sampled_from("ab :\n😀é?>&<\"'"), max_size=24)
WORDS = TEXT.map(lambda text: text.strip()).filter(bool)
NAME = st.text(st.sampled_from("abcXYZé😀 &<'\"?-"), min_size=1, max_size=8).map(
    lambda name: " ".join(name.split()) or "x"
)
PATHS = st.lists(NAME, min_size=1, max_size=3).map(" > ".join)
CODERS = st.sampled_from(["Ana", "Bo", "adjudicated", "model:0123abcd", "né & <e>"])
WHEN = st.none() | st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2030, 1, 1)).map(
    lambda moment: moment.replace(tzinfo=UTC)
)


def schema(name: str) -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(DATA / name))


PROJECT = schema("Project.xsd")
CODEBOOK = schema("Codebook.xsd")


@st.composite
def studies(draw: st.DrawFn) -> Study:
    """Studies whose codings have words, and each of whose passages is joined as it was made."""
    codes = [
        Code(
            path=path,
            definition=draw(TEXT).strip(),
            include=draw(TEXT).strip(),
            examples=tuple(draw(st.lists(WORDS, max_size=2))),
            color=draw(st.sampled_from(["", "#aabbcc", "#0F0"])),
        )
        for path in draw(st.lists(PATHS, min_size=1, max_size=4, unique=True))
    ]
    codebook = Codebook.of(codes, declared=True)
    transcripts, codings, readings = [], {}, {}
    for name in draw(st.lists(NAME, min_size=1, max_size=2, unique=True)):
        turns = tuple(
            Turn(index=index, speaker=draw(st.sampled_from(["", "Nurse", "P 3"])), text=text)
            for index, text in enumerate(draw(st.lists(TEXT, max_size=4)))
        )
        attributes = draw(st.dictionaries(st.sampled_from(["trust", "age"]), WORDS, max_size=2))
        transcripts.append(Transcript(name=name, turns=turns, attributes=attributes))
        for turn in turns:
            for _ in range(draw(st.integers(0, 2)) if turn.text else 0):
                start = draw(st.integers(0, len(turn.text) - 1))
                coding = Coding(
                    transcript=name,
                    turn=turn.index,
                    start=start,
                    end=draw(st.integers(start + 1, len(turn.text))),
                    code=draw(st.sampled_from(codebook.paths)),
                    coder=draw(CODERS),
                    coded_at=draw(WHEN),
                    memo=draw(TEXT).strip(),
                )
                key = (name, turn.index, coding.start, coding.end, coding.code, coding.coder)
                codings.setdefault(key, coding)
            if draw(st.booleans()):
                coder = draw(CODERS)
                readings[name, turn.index, coder] = Reading(
                    transcript=name, turn=turn.index, coder=coder, assisted=draw(st.booleans())
                )
    memos = {
        Memo(title=draw(TEXT).strip() or "m", text=draw(TEXT).strip(), author=draw(CODERS)),
        Memo(title="a", text=draw(TEXT).strip(), code=codebook.paths[0]),
        Memo(title="b", text=draw(TEXT).strip(), transcript=transcripts[0].name),
    }
    return Study(
        name=draw(NAME),
        codebook=codebook,
        transcripts=tuple(transcripts),
        codings=tuple(codings.values()),
        readings=tuple(readings.values()),
        memos=tuple(memos),
        sets=(NamedSet(name="s", codes=codebook.paths[:1], transcripts=(transcripts[0].name,)),),
    )


def back(folder: Path, content: bytes, **known: Any) -> Material:
    path = folder / "study.qdpx"
    path.write_bytes(content)
    return read_paths([path], known=known.get("known", {}), codebook=Codebook(), coder=None)


def fits_the_schema(content: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        document = etree.fromstring(file.read("project.qde"))
    assert PROJECT.validate(document), PROJECT.error_log


@given(study=studies())
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_study_is_read_back_as_it_was_written(study: Study, tmp_path: Path) -> None:
    content = project_bytes(study)
    fits_the_schema(content)
    material = back(tmp_path, content)
    # A source without a character to show is told, and left out.
    spoken = [
        item
        for item in study.transcripts
        if any(turn.speaker or turn.text.strip() for turn in item.turns)
    ]
    names = {item.name for item in spoken}
    assert material.transcripts == tuple(spoken)
    assert set(material.codings) == {one for one in study.codings if one.transcript in names}
    assert set(material.readings) == {one for one in study.readings if one.transcript in names}
    assert material.codebook == study.codebook
    assert {replace(one, author="") for one in material.memos} >= {
        replace(one, author="") for one in study.memos if one.transcript is None
    }
    assert project_bytes(study) == content


@given(study=studies())
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_codebook_is_read_back_as_it_was_written(study: Study, tmp_path: Path) -> None:
    content = write_codebook(study.codebook.codes, study.sets)
    document = etree.fromstring(content)
    assert CODEBOOK.validate(document), CODEBOOK.error_log
    path = tmp_path / "codes.qdc"
    path.write_bytes(content)
    material = read_paths([path], known={}, codebook=Codebook(), coder=None)
    assert material.codebook == study.codebook
    assert material.sets == tuple(replace(one, transcripts=()) for one in study.sets)


@pytest.fixture
def across() -> Study:
    """One passage across three turns, another of the same code in one of them, and a model."""
    turns = tuple(
        Turn(index=index, speaker=speaker, text=text)
        for index, (speaker, text) in enumerate(
            [("Nurse", "It began\r\nwell."), ("", "Then 😀 not."), ("Nurse", "Nobody came.")]
        )
    )
    at = datetime(2026, 3, 1, 10, tzinfo=UTC)

    def coding(turn: int, start: int, end: int, **other: Any) -> Coding:
        values = {"code": "Strain", "coder": "Ana", "coded_at": at, **other}
        return Coding(transcript="ward", turn=turn, start=start, end=end, **values)

    return Study(
        name="trusts",
        codebook=Codebook.of([Code(path="Strain")], declared=True),
        transcripts=(Transcript(name="ward", turns=turns),),
        codings=(
            coding(0, 10, 15, memo="All of it"),
            coding(1, 0, 11, continues=True),
            coding(2, 0, 6, continues=True),
            coding(2, 0, 12),
            coding(2, 0, 12, coder="model:77aa", coded_at=None),
        ),
        readings=(Reading(transcript="ward", turn=2, coder="Bo", assisted=True),),
    )


def test_a_passage_across_turns_goes_out_as_one(across: Study, tmp_path: Path) -> None:
    content = project_bytes(across)
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        root = etree.fromstring(file.read("project.qde"))
        (name,) = [name for name in file.namelist() if name.startswith("Sources/")]
        text = file.read(name).decode()
    passages = [
        text[int(one.get("startPosition")) : int(one.get("endPosition"))]
        for one in root.iter("{*}PlainTextSelection")
    ]
    assert passages == ["well.\nThen 😀 not.\nNurse: Nobody", "Nobody came."]
    assert len(root.findall(".//{*}Coding")) == 3
    material = back(tmp_path, content, known={"ward": across.transcripts[0]})
    assert set(material.codings) == set(across.codings)
    assert material.transcripts == across.transcripts


def test_a_model_is_a_user_of_its_own_with_its_version_in_a_note(across: Study) -> None:
    with zipfile.ZipFile(io.BytesIO(project_bytes(across))) as file:
        root = etree.fromstring(file.read("project.qde"))
    users = {one.get("name"): one.get("guid") for one in root.iter("{*}User")}
    (coding,) = [
        one for one in root.iter("{*}Coding") if one.get("creatingUser") == users["model:77aa"]
    ]
    target = coding.find("{*}NoteRef").get("targetGUID")
    (note,) = [one for one in root.iter("{*}Note") if one.get("guid") == target]
    assert "version 77aa" in note.findtext("{*}PlainTextContent")
    # What the schema leaves open and QualCoder cannot do without.
    assert all(one.get("creationDateTime") for one in root.iter("{*}Note"))


def test_a_project_that_another_tool_wrote_again_is_read_by_its_text(
    across: Study, tmp_path: Path
) -> None:
    """Without our own instruction, as any other tool leaves it."""
    packed = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(project_bytes(across))) as file,
        zipfile.ZipFile(packed, "w") as other,
    ):
        for name in file.namelist():
            content = file.read(name)
            if name == "project.qde":
                content = content[: content.index(b"<?second-coder")]
            else:
                content = b"\xef\xbb\xbf" + content.replace(b"\n", b"\r\n")
            other.writestr(name, content)
    ward = across.transcripts[0]
    material = back(tmp_path, packed.getvalue(), known={"ward": ward})
    assert material.transcripts == (ward,)
    assert set(material.codings) == set(across.codings)


def test_nvivo_project_goes_in_out_and_in_again_unchanged(
    shared_data: Path, tmp_path: Path
) -> None:
    path = shared_data / "formats" / "nvivo_windows_12.qdpx"
    material = read_paths([path], known={}, codebook=Codebook(), coder=None)
    assert len(material.codebook.codes) == 152
    assert max(code.level for code in material.codebook.codes) == 4
    assert len(material.codings) == 303
    assert passages_of(material) == nvivo_passages(path)
    study = Study(
        name="vaccines",
        codebook=material.codebook,
        transcripts=material.transcripts,
        codings=material.codings,
        readings=material.readings,
        memos=material.memos,
        sets=material.sets,
    )
    content = project_bytes(study)
    fits_the_schema(content)
    again = back(tmp_path, content)
    assert again.transcripts == material.transcripts
    assert set(again.codings) == set(material.codings)
    assert again.readings == material.readings
    assert (again.codebook, again.memos, again.sets) == (
        material.codebook,
        material.memos,
        material.sets,
    )


def passages_of(material: Material) -> list[tuple[str, str, str]]:
    turns = {item.name: item.turns for item in material.transcripts}
    return sorted(
        (turns[one.transcript][one.turn].text[one.start : one.end].strip(), one.code, one.coder)
        for one in material.codings
    )


def nvivo_passages(path: Path) -> list[tuple[str, str, str]]:
    """The same, from the file itself: UTF-16 units of its sources as they are."""
    with zipfile.ZipFile(path) as file:
        root = etree.fromstring(file.read("project.qde"))
        texts = {
            name.rsplit("/")[-1]: file.read(name).decode("utf-8-sig").encode("utf-16-le")
            for name in file.namelist()
            if name.endswith(".txt")
        }
    users = {one.get("guid"): one.get("name") for one in root.iter("{*}User")}
    found = []
    for source in root.iter("{*}TextSource"):
        text = texts[source.get("plainTextPath").removeprefix("internal://")]
        for one in source.iter("{*}PlainTextSelection"):
            words = text[2 * int(one.get("startPosition")) : 2 * int(one.get("endPosition"))]
            for coding in one.iter("{*}Coding"):
                target = coding.find("{*}CodeRef").get("targetGUID")
                (code,) = root.xpath(f"//*[local-name()='Code'][@guid='{target}']")
                names = [above.get("name") for above in code.iterancestors("{*}Code")]
                path_of_code = " > ".join(
                    " ".join(name.split()) for name in [*reversed(names), code.get("name")]
                )
                found.append(
                    (
                        words.decode("utf-16-le").strip(),
                        path_of_code,
                        users[coding.get("creatingUser")],
                    )
                )
    return sorted(found)
