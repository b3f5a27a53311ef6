"""Codebook versions in the database: nothing is rewritten, and every version can be read."""

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from annotations.codebook import Code, Codebook
from annotations.codebook_versions.history import CodebookVersion, State
from annotations.codebook_versions.operations import (
    Add,
    Edit,
    Merge,
    Move,
    Redefine,
    Rename,
    Restore,
    Retire,
    Split,
)
from annotations.codings import Coding, Reading
from annotations.errors import InputError
from annotations.study import Material, Study
from annotations.transcripts import Transcript, Turn
from service.storage.records import Added, AnnotationRecord, Unread
from service.storage.schema import downgrade, migrate
from service.storage.session import Database


def edit(database: Database, study: str, *operations: Edit) -> CodebookVersion:
    with database.unit_of_work() as work:
        made = work.codebooks.revise(study, operations, author="asha", reason="because")
        work.commit()
    return made


def load(database: Database, study: str, version: int | None = None) -> Study:
    with database.reading() as work:
        return work.studies.load(study, version)


def some_edit(rng: random.Random, version: CodebookVersion, number: int) -> Edit:
    live = [one.path for one in version.live]
    retired = [one.path for one in version.codes if one.state is State.RETIRED]
    if not live:
        return Add(code=Code(path=f"New {number}"))
    one, two = rng.choice(live), rng.choice(live)
    choices: list[Edit] = [
        Add(code=Code(path=f"{one} > New {number}")),
        Rename(code=one, to=f"Renamed {number}"),
        Redefine(code=one, changes={"definition": f"said {number}"}),
        Move(code=one, under=rng.choice([None, two])),
        Merge(codes=(one, two), into=Code(path=two)),
        Merge(codes=(one, two), into=Code(path=f"Merged {number}")),
        Split(code=one, into=(Code(path=f"Part {number}"), Code(path=two))),
        Retire(code=one),
        *(Restore(code=path) for path in retired[:1]),
    ]
    return rng.choice(choices)


def test_a_hundred_edits_keep_every_coding_and_older_versions_read_as_they_were(
    database: Database, rows: Callable[[str], int]
) -> None:
    rng = random.Random(0)
    paths = [f"{theme} > {name}" for theme in "ABC" for name in "xyz"]
    words = "word " * 40
    with database.unit_of_work() as work:
        work.studies.create("many")
        work.studies.add(
            "many",
            Material(
                transcripts=(
                    Transcript(
                        name="t",
                        turns=tuple(
                            Turn(index=turn, speaker="P", text=words) for turn in range(len(paths))
                        ),
                    ),
                ),
                codings=tuple(
                    Coding(transcript="t", turn=turn, start=at, end=at + 4, code=path, coder=coder)
                    for turn, path in enumerate(paths)
                    for at, coder in ((0, "ana"), (5, "bo"))
                ),
                readings=tuple(
                    Reading(transcript="t", turn=turn, coder=coder)
                    for turn in range(len(paths))
                    for coder in ("ana", "bo")
                ),
                codebook=Codebook.of([Code(path=path) for path in paths], declared=True),
            ),
        )
        work.commit()
    seen = {1: load(database, "many")}
    done = number = 0
    with database.unit_of_work() as work:
        while done < 100:
            number += 1
            chosen = some_edit(rng, work.codebooks.current("many"), number)
            try:
                made = work.codebooks.revise("many", [chosen], author="asha", reason="")
            except InputError:
                continue
            done += 1
            if done % 20:
                continue
            seen[made.number] = work.studies.load("many")
            assert seen[made.number].codebook == work.studies.codebook("many")
            # Each coding is somewhere: applied, waiting, or retired.
            read = work.codebooks.record("many")
            assert len(read) == 18
            assert all(one.fate.codes or one.fate.options or one.fate.retired for one in read)
            assert sum(len(one.fate.codes) for one in read) == (
                18 - sum(bool(one.fate.options or one.fate.retired) for one in read)
            )
        work.commit()
    for version, study in seen.items():
        assert load(database, "many", version) == study
    assert rows("codings") == 18


