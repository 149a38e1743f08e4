"""Segment maps: all cells by brute force, published maps and counts, JSON, refusals that list the cells."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from custvalue import rfm
from custvalue.exceptions import ColumnError, DataError, DomainError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

CLASSIC = ["recency", "frequency", "monetary"]
SCORES = [f"{name}_score" for name in CLASSIC]
INDICATORS = rfm.IndicatorSet(
    indicators=[rfm.Recency(name="recency"), rfm.Frequency(name="frequency"), rfm.Monetary(name="monetary")]
)
PRESETS = {
    "eleven": (rfm.SegmentMap.eleven_groups(), (5, 5, 5)),
    "eight": (rfm.SegmentMap.eight_types(), (2, 2, 2)),
    "eight of five": (rfm.SegmentMap.eight_types(n_bins=5), (5, 5, 5)),
    "twelve": (rfm.SegmentMap.twelve_groups(), (3, 2, 2)),
    "R": (rfm.SegmentMap.r_rfm(), (5, 5, 5)),
}
EACH_PRESET = pytest.mark.parametrize(("preset", "shape"), PRESETS.values(), ids=PRESETS)

#: R rfm 0.3, examples of ``rfm_segment``: names, lower and upper bounds as printed, by dimension.
R_NAMES = (
    "Champions", "Potential Loyalist", "Loyal Customers", "Promising", "New Customers", "Can't Lose Them",
    "At Risk", "Need Attention", "About To Sleep", "Lost",
)  # fmt: skip
R_BOUNDS = (
    ((5, 3, 2, 3, 4, 1, 1, 1, 2, 1), (5, 5, 4, 4, 5, 2, 2, 3, 3, 1)),
    ((5, 3, 2, 1, 1, 3, 2, 3, 1, 1), (5, 5, 4, 3, 3, 4, 5, 5, 3, 5)),
    ((5, 2, 2, 3, 1, 4, 4, 3, 1, 1), (5, 5, 4, 5, 5, 5, 5, 5, 4, 5)),
)
#: R rfm 0.2.2, the same with the bounds of that release; frequency and monetary share theirs.
OLD_NAMES = (
    "Champions", "Loyal Customers", "Potential Loyalist", "New Customers", "Promising", "Need Attention",
    "About To Sleep", "At Risk", "Can't Lose Them", "Lost",
)  # fmt: skip
OLD_BOUNDS = (
    ((4, 2, 3, 4, 3, 2, 2, 1, 1, 1), (5, 5, 5, 5, 4, 3, 3, 2, 1, 2)),
    ((4, 3, 1, 1, 1, 2, 1, 2, 4, 1), (5, 5, 3, 1, 1, 3, 2, 5, 5, 2)),
    ((4, 3, 1, 1, 1, 2, 1, 2, 4, 1), (5, 5, 3, 1, 1, 3, 2, 5, 5, 2)),
)


def axes(*sizes: int) -> list[rfm.SegmentAxis]:
    return [rfm.SegmentAxis(name=name, n_bins=size) for name, size in zip(CLASSIC, sizes, strict=False)]


def from_bounds(names: Iterable[str], bounds: Any, **settings_: Any) -> rfm.SegmentMap:
    segments = [
        {
            "name": name,
            "boxes": [{axis: (low[i], high[i]) for axis, (low, high) in zip(CLASSIC, bounds, strict=True)}],
        }
        for i, name in enumerate(names)
    ]
    return rfm.SegmentMap.model_validate({"axes": axes(5, 5, 5), "segments": segments, **settings_})


def first_match(cell: tuple[int, ...], names: tuple[str, ...], bounds: Any) -> str:
    """Second route: R's loop over the printed bounds, in plain Python."""
    for i, name in enumerate(names):
        if all(low[i] <= score <= high[i] for score, (low, high) in zip(cell, bounds, strict=True)):
            return name
    return "Others"


