"""Limits as a user asks for them: policies for sinks, notes, starts, powers as a cross-check, refusals."""

from __future__ import annotations

import json
import pickle
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custvalue import anp
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from custvalue._typing import FloatArray

KNOWN = Path(__file__).resolve().parents[2] / "shared" / "known_answers" / "anp"
Policy: TypeAlias = Literal["error", "identity", "hierarchy", "calculus"]
POLICIES = get_args(Policy)
#: Known answer b01: a chain of three levels.
CHAIN = np.array([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
#: Saaty, the dam: period 2.
DAM = np.array(
    [
        [0, 0, 0, 0.637, 0.2, 0.06],
        [0, 0, 0, 0.258, 0.6, 0.231],
        [0, 0, 0, 0.105, 0.2, 0.709],
        [0.722, 0.072, 0.058, 0, 0, 0],
        [0.205, 0.649, 0.207, 0, 0, 0],
        [0.073, 0.279, 0.735, 0, 0, 0],
    ]
)


def known(name: str) -> Any:
    path = KNOWN / f"{name}.json"
    if not path.exists():
        pytest.skip("the shared known answers are not next to this checkout")
    return json.loads(path.read_text(encoding="utf-8"))


def table(rows: list[list[str | float]]) -> FloatArray:
    return np.array([[float(Fraction(value)) for value in row] for row in rows])


def columns(*given: list[float]) -> FloatArray:
    return np.array(given).T


# Sinks --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("identity", [[0, 0, 0], [0, 0, 0], [1, 1, 1]]),
        ("hierarchy", [[0, 0, 0], [0.5, 0, 0], [0.5, 1, 0]]),
        ("calculus", [[0, 0, 0], [0.5, 0, 0], [0.5, 1, 0]]),
    ],
)
def test_chain_under_each_policy(policy: Policy, expected: list[list[float]]) -> None:
    """Known answer b01; W^3 = 0, so that "calculus" falls to the hierarchy formula."""
    limit = anp.limit_supermatrix(CHAIN, sinks=policy)
    np.testing.assert_array_equal(limit.matrix, expected)
    assert limit.sinks == (2,)
    assert limit.sink_policy == policy
    assert f"nothing influences ['2']: sinks, treated by the policy '{policy}'" in limit.notes[0]
    assert limit.provenance.counts["n_sinks"] == 1


def test_chain_known_answer() -> None:
    case = known("b01_chain_3")
    matrix = table(case["input"]["supermatrix"])
    summed, kept = (
        anp.limit_supermatrix(matrix, sinks="hierarchy"),
        anp.limit_supermatrix(matrix, sinks="identity"),
    )
    np.testing.assert_array_equal(summed.matrix, table(case["expected"]["hierarchy_formula_exact"]))
    np.testing.assert_array_equal(kept.matrix, table(case["expected"]["identity_at_sinks_exact"]))


def test_zero_column_is_refused_by_name() -> None:
    frame = pd.DataFrame(CHAIN, index=["goal", "criterion", "option"], columns=["goal", "criterion", "option"])
    with pytest.raises(DomainError, match=r"zero column for 'option'.*sinks='identity'.*'hierarchy'.*'calculus'"):
        anp.limit_supermatrix(frame)


def test_unknown_policy_is_refused() -> None:
    asked: dict[str, Any] = {"sinks": "drop"}
    with pytest.raises(
        DomainError, match="sinks is 'drop'; allowed: 'error', 'identity', 'hierarchy', 'calculus'"
    ):
        anp.limit_supermatrix(DAM, **asked)


@pytest.mark.parametrize("policy", POLICIES)
def test_without_sinks_all_policies_agree(policy: Policy) -> None:
    limit = anp.limit_supermatrix(DAM, sinks=policy)
    np.testing.assert_array_equal(limit.matrix, anp.limit_supermatrix(DAM).matrix)
    assert limit.sinks == ()
    assert limit.sink_policy == policy


