"""What is written beside codings stays with them: memos, colours, sets, passages across turns."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import text

from annotations.codebook import Code, Codebook
from annotations.codebook_versions.operations import Merge, Retire
from annotations.codings import Coding
from annotations.memos import Memo, NamedSet
from annotations.study import Material
from service.storage.schema import downgrade, migrate
from service.storage.session import Database

Rows = Callable[[str], int]


@pytest.fixture
def noted(material: Material) -> Material:
    """The material with a memo of every kind, a set, a colour and a passage across turns."""
    first, *others = material.codings
    return replace(
        material,
        codings=(
            replace(first, memo="Why her?"),
            *others,
            Coding(
                transcript="ward",
                turn=2,
                start=0,
                end=0,
                code="Strain",
                coder="ana",
                continues=True,
            ),
        ),
        codebook=Codebook.of(
            [replace(code, color="#33cc33") for code in material.codebook.codes], declared=True
        ),
        memos=(
            Memo(title="Field note", text="A long day", author="ana"),
            Memo(title="Ward", text="On nights", transcript="ward"),
            Memo(title="Seen", text="Smiles", transcript="ward", turn=1, start=0, end=9),
            Memo(title="Strain", text="Too wide?", code="Strain"),
        ),
        sets=(NamedSet(name="First", codes=("Strain",), transcripts=("ward",)),),
    )


def test_memos_colours_and_sets_are_kept_and_come_once(database: Database, noted: Material) -> None:
    with database.unit_of_work() as work:
        work.studies.create("trusts")
        added = work.studies.add("trusts", noted)
        assert (added.memos, added.sets) == (5, 1)
        assert not work.studies.add("trusts", noted).anything
        work.commit()
    with database.reading() as work:
        study = work.studies.load("trusts")
    assert set(study.codings) == set(noted.codings)
    assert (study.memos, study.sets, study.codebook) == (noted.memos, noted.sets, noted.codebook)


def test_a_memo_comes_to_a_coding_that_is_there_and_never_over_another(
    database: Database, study: str, noted: Material, material: Material
) -> None:
    other = replace(noted, codings=(replace(noted.codings[0], memo="Another"),), memos=(), sets=())
    with database.unit_of_work() as work:
        assert work.studies.add(study, noted).memos == 5
        assert work.studies.add(study, other).memos == 0
        memos = {one.memo for one in work.studies.load(study).codings}
    assert memos == {"", "Why her?"}


def test_memos_and_sets_follow_a_code_that_is_merged_and_outlive_one_that_is_retired(
    database: Database, noted: Material
) -> None:
    with database.unit_of_work() as work:
        work.studies.create("trusts")
        work.studies.add("trusts", noted)
        merge = Merge(codes=("Strain", "Support > Family"), into=Code(path="Burden"))
        work.codebooks.revise("trusts", [merge], author="asha", reason="")
        merged = work.studies.load("trusts")
        assert [one.code for one in merged.memos if one.title == "Strain"] == ["Burden"]
        assert [one.codes for one in merged.sets] == [("Burden",)]
        assert "Why her?" in {one.memo for one in merged.codings}
        work.codebooks.revise("trusts", [Retire(code="Burden")], author="asha", reason="")
        retired = work.studies.load("trusts")
    assert [(one.text, one.code) for one in retired.memos if one.title == "Strain"] == [
        ("Too wide?", None)
    ]
    assert [one.codes for one in retired.sets] == [()]


def test_a_set_of_the_same_name_grows(database: Database, noted: Material) -> None:
    more = replace(noted, sets=(NamedSet(name="First", description="d", transcripts=("clinic",)),))
    with database.unit_of_work() as work:
        work.studies.create("trusts")
        work.studies.add("trusts", noted)
        assert work.studies.add("trusts", more).sets == 1
        assert work.studies.load("trusts").sets == (
            NamedSet(
                name="First", description="d", codes=("Strain",), transcripts=("ward", "clinic")
            ),
        )


def test_a_codebook_without_colours_leaves_those_that_are_there(
    database: Database, noted: Material
) -> None:
    plain = Material(codebook=Codebook.of([Code(path="Strain")], declared=True))
    with database.unit_of_work() as work:
        work.studies.create("trusts")
        work.studies.add("trusts", noted)
        work.studies.add("trusts", plain)
        code = work.studies.load("trusts").codebook.code("Strain")
    assert code == Code(path="Strain", color="#33cc33")


def test_a_study_outlives_the_way_down_and_up_again(
    database: Database, noted: Material, rows: Rows
) -> None:
    with database.unit_of_work() as work:
        work.studies.create("trusts")
        work.studies.add("trusts", noted)
        work.commit()
    codings, codes = rows("codings"), rows("codes")
    downgrade(database, "0001")
    assert (rows("codings"), rows("codes")) == (codings, codes)
    with database.engine.connect() as connection:
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == "0001"
    migrate(database)
    with database.reading() as work:
        study = work.studies.load("trusts")
    assert {replace(one, memo="", continues=False) for one in noted.codings} == set(study.codings)
    assert study.memos == ()
