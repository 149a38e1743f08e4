"""Many comparison matrices, and one set of judgments under many shifts, against one solution at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from custvalue import anp
from custvalue._network_process import batch
from custvalue._network_process.batch import shifted_weights
from custvalue._network_process.gradients import distinct_judgments
from custvalue.exceptions import DomainError, JudgmentError

if TYPE_CHECKING:
    from custvalue._typing import FloatArray

METHODS = ("eigenvector", "logarithmic_least_squares", "harker", "lambda_min")
CHOICES = [(method, name) for method in METHODS for name in ("aij", "aip_geometric", "aip_arithmetic")]
CHOICES += [("logarithmic_least_squares", "pooled")]


def chosen(**names: str) -> dict[str, Any]:
    """Hand over names that come from a list, which a type checker cannot know to be allowed."""
    return dict(names)


def on_scale(count: int, size: int, seed: int) -> FloatArray:
    """Draw matrices of judgments from the scale 1/9, ..., 9."""
    scale = np.concatenate([1.0 / np.arange(9, 1, -1), np.arange(1, 10)])
    stack = np.ones((count, size, size))
    rows, columns = np.triu_indices(size, 1)
    stack[:, rows, columns] = np.random.default_rng(seed).choice(scale, (count, len(rows)))
    stack[:, columns, rows] = 1.0 / stack[:, rows, columns]
    return stack


def with_gaps(stack: FloatArray, seed: int) -> FloatArray:
    """Take pairs away, but never one beside the diagonal, so that the others connect."""
    gone = np.triu(np.random.default_rng(seed).random(stack.shape) < 0.4, 2)
    result = stack.copy()
    result[gone | gone.transpose(0, 2, 1)] = np.nan
    return result


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("size", [1, 2, 3, 9])
def test_the_batch_is_one_by_one(method: str, size: int) -> None:
    stack = on_scale(12, size, size)
    if method != "eigenvector":
        stack = np.concatenate([stack, with_gaps(stack, size)])
    found = anp.priorities_batch(stack, **chosen(method=method, random_index="saaty_1980"))
    for place, matrix in enumerate(stack):
        one = anp.priorities(matrix, **chosen(method=method, random_index="saaty_1980"))
        np.testing.assert_allclose(found.weights[place], one.weights, rtol=1e-12)
        assert found.lambda_max[place] == pytest.approx(one.lambda_max, rel=1e-13)
        assert found.consistency_index[place] == pytest.approx(one.consistency_index, abs=1e-13)
        assert found.consistency_ratio[place] == pytest.approx(one.consistency_ratio, abs=1e-12)


def test_against_numpy_and_the_definition() -> None:
    stack = on_scale(200, 9, 0)
    found = anp.priorities_batch(stack)
    values, vectors = np.linalg.eig(stack)
    largest = values.real.argmax(axis=1)
    each = np.arange(200)
    np.testing.assert_allclose(found.lambda_max, values[each, largest].real, rtol=1e-12)
    principal = np.abs(vectors[each, :, largest].real)
    np.testing.assert_allclose(found.weights, principal / principal.sum(axis=1, keepdims=True), rtol=1e-11)
    # Alonso & Lamata (2006): 1.4499 for nine elements.
    np.testing.assert_allclose(found.consistency_ratio, (found.lambda_max - 9) / 8 / 1.4499, rtol=1e-13)


def test_the_result_is_read_only_and_draws_a_table() -> None:
    found = anp.priorities_batch([[[1.0, 3.0], [1 / 3, 1.0]], [[1.0, 1.0], [1.0, 1.0]]])
    with pytest.raises(ValueError, match="read-only"):
        found.weights[0, 0] = 0.0
    assert found.to_frame()["weight_0"].tolist() == [0.75, 0.5]
    assert "Priorities of 2 matrices (eigenvector, alonso_lamata)" in found._repr_html_()
    assert found.provenance.counts == {"n_matrices": 2, "n_elements": 2}


def changed(row: int, column: int, value: float) -> FloatArray:
    stack = on_scale(3, 4, 1)
    stack[1, row, column] = value
    return stack


@pytest.mark.parametrize(
    ("matrices", "error", "message"),
    [
        (np.ones((2, 3)), DomainError, r"shape \(2, 3\); allowed: \(n_matrices, n, n\)"),
        (np.ones((2, 3, 4)), DomainError, r"shape \(2, 3, 4\)"),
        (np.ones((0, 3, 3)), DomainError, r"shape \(0, 3, 3\)"),
        ([[["a"]]], DomainError, "array of numbers"),
        ([[[1.0]], [[1.0, 1.0], [1.0, 1.0]]], DomainError, "all of one size"),
        (changed(0, 1, np.inf), DomainError, r"matrices\[1\]: entry \(0, 1\), inf, is infinite"),
        (changed(2, 1, -3.0), JudgmentError, r"matrices\[1\]: entry \(2, 1\), -3, is not positive"),
        (changed(2, 1, 0.0), JudgmentError, r"entry \(2, 1\), 0, is not positive"),
        (changed(3, 3, 2.0), JudgmentError, r"entry \(3, 3\), 2, stands on the diagonal"),
        (changed(3, 3, np.nan), JudgmentError, r"entry \(3, 3\), nan, stands on the diagonal"),
        (changed(2, 3, np.nan), JudgmentError, r"entry \(2, 3\), nan, is missing but its reciprocal is not"),
        (changed(0, 2, 123.0), JudgmentError, r"entry \(0, 2\), 123, times its reciprocal is not 1 within 1e-09"),
    ],
)
def test_stacks_that_are_refused(matrices: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        anp.priorities_batch(matrices)


def test_incomplete_matrices_that_are_refused() -> None:
    stack = on_scale(3, 4, 2)
    stack[2, 0, 1] = stack[2, 1, 0] = np.nan
    with pytest.raises(
        JudgmentError, match=r"matrices\[2\]: entry \(0, 1\), nan, is missing; method 'eigenvector'"
    ):
        anp.priorities_batch(stack)
    stack[2, 0, 1:] = stack[2, 1:, 0] = np.nan
    for method in METHODS[1:]:
        with pytest.raises(JudgmentError, match=r"matrices\[2\]: the judged pairs do not connect"):
            anp.priorities_batch(stack, **chosen(method=method))


def test_unknown_names_and_sizes_are_refused() -> None:
    with pytest.raises(DomainError, match="method is 'x'"):
        anp.priorities_batch(np.ones((1, 2, 2)), **chosen(method="x"))
    with pytest.raises(DomainError, match="random_index is 'x'"):
        anp.priorities_batch(np.ones((1, 2, 2)), **chosen(random_index="x"))
    with pytest.raises(DomainError, match="'saaty_2005' has values for up to 15 elements and 16"):
        anp.priorities_batch(np.ones((1, 16, 16)), random_index="saaty_2005")


@pytest.mark.parametrize("method", METHODS)
def test_numbers_beyond_doubles_are_refused(method: str) -> None:
    """A circle of contradictions by 1e305, and weights a factor of 1e600 apart."""
    upper = [1e305, 1e-305, 1e-305, 1e305, 1e305, 1.0]
    matrix = np.ones((4, 4))
    rows, columns = np.triu_indices(4, 1)
    matrix[rows, columns], matrix[columns, rows] = upper, 1.0 / np.array(upper)
    with pytest.raises(DomainError, match="ratios"):
        anp.priorities_batch([matrix], **chosen(method=method))
    if method != "eigenvector":
        path = np.full((4, 4), np.nan)
        np.fill_diagonal(path, 1.0)
        for place in range(3):
            path[place, place + 1], path[place + 1, place] = 1e200, 1e-200
        with pytest.raises(DomainError, match="ratios"):
            anp.priorities_batch([path], **chosen(method=method))


# Shifts -------------------------------------------------------------------------------------------------------


def judgments(*said: tuple[str, str, float, str]) -> tuple[anp.Judgment, ...]:
    return tuple(anp.Judgment(first=a, second=b, ratio=ratio, expert=by) for a, b, ratio, by in said)


#: Two whole experts and one with a path only; a pair stated backwards, one stated twice.
CHEN = judgments(("a", "b", 2, "Chen"), ("a", "c", 5, "Chen"), ("c", "b", 1 / 3, "Chen"), ("a", "d", 4, "Chen"))
CHEN += judgments(("b", "d", 3, "Chen"), ("d", "c", 2, "Chen"), ("b", "a", 0.5, "Chen"))
LI = judgments(("a", "b", 3, "Li"), ("b", "c", 2, "Li"), ("d", "c", 1 / 2, "Li"))
LI_WHOLE = LI + judgments(("a", "c", 7, "Li"), ("a", "d", 9, "Li"), ("b", "d", 2, "Li"))
ZERO = judgments(("a", "d", 1 / 9, "Wu"), ("a", "b", 1, "Wu"))
WEIGHTS = {"Chen": 0.6, "Li": 0.4, "Wu": 0.0}


def comparisons(*, whole: bool) -> anp.Comparisons:
    return anp.Comparisons(
        elements=("a", "b", "c", "d"), judgments=CHEN + (LI_WHOLE if whole else LI) + ZERO, experts=WEIGHTS
    )


@pytest.mark.parametrize(("method", "aggregation"), CHOICES)
def test_shifts_are_judgments_stated_otherwise(
    method: str, aggregation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged = comparisons(whole=method == "eigenvector")
    rows = distinct_judgments(judged)
    assert len(rows) == len(judged.judgments) - 1
    shifts = np.random.default_rng(3).normal(size=(5, len(rows)))
    shifts[0] = 0.0
    monkeypatch.setattr(batch, "_BLOCK", 32)  # two matrices a block
    found = shifted_weights(judged, shifts, **chosen(method=method, aggregation=aggregation))
    for row, shift in zip(found, shifts, strict=True):
        moved = tuple(
            judgment.model_copy(update={"ratio": judgment.ratio * float(np.exp(change))})
            for judgment, change in zip(rows, shift, strict=True)
        )
        stated = anp.Comparisons(elements=judged.elements, judgments=moved, experts=judged.experts)
        expected = anp.priorities(stated, **chosen(method=method, aggregation=aggregation))
        np.testing.assert_allclose(row, expected.weights, rtol=1e-12)


def test_one_element_has_nothing_to_shift() -> None:
    judged = anp.Comparisons(elements=("a",), judgments=())
    for method in METHODS:
        found = shifted_weights(judged, np.zeros((3, 0)), **chosen(method=method, aggregation="aip_geometric"))
        np.testing.assert_array_equal(found, np.ones((3, 1)))


def test_shifts_that_are_refused() -> None:
    judged = comparisons(whole=False)
    with pytest.raises(DomainError, match=r"shifts has the shape \(2, 3\); allowed: \(n_draws, 11\)"):
        shifted_weights(judged, np.zeros((2, 3)), "harker", "aij")
    with pytest.raises(JudgmentError, match="no judgment of the expert 'Li' compares 'a' with 'c'"):
        shifted_weights(judged, np.zeros((2, 11)), "eigenvector", "aip_geometric")
    with pytest.raises(DomainError, match="shifted ratio leaves the range"):
        shifted_weights(judged, np.full((1, 11), 800.0), "harker", "aij")
