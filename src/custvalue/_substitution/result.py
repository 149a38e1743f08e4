"""The result: the composite field, flows, tests and verdicts as tidy tables, and the target list."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from custvalue import _frames
from custvalue._kernels.transitions import wilson_interval
from custvalue._results import Provenance, html_table, short_repr
from custvalue._substitution.composite import letters
from custvalue._substitution.evidence import verdict
from custvalue._substitution.flows import STATES
from custvalue._substitution.targets import TargetList, target_list
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from custvalue._substitution.evidence import Evidence
    from custvalue._typing import BoolArray, FloatArray, IntArray, RandomState


class Members(NamedTuple):
    """Who stands behind the counts; never shown by a repr."""

    keys: NDArray[Any]
    like: Any
    customer: str
    #: By old product: its holders in the order of their keys, and whether they hold it at the end.
    holders: tuple[NDArray[np.intp], ...]
    present: tuple[BoolArray, ...]
    #: By old and new product: the state of each holder, and whether the holder ever had the new product.
    states: tuple[tuple[NDArray[np.int8], ...], ...]
    had: tuple[tuple[BoolArray, ...], ...]


@dataclass(frozen=True, eq=False, repr=False)
class Substitution:
    r"""Which new product takes the place of which old one.

    Attributes
    ----------
    old, new : tuple of str
        The products, in the order given; matrices below are of shape (n_old, n_new).
    source : {"panel", "snapshots"}
        What it was read from.
    window : int
        A closing and an opening at most this far apart belong together: days where the panel has dates, else
        periods; 0 for snapshots.
    since, as_of : str or None
        Beginning and end of the observation.
    customers : ndarray of int
        Present holders of the new product who had opened the old one before it: the composite field.
    customers_closed : ndarray of int
        Those of them who no longer hold the old product.
    new_holders : ndarray of int, shape (n_new,)
        Present holders; of two snapshots, those who took the product in between.
    old_holders, old_closers : ndarray of int, shape (n_old,)
        Everyone who ever held the old product before `as_of`, and those of them who no longer do.
    states : ndarray of int, shape (n_old, n_new, 7)
        Holders of the old product under observation by state: moved, kept_both, had_before, took_later, left,
        stayed, undecided. They sum to the holders of the old product for every new one.
    destinations : ndarray of int, shape (n_old, 7, n_new + 1)
        Each holder once over all new products, by state and new product; the last column is "none".
    p_substitution, p_add_on : ndarray
        Holm-adjusted p over all pairs and both questions.
    alpha : float
        Level of the verdicts.
    confidence_level : float
        Level of each interval by itself.
    provenance : Provenance
        Package version, settings and row counts.

    See Also
    --------
    substitution : Makes it from a panel, and defines every state, test and verdict.
    substitution_between : Makes it from two snapshots.

    Notes
    -----
    It holds the customers' keys for :meth:`members` and :meth:`targets`; its repr and its tables show none.

    Examples
    --------
    >>> import pandas as pd
    >>> from custvalue import basket
    >>> before = pd.DataFrame({"customer": [1, 2, 3, 4], "product": ["passbook"] * 4})
    >>> after = pd.DataFrame({"customer": [1, 2, 3, 3], "product": ["app", "app", "passbook", "app"]})
    >>> found = basket.substitution_between(
    ...     before, after, customer="customer", product="product", old="passbook", new="app")
    >>> found.flows()[["old", "new", "holders", "moved", "kept_both", "left", "stayed"]]
            old  new  holders  moved  kept_both  left  stayed
    0  passbook  app        4      2          1     1       0
    """

    old: tuple[str, ...]
    new: tuple[str, ...]
    source: str
    window: int
    since: str | None
    as_of: str | None
    customers: IntArray
    customers_closed: IntArray
    new_holders: IntArray
    old_holders: IntArray
    old_closers: IntArray
    states: IntArray
    destinations: IntArray
    p_substitution: FloatArray
    p_add_on: FloatArray
    alpha: float
    confidence_level: float
    provenance: Provenance
    _evidence: tuple[Evidence, ...] = field(repr=False)
    _members: Members = field(repr=False)

    def _pairs(self) -> list[tuple[int, int]]:
        return [(i, j) for j in range(len(self.new)) for i in range(len(self.old))]

    def _named(self) -> dict[str, list[str]]:
        pairs = self._pairs()
        return {
            "label": [f"{letters(j)}{i + 1}" for i, j in pairs],
            "old": [self.old[i] for i, _ in pairs],
            "new": [self.new[j] for _, j in pairs],
        }

    def _found(self) -> list[Evidence]:
        return [self._evidence[i * len(self.new) + j] for i, j in self._pairs()]

    def legend(self) -> pd.DataFrame:
        """Give what each letter and each digit stands for.

        Returns
        -------
        pandas.DataFrame
            ``label``, ``product``, ``kind`` ("new" or "old"), ``holders`` (of a new product its present holders,
            of an old one everyone who held it).
        """
        return pd.DataFrame(
            {
                "label": [letters(j) for j in range(len(self.new))] + [str(i + 1) for i in range(len(self.old))],
                "product": [*self.new, *self.old],
                "kind": ["new"] * len(self.new) + ["old"] * len(self.old),
                "holders": [*self.new_holders.tolist(), *self.old_holders.tolist()],
            }
        )

    def composite(self) -> pd.DataFrame:
        """Give the composite field: how often each combination of new and old product occurs.

        Returns
        -------
        pandas.DataFrame
            One row a pair, the most frequent first: ``label``, ``old``, ``new``, ``customers``, ``new_holders``,
            ``share_of_new_holders`` with its Wilson interval ``low`` and ``high`` (the source's reading: who had
            the old product among those who hold the new one now), ``old_closers``, ``share_of_closers`` (of those
            who closed the old product, who now holds the new one), ``old_holders``, ``share_of_old_holders``.
        """
        i, j = (np.array(part, dtype=np.intp) for part in zip(*self._pairs(), strict=True))
        count, closed = self.customers[i, j], self.customers_closed[i, j]
        low, high = wilson_interval(count, self.new_holders[j], self.confidence_level)
        frame = pd.DataFrame(
            {
                **self._named(),
                "customers": count,
                "new_holders": self.new_holders[j],
                "share_of_new_holders": _share(count, self.new_holders[j]),
                "low": low,
                "high": high,
                "old_closers": self.old_closers[i],
                "share_of_closers": _share(closed, self.old_closers[i]),
                "old_holders": self.old_holders[i],
                "share_of_old_holders": _share(count, self.old_holders[i]),
            }
        )
        order = np.lexsort((i, j, -count))
        return frame.iloc[order].reset_index(drop=True)

    def flows(self) -> pd.DataFrame:
        """Give what became of the holders of each old product, as far as each new one goes.

        Returns
        -------
        pandas.DataFrame
            ``label``, ``old``, ``new``, ``holders``, one column a state (they sum to ``holders``), ``share_moved``
            of the holders with its Wilson interval ``low`` and ``high``.
        """
        i, j = (np.array(part, dtype=np.intp) for part in zip(*self._pairs(), strict=True))
        counts = self.states[i, j]
        holders = counts.sum(axis=1)
        low, high = wilson_interval(counts[:, 0], holders, self.confidence_level)
        return pd.DataFrame(
            {
                **self._named(),
                "holders": holders,
                **dict(zip(STATES, counts.T, strict=True)),
                "share_moved": _share(counts[:, 0], holders),
                "low": low,
                "high": high,
            }
        )

    def tests(self) -> pd.DataFrame:
        """Give the tests of each pair against chance.

        Returns
        -------
        pandas.DataFrame
            ``label``, ``old``, ``new``, ``method`` ("timing", "maturity" or "snapshots");
            ``both``, ``coincident``, ``expected_coincident``, ``p_timing``: customers who closed the old and
            opened the new product and hold it now, those whose two moments lie within the window, how many would
            by chance (exact, within strata and spans), and the Monte Carlo p; not a number where the method is
            another;
            ``events``, ``took``, ``expected_took``, ``p_control``: closings, those beside an opening, how many
            would be if closing had nothing to do with the opening, and the p;
            ``p_substitution`` (the larger of the two) and ``p_add_on`` (closings after an opening fewer than
            chance), each with its Holm-adjusted value, ``p_substitution_adjusted``, ``p_add_on_adjusted``.
        """
        found = self._found()
        i, j = (np.array(part, dtype=np.intp) for part in zip(*self._pairs(), strict=True))
        timed = [one.method == "timing" for one in found]
        return pd.DataFrame(
            {
                **self._named(),
                "method": [one.method for one in found],
                "both": np.where(timed, [float(one.timing.customers) for one in found], np.nan),
                "coincident": np.where(timed, [float(one.timing.coincident) for one in found], np.nan),
                "expected_coincident": [one.timing.expected for one in found],
                "p_timing": [one.timing.p for one in found],
                "events": [int(one.tables.events.sum()) for one in found],
                "took": [int(one.tables.both.sum()) for one in found],
                "expected_took": [one.tables.expected for one in found],
                "p_control": [one.p_control for one in found],
                "p_substitution": [one.p_substitution for one in found],
                "p_substitution_adjusted": self.p_substitution[i, j],
                "p_add_on": [one.p_add_on for one in found],
                "p_add_on_adjusted": self.p_add_on[i, j],
            }
        )

    def rates(self) -> pd.DataFrame:
        """Give the rates beside those of the control groups.

        Returns
        -------
        pandas.DataFrame
            Two rows a pair. ``label``, ``old``, ``new``; ``question``: "opened" compares the opening rate of the
            new product among those who closed the old one with that among those who kept it, "closed" the closing
            rate of the old product among those who took the new one with that among those who did not; ``cases``,
            ``with_outcome``, ``rate``, ``control_rate``, ``difference`` with ``difference_low`` and
            ``difference_high``, ``ratio`` with ``ratio_low`` and ``ratio_high``. The difference of "closed" is the
            cannibalisation rate.
        """
        found, named = self._found(), pd.DataFrame(self._named())
        parts = []
        for question in ("opened", "closed"):
            table = pd.DataFrame([getattr(one, question)._asdict() for one in found])
            parts.append(pd.concat([named.assign(question=question), table], axis=1))
        both = pd.concat(parts)
        return both.sort_index(kind="stable").reset_index(drop=True)

    def verdicts(self) -> pd.DataFrame:
        """Give the verdict of each pair.

        Returns
        -------
        pandas.DataFrame
            ``label``, ``old``, ``new``, ``verdict`` ("substitution", "possible substitution", "possible add-on"
            or "no evidence"), ``moved``, ``kept_both``, ``cannibalisation_rate`` with ``low`` and ``high`` (of
            those who took the new product, the share who closed the old one beyond what their control group
            did), ``p_substitution``, ``p_add_on`` (both adjusted).
        """
        i, j = (np.array(part, dtype=np.intp) for part in zip(*self._pairs(), strict=True))
        found = self._found()
        p, q = self.p_substitution[i, j], self.p_add_on[i, j]
        return pd.DataFrame(
            {
                **self._named(),
                "verdict": [
                    verdict(a, b, self.alpha, timed=one.method == "timing")
                    for a, b, one in zip(p.tolist(), q.tolist(), found, strict=True)
                ],
                "moved": self.states[i, j, 0],
                "kept_both": self.states[i, j, 1],
                "cannibalisation_rate": [one.closed.difference for one in found],
                "low": [one.closed.difference_low for one in found],
                "high": [one.closed.difference_high for one in found],
                "p_substitution": p,
                "p_add_on": q,
            }
        )

    def sankey(self) -> pd.DataFrame:
        """Give where the holders of each old product went, each holder once over all new products.

        Returns
        -------
        pandas.DataFrame
            ``old``, ``state``, ``new`` (None where no new product goes with the state), ``customers``; rows
            without a customer are left out. They sum to the holders of the old product. Among several new products
            counts the first state of moved, kept_both, undecided, took_later, had_before; then the opening nearest
            to the closing (without a closing: the earliest); then the order given.
        """
        names = [*self.new, None]
        rows = [
            (self.old[i], STATES[state], names[j], int(self.destinations[i, state, j]))
            for i in range(len(self.old))
            for state in range(len(STATES))
            for j in range(len(names))
            if self.destinations[i, state, j]
        ]
        return pd.DataFrame(rows, columns=["old", "state", "new", "customers"])

    def to_frame(self) -> pd.DataFrame:
        """Give one row a pair: flows, composite share and verdict.

        Returns
        -------
        pandas.DataFrame
            ``label``, ``old``, ``new``, ``holders``, the states, ``customers``, ``share_of_new_holders``,
            ``verdict``, ``cannibalisation_rate``, ``p_substitution``, ``p_add_on``.
        """
        frame = self.flows().drop(columns=["share_moved", "low", "high"])
        shares = self.composite()[["label", "customers", "share_of_new_holders"]]
        last = self.verdicts()[["label", "verdict", "cannibalisation_rate", "p_substitution", "p_add_on"]]
        return frame.merge(shares, on="label").merge(last, on="label")

    def _place(self, old: object, new: object) -> tuple[int, int]:
        places = []
        for argument, name, known in (("old", old, self.old), ("new", new, self.new)):
            if str(name) not in known:
                message = f"{argument} is {name!r}; allowed: {', '.join(known)}."
                raise DomainError(message)
            places.append(known.index(str(name)))
        return places[0], places[1]

    def members(self, *, old: str, new: str) -> Any:
        """Give the holders of an old product with their state, for a list or a check.

        Parameters
        ----------
        old, new : str
            The pair.

        Returns
        -------
        frame
            In the library of the panel (PyArrow for a relation of an engine): the customer column, in its order,
            and ``state``.

        Raises
        ------
        DomainError
            If a product is not one of the result's.
        """
        i, j = self._place(old, new)
        own = self._members
        columns = {
            own.customer: own.keys[own.holders[i]],
            "state": np.array(STATES, dtype=object)[own.states[i][j]],
        }
        return _frames.like(own.like, columns, keep_index=False)

    def targets(
        self,
        history: Any,
        present: Any,
        *,
        old: str,
        new: str,
        features: Sequence[str] | None = None,
        events_per_feature: int = 10,
        n_splits: int = 5,
        n_shuffles: int = 19,
        random_state: RandomState = None,
    ) -> TargetList:
        """Rank present holders of the old product by their likeness to those who moved to the new one.

        Parameters
        ----------
        history : pandas, Polars or PyArrow frame
            Customers' figures as of the beginning of the observation: the customer column under the name it has in
            the panel, and numbers. It must hold every holder who could have moved; others are passed over.
        present : pandas, Polars or PyArrow frame
            The same figures as of now, for every present holder of the old product who never had the new one.
        old, new : str
            The pair.
        features : sequence of str, default=None
            Columns to learn from; None takes all columns of `history` but the customer's.
        events_per_feature : int, default=10
            Fewer movers, or fewer others, than this many for each feature are refused (Peduzzi et al. 1996).
        n_splits : int, default=5
            Folds of the cross-validation; from 2.
        n_shuffles : int, default=19
            How often the validation is repeated with shuffled movers, for comparison; from 0.
        random_state : int, RandomState or None, default=None
            Seed of folds and shuffles.

        Returns
        -------
        TargetList
            The ranked list with the model and its validation.

        Raises
        ------
        ColumnError
            If a column is missing or holds no numbers.
        DataError
            If customers are missing or doubled, values are missing or infinite, or there are too few movers (the
            message says how many are needed).
        DomainError
            If a product is not one of the result's, or a setting is out of range.

        Notes
        -----
        Learnt from all holders under observation who had not had the new product before and whose windows are
        over. Ten events a feature: Peduzzi et al. (1996), *Journal of Clinical Epidemiology* 49(12), 1373-1379.
        Cost: (n_shuffles + 1) n_splits + 1 fits.
        """
        i, j = self._place(old, new)
        own = self._members
        return target_list(
            history,
            present,
            keys=own.keys,
            customer=own.customer,
            holders=own.holders[i],
            present_holders=own.present[i],
            state=own.states[i][j],
            had=own.had[i][j],
            pair=(self.old[i], self.new[j]),
            features=features,
            events_per_feature=events_per_feature,
            n_splits=n_splits,
            n_shuffles=n_shuffles,
            random_state=random_state,
        )

    def __repr__(self) -> str:
        found = self.verdicts()["verdict"]
        return short_repr(
            "Substitution",
            old=len(self.old),
            new=len(self.new),
            holders=int(self.states[:, 0].sum()),
            substitutions=int(found.isin(["substitution", "possible substitution"]).sum()),
            add_ons=int((found == "possible add-on").sum()),
        )

    def _repr_html_(self) -> str:
        frame = self.to_frame().drop(columns=["p_add_on"])
        rows = [list(row) for row in frame.itertuples(index=False)]
        return html_table(list(frame.columns), rows, caption="Old products and what took their place")


def _share(part: IntArray, whole: IntArray) -> FloatArray:
    """Divide counts; not a number where there is nobody."""
    return np.where(whole > 0, part / np.maximum(whole, 1), np.nan)
