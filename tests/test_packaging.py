"""The wheel as a user gets it: what is in it, whether it imports, and whether its types are seen."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import custvalue

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).resolve().parents[1]
#: What would make another interpreter see this checkout instead of what is installed there.
OURS = ("PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "VIRTUAL_ENV", "MYPYPATH", "COVERAGE_PROCESS_START")

pytestmark = pytest.mark.slow

#: One right use, whose types are asked for, and one wrong use, that must be refused.
CONSUMER = """\
from custvalue import __version__, exceptions

reveal_type(__version__)
reveal_type(exceptions.ColumnError.missing(["amount"], available=["time"]))
exceptions.ColumnError.missing(3, available=["time"])
"""
REVEALED = ('Revealed type is "str"', 'Revealed type is "custvalue.exceptions.ColumnError"')


def run(command: Sequence[str | Path], cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a command that sees nothing of this checkout's environment."""
    env = {name: value for name, value in os.environ.items() if name not in OURS}
    return subprocess.run(command, cwd=cwd, env=env, text=True, capture_output=True, check=False)


def succeed(command: Sequence[str | Path], cwd: Path) -> str:
    """Run a command that must not fail, and give what it printed."""
    done = run(command, cwd)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel with the tools of this environment."""
    out = tmp_path_factory.mktemp("wheel")
    succeed([sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", out, ROOT], out)
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def clean_python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel alone, with its pinned dependencies, into an environment of its own."""
    home = tmp_path_factory.mktemp("clean")
    succeed([sys.executable, "-m", "venv", home / "venv"], home)
    python = home / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"
    pins = ROOT / "constraints" / "py311.txt"
    succeed([python, "-m", "pip", "install", "--quiet", "-c", pins, wheel], home)
    return python


def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert "custvalue/py.typed" in names
    source = ROOT / "src"
    modules = {path.relative_to(source).as_posix() for path in source.rglob("*.py")}
    assert modules <= set(names)
    folders = {name.split("/", maxsplit=1)[0] for name in names}
    assert folders == {"custvalue", f"custvalue-{custvalue.__version__}.dist-info"}
    assert not [name for name in names if re.search(r"(^|/)(tests?|test_[^/]*|conftest\.py)(/|$)|\.pyc$", name)]


def test_the_wheel_states_what_it_needs(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    (metadata,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
    text = archive.read(metadata).decode()
    assert "Requires-Python: >=3.11" in text
    assert "License-Expression: BSD-3-Clause" in text
    assert [name for name in archive.namelist() if name.endswith("licenses/LICENSE")]


def test_it_imports_from_anywhere(clean_python: Path, tmp_path: Path) -> None:
    code = (
        "import custvalue, importlib, importlib.metadata as m, importlib.util as u\n"
        "rooms = [n for n in custvalue.__all__ if n[0] != '_' and u.find_spec('custvalue.' + n)]\n"
        "[importlib.import_module('custvalue.' + n) for n in rooms]\n"
        "print(custvalue.__version__, m.version('custvalue'), custvalue.__file__)"
    )
    ours, theirs, where = succeed([clean_python, "-I", "-W", "error", "-c", code], tmp_path).split(maxsplit=2)
    assert ours == theirs == custvalue.__version__
    assert Path(where.strip()).is_relative_to(clean_python.parents[1])


def test_its_types_are_seen(clean_python: Path, tmp_path: Path) -> None:
    consumer = tmp_path / "consumer.py"
    consumer.write_text(CONSUMER, encoding="utf-8")
    checked = run(
        [sys.executable, "-m", "mypy", "--strict", "--python-executable", clean_python, consumer], tmp_path
    )
    for revealed in REVEALED:
        assert revealed in checked.stdout, checked.stdout
    assert "Any" not in checked.stdout
    refusals = [line for line in checked.stdout.splitlines() if " error: " in line]
    assert len(refusals) == 1, checked.stdout
    assert "consumer.py:5" in refusals[0]
    assert "[arg-type]" in refusals[0]
