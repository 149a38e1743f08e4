"""Interest measures that compare shares: how much more often the consequent is held with the antecedent.

Definitions are those of the sources, also where the code of a well-known package differs from its own manual. Most
are written with N n11 - x y, which is computed without cancellation, so that a gap of one customer in a hundred
million keeps its digits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from custvalue._kernels.interest_table import NO_BOUND, NO_VALUE, CountTable, Registry

if TYPE_CHECKING:
    from custvalue._typing import FloatArray

ASSOCIATION = Registry()


@ASSOCIATION.add(
    "count",
    "Customers who hold both",
    bounds=(0.0, NO_BOUND),
    independence=NO_VALUE,
    symmetric=True,
    null_invariant=True,
    text="n11",
    source="Agrawal, Imielinski and Swami (1993)",
    arules="count",
)
def _count(t: CountTable) -> FloatArray:
    return t.n11.copy()


@ASSOCIATION.add(
    "support",
    "Support",
    bounds=(0.0, 1.0),
    independence=NO_VALUE,
    symmetric=True,
    text="n11 / N",
    source="Agrawal, Imielinski and Swami (1993)",
    arules="support",
)
def _support(t: CountTable) -> FloatArray:
    return t.n11 / t.n


@ASSOCIATION.add(
    "coverage",
    "Coverage (support of the antecedent)",
    bounds=(0.0, 1.0),
    independence=NO_VALUE,
    text="x / N",
    source="Agrawal, Imielinski and Swami (1993)",
    arules="coverage",
)
def _coverage(t: CountTable) -> FloatArray:
    return t.x / t.n


@ASSOCIATION.add(
    "consequent_support",
    "Support of the consequent",
    bounds=(0.0, 1.0),
    independence=NO_VALUE,
    text="y / N",
    source="Agrawal, Imielinski and Swami (1993)",
    arules="rhsSupport",
)
def _consequent_support(t: CountTable) -> FloatArray:
    return t.y / t.n


@ASSOCIATION.add(
    "confidence",
    "Confidence",
    bounds=(0.0, 1.0),
    independence=NO_VALUE,
    null_invariant=True,
    text="n11 / x",
    source="Agrawal, Imielinski and Swami (1993)",
    arules="confidence",
)
def _confidence(t: CountTable) -> FloatArray:
    return t.n11 / t.x


@ASSOCIATION.add(
    "recall",
    "Recall (confidence of the reverse rule)",
    bounds=(0.0, 1.0),
    independence=NO_VALUE,
    null_invariant=True,
    text="n11 / y",
    source="Lavrac, Flach and Zupan (1999)",
)
def _recall(t: CountTable) -> FloatArray:
    return t.n11 / t.y


@ASSOCIATION.add(
    "specificity",
    "Specificity",
    bounds=(0.0, 1.0),
    independence=NO_VALUE,
    text="n00 / (N - x)",
    source="Lavrac, Flach and Zupan (1999)",
)
def _specificity(t: CountTable) -> FloatArray:
    return t.n00 / t.not_x


@ASSOCIATION.add(
    "lift",
    "Lift",
    bounds=(0.0, NO_BOUND),
    independence=1.0,
    symmetric=True,
    text="N n11 / (x y)",
    source="Brin, Motwani, Ullman and Tsur (1997)",
    arules="lift",
)
def _lift(t: CountTable) -> FloatArray:
    return t.n * t.n11 / (t.x * t.y)


@ASSOCIATION.add(
    "leverage",
    "Leverage",
    bounds=(-0.25, 0.25),
    independence=0.0,
    symmetric=True,
    text="n11 / N - x y / N^2",
    source="Piatetsky-Shapiro (1991)",
    arules="leverage",
)
def _leverage(t: CountTable) -> FloatArray:
    return t.cross / t.n / t.n


@ASSOCIATION.add(
    "extra_customers",
    "Customers more than expected",
    bounds=(-NO_BOUND, NO_BOUND),
    independence=0.0,
    symmetric=True,
    text="n11 - x y / N",
    source="Piatetsky-Shapiro (1991)",
)
def _extra_customers(t: CountTable) -> FloatArray:
    return t.cross / t.n


@ASSOCIATION.add(
    "added_value",
    "Added value (gap to the market)",
    bounds=(-1.0, 1.0),
    independence=0.0,
    text="n11 / x - y / N",
    source="Tan, Kumar and Srivastava (2004)",
    arules="addedValue",
)
def _added_value(t: CountTable) -> FloatArray:
    return t.cross / (t.x * t.n)


@ASSOCIATION.add(
    "difference_of_confidence",
    "Difference of confidence",
    bounds=(-1.0, 1.0),
    independence=0.0,
    text="n11 / x - n01 / (N - x)",
    source="Hofmann and Wilhelm (2001)",
    arules="doc",
)
def _difference_of_confidence(t: CountTable) -> FloatArray:
    return t.cross / (t.x * t.not_x)


@ASSOCIATION.add(
    "relative_risk",
    "Relative risk",
    bounds=(0.0, NO_BOUND),
    independence=1.0,
    text="(n11 / x) / (n01 / (N - x))",
    source="Cornfield (1951)",
    arules="relativeRisk",
)
def _relative_risk(t: CountTable) -> FloatArray:
    return t.n11 * t.not_x / (t.x * t.n01)


@ASSOCIATION.add(
    "conviction",
    "Conviction",
    bounds=(0.0, NO_BOUND),
    independence=1.0,
    text="x (N - y) / (N n10)",
    source="Brin, Motwani, Ullman and Tsur (1997)",
    arules="conviction",
)
def _conviction(t: CountTable) -> FloatArray:
    return t.x * t.not_y / (t.n * t.n10)


@ASSOCIATION.add(
    "zhang",
    "Zhang's metric",
    bounds=(-1.0, 1.0),
    independence=0.0,
    text="(N n11 - x y) / max(n11 (N - x), x n01)",
    source="Zhang (2000)",
)
def _zhang(t: CountTable) -> FloatArray:
    return t.cross / np.maximum(t.n11 * t.not_x, t.x * t.n01)


@ASSOCIATION.add(
    "kulczynski",
    "Kulczynski",
    bounds=(0.0, 1.0),
    independence=NO_VALUE,
    symmetric=True,
    null_invariant=True,
    text="(n11 / x + n11 / y) / 2",
    source="Kulczynski (1927); Wu, Chen and Han (2010)",
    arules="kulczynski",
)
def _kulczynski(t: CountTable) -> FloatArray:
    return 0.5 * (t.n11 / t.x + t.n11 / t.y)


@ASSOCIATION.add(
    "imbalance",
    "Imbalance ratio",
    bounds=(0.0, 1.0),
    independence=NO_VALUE,
    symmetric=True,
    null_invariant=True,
    text="abs(x - y) / (x + y - n11)",
    source="Wu, Chen and Han (2010)",
    arules="imbalance",
)
def _imbalance(t: CountTable) -> FloatArray:
    return np.abs(t.n10 - t.n01) / (t.n11 + t.n10 + t.n01)


@ASSOCIATION.add(
    "cosine",
    "Cosine",
    bounds=(0.0, 1.0),
    independence=NO_VALUE,
    symmetric=True,
    null_invariant=True,
    text="n11 / sqrt(x y)",
    source="Tan, Kumar and Srivastava (2004)",
    arules="cosine",
)
def _cosine(t: CountTable) -> FloatArray:
    return t.n11 / np.sqrt(t.x * t.y)


@ASSOCIATION.add(
    "jaccard",
    "Jaccard",
    bounds=(0.0, 1.0),
    independence=NO_VALUE,
    symmetric=True,
    null_invariant=True,
    text="n11 / (x + y - n11)",
    source="Jaccard (1901)",
    arules="jaccard",
)
def _jaccard(t: CountTable) -> FloatArray:
    return t.n11 / (t.n11 + t.n10 + t.n01)


@ASSOCIATION.add(
    "dice",
    "Dice",
    bounds=(0.0, 1.0),
    independence=NO_VALUE,
    symmetric=True,
    null_invariant=True,
    text="2 n11 / (x + y)",
    source="Dice (1945)",
)
def _dice(t: CountTable) -> FloatArray:
    return 2.0 * t.n11 / (t.x + t.y)


@ASSOCIATION.add(
    "max_confidence",
    "Larger of the two confidences",
    bounds=(0.0, 1.0),
    independence=NO_VALUE,
    symmetric=True,
    null_invariant=True,
    text="max(n11 / x, n11 / y)",
    source="Tan, Kumar and Srivastava (2004)",
    arules="maxconfidence",
)
def _max_confidence(t: CountTable) -> FloatArray:
    return np.maximum(t.n11 / t.x, t.n11 / t.y)


@ASSOCIATION.add(
    "all_confidence",
    "Smaller of the two confidences",
    bounds=(0.0, 1.0),
    independence=NO_VALUE,
    symmetric=True,
    null_invariant=True,
    text="n11 / max(x, y)",
    source="Omiecinski (2003)",
    arules="allConfidence",
)
def _all_confidence(t: CountTable) -> FloatArray:
    return t.n11 / np.maximum(t.x, t.y)


@ASSOCIATION.add(
    "phi",
    "Phi coefficient",
    bounds=(-1.0, 1.0),
    independence=0.0,
    symmetric=True,
    text="(N n11 - x y) / sqrt(x y (N - x) (N - y))",
    source="Pearson (1900); Tan, Kumar and Srivastava (2004)",
    arules="phi",
)
def _phi(t: CountTable) -> FloatArray:
    return np.asarray(t.cross / (np.sqrt(t.x * t.not_x) * np.sqrt(t.y * t.not_y)))


@ASSOCIATION.add(
    "chi_squared",
    "Chi-squared statistic",
    bounds=(0.0, NO_BOUND),
    independence=0.0,
    symmetric=True,
    text="N (N n11 - x y)^2 / (x y (N - x) (N - y))",
    source="Brin, Motwani and Silverstein (1997)",
    arules="chiSquared",
)
def _chi_squared(t: CountTable) -> FloatArray:
    return t.n * (t.cross / (t.x * t.not_x)) * (t.cross / (t.y * t.not_y))


@ASSOCIATION.add(
    "odds_ratio",
    "Odds ratio",
    bounds=(0.0, NO_BOUND),
    independence=1.0,
    symmetric=True,
    text="n11 n00 / (n10 n01)",
    source="Cornfield (1951)",
    arules="oddsRatio",
)
def _odds_ratio(t: CountTable) -> FloatArray:
    return t.n11 * t.n00 / (t.n10 * t.n01)


@ASSOCIATION.add(
    "yule_q",
    "Yule's Q",
    bounds=(-1.0, 1.0),
    independence=0.0,
    symmetric=True,
    text="(n11 n00 - n10 n01) / (n11 n00 + n10 n01)",
    source="Yule (1900)",
    arules="yuleQ",
)
def _yule_q(t: CountTable) -> FloatArray:
    return t.cross / (t.n11 * t.n00 + t.n10 * t.n01)


@ASSOCIATION.add(
    "yule_y",
    "Yule's Y",
    bounds=(-1.0, 1.0),
    independence=0.0,
    symmetric=True,
    text="(sqrt(n11 n00) - sqrt(n10 n01)) / (sqrt(n11 n00) + sqrt(n10 n01))",
    source="Yule (1912)",
    arules="yuleY",
)
def _yule_y(t: CountTable) -> FloatArray:
    return np.asarray(t.cross / (np.sqrt(t.n11 * t.n00) + np.sqrt(t.n10 * t.n01)) ** 2)


@ASSOCIATION.add(
    "kappa",
    "Cohen's kappa",
    bounds=(-1.0, 1.0),
    independence=0.0,
    symmetric=True,
    text="2 (N n11 - x y) / (x (N - y) + (N - x) y)",
    source="Cohen (1960)",
    arules="kappa",
)
def _kappa(t: CountTable) -> FloatArray:
    return 2.0 * t.cross / (t.x * t.not_y + t.not_x * t.y)


@ASSOCIATION.add(
    "collective_strength",
    "Collective strength",
    bounds=(0.0, NO_BOUND),
    independence=1.0,
    symmetric=True,
    text="(n11 + n00) (x (N - y) + (N - x) y) / ((x y + (N - x) (N - y)) (n10 + n01))",
    source="Aggarwal and Yu (1998)",
    arules="collectiveStrength",
)
def _collective_strength(t: CountTable) -> FloatArray:
    return (t.n11 + t.n00) / (t.n10 + t.n01) * ((t.x * t.not_y + t.not_x * t.y) / (t.x * t.y + t.not_x * t.not_y))


@ASSOCIATION.add(
    "certainty",
    "Certainty factor",
    bounds=(-1.0, 1.0),
    independence=0.0,
    text="(n11 / x - y / N) / (1 - y / N) where confidence is above y / N, else (n11 / x - y / N) / (y / N)",
    source="Shortliffe and Buchanan (1975); Berzal, Blanco, Sanchez and Vila (2002)",
    arules="certainty",
)
def _certainty(t: CountTable) -> FloatArray:
    # Where the share does not change both branches give 0, unless nobody or everybody holds the consequent.
    return t.cross / (t.x * np.where(t.cross < 0.0, t.y, t.not_y))


@ASSOCIATION.add(
    "goodman_kruskal_lambda",
    "Goodman and Kruskal's lambda",
    bounds=(0.0, 1.0),
    independence=0.0,
    text="(max(n11, n10) + max(n01, n00) - max(y, N - y)) / (N - max(y, N - y))",
    source="Goodman and Kruskal (1954)",
    arules="lambda",
)
def _goodman_kruskal_lambda(t: CountTable) -> FloatArray:
    best = np.maximum(t.y, t.not_y)
    return (np.maximum(t.n11, t.n10) + np.maximum(t.n01, t.n00) - best) / (t.n - best)


@ASSOCIATION.add(
    "relative_linkage_disequilibrium",
    "Relative linkage disequilibrium (strength without direction)",
    bounds=(0.0, 1.0),
    independence=0.0,
    symmetric=True,
    text="D / (D + min(n10, n01)) where D = n11 - x y / N is positive, else D / (D - min(n11, n00))",
    source="Kenett and Salini (2008)",
    arules="RLD",
)
def _relative_linkage_disequilibrium(t: CountTable) -> FloatArray:
    size = np.abs(t.cross) / t.n
    return size / (size + np.where(t.cross > 0.0, np.minimum(t.n10, t.n01), np.minimum(t.n11, t.n00)))


@ASSOCIATION.add(
    "standardized_lift",
    "Standardised lift (its place between the bounds that the margins allow)",
    bounds=(0.0, 1.0),
    independence=NO_VALUE,
    symmetric=True,
    text="(n11 - low) / (min(x, y) - low), low = max(x + y - N, 1), 0 for 1 if n11 = 0; 1 where the bounds meet",
    source="McNicholas, Murphy and O'Regan (2008)",
    arules="stdLift",
)
def _standardized_lift(t: CountTable) -> FloatArray:
    low = np.maximum(t.n11 - t.n00, np.minimum(t.n11, 1.0))  # x + y - N = n11 - n00
    high = np.minimum(t.x, t.y)
    return np.where((high > 0.0) & (high <= low), 1.0, (t.n11 - low) / (high - low))
