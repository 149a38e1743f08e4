"""Whom to offer the new product: present holders of the old one, ranked by their likeness to those who moved."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.stats import rankdata
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedKFold
from sklearn.utils import check_random_state

from custvalue import _frames
from custvalue._results import Provenance, html_table, provenance, read_only, short_repr
from custvalue._spec import whole_number
from custvalue._substitution.flows import HAD_BEFORE, MOVED, UNDECIDED
from custvalue._substitution.propensity import SubstitutionPropensity, probability, ridge_logistic
from custvalue.exceptions import ColumnError, DataError, DomainError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import narwhals.stable.v2 as nw
    from numpy.typing import NDArray

    from custvalue._typing import BoolArray, FloatArray, IntArray, RandomState

_DECILES = 10


@dataclass(frozen=True, eq=False, repr=False)
class TargetList:
    """Present holders of an old product, ranked for the offer of a new one, with the model's validation.

    Attributes
    ----------
    old, new : str
        The pair.
    model : SubstitutionPropensity
        Fitted on all holders who could have moved.
    propensity : ndarray of shape (n_targets,)
        Fitted probability to move, in descending order.
    rank : ndarray of int, shape (n_targets,)
        1 + the number of customers with a higher propensity: equal customers share a rank.
    decile : ndarray of int, shape (n_targets,)
        1 (the highest propensity) to 10, from the rank, so that equal customers share a decile.
    n_holders, n_movers : int
        Rows the model learnt from, and those of them who moved.
    auc : float
        Area under the ROC curve on customers left out of the fit, mean over the folds; .5 ranks no better than
        chance.
    log_loss : float
        Mean logarithmic loss of the left-out customers, in nats.
    base_log_loss : float
        The same where everyone gets the share of movers of the other folds; a useful model lies below.
    shuffled_auc : ndarray of shape (n_shuffles,)
        The area where movers are dealt out at random before the whole validation.
    p_value : float
        (r + 1) / (n_shuffles + 1) with r shuffles at or above `auc`; not a number without shuffles.
    calibration : pandas.DataFrame
        By decile of the left-out propensity: ``decile``, ``customers``, ``expected``, ``moved``, ``lift`` (rate of
        the decile over that of all).
    provenance : Provenance
        Package version and counts.

    See Also
    --------
    Substitution.targets : Makes it.
    SubstitutionPropensity : The model.

    Notes
    -----
    The propensity says who resembles past movers. It is not the effect of an offer: who would move without one
    ranks high too.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from custvalue import basket
    >>> rng = np.random.default_rng(0)
    >>> key, young = np.arange(400), rng.random(400) < 0.5
    >>> moved = (rng.random(400) < np.where(young, 0.6, 0.1))
    >>> before = pd.DataFrame({"customer": key, "product": "passbook"})
    >>> after = pd.DataFrame({"customer": key, "product": np.where(moved, "app", "passbook")})
    >>> found = basket.substitution_between(
    ...     before, after, customer="customer", product="product", old="passbook", new="app")
    >>> figures = pd.DataFrame({"customer": key, "young": young})
    >>> listed = found.targets(figures, figures, old="passbook", new="app", random_state=0)
    >>> bool(listed.auc > 0.7), len(listed) == int((~moved).sum())
    (True, True)
    """

    old: str
    new: str
    model: SubstitutionPropensity
    propensity: FloatArray
    rank: IntArray
    decile: IntArray
    n_holders: int
    n_movers: int
    auc: float
    log_loss: float
    base_log_loss: float
    shuffled_auc: FloatArray
    p_value: float
    calibration: pd.DataFrame
    provenance: Provenance
    _keys: NDArray[Any] = field(repr=False)
    _like: Any = field(repr=False)
    _customer: str = field(repr=False)

    def __len__(self) -> int:
        return len(self.propensity)

    def to_frame(self) -> Any:
        """Give the list, the most likely first; equal customers stand in the order of their keys.

        Returns
        -------
        frame
            In the library of `present`: the customer column, ``propensity``, ``rank``, ``decile``.
        """
        columns = {
            self._customer: self._keys,
            "propensity": self.propensity,
            "rank": self.rank,
            "decile": self.decile,
        }
        return _frames.like(self._like, columns, keep_index=False)

    def __repr__(self) -> str:
        return short_repr(
            "TargetList",
            old=repr(self.old),
            new=repr(self.new),
            targets=len(self),
            movers=self.n_movers,
            auc=round(self.auc, 3),
        )

    def _repr_html_(self) -> str:
        caption = (
            f"Offer of {self.new} to holders of {self.old}: {len(self)} targets, {self.n_movers} of "
            f"{self.n_holders} moved, AUC {self.auc:.3f}"
        )
        frame = self.calibration
        return html_table(list(frame.columns), frame.itertuples(index=False), caption=caption)


def _rows_of(frame: nw.DataFrame[Any], wanted: NDArray[Any], customer: str, argument: str) -> list[int]:
    """Give the row of each wanted customer."""
    series = frame.get_column(customer)
    text = wanted.dtype == object
    if series.dtype.is_integer() == text:
        allowed = "text, as the panel's" if text else "integers, as the panel's"
        raise ColumnError.wrong_type(customer, found=f"{series.dtype} in {argument}", allowed=allowed)
    if nulls := series.null_count():
        message = f"Column '{customer}' of {argument} holds {nulls} null(s). Mend or leave out those rows."
        raise DataError(message)
    own = np.array(series.to_list(), dtype=object) if text else np.asarray(series.to_numpy())
    if own.dtype.kind != wanted.dtype.kind:  # signed beside unsigned: as Python's numbers, which lose no digit
        own, wanted = own.astype(object), wanted.astype(object)
    index = pd.Index(own)
    if not index.is_unique:
        message = f"{argument} holds {int(index.duplicated().sum())} customer(s) more than once; one row each."
        raise DataError(message)
    places = index.get_indexer(pd.Index(wanted))
    lacking = int((places < 0).sum())
    if lacking:
        message = (
            f"{argument} lacks {lacking} of {len(wanted)} customers that are needed. Give figures for all of "
            "them, or leave those customers out of the panel."
        )
        raise DataError(message)
    return [int(place) for place in places]


def _figures(
    data: Any, wanted: NDArray[Any], customer: str, features: Sequence[str] | None, argument: str
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Give the features of the wanted customers, in their order."""
    frame = _frames.eager(data, argument=argument)
    if customer not in frame.columns:
        raise ColumnError.missing(
            [customer], available=frame.columns, mend=f"{argument} needs the customers' key."
        )
    if isinstance(features, str):
        message = f"features must be a sequence of column names: ['{features}']."
        raise DomainError(message)
    names = tuple(name for name in frame.columns if name != customer) if features is None else tuple(features)
    if not names or customer in names:
        message = f"{argument} needs at least one feature beside the key '{customer}'."
        raise ColumnError(message)
    missing = [name for name in names if name not in frame.columns]
    if missing:
        raise ColumnError.missing(missing, available=frame.columns, mend=f"{argument} must hold them by name.")
    rows = frame[_rows_of(frame, wanted, customer, argument)] if len(wanted) else frame.head(0)
    numbers = _frames.numeric(rows.select(*names).to_native(), names, argument=argument)
    return pd.DataFrame(numbers, columns=list(names)), names


