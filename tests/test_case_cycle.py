"""The gallery's cycle of cases: it runs on the synthetic bank, shows no key, and what its prose says holds."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
import pytest

import bank_data
from custvalue import cbr

if TYPE_CHECKING:
    from collections.abc import Iterator

mpl.use("Agg")
PAGE = Path(__file__).resolve().parents[1] / "examples" / "plot_case_cycle.py"


@pytest.fixture(scope="module")
def ran() -> Iterator[dict[str, Any]]:
    """Run the page once, without the real bank, and give the names that it leaves."""

    def without_real_data(folder: Path | None, n_transactions: int, seed: int) -> bank_data.BankData:
        assert folder is None
        return bank_data.synthetic(n_transactions, seed)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(bank_data, "load", without_real_data)
        yield runpy.run_path(str(PAGE))


def test_no_key_of_a_customer_is_left_in_what_is_shown(ran: dict[str, Any]) -> None:
    keys = set(ran["snapshot"].features.index.astype(str))
    assert len(keys) == len(ran["features"])
    shown = (
        ran["cases"]._repr_html_(),
        ran["reason"]._repr_html_(),
        ran["reason"].in_words(),
        ran["changed"]._repr_html_(),
        ran["revised"].to_json(),
    )
    assert not [key for key in keys if any(f'"{key}"' in text or f">{key}<" in text for text in shown)]
    assert max(ran["X"].index) < len(keys)
    assert keys.isdisjoint(map(str, ran["X"].index))


def test_cases_of_one_customer_show_no_figures(ran: dict[str, Any]) -> None:
    reason = ran["reason"]
    assert reason.case_values is None
    assert reason.rival_values is None
    assert reason.class_mean is not None
    assert reason.counterfactual.target is None
    assert reason.margin == ran["answers"].margin.min()


def test_the_analysts_word_is_in_the_log(ran: dict[str, Any]) -> None:
    log = ran["revised"].case_base_.history()
    assert log["action"].tolist() == ["built", "retained", "revised"]
    assert log["by"].tolist() == ["model team", "analyst Li", "analyst Li"]
    difference = ran["revised"].case_base_.diff(1)
    assert (len(difference.added), len(difference.revised), len(difference.removed)) == (1, 1, 0)
    assert ran["revised"].predict(ran["customer"]).tolist() == [ran["reason"].rival]
    assert ran["changed"].class_changed.sum() >= 1
    assert bool((ran["first"].predict(ran["X"]) == ran["model"].predict(ran["X"])).all())
    assert ran["revised"].calibration_ is None


def test_the_revised_case_is_one_that_its_neighbours_outvote(ran: dict[str, Any]) -> None:
    cases, suspect = ran["cases"], ran["suspect"]
    place = cases.ids.index(suspect)
    rest = [other for other in range(len(cases.ids)) if other != place]
    model = cbr.CaseBasedClassifier(ran["hierarchy"], k=3).fit(cases.X.iloc[rest], cases.y[rest])
    assert model.predict(cases.X.iloc[[place]])[0] == ran["neighbours"] != cases.y[place]


def test_five_classes_are_stable_and_can_be_calibrated(ran: dict[str, Any]) -> None:
    assert ran["cases"].clusters.report.stability > 0.9
    assert min(ran["model"].calibration_.customers) >= 9
    assert min(ran["model"].calibration_.customers) < 99


def test_wholeness_costs_less_than_the_coefficient(ran: dict[str, Any]) -> None:
    """Reversal is under one customer in a hundred; another rho gives a nearest case anew to up to a third."""
    frame = ran["stability"].to_frame().query("watched == 'grey'")
    moved = frame["change"] == "rho"
    assert frame.loc[~moved, "winner_reversed"].max() < 0.01
    assert 0.2 < frame.loc[moved, "winner_reversed"].max() < 0.4
    assert frame.loc[moved, "class_changed"].max() > frame.loc[~moved, "class_changed"].max()


def test_the_plain_distance_is_as_good_or_better(ran: dict[str, Any]) -> None:
    comparison = ran["comparison"]
    assert comparison.rivals[0] == "weighted Manhattan 1-NN"
    assert comparison.difference[0] <= 0.0
    assert comparison.verdicts[0] != "wins"
    assert comparison.shuffled[0, 0].max() < comparison.scores[0, 0].mean()


def test_every_picture_is_drawn(ran: dict[str, Any]) -> None:
    names = ("profile", "calibration", "bars", "classes", "competence_map", "changes", "rivals")
    assert [name for name in names if not ran[name].figure_.axes] == []
    assert np.isfinite(ran["changes"].winner_changed[:, 0]).all()
