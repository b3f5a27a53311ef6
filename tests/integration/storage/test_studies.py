from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from annotations.codebook import Code, Codebook
from annotations.codings import Coding, Reading
from annotations.errors import InputError, NotFound
from annotations.study import Material, Study
from annotations.transcripts import Transcript, Turn
from service.storage.records import Added
from service.storage.session import Database


def load(database: Database, name: str = "trusts") -> Study:
    with database.reading() as work:
        return work.studies.load(name)


def add(database: Database, material: Material, name: str = "trusts") -> Added:
    with database.unit_of_work() as work:
        added = work.studies.add(name, material)
        work.commit()
    return added


def refusal(database: Database, material: Material, name: str = "trusts") -> str:
    """The message with which the material is refused; the study must not have changed."""
    before = load(database, name)
    with database.unit_of_work() as work:
        with pytest.raises(InputError) as refused:
            work.studies.add(name, material)
        # Even where somebody commits after an error, nothing of the material may stay.
        work.commit()
    assert load(database, name) == before
    return str(refused.value)


def test_what_went_in_comes_out(database: Database, material: Material) -> None:
    with database.unit_of_work() as work:
        work.studies.create("trusts")
        added = work.studies.add("trusts", material)
        work.commit()
    study = load(database)
    assert (added.transcripts, added.turns, added.codings, added.readings) == (2, 4, 3, 4)
    assert added.codes == 3  # with the parent that nobody listed
    assert study.transcripts == material.transcripts
    assert study.codebook == material.codebook
    assert set(study.codings) == set(material.codings)
    assert set(study.readings) == set(material.readings)


def test_importing_twice_changes_nothing(
    database: Database, study: str, material: Material, rows: Callable[[str], int]
) -> None:
    tables = ("transcripts", "turns", "codes", "codings", "readings")
    before = load(database), [rows(table) for table in tables]
    added = add(database, material)
    assert added == Added()
    assert not added.anything
    assert (load(database), [rows(table) for table in tables]) == before


def test_work_is_rolled_back_by_default(database: Database, material: Material) -> None:
    with database.unit_of_work() as work:
        work.studies.create("trusts")
        work.studies.add("trusts", material)
    with database.reading() as work:
        assert work.studies.names() == ()


def test_an_error_after_a_write_rolls_it_back(database: Database) -> None:
    def fail() -> None:
        with database.unit_of_work() as work:
            work.studies.create("trusts")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with database.reading() as work:
        assert not work.studies.exists("trusts")


def test_an_unknown_study_is_answered_with_those_there_are(database: Database, study: str) -> None:
    with database.reading() as work, pytest.raises(NotFound, match=r"'trust'.*trusts"):
        work.studies.load("trust")


@pytest.mark.parametrize("name", ["", " trusts", "a/b", "..", "a\nb", "x" * 101])
def test_a_name_that_would_break_addresses_is_refused(database: Database, name: str) -> None:
    with database.unit_of_work() as work, pytest.raises(InputError):
        work.studies.create(name)


def test_a_name_is_taken_once(database: Database, study: str) -> None:
    with database.unit_of_work() as work, pytest.raises(InputError, match="already"):
        work.studies.create(study)


def test_other_words_under_a_known_name_are_refused(
    database: Database, study: str, material: Material
) -> None:
    ward = material.transcripts[0]
    first = replace(ward.turns[0], text="Who helps you? 😁")
    changed = replace(ward, turns=(first, *ward.turns[1:]))
    new = Transcript(name="new", turns=(Turn(index=0, speaker="", text="Hello"),))
    message = refusal(database, Material(transcripts=(new, changed)))
    assert "ward" in message
    assert "turn 0 has other words" in message


def test_other_turns_or_speakers_under_a_known_name_are_refused(
    database: Database, study: str, material: Material
) -> None:
    ward = material.transcripts[0]
    shorter = replace(ward, turns=ward.turns[:2])
    assert "2 turns" in refusal(database, Material(transcripts=(shorter,)))
    spoken = replace(ward.turns[0], speaker="Doctor")
    other = replace(ward, turns=(spoken, *ward.turns[1:]))
    assert "'Doctor'" in refusal(database, Material(transcripts=(other,)))


def test_a_missing_speaker_is_filled_in_later(database: Database) -> None:
    silent = Transcript(name="t", turns=(Turn(index=0, speaker="", text="Hello"),))
    spoken = Transcript(name="t", turns=(Turn(index=0, speaker="Ana", text="Hello"),))
    with database.unit_of_work() as work:
        work.studies.create("trusts")
        work.commit()
    for material in (silent, spoken, silent):
        add(database, Material(transcripts=(material,)))
    assert load(database).transcripts == (spoken,)


def test_attributes_are_added_and_corrected(
    database: Database, study: str, material: Material
) -> None:
    ward = replace(material.transcripts[0], attributes={"wave": "2", "trust": "Care"})
    assert add(database, Material(transcripts=(ward,))) == Added(attributes=1)
    assert load(database).transcripts[0].attributes == {"trust": "Care", "wave": "2"}
    assert add(database, Material(transcripts=(ward,))) == Added()


