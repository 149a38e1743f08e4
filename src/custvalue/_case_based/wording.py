"""The reason of a class in sentences that need no mathematics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from custvalue._case_based.evidence import SIDES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from custvalue._case_based.counterfactual import Counterfactual
    from custvalue._case_based.evidence import Evidence

#: Indicators named in a sentence about contributions.
NAMED: Final = 3
#: At this credibility or below, not even a prediction set of the 95 % level holds the class given.
LOW_CREDIBILITY: Final = 0.05
#: A smaller number would be written as zero.
SMALLEST: Final = 0.0005
#: Differences of contributions this small are rounding.
ROUNDING: Final = 1e-12
#: Customers whose mean may be shown; fewer could be told apart.
FEWEST: Final = 5


def listed(names: Sequence[str]) -> str:
    """Write names as a list in a sentence."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def amount(number: float) -> str:
    """Write a positive difference of similarities."""
    return f"{number:.3f}" if number >= SMALLEST else "less than 0.001"


def percent(share: float) -> str:
    """Write a share that is neither rounded up to all nor down to nothing."""
    if 0.0 < share < SMALLEST * 10.0:
        return "less than 1 %"
    if 1.0 - SMALLEST * 10.0 < share < 1.0:
        return "more than 99 %"
    return f"{100.0 * share:.0f} %"


def indicator_name(evidence: Evidence, column: int) -> str:
    """Name an indicator, and say where there is nothing on record to be scaled."""
    name = evidence.indicators[column]
    never = evidence.unscaled is not None and np.isnan(evidence.unscaled[column])
    return f"{name} (none on record)" if never and not evidence.skipped[column] else name


def verdict(evidence: Evidence) -> str:
    """Say the class, the case and the runner-up."""
    one, other = evidence, evidence.rival_case
    words = f"Class {one.predicted}: of its cases {one.case} is the most similar."
    if other is None:
        return f"{words} There is no case of another class."
    if one.margin > 0.0:
        rival = f"The nearest case of another class, {other} of class {one.rival}"
        return f"{words} {rival}, is less similar by {amount(one.margin)}."
    rival = f"case {other} of class {one.rival}"
    if one.margin == 0.0:
        rule = (
            "the case that stands first decides" if one.votes is None else "the vote of the nearest cases decides"
        )
        return f"{words} It is a tie with {rival}, exactly as similar: {rule}."
    overruled = f"more similar by {amount(-one.margin)}, but the vote of the nearest cases overrules it"
    return f"{words} Yet {rival} is {overruled}."


def abstention(evidence: Evidence) -> str:
    """Say that the margin is too small for an answer."""
    if not evidence.abstained:
        return ""
    least = amount(evidence.min_margin)
    return f"The model abstains: it asks for a margin of {least} at least. Without that it would say:"


def vote(evidence: Evidence) -> str:
    """Say how the nearest cases voted, where more than one did."""
    if evidence.votes is None:
        return ""
    cast = sorted(((share, name) for name, share in evidence.votes.items() if share > 0.0), key=lambda v: -v[0])
    return f"Votes of the nearest cases: {', '.join(f'class {name} {percent(share)}' for share, name in cast)}."


def parts(evidence: Evidence) -> str:
    """Name the indicators that speak most for the class and against it."""
    one = evidence
    if one.rival_case is None:
        columns = _leading(one.contributions, NAMED)
        return f"Most similar in {listed([indicator_name(one, column) for column in columns])}."
    words = [
        f"Closer to {case} in {listed([_with_part(one, column) for column in columns])}."
        for case, columns in (
            (one.case, _leading(one.differences, NAMED)),
            (one.rival_case, _leading(-one.differences, NAMED)),
        )
        if columns
    ]
    return " ".join(words) or f"No indicator tells {one.case} from {one.rival_case}."


def _leading(parts: Any, count: int) -> list[int]:
    """Give the columns of the largest positive parts, the first among equals first."""
    order = np.argsort(-parts, kind="stable")[:count]
    return [int(column) for column in order if parts[column] > ROUNDING]


def _with_part(evidence: Evidence, column: int) -> str:
    part = abs(float(evidence.differences[column]))
    return f"{indicator_name(evidence, column)} (by {amount(part)})"


