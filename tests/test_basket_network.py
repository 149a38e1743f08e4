"""The network of products: edges against a second route, the filter, communities, positions, styles, refusals."""

from __future__ import annotations

import itertools
import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy import stats

from custvalue.basket import Baskets, Product, ProductCatalog, network, pairs
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from pathlib import Path

    from custvalue.basket import ProductNetwork

NAMES = "abcde"
ROWS = st.lists(st.sets(st.sampled_from(NAMES)), min_size=1, max_size=25)


def flags_of(rows: list[set[str]]) -> pd.DataFrame:
    return pd.DataFrame([{name: name in row for name in NAMES} for row in rows])


def planted(n: int = 4000, seed: int = 0) -> Baskets:
    """Three groups of three products; holders of a group's theme hold each of its products with chance .6."""
    rng = np.random.default_rng(seed)
    theme = rng.random((n, 3)) < 0.3
    chance = np.where(np.repeat(theme, 3, axis=1), 0.6, 0.1)
    frame = pd.DataFrame(rng.random((n, 9)) < chance, columns=[f"{g}{i}" for g in "xyz" for i in range(3)])
    return Baskets.from_wide(frame)


def simple() -> ProductNetwork:
    rows = [["account", "card"], ["fund", "deposit"], ["account"], ["fund"]]
    return network(pairs(Baskets.from_lists(rows, counts=[300, 200, 50, 50])))


def test_by_hand_two_pairs() -> None:
    """Account and card: 300 hold both, 350 and 300 of 600 one each; phi = (600 300 - 350 300) / sqrt(...)."""
    found = simple()
    phi = (600 * 300 - 350 * 300) / math.sqrt(350 * 250 * 300 * 300)
    edges = found.edges()
    assert edges[["source", "target"]].to_numpy().tolist() == [["account", "card"], ["deposit", "fund"]]
    assert edges["customers"].tolist() == [300, 200]
    assert edges["value"][0] == edges["weight"][0] == pytest.approx(phi, rel=1e-12)
    assert edges["lift"].tolist() == pytest.approx([600 * 300 / (350 * 300), 600 * 200 / (250 * 200)], rel=1e-12)
    assert edges["support"].tolist() == [0.5, 200 / 600]
    assert edges["line_style"].tolist() == ["solid", "dotted"]
    nodes = found.nodes()
    assert nodes["community"].tolist() == [1, 1, 2, 2]
    assert nodes["share"].tolist() == [350 / 600, 0.5, 200 / 600, 250 / 600]
    table = found.communities()
    assert table["products"].tolist() == [("account", "card"), ("deposit", "fund")]
    assert table["outside"].tolist() == [0.0, 0.0]
    # Two communities without an edge between them: Q = 1 - the sum of squared shares of the strength.
    share = edges["weight"] / edges["weight"].sum()
    assert found.modularity == pytest.approx(1.0 - float((share**2).sum()), abs=1e-12)


@settings(max_examples=40)
@given(ROWS, st.sampled_from(["greater", "less"]), st.sampled_from(["holm", "bonferroni", "bh", None]))
def test_edges_agree_with_a_plain_search(rows: list[set[str]], alternative: Any, backbone: Any) -> None:
    """Counts by loops over customers, Fisher's test by SciPy, adjustment by its definition."""
    baskets = Baskets.from_wide(flags_of(rows))
    found = network(pairs(baskets), alternative=alternative, backbone=backbone, alpha=0.3).edges()
    tables = {}
    for a, b in itertools.combinations(NAMES, 2):
        n11 = sum(a in row and b in row for row in rows)
        n10 = sum(a in row and b not in row for row in rows)
        n01 = sum(a not in row and b in row for row in rows)
        tables[a, b] = n11, n10, n01, len(rows) - n11 - n10 - n01
    p = {key: stats.fisher_exact(np.reshape(t, (2, 2)), alternative=alternative)[1] for key, t in tables.items()}
    ordered, m = sorted(p, key=p.__getitem__), len(p)
    adjusted: dict[tuple[str, str], float] = {}
    if backbone == "bonferroni":
        adjusted = {key: min(1.0, m * p[key]) for key in p}
    elif backbone == "bh":
        adjusted = {
            key: min(min(1.0, m * p[other] / (ordered.index(other) + 1)) for other in ordered[place:])
            for place, key in enumerate(ordered)
        }
    else:
        adjusted = {
            key: max(min(1.0, (m - ordered.index(other)) * p[other]) for other in ordered[: place + 1])
            for place, key in enumerate(ordered)
        }
    expected = []
    for key, (n11, n10, n01, n00) in tables.items():
        side = n11 * n00 - n10 * n01
        towards = side > 0 if alternative == "greater" else side < 0
        enough = n11 >= 1 if alternative == "greater" else (n11 + n10) * (n11 + n01) >= len(rows)
        if towards and enough and (backbone is None or adjusted[key] <= 0.3 * (1 + 1e-12)):
            expected.append(key)
    assert list(zip(found["source"], found["target"], strict=True)) == expected
    listed: list[Any] = list(found.itertuples(index=False))
    for row in listed:
        key = (row.source, row.target)
        assert row.customers == tables[key][0]
        assert row.log10_p_adjusted == pytest.approx(math.log10(adjusted[key]), abs=1e-9)


