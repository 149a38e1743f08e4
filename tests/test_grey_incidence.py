"""Degrees of grey incidence and Deng's axioms: known answers, hand-worked fractions, laws, flaws, refusals."""

from __future__ import annotations

import itertools
import json
from fractions import Fraction as F  # noqa: N817 - sums of fractions stay readable
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from custvalue import grey
from custvalue.exceptions import ColumnError, DataError, DomainError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from custvalue._typing import FloatArray

DEGREES: dict[str, Callable[..., float]] = {
    "absolute": grey.absolute_degree,
    "relative": grey.relative_degree,
    "synthetic": grey.synthetic_degree,
    "similitude": grey.similitude_degree,
    "nearness": grey.nearness_degree,
    "slope": grey.slope_degree,
    "b_type": grey.b_type_degree,
}
BY_AREA = ["absolute", "relative", "synthetic", "similitude", "nearness"]
EACH = pytest.mark.parametrize("name", DEGREES)
#: Whole numbers: sums and shifts are exact, and quotients are as good as they can be.
WHOLE = st.integers(-50, 50).map(float)
POSITIVE = st.integers(1, 50).map(float)


def sequences(elements: st.SearchStrategy[float] = POSITIVE) -> st.SearchStrategy[FloatArray]:
    """Draw two sequences of one length, one a row."""
    return st.integers(3, 9).flatmap(lambda n: arrays(np.float64, (2, n), elements=elements))


# The definitions in fractions, one point at a time ------------------------------------------------------------


def area(x: list[F], h: F) -> F:
    """Sum the trapezia."""
    return sum((h * (a + b) / 2 for a, b in itertools.pairwise(x)), F(0))


def started(x: list[F]) -> list[F]:
    return [value - x[0] for value in x]


def absolute(x: list[F], y: list[F], h: F) -> F:
    s, t = area(started(x), h), area(started(y), h)
    return (1 + abs(s) + abs(t)) / (1 + abs(s) + abs(t) + abs(s - t))


def relative(x: list[F], y: list[F], h: F) -> F:
    return absolute([value / x[0] for value in x], [value / y[0] for value in y], h)


def slope(x: list[F], y: list[F]) -> F:
    """Compare x with the reference y."""
    total = F(0)
    for k in range(len(x) - 1):
        u = (y[k + 1] - y[k]) / (sum(y, F(0)) / len(y))
        v = (x[k + 1] - x[k]) / (sum(x, F(0)) / len(x))
        total += (1 + abs(u)) / (1 + abs(u) + abs(u - v))
    return total / (len(x) - 1)


def b_type(x: list[F], y: list[F]) -> F:
    n = len(x)
    d = [a - b for a, b in zip(x, y, strict=True)]
    displacement = sum((abs(each) for each in d), F(0)) / n
    velocity = sum((abs(d[k + 1] - d[k]) for k in range(n - 1)), F(0)) / (n - 1)
    acceleration = sum((abs(d[k + 1] - 2 * d[k] + d[k - 1]) / 2 for k in range(1, n - 1)), F(0)) / (n - 2)
    return F(1) / (1 + displacement + velocity + acceleration)


def by_definition(name: str, first: FloatArray, second: FloatArray, h: F, theta: F) -> F:
    """Second route: what the docstrings say, in fractions."""
    x, y = ([F(float(value)) for value in sequence] for sequence in (first, second))
    if name == "synthetic":
        return theta * absolute(x, y, h) + (1 - theta) * relative(x, y, h)
    if name == "similitude":
        return 1 / (1 + abs(area(started(x), h) - area(started(y), h)))
    if name == "nearness":
        return 1 / (1 + abs(area(x, h) - area(y, h)))
    if name in ("slope", "b_type"):
        return {"slope": slope, "b_type": b_type}[name](x, y)
    return {"absolute": absolute, "relative": relative}[name](x, y, h)


def close(found: float, exact: F) -> bool:
    return abs(F(found) - exact) <= F(1, 10**14)


def known(shared: Path, name: str) -> Any:
    path = shared / "known_answers" / "grey" / f"{name}.json"
    if not path.exists():
        pytest.skip(f"the known answer {name} is not beside the checkout")
    return json.loads(path.read_text(encoding="utf-8"))


# Known answers ------------------------------------------------------------------------------------------------


