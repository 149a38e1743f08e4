"""Interleaved timing: rivals take turns in one process, and medians of ratios are reported."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def rounds(rivals: Mapping[str, Callable[[], object]], n_rounds: int) -> dict[str, list[float]]:
    """Run every rival once a round, after one round that is not counted; give CPU seconds."""
    seconds: dict[str, list[float]] = {name: [] for name in rivals}
    for turn in range(n_rounds + 1):
        for name, run in rivals.items():
            start = time.process_time()
            run()
            if turn:
                seconds[name].append(time.process_time() - start)
    return seconds


def ratio(seconds: Mapping[str, list[float]], over: str, under: str) -> tuple[float, float, float]:
    """Give the smallest, median and largest ratio of two rivals' seconds, round by round."""
    found = np.array(seconds[over]) / np.array(seconds[under])
    return float(found.min()), float(np.median(found)), float(found.max())


def show(seconds: Mapping[str, list[float]]) -> None:
    """Print the median CPU seconds of each rival."""
    for name, values in seconds.items():
        print(f"  {name:<42} {np.median(values):8.3f} CPU s (min {min(values):.3f}, max {max(values):.3f})")