def every_cell(shape: tuple[int, ...]) -> list[tuple[int, ...]]:
    return list(itertools.product(*(range(1, size + 1) for size in shape)))


# ------------------------------------------------------------------------------------------------------- presets


@EACH_PRESET
def test_every_cell_has_one_segment_and_every_segment_a_cell(
    preset: rfm.SegmentMap, shape: tuple[int, ...]
) -> None:
    cells = every_cell(shape)
    labels = preset.label(np.array(cells)).tolist()
    assert preset.shape == shape
    assert set(labels) == set(preset.names)
    frame = preset.to_frame()
    assert list(frame) == [*CLASSIC, "cell", "segment", "action"]
    listed = {tuple(row[:3]): row[4] for row in frame.itertuples(index=False)}
    assert listed == dict(zip(cells, labels, strict=True))
    assert frame["cell"].iloc[0] == "-".join(map(str, shape))


@EACH_PRESET
def test_presets_travel_as_json(preset: rfm.SegmentMap, shape: tuple[int, ...]) -> None:
    del shape
    again = rfm.SegmentMap.model_validate_json(preset.model_dump_json())
    assert again == preset
    assert again.digest == preset.digest
    assert json.loads(preset.model_dump_json())["spec_version"] == 1
    assert preset._repr_html_().count("<tr>") == len(preset.names) + 1


def test_squeezely_eleven_groups() -> None:
    """Numbers of cells in the published list: 7, 8, 24, 7, 16, 8, 8, 22, 8, 11 and 6 of the 125."""
    eleven = rfm.SegmentMap.eleven_groups()
    counts = Counter(eleven.to_frame()["segment"])
    assert [counts[name] for name in eleven.names] == [7, 8, 24, 7, 16, 8, 8, 22, 8, 11, 6]
    some = {
        "5-5-4": "Champions",
        "3-2-3": "Potential Loyalist",
        "2-1-5": "Cannot Lose Them",
        "2-5-1": "About To Sleep",
    }
    found = eleven.to_frame().set_index("cell")["segment"]
    assert {cell: found[cell] for cell in some} == some


@pytest.mark.parametrize(
    ("scores", "chinese", "name"),
    [
        ((2, 2, 2), "重要价值", "important value"),
        ((1, 2, 2), "重要保持", "important keep"),
        ((2, 1, 2), "重要发展", "important develop"),
        ((1, 1, 2), "重要挽留", "important win back"),
        ((2, 2, 1), "一般价值", "ordinary value"),
        ((1, 2, 1), "一般保持", "ordinary keep"),
        ((2, 1, 1), "一般发展", "ordinary develop"),
        ((1, 1, 1), "一般挽留", "ordinary win back"),
    ],
)
def test_eight_types_by_definition(scores: tuple[int, ...], chinese: str, name: str) -> None:
    """The common definition: 重要 by money; 价值 recent and often, 发展 recent, 保持 often, 挽留 neither."""
    assert rfm.SegmentMap.eight_types().label([scores], names="chinese").tolist() == [chinese]
    assert rfm.SegmentMap.eight_types().label([scores]).tolist() == [name]
    five = [1 + 4 * (score - 1) for score in scores]
    assert rfm.SegmentMap.eight_types(n_bins=5).label([five]).tolist() == [name]


