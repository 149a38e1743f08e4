"""Which judgments fit the others least, what the others say instead, and what mending them would change."""

from __future__ import annotations

import html
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import pandas as pd

from custvalue._kernels.comparison_graph import components
from custvalue._network_process.judgments import panel_of
from custvalue._network_process.methods import consistency, require_complete, solved
from custvalue._results import Provenance, html_table, provenance, read_only, short_repr
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from custvalue._network_process.judgments import Comparisons, Judgment
    from custvalue._network_process.methods import Method, RandomIndex
    from custvalue._network_process.panel import Panel
    from custvalue._typing import BoolArray, FloatArray

#: Saaty (1980): judgments with a larger consistency ratio should be revised.
ACCEPTED_RATIO: Final = 0.1
_SCALE: Final = np.array([1 / 9, 1 / 8, 1 / 7, 1 / 6, 1 / 5, 1 / 4, 1 / 3, 1 / 2, *range(1, 10)])
_NUMBERS: Final = (
    *("ratio", "fitted_ratio", "misfit", "suggested_ratio", "suggested_on_scale", "consistency_ratio_after"),
    *("consistency_ratio_fitted", "lambda_max_after", "largest_shift"),
)


class ScaleRepair(NamedTuple):
    """What the nearest value on Saaty's scale would change: the ratio, and the weight that moves most."""

    consistency_ratio: float
    element: str
    weight_before: float
    weight_after: float


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Misfits:
    r"""Judgments ranked by how little they fit the priorities, with what would mend each.

    Parameters
    ----------
    first, second : tuple of str
        The compared elements of each judgment, oriented as it was stated, worst judgment first.
    expert : tuple of str
        Who judged; empty where nobody is named.
    ratio : ndarray of shape (n_judgments,)
        The judgment.
    fitted_ratio : ndarray of shape (n_judgments,)
        Ratio of the two weights, w_i / w_j.
    misfit : ndarray of shape (n_judgments,)
        Larger of e and 1 / e, from 1, with e = `ratio` / `fitted_ratio`; the ranking [1]_, ties in the order of
        judgment.
    suggested_ratio : ndarray of shape (n_judgments,)
        What all other judgments together say: the ratio of the two weights without this judgment. Where other
        experts judged the same pair, their judgments of it stay.
    suggested_on_scale : ndarray of shape (n_judgments,)
        Value of Saaty's scale 1/9, ..., 1/2, 1, 2, ..., 9 that is nearest to it in logarithms.
    consistency_ratio_after : ndarray of shape (n_judgments,)
        Consistency ratio of all together with this judgment replaced by `suggested_ratio`.
    consistency_ratio_fitted : ndarray of shape (n_judgments,)
        Consistency ratio with this judgment replaced by `fitted_ratio`.
    lambda_max_after : ndarray of shape (n_judgments,)
        Principal eigenvalue with this judgment replaced by `suggested_ratio`.
    largest_shift : ndarray of shape (n_judgments,)
        Largest absolute change of a weight by that replacement.
    only_link : ndarray of shape (n_judgments,)
        True where this judgment alone connects two groups of elements: then nothing else speaks to it, and
        `suggested_ratio`, `suggested_on_scale`, `consistency_ratio_after`, `lambda_max_after` and
        `largest_shift` are NaN.
    scale_repairs : tuple of ScaleRepair or None
        Consistency ratio with this judgment replaced by `suggested_on_scale`, and the weight that this moves
        most, before and after; None where `only_link`.
    consistency_ratio : float
        Consistency ratio of all judgments together as they are.
    method : str
        Method of all weights here; "eigenvector" takes Harker's matrix where a judgment is left out.
    random_index : str
        Random-index table of the consistency ratios.
    provenance : Provenance
        Package version, the comparisons as JSON, the numbers of elements and judgments.

    See Also
    --------
    Priorities.misfits : The method that returns this result.

    References
    ----------
    .. [1] Saaty, T. L. (2003). Decision-making with the AHP: why is the principal eigenvector necessary. *European
       Journal of Operational Research*, 145(1), 85-91.
    .. [2] Harker, P. T. (1987). Incomplete pairwise comparisons in the analytic hierarchy process. *Mathematical
       Modelling*, 9(11), 837-848.

    Examples
    --------
    >>> from custvalue import anp
    >>> judged = anp.Comparisons.from_matrix(["a", "b", "c"], [[1, 2, 9], [1 / 2, 1, 1], [1 / 9, 1, 1]])
    >>> found = anp.priorities(judged).misfits()
    >>> found.to_frame()[["first", "second", "ratio", "fitted_ratio", "misfit", "suggested_ratio"]].round(4)
      first second  ratio  fitted_ratio  misfit  suggested_ratio
    0     a      b    2.0        3.3019   1.651              9.0
    1     a      c    9.0        5.4514   1.651              2.0
    2     b      c    1.0        1.6510   1.651              4.5
    """

    first: tuple[str, ...]
    second: tuple[str, ...]
    expert: tuple[str, ...]
    ratio: FloatArray
    fitted_ratio: FloatArray
    misfit: FloatArray
    suggested_ratio: FloatArray
    suggested_on_scale: FloatArray
    consistency_ratio_after: FloatArray
    consistency_ratio_fitted: FloatArray
    lambda_max_after: FloatArray
    largest_shift: FloatArray
    only_link: BoolArray
    scale_repairs: tuple[ScaleRepair | None, ...]
    consistency_ratio: float
    method: Method
    random_index: RandomIndex
    provenance: Provenance

    def to_frame(self) -> pd.DataFrame:
        """Give one row per judgment, worst first.

        Returns
        -------
        DataFrame
            Columns `first`, `second`, `expert`, `ratio`, `fitted_ratio`, `misfit`, `suggested_ratio`,
            `suggested_on_scale`, `consistency_ratio_after`, `consistency_ratio_fitted`, `lambda_max_after`,
            `largest_shift`, `only_link`.
        """
        frame = pd.DataFrame({name: list(getattr(self, name)) for name in ("first", "second", "expert")})
        for name in (*_NUMBERS, "only_link"):
            frame[name] = getattr(self, name).copy()
        return frame

    def sentences(self, *, at_least: float = 2.0) -> tuple[str, ...]:
        """Say in plain words which judgments are odd, what to ask, and what an answer would change.

        Parameters
        ----------
        at_least : float, default=2.0
            Smallest misfit that is reported, from 1: by 2, a judgment is at least twice, or at most half, of what
            the weights say. The words then show `suggested_on_scale` and what it would change.

        Returns
        -------
        tuple of str
            One entry for each such judgment, worst first; empty if there is none. Judgments whose change would
            raise the consistency ratio are left out: it is another one that makes them look odd.

        Raises
        ------
        DomainError
            If `at_least` is below 1 or not a number.
        """
        if not at_least >= 1.0:
            message = f"at_least is {at_least!r}; allowed: numbers from 1."
            raise DomainError(message)
        rows = np.flatnonzero(self.misfit >= at_least).tolist()
        return tuple(self._sentence(row) for row in rows if self._is_worth_asking(row))

    def _is_worth_asking(self, row: int) -> bool:
        """Leave out judgments that are odd only because another one is: changing them would mend nothing."""
        repair = self.scale_repairs[row]
        return repair is None or repair.consistency_ratio <= self.consistency_ratio

    def _sentence(self, row: int) -> str:
        more, less, ratio = self.first[row], self.second[row], float(self.ratio[row])
        suggested, on_scale = float(self.suggested_ratio[row]), float(self.suggested_on_scale[row])
        if ratio < 1.0:
            more, less, ratio, suggested, on_scale = less, more, 1.0 / ratio, 1.0 / suggested, 1.0 / on_scale
        equal = math.isclose(ratio, 1.0)
        said = f"{more} and {less} are equally important" if equal else _times(more, less, ratio)
        said = f"{self.expert[row]} said {said}" if self.expert[row] else f"The judgment is that {said}"
        repair = self.scale_repairs[row]
        if repair is None:
            return f"{said}; no other judgment speaks to this pair, so nothing can confirm or correct it."
        if _number(max(suggested, 1.0 / suggested)) == "1":
            heard = "they are equally important"
        elif suggested < 1.0:
            heard = _times(less, more, 1.0 / suggested)
        else:
            heard = _times(more, less, suggested) if equal else f"{_number(suggested)} times"
        said = f"{said}; all the other judgments together say {heard}."
        if math.isclose(on_scale, ratio):
            return f"{said} The scale from 1/9 to 9 has no value nearer to that."
        ask = f"is {more} really more important than {less}"
        if equal:
            ask = f"are {more} and {less} really equally important"
        elif on_scale > 1.0 and not math.isclose(on_scale, 1.0):
            ask = f"is {more} really {_number(ratio)} times as important as {less}"
        before, after = f"{self.consistency_ratio:.3f}", f"{repair.consistency_ratio:.3f}"
        verb = "fall" if repair.consistency_ratio < self.consistency_ratio else "rise"
        change = f"stay at {before}" if before == after else f"{verb} from {before} to {after}"
        return (
            f"{said} Ask: {ask}? If {_answer(more, less, on_scale)}, the consistency ratio would {change} "
            f"(accepted up to {ACCEPTED_RATIO:.2f}), and the weight that moves most, {repair.element}, from "
            f"{repair.weight_before:.3f} to {repair.weight_after:.3f}."
        )

    def __repr__(self) -> str:
        return short_repr(
            "Misfits", judgments=len(self.first), method=self.method, CR=f"{self.consistency_ratio:.3f}"
        )

    def _repr_html_(self) -> str:
        frame = self.to_frame()
        caption = (
            f"Judgments that fit least ({self.method}), CR {self.consistency_ratio:.3f} ({self.random_index})"
        )
        table = html_table(list(frame.columns), frame.itertuples(index=False), caption=caption)
        return table + "".join(f"<p>{html.escape(sentence)}</p>" for sentence in self.sentences())


