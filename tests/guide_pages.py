"""The pages of the guide as tests read them: their code, run in order, and what each comment says comes out."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import numpy as np

GUIDE = Path(__file__).resolve().parents[1] / "docs" / "guide"
CODE = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
NUMBER = re.compile(r"-?\d+(?:\.(\d+))?")


def text_of(page: str) -> str:
    return (GUIDE / page).read_text(encoding="utf-8")


def blocks_of(text: str) -> list[str]:
    found: list[str] = CODE.findall(text)
    return found


def claims(blocks: list[str]) -> tuple[list[tuple[str, str, Any]], dict[str, Any]]:
    """Run all blocks in order; give expression, what its comment says, and its value; and the names left."""
    names: dict[str, Any] = {}
    found = []
    for block in blocks:
        lines = block.splitlines()
        for node in ast.parse(block).body:
            source = ast.get_source_segment(block, node) or ""
            comment = lines[node.end_lineno - 1][node.end_col_offset :] if node.end_lineno else ""
            if isinstance(node, ast.Expr):
                value = eval(source, names)  # noqa: S307 - our own guide
                found.append((source, comment.partition("#")[2].partition(";")[0].strip(), value))
            else:
                exec(source, names)  # noqa: S102 - our own guide
    return found, names


def flat(value: Any) -> list[float]:
    """Give the numbers of a value, or of a tuple of values, in a row."""
    parts = value if isinstance(value, tuple) else (value,)
    return [number for part in parts for number in np.ravel(np.asarray(part, dtype=float)).tolist()]


def require_claim(source: str, comment: str, value: Any) -> None:
    """Require that a value is what its comment says: the same list, or numbers equal as printed."""
    if re.match(r"[\[('TF]", comment):
        assert value == ast.literal_eval(comment), source
        return
    stated, numbers = list(NUMBER.finditer(comment)), flat(value)
    assert len(numbers) == len(stated) > 0
    for match, number in zip(stated, numbers, strict=True):
        assert abs(float(match[0]) - number) <= 0.5001 * 10.0 ** -len(match[1] or ""), source
