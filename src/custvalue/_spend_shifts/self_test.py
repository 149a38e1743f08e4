"""A test on the user's own panel: plant shifts of known size, and see which are found."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
from sklearn.utils import check_random_state

from custvalue._results import Provenance, html_table, provenance, read_only, short_repr
from custvalue._spec import require, unboxed, whole_number
from custvalue._spend_shifts.panel import SpendPanel
from custvalue._spend_shifts.result import SpendShifts
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from custvalue._typing import FloatArray, RandomState

#: Bands of size in a score, for falls and for gains.
_FALL_BANDS: Final = (0.0, 0.3, 0.4, 0.5, 0.6, 0.7, 1.0)
_GAIN_BANDS: Final = (0.0, 0.5, 1.0, 1.5, 2.0, np.inf)

_ROUNDING: Final = 1e-9


@dataclass(frozen=True, eq=False, repr=False)
class PlantedShifts:
    """A panel with shifts of known size.

    Attributes
    ----------
    panel : SpendPanel
        The panel, with the last months of some customers changed.
    planted : ndarray of int8, shape (n_customers,)
        -1 where a fall was planted, 1 where a gain was, else 0.
    change : ndarray of shape (n_customers,)
        Planted change as a share, -0.4 for a fall by 40 %; 0 where none.
    provenance : Provenance
        Package version and counts.

    See Also
    --------
    plant_shifts : Makes it.

    Examples
    --------
    >>> import numpy as np
    >>> from custvalue import wallet
    >>> panel = wallet.SpendPanel.from_wide(np.full((100, 24), 5.0), start="2022-01")
    >>> wallet.plant_shifts(panel, falls=0.1, gains=0.0, random_state=0)
    PlantedShifts(customers=100, falls=10, gains=0)
    """

    panel: SpendPanel
    planted: NDArray[np.int8]
    change: FloatArray
    provenance: Provenance

    def to_frame(self) -> pd.DataFrame:
        """Give one row a customer.

        Returns
        -------
        pandas.DataFrame
            ``customer``, ``planted``, ``change``.
        """
        return pd.DataFrame(
            {"customer": list(self.panel.customers), "planted": self.planted, "change": self.change}
        )

    def __repr__(self) -> str:
        falls, gains = (int(np.count_nonzero(self.planted == sign)) for sign in (-1, 1))
        return short_repr("PlantedShifts", customers=len(self.planted), falls=falls, gains=gains)

    def _repr_html_(self) -> str:
        counts = [
            (word, int(np.count_nonzero(self.planted == sign))) for word, sign in (("fall", -1), ("gain", 1))
        ]
        return html_table(("planted", "customers"), counts, caption=f"{len(self.planted)} customers")


@dataclass(frozen=True, eq=False, repr=False)
class ShiftScores:
    """How many planted shifts were found, and how many findings were not planted.

    Attributes
    ----------
    flags : dict of str to int
        Findings that are scored, for ``"fall"`` and ``"gain"``.
    false_discovery_proportion : dict of str to float
        Share of them that were not planted; 0 of none.
    recall : dict of str to float
        Share of the planted ones that were found; NaN of none.
    bands : tuple of tuple
        Direction, smallest and largest size of a band, planted and found in it.
    set_aside : int
        Customers left out because they were found before anything was planted.
    provenance : Provenance
        Package version and counts.

    See Also
    --------
    score_shifts : Makes it.

    Examples
    --------
    >>> import numpy as np
    >>> from custvalue import wallet
    >>> amounts = 100.0 * np.exp(0.1 * np.random.default_rng(0).normal(size=(2000, 36)))
    >>> planted = wallet.plant_shifts(wallet.SpendPanel.from_wide(amounts, start="2022-01"), random_state=0)
    >>> scores = wallet.score_shifts(wallet.spend_shifts(planted.panel), planted)
    >>> scores.recall["fall"] > 0.5
    True
    """

    flags: dict[str, int]
    false_discovery_proportion: dict[str, float]
    recall: dict[str, float]
    bands: tuple[tuple[str, float, float, int, int], ...]
    set_aside: int
    provenance: Provenance

    def to_frame(self) -> pd.DataFrame:
        """Give recall by size.

        Returns
        -------
        pandas.DataFrame
            ``direction``, ``from``, ``to`` (size as a share, above 0 for falls too), ``planted``, ``found``,
            ``recall``; bands in which nothing was planted are left out.
        """
        rows = [(*band, band[4] / band[3]) for band in self.bands if band[3]]
        return pd.DataFrame(rows, columns=["direction", "from", "to", "planted", "found", "recall"])

    def __repr__(self) -> str:
        facts = {
            f"{word}_{name}": f"{figures[word]:.3f}"
            for word in ("fall", "gain")
            for name, figures in (("fdp", self.false_discovery_proportion), ("recall", self.recall))
        }
        return short_repr("ShiftScores", **facts)

    def _repr_html_(self) -> str:
        table = self.to_frame()
        fdp = ", ".join(f"{word}s {share:.3f}" for word, share in self.false_discovery_proportion.items())
        return html_table(list(table.columns), table.itertuples(index=False), caption=f"False discoveries: {fdp}")


def plant_shifts(
    panel: SpendPanel,
    *,
    falls: float = 0.02,
    gains: float = 0.01,
    fall_sizes: tuple[float, float] = (0.3, 0.8),
    gain_sizes: tuple[float, float] = (0.5, 2.0),
    recent: int = 3,
    random_state: RandomState = None,
) -> PlantedShifts:
    """Plant falls and gains of known size into the last months of a panel.

    What a screening would find cannot be read off its own p-values. On a panel of one's own customers with planted
    shifts it can: how many of each size, and how many findings are none.

    Parameters
    ----------
    panel : SpendPanel
        Amounts by customer and month.
    falls, gains : float
        Share of the customers, in [0, 1), together below 1; the number is rounded down.
    fall_sizes : tuple of float, default=(0.3, 0.8)
        Smallest and largest fall, shares in (0, 1]; drawn evenly.
    gain_sizes : tuple of float, default=(0.5, 2.0)
        Smallest and largest gain, shares above 0; drawn evenly.
    recent : int, default=3
        Last months that are changed.
    random_state : int, RandomState or None, default=None
        Seed of the draws.

    Returns
    -------
    PlantedShifts
        The changed panel, and what was planted.

    Raises
    ------
    DomainError
        If `panel` is no panel, or a share, size or number of months is out of its range.

    See Also
    --------
    score_shifts : Compares what was found with what was planted.

    Notes
    -----
    Cost: O(n T).

    Examples
    --------
    >>> import numpy as np
    >>> from custvalue import wallet
    >>> panel = wallet.SpendPanel.from_wide(np.full((100, 24), 5.0), start="2022-01")
    >>> planted = wallet.plant_shifts(panel, falls=0.1, gains=0.05, random_state=0)
    >>> bool((planted.panel.amounts[planted.planted == -1, -1] < 5.0).all())
    True
    """
    require(panel, SpendPanel, "panel", "Make one by SpendPanel.from_wide, from_long or from_transactions.")
    n, months = panel.amounts.shape
    last = whole_number(recent, "recent", 1, months, what="the panel's ")
    shares = [_share(falls, "falls"), _share(gains, "gains")]
    if sum(shares) >= 1.0:
        message = "falls and gains together must be below 1."
        raise DomainError(message)
    sizes = [_sizes(fall_sizes, "fall_sizes", 1.0), _sizes(gain_sizes, "gain_sizes", np.inf)]
    rng = check_random_state(random_state)
    order = rng.permutation(n)
    # 0.29 x 100 is not quite 29 in a computer.
    counts = [int(share * n + _ROUNDING) for share in shares]
    planted, change = np.zeros(n, dtype=np.int8), np.zeros(n)
    start = 0
    for sign, count, (low, high) in zip((-1, 1), counts, sizes, strict=True):
        chosen = order[start : start + count]
        planted[chosen] = sign
        change[chosen] = sign * rng.uniform(low, high, count)
        start += count
    amounts = panel.amounts.copy()
    amounts[:, months - last :] *= (1.0 + change)[:, None]
    return PlantedShifts(
        panel.with_amounts(amounts),
        read_only(planted),
        read_only(change),
        provenance(customers=n, falls=counts[0], gains=counts[1], recent=last),
    )


def score_shifts(found: SpendShifts, planted: PlantedShifts, *, before: SpendShifts | None = None) -> ShiftScores:
    """Compare what was found with what was planted.

    Parameters
    ----------
    found : SpendShifts
        Screening of the planted panel.
    planted : PlantedShifts
        What was planted.
    before : SpendShifts, default=None
        Screening of the panel before planting. Its falls and gains are the user's own findings, neither true nor
        false here: those customers are set aside.

    Returns
    -------
    ShiftScores
        False discovery proportion, recall, and recall by size.

    Raises
    ------
    DomainError
        If the results do not belong together.

    See Also
    --------
    plant_shifts : Plants them.

    Notes
    -----
    Cost: O(n).

    Examples
    --------
    >>> import numpy as np
    >>> from custvalue import wallet
    >>> amounts = 100.0 * np.exp(0.1 * np.random.default_rng(0).normal(size=(2000, 36)))
    >>> panel = wallet.SpendPanel.from_wide(amounts, start="2022-01")
    >>> planted = wallet.plant_shifts(panel, gains=0.0, random_state=0)
    >>> before, found = wallet.spend_shifts(panel), wallet.spend_shifts(planted.panel)
    >>> scores = wallet.score_shifts(found, planted, before=before)
    >>> scores.to_frame()["planted"].sum()
    np.int64(40)
    """
    require(found, SpendShifts, "found")
    require(planted, PlantedShifts, "planted")
    kept = np.ones(len(found), dtype=np.bool_)
    if before is not None:
        require(before, SpendShifts, "before")
        if before.customers != found.customers:
            message = "before screens other customers than found; screen the same panel before planting."
            raise DomainError(message)
        kept = (before.verdict != "fall") & (before.verdict != "gain")
    if found.customers != planted.panel.customers:
        message = "found screens other customers than were planted; screen planted.panel."
        raise DomainError(message)
    flags: dict[str, int] = {}
    fdp: dict[str, float] = {}
    recall: dict[str, float] = {}
    bands: list[tuple[str, float, float, int, int]] = []
    for word, sign, edges in (("fall", -1, _FALL_BANDS), ("gain", 1, _GAIN_BANDS)):
        flagged, true = kept & (found.verdict == word), kept & (planted.planted == sign)
        hits, sizes = flagged & true, np.abs(planted.change)
        flags[word] = int(flagged.sum())
        fdp[word] = float(1.0 - hits.sum() / flags[word]) if flags[word] else 0.0
        recall[word] = float(hits.sum() / true.sum()) if true.any() else float("nan")
        for low, high in pairwise(edges):
            inside = true & (sizes > low) & (sizes <= high)
            bands.append((word, low, high, int(inside.sum()), int((inside & hits).sum())))
    aside = int(np.count_nonzero(~kept))
    return ShiftScores(flags, fdp, recall, tuple(bands), aside, provenance(customers=len(found), set_aside=aside))


def _share(value: float, argument: str) -> float:
    number = unboxed(value)
    if isinstance(number, bool) or not (isinstance(number, int | float) and 0.0 <= number < 1.0):
        message = f"{argument} must be a share in [0, 1)."
        raise DomainError(message)
    return float(number)


def _sizes(value: tuple[float, float], argument: str, highest: float) -> tuple[float, float]:
    try:
        low, high = (float(one) for one in value)
    except (TypeError, ValueError):
        message = f"{argument} must be two numbers, the smallest and the largest size."
        raise DomainError(message) from None
    if not (0.0 < low <= high <= highest and high < np.inf):
        message = f"{argument} must ascend and lie in (0, {highest:g}]."
        raise DomainError(message)
    return low, high
