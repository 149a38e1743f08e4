"""What a table's rows keep to, by rule and count."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import pandas as pd

from custvalue._results import Provenance, html_table
from custvalue.exceptions import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a report.

    Attributes
    ----------
    rule : str
        Its name, for example ``"amount_null"``.
    status : {"pass", "warn", "fail"}
        A failed rule is refused; a warning is worth a look.
    count : int
        Rows (or customers, or accounts) that it touched.
    meaning : str
        What was counted, and how to mend it.

    Examples
    --------
    >>> from custvalue import rfm
    >>> rfm.Rule("amount_null", "warn", 3, "Rows without an amount").count
    3
    """

    rule: str
    status: Literal["pass", "warn", "fail"]
    count: int
    meaning: str


@dataclass(frozen=True, eq=False)
class SchemaReport:
    """What a table's rows keep to, rule by rule, by count and never by value.

    Attributes
    ----------
    rules : tuple of Rule
        Each with ``rule``, ``status`` (``"pass"``, ``"warn"``, ``"fail"``), ``count`` and ``meaning``.
    provenance : Provenance
        Package version, schema and row counts.

    Examples
    --------
    >>> import pandas as pd
    >>> from custvalue import rfm
    >>> frame = pd.DataFrame({"key": [1, None], "day": pd.to_datetime(["2025-01-02"] * 2)}).convert_dtypes()
    >>> report = rfm.TransactionSchema(customer="key", time="day").check(frame)
    >>> report.passed, report.failures
    (False, ('customer_null',))
    """

    rules: tuple[Rule, ...]
    provenance: Provenance

    @property
    def passed(self) -> bool:
        """Whether no rule failed; warnings pass."""
        return not self.failures

    @property
    def failures(self) -> tuple[str, ...]:
        """Names of the rules that failed."""
        return tuple(rule.rule for rule in self.rules if rule.status == "fail")

    @property
    def warnings(self) -> tuple[str, ...]:
        """Names of the rules that warn."""
        return tuple(rule.rule for rule in self.rules if rule.status == "warn")

    def count(self, rule: str) -> int:
        """Give the count of one rule.

        Parameters
        ----------
        rule : str
            Its name.

        Returns
        -------
        int
            Rows (or customers, or values) that the rule counted; 0 if the rule did not apply.
        """
        return next((found.count for found in self.rules if found.rule == rule), 0)

    def to_frame(self) -> pd.DataFrame:
        """Give one row a rule.

        Returns
        -------
        pandas.DataFrame
            Columns ``rule``, ``status``, ``count``, ``meaning``.
        """
        rows = [(rule.rule, rule.status, rule.count, rule.meaning) for rule in self.rules]
        return pd.DataFrame(rows, columns=["rule", "status", "count", "meaning"])

    def _repr_html_(self) -> str:
        frame = self.to_frame()
        caption = "Schema check: " + ("passed" if self.passed else "failed")
        return html_table(list(frame.columns), frame.to_numpy().tolist(), caption=caption)

    def raise_failures(self, allowed: Sequence[str] = ()) -> None:
        """Raise if a rule failed that is not among the allowed ones.

        Parameters
        ----------
        allowed : sequence of str, default=()
            Names of rules that may fail.

        Raises
        ------
        DataError
            With the meaning and count of each failed rule.
        """
        failed = [rule for rule in self.rules if rule.status == "fail" and rule.rule not in allowed]
        if failed:
            raise DataError(" ".join(f"{rule.meaning} ({rule.count})." for rule in failed))