def test_liu_textbook_exercise(shared: Path) -> None:
    """Liu's grey-systems textbook, p. 77, no. 2, by the definitions; the printed solution takes differences."""
    answer = known(shared, "ka06_liu_exercise_absolute_relative_synthetic")
    x0, x1, exact = answer["input"]["x0"], answer["input"]["x1"], answer["expected_exact"]
    for key in ("absolute", "relative", "synthetic_theta_half", "similitude", "nearness"):
        found = DEGREES[key.removesuffix("_theta_half")](x1, x0)
        assert close(found, F(exact[key])), key


def test_liu_textbook_exercise_by_hand() -> None:
    """The same without the file: areas 451/20 and 96/5 of the zero-start images, so 855/922, and 20/87.

    With x0 - 30.5 = 0, 4.2, 5.4, 7.7, 10.5 the area is 4.2 + 5.4 + 7.7 + 5.25 = 22.55; with x1 - 22.1 = 0, 3.3, 5,
    6.2, 9.4 it is 3.3 + 5 + 6.2 + 4.7 = 19.2. (1 + 41.75) / (1 + 41.75 + 3.35) = 42.75 / 46.1 = 855 / 922.
    """
    x0, x1 = [30.5, 34.7, 35.9, 38.2, 41.0], [22.1, 25.4, 27.1, 28.3, 31.5]
    assert close(grey.absolute_degree(x1, x0), F(855, 922))
    assert close(grey.similitude_degree(x1, x0), F(20, 87))
    assert close(grey.relative_degree(x1, x0), F(351601, 369050))
    assert close(grey.synthetic_degree(x1, x0), F(79964234, 85066025))
    assert close(grey.nearness_degree(x1, x0), F(20, 759))


def test_family_constructed_from_the_definitions(shared: Path) -> None:
    answer = known(shared, "ka18_incidence_family")
    given_, exact = answer["input"], answer["expected_exact"]
    for pair, entries in exact.items():
        if pair == "symmetric":
            continue
        for key, value in entries.items():
            name = key.removesuffix("_theta_half").removesuffix("_improved")
            found = DEGREES[name](given_[pair[3:]], given_[pair[:2]])
            assert close(found, F(value)), (pair, key)


# By hand: x = 2, 3, 7, 4 and y = 4, 4, 2, 6 -------------------------------------------------------------------

X, Y = [2.0, 3.0, 7.0, 4.0], [4.0, 4.0, 2.0, 6.0]


def test_absolute_by_hand() -> None:
    """Zero-start: 0, 1, 5, 2 and 0, 0, -2, 2. Areas: 1 + 5 + 1 = 7 and 0 - 2 + 1 = -1. (1 + 8) / (9 + 8)."""
    assert close(grey.absolute_degree(X, Y), F(9, 17))
    assert close(grey.absolute_degree(X, Y, step=2.0), F(17, 33))  # areas 14 and -2: 17 / (17 + 16)


def test_relative_by_hand() -> None:
    """Divided by 2 and 4: areas 7/2 and -1/4. 1 + 15/4 = 19/4 over 19/4 + 15/4 = 34/4."""
    assert close(grey.relative_degree(X, Y), F(19, 34))


def test_synthetic_by_hand() -> None:
    """A quarter of 9/17 and three quarters of 19/34: 18/136 + 57/136."""
    assert close(grey.synthetic_degree(X, Y, theta=0.25), F(75, 136))


def test_similitude_by_hand() -> None:
    """Areas 7 and -1 lie 8 apart."""
    assert close(grey.similitude_degree(X, Y), F(1, 9))


def test_nearness_by_hand() -> None:
    """Areas 1 + 3 + 7 + 2 = 13 and 2 + 4 + 2 + 3 = 11 lie 2 apart; steps of half a year, 1 apart."""
    assert close(grey.nearness_degree(X, Y), F(1, 3))
    assert close(grey.nearness_degree(X, Y, step=0.5), F(1, 2))


def test_slope_by_hand() -> None:
    """Both means are 4. u of Y: 0, -1/2, 1; v of X: 1/4, 1, -3/4.

    1 / (1 + 1/4) = 4/5; (3/2) / (3/2 + 3/2) = 1/2; 2 / (2 + 7/4) = 8/15; their mean is 11/18.
    The other way round: (5/4) / (5/4 + 1/4) = 5/6; 2 / (2 + 3/2) = 4/7; (7/4) / (7/4 + 7/4) = 1/2; mean 40/63.
    """
    assert close(grey.slope_degree(X, Y), F(11, 18))
    assert close(grey.slope_degree(Y, X), F(40, 63))


