"""A model version to look at, with its card; and two side by side."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from annotations.errors import NotFound
from service.house import House
from service.workflows.modelling import ModelLine, folder_of, list_models

CARD = "card.md"


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelView:
    """One version; `card` is Markdown, empty where there is none."""

    line: ModelLine
    card: str


@dataclass(frozen=True, kw_only=True, slots=True)
class CodeOfTwo:
    """One code's part of the training reports of two versions, None where one lacks it."""

    code: str
    one: Mapping[str, Any] | None
    other: Mapping[str, Any] | None


@dataclass(frozen=True, kw_only=True, slots=True)
class TwoModels:
    """Two versions side by side. They may stand on different data: `same_data` tells."""

    one: ModelLine
    other: ModelLine
    codes: tuple[CodeOfTwo, ...]
    same_data: bool


def find_model(house: House, study: str, version: str) -> ModelLine:
    """One version; NotFound lists the versions there are."""
    lines = list_models(house, study)
    found = next((line for line in lines if line.version == version), None)
    if found is None:
        known = f"Its versions are: {', '.join(line.version for line in lines)}."
        raise NotFound(
            f"The study {study!r} has no model version {version!r}. "
            f"{known if lines else 'It has none yet: train one.'}"
        )
    return found


def show_model(house: House, study: str, version: str) -> ModelView:
    """A version with its card. ArtifactError where its files are gone."""
    line = find_model(house, study, version)
    folder = folder_of(house, version)
    card = folder / CARD
    return ModelView(
        line=line,
        card=card.read_text(encoding="utf-8", errors="replace") if card.is_file() else "",
    )


def compare_models(house: House, study: str, one: str, other: str) -> TwoModels:
    """Two versions, code by code."""
    left, right = find_model(house, study, one), find_model(house, study, other)
    mine, theirs = _codes(left), _codes(right)
    return TwoModels(
        one=left,
        other=right,
        codes=tuple(
            CodeOfTwo(code=code, one=mine.get(code), other=theirs.get(code))
            for code in dict.fromkeys((*mine, *theirs))
        ),
        same_data=all(
            left.figures.get(name) == right.figures.get(name)
            for name in ("transcripts", "segments", "scored")
        ),
    )


def _codes(line: ModelLine) -> dict[str, Mapping[str, Any]]:
    return {one["code"]: one for one in line.figures.get("codes", ())}