def test_hierarchy_of_goal_criteria_and_alternatives() -> None:
    """The alternatives' part of the goal's column, made to sum to 1, is the weighted sum of a hierarchy."""
    weights = np.array([0.2, 0.3, 0.5])
    local = np.array([[0.6, 0.1, 0.3], [0.4, 0.9, 0.7]])
    matrix = np.zeros((6, 6))
    matrix[1:4, 0], matrix[4:, 1:4] = weights, local
    summed = anp.limit_supermatrix(matrix, sinks="hierarchy").starting_at(0)
    np.testing.assert_allclose(summed, [0.0, *(weights / 2), *(local @ weights / 2)], rtol=1e-14)
    kept = anp.limit_supermatrix(matrix, sinks="identity").starting_at(0)
    np.testing.assert_allclose(kept[4:], local @ weights, rtol=1e-14)


def test_rounded_columns_beside_a_sink_are_renormalised() -> None:
    frame = pd.DataFrame(
        columns([0.0, 0.3333, 0.6666], [0.0] * 3, [0.0] * 3), index=list("abc"), columns=list("abc")
    )
    limit = anp.limit_supermatrix(frame, sinks="hierarchy")
    assert limit.deviations == pytest.approx({"a": -0.0001}, abs=1e-12)
    np.testing.assert_allclose(limit.starting_at("a"), [0.0, 0.3333 / 0.9999, 0.6666 / 0.9999], rtol=1e-14)
    assert limit.unique  # only one node is no sink
    assert limit.priorities is not None
    np.testing.assert_array_equal(limit.priorities, limit.starting_at("a"))


@pytest.mark.parametrize("policy", ["hierarchy", "calculus"])
def test_one_class_beside_a_sink_is_unique(policy: Policy) -> None:
    """0 and 1 feed each other and never end; 2 feeds both and the sink 3, whose share does not last."""
    matrix = columns([0.0, 1.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0], [0.2, 0.2, 0.0, 0.6], [0.0] * 4)
    limit = anp.limit_supermatrix(matrix, sinks=policy)
    assert limit.unique
    assert limit.priorities is not None
    np.testing.assert_allclose(limit.priorities, [0.5, 0.5, 0.0, 0.0], rtol=1e-15)
    assert not limit.starting_at(3).any()
    assert limit.classes == ((0, 1),)
    assert any("cycle with period 2" in note for note in limit.notes)


def test_equal_groups_are_refused_by_name() -> None:
    names = ["goal", "x", "y", "end"]
    matrix = columns([0.0, 1.0, 0.0, 0.0], [0.0, 0.5, 0.5, 0.0], [0.0, 0.0, 0.5, 0.5], [0.0] * 4)
    frame = pd.DataFrame(matrix, index=names, columns=names)
    with pytest.raises(DomainError, match=r"influence returns to \['x'\] and to \['y'\] in equal parts"):
        anp.limit_supermatrix(frame, sinks="calculus")


@pytest.mark.parametrize("policy", ["hierarchy", "calculus"])
def test_all_nodes_are_sinks(policy: Policy) -> None:
    limit = anp.limit_supermatrix(np.zeros((2, 2)), sinks=policy)
    assert not limit.matrix.any()
    assert not limit.unique
    assert limit.priorities is None
    np.testing.assert_array_equal(anp.limit_supermatrix(np.zeros((2, 2)), sinks="identity").matrix, np.eye(2))


SIZES = (0.0, 0.0, 0.0, 1e-12, 1e-3, 1.0, 2.0, 5.0)


@st.composite
def supermatrices(draw: st.DrawFn) -> FloatArray:
    """Draw reducible, cyclic, nearly decomposable and dense matrices with and without sinks, from one node on."""
    size = draw(st.integers(1, 6))
    entries = st.lists(st.sampled_from(SIZES), min_size=size, max_size=size)
    matrix = np.array([draw(entries) for _ in range(size)]).T
    sums = matrix.sum(axis=0)
    return np.asarray(matrix / np.where(sums == 0.0, 1.0, sums))


