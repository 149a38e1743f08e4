# Every target makes what it needs. PYTHON names the interpreter that builds the environments.

PYTHON ?= python3
BERKA ?=
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:

VENV := .venv
VENV_BENCH := .venv-bench
VENV_MIN := .venv-min
PINS := constraints/py311.txt
PINS_BENCH := constraints/bench-py311.txt
PINS_MIN := constraints/min-py311.txt

# One stamp a set of extras: `make demo` and `make test` share .venv in either order.
DEMO := $(VENV)/.stamp-demo
TEST := $(VENV)/.stamp-test
DOCS := $(VENV)/.stamp-docs
BENCH := $(VENV_BENCH)/.stamp-bench
MIN := $(VENV_MIN)/.stamp-min

export MPLBACKEND := Agg
unexport PYTHONPATH

CHECK_JAVA = command -v "$${JAVA_HOME:+$$JAVA_HOME/bin/}java" >/dev/null \
	|| { echo "test-spark needs Java 17 or newer, on PATH or under JAVA_HOME." >&2; exit 1; }
CHECK_PYTHON = $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	|| { echo "custvalue needs Python 3.11 or newer: name one with 'make PYTHON=python3.11'." >&2; exit 1; }
SPHINX = $(VENV)/bin/python -m sphinx -n -W --keep-going -b html

.PHONY: help demo test test-min test-spark docs bench lint types clean
.DEFAULT_GOAL := help

help:  ## Show the targets.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(DEMO)  ## Run the value pipeline end to end; the report is left in out/ (BERKA=folder for real data).
	$(VENV)/bin/python examples/value_pipeline.py $(if $(BERKA),--berka "$(BERKA)")

test: lint types  ## Lint, types, tests with doctests, and the docs without running the gallery.
	$(VENV)/bin/python -m pytest
	$(SPHINX) -D plot_gallery=0 docs docs/_build/test

test-min: $(MIN)  ## Tests and doctests under the oldest supported versions.
	$(VENV_MIN)/bin/python -m pytest

test-spark: $(TEST)  ## The tests on Spark alone; refuses where Java 17 is missing, which `make test` only reports.
	@$(CHECK_JAVA)
	$(VENV)/bin/python -m pytest tests/test_spark.py tests/test_rfm_engines.py

docs: $(DOCS)  ## Build the docs and run the gallery; the pages are left in docs/_build/html.
	$(SPHINX) docs docs/_build/html

bench: $(BENCH)  ## Time the indicators, the baskets, the grey similarity, the network process and the wallet.
	$(VENV_BENCH)/bin/python benchmarks/bench_rfm.py
	$(VENV_BENCH)/bin/python benchmarks/bench_basket.py
	$(VENV_BENCH)/bin/python benchmarks/bench_grey.py
	$(VENV_BENCH)/bin/python benchmarks/bench_anp.py
	$(VENV_BENCH)/bin/python benchmarks/bench_wallet.py

lint: $(TEST)  ## Check style and format.
	$(VENV)/bin/python -m ruff check .
	$(VENV)/bin/python -m ruff format --check .

types: $(TEST)  ## Check types.
	$(VENV)/bin/python -m mypy

clean:  ## Remove the environments and everything that was built.
	rm -rf $(VENV) $(VENV_BENCH) $(VENV_MIN) build dist out docs/_build docs/gallery docs/reference/generated
	rm -rf .mypy_cache .pytest_cache .ruff_cache .hypothesis docs/sg_execution_times.rst
	find src tests examples benchmarks docs -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/bin/python $(VENV_BENCH)/bin/python $(VENV_MIN)/bin/python:
	@$(CHECK_PYTHON)
	$(PYTHON) -m venv $(@D:/bin=)

$(DEMO): EXTRAS := plot,engines
$(TEST): EXTRAS := dev,fast,plot,docs,engines,ibis,spark
$(DOCS): EXTRAS := plot,docs,engines
$(DEMO) $(TEST) $(DOCS): pyproject.toml $(PINS) | $(VENV)/bin/python
	$(VENV)/bin/python -m pip install --quiet -c $(PINS) -e ".[$(EXTRAS)]"
	touch $@

$(BENCH): pyproject.toml $(PINS_BENCH) | $(VENV_BENCH)/bin/python
	$(VENV_BENCH)/bin/python -m pip install --quiet -c $(PINS_BENCH) -e ".[bench]"
	touch $@

$(MIN): pyproject.toml $(PINS_MIN) | $(VENV_MIN)/bin/python
	$(VENV_MIN)/bin/python -m pip install --quiet -c $(PINS_MIN) -e ".[dev,fast,plot,engines]"
	touch $@
