"""Cut points as data: what a fitted scorer knows, at home in JSON, applied to next month's customers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, TypeAlias

import numpy as np
import pandas as pd
from pydantic import Field, field_validator, model_validator

from custvalue import _frames
from custvalue._kernels import scoring
from custvalue._results import html_table, short_repr
from custvalue._spec import Document, Items, Name, Spec
from custvalue.exceptions import DataError, DomainError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from custvalue._typing import BoolArray, FloatArray, IntArray

ScoreMethod: TypeAlias = Literal["midrank", "quantile", "thresholds", "r_rfm"]
METHODS: tuple[ScoreMethod, ...] = ("midrank", "quantile", "thresholds", "r_rfm")
#: No more scores than this; a scale that fine is a rank.
MOST_BINS = 1000
#: What a score's column is called, after the indicator's name.
SUFFIX = "_score"
#: Largest cut, as for the values themselves.
CUT_LIMIT = _frames.LARGEST

_Cut = Annotated[float, Field(ge=-CUT_LIMIT, le=CUT_LIMIT)]


class ScoreCuts(Spec):
    """The cut points of one indicator: from its values to the scores 1 to k, where more is better.

    Parameters
    ----------
    name : str
        Name of the indicator and of its column.
    method : {"midrank", "quantile", "thresholds", "r_rfm"}
        How the cuts were found, which also says where a value equal to a cut belongs: with ``"quantile"`` to the
        lower side, with the others to the higher one.
    cuts : sequence of float or None
        The k - 1 cuts in the unit of the indicator, in rising order; equal ones are allowed, but not among
        thresholds. None, at the end and with ``"midrank"`` only, is a cut that no fitted value reached.
    direction : {"benefit", "cost"}, default="benefit"
        Whether a large value is good. A cost scores k + 1 less what the same value would score as a benefit.
    null_rule : {"worst", "refuse"}, default="worst"
        Whether null, such as the recency of a kind never used, scores 1 or is refused.

    Raises
    ------
    pydantic.ValidationError
        If the cuts do not rise, or None stands where it may not.

    Examples
    --------
    >>> from custvalue import rfm
    >>> recency = rfm.ScoreCuts(name="recency", method="thresholds", cuts=[30.0, 90.0], direction="cost")
    >>> recency.n_bins
    3
    """

    name: Name = Field(description="Name of the indicator and of its column.")
    method: ScoreMethod = Field(description="How the cuts were found and on which side a value equal to one is.")
    cuts: Items[_Cut | None] = Field(
        min_length=1, max_length=MOST_BINS - 1, description="The cuts between the scores, in rising order."
    )
    direction: Literal["benefit", "cost"] = Field(default="benefit", description="Whether a large value is good.")
    null_rule: Literal["worst", "refuse"] = Field(default="worst", description="Score 1 for null, or a refusal.")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        known = [cut for cut in self.cuts if cut is not None]
        if len(known) < len(self.cuts) and self.method != "midrank":
            message = f"a cut that no value reaches (None) goes with method 'midrank', not with '{self.method}'"
            raise ValueError(message)
        if list(self.cuts[: len(known)]) != known:
            message = "cuts that no value reaches (None) stand at the end"
            raise ValueError(message)
        steps = np.diff(np.array(known))
        if (steps < 0.0).any() or (self.method == "thresholds" and (steps == 0.0).any()):
            message = "the cuts must rise from one to the next" + (
                "" if self.method == "thresholds" else "; equal ones are allowed"
            )
            raise ValueError(message)
        return self

    @property
    def n_bins(self) -> int:
        """Number of scores: one more than cuts."""
        return len(self.cuts) + 1

    @property
    def cut_is_higher(self) -> bool:
        """Whether a value equal to a cut belongs to the values above it; before a cost is mirrored."""
        return self.method != "quantile"


class ScoreTable(Document):
    r"""The cut points of several indicators as one document: fit once, keep as JSON, apply to any later month.

    Scores by the same table can be compared over time; scores that are cut anew each month cannot, since there is
    always a best fifth.

    Parameters
    ----------
    columns : sequence of ScoreCuts
        The indicators, with unique names.
    spec_version : int, default=1
        Version of the JSON layout.

    Raises
    ------
    pydantic.ValidationError
        If a name repeats or there is no column.

    See Also
    --------
    RFMScorer : Finds the cuts, and takes a table back with `from_score_table`.

    Notes
    -----
    The digest is the same for equal tables only, so it tells under which cuts a score was given. Cost of `apply`:
    :math:`O(n \log k)` a column.

    Examples
    --------
    >>> import pandas as pd
    >>> from custvalue import rfm
    >>> table = rfm.ScoreTable(columns=[
    ...     rfm.ScoreCuts(name="recency", method="thresholds", cuts=[30.0, 90.0], direction="cost"),
    ...     rfm.ScoreCuts(name="turnover", method="thresholds", cuts=[100.0, 1000.0])])
    >>> table = rfm.ScoreTable.model_validate_json(table.model_dump_json())
    >>> table.apply(pd.DataFrame({"recency": [3.0, 30.0, None], "turnover": [50.0, 1000.0, 400.0]}))
       recency_score  turnover_score
    0              3               1
    1              2               3
    2              1               2
    """

    columns: Items[ScoreCuts] = Field(min_length=1, max_length=1000, description="The cuts of each indicator.")

    @field_validator("columns")
    @classmethod
    def _unique(cls, columns: tuple[ScoreCuts, ...]) -> tuple[ScoreCuts, ...]:
        names = [column.name for column in columns]
        if repeated := sorted({name for name in names if names.count(name) > 1}):
            message = f"column name(s) {repeated} stand more than once; each must be unique"
            raise ValueError(message)
        return columns

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the indicators, in order."""
        return tuple(column.name for column in self.columns)

    @property
    def score_names(self) -> tuple[str, ...]:
        """Names of the columns of scores: the indicators' with ``_score`` behind."""
        return tuple(f"{name}{SUFFIX}" for name in self.names)

    @property
    def n_bins(self) -> dict[str, int]:
        """For each indicator the number of scores."""
        return {column.name: column.n_bins for column in self.columns}

    def apply(self, X: Any) -> Any:
        """Score customers by the cuts.

        Parameters
        ----------
        X : table of shape (n_customers, n_indicators)
            The indicators, unscaled: a frame, from which the columns are taken by name and others are left, or an
            array in the order of `names`. NaN or null where an indicator has no value.

        Returns
        -------
        table of shape (n_customers, n_indicators)
            Whole scores from 1, the worst, to k; a frame in the caller's library with the columns `score_names` (a
            pandas frame keeps its index), else an array.

        Raises
        ------
        ColumnError
            If a column is missing or holds no numbers.
        DataError
            If a value is infinite, or null where the rule is ``"refuse"``.
        DomainError
            If `X` is no table, or an array of another width.
        """
        if not _frames.is_frame(X):
            X = array_of(X, "X")
            if X.ndim == 2 and X.shape[1] != len(self.names):  # noqa: PLR2004 - rows and columns
                message = f"X has {X.shape[1]} columns and the table {len(self.names)}: {', '.join(self.names)}."
                raise DomainError(message)
            return scores_of(self, _frames.numeric(X, argument="X", nulls=True))
        scores = scores_of(self, _frames.numeric(X, self.names, argument="X", nulls=True))
        return _frames.like(X, {name: scores[:, j] for j, name in enumerate(self.score_names)})

    def to_frame(self) -> pd.DataFrame:
        """List the values that make each score.

        Returns
        -------
        pandas.DataFrame
            One row a column and score: ``column``, ``direction``, ``method``, ``score``, ``lower``, ``upper`` (in
            the indicator's unit; NaN is without end, or a cut that no value reached) and ``includes``, the end
            that belongs to the score.
        """
        rows: list[tuple[Any, ...]] = []
        for column in self.columns:
            ends = [np.nan, *_cuts(column).tolist(), np.nan]
            bins = list(range(1, column.n_bins + 1))
            scores = bins[::-1] if column.direction == "cost" else bins
            included = "lower" if column.cut_is_higher else "upper"
            found = [
                (column.name, column.direction, column.method, score, ends[place], ends[place + 1], included)
                for place, score in enumerate(scores)
            ]
            rows.extend(sorted(found, key=lambda row: int(row[3])))
        return pd.DataFrame(rows, columns=["column", "direction", "method", "score", "lower", "upper", "includes"])

    def __repr__(self) -> str:
        return short_repr("ScoreTable", columns=len(self.columns), digest=self.digest[:12])

    __str__ = __repr__

    def _repr_html_(self) -> str:
        frame = self.to_frame()
        caption = f"ScoreTable: {len(self.columns)} columns, digest {self.digest[:12]}"
        return html_table(list(frame.columns), frame.itertuples(index=False), caption=caption)


