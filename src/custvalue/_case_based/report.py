"""How good the classes of a case base are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from custvalue._results import html_table, short_repr

if TYPE_CHECKING:
    from custvalue._typing import FloatArray, IntArray


@dataclass(frozen=True, eq=False, repr=False)
class CaseBaseReport:
    """How good the classes of a case base are.

    Attributes
    ----------
    sizes : ndarray of int, shape (n_classes,)
        Customers in each class, from the lowest class to the highest.
    mean_composite : ndarray of shape (n_classes,)
        Mean composite value of each class, rising.
    smallest_class : int
        Customers in the smallest class.
    silhouette : float or None
        Mean silhouette in the clustering space (Rousseeuw 1987), among at most 2,000 customers; None where it is
        not defined.
    stability : float or None
        Mean adjusted Rand index (Hubert and Arabie 1985) between these classes and those of other seeds; None
        if not asked for.

    Examples
    --------
    >>> from custvalue import cbr, grey
    >>> hierarchy = grey.Hierarchy.equal({"monetary": ["balance"]})
    >>> X = [[0.0], [0.1], [0.1], [0.0], [0.1], [0.9], [1.0], [0.9], [1.0], [0.9]]
    >>> report = cbr.build_case_base(X, hierarchy, n_classes=2, random_state=0).clusters.report
    >>> report.sizes, report.stability
    (array([5, 5]), 1.0)
    """

    sizes: IntArray
    mean_composite: FloatArray
    smallest_class: int
    silhouette: float | None
    stability: float | None

    def __repr__(self) -> str:
        facts = {"classes": len(self.sizes), "smallest_class": self.smallest_class}
        return short_repr("CaseBaseReport", **facts)

    def to_frame(self) -> pd.DataFrame:
        """Give one row a class.

        Returns
        -------
        pandas.DataFrame
            Columns ``class``, ``customers``, ``mean_composite``.
        """
        return pd.DataFrame(
            {
                "class": np.arange(1, len(self.sizes) + 1),
                "customers": self.sizes,
                "mean_composite": self.mean_composite,
            }
        )

    def _repr_html_(self) -> str:
        known = {"silhouette": self.silhouette, "stability (adjusted Rand)": self.stability}
        text = "; ".join(f"{name} {value:.2f}" for name, value in known.items() if value is not None)
        frame = self.to_frame()
        return html_table(list(frame.columns), frame.to_numpy().tolist(), caption=f"Classes. {text}")
