"""Heads: scikit-learn's fit, ties at half weight, codes without two labels."""

from typing import Any

import numpy as np
import pytest
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from models import newton
from models.heads import Heads, Standardised, fit_heads
from models.newton import Prepared


@pytest.fixture
def drawn() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(120, 6)).astype(np.float32)
    chance = 1 / (1 + np.exp(-features[:, :2] * 2))
    return features, (rng.random((120, 2)) < chance).astype(np.float64)


def test_a_head_is_the_balanced_logistic_regression_of_its_code(
    drawn: tuple[np.ndarray, np.ndarray],
) -> None:
    features, targets = drawn
    heads = fit_heads(features, targets, strength=0.5)
    for code in range(2):
        model = LogisticRegression(C=0.5, class_weight="balanced", max_iter=1000, tol=1e-8)
        model.fit(features.astype(np.float64), targets[:, code])
        expected = model.decision_function(features)
        assert heads.scores(features)[:, code] == pytest.approx(expected, abs=0.02)


def test_sparse_and_dense_features_give_the_same_heads(
    drawn: tuple[np.ndarray, np.ndarray],
) -> None:
    features, targets = drawn
    targets[3:9, 0] = 0.5
    dense = fit_heads(features, targets, strength=1.0)
    thin = fit_heads(sparse.csr_matrix(features), targets, strength=1.0)
    assert thin.scores(sparse.csr_matrix(features)) == pytest.approx(
        dense.scores(features), abs=0.02
    )


def test_a_tie_is_both_labels_at_half_weight(drawn: tuple[np.ndarray, np.ndarray]) -> None:
    features, targets = drawn
    tied = targets[:, :1].copy()
    tied[:20] = 0.5
    both = np.vstack([features[:20], features[:20], features[20:], features[20:]])
    labels = np.concatenate([np.ones(20), np.zeros(20), tied[20:, 0], tied[20:, 0]])
    model = LogisticRegression(C=0.5, class_weight="balanced", max_iter=1000, tol=1e-8)
    model.fit(both.astype(np.float64), labels)
    heads = fit_heads(features, tied, strength=1.0)
    assert heads.scores(features)[:, 0] == pytest.approx(
        model.decision_function(features), abs=0.02
    )


def test_a_code_with_one_label_gets_a_constant_head() -> None:
    features = np.random.default_rng(1).normal(size=(9, 3)).astype(np.float32)
    heads = fit_heads(features, np.zeros((9, 1)), strength=1.0)
    assert np.unique(heads.scores(features)) == pytest.approx([np.log(0.5 / 9.5)])


def test_features_of_any_scale_and_place_give_the_same_scores(
    drawn: tuple[np.ndarray, np.ndarray],
) -> None:
    features, targets = drawn
    moved = (features * np.array([1, 10, 100, 1, 1, 1]) + 5).astype(np.float32)
    moved = np.hstack([moved, np.full((len(moved), 1), 3, dtype=np.float32)])
    one = _standardised(features, targets).scores(features)
    other = _standardised(moved, targets).scores(moved)
    assert other == pytest.approx(one, abs=0.02)


def _standardised(features: np.ndarray, targets: np.ndarray) -> Heads:
    standard = Standardised.of(features)
    return standard.restored(fit_heads(standard.features, targets, strength=0.1))


def test_a_check_that_raises_ends_the_fitting(drawn: tuple[np.ndarray, np.ndarray]) -> None:
    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit_heads(*drawn, strength=1.0, check=stop)


def test_many_segments_with_features_that_go_together_are_solved_as_exactly() -> None:
    rng = np.random.default_rng(2)
    mixed = rng.normal(size=(3, 12)) * 4 + np.eye(3, 12)
    features = (rng.normal(size=(900, 3)) @ mixed + rng.normal(size=(900, 12)) * 0.1).astype(
        np.float32
    )
    chance = 1 / (1 + np.exp(4 - features[:, :1]))
    targets = (rng.random((900, 1)) < chance).astype(np.float64)
    model = LogisticRegression(C=0.01, class_weight="balanced", max_iter=5000, tol=1e-8)
    model.fit(features.astype(np.float64), targets[:, 0])
    heads = fit_heads(features, targets, strength=0.01)
    assert heads.scores(features)[:, 0] == pytest.approx(
        model.decision_function(features), rel=0.005, abs=0.05
    )


def test_segments_that_take_turns_are_solved_as_fast(monkeypatch: pytest.MonkeyPatch) -> None:
    # Questions and answers alternate, and each has features of its own.
    rng = np.random.default_rng(2)
    features = rng.normal(size=(3_200, 200)).astype(np.float32)
    features[::2, 100:] = 0
    targets = (features @ rng.normal(size=(200, 3)) + rng.normal(size=(3_200, 3)) > 8).astype(float)
    products = 0

    def counted(self: newton._Dense, *given: Any) -> Any:
        nonlocal products
        products += 1
        return bent(self, *given)

    bent = newton._Dense.bent
    monkeypatch.setattr(newton._Dense, "bent", counted)
    fit_heads(features, targets, strength=1.0)
    assert 0 < products < 60


def test_sparse_features_of_any_kind_of_number_are_taken(
    drawn: tuple[np.ndarray, np.ndarray],
) -> None:
    features, targets = drawn
    fine = sparse.csr_matrix(features)
    heads = fit_heads(fine, targets, strength=1.0)
    for kind in (np.float64, np.float16):
        given = sparse.csr_matrix(fine.toarray().astype(kind).astype(np.float64))
        other = fit_heads(given, targets, strength=1.0)
        assert other.weights == pytest.approx(heads.weights, abs=0.01)
    nothing = fit_heads(sparse.csr_matrix((120, 4)), targets, strength=1.0)
    assert not nothing.weights.any()


@pytest.mark.parametrize("thin", [False, True])
def test_features_made_ready_once_serve_several_fits(
    drawn: tuple[np.ndarray, np.ndarray], thin: bool
) -> None:
    features, targets = drawn
    own = sparse.csr_matrix(features) if thin else features
    ready = Prepared(own)
    for strength in (0.1, 1.0):
        once = fit_heads(own, targets, strength=strength)
        again = fit_heads(ready, targets, strength=strength)
        assert np.array_equal(once.weights, again.weights)
        assert np.array_equal(once.bias, again.bias)


def test_segments_taken_a_few_at_a_time_give_the_same_heads(
    drawn: tuple[np.ndarray, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    features, targets = drawn
    whole = fit_heads(features, targets, strength=1.0).scores(features)
    monkeypatch.setattr("models.newton._BLOCK_PRODUCTS", 1)  # blocks of 16, of 120 segments
    assert fit_heads(features, targets, strength=1.0).scores(features) == pytest.approx(
        whole, abs=1e-4
    )


def test_a_settled_code_stays_as_it_is_while_others_are_worked_on(
    drawn: tuple[np.ndarray, np.ndarray],
) -> None:
    features, targets = drawn
    rare = np.zeros((len(targets), 1))
    rare[:2] = 1
    alone = fit_heads(features, targets[:, :1], strength=10.0)
    beside = fit_heads(features, np.hstack([targets[:, :1], rare]), strength=10.0)
    assert beside.scores(features)[:, 0] == pytest.approx(alone.scores(features)[:, 0], abs=1e-3)
    slow = fit_heads(features, rare, strength=10.0)
    assert beside.scores(features)[:, 1] == pytest.approx(slow.scores(features)[:, 0], abs=1e-3)
