"""How the respondents stand for all: their chance to answer, known margins, and what the weights cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from custvalue._kernels.raking import design_effect, rake
from custvalue._results import html_table, read_only, short_repr
from custvalue.exceptions import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from custvalue._typing import BoolArray, FloatArray, IntArray


#: Halvings of the factor's range; enough for any range of weights.
_HALVINGS = 100
_STEPS = 200
_SMALLEST_STEP = 1e-10


@dataclass(frozen=True, eq=False, repr=False)
class SurveyResponse:
    r"""Who answered a survey, what each answer weighs, and where nobody answered.

    Attributes
    ----------
    customers : int
        Customers at the fit, with and without an answer.
    respondents : int
        Customers with an answer.
    weights : ndarray of shape (respondents,)
        Weight of each answer in the order of the rows, 1 on average: design weight times weight of response.
    design_effect : float
        Kish's effect of unequal weights, at least 1.
    clipped : int
        Weights of inverse chances that `weight_bounds` cut.
    gap : float
        Largest miss of a known margin, as a share of all; NaN without raking.
    converged : bool
        Whether raking met its margins; True without raking.
    rounds : int
        Rounds of raking.
    lowest, highest : float
        Smallest and largest estimated chance to answer among the respondents; NaN where everybody answered.
    outside : int
        Customers at the fit whose chance lies outside that range: for them the model is carried further than any
        answer reaches.

    Notes
    -----
    Kish (1965): n answers with weights w are worth :math:`(\sum w)^2 / \sum w^2` of equal weight. The check of
    common support by the range of the estimated chances is the plainest one; it sees no holes within the range.
    Design weights do not enter it: it asks where there are answers, not what they count.

    Examples
    --------
    >>> from custvalue import wallet
    >>> nan = float("nan")
    >>> X = [[10.0], [20.0], [30.0], [40.0], [50.0], [60.0]]
    >>> model = wallet.SurveyWallet(own=0, min_respondents=3).fit(X, [nan, 30.0, nan, 90.0, 95.0, nan])
    >>> model.response_
    SurveyResponse(customers=6, respondents=3, design_effect=1.0, outside=2)
    """

    customers: int
    respondents: int
    weights: FloatArray
    design_effect: float
    clipped: int
    gap: float
    converged: bool
    rounds: int
    lowest: float
    highest: float
    outside: int

    @property
    def effective(self) -> float:
        """Answers of equal weight that these are worth: respondents / design effect."""
        return self.respondents / self.design_effect

    def __repr__(self) -> str:
        return short_repr(
            "SurveyResponse",
            customers=self.customers,
            respondents=self.respondents,
            design_effect=round(self.design_effect, 3),
            outside=self.outside,
        )

    def _repr_html_(self) -> str:
        rows = [
            ("customers", self.customers),
            ("respondents", self.respondents),
            ("design effect", self.design_effect),
            ("worth equal answers", self.effective),
            ("largest miss of a margin", self.gap),
            ("outside the respondents' range", self.outside),
        ]
        return html_table(("figure", "value"), rows, caption="Who answered")

    def reasons(self) -> list[str]:
        """Say what an estimate rests on.

        Returns
        -------
        list of str
            One sentence each on weights, margins not met, and customers unlike all respondents.
        """
        said = [f"{self.respondents} respondents"]
        if self.design_effect > 1.0 + 1e-9:
            said[0] += f", worth {self.effective:.0f} of equal weight (design effect {self.design_effect:.2f})"
        if self.clipped:
            said.append(f"{self.clipped} weight(s) were cut to the bounds")
        if not self.converged:
            said.append(f"raking did not meet its margins: the largest miss is {self.gap:.2%} of all")
        if self.outside:
            said.append(
                f"{self.outside} of {self.customers} customers at the fit are less or more likely to answer than "
                "any respondent: the model is extrapolated to them"
            )
        return said


class Margin(NamedTuple):
    """A known margin: the value of each row, the values that are known, and their shares."""

    column: str
    values: FloatArray
    known: FloatArray
    shares: FloatArray

    def of(self, rows: BoolArray) -> tuple[IntArray, FloatArray]:
        """Give codes of some rows; refuse values without a margin, and margins without a respondent."""
        held = self.values[rows]
        codes = np.minimum(np.searchsorted(self.known, held), len(self.known) - 1)
        if unknown := int(np.count_nonzero(self.known[codes] != held)):
            message = (
                f"margins of {self.column} lack the value of {unknown} respondent(s); give every value's part."
            )
            raise DataError(message)
        counts = np.bincount(codes, minlength=len(self.known))
        if lacking := int(np.count_nonzero((counts == 0) & (self.shares > 0.0))):
            message = f"{lacking} value(s) of {self.column} in margins have no respondent; join values."
            raise DataError(message)
        kept = self.shares * len(held)
        return codes.astype(np.int64), kept


class Chances(NamedTuple):
    """A logistic regression of answering on the figures."""

    model: Any
    lowest: float
    highest: float

    @classmethod
    def of(cls, design: FloatArray, answered: BoolArray) -> Chances:
        """Learn who answers; the ridge of scikit-learn's default keeps it finite."""
        model = LogisticRegression(C=1.0, solver="newton-cholesky", max_iter=1000).fit(design, answered)
        chance = model.predict_proba(design[answered])[:, 1]
        return cls(model, float(chance.min()), float(chance.max()))

    def of_customers(self, design: FloatArray) -> FloatArray:
        """Give the chance of each customer."""
        return np.asarray(self.model.predict_proba(design)[:, 1])

    def outside(self, design: FloatArray) -> int:
        """Count the customers beyond the respondents' range."""
        chance = self.of_customers(design)
        slack = 1e-9
        beyond = (chance < self.lowest * (1.0 - slack)) | (chance > self.highest * (1.0 + slack))
        return int(np.count_nonzero(beyond))


