"""Which rule speaks for which product of which customer: rules tried in their order on packed flags."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from custvalue._typing import BoolArray

#: Rows looked at in one go: 8 KB a packed column, so that fifty columns stay in the cache.
BLOCK: Final = 1 << 16


def first_matching(
    held: BoolArray,
    free: BoolArray,
    antecedent_indptr: NDArray[np.int64],
    antecedent_codes: NDArray[np.int32],
    consequents: NDArray[np.int64],
) -> NDArray[np.int32]:
    """Give for each row and column the first rule that has the column on its right and only held ones on its left.

    Parameters
    ----------
    held : ndarray of bool, shape (n_rows, n_columns)
        What each row holds.
    free : ndarray of bool, shape (n_rows, n_columns)
        Cells that want a rule.
    antecedent_indptr, antecedent_codes : ndarray
        Rule r has the columns ``antecedent_codes[antecedent_indptr[r]:antecedent_indptr[r + 1]]`` on its left;
        an empty left side fits every row.
    consequents : ndarray of int64, shape (n_rules,)
        The column on the right of each rule.

    Returns
    -------
    ndarray of int32, shape (n_rows, n_columns)
        Position of the rule; -1 where none fits or the cell is not free. Cost: rules times rows / 8 bytes for each
        column of an antecedent; memory: the answer and one packed block.
    """
    n_rows, n_columns = held.shape
    out = np.full((n_rows, n_columns), -1, dtype=np.int32)
    ends = antecedent_indptr.tolist()
    lefts = [antecedent_codes[start:end].tolist() for start, end in itertools.pairwise(ends)]
    rules = list(enumerate(zip(lefts, consequents.tolist(), strict=True)))
    for start in range(0, n_rows, BLOCK):
        stop = min(start + BLOCK, n_rows)
        own = np.packbits(held[start:stop], axis=0).T.copy()
        wanted = np.packbits(free[start:stop], axis=0).T.copy()
        for place, (left, right) in rules:
            hit = wanted[right].copy()
            for column in left:
                hit &= own[column]
            if hit.any():
                wanted[right] &= ~hit
                rows = np.flatnonzero(np.unpackbits(hit, count=stop - start))
                out[start + rows, right] = place
    return out
