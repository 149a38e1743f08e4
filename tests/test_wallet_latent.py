"""Glady and Croux: published figures, parameters recovered, what is not identified, and what is refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from scipy.special import logit

from custvalue import wallet
from custvalue._kernels import thinned_poisson as kernel
from custvalue.exceptions import DataError, DomainError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from custvalue._typing import FloatArray

NAN = float("nan")
BETA, ALPHA = (2.0, 0.5), (0.5, -1.5)


def expit(value: FloatArray) -> FloatArray:
    return np.asarray(1.0 / (1.0 + np.exp(-value)))


def bank(seed: int, n: int = 3000, slope: float = ALPHA[1]) -> tuple[FloatArray, FloatArray, Any, Any]:
    """Draw income, distance, transactions everywhere and those seen here."""
    rng = np.random.default_rng(seed)
    income, distance = rng.normal(size=(2, n))
    everywhere = rng.poisson(np.exp(BETA[0] + BETA[1] * income))
    return (
        income[:, None],
        distance[:, None],
        everywhere,
        rng.binomial(everywhere, expit(ALPHA[0] + slope * distance)),
    )


def test_glady2009_known_answer(shared: Path) -> None:
    """Likelihood and both sizes of the file of published formulas; the posterior there is summed over n."""
    case = json.loads((shared / "known_answers/wallet/glady_croux_formulas.json").read_text(encoding="utf-8"))
    x, rate, pi = (case["input"][name] for name in ("x", "lambda", "pi"))
    expected = case["expected"]
    theta, one = np.array([np.log(rate), logit(pi)]).T, np.ones((1, 1))
    rows = [kernel.log_likelihood(own, one, one, np.array([seen])) for own, seen in zip(theta, x, strict=True)]
    np.testing.assert_allclose(rows, expected["loglik_rows"], atol=1e-8)
    np.testing.assert_allclose(
        kernel.truncated_size(x, rate), expected["size_truncated_E_n_given_n_ge_x"], atol=1e-8
    )
    size = kernel.posterior_size(x, rate, pi)
    np.testing.assert_allclose(size, expected["size_posterior_E_n_given_x"], atol=1e-8)
    np.testing.assert_allclose(size - x, expected["potential_posterior"], atol=1e-8)


def test_glady_croux_recovers_the_parameters_over_seeds() -> None:
    """Errors over 12 banks: none beyond 3.5 standard errors, their squares near 1 on average, sizes unbiased."""
    z, ratios, inside = [], [], []
    for seed in range(12):
        income, distance, everywhere, x = bank(seed)
        found = wallet.glady_croux(x, size_features=income, share_features=distance)
        assert found.identified
        estimates = np.concatenate([found.size_coefficients, found.share_coefficients])
        errors = np.concatenate([found.size_standard_errors, found.share_standard_errors])
        z.append((estimates - [*BETA, *ALPHA]) / errors)
        guess = found.estimate(level=0.9)
        ratios.append(guess.size.sum() / everywhere.sum())
        inside.append(np.mean((guess.low <= everywhere) & (everywhere <= guess.high)))
        assert found.dispersion == pytest.approx(1.0, abs=0.12)
    assert np.abs(z).max() < 3.5
    assert 0.5 < np.mean(np.square(z)) < 1.7
    assert np.mean(ratios) == pytest.approx(1.0, abs=0.02)
    assert 0.89 < np.mean(inside) < 0.97


def test_the_posterior_is_nearer_to_the_truth_than_the_published_form() -> None:
    income, distance, everywhere, x = bank(1)
    found = wallet.glady_croux(x, size_features=income, share_features=distance)
    errors = [np.mean((found.size(form=form) - everywhere) ** 2) for form in ("posterior", "truncated")]
    assert errors[0] < 0.6 * errors[1]
    np.testing.assert_allclose(found.size(), x + found.rate * (1.0 - found.share), rtol=1e-14)


def test_a_feature_in_both_needs_another_in_the_share_alone() -> None:
    income, distance, _, x = bank(2)
    both = np.hstack([income, distance])
    found = wallet.glady_croux(x, size_features=income, share_features=both)
    assert found.excluded == 1
    assert abs(found.share_coefficients[1]) < 3.5 * found.share_standard_errors[1]


def test_units_of_features_change_coefficients_only() -> None:
    income, distance, _, x = bank(3, 1500)
    plain = wallet.glady_croux(x, size_features=income, share_features=distance)
    scaled = wallet.glady_croux(x, size_features=1000.0 * income + 5e4, share_features=distance)
    np.testing.assert_allclose(scaled.size(), plain.size(), rtol=1e-5)
    assert scaled.size_coefficients[1] == pytest.approx(plain.size_coefficients[1] / 1000.0, rel=1e-5)
    assert scaled.size_standard_errors[1] == pytest.approx(plain.size_standard_errors[1] / 1000.0, rel=1e-4)


def test_order_of_rows_does_not_matter() -> None:
    income, distance, _, x = bank(4, 1500)
    turned = np.random.default_rng(0).permutation(len(x))
    plain = wallet.glady_croux(x, size_features=income, share_features=distance)
    other = wallet.glady_croux(x[turned], size_features=income[turned], share_features=distance[turned])
    np.testing.assert_allclose(other.size(), plain.size()[turned], rtol=1e-5)


def unidentified(case: str) -> tuple[Any, dict[str, Any]]:
    income, distance, everywhere, x = bank(5)
    rng = np.random.default_rng(0)
    tables: dict[str, Any] = {"size_features": income, "share_features": distance}
    if case == "constant share":
        tables["share_features"] = None
    elif case == "same feature":
        x = rng.binomial(everywhere, expit(0.5 - income[:, 0]))
        tables["share_features"] = income
    elif case == "scaled copy":
        tables["share_features"] = 7.0 * income + 2.0
    elif case == "irrelevant feature":
        x = rng.binomial(everywhere, 0.4)
    return x, tables


REASONS = {
    "constant share": "the share has no features",
    "same feature": "every feature of the share is a feature of the size too",
    "scaled copy": "every feature of the share is a feature of the size too",
    "irrelevant feature": "an infinite wallet with a share of 0 fits as well",
}


@pytest.mark.parametrize("case", REASONS)
def test_what_is_not_identified_is_refused(case: str) -> None:
    x, tables = unidentified(case)
    with pytest.raises(DomainError, match=f"The wallet is not identified: .*{REASONS[case]}"):
        wallet.glady_croux(x, **tables)


@pytest.mark.parametrize("case", REASONS)
def test_what_is_not_identified_may_be_had_with_a_warning(case: str) -> None:
    x, tables = unidentified(case)
    with pytest.warns(UserWarning, match=f"not identified: .*{REASONS[case]}"):
        found = wallet.glady_croux(x, on_unidentified="warn", **tables)
    assert not found.identified
    assert any(REASONS[case] in reason for reason in found.reasons)
    guess = found.estimate()
    assert not guess.identified
    assert (guess.size >= guess.own).all()
    assert "not identified" in found._repr_html_()


def test_a_constant_share_has_no_curvature_and_no_standard_errors() -> None:
    x, tables = unidentified("constant share")
    with pytest.warns(UserWarning, match="information matrix is singular"):
        found = wallet.glady_croux(x, on_unidentified="warn", **tables)
    assert found.curvature < 1e-9
    assert np.isnan(found.size_standard_errors).all()
    assert found.unbounded_p == pytest.approx(1.0, abs=1e-3)
    assert found.spread > 1.0


def test_a_weak_feature_is_refused_and_many_customers_mend_it() -> None:
    """A slope of -.3 in 400 customers says next to nothing about the level; one of -.6 in 40,000 does."""
    refused = 0
    for seed in range(10):
        income, distance, _, x = bank(seed, 400, slope=-0.3)
        try:
            wallet.glady_croux(x, size_features=income, share_features=distance)
        except DomainError as error:
            assert "not identified" in str(error)  # noqa: PT017 - counted, and at least eight are asked for below
            refused += 1
    assert refused >= 8
    income, distance, everywhere, x = bank(6, 40_000, slope=-0.6)
    found = wallet.glady_croux(x, size_features=income, share_features=distance, start_shares=(0.2, 0.8))
    assert abs(found.size().sum() / everywhere.sum() - 1.0) < 3.5 * found.relative_error


def test_counts_that_vary_too_much_are_said() -> None:
    income, distance, _, _ = bank(7)
    rng = np.random.default_rng(1)
    rate = np.exp(BETA[0] + BETA[1] * income[:, 0]) * rng.gamma(1.0, 1.0, len(income))
    x = rng.poisson(rate * expit(ALPHA[0] + ALPHA[1] * distance[:, 0]))
    found = wallet.glady_croux(x, size_features=income, share_features=distance)
    assert found.dispersion > 2.0
    assert any("times as much as the Poisson law" in reason for reason in found.reasons)


def test_money_is_transactions_times_spend() -> None:
    income, distance, _, x = bank(8, 1500)
    found = wallet.glady_croux(x, size_features=income, share_features=distance)
    plain, money = found.estimate(), found.estimate(spend_per_transaction=20.0)
    each = found.estimate(spend_per_transaction=np.linspace(1.0, 2.0, len(x)))
    np.testing.assert_allclose(money.size, 20.0 * plain.size, rtol=1e-14)
    np.testing.assert_allclose(money.high, 20.0 * plain.high, rtol=1e-14)
    np.testing.assert_allclose(money.share, plain.share, rtol=1e-12)
    assert each.own[-1] == 2.0 * x[-1]
    assert any("as large as those here" in reason for reason in money.reasons)
    assert found.estimate(form="truncated").method == "glady_croux, truncated"


def test_frames_lend_names_and_labels(make_frame: Callable[..., Any]) -> None:
    income, distance, _, x = bank(9, 1500)
    size, share = make_frame({"income": income[:, 0]}), make_frame({"distance": distance[:, 0]})
    found = wallet.glady_croux(
        x, size_features=size, share_features=share, customers=[f"c{i}" for i in range(1500)]
    )
    frame = found.to_frame()
    assert frame["feature"].tolist() == ["intercept", "income", "intercept", "distance"]
    assert found.estimate().customers[:2] == ("c0", "c1")
    assert len(found) == 1500
    assert repr(found) == "GladyCroux(customers=1500, identified=True)"
    assert "income" in found._repr_html_()
    assert found.provenance.counts == {"customers": 1500, "transactions": int(x.sum())}
    with pytest.raises(ValueError, match="read-only"):
        found.rate[0] = 1.0


def test_pandas_labels_pair_the_customers() -> None:
    """Features in another order are put in order; other labels are refused; so are those of amounts."""
    income, distance, _, x = bank(11, 1500)
    names = [f"c{place}" for place in range(1500)]
    counts = pd.Series(x, index=names)
    size, share = (
        pd.DataFrame(income, index=names, columns=["a"]),
        pd.DataFrame(distance, index=names, columns=["b"]),
    )
    plain = wallet.glady_croux(x, size_features=income, share_features=distance)
    found = wallet.glady_croux(counts, size_features=size[::-1], share_features=share.sort_index())
    assert found.customers == tuple(names)
    np.testing.assert_array_equal(found.size(), plain.size())
    price = pd.Series(np.arange(1500.0), index=names)
    np.testing.assert_array_equal(
        found.estimate(spend_per_transaction=price[::-1]).size, found.size() * np.arange(1500.0)
    )
    with pytest.raises(DataError, match="share_features and counts have different index labels"):
        wallet.glady_croux(counts, size_features=size, share_features=share.reset_index(drop=True))
    with pytest.raises(DataError, match="spend_per_transaction and customers have different index labels"):
        found.estimate(spend_per_transaction=price.reset_index(drop=True))


@pytest.mark.parametrize(
    ("changes", "error", "match"),
    [
        ({"counts": [0.5] * 20}, DataError, "counts holds 20 number.*must not be scaled"),
        ({"counts": [-1] + [1] * 19}, DataError, "counts holds 1 amount.*below 0"),
        ({"counts": [0] * 20}, DataError, "counts are all 0"),
        ({"counts": [[1]] * 20}, DomainError, r"counts has shape \(20, 1\)"),
        ({"size_features": np.ones((20, 1))}, DataError, "size_features is constant in 'column 0'"),
        (
            {"share_features": np.ones((19, 1))},
            DomainError,
            r"share_features has shape \(19, 1\); allowed: 20 rows",
        ),
        ({"size_features": np.full((20, 1), NAN)}, DataError, "size_features holds missing values"),
        (
            {"size_features": np.outer(np.arange(20.0), [1.0, 2.0])},
            DataError,
            "size_features has columns that are sums of multiples",
        ),
        ({"customers": ["a"]}, DomainError, "customers must be 20 labels"),
        ({"start_shares": ()}, DomainError, r"start_shares must be numbers in \(0, 1\)"),
        ({"start_shares": (0.5, 1.0)}, DomainError, r"start_shares must be numbers in \(0, 1\)"),
        ({"significance": 0.0}, DomainError, r"significance must lie in \(0, 1\)"),
        ({"max_relative_error": 0.0}, DomainError, "max_relative_error must be a number above 0"),
        ({"on_unidentified": "ignore"}, DomainError, "on_unidentified is 'ignore'; allowed: 'raise', 'warn'"),
        (
            {"counts": [1, 2, 3], "size_features": [[1.0], [2.0], [0.0]], "share_features": [[1.0], [0.0], [1.0]]},
            DataError,
            "counts has 3 customers for 4 coefficients",
        ),
    ],
)
def test_glady_croux_refusals(changes: dict[str, Any], error: type[Exception], match: str) -> None:
    rng = np.random.default_rng(0)
    options: dict[str, Any] = {
        "counts": np.arange(20),
        "size_features": rng.random((20, 1)),
        "share_features": rng.random((20, 1)),
    }
    options |= changes
    counts = options.pop("counts")
    with pytest.raises(error, match=match):
        wallet.glady_croux(counts, **options)


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"form": "published"}, DomainError, "form is 'published'; allowed: 'posterior', 'truncated'"),
        ({"level": 1.0}, DomainError, r"level must lie in \(0, 1\)"),
        ({"spend_per_transaction": -1.0}, DataError, "spend_per_transaction holds .* below 0"),
        ({"spend_per_transaction": [1.0, 2.0]}, DomainError, r"spend_per_transaction has shape \(2,\)"),
    ],
)
def test_glady_croux_estimate_refusals(options: dict[str, Any], error: type[Exception], match: str) -> None:
    income, distance, _, x = bank(10, 1500)
    found = wallet.glady_croux(x, size_features=income, share_features=distance, start_shares=(0.5,))
    with pytest.raises(error, match=match):
        found.estimate(**options)
