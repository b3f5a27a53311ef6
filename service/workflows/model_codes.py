"""A model's codes under a codebook that has moved on: what they are called, and what to retrain."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from annotations.codebook_versions.differences import diff
from annotations.codebook_versions.history import CodebookHistory
from annotations.codebook_versions.reading import CodebookMap
from models.suggestions import SegmentCodes, SegmentScores, Suggestion, SuggestionBatch
from service.storage.records import ModelRecord
from service.storage.session import UnitOfWork


@dataclass(frozen=True, kw_only=True, slots=True)
class StaleCode:
    """A code that the model does not know as it is now, and why."""

    code: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelCodes:
    """What each code of a model is called under a version of the codebook, None: silent.

    A code that `now` does not name is called as it was. `stale` are the codes that need a training.
    """

    model_version: int
    version: int
    now: Mapping[str, str | None]
    stale: tuple[StaleCode, ...]

    def batch(self, found: SuggestionBatch) -> SuggestionBatch:
        """Suggestions in the codes of the version. Of two that became one, the higher stays."""
        if self.model_version == self.version:
            return found
        best: dict[tuple[str, int, int, int, str], Suggestion] = {}
        for one in found.suggestions:
            code = self.called(one.code)
            if code is None:
                continue
            key = (one.transcript, one.turn, one.start, one.end, code)
            if key not in best or best[key].score < one.score:
                best[key] = replace(one, code=code)
        scores = found.scores
        return replace(
            found,
            suggestions=tuple(best.values()),
            scores=None if scores is None else tuple(self._scores(one) for one in scores),
        )

    def decided(self, found: SegmentCodes) -> SegmentCodes:
        """A model's own coding in the codes of the version."""
        now = (self.called(code) for code in found.codes)
        return replace(found, codes=tuple(dict.fromkeys(code for code in now if code is not None)))

    def called(self, code: str) -> str | None:
        """What a code of the model is called under the version, None where it is silent."""
        return self.now.get(code, code)

    def _scores(self, found: SegmentScores) -> SegmentScores:
        scores: dict[str, float] = {}
        for code, score in found.scores.items():
            now = self.called(code)
            if now is not None:
                scores[now] = max(score, scores.get(now, 0.0))
        return replace(found, scores=scores)


def codes_of_model(
    work: UnitOfWork, study: str, record: ModelRecord, version: int | None = None
) -> ModelCodes:
    """A model's codes under a version of the codebook, the newest unless another is named."""
    wanted = work.codebooks.number(study) if version is None else version
    if wanted == record.codebook_version:
        # The usual case, asked for with every prediction: nothing has moved.
        return ModelCodes(model_version=wanted, version=wanted, now={}, stale=())
    history = work.codebooks.history(study)
    return model_codes(history, record.codebook_version, wanted)


def model_codes(history: CodebookHistory, model: int, version: int) -> ModelCodes:
    """The codes of a model that was trained under version `model`."""
    start = max(model, history.versions[0].number)
    read, to = CodebookMap(history, version), history.version(version)
    now: dict[str, str | None] = {}
    for one in history.version(start).live:
        fate = read.read(one.id, start)
        now[one.path] = to.by_id[fate.codes[0]].path if fate.codes else None
    stale: dict[str, str] = {}
    for change in diff(history, start, version) if start <= version else ():
        if change.kind == "added" and change.after is not None:
            stale[change.after] = "it is new since the model was trained"
        elif change.kind == "restored" and change.after is not None:
            stale[change.after] = "it was retired when the model was trained"
        elif change.kind == "redefined" and change.after is not None:
            stale.setdefault(change.after, "its definition changed since")
        elif change.kind == "merged":
            for path in change.into:
                stale[path] = f"{change.before} was merged into it since"
        elif change.kind == "split":
            for path in change.into:
                stale[path] = f"it is a part of {change.before}, which was split since"
    return ModelCodes(
        model_version=start,
        version=version,
        now=now,
        stale=tuple(StaleCode(code=code, reason=reason) for code, reason in stale.items()),
    )
