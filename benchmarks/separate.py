"""Whole processes: what a call costs in an interpreter of its own, in CPU seconds, wall seconds and peak memory.

The parent asks a script for one thing at a time; the child loads, warms up on little data, measures, and answers
with one line of JSON. So no rival pays for another's memory, caches or threads.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import re
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")

#: NumPy's libraries get one thread. Engines with a pool of their own (Polars, DuckDB) keep their defaults.
ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"
)


class Cost(NamedTuple):
    """What a call costs: CPU seconds of all threads, wall seconds, peak MB above what was there before."""

    cpu: float
    wall: float
    peak: float


def _status(name: str) -> float:
    """Give a memory figure of this process in MB; 0 where the system does not tell."""
    path = Path("/proc/self/status")
    found = re.search(rf"^{name}:\s+(\d+) kB", path.read_text(), re.MULTILINE) if path.exists() else None
    return float(found.group(1)) / 1024.0 if found else 0.0


def _settle() -> None:
    """Give free memory back to the system and set the peak back, so that the peak is the call's own."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
    reset = Path("/proc/self/clear_refs")
    if reset.exists():
        reset.write_text("5")


def measured(call: Callable[[], T]) -> tuple[Cost, T]:
    """Run a call and give its cost and its result."""
    _settle()
    before, memory = resource.getrusage(resource.RUSAGE_SELF), _status("VmRSS")
    started = time.perf_counter()
    result = call()
    wall = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(cpu, wall, max(_status("VmHWM") - memory, 0.0)), result


def reply(found: dict[str, Any]) -> None:
    """Answer the parent: the last line of the output counts."""
    print(json.dumps(found), flush=True)


def ask(script: str, arguments: Sequence[str]) -> dict[str, Any]:
    """Run a script in a fresh interpreter and give its answer; say what it said where it fails."""
    command = [sys.executable, "-W", "ignore", script, *arguments]
    done = subprocess.run(command, env=os.environ | ONE_THREAD, capture_output=True, text=True, check=False)
    if done.returncode:
        message = f"{' '.join(arguments)} ended with {done.returncode}:\n{done.stderr[-2000:]}"
        raise RuntimeError(message)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found