def test_the_order_of_transcripts_is_that_of_arrival(database: Database, study: str) -> None:
    first = Transcript(name="abbey", turns=(Turn(index=0, speaker="", text="Hello"),))
    add(database, Material(transcripts=(first,)))
    assert [item.name for item in load(database).transcripts] == ["ward", "clinic", "abbey"]


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ({"transcript": "nowhere"}, "neither here nor in the study"),
        ({"turn": 7}, "turns are 0 to 2"),
        ({"end": 400}, "characters 0 to 400"),
        ({"start": 9, "end": 3}, "characters 9 to 3"),
        ({"code": "Joy"}, "'Joy' is not in the codebook"),
    ],
)
def test_a_coding_that_fits_nowhere_is_refused(
    database: Database, study: str, where: dict[str, object], said: str
) -> None:
    coding = Coding(transcript="ward", turn=1, start=0, end=5, code="Strain", coder="cy")
    reading = Reading(transcript="ward", turn=1, coder="cy")
    wrong = replace(coding, **where)
    assert said in refusal(database, Material(codings=(coding, wrong), readings=(reading,)))


def test_offsets_count_code_points(database: Database, study: str) -> None:
    length = len("Who helps you? 😀")
    whole = Coding(transcript="ward", turn=0, start=0, end=length, code="Strain", coder="cy")
    assert add(database, Material(codings=(whole,))).codings == 1
    beyond = replace(whole, end=length + 1)
    assert f"which has {length}" in refusal(database, Material(codings=(beyond,)))


@pytest.mark.parametrize("text", ["a\x00b", "half \ud83d pair"])
def test_characters_that_no_database_keeps_are_refused(
    database: Database, study: str, text: str
) -> None:
    item = Transcript(name="odd", turns=(Turn(index=0, speaker="", text=text),))
    assert "turn 0" in refusal(database, Material(transcripts=(item,)))


def test_a_gathered_codebook_grows_with_its_codings(database: Database) -> None:
    turns = (Turn(index=0, speaker="", text="Hello"),)
    coding = Coding(transcript="t", turn=0, start=0, end=5, code="B > b", coder="ana")
    with database.unit_of_work() as work:
        work.studies.create("trusts")
        work.commit()
    item = Transcript(name="t", turns=turns)
    add(database, Material(transcripts=(item,), codings=(coding,)))
    add(database, Material(codings=(replace(coding, code="A"), replace(coding, code="B > a"))))
    book = load(database).codebook
    assert book.paths == ("B", "B > b", "B > a", "A")
    assert not book.declared


def test_a_declared_codebook_sets_definitions_and_order(database: Database, study: str) -> None:
    given = Codebook.of(
        [
            Code(path="Strain", definition="Too few, too much", include="workload"),
            Code(path="Support > Friends"),
            Code(path="Support > Family", definition="Help from kin", examples=("my aunt",)),
        ],
        declared=True,
    )
    added = add(database, Material(codebook=given))
    assert (added.codes, added.definitions) == (1, 1)
    study_now = load(database)
    assert study_now.codebook == given
    assert {coding.code for coding in study_now.codings} == {"Support > Family", "Strain"}
    assert add(database, Material(codebook=given)) == Added()


def test_a_partial_codebook_takes_no_declared_code_away(database: Database, study: str) -> None:
    given = Codebook.of([Code(path="Joy")], declared=True)
    assert add(database, Material(codebook=given)).codes == 1
    assert load(database).codebook.paths == ("Joy", "Support", "Support > Family", "Strain")


def test_a_codebook_that_lacks_a_code_in_use_is_refused(database: Database) -> None:
    item = Transcript(name="t", turns=(Turn(index=0, speaker="", text="Hello"),))
    coding = Coding(transcript="t", turn=0, start=0, end=5, code="A > a", coder="ana")
    with database.unit_of_work() as work:
        work.studies.create("trusts")
        work.studies.add("trusts", Material(transcripts=(item,), codings=(coding,)))
        work.commit()
    lacking = Material(codebook=Codebook.of([Code(path="B")], declared=True))
    assert "'A > a'" in refusal(database, lacking)
    holding = Codebook.of([Code(path="A > a"), Code(path="B")], declared=True)
    assert add(database, Material(codebook=holding)).codes == 1


def test_a_definition_that_was_given_is_not_lost_to_a_gathered_codebook(
    database: Database, study: str, material: Material
) -> None:
    gathered = Codebook.of([Code(path="Support > Family")], declared=False)
    assert add(database, Material(codebook=gathered)) == Added()
    assert load(database).codebook == material.codebook


def test_an_assisted_reading_stays_assisted(database: Database, study: str) -> None:
    seen = Reading(transcript="ward", turn=1, coder="ana", assisted=True)
    assert add(database, Material(readings=(seen,))).readings == 1
    assert add(database, Material(readings=(replace(seen, assisted=False),))) == Added()
    assert seen in load(database).readings


