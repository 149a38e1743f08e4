"""The demonstration end to end: what it writes, what it says, and how it refuses a wrong path."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import bank_data
import validity
import value_pipeline
import value_report
from custvalue import grey

if TYPE_CHECKING:
    from pathlib import Path

FILES = {
    "class_profile.png",
    "customers.csv",
    "explanation_1.png",
    "explanation_2.png",
    "explanation_3.png",
    "out_of_time.png",
    "report.html",
    "supermatrix_recency.png",
}


ROWS = 100_000


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run the demonstration once on a small synthetic bank."""
    out = tmp_path_factory.mktemp("demo") / "out"
    assert value_pipeline.main(["--synthetic", "--rows", str(ROWS), "--out", str(out)]) == 0
    return out


def test_everything_is_written_and_nothing_else(demo: Path) -> None:
    assert {path.name for path in demo.iterdir()} == FILES
    for picture in demo.glob("*.png"):
        assert picture.read_bytes().startswith(b"\x89PNG\r\n")


def test_the_report_stands_alone(demo: Path) -> None:
    page = (demo / "report.html").read_text(encoding="utf-8")
    assert not re.search(r"(src|href)=\"(?!data:image/png;base64,)", page)
    assert "one bank" in page
    assert "asked of nobody" in page
    assert "consistency check" in page
    assert page.count("data:image/png;base64,") == len(FILES) - 2
    assert ">nan<" not in page.lower()


