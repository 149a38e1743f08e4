"""Stability of the answers: rank reversals worked by hand, brute force on the same draws, what cannot move."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.neighbors import NearestNeighbors

from custvalue import cbr, grey
from custvalue._case_based import manhattan
from custvalue._case_based.manhattan import manhattan_nearest
from custvalue._case_based.retrieval import Retrieval
from custvalue.exceptions import ColumnError, DataError, DomainError

HIERARCHY = grey.Hierarchy.from_weights(
    {"recency": 0.25, "monetary": 0.75}, {"recency": {"a": 1.0}, "monetary": {"b": 0.25, "c": 0.75}}
)
PAIR = grey.Hierarchy.equal({"monetary": ["turnover", "balance"]})
#: Distances from the customer (0, 0) reach 0.6; the first case is nearer in sum, the second in one figure.
REVERSIBLE = np.array([[0.18, 0.18], [0.0, 0.6]])
NOTHING: dict[str, Any] = {"leave_out": (), "far_cases": (), "coefficients": ()}


def core_of(cases: Any, codes: Any, hierarchy: grey.Hierarchy = HIERARCHY, **more: Any) -> Retrieval:
    return Retrieval(hierarchy, np.asarray(cases, dtype=float), np.asarray(codes), int(max(codes)) + 1, **more)


def random_core(seed: int = 0, n_cases: int = 25, **more: Any) -> tuple[Retrieval, Any]:
    rng = np.random.default_rng(seed)
    cases = rng.random((n_cases, 3))
    return core_of(cases, (cases.mean(axis=1) * 3).astype(int), **more), rng.random((60, 3))


def test_rho_turns_the_winner_where_the_hand_says() -> None:
    """Equal grades where rho 0.6 = 0.18 x 0.6 / (0.6 - 2 x 0.18) = 0.45, so at rho = 0.75."""
    core = core_of(REVERSIBLE, [0, 1], PAIR)
    found = cbr.answer_stability(
        core, [[0.0, 0.0]], **(NOTHING | {"coefficients": (0.3, 0.74, 0.76, 1.0)}), n_repeats=3
    )
    assert found.changes == (("rho", 0.3), ("rho", 0.74), ("rho", 0.76), ("rho", 1.0))
    for shares in (found.winner_reversed, found.class_changed, found.class_reversed, found.winner_changed):
        assert shares[:, 0].tolist() == [[0.0] * 3, [0.0] * 3, [1.0] * 3, [1.0] * 3]
        assert np.isnan(shares[:, 1]).all()  # weighted Manhattan knows no rho
        np.testing.assert_array_equal(shares[:, 2], shares[:, 0])  # one customer's columns cannot be shuffled
    assert (found.winner_replaced[:, 0] == 0.0).all()


def test_a_far_case_reverses_two_others_by_hand() -> None:
    """A far case stretches the range of (0, 0) to 1: 0.5 / 0.68 = 0.735 overtakes (1 + 0.5 / 1.1) / 2 = 0.727.

    The customer (1, 1) gets the far case itself, unless that stands at (0, 0), where (0, 0) gets it.
    """
    core = core_of(REVERSIBLE, [0, 1], PAIR)
    X = [[0.0, 0.0], [1.0, 1.0]]
    found = cbr.answer_stability(core, X, **(NOTHING | {"far_cases": (1,)}), n_repeats=40, random_state=0)
    grey_one = {*zip(found.winner_replaced[0, 0].tolist(), found.winner_reversed[0, 0].tolist(), strict=True)}
    assert grey_one == {(0.5, 0.0), (0.5, 0.5)}
    assert (found.winner_reversed[0, 1] == 0.0).all()
    np.testing.assert_array_equal(found.winner_changed, found.winner_replaced + found.winner_reversed)


def test_by_brute_force_on_the_same_draws() -> None:
    core, queries = random_core()
    found = cbr.answer_stability(
        core, queries, leave_out=(0.2,), far_cases=(2,), coefficients=(0.1,), n_repeats=1, random_state=7
    )
    rng = np.random.RandomState(7)
    shuffled = np.stack([rng.permutation(column) for column in queries.T], axis=1)
    gone = set(rng.choice(25, size=5, replace=False).tolist())
    ends = rng.randint(2, size=(2, 3))
    both = np.concatenate([core.cases, queries])
    corners = np.where(ends == 1, both.max(axis=0), both.min(axis=0))
    corner_codes = core.codes[grey.similarity(corners, core.cases, HIERARCHY).argmax(axis=1)]
    left = [row for row in range(25) if row not in gone]
    steep = HIERARCHY.model_copy(update={"distinguishing_coefficient": 0.1})

    def best(customers: Any, cases: Any, hierarchy: Any) -> list[int]:
        if hierarchy is None:
            weighted = np.abs(customers[:, None, :] - cases[None, :, :]) @ HIERARCHY.global_weights
            return [int(row.argmin()) for row in weighted]
        return [int(row.argmax()) for row in grey.similarity(customers, cases, hierarchy)]

    def counted(customers: Any, hierarchy: Any, change: str) -> list[float]:
        before = best(customers, core.cases, hierarchy)
        if change == "rho":
            after = best(customers, core.cases, steep)
        elif change == "leave out":
            after = [left[place] for place in best(customers, core.cases[left], hierarchy)]
        else:
            after = best(customers, np.concatenate([core.cases, corners]), hierarchy)
        codes = [*core.codes.tolist(), *corner_codes.tolist()]
        replaced = [(b in gone and change == "leave out") or a >= 25 for b, a in zip(before, after, strict=True)]
        reversed_ = [a != b and not r for b, a, r in zip(before, after, replaced, strict=True)]
        changed = [codes[a] != codes[b] for b, a in zip(before, after, strict=True)]
        both_ = [c and not r for c, r in zip(changed, replaced, strict=True)]
        return [sum(flags) / 60 for flags in (replaced, reversed_, changed, both_)]

    names = ("winner_replaced", "winner_reversed", "class_changed", "class_reversed")
    for place, (change, _) in enumerate(found.changes):
        for watched, customers, hierarchy in (
            (0, queries, HIERARCHY),
            (1, queries, None),
            (2, shuffled, HIERARCHY),
        ):
            got = [getattr(found, name)[place, watched, 0] for name in names]
            if change == "rho" and watched == 1:
                assert np.isnan(got).all()
            else:
                assert got == pytest.approx(counted(customers, hierarchy, change), abs=1e-12)
    assert found.winner_reversed[0, 0, 0] + found.winner_reversed[1, 0, 0] > 0.0  # there is something to count


def test_manhattan_and_frozen_ranges_never_reverse() -> None:
    """Where a pair's likeness does not depend on other cases, only what comes or goes can change an answer."""
    core, queries = random_core(0)
    frozen = core.replaced(ranges=grey.FrozenRanges.from_cases(core.cases, HIERARCHY))
    loose, fixed = (
        cbr.answer_stability(one, queries, coefficients=(), n_repeats=10, random_state=0) for one in (core, frozen)
    )
    assert (loose.winner_reversed[:, 0] > 0.0).any()
    assert (loose.winner_reversed[:, 1] == 0.0).all()
    assert (loose.class_reversed[:, 1] == 0.0).all()
    assert (fixed.winner_reversed == 0.0).all()
    assert (fixed.class_reversed == 0.0).all()
    assert (fixed.winner_replaced[:, 0] > 0.0).any()