def test_an_annotation_that_says_the_same_with_new_labels_rewrites_nothing(
    database: Database, study: str, rows: Callable[[str], int]
) -> None:
    moment = datetime.now(UTC) + timedelta(hours=1)
    record = AnnotationRecord(
        annotation_id=7,
        task_id=1,
        transcript="ward",
        coder="cy",
        created_at=moment,
        updated_at=moment,
        cancelled=False,
        assisted=False,
        parent_prediction=None,
        shown_version=None,
        result=[],
        lead_time=None,
    )

    def mirror(*codes: str, minutes: int) -> None:
        codings = [
            Coding(transcript="ward", turn=1, start=0, end=9, code=code, coder="cy")
            for code in codes
        ]
        later = replace(record, updated_at=moment + timedelta(minutes=minutes))
        with database.unit_of_work() as work:
            work.label_studio.replace_annotation(
                study, later, codings=codings, readings=(), decisions=()
            )
            work.commit()

    def of_cy(version: int | None = None) -> list[str]:
        return [one.code for one in load(database, study, version).codings if one.coder == "cy"]

    mirror("Strain", "Support > Family", minutes=0)
    before = of_cy()
    edit(
        database,
        study,
        Merge(codes=("Strain", "Support > Family"), into=Code(path="Burden")),
    )
    mirror("Burden", minutes=1)
    assert of_cy() == ["Burden"]
    assert of_cy(1) == before == ["Support > Family", "Strain"]
    # What an old page submits is understood, and makes no new code.
    mirror("Strain", minutes=2)
    assert of_cy() == ["Burden"]
    assert load(database, study).codebook.paths == ("Support", "Burden")
    assert rows("codebook_versions") == 2


def test_the_codes_that_people_applied_are_known_without_reading_codings(
    database: Database, study: str
) -> None:
    def applied() -> set[str]:
        with database.reading() as work:
            found = work.studies.codes_applied(study)
            assert found == {one.code.path for one in work.studies.codes(study) if one.codings}
        return set(found)

    machine = Coding(
        transcript="ward", turn=1, start=0, end=9, code="Support > Machines", coder="model:m"
    )
    edit(database, study, Add(code=Code(path="Support > Machines")))
    with database.unit_of_work() as work:
        work.studies.add(study, Material(codings=(machine,)))
        work.commit()
    assert applied() == {"Support > Family", "Strain"}
    edit(
        database,
        study,
        Rename(code="Strain", to="Load"),
        Split(code="Support > Family", into=(Code(path="Kin > Near"), Code(path="Kin > Far"))),
    )
    assert applied() == {"Load"}
    with database.unit_of_work() as work:
        first, second = (one.coding for one in work.codebooks.waiting(study))
        moment = datetime.now(UTC)
        work.codebooks.choose(study, {first: ["Kin > Far"], second: []}, by="ana", at=moment)
        work.commit()
    assert applied() == {"Load", "Kin > Far"}
    edit(database, study, Retire(code="Load"), Rename(code="Kin > Far", to="Distant"))
    assert applied() == {"Kin > Distant"}


def test_old_files_come_in_again_without_undoing_an_edit(
    database: Database, study: str, material: Material
) -> None:
    edit(database, study, Rename(code="Strain", to="Burden"), Retire(code="Support > Family"))
    with database.unit_of_work() as work:
        assert work.studies.add(study, material) == Added()
        work.commit()
    found = load(database, study)
    assert found.codebook.paths == ("Support", "Burden")
    assert [one.code for one in found.codings] == ["Burden"]
    with database.reading() as work:
        assert work.studies.unread(study) == Unread(retired=2)
        assert work.codebooks.former_names(study) == {
            "Strain": "is 'Burden' now",
            "Support > Family": "is retired",
        }


def test_what_was_exported_after_an_edit_comes_in_again_and_leaves_the_past_alone(
    database: Database, study: str, material: Material
) -> None:
    first, *rest = material.codings
    noted = replace(material, codings=(replace(first, memo="Why?"), *rest))
    with database.unit_of_work() as work:
        work.studies.add(study, noted)
        work.commit()
    past = load(database, study)
    edit(
        database,
        study,
        Merge(codes=("Strain", "Support > Family"), into=Code(path="Strain")),
    )
    now = load(database, study)
    with database.unit_of_work() as work:
        added = work.studies.add(study, Material(codings=now.codings, readings=now.readings))
        assert added == Added()
        assert work.studies.add(study, noted) == Added()
        work.commit()
    assert load(database, study) == now
    assert load(database, study, 1).codings == past.codings
    # What somebody notes beside a coding of the export is kept.
    again = [replace(one, memo=one.memo or f"Note {at}") for at, one in enumerate(now.codings)]
    with database.unit_of_work() as work:
        added = work.studies.add(study, Material(codings=tuple(again)))
        assert (added.codings, added.memos) == (0, len(now.codings) - 1)
        work.commit()
    assert {one.memo for one in load(database, study).codings} == {one.memo for one in again}