def _times(more: str, less: str, ratio: float) -> str:
    return f"{more} is {_number(ratio)} times as important as {less}"


def _answer(more: str, less: str, on_scale: float) -> str:
    if math.isclose(on_scale, 1.0):
        return "they are equally important"
    return _times(more, less, on_scale) if on_scale > 1.0 else _times(less, more, 1.0 / on_scale)


def _number(value: float) -> str:
    """Write a ratio for a reader: two digits, and no exponent within a million."""
    if not 1e-3 <= value < 1e6:  # noqa: PLR2004 - beyond, an exponent is easier to read
        return f"{value:.2g}"
    digits = max(0, 1 - int(np.floor(np.log10(value))))
    text = f"{value:.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def misfits_of(comparisons: Comparisons, method: Method, random_index: RandomIndex, expert: str | None) -> Misfits:
    """Rank the judgments of all experts in the group's set, or one expert's own in theirs."""
    judged = comparisons if expert is None else comparisons.by_expert(expert)
    panel = panel_of(judged)
    if method == "eigenvector":
        require_complete(panel.missing(), "" if expert is None else f" of the expert {expert!r}")
    search = _Search(panel, method, random_index)
    rows = [search.row(place) for place in np.flatnonzero(panel.pair >= 0).tolist()]
    order = sorted(range(len(rows)), key=lambda place: rows[place].rank)  # stable: ties stay as judged
    kept = [rows[place] for place in order]
    columns = np.array([row.numbers for row in kept]).reshape(-1, len(_NUMBERS)).T
    return Misfits(
        first=tuple(row.judgment.first for row in kept),
        second=tuple(row.judgment.second for row in kept),
        expert=tuple(row.judgment.expert for row in kept),
        **{name: read_only(column.copy()) for name, column in zip(_NUMBERS, columns, strict=True)},
        only_link=read_only(np.array([row.repair is None for row in kept], dtype=np.bool_)),
        scale_repairs=tuple(row.repair for row in kept),
        consistency_ratio=search.consistency_ratio(search.lambda_max),
        method=method,
        random_index=random_index,
        provenance=provenance(judged.model_dump_json(), n_elements=len(panel.elements), n_judgments=len(kept)),
    )


