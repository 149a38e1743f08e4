"""The walls of the house, read off the syntax tree: floors, effects, sizes, and what may be committed."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections import defaultdict
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[1]
SRC = ROOT / "src" / "custvalue"
FILES = sorted(SRC.rglob("*.py"))


def _label(path: Path) -> str:
    return path.relative_to(SRC).as_posix()


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


EACH_FILE = pytest.mark.parametrize("path", FILES, ids=_label)

# ---------------------------------------------------------------------------------------------- floors

ROOMS = frozenset({"rfm", "anp", "grey", "basket", "wallet", "tiers", "campaign", "targeting"})
#: A room's private package, and the one face that may import it.
INSIDES = {
    "_indicators": "rfm",
    "_customer_scores": "rfm",
    "_purchase_histories": "rfm",
    "_tier_policies": "tiers",
    "_network_process": "anp",
    "_relational_analysis": "grey",
    "_case_based": "cbr",
    "_holdings": "basket",
    "_product_rules": "basket",
    "_product_network": "basket",
    "_substitution": "basket",
    "_wallet_estimate": "wallet",
    "_wallet_survey": "wallet",
    "_wallet_models": "wallet",
    "_spend_shifts": "wallet",
    "_income_alerts": "wallet",
    "_displays": "plot",
}
FLOOR: dict[str, float] = {
    **dict.fromkeys(("exceptions", "_typing", "_version"), 0),
    **dict.fromkeys(("_spec", "_frames", "_kernels", "_results", "_moments"), 1),
    "_engines": 1.1,  # frames of every engine, wrapped by _frames
    "_codes": 1.1,  # codes of columns, found block by block
    "_estimators": 1.2,  # the estimators' base reads tables through _frames
    **dict.fromkeys(ROOMS, 2),
    "cbr": 3,
    "plot": 4,
    "__init__": 5,
}
FLOOR |= {inside: FLOOR[face] - 0.5 for inside, face in INSIDES.items()}
FLOOR["_customer_scores"] += 0.2  # scores read snapshots, never the other way round
FLOOR["_purchase_histories"] += 0.2  # histories read the rows as indicators do
FLOOR["_product_rules"] += 0.1  # rules are mined from holdings,
FLOOR["_product_network"] += 0.2  # and networks and bundles drawn from rules
FLOOR["_substitution"] += 0.2
FLOOR |= dict.fromkeys(("_wallet_survey", "_wallet_models", "_spend_shifts", "_income_alerts"), 1.6)  # estimates
#: Arrows between rooms. The face and ``plot`` may see every room.
MAY_SEE = {"cbr": frozenset({"grey"})}
KERNELS_MAY_IMPORT = frozenset(
    {"__future__", "collections", "concurrent", "dataclasses", "enum", "fractions", "functools", "heapq"}
    | {"itertools", "math", "numbers", "operator", "typing", "numpy", "scipy", "numba"}
)
#: The one module that may import numba, an extra.
KNOWS_NUMBA = "custvalue._kernels.relational_numba"
KNOW_NARWHALS = frozenset(
    {
        "_frames",
        "_engines",
        "_codes",
        "_indicators",
        "_customer_scores",
        "_purchase_histories",
        "_holdings",
        "_substitution",
        "_spend_shifts",
    }
)


def part_of(module: str) -> str:
    """Name the part of the house that a dotted module belongs to; the package itself is its face."""
    names = module.split(".")
    return names[1] if len(names) > 1 else "__init__"


def module_of(path: Path) -> str:
    """Give the dotted name of a file under src."""
    names = path.relative_to(SRC.parent).with_suffix("").parts
    return ".".join(names[:-1] if names[-1] == "__init__" else names)


def imported(tree: ast.AST) -> Iterator[str]:
    """List every absolute import, those under TYPE_CHECKING and inside functions included."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            origin = node.module or ""
            if node.level:
                yield "." * node.level + origin
            elif origin == "custvalue":
                yield from (f"custvalue.{alias.name}" for alias in node.names)
            else:
                yield origin