def chances_beyond_design(design: FloatArray, answered: BoolArray, base: FloatArray) -> FloatArray:
    """Give the respondents' chance to answer beyond what the design did, up to a factor.

    Each respondent is counted as often as customers stand behind the answer: the penalised likelihood has
    weight-times-answered where it has answered without a design, against all customers, each once.
    """
    with_one = np.column_stack([np.ones(len(design)), design])
    counted, ridge = np.zeros(len(design)), np.ones(with_one.shape[1])
    counted[answered], ridge[0] = base, 0.0

    def loss(at: FloatArray) -> float:
        logs = with_one @ at
        return float(np.logaddexp(0.0, logs).sum() - counted @ logs + 0.5 * ridge @ at**2)

    found = np.zeros(len(ridge))
    found[0] = np.log(len(base) / (len(design) - len(base)))
    reached = loss(found)
    for _ in range(_STEPS):
        chance = expit(with_one @ found)
        slope = with_one.T @ (counted - chance) - ridge * found
        curve = (with_one * (chance * (1.0 - chance))[:, None]).T @ with_one + np.diag(ridge)
        step = np.linalg.lstsq(curve, slope, rcond=None)[0]
        while (least := loss(found + step)) > reached and np.abs(step).max() > _SMALLEST_STEP:
            step = 0.5 * step
        if least > reached:
            break
        found, reached = found + step, least
        if np.abs(step).max() <= _SMALLEST_STEP:
            break
    return np.asarray(expit(with_one[answered] @ found))


def bounded(weights: FloatArray, low: float, high: float) -> FloatArray:
    """Scale and cut weights so that they lie within the bounds and their mean, which the bounds hold, is 1."""
    least, most = low / float(weights.max()), high / float(weights.min())
    for _ in range(_HALVINGS):
        factor = np.sqrt(least * most)
        if np.clip(factor * weights, low, high).mean() < 1.0:
            least = factor
        else:
            most = factor
    return np.asarray(np.clip(most * weights, low, high))


def respond(
    design: FloatArray,
    answered: BoolArray,
    base: FloatArray,
    *,
    propensity: bool,
    margins: Sequence[Margin],
    bounds: tuple[float, float] | None,
) -> tuple[SurveyResponse, Chances | None]:
    """Weigh the answers, beginning with design weights, and say who is unlike all who answered."""
    chances = None if answered.all() else Chances.of(design, answered)
    n = int(answered.sum())
    weights, clipped, unequal = base, 0, bool(np.ptp(base) > 0.0)
    if propensity and chances is not None:
        if unequal:
            weights = 1.0 / chances_beyond_design(design, answered, base)
        else:
            weights = 1.0 / chances.of_customers(design[answered])
        weights *= n / weights.sum()
        if bounds is not None:
            clipped = int(np.count_nonzero((weights < bounds[0]) | (weights > bounds[1])))
            weights = bounded(weights, *bounds)
        if unequal:
            weights = base * weights
            weights *= n / weights.sum()
    gap, converged, rounds = np.nan, True, 0
    if margins:
        pairs = [margin.of(answered) for margin in margins]
        found = rake(weights, [code for code, _ in pairs], [target for _, target in pairs], bounds=bounds)
        weights, gap, converged, rounds = found.weights, found.gap, found.converged, found.rounds
        weights = weights * (n / weights.sum())
    report = SurveyResponse(
        customers=len(answered),
        respondents=n,
        weights=read_only(weights),
        design_effect=design_effect(weights),
        clipped=clipped,
        gap=float(gap),
        converged=bool(converged),
        rounds=int(rounds),
        lowest=np.nan if chances is None else chances.lowest,
        highest=np.nan if chances is None else chances.highest,
        outside=0 if chances is None else chances.outside(design),
    )
    return report, chances
