"""How far to trust people and model."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query

from service.documents import document
from service.routes.counts import By, attributes
from service.routes.studies import StudyPath
from service.serving import Here, for_api
from service.wire import ERRORS
from service.wire_agreement import AgreementOut, PrevalenceOut
from service.workflows.agreeing import agreement
from service.workflows.extending import prevalence

router = APIRouter(prefix="/api/v1", tags=["reports"], dependencies=[for_api], responses=ERRORS)

Unit = Annotated[
    Literal["segment", "turn", "transcript", "character"], Query(description="What is compared.")
]
Level = Annotated[
    int | None, Query(ge=1, le=100, description="Take codes for their ancestors at this level.")
]
Expertise = Annotated[
    Literal["expert", "skilled", "crowd"],
    Query(description="The coders': how much worse than one of them a model may do."),
]

CodebookVersion = Annotated[
    int | None,
    Query(ge=1, lt=2**31, description="Read codings under this version of the codebook."),
]

ShareUnit = Annotated[
    Literal["segments", "words", "transcripts"], Query(description="Of what the share is.")
]
Of = Annotated[
    Literal["these-interviews", "people-like-these"],
    Query(description="These very interviews, or the people whom they are a sample of."),
]


@router.get("/studies/{study}/agreement", response_model=AgreementOut)
async def report_agreement(
    serving: Here,
    study: StudyPath,
    unit: Unit = "segment",
    level: Level = None,
    expertise: Expertise = "skilled",
    codebook: CodebookVersion = None,
) -> Any:
    """Agreement between coders, and of the model with them, with 95% intervals."""
    return await serving.reporting(
        lambda: document(
            agreement(
                serving.house,
                study,
                unit=unit,
                level=level,
                expertise=expertise,
                codebook=codebook,
            )
        )
    )


@router.get("/studies/{study}/prevalence", response_model=PrevalenceOut)
async def report_prevalence(
    serving: Here,
    study: StudyPath,
    by: By = "",
    unit: ShareUnit = "segments",
    of: Of = "these-interviews",
    level: Level = None,
) -> Any:
    """How common each code is, from the model's coding and the sample that people coded."""
    return await serving.reporting(
        lambda: document(
            prevalence(serving.house, study, by=attributes(by), unit=unit, of=of, level=level)
        )
    )