def wrong_arrows(module: str, source: str) -> list[str]:
    """List the imports of a module that the floor plan forbids."""
    here = part_of(module)
    if here not in FLOOR:
        return [f"{here} has no floor"]
    wrong = []
    for target in imported(ast.parse(source)):
        root, there = target.split(".")[0], part_of(target)
        if target.startswith("."):
            wrong.append(f"{here}: relative import {target}")
        elif root != "custvalue":
            if here == "_kernels" and root not in KERNELS_MAY_IMPORT:
                wrong.append(f"{here} may not import {target}")
            if root == "numba" and module != KNOWS_NUMBA:
                wrong.append(f"{module} may not know numba")
            if root == "narwhals" and here not in KNOW_NARWHALS:
                wrong.append(f"{here} may not know narwhals")
        elif there != here and not _allowed(here, there):
            wrong.append(f"{here} may not import {there}")
    return wrong


def _allowed(here: str, there: str) -> bool:
    if there not in FLOOR or FLOOR[there] >= FLOOR[here]:
        return False
    if here == "_kernels":
        return there == "_typing"
    if there in INSIDES:
        return INSIDES[there] in (here, INSIDES.get(here))
    face = INSIDES.get(here, here)
    return face not in MAY_SEE or there not in ROOMS or there in MAY_SEE[face]


@EACH_FILE
def test_every_import_goes_down(path: Path) -> None:
    assert wrong_arrows(module_of(path), path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("custvalue.rfm", "from custvalue import anp"),
        ("custvalue.rfm", "def f():\n    import custvalue.cbr"),
        ("custvalue._kernels.relational", "def f():\n    from numba import njit"),
        ("custvalue.anp", "if TYPE_CHECKING:\n    from custvalue.grey import Hierarchy"),
        ("custvalue.anp", "from custvalue._indicators import plan"),
        ("custvalue.cbr", "from custvalue import rfm"),
        ("custvalue.cbr", "from custvalue._network_process.spec import Network"),
        ("custvalue._indicators.spec", "from custvalue import rfm"),
        ("custvalue._indicators.spec", "from custvalue._customer_scores.drift import Drift"),
        ("custvalue._tier_policies.policy", "from custvalue._indicators.snapshot import Snapshot"),
        ("custvalue._displays.network", "from custvalue._network_process.solution import Solution"),
        ("custvalue.anp", "from custvalue._displays.network import NetworkDisplay"),
        ("custvalue._displays.network", "from custvalue import plot"),
        ("custvalue._spec", "from custvalue import __version__"),
        ("custvalue._spec", "import custvalue"),
        ("custvalue._spec", "from custvalue._frames import take"),
        ("custvalue._kernels.scale", "from custvalue.exceptions import DomainError"),
        ("custvalue._kernels.scale", "import pydantic"),
        ("custvalue._kernels.scale", "import pandas as pd"),
        ("custvalue.grey", "from . import _spec"),
        ("custvalue.grey", "from .exceptions import DomainError"),
        ("custvalue.grey", "from custvalue.helpers import tidy"),
        ("custvalue.grey", "import narwhals as nw"),
        ("custvalue._network_process.solve", "import narwhals.stable.v2 as nw"),
        ("custvalue.helpers", "import math"),
    ],
)
def test_an_arrow_up_or_sideways_is_seen(module: str, source: str) -> None:
    assert len(wrong_arrows(module, source)) == 1


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("custvalue.rfm", "from custvalue._indicators.spec import Recency\nimport pandas as pd"),
        ("custvalue._customer_scores.drift", "from custvalue._indicators.snapshot import Snapshot"),
        ("custvalue.cbr", "from custvalue import grey\nfrom custvalue._kernels.similarity import nearest"),
        ("custvalue.plot", "from custvalue.rfm import Snapshot\nfrom custvalue import cbr"),
        (
            "custvalue._displays.network",
            "from custvalue.anp import Solution",
        ),
        ("custvalue._indicators.plan", "import narwhals as nw\nfrom custvalue._indicators.spec import Recency"),
        ("custvalue._kernels.scale", "import numpy as np\nfrom custvalue._typing import FloatArray"),
        ("custvalue._kernels.scale", "from custvalue._kernels.blocks import cut\nfrom scipy import linalg"),
    ],
)
def test_an_arrow_down_is_free(module: str, source: str) -> None:
    assert wrong_arrows(module, source) == []


