"""What is counted of the rows, and what each count means."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from custvalue._frames import LARGEST
from custvalue._indicators.plan import Term, initiator_terms, side_term
from custvalue._indicators.report import Rule, SchemaReport
from custvalue._results import provenance

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from custvalue._indicators.plan import Clause, Condition
    from custvalue._indicators.schema import TransactionSchema

_COUNT, _FAIL, _WARN = "pass", "fail", "warn"
#: How far from a whole multiple of the smallest unit an amount may lie: in such units, and for its own rounding as
#: a binary number, of itself.
WHOLE_TOLERANCE = 1e-4
ROUNDED = 2.0**-51
#: Whole numbers up to this are added up exactly, in any order.
EXACT = 2.0**53
#: Amounts of more smallest units than this are no longer told apart as binary numbers.
EXACT_AMOUNT = 2.0**51

#: What is said where exact sums would not be.
TOO_LARGE = (
    "The amounts of a customer are too many or too large to be added up exactly in whole units: leave 'decimals' "
    "out, or lower it."
)

#: Rule: (status when its count is above zero, what it means).
RULES: dict[str, tuple[str, str]] = {
    "rows": (_COUNT, "Rows read"),
    "rows_after_as_of": (_COUNT, "Rows at or after as_of, left out"),
    "rows_known_later": (_COUNT, "Rows before as_of that were not known at known_at, left out"),
    "customer_null": (_FAIL, "Rows without a customer key; mend them or use on_invalid='report'"),
    "time_null": (_FAIL, "Rows without a time; mend them or use on_invalid='report'"),
    "booked_null": (_FAIL, "Rows without a booking time although known_at is given; mend them"),
    "amount_null": (_WARN, "Rows without an amount: activity without money"),
    "amount_infinite": (
        _FAIL,
        (
            f"Rows with an infinite amount or balance, or one beyond {LARGEST:g} or, with 'decimals', beyond "
            "2**51 of the smallest unit; mend or remove them"
        ),
    ),
    "amount_negative": (
        _FAIL,
        "Rows with a negative amount although 'side' gives the sign and no reversal is marked",
    ),
    "amount_not_whole": (
        _FAIL,
        "Rows with an amount that has more digits after the point than 'decimals' allows; round it or raise it",
    ),
    "rate_invalid": (_FAIL, "Rows with a rate that is null, not above 0 or infinite; give each row its rate"),
    "side_unknown": (_FAIL, "Rows whose side is in neither 'credit' nor 'debit'; name its code in the schema"),
    "reversal_null": (_FAIL, "Rows whose reversal mark is null; fill it with False"),
    "kind_null": (_COUNT, "Rows without a kind: read by indicators of all kinds only"),
    "kind_unknown": (_WARN, "Rows whose kind is not in 'kinds': read by indicators of all kinds only"),
    "channel_unknown": (_WARN, "Rows whose channel is null or not in 'channels'"),
    "product_unknown": (_WARN, "Rows whose product is null or not in 'products'"),
    "attribute_unknown": (_WARN, "Rows with an attribute that is null or not in its vocabulary"),
    "order_null": (_FAIL, "Rows whose order is null; number them, or leave 'balance' and 'order' out"),
    "currency_mixed": (
        _FAIL,
        "Currencies in one table, null being one; convert to one currency first, or name the column of the rate",
    ),
    "customer_ambiguous": (
        _FAIL,
        "Accounts with rows of several customers; say whose they are first, for example by 'holders'",
    ),
    "account_joint": (_FAIL, "Accounts with several holders on one day; say what 'joint' accounts mean"),
    "account_without_holder": (
        _FAIL,
        "Rows of accounts that no holder has on that day; complete 'holders' or use on_invalid='report'",
    ),
    "holder_shares_above_one": (_WARN, "Accounts whose holders' shares sum to more than 1 on some day"),
    "holder_share_invalid": (
        _FAIL,
        "Holders whose share is null or outside (0, 1]; give each a part of the account",
    ),
}
#: Rules that only leave rows out when on_invalid is "report".
LEFT_OUT = ("customer_null", "time_null", "account_without_holder")


def largest(decimals: int | None) -> float:
    """Give the largest number that amounts and balances may have, in whole smallest units if they are such."""
    return LARGEST if decimals is None else EXACT_AMOUNT


@dataclass(frozen=True)
class Counts:
    """What was counted of the rows, and the codes that no row carries."""

    counts: dict[str, int] = field(default_factory=dict)
    absent: tuple[str, ...] = ()


def rule_conditions(schema: TransactionSchema) -> dict[str, Condition]:
    """Give for each rule about codes the condition of the rows that it counts."""
    found: dict[str, Condition] = {}
    if schema.side:
        credit, debit = side_term(schema, "credit"), side_term(schema, "debit")
        found["side_unknown"] = ((credit.denied(),), (debit.denied(),))
    if schema.reversal:
        found["reversal_null"] = ((Term(schema.reversal, ()),),)
    if schema.kind:
        found["kind_null"] = ((Term(schema.kind, None),),)
        if schema.kinds:
            known = Term(schema.kind, _all_codes(schema.kinds))
            found["kind_unknown"] = ((known.denied(),), (Term(schema.kind, None, holds=False),))
    for rule, column, vocabulary in (
        ("channel_unknown", schema.channel, schema.channels),
        ("product_unknown", schema.product, schema.products),
    ):
        if column and vocabulary:
            found[rule] = ((Term(column, _all_codes(vocabulary), holds=False),),)
    outside = tuple(
        Term(column, _all_codes(names), holds=False) for column, names in schema.attributes.items() if names
    )
    if outside:
        found["attribute_unknown"] = (outside,)
    return found


def exclusion(marks: Mapping[str, Sequence[str]]) -> Clause:
    """Say that a row carries one of the marks."""
    return tuple(Term(column, tuple(codes)) for column, codes in marks.items())


def mark_labels(schema: TransactionSchema) -> dict[Term, str]:
    """Name the terms whose absence from every row is worth a warning, beside those of the indicators."""
    system, standing = initiator_terms(schema)
    return dict.fromkeys(system, "system") | dict.fromkeys(standing, "standing_order")


def _all_codes(vocabulary: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    return tuple(code for codes in vocabulary.values() for code in codes)


def report(counts: Mapping[str, int], schema: TransactionSchema) -> SchemaReport:
    """Turn counts into rules, in a fixed order."""
    rules = [
        Rule(name, status if counts[name] else "pass", counts[name], meaning)  # type: ignore[arg-type]  # the table holds the three words
        for name, (status, meaning) in RULES.items()
        if name in counts
    ]
    rules += [
        Rule(name, "pass", counts[name], f"Rows marked as '{reason}', left out")
        for reason, name in ((reason, f"excluded_{reason}") for reason in schema.excluded)
        if name in counts
    ]
    return SchemaReport(tuple(rules), provenance(schema.model_dump_json(), rows=counts.get("rows", 0)))


def code_rule(absent: Sequence[str]) -> Rule:
    """Warn of codes and marks that no row carries: a typing error would look like it."""
    meaning = "Codes of the schema or of an indicator that no row carries"
    named = f"{meaning}: {', '.join(absent)}" if absent else meaning
    return Rule("code_without_rows", "warn" if absent else "pass", len(absent), named)
