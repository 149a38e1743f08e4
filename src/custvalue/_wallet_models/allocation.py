"""The wallet allocation rule: from the rank of a brand in its customer's mind to its share of the wallet."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from custvalue import _frames
from custvalue._results import Provenance, html_table, provenance, read_only, short_repr
from custvalue._spec import require_choice, unboxed
from custvalue._wallet_estimate.estimate import WalletEstimate, amounts
from custvalue._wallet_estimate.pairing import aligned, in_order, labels_of
from custvalue.exceptions import DataError, DomainError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from custvalue._typing import ArrayLike, FloatArray, IntArray, Table

Given: TypeAlias = Literal["satisfaction", "ranks"]
Ties: TypeAlias = Literal["average", "min", "max"]
#: From these on a market is one of repertoires (Keiningham et al. 2015, appendix B).
REPERTOIRE = (0.4, 1.4)


@dataclass(frozen=True, eq=False, repr=False)
class WalletAllocation:
    r"""Share of each customer's wallet by brand, from ranks.

    Attributes
    ----------
    customers : tuple
        Labels of the customers, or their places where none were given.
    brands : tuple of str
        The brands, in the order of the columns.
    ranks : ndarray of shape (n_customers, n_brands)
        Rank of the brand among those the customer uses, 1 the best; NaN where it is not used.
    shares : ndarray of shape (n_customers, n_brands)
        Share of the customer's wallet, in (0, 1]; NaN where the brand is not used.
    used : ndarray of int, shape (n_customers,)
        Number of brands used, from 1.
    ties : {"average", "min", "max"}
        How equal brands were ranked.
    provenance : Provenance
        Package version, settings and counts.

    See Also
    --------
    wallet_allocation_rule : Makes it, and gives formula and source.

    Examples
    --------
    >>> from custvalue import wallet
    >>> found = wallet.wallet_allocation_rule([[9.0, 7.0], [8.0, float("nan")]], brands=["here", "there"])
    >>> found.brand_shares()
       brand  users     share
    0   here      2  0.833333
    1  there      1  0.333333
    """

    customers: tuple[Any, ...]
    brands: tuple[str, ...]
    ranks: FloatArray
    shares: FloatArray
    used: IntArray
    ties: Ties
    provenance: Provenance

    def __len__(self) -> int:
        return len(self.customers)

    @property
    def multi_brand(self) -> float:
        """Share of the customers who use more than one brand, in [0, 1]."""
        return float(np.mean(self.used > 1))

    @property
    def mean_used(self) -> float:
        """Mean number of brands a customer uses, from 1."""
        return float(self.used.mean())

    @property
    def repertoire(self) -> bool:
        """Whether the rule's authors would use it here: 40 % use several brands, 1.4 brands on average."""
        return self.multi_brand >= REPERTOIRE[0] and self.mean_used >= REPERTOIRE[1]

    def brand_shares(self) -> pd.DataFrame:
        """Give the share of each brand: the mean over its own customers.

        Returns
        -------
        pandas.DataFrame
            ``brand``, ``users`` and ``share``, the mean share of wallet among the users; NaN without users.
        """
        there = ~np.isnan(self.shares)
        users = there.sum(axis=0)
        sums = np.where(there, self.shares, 0.0).sum(axis=0)
        share = np.divide(sums, users, out=np.full(len(users), np.nan), where=users > 0)
        return pd.DataFrame({"brand": list(self.brands), "users": users, "share": share})

    def estimate(self, own: ArrayLike, *, brand: str) -> WalletEstimate:
        """Give the size of the wallets of one brand's users: own spending divided by the share of the rule.

        Parameters
        ----------
        own : array_like of shape (n_customers,)
            What each customer spends at the brand, from 0; not read where the customer does not use it.
        brand : str
            The brand.

        Returns
        -------
        WalletEstimate
            Total wallets of the users, in the order of the customers; never identified, since the rule gives the
            same share to all who rank alike.

        Raises
        ------
        DomainError
            If the brand is unknown, or `own` is not one number a customer.
        DataError
            If an amount of a user is missing, below 0 or infinite, nobody uses the brand, or a pandas Series has
            other labels than the customers.
        """
        if brand not in self.brands:
            message = f"brand is {brand!r}; allowed: {', '.join(map(repr, self.brands))}."
            raise DomainError(message)
        share = self.shares[:, self.brands.index(brand)]
        users = np.flatnonzero(~np.isnan(share))
        if not len(users):
            message = f"Nobody uses brand {brand!r}; there is no wallet to estimate."
            raise DataError(message)
        here = np.asarray(in_order(pd.Index(self.customers), own, "own", "customers"))
        if here.shape != (len(self),):
            message = f"own has shape {here.shape}; allowed: {len(self)} numbers, one a customer."
            raise DomainError(message)
        spent = amounts(here[users], "own")
        return WalletEstimate.of(
            spent,
            spent / share[users],
            kind="total",
            method="wallet_allocation_rule",
            customers=[self.customers[place] for place in users.tolist()],
            identified=False,
            reasons=["The share follows from the rank alone; no amount spent elsewhere was seen."],
            spec=self.provenance.spec,
        )

    def to_frame(self) -> pd.DataFrame:
        """Give one row for each brand that a customer uses.

        Returns
        -------
        pandas.DataFrame
            ``customer``, ``brand``, ``rank``, ``share``.
        """
        rows, columns = np.nonzero(~np.isnan(self.ranks))
        return pd.DataFrame(
            {
                "customer": [self.customers[row] for row in rows.tolist()],
                "brand": [self.brands[column] for column in columns.tolist()],
                "rank": self.ranks[rows, columns],
                "share": self.shares[rows, columns],
            }
        )

    def __repr__(self) -> str:
        return short_repr("WalletAllocation", customers=len(self), brands=len(self.brands), ties=self.ties)

    def _repr_html_(self) -> str:
        frame = self.brand_shares()
        fit = "" if self.repertoire else "; few customers use several brands: the rule is not meant for this"
        return html_table(
            list(frame.columns),
            frame.itertuples(index=False),
            caption=f"Wallet allocation, {len(self)} customers{fit}",
        )


