"""What every test may ask for: real data beside the checkout, frames of each library, closed figures."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import Phase, settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

# Everywhere but in CI the examples are drawn anew each time; explaining a failure takes longer than reading it.
PHASES = (Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink)
settings.register_profile("custvalue", phases=PHASES, derandomize="CI" in os.environ, deadline=None)
settings.load_profile("custvalue")

ROOT = Path(__file__).resolve().parents[1]


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "pyarrow: make_frame builds PyArrow tables too")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "make_frame" in metafunc.fixturenames:
        asked = metafunc.definition.get_closest_marker("pyarrow") is not None
        metafunc.parametrize("make_frame", ["pandas", "polars", "pyarrow"][: 2 + asked], indirect=True)


@pytest.fixture
def make_frame(request: pytest.FixtureRequest) -> Callable[[Mapping[str, Sequence[Any]]], Any]:
    """Build a frame from columns: pandas and Polars, and PyArrow where ``@pytest.mark.pyarrow`` asks."""
    library = pytest.importorskip(request.param)
    build: Callable[[Mapping[str, Sequence[Any]]], Any]
    build = library.table if request.param == "pyarrow" else library.DataFrame
    return build


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of real data and published answers beside the checkout."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip("the folder 'shared' with data and published answers is not beside the checkout")
    return folder


@pytest.fixture(autouse=True)
def _close_figures() -> Iterator[None]:
    """Close what a test has drawn; a test that draws nothing does not load matplotlib."""
    yield
    if (pyplot := sys.modules.get("matplotlib.pyplot")) is not None:
        pyplot.close("all")
