"""How firmly the judgments hold the ranking: Monte Carlo over all of them, and the smallest change of one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from custvalue._network_process.batch import shifted_weights
from custvalue._network_process.gradients import distinct_judgments
from custvalue._network_process.moves import Moved, moves
from custvalue._network_process.outcome import check_target, default_target, evaluate, target_names
from custvalue._network_process.plan import Influenced
from custvalue._results import Provenance, html_table, provenance, read_only, short_repr
from custvalue._spec import require_choice, unboxed
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from custvalue._network_process.outcome import Target
    from custvalue._network_process.plan import Plan, Solved
    from custvalue._typing import FloatArray, RandomState

#: Cells of the supermatrices of one block of draws, 8 MB a copy.
_BLOCK_CELLS: Final = 1_000_000
_GRID: Final = 129


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class RankStability:
    """How often each rank comes out when the judgments are drawn anew.

    Parameters
    ----------
    of : str
        What is watched: "priorities", "ideal", "distributive", or the formula that combines merits.
    names : tuple of str
        Names of what is watched.
    priorities : ndarray of shape (n,)
        Priorities of the judgments as stated; read-only.
    mean, standard_deviation : ndarray of shape (n,)
        Over the draws; the mean's standard error is the deviation over the root of `n_draws`; read-only.
    rank_probability : ndarray of shape (n, n)
        Entry (i, r) is the share of draws in which name i has rank r + 1; read-only.
    n_draws : int
        Number of draws.
    log_sd : float
        Standard deviation of the logarithm of each drawn judgment.
    provenance : Provenance
        Package version, the network as JSON, the numbers of draws and of judgments.

    See Also
    --------
    Solution.stability : The method that returns this result.

    Examples
    --------
    >>> from custvalue import anp
    >>> control = anp.Comparisons.from_values({"frequency": 1.0, "monetary": 3.0})
    >>> network = anp.Network(control=control, local={
    ...     "frequency": anp.DirectWeights(weights={"visits": 1.0}),
    ...     "monetary": anp.DirectWeights(weights={"turnover": 1.0})})
    >>> found = network.solve().stability(n_draws=1000, log_sd=0.25, random_state=0)
    >>> found.probability_first
    array([0., 1.])
    """

    of: Target
    names: tuple[str, ...]
    priorities: FloatArray
    mean: FloatArray
    standard_deviation: FloatArray
    rank_probability: FloatArray
    n_draws: int
    log_sd: float
    provenance: Provenance

    @property
    def probability_first(self) -> FloatArray:
        """Share of draws in which each name is first."""
        return self.rank_probability[:, 0]

    @property
    def standard_error_first(self) -> FloatArray:
        """Standard error of `probability_first`: the root of p (1 - p) over the number of draws."""
        share = self.probability_first
        return np.sqrt(share * (1.0 - share) / self.n_draws)

    def to_frame(self) -> pd.DataFrame:
        """Give one row per name.

        Returns
        -------
        DataFrame
            Columns `name`, `priority`, `mean`, `standard_deviation`, `probability_first`, `standard_error_first`,
            and `rank_1` to `rank_n`.
        """
        columns: dict[str, object] = {
            "name": list(self.names),
            "priority": self.priorities,
            "mean": self.mean,
            "standard_deviation": self.standard_deviation,
            "probability_first": self.probability_first,
            "standard_error_first": self.standard_error_first,
        }
        columns |= {f"rank_{rank + 1}": shares for rank, shares in enumerate(self.rank_probability.T)}
        return pd.DataFrame(columns)

    def __repr__(self) -> str:
        return short_repr("RankStability", of=self.of, names=len(self.names), n_draws=self.n_draws)

    def _repr_html_(self) -> str:
        columns = ("name", "priority", "mean", "standard deviation", "P(first)", "standard error")
        rows = zip(
            self.names,
            *(values.tolist() for values in (self.priorities, self.mean, self.standard_deviation)),
            *(values.tolist() for values in (self.probability_first, self.standard_error_first)),
            strict=True,
        )
        caption = f"Rank stability of {self.of}: {self.n_draws:,} draws, log sd {self.log_sd:g}"
        return html_table(columns, rows, caption=caption)


def _start(solved: Solved, of: Target | None) -> tuple[Plan, Target, list[int]]:
    """Give the plan, what is watched, and the number of judgments of each set."""
    plan = solved.plan
    target = default_target(plan) if of is None else of
    check_target(plan, target)
    counts = [len(distinct_judgments(source.comparisons)) for source in plan.sources]
    if not any(counts):
        message = (
            "The network has no judgments, only weights stated directly: there is nothing to draw or to move."
        )
        raise DomainError(message)
    return plan, target, counts


def stability(
    solved: Solved, n_draws: int, log_sd: float, of: Target | None, random_state: RandomState
) -> RankStability:
    """Draw judgments and count ranks; see `Solution.stability`."""
    n_draws, log_sd = unboxed(n_draws), unboxed(log_sd)
    if not isinstance(n_draws, int) or n_draws < 2:  # noqa: PLR2004 - a spread needs two
        message = f"n_draws is {n_draws!r}; allowed: whole numbers from 2."
        raise DomainError(message)
    if not (isinstance(log_sd, int | float) and log_sd is not True and math.isfinite(log_sd) and log_sd > 0.0):
        message = f"log_sd is {log_sd!r}; allowed: finite numbers above 0."
        raise DomainError(message)
    plan, target, judged = _start(solved, of)
    names = target_names(plan, target)
    draws = np.concatenate(list(_drawn(solved, target, judged, n_draws, log_sd, random_state)))
    order = np.argsort(-draws, axis=1, kind="stable")
    counts = np.zeros((len(names), len(names)))
    for rank in range(len(names)):
        counts[:, rank] = np.bincount(order[:, rank], minlength=len(names))
    stated = evaluate(plan, solved.weights, target)[0]
    return RankStability(
        of=target,
        names=names,
        priorities=read_only(stated),
        mean=read_only(draws.mean(axis=0)),
        standard_deviation=read_only(draws.std(axis=0, ddof=1)),
        rank_probability=read_only(counts / n_draws),
        n_draws=n_draws,
        log_sd=float(log_sd),
        provenance=provenance(solved.document, n_draws=n_draws, n_judgments=sum(judged)),
    )


def _drawn(
    solved: Solved, target: Target, counts: list[int], n_draws: int, log_sd: float, random_state: RandomState
) -> Iterator[FloatArray]:
    """Evaluate the target in blocks of draws; the draws do not depend on the size of the blocks."""
    from sklearn.utils import check_random_state  # noqa: PLC0415 - a second of import that weights do not need

    random, plan = check_random_state(random_state), solved.plan
    cells = max([len(part.names) ** 2 for part in plan.parts if isinstance(part, Influenced)], default=1)
    block = max(1, _BLOCK_CELLS // max(cells, sum(counts)))
    edges = np.cumsum([0, *counts])
    for first in range(0, n_draws, block):
        shifts = log_sd * random.standard_normal((min(block, n_draws - first), int(edges[-1])))
        weights = [
            shifted_weights(source.comparisons, shifts[:, low:high], solved.method, solved.aggregation)
            for source, low, high in zip(plan.sources, edges[:-1], edges[1:], strict=True)
        ]
        found = evaluate(plan, weights, target)
        yield np.broadcast_to(found, (len(shifts), found.shape[1]))  # one row, where nothing that counts is drawn


def swaps(solved: Solved, to: str, of: Target | None, largest_factor: float) -> pd.DataFrame:
    """Find the smallest change of each judgment that swaps the first two; see `Solution.swaps`."""
    if not (isinstance(largest_factor, int | float) and math.isfinite(largest_factor) and largest_factor > 1.0):
        message = f"largest_factor is {largest_factor!r}; allowed: finite numbers above 1."
        raise DomainError(message)
    require_choice(to, Moved, "to")
    plan, target, _ = _start(solved, of)
    base = evaluate(plan, solved.weights, target)[0]
    if len(base) < 2:  # noqa: PLR2004 - a pair
        message = "There is only one name to watch, so that nothing can be swapped."
        raise DomainError(message)
    first = int(np.argmax(base))
    names = target_names(plan, target)
    rows = []
    for number, source in enumerate(plan.sources):
        for judgment, direction in moves(source.comparisons, to):
            lead = _Lead(solved, target, number, direction, first)
            shift = lead.nearest_crossing(math.log(largest_factor))
            found_one = math.isfinite(shift)
            rows.append(
                (
                    *(source.path, source.criterion, source.column, judgment.first, judgment.second),
                    *(judgment.expert, judgment.ratio, judgment.ratio * math.exp(shift)),
                    math.exp(abs(shift)) if found_one else math.inf,
                    names[lead.rival(shift)] if found_one else "",
                )
            )
    columns = ["path", "criterion", "column", "first", "second", "expert"]
    columns += ["ratio", "swapping_ratio", "factor", "overtaken_by"]
    found = pd.DataFrame(rows, columns=columns)
    return found.sort_values("factor", kind="stable", ignore_index=True)


class _Lead:
    """The lead of the first over all others as one judgment, or one pair, moves."""

    def __init__(self, solved: Solved, target: Target, source: int, direction: FloatArray, first: int) -> None:
        self.solved, self.target, self.source, self.direction = solved, target, source, direction
        self.first = first

    def leads(self, distances: FloatArray) -> FloatArray:
        """Give the lead over each other after each of these moves of the logarithm; over itself it is infinite."""
        shifts = distances[:, None] * self.direction
        weights = list(self.solved.weights)
        comparisons = self.solved.plan.sources[self.source].comparisons
        weights[self.source] = shifted_weights(comparisons, shifts, self.solved.method, self.solved.aggregation)
        found = evaluate(self.solved.plan, weights, self.target)
        leads = found[:, self.first, None] - found
        leads[:, self.first] = np.inf
        return np.asarray(leads)

    def __call__(self, distances: FloatArray) -> FloatArray:
        """Give the smallest lead after each of these moves."""
        return np.asarray(self.leads(distances).min(axis=1))

    def rival(self, distance: float) -> int:
        """Give the place of the one who has caught up after a move."""
        return int(self.leads(np.array([distance])).argmin())

    def nearest_crossing(self, reach: float) -> float:
        """Give the smallest move, of either sign, that makes the two equal; not a number if there is none."""
        from scipy.optimize import brentq  # noqa: PLC0415 - only needed here

        grid = np.linspace(-reach, reach, _GRID)
        lead = self(grid)
        middle = _GRID // 2
        if lead[middle] <= 0.0:
            return 0.0
        found = []
        for side in (1, -1):
            behind = np.flatnonzero(lead[middle::side] <= 0.0)
            if behind.size:
                outer = middle + side * int(behind[0])
                low, high = sorted((grid[outer - side], grid[outer]))
                root = brentq(lambda move: float(self(np.array([move]))[0]), low, high, xtol=1e-14, rtol=1e-14)
                found.append(float(root))
        return min(found, key=abs, default=math.nan)
