"""Train again after some more coding, without choosing and cross-validating all over again.

The heads are fitted on everything that is coded now, as a full training would with the same
choices. Held-out scores stay honest: a transcript that is new since the last training is scored by
the model of that training, which had not seen it; the scores of the others are those of the folds
that had left them out. Calibration, thresholds, gates and figures are computed anew from both.
"""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from annotations.numerals import form, many
from models.carried import Carried, Mark
from models.heads import Heads
from models.report import Asked, Refreshed
from training.base import Base, NotRefreshable
from training.choosing import RecipeChoice
from training.crossfit import CrossFit, cross_fit
from training.dataset import TrainingData
from training.held_out import HeldOutScores
from training.knowledge import Knowledge
from training.known import book_of, hashes_of, marks_of, well_known
from training.learning import Learned, Vectors, keeping_to_the_tree
from training.options import TrainOptions
from training.threads import finish, fitting_pool
from training.tiers import FinetunedView, Tier
from training.views import FittedViews, Learner

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

MOST_CHANGED = 0.2
"""So large a share of the segments may be new or coded otherwise since the last full training.

With five folds each model lacks as much."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Refresh:
    """A refresh that may be done; transcripts that came, were coded otherwise, or went."""

    base: Base
    held: HeldOutScores
    marks: dict[str, Mark]
    new: tuple[str, ...]
    recoded: tuple[str, ...]
    gone: tuple[str, ...]

    @classmethod
    def of(
        cls, base: Base, data: TrainingData, options: TrainOptions, vectors: Vectors
    ) -> "Refresh":
        """Raises NotRefreshable where a full training is called for."""
        asked, parts, carried = base.report.asked, base.parts, base.carried
        _same_training(asked, options)
        if parts.encoder_checksum != vectors.encoder.checksum:
            raise NotRefreshable("the encoder is another")
        if parts.codes != data.codes:
            raise NotRefreshable("the codes are others than the model knows")
        if carried.book != book_of(data, vectors.knowledge):
            raise NotRefreshable(
                "the codebook says something else of its codes, or quotes a transcript that is new"
            )
        if parts.segmentation != data.segmentation:
            raise NotRefreshable("turns are cut otherwise")
        marks = marks_of(data)
        for name in marks.keys() & carried.marks.keys():
            if marks[name].said != carried.marks[name].said:
                raise NotRefreshable(
                    f"other segments of {name} are coded, or it says another thing"
                )
        before = carried.whole_marks
        _not_known(carried, data, marks)
        if back := sorted(marks.keys() & before.keys() - carried.marks.keys()):
            raise NotRefreshable(f"{back[0]} had been taken out and is back")
        new = tuple(name for name in marks if name not in before)
        recoded = tuple(
            name for name in marks if name in before and marks[name].coded != before[name].coded
        )
        gone = tuple(name for name in before if name not in marks)
        changed = sum(marks[name].segments for name in (*new, *recoded))
        changed += sum(before[name].segments for name in gone)
        known = sum(mark.segments for mark in before.values())
        if changed > MOST_CHANGED * known:
            raise NotRefreshable(
                f"since the last full training {many(changed, 'segment')} came, went or were coded "
                f"otherwise, more than a fifth of its {known:,}"
            )
        held = HeldOutScores.of(base, data)
        counted = np.unique(data.clusters[data.scored])
        if np.unique(held.fold_of[data.scored]).size < min(base.report.folds, counted.size):
            raise NotRefreshable("a fold has nothing left that was coded without suggestions")
        return cls(base=base, held=held, marks=marks, new=new, recoded=recoded, gone=gone)

    def nothing_to_do(self, options: TrainOptions, codebook_version: int | None) -> bool:
        """Whether the base has learned all there is, and was asked for the same."""
        report = self.base.report
        asked = asdict(report.asked)
        return (
            self.marks == self.base.carried.marks
            and report.aim == str(options.aim)
            and report.codebook_version == codebook_version
            and all(getattr(options, name) == asked[name] for name in asked if name != "encoder")
        )

    @property
    def told(self) -> Refreshed:
        """For the report."""
        return Refreshed(
            base=self.base.version,
            whole=self.base.whole,
            new=len(self.new),
            recoded=len(self.recoded),
            gone=len(self.gone),
        )

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the report must know."""
        base, whole = self.base.version, self.base.whole
        new, recoded, gone = len(self.new), len(self.recoded), len(self.gone)
        kept = "the choices and the folds"
        if self.base.parts.finetuned is not None:
            kept = "the choices, the folds and the fine-tuned encoder"
        return (
            f"Refreshed from version {base}: it learned from everything that is coded now, and "
            f"kept {kept} of version {whole}, the last that was cross-validated in full. Since "
            f"then {many(new, 'transcript')} came, {recoded:,} "
            f"{form(recoded, 'was', 'were')} coded otherwise and {gone:,} went. Each transcript's "
            "held-out figures are by a model that had not seen it: of new ones by the version in "
            "use when they came, of the others by the folds.",
        )

    def learn(
        self,
        data: TrainingData,
        vectors: Vectors,
        options: TrainOptions,
        cache: Path | None,
        step: Callable[[str, int, int], None],
        check: Callable[[], None],
    ) -> Learned:
        """Fit the heads anew and bring held-out scores up to date; `check` may raise."""
        base = self.base
        with threadpool_limits(1, user_api="blas"):
            held = self.held
            learner = Learner(data, vectors.by_text, vectors.knowledge, check)
            rows, recipe = np.arange(len(data.segments)), base.recipe
            steps = 7
            step("refreshing", 0, steps)
            with fitting_pool() as pool:
                words = pool.submit(learner.fit_words, rows, recipe)
                embedding = pool.submit(learner.fit_embedding, rows, recipe)
                by_sentence = pool.submit(_sentence_heads, base, learner, rows)
                scores = pool.submit(held.scored, data, vectors, cache)
                floor = pool.submit(held.floored, learner)
                fits: list[Future[Any]] = [words, embedding, by_sentence, scores, floor]
                finish(pool, fits, lambda done: step("refreshing", done, steps))
            with fitting_pool() as pool:
                both = [
                    pool.submit(_fit, one.result(), data, held.fold_of, options)
                    for one in (scores, floor)
                ]
                finish(pool, both, lambda done: step("refreshing", len(fits) + done, steps))
            return keeping_to_the_tree(
                data,
                Learned(
                    folds=base.report.folds,
                    fold_of=held.fold_of,
                    tier=Tier(name=base.report.tier, reason=base.report.tier_reason),
                    choice=RecipeChoice(
                        for_fold=(recipe,) * base.report.folds,
                        final=recipe,
                        compared=base.report.choices,
                    ),
                    scores=scores.result(),
                    floor=floor.result(),
                    model=both[0].result(),
                    baseline=both[1].result(),
                    fitted=FittedViews(
                        setting=learner.setting(rows, recipe),
                        words=words.result()[0],
                        words_heads=words.result()[1],
                        embedding_heads=embedding.result(),
                    ),
                    sentence_heads=by_sentence.result(),
                    finetuned=_finetuned(base, scores.result()),
                    implied=(),
                ),
            )