def allocated_share(rank: ArrayLike, brands: ArrayLike) -> FloatArray:
    """Give (1 - rank / (brands + 1)) 2 / brands."""
    place, number = np.asarray(rank, dtype=np.float64), np.asarray(brands, dtype=np.float64)
    return np.asarray((1.0 - place / (number + 1.0)) * 2.0 / number)


def wallet_allocation_rule(
    scores: Table,
    *,
    given: Given = "satisfaction",
    ties: Ties = "average",
    score_range: tuple[float, float] | None = None,
    brands: Sequence[str] | None = None,
    customers: Sequence[Any] | None = None,
) -> WalletAllocation:
    r"""Give each brand its share of the customer's wallet by its rank among the brands the customer uses.

    It needs a survey of satisfaction, and no amounts. It is meant for markets in which people use several brands,
    not for those in which one bank holds everything.

    Parameters
    ----------
    scores : array_like or frame of shape (n_customers, n_brands)
        Satisfaction with each brand, more is better, or its rank, 1 the best; missing (NaN or null) where the
        customer does not use the brand.
    given : {"satisfaction", "ranks"}, default="satisfaction"
        What `scores` holds. Ranks lie between 1 and the number of brands the customer uses.
    ties : {"average", "min", "max"}, default="average"
        Rank of equal brands: the mean of their places, with which shares sum to 1; the best place, with which they
        sum to more; or the worst, with which they sum to less.
    score_range : tuple of two floats, default=None
        Ends of the scale of satisfaction, such as ``(1, 10)``; scores outside are refused. None: not checked.
    brands : sequence of str, default=None
        Names of the columns of an array; a frame has its own.
    customers : sequence, default=None
        Labels, one a customer; None: the index of a pandas frame, else the places.

    Returns
    -------
    WalletAllocation
        Ranks and shares by customer, and the shares of the brands.

    Raises
    ------
    DomainError
        If a setting is unknown, `score_range` goes with ranks or is no range, or names do not fit the table.
    DataError
        If a score lies outside `score_range`, a rank outside its range, a score is infinite, or a customer uses no
        brand.
    ColumnError
        If a column of a frame holds no numbers.

    Notes
    -----
    Keiningham, Aksoy, Williams and Buoye [1]_ (appendix A), with :math:`r` the rank and :math:`m` the number of
    brands the customer uses:

    .. math:: \text{share} = \left(1 - \frac{r}{m + 1}\right) \frac{2}{m}.

    Over ranks 1 to m the shares sum to 1; ranks of mean :math:`(m + 1) / 2` keep that, so ties take average ranks.
    A brand's share is the mean over its own customers. Their appendix B asks for at least 40 % of customers who
    use several brands and 1.4 brands on average; `WalletAllocation.repertoire` tells. Given ranks are ranked
    again, so that 1, 1, 2 and 1, 1, 3 mean the same. Cost: O(n m log m).

    References
    ----------
    .. [1] Keiningham, T., Aksoy, L., Williams, L., Buoye, A. (2015). *The Wallet Allocation Rule: Winning the
       Battle for Share*. Wiley.

    Examples
    --------
    >>> from custvalue import wallet
    >>> nan = float("nan")
    >>> found = wallet.wallet_allocation_rule([[9.0, 7.0, 5.0], [8.0, 8.0, nan]])
    >>> found.shares.round(3)
    array([[0.5  , 0.333, 0.167],
           [0.5  , 0.5  ,   nan]])
    """
    require_choice(given, Given, "given")
    require_choice(ties, Ties, "ties")
    numbers = _frames.numeric(scores, argument="scores", nulls=True)
    names = _brand_names(scores, brands, numbers.shape[1])
    labels = labels_of(aligned(scores=scores)[1], customers, len(numbers))
    there = ~np.isnan(numbers)
    used = there.sum(axis=1)
    if not len(numbers):
        message = "scores has no rows; there is nobody to allocate."
        raise DataError(message)
    if idle := int(np.count_nonzero(used == 0)):
        message = f"scores has {idle} customer(s) who use no brand; leave them out."
        raise DataError(message)
    _require_in_range(numbers, used, given, score_range)
    order = numbers if given == "ranks" else -numbers
    ranks = np.asarray(rankdata(order, method=ties, axis=1, nan_policy="omit"), dtype=np.float64)
    ranks[~there] = np.nan
    shares = allocated_share(ranks, used[:, None])
    settings = {"given": given, "ties": ties, "score_range": None if score_range is None else list(score_range)}
    counts = {"customers": len(numbers), "brands": len(names), "used": int(used.sum())}
    return WalletAllocation(
        labels,
        names,
        read_only(ranks),
        read_only(shares),
        read_only(used.astype(np.int64)),
        ties,
        provenance(json.dumps(settings, sort_keys=True), **counts),
    )