def test_b_type_by_hand() -> None:
    """d = -2, -1, 5, -2: 10/4; steps 1, 6, -7: 14/3; second 5, -13, halved: (18/2)/2 = 9/2. 1 + 35/3."""
    assert close(grey.b_type_degree(X, Y), F(3, 38))


# Second route -------------------------------------------------------------------------------------------------


@given(sequences(), st.sampled_from([0.25, 1.0, 3.0]), st.sampled_from([0.0, 0.3, 0.5, 1.0]))
def test_degrees_are_their_definitions(pair: FloatArray, step: float, theta: float) -> None:
    x, y = pair
    for name, degree in DEGREES.items():
        settings: dict[str, float] = {"step": step} if name in BY_AREA else {}
        settings |= {"theta": theta} if name == "synthetic" else {}
        expected = by_definition(name, x, y, F(step), F(theta))
        assert float(abs(F(degree(x, y, **settings)) - expected)) <= 1e-13, name


@given(st.integers(1, 5), st.integers(3, 9), st.data())
def test_a_table_gives_the_bits_of_the_single_functions(m: int, n: int, data: st.DataObject) -> None:
    table = data.draw(arrays(np.float64, (m + 1, n), elements=POSITIVE))
    found = grey.incidence_degrees(np.asfortranarray(table[1:]), table[0], step=0.3, theta=0.7)
    assert list(found.columns) == list(DEGREES)
    for row in range(m):
        for name, degree in DEGREES.items():
            settings: dict[str, float] = {"step": 0.3} if name in BY_AREA else {}
            settings |= {"theta": 0.7} if name == "synthetic" else {}
            assert found.loc[row, name] == degree(table[row + 1], table[0], **settings)


# Laws ---------------------------------------------------------------------------------------------------------


@given(sequences())
def test_degrees_lie_in_their_ranges_and_are_one_for_equal_sequences(pair: FloatArray) -> None:
    x, y = pair
    for name, degree in DEGREES.items():
        lower = 0.5 if name in ("absolute", "relative", "synthetic") else 0.0
        assert lower < degree(x, y) <= 1.0
        assert degree(x, x) == pytest.approx(1.0, abs=1e-15)


@given(sequences())
def test_all_but_the_slope_degree_are_symmetric_to_the_last_bit(pair: FloatArray) -> None:
    for name, degree in DEGREES.items():
        if name != "slope":
            assert degree(*pair) == degree(*pair[::-1])


def test_the_slope_degree_is_not_symmetric() -> None:
    assert close(grey.slope_degree(X, Y) - grey.slope_degree(Y, X), F(11, 18) - F(40, 63))


@given(sequences(WHOLE), st.integers(-99, 99), st.integers(-99, 99))
def test_shifts_of_either_sequence_leave_absolute_and_similitude(pair: FloatArray, a: int, b: int) -> None:
    for degree in (grey.absolute_degree, grey.similitude_degree):
        assert degree(pair[0] + a, pair[1] + b) == degree(*pair)


@given(sequences(WHOLE), st.data())
def test_the_same_sequence_added_to_both_leaves_nearness_and_b_type(pair: FloatArray, data: st.DataObject) -> None:
    added = data.draw(arrays(np.float64, pair.shape[1], elements=WHOLE))
    for degree in (grey.nearness_degree, grey.b_type_degree, grey.similitude_degree):
        assert degree(*(pair + added)) == degree(*pair)


@given(sequences(), st.sampled_from([-8.0, -0.5, 0.25, 1024.0]), st.sampled_from([-2.0, 0.125, 16.0]))
def test_multiples_of_either_sequence_leave_relative_and_slope(pair: FloatArray, a: float, b: float) -> None:
    for degree in (grey.relative_degree, grey.slope_degree):
        assert degree(a * pair[0], b * pair[1]) == degree(*pair)


@EACH
def test_what_moves_a_degree(name: str) -> None:
    """Counterexamples to the invariances that a degree does not have."""
    degree, x, y = DEGREES[name], np.array(X), np.array(Y)
    usual = degree(x, y)
    assert (degree(x + 1.0, y) == usual) == (name in ("absolute", "similitude"))
    assert (degree(3.0 * x, y) == pytest.approx(usual)) == (name in ("relative", "slope"))
    assert (degree(3.0 * x, 3.0 * y) == pytest.approx(usual)) == (name in ("relative", "slope"))


@given(sequences(WHOLE))
def test_time_turned_round_leaves_nearness_and_b_type(pair: FloatArray) -> None:
    turned = np.ascontiguousarray(pair[:, ::-1])
    assert grey.nearness_degree(*turned) == grey.nearness_degree(*pair)
    assert grey.b_type_degree(*turned) == pytest.approx(grey.b_type_degree(*pair), rel=1e-14)


