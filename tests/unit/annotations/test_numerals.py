import pytest

from annotations.numerals import decimals, form, many, p_text, p_words


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (0, "0 codes"),
        (1, "1 code"),
        (2, "2 codes"),
        (12345, "12,345 codes"),
        (2.5, "2.5 codes"),
        (3e3, "3,000 codes"),
    ],
)
def test_a_noun_is_in_the_number_of_its_count(count: float, said: str) -> None:
    assert many(count, "code") == said


def test_a_plural_of_its_own_is_taken() -> None:
    assert [many(count, "study", "studies") for count in (1, 3)] == ["1 study", "3 studies"]


def test_a_word_goes_with_its_count() -> None:
    assert [form(count, "is", "are") for count in (0, 1, 2)] == ["are", "is", "are"]


@pytest.mark.parametrize(
    ("p", "said"),
    [(0.0, "<.001"), (0.00099, "<.001"), (0.001, ".001"), (0.25, ".250"), (1.0, "1.000")],
)
def test_a_p_value_is_never_zero(p: float, said: str) -> None:
    assert p_text(p) == said
    assert p_words(p) == said.replace("<", "below ")


@pytest.mark.parametrize(
    ("value", "said"),
    [(-0.001, "0.00"), (-0.0, "0.00"), (-0.006, "-0.01"), (0.125, "0.12"), (-1.5, "-1.50")],
)
def test_zero_has_no_minus(value: float, said: str) -> None:
    assert decimals(value) == said


def test_a_sign_is_told_but_for_zero() -> None:
    said = [decimals(value, 1, signed=True) for value in (0.04, -0.04, 0.06, -2)]
    assert said == ["0.0", "0.0", "+0.1", "-2.0"]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -2.675, 1e9, 0.005])
def test_other_figures_read_as_they_did(value: float) -> None:
    assert decimals(value) == f"{value:.2f}"
