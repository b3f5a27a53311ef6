from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
from pydantic import SecretStr
from sqlalchemy import event, text

from annotations.codebook import Code
from annotations.codebook_versions.operations import Add, Rename, Split
from annotations.codings import Coding, Reading
from annotations.decisions import Decision, DecisionKind, ShownSpan
from annotations.errors import NotFound
from annotations.study import Material
from service.house import House
from service.storage import recorded
from service.storage.recorded import RecordedCoding
from service.storage.records import AnnotationRecord, Connection, Replaced, TaskLink, now
from service.storage.schema import migrate
from service.storage.session import Database
from service.workflows.labelling import note_config

CONNECTION = Connection(
    study="trusts",
    url="http://localhost:8080",
    token=SecretStr("hush-token"),
    project_id=2,
    ml_url=None,
    webhook_id=7,
    webhook_secret=SecretStr("hush-secret"),
    blind_share=0.15,
    seed=2**40,
)
NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)
RECORD = AnnotationRecord(
    annotation_id=11,
    task_id=5,
    transcript="ward",
    coder="cy",
    created_at=NOON,
    updated_at=NOON,
    cancelled=False,
    assisted=True,
    parent_prediction=3,
    shown_version="aaa",
    result=[{"id": "r1", "value": {"text": "sister 😀"}}],
    lead_time=12.5,
)
CODING = Coding(transcript="ward", turn=1, start=0, end=9, code="Strain", coder="cy", coded_at=NOON)
READING = Reading(transcript="ward", turn=1, coder="cy", assisted=True)
SHOWN = ShownSpan(region="r0", turn=1, start=2, end=8, code="Strain")
DECISIONS = (
    Decision(kind=DecisionKind.CHANGED, code="Strain", turn=1, start=0, end=9, shown=SHOWN),
    Decision(kind=DecisionKind.ADDED, code="Support > Family", turn=2, start=0, end=0),
)
TABLES = ("annotations", "codings", "readings", "decisions")


def mirror(
    database: Database,
    record: AnnotationRecord = RECORD,
    codings: tuple[Coding, ...] = (CODING,),
    readings: tuple[Reading, ...] = (READING,),
    decisions: tuple[Decision, ...] = DECISIONS,
) -> Replaced:
    with database.unit_of_work() as work:
        replaced = work.label_studio.replace_annotation(
            "trusts", record, codings=codings, readings=readings, decisions=decisions
        )
        work.commit()
    return replaced


def of_cy(database: Database) -> tuple[list[Coding], list[Reading]]:
    with database.reading() as work:
        study = work.studies.load("trusts")
    return (
        [item for item in study.codings if item.coder == "cy"],
        [item for item in study.readings if item.coder == "cy"],
    )


def versions_of_cy(database: Database) -> set[int]:
    """The codebook versions of what was read."""
    with database.engine.connect() as connection:
        found = connection.scalars(text("SELECT version FROM readings WHERE coder = 'cy'"))
        return set(found)


def grow(database: Database, path: str) -> None:
    """A codebook version with one code more."""
    with database.unit_of_work() as work:
        added = Add(code=Code(path=path))
        work.codebooks.revise("trusts", [added], author="asha", reason="new")
        work.commit()


def test_a_connection_comes_back(database: Database, study: str) -> None:
    with database.unit_of_work() as work:
        assert work.label_studio.connection(study) is None
        work.label_studio.save_connection(replace(CONNECTION, project_id=1, ml_url="http://ml"))
        work.label_studio.save_connection(CONNECTION)
        work.commit()
    with database.reading() as work:
        found = work.label_studio.connection(study)
        assert found == CONNECTION
        assert found.token.get_secret_value() == "hush-token"
        assert work.label_studio.connections_of_project(2) == (CONNECTION,)
        assert work.label_studio.connections_of_project(1) == ()


def test_a_change_of_a_connection_leaves_the_rest_alone(database: Database, study: str) -> None:
    with database.unit_of_work() as work:
        work.label_studio.save_connection(CONNECTION)
        work.label_studio.change_connection(study, blind_share=0.5, labels_version=3)
        work.label_studio.change_connection(study, label_config="<View/>")
        work.commit()
    with database.reading() as work:
        assert work.label_studio.connection(study) == replace(
            CONNECTION, blind_share=0.5, labels_version=3, label_config="<View/>"
        )


def test_a_token_that_comes_while_labels_are_noted_is_the_one_that_stays(
    new_postgres: Callable[[], AbstractContextManager[str]], material: Material
) -> None:
    newer = replace(CONNECTION, token=SecretStr("newer-token"))
    came: list[Connection] = []
    with new_postgres() as url:
        database = Database(url)
        migrate(database)
        with database.unit_of_work() as work:
            work.studies.create("trusts")
            work.studies.add("trusts", material)
            work.label_studio.save_connection(CONNECTION)
            work.commit()

        def connect(*given: object) -> None:
            # The last moment before the study is locked: whatever was read is old by then.
            if "FOR UPDATE" in str(given[2]) and not came:
                came.append(newer)
                with database.unit_of_work() as work:
                    work.label_studio.save_connection(newer)
                    work.commit()

        event.listen(database.engine, "before_cursor_execute", connect)
        note_config(cast("House", SimpleNamespace(database=database)), "trusts", written="<View/>")
        with database.reading() as work:
            found = work.label_studio.connection("trusts")
        database.close()
    assert came
    assert found == replace(newer, label_config="<View/>")


