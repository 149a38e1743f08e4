"""What a screening of spending found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from custvalue._kernels.peer_factor import OFFSET
from custvalue._results import html_table, short_repr
from custvalue._spend_shifts.verdicts import ACTIVITY, HISTORY, REASONS, VERDICTS
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from custvalue._results import Provenance
    from custvalue._spend_shifts.panel import SpendPanel
    from custvalue._spend_shifts.shocks import Shock
    from custvalue._typing import BoolArray, FloatArray, IntArray


@dataclass(frozen=True, eq=False, repr=False)
class SpendShifts:
    """Whose spending fell or rose, by how much, and how sure that is.

    Attributes
    ----------
    panel : SpendPanel
        What was screened.
    verdict : ndarray of str, shape (n_customers,)
        ``"fall"``, ``"gain"``, ``"none"``, ``"masked"`` (found, but excused by a shock) or ``"not testable"``.
    reason : ndarray of str, shape (n_customers,)
        Why a customer is masked ("shock", "rebound after a shock") or not testable ("too little history", "too
        little activity", "too few peers", "no power": even a complete stop could be chance, "stopped, as others
        did": the customer did stop, and so did others earlier, in more than q / 100 of the windows); else empty.
    change : ndarray of shape (n_customers,)
        Actual against expected money of the recent months, less 1; NaN where nothing was expected.
    expected : ndarray of shape (n_customers,)
        Money expected in a recent month, from the own baseline and the peers; NaN without an active month there.
    actual : ndarray of shape (n_customers,)
        Money of a recent month.
    p_fall, p_gain : ndarray of shape (n_customers,)
        p-values against the placebo null; NaN where not tested.
    q_fall, q_gain : ndarray of shape (n_customers,)
        The same, adjusted by Benjamini and Hochberg.
    usual : ndarray of shape (n_customers,)
        Median active month, 0 without one.
    level : ndarray of shape (n_customers,)
        Median of the active baseline months on the scale of the peer-adjusted logarithms; NaN without one.
    share_active : ndarray of shape (n_customers,)
        Share of the baseline months with an amount above 0.
    peers : ndarray of int32, shape (n_customers,)
        Place of each customer's group in `peer_groups`.
    peer_groups : tuple
        Names of the groups.
    peer_factor : ndarray of shape (n_groups, n_months)
        What each month was like in each group: median of log(amount / usual + 0.05) over its active customers.
    recent, baseline : ndarray of int
        Places of the tested months, and of those they are held against, shock months left out.
    in_shock : ndarray of bool, shape (n_months,)
        Which months touch a shock.
    shocks : tuple of Shock
        Declared and found shocks.
    q : float
        Level of the false discovery rate.
    spread_ratio : dict of str to float
        For "fall" and "gain": width of the middle half of the tested statistics over that of the null, among
        customers whose baseline varies and before any `central_matching`. Near 1 where the recent months are like
        the earlier ones; well above, and they are noisier, so that too much is found, or very many moved. 1 where
        one of the two has no width.
    provenance : Provenance
        Package version, settings and counts.

    See Also
    --------
    spend_shifts : Makes it.

    Examples
    --------
    >>> import numpy as np
    >>> from custvalue import wallet
    >>> rng = np.random.default_rng(0)
    >>> amounts = 100.0 * np.exp(0.1 * rng.normal(size=(2000, 36)))
    >>> amounts[:20, -3:] *= 0.3
    >>> found = wallet.spend_shifts(wallet.SpendPanel.from_wide(amounts, start="2022-01"))
    >>> found.summary().loc["fall", "customers"]
    np.int64(20)
    >>> found.path(0).columns.tolist()
    ['month', 'part', 'amount', 'adjusted', 'expected', 'peers', 'shock']
    """

    panel: SpendPanel
    verdict: NDArray[Any]
    reason: NDArray[Any]
    change: FloatArray
    expected: FloatArray
    actual: FloatArray
    p_fall: FloatArray
    q_fall: FloatArray
    p_gain: FloatArray
    q_gain: FloatArray
    usual: FloatArray
    level: FloatArray
    share_active: FloatArray
    peers: NDArray[np.int32]
    peer_groups: tuple[Any, ...]
    peer_factor: FloatArray
    recent: IntArray
    baseline: IntArray
    in_shock: BoolArray
    shocks: tuple[Shock, ...]
    q: float
    spread_ratio: dict[str, float]
    provenance: Provenance

    def __len__(self) -> int:
        return len(self.verdict)

    @property
    def customers(self) -> tuple[Any, ...]:
        """Labels of the customers."""
        return self.panel.customers

    @property
    def money_moved(self) -> FloatArray:
        """Money a month that was expected and did not come, below 0 where more came."""
        return np.asarray(self.expected - self.actual)

    def to_frame(self) -> pd.DataFrame:
        """Give one row a customer.

        Returns
        -------
        pandas.DataFrame
            ``customer``, ``verdict``, ``reason``, ``change``, ``expected``, ``actual``, ``money_moved``,
            ``p_fall``, ``q_fall``, ``p_gain``, ``q_gain``.
        """
        columns: dict[str, Any] = {
            "customer": list(self.customers),
            "verdict": self.verdict,
            "reason": self.reason,
        }
        columns |= {"change": self.change, "expected": self.expected, "actual": self.actual}
        columns |= {"money_moved": self.money_moved, "p_fall": self.p_fall, "q_fall": self.q_fall}
        return pd.DataFrame(columns | {"p_gain": self.p_gain, "q_gain": self.q_gain})

    @property
    def stopped(self) -> BoolArray:
        """Whether a customer had no active recent month and is no finding, shape (n_customers,).

        Only customers with the history and activity that a test needs; whoever was found is a fall, or masked.
        """
        spent = ~np.isin(self.reason, [REASONS[HISTORY], REASONS[ACTIVITY]]) & (self.usual > 0.0)
        return np.asarray(
            spent & (self.actual == 0.0) & ~np.isin(self.verdict, ["fall", "masked"]), dtype=np.bool_
        )

    def summary(self) -> pd.DataFrame:
        """Count customers and money by verdict.

        Returns
        -------
        pandas.DataFrame
            One row a verdict, all five in a fixed order; ``customers``, ``expected``, ``actual`` and
            ``money_moved`` as sums a month. Customers of whom nothing can be expected count with their actual
            money only.
        """
        customers, expected, actual = [], [], []
        for word in VERDICTS:
            mine = self.verdict == word
            customers.append(int(np.count_nonzero(mine)))
            expected.append(float(np.nansum(self.expected[mine])))
            actual.append(float(self.actual[mine].sum()))
        moved = [float(np.nansum(self.money_moved[self.verdict == word])) for word in VERDICTS]
        columns = {"customers": customers, "expected": expected, "actual": actual, "money_moved": moved}
        return pd.DataFrame(columns, index=pd.Index(VERDICTS, name="verdict"))

    def path(self, customer: object) -> pd.DataFrame:
        """Give the months of one customer.

        Parameters
        ----------
        customer : object
            Label of the customer.

        Returns
        -------
        pandas.DataFrame
            One row a month: ``month``; ``part`` ("baseline", "recent" or empty); ``amount``; ``adjusted``: what
            it had been in a month that is usual for the peers; ``expected``: the baseline's level
            under the peers' factor, in an active month; ``peers``: the peers' factor, 1 in their usual month;
            ``shock``.

        Raises
        ------
        DomainError
            If no customer has the label.
        """
        try:
            place = self.customers.index(customer)
        except ValueError:
            message = "customer is no label of the panel; see SpendShifts.customers."
            raise DomainError(message) from None
        amount, usual = self.panel.amounts[place], float(self.usual[place])
        factor = self.peer_factor[self.peers[place]]
        ratio = np.log(amount / (usual or 1.0) + OFFSET) - factor
        part = np.full(len(amount), "", dtype=object)
        part[self.baseline], part[self.recent] = "baseline", "recent"
        columns: dict[str, Any] = {"month": list(self.panel.month_labels), "part": part, "amount": amount}
        typical = (1.0 + OFFSET) * np.exp(ratio) - OFFSET
        columns["adjusted"] = np.where(amount > 0.0, usual * np.maximum(typical, 0.0), 0.0)
        columns["expected"] = usual * np.maximum(np.exp(self.level[place] + factor) - OFFSET, 0.0)
        columns["peers"] = np.exp(factor) - OFFSET
        return pd.DataFrame(columns | {"shock": self.in_shock})

    def _count(self, word: str) -> int:
        return int(np.count_nonzero(self.verdict == word))

    def __repr__(self) -> str:
        counts = {"falls": self._count("fall"), "gains": self._count("gain"), "masked": self._count("masked")}
        return short_repr("SpendShifts", customers=len(self), **counts, not_testable=self._count("not testable"))

    def _repr_html_(self) -> str:
        table = self.summary().reset_index()
        caption = f"Shifts of spending, {len(self)} customers, q = {self.q:g}, {len(self.shocks)} shock(s)"
        caption += f", spread of recent over earlier months {max(self.spread_ratio.values()):.2f}"
        return html_table(list(table.columns), table.itertuples(index=False), caption=caption)