class _Row(NamedTuple):
    judgment: Judgment
    numbers: tuple[float, ...]
    repair: ScaleRepair | None

    @property
    def rank(self) -> float:
        """Order by misfit, rounded so that equal misfits tie whatever their last digits."""
        return -round(math.log(self.numbers[2]), 10)


class _Search:
    """Solves one set of judgments without, and with another value of, each of its judgments."""

    def __init__(self, panel: Panel, method: Method, random_index: RandomIndex) -> None:
        self.panel, self.random_index = panel, random_index
        # On complete sets the three are one method; only Harker's takes a judgment less.
        self.method: Method = "harker" if method == "eigenvector" else method
        self.matrix = panel.matrix()
        self.weights, self.lambda_max = solved(self.matrix, method)
        self.missing = len(panel.missing())

    def consistency_ratio(self, lambda_max: float) -> float:
        return consistency(lambda_max, len(self.matrix), self.missing, self.random_index).consistency_ratio

    def replaced(self, place: int, ratio: float) -> tuple[FloatArray, float]:
        """Solve with another ratio in the place of one judgment, or with none (NaN); colleagues' ones stay."""
        row, column = self.panel.row[place], self.panel.column[place]
        share = abs(self.panel.share[place])
        if share < 1.0:
            ratio = self.together(place, None if math.isnan(ratio) else share * math.log(ratio))
        matrix = self.matrix.copy()
        matrix[row, column], matrix[column, row] = ratio, 1.0 / ratio
        return solved(matrix, self.method)

    def together(self, place: int, own: float | None) -> float:
        """Average a pair with another part in the place of one judgment, or over the others alone."""
        panel = self.panel
        others = np.flatnonzero((panel.pair == panel.pair[place]) & (np.arange(len(panel.pair)) != place))
        sign = np.where(panel.row[others] == panel.row[place], 1.0, -1.0)
        shares = np.abs(panel.share[others])
        rest = float(shares @ (sign * panel.logarithm[others]))
        return math.exp(rest / float(shares.sum()) if own is None else rest + own)

    def is_only_link(self, place: int) -> bool:
        """Say whether the elements fall apart without this judgment."""
        others = np.flatnonzero((self.panel.pair >= 0) & (np.arange(len(self.panel.pair)) != place))
        return len(components(len(self.matrix), self.panel.row[others], self.panel.column[others])) > 1

    def row(self, place: int) -> _Row:
        """Measure one judgment against the others."""
        judgment = self.panel.judgments[place]
        row, column = self.panel.row[place], self.panel.column[place]
        ratio, fitted = judgment.ratio, float(self.weights[row] / self.weights[column])
        misfit = max(ratio / fitted, fitted / ratio)
        ratio_fitted = self.consistency_ratio(self.replaced(place, fitted)[1])
        if self.is_only_link(place):
            nan = float("nan")
            return _Row(judgment, (ratio, fitted, misfit, nan, nan, nan, ratio_fitted, nan, nan), None)
        without, _ = self.replaced(place, float("nan"))
        suggested = float(without[row] / without[column])
        on_scale = float(_SCALE[np.abs(np.log(_SCALE) - np.log(suggested)).argmin()])
        weights, root = self.replaced(place, suggested)
        scaled, scaled_root = self.replaced(place, on_scale)
        moved = int(np.abs(scaled - self.weights).argmax())
        numbers = (
            *(ratio, fitted, misfit, suggested, on_scale, self.consistency_ratio(root), ratio_fitted, root),
            float(np.abs(weights - self.weights).max()),
        )
        repair = ScaleRepair(
            self.consistency_ratio(scaled_root),
            self.panel.elements[moved],
            float(self.weights[moved]),
            float(scaled[moved]),
        )
        return _Row(judgment, numbers, repair)
