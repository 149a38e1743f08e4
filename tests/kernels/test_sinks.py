"""Limits with sinks: by hand, by explicit normalised powers and sums, and where both would need forever."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from custvalue._kernels.sinks import EqualRootsError, calculus_limit, hierarchy_limit

if TYPE_CHECKING:
    from custvalue._typing import FloatArray

#: A common multiple of all periods up to eight nodes.
CYCLE = 840


def columns(*given: list[float]) -> FloatArray:
    return np.array(given).T


def normalised(matrix: FloatArray) -> FloatArray:
    sums = matrix.sum(axis=0)
    return np.asarray(matrix / np.where(sums == 0.0, 1.0, sums))


@st.composite
def with_sinks(draw: st.DrawFn) -> FloatArray:
    """Draw small matrices with a zero column: hierarchies, networks over sinks, classes beside sinks."""
    size = draw(st.integers(1, 7))
    entries = st.lists(st.sampled_from((0.0, 0.0, 0.0, 1.0, 2.0, 5.0)), min_size=size, max_size=size)
    matrix = np.array([draw(entries) for _ in range(size)]).T
    matrix[:, draw(st.integers(0, size - 1))] = 0.0
    if draw(st.booleans()):
        matrix = np.tril(matrix, -draw(st.integers(0, 1)))
    return normalised(matrix)


def averaged_powers(matrix: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Second route: normalised powers after 840 steps, averaged over the next 840, twice."""
    power = np.eye(len(matrix))
    for _ in range(CYCLE):
        power = normalised(matrix @ power)
    means = []
    for _ in range(2):
        total = np.zeros_like(power)
        for _ in range(CYCLE):
            power = normalised(matrix @ power)
            total += power
        means.append(total / CYCLE)
    return means[0], means[1]


@settings(max_examples=120)
@given(with_sinks())
def test_calculus_is_the_limit_of_normalised_powers(matrix: FloatArray) -> None:
    try:
        found = calculus_limit(matrix)
    except EqualRootsError as error:
        roots = [
            np.abs(np.linalg.eigvals(matrix[np.ix_(nodes, nodes)])).max()
            for nodes in (error.upstream, error.downstream)
        ]
        assert roots[0] == pytest.approx(roots[1], rel=1e-12)
        return
    earlier, later = averaged_powers(matrix)
    assume(np.abs(earlier - later).max() < 1e-13)  # some settle too slowly to be a witness
    vanished = ~later.any(axis=0)
    np.testing.assert_allclose(found.matrix[:, ~vanished], later[:, ~vanished], atol=1e-12)
    np.testing.assert_array_equal(found.matrix[:, vanished], hierarchy_limit(matrix).matrix[:, vanished])


@settings(max_examples=200)
@given(with_sinks())
def test_hierarchy_is_the_limit_of_normalised_sums(matrix: FloatArray) -> None:
    """Where the sums are finite they are solved for by a plain inverse; else two partial sums are extrapolated."""
    found = hierarchy_limit(matrix)
    endless = found.absorption.sum(axis=0) > 0.0
    power, total = np.eye(len(matrix)), np.zeros_like(matrix)
    partial = []
    for step in range(1, 2 * CYCLE + 1):
        power = matrix @ power
        total += power
        if step in (CYCLE, 2 * CYCLE):
            partial.append(total.copy())
    assume(power[:, ~endless].sum() < 1e-18)  # some leak too slowly to be a witness
    np.testing.assert_allclose(found.matrix[:, ~endless], normalised(total)[:, ~endless], rtol=1e-12, atol=0)
    growth = partial[1] - partial[0]  # the endless columns: what 840 more steps add, again and again
    np.testing.assert_allclose(found.matrix[:, endless], normalised(growth)[:, endless], atol=1e-9)


@settings(max_examples=120)
@given(with_sinks(), st.randoms(use_true_random=False))
def test_permuting_the_nodes_permutes_the_answer(matrix: FloatArray, random: object) -> None:
    order = list(range(len(matrix)))
    random.shuffle(order)  # type: ignore[attr-defined]  # a shuffled list
    permuted = matrix[np.ix_(order, order)]
    for policy in (hierarchy_limit, calculus_limit):
        try:
            expected = policy(matrix).matrix
        except EqualRootsError:
            with pytest.raises(EqualRootsError):
                policy(permuted)
        else:
            np.testing.assert_allclose(policy(permuted).matrix, expected[np.ix_(order, order)], atol=1e-12)


def test_goal_over_a_cycle_of_two_over_a_sink() -> None:
    """0 and 1 alternate, half leaks to the sink 2.

    The powers of column 0 are e1, then (.5, 0, .5), and so on, normalised: their average is (.25, .5, .25). The
    sums are e1 + (.5, 0, .5) + .5 e1 + ... = (1, 2, 1), normalised the same; column 1 sums to (1, 1, 1).
    """
    matrix = columns([0.0, 1.0, 0.0], [0.5, 0.0, 0.5], [0.0, 0.0, 0.0])
    found = calculus_limit(matrix)
    np.testing.assert_allclose(found.matrix[:, 0], [0.25, 0.5, 0.25], rtol=1e-14)
    np.testing.assert_allclose(found.matrix[:, 1], [0.25, 0.5, 0.25], rtol=1e-14)
    assert found.cycle == 2
    sums = hierarchy_limit(matrix).matrix
    np.testing.assert_allclose(sums[:, 0], [0.25, 0.5, 0.25], rtol=1e-15)
    np.testing.assert_allclose(sums[:, 1], [1 / 3, 1 / 3, 1 / 3], rtol=1e-15)