# Flaws, as the docstrings tell them ---------------------------------------------------------------------------


def test_areas_are_blind_to_shape() -> None:
    """0, 4, 0, 0, 0 and 0, 0, 0, 4, 0 have the same area: the degrees by areas call them equal."""
    early, late = [0.0, 4.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 4.0, 0.0]
    for degree in (grey.absolute_degree, grey.similitude_degree, grey.nearness_degree):
        assert degree(early, late) == 1.0
    shifted = [np.array(each) + 1.0 for each in (early, late)]
    assert grey.relative_degree(*shifted) == grey.synthetic_degree(*shifted) == 1.0
    assert grey.slope_degree(*shifted) < 1.0
    assert close(grey.b_type_degree(early, late), F(15, 139))  # 1 + 8/5 + 16/4 + 8/3


def test_opposite_sequences_stay_above_one_half() -> None:
    """Areas s and -s: (1 + 2s) / (1 + 4s), which falls to 1/2 and not to 0."""
    assert close(grey.absolute_degree([0.0, 1000.0, 0.0], [0.0, -1000.0, 0.0]), F(2001, 4001))


def test_nearness_is_one_for_sequences_that_cross() -> None:
    assert grey.nearness_degree([1.0, 2.0, 3.0], [3.0, 2.0, 1.0]) == 1.0
    assert close(grey.b_type_degree([1.0, 2.0, 3.0], [3.0, 2.0, 1.0]), F(3, 13))  # 1 + 4/3 + 2 + 0


def test_slope_is_blind_to_the_order_of_the_steps() -> None:
    """Steps 1, 0 against 2, 0, and 0, 1 against 0, 2; means 5/3 of 1, 2, 2 differ from 4/3 of 1, 1, 2: same pairs.

    So the sequences are chosen with equal means: 1, 3, 2 and 2, 1, 3 have the steps 2, -1 and -1, 2.
    """
    first = grey.slope_degree([2.0, 4.0, 3.0], [1.0, 3.0, 2.0])
    second = grey.slope_degree([3.0, 2.0, 4.0], [2.0, 1.0, 3.0])
    assert first == pytest.approx(second, rel=1e-15)


def test_the_unit_matters_to_areas() -> None:
    """Areas 2.5 and 1.5 give 5/6; in thousandths of the unit 4001/5001."""
    x, y = np.array([1.0, 2.0, 4.0]), np.array([5.0, 6.0, 6.0])
    assert close(grey.absolute_degree(x, y), F(5, 6))
    assert close(grey.absolute_degree(1000.0 * x, 1000.0 * y), F(4001, 5001))


# Tables and settings ------------------------------------------------------------------------------------------


def test_a_frame_lends_its_index() -> None:
    frame = pd.DataFrame([[1.0, 2.0, 4.0], [5.0, 6.0, 6.0]], index=["deposits", "loans"])
    found = grey.incidence_degrees(frame, [1.0, 2.0, 3.0], degrees=["nearness", "absolute"])
    assert found.index.tolist() == ["deposits", "loans"]
    assert list(found.columns) == ["nearness", "absolute"]
    assert close(found["absolute"].to_list()[1], F(9, 10))  # areas 1.5 and 2: 4.5 / 5
    assert grey.incidence_degrees(frame, [1.0, 2.0, 3.0], degrees="slope").shape == (2, 1)


@pytest.mark.pyarrow
def test_frames_of_every_library(make_frame: Callable[..., Any]) -> None:
    frame = make_frame({"2021": [1.0, 5.0], "2022": [2.0, 6.0], "2023": [4.0, 6.0]})
    found = grey.incidence_degrees(frame, [1.0, 2.0, 3.0])
    expected = grey.incidence_degrees([[1.0, 2.0, 4.0], [5.0, 6.0, 6.0]], [1.0, 2.0, 3.0])
    np.testing.assert_array_equal(found.to_numpy(), expected.to_numpy())
    with pytest.raises(ColumnError, match=r"Column 'name' is of type"):
        grey.incidence_degrees(make_frame({"name": ["secret"], "2022": [2.0]}), [1.0, 2.0])


