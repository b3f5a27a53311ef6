"""A codebook's versions: log, differences, edits, and edits proposed by Label Studio."""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from annotations.formats.codebook_yaml import operations_from
from service.documents import document
from service.routes.studies import StudyPath
from service.serving import Here, for_api
from service.wire import ERRORS
from service.wire_codebook import (
    AppliedEditsOut,
    CodebookDiffOut,
    CodebookLogOut,
    EditsIn,
    ProposalsOut,
)
from service.workflows import codebooks, proposing

router = APIRouter(prefix="/api/v1", tags=["codebooks"], dependencies=[for_api], responses=ERRORS)

Number = Annotated[int, Query(ge=0, lt=2**31, description="A version's number.")]


@router.get("/studies/{study}/codebook/versions", response_model=CodebookLogOut)
def list_versions(serving: Here, study: StudyPath) -> Any:
    """Every version of the codebook with the edits that made it."""
    return document(codebooks.codebook_log(serving.house, study))


@router.get("/studies/{study}/codebook/diff", response_model=CodebookDiffOut)
def compare_versions(serving: Here, study: StudyPath, start: Number, end: Number) -> Any:
    """What differs between two versions, either way round."""
    return document(codebooks.codebook_diff(serving.house, study, start, end))


@router.post("/studies/{study}/codebook/edits", response_model=AppliedEditsOut)
async def edit_codebook(serving: Here, study: StudyPath, body: EditsIn) -> Any:
    """Edit the codebook, or say what the edits would do: that is the default."""
    given = operations_from(
        {"operations": body.operations, "author": body.author, "reason": body.reason}, "operations"
    )
    return await serving.noting(
        lambda: document(
            codebooks.apply_edits(
                serving.house,
                study,
                given,
                author="API",
                keep=not body.dry_run,
                follow=True,
            )
        )
    )


@router.get("/studies/{study}/codebook/proposals", response_model=ProposalsOut)
def list_proposals(serving: Here, study: StudyPath) -> Any:
    """Edits that somebody made to the labels in Label Studio, and that wait for a decision."""
    return document(proposing.list_proposals(serving.house, study))