def test_times_come_back_in_utc(database: Database, study: str) -> None:
    noon = datetime.fromisoformat("2024-03-01T12:00:00+02:00")
    coding = Coding(
        transcript="ward", turn=0, start=0, end=3, code="Strain", coder="cy", coded_at=noon
    )
    add(database, Material(codings=(coding, replace(coding, end=4, coded_at=datetime(2024, 3, 1)))))
    times = [item.coded_at for item in load(database).codings if item.coder == "cy"]
    assert times == [datetime(2024, 3, 1, 10, tzinfo=UTC), datetime(2024, 3, 1, tzinfo=UTC)]


def test_a_summary_counts_what_is_there(database: Database, study: str) -> None:
    with database.reading() as work:
        found = work.studies.summary(study)
        listed = work.studies.codes(study)
    codes = {item.code.path: (item.codings, item.transcripts) for item in listed}
    assert (found.transcripts, found.turns, found.coded) == (2, 4, 2)
    assert (found.codes, found.codings, found.readings) == (3, 3, 4)
    assert found.words == 4 + 7 + 5
    assert [(c.coder, c.transcripts, c.turns, c.codings) for c in found.coders] == [
        ("ana", 2, 3, 2),
        ("bo", 1, 1, 1),
    ]
    assert (found.models, found.active_model) == (0, None)
    assert codes == {"Support": (0, 0), "Support > Family": (2, 1), "Strain": (1, 1)}


def test_one_transcript_can_be_had_alone(
    database: Database, study: str, material: Material
) -> None:
    with database.reading() as work:
        assert work.studies.transcript(study, "clinic") == material.transcripts[1]
        with pytest.raises(NotFound, match="'nowhere'"):
            work.studies.transcript(study, "nowhere")


def test_studies_do_not_mix(database: Database, study: str, material: Material) -> None:
    with database.unit_of_work() as work:
        work.studies.create("other")
        work.studies.add("other", Material(transcripts=material.transcripts[1:]))
        work.commit()
    with database.reading() as work:
        assert work.studies.names() == ("other", "trusts")
    other = load(database, "other")
    assert [item.name for item in other.transcripts] == ["clinic"]
    assert (other.codings, other.readings, other.codebook.codes) == ((), (), ())
    assert len(load(database).codings) == 3


def test_more_transcripts_than_a_statement_takes_values(database: Database) -> None:
    many = tuple(
        Transcript(name=f"t{number}", turns=(Turn(index=0, speaker="", text="Yes"),))
        for number in range(2500)
    )
    material = Material(
        transcripts=many,
        readings=tuple(Reading(transcript=item.name, turn=0, coder="ana") for item in many),
        codings=tuple(
            Coding(transcript=item.name, turn=0, start=0, end=3, code="A", coder="ana")
            for item in many
        ),
    )
    with database.unit_of_work() as work:
        work.studies.create("trusts")
        work.commit()
    assert add(database, material).codings == 2500
    assert add(database, material) == Added()
    assert len(load(database).transcripts) == 2500


def interview(*interviewers: str, said: tuple[str, ...] | None = None) -> Material:
    turns = (("I", "How?"), ("P", "Well."))
    return Material(
        transcripts=(
            Transcript(
                name="T",
                turns=tuple(
                    Turn(index=index, speaker=who, text=text, interviewer=who in interviewers)
                    for index, (who, text) in enumerate(turns)
                ),
            ),
        ),
        interviewers=said,
    )


def test_interviewers_are_marked_and_marked_anew(database: Database, study: str) -> None:
    def marks() -> list[bool]:
        with database.reading() as work:
            transcript = work.studies.transcript(study, "T")
        return [turn.interviewer for turn in transcript.turns]

    with database.unit_of_work() as work:
        work.studies.add(study, interview("I", said=("I",)))
        work.commit()
    assert marks() == [True, False]
    with database.unit_of_work() as work:
        assert not work.studies.add(study, interview()).anything
        work.commit()
    assert marks() == [True, False]
    with database.unit_of_work() as work:
        assert work.studies.add(study, interview("P", said=("P",))).interviewers == 2
        work.commit()
    assert marks() == [False, True]
    with database.reading() as work:
        assert work.studies.summary(study).interviewers == ("P",)


def test_where_interviewers_are_coded_their_turns_are_like_all_others(
    database: Database, study: str
) -> None:
    with database.unit_of_work() as work:
        work.studies.add(study, interview("I", said=("I",)))
        work.studies.code_interviewer(study, True)
        work.commit()
    with database.reading() as work:
        assert not any(turn.interviewer for turn in work.studies.transcript(study, "T").turns)
        found = work.studies.summary(study)
    assert (found.interviewers, found.code_interviewer) == (("I",), True)


def test_what_people_read_is_known_without_loading_the_study(
    database: Database, material: Material
) -> None:
    readings = (
        Reading(transcript="ward", turn=0, coder="model:v1"),
        Reading(transcript="clinic", turn=0, coder="ana"),
        Reading(transcript="clinic", turn=0, coder="bo"),
    )
    with database.unit_of_work() as work:
        work.studies.create("half")
        work.studies.add("half", replace(material, codings=(), readings=readings))
        work.commit()
        assert work.studies.read_by_people("half") == {"clinic"}
    with database.reading() as work, pytest.raises(NotFound):
        work.studies.read_by_people("other")