@settings(max_examples=300)
@given(supermatrices(), st.sampled_from(POLICIES))
def test_any_matrix_under_any_policy(matrix: FloatArray, policy: Policy) -> None:
    """Columns sum to one; they are fixed points under "identity" and "error"; nothing is NaN, nothing warns."""
    sinks = np.flatnonzero(matrix.sum(axis=0) == 0.0)
    kept = matrix.copy()
    if policy == "error" and sinks.size:
        with pytest.raises(DomainError, match="zero column"):
            anp.limit_supermatrix(matrix, sinks=policy)
        return
    try:
        limit = anp.limit_supermatrix(matrix, sinks=policy)
    except DomainError as error:
        if policy == "calculus" and ("in equal parts" in str(error) or "falls apart" in str(error)):
            return
        raise
    np.testing.assert_array_equal(matrix, kept)
    assert np.isfinite(limit.matrix).all()
    assert (limit.matrix >= 0.0).all()
    closed = matrix.copy()
    if policy in {"error", "identity"}:
        closed[sinks, sinks] = 1.0
        np.testing.assert_allclose(closed @ limit.matrix, limit.matrix, atol=1e-13)
        np.testing.assert_allclose(limit.matrix.sum(axis=0), 1.0, rtol=1e-14)
        assert limit.unique == (len(limit.classes) == 1)
    else:
        expected = np.ones(len(matrix))
        expected[sinks] = 0.0
        np.testing.assert_allclose(limit.matrix.sum(axis=0), expected, rtol=1e-14)
    assert limit.sinks == tuple(sinks.tolist())
    others = np.setdiff1d(np.arange(len(matrix)), limit.sinks if policy in {"hierarchy", "calculus"} else ())
    if limit.priorities is not None:
        np.testing.assert_allclose(
            limit.matrix[:, others], limit.priorities[:, None] * np.ones(len(others)), atol=1e-12
        )
    if any("no weight can exceed 0.5" in note for note in limit.notes):
        assert limit.matrix.max() <= 0.5 + 1e-14


@settings(max_examples=150)
@given(supermatrices(), st.sampled_from(["identity", "hierarchy"]), st.randoms(use_true_random=False))
def test_permuting_the_nodes_permutes_the_answer(matrix: FloatArray, policy: Policy, random: object) -> None:
    order = list(range(len(matrix)))
    random.shuffle(order)  # type: ignore[attr-defined]  # a shuffled list
    expected = anp.limit_supermatrix(matrix, sinks=policy).matrix[np.ix_(order, order)]
    permuted = anp.limit_supermatrix(matrix[np.ix_(order, order)], sinks=policy).matrix
    np.testing.assert_allclose(permuted, expected, rtol=1e-11, atol=1e-300)


# Notes and starts ---------------------------------------------------------------------------------------------


def test_notes_say_what_the_structure_decides() -> None:
    pair = anp.limit_supermatrix([[0.0, 1.0], [1.0, 0.0]]).notes
    assert "limit (0.5, 0.5) whatever was judged; use pairwise judgments (AHP)" in pair[0]
    assert "period 2" in pair[1]
    ring = anp.limit_supermatrix((np.ones((3, 3)) - np.eye(3)) / 2.0).notes
    assert ring == ("with a zero diagonal no weight can exceed 0.5, whatever was judged.",)
    assert anp.limit_supermatrix(np.full((3, 3), 1 / 3)).notes == ()
    idle = anp.limit_supermatrix(columns([0.5, 0.5, 0.0], [0.5, 0.5, 0.0], [1.0, 0.0, 0.0])).notes
    assert idle == ("['2'] influence nothing that lasts; their weight is 0.",)
    parted = anp.limit_supermatrix(np.eye(2)).notes
    assert parted == ("influence stays within ['0'] and ['1'], so the limit depends on where it starts.",)
    differing = anp.limit_supermatrix(CHAIN, sinks="hierarchy").notes
    assert differing[1] == "the columns of the limit differ, so the weights depend on where the influence starts."


