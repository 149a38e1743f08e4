"""The monthly job on DuckDB from a folder of parquet files: its numbers are those of the rows in memory."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("duckdb", reason="duckdb is not installed")
pytest.importorskip("pyarrow", reason="pyarrow is not installed")

import duckdb
import pyarrow.parquet as pq

import parquet_folder
from custvalue import rfm
from synthetic_bank import make_bank

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from synthetic_bank import SyntheticBank

MONTHS = 12
pytestmark = pytest.mark.filterwarnings("ignore:fetch_arrow_table:DeprecationWarning")


@pytest.fixture(scope="module")
def bank() -> SyntheticBank:
    return make_bank(20_000, random_state=1, months=MONTHS, rows_per_customer=160.0)


@pytest.fixture(scope="module")
def folder(bank: SyntheticBank, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("job") / "bank"
    parquet_folder.write_folder(bank, made)
    return made


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """Stand in a time zone that no schema names: numbers must not depend on it."""
    with duckdb.connect() as opened:
        opened.execute("SET TimeZone = 'America/St_Johns'")
        yield opened


@pytest.fixture(scope="module")
def snapshots(connection: duckdb.DuckDBPyConnection, folder: Path) -> dict[str, rfm.Snapshot]:
    return {month.as_of: snapshot for month, snapshot in parquet_folder.monthly(connection, folder)}


def test_the_folder_holds_every_row_in_the_file_of_its_month(bank: SyntheticBank, folder: Path) -> None:
    months = parquet_folder.months_of(folder)
    assert len(months) == MONTHS
    total = 0
    for month in months:
        times = pq.read_table(month.file, columns=["time"]).to_pandas()["time"]
        assert set(times.dt.strftime("%Y-%m")) == {month.name}
        assert pd.Timestamp(month.as_of) == pd.Timestamp(month.name) + pd.DateOffset(months=1)
        total += len(times)
    assert total == len(bank.transactions)


def test_each_month_is_what_its_rows_in_memory_give(
    bank: SyntheticBank, snapshots: dict[str, rfm.Snapshot]
) -> None:
    """The bank's own frame, in another order, through NumPy: every column to the last bit, each month's end."""
    rows = bank.transactions.sample(frac=1.0, random_state=3)
    people = bank.customers[["customer_id", "opened"]]
    assert len(snapshots) == MONTHS
    for as_of, snapshot in snapshots.items():
        local = rfm.compute(rows, parquet_folder.INDICATORS, parquet_folder.SCHEMA, as_of=as_of, population=people)
        found = parquet_folder.differences(snapshot, local)
        assert found["column"].tolist() == list(local.table.columns)
        assert not found["differs"].any()
        assert snapshot.provenance.counts["rows"] == int((bank.transactions["time"] < as_of).sum())


def test_the_folder_at_once_is_the_last_month(
    connection: duckdb.DuckDBPyConnection, folder: Path, snapshots: dict[str, rfm.Snapshot]
) -> None:
    as_of, last = list(snapshots.items())[-1]
    at_once = parquet_folder.whole(connection, folder, as_of)
    assert isinstance(at_once.table, duckdb.DuckDBPyRelation)
    assert not parquet_folder.differences(at_once, last)["differs"].any()


def test_a_difference_of_one_bit_is_seen(snapshots: dict[str, rfm.Snapshot]) -> None:
    from dataclasses import replace

    last = list(snapshots.values())[-1]
    table = last.table.to_pandas()
    changed = table.copy()
    changed.loc[3, "turnover"] = np.nextafter(table.loc[3, "turnover"], np.inf)
    changed.loc[4, "status"] = "gone"
    found = parquet_folder.differences(replace(last, table=changed), replace(last, table=table))
    apart = found[found["differs"] > 0]
    assert apart["column"].tolist() == ["status", "turnover"]
    assert apart["differs"].tolist() == [1, 1]
    assert 0.0 < float(apart["largest"].iloc[1]) < 1e-15


def test_the_script_runs_on_a_folder_and_says_so(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert parquet_folder.main(["--folder", str(folder)]) == 0
    said = capsys.readouterr().out
    assert f"{MONTHS} monthly snapshots" in said
    assert len(re.findall("the same to the last bit", said)) == 2
    assert ": 0 differences" in said


def test_a_folder_can_be_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert parquet_folder.main(["--keep", str(tmp_path / "kept"), "--rows", "3000"]) == 0
    capsys.readouterr()
    assert len(parquet_folder.months_of(tmp_path / "kept")) == 24


def test_a_wrong_folder_is_refused_in_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert parquet_folder.main(["--folder", str(tmp_path)]) == 2
    assert "does not hold transactions/month=YYYY-MM" in capsys.readouterr().err