def test_every_customer_is_graded_or_new(demo: Path) -> None:
    table = pd.read_csv(demo / "customers.csv", dtype={"value_class": str})
    bank = bank_data.synthetic(ROWS, 0)
    assert sorted(table["customer_id"]) == sorted(bank.population["customer_id"])
    new = table["status"] == "new"
    assert (table["value_class"] == "new").tolist() == new.tolist()
    assert table.loc[~new, "value_class"].isin([str(number) for number in range(1, 9)]).all()
    assert table.loc[~new, "similarity"].between(1 / 3, 1).all()
    assert table.loc[new, "exposure_days"].max() < 90


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--berka", "nowhere"], r"The data folder 'nowhere' does not exist; name the folder"),
        (["--berka", __file__], r"is a file; name the folder"),
        (["--berka", "."], r"holds no transaction\.parquet; name the folder"),
    ],
)
def test_a_wrong_data_path_is_one_sentence_and_exit_code_2(
    arguments: list[str],
    sentence: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert value_pipeline.main(arguments) == 2
    said = capsys.readouterr()
    assert re.search(sentence, said.err)
    assert said.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("arguments", [["--rows", "0"], ["--rows", "-5"], ["--seed", "-1"], ["--rows", "x"]])
def test_a_wrong_number_is_exit_code_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        value_pipeline.main(arguments)
    assert stop.value.code == 2
    assert arguments[0] in capsys.readouterr().err


def test_a_broken_parquet_file_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("transaction", "account"):
        (tmp_path / f"{name}.parquet").write_bytes(b"no parquet")
    out = tmp_path / "out"
    assert value_pipeline.main(["--berka", str(tmp_path), "--out", str(out)]) == 2
    assert "cannot be read as a Berka table" in capsys.readouterr().err
    assert not out.exists()


def test_a_result_folder_that_is_a_file_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    blocked = tmp_path / "out"
    blocked.write_text("in the way")
    assert value_pipeline.main(["--synthetic", "--out", str(blocked)]) == 2
    assert "is a file; name a folder" in capsys.readouterr().err
    assert blocked.read_text() == "in the way"


def test_a_bank_too_small_for_eight_prototypes_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert value_pipeline.main(["--synthetic", "--rows", "5000", "--out", str(out)]) == 2
    assert "a prototype is the mean of at least 5" in capsys.readouterr().err
    assert not out.exists()


def test_a_failure_while_writing_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    results = value_pipeline.run(bank_data.synthetic(ROWS, 0), 0)

    def fail(*_: object) -> str:
        raise RuntimeError

    monkeypatch.setattr(value_report, "page", fail)
    with pytest.raises(RuntimeError):
        value_pipeline.write(results, tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_berka_is_graded_whole(shared: Path) -> None:
    """1,229 accounts (data/berka/README.md: accounts opened up to 1994-03-30), each graded or new."""
    results = value_pipeline.run(bank_data.berka(shared / "data" / "berka"), 0)
    assert len(results.customers) == 1229
    assert set(results.customers["status"]) == {"graded", "new"}
    assert results.customers["value_class"].ne("").all()
    assert len(results.explanations) == 3
    for reason in results.explanations:
        assert reason.table["contribution"].sum() == pytest.approx(reason.similarity, abs=1e-14)


def test_rank_correlation_by_hand() -> None:
    """Ranks 1, 2, 3 against 1, 3, 2: 1 - 6 * 2 / (3 * 8) = 1/2 (Spearman 1904, no ties)."""
    rng = np.random.default_rng(0)
    found = validity.rank_correlations({"score": [1.0, 2.0, 3.0]}, {"later": [10.0, 30.0, 20.0]}, rng)
    assert found.interval("score", "later").value == pytest.approx(0.5, abs=1e-15)


def test_intervals_and_differences_agree_with_scipy() -> None:
    """SciPy's Spearman, resample by resample, is the second route."""
    rng = np.random.default_rng(1)
    later = rng.random(60)
    scores = {"good": later + 0.3 * rng.random(60), "noise": rng.random(60)}
    found = validity.rank_correlations(scores, {"later": later}, np.random.default_rng(2))
    draws = np.random.default_rng(2).integers(60, size=(validity.RESAMPLES, 60))
    again = {
        name: [stats.spearmanr(x[draw], later[draw]).statistic for draw in draws] for name, x in scores.items()
    }
    for name in scores:
        one = found.interval(name, "later")
        assert (one.low, one.high) == pytest.approx(tuple(np.quantile(again[name], [0.025, 0.975])), abs=1e-12)
    gap = found.difference("good", "noise", "later")
    expected = np.quantile(np.subtract(again["good"], again["noise"]), [0.025, 0.975])
    assert (gap.low, gap.high) == pytest.approx(tuple(expected), abs=1e-12)
    assert gap.told_apart
    assert not found.difference("good", "good", "later").told_apart
    assert 0.1 < found.noise < 0.5, "about 1.96 / sqrt(60) = .25"


def test_a_value_that_is_not_finite_is_refused() -> None:
    with pytest.raises(ValueError, match="not finite"):
        validity.rank_correlations({"s": [1.0, np.nan]}, {"l": [1.0, 2.0]}, np.random.default_rng(0))


def test_classes_out_of_order_by_hand() -> None:
    columns = ["class", "customers", "mean", "low", "high"]
    rows = [(1, 9, 5.0, 4.0, 6.0), (2, 9, 2.0, 1.0, 3.0), (3, 9, 5.5, 4.5, 6.5)]
    assert validity.out_of_order(pd.DataFrame(rows, columns=columns)) == [(1, 2)]
    assert validity.out_of_order(pd.DataFrame(rows[::2], columns=columns)) == []


def test_class_means_and_classes_of_same_sizes_by_hand() -> None:
    classes = np.array([1, 2, 2, 3])
    assert validity.classes_of_same_sizes([9.0, 1.0, 7.0, 3.0], classes).tolist() == [3, 1, 2, 2]
    means = validity.class_means(np.array([1, 1, 2]), [2.0, 4.0, 7.0], np.random.default_rng(0))
    assert means["mean"].tolist() == [3.0, 7.0]
    assert (means["low"].tolist()[1], means["high"].tolist()[1]) == (7.0, 7.0)


def test_agreement_is_perfect_where_classes_are_far_apart() -> None:
    rng = np.random.default_rng(0)
    centers = np.repeat([[0.1, 0.1], [0.5, 0.5], [0.9, 0.9]], 20, axis=0)
    past, held_out = (pd.DataFrame(centers + 0.02 * rng.random((60, 2)), columns=["a", "b"]) for _ in range(2))
    hierarchy = grey.Hierarchy.equal({"g": ["a", "b"]})
    found = validity.agreement(past, held_out, hierarchy, representatives="prototype", n_classes=3, seed=0)
    assert {name: scores["agreement"] for name, scores in found.items()} == dict.fromkeys(found, 1.0)
    assert len(found) == 3


def test_shuffled_columns_keep_the_values_and_lose_the_customers() -> None:
    frame = pd.DataFrame({"a": np.arange(100.0), "b": np.arange(100.0)})
    noise = validity.shuffled_columns(frame, np.random.default_rng(0))
    assert sorted(noise["a"]) == sorted(frame["a"])
    assert abs(np.corrcoef(noise["a"], noise["b"])[0, 1]) < 0.4