def at_import(tree: ast.AST) -> Iterator[ast.AST]:
    """Walk what stands outside functions: a room's inside may import its other half when it is called."""
    for node in ast.iter_child_nodes(tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield node
            yield from at_import(node)


def test_no_two_files_import_each_other_in_a_loop() -> None:
    known = {module_of(path) for path in FILES}
    graph: dict[str, set[str]] = defaultdict(set)
    for path in FILES:
        here = module_of(path)
        if here == "custvalue":
            continue
        for node in at_import(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module:
                graph[here] |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
            elif isinstance(node, ast.Import):
                graph[here] |= {alias.name for alias in node.names}
        graph[here] &= known - {here, "custvalue"}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"imports in a loop: {' -> '.join(error.args[1])}")


# ------------------------------------------------------------------------------------- weight of imports

HEAVY = ("numpy", "pandas", "scipy", "sklearn", "pydantic", "narwhals", "matplotlib")


@pytest.mark.parametrize(
    ("module", "unwanted"),
    [
        ("custvalue", HEAVY),
        ("custvalue.anp", ("sklearn", "matplotlib")),
        ("custvalue.plot", ("matplotlib",)),
    ],
)
def test_an_import_loads_no_more_than_it_needs(module: str, unwanted: tuple[str, ...]) -> None:
    if module != "custvalue" and not (SRC / f"{part_of(module)}.py").is_file():
        pytest.skip(f"{module} is not built yet")
    code = f"import sys, {module}; print(*sorted(set({unwanted!r}) & set(sys.modules)))"
    env = {**os.environ, "PYTHONPATH": str(SRC.parent)}
    loaded = subprocess.run(
        [sys.executable, "-c", code], env=env, cwd=ROOT, text=True, capture_output=True, check=True
    ).stdout.split()
    assert loaded == []


# --------------------------------------------------------------------------------------------- no effects

#: Modules that reach files, the network, the clock, the environment, other processes, or chance.
BANNED_MODULES = _words("""
    aiohttp argparse asyncio atexit builtins bz2 code codecs csv ctypes dbm fileinput ftplib getpass glob gzip
    http httpx importlib io locale lzma mmap multiprocessing os pathlib pdb pickle pkgutil platform pprint
    random requests runpy secrets shelve shutil signal smtplib socket socketserver sqlite3 ssl subprocess
    tarfile tempfile time tkinter tzlocal urllib urllib3 uuid webbrowser xmlrpc zipfile
""")
BANNED_NAMES = _words("__import__ breakpoint compile eval exec exit help input open print quit")
#: Dotted names, read through the file's own import aliases.
BANNED_DOTTED = re.compile(
    r"""
    (numpy|jax\.numpy)\.(load|save|savez|savez_compressed|savetxt|loadtxt|genfromtxt|fromfile|fromregex|memmap
        |DataSource|lib\.format\..*|seterr|seterrcall|setbufsize|set_printoptions|setprintoptions)
    | numpy\.random\.(?!(Generator|RandomState|SeedSequence|BitGenerator|PCG64|PCG64DXSM|Philox|SFC64|MT19937
        |default_rng)\b).+
    | scipy\.io\..* | scipy\.datasets\..*
    | pandas\.(set_option|reset_option|option_context|options.*)
    | polars\.Config.*
    | sklearn\.(set_config|config_context|datasets\..*)
    | joblib\.(dump|load|Memory)
    | json\.(dump|load)
    | hashlib\.file_digest
    | sys\.(argv|exit|path|std(in|out|err)|__std(in|out|err)__|displayhook|excepthook|set\w+|modules)
    | warnings\.(filterwarnings|simplefilter|resetwarnings|catch_warnings|filters|showwarning)
    | logging\.(?!(getLogger|NullHandler|Logger|LoggerAdapter|DEBUG|INFO|WARNING|ERROR|CRITICAL)\b).+
    | matplotlib\.(use|rc|rcdefaults|rc_context|rc_file|rcParams.*|style.*)
    | matplotlib\.pyplot\.(show|savefig|rc|rcdefaults|rc_context|rcParams.*|ion|ioff|style.*|switch_backend|imread)
    | warnings\.warn_explicit
    """,
    re.VERBOSE,
)
#: Attributes refused on any receiver.
BANNED_ATTRIBUTE = re.compile(
    r"""
    (read|scan)_(avro|clipboard|csv\w*|database\w*|delta|excel|feather|fwf|gbq|hdf|html|iceberg|ipc\w*|json|ndjson
        |ods|orc|parquet\w*|pickle|sas|spss|sql\w*|stata|table|xml)
    | (write|sink)_(avro|clipboard|csv|database|delta|excel|iceberg|ipc\w*|json|ndjson|parquet)
    | to_(clipboard|excel|feather|gbq|hdf|orc|parquet|pickle|sql|stata)
    | (read|write)_(text|bytes) | mkdir | unlink | rmdir | iterdir | rglob | open
    | tofile | savefig | savetxt | now | today | utcnow
    | addHandler | basicConfig | fork
    """,
    re.VERBOSE,
)
#: These give text when called without a target, and write a file when called with one.
TEXT_OR_FILE = _words("to_csv to_html to_json to_latex to_markdown to_string to_xml")
FILE_ARGUMENTS = _words("path path_or_buf path_or_buffer buf file fname")
CLOCK_WORDS = frozenset({"now", "today"})
CLOCK_READERS = frozenset({"datetime64", "Timestamp", "to_datetime", "Period"})
SEEDLESS = frozenset({"numpy.random.default_rng", "numpy.random.RandomState", "numpy.random.SeedSequence"})


class _Effects(ast.NodeVisitor):
    """Collect what a module does to the world outside its arguments."""

    def __init__(self, *, face: bool = False) -> None:
        self.found: list[str] = []
        self._aliases: dict[str, str] = {}
        self._face = face
        self._in_errstate = False

    def _refuse(self, node: ast.AST, what: str) -> None:
        self.found.append(f"line {getattr(node, 'lineno', 0)}: {what}")

    def _import(self, node: ast.AST, module: str) -> None:
        banned = module.split(".", maxsplit=1)[0] in BANNED_MODULES and not (self._face and module == "importlib")
        if banned or module.startswith(("logging.", "matplotlib.style")):
            self._refuse(node, f"import {module}")

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self._import(node, alias.name)
            self._aliases[alias.asname or alias.name.split(".")[0]] = (
                alias.name if alias.asname else alias.name.split(".")[0]
            )

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        module = node.module or ""
        self._import(node, module)
        for alias in node.names:
            dotted = f"{module}.{alias.name}"
            self._aliases[alias.asname or alias.name] = dotted
            if alias.name == "*":
                self._refuse(node, f"from {module} import *")
            elif not module.startswith("custvalue"):
                self._name(node, dotted)

    def _dotted(self, node: ast.expr) -> str:
        names: list[str] = []
        while isinstance(node, ast.Attribute):
            names.append(node.attr)
            node = node.value
        root = self._aliases.get(node.id, f"?{node.id}") if isinstance(node, ast.Name) else "?"
        return ".".join([root, *reversed(names)])

    def _name(self, node: ast.AST, dotted: str) -> None:
        last = dotted.rsplit(".", 1)[-1]
        if dotted == "numpy.setbufsize" and self._in_errstate:
            return  # NumPy 2 gives the size back where the context ends, and other threads never see it
        if BANNED_DOTTED.fullmatch(dotted) or BANNED_ATTRIBUTE.fullmatch(last):
            self._refuse(node, dotted.replace("?", ""))

    def visit_With(self, node: ast.With) -> None:
        before = self._in_errstate
        calls = [item.context_expr for item in node.items if isinstance(item.context_expr, ast.Call)]
        self._in_errstate |= any(self._dotted(call.func) == "numpy.errstate" for call in calls)
        self.generic_visit(node)
        self._in_errstate = before

    def visit_Name(self, node: ast.Name) -> None:
        if node.id in BANNED_NAMES and isinstance(node.ctx, ast.Load) and node.id not in self._aliases:
            self._refuse(node, node.id)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        self._name(node, self._dotted(node))
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        dotted = self._dotted(node.func)
        last = dotted.rsplit(".", 1)[-1].removeprefix("?")
        constants = [a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
        if last in TEXT_OR_FILE and (node.args or any(k.arg in FILE_ARGUMENTS for k in node.keywords)):
            self._refuse(node, f"{last} into a file")
        elif last in CLOCK_READERS and CLOCK_WORDS & set(constants):
            self._refuse(node, f"{last} of the clock")
        elif dotted in SEEDLESS and not node.args and not node.keywords:
            self._refuse(node, f"{dotted} without a seed")
        elif dotted == "?getattr" and constants:
            self._name(node, f"{self._dotted(node.args[0])}.{constants[0]}")
        self.generic_visit(node)


def effects(source: str, *, face: bool = False) -> list[str]:
    """List what a module's source would read or write outside its arguments."""
    visitor = _Effects(face=face)
    visitor.visit(ast.parse(source))
    return visitor.found


@EACH_FILE
def test_no_module_reaches_outside_its_arguments(path: Path) -> None:
    assert effects(path.read_text(encoding="utf-8"), face=path == SRC / "__init__.py") == []


OFFENCES = """
open('a')
print(1)
write = print
x = input()
breakpoint()
eval('1')
__import__('os')
import os
import os.path as p
from os import environ
import pathlib
from pathlib import Path
import socket
import urllib.request
from urllib import request
import requests
import time
from time import perf_counter
import random
import pickle
import subprocess
import tempfile
import shutil
import importlib
import importlib.resources
from importlib import metadata
import io
import sys; sys.stdout.write('a')
from sys import stderr
import sys; sys.argv
from datetime import datetime; datetime.now()
import datetime; datetime.datetime.utcnow()
from datetime import date; f = date.today
import pandas as pd; pd.Timestamp.now()
import pandas as pd; pd.Timestamp('now')
import numpy as np; np.datetime64('today')
import pandas as pd; pd.read_csv('a')
from pandas import read_parquet
import polars as pl; pl.scan_parquet('a')
frame.to_csv('a')
frame.to_csv(path_or_buf=target)
frame.to_json(target)
frame.to_parquet()
frame.write_parquet('a')
path.read_text()
path.open()
frame.plot().savefig('a')
array.tofile('a')
import numpy as np; np.load('a')
import numpy as np; np.save('a', x)
from numpy import loadtxt
import numpy as np; np.random.seed(0)
import numpy as np; np.random.rand(3)
from numpy.random import normal
import numpy as np; np.random.default_rng()
from numpy import random as r; r.shuffle(x)
import numpy as np; np.seterr(all='ignore')
import numpy as np; np.setbufsize(16)
import numpy as np\\nwith np.errstate():\\n    pass\\nnp.setbufsize(16)
import numpy as np\\nwith np.errstate():\\n    np.seterr(all='ignore')
import numpy as np; getattr(np, 'load')('a')
from scipy.io import loadmat
from sklearn.datasets import load_iris
import joblib; joblib.dump(model, 'a')
import json; json.load(handle)
import json; json.dump(x, handle)
import warnings; warnings.simplefilter('ignore')
from warnings import filterwarnings
import warnings\\nwith warnings.catch_warnings():\\n    pass
import logging; logging.basicConfig()
import logging; logging.FileHandler('a')
import logging.handlers
import logging; logging.getLogger('custvalue').addHandler(h)
import logging; logging.warning('a')
import pandas as pd; pd.set_option('display.width', 3)
import pandas as pd; pd.options.display.width = 3
import matplotlib; matplotlib.rcParams['font.size'] = 3
import matplotlib.pyplot as plt; plt.show()
from matplotlib import pyplot as plt; plt.rcParams['font.size'] = 3
from matplotlib import rcParams
from numpy import *
""".strip().splitlines()

INNOCENTS = """
import sys; sys.float_info.max
from sys import float_info
import re; re.compile('a')
import json; json.loads('1'); json.dumps(1)
from datetime import date, time; date(2020, 1, 1); time(0)
import numpy as np; np.random.default_rng(0); np.random.RandomState(seed)
import numpy as np; rng: np.random.Generator
import numpy as np; np.datetime64('2020-01-01')
import numpy as np\\nwith np.errstate(divide='ignore'):\\n    pass
import numpy as np\\nwith np.errstate():\\n    np.setbufsize(16)
import warnings; warnings.warn('a', stacklevel=2)
import logging; logging.getLogger('custvalue'); logging.NullHandler()
frame.to_json(); frame.to_csv(); model.to_json(indent=2); frame.to_html()
frame.to_numpy(); frame.to_frame(); frame.to_dict()
frame.select('open'); frame['open']; getattr(frame, 'columns')
from custvalue._results import read_only; read_only(x)
import hashlib; hashlib.sha256(b'a').hexdigest()
from zoneinfo import ZoneInfo; ZoneInfo('Asia/Shanghai')
import matplotlib.pyplot as plt; plt.subplots()
from sklearn.utils import check_random_state; check_random_state(0)
""".strip().splitlines()


@pytest.mark.parametrize("snippet", OFFENCES)
def test_an_effect_is_seen(snippet: str) -> None:
    assert effects(snippet.replace("\\n", "\n"))


@pytest.mark.parametrize("snippet", INNOCENTS)
def test_an_innocent_passes(snippet: str) -> None:
    assert effects(snippet.replace("\\n", "\n")) == []


def test_only_the_face_imports_by_name() -> None:
    source = "import importlib\nimportlib.import_module('custvalue.rfm')"
    assert effects(source)
    assert effects(source, face=True) == []


# ------------------------------------------------------------------------------------------------- habits

MUTABLE = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)
MUTABLE_CALLS = frozenset({"list", "dict", "set", "bytearray", "defaultdict", "array", "zeros", "ones", "empty"})


def bad_habits(source: str) -> list[str]:
    """List assert statements and mutable defaults of functions and of annotated class fields."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Assert):
            found.append(f"line {node.lineno}: assert")
        defaults: list[ast.expr | None] = []
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            defaults = [*node.args.defaults, *node.args.kw_defaults]
        elif isinstance(node, ast.ClassDef):
            fields = [item for item in node.body if isinstance(item, ast.AnnAssign)]
            defaults = [item.value for item in fields if "ClassVar" not in ast.unparse(item.annotation)]
        found += [f"line {value.lineno}: mutable default" for value in defaults if _mutable(value) and value]
    return found


def _mutable(value: ast.expr | None) -> bool:
    if isinstance(value, ast.Call):
        return ast.unparse(value.func).rsplit(".", 1)[-1] in MUTABLE_CALLS
    return isinstance(value, MUTABLE)


@EACH_FILE
def test_no_assert_and_no_mutable_default(path: Path) -> None:
    assert bad_habits(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "source",
    [
        "assert x",
        "def f(x=[]): pass",
        "def f(*, x={}): pass",
        "f = lambda x=set(): x",
        "def f(x=np.zeros(3)): pass",
        "class A:\n    x: list[int] = []",
    ],
)
def test_a_bad_habit_is_seen(source: str) -> None:
    assert len(bad_habits(source)) == 1


def test_a_good_habit_passes() -> None:
    fields = "class A:\n    x: ClassVar[list[int]] = []\n    y: list[int] = Field(default_factory=list)"
    assert bad_habits(f"{fields}\ndef f(x=(), y=None): pass") == []


# -------------------------------------------------------------------------------------------------- sizes

MOST_LINES = 500
MOST_BODY_LINES = 60
#: "file" or "file:function" that may be longer, with its number of lines; each entry needs a reason beside it.
LONGER: dict[str, int] = {}


def sizes(path: Path) -> Iterator[tuple[str, int, int]]:
    """Give name, size and bound of a file and of every function in it."""
    text = path.read_text(encoding="utf-8")
    yield _label(path), len(text.splitlines()), MOST_LINES
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node, clean=False) is not None else node.body
            length = (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0
            yield f"{_label(path)}:{node.name}", length, MOST_BODY_LINES


def test_files_and_functions_stay_small() -> None:
    measured = [entry for path in FILES for entry in sizes(path)]
    too_long = {name: size for name, size, bound in measured if size >= bound}
    assert too_long == LONGER


# ------------------------------------------------------------------------------------ what is committed

#: Written so that none of them matches its own text.
FOREIGN = {
    "a machine's path": re.compile(
        r"(?<![\w./~-])/(?:home|root|Users|work|opt|mnt|srv|tmp|var/folders)/[\w.]|(?<!\w)[A-Z]:\\+(?:Users|home)\b"
    ),
    "a registry's host": re.compile(
        r"\b(?:test\.)?[p]ypi\.\w|[p]ythonhosted|[a]naconda\.org|[n]pmjs|--(?:extra-)?[i]ndex-url|--[f]ind-links"
    ),
}
LOCK_FILES = frozenset({"poetry.lock", "uv.lock", "pdm.lock", "Pipfile.lock", "pixi.lock", "conda-lock.yml"})


def foreign(text: str) -> list[str]:
    """Name what ties a text to one machine or one registry."""
    return [what for what, pattern in FOREIGN.items() if pattern.search(text)]


def _repository_files() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, check=False,
    )  # fmt: skip
    if listed.returncode:
        pytest.skip("not a git checkout")
    names = [name for name in listed.stdout.decode().split("\0") if name]
    return [ROOT / name for name in names if (ROOT / name).is_file()]


def test_committed_text_belongs_to_no_machine() -> None:
    guilty = {}
    for path in _repository_files():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        if found := foreign(text):
            guilty[path.relative_to(ROOT).as_posix()] = found
    assert guilty == {}


def test_no_lock_file_is_committed() -> None:
    assert not LOCK_FILES & {path.name for path in _repository_files()}


@pytest.mark.parametrize(
    "text",
    [
        "see /" + "home/ann/data",
        'path = "/' + 'work/main"',
        "/" + "Users/ann",
        "C:" + "\\Users\\ann",
        "https://" + "pypi" + ".org/simple",
        "pip install --index" + "-url x",
    ],
)
def test_a_foreign_word_is_seen(text: str) -> None:
    assert foreign(text)


@pytest.mark.parametrize(
    "text", ["#!/usr/bin/env bash", "../shared/data", "https://example.org/" + "home/x", "w/" + "work/x"]
)
def test_a_domestic_word_passes(text: str) -> None:
    assert foreign(text) == []
