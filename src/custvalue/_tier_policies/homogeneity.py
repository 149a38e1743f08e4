"""One matrix for all periods, or one each: the test of time homogeneity, and the product over periods."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import chdtrc

from custvalue._kernels.transitions import homogeneity, row_shares
from custvalue._results import Provenance, html_table, provenance
from custvalue._spec import require
from custvalue._tier_policies.arguments import sequence
from custvalue._tier_policies.migration import MigrationMatrix
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from custvalue._typing import FloatArray


def chained_migration(matrices: Sequence[MigrationMatrix]) -> FloatArray:
    """Multiply the matrices of successive periods: migration over all of them, each with a matrix of its own.

    Parameters
    ----------
    matrices : sequence of MigrationMatrix
        Of the same states, in the order of time, such as `Replay.migrations` gives them.

    Returns
    -------
    ndarray of shape (n_states, n_states)
        Their product; rows sum to 1. A state in which nobody starts stays where it is in that period.

    Raises
    ------
    DomainError
        If there is none, `matrices` is no sequence, states differ, or a state can be entered in which nobody
        starts in the next period.

    Notes
    -----
    The product-limit estimator of Aalen and Johansen [1]_ on a grid of periods. It does not take one matrix to
    hold throughout; it does take a customer's way on from a state not to depend on the way there.

    References
    ----------
    .. [1] Aalen, O. O., & Johansen, S. (1978). An empirical transition matrix for non-homogeneous Markov chains
       based on censored observations. *Scandinavian Journal of Statistics*, 5(3), 141-150.

    Examples
    --------
    >>> from custvalue import tiers
    >>> first = tiers.migration_matrix(["a", "a", "b"], ["a", "b", "b"], states=["a", "b"])
    >>> second = tiers.migration_matrix(["a", "b"], ["b", "b"], states=["a", "b"])
    >>> tiers.chained_migration([first, second])
    array([[0., 1.],
           [0., 1.]])
    """
    chain = _same_states(matrices, "matrices", 1)
    states = chain[0].states
    begun = [place for place, name in enumerate(states) if name not in chain[0].unobserved]
    product = chain[0].matrix
    for one in chain[1:]:
        lost = [name for name in one.unobserved if (product[begun, states.index(name)] > 0.0).any()]
        if lost:
            message = (
                f"State(s) {', '.join(lost)} are entered and nobody starts there in the next period, or "
                "nobody with a weight above 0."
            )
            raise DomainError(message)
        product = product @ one.matrix
    return np.asarray(product / product.sum(axis=1, keepdims=True))


def _same_states(matrices: Sequence[MigrationMatrix], argument: str, least: int) -> list[MigrationMatrix]:
    given = sequence(matrices, argument, "migration matrices")
    chain = [require(one, MigrationMatrix, argument) for one in given]
    if len(chain) < least or len({one.states for one in chain}) > 1:
        message = f"{argument} must hold at least {least} matrices of the same states."
        raise DomainError(message)
    return chain


@dataclass(frozen=True, eq=False, repr=False)
class HomogeneityTest:
    """Whether one matrix will do for all periods.

    Attributes
    ----------
    statistic : float
        Chi-squared statistic.
    degrees_of_freedom : int
        Its degrees of freedom; 0 if nothing can be compared.
    p_value : float
        Probability of so large a statistic if all periods had one matrix; 1 without degrees of freedom.
    thin_cells : int
        Expected counts below 5, where the chi-squared approximation is weak.
    provenance : Provenance
        Package version and counts.

    See Also
    --------
    time_homogeneity : Makes it.

    Examples
    --------
    >>> from custvalue import tiers
    >>> states = ["low", "high"]
    >>> calm = tiers.migration_matrix(["low"] * 20, ["low"] * 18 + ["high"] * 2, states=states)
    >>> wild = tiers.migration_matrix(["low"] * 20, ["low"] * 9 + ["high"] * 11, states=states)
    >>> tiers.time_homogeneity([calm, wild])
    HomogeneityTest(statistic=9.231, degrees_of_freedom=1, p_value=0.00238)
    """

    statistic: float
    degrees_of_freedom: int
    p_value: float
    thin_cells: int
    provenance: Provenance

    def __repr__(self) -> str:
        return (
            f"HomogeneityTest(statistic={self.statistic:.4g}, degrees_of_freedom={self.degrees_of_freedom}, "
            f"p_value={self.p_value:.4g})"
        )

    def _repr_html_(self) -> str:
        row = [self.statistic, self.degrees_of_freedom, self.p_value, self.thin_cells]
        return html_table(
            ["statistic", "degrees of freedom", "p value", "thin cells"],
            [row],
            caption="One matrix for all periods?",
        )


def time_homogeneity(matrices: Sequence[MigrationMatrix]) -> HomogeneityTest:
    r"""Test whether periods share one migration matrix.

    Parameters
    ----------
    matrices : sequence of MigrationMatrix
        Of the same states and without weights, one a period, such as `Replay.migrations` gives them.

    Returns
    -------
    HomogeneityTest
        Statistic, degrees of freedom and p value.

    Raises
    ------
    DomainError
        If there are fewer than two, states differ, or customers were weighted.

    Notes
    -----
    The test of Anderson and Goodman [1]_: :math:`\sum_t \sum_{ij} n_i(t) (p_{ij}(t) - p_{ij})^2 / p_{ij}` over
    pairs that were seen at all, with :math:`\sum_i (a_i - 1)(b_i - 1)` degrees of freedom, :math:`a_i` the periods
    in which somebody started in i and :math:`b_i` the states reached from it. It is asymptotic.

    References
    ----------
    .. [1] Anderson, T. W., & Goodman, L. A. (1957). Statistical inference about Markov chains. *The Annals of
       Mathematical Statistics*, 28(1), 89-110.

    Examples
    --------
    >>> from custvalue import tiers
    >>> one = tiers.migration_matrix(["a", "a"], ["a", "b"], states=["a", "b"])
    >>> tiers.time_homogeneity([one, one]).p_value
    1.0
    """
    chain = _same_states(matrices, "matrices", 2)
    if any(one.weighted for one in chain):
        message = "matrices holds weighted ones; the test is about customers, so leave weights out."
        raise DomainError(message)
    counts = np.stack([one.counts for one in chain])
    statistic, freedom = homogeneity(counts)
    expected = counts.sum(axis=2)[:, :, None] * row_shares(counts.sum(axis=0))
    return HomogeneityTest(
        statistic=statistic,
        degrees_of_freedom=freedom,
        p_value=float(chdtrc(freedom, statistic)) if freedom else 1.0,
        thin_cells=int(((expected > 0.0) & (expected < 5.0)).sum()),  # noqa: PLR2004 - Cochran's rule of thumb
        provenance=provenance(periods=len(chain), customers=int(counts.sum())),
    )
