"""Every public name is described, shown at work, and listed in the reference."""

from __future__ import annotations

import dataclasses
import functools
import importlib
import importlib.util
import inspect
import re
from pathlib import Path
from types import FunctionType
from typing import TYPE_CHECKING, Any

import pytest
from numpydoc.docscrape import get_doc_object  # type: ignore[import-untyped]  # untyped
from numpydoc.validate import validate  # type: ignore[import-untyped]  # untyped
from pydantic import BaseModel

import custvalue

if TYPE_CHECKING:
    from collections.abc import Iterator

REFERENCE = Path(__file__).resolve().parents[1] / "docs" / "reference"
#: No extended summary and no See Also are asked for; a method is shown at work in its class.
NOT_ASKED = frozenset({"ES01", "SA01"})
NOT_ASKED_OF_MEMBERS = NOT_ASKED | {"EX01"}
#: numpydoc compares Parameters with the signature; fields may be told under Attributes, which is checked here.
ABOUT_PARAMETERS = frozenset({"PR01", "PR02", "PR03"})
KINDS_OF_MEMBER = (FunctionType, property, functools.cached_property, classmethod, staticmethod)

MODULES = [
    name
    for name in custvalue.__all__
    if not name.startswith("__") and importlib.util.find_spec(f"custvalue.{name}") is not None
]
PUBLIC = [(module, name) for module in MODULES for name in importlib.import_module(f"custvalue.{module}").__all__]
IDS = [".".join(pair) for pair in PUBLIC]
EACH_NAME = pytest.mark.parametrize(("module", "name"), PUBLIC, ids=IDS)


def _get(module: str, name: str) -> Any:
    return getattr(importlib.import_module(f"custvalue.{module}"), name)


def _is_documented_kind(thing: object) -> bool:
    return inspect.isclass(thing) or inspect.isroutine(thing)


def own_members(cls: type) -> Iterator[str]:
    """Name the public methods and properties that custvalue itself wrote for a class."""
    seen = set()
    for base in cls.__mro__:
        if base.__module__.partition(".")[0] != "custvalue":
            continue
        for name, member in vars(base).items():
            if name.startswith("_") or name in seen or not isinstance(member, KINDS_OF_MEMBER):
                continue
            if name == "model_post_init":  # pydantic writes it into classes with private attributes
                continue
            seen.add(name)
            yield name


MEMBERS = [
    (module, f"{name}.{member}")
    for module, name in PUBLIC
    if inspect.isclass(_get(module, name))
    for member in own_members(_get(module, name))
]


def fields_of(cls: object) -> list[str]:
    """Give the fields of a specification or a result, and nothing for any other class."""
    if isinstance(cls, type) and issubclass(cls, BaseModel):
        return list(cls.model_fields)
    if isinstance(cls, type) and dataclasses.is_dataclass(cls):
        return [field.name for field in dataclasses.fields(cls) if not field.name.startswith("_")]
    return []


def described(cls: type) -> set[str]:
    """Give the names told under Parameters or Attributes."""
    doc = get_doc_object(cls, config={"show_class_members": False})
    told = [entry.name for section in ("Parameters", "Attributes") for entry in doc[section]]
    return {name.strip().lstrip("*") for names in told for name in names.split(",")}


def listed(module: str) -> set[str]:
    """Give the names in the autosummary lists of a module's reference page."""
    page = REFERENCE / f"{module}.md"
    if not page.is_file():
        return set()
    blocks = re.findall(r"^```\{eval-rst\}\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return {name for block in blocks for name in re.findall(r"^ +(\w+)$", block, re.MULTILINE)}


def errors(path: str, ignored: frozenset[str]) -> list[str]:
    """Give numpydoc's errors about a name, without the ignored ones."""
    return [f"{code}: {text}" for code, text in validate(path)["errors"] if code not in ignored]


@pytest.mark.parametrize("module", MODULES)
def test_module_has_a_docstring_and_a_face(module: str) -> None:
    loaded = importlib.import_module(f"custvalue.{module}")
    assert loaded.__doc__
    assert len(loaded.__all__) == len(set(loaded.__all__)) > 0


@EACH_NAME
def test_numpydoc_has_no_complaint(module: str, name: str) -> None:
    thing = _get(module, name)
    if not _is_documented_kind(thing):
        pytest.skip("neither a class nor a function")
    ignored = NOT_ASKED | ABOUT_PARAMETERS if fields_of(thing) else NOT_ASKED
    assert errors(f"custvalue.{module}.{name}", frozenset(ignored)) == []


@pytest.mark.parametrize(("module", "member"), MEMBERS, ids=[".".join(pair) for pair in MEMBERS])
def test_numpydoc_has_no_complaint_about_a_member(module: str, member: str) -> None:
    assert errors(f"custvalue.{module}.{member}", frozenset(NOT_ASKED_OF_MEMBERS)) == []


@EACH_NAME
def test_every_field_is_described(module: str, name: str) -> None:
    thing = _get(module, name)
    if fields := fields_of(thing):
        assert set(fields) - described(thing) == set()


@EACH_NAME
def test_nothing_is_described_that_is_not_there(module: str, name: str) -> None:
    thing = _get(module, name)
    if fields := fields_of(thing):
        assert {told for told in described(thing) if told not in fields and not hasattr(thing, told)} == set()


@EACH_NAME
def test_public_name_is_shown_at_work(module: str, name: str) -> None:
    thing = _get(module, name)
    if _is_documented_kind(thing):
        assert ">>>" in (inspect.getdoc(thing) or "")


@pytest.mark.parametrize("module", MODULES)
def test_the_reference_lists_exactly_the_public_names(module: str) -> None:
    assert listed(module) == set(importlib.import_module(f"custvalue.{module}").__all__)


def test_the_reference_has_a_page_for_each_module() -> None:
    contents = (REFERENCE / "index.md").read_text(encoding="utf-8")
    missing = [module for module in MODULES if not re.search(rf"^{module}$", contents, re.MULTILINE)]
    assert missing == []