def test_serrano2009_backbone_by_definition() -> None:
    """Of the edges without a filter those stay that carry more than a share of either end's strength."""
    counted = pairs(planted())
    every: list[Any] = list(network(counted, backbone=None).edges().itertuples(index=False))
    strength = dict.fromkeys(counted.products, 0.0)
    degree = dict.fromkeys(counted.products, 0)
    for row in every:
        for end in (row.source, row.target):
            strength[end] += row.weight
            degree[end] += 1
    kept = [
        (row.source, row.target)
        for row in every
        if min((1.0 - row.weight / strength[end]) ** (degree[end] - 1) for end in (row.source, row.target)) < 0.2
    ]
    found = network(counted, backbone="disparity", alpha=0.2).edges()
    assert list(zip(found["source"], found["target"], strict=True)) == kept
    assert 0 < len(kept) < len(every)


def test_planted_groups_are_the_communities_and_lie_apart() -> None:
    """Nine planted edges, nothing else; products of a group are nearer to each other than to any other."""
    found = network(pairs(planted()))
    edges = found.edges()
    assert {(s[0], t[0]) for s, t in zip(edges["source"], edges["target"], strict=True)} == {
        ("x", "x"),
        ("y", "y"),
        ("z", "z"),
    }
    assert len(edges) == 9
    groups = {frozenset(products) for products in found.communities()["products"]}
    assert groups == {frozenset(f"{g}{i}" for i in range(3)) for g in "xyz"}
    places = found.positions
    for a, b, c in itertools.permutations(range(9), 3):
        if a // 3 == b // 3 != c // 3:
            assert np.hypot(*(places[a] - places[b])) < np.hypot(*(places[a] - places[c]))


def test_independent_products_have_no_edge_in_most_runs() -> None:
    """At level .05 a run of 40 shows an edge in at most 6 (99 % bound of Binomial(40, .05))."""
    wrong = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        frame = pd.DataFrame(rng.random((500, 8)) < rng.random(8), columns=list("abcdefgh"))
        wrong += len(network(pairs(Baskets.from_wide(frame)))) > 0
    assert wrong <= stats.binom.ppf(0.99, 40, 0.05)


def test_products_that_exclude_each_other_are_found_by_name() -> None:
    baskets = Baskets.from_lists([["old"], ["new"], ["old", "x"], ["new", "x"]], counts=[200, 200, 100, 100])
    assert len(network(pairs(baskets))) == 0
    found = network(pairs(baskets), alternative="less")
    assert found.edges()[["source", "target", "customers"]].to_numpy().tolist() == [["new", "old", 0]]
    assert found.edges()["value"].tolist() == [-1.0]
    assert found.edges()["weight"].tolist() == [1.0]
    assert found.edges()["line_style"].tolist() == ["dotted"]
    # 300 x 300 / 600 = 150 customers are expected: one more is asked for than there are.
    assert len(network(pairs(baskets), alternative="less", min_customers=150)) == 1
    assert len(network(pairs(baskets), alternative="less", min_customers=151)) == 0


