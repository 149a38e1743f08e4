"""The calendar of a panel: months of a movable holiday joined, quarter-ends kept, taken out, or kept alone."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
from pydantic import Field, field_validator

from custvalue._results import provenance, read_only
from custvalue._spec import Items, Spec, canonical_json, require
from custvalue._spend_shifts.panel import SpendPanel
from custvalue.exceptions import DataError

if TYPE_CHECKING:
    from custvalue._typing import BoolArray, IntArray

_YEAR: Final = 12
_QUARTER: Final = 3


class SpendCalendar(Spec):
    """Join months of a movable holiday, and say what quarter-ends are compared with.

    The Spring Festival lies in January or in February, Easter in March or in April: a month with it and the same
    month a year before without it cannot be compared, their joined period can. At the ends of quarters banks push
    deposits, so such a month is high everywhere and the next one looks like a fall.

    Parameters
    ----------
    joined : sequence of sequences of int, default=((1, 2),)
        Groups of consecutive months of the year (1 to 12) that count as one period; its amount is their average,
        so it stands beside single months.
    quarter_ends : {"keep", "exclude", "only"}, default="keep"
        What happens to periods with a March, June, September or December: they stay; they are taken out; or they
        alone stay, so that quarter-ends are compared with quarter-ends.

    Raises
    ------
    pydantic.ValidationError
        If months are not consecutive or stand in two groups, or a setting is unknown.

    Notes
    -----
    A group of which the panel holds only a part, at its beginning or end, is dropped and counted: January alone
    cannot be judged before February is over. The calendar is ours; the practice of joining January and February
    is that of China's National Bureau of Statistics, which publishes the two months together.

    Examples
    --------
    >>> from custvalue import wallet
    >>> panel = wallet.SpendPanel.from_wide([[10.0, 30.0, 50.0, 40.0]], start="2024-01")
    >>> joined = wallet.SpendCalendar().apply(panel)
    >>> joined.month_labels, joined.amounts
    (('2024-01/02', '2024-03', '2024-04'), array([[20., 50., 40.]]))
    >>> wallet.SpendCalendar(quarter_ends="exclude").apply(panel).month_labels
    ('2024-01/02', '2024-04')
    """

    joined: Items[Items[int]] = Field(default=((1, 2),), max_length=6, description="Months that are one period.")
    quarter_ends: Literal["keep", "exclude", "only"] = Field(
        default="keep", description="What happens to periods with the end of a quarter."
    )

    @field_validator("joined")
    @classmethod
    def _consecutive(cls, joined: tuple[tuple[int, ...], ...]) -> tuple[tuple[int, ...], ...]:
        met: list[int] = []
        for group in joined:
            steps = {(after - before) % _YEAR for before, after in pairwise(group)}
            if not 1 < len(group) < _YEAR or steps != {1} or not all(1 <= month <= _YEAR for month in group):
                message = "each group of joined must be 2 to 11 consecutive months of the year, from 1 to 12"
                raise ValueError(message)
            met.extend(group)
        if len(set(met)) < len(met):
            message = "a month stands in two groups of joined"
            raise ValueError(message)
        return joined

    def apply(self, panel: SpendPanel) -> SpendPanel:
        """Give the panel by this calendar.

        Parameters
        ----------
        panel : SpendPanel
            A panel of single months.

        Returns
        -------
        SpendPanel
            The same customers by periods; counts of its provenance tell the months dropped at its ends.

        Raises
        ------
        DataError
            If the panel has a calendar already, or no period is left.
        DomainError
            If `panel` is no panel.
        """
        panel = require(panel, SpendPanel, "panel", "Make it with SpendPanel.from_long, from_wide or so.")
        months = panel.months.astype(np.int64)
        if (panel.lengths != 1).any() or (np.diff(months) != 1).any():
            message = "panel has a calendar already; apply one to the panel of single months."
            raise DataError(message)
        first, lengths, complete = self._periods(months)
        amounts = np.add.reduceat(panel.amounts, first, axis=1) / lengths
        starts = months[first]
        end = (starts + lengths) // _QUARTER > starts // _QUARTER
        kept = complete & {"keep": np.ones_like(end), "exclude": ~end, "only": end}[self.quarter_ends]
        if not kept.any():
            message = "No period is left by this calendar; give a longer panel, or another rule for quarter-ends."
            raise DataError(message)
        counts = dict(panel.provenance.counts) | {"periods": int(kept.sum())}
        counts["months_dropped"] = int(lengths[~complete].sum())
        settings = f"{panel.provenance.spec}; calendar {canonical_json(self)}".removeprefix("; ")
        return replace(
            panel,
            months=read_only(starts[kept].astype("datetime64[M]")),
            amounts=read_only(np.ascontiguousarray(amounts[:, kept])),
            lengths=read_only(lengths[kept]),
            provenance=provenance(settings, **counts),
        )

    def _periods(self, months: IntArray) -> tuple[IntArray, IntArray, BoolArray]:
        """Give the first place and the length of every period, and whether all its months are there."""
        of_year = (months % _YEAR + 1).tolist()
        group_of = {month: group for group in self.joined for month in group}
        first: list[int] = []
        wanted: list[int] = []
        for place, month in enumerate(of_year):
            group = group_of.get(month, (month,))
            if place == 0 or month == group[0]:
                first.append(place)
                wanted.append(len(group))
        found = np.array(first, dtype=np.int64)
        lengths = np.diff(np.append(found, len(months)))
        return found, lengths, lengths == np.array(wanted)
