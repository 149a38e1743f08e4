"""From a panel or two snapshots to the result: the public functions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from custvalue._results import provenance, read_only
from custvalue._spec import unboxed, whole_number
from custvalue._substitution.composite import composite
from custvalue._substitution.evidence import (
    adjusted,
    first_maturity,
    maturity_evidence,
    panel_evidence,
    snapshot_evidence,
)
from custvalue._substitution.flows import STATES, counted, destinations, pair_of
from custvalue._substitution.panel import Columns, holding, product_names, read_panel
from custvalue._substitution.result import Members, Substitution
from custvalue._substitution.snapshots import CHANGED, END, read_snapshots
from custvalue._substitution.times import LATEST, NEVER, shown
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from custvalue._substitution.composite import Composite
    from custvalue._substitution.evidence import Evidence
    from custvalue._substitution.flows import Pair
    from custvalue._substitution.panel import Holding, Overlaps
    from custvalue._typing import RandomState


def substitution(
    panel: Any,
    *,
    customer: str,
    product: str,
    opened: str,
    closed: str,
    old: str | int | Sequence[str | int],
    new: str | int | Sequence[str | int],
    as_of: Any,
    window: int,
    since: Any = None,
    matured: str | None = None,
    strata: str | None = None,
    overlaps: Overlaps = "raise",
    alpha: float = 0.05,
    confidence_level: float = 0.95,
    n_permutations: int = 9999,
    random_state: RandomState = None,
) -> Substitution:
    r"""Find which new product takes the place of which old one, from a panel with dates.

    Do not read a verdict as the effect of a campaign: customers were not drawn at random.

    Parameters
    ----------
    panel : frame or relation
        One row a spell: who held which product from when to when. A pandas, Polars or PyArrow frame, a lazy Polars
        frame, or a DuckDB, Ibis or Spark relation, of which only the spells of the named products come to memory.
    customer, product, opened, closed : str
        Columns. Times are dates, datetimes without a zone (which count by their day), or whole period numbers. A
        spell holds in [opened, closed); a null `closed`, or one from `as_of` on, is a product still held.
    old, new : str, int or sequence of them
        Old and new products, in the order of their digits and letters.
    as_of : date, datetime, ISO text or int
        End of the observation: what lies before it is known, and "present" is the state at its very start.
    window : int
        A closing and an opening at most this far apart belong together: days where the panel has dates, else
        periods; from 0. Take it short: within it, early customers cannot be told from movers.
    since : date, datetime, ISO text or int, default=None
        Beginning of the observation; None takes all that the panel holds. It does not limit the composite field.
    matured : str, default=None
        Column with the old product's end as agreed (null: none). Where an old product has any, its pairs are
        tested among customers whose product matured in the same offer window alone.
    strata : str, default=None
        Column that says which customers are comparable (a segment, a class of activity, the month in which the old
        product was opened); one value a customer.
    overlaps : {"raise", "merge"}, default="raise"
        Spells of one customer and product that overlap are refused, or read as one. Spells that touch are a
        renewal and always allowed.
    alpha : float, default=0.05
        Level of the verdicts, over all pairs together.
    confidence_level : float, default=0.95
        Level of each interval by itself.
    n_permutations : int, default=9999
        Random permutations of the timing test.
    random_state : int, RandomState or None, default=None
        Seed of the permutations.

    Returns
    -------
    Substitution
        Composite field, flows, tests, verdicts, and the way to a target list.

    Raises
    ------
    ColumnError
        If a column is missing or of a wrong type.
    DataError
        If a key or an opening is null, a spell ends before it begins, spells overlap, a stratum changes within a
        customer, or a named product has no spell.
    DomainError
        If a setting is out of range, or so few permutations are asked that no pair could be found.

    See Also
    --------
    substitution_between : The same from two snapshots.

    Notes
    -----
    **Composite field.** A customer who holds new product A now and had opened old product 1 before counts for
    "A1". The source's reading divides by the present holders of A.

    **States.** A holder's product runs from the first opening to the last closing; `since` leaves out spells that
    were over by then. With c the closing of the old product, n the first opening of the new one, w the window, and
    the entry e of a holder (the old product's opening, or just before `since`), each holder is in the first of
    these states that fits: *had_before*, n <= e; *moved*, \|n - c\| <= w; *undecided*, one of the two events lies
    less than w before the end and the other is outstanding; *kept_both*, n exists and c is later than n + w or
    never; *took_later*, n is later than c + w; *left*, c without n; *stayed*, neither. So they sum to the holders.

    **Timing test.** Among holders who closed the old product and opened the new one (and hold it now, so that who
    left the bank does not count), the openings are dealt out anew within strata and spans of 2 (2 w + 1) moments,
    to holders who had entered before: under independence every such assignment is equally likely (truncated data:
    Diaconis, Graham and Holmes 2001 [1]_; within spans: Amarasingham et al. 2012 [6]_). The expected number of
    movers is exact, p is (r + 1) / (n + 1) over random assignments (999 of them where these give more than .2,
    else `n_permutations`). Seasons do not disturb it, and the spans keep out what makes customers early or late
    with everything: that some do more than others, or segments have their good years at other times. What brings
    both about at one moment does disturb it: a visit to the branch, or the old product's first anniversary (put
    its month of opening into `strata`). With more than 10,000 customers p comes from a random sample of so many.

    **Control group.** At each closing, those at risk are all who held the old product then and did not have the
    new one before the window. If closing had nothing to do with opening, those who closed would be a random draw
    of them, and who of them opened the new product in the window hypergeometric (the log-rank test of Mantel 1966
    [2]_; exact sum of the hypergeometric counts, normal beyond 20,000 values). :meth:`Substitution.rates` gives
    the size: the opening rate of those who closed beside that of those who kept the product through the same
    windows, standardised to the moments of the closings; and the closing rate of those who opened beside that of
    those who did not. The intervals are hybrid score intervals (difference: Newcombe 1998 [3]_; ratio: Donner and
    Zou 2012 [4]_), in which a control who stands at many moments counts as one customer.

    **Maturity.** A contract's end brings closings and openings together by itself. So at the first maturity m of a
    holder in the observation, closing and opening within the window of m are compared within strata and offer
    windows (m // max(1, w)) alone: who renewed is the control group, and p is Fisher's exact test over all of
    them. There is no timing test then, so customers who both leave and open more than others look like movers,
    unless `strata` sets them apart. A spell that ended before its maturity's window has none.

    **Verdict.** Holm's adjustment over all pairs and both questions; then, with `alpha`: *substitution*, if both
    the timing and the control test are significant (the larger p counts); *possible substitution*, where
    maturities take the place of a timing test. This is what marketing calls cannibalisation, "the process by which
    a new product gains sales by diverting them from an existing product" (Heskett, in Lomax et al. 1997 [5]_); its
    rate is the excess closing rate of those who opened. *Possible add-on*, if the old product was closed
    significantly less often within the window after an opening than by holders without the new product (a closing
    at the very moment of the opening does not count either way, so a window of 0 finds none). No timing test
    stands behind it: loyal customers, who open more and close less whatever it is, look the same, unless `strata`
    sets them apart. Else *no evidence*, which is no proof of independence: where a bank moves all customers in one
    month, say, there is neither another moment nor a control group to compare with, and the composite field alone
    shows it. States, tests and verdicts are ours; the source has the composite field and the target list.

    Made-up panels of 400 customers, two old and two new products, 24 months, show what it is worth (ours). Of 200
    panels without substitution none had a finding; 1 where a third of the customers leaves the bank; 4 where some
    customers do everything more often (there the control test alone would be significant at .05 for one pair in
    three), 3 where a fifth does so twenty times as often; none where two segments have their good years at
    opposite ends. A move of 3 %, 5 % and 10 % of the customers was found in 30 %, 85 % and 100 % of 60 panels.
    But all of 60 had a false substitution where customers close and open only when they visit the branch, or where
    maturities meet customers who leave and open more than others; 45 of 60 a false add-on where half of them are
    loyal; and all of 40 with the fifth of busy customers and a window of 6 months, whose spans hold all openings.

    Cost: O(s log s) for s spells of the named products, and `n_permutations` times the customers who did both, at
    most 10,000, for each pair. Memory: some 100 bytes a spell, 9 bytes a pair and holder, 100 MB for the
    permutations.

    References
    ----------
    .. [1] Diaconis, P., Graham, R., & Holmes, S. P. (2001). Statistical problems involving permutations with
       restricted positions. *IMS Lecture Notes - Monograph Series*, 36, 195-222.
    .. [2] Mantel, N. (1966). Evaluation of survival data and two new rank order statistics arising in its
       consideration. *Cancer Chemotherapy Reports*, 50(3), 163-170.
    .. [3] Newcombe, R. G. (1998). Interval estimation for the difference between independent proportions:
       comparison of eleven methods. *Statistics in Medicine*, 17(8), 873-890.
    .. [4] Donner, A., & Zou, G. Y. (2012). Closed-form confidence intervals for functions of the normal mean and
       standard deviation. *Statistical Methods in Medical Research*, 21(4), 347-359.
    .. [5] Lomax, W., Hammond, K., East, R., & Clemente, M. (1997). The measurement of cannibalization. *Journal of
       Product & Brand Management*, 6(1), 27-39.
    .. [6] Amarasingham, A., Harrison, M. T., Hatsopoulos, N. G., & Geman, S. (2012). Conditional modeling and the
       jitter method of spike resampling. *Journal of Neurophysiology*, 107(2), 517-531.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from custvalue import basket
    >>> rng = np.random.default_rng(0)
    >>> month = rng.integers(1, 23, 300)                      # 300 customers close their passbook,
    >>> later = np.where(rng.random(300) < 0.5, month, rng.integers(1, 23, 300))   # half of them for the app
    >>> spells = pd.DataFrame({
    ...     "customer": np.tile(np.arange(300), 2), "product": np.repeat(["passbook", "app"], 300),
    ...     "opened": np.concatenate([np.zeros(300, int), later]),
    ...     "closed": np.concatenate([month, np.full(300, np.nan)])})
    >>> found = basket.substitution(
    ...     spells, customer="customer", product="product", opened="opened", closed="closed",
    ...     old="passbook", new="app", as_of=24, window=1, n_permutations=199, random_state=0)
    >>> found.composite()[["label", "old", "new", "customers", "share_of_new_holders"]]
      label       old  new  customers  share_of_new_holders
    0    A1  passbook  app        300                   1.0
    """
    level, wide = _share(alpha, "alpha"), _share(confidence_level, "confidence_level")
    span = whole_number(window, "window", 0, LATEST)
    draws = whole_number(n_permutations, "n_permutations", 1, 10_000_000)
    if overlaps not in ("raise", "merge"):
        message = "overlaps must be 'raise' or 'merge'."
        raise DomainError(message)
    olds, news = product_names(old, new)
    columns = Columns(customer, product, opened, closed, matured, strata)
    read = read_panel(panel, columns, [*olds, *news], as_of=as_of, since=since, overlaps=overlaps)
    first, second = tuple(map(str, olds)), tuple(map(str, news))
    _refuse_few(draws, 2 * len(first) * len(second), level)
    seed = _seed(random_state)
    held = {name: holding(spells, read.since) for name, spells in read.spells.items() if name in first}
    taken = {name: holding(read.spells[name]) for name in second}

    def test(pair: Pair, i: int, _: int) -> Evidence:
        strata_ = read.strata[pair.customer]
        spells = read.spells[first[i]]
        if (spells.matured < NEVER).any():
            ends = first_maturity(pair, spells, window=span, as_of=read.as_of)
            return maturity_evidence(pair, strata_, ends, window=span, as_of=read.as_of, confidence_level=wide)
        return panel_evidence(
            pair,
            strata_,
            window=span,
            as_of=read.as_of,
            confidence_level=wide,
            n_permutations=draws,
            rng=np.random.default_rng(seed),
        )

    pairs = _Pairs(
        tuple(held[name] for name in first),
        tuple(taken[name] for name in second),
        composite(
            [holding(read.spells[name]) for name in first], [taken[name] for name in second], len(read.keys)
        ),
    )
    settings = {
        "old": list(first), "new": list(second), "as_of": shown(read.as_of, dated=read.dated), "window": span,
        "since": None if read.since is None else shown(read.since, dated=read.dated), "matured": matured,
        "strata": strata, "overlaps": overlaps, "alpha": level, "confidence_level": wide, "n_permutations": draws,
    }  # fmt: skip
    return _assembled(
        pairs,
        test,
        window=span,
        as_of=read.as_of,
        since=read.since,
        source="panel",
        members=(read.keys, read.like, customer),
        settings=settings,
        counts={**read.counts, "customers": len(read.keys)},
    )


def substitution_between(
    before: Any,
    after: Any,
    *,
    customer: str,
    old: str | int | Sequence[str | int],
    new: str | int | Sequence[str | int],
    product: str | None = None,
    alpha: float = 0.05,
    confidence_level: float = 0.95,
) -> Substitution:
    """Find which new product takes the place of which old one, from two snapshots of the same customers.

    Parameters
    ----------
    before, after : frame or relation
        Long (one row a customer and product, with `product`) or wide (one row a customer, one column of True and
        False, or 1 and 0, a product). In long snapshots a customer without a row holds nothing, and a product
        listed twice counts once; wide ones must hold the same customers. Of long relations of an engine only the
        named products come to memory, of wide ones the named columns.
    customer : str
        Column of the customer.
    old, new : str, int or sequence of them
        Old and new products, in the order of their digits and letters; of wide snapshots columns.
    product : str, default=None
        Column of the product; None for wide snapshots.
    alpha : float, default=0.05
        Level of the verdicts, over all pairs together.
    confidence_level : float, default=0.95
        Level of each interval by itself.

    Returns
    -------
    Substitution
        As :func:`substitution` gives it, `window` 0. There is no state took_later or undecided; the composite
        field counts those who took the new product in between.

    Raises
    ------
    ColumnError
        If a column is missing or of a wrong type.
    DataError
        If there are nulls, wide snapshots hold different customers or one twice, or nobody holds a named product.
    DomainError
        If a setting is out of range.

    See Also
    --------
    substitution : With dates, which tell more: when things happened, and so what is mere coincidence.

    Notes
    -----
    Among those who held the old product before and not the new one, closing and opening are compared by Fisher's
    exact test: possible substitution, if those who closed opened more often than chance; possible add-on, if less.
    For an add-on,
    customers who hold none of the named products afterwards are left out, for they may have left the bank. Two
    snapshots cannot tell a move from two events that a third thing brought about, nor from customers who close and
    open more than others: there a finding is all but certain. Cost: O(n log n).

    Examples
    --------
    >>> import pandas as pd
    >>> from custvalue import basket
    >>> before = pd.DataFrame({"customer": [1, 2, 3], "passbook": [1, 1, 1], "app": [0, 0, 1]})
    >>> after = pd.DataFrame({"customer": [1, 2, 3], "passbook": [0, 1, 1], "app": [1, 0, 1]})
    >>> found = basket.substitution_between(before, after, customer="customer", old="passbook", new="app")
    >>> found.flows()[["moved", "had_before", "stayed"]]
       moved  had_before  stayed
    0      1           1       1
    """
    level, wide = _share(alpha, "alpha"), _share(confidence_level, "confidence_level")
    olds, news = product_names(old, new)
    read = read_snapshots(before, after, customer=customer, product=product, products=[*olds, *news])
    first, second = tuple(map(str, olds)), tuple(map(str, news))
    gone = ~np.any(list(read.after.values()), axis=0)
    strata = np.zeros(len(read.keys), dtype=np.int64)

    def test(pair: Pair, _: int, __: int) -> Evidence:
        return snapshot_evidence(pair, strata[pair.customer], gone[pair.customer], confidence_level=wide)

    held = tuple(read.held_before(name) for name in first)
    pairs = _Pairs(
        held,
        tuple(read.holding(name) for name in second),
        composite(held, [read.taken_since(name) for name in second], len(read.keys)),
    )
    settings = {
        "old": list(first), "new": list(second), "layout": "wide" if product is None else "long", "window": 0,
        "alpha": level, "confidence_level": wide,
    }  # fmt: skip
    return _assembled(
        pairs,
        test,
        window=0,
        as_of=END,
        since=CHANGED,
        source="snapshots",
        members=(read.keys, read.like, customer),
        settings=settings,
        counts={"rows_before": read.rows[0], "rows_after": read.rows[1], "customers": len(read.keys)},
    )


class _Pairs(NamedTuple):
    """Holders of each old product, histories of each new one, and the composite counts."""

    old: tuple[Holding, ...]
    new: tuple[Holding, ...]
    composite: Composite


def _assembled(
    pairs: _Pairs,
    test: Callable[[Pair, int, int], Evidence],
    *,
    window: int,
    as_of: int,
    since: int | None,
    source: str,
    members: tuple[NDArray[Any], Any, str],
    settings: Mapping[str, Any],
    counts: Mapping[str, int],
) -> Substitution:
    """Walk over the pairs and put the result together."""
    shape = (len(pairs.old), len(pairs.new))
    states = np.zeros((*shape, len(STATES)), dtype=np.int64)
    once = np.zeros((shape[0], len(STATES), shape[1] + 1), dtype=np.int64)
    evidence, kept, had = [], [], []
    for i, old in enumerate(pairs.old):
        row = [pair_of(old, new, window=window, as_of=as_of, since=since) for new in pairs.new]
        for j, pair in enumerate(row):
            states[i, j] = counted(pair.state)
            evidence.append(test(pair, i, j))
        state, place = destinations(
            np.stack([pair.state for pair in row]), old.closed, np.stack([pair.taken for pair in row])
        )
        np.add.at(once[i], (state, place), 1)
        kept.append(tuple(pair.state.astype(np.int8) for pair in row))
        had.append(tuple(pair.taken < NEVER for pair in row))
    p, q = adjusted(evidence)
    keys, like, customer = members
    found = pairs.composite
    return Substitution(
        old=tuple(settings["old"]),
        new=tuple(settings["new"]),
        source=source,
        window=window,
        since=settings.get("since"),
        as_of=settings.get("as_of"),
        customers=read_only(found.customers),
        customers_closed=read_only(found.closed),
        new_holders=read_only(found.new_holders),
        old_holders=read_only(found.old_holders),
        old_closers=read_only(found.old_closers),
        states=read_only(states),
        destinations=read_only(once),
        p_substitution=read_only(p.reshape(shape)),
        p_add_on=read_only(q.reshape(shape)),
        alpha=settings["alpha"],
        confidence_level=settings["confidence_level"],
        provenance=provenance(json.dumps(settings, ensure_ascii=False), **counts),
        _evidence=tuple(evidence),
        _members=Members(
            keys,
            like,
            customer,
            tuple(one.customer for one in pairs.old),
            tuple(one.present for one in pairs.old),
            tuple(kept),
            tuple(had),
        ),
    )


def _share(value: float, name: str) -> float:
    number = unboxed(value)
    if isinstance(number, bool) or not isinstance(number, int | float) or not 0.0 < number < 1.0:
        message = f"{name} must be a number in (0, 1)."
        raise DomainError(message)
    return float(number)


def _refuse_few(n_permutations: int, n_hypotheses: int, alpha: float) -> None:
    """Refuse a number of permutations with which not even the smallest p would be significant."""
    needed = int(np.ceil(n_hypotheses / alpha - 1e-9)) - 1
    if n_permutations < needed:
        message = (
            f"n_permutations is {n_permutations}; allowed with {n_hypotheses // 2} pair(s) and alpha {alpha:g}: "
            f"from {needed}, for the smallest p is 1 / (n_permutations + 1) and is multiplied by {n_hypotheses}."
        )
        raise DomainError(message)


def _seed(random_state: RandomState) -> int:
    """Give one seed for all pairs, so that a pair's p does not depend on which others are asked."""
    from sklearn.utils import check_random_state  # noqa: PLC0415 - a second of import that flows do not need

    return int(check_random_state(random_state).randint(2**31 - 1))