def array_of(data: object, argument: str) -> Any:
    """Give an array of what is no frame; refuse rows of different lengths by the argument's name."""
    try:
        return np.asarray(_frames.unmasked(data))
    except ValueError:
        message = f"{argument} has rows of different lengths; allowed: an array of numbers, or a frame."
        raise DomainError(message) from None


def _cuts(column: ScoreCuts) -> FloatArray:
    return np.array([np.nan if cut is None else cut for cut in column.cuts], dtype=np.float64)


def scores_of(table: ScoreTable, numbers: FloatArray) -> IntArray:
    """Score an array whose columns are those of the table and whose shape and finiteness are checked."""
    refused = [column.null_rule == "refuse" for column in table.columns]
    require_known(table.names, np.isnan(numbers).any(axis=0) & np.array(refused))
    scores = np.empty(numbers.shape, dtype=np.int64)
    for j, column in enumerate(table.columns):
        scores[:, j] = scoring.scores_by_cuts(
            numbers[:, j],
            _cuts(column),
            cut_is_higher=column.cut_is_higher,
            mirrored=column.direction == "cost",
        )
    return scores


def require_known(names: Sequence[str], refused: BoolArray) -> None:
    """Refuse nulls in the columns that are marked."""
    if refused.any():
        guilty = [names[j] for j in np.flatnonzero(refused).tolist()]
        message = f"X holds nulls in {guilty}, whose null_rule is 'refuse'; fill them or change the rule."
        raise DataError(message)
