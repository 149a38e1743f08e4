"""Random holdings of a bank, and what is to come of them by plain Python."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from custvalue import basket

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from random import Random

    from rfm_tables import Engine, Row

#: One basket: what is held, what the customers are not eligible for, and their segment.
Basket = tuple[frozenset[str], frozenset[str], str | None]

#: Names that a query written by hand would stumble over.
NAMES = (
    "活期存款",
    "it's",
    'gold "card"',
    "back\\slash",
    "a",
    "A",
    "100%_{0}",
    "`tick`",
    "null",
    "line\nbreak",
    "--;",
)
#: The columns are called like those that the engines are given inside.
CUSTOMER, PRODUCT, SEGMENT, AMOUNT, OPENED, CLOSED = "key", "name", "segment", "amount_0", "word_0", "person"
#: Keys that no float holds.
LARGE = 2**53 + 1
START = dt.datetime(2024, 2, 27)  # noqa: DTZ001 - local wall time


@dataclass
class World:
    """Rows of holdings, the people, who is not eligible, and how they are to be read."""

    types: dict[str, str]
    rows: list[Row]
    people: list[Row] | None
    barred: list[Row] | None
    arguments: dict[str, Any] = field(default_factory=dict)

    def read(self, engine: Engine) -> basket.Baskets:
        """Read the tables as the engine has them."""
        given = dict(self.arguments)
        if self.people is not None:
            given["population"] = engine.table(self.people, self._only(CUSTOMER, SEGMENT, AMOUNT))
        if self.barred is not None:
            given["not_eligible"] = engine.table(self.barred, self._only(CUSTOMER, PRODUCT))
        frame = engine.table(self.rows, self.types)
        return basket.Baskets.from_long(frame, customer=CUSTOMER, product=PRODUCT, **given)

    def _only(self, *names: str) -> dict[str, str]:
        return {name: self.types[name] for name in names}

    @property
    def kept(self) -> list[Row]:
        """Rows that count at the moment or in the window."""
        given = self.arguments
        if "time" in given:
            since, as_of = _wall(given.get("since")), _wall(given["as_of"])
            return [
                row
                for row in self.rows
                if (since is None or since <= _wall(row[OPENED])) and _wall(row[OPENED]) < as_of
            ]
        if "opened" not in given:
            return self.rows
        as_of = _wall(given["as_of"])
        return [
            row
            for row in self.rows
            if _wall(row[OPENED]) < as_of and (row[CLOSED] is None or _wall(row[CLOSED]) >= as_of)
        ]

    def expected(self) -> tuple[Counter[Basket], dict[Basket, float]]:
        """Give the customers and the amount of each basket."""
        given, kept = self.arguments, self.kept
        everyone = kept if self.people is None else self.people
        held: dict[Any, set[str]] = defaultdict(set)
        out: dict[Any, set[str]] = defaultdict(set)
        segment: dict[Any, str | None] = {}
        amount: dict[Any, float] = defaultdict(float)
        known = given.get("products")
        for row in kept:
            if known is None or str(row[PRODUCT]) in known:
                held[row[CUSTOMER]].add(str(row[PRODUCT]))
        for row in self.barred or ():
            out[row[CUSTOMER]].add(str(row[PRODUCT]))
        for row in everyone:
            segment[row[CUSTOMER]] = row[SEGMENT] if "segment" in given else None
            amount[row[CUSTOMER]] += row[AMOUNT]
        customers: Counter[Basket] = Counter()
        amounts: dict[Basket, float] = defaultdict(float)
        for key, told in segment.items():
            found = frozenset(held[key]), frozenset(out[key]), told
            customers[found] += 1
            amounts[found] += amount[key]
        return customers, amounts


def _wall(value: Any) -> Any:
    if isinstance(value, str):
        return dt.datetime.fromisoformat(value)
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return dt.datetime.combine(value, dt.time())
    return value


def contents(baskets: basket.Baskets) -> tuple[Counter[Basket], dict[Basket, float]]:
    """Give the customers and the amount of each basket that was found, each once."""
    customers: Counter[Basket] = Counter()
    amounts: dict[Basket, float] = {}

    def names(indptr: Any, codes: Any, place: int) -> frozenset[str]:
        return frozenset(baskets.products[code] for code in codes[indptr[place] : indptr[place + 1]])

    for place in range(baskets.n_distinct):
        barred: frozenset[str] = frozenset()
        if baskets.ineligible_indptr is not None:
            barred = names(baskets.ineligible_indptr, baskets.ineligible_codes, place)
        segment = None if baskets.segment_codes is None else baskets.segments[baskets.segment_codes[place]]
        found = names(baskets.indptr, baskets.codes, place), barred, segment
        assert found not in customers
        customers[found] = int(baskets.customers[place])
        amounts[found] = sum(float(sums[place]) for sums in baskets.amounts.values())
    return customers, amounts


def _moment(random: Random, flavour: str) -> Any:
    if flavour == "int":
        return random.randint(202401, 202406)
    found = START + dt.timedelta(hours=random.choice((0, 6, 12, 24, 48, 72, 73)))
    return found.date() if flavour == "date" else found


def _period(random: Random, flavour: str, kind: str) -> dict[str, Any]:
    if kind == "all":
        return {}
    as_of = _moment(random, flavour)
    if kind == "held":
        return {"opened": OPENED, "closed": CLOSED, "as_of": as_of if flavour == "int" else as_of.isoformat()}
    since = _moment(random, flavour)
    return {"time": OPENED, "as_of": as_of} | ({"since": since} if since < as_of and random.random() < 0.8 else {})


def world(
    random: Random,
    *,
    size: int = 12,
    keys: str | None = None,
    labels: str | None = None,
    flavour: str | None = None,
    kind: str | None = None,
    people: bool | None = None,
    names: Sequence[str] = NAMES,
) -> World:
    """Make a bank; what is not given comes by chance."""
    keys = keys or random.choice(("int", "text"))
    labels = labels or random.choice(("int", "text"))
    flavour = flavour or random.choice(("int", "date", "naive:us", "naive:ms"))
    kind = kind or random.choice(("all", "held", "events"))
    known: Sequence[Any] = names if labels == "text" else range(-2, len(names) - 2)
    everyone = [LARGE + place if keys == "int" else f"顾客 {place}'\\" for place in range(size)]
    segment = {key: random.choice(("north", "南", "o'er")) for key in everyone}
    rows = []
    for key in everyone[: -(size // 4)]:
        for _ in range(random.randint(0, 6)):
            opened, closed = sorted((_moment(random, flavour), _moment(random, flavour)))
            row = {CUSTOMER: key, PRODUCT: random.choice(known), SEGMENT: segment[key]}
            row |= {AMOUNT: random.randint(0, 64) / 8, OPENED: opened}
            rows += [row | {CLOSED: closed if random.random() < 0.5 else None}] * random.choice((1, 1, 2))
    rows.append({CUSTOMER: everyone[0], PRODUCT: known[0], SEGMENT: segment[everyone[0]]})
    rows[-1] |= {AMOUNT: 0.5, OPENED: 202312 if flavour == "int" else START.date() - dt.timedelta(9), CLOSED: None}
    random.shuffle(rows)
    types = {CUSTOMER: keys, PRODUCT: labels, SEGMENT: "text", AMOUNT: "float", OPENED: flavour, CLOSED: flavour}
    given = _period(random, flavour, kind)
    if random.random() < 0.7:
        given["segment"] = SEGMENT
    if random.random() < 0.7:
        given["amounts"] = [AMOUNT]
    if random.random() < 0.5:
        given |= {"products": [str(name) for name in known[1::2]], "on_unknown": "ignore"}
    found = World(types, rows, None, None, given)
    if random.random() < 0.6 if people is None else people:
        found.people = [
            {CUSTOMER: key, SEGMENT: segment[key], AMOUNT: random.randint(0, 64) / 8} for key in everyone
        ]
        if random.random() < 0.7:
            found.barred = _barred(random, found, everyone, known)
    return found


def _barred(random: Random, bank: World, everyone: Sequence[Any], known: Sequence[Any]) -> list[Row]:
    """Choose products of the data (or those declared) that customers are not eligible for, and do not hold."""
    held = {(row[CUSTOMER], row[PRODUCT]) for row in bank.kept}
    declared: Mapping[str, Any] | None = bank.arguments.get("products")
    occur = {name for _, name in held} if declared is None else {name for name in known if str(name) in declared}
    pairs = [(key, name) for key in everyone for name in known if name in occur and (key, name) not in held]
    chosen = random.choices(pairs, k=min(len(pairs), len(everyone))) if pairs else []
    return [{CUSTOMER: key, PRODUCT: name} for key, name in chosen]
