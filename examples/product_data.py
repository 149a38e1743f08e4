"""Who holds what, for the page on products: Berka's clients and the grocery baskets where their files lie.

Also three ways to judge what is found: the same products dealt out anew, with and without the size of each basket,
and a held-out product that a recommender should name.
"""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from custvalue import basket

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

BERKA = (
    "Berka: 14 products of a Czech bank's clients (PKDD'99 Discovery Challenge, Berka and Sochorova): owner or "
    "disponent of an account, how often statements are sent, cards, loans and permanent orders."
)


def folder() -> Path | None:
    """Give the folder of basket data beside the checkout, None where there is none."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data" / "baskets"
    return beside if beside.is_dir() else None


def berka_holdings(where: Path) -> pd.DataFrame:
    """Read one row a client and product."""
    return pd.read_csv(where / "berka_holdings.csv.gz").rename(columns={"client_id": "customer_id"})


def groceries(where: Path) -> list[list[str]]:
    """Read the baskets of a grocery (Hahsler, Hornik and Reutterer 2006)."""
    with gzip.open(where / "groceries.csv.gz", "rt", encoding="utf-8") as lines:
        return [line.rstrip("\n").split(",") for line in lines]


# ----------------------------------------------------------------------------------------------- dealt anew


def dealt_anew(flags: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.bool_]:
    """Deal each product out anew: as many holders, and nothing holds products together."""
    return np.column_stack([rng.permutation(column) for column in flags.T])


def dealt_with_sizes(flags: NDArray[np.bool_], rng: np.random.Generator, rounds: int = 20) -> NDArray[np.bool_]:
    """Deal products out so that each has as many holders and each customer as many products as before.

    In each round customers meet in pairs; what only one of a pair holds is put together, and each draws as much
    from it as before (the curveball of Strona et al. 2014).
    """
    dealt = flags.copy()
    for _ in range(rounds):
        one, other = rng.permutation(len(flags))[: len(flags) // 2 * 2].reshape(2, -1)
        own, theirs = dealt[one], dealt[other]
        differ, both = own ^ theirs, own & theirs
        places = np.where(differ, rng.random(differ.shape), 2.0).argsort(axis=1).argsort(axis=1)
        drawn = differ & (places < (own & ~theirs).sum(axis=1)[:, None])
        dealt[one], dealt[other] = both | drawn, both | (differ & ~drawn)
    return dealt


def flags_of(baskets: basket.Baskets) -> NDArray[np.bool_]:
    """Give one row a customer and one column a product."""
    return np.repeat(baskets.held(), baskets.customers, axis=0)


# ----------------------------------------------------------------------------------------- held-out product


def held_out(flags: NDArray[np.bool_], names: Sequence[str], rng: np.random.Generator, k: int = 3) -> pd.DataFrame:
    """Hide one product of each customer in one half; who names it among the first k?

    Rules and popularity are learnt on the other half. Only customers with two products or more are asked. Equal
    scores share their places, so that the order of the columns helps nobody.
    """
    learnt = rng.random(len(flags)) < 0.5
    asked = flags[~learnt]
    asked = asked[asked.sum(axis=1) >= 2]
    hidden = np.where(asked, rng.random(asked.shape), -1.0).argmax(axis=1)
    seen = asked.copy()
    seen[np.arange(len(asked)), hidden] = False
    model = basket.AssociationRecommender(fallback="popularity")
    model.fit(pd.DataFrame(flags[learnt], columns=list(names)))
    scores = {
        "rules": model.score_products(pd.DataFrame(seen, columns=list(names))),
        "popularity": np.where(seen, -np.inf, flags[learnt].mean(axis=0)),
        "random": np.where(seen, -np.inf, 0.0),
    }
    return pd.DataFrame({name: _chance_to_name(score, hidden, k) for name, score in scores.items()})


def _chance_to_name(scores: NDArray[np.float64], hidden: NDArray[np.intp], k: int) -> NDArray[np.float64]:
    """Give the chance that the hidden product is among the first k, equal scores in random order."""
    own = scores[np.arange(len(scores)), hidden][:, None]
    above = (scores > own).sum(axis=1)
    level = (scores == own).sum(axis=1)
    chance: NDArray[np.float64] = np.clip((k - above) / level, 0.0, 1.0)
    return chance