def test_secrets_are_not_in_repr() -> None:
    assert "hush" not in repr(CONNECTION)
    assert "localhost" in repr(CONNECTION)


def test_tasks_are_stored_and_updated(database: Database, study: str) -> None:
    first = TaskLink(task_id=2**40, transcript="clinic", blind=True)
    second = TaskLink(task_id=5, transcript="ward", blind=False)
    pushed = replace(second, pushed_version="aaa", prediction_id=9, pushed_at=NOON)
    with database.unit_of_work() as work:
        work.label_studio.save_tasks(study, [first, second])
        work.label_studio.save_tasks(study, [pushed])
        work.commit()
    with database.unit_of_work() as work:
        assert work.label_studio.tasks(study) == (pushed, first)
        assert work.label_studio.task(study, 5) == pushed
        assert work.label_studio.task(study, 6) is None
        with pytest.raises(NotFound, match="'nowhere'"):
            work.label_studio.save_tasks(study, [replace(first, transcript="nowhere")])


def test_an_annotation_brings_codings_readings_and_decisions(
    database: Database, study: str
) -> None:
    assert mirror(database) == Replaced(outcome="new")
    assert of_cy(database) == ([CODING], [READING])
    with database.reading() as work:
        assert work.label_studio.annotation(study, 11) == RECORD
        changed, added = work.label_studio.decisions(study)
        counts = work.label_studio.decision_counts(study)
    assert (changed.kind, changed.start, changed.end) == ("changed", 0, 9)
    assert (changed.shown_turn, changed.shown_start, changed.shown_end) == (1, 2, 8)
    assert (changed.coder, changed.model_version, changed.decided_at) == ("cy", "aaa", NOON)
    assert (added.kind, added.code, added.shown_start) == ("added", "Support > Family", None)
    assert [(item.code, item.changed, item.added, item.accepted) for item in counts] == [
        ("Support > Family", 0, 1, 0),
        ("Strain", 1, 0, 0),
    ]


def test_the_same_annotation_again_changes_nothing(
    database: Database, study: str, rows: Callable[[str], int]
) -> None:
    mirror(database)
    before = of_cy(database), [rows(table) for table in TABLES]
    for path in ("Money", "Time", "Space", "Staff"):
        grow(database, path)
        assert mirror(database) == Replaced(outcome="unchanged")
        assert versions_of_cy(database) == {1}
    assert (of_cy(database), [rows(table) for table in TABLES]) == before


def test_what_was_coded_under_an_older_codebook_was_read_under_it(
    database: Database, study: str
) -> None:
    grow(database, "Money")
    mirror(database)
    assert versions_of_cy(database) == {1}
    later = replace(RECORD, annotation_id=12, coder="di", updated_at=now())
    mirror(database, later, (replace(CODING, coder="di"),), (replace(READING, coder="di"),))
    with database.reading() as work:
        assert work.codebooks.readings_by_version(study) == {1: 5, 2: 1}
        assert work.codebooks.versions_read(study) == {"ward": 1, "clinic": 1}


def test_only_a_coder_who_codes_anew_has_read_under_the_newer_codebook(
    database: Database, study: str
) -> None:
    mirror(database)
    with database.unit_of_work() as work:
        work.codebooks.revise(study, [Rename(code="Strain", to="Load")], author="asha", reason="")
        work.commit()
    # The labels of an annotation follow the codebook: nobody read it again for that.
    renamed = replace(CODING, code="Load")
    relabelled = replace(RECORD, updated_at=now(), result=[])
    assert mirror(database, relabelled, (renamed,)).outcome == "changed"
    assert versions_of_cy(database) == {1}
    again = replace(relabelled, updated_at=now())
    assert mirror(database, again, (renamed, replace(renamed, start=3))).outcome == "changed"
    assert versions_of_cy(database) == {2}


def test_a_code_that_label_studio_has_first_was_in_sight_of_who_applied_it(
    database: Database, study: str
) -> None:
    mirror(database, codings=(replace(CODING, code="Friends"),))
    assert versions_of_cy(database) == {2}


def test_a_newer_version_replaces_the_annotation_as_a_whole(database: Database, study: str) -> None:
    mirror(database)
    later = replace(RECORD, updated_at=NOON + timedelta(microseconds=1), result=[])
    moved = replace(CODING, start=3)
    assert mirror(database, later, (moved,), (), ()).outcome == "changed"
    assert of_cy(database) == ([moved], [])
    with database.reading() as work:
        assert work.label_studio.decisions(study) == ()


