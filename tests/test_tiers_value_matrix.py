"""The customer value matrix: Marcus's case, every cut by hand, presets, and customers moving between cells."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from custvalue import tiers
from custvalue.exceptions import ColumnError, DataError, DomainError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

#: Five customers; the form is that of Marcus (1998), the figures are ours.
PURCHASES, REVENUE = [1, 4, 2, 9, 1], [100.0, 80.0, 400.0, 900.0, 30.0]
TABLE = pd.DataFrame({"purchases": PURCHASES, "revenue": REVENUE})
FOUR = [tiers.Cell(x=x, y=y, name=f"{x} {y}") for x in ("low", "high") for y in ("low", "high")]


def matrix(cut: Any, **axis: Any) -> tiers.ValueMatrix:
    bands = axis.get("bands", ["low", "high"])
    return tiers.ValueMatrix(
        x=tiers.Axis(name="x", column="a", cut=cut, **axis),
        y=tiers.Axis(name="y", column="b", cut=tiers.FixedCut(values=[0])),
        cells=[tiers.Cell(x=x, y=y, name=f"{x} {y}") for x in bands for y in ("low", "high")],
    )


def bands_of(found: tiers.MatrixCells) -> list[str]:
    return [found.matrix.cells[code].x for code in found.codes.tolist()]


def test_marcus1998_quadrants() -> None:
    """Marcus (1998): average amount = total revenue by total purchases, here 1510 / 17; frequency 17 / 5."""
    found = tiers.ValueMatrix.marcus().apply(TABLE)
    assert found.names.tolist() == ["spender", "frequent", "spender", "best", "uncertain"]
    assert found.cuts == {"frequency": (3.4,), "average amount": (float(Fraction(1510, 17)),)}
    assert found.measured[:, 1].tolist() == [100.0, 20.0, 200.0, 100.0, 30.0]


def test_the_published_case(shared: Path) -> None:
    case = json.loads((shared / "known_answers/campaign/value_matrix_marcus.json").read_text(encoding="utf-8"))
    given_, expected, tolerance = case["input"], case["expected"], case["tolerance"]
    table = pd.DataFrame({"purchases": given_["purchases"], "revenue": given_["revenue"]})
    found = tiers.ValueMatrix.marcus().apply(table)
    assert found.cuts["frequency"][0] == pytest.approx(expected["cut_frequency"], abs=tolerance)
    assert found.cuts["average amount"][0] == pytest.approx(expected["cut_amount"], abs=tolerance)
    np.testing.assert_allclose(found.measured[:, 1], expected["average_amount"], atol=tolerance)
    assert found.names.tolist() == expected["quadrant"]
    assert tiers.ValueMatrix.marcus().y.tie == given_["tie_goes"]


@pytest.mark.parametrize(
    ("cut", "axis", "cuts", "bands"),
    [
        (tiers.MeanCut(), {}, (4.0,), ["low", "low", "high", "high"]),
        (tiers.MeanCut(), {"tie": "low"}, (4.0,), ["low", "low", "low", "high"]),
        (tiers.MedianCut(), {}, (3.5,), ["low", "low", "high", "high"]),
        (tiers.QuantileCut(levels=[0.5]), {}, (3.5,), ["low", "low", "high", "high"]),
        (
            tiers.QuantileCut(levels=[1 / 3, 2 / 3]),
            {"bands": ["one", "two", "three"]},
            (3.0, 4.0),
            ["one", "two", "three", "three"],
        ),
        (tiers.FixedCut(values=[8]), {}, (8.0,), ["low", "low", "low", "high"]),
        (tiers.FixedCut(values=[8]), {"tie": "low"}, (8.0,), ["low", "low", "low", "low"]),
        (tiers.RatioCut(), {"per": "c"}, (1.6,), ["low", "high", "low", "high"]),
    ],
)
def test_by_hand_cuts(cut: Any, axis: Any, cuts: Any, bands: list[str]) -> None:
    """Values 1, 3, 4, 8, or divided by 1, 1, 4, 4 at the ratio of totals 16 / 10."""
    table = pd.DataFrame({"a": [1, 3, 4, 8], "b": [0, 0, 0, 0], "c": [1, 1, 4, 4]})
    found = matrix(cut, **axis).apply(table)
    assert found.cuts["x"] == pytest.approx(cuts)
    assert bands_of(found) == bands


def test_the_ratio_of_totals_is_not_the_mean_of_ratios() -> None:
    """One large customer: 90 / 30 = 3 for everybody's money, (1 + 1 + 88 / 28) / 3 for everybody's ratio."""
    table = pd.DataFrame({"a": [1, 1, 88], "b": [0, 0, 0], "c": [1, 1, 28]})
    assert matrix(tiers.RatioCut(), per="c").apply(table).cuts["x"] == (3.0,)
    mean = matrix(tiers.MeanCut(), per="c").apply(table).cuts["x"]
    assert mean == pytest.approx(((1 + 1 + 88 / 28) / 3,))


def test_the_preset_of_contribution_and_potential() -> None:
    found = tiers.ValueMatrix.contribution_potential(5000, 1e5)
    rows = {"contribution": [5000, 4999, 0, -1, -1, 9000], "potential": [0, 1e5, 99999, 0, 1e6, 1e6]}
    assert found.apply(pd.DataFrame(rows)).names.tolist() == [
        "VIP",
        "target",
        "mass",
        "negative",
        "negative",
        "VIP",
    ]
    assert found.cell_names == ("VIP", "target", "mass", "negative")
    actions = {(cell.x, cell.y): cell.action for cell in found.cells}
    assert actions["negative", "low"] != actions["negative", "high"]
    assert "a person decides" in actions["negative", "low"]
    with pytest.raises(ValidationError, match="values must rise"):
        tiers.ValueMatrix.contribution_potential(-5, 1)


def test_the_preset_of_loyalty_and_value() -> None:
    """Source: strong, high keep and deepen; weak, high develop; strong, low maintain; weak, low let go."""
    found = tiers.ValueMatrix.loyalty_value(0.5, 100)
    table = pd.DataFrame({"loyalty": [0.5, 0.4, 0.9, 0.1], "value": [100, 100, 99, 99]})
    assert found.apply(table).to_frame()["action"].tolist() == ["keep and deepen", "develop", "maintain", "let go"]


# ------------------------------------------------------------------------------------------------- laws

MONEY = st.lists(st.floats(0.01, 1e6), min_size=3, max_size=20)


@settings(max_examples=40)
@given(MONEY, st.randoms(use_true_random=False))
def test_order_of_rows_does_not_matter(revenue: list[float], random: Any) -> None:
    rng = np.random.default_rng(len(revenue))
    table = pd.DataFrame({"purchases": rng.integers(1, 9, len(revenue)), "revenue": revenue})
    order = list(range(len(revenue)))
    random.shuffle(order)
    found = tiers.ValueMatrix.marcus().apply(table)
    again = tiers.ValueMatrix.marcus().apply(table.iloc[order])
    assert again.cuts == found.cuts
    assert again.names.tolist() == found.names[order].tolist()
    assert found.counts()["customers"].sum() == len(revenue)


@settings(max_examples=40)
@given(MONEY)
def test_frozen_cuts_give_the_same_cells_and_other_currencies_too(revenue: list[float]) -> None:
    table = pd.DataFrame({"purchases": range(1, len(revenue) + 1), "revenue": revenue})
    found = tiers.ValueMatrix.marcus().apply(table)
    assert found.frozen.apply(table).names.tolist() == found.names.tolist()
    assert tiers.ValueMatrix.model_validate_json(found.frozen.model_dump_json()) == found.frozen
    doubled = tiers.ValueMatrix.marcus().apply(table.assign(revenue=table["revenue"] * 4.0))
    assert doubled.names.tolist() == found.names.tolist()


def test_frozen_cuts_are_applied_to_other_customers() -> None:
    """A richer month moves the mean, not the frozen cut."""
    cut = matrix(tiers.MeanCut())
    before = cut.apply(pd.DataFrame({"a": [1, 3], "b": [0, 0]}))
    richer = pd.DataFrame({"a": [2, 9], "b": [0, 0]})
    assert bands_of(before.frozen.apply(richer)) == ["high", "high"]
    assert bands_of(cut.apply(richer)) == ["low", "high"]


# -------------------------------------------------------------------------------------- between cells


def test_by_hand_migration_between_cells() -> None:
    cut = matrix(tiers.FixedCut(values=[5]))
    before = cut.apply(pd.DataFrame({"key": ["p", "q", "r"], "a": [1, 9, 9], "b": [0, 0, 0]}), keep=["key"])
    after = cut.apply(pd.DataFrame({"key": ["r", "p", "q"], "a": [1, 9, 9], "b": [0, 0, 0]}), keep=["key"])
    found = before.migration(after, key="key", weights=[1.0, 2.0, 6.0])
    assert found.states == ("low low", "low high", "high low", "high high")
    assert found.matrix[3].tolist() == [0.0, 0.75, 0.0, 0.25]
    assert found.matrix[1].tolist() == [0.0, 0.0, 0.0, 1.0]
    assert before.migration(after, key="key").counts.sum() == 3


def test_migrations_between_cells_that_cannot_be() -> None:
    cut = matrix(tiers.FixedCut(values=[5]))
    table = pd.DataFrame({"key": [1, 2], "a": [1, 9], "b": [0, 0]})
    found = cut.apply(table, keep=["key"])
    with pytest.raises(DomainError, match=r"key 'key' was not kept; give keep=\['key'\] to apply"):
        found.migration(cut.apply(table), key="key")
    with pytest.raises(DomainError, match="later has cells of other names"):
        found.migration(tiers.ValueMatrix.marcus().apply(TABLE), key="key")
    with pytest.raises(DataError, match=r"2 customer\(s\) are in one table only"):
        found.migration(cut.apply(table.assign(key=[1, 3]), keep=["key"]), key="key")
    with pytest.raises(DataError, match=r"4 customer\(s\) are in one table only"):
        found.migration(cut.apply(table.assign(key=["1", "2"]), keep=["key"]), key="key")
    with pytest.raises(DataError, match="'key' repeats keys"):
        found.migration(cut.apply(table.assign(key=[1, 1]), keep=["key"]), key="key")
    with pytest.raises(DomainError, match="later is a str; allowed: MatrixCells"):
        found.migration("later", key="key")  # type: ignore[arg-type]  # refused


# --------------------------------------------------------------------------------------------- tables


@pytest.mark.pyarrow
def test_cells_keep_columns_order_and_library(make_frame: Callable[..., Any]) -> None:
    table = make_frame({"key": ["b", "a"], "purchases": [1, 3], "revenue": [9.0, 3.0]})
    found = tiers.ValueMatrix.marcus().apply(table, keep=["key"]).to_frame()
    assert type(found) is type(table)
    assert [str(value) for value in found["key"]] == ["b", "a"]
    assert [str(value) for value in found["cell"]] == ["spender", "frequent"]
    assert [float(str(value)) for value in found["average amount"]] == [9.0, 1.0]


def test_counts_and_what_is_shown() -> None:
    found = tiers.ValueMatrix.marcus().apply(TABLE)
    assert found.counts()["share"].tolist() == [0.2, 0.4, 0.2, 0.2]
    assert repr(found) == "MatrixCells(customers=5, cells=4)"
    assert "frequency cut at 3.4; average amount cut at 88.82" in found._repr_html_()
    assert repr(found.matrix) == "ValueMatrix(x='frequency', y='average amount', cells=4)"
    assert "keep and reward" in found.matrix._repr_html_()
    with pytest.raises(ValueError, match="read-only"):
        found.codes[:] = 0


# ------------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"bands": ["low"]}, "at least 2 items"),
        ({"bands": ["low", "low"]}, r"1 cut\(s\) and needs 2 bands with different names"),
        ({"bands": ["low", "middle", "high"]}, r"1 cut\(s\) and needs 2 bands"),
        ({"cut": {"kind": "fixed", "values": [1, 2]}}, r"2 cut\(s\) and needs 3 bands"),
        ({"cut": {"kind": "fixed", "values": [2, 2]}, "bands": ["a", "b", "c"]}, "values must rise"),
        ({"cut": {"kind": "quantile", "levels": [0.5, 0.2]}, "bands": ["a", "b", "c"]}, "levels must rise"),
        ({"cut": {"kind": "quantile", "levels": [1.0]}}, "less than 1"),
        ({"cut": {"kind": "ratio of totals"}}, "name the denominator in per"),
        ({"cut": {"kind": "mode"}}, "does not match any of the expected tags"),
        ({"tie": "even"}, "'high' or 'low'"),
    ],
)
def test_axes_that_cannot_be(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        tiers.Axis.model_validate({"name": "x", "column": "a", "cut": {"kind": "mean"}} | fields)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"cells": [*FOUR[:3], FOUR[0]]}, r"missing: \[\('high', 'high'\)\], unknown: \[\], doubled: 1"),
        ({"cells": [*FOUR, FOUR[0]]}, "doubled: 1"),
        ({"cells": [*FOUR[:3], tiers.Cell(x="top", y="low", name="t")]}, r"unknown: \[\('top', 'low'\)\]"),
        ({"y": tiers.Axis(name="x", column="b", cut=tiers.MeanCut())}, "both axes are called 'x'"),
        (
            {"y": tiers.Axis(name="cell", column="b", cut=tiers.MeanCut())},
            r"axis name\(s\) \['cell'\] are columns",
        ),
    ],
)
def test_matrices_that_cannot_be(change: dict[str, Any], message: str) -> None:
    axes = {name: tiers.Axis(name=name, column=name, cut=tiers.MeanCut()) for name in "xy"}
    with pytest.raises(ValidationError, match=message):
        tiers.ValueMatrix(**({"cells": FOUR} | axes | change))


@pytest.mark.parametrize(
    ("table", "error", "message"),
    [
        ({"purchases": [1], "revenue": [None]}, DataError, "table holds missing values"),
        (
            {"purchases": [0, 2], "revenue": [1.0, 2.0]},
            DataError,
            r"'purchases' is 0 or negative for 1 customer\(s\)",
        ),
        ({"purchases": [1]}, ColumnError, "missing: 'revenue'"),
        ({"purchases": [], "revenue": []}, DomainError, "table has no row"),
        ({"purchases": ["x"], "revenue": [1.0]}, ColumnError, "'purchases' is of type String"),
    ],
)
def test_tables_that_cannot_be_put_into_cells(table: Any, error: type[Exception], message: str) -> None:
    frame = pd.DataFrame(table).astype({"revenue": float}) if "revenue" in table else pd.DataFrame(table)
    with pytest.raises(error, match=message):
        tiers.ValueMatrix.marcus().apply(frame)


def test_quantiles_that_coincide_are_refused() -> None:
    cut = matrix(tiers.QuantileCut(levels=[0.2, 0.4]), bands=["a", "b", "c"])
    with pytest.raises(DataError, match="Axis 'x': two quantiles coincide, so a band is empty"):
        cut.apply(pd.DataFrame({"a": [1, 1, 1, 9], "b": [0, 0, 0, 0]}))
    with pytest.raises(ColumnError, match=r"keep names \['cell'\], as columns of the result"):
        matrix(tiers.MeanCut()).apply(pd.DataFrame({"a": [1], "b": [0], "cell": [1]}), keep=["cell"])
