"""What the HTTP interface takes and tells of a codebook's versions."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from service.wire import Given, Text


class VersionOut(BaseModel):
    """A version of the codebook, and the edits that made it."""

    number: int
    at: datetime | None
    author: str
    reason: str
    codes: int
    operations: list[dict[str, Any]] = Field(description="Each as it is written in a file.")


class CodebookLogOut(BaseModel):
    """All versions, the oldest first."""

    study: str
    versions: list[VersionOut]


class ChangeOut(BaseModel):
    """How one code differs, and how many codings carry it before."""

    kind: str = Field(examples=["renamed"])
    before: str | None
    after: str | None
    into: list[str]
    fields: list[str]
    codings: int
    transcripts: int


class CodebookDiffOut(BaseModel):
    """What differs between two versions."""

    study: str
    start: int
    end: int
    changes: list[ChangeOut]


class EditsIn(Given):
    """Edits of a codebook: a trial unless `dry_run` is false, all or none."""

    operations: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=1000)]
    author: Text = ""
    reason: Text = ""
    dry_run: bool = True

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "author": "Asha",
                    "reason": "The two cannot be told apart",
                    "operations": [
                        {
                            "merge": ["Networks > Peers", "Networks > Colleagues"],
                            "into": "Networks > Peers",
                        },
                    ],
                }
            ]
        }
    )


class TallyOut(BaseModel):
    """People's codings as a version reads them."""

    codings: int
    waiting: int
    retired: int


class AppliedEditsOut(BaseModel):
    """What edits do, or would do where `applied` is false."""

    study: str
    applied: bool
    version: int
    changes: list[ChangeOut]
    before: TallyOut
    after: TallyOut
    job: int | None = Field(description="Brings Label Studio up to date.")


class ProposalOut(BaseModel):
    """An edit found in Label Studio's labels."""

    number: int
    operation: dict[str, Any]
    state: str
    found_at: datetime
    decided_at: datetime | None


class ProposalsOut(BaseModel):
    """Edits that wait for a decision."""

    study: str
    proposals: list[ProposalOut]
