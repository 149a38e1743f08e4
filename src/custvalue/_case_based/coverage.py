"""Coverage: whether prediction sets hold on customers of known class what their level promises."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import stats

from custvalue._case_based.conformal import (
    attainable_of,
    checked_codes,
    stranger_counts,
    tail_of,
    thresholds,
)
from custvalue._results import Provenance, html_table, provenance, read_only, short_repr
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from custvalue._case_based.conformal import Calibration
    from custvalue._case_based.retrieval import Retrieval
    from custvalue._typing import BoolArray, FloatArray, IntArray

#: Probability that an interval leaves out on either side, and below which a low coverage is no chance.
ERROR = 0.05


@dataclass(frozen=True, eq=False, repr=False)
class Coverage:
    r"""How often prediction sets hold the true class, level by level and class by class.

    Attributes
    ----------
    classes : tuple
        The classes.
    levels : tuple of float
        The levels, rising.
    customers : ndarray of int, shape (n_classes,)
        Customers of each class who were looked at.
    covered : ndarray of int, shape (n_levels, n_classes)
        Those whose set holds their class.
    low, high : ndarray of shape (n_levels, n_classes)
        95 % Clopper-Pearson interval of the share covered; 0 and 1 for a class without customers.
    chance : ndarray of shape (n_levels, n_classes)
        Probability that a right calibration covers so few or fewer; 1 for a class without customers.
    mean_size : ndarray of shape (n_levels, n_classes)
        Mean number of classes in the sets of the class's customers; NaN for a class without customers.
    attainable : ndarray of bool, shape (n_levels, n_classes)
        Whether the calibration sample of the class supports the level.
    truth : str
        What the classes of the calibration customers were judged by.
    provenance : Provenance
        Package version, hierarchy and counts.

    Notes
    -----
    The interval is that of Clopper and Pearson [1]_, for the coverage of this one calibration. The promise is
    about the average over calibration samples: with n calibration customers of a class and
    :math:`t = \lfloor (1 - \mathrm{level})(n + 1) \rfloor`, the coverage of one calibration is itself random,
    Beta(n + 1 - t, t) where scores do not tie [2]_, so that the interval may leave out the level though nothing is
    wrong. Of N new customers of that class the number covered is beta-binomial with (N, n + 1 - t, t) [3]_, and
    `chance` is its distribution at the number seen; ties only raise coverage. A `chance` under 5 % is evidence
    that these customers are not exchangeable with the calibration customers; where many classes and levels are
    looked at, one in twenty of them shows it for nothing.

    References
    ----------
    .. [1] Clopper, C. J., & Pearson, E. S. (1934). The use of confidence or fiducial limits illustrated in the
       case of the binomial. *Biometrika*, 26(4), 404-413.
    .. [2] Vovk, V. (2012). Conditional validity of inductive conformal predictors. *Proceedings of Machine
       Learning Research*, 25, 475-490.
    .. [3] Marques F., P. C. (2025). Universal distribution of the empirical coverage in split conformal
       prediction. *Statistics & Probability Letters*. arXiv:2303.02770.

    Examples
    --------
    >>> import numpy as np
    >>> from custvalue import cbr, grey
    >>> hierarchy = grey.Hierarchy.equal({"monetary": ["balance"]})
    >>> model = cbr.CaseBasedClassifier(hierarchy).fit([[0.1], [0.9]], [1, 2])
    >>> rng = np.random.default_rng(0)
    >>> X, y = rng.random((400, 1)), rng.integers(1, 3, 400)
    >>> model = model.calibrate(X[:200], y[:200], truth="classes drawn by lot")
    >>> found = model.coverage(X[200:], y[200:], levels=[0.9])
    >>> found.to_frame()[["class", "customers", "share", "mean_size", "verdict"]].round(2)
       class  customers  share  mean_size verdict
    0      1        105   0.94       1.83   holds
    1      2         95   0.86       1.78   holds
    """

    classes: tuple[Any, ...]
    levels: tuple[float, ...]
    customers: IntArray
    covered: IntArray
    low: FloatArray
    high: FloatArray
    chance: FloatArray
    mean_size: FloatArray
    attainable: BoolArray
    truth: str
    provenance: Provenance

    @property
    def share(self) -> FloatArray:
        """Share covered, shape (n_levels, n_classes); NaN for a class without customers."""
        return _ratio(self.covered, self.customers)

    @property
    def mean_set_size(self) -> FloatArray:
        """Mean number of classes in the sets of all customers, shape (n_levels,)."""
        sizes: FloatArray = np.nan_to_num(self.mean_size) @ self.customers / self.customers.sum()
        return sizes

    @property
    def excludes_level(self) -> BoolArray:
        """Whether the interval leaves out the level, shape (n_levels, n_classes)."""
        levels = np.array(self.levels)[:, None]
        outside: BoolArray = (self.low > levels) | (self.high < levels)
        return outside

    @property
    def verdicts(self) -> tuple[tuple[str, ...], ...]:
        """For each level and class "holds", "too low", "not attainable" or "no customers"."""
        return tuple(
            tuple(
                "no customers"
                if not n
                else "not attainable"
                if not supported
                else "too low"
                if chance < ERROR
                else "holds"
                for n, supported, chance in zip(self.customers.tolist(), *rows, strict=True)
            )
            for rows in zip(self.attainable.tolist(), self.chance.tolist(), strict=True)
        )

    def to_frame(self) -> pd.DataFrame:
        """Give one row a level and class.

        Returns
        -------
        pandas.DataFrame
            ``level``, ``class``, ``customers``, ``covered``, ``share``, ``low``, ``high``, ``excludes_level``,
            ``chance``, ``mean_size``, ``attainable``, ``verdict``.
        """
        n_levels, n_classes = self.covered.shape
        return pd.DataFrame(
            {
                "level": np.repeat(self.levels, n_classes),
                "class": list(self.classes) * n_levels,
                "customers": np.tile(self.customers, n_levels),
                "covered": self.covered.ravel(),
                "share": self.share.ravel(),
                "low": self.low.ravel(),
                "high": self.high.ravel(),
                "excludes_level": self.excludes_level.ravel(),
                "chance": self.chance.ravel(),
                "mean_size": self.mean_size.ravel(),
                "attainable": self.attainable.ravel(),
                "verdict": [verdict for row in self.verdicts for verdict in row],
            }
        )

    def in_words(self) -> str:
        """Say in words where the sets hold what they promise.

        Returns
        -------
        str
            The number of levels and classes that hold, and those that do not, by name.
        """
        flat = [verdict for row in self.verdicts for verdict in row]
        words = f"{flat.count('holds')} of {len(flat)} levels and classes hold, judged by: {self.truth}."
        for what in ("too low", "not attainable", "no customers"):
            named = [
                f"class {label} at {level:g}"
                for level, row in zip(self.levels, self.verdicts, strict=True)
                for label, verdict in zip(self.classes, row, strict=True)
                if verdict == what
            ]
            words += f" {what.capitalize()}: {', '.join(named)}." if named else ""
        return words

    def __repr__(self) -> str:
        flat = [verdict for row in self.verdicts for verdict in row]
        facts = {"levels": len(self.levels), "classes": len(self.classes), "customers": int(self.customers.sum())}
        return short_repr("Coverage", **facts, holds=flat.count("holds"), too_low=flat.count("too low"))

    def _repr_html_(self) -> str:
        frame = self.to_frame()
        table = html_table(list(frame.columns), frame.itertuples(index=False), caption="Coverage")
        return f"<p>{html.escape(self.in_words())}</p>{table}"


def _ratio(part: Any, whole: IntArray) -> FloatArray:
    """Divide by the customers of each class; NaN where there are none."""
    shares: FloatArray = np.where(whole > 0, part / np.maximum(whole, 1), np.nan)
    return shares


def coverage(
    retrieval: Retrieval,
    calibration: Calibration,
    queries: FloatArray,
    codes: IntArray,
    levels: Sequence[float] = (0.8, 0.9, 0.95),
) -> Coverage:
    """Count how often the sets of customers of known class hold that class.

    Parameters
    ----------
    retrieval : Retrieval
        The cases that `calibration` belongs to.
    calibration : Calibration
        Scores of customers of known class.
    queries : ndarray of shape (n_customers, n_indicators)
        Other customers of known class, neither cases nor calibration customers.
    codes : ndarray of int, shape (n_customers,)
        Their classes, as positions.
    levels : sequence of float, default=(0.8, 0.9, 0.95)
        Levels, each between 0 and 1, both left out.

    Returns
    -------
    Coverage
        Counts, intervals, and the chance of so few under a right calibration.

    Raises
    ------
    DataError
        If a class is unknown to the model.
    DomainError
        If there is no level or no customer, a level is out of range, or the calibration belongs to other cases.

    Notes
    -----
    Formulas and sources: :class:`Coverage`. Cost: one search of all cases a customer, then :math:`O(C)` a level.
    """
    tails = sorted({tail_of(level) for level in levels}, reverse=True)
    if not tails or len(queries) == 0:
        message = "levels or X is empty; allowed: at least one level and one customer."
        raise DomainError(message)
    n_classes = len(calibration.classes)
    counts = stranger_counts(retrieval, calibration, queries)
    known = checked_codes(codes, len(queries), n_classes)
    whole = np.bincount(known, minlength=n_classes)
    covered = np.empty((len(tails), n_classes), dtype=np.int64)
    sizes = np.empty((len(tails), n_classes))
    chance = np.ones((len(tails), n_classes))
    for place, tail in enumerate(tails):
        keep = thresholds(tail, calibration)
        member = counts >= keep
        own = member[np.arange(len(known)), known]
        covered[place] = np.bincount(known[own], minlength=n_classes)
        sizes[place] = _ratio(np.bincount(known, weights=member.sum(axis=1), minlength=n_classes), whole)
        # Without a threshold everybody is covered, and a class without customers shows nothing.
        some = (keep > 0) & (whole > 0)
        left = np.array(calibration.customers)[some] + 1 - keep[some]
        chance[place, some] = stats.betabinom.cdf(covered[place, some], whole[some], left, keep[some])
    low = np.zeros_like(sizes)
    high = np.ones_like(sizes)
    n = np.broadcast_to(whole, covered.shape)
    some, more = covered > 0, covered < n
    low[some] = stats.beta.ppf(ERROR / 2, covered[some], (n - covered + 1)[some])
    high[more] = stats.beta.ppf(1 - ERROR / 2, (covered + 1)[more], (n - covered)[more])
    facts = {"customers": len(known), "cases": len(retrieval.cases), "calibrated": sum(calibration.customers)}
    return Coverage(
        classes=tuple(calibration.classes),
        levels=tuple(float(1 - tail) for tail in tails),
        customers=read_only(whole),
        covered=read_only(covered),
        low=read_only(low),
        high=read_only(high),
        chance=read_only(chance),
        mean_size=read_only(sizes),
        attainable=read_only(np.array([attainable_of(tail, calibration) for tail in tails])),
        truth=calibration.truth,
        provenance=provenance(retrieval.hierarchy.model_dump_json(), **facts),
    )
