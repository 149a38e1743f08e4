"""Product substitution from two snapshots."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import hypergeom

from custvalue import basket
from custvalue.exceptions import ColumnError, DataError, DomainError

if TYPE_CHECKING:
    from collections.abc import Callable

STATES = ["moved", "kept_both", "had_before", "took_later", "left", "stayed", "undecided"]
#: customer: held before, held after.
BY_HAND = {
    1: ("o", "n"), 2: ("o", "on"), 3: ("on", "n"), 4: ("o", ""), 5: ("o", "o"), 6: ("", "n"), 7: ("n", "n"),
    8: ("o", "x"), 9: ("on", "on"),
}  # fmt: skip


def long(moment: int) -> dict[str, list[Any]]:
    rows = [(key, name) for key, held in BY_HAND.items() for name in held[moment]]
    return {"customer": [key for key, _ in rows], "product": [name for _, name in rows]}


def wide(moment: int) -> dict[str, list[Any]]:
    return {
        "customer": list(BY_HAND),
        **{name: [name in held[moment] for held in BY_HAND.values()] for name in ("o", "n")},
    }


def found_in(before: Any, after: Any, **changes: Any) -> basket.Substitution:
    asked: dict[str, Any] = {"customer": "customer", "product": "product", "old": "o", "new": "n"}
    return basket.substitution_between(before, after, **(asked | changes))


@pytest.mark.pyarrow
@pytest.mark.parametrize("layout", ["long", "wide"])
def test_by_hand_states_and_composite(make_frame: Callable[..., Any], layout: str) -> None:
    """Holders of o before: 1 moved, 2 kept both, 3 and 9 had n before, 4 and 8 left, 5 stayed.

    Who took n in between: 1, 2 and 6, of whom 1 and 2 had o.
    """
    build = long if layout == "long" else wide
    changes = {} if layout == "long" else {"product": None}
    found = found_in(make_frame(build(0)), make_frame(build(1)), **changes)
    assert found.flows()[STATES].to_numpy().tolist() == [[1, 1, 2, 0, 2, 1, 0]]
    names = ["label", "customers", "new_holders", "old_holders", "old_closers"]
    assert found.composite()[names].to_numpy().tolist() == [["A1", 2, 3, 7, 4]]
    # Of the four who no longer hold o (1, 3, 4, 8), 1 took n in between.
    assert found.composite()["share_of_closers"].tolist() == [0.25]
    assert (found.source, found.window, found.as_of) == ("snapshots", 0, None)


def test_by_hand_fishers_test() -> None:
    """At risk are 1, 2, 4, 5, 8: 1, 4, 8 closed, 1 and 2 took n. P(C >= 1) = 9/10.

    For an add-on 4 and 8 are left out, who hold neither afterwards: of 1, 2, 5 one closed and two took, and
    P(C <= 1) = 1.
    """
    tests = found_in(pd.DataFrame(long(0)), pd.DataFrame(long(1))).tests().iloc[0]
    assert (tests["method"], tests["events"], tests["took"]) == ("snapshots", 3, 1)
    assert tests["expected_took"] == pytest.approx(6 / 5)
    assert tests["p_substitution"] == tests["p_control"] == pytest.approx(9 / 10)
    assert tests["p_add_on"] == pytest.approx(1.0)
    assert np.isnan(tests["p_timing"])


def test_a_planted_move_and_an_add_on() -> None:
    rng = np.random.default_rng(0)
    n = 2000
    kind = rng.random(n)
    closes, takes = rng.random(n) < 0.3, rng.random(n) < 0.1
    moves = kind < 0.1
    before = pd.DataFrame({"customer": np.arange(n), "o": 1, "n": 0, "p": 0})
    add_on = rng.random(n) < 0.3
    after = before.assign(
        o=((~closes | add_on) & ~moves).astype(int), n=(takes | moves).astype(int), p=add_on.astype(int)
    )
    found = found_in(before, after, product=None, new=["n", "p"])
    assert found.verdicts()["verdict"].tolist() == ["possible substitution", "possible add-on"]
    table = pd.crosstab(after["o"] == 0, after["n"] == 1).to_numpy()
    expected = hypergeom.sf(table[1, 1] - 1, n, table[1].sum(), table[:, 1].sum())
    assert found.tests()["p_control"].iloc[0] == pytest.approx(expected, rel=1e-9)
    rates: dict[Any, Any] = found.rates().set_index(["new", "question"]).to_dict("index")[("n", "opened")]
    assert rates["rate"] == pytest.approx(table[1, 1] / table[1].sum())
    assert rates["control_rate"] == pytest.approx(table[0, 1] / table[0].sum())


def test_relations_and_doubled_rows() -> None:
    duckdb = pytest.importorskip("duckdb")
    arrow = pytest.importorskip("pyarrow")
    doubled = {name: values * 2 for name, values in long(1).items()}
    plain = found_in(pd.DataFrame(long(0)), pd.DataFrame(long(1)))
    connection = duckdb.connect()
    found = found_in(connection.from_arrow(arrow.table(long(0))), connection.from_arrow(arrow.table(doubled)))
    pd.testing.assert_frame_equal(found.to_frame(), plain.to_frame())
    polars = pytest.importorskip("polars")
    lazy = found_in(polars.LazyFrame(long(0)), polars.LazyFrame(doubled))
    pd.testing.assert_frame_equal(lazy.to_frame(), plain.to_frame())


@pytest.mark.parametrize("first", [2**60, 2**63 - 3, 2**63 + 5])
def test_signed_and_unsigned_keys_stay_apart(first: int) -> None:
    """Neighbouring keys beyond 2^53 would be one floating number."""
    keys = [first, first + 1, first + 2]
    kind = np.int64 if first + 2 < 2**63 else np.uint64
    before = pd.DataFrame({"customer": np.array(keys, dtype=kind), "product": ["o", "o", "o"]})
    after = pd.DataFrame({"customer": np.array(keys, dtype=np.uint64), "product": ["n", "o", "n"]})
    few = pd.DataFrame({"customer": np.array([7], dtype=np.int64), "product": ["o"]})
    found = found_in(before, after)
    assert found.flows()[["holders", "moved", "stayed"]].to_numpy().tolist() == [[3, 2, 1]]
    assert found.members(old="o", new="n")["customer"].tolist() == keys
    assert found_in(few, after).flows()[["holders", "left"]].to_numpy().tolist() == [[1, 1]]
    negative = few.assign(customer=-7)
    if first + 2 >= 2**63:
        with pytest.raises(ColumnError, match="the same type in before and after"):
            found_in(negative, after)
    else:
        assert found_in(negative, after).flows()["left"].tolist() == [1]


def test_nobody_is_at_risk() -> None:
    before = pd.DataFrame({"customer": ["a", "b"], "product": ["o", "n"]})
    found = found_in(before, before)
    assert found.flows()["stayed"].tolist() == [1]
    gone = found_in(
        pd.DataFrame({"customer": [1], "product": ["n"]}), pd.DataFrame({"customer": [1], "product": ["o"]})
    )
    assert gone.flows()["holders"].tolist() == [0]
    assert np.isnan(gone.flows()["share_moved"].iloc[0])
    assert gone.tests()["p_substitution"].tolist() == [1.0]


@pytest.mark.parametrize(
    ("before", "after", "change", "error", "match"),
    [
        (
            long(0),
            {**long(1), "customer": list(map(str, long(1)["customer"]))},
            {},
            ColumnError,
            "the same type in before and after",
        ),
        (long(0), long(1), {"new": "z"}, DataError, "nobody holds in either snapshot: z"),
        (long(0), long(1), {"product": "thing"}, ColumnError, r"missing: 'thing'.* before must hold"),
        (
            long(0),
            {"customer": [1, None], "product": ["o", "n"]},
            {},
            DataError,
            r"'customer' of after holds 1 null",
        ),
        (long(0), long(1), {"old": 1, "new": 2}, ColumnError, "'product' is of type String"),
        (long(0), long(1), {"alpha": 0}, DomainError, "alpha must be"),
        (long(0), long(1), {"confidence_level": 1.0}, DomainError, "confidence_level must be"),
        (
            wide(0),
            wide(1),
            {"product": None, "old": 1, "new": 2},
            DomainError,
            "must name columns of the snapshots",
        ),
        (wide(0), wide(1), {"product": None, "new": "z"}, ColumnError, "missing: 'z'"),
        (
            wide(0),
            {name: values[1:] for name, values in wide(1).items()},
            {"product": None},
            DataError,
            "before and after hold different customers",
        ),
        (
            {name: [*values, values[0]] for name, values in wide(0).items()},
            wide(1),
            {"product": None},
            DataError,
            r"before holds 1 row\(s\) of customers that it holds already",
        ),
        ({**wide(0), "o": [2] * 9}, wide(1), {"product": None}, ColumnError, "'o' is of type Int64 in before"),
        ({**wide(0), "o": [None] + [1] * 8}, wide(1), {"product": None}, DataError, "'o' of before holds 1 null"),
        (
            {**wide(0), "o": ["yes"] * 9},
            wide(1),
            {"product": None},
            ColumnError,
            "'o' is of type String in before",
        ),
    ],
)
def test_a_wrong_call_is_refused(
    before: dict[str, Any], after: dict[str, Any], change: dict[str, Any], error: type[Exception], match: str
) -> None:
    frame = pd.DataFrame(after)
    if frame["customer"].isna().any():
        frame["customer"] = frame["customer"].astype("Int64")
    with pytest.raises(error, match=match):
        found_in(pd.DataFrame(before), frame, **change)


def test_what_is_no_frame_is_refused() -> None:
    with pytest.raises(DomainError, match="before is a dict"):
        found_in(long(0), pd.DataFrame(long(1)))