def test_two_points_are_enough_but_for_the_b_type() -> None:
    assert close(grey.absolute_degree([1.0, 3.0], [2.0, 3.0]), F(5, 6))  # areas 1 and 1/2: 2.5 / 3
    with pytest.raises(DomainError, match="at least 3"):
        grey.b_type_degree([1.0, 3.0], [2.0, 3.0])
    with pytest.raises(DomainError, match="at least 3"):
        grey.incidence_degrees([[1.0, 3.0]], [2.0, 3.0])
    assert grey.incidence_degrees([[1.0, 3.0]], [2.0, 3.0], degrees=["slope"]).shape == (1, 1)


@EACH
@pytest.mark.parametrize(
    ("sequence", "reference", "error", "match"),
    [
        (
            [1.0, 2.0, 3.0],
            [1.0, 2.0],
            DomainError,
            r"sequence has 3 points and reference 2; allowed: equally many",
        ),
        ([1.0], [1.0], DomainError, r"at least [23], taken at equal distances"),
        ([1.0, None, 3.0], [1.0, 2.0, 3.0], DataError, r"sequence holds missing values"),
        ([1.0, 2.0, 3.0], [1.0, np.inf, 3.0], DataError, r"reference holds infinite numbers"),
        (np.ma.masked_equal(np.array(X[:3]), 3.0), [1.0, 2.0, 3.0], DataError, r"sequence holds missing values"),
        (["secret", "2", "3"], [1.0, 2.0, 3.0], DomainError, r"sequence does not hold numbers only"),
        ([[1.0, 2.0, 3.0]], [1.0, 2.0, 3.0], DomainError, r"sequence has shape \(1, 3\); allowed: one sequence"),
        (1.0, [1.0, 2.0, 3.0], DomainError, r"sequence has shape \(\); allowed"),
    ],
)
def test_sequences_that_do_not_fit_are_refused(
    name: str, sequence: Any, reference: Any, error: type[Exception], match: str
) -> None:
    with pytest.raises(error, match=match) as caught:
        DEGREES[name](sequence, reference)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("first", [0.0, 1e-160])
def test_a_first_value_of_zero_is_refused_by_the_degrees_that_divide_by_it(first: float) -> None:
    bad, good = [first, 1.0, 2.0], [1.0, 1.0, 2.0]
    for degree in (grey.relative_degree, grey.synthetic_degree):
        with pytest.raises(
            DomainError, match=r"sequence holds 1 .* first value is zero.*absolute_degree needs no"
        ):
            degree(bad, good)
        with pytest.raises(DomainError, match=r"reference holds 1 .* first value is zero"):
            degree(good, bad)
    with pytest.raises(DomainError, match=r"series holds 2 sequence\(s\) whose first value is zero"):
        grey.incidence_degrees([bad, good, bad], good)
    assert grey.absolute_degree(bad, good) > 0.5


@pytest.mark.parametrize("bad", [[-1.0, 0.0, 1.0], [0.0, 0.0, 0.0]])
def test_a_mean_of_zero_is_refused_by_the_slope_degree(bad: list[float]) -> None:
    with pytest.raises(DomainError, match=r"sequence holds 1 .* mean is zero.*b_type_degree needs no division"):
        grey.slope_degree(bad, [1.0, 2.0, 3.0])
    with pytest.raises(DomainError, match=r"reference holds 1 .* mean is zero"):
        grey.slope_degree([1.0, 2.0, 3.0], bad)


@pytest.mark.parametrize("name", BY_AREA)
@pytest.mark.parametrize("step", [0.0, -1.0, np.nan, np.inf, 1e101, "1", True, None])
def test_a_step_that_is_no_length_is_refused(name: str, step: Any) -> None:
    with pytest.raises(DomainError, match=r"step is .*; allowed: a positive number"):
        DEGREES[name](X, Y, step=step)
    with pytest.raises(DomainError, match=r"step is "):
        grey.incidence_degrees([X], Y, step=step)


@pytest.mark.parametrize("theta", [-0.1, 1.1, np.nan, "0.5", None])
def test_theta_outside_its_interval_is_refused(theta: Any) -> None:
    with pytest.raises(DomainError, match=r"theta is .*; allowed: \[0, 1\]"):
        grey.synthetic_degree(X, Y, theta=theta)
    with pytest.raises(DomainError, match=r"theta is "):
        grey.incidence_degrees([X], Y, theta=theta)


@pytest.mark.parametrize("degrees", [[], ["t_type"], ["slope", "slope"], "areas"])
def test_unknown_degrees_are_refused(degrees: Any) -> None:
    with pytest.raises(DomainError, match=r"degrees must be some of absolute, .*, b_type, each once"):
        grey.incidence_degrees([X], Y, degrees=degrees)