def test_eight_types_of_more_scores() -> None:
    """High is 4 and 5 of five, or from where it is said; the mean as threshold gives the classic reading."""
    assert rfm.SegmentMap.eight_types(n_bins=5).label([[3, 4, 5]]).tolist() == ["important keep"]
    assert rfm.SegmentMap.eight_types(n_bins=5, high_from=3).label([[3, 4, 5]]).tolist() == ["important value"]
    assert rfm.SegmentMap.eight_types(n_bins=4).label([[3, 2, 4]]).tolist() == ["important develop"]
    for bad in (1, 6):
        with pytest.raises(DomainError, match="high_from must be from 2 to n_bins, 5"):
            rfm.SegmentMap.eight_types(n_bins=5, high_from=bad)
    with pytest.raises(ValidationError, match="greater than or equal to 2"):
        rfm.SegmentMap.eight_types(n_bins=1)
    X = pd.DataFrame({"recency": [1.0, 9.0], "frequency": [9.0, 1.0], "monetary": [1.0, 9.0]})
    means = {name: [X[name].mean()] for name in CLASSIC}
    scores = rfm.RFMScorer(INDICATORS, method="thresholds", thresholds=means).fit_transform(X)
    labels = rfm.SegmentMap.eight_types().label(scores, names="chinese")
    assert labels["segment"].tolist() == ["一般价值", "重要挽留"]


def test_eight_types_at_the_means() -> None:
    """The recipe of the docstring, and by comparison: high from the mean, for recency below it."""
    rng = np.random.default_rng(5)
    X = pd.DataFrame(rng.integers(0, 9, (60, 3)).astype(float), columns=CLASSIC)
    means = X.mean()
    recipes: list[Any] = [means, means.to_dict()]
    for thresholds in recipes:
        scorer = rfm.RFMScorer(INDICATORS, method="thresholds", thresholds=thresholds).fit(X)
        labels = rfm.SegmentMap.eight_types().label(scorer.transform(X))["segment"]
        high = X.ge(means)
        high["recency"] = X["recency"] < means["recency"]
        kinds = [["win back", "keep"], ["develop", "value"]]
        expected = [
            f"{'important' if much else 'ordinary'} {kinds[int(recent)][int(often)]}"
            for recent, often, much in high.itertuples(index=False)
        ]
        assert labels.tolist() == expected


@pytest.mark.parametrize("name", ["cell", "segment", "action"])
def test_axes_named_like_columns_of_the_table_are_refused_by_it(name: str) -> None:
    built = rfm.SegmentMap(
        axes=[rfm.SegmentAxis(name=name, n_bins=2)],
        segments=[rfm.Segment(name="low", cells=["1"]), rfm.Segment(name="high", cells=["2"])],
    )
    assert built.label([[2]]).tolist() == ["high"]
    with pytest.raises(ColumnError, match=rf"axes are named \['{name}'\], as columns of this table are; rename"):
        built.to_frame()


def test_twelve_groups_are_three_by_two_by_two() -> None:
    ours = rfm.SegmentMap.twelve_groups()
    assert len(ours.names) == 12
    assert ours.label([[2, 1, 2]]).tolist() == ["cooling occasional large"]
    assert ours.label([[2, 1, 2]], names="chinese").tolist() == ["趋冷低频大额"]
    assert set(ours.actions) == set(ours.names)
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.gamma(1.0, 10.0, (60, 3)), columns=CLASSIC)
    scores = rfm.RFMScorer(INDICATORS, n_bins={"recency": 3, "frequency": 2, "monetary": 2}).fit_transform(X)
    assert set(ours.label(scores)["segment"]) <= set(ours.names)


# ------------------------------------------------------------------------------------------------ published maps


def test_hebbali2024_map_by_brute_force() -> None:
    """All 125 cells of the R package's example, first match wins, the rest "Others"."""
    cells = every_cell((5, 5, 5))
    expected = [first_match(cell, R_NAMES, R_BOUNDS) for cell in cells]
    assert rfm.SegmentMap.r_rfm().label(np.array(cells)).tolist() == expected
    assert from_bounds(R_NAMES, R_BOUNDS, overlaps="first_wins", rest="Others") == rfm.SegmentMap.r_rfm()


def test_hebbali2024_customer_table(shared: Path) -> None:
    """The published segment of every one of the package's 39,999 customers, from their figures."""
    table = pd.read_csv(shared / "data/rfm/r_rfm_customer_expected.csv.gz")
    X = table[["recency_days", "number_of_orders", "revenue"]].set_axis(CLASSIC, axis=1)
    scores = rfm.RFMScorer(INDICATORS, method="r_rfm").fit_transform(X)
    labels = rfm.SegmentMap.r_rfm().label(scores)["segment"]
    assert (labels == table["segment"]).all()


