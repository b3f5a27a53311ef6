"""One logistic head a code, fitted by scikit-learn on one view of the segments."""

import os
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]
Features = Floats32 | sparse.csr_matrix


@dataclass(frozen=True, kw_only=True, slots=True)
class Heads:
    """Linear heads; *shapes:* `weights` (codes, features), `bias` (codes,)."""

    weights: Floats32
    bias: Floats32

    def scores(self, features: Features) -> Floats:
        """Uncalibrated log-odds; *shape:* (segments, codes)."""
        product = features @ self.weights.T
        return np.asarray(product, dtype=np.float64) + self.bias.astype(np.float64)


def fit_heads(
    features: Features,
    targets: Floats,
    *,
    strength: float,
    check: Callable[[], None] = lambda: None,
) -> Heads:
    """Fit a head for each code, both labels weighing the same in total.

    *Shapes:* `features` (segments, features), `targets` (segments, codes): 0, 1, or 0.5 for a
    tie, which enters as both labels at half weight. Larger `strength` means less
    regularisation. A code without two labels gets a constant head: its share with half a
    segment added to each side. `check` is called between heads and may raise.

    Each head is fitted on one thread, several at once, so that the numbers do not depend on
    how many cores there are.
    """
    codes = targets.shape[1]
    tied = np.flatnonzero((targets == 0.5).any(axis=1))
    rows = _with_repeated(features, tied)

    def fit(code: int) -> tuple[Floats, float]:
        own = targets[:, code]
        label = np.concatenate([own >= 0.5, np.zeros(tied.size, dtype=bool)])
        weight = np.concatenate(
            [np.where(own == 0.5, 0.5, 1.0), np.where(own[tied] == 0.5, 0.5, 0.0)]
        )
        yes, no = float(weight[label].sum()), float(weight[~label].sum())
        if min(yes, no) == 0 or features.shape[1] == 0:
            constant = float(np.log((yes + 0.5) / (no + 0.5)))
            return np.zeros(features.shape[1]), constant
        balance = np.where(label, (yes + no) / (2 * yes), (yes + no) / (2 * no))
        model = LogisticRegression(C=strength, max_iter=200, tol=1e-3)
        model.fit(rows, label, sample_weight=weight * balance)
        return model.coef_[0], float(model.intercept_[0])

    fitted: list[tuple[Floats, float]] = []
    with warnings.catch_warnings(), threadpool_limits(1):
        # A head that is stopped before the last digit has settled is good enough here.
        warnings.simplefilter("ignore", ConvergenceWarning)
        with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:
            futures = [pool.submit(fit, code) for code in range(codes)]
            try:
                for future in futures:
                    check()
                    fitted.append(future.result())
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
    return Heads(
        weights=np.array([weights for weights, _ in fitted], dtype=np.float32).reshape(
            codes, features.shape[1]
        ),
        bias=np.array([bias for _, bias in fitted], dtype=np.float32),
    )


def fit_standardised(
    features: Floats32,
    targets: Floats,
    *,
    strength: float,
    check: Callable[[], None] = lambda: None,
) -> Heads:
    """As `fit_heads` on features of mean 0 and deviation 1; the heads take them as they are."""
    mean = features.mean(axis=0, dtype=np.float64)
    deviation = features.std(axis=0, dtype=np.float64)
    scale = np.where(deviation > 1e-6, deviation, np.inf)
    scaled = features - mean.astype(np.float32)
    scaled /= scale.astype(np.float32)
    heads = fit_heads(scaled, targets, strength=strength, check=check)
    weights = heads.weights / scale
    return Heads(
        weights=weights.astype(np.float32),
        bias=(heads.bias - weights @ mean).astype(np.float32),
    )


def _with_repeated(features: Features, rows: NDArray[np.int64]) -> Features:
    """The features with some rows once more at the end."""
    if not rows.size:
        return features
    if isinstance(features, sparse.csr_matrix):
        return sparse.csr_matrix(sparse.vstack([features, features[rows]]))
    return np.vstack([features, features[rows]])