@given(sequences(st.one_of(st.floats(-1e150, 1e150), st.sampled_from([1e150, -1e150, 5e-324, 0.0]))))
def test_finite_sequences_give_a_degree_or_a_refusal_and_no_warning(pair: FloatArray) -> None:
    for name, degree in DEGREES.items():
        divisors = {"relative": pair[:, 0], "synthetic": pair[:, 0], "slope": pair.mean(axis=1)}.get(name)
        settings = {"step": 1e100} if name in BY_AREA else {}
        largest = np.abs(pair).max(axis=1)
        if divisors is not None and ((divisors == 0.0) | (np.abs(divisors) * 1e150 < largest)).any():
            with pytest.raises(DomainError, match="is zero, or so near to zero"):
                degree(*pair, **settings)
        else:
            assert 0.0 <= degree(*pair, **settings) <= 1.0


# Deng's axioms ------------------------------------------------------------------------------------------------

TABLE = st.tuples(st.integers(1, 5), st.integers(1, 5)).flatmap(
    lambda shape: arrays(np.float64, (shape[0] + 1, shape[1]), elements=st.integers(0, 9).map(float))
)


@given(TABLE, st.floats(0.01, 1.0))
def test_normality(table: FloatArray, rho: float) -> None:
    """Grades lie in (0, 1]; 1 is reached just where all distances of a series are the smallest of the table."""
    reference, series = table[0], table[1:]
    grades = grey.relational_grade(series, reference, distinguishing_coefficient=rho)
    distance = np.abs(series - reference)
    assert ((grades > 0.0) & (grades <= 1.0 + 1e-15)).all()
    np.testing.assert_array_equal(grades > 1.0 - 1e-12, (distance == distance.min()).all(axis=1))


@given(TABLE, st.floats(0.01, 1.0))
def test_approachability(table: FloatArray, rho: float) -> None:
    """Within a table a coefficient falls as its distance grows."""
    reference, series = table[0], table[1:]
    distance = np.abs(series - reference).ravel()
    coefficients = grey.relational_coefficient(series, reference, distinguishing_coefficient=rho).ravel()
    order = np.argsort(distance)
    falls, grows = np.diff(coefficients[order]), np.diff(distance[order])
    assert (falls[grows > 0.0] < 0.0).all()
    np.testing.assert_array_equal(falls[grows == 0.0], 0.0)


@given(sequences(WHOLE), st.floats(0.01, 1.0))
def test_pair_symmetry_of_two_series(pair: FloatArray, rho: float) -> None:
    one = grey.relational_grade(pair[:1], pair[1], distinguishing_coefficient=rho)
    other = grey.relational_grade(pair[1:], pair[0], distinguishing_coefficient=rho)
    np.testing.assert_array_equal(one, other)


def test_wholeness_is_rank_reversal() -> None:
    """A third series turns the order of two: the largest distance becomes 10 instead of 1.

    Distances 0, 1 and 0.4, 0.4; R = 0.5: (1 + 1/3)/2 = 2/3 against 5/9. R = 5: (1 + 5/6)/2 = 11/12 against 25/27.
    """
    reference, two = [0.0, 0.0], [[0.0, 1.0], [0.4, 0.4]]
    np.testing.assert_allclose(grey.relational_grade(two, reference), [2 / 3, 5 / 9], rtol=1e-15)
    three = grey.relational_grade([*two, [10.0, 10.0]], reference)
    np.testing.assert_allclose(three[:2], [11 / 12, 25 / 27], rtol=1e-15)
    assert three[1] > three[0]


def test_symmetry_ends_with_the_third_series() -> None:
    """Grades of a to b and of b to a in the set {a, b, c}: the other reference has other distances."""
    a, b, c = [0.0, 0.0], [1.0, 2.0], [5.0, 9.0]
    assert grey.relational_grade([b, c], a)[0] != grey.relational_grade([a, c], b)[0]


@given(TABLE, st.floats(0.01, 0.99))
def test_a_larger_rho_lifts_every_coefficient(table: FloatArray, rho: float) -> None:
    reference, series = table[0], table[1:]
    low = grey.relational_coefficient(series, reference, distinguishing_coefficient=rho)
    high = grey.relational_coefficient(series, reference, distinguishing_coefficient=1.0)
    assert (high >= low).all()
    assume((np.abs(series - reference) > np.abs(series - reference).min()).any())
    assert low.max() - low.min() > high.max() - high.min()