def orders(shared: Path) -> pd.DataFrame:
    rows = pd.read_csv(shared / "data/rfm/r_rfm_orders.csv", parse_dates=["order_date"])
    grouped = rows.groupby("customer_id")
    days = (pd.Timestamp("2006-12-31") - grouped["order_date"].max()).dt.days
    return pd.DataFrame({"recency": days, "frequency": grouped.size(), "monetary": grouped["revenue"].sum()})


def test_hebbali2024_segment_summary(shared: Path) -> None:
    """``rfm_segment_summary``, its page in the package's reference: customers, orders and revenue by segment."""
    printed = {
        "About To Sleep": (102, 283, 23449),
        "At Risk": (28, 216, 22227),
        "Can't Lose Them": (47, 274, 32446),
        "Champions": (35, 316, 31646),
        "Lost": (148, 393, 35324),
        "Loyal Customers": (170, 799, 76562),
        "Need Attention": (10, 57, 4562),
        "New Customers": (104, 329, 28837),
        "Potential Loyalist": (342, 2211, 204856),
        "Promising": (9, 28, 4249),
    }
    X = orders(shared)
    scores = rfm.RFMScorer(INDICATORS, method="r_rfm").fit_transform(X)
    groups = X.groupby(rfm.SegmentMap.r_rfm().label(scores)["segment"])
    found = {name: (len(rows), rows["frequency"].sum(), rows["monetary"].sum()) for name, rows in groups}
    assert found == printed


def test_hebbali2020_dead_segments(shared: Path) -> None:
    """R rfm 0.2.2, release notes: of ten segments three never occur; 278, 229, 158, 111, 86, 50, 48, 35 customers.

    That map is refused here with the names of the dead ones; without them it gives the printed counts.
    """
    dead = ["New Customers", "Promising", "Can't Lose Them"]
    with pytest.raises(ValidationError, match="get no cell, because those before take all of theirs") as caught:
        from_bounds(OLD_NAMES, OLD_BOUNDS, overlaps="first_wins", rest="Others")
    assert all(name in str(caught.value) for name in dead)
    kept = [i for i, name in enumerate(OLD_NAMES) if name not in dead]
    bounds = [tuple([side[i] for i in kept] for side in sides) for sides in OLD_BOUNDS]
    names = [OLD_NAMES[i] for i in kept]
    alive = from_bounds(names, bounds, overlaps="first_wins", rest="Others")
    scores = rfm.RFMScorer(INDICATORS, method="r_rfm").fit_transform(orders(shared))
    assert Counter(alive.label(scores)["segment"]) == {
        "Loyal Customers": 278,
        "Potential Loyalist": 229,
        "Champions": 158,
        "Lost": 111,
        "At Risk": 86,
        "About To Sleep": 50,
        "Others": 48,
        "Need Attention": 35,
    }


