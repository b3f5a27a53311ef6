"""What the service tells about counts."""

from pydantic import BaseModel, Field


class ColumnOut(BaseModel):
    """A group of transcripts; no values: all of them."""

    name: str = Field(examples=["Acute × clinical"])
    values: dict[str, str] = Field(examples=[{"trust": "Acute", "group": "clinical"}])
    transcripts: int = Field(description="Transcripts that were read.")
    words: int = Field(description="Words of the turns that were read.")


class CellOut(BaseModel):
    """A code in a group of transcripts."""

    references: int
    transcripts: int = Field(description="With at least one reference.")
    per_1000: float | None = Field(description="References per 1,000 words read.")


class RowOut(BaseModel):
    """A code; its cells are in the order of the columns and include the codes below it."""

    code: str
    name: str
    level: int
    own: int = Field(description="References of the code itself, in all transcripts.")
    cells: list[CellOut]


class MatrixOut(BaseModel):
    """References and transcripts by code and attribute value."""

    by: list[str]
    coded_by: str
    columns: list[ColumnOut]
    rows: list[RowOut]
    notes: list[str]


class MeetingOut(BaseModel):
    """Two codes that one coder applied to the same segment."""

    codes: tuple[str, str]
    segments: int
    both: int = Field(description="Readings (a segment by a coder) with both codes.")
    either: int = Field(description="Readings with one of them or both.")
    jaccard: float = Field(description="both / either")


class CodeUseOut(BaseModel):
    """On how many segments a code was applied."""

    code: str
    segments: int


class CooccurrenceOut(BaseModel):
    """The codes that meet, the commonest pair first; pairs that never meet are left out."""

    coded_by: str
    segments: int
    readings: int
    codes: list[CodeUseOut]
    pairs: list[MeetingOut]
    notes: list[str]
