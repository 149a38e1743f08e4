"""One customer's unusual movement, reported at once: against the customer's own history and the peers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from custvalue import _frames
from custvalue._kernels.median_deviation import NORMAL
from custvalue._results import Provenance, html_table, provenance, read_only, short_repr
from custvalue._spec import unboxed
from custvalue.exceptions import DataError, DomainError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from custvalue._typing import ArrayLike, BoolArray, FloatArray, Table

#: Fewer periods say nothing of what is usual.
SHORTEST: Final = 6
#: In smaller groups of peers the customer would be compared with himself.
SMALLEST_GROUP: Final = 5
_BLOCK: Final = 65_536


@dataclass(frozen=True, eq=False, repr=False)
class LargeMoves:
    """Movements of one period beside what is usual for each customer.

    Attributes
    ----------
    customers : tuple
        Labels, or places where none were given.
    amounts : ndarray of shape (n_customers,)
        The movements that were judged; above 0 in, below 0 out.
    typical : ndarray of shape (n_customers,)
        Median of the customer's own history.
    deviations : ndarray of shape (n_customers,)
        amounts - typical, in money.
    scores : ndarray of shape (n_customers,)
        Deviation by the robust spread of the own history, less the median score of the peers where there are any.
    larger_than : ndarray of shape (n_customers,)
        Share of the own history whose size lies below that of the movement, in [0, 1].
    flagged : ndarray of bool, shape (n_customers,)
        Unusual movements.
    rule : str
        The rule in words.
    limits : tuple of str
        What the rule cannot tell.
    provenance : Provenance
        Package version, settings and counts.

    See Also
    --------
    large_moves : Makes it.

    Examples
    --------
    >>> from custvalue import wallet
    >>> found = wallet.large_moves([[0.0, 5.0, -5.0, 0.0, 5.0, -5.0]], [900.0], min_amount=100.0)
    >>> found.deviations, found.larger_than, found.flagged
    (array([900.]), array([1.]), array([ True]))
    >>> found.limits
    ('6 periods of own history; a rule, no p-value.',)
    """

    customers: tuple[Any, ...]
    amounts: FloatArray
    typical: FloatArray
    deviations: FloatArray
    scores: FloatArray
    larger_than: FloatArray
    flagged: BoolArray
    rule: str
    limits: tuple[str, ...]
    provenance: Provenance

    def __len__(self) -> int:
        return len(self.customers)

    def to_frame(self) -> pd.DataFrame:
        """Give one row a flagged customer, the largest deviation in money first, ties in the customers' order.

        Returns
        -------
        pandas.DataFrame
            ``customer``, ``direction`` ("in" or "out"), ``amount``, ``typical``, ``deviation``, ``score``,
            ``larger_than``.
        """
        places = np.flatnonzero(self.flagged)
        places = places[np.argsort(-np.abs(self.deviations[places]), kind="stable")]
        columns: dict[str, Any] = {"customer": [self.customers[place] for place in places.tolist()]}
        columns["direction"] = np.where(self.deviations[places] > 0.0, "in", "out").astype(object)
        columns |= {"amount": self.amounts[places], "typical": self.typical[places]}
        columns |= {"deviation": self.deviations[places], "score": self.scores[places]}
        return pd.DataFrame(columns | {"larger_than": self.larger_than[places]})

    def __repr__(self) -> str:
        return short_repr("LargeMoves", customers=len(self), flagged=int(self.flagged.sum()))

    def _repr_html_(self) -> str:
        frame = self.to_frame()
        return html_table(list(frame.columns), frame.itertuples(index=False), caption=self.rule)


def large_moves(
    history: Table,
    amounts: ArrayLike,
    *,
    min_amount: float,
    z: float | None = 5.0,
    quantile: float | None = 0.99,
    peers: Sequence[Any] | None = None,
    customers: Sequence[Any] | None = None,
) -> LargeMoves:
    r"""Report customers whose movement of a day or month is large and unusual for them.

    Parameters
    ----------
    history : array_like or frame of shape (n_customers, n_periods)
        Movements of earlier periods of the same kind (days or months), above 0 in, below 0 out, 0 where nothing
        moved; at least 6 periods. The judged period is not in it.
    amounts : array_like of shape (n_customers,)
        Movements of the period that is judged, in the order of the rows.
    min_amount : float
        Floor above 0: a deviation below it in money is never reported.
    z : float or None, default=5.0
        Robust spreads by which the movement must deviate from the customer's median; None: not asked.
    quantile : float or None, default=0.99
        Quantile of the sizes of the own history that the size of the movement must exceed, in (0, 1); None: not
        asked. With fewer than 100 periods, .99 asks for more than the largest of them.
    peers : sequence, default=None
        Group of each customer, at least 5 in each; with `z`. What the median peer does in this period (payday) is
        then not unusual.
    customers : sequence, default=None
        Labels; None: their places.

    Returns
    -------
    LargeMoves
        Scores of all customers, and a list of those to be called.

    Raises
    ------
    DataError
        If numbers are missing or infinite, or a group has fewer than 5 customers or is null.
    DomainError
        If shapes differ, there are fewer than 6 periods, a setting is out of its range, or neither `z` nor
        `quantile` is asked.

    Notes
    -----
    With median m and MAD d of the own history, spread s = max(1.4826 d, min_amount / z): a customer of whom
    nothing ever moved is judged by the floor alone. Score = (x - m) / s, less the median score of the group.
    Flagged: abs(x - m) >= min_amount, and abs(score) >= z in the direction of x - m, and abs(x) > the quantile of
    abs(history), taken as the order statistic of rank ceil(q n). Without `z` the spread is max(1.4826 d,
    min_amount).

    The report of large unusual movements (大额异动) is the practice of Chinese banks; the median and MAD are
    Hampel's (1974) [1]_; floor, conjunction and peers' correction are ours. There is no p-value: with n periods
    none below 1 / (n + 1) could be had. Cost O(n_customers n_periods).

    References
    ----------
    .. [1] Hampel, F. R. (1974). The influence curve and its role in robust estimation. *Journal of the American
       Statistical Association*, 69(346), 383-393.

    Examples
    --------
    >>> from custvalue import wallet
    >>> history = [[10.0, -5.0, 0.0, 8.0, -12.0, 4.0], [900.0, -800.0, 1000.0, -950.0, 700.0, -900.0]]
    >>> found = wallet.large_moves(history, [-600.0, -600.0], min_amount=100.0, customers=["a", "b"])
    >>> found
    LargeMoves(customers=2, flagged=1)
    >>> found.to_frame()[["customer", "direction", "amount", "typical"]]
      customer direction  amount  typical
    0        a       out  -600.0      2.0
    """
    floor, spreads, level = _settings(min_amount, z, quantile)
    past = _frames.numeric(history, argument="history")
    n, periods = past.shape
    moved = _moved(amounts, n)
    if periods < SHORTEST:
        message = f"history has {periods} periods; allowed: from {SHORTEST}."
        raise DomainError(message)
    names = tuple(range(n)) if customers is None else tuple(customers)
    if len(names) != n:
        message = f"customers has {len(names)} labels; allowed: one for each of the {n} rows of history."
        raise DomainError(message)
    if peers is not None and spreads is None:
        message = "peers corrects the score; ask for z too."
        raise DomainError(message)
    typical, spread, larger, exceeded = _own_history(past, moved, level)
    deviations = moved - typical
    scores = deviations / np.maximum(spread, floor / (spreads or 1.0))
    if peers is not None:
        scores = scores - _peers_median(scores, peers)
    flagged = np.abs(deviations) >= floor
    if spreads is not None:
        # The spread is at least floor / z, so a deviation of the floor must not fail by a rounding.
        flagged &= scores * np.sign(deviations) >= spreads * (1.0 - 1e-12)
    if level is not None:
        flagged &= exceeded
    return LargeMoves(
        names,
        read_only(moved),
        read_only(typical),
        read_only(deviations),
        read_only(scores),
        read_only(larger),
        read_only(flagged),
        _rule(floor, spreads, level, with_peers=peers is not None),
        (f"{periods} periods of own history; a rule, no p-value.",),
        provenance(
            f'{{"min_amount": {floor!r}, "quantile": {level or 0.0!r}, "z": {spreads or 0.0!r}}}',
            customers=n,
            periods=periods,
            flagged=int(flagged.sum()),
        ),
    )


def _number(value: object, name: str, low: float, high: float) -> float:
    number = unboxed(value)
    if isinstance(number, bool) or not isinstance(number, int | float) or not low < number < high:
        message = f"{name} must be a number above {low:g}" + (f" and below {high:g}." if high < np.inf else ".")
        raise DomainError(message)
    return float(number)


def _settings(min_amount: object, z: object, quantile: object) -> tuple[float, float | None, float | None]:
    if z is None and quantile is None:
        message = "Ask for z, quantile or both: an amount alone is not unusual for everyone."
        raise DomainError(message)
    return (
        _number(min_amount, "min_amount", 0.0, np.inf),
        None if z is None else _number(z, "z", 0.0, np.inf),
        None if quantile is None else _number(quantile, "quantile", 0.0, 1.0),
    )


def _moved(amounts: ArrayLike, n: int) -> FloatArray:
    moved = _frames.row_of_numbers(amounts, argument="amounts", each="a customer")
    if moved.shape != (n,):
        message = f"amounts has shape {moved.shape}; allowed: ({n},), one for each row of history."
        raise DomainError(message)
    if strange := int(np.count_nonzero(~(np.abs(moved) <= _frames.LARGEST))):
        message = f"amounts holds {strange} number(s) that are missing or infinite."
        raise DataError(message)
    return moved


def _own_history(
    past: FloatArray, moved: FloatArray, level: float | None
) -> tuple[FloatArray, FloatArray, FloatArray, BoolArray]:
    """Give median, robust spread, share of smaller sizes, and whether the quantile is exceeded; in blocks."""
    n, periods = past.shape
    typical, spread, larger = np.empty(n), np.empty(n), np.empty(n)
    exceeded = np.ones(n, dtype=np.bool_)
    rank = 0 if level is None else max(int(np.ceil(level * periods - 1e-9)), 1)
    for start in range(0, n, _BLOCK):
        rows = slice(start, start + _BLOCK)
        block = past[rows]
        middle = np.median(block, axis=1)
        typical[rows] = middle
        spread[rows] = NORMAL * np.median(np.abs(block - middle[:, None]), axis=1)
        below = np.count_nonzero(np.abs(block) < np.abs(moved[rows])[:, None], axis=1)
        larger[rows] = below / periods
        exceeded[rows] = below >= rank
    return typical, spread, larger, exceeded


def _peers_median(scores: FloatArray, peers: Sequence[Any]) -> FloatArray:
    if isinstance(peers, str) or len(peers) != len(scores):
        message = f"peers must name one group for each of the {len(scores)} customers."
        raise DomainError(message)
    codes, groups = pd.factorize(np.array([*peers, None], dtype=object)[:-1])
    sizes = np.bincount(codes[codes >= 0], minlength=len(groups))
    if (codes < 0).any() or (sizes < SMALLEST_GROUP).any():
        message = (
            f"peers is null for {int((codes < 0).sum())} customer(s), and {int((sizes < SMALLEST_GROUP).sum())} "
            f"group(s) have fewer than {SMALLEST_GROUP}; fill them, and join small groups."
        )
        raise DataError(message)
    order = np.argsort(codes, kind="stable")
    parts = np.split(scores[order], np.cumsum(sizes)[:-1])
    return np.asarray(np.array([np.median(part) for part in parts])[codes])


def _rule(floor: float, z: float | None, quantile: float | None, *, with_peers: bool) -> str:
    parts = [f"deviation of at least {floor:g} from the customer's median"]
    if z is not None:
        parts.append(f"at least {z:g} robust spreads" + (" beyond the median peer" if with_peers else ""))
    if quantile is not None:
        parts.append(f"larger than the {quantile:g} quantile of the customer's own movements")
    return "Reported: " + ", and ".join(parts) + "."