def test_putler_ranges_are_refused() -> None:
    """Putler's printed ranges (recency; frequency and monetary combined), on a scale of 1 to 5."""
    printed = {
        "Champions": ((4, 5), (4, 5)),
        "Loyal Customers": ((2, 5), (3, 5)),
        "Potential Loyalist": ((3, 5), (1, 3)),
        "Recent Customers": ((4, 5), (1, 1)),
        "Promising": ((3, 4), (1, 1)),
        "Customers Needing Attention": ((2, 3), (2, 3)),
        "About To Sleep": ((2, 3), (1, 2)),
        "At Risk": ((1, 2), (2, 5)),
        "Can't Lose Them": ((1, 1), (4, 5)),
        "Hibernating": ((1, 2), (1, 2)),
        "Lost": ((1, 2), (1, 2)),
    }
    segments = [{"name": name, "boxes": [{"recency": r, "frequency": f}]} for name, (r, f) in printed.items()]
    with pytest.raises(
        ValidationError, match="4-4, 4-5, 5-4, 5-5 in both 'Champions' and 'Loyal Customers'"
    ) as caught:
        rfm.SegmentMap.model_validate({"axes": axes(5, 5), "segments": segments})
    assert "; and 8 more. Cut the boxes" in str(caught.value)
    owners: dict[tuple[int, ...], str] = {}
    for name, ((r_low, r_high), (f_low, f_high)) in printed.items():
        for cell in itertools.product(range(r_low, r_high + 1), range(f_low, f_high + 1)):
            owners.setdefault(cell, name)
    dead = [name for name in printed if name not in owners.values()]
    assert len(dead) == 4
    with pytest.raises(ValidationError) as caught:
        rfm.SegmentMap.model_validate({"axes": axes(5, 5), "segments": segments, "overlaps": "first_wins"})
    assert f"segment(s) {dead} get no cell" in str(caught.value)


# ------------------------------------------------------------------------------------------- checks by brute force

BOX = st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(1, 2), st.integers(1, 2)).map(
    lambda p: ((min(p[:2]), max(p[:2])), (min(p[2:]), max(p[2:])))
)


@settings(max_examples=150)
@given(st.lists(st.lists(BOX, min_size=1, max_size=2), min_size=1, max_size=4), st.booleans(), st.booleans())
def test_a_map_is_built_exactly_if_its_cells_are_shared_out(
    boxes: list[list[tuple[tuple[int, int], tuple[int, int]]]],
    first: bool,  # noqa: FBT001 - drawn
    rest: bool,  # noqa: FBT001 - drawn
) -> None:
    """Second route: six cells, each asked which segments hold it, in order."""
    holders = {
        (r, f): [
            i
            for i, mine in enumerate(boxes)
            if any(low_r <= r <= high_r and low_f <= f <= high_f for (low_r, high_r), (low_f, high_f) in mine)
        ]
        for r, f in every_cell((3, 2))
    }
    overlap = any(len(held) > 1 for held in holders.values())
    gap = not all(holders.values())
    dead = {held[0] for held in holders.values() if held} != set(range(len(boxes)))
    fine = (first or not overlap) and not dead and gap == rest
    segments = [
        {"name": f"s{i}", "boxes": [{"recency": r, "frequency": f} for r, f in mine]}
        for i, mine in enumerate(boxes)
    ]
    settings_ = {"overlaps": "first_wins" if first else "refuse", "rest": "others" if rest else None}
    document = {"axes": axes(3, 2), "segments": segments, **settings_}
    if not fine:
        with pytest.raises(ValidationError, match=r"in two segments|get no cell|in no segment|is empty"):
            rfm.SegmentMap.model_validate(document)
        return
    built = rfm.SegmentMap.model_validate(document)
    expected = [f"s{held[0]}" if held else "others" for held in holders.values()]
    assert built.label(np.array(list(holders))).tolist() == expected
    assert built.names == (*(f"s{i}" for i in range(len(boxes))), *(("others",) if rest else ()))


def test_axes_of_different_length_and_boxes_that_leave_axes_out() -> None:
    built = rfm.SegmentMap(
        axes=[rfm.SegmentAxis(name="a", n_bins=2), rfm.SegmentAxis(name="b", n_bins=7)],
        segments=[
            rfm.Segment(name="high", boxes=[{"b": (6, 7)}], action="call"),
            rfm.Segment(name="low", boxes=[{"a": (1, 1), "b": (1, 5)}], cells=["2-1", "1-1"]),
            rfm.Segment(name="middle", boxes=[{"a": (2, 2), "b": (2, 5)}]),
        ],
    )
    assert built.label([[1, 6], [2, 7], [2, 1], [1, 5], [2, 5]]).tolist() == [
        "high",
        "high",
        "low",
        "low",
        "middle",
    ]
    assert built.actions == {"high": "call"}
    assert built.to_frame()["action"].tolist().count("call") == 4
    assert repr(built) == "SegmentMap(axes=a 2 x b 7, segments=3, rest=None)"
    single = rfm.SegmentMap(
        axes=axes(2), segments=[rfm.Segment(name="low", cells=["1"]), rfm.Segment(name="high", cells=["2"])]
    )
    assert single.label([[2], [1]]).tolist() == ["high", "low"]