def test_two_equal_groups_that_do_not_feed_each_other_are_mixed() -> None:
    """0 feeds 1 by .3 and 2 by .7; each keeps half and gives half to the sink 3: (0, .15, .35, .5)."""
    matrix = columns([0.0, 0.3, 0.7, 0.0], [0.0, 0.5, 0.0, 0.5], [0.0, 0.0, 0.5, 0.5], [0.0] * 4)
    np.testing.assert_allclose(calculus_limit(matrix).matrix[:, 0], [0.0, 0.15, 0.35, 0.5], rtol=1e-14)


def test_equal_groups_that_feed_each_other_are_refused() -> None:
    """1 feeds 2, both keep half: W^k e_1 grows as k / 2^k on node 2, so that normalised powers crawl as 1 / k."""
    matrix = columns([0.0, 1.0, 0.0, 0.0], [0.0, 0.5, 0.5, 0.0], [0.0, 0.0, 0.5, 0.5], [0.0] * 4)
    with pytest.raises(EqualRootsError) as caught:
        calculus_limit(matrix)
    assert (caught.value.upstream, caught.value.downstream) == ((1,), (2,))


def test_a_class_takes_what_no_sink_gets() -> None:
    """0 ends with .2 in the class {1}, with .5 in {2, 3} (period 2) and with .3 in the sink 4: 2/7 and 5/7."""
    matrix = columns(
        [0.0, 0.2, 0.5, 0.0, 0.3], [0.0, 1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 1.0, 0.0, 0.0],
        [0.0] * 5,
    )  # fmt: skip
    for found in (hierarchy_limit(matrix), calculus_limit(matrix)):
        np.testing.assert_allclose(found.matrix[:, 0], [0.0, 2 / 7, 5 / 14, 5 / 14, 0.0], rtol=1e-15)
        assert [members.tolist() for members in found.classes] == [[1], [2, 3]]
        assert found.periods == (1, 2)
        assert found.cycle == 2
        assert found.transient.tolist() == [0]
        np.testing.assert_allclose(found.absorption[:, 0], [2 / 7, 5 / 7], rtol=1e-15)
        assert not found.absorption[:, 4].any()


def test_a_cycle_that_hardly_leaks_keeps_the_digits_of_the_leak() -> None:
    """0 and 1 pass everything to each other but 1e-20: the sink's share is 5e-21, which I - W cannot see."""
    matrix = columns([0.0, 1.0, 0.0], [1.0, 0.0, 1e-20], [0.0, 0.0, 0.0])
    np.testing.assert_allclose(hierarchy_limit(matrix).matrix[:, 0], [0.5, 0.5, 5e-21], rtol=1e-14)


def test_all_sinks() -> None:
    for policy in (hierarchy_limit, calculus_limit):
        found = policy(np.zeros((2, 2)))
        assert not found.matrix.any()
        assert found.classes == ()


def test_what_vanishes_in_double_precision_is_refused() -> None:
    matrix = columns([0.0, 1.0, 0.0, 1e-200], [1.0, 0.0, 1e-200, 0.0], [0.0] * 4, [0.0, 0.0, 1.0, 0.0])
    matrix[0, 3], matrix[2, 3] = 1.0, 1e-200
    matrix[3, 0], matrix[1, 0] = 1e-200, 1.0
    matrix[2, 1] = 0.0
    with pytest.raises(ArithmeticError, match="double precision"):
        hierarchy_limit(matrix)


def test_a_group_that_falls_apart_is_refused() -> None:
    """Two halves of equal root joined by 1e-30: their Perron vector has no digit in double precision."""
    matrix = np.zeros((3, 3))
    matrix[:2, :2] = [[0.5, 1e-30], [1e-300, 0.5]]
    matrix[2, :2] = 0.5
    with pytest.raises(ArithmeticError, match="falls apart"):
        calculus_limit(matrix)


def test_a_small_entry_alone_is_no_harm() -> None:
    """0 feeds 1 by .5, 1 feeds 0 by 1e-10: two steps multiply both by 5e-11, so that two powers tell all."""
    matrix = columns([0.0, 0.5, 0.5], [1e-10, 0.0, 1.0 - 1e-10], [0.0] * 3)
    odd = matrix[:, 0]
    even = matrix @ odd
    expected = (odd / odd.sum() + even / even.sum()) / 2.0
    np.testing.assert_allclose(calculus_limit(matrix).matrix[:, 0], expected, rtol=1e-10)


def test_cycles_with_too_long_a_common_period_are_refused() -> None:
    """Cycles of 5, 7, 8, 9 and 11 nodes, all with the root 1/2: a common period of 27,720."""
    lengths = (5, 7, 8, 9, 11)
    size = 1 + sum(lengths) + 1
    matrix = np.zeros((size, size))
    first = 1
    for length in lengths:
        for place in range(length):
            matrix[first + (place + 1) % length, first + place] = 0.5
            matrix[-1, first + place] = 0.5
        matrix[first, 0] = 1.0 / len(lengths)
        first += length
    with pytest.raises(ArithmeticError, match="period of 27720; allowed: up to 10000"):
        calculus_limit(matrix)