def _brand_names(scores: Table, brands: Sequence[str] | None, n: int) -> tuple[str, ...]:
    own = _frames.column_names(scores)
    if brands is None:
        return tuple(f"brand {place}" for place in range(n)) if own is None else own
    names = tuple(brands)
    if own is not None:
        message = "brands names the columns of an array; a frame has its own names."
        raise DomainError(message)
    if isinstance(brands, str) or len(names) != n or len(set(names)) != n:
        message = f"brands must be {n} different names, one a column of scores."
        raise DomainError(message)
    return names


def _require_in_range(
    numbers: FloatArray, used: IntArray, given: str, score_range: tuple[float, float] | None
) -> None:
    if given == "ranks":
        if score_range is not None:
            message = "score_range belongs to satisfaction; ranks lie between 1 and the number of brands used."
            raise DomainError(message)
        outside = (numbers < 1.0) | (numbers > used[:, None])
        if strange := int(np.count_nonzero(outside.any(axis=1))):
            message = (
                f"scores holds ranks outside 1 to the number of brands used, for {strange} customer(s); rank only "
                "the brands that the customer uses."
            )
            raise DataError(message)
        return
    if score_range is None:
        return
    ends = [unboxed(end) for end in score_range] if isinstance(score_range, tuple | list) else []
    plain = len(ends) == 2 and all(isinstance(end, int | float) for end in ends)  # noqa: PLR2004 - low and high
    if not plain or not ends[0] < ends[1]:
        message = "score_range must be two numbers, the lower end first."
        raise DomainError(message)
    if strange := int(np.count_nonzero((numbers < ends[0]) | (numbers > ends[1]))):
        message = f"scores holds {strange} score(s) outside score_range, {ends[0]:g} to {ends[1]:g}."
        raise DataError(message)