def split_coding(*codes: str, coder: str = "ana", start: int = 0, memo: str = "") -> Material:
    return Material(
        codings=tuple(
            Coding(transcript="t", turn=0, start=start, end=4, code=code, coder=coder, memo=memo)
            for code in codes
        ),
        readings=(Reading(transcript="t", turn=0, coder=coder),),
    )


def add(database: Database, study: str, material: Material) -> Added:
    with database.unit_of_work() as work:
        added = work.studies.add(study, material)
        work.commit()
    return added


@pytest.fixture
def waiting(database: Database) -> str:
    """A study in which ana and ben have a choice to make between Y1, Y2 and X."""
    turns = (Turn(index=0, speaker="P", text="It is hard."),)
    text_alone = Material(transcripts=(Transcript(name="t", turns=turns),))
    with database.unit_of_work() as work:
        work.studies.create("waiting")
        work.commit()
    for material in (text_alone, split_coding("Y"), split_coding("Y", "X", coder="ben")):
        add(database, "waiting", material)
    parts = (Code(path="Y1"), Code(path="Y2"), Code(path="X"))
    edit(database, "waiting", Split(code="Y", into=parts))
    return "waiting"


def test_a_part_that_comes_in_where_its_coder_has_a_choice_to_make_is_the_choice(
    database: Database, waiting: str, rows: Callable[[str], int]
) -> None:
    before, codings = load(database, waiting, 1), rows("codings")
    added = add(database, waiting, split_coding("Y1", "Y2", memo="both"))
    assert (added.codings, added.choices, added.memos) == (0, 1, 1)
    assert rows("codings") == codings
    with database.reading() as work:
        assert [one.coder for one in work.codebooks.waiting(waiting)] == ["ben"]
    found = load(database, waiting)
    assert [one.code for one in found.codings if one.coder == "ana"] == ["Y1", "Y2"]
    assert [one.coder for one in found.readings] == ["ana"]
    # The past stays, and the same file changes nothing when it comes again.
    then = [(one.code, one.coder) for one in load(database, waiting, 1).codings]
    assert then == [(one.code, one.coder) for one in before.codings]
    assert not add(database, waiting, split_coding("Y1", "Y2", memo="both")).anything


@pytest.mark.parametrize(
    "material",
    [
        split_coding("Y1", coder="cy"),
        split_coding("Y1", start=1),
        split_coding("Z"),
        split_coding("Y"),
        # What ben had applied beside, an old file still says.
        split_coding("X", "Y", coder="ben"),
    ],
)
def test_what_is_no_choice_leaves_the_worklist_as_it_is(
    database: Database, waiting: str, material: Material
) -> None:
    assert add(database, waiting, material).choices == 0
    with database.reading() as work:
        assert [one.coder for one in work.codebooks.waiting(waiting)] == ["ana", "ben"]


def test_an_import_that_changes_definitions_is_in_the_log(database: Database, study: str) -> None:
    given = Codebook.of(
        [Code(path="Strain", definition="Load"), Code(path="Support > Family")], declared=True
    )
    with database.unit_of_work() as work:
        work.studies.add(study, Material(codebook=given))
        work.commit()
    with database.reading() as work:
        newest = work.codebooks.current(study)
    assert (newest.number, newest.author) == (2, "import")
    kinds = [(type(one), getattr(one, "code", None)) for one in newest.operations]
    assert (Redefine, "Strain") in kinds
    assert newest.codebook() == load(database, study).codebook


def test_a_list_with_one_wrong_edit_changes_nothing(database: Database, study: str) -> None:
    before = load(database, study)
    with pytest.raises(InputError, match="operation 2"):
        edit(database, study, Rename(code="Strain", to="Load"), Retire(code="Nowhere"))
    assert load(database, study) == before


def test_a_study_of_the_first_tables_has_its_codebook_as_version_1(
    database: Database, study: str
) -> None:
    before = load(database, study)
    downgrade(database, "0001")
    with database.engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM codings")) == 3
    migrate(database)
    assert load(database, study) == before
    edit(database, study, Rename(code="Strain", to="Load"))
    assert load(database, study, 1) == before
