"""Which customers' spending fell or rose beyond what peers, season and chance explain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from custvalue import _frames
from custvalue._kernels import peer_factor as peer_kernel
from custvalue._kernels import placebo_null as null_kernel
from custvalue._results import provenance, read_only
from custvalue._spec import canonical_json, require, unboxed
from custvalue._spend_shifts import verdicts
from custvalue._spend_shifts.chance import against_chance
from custvalue._spend_shifts.months import month_text
from custvalue._spend_shifts.panel import SpendPanel
from custvalue._spend_shifts.population import peers_of
from custvalue._spend_shifts.result import SpendShifts
from custvalue._spend_shifts.settings import ShiftSettings
from custvalue._spend_shifts.shocks import Shock, closed_months, detect_shocks
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from custvalue._kernels.peer_factor import PeerFactor
    from custvalue._kernels.placebo_null import Window
    from custvalue._spend_shifts.chance import Tested
    from custvalue._spend_shifts.settings import Detect, LastingShifts, ShockMode
    from custvalue._typing import ArrayLike, BoolArray, FloatArray

#: Smallest loss of all peers in a month that begins a shock.
LOSS: Final = 0.05


def spend_shifts(
    panel: SpendPanel,
    *,
    peers: Sequence[Any] | None = None,
    recent: int = 3,
    baseline: int = 18,
    q: float = 0.05,
    min_change: float = 0.0,
    shocks: Sequence[Shock] = (),
    shock_mode: ShockMode = "mask",
    detect: Detect = "none",
    macro: ArrayLike | None = None,
    min_active: float = 0.5,
    min_peers: int = 10,
    min_null: int = 2000,
    lasting_shifts: LastingShifts = "discount",
    central_matching: bool = False,
    known_shifts: ArrayLike | None = None,
) -> SpendShifts:
    r"""Screen all customers for falls and gains of their spending.

    Every customer is held against the own past and against the peers, so that season, trend and crisis are no
    finding; and the earlier months of the same customers say how often chance alone looks as bad. It screens: it
    does not say why somebody left, and a shift that began earlier is found only while most of the baseline is
    older.

    Parameters
    ----------
    panel : SpendPanel
        Amounts by customer and month, at least ``baseline + 2 * recent`` months.
    peers : sequence, default=None
        Peer group of each customer. None: those of the panel, else all customers are one group.
    recent : int, default=3
        Months that are tested: the last ones. A change must show in every one of them.
    baseline : int, default=18
        Months before them that say what is usual, from 4.
    q : float, default=0.05
        Level of the false discovery rate, in (0, 1), for falls and gains apart.
    min_change : float, default=0.0
        Smallest change that matters, as a share in [0, 1): the test is whether the change is larger.
    shocks : sequence of Shock, default=()
        Months that hit everybody.
    shock_mode : {"mask", "discount"}, default="mask"
        What a shock does to the recent months. ``"mask"`` excuses falls while they touch one, and gains in the
        first recent months after one (a rebound): they are "masked". ``"discount"`` excuses only what the peers
        lost too.
    detect : {"none", "peers", "macro", "both"}, default="none"
        Where to look for shocks that nobody declared: in the path of all peers, where a shock begins with a loss
        of at least 5 % in a month, or in `macro`; by the rule of `detect_shocks`.
    macro : array_like of shape (n_months,), default=None
        Levels of a macro series in the months of the panel, above 0; needed to look for shocks in it.
    min_active : float, default=0.5
        Share of the baseline months with an amount above 0 that a customer needs, in (0, 1].
    min_peers : int, default=10
        Active customers that a group needs in each month of the tested window.
    min_null : int, default=2000
        Earlier windows that a stratum of the null needs; strata with fewer are joined.
    lasting_shifts : {"discount", "keep"}, default="discount"
        What becomes of earlier changes that lasted, by the months after them. A bank that customers leave steadily
        has as many leavers in earlier windows as in the tested ones: kept, they are the null, and nobody is found.
        Discounted, they count as far as lasting changes the other way say that they are chance.
    central_matching : bool, default=False
        Whether the tested statistics are moved and scaled so that their middle half is that of the null; those of
        customers whose baseline does not vary stay. For recent months that are noisier (or calmer) than the
        earlier ones, as `SpendShifts.spread_ratio` tells. True shifts widen the middle too: where 3 % moved it
        costs up to four points of recall, where 15 % moved three to twenty, where 30 % moved ten to fifty.
    known_shifts : array_like of bool, shape (n_customers,), default=None
        Customers who are known to have moved money earlier in these months. Their earlier windows say nothing of
        chance and are left out of the null; they are tested all the same. Name only those who are known: to leave
        out whoever once looked bad would call chance a shift. None: nobody.

    Returns
    -------
    SpendShifts
        A verdict for every customer, with change, money moved and p-values.

    Raises
    ------
    DomainError
        If `panel` is no panel or too short, a shock lies outside of it, shocks leave no earlier window or less
        than half of the baseline, or `macro` and `detect` do not belong together.
    DataError
        If a peer group is null, or a level of `macro` is missing or not above 0.
    pydantic.ValidationError
        If another setting lies outside its range.

    See Also
    --------
    plant_shifts : Plants known shifts into a panel, to see what would be found.

    Notes
    -----
    With amounts :math:`y_{it}` and the customer's median active month :math:`m_i`:

    1. :math:`x_{it} = \log(y_{it} / m_i + 0.05)`, less the median of its group over the active customers of the
       month. That takes off whatever the group has in common, exactly where it is common.
    2. :math:`d_i = \max_{recent} x - \operatorname{median}_{baseline} x` for falls, the minimum for gains: one odd
       month cannot flag. Only active months of the baseline count.
    3. :math:`z_i = (d_i - \delta) / \tilde s_i` with
       :math:`\tilde s_i^2 = (n_0 g^2 + (w_i - 1) s_i^2) / (n_0 + w_i - 1)`, the baseline's standard deviation
       drawn towards the usual one as in Smyth (2004) [1]_, :math:`n_0 = 4`, and :math:`\delta` the minimum change
       on this scale, as in McCarthy and Smyth (2009) [2]_.
    4. The same at all earlier ends of the panel, `recent` months apart and with :math:`\delta = 0`, is the null:
       p = (1 + #{null <= z}) / (M + 1), among windows with alike numbers of idle months before and in the tested
       ones. Windows whose tested months touch a shock are skipped, and shock months are left out of all baselines.
       A customer's earlier change lasted if *every one* of the `recent` months after it, and of the tested ones,
       is still low (or high) against its baseline, by Hampel's limit of 3 x 1.4826 MAD over all customers; a stop
       that lasted is larger than any other fall. Lasting falls of some size and more weigh together, in the null
       of falls of each window, at most 1 plus the number of lasting gains of that size. What drifts by chance
       drifts both ways; what leaves does not. The same for gains. The months of the change itself are not looked
       at. M and the counts are sums of weights.
       Where more than a hundredth of `q` of the windows are stops that weigh 1, most of which ended again, a
       complete stop is usual and "not testable" for the reason "stopped, as others did". `SpendShifts.stopped`
       lists who could have been tested, stopped, and is no finding; call them.
    5. Benjamini and Hochberg (1995) [3]_, falls and gains apart, over those that can be tested.

    The money expected is the baseline's level times the peers' factor times the share of active baseline months;
    change and money moved are the recent months against it. Steps 1, 2 and 4 are ours, with Efron's (2004) [4]_
    idea of a null taken from the data. Earlier shifts that cannot be told from chance stay in the null and make it
    careful. An episode that began lately and will end is a fall while it lasts, and so is a steady decline. A
    customer whose complete stop could not reach `q` is "not testable" (no power), and is left out of the falls'
    adjustment (Tarone 1990 [5]_); of the others all would be found if all stopped. p-values cannot be smaller than
    1 / (M + 1): with few customers little can be found, and `plant_shifts` tells how much.

    The null holds where the recent months are like the earlier ones. What only some customers do in these months
    of every year is no common season: make them a peer group, or give `baseline` + `recent` + 12 months and more,
    so that the null holds the same months a year before. Of 10,000 customers of whom 5 % spend 63 % less in every
    last quarter, 30 months (18 of baseline) call some 340 to 540 falls and 33 none; beside 2 % true falls 36
    months have 15 to 28 % false ones at q = 0.05. Recent months that are noisier than the earlier ones by a fifth
    have 12 %, and with `central_matching` 3 %: Efron's (2004) central matching, for the empirical null. A shock
    that hits customers unequally makes such months.

    Cost: O(n T log T) time, and memory of about two and a half further panels.

    References
    ----------
    .. [1] Smyth, G. K. (2004). Linear models and empirical Bayes methods for assessing differential expression in
       microarray experiments. *Statistical Applications in Genetics and Molecular Biology* 3(1), article 3.
    .. [2] McCarthy, D. J., Smyth, G. K. (2009). Testing significance relative to a fold-change threshold is a
       TREAT. *Bioinformatics* 25(6), 765-771.
    .. [3] Benjamini, Y., Hochberg, Y. (1995). Controlling the false discovery rate. *Journal of the Royal
       Statistical Society B* 57(1), 289-300.
    .. [4] Efron, B. (2004). Large-scale simultaneous hypothesis testing: the choice of a null hypothesis. *Journal
       of the American Statistical Association* 99, 96-104.
    .. [5] Tarone, R. E. (1990). A modified Bonferroni method for discrete data. *Biometrics* 46(2), 515-522.

    Examples
    --------
    >>> import numpy as np
    >>> from custvalue import wallet
    >>> rng = np.random.default_rng(0)
    >>> amounts = 100.0 * np.exp(0.1 * rng.normal(size=(2000, 36)))
    >>> amounts[:20, -3:] *= 0.3
    >>> found = wallet.spend_shifts(wallet.SpendPanel.from_wide(amounts, start="2022-01"))
    >>> found
    SpendShifts(customers=2000, falls=20, gains=0, masked=0, not_testable=0)
    >>> found.verdict[0], float(found.change[0].round(2)), float(found.money_moved[0].round(1))
    ('fall', -0.68, 66.9)
    """
    require(panel, SpendPanel, "panel", "Make one by SpendPanel.from_wide, from_long or from_transactions.")
    settings = ShiftSettings(
        recent=unboxed(recent),
        baseline=unboxed(baseline),
        q=unboxed(q),
        min_change=unboxed(min_change),
        shocks=shocks,
        shock_mode=shock_mode,
        detect=detect,
        min_active=unboxed(min_active),
        min_peers=unboxed(min_peers),
        min_null=unboxed(min_null),
        lasting_shifts=lasting_shifts,
        central_matching=unboxed(central_matching),
    )
    _require_months(panel, settings)
    codes, names = _groups(panel, peers)
    series = _macro(panel, settings, macro)
    ratios = peer_kernel.log_ratios(panel.amounts)
    active = np.ascontiguousarray((panel.amounts > 0.0).T)
    factor = peer_kernel.peer_factor(ratios.ratio, active, codes, len(names))
    found = _all_shocks(panel, settings, factor, series)
    closed = closed_months(panel, found)
    windows = _windows(panel, settings, closed)
    peer_kernel.subtract_factor(ratios.ratio, factor.factor, codes)
    enough = _enough_peers(factor, windows, settings, codes)
    chance = ~_known(known_shifts, len(panel.customers))
    enough[1:] = [peers_there & chance for peers_there in enough[1:]]
    # What a month of nothing is in the easiest of the tested months.
    nothing = (np.log(peer_kernel.OFFSET) - factor.factor[:, windows[0].recent].min(axis=1))[codes]
    tested = against_chance(ratios, active, windows, settings, enough, nothing)
    return _result(panel, settings, found, closed, windows[0], ratios.usual, factor, codes, names, tested)


def _known(known_shifts: ArrayLike | None, n_customers: int) -> BoolArray:
    if known_shifts is None:
        return np.zeros(n_customers, dtype=np.bool_)
    known = np.asarray(known_shifts)
    if known.shape != (n_customers,) or known.dtype != np.bool_:
        message = f"known_shifts must be one of True and False for each of the {n_customers} customers."
        raise DomainError(message)
    if known.all():
        message = "known_shifts names every customer; somebody must say what chance does."
        raise DomainError(message)
    return known


def _require_months(panel: SpendPanel, settings: ShiftSettings) -> None:
    months = panel.amounts.shape[1]
    needed = settings.baseline + 2 * settings.recent
    if months < needed:
        message = (
            f"The panel has {months} months; allowed: at least baseline + 2 recent = {needed}, so that the recent "
            "months have a baseline and one earlier window says what chance does. Take a shorter baseline."
        )
        raise DomainError(message)


def _groups(panel: SpendPanel, peers: Sequence[Any] | None) -> tuple[NDArray[np.int32], tuple[Any, ...]]:
    if peers is not None:
        return peers_of(peers, len(panel.customers))
    if panel.peers is not None:
        return panel.peers, panel.peer_groups
    return np.zeros(len(panel.customers), dtype=np.int32), ("all",)


def _macro(panel: SpendPanel, settings: ShiftSettings, macro: ArrayLike | None) -> FloatArray | None:
    wanted = settings.detect in ("macro", "both")
    if wanted != (macro is not None):
        message = "macro and detect='macro' (or 'both') belong together; give both or none."
        raise DomainError(message)
    if macro is None:
        return None
    levels = _frames.row_of_numbers(macro, argument="macro", each="a month")
    if levels.shape != panel.months.shape:
        message = f"macro has shape {levels.shape}; allowed: one level for each of the {len(panel.months)} months."
        raise DomainError(message)
    return levels


def _all_shocks(
    panel: SpendPanel, settings: ShiftSettings, factor: PeerFactor, macro: FloatArray | None
) -> tuple[Shock, ...]:
    found: tuple[Shock, ...] = ()
    firsts = panel.months.astype(np.int64)
    labels = [month_text(month) for month in firsts]
    lasts = {label: month_text(month) for label, month in zip(labels, firsts + panel.lengths - 1, strict=True)}
    if macro is not None:
        found += detect_shocks(macro, months=labels, what="found in the macro series")
    if settings.detect in ("peers", "both"):
        weights = factor.active / np.maximum(factor.active.sum(axis=0), 1)
        path = np.exp((weights * factor.factor).sum(axis=0))
        found += detect_shocks(path, months=labels, smallest=LOSS, what="found among the peers")
    return (*settings.shocks, *(shock.model_copy(update={"end": lasts[shock.end]}) for shock in found))


def _windows(panel: SpendPanel, settings: ShiftSettings, closed: BoolArray) -> list[Window]:
    windows = null_kernel.placebo_windows(len(closed), settings.recent, settings.baseline, closed)
    kept = len(windows[0].baseline)
    if 2 * kept < settings.baseline:
        message = (
            f"Shocks leave {kept} of the {settings.baseline} baseline months; allowed: at least half. Take a "
            "longer baseline, or shorter shocks."
        )
        raise DomainError(message)
    if len(windows) == 1:
        message = (
            f"No earlier window of the {len(panel.months)} months is free of shocks; at least one must say what "
            "chance does. Take a shorter baseline, shorter shocks or more months."
        )
        raise DomainError(message)
    return windows


def _enough_peers(
    factor: PeerFactor, windows: list[Window], settings: ShiftSettings, codes: NDArray[np.int32]
) -> list[BoolArray]:
    """Tell for each window whose group has enough active members in all of its months."""
    enough = []
    for window in windows:
        months = np.concatenate([window.baseline, window.recent])
        enough.append((factor.active[:, months].min(axis=1) >= settings.min_peers)[codes])
    return enough


def _result(
    panel: SpendPanel,
    settings: ShiftSettings,
    shocks: tuple[Shock, ...],
    closed: BoolArray,
    window: Window,
    usual: FloatArray,
    factor: PeerFactor,
    codes: NDArray[np.int32],
    names: tuple[Any, ...],
    tested: Tested,
) -> SpendShifts:
    """Add the money, decide, and put the result together."""
    seen = tested.statistics
    share_active = 1.0 - seen.idle_baseline / len(window.baseline)
    weights = panel.lengths[window.recent] / panel.lengths[window.recent].sum()
    expected = np.zeros(len(usual))
    for month, weight in zip(window.recent, weights, strict=True):
        level = np.exp(seen.level + factor.factor[:, month][codes]) - peer_kernel.OFFSET
        expected += weight * usual * share_active * np.maximum(level, 0.0)
    actual = panel.amounts[:, window.recent] @ weights
    change = np.full(len(usual), np.nan)
    np.divide(actual - expected, expected, out=change, where=expected > 0.0)
    q_fall, q_gain = verdicts.adjusted_p(tested.p_fall), verdicts.adjusted_p(tested.p_gain)
    decided = verdicts.decide(
        q_fall,
        q_gain,
        change,
        tested.reason,
        level=settings.q,
        min_change=settings.min_change,
        excused=verdicts.excuses(closed, settings.recent, settings.shock_mode),
    )
    spec = canonical_json(settings)
    counts = {
        "shocks": len(shocks),
        "customers": len(usual),
        "months": len(closed),
        "null": tested.n_null,
        "discounted": tested.n_discounted,
    }
    return SpendShifts(
        panel=panel,
        verdict=read_only(np.array(verdicts.VERDICTS, dtype=object)[decided.verdict]),
        reason=read_only(np.array(verdicts.REASONS, dtype=object)[decided.reason]),
        change=read_only(change),
        expected=read_only(expected),
        actual=read_only(actual),
        p_fall=read_only(tested.p_fall),
        q_fall=read_only(q_fall),
        p_gain=read_only(tested.p_gain),
        q_gain=read_only(q_gain),
        usual=read_only(usual),
        level=read_only(seen.level),
        share_active=read_only(share_active),
        peers=read_only(codes),
        peer_groups=names,
        peer_factor=read_only(factor.factor),
        recent=read_only(window.recent),
        baseline=read_only(window.baseline),
        in_shock=read_only(closed),
        shocks=shocks,
        q=settings.q,
        spread_ratio=tested.spread_ratio,
        provenance=provenance(spec, **counts),
    )
