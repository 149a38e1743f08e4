"""What a segment map is made of: its axes, and named groups of cells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Self, TypeAlias

from pydantic import Field, model_validator

from custvalue._customer_scores.score_table import MOST_BINS
from custvalue._spec import Entries, Items, Name, Spec

if TYPE_CHECKING:
    from collections.abc import Sequence

Score: TypeAlias = Annotated[int, Field(ge=1, le=MOST_BINS)]
if TYPE_CHECKING:
    Span: TypeAlias = Sequence[int]
else:
    Span: TypeAlias = Annotated[tuple[Score, Score], Field(strict=False)]
#: A map larger than this is no map that anybody reads.
MOST_CELLS = 100_000
CELL_PATTERN = r"^[1-9][0-9]{0,3}(-[1-9][0-9]{0,3})*$"


class SegmentAxis(Spec):
    """One axis of a segment map: a score and how many values it has.

    Parameters
    ----------
    name : str
        Name of the axis, such as ``"recency"``; its scores are looked for in the column of that name with
        ``_score`` behind, else in the column of that name.
    n_bins : int
        Number of scores, from 2 to 1000.

    Examples
    --------
    >>> from custvalue import rfm
    >>> rfm.SegmentAxis(name="recency", n_bins=5).n_bins
    5
    """

    name: Name = Field(description="Name of the axis.")
    n_bins: int = Field(ge=2, le=MOST_BINS, description="Number of scores of the axis.")


class Segment(Spec):
    """A named group of cells: boxes of scores, single cells, or both together.

    Parameters
    ----------
    name : str
        Name of the segment.
    boxes : sequence of mapping of str to pair of int, default=()
        Each maps an axis to its lowest and highest score; an axis left out is not restricted. Boxes of one segment
        may overlap.
    cells : sequence of str, default=()
        Cells such as ``"5-4-3"``, in the order of the axes.
    action : str, default=""
        What to do with these customers.
    chinese : str, default=""
        The Chinese name.

    Raises
    ------
    pydantic.ValidationError
        If there is neither box nor cell, a pair falls, or a cell is no hyphenated list of scores.

    Examples
    --------
    >>> from custvalue import rfm
    >>> best = rfm.Segment(name="best", boxes=[{"recency": (4, 5), "monetary": (4, 5)}], action="thank")
    >>> best.boxes[0]["recency"]
    (4, 5)
    """

    name: Name = Field(description="Name of the segment.")
    boxes: Items[Entries[Name, Span]] = Field(
        default=(), max_length=1000, description="Boxes: for each axis the lowest and highest score."
    )
    cells: Items[Annotated[str, Field(pattern=CELL_PATTERN, max_length=200)]] = Field(
        default=(), max_length=MOST_CELLS, description="Single cells, such as 5-4-3."
    )
    action: str = Field(default="", max_length=1000, description="What to do with these customers.")
    chinese: str = Field(default="", max_length=200, description="The Chinese name.")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if not self.boxes and not self.cells:
            message = f"segment '{self.name}' has neither boxes nor cells; give one at least"
            raise ValueError(message)
        falling = sorted({axis for box in self.boxes for axis, (low, high) in box.items() if low > high})
        if falling:
            message = f"segment '{self.name}' has a box whose pair falls on {falling}: give the lowest score first"
            raise ValueError(message)
        return self