@pytest.mark.parametrize(
    ("cuts", "styles", "expected"),
    [
        ([100, 300], ["dotted", "dashed", "solid"], ["dotted", "dashed", "solid"]),
        ([99, 100], ["dotted", "dashed", "solid"], ["dotted", "solid", "solid"]),
        (None, ["dotted", "solid"], ["dotted", "solid", "solid"]),
        (None, ["solid"], ["solid", "solid", "solid"]),
        ([], ["solid"], ["solid", "solid", "solid"]),
    ],
)
def test_by_hand_line_styles(cuts: list[int] | None, styles: list[str], expected: list[str]) -> None:
    """Pairs of 50, 100 and 300 customers; an edge with as many as a cut is above it; the median is 100."""
    rows = [["a", "b"], ["c", "d"], ["e", "f"]]
    counted = pairs(Baskets.from_lists(rows, counts=[50, 100, 300]))
    found = network(counted, line_styles=styles, frequency_cuts=cuts)
    assert found.edges()["customers"].tolist() == [50, 100, 300]
    assert found.edges()["line_style"].tolist() == expected


def test_equally_frequent_edges_share_the_first_class() -> None:
    counted = pairs(Baskets.from_lists([["a", "b"], ["c", "d"]], counts=[50, 50]))
    assert network(counted).edges()["frequency_class"].tolist() == [1, 1]


def test_eligibility_changes_the_denominator() -> None:
    """Half of the customers may not hold the loan; among the others account and loan are independent."""
    flags = pd.DataFrame({"account": [1, 0, 1, 0, 1, 0], "loan": [1, 1, 0, 0, 0, 0]})
    flags = pd.concat([flags] * 50, ignore_index=True)
    eligible = pd.DataFrame({"loan": [True] * 4 + [False, False]})
    eligible = pd.concat([eligible] * 50, ignore_index=True)
    counted = pairs(Baskets.from_wide(flags, eligible=eligible))
    assert counted.eligible[0, 1] == 200
    assert len(network(counted, backbone=None)) == 0
    flags.loc[flags.index[:60], ["account", "loan"]] = 1
    eligible.loc[eligible.index[:60], "loan"] = True
    edges = network(pairs(Baskets.from_wide(flags, eligible=eligible)), backbone=None).edges()
    assert edges["support"][0] == edges["customers"][0] / int(eligible["loan"].sum())


@settings(max_examples=15)
@given(ROWS, st.randoms(use_true_random=False))
def test_the_order_of_customers_does_not_matter(rows: list[set[str]], random: Any) -> None:
    shuffled = list(rows)
    random.shuffle(shuffled)
    one = network(pairs(Baskets.from_wide(flags_of(rows))), backbone=None)
    other = network(pairs(Baskets.from_wide(flags_of(shuffled))), backbone=None)
    pd.testing.assert_frame_equal(one.nodes(), other.nodes(), check_exact=True)
    pd.testing.assert_frame_equal(one.edges(), other.edges(), check_exact=True)
    assert one.modularity == other.modularity


def test_the_view_around_one_product() -> None:
    """A star a-b, a-c, b-c and a tail c-d: around a there are a, b, c and their three edges."""
    rows = [["a", "b", "c"], ["c", "d"], ["d"], ["e"], []]
    whole = network(pairs(Baskets.from_lists(rows, counts=[300, 60, 40, 100, 500])), backbone=None)
    part = whole.ego("a")
    assert part.products == ("a", "b", "c")
    own = whole.edges()
    inner = own[own["source"].isin(part.products) & own["target"].isin(part.products)].reset_index(drop=True)
    pd.testing.assert_frame_equal(part.edges(), inner)
    assert part.degree.tolist() == [2, 2, 2]
    assert part.positions.min() >= 0.0
    assert np.ptp(part.positions, axis=0).max() == pytest.approx(1.0)
    shape = part.positions - part.positions[0]
    before = whole.positions[:3] - whole.positions[0]
    np.testing.assert_allclose(shape * np.linalg.norm(before[1]), before * np.linalg.norm(shape[1]), atol=1e-12)
    with pytest.raises(DomainError, match="product names 'boat', which is no node"):
        whole.ego("boat")


def test_products_without_an_edge_and_families() -> None:
    catalog = ProductCatalog(products=[Product(name=name, family="group") for name in "ab"])
    baskets = Baskets.from_lists([["a", "b"], ["c"], []], counts=[50, 1, 50])
    found = network(pairs(baskets), catalog=catalog)
    assert found.nodes()["community"].tolist() == [1, 1, 0]
    assert found.nodes()["degree"].tolist() == [1, 1, 0]
    assert found.nodes()["family"].tolist() == ["group", "group", None]
    assert found.connected().products == ("a", "b")
    pd.testing.assert_frame_equal(found.connected().edges(), found.edges())
    assert found.positions[2, 1] < found.positions[:2, 1].min()


