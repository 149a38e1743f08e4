"""Two views of a wallet: recovered with an anchor, the derivation by hand, and what is refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from custvalue import wallet
from custvalue.exceptions import DataError, DomainError

if TYPE_CHECKING:
    from collections.abc import Callable

    from custvalue._typing import FloatArray

NAN = float("nan")


def views(seed: int, scale: str, n: int = 3000) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Draw both views, wallets and spending: variances .36 of the wallet and .16 of the share, so k = 9/13."""
    rng = np.random.default_rng(seed)
    x, z = rng.normal(size=(2, n))
    level, share = (3.0, -3.0) if scale == "log" else (60.0, -10.0)
    W = level + x + rng.normal(scale=0.6, size=n)
    s = W + share + 0.4 * z + rng.normal(scale=0.4, size=n)
    return (x[:, None], z[:, None], np.exp(W), np.exp(s)) if scale == "log" else (x[:, None], z[:, None], W, s)


@pytest.mark.parametrize("scale", ["log", "identity"])
def test_two_views_are_recovered_with_a_survey(scale: str) -> None:
    levels, parts, inside, ratios = [], [], [], []
    for seed in range(8):
        x, z, W, own = views(seed, scale)
        told = np.where(np.random.default_rng(seed + 99).random(len(W)) < 0.1, W, NAN)
        found = wallet.two_view_wallet(own, size_features=x, share_features=z, surveyed=told, scale=scale)  # type: ignore[arg-type]  # a parameter
        z_scores = (found.size_coefficients[1] - 1.0) / found.size_standard_errors[1]
        assert abs(z_scores) < 3.5
        assert abs(found.share_coefficients[1] - 0.4) < 3.5 * found.share_standard_errors[1]
        assert found.residual_variance == pytest.approx(0.52, rel=0.12)
        levels.append(found.size_coefficients[0])
        parts.append(found.size_noise_share)
        guess, rest = found.estimate(level=0.9), np.isnan(told)
        assert guess.observed.sum() == (~rest).sum()
        np.testing.assert_array_equal(guess.size[~rest], told[~rest])
        inside.append(np.mean((guess.low <= W)[rest] & (guess.high >= W)[rest]))
        ratios.append(guess.size.sum() / W.sum())
    assert np.mean(levels) == pytest.approx(3.0 if scale == "log" else 60.0, abs=0.02)
    assert np.mean(parts) == pytest.approx(9 / 13, abs=0.02)
    assert np.mean(inside) == pytest.approx(0.9, abs=0.02)
    assert np.mean(ratios) == pytest.approx(1.0, abs=0.02)
    assert found.identified


@pytest.mark.parametrize("scale", ["log", "identity"])
def test_a_stated_total_comes_out(scale: str) -> None:
    x, z, W, own = views(1, scale)
    found = wallet.two_view_wallet(
        own,
        size_features=x,
        share_features=z,
        survey_total=W.sum(),
        size_noise_share=9 / 13,
        scale=scale,  # type: ignore[arg-type]  # a parameter
    )
    guess = found.estimate(level=0.9)
    assert guess.totals()["size"] == pytest.approx(W.sum(), rel=1e-6)
    assert np.mean((guess.low <= W) & (guess.high >= W)) == pytest.approx(0.9, abs=0.03)
    assert found.variance == pytest.approx(9 / 13 * 4 / 13 * found.residual_variance, rel=1e-12)
    assert not found.identified
    assert "was stated" in found.reasons[0]


def test_by_hand_two_views() -> None:
    """Spending 1, 2, 3, 6 on x = -1, -1, 1, 1: slope 1.5, constant 3, rests -.5, .5, -1.5, 1.5.

    A total of 40 puts the level at 10; with k = .5 the wallets are 10 -+ 1.5 plus half of the rest.
    """
    found = wallet.two_view_wallet(
        [1.0, 2.0, 3.0, 6.0],
        size_features=[[-1.0], [-1.0], [1.0], [1.0]],
        survey_total=40.0,
        size_noise_share=0.5,
        scale="identity",
    )
    np.testing.assert_allclose(found.size_coefficients, [10.0, 1.5], rtol=1e-12)
    np.testing.assert_allclose(found.share_coefficients, [-7.0], rtol=1e-12)
    np.testing.assert_allclose(found.estimate().size, [8.25, 8.75, 10.75, 12.25], rtol=1e-12)
    assert found.residual_variance == pytest.approx(5.0 / 2.0, rel=1e-12)
    assert np.isnan(found.independence_p)


def test_both_forms_of_the_wallet_are_one() -> None:
    """(1 - k)(a0 + a'x) + k(s - b0 - b'z), as derived, against the residual's form inside."""
    x, z, W, own = views(2, "log", 300)
    k = 0.3
    found = wallet.two_view_wallet(
        own, size_features=x, share_features=z, survey_total=W.sum(), size_noise_share=k
    )
    a, b = found.size_coefficients, found.share_coefficients
    expected = (1 - k) * (a[0] + a[1] * x[:, 0]) + k * (np.log(own) - b[0] - b[1] * z[:, 0])
    np.testing.assert_allclose(found.latent, expected, rtol=1e-10)


def test_views_that_interact_are_said() -> None:
    x, z, W, own = views(3, "log")
    options: dict[str, Any] = {"size_features": x, "share_features": z, "size_noise_share": 0.5}
    calm = wallet.two_view_wallet(own, survey_total=2 * W.sum(), **options)
    moved = own * np.exp(0.2 * x[:, 0] * z[:, 0])
    loud = wallet.two_view_wallet(moved, survey_total=2 * moved.sum() + W.sum(), **options)
    assert calm.independence_p > 0.001
    assert loud.independence_p < 1e-10
    assert any("interact" in reason for reason in loud.reasons)


