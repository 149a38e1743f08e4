"""Drift: how far figures and segments of two moments lie apart, beyond noise, and why customers moved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
from sklearn.utils import check_random_state

from custvalue import _frames
from custvalue._customer_scores.drift_result import Drift, StabilityBins
from custvalue._customer_scores.score_table import ScoreTable
from custvalue._customer_scores.segment_map import SegmentMap
from custvalue._customer_scores.segment_names import Segments, labels_of, states_of
from custvalue._indicators.snapshot import Snapshot
from custvalue._kernels import population_stability as stability
from custvalue._kernels import transitions
from custvalue._results import provenance, read_only
from custvalue._spec import FrozenMapping, require, unboxed, whole_number
from custvalue.exceptions import ColumnError, DataError, DomainError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from custvalue._typing import FloatArray, RandomState, Table

#: More states make a matrix that nobody reads and that no memory holds.
MOST_STATES: Final = 2000
_MOST_BINS: Final = 1000
_MOST_PERMUTATIONS: Final = 100_000


def drift(
    before: Snapshot | Table,
    after: Snapshot | Table,
    *,
    key: str | None = None,
    columns: Sequence[str] | None = None,
    label: str | None = None,
    cuts_before: ScoreTable | None = None,
    cuts_after: ScoreTable | None = None,
    segment_map: SegmentMap | None = None,
    segment_columns: Mapping[str, str] | None = None,
    n_bins: int = 10,
    confidence: float = 0.95,
    n_permutations: int = 0,
    random_state: RandomState = None,
) -> Drift:
    r"""Compare the figures and segments of customers at two moments.

    Parameters
    ----------
    before, after : Snapshot or frame
        The earlier and the later moment: snapshots of the same indicators, whose graded customers are compared, or
        frames in memory with one row a customer.
    key : str, default=None
        Column of a frame with the customer's key; None takes the index of a pandas frame. Not for snapshots.
    columns : sequence of str, default=None
        Figures to compare. None takes all of a snapshot, or every numeric column of `before` but the key and the
        label.
    label : str, default=None
        Column of frames with a segment already given. Its moves are counted; their causes are not known.
    cuts_before, cuts_after : ScoreTable, default=None
        Cut points in force at either moment, by which figures become scores; `cuts_after` None is the same cuts.
    segment_map : SegmentMap, default=None
        Names the scores' segments; None takes the cells, such as ``"5-4-3"``.
    segment_columns : mapping of str to str, default=None
        For each axis of the map the figure whose score it reads, such as ``{"monetary": "turnover"}``. None takes
        figures named like the axes.
    n_bins : int, default=10
        Bins of the stability index, between quantiles of `before`; from 2 to 1000.
    confidence : float, default=0.95
        Level of the noise limits and of the intervals of migration, in (0, 1).
    n_permutations : int, default=0
        Exchanges of the two moments by which the noise of these customers is found; 0 leaves it out.
    random_state : int, RandomState instance or None, default=None
        Where the exchanges come from.

    Returns
    -------
    Drift
        Distances a figure, moves between segments with intervals, and what caused them.

    Raises
    ------
    ColumnError
        If a column is missing, in one moment only, or holds no numbers.
    DataError
        If a key is null or stands twice, the keys of the moments are of different types, nobody is there, a label
        is null, or a figure is infinite.
    DomainError
        If the moments are not of one kind, a setting is out of its range, or settings exclude each other.

    See Also
    --------
    RFMScorer : Fits the cut points.
    compute : Makes the snapshots.

    Notes
    -----
    The population stability index of shares :math:`b_i` before and :math:`a_i` after [1]_,

    .. math:: \mathrm{PSI} = \sum_i (a_i - b_i) \ln(a_i / b_i),

    is the symmetrised divergence of Kullback and Leibler. Bins lie between the different type-7 quantiles of the
    values before; a value equal to a cut lies in the lower one; null has a bin of its own. Where a bin is empty at
    one moment, 1/2 is added to every count of both (ours, after Krichevsky and Trofimov), since the index would be
    infinite. The limits .1 and .25 that practice repeats are folklore: they ignore how many customers there are.
    Of two independent samples of one population, of :math:`n` and :math:`m` customers in :math:`B` bins, the index
    is below :math:`(1/n + 1/m) \chi^2_{B-1}` at the confidence [2]_.

    Two moments mostly hold the same customers, whose figures resemble each other: where nothing drifts their noise
    is smaller, and this limit too wide. ``n_permutations`` finds theirs: each customer's two moments are exchanged
    with even chances, those of entrants and leavers dealt anew, bins held (ours). It supposes that, but for drift,
    the two are exchangeable; where they do drift, exchanges carry the drift into the noise, and the limit can come
    out above the other. The Kolmogorov-Smirnov statistic compares the known values and is exact with ties; its
    p-value is that of independent samples, exact for at most 10,000 pairs of values and asymptotic beyond, and
    with ties larger than it should be.

    Customers of both moments migrate; Wilson's interval [3]_ goes with each share. For the causes of a move see
    :meth:`Drift.causes`. Cost: :math:`O(n \log n)` a figure.

    References
    ----------
    .. [1] Siddiqi, N. (2006). *Credit Risk Scorecards*. Wiley.
    .. [2] Yurdakul, B. (2018). *Statistical Properties of Population Stability Index*. Dissertation, Western
       Michigan University.
    .. [3] Wilson, E. B. (1927). Probable inference, the law of succession, and statistical inference. *Journal of
       the American Statistical Association*, 22(158), 209-212.

    Examples
    --------
    The second customer's turnover rose; the third one's label changed with the cut.

    >>> import pandas as pd
    >>> from custvalue import rfm
    >>> before = pd.DataFrame({"turnover": [10.0, 20.0, 30.0, 40.0]}, index=["a", "b", "c", "d"])
    >>> after = pd.DataFrame({"turnover": [10.0, 50.0, 30.0, 40.0]}, index=["a", "b", "c", "d"])
    >>> old = rfm.ScoreTable(columns=[rfm.ScoreCuts(name="turnover", method="thresholds", cuts=[25.0])])
    >>> new = rfm.ScoreTable(columns=[rfm.ScoreCuts(name="turnover", method="thresholds", cuts=[35.0])])
    >>> found = rfm.drift(before, after, cuts_before=old, cuts_after=new, n_bins=2)
    >>> found.to_frame()[["indicator", "psi", "psi_limit"]].round(3)
      indicator    psi  psi_limit
    0  turnover  0.275      1.921
    >>> found.causes()[["before", "after", "customers", "customer_effect", "cuts_effect"]]
      before after  customers  customer_effect  cuts_effect
    0      1     1          1              0.0          0.0
    1      1     2          1              1.0          0.0
    2      2     1          1              0.0          1.0
    3      2     2          1              0.0          0.0
    """
    level = _checked_settings(n_bins, confidence, n_permutations)
    _check_labels(label, cuts_before, cuts_after, segment_map)
    segments = Segments.of(segment_map, segment_columns, cuts_before)
    first, second = _moments(before, after, key)
    names = _compared(first, second, columns, label)
    places = _matched(first, second)
    numbers = [_frames.numeric(one.native, names, argument=one.argument, nulls=True) for one in (first, second)]
    rng = check_random_state(random_state)
    figures = [
        _compared_figure(numbers[0][:, j], numbers[1][:, j], places, n_bins, level, n_permutations, rng)
        for j in range(len(names))
    ]
    moves = _moves(first, second, places, label, (cuts_before, cuts_after or cuts_before), segments)
    n_both = len(places.before)
    counts = {
        "before": first.n_rows,
        "after": second.n_rows,
        "both": n_both,
        "entrants": second.n_rows - n_both,
        "leavers": first.n_rows - n_both,
    }
    tables = [one.model_dump_json() for one in (cuts_before, cuts_after, segment_map) if one is not None]

    def column(name: str) -> FloatArray:
        return read_only(np.array([figure[name] for figure in figures], dtype=np.float64))

    bins = {name: figure["bins"] for name, figure in zip(names, figures, strict=True)}
    return Drift(
        indicators=tuple(names),
        psi=column("psi"),
        psi_limit=column("psi_limit"),
        psi_p_value=column("psi_p_value"),
        psi_permuted_limit=column("psi_permuted_limit"),
        psi_permuted_p_value=column("psi_permuted_p_value"),
        ks=column("ks"),
        ks_p_value=column("ks_p_value"),
        distributions=FrozenMapping(bins),
        n_customers=FrozenMapping(counts),
        confidence=level,
        provenance=provenance("\n".join(tables), **counts),
        **moves,
    )


# ---------------------------------------------------------------------------------------------------- settings


def _checked_settings(n_bins: int, confidence: float, n_permutations: int) -> float:
    whole_number(n_bins, "n_bins", 2, _MOST_BINS)
    whole_number(n_permutations, "n_permutations", 0, _MOST_PERMUTATIONS)
    level = unboxed(confidence)
    if not isinstance(level, float) or not 0.0 < level < 1.0:
        message = "confidence must be a number in (0, 1)."
        raise DomainError(message)
    return level


def _check_labels(
    label: str | None,
    cuts_before: ScoreTable | None,
    cuts_after: ScoreTable | None,
    segment_map: SegmentMap | None,
) -> None:
    for argument, given, kind in (
        ("cuts_before", cuts_before, ScoreTable),
        ("cuts_after", cuts_after, ScoreTable),
        ("segment_map", segment_map, SegmentMap),
    ):
        if given is not None:
            require(given, kind, argument)
    if cuts_before is None and (cuts_after is not None or segment_map is not None):
        message = "cuts_after and segment_map need cuts_before: give the cut points of the earlier moment too."
        raise DomainError(message)
    if label is not None and cuts_before is not None:
        message = "label and cuts_before both give the customers' segments: name one."
        raise DomainError(message)
    if cuts_after is not None and cuts_before is not None and cuts_after.names != cuts_before.names:
        message = "cuts_after and cuts_before must cut the same columns in the same order."
        raise DomainError(message)


# ---------------------------------------------------------------------------------------------------- moments


@dataclass(frozen=True)
class _Moment:
    """One moment: the frame of figures, the customers' keys, and the argument's name."""

    argument: str
    native: Any
    keys: pd.Index
    key: str | None

    @property
    def n_rows(self) -> int:
        """Number of customers."""
        return len(self.keys)

    @property
    def frame(self) -> nw.DataFrame[Any]:
        """The frame, wrapped."""
        return _frames.eager(self.native, argument=self.argument)


def _moments(before: Any, after: Any, key: str | None) -> tuple[_Moment, _Moment]:
    taken = [isinstance(one, Snapshot) for one in (before, after)]
    if taken[0] != taken[1]:
        message = "before and after must both be snapshots or both be frames."
        raise DomainError(message)
    if not taken[0]:
        return _of_frame(before, "before", key), _of_frame(after, "after", key)
    if key is not None:
        message = "key is for frames: a snapshot knows its own."
        raise DomainError(message)
    if before.indicators != after.indicators:
        message = "before and after hold different indicators: figures of one name must mean the same."
        raise DomainError(message)
    if before.as_of > after.as_of:
        message = "before is the later snapshot; give the earlier one first."
        raise DomainError(message)
    return tuple(  # type: ignore[return-value]  # two of them
        _checked_keys(_Moment(argument, one.features, pd.Index(one.customers), None))
        for argument, one in (("before", before), ("after", after))
    )


def _of_frame(table: Any, argument: str, key: str | None) -> _Moment:
    frame = _frames.eager(table, argument=argument)
    if key is not None:
        if key not in frame.columns:
            raise ColumnError.missing([key], available=frame.columns, mend=f"{argument} must hold the key.")
        keys = pd.Index(frame.get_column(key).to_list())
    elif frame.implementation.is_pandas():
        keys = frame.to_native().index
    else:
        message = f"{argument} has no index: name the column of the customer's key in key=."
        raise DomainError(message)
    return _checked_keys(_Moment(argument, table, keys, key))


def _checked_keys(moment: _Moment) -> _Moment:
    if not moment.n_rows:
        message = f"{moment.argument} holds no customer."
        raise DataError(message)
    nulls, repeated = (int(np.count_nonzero(mask)) for mask in (moment.keys.isna(), moment.keys.duplicated()))
    if nulls or repeated:
        message = (
            f"{moment.argument} must name each customer once; {nulls} key(s) are null and {repeated} stand again."
        )
        raise DataError(message)
    return moment


def _matched(first: _Moment, second: _Moment) -> stability.Pairs:
    """Find the customers of both moments, in the order of the first."""
    kinds = {moment.keys.inferred_type for moment in (first, second)}
    if len(kinds) > 1:
        message = f"The keys of before and after are of different types ({', '.join(sorted(kinds))}); cast one."
        raise DataError(message)
    places = second.keys.get_indexer(first.keys)
    met = np.flatnonzero(places >= 0)
    return stability.Pairs(met.astype(np.int64), places[met].astype(np.int64))


def _compared(first: _Moment, second: _Moment, columns: Sequence[str] | None, label: str | None) -> list[str]:
    """Name the figures to compare; each must be in both moments."""
    frames = (first, second)
    if columns is None:
        schema = first.frame.schema
        names = [name for name, kind in schema.items() if kind.is_numeric() and name not in (first.key, label)]
    elif isinstance(columns, str):
        message = "columns is a text; allowed: a sequence of names."
        raise DomainError(message)
    else:
        names = list(columns)
    if not names or len(set(names)) < len(names):
        message = "columns must name one or more figures, each once; before has no others that are numbers."
        raise ColumnError(message)
    for moment in frames:
        there = moment.frame.columns
        wanted = [*names, *([label] if label is not None else [])]
        if missing := [name for name in wanted if name not in there]:
            mend = f"{moment.argument} must hold them; name in columns= what both moments have."
            raise ColumnError.missing(missing, available=there, mend=mend)
    return names


def _compared_figure(
    before: FloatArray,
    after: FloatArray,
    places: stability.Pairs,
    n_bins: int,
    confidence: float,
    n_permutations: int,
    rng: np.random.RandomState,
) -> dict[str, Any]:
    """Compare one figure of both moments."""
    cuts = stability.stability_cuts(before, n_bins)
    size = len(cuts) + 2
    bins = [stability.binned(values, cuts) for values in (before, after)]
    counts = [np.bincount(one, minlength=size) for one in bins]
    terms = stability.stability_terms(counts[0].astype(np.float64), counts[1].astype(np.float64))
    index, met = float(terms.sum()), int(np.count_nonzero(counts[0] + counts[1]))
    limit = p_value = np.nan
    if n_permutations:
        permuted = stability.permuted_indices(bins[0], bins[1], places, size, n_permutations, rng)
        limit = float(np.quantile(permuted, confidence, method="higher"))
        # An index counts itself among the exchanges, so that no chance is 0; sums differ in the last digits.
        p_value = (1.0 + np.count_nonzero(permuted >= index * (1.0 - 1e-9))) / (1.0 + n_permutations)
    distance, ks_p_value = stability.largest_gap(before, after)
    return {
        "psi": index,
        "psi_limit": stability.noise_limit(len(before), len(after), met, confidence),
        "psi_p_value": stability.noise_p_value(index, len(before), len(after), met),
        "psi_permuted_limit": limit,
        "psi_permuted_p_value": p_value,
        "ks": distance,
        "ks_p_value": ks_p_value,
        "bins": StabilityBins(read_only(cuts), read_only(counts[0]), read_only(counts[1]), read_only(terms)),
    }


# ---------------------------------------------------------------------------------------------------- moves


def _moves(
    first: _Moment,
    second: _Moment,
    places: stability.Pairs,
    label: str | None,
    cuts: tuple[ScoreTable | None, ScoreTable | None],
    segments: Segments | None,
) -> dict[str, Any]:
    """Give the states, the migration between them, and the paths of the customers of both moments."""
    earlier, later = cuts
    if label is not None:
        labels = [_given_labels(moment, label) for moment in (first, second)]
        kinds = [_kind_of_labels(moment, label) for moment in (first, second)]
        if kinds[0] != kinds[1]:
            message = (
                f"Column '{label}' holds labels of different types ({kinds[0]}, {kinds[1]}), which would never be "
                "equal: cast one of them."
            )
            raise ColumnError(message)
    elif earlier is not None and later is not None:
        figures = [_scored_figures(moment, earlier) for moment in (first, second)]
        labels = [
            labels_of(figures[0], earlier, segments),
            labels_of(figures[1], later, segments),
            labels_of(figures[1][places.after], earlier, segments),
            labels_of(figures[0][places.before], later, segments),
        ]
    else:
        labels = [np.empty(0, dtype=np.str_)] * 2
    names = states_of(labels, segments if label is None else None)
    n_states = len(names)
    if n_states > MOST_STATES:
        message = f"There are {n_states} different labels; allowed: at most {MOST_STATES}. Take fewer scores."
        raise DataError(message)
    coded = [pd.Index(names).get_indexer(pd.Index(one)).astype(np.int64) for one in labels]
    if not n_states:
        nothing = np.zeros(0)
        return {
            "states": (),
            "migration": read_only(np.zeros((0, 0))),
            "leavers": read_only(nothing),
            "entrants": read_only(nothing),
            "paths": read_only(np.zeros((0, 5), dtype=np.int64)),
        }
    start, end = coded[0][places.before], coded[1][places.after]
    gone, come = np.delete(coded[0], places.before), np.delete(coded[1], places.after)
    paths = np.zeros((0, 5), dtype=np.int64)
    if label is None:
        walked, count = np.unique(np.column_stack([start, coded[2], coded[3], end]), axis=0, return_counts=True)
        paths = np.column_stack([walked, count]).astype(np.int64)
    return {
        "states": tuple(names),
        "migration": read_only(transitions.transition_counts(start, end, n_states)),
        "leavers": read_only(np.bincount(gone, minlength=n_states).astype(np.float64)),
        "entrants": read_only(np.bincount(come, minlength=n_states).astype(np.float64)),
        "paths": read_only(paths),
    }


def _kind_of_labels(moment: _Moment, label: str) -> str:
    kind = moment.frame.schema[label]
    if kind.is_integer():
        return "integers"
    return "text" if isinstance(kind, nw.String | nw.Categorical | nw.Enum | nw.Object) else str(kind)


def _given_labels(moment: _Moment, label: str) -> Any:
    values = moment.frame.get_column(label)
    plain = pd.Series(values.to_list(), dtype=object)
    if plain.isna().any():
        message = f"Column '{label}' of {moment.argument} holds {int(plain.isna().sum())} null(s); name a segment."
        raise DataError(message)
    return plain.map(str).to_numpy(dtype=np.str_)


def _scored_figures(moment: _Moment, table: ScoreTable) -> FloatArray:
    there = moment.frame.columns
    if missing := [name for name in table.names if name not in there]:
        mend = f"{moment.argument} must hold what the cuts are for."
        raise ColumnError.missing(missing, available=there, mend=mend)
    return _frames.numeric(moment.native, table.names, argument=moment.argument, nulls=True)
