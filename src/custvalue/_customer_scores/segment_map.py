"""Segments: named groups of cells, checked for overlaps, gaps and dead names when the map is built."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
import pandas as pd
from pydantic import Field, field_validator, model_validator

from custvalue import _frames
from custvalue._customer_scores import segment_presets
from custvalue._customer_scores.cells import label_of, whole_scores
from custvalue._customer_scores.score_table import SUFFIX, array_of
from custvalue._customer_scores.segments import MOST_CELLS, Segment, SegmentAxis
from custvalue._results import html_table, short_repr
from custvalue._spec import Document, Items, Name
from custvalue.exceptions import ColumnError, DomainError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from custvalue._typing import IntArray, Table

#: How many cells a message lists.
LISTED = 10
#: Columns of the table of cells beside those of the axes.
OWN_COLUMNS = ("cell", "segment", "action")


class SegmentMap(Document):
    """Named segments that share out every cell of two or more scores, each cell to one segment.

    Parameters
    ----------
    axes : sequence of SegmentAxis
        The scores, such as recency, frequency and monetary; one or more, with their numbers of bins.
    segments : sequence of Segment
        The segments, with unique names.
    overlaps : {"refuse", "first_wins"}, default="refuse"
        A cell in two segments is refused, or goes to the one that stands first, as published maps mean it.
    rest : str, default=None
        Name of the cells that no segment covers, as published maps have their "Others"; None refuses such cells.
    spec_version : int, default=1
        Version of the JSON layout.

    Raises
    ------
    pydantic.ValidationError
        If cells are covered twice or not at all, a segment gets no cell, a name repeats, a box or cell does not
        fit the axes, or there are more than 100,000 cells. The message lists the cells.

    See Also
    --------
    RFMScorer : Gives the scores.
    cells : The cell of each customer.

    Notes
    -----
    All cells are looked at when the map is built (125 for three scores of five), so a map that exists is complete:
    no customer is left without a segment, and no segment is dead. Cost of `label`: :math:`O(n)`.

    Examples
    --------
    >>> import pandas as pd
    >>> from custvalue import rfm
    >>> two = rfm.SegmentMap(
    ...     axes=[rfm.SegmentAxis(name="recency", n_bins=3), rfm.SegmentAxis(name="monetary", n_bins=2)],
    ...     segments=[
    ...         rfm.Segment(name="valuable", boxes=[{"monetary": (2, 2), "recency": (2, 3)}]),
    ...         rfm.Segment(name="slipping", cells=["1-2"]),
    ...         rfm.Segment(name="small", boxes=[{"monetary": (1, 1)}])])
    >>> two.label(pd.DataFrame({"recency_score": [3, 1, 1], "monetary_score": [2, 2, 1]}))
        segment
    0  valuable
    1  slipping
    2     small
    >>> rfm.SegmentMap(axes=two.axes, segments=two.segments[:2])
    Traceback (most recent call last):
    pydantic_core._pydantic_core.ValidationError: 1 validation error for SegmentMap
      Value error, 3 of 6 cells are in no segment: 1-1, 2-1, 3-1. Widen a segment, or name them with rest= ...
    """

    axes: Items[SegmentAxis] = Field(min_length=1, max_length=20, description="The scores, in order.")
    segments: Items[Segment] = Field(min_length=1, max_length=1000, description="The segments, in order.")
    overlaps: Literal["refuse", "first_wins"] = Field(
        default="refuse", description="Whether a cell in two segments is refused or goes to the first."
    )
    rest: Name | None = Field(default=None, description="Name of the cells in no segment; None refuses them.")

    @field_validator("axes", "segments")
    @classmethod
    def _unique(cls, parts: tuple[Any, ...]) -> tuple[Any, ...]:
        names = [part.name for part in parts]
        if repeated := sorted({name for name in names if names.count(name) > 1}):
            message = f"name(s) {repeated} stand more than once; each must be unique"
            raise ValueError(message)
        return parts

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if math.prod(self.shape) > MOST_CELLS:
            message = f"the axes make more than {MOST_CELLS} cells; take fewer bins or axes"
            raise ValueError(message)
        if self.rest in {segment.name for segment in self.segments}:
            message = f"rest '{self.rest}' is a segment's name; give the rest a name of its own"
            raise ValueError(message)
        for segment in self.segments:
            self._check_fit(segment)
        self._check_sharing()
        return self

    def _check_fit(self, segment: Segment) -> None:
        sizes = {axis.name: axis.n_bins for axis in self.axes}
        for box in segment.boxes:
            if unknown := sorted(set(box) - set(sizes)):
                message = f"segment '{segment.name}' names axes {unknown}; the map has {list(sizes)}"
                raise ValueError(message)
            if beyond := sorted(axis for axis, (_, high) in box.items() if high > sizes[axis]):
                limits = {axis: sizes[axis] for axis in beyond}
                message = f"segment '{segment.name}' goes beyond the highest score of an axis: {limits}"
                raise ValueError(message)
        bad = [
            cell
            for cell in segment.cells
            if len(parts := cell.split("-")) != len(self.axes)
            or any(int(part) > size for part, size in zip(parts, self.shape, strict=True))
        ]
        if bad:
            message = (
                f"segment '{segment.name}' has {_listed(bad)}, which are no cells of the axes "
                f"{' x '.join(map(str, self.shape))}"
            )
            raise ValueError(message)

    def _check_sharing(self) -> None:
        owner = np.full(self.shape, -1, dtype=np.int64)
        dead, twice = [], []
        for place, segment in enumerate(self.segments):
            mine = self._mask(segment)
            for other in np.unique(owner[mine & (owner >= 0)]).tolist():
                shared = mine & (owner == other)
                twice.append(f"{_cells_of(shared)} in both '{self.segments[other].name}' and '{segment.name}'")
            mine &= owner < 0
            if not mine.any():
                dead.append(segment.name)
            owner[mine] = place
        if twice and self.overlaps == "refuse":
            listed = "; ".join(twice[:LISTED]) + (f"; and {len(twice) - LISTED} more" * (len(twice) > LISTED))
            message = f"cells are in two segments: {listed}. Cut the boxes, or set overlaps='first_wins'"
            raise ValueError(message)
        if dead:
            message = f"segment(s) {dead} get no cell, because those before take all of theirs; move or drop them"
            raise ValueError(message)
        left = owner < 0
        if left.any() and self.rest is None:
            message = (
                f"{int(left.sum())} of {left.size} cells are in no segment: {_cells_of(left)}. Widen a segment, "
                "or name them with rest="
            )
            raise ValueError(message)
        if not left.any() and self.rest is not None:
            message = f"every cell is in a segment, so the rest '{self.rest}' is empty; leave it out"
            raise ValueError(message)

    def _mask(self, segment: Segment) -> Any:
        mask = np.zeros(self.shape, dtype=np.bool_)
        for box in segment.boxes:
            spans = [box.get(axis.name, (1, axis.n_bins)) for axis in self.axes]
            mask[tuple(slice(low - 1, high) for low, high in spans)] = True
        for cell in segment.cells:
            mask[tuple(int(part) - 1 for part in cell.split("-"))] = True
        return mask

    @classmethod
    def eleven_groups(cls) -> Self:
        """Give the common map of eleven groups over three scores of five.

        The names are those of Putler's map, champions to lost customers [1]_. Putler prints ranges of recency and
        of frequency and monetary combined that overlap; read in their order, four of the groups get no cell on a
        scale of 1 to 5. Such a map is refused here. The cells are those of the list in which each of the 125 has
        one group, as Squeezely publishes it [2]_. Actions and Chinese names are ours.

        Returns
        -------
        SegmentMap
            Axes ``recency``, ``frequency`` and ``monetary`` with five scores each.

        References
        ----------
        .. [1] Putler, *RFM Analysis for Successful Customer Segmentation*, https://www.putler.com/rfm-analysis.
        .. [2] Squeezely, *How to use the RFM app*, default values of the segments.

        Examples
        --------
        >>> from custvalue import rfm
        >>> rfm.SegmentMap.eleven_groups().label([[5, 5, 5], [1, 5, 5], [1, 1, 1]]).tolist()
        ['Champions', 'Cannot Lose Them', 'Lost']
        """
        return cls._over({"recency": 5, "frequency": 5, "monetary": 5}, segment_presets.ELEVEN_GROUPS)

    @classmethod
    def eight_types(cls, *, n_bins: int = 2, high_from: int | None = None) -> Self:
        """Give the eight types common in China: each of recency, frequency and monetary is high or low.

        A high monetary score is 重要 (important), a low one 一般 (ordinary). 价值 (value) is recent and frequent,
        发展 (develop) recent but not frequent, 保持 (keep) frequent but not recent, 挽留 (win back) neither. The
        usual line between high and low is the mean of each indicator: with indicators `X` in a pandas frame,
        ``RFMScorer(indicators, method="thresholds", thresholds=X.mean())`` gives scores 1 and 2, and a value equal
        to the mean lies above it. The names are common property; actions and translations are ours.

        Parameters
        ----------
        n_bins : int, default=2
            Number of scores of each axis.
        high_from : int, default=None
            Lowest score that counts as high; None takes the upper half, without the middle of an odd number.

        Returns
        -------
        SegmentMap
            Axes ``recency``, ``frequency`` and ``monetary``; each segment has its Chinese name.

        Raises
        ------
        DomainError
            If `high_from` leaves nothing low or nothing high.
        pydantic.ValidationError
            If `n_bins` is less than 2.

        Examples
        --------
        >>> from custvalue import rfm
        >>> types = rfm.SegmentMap.eight_types()
        >>> types.label([[2, 2, 2], [1, 2, 2], [2, 1, 1]], names="chinese").tolist()
        ['重要价值', '重要保持', '一般发展']

        From indicators to types, cut at the means:

        >>> import pandas as pd
        >>> indicators = rfm.IndicatorSet(
        ...     indicators=[
        ...         rfm.Recency(name="recency"), rfm.Frequency(name="frequency"), rfm.Monetary(name="monetary")])
        >>> X = pd.DataFrame({"recency": [3.0, 40.0], "frequency": [9.0, 2.0], "monetary": [10.0, 70.0]})
        >>> scorer = rfm.RFMScorer(indicators, method="thresholds", thresholds=X.mean()).fit(X)
        >>> types.label(scorer.transform(X))["segment"].tolist()
        ['ordinary value', 'important win back']
        """
        axes = [SegmentAxis(name=name, n_bins=n_bins) for name in segment_presets.CLASSIC_AXES]
        first = n_bins // 2 + n_bins % 2 + 1 if high_from is None else high_from
        if not 1 < first <= n_bins:
            message = f"high_from must be from 2 to n_bins, {n_bins}."
            raise DomainError(message)
        halves = {"low": (1, first - 1), "high": (first, n_bins)}
        segments = [
            Segment(
                name=name,
                boxes=[
                    {axis: halves[level] for axis, level in zip(segment_presets.CLASSIC_AXES, levels, strict=True)}
                ],
                action=action,
                chinese=chinese,
            )
            for name, chinese, levels, action in segment_presets.EIGHT_TYPES
        ]
        return cls(axes=axes, segments=segments)

    @classmethod
    def twelve_groups(cls) -> Self:
        """Give our map of twelve groups: three scores of recency, two of frequency, two of monetary.

        A source of database marketing speaks of twelve groups by RFM and gives no recipe, so the cut 3 x 2 x 2,
        the names and the actions are ours. Score with ``RFMScorer(n_bins={...: 3, ...: 2, ...: 2})``.

        Returns
        -------
        SegmentMap
            Axes ``recency`` with three scores, ``frequency`` and ``monetary`` with two each; each segment has a
            Chinese name.

        Examples
        --------
        >>> from custvalue import rfm
        >>> ours = rfm.SegmentMap.twelve_groups()
        >>> len(ours.segments), ours.label([[3, 2, 2], [1, 1, 1]]).tolist()
        (12, ['active frequent large', 'dormant occasional small'])
        """
        return cls._over({"recency": 3, "frequency": 2, "monetary": 2}, segment_presets.twelve_groups())

    @classmethod
    def r_rfm(cls) -> Self:
        """Give the map in the documentation of the R package rfm 0.3, with its conventions.

        Its boxes overlap and leave cells out, so it is built with ``overlaps="first_wins"`` and ``rest="Others"``,
        which is what ``rfm_segment`` does [1]_. With ``RFMScorer(method="r_rfm")`` it gives the package's
        published customer table.

        Returns
        -------
        SegmentMap
            Axes ``recency``, ``frequency`` and ``monetary`` with five scores each, ten segments and the rest.

        References
        ----------
        .. [1] Hebbali, A. (2024). *rfm: Recency, Frequency and Monetary Value Analysis*. R package 0.3.0, examples
           of ``rfm_segment``.

        Examples
        --------
        >>> from custvalue import rfm
        >>> rfm.SegmentMap.r_rfm().label([[5, 5, 5], [3, 1, 5], [2, 4, 1]]).tolist()
        ['Champions', 'Promising', 'Others']
        """
        axes = dict.fromkeys(segment_presets.CLASSIC_AXES, 5)
        return cls._over(axes, segment_presets.r_rfm(), overlaps="first_wins", rest="Others")

    @classmethod
    def _over(cls, axes: Mapping[str, int], segments: Iterable[Mapping[str, Any]], **settings: Any) -> Self:
        return cls(
            axes=[SegmentAxis(name=name, n_bins=n_bins) for name, n_bins in axes.items()],
            segments=[Segment.model_validate(dict(segment)) for segment in segments],
            **settings,
        )

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of scores of each axis."""
        return tuple(axis.n_bins for axis in self.axes)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the segments, in order, the rest last."""
        return (*(segment.name for segment in self.segments), *((self.rest,) if self.rest is not None else ()))

    @property
    def actions(self) -> dict[str, str]:
        """For each segment that has one its action."""
        return {segment.name: segment.action for segment in self.segments if segment.action}

    def _owners(self) -> IntArray:
        """For each cell the place of its segment among the names."""
        owner = np.full(self.shape, len(self.segments), dtype=np.int64)
        for place in reversed(range(len(self.segments))):
            owner[self._mask(self.segments[place])] = place
        return owner

    def label(
        self,
        scores: Table,
        *,
        columns: Mapping[str, str] | None = None,
        names: Literal["name", "chinese"] = "name",
    ) -> Any:
        """Give every customer's segment.

        Parameters
        ----------
        scores : table of shape (n_customers, n_scores)
            Whole scores, as :meth:`RFMScorer.transform` gives them: a frame, or an array in the order of the axes.
        columns : mapping of str to str, default=None
            For each axis the column of a frame. None takes the axis's name with ``_score`` behind, else its name.
        names : {"name", "chinese"}, default="name"
            Which names to give.

        Returns
        -------
        frame in the caller's library, or ndarray of str
            The column ``segment``, one row a customer (a pandas frame keeps its index); an array for an array.

        Raises
        ------
        ColumnError
            If the column of an axis is missing, or holds no numbers.
        DataError
            If a score is missing, no whole number, or beyond its axis.
        DomainError
            If an array has another width, `columns` do not name the axes, or a Chinese name is missing.
        """
        if names not in ("name", "chinese"):
            message = "names must be 'name' or 'chinese'."
            raise DomainError(message)
        if names == "chinese" and not all(segment.chinese for segment in self.segments):
            message = "Not every segment has a Chinese name; use names='name'."
            raise DomainError(message)
        texts = [segment.name if names == "name" else segment.chinese for segment in self.segments]
        texts += [] if self.rest is None else [self.rest]
        framed = _frames.is_frame(scores)
        numbers = self._scores(scores, columns, framed=framed)
        flat = np.ravel_multi_index(tuple(numbers.T - 1), self.shape)
        labels = np.array(texts, dtype=np.str_)[self._owners().ravel()[flat]]
        return _frames.like(scores, {"segment": labels}) if framed else labels

    def _scores(self, scores: Table, columns: Mapping[str, str] | None, *, framed: bool) -> IntArray:
        axes = [axis.name for axis in self.axes]
        if columns is not None and (not framed or set(columns) != set(axes)):
            message = f"columns must map each of {axes} to a column of a frame."
            raise DomainError(message)
        if framed:
            there = _frames.column_names(scores) or ()
            wanted = [
                columns[axis] if columns else (f"{axis}{SUFFIX}" if f"{axis}{SUFFIX}" in there else axis)
                for axis in axes
            ]
            if missing := [name for name in wanted if name not in there]:
                mend = "Name the column of each axis in columns=."
                raise ColumnError.missing(missing, available=there, mend=mend)
            return whole_scores(scores, wanted, self.shape)
        array = array_of(scores, "scores")
        if array.ndim == 2 and array.shape[1] != len(axes):  # noqa: PLR2004 - rows and columns
            message = f"scores has {array.shape[1]} columns and the map {len(axes)} axes: {', '.join(axes)}."
            raise DomainError(message)
        return whole_scores(array, None, self.shape)

    def to_frame(self) -> pd.DataFrame:
        """List every cell with its segment.

        Returns
        -------
        pandas.DataFrame
            One row a cell, the highest scores first: a column for each axis, ``cell``, ``segment`` and ``action``.

        Raises
        ------
        ColumnError
            If an axis has the name of one of these three columns.
        """
        if taken := [axis.name for axis in self.axes if axis.name in OWN_COLUMNS]:
            message = f"axes are named {taken}, as columns of this table are; rename these axes to list the cells."
            raise ColumnError(message)
        rows = np.argwhere(np.ones(self.shape, dtype=np.bool_))[::-1] + 1
        frame = pd.DataFrame({axis.name: rows[:, j] for j, axis in enumerate(self.axes)})
        frame["cell"] = [label_of(row) for row in rows.tolist()]
        frame["segment"] = [self.names[place] for place in self._owners().ravel()[::-1]]
        frame["action"] = [self.actions.get(name, "") for name in frame["segment"]]
        return frame

    def __repr__(self) -> str:
        axes = " x ".join(f"{axis.name} {axis.n_bins}" for axis in self.axes)
        return short_repr("SegmentMap", axes=axes, segments=len(self.segments), rest=self.rest)

    __str__ = __repr__

    def _repr_html_(self) -> str:
        counts = np.bincount(self._owners().ravel(), minlength=len(self.names))
        chinese = {segment.name: segment.chinese for segment in self.segments}
        rows = [
            (name, chinese.get(name, ""), int(count), self.actions.get(name, ""))
            for name, count in zip(self.names, counts, strict=False)
        ]
        caption = f"SegmentMap: {' x '.join(f'{axis.name} {axis.n_bins}' for axis in self.axes)}"
        return html_table(["segment", "Chinese name", "cells", "action"], rows, caption=caption)


def _listed(cells: Sequence[str]) -> str:
    more = f" and {len(cells) - LISTED} more" if len(cells) > LISTED else ""
    return ", ".join(cells[:LISTED]) + more


def _cells_of(mask: Any) -> str:
    return _listed([label_of(row) for row in (np.argwhere(mask) + 1).tolist()])