def test_independence_test_is_fair() -> None:
    """p-values of 200 draws under the model lie below .1 about 20 times; 34 would be 3.3 standard errors off."""
    found = []
    for seed in range(200):
        x, z, W, own = views(seed, "log", 60)
        options: dict[str, Any] = {"size_features": x, "share_features": z, "size_noise_share": 0.5}
        found.append(wallet.two_view_wallet(own, survey_total=W.sum() + own.sum(), **options).independence_p)
    assert 6 <= np.sum(np.array(found) < 0.1) <= 34


def test_a_part_of_the_noise_beyond_its_range_is_set_and_said() -> None:
    """Wallets told against the rest: the slope is below 0, so k becomes 0."""
    rng = np.random.default_rng(0)
    x, noise = rng.normal(size=(2, 200))
    told = np.exp(5.0 + x - 0.5 * noise)
    found = wallet.two_view_wallet(np.exp(x + noise), size_features=x[:, None], surveyed=told + np.exp(x + noise))
    assert found.size_noise_share == 0.0
    assert any("it was set to 0" in reason for reason in found.reasons)


def test_two_views_are_paired_by_pandas_labels() -> None:
    x, z, W, own = views(6, "log", 200)
    names = [f"c{place}" for place in range(200)]
    told = pd.Series(np.where(np.arange(200) < 50, W + own, NAN), index=names)
    plain = wallet.two_view_wallet(own, size_features=x, share_features=z, surveyed=told.to_numpy())
    spent, size = pd.Series(own, index=names), pd.DataFrame(x, index=names, columns=["income"])
    found = wallet.two_view_wallet(spent, size_features=size[::-1], share_features=z, surveyed=told[::-1])
    assert found.customers == tuple(names)
    np.testing.assert_array_equal(found.latent, plain.latent)
    with pytest.raises(DataError, match="surveyed and own have different index labels"):
        wallet.two_view_wallet(spent, size_features=size, surveyed=told.reset_index(drop=True))


def test_two_view_result_shows_itself(make_frame: Callable[..., Any]) -> None:
    x, z, W, own = views(4, "log", 100)
    size, share = make_frame({"income": x[:, 0]}), make_frame({"visits": z[:, 0]})
    found = wallet.two_view_wallet(
        own, size_features=size, share_features=share, survey_total=W.sum(), size_noise_share=0.5
    )
    assert found.to_frame()["feature"].tolist() == ["intercept", "income", "intercept", "visits"]
    assert repr(found) == "TwoViewWallet(customers=100, scale=log, identified=False)"
    assert "income" in found._repr_html_()
    assert json.loads(found.provenance.spec)["size_noise_share"] == 0.5


@pytest.mark.parametrize(
    ("changes", "error", "match"),
    [
        ({"survey_total": None}, DomainError, "needs an anchor"),
        ({"size_noise_share": None}, DomainError, "needs an anchor"),
        ({"surveyed": np.full(20, 99.0)}, DomainError, "Give one of both"),
        ({"survey_total": -1.0}, DomainError, "survey_total must be a number above 0"),
        ({"survey_total": 1.0}, DomainError, "survey_total lies below the sum of own"),
        ({"size_noise_share": 1.5}, DomainError, r"size_noise_share must lie in \[0, 1\]"),
        ({"scale": "sqrt"}, DomainError, "scale is 'sqrt'; allowed: 'log', 'identity'"),
        ({"own": np.arange(20.0)}, DataError, "own holds 1 amount.*no logarithm"),
        ({"own": np.full(20, -1.0)}, DataError, "own holds 20 amount"),
        ({"share_features": "copy"}, DataError, "a feature belongs to one view"),
        ({"size_features": np.ones((20, 1))}, DataError, "size_features is constant"),
        (
            {"survey_total": None, "size_noise_share": None, "surveyed": [9.0]},
            DomainError,
            r"surveyed has shape \(1,\)",
        ),
        (
            {"survey_total": None, "size_noise_share": None, "surveyed": ["a"]},
            DomainError,
            "surveyed must hold numbers",
        ),
        (
            {"survey_total": None, "size_noise_share": None, "surveyed": np.full(20, 1e-9)},
            DataError,
            "surveyed lies below own for 20 customer",
        ),
        (
            {"survey_total": None, "size_noise_share": None, "surveyed": [99.0] * 9 + [NAN] * 11},
            DataError,
            r"surveyed holds 9 wallet\(s\); at least 10",
        ),
        ({"own": np.full(20, 2.0)}, DataError, "own follows from the features without a rest"),
        (
            {"own": [1.0, 2.0, 3.0], "size_features": np.eye(3)[:, :2], "share_features": None},
            DataError,
            "own has 3 customers for 3 coefficients",
        ),
    ],
)
def test_two_view_refusals(changes: dict[str, Any], error: type[Exception], match: str) -> None:
    rng = np.random.default_rng(0)
    options: dict[str, Any] = {"own": 1.0 + rng.random(20), "size_features": rng.random((20, 1))}
    options |= {"share_features": rng.random((20, 1)), "survey_total": 100.0, "size_noise_share": 0.5} | changes
    if isinstance(options["share_features"], str):
        options["share_features"] = 3.0 * options["size_features"]
    own = options.pop("own")
    with pytest.raises(error, match=match):
        wallet.two_view_wallet(own, **options)


def test_two_view_level_is_checked() -> None:
    x, _, W, own = views(5, "log", 50)
    found = wallet.two_view_wallet(own, size_features=x, survey_total=W.sum(), size_noise_share=0.5)
    with pytest.raises(DomainError, match=r"level must lie in \(0, 1\)"):
        found.estimate(level=0.0)
