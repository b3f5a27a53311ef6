"""Numbers as people read them: counts with their noun, p values, figures rounded to decimals."""

from collections.abc import Sequence

SMALLEST_P = 0.001
"""Below it a p value is written as a bound: three decimals would make it 0."""

_FEW = 5


def many(count: float, noun: str, nouns: str | None = None) -> str:
    """So many of something: `1 code`, `1,200 codes`; `nouns` where more than an s is added.

    What is no whole number (codings weighted by readers) has three digits.
    """
    number = f"{int(count):,}" if float(count).is_integer() else f"{count:.3g}"
    return f"{number} {noun if count == 1 else nouns or f'{noun}s'}"


def form(count: float, one: str, more: str) -> str:
    """The form of a word that stands with a count: `was` with 1, `were` with 0 or 2."""
    return one if count == 1 else more


def any_of(names: Sequence[str]) -> str:
    """Several names to choose among: `one, two or three`."""
    return f"{', '.join(names[:-1])} or {names[-1]}"


def listed(names: Sequence[str]) -> str:
    """All of the names: `ana, bo and cy`."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def some_of(names: Sequence[str]) -> str:
    """The first few of several names: `one, two, three, four, five and 3 more`."""
    more = len(names) - _FEW
    return f"{', '.join(names[:_FEW])}{f' and {more} more' if more > 0 else ''}"


def p_text(p: float) -> str:
    """A p value in a table: `.012`, and `<.001` where three decimals would say nothing."""
    return "<.001" if p < SMALLEST_P else f"{p:.3f}".removeprefix("0")


def p_words(p: float) -> str:
    """A p value in a sentence, after "p": `.012`, or `below .001`."""
    return "below .001" if p < SMALLEST_P else p_text(p)


def decimals(value: float, places: int = 2, *, signed: bool = False) -> str:
    """A figure with so many decimals, whose zero has no minus; `signed`: with + or -, but for 0."""
    # Adding 0.0 makes the -0.0 that rounding leaves a plain 0.
    rounded = round(value, places) + 0.0
    return f"{rounded:+.{places}f}" if signed and rounded else f"{rounded:.{places}f}"