def confidence(evidence: Evidence) -> str:
    """Say how sure the class is, from the calibration sample and never from the similarity itself."""
    one = evidence
    if one.p_values is None or one.confidence is None or one.credibility is None:
        if one.p_floors is not None:
            return "Confidence: none, since the calibration saw no customer with missing indicators."
        return "Confidence: not calibrated (a similarity is no probability)."
    if len(one.p_values) == 1:
        words = "Confidence: there is one class only, so it tells nothing."
    else:
        words = f"Confidence {percent(one.confidence)}: up to that level the prediction set holds no other class"
        leads = one.credibility > 1.0 - one.confidence
        words += f" than {one.predicted}." if leads else f"; class {one.predicted} itself leaves it no later."
    words += f" Credibility {one.credibility:.2g}"
    low = one.credibility <= LOW_CREDIBILITY
    words += ", which is low: the customer is unlike that class's calibration sample." if low else "."
    if one.more_plausible is not None:
        words += f" By p-value, class {one.more_plausible} is the more plausible one."
    if one.not_ruled_out:
        names = listed([f"class {name}" for name in one.not_ruled_out])
        words += f" Too few calibration customers to rule out {names}."
    return words


def change(evidence: Evidence) -> str:
    """Say the smallest set of changes that gives another class."""
    found = evidence.counterfactual
    if found is None:
        return ""
    if found.case is not None:
        return f"It would be class {found.new_class} if {_steps(found)}."
    if not found.complete:
        return f"No change of up to {found.searched} indicators gives another class; more were not tried."
    if evidence.rival_case is None:
        return "With one class only, no change gives another."
    return "No change gives another class, not even all values of the nearest case of another class."


def _steps(found: Counterfactual) -> str:
    """Say what changes, with the figures where they are disclosed."""
    ways: list[str] = list(found.directions)
    if found.target is not None:
        pairs = zip(ways, found.start, found.target, strict=True)
        ways = [f"{way} from {start:.3g} to {target:.3g}" for way, start, target in pairs]
    if found.size == 1:
        return f"the scaled value of {found.indicators[0]} went {ways[0]}, as far as in case {found.case}"
    steps = [f"{name} ({way})" for name, way in zip(found.indicators, ways, strict=True)]
    became = f"the scaled values of {listed(steps)} went as far as in case {found.case}"
    return f"{became}; fewer changes of this kind are not enough"


def range_flags(evidence: Evidence) -> str:
    """Name the values that none of the customers behind the cases comes near."""
    sides = evidence.outside.tolist()
    names = [f"{name} ({SIDES[side]})" for name, side in zip(evidence.indicators, sides, strict=True) if side]
    return f"Outside the range of the customers behind the cases: {listed(names)}." if names else ""


def skipped(evidence: Evidence) -> str:
    """Name the indicators that were left out."""
    names = [name for name, out in zip(evidence.indicators, evidence.skipped, strict=True) if out]
    if not names:
        return ""
    return f"Left out for want of a value, the weights of the others raised instead: {listed(names)}."


def disclosure(evidence: Evidence) -> str:
    """Say whose figures are not shown, and what is shown instead."""
    one = evidence
    sides = [(one.case, one.case_values, one.class_mean)]
    if one.rival_case is not None:
        sides.append((one.rival_case, one.rival_values, one.rival_class_mean))
    hidden = [(case, mean is not None) for case, values, mean in sides if values is None]
    words = []
    for instead in (True, False):
        cases = [case for case, shown in hidden if shown is instead]
        if cases:
            one_case = len(cases) == 1
            what = f"{listed(cases)} {'rests' if one_case else 'rest'} on fewer than {FEWEST} customers"
            means = "the mean of its class is" if one_case else "the means of their classes are"
            rest = (
                f"; {means} shown instead" if instead else f", and {means} not shown either, for the same reason"
            )
            words.append(f"{what}: the figures are not shown{rest}.")
    return " ".join(words)


def in_words(evidence: Evidence) -> str:
    """Put all sentences together."""
    return joined(
        say(evidence)
        for say in (abstention, verdict, vote, parts, confidence, change, range_flags, skipped, disclosure)
    )


def joined(sentences: Iterable[str]) -> str:
    """Join what there is to say."""
    return " ".join(sentence for sentence in sentences if sentence)
