"""A published model from which a training goes on."""

from dataclasses import dataclass
from pathlib import Path

from annotations.errors import ArtifactError
from models.artifacts import HeldOut, read_part, verify
from models.carried import Carried
from models.parts import ModelParts, read_model
from models.report import TrainReport, read_report
from training.recipe import Recipe


class NotRefreshable(Exception):
    """Why a training must be done in full, as a clause; a note of the report tells it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Base:
    """A published model from which a training goes on."""

    version: str
    parts: ModelParts
    held: HeldOut
    carried: Carried
    report: TrainReport
    recipe: Recipe
    rounds: int | None

    @classmethod
    def read(cls, folder: Path) -> "Base":
        """Of a version's folder; NotRefreshable where it cannot be gone on from."""
        try:
            verify(folder)
            training = read_part(folder, "model").document["training"]
            return cls(
                version=folder.name,
                parts=read_model(folder),
                held=HeldOut.read(folder),
                carried=Carried.read(folder),
                report=read_report(folder),
                recipe=Recipe(**training["recipe"]),
                rounds=training.get("rounds"),
            )
        except (ArtifactError, KeyError, TypeError) as problem:
            first = str(problem).split(". ")[0].rstrip(".")
            raise NotRefreshable(f"from model {folder.name} nothing can go on: {first}") from None

    @property
    def whole(self) -> str:
        """The version that was cross-validated in full last."""
        return self.carried.whole or self.version
