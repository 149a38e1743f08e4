"""Interest measures for the caller: the table of all, one by name, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from custvalue._kernels.interest import MEASURES
from custvalue._product_rules.measures import interest_measure, interest_measures
from custvalue.exceptions import DomainError

COLUMNS = ["name", "title", "low", "high", "independence", "symmetric", "null_invariant", "whole_counts"]
COLUMNS += ["formula", "source", "arules"]


def test_the_table_lists_every_measure_once() -> None:
    table = interest_measures()
    assert list(table.columns) == COLUMNS
    assert table["name"].tolist() == list(MEASURES)
    assert len(table) >= 60
    assert (table["low"] < table["high"]).all()
    assert not table.drop(columns=["arules", "independence"]).isna().any().any()
    assert table[["symmetric", "null_invariant", "whole_counts"]].dtypes.astype(str).eq("bool").all()


def test_the_table_is_the_callers_own() -> None:
    table = interest_measures()
    table.loc[0, "name"] = "changed"
    assert interest_measures().loc[0, "name"] == "count"


@pytest.mark.parametrize("name", MEASURES)
def test_every_name_of_the_table_is_computed(name: str) -> None:
    found = interest_measure(name, [30, 5], [20, 5], [40, 5], [910, 85])
    np.testing.assert_array_equal(found, MEASURES[name].function([30, 5], [20, 5], [40, 5], [910, 85]))


def test_by_hand_measures_of_series_and_numbers() -> None:
    """Columns of a frame, one number for all, and NumPy's scalars: 30 of 50, and 8 of 16."""
    frame = pd.DataFrame({"both": [30, 8], "only": [20, 8]})
    found = interest_measure("confidence", frame["both"], frame["only"], 5, np.int8(7))
    np.testing.assert_allclose(found, [0.6, 0.5], rtol=1e-15)
    assert interest_measure("confidence", 30, 20, 40, 910).shape == ()


def test_by_hand_smoothing() -> None:
    """Haldane's correction of 30, 20, 0, 950: 30.5 x 950.5 / (20.5 x .5); without it the ratio is infinite."""
    assert float(interest_measure("odds_ratio", 30, 20, 0, 950)) == np.inf
    found = float(interest_measure("odds_ratio", 30, 20, 0, 950, smoothing=0.5))
    assert found == pytest.approx(30.5 * 950.5 / (20.5 * 0.5), rel=1e-14)


def test_sums_of_money_are_taken_where_nothing_is_counted() -> None:
    assert float(interest_measure("confidence", 1.5, 0.5, 2.25, 0.0)) == 0.75


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("lifft", "'lift'"),
        ("Confidence", "'confidence'"),
        ("oddsRatio", "'odds_ratio'"),
        ("RLD", "'relative_linkage_disequilibrium'"),
        ("antecedent_support", "'coverage'"),
        ("zhangs_metric", "'zhang'"),
        ("kulczinsky", "'kulczynski'"),
    ],
)
def test_an_unknown_name_is_met_with_a_near_one(name: str, hint: str) -> None:
    with pytest.raises(
        DomainError, match=rf"Unknown interest measure '{name}'\. Did you mean .*{hint}.*interest_measures\(\)"
    ):
        interest_measure(name, 1, 1, 1, 1)


def test_a_name_like_no_other_has_no_hint() -> None:
    with pytest.raises(DomainError, match=r"'xyz'\. interest_measures\(\) lists all names"):
        interest_measure("xyz", 1, 1, 1, 1)


def test_a_name_is_a_text() -> None:
    with pytest.raises(DomainError, match="name is of type list"):
        interest_measure(["lift"], 1, 1, 1, 1)  # type: ignore[arg-type]  # the refusal


@pytest.mark.parametrize("bad", [-1, np.nan, np.inf, -np.inf, 2.0**53 + 2])
@pytest.mark.parametrize("place", range(4))
def test_counts_outside_their_range_are_named_and_not_shown(bad: float, place: int) -> None:
    counts: list[Any] = [[1.0, 2.0], [1.0, 2.0], [1.0, 2.0], [1.0, 2.0]]
    counts[place][1] = bad
    name = ("n11", "n10", "n01", "n00")[place]
    with pytest.raises(DomainError, match=rf"^{name} holds 1 value\(s\) .* allowed: numbers from 0 to 2\^53\.$"):
        interest_measure("lift", *counts)


@pytest.mark.parametrize("bad", [True, "3", [None, 1], [1 + 2j], np.array(["a"]), np.datetime64("2024-01-01")])
def test_counts_that_are_no_numbers(bad: Any) -> None:
    with pytest.raises(DomainError, match=r"n10 is of type .* allowed: whole numbers or floats"):
        interest_measure("lift", 1, bad, 1, 1)


def test_ragged_counts() -> None:
    with pytest.raises(DomainError, match="n01 is a ragged sequence"):
        interest_measure("lift", 1, 1, [[1, 2], [3]], 1)


def test_shapes_that_do_not_fit() -> None:
    with pytest.raises(
        DomainError, match=r"shapes \(2,\), \(3,\), \(\), \(\); allowed: shapes that can be broadcast"
    ):
        interest_measure("lift", [1, 2], [1, 2, 3], 1, 1)


@pytest.mark.parametrize("bad", [-0.5, np.nan, np.inf, "0.5", True, None])
def test_smoothing_outside_its_range(bad: Any) -> None:
    with pytest.raises(DomainError, match="smoothing is not a finite number from 0"):
        interest_measure("lift", 1, 1, 1, 1, smoothing=bad)


@pytest.mark.parametrize("name", [name for name, measure in MEASURES.items() if measure.whole_counts])
def test_tests_count_whole_customers(name: str) -> None:
    with pytest.raises(
        DomainError, match=rf"n00 holds 1 value\(s\) that are not whole; '{name}' counts whole customers"
    ):
        interest_measure(name, 1, 1, 1, 1.5)
    with pytest.raises(DomainError, match=rf"smoothing is above 0; '{name}' counts whole customers"):
        interest_measure(name, 1, 1, 1, 1, smoothing=0.5)