def test_the_model_s_vote_decides_the_class() -> None:
    """Three of three cases vote: the majority stays when one of three in four cases is left out."""
    core = core_of([[0.1] * 3, [0.2] * 3, [0.3] * 3, [0.9] * 3], [0, 0, 0, 1], k=3)
    found = cbr.answer_stability(
        core, [[0.8] * 3], **(NOTHING | {"leave_out": (0.25,)}), n_repeats=30, random_state=0
    )
    assert (found.winner_replaced[0, 0] == 1.0).any()  # the nearest is the only one of its class
    assert (found.class_changed[0, 0] == 0.0).all()
    assert (found.class_changed[0, 1] == found.winner_replaced[0, 1]).all()  # 1-NN follows it


def test_every_case_is_left_out_as_often() -> None:
    """One of four at a time: the winner is left out in about a quarter of 200 repeats."""
    core = core_of(np.random.default_rng(0).random((4, 3)), [0, 1, 2, 3])
    found = cbr.answer_stability(
        core, [[0.5, 0.5, 0.5]], **(NOTHING | {"leave_out": (0.25,)}), n_repeats=200, random_state=3
    )
    low, high = (stats.binom.ppf(q, 200, 0.25) for q in (1e-5, 1 - 1e-5))
    assert low <= found.winner_replaced[0, 0].sum() <= high


def test_the_same_seed_gives_the_same_shares() -> None:
    core, queries = random_core(2)
    one, two, other = (cbr.answer_stability(core, queries, n_repeats=2, random_state=seed) for seed in (5, 5, 6))
    pd.testing.assert_frame_equal(one.to_frame(), two.to_frame())
    assert not one.to_frame().equals(other.to_frame())