@pytest.mark.parametrize("rows", [[["a"]], [["a"], ["b"]], [[], ["a"]]])
def test_networks_without_an_edge_keep_their_columns(rows: list[list[str]]) -> None:
    found = network(pairs(Baskets.from_lists(rows)))
    assert list(found.edges().columns) == list(simple().edges().columns)
    assert list(found.communities().columns) == list(simple().communities().columns)
    assert len(found) == len(found.communities()) == 0
    assert found.modularity == 0.0
    assert "0 edges" in found._repr_html_()
    assert found.connected().products == ()
    assert len(found.connected().nodes()) == 0


def test_provenance_and_representations() -> None:
    found = simple()
    assert repr(found) == "ProductNetwork(products=4, edges=2, communities=2)"
    assert "<table>" in found._repr_html_()
    spec = json.loads(found.provenance.spec)
    assert spec["measure"] == "phi"
    assert found.provenance.counts == {"customers": 600, "products": 4, "edges": 2}
    pd.testing.assert_frame_equal(found.to_frame(), found.edges())
    with pytest.raises(ValueError, match="read-only"):
        found.weight[0] = 0.0


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"measure": "confidence"}, DomainError, "measure 'confidence' cannot weigh edges of 'greater'"),
        ({"measure": "beauty"}, DomainError, "measure 'beauty' cannot weigh"),
        ({"measure": "jaccard", "alternative": "less"}, DomainError, "cannot weigh edges of 'less'"),
        ({"measure": "odds_ratio"}, DomainError, "infinite or undefined for 2 edge"),
        ({"alpha": 0.0}, ValidationError, "alpha"),
        ({"alpha": 1}, ValidationError, "alpha"),
        ({"backbone": "sidak"}, ValidationError, "backbone"),
        ({"alternative": "two-sided"}, ValidationError, "alternative"),
        ({"min_customers": 0}, ValidationError, "min_customers"),
        ({"resolution": 0.0}, ValidationError, "resolution"),
        ({"line_styles": []}, ValidationError, "line_styles"),
        ({"line_styles": "solid"}, ValidationError, "a text stands where a sequence"),
        ({"frequency_cuts": [5, 5, 9]}, ValidationError, "must be 3 rising numbers"),
        ({"frequency_cuts": [5]}, ValidationError, "must be 3 rising numbers"),
        ({"catalog": "families"}, DomainError, "catalog is a str; allowed: ProductCatalog"),
    ],
)
def test_wrong_settings_are_named(arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    counted = pairs(Baskets.from_lists([["a", "b"], ["c", "d"]], counts=[50, 50]))
    with pytest.raises(error, match=message):
        network(counted, **arguments)


def test_anything_but_pairs_is_refused() -> None:
    with pytest.raises(DomainError, match="pairs is a DataFrame; allowed: Pairs"):
        network(pd.DataFrame())  # type: ignore[arg-type]  # the point of the test


@pytest.mark.parametrize(
    "measure", ["lift", "jaccard", "kulczynski", "yule_q", "leverage", "chi_squared", "count"]
)
def test_other_measures_weigh_the_same_edges(measure: str) -> None:
    """The backbone by tests does not depend on the measure, only the weights do."""
    counted = pairs(planted())
    one, other = network(counted), network(counted, measure=measure)
    np.testing.assert_array_equal(one.source, other.source)
    np.testing.assert_allclose(other.value, counted.matrix(measure)[other.source, other.target], rtol=1e-12)
    assert (other.weight > 0.0).all()


def test_berka_loans_and_their_payments_are_nearest(shared: Path) -> None:
    """Real bank: the loan and its standing order are held together by 682 of 717; no pair is drawn nearer."""
    holdings = pd.read_csv(shared / "data/baskets/berka_holdings.csv.gz")
    found = network(pairs(Baskets.from_long(holdings, customer="client_id", product="product")))
    places = found.positions
    gaps = np.hypot(*(places[:, None] - places[None]).transpose(2, 0, 1))
    np.fill_diagonal(gaps, np.inf)
    nearest = np.unravel_index(int(np.argmin(gaps)), gaps.shape)
    assert {found.products[int(place)] for place in nearest} == {"loan", "order_loan"}
    edges = found.edges().set_index(["source", "target"])
    assert edges.loc[("loan", "order_loan"), "customers"] == 682
