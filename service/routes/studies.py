"""Studies, their codebooks, suggestions for new text, and decisions."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query

from annotations.transcripts import Transcript, Turn
from service.documents import document
from service.serving import Here, Serving, for_api
from service.wire import ERRORS, SuggestIn, SuggestionsOut, TranscriptIn
from service.wire_reports import CodebookOut, DecisionsOut, NextOut, StudiesOut, StudyOut
from service.workflows import recommending, studying
from service.workflows.model_codes import codes_of_model
from service.workflows.modelling import model_in_use

router = APIRouter(prefix="/api/v1", tags=["studies"], dependencies=[for_api], responses=ERRORS)

StudyPath = Annotated[str, Path(description="The study's name.", examples=["trust"])]


@router.get("/studies", response_model=StudiesOut)
def list_studies(serving: Here) -> dict[str, Any]:
    """All studies, each in a line."""
    return {"studies": document(studying.list_studies(serving.house))}


@router.get("/studies/{study}", response_model=StudyOut)
def show_study(serving: Here, study: StudyPath) -> Any:
    """One study: transcripts, coders, models, decisions."""
    return document(studying.show_study(serving.house, study))


@router.get("/studies/{study}/codebook", response_model=CodebookOut)
def show_codebook(serving: Here, study: StudyPath) -> Any:
    """The tree of codes with definitions and numbers of codings."""
    return document(studying.show_codebook(serving.house, study))


@router.get("/studies/{study}/decisions", response_model=DecisionsOut)
def list_decisions(serving: Here, study: StudyPath) -> Any:
    """What coders did with suggestions, by code and one by one."""
    return document(studying.list_decisions(serving.house, study))


@router.get("/studies/{study}/next", response_model=NextOut)
async def what_next(
    serving: Here,
    study: StudyPath,
    top: Annotated[int, Query(ge=1, le=1000, description="How many to rank.")] = 10,
) -> Any:
    """Uncoded transcripts by use to the model and by what the sample lacks.

    Those named are noted as recommended: they are no part of a random sample.
    """
    return await serving.predicting(
        lambda: document(recommending.recommend(serving.house, study, top=top))
    )


@router.post(
    "/studies/{study}/suggest", response_model=SuggestionsOut, response_model_exclude_unset=True
)
async def suggest(serving: Here, study: StudyPath, body: SuggestIn) -> Any:
    """Suggest codes for text that is not kept. Offsets count Unicode code points."""
    return await serving.predicting(lambda: _suggest(serving, study, body))


def _suggest(serving: Serving, study: str, body: SuggestIn) -> Any:
    record = model_in_use(serving.house, study)
    with serving.house.database.reading() as work:
        codes = codes_of_model(work, study, record)
    transcripts = [_transcript(item) for item in body.transcripts]
    found = serving.models.suggest(record.version, transcripts, all_codes=body.all_codes)
    return document(codes.batch(found))


def _transcript(given: TranscriptIn) -> Transcript:
    turns = (
        [("", given.text)]
        if given.text is not None
        else [(turn.speaker, turn.text) for turn in given.turns or ()]
    )
    return Transcript(
        name=given.name,
        turns=tuple(
            Turn(index=index, speaker=speaker, text=text)
            for index, (speaker, text) in enumerate(turns)
        ),
    )
