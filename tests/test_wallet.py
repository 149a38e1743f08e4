"""One estimate of the wallet: sums and shares fit together, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from custvalue import wallet
from custvalue.exceptions import DataError, DomainError

AMOUNTS = st.floats(0.0, 1e12)


def of(own: Any = (1.0, 2.0), size: Any = (4.0, 1.0), **options: Any) -> wallet.WalletEstimate:
    return wallet.WalletEstimate.of(own, size, **({"kind": "total", "method": "survey"} | options))


def test_by_hand() -> None:
    """The second customer's size lies below own: it is raised, and said."""
    found = of(low=[2.0, 0.5], high=[6.0, 1.5], level=0.9, customers=["a", "b"])
    assert found.size.tolist() == [4.0, 2.0]
    assert found.low.tolist() == [2.0, 2.0]
    assert found.high.tolist() == [6.0, 2.0]
    assert found.share.tolist() == [0.25, 1.0]
    assert found.potential.tolist() == [3.0, 0.0]
    assert found.floored.tolist() == [False, True]
    assert found.totals() == {"own": 3.0, "size": 6.0, "potential": 3.0, "share": 0.5}
    assert list(found.to_frame()["customer"]) == ["a", "b"]
    assert repr(found) == "WalletEstimate(kind=total, method=survey, customers=2, identified=True)"
    assert "1 floored" in found._repr_html_()
    assert found.provenance.counts == {"customers": 2, "floored": 1, "observed": 0}


def test_nothing_of_nothing_has_no_share() -> None:
    found = of([0.0], [0.0])
    assert np.isnan(found.share).all()
    assert np.isnan(found.totals()["share"])


@given(st.lists(st.tuples(AMOUNTS, AMOUNTS), min_size=1, max_size=20))
def test_sums_and_shares_are_consistent(rows: list[tuple[float, float]]) -> None:
    found = of([row[0] for row in rows], [row[1] for row in rows])
    assert (found.own <= found.size).all()
    np.testing.assert_allclose(found.own + found.potential, found.size, rtol=1e-15)
    known = found.size > 0.0
    assert ((found.share[known] >= 0.0) & (found.share[known] <= 1.0)).all()
    assert found.totals()["potential"] == pytest.approx(found.potential.sum(), rel=1e-12, abs=1e-3)


def test_arrays_are_the_estimates_own() -> None:
    own = np.array([1.0, 2.0])
    found = of(own)
    own[0] = 9.0
    assert found.own[0] == 1.0
    with pytest.raises(ValueError, match="read-only"):
        found.size[0] = 0.0


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"own": [-1.0, 2.0]}, DataError, "own holds 1 amount.*below 0"),
        ({"own": [np.nan, 2.0]}, DataError, "own holds 1 amount"),
        ({"size": [np.inf, 2.0]}, DataError, "size holds 1 amount"),
        ({"size": [1.0]}, DomainError, r"size has shape \(1,\)"),
        ({"own": ["a", "b"]}, DomainError, "own must hold numbers only"),
        ({"own": ["1", "2"]}, DomainError, "own must hold numbers only"),
        ({"own": np.array(["1", "2"], dtype=object)}, DomainError, "own must hold numbers only"),
        ({"own": np.array(["2024-01-01"] * 2, dtype="datetime64[D]")}, DomainError, "own must hold numbers only"),
        ({"own": np.ma.array([1.0, 2.0], mask=[False, True])}, DataError, "own holds 1 amount.*missing"),
        ({"observed": ["no", "yes"]}, DomainError, "observed holds .* values; allowed: True or False"),
        ({"observed": [np.nan, 1.0]}, DomainError, "observed holds float64 values; allowed: True or False"),
        ({"kind": "all"}, DomainError, "kind is 'all'; allowed: 'total', 'served', 'realistic'"),
        ({"low": [1.0, 1.0]}, DomainError, "low, high and level belong together"),
        ({"low": [2.0, 2.0], "high": [1.0, 3.0], "level": 0.9}, DataError, "low lies above high for 1 customer"),
        ({"low": [1.0, 1.0], "high": [2.0, 3.0], "level": 1.0}, DomainError, r"level must lie in \(0, 1\)"),
        ({"identified": False}, DomainError, "needs a reason"),
        ({"customers": ["a"]}, DomainError, "one entry for each of the 2 customers"),
        ({"observed": [False, True]}, DataError, "size lies below own for 1 customer.*told"),
    ],
)
def test_refusals(options: dict[str, Any], error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        of(**options)
