"""The level of every customer of one table, without history."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from custvalue import _frames
from custvalue._results import Provenance, html_table, provenance, read_only, short_repr
from custvalue._spec import FrozenMapping, require
from custvalue._tier_policies.arguments import Shell, kept_columns
from custvalue._tier_policies.engine import Rules
from custvalue._tier_policies.policy import TierPolicy
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False, repr=False)
class Grades:
    """The level of every customer of one table.

    Attributes
    ----------
    policy : TierPolicy
        The policy.
    codes : ndarray of int, shape (n_customers,)
        Position of each customer's level in ``policy.names``, in the order of the table.
    provenance : Provenance
        Package version, policy and counts.

    See Also
    --------
    grade : Makes it.

    Examples
    --------
    >>> import pandas as pd
    >>> from custvalue import tiers
    >>> policy = tiers.TierPolicy.ladder(["basic", "gold"], [500])
    >>> graded = tiers.grade(policy, pd.DataFrame({"customer": [1, 2], "score": [60, 520]}), keep=["customer"])
    >>> graded.to_frame()
       customer  level
    0         1  basic
    1         2   gold
    >>> graded.counts
    {'basic': 1, 'gold': 1}
    """

    policy: TierPolicy
    codes: NDArray[np.int8]
    provenance: Provenance
    _shell: Shell
    _kept: Mapping[str, NDArray[Any]]

    @property
    def levels(self) -> NDArray[Any]:
        """Name of each customer's level, in the order of the table."""
        return np.asarray(np.array(self.policy.names, dtype=object)[self.codes])

    @property
    def counts(self) -> dict[str, int]:
        """Number of customers of each level, from low to high."""
        found = np.bincount(self.codes, minlength=len(self.policy.names))
        return dict(zip(self.policy.names, found.tolist(), strict=True))

    def to_frame(self) -> Any:
        """Give one row a customer, in the order and the library of the table.

        Returns
        -------
        frame
            The columns kept, and ``level``; a pandas index stays.
        """
        return self._shell.frame({**self._kept, "level": self.levels})

    def __repr__(self) -> str:
        return short_repr("Grades", **self.provenance.counts)

    def _repr_html_(self) -> str:
        rows = reversed(list(self.counts.items()))
        return html_table(["level", "customers"], rows, caption="Grades, the highest level first")


def grade(policy: TierPolicy, table: Any, *, keep: Sequence[str] = ()) -> Grades:
    """Give every customer of a table the highest level whose up is met.

    This is what a customer gets on entering: it knows no history, so no hysteresis, dwell or review.
    :func:`replay` follows customers in time.

    Parameters
    ----------
    policy : TierPolicy
        Levels and rules.
    table : pandas, Polars or PyArrow frame
        One row a customer, with the columns that the policy reads.
    keep : sequence of str, default=()
        Columns, such as the key, that ``to_frame`` repeats.

    Returns
    -------
    Grades
        Levels in the order of the table.

    Raises
    ------
    ColumnError
        If the table lacks a column of the policy or of `keep`.
    DataError
        If a value is missing or infinite.
    DomainError
        If the table is no frame or has no row, or `keep` is no sequence.

    Notes
    -----
    Cost: O(customers x levels).

    Examples
    --------
    >>> import pandas as pd
    >>> from custvalue import tiers
    >>> policy = tiers.TierPolicy.five_stars([100, 1_000, 5_000, 20_000])
    >>> tiers.grade(policy, pd.DataFrame({"contribution": [-5.0, 100.0, 99.99]})).levels.tolist()
    ['one star', 'two stars', 'one star']
    """
    require(policy, TierPolicy, "policy")
    frame = _frames.eager(table, argument="table")
    if len(frame) == 0:
        message = "table has no row; allowed: at least one customer."
        raise DomainError(message)
    numbers = _frames.numeric(frame, policy.columns, argument="table")
    shell, kept = kept_columns(table, keep, ["level"])
    columns = {name: np.ascontiguousarray(numbers[:, place]) for place, name in enumerate(policy.columns)}
    codes = Rules(policy).highest_met(columns)
    return Grades(
        policy=policy,
        codes=read_only(codes),
        provenance=provenance(policy.model_dump_json(), customers=len(codes)),
        _shell=shell,
        _kept=FrozenMapping(kept),
    )
