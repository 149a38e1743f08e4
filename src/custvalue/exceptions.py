"""Every error that custvalue raises by itself.

All of them are :class:`ValueError`, so ``except ValueError`` catches whatever custvalue refuses. A wrong
setting of a specification raises ``pydantic.ValidationError``, which is a :class:`ValueError` too. A message
names arguments, columns, shapes, counts and settings; it never shows a customer's key or figures.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["ColumnError", "CustvalueError", "DataError", "DomainError", "JudgmentError"]


class CustvalueError(ValueError):
    """Base of all errors of custvalue.

    Examples
    --------
    >>> from custvalue import exceptions
    >>> issubclass(exceptions.ColumnError, exceptions.CustvalueError)
    True
    """


class ColumnError(CustvalueError):
    """A column is missing, doubled, or of a type that the method cannot read.

    Examples
    --------
    >>> from custvalue.exceptions import ColumnError
    >>> str(ColumnError.missing(["amount"], available=["key", "time"], mend="Name it in the schema."))
    "Column(s) missing: 'amount'. The frame has: 'key', 'time'. Name it in the schema."
    """

    @classmethod
    def missing(cls, missing: Iterable[str], *, available: Iterable[str], mend: str = "") -> ColumnError:
        """Build the error for columns that are not there.

        Parameters
        ----------
        missing : iterable of str
            Names that were looked for.
        available : iterable of str
            Names that the frame has.
        mend : str, default=""
            What the caller can do.

        Returns
        -------
        ColumnError
            The error, ready to be raised.

        Examples
        --------
        >>> ColumnError.missing(["x"], available=["y"])
        ColumnError("Column(s) missing: 'x'. The frame has: 'y'.")
        """
        lacks = ", ".join(f"'{name}'" for name in missing)
        has = ", ".join(f"'{name}'" for name in available) or "no columns"
        return cls(f"Column(s) missing: {lacks}. The frame has: {has}. {mend}".rstrip())

    @classmethod
    def wrong_type(cls, column: str, *, found: str, allowed: str, mend: str = "") -> ColumnError:
        """Build the error for a column of a type that cannot be read.

        Parameters
        ----------
        column : str
            Name of the column.
        found : str
            The type it has.
        allowed : str
            The types that are allowed.
        mend : str, default=""
            What the caller can do.

        Returns
        -------
        ColumnError
            The error, ready to be raised.

        Examples
        --------
        >>> ColumnError.wrong_type("day", found="String", allowed="a date or a datetime")
        ColumnError("Column 'day' is of type String; allowed: a date or a datetime.")
        """
        return cls(f"Column '{column}' is of type {found}; allowed: {allowed}. {mend}".rstrip())


class DataError(CustvalueError):
    """Rows of the data break a rule; the message counts them and never shows them.

    Examples
    --------
    >>> from custvalue.exceptions import DataError
    >>> raise DataError("Column 'amount' holds 3 infinite values.")
    Traceback (most recent call last):
    custvalue.exceptions.DataError: Column 'amount' holds 3 infinite values.
    """


class DomainError(CustvalueError):
    """A number, a shape or a setting lies outside the domain of the method.

    Examples
    --------
    >>> from custvalue.exceptions import DomainError
    >>> raise DomainError("k is 0; allowed: whole numbers from 1.")
    Traceback (most recent call last):
    custvalue.exceptions.DomainError: k is 0; allowed: whole numbers from 1.
    """


class JudgmentError(CustvalueError):
    """Pairwise judgments contradict each other, are incomplete, or are no ratios.

    Examples
    --------
    >>> from custvalue.exceptions import JudgmentError
    >>> raise JudgmentError("No judgment compares 'recency' with 'monetary'.")
    Traceback (most recent call last):
    custvalue.exceptions.JudgmentError: No judgment compares 'recency' with 'monetary'.
    """