def test_notes_count_where_there_are_many_names() -> None:
    matrix = np.zeros((15, 15))
    matrix[0] = 1.0
    assert "'10'] and 4 more influence nothing" in anp.limit_supermatrix(matrix).notes[0]


def test_no_half_is_promised_where_it_does_not_hold() -> None:
    """A zero diagonal with a sink, or with several classes, promises nothing about one vector of weights."""
    assert not any("0.5" in note for note in anp.limit_supermatrix(CHAIN, sinks="identity").notes)
    swap = np.array([[0.0, 1.0], [1.0, 0.0]])
    assert not any("0.5" in note for note in anp.limit_supermatrix(np.kron(np.eye(2), swap)).notes)


def test_starting_at_a_name_or_a_place() -> None:
    matrix = columns([1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.25, 0.75, 0.0])
    frame = pd.DataFrame(matrix, index=["x", "y", "goal"], columns=["x", "y", "goal"])
    limit = anp.limit_supermatrix(frame)
    np.testing.assert_array_equal(limit.starting_at("goal"), [0.25, 0.75, 0.0])
    np.testing.assert_array_equal(limit.starting_at(2), limit.starting_at("goal"))
    np.testing.assert_array_equal(anp.limit_supermatrix(matrix).starting_at("2"), limit.starting_at("goal"))
    np.testing.assert_array_equal(limit.starting_at(int(np.int64(0))), [1.0, 0.0, 0.0])
    assert not limit.starting_at("goal").flags.writeable


@pytest.mark.parametrize(
    ("node", "message"),
    [
        ("z", r"node is 'z'; allowed: \['0', '1'\]"),
        (2, "node is 2; allowed: positions from 0 to 1"),
        (-1, "node is -1; allowed: positions from 0 to 1"),
        (0.5, "node is of type float; allowed: a name, or a position"),
    ],
)
def test_starts_that_are_refused(node: Any, message: str) -> None:
    with pytest.raises(DomainError, match=message):
        anp.limit_supermatrix(np.eye(2)).starting_at(node)


def test_limit_is_read_only_and_travels() -> None:
    limit = anp.limit_supermatrix(DAM)
    for array in (limit.matrix, limit.absorption, limit.priorities):
        assert array is not None
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0.0
    again = pickle.loads(pickle.dumps(limit))  # noqa: S301 - our own pickle
    np.testing.assert_array_equal(again.matrix, limit.matrix)
    frame = limit.to_frame()
    frame.iloc[0, 0] = 9.0
    assert limit.matrix[0, 0] < 1.0
    assert "essential class(es)" in limit._repr_html_()


@pytest.mark.parametrize("size", [2, 40])
def test_layout_of_the_table_does_not_matter(size: int) -> None:
    matrix = np.random.default_rng(0).random((size, size)) + 0.1
    matrix /= matrix.sum(axis=0)
    expected = anp.limit_supermatrix(matrix).matrix
    for layout in (np.asfortranarray(matrix), pd.DataFrame(matrix), matrix.tolist(), matrix[::-1][::-1]):
        np.testing.assert_allclose(anp.limit_supermatrix(layout).matrix, expected, rtol=1e-13)


@pytest.mark.parametrize("entry", [1e308, 1e200])
def test_huge_entries_are_refused_without_a_warning(entry: float) -> None:
    with pytest.raises(DomainError, match="sums to"):
        anp.limit_supermatrix(np.full((3, 3), entry))


# Powers -------------------------------------------------------------------------------------------------------


@settings(max_examples=80)
@given(st.integers(1, 6), st.integers(0, 10**6))
def test_powers_agree_with_the_exact_limit(size: int, seed: int) -> None:
    matrix = np.random.default_rng(seed).random((size, size)) + 0.05
    matrix /= matrix.sum(axis=0)
    powers = anp.limit_by_powers(matrix)
    np.testing.assert_allclose(powers.matrix, anp.limit_supermatrix(matrix).matrix, atol=1e-11)
    np.testing.assert_allclose(powers.matrix, np.linalg.matrix_power(matrix, powers.power), atol=1e-11)
    assert powers.difference <= 1e-12
    assert not powers.matrix.flags.writeable


