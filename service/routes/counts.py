"""Counts: references by code and attribute, and codes that meet."""

from collections.abc import Collection, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query

from service.documents import document
from service.routes.studies import StudyPath
from service.serving import Here, for_api
from service.wire import ERRORS
from service.wire_counts import CooccurrenceOut, MatrixOut
from service.workflows import counting

router = APIRouter(prefix="/api/v1", tags=["reports"], dependencies=[for_api], responses=ERRORS)

By = Annotated[
    str,
    Query(
        max_length=1000,
        description="Attributes of transcripts, separated by commas.",
        examples=["trust,group"],
    ),
]
CodedBy = Annotated[
    str,
    Query(
        min_length=1,
        max_length=200,
        description="Whose codings: people, majority, model, or a coder's name.",
    ),
]


@router.get("/studies/{study}/matrix", response_model=MatrixOut)
async def count_references(
    serving: Here, study: StudyPath, by: By = "", coded_by: CodedBy = "people"
) -> Any:
    """References and transcripts by code and attribute value; a parent's include its codes'."""
    return await serving.reporting(
        lambda: document(
            counting.matrix(serving.house, study, by=attributes(by), coded_by=coded_by)
        )
    )


@router.get("/studies/{study}/cooccurrence", response_model=CooccurrenceOut)
async def count_meetings(serving: Here, study: StudyPath, coded_by: CodedBy = "people") -> Any:
    """The codes that one coder applied to the same segment."""
    return await serving.reporting(
        lambda: document(counting.cooccurrence(serving.house, study, coded_by=coded_by))
    )


def attributes(text: str) -> tuple[str, ...]:
    """The names in a list separated by commas."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def attributes_of(given: Sequence[str], known: Collection[str]) -> tuple[str, ...]:
    """The names that a page was given: one each, as its form sends them, or with commas.

    An attribute that has a comma in its name is itself.
    """
    return tuple(
        dict.fromkeys(
            name for one in given for name in ((one,) if one in known else attributes(one))
        )
    )
