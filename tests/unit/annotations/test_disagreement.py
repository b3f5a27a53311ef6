import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from annotations.codings import ADJUDICATED, CodingTable
from annotations.reliability.agreement import agreement_of
from annotations.reliability.disagreement import disagreements_of, settled_of
from annotations.transcripts import Segment

CODERS = ("asha", ADJUDICATED, "ben", "carys", "model:m1")


@pytest.fixture
def table() -> CodingTable:
    """Twelve transcripts of ten units; the first five transcripts are settled."""
    rng = np.random.default_rng(0)
    truth = rng.random((120, 2)) < 0.4
    applied = truth ^ (rng.random((5, 120, 2)) < 0.15)
    clusters = np.repeat(np.arange(12), 10)
    read = np.ones((5, 120), dtype=np.bool_)
    read[1] = clusters < 5
    read[3, ::7] = False
    return CodingTable(
        units=tuple(
            Segment(
                transcript=f"T{cluster}", turn=at, start=0, end=4, speaker="", text=f"words {at}"
            )
            for at, cluster in enumerate(clusters)
        ),
        codes=("Pay", "Trust"),
        coders=CODERS,
        transcripts=tuple(f"T{at}" for at in range(12)),
        clusters=clusters,
        read=read,
        assisted=np.zeros_like(read),
        applied=applied & read[..., np.newaxis],
    )


def test_every_difference_between_people_is_listed_with_who(table: CodingTable) -> None:
    found = {(one.turn, code.code): code for one in disagreements_of(table) for code in one.codes}
    people = [0, 2, 3]
    expected = 0
    for unit in range(120):
        readers = [at for at in people if table.read[at, unit]]
        for column, name in enumerate(table.codes):
            said = {CODERS[at]: bool(table.applied[at, unit, column]) for at in readers}
            if len(set(said.values())) < 2:
                assert (unit, name) not in found
                continue
            expected += 1
            code = found[unit, name]
            assert code.applied == tuple(who for who, yes in said.items() if yes)
            assert code.not_applied == tuple(who for who, yes in said.items() if not yes)
            settled = bool(table.applied[1, unit, column]) if unit < 50 else None
            assert code.agreed == settled
    assert len(found) == expected > 20


def test_codes_may_be_chosen_and_words_are_told_on_request(table: CodingTable) -> None:
    whole = disagreements_of(table)
    assert all(one.text is None for one in whole)
    found = disagreements_of(table, codes=["Trust"], text=True)
    assert {code.code for one in found for code in one.codes} == {"Trust"}
    assert all(one.text == f"words {one.turn}" for one in found)
    assert len(found) < len(whole)


def test_settling_leaves_the_figures_of_the_coders_and_shows_what_is_left(
    table: CodingTable,
) -> None:
    found = settled_of(table)
    assert found is not None
    assert (found.units, found.transcripts) == (50, 5)
    assert found.before == agreement_of(table).pooled
    assert found.before.alpha.value < found.after.alpha.value < 1
    assert [pair.coders for pair in found.coders] == [
        (name, "the agreed coding") for name in ("asha", "ben", "carys")
    ]
    both = table.read[2] & table.read[1]
    expected = cohen_kappa_score(table.applied[2, both].ravel(), table.applied[1, both].ravel())
    assert found.coders[1].kappa.value == pytest.approx(expected)


def test_nothing_is_settled_without_an_agreed_coding(table: CodingTable) -> None:
    assert settled_of(table.of_coders(["asha", "ben"])) is None
    assert disagreements_of(table.of_coders(["asha"])) == ()