def test_a_fitted_model_and_its_core_give_the_same() -> None:
    core, queries = random_core(3)
    model: Any = SimpleNamespace(_retrieval=core, _queries=lambda X: X[["a", "b", "c"]].to_numpy())
    frame = pd.DataFrame(queries, columns=["a", "b", "c"])[["c", "a", "b"]]
    one, two, three = (
        cbr.answer_stability(*pair, n_repeats=1, random_state=0)
        for pair in ((core, queries), (model, frame), (core, frame))
    )
    pd.testing.assert_frame_equal(one.to_frame(), two.to_frame())
    pd.testing.assert_frame_equal(one.to_frame(), three.to_frame())


def test_the_result_shows_itself() -> None:
    core, queries = random_core(4)
    found = cbr.answer_stability(core, queries, n_repeats=2, random_state=0)
    assert found.names[:5] == (
        "1 % of the cases left out", "5 % of the cases left out", "10 % of the cases left out",
        "1 far case added", "3 far cases added",
    )  # fmt: skip
    assert found.names[5] == "rho 0.1"
    assert repr(found) == "AnswerStability(changes=9, repeats=2, customers=60, cases=25)"
    frame = found.to_frame()
    assert len(frame) == 9 * 3
    assert {"winner_reversed", "winner_reversed_low", "class_changed_high"} <= set(frame.columns)
    words = found.in_words()
    assert words.count("of the customers get another class") == 9
    assert "weighted Manhattan" in words
    assert "nan" not in words
    assert "rho 0.1" in found._repr_html_()
    with pytest.raises(ValueError, match="read-only"):
        found.class_changed[0, 0, 0] = 2.0


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"leave_out": (0.0,)}, "leave_out has 0.0; allowed: shares between 0 and 1"),
        ({"leave_out": (1.0,)}, "leave_out has 1.0"),
        ({"leave_out": (0.97,)}, "leave at least k = 3 of the 25 cases"),
        ({"leave_out": (float("nan"),)}, "leave_out has nan"),
        ({"far_cases": (0,)}, "far_cases must be whole numbers from 1"),
        ({"far_cases": (1.5,)}, "far_cases must be whole numbers"),
        ({"far_cases": (True,)}, "far_cases must be whole numbers"),
        ({"coefficients": (0.0,)}, r"coefficients has 0.0; allowed: \(0, 1\]"),
        ({"coefficients": (1.1,)}, "coefficients has 1.1"),
        (NOTHING, "all empty; name at least one change"),
        ({"n_repeats": 0}, "n_repeats must be a whole number from 1"),
        ({"n_repeats": True}, "n_repeats must be"),
    ],
)
def test_settings_out_of_range_are_refused(change: dict[str, Any], match: str) -> None:
    core, queries = random_core(0, k=3)
    with pytest.raises(DomainError, match=match):
        cbr.answer_stability(core, queries, **change)


def test_wrong_customers_and_models_are_refused() -> None:
    core, queries = random_core()
    with pytest.raises(DataError, match="X is empty or holds missing values"):
        cbr.answer_stability(core, np.empty((0, 3)))
    queries[3, 1] = np.nan
    with pytest.raises(DataError, match="missing values"):
        cbr.answer_stability(core, queries)
    with pytest.raises(DataError, match="X is empty or holds missing values"):
        cbr.answer_stability(core.replaced(missing="skip"), queries)
    with pytest.raises(ColumnError, match="missing: 'c'"):
        cbr.answer_stability(core, pd.DataFrame(queries[:, :2], columns=["a", "b"]))
    wrong: Any = "model"
    with pytest.raises(DomainError, match="model is a str; allowed: a fitted CaseBasedClassifier"):
        cbr.answer_stability(wrong, queries)


def test_manhattan_against_scikit_learn_and_whatever_the_block(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(8)
    cases, queries, weights = rng.random((40, 3)), rng.random((70, 3)), HIERARCHY.global_weights
    found = manhattan_nearest(queries, cases, weights)
    rival = NearestNeighbors(n_neighbors=1, metric="manhattan", algorithm="brute").fit(cases * weights)
    np.testing.assert_array_equal(found, rival.kneighbors(queries * weights, return_distance=False)[:, 0])
    monkeypatch.setattr(manhattan, "HELD", 3)
    np.testing.assert_array_equal(found, manhattan_nearest(queries, cases, weights))
    assert manhattan_nearest(np.array([[0.5]]), np.array([[0.25], [0.75], [0.25]]), np.ones(1)).tolist() == [0]
