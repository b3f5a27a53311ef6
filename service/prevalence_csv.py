"""Prevalence and odds ratios as CSV: one row a figure."""

from collections.abc import Iterator

from annotations.counts import NOT_GIVEN
from annotations.formats.csv_out import csv_text, for_spreadsheet
from annotations.reliability.estimate import Estimate
from annotations.reliability.prevalence.odds import OddsReport
from annotations.reliability.prevalence.report import CodeShare, PrevalenceReport

_FIGURES = ("value", "low", "high", "n", "clusters", "method", "reason")


def prevalence_csv(report: PrevalenceReport) -> str:
    """Estimates, people's and the model's shares, and differences (`versus` names the second).

    The attributes of all transcripts together are empty, an attribute that a cell's transcripts
    do not have is "(not given)"; a figure that there is not is empty.
    """
    return csv_text(
        (
            *("code", "measure"),
            *map(for_spreadsheet, report.by),
            *(for_spreadsheet(f"versus {name}") for name in report.by),
            *_FIGURES,
            *("p", "holm", "benjamini_hochberg"),
        ),
        (
            *(row for one in report.shares for row in _share(report, one)),
            *(
                (
                    for_spreadsheet(one.code),
                    "difference",
                    *_values(one.first),
                    *_values(one.second),
                    *_estimate(one.difference),
                    one.p,
                    one.holm,
                    one.benjamini_hochberg,
                )
                for one in report.differences
            ),
        ),
    )


def odds_csv(report: OddsReport) -> str:
    """A row a code and value, against the value that it is compared with.

    A figure that there is not is empty, with its reason.
    """
    return csv_text(
        (
            *("code", "attribute", "attribute value", "against"),
            *("odds ratio", *_FIGURES[1:]),
            *("p", "holm", "benjamini_hochberg", "weight of the model"),
        ),
        (
            (
                for_spreadsheet(one.code),
                for_spreadsheet(one.term.attribute),
                *_values((one.term.value, one.term.reference)),
                *_estimate(one.ratio),
                one.p,
                one.holm,
                one.benjamini_hochberg,
                one.tuning,
            )
            for one in report.ratios
        ),
    )


def _share(report: PrevalenceReport, one: CodeShare) -> Iterator[tuple[object, ...]]:
    empty = ("",) * len(report.by)
    place = (*(_values(one.cell) if one.cell else empty), *empty)
    code = for_spreadsheet(one.code)
    for name, estimate in (("estimate", one.corrected), ("people alone", one.people)):
        yield (code, name, *place, *_estimate(estimate), None, None, None)
    for name, value in (
        ("model alone", one.model),
        ("effective sample", one.effective),
        ("weight of the model", one.tuning),
        ("of it on probabilities", one.tuning_probabilities),
    ):
        yield (code, name, *place, value, *(None,) * 9)


def _values(cell: tuple[str, ...]) -> Iterator[str]:
    return (for_spreadsheet(value or NOT_GIVEN) for value in cell)


def _estimate(one: Estimate) -> tuple[object, ...]:
    value = one.value if one.defined else None
    return (value, one.low, one.high, one.n, one.clusters, one.method, one.reason)