def _not_known(carried: Carried, data: TrainingData, marks: dict[str, Mark]) -> None:
    """A transcript that went and is back under another name, or in parts, has been learned.

    A copy beside its original is learned from as in any cross-validation, and left to people.
    """
    known = {**carried.whole_marks, **carried.marks}
    said = {mark.said for name, mark in known.items() if name not in marks}
    here = [one for one in data.segments if one.transcript in known]
    gone = np.setdiff1d(carried.texts, hashes_of(here))
    for place, name in enumerate(data.transcripts):
        if name not in known and (marks[name].said in said or well_known(data, place, gone)):
            raise NotRefreshable(f"{name} says what a transcript said that is gone")


def _same_training(asked: Asked, options: TrainOptions) -> None:
    for name in ("folds", "seed", "tier", "minutes"):
        if getattr(asked, name) != getattr(options, name):
            raise NotRefreshable(f"another {name} is asked for than was")


def _sentence_heads(base: Base, learner: Learner, rows: Rows) -> Heads | None:
    return None if base.parts.sentence_heads is None else learner.fit_sentences(rows, base.recipe)


def _fit(scores: Floats, data: TrainingData, fold_of: Rows, options: TrainOptions) -> CrossFit:
    return cross_fit(scores, data.truth, data.scored, fold_of, aim=options.aim)


def _finetuned(base: Base, scores: Floats) -> FinetunedView | None:
    """The fine-tuned encoder stays as it is: the calibration beside it is new."""
    if base.parts.finetuned is None:
        return None
    return FinetunedView(
        scores=scores[:, :, -1], arrays=dict(base.parts.finetuned), rounds=base.rounds or 0
    )


def carried_by(
    data: TrainingData, learned: Learned, knowledge: Knowledge, refresh: Refresh | None
) -> Carried:
    """What a later training may take over from this one."""
    marks = marks_of(data) if refresh is None else refresh.marks
    before = np.zeros(0, dtype=np.uint64) if refresh is None else refresh.base.carried.texts
    first = np.unique(data.clusters, return_index=True)[1]
    return Carried(
        scores=learned.scores.astype(np.float32),
        floor=learned.floor[:, :, 0].astype(np.float32),
        folds=dict(zip(data.transcripts, learned.fold_of[first].tolist(), strict=True)),
        marks=marks,
        texts=np.union1d(hashes_of(data.segments), before),
        book=book_of(data, knowledge),
        whole=None if refresh is None else refresh.base.whole,
        whole_marks=marks if refresh is None else refresh.base.carried.whole_marks,
    )