def test_a_memo_follows_what_the_coder_typed_last(database: Database, study: str) -> None:
    for minute, memo in enumerate(("", "Ask again", "Asked", "")):
        noted = replace(CODING, memo=memo)
        mirror(database, replace(RECORD, updated_at=NOON + timedelta(minutes=minute)), (noted,))
        assert of_cy(database)[0] == [noted]


def test_an_older_annotation_does_not_overwrite_a_newer(database: Database, study: str) -> None:
    mirror(database)
    earlier = replace(RECORD, updated_at=NOON - timedelta(microseconds=1))
    replaced = mirror(database, earlier, (), (), ())
    assert replaced == Replaced(outcome="outdated")
    assert not replaced.is_news
    assert of_cy(database) == ([CODING], [READING])


def test_what_a_file_said_stays_when_an_annotation_goes(
    database: Database, study: str, rows: Callable[[str], int]
) -> None:
    """The same coder's same coding, imported and mirrored, is two rows and one coding."""
    imported = replace(CODING, coder="ana", code="Support > Family")
    mirror(database, replace(RECORD, coder="ana"), (imported,), (replace(READING, coder="ana"),))
    with database.reading() as work:
        loaded = work.studies.load(study)
    assert sum(item.coder == "ana" and item.transcript == "ward" for item in loaded.codings) == 1
    assert rows("codings") == 4
    assert [r.assisted for r in loaded.readings if (r.coder, r.turn) == ("ana", 1)] == [True]
    with database.unit_of_work() as work:
        assert work.label_studio.remove_annotations(study, [11, 12]) == 1
        work.commit()
    with database.reading() as work:
        loaded = work.studies.load(study)
    assert (rows("codings"), rows("decisions"), rows("annotations")) == (3, 0, 0)
    assert [r.assisted for r in loaded.readings if (r.coder, r.turn) == ("ana", 1)] == [False]


def test_a_skipped_annotation_holds_nothing(database: Database, study: str) -> None:
    skipped = replace(RECORD, cancelled=True)
    with pytest.raises(ValueError, match="cancelled"):
        mirror(database, skipped)
    assert mirror(database, skipped, (), (), ()).outcome == "new"
    assert of_cy(database) == ([], [])


def test_a_code_drawn_in_label_studio_joins_the_codebook(database: Database, study: str) -> None:
    mirror(database, codings=(replace(CODING, code="Support > Friends"),))
    with database.reading() as work:
        book = work.studies.codebook(study)
    assert book.paths == ("Support", "Support > Family", "Support > Friends", "Strain")
    assert book.declared


def test_choices_are_those_of_one_annotation_and_no_other_is_read(
    database: Database, study: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror(database)
    mirror(database, replace(RECORD, annotation_id=12))
    with database.unit_of_work() as work:
        split = Split(code="Strain", into=(Code(path="Load"), Code(path="Hurry")))
        work.codebooks.revise(study, [split], author="asha", reason="")
        waiting = [one.coding for one in work.codebooks.waiting(study) if one.coder == "cy"]
        assert len(waiting) == 2
        work.codebooks.choose(study, dict.fromkeys(waiting, ("Load",)), by="cy", at=NOON)
        work.commit()
    read: list[object] = []

    def noted(**values: Any) -> RecordedCoding:
        read.append(values["annotation"])
        return RecordedCoding(**values)

    monkeypatch.setattr(recorded, "RecordedCoding", noted)
    with database.reading() as work:
        (choices,) = work.codebooks.choices_in(study, 12).values()
        assert [one.version for one in choices] == [2]
        assert work.codebooks.choices_in(study, 13) == {}
    assert len(read) == 1


def test_annotations_are_known_by_number_within_their_study(database: Database, study: str) -> None:
    mirror(database)
    mirror(database, replace(RECORD, annotation_id=2**40), (), (), ())
    with database.unit_of_work() as work:
        work.studies.create("other")
        assert work.label_studio.annotation_ids(study) == (11, 2**40)
        assert work.label_studio.annotation_ids("other") == ()
        assert work.label_studio.remove_annotations("other", [11]) == 0
        assert work.label_studio.annotation("other", 11) is None
        work.commit()
    with database.reading() as work:
        assert work.label_studio.annotation_ids(study) == (11, 2**40)


def test_what_is_new_since_a_moment_is_counted(database: Database, study: str) -> None:
    before = now()
    mirror(database)
    mirror(database, replace(RECORD, annotation_id=12, cancelled=True), (), (), ())
    between = now()
    mirror(database)
    with database.reading() as work:
        assert work.label_studio.changed_since(study, before) == 1
        assert work.label_studio.changed_since(study, between) == 0
    mirror(database, replace(RECORD, updated_at=NOON + timedelta(hours=1)))
    with database.reading() as work:
        assert work.label_studio.changed_since(study, between) == 1


def test_decisions_can_be_narrowed(database: Database, study: str) -> None:
    mirror(database)
    with database.reading() as work:
        decisions = work.label_studio.decisions
        assert len(decisions(study, transcript="ward", coder="cy")) == 2
        assert decisions(study, transcript="clinic") == ()
        assert decisions(study, coder="ana") == ()