def area_under_curve(score: FloatArray, y: IntArray) -> float:
    """Give the chance that a mover scores above another customer; equal scores count half."""
    n_movers = int(y.sum())
    ranks = float(rankdata(score)[y == 1].sum())
    return (ranks - n_movers * (n_movers + 1) / 2) / (n_movers * (len(y) - n_movers))


def _folds(
    X: FloatArray, y: IntArray, n_splits: int, rng: np.random.RandomState
) -> tuple[float, FloatArray, FloatArray]:
    """Give the mean area of the folds, and each customer's propensity and base rate without the own fold."""
    fitted, base, areas = np.empty(len(y)), np.empty(len(y)), []
    strength = SubstitutionPropensity().inverse_regularisation
    for learnt, left_out in StratifiedKFold(n_splits, shuffle=True, random_state=rng).split(X, y):
        model = ridge_logistic(X[learnt], y[learnt] == 1, strength)
        fitted[left_out] = probability(model.log_odds(X[left_out]))
        base[left_out] = y[learnt].mean()
        areas.append(area_under_curve(fitted[left_out], y[left_out]))
    return float(np.mean(areas)), fitted, base


def ranks_and_deciles(propensity: FloatArray) -> tuple[IntArray, IntArray]:
    """Give rank and decile of values in descending order; equal values share both."""
    rank = 1 + np.searchsorted(-propensity, -propensity, side="left")
    return rank.astype(np.int64), (1 + _DECILES * (rank - 1) // max(1, len(rank))).astype(np.int64)


def calibration_table(propensity: FloatArray, y: IntArray) -> pd.DataFrame:
    """Compare expected and observed movers by decile."""
    order = np.argsort(-propensity, kind="stable")
    _, decile = ranks_and_deciles(propensity[order])
    frame = pd.DataFrame({"decile": decile, "expected": propensity[order], "moved": y[order]})
    table = frame.groupby("decile", as_index=False).agg(
        customers=("moved", "size"), expected=("expected", "sum"), moved=("moved", "sum")
    )
    return table.assign(lift=table["moved"] / table["customers"] / y.mean())


def target_list(
    history: Any,
    present: Any,
    *,
    keys: NDArray[Any],
    customer: str,
    holders: NDArray[np.intp],
    present_holders: BoolArray,
    state: NDArray[np.int8],
    had: BoolArray,
    pair: tuple[str, str],
    features: Sequence[str] | None,
    events_per_feature: int,
    n_splits: int,
    n_shuffles: int,
    random_state: RandomState,
) -> TargetList:
    """Fit on those who could have moved, validate, and rank those who still can."""
    n_splits = whole_number(n_splits, "n_splits", 2, 100)
    n_shuffles = whole_number(n_shuffles, "n_shuffles", 0, 100_000)
    per_feature = whole_number(events_per_feature, "events_per_feature", 1)
    could = (state != HAD_BEFORE) & (state != UNDECIDED)
    y = (state[could] == MOVED).astype(np.int64)
    X, names = _figures(history, keys[holders[could]], customer, features, "history")
    needed = max(n_splits, per_feature * len(names))
    movers, others = int(y.sum()), int((1 - y).sum())
    if min(movers, others) < needed:
        message = (
            f"{movers} customer(s) moved and {others} did not; needed: {needed} of each for {len(names)} "
            "feature(s). Take fewer features or a longer observation."
        )
        raise DataError(message)
    offered = holders[present_holders & ~had]
    now, _ = _figures(present, keys[offered], customer, names, "present")
    rng = check_random_state(random_state)
    figures = X.to_numpy()
    area, fitted, base = _folds(figures, y, n_splits, rng)
    shuffled = np.array([_folds(figures, rng.permutation(y), n_splits, rng)[0] for _ in range(n_shuffles)])
    model = SubstitutionPropensity().fit(X, y)
    propensity = model.predict_proba(now)[:, 1] if len(now) else np.zeros(0)
    order = np.argsort(-propensity, kind="stable")
    rank, decile = ranks_and_deciles(propensity[order])
    return TargetList(
        old=pair[0],
        new=pair[1],
        model=model,
        propensity=read_only(propensity[order]),
        rank=read_only(rank),
        decile=read_only(decile),
        n_holders=len(y),
        n_movers=movers,
        auc=area,
        log_loss=float(log_loss(y, fitted)),
        base_log_loss=float(log_loss(y, base)),
        shuffled_auc=read_only(shuffled),
        p_value=float((1 + (shuffled >= area).sum()) / (1 + n_shuffles)) if n_shuffles else float("nan"),
        calibration=calibration_table(fitted, y),
        provenance=provenance(holders=len(y), movers=movers, undecided=int((state == UNDECIDED).sum())),
        _keys=keys[offered][order],
        _like=_frames.eager(present, argument="present").head(0).to_native(),
        _customer=customer,
    )