def test_powers_of_the_source() -> None:
    """Known answer z01, its frequency group: the limit .3414 .4238 .2347."""
    matrix = np.array(
        [[0, 5305 / 8476, 1523 / 4694], [5305 / 6828, 0, 3171 / 4694], [1523 / 6828, 3171 / 8476, 0]]
    )
    powers = anp.limit_by_powers(pd.DataFrame(matrix, index=list("abc"), columns=list("abc")))
    np.testing.assert_allclose(powers.to_frame()["a"], np.array([0.3414, 0.4238, 0.2347]) / 0.9999, atol=1e-12)
    assert "which stands still" in powers._repr_html_()
    assert pickle.loads(pickle.dumps(powers)).labels == ("a", "b", "c")  # noqa: S301 - our own pickle


def test_two_classes_stand_still_with_different_columns() -> None:
    np.testing.assert_array_equal(anp.limit_by_powers(np.eye(2)).matrix, np.eye(2))


def test_odd_powers_stand_still_where_the_limit_refuses_to() -> None:
    """The dam: W^257 and W^259 agree, W^256 is far away; the average of an odd and an even power is the limit."""
    odd, next_odd = np.linalg.matrix_power(DAM, 257), np.linalg.matrix_power(DAM, 259)
    np.testing.assert_allclose(odd, next_odd, atol=1e-14)
    even = np.linalg.matrix_power(DAM, 256)
    assert np.abs(odd - even).max() > 0.3
    np.testing.assert_allclose((odd + even) / 2.0, anp.limit_supermatrix(DAM).matrix, atol=1e-13)
    with pytest.raises(DomainError, match=r"cycle with period 2 and never stand still.*averages over a cycle"):
        anp.limit_by_powers(DAM)


@pytest.mark.parametrize("size", [2, 3, 4, 5])
def test_cyclic_powers_are_refused(size: int) -> None:
    with pytest.raises(DomainError, match=f"cycle with period {size}"):
        anp.limit_by_powers(np.roll(np.eye(size), 1, axis=0), max_doublings=20)


def test_powers_that_need_longer_are_refused() -> None:
    matrix = np.array([[1.0 - 1e-3, 1e-3], [1e-3, 1.0 - 1e-3]])
    with pytest.raises(DomainError, match=r"do not stand still in time: the powers 2\^3 and 2\^3 \+ 1 differ by"):
        anp.limit_by_powers(matrix, max_doublings=3)
    np.testing.assert_allclose(anp.limit_by_powers(matrix).matrix, 0.5, atol=1e-8)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"tolerance": 0.0}, "tolerance is 0.0; allowed: numbers above 0 and below 1"),
        ({"tolerance": float("nan")}, "tolerance is nan"),
        ({"tolerance": "small"}, "tolerance is 'small'"),
        ({"max_doublings": 0}, "max_doublings is 0; allowed: whole numbers from 1 to 1000"),
        ({"max_doublings": 2.5}, "max_doublings is 2.5"),
        ({"max_doublings": True}, "max_doublings is True"),
    ],
)
def test_settings_of_powers_that_are_refused(setting: dict[str, Any], message: str) -> None:
    with pytest.raises(DomainError, match=message):
        anp.limit_by_powers(DAM, **setting)


def test_powers_refuse_what_the_limit_refuses() -> None:
    with pytest.raises(DomainError, match="zero column for '2'"):
        anp.limit_by_powers(CHAIN)
    with pytest.raises(DomainError, match=r"column of '0' sums to 0\.9"):
        anp.limit_by_powers([[0.9]])


def test_a_matrix_of_rows_is_told_to_be_transposed() -> None:
    with pytest.raises(DomainError, match=r"Its rows sum to 1: .* transpose it"):
        anp.limit_supermatrix([[0.9, 0.1], [0.5, 0.5]])