# ------------------------------------------------------------------------------------------------------ refusals

HIGH = rfm.Segment(name="high", boxes=[{"recency": (2, 3)}])
LOW = rfm.Segment(name="low", boxes=[{"recency": (1, 1)}])


@pytest.mark.parametrize(
    ("segments", "more", "message"),
    [
        ([HIGH], {}, r"2 of 6 cells are in no segment: 1-1, 1-2. Widen a segment, or name them with rest="),
        ([LOW], {}, r"4 of 6 cells are in no segment: 2-1, 2-2, 3-1, 3-2"),
        (
            [HIGH, LOW, {"name": "x", "cells": ["2-1", "1-2"]}],
            {},
            "2-1 in both 'high' and 'x'; 1-2 in both 'low' and 'x'",
        ),
        (
            [HIGH, LOW, {"name": "x", "cells": ["1-2"]}],
            {"overlaps": "first_wins"},
            r"segment\(s\) \['x'\] get no cell",
        ),
        ([HIGH, LOW], {"rest": "others"}, "every cell is in a segment, so the rest 'others' is empty"),
        ([HIGH], {"rest": "high"}, "rest 'high' is a segment's name"),
        ([HIGH, HIGH], {}, r"name\(s\) \['high'\] stand more than once"),
        ([HIGH, LOW], {"axes": axes(3, 2) * 2}, r"name\(s\) \['frequency', 'recency'\] stand more than once"),
        ([{"name": "x", "boxes": [{"colour": (1, 1)}]}], {}, r"segment 'x' names axes \['colour'\]; the map has"),
        (
            [{"name": "x", "boxes": [{"recency": (1, 4)}]}],
            {},
            r"beyond the highest score of an axis: {'recency': 3}",
        ),
        (
            [{"name": "x", "cells": ["1-3", "1"]}],
            {},
            "segment 'x' has 1-3, 1, which are no cells of the axes 3 x 2",
        ),
        ([], {}, "at least 1 item"),
        ([HIGH, LOW], {"axes": axes(1000, 1000)}, "make more than 100000 cells"),
        ([HIGH, LOW], {"overlaps": "last_wins"}, "'refuse' or 'first_wins'"),
        ([HIGH, LOW], {"colour": "blue"}, "not permitted"),
    ],
)
def test_refused_maps(segments: list[Any], more: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        rfm.SegmentMap.model_validate({"axes": axes(3, 2), "segments": segments, **more})


def test_a_long_list_of_cells_is_cut() -> None:
    with pytest.raises(
        ValidationError, match=r"120 of 125 cells are in no segment: 1-1-1, .*, 1-2-5 and 110 more"
    ):
        rfm.SegmentMap.model_validate(
            {
                "axes": axes(5, 5, 5),
                "segments": [{"name": "x", "boxes": [{"recency": (5, 5), "frequency": (5, 5)}]}],
            }
        )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"boxes": []}, "segment 'x' has neither boxes nor cells"),
        ({"boxes": [{"recency": (3, 2)}]}, r"pair falls on \['recency'\]: give the lowest score first"),
        ({"boxes": [{"recency": (0, 2)}]}, "greater than or equal to 1"),
        ({"boxes": [{"recency": (1, 2, 3)}]}, "at most 2 items"),
        ({"boxes": [{"recency": (1.0, 2.0)}]}, "valid integer"),
        ({"cells": ["5,4"]}, "match pattern"),
        ({"cells": ["0-1"]}, "match pattern"),
        ({"cells": "5-4"}, "a text stands where a sequence"),
        ({"name": ""}, "at least 1 character"),
        ({"colour": "blue"}, "not permitted"),
    ],
)
def test_refused_segments(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        rfm.Segment.model_validate({"name": "x", "boxes": [{"recency": (1, 2)}]} | changes)


@pytest.mark.parametrize("size", [1, 1001, 2.0])
def test_refused_axes(size: Any) -> None:
    with pytest.raises(ValidationError, match="n_bins"):
        rfm.SegmentAxis(name="x", n_bins=size)


# -------------------------------------------------------------------------------------------------------- labels

TYPES = rfm.SegmentMap.eight_types()


@pytest.mark.pyarrow
def test_labels_in_every_library(make_frame: Callable[..., Any]) -> None:
    """The columns with _score come first; without them the axis's own name; or the ones that are named."""
    scores = {"recency_score": [2, 1], "frequency_score": [2, 1], "monetary": [2, 2], "recency": [9, 9]}
    labels = TYPES.label(make_frame(scores))
    assert type(labels) is type(make_frame(scores))
    assert labels["segment"].to_numpy().tolist() == ["important value", "important win back"]
    swapped = {"recency": "monetary", "frequency": "frequency_score", "monetary": "recency_score"}
    labels = TYPES.label(make_frame(scores), columns=swapped)
    assert labels["segment"].to_numpy().tolist() == ["important value", "ordinary develop"]


def test_pandas_keeps_its_index() -> None:
    scores = pd.DataFrame({name: [2, 1] for name in SCORES}, index=["a", "b"])
    assert TYPES.label(scores)["segment"].to_dict() == {"a": "important value", "b": "ordinary win back"}
    assert TYPES.label(scores.iloc[:0]).shape == (0, 1)


@pytest.mark.parametrize(
    ("scores", "more", "error", "message"),
    [
        ([[2, 2, 3]], {}, DataError, r"1 value\(s\) in column 2 that are no whole number from 1 to 2"),
        ([[2, 2, np.nan]], {}, DataError, "in column 2 that are no whole number from 1 to 2"),
        ([[2, 2, 1.5]], {}, DataError, "in column 2 that are no whole number from 1 to 2"),
        ([[2, 0, 1]], {}, DataError, "in column 1 that are no whole number from 1 to 2"),
        ([[2, 2]], {}, DomainError, "scores has 2 columns and the map 3 axes: recency, frequency, monetary"),
        ([2, 2, 1], {}, DomainError, "two dimensions"),
        ([[1, 1, 1], [1, 1]], {}, DomainError, "scores has rows of different lengths"),
        ([[2, 2, 1]], {"columns": {"recency": "r"}}, DomainError, "columns must map each of"),
        ([[2, 2, 1]], {"names": "german"}, DomainError, "names must be 'name' or 'chinese'"),
        (pd.DataFrame({"recency": [1]}), {}, ColumnError, "missing: 'frequency', 'monetary'.* in columns="),
        (pd.DataFrame({"recency": [1]}), {"columns": {"recency": "r"}}, DomainError, "columns must map each of"),
        (
            pd.DataFrame({name: [5550123] for name in CLASSIC}),
            {},
            DataError,
            r"1 value\(s\) in 'recency' that are no",
        ),
        (pd.DataFrame({name: ["5550123"] for name in CLASSIC}), {}, ColumnError, "Column 'recency' is of type"),
    ],
)
def test_refused_scores(scores: Any, more: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message) as caught:
        TYPES.label(scores, **more)
    assert "5550123" not in str(caught.value)


def test_a_missing_chinese_name_is_refused() -> None:
    with pytest.raises(DomainError, match="Not every segment has a Chinese name; use names='name'"):
        rfm.SegmentMap.r_rfm().label([[1, 1, 1]], names="chinese")
