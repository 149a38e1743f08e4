"""Random banks for `rfm`: tables, schema, indicators and a moment, from any ``random.Random``.

A seed gives one bank: Hypothesis draws it for engines that are fast, and a few are fixed where an engine is slow.
Money is of one of five kinds: dyadic floats, whose sums are exact in any order; arbitrary floats; floats of whole
cents; a Decimal column; and dyadic floats in several currencies with a rate.
"""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from random import Random
from typing import TYPE_CHECKING, Any, Literal
from zoneinfo import ZoneInfo

import rfm_oracle
from custvalue import rfm

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rfm_tables import Engine

Row = dict[str, Any]

KEY, TIME, AMOUNT, KIND, CHANNEL, PRODUCT = "客户号", "交易时间", "金额", "交易类型", "渠道", "产品"
SIDE, REVERSAL, ORIGIN, BOOKED, RATE, CURRENCY = "方向", "冲正", "发起", "记账时间", "汇率", "币种"
REGION, GRADE, STAFF, ACCOUNT, BALANCE, ORDER = "地区", "评级", "员工标志", "账号", "余额", "序号"
OPENED, CLOSED, OPENING, FROM, UNTIL, GROUP, SHARE = (
    "开户日",
    "销户日",
    "期初余额",
    "生效日",
    "失效日",
    "客群",
    "份额",
)

FLAVOURS = ("date", "naive", "aware")
MONEY = ("dyadic", "float", "cents", "decimal", "rate")
EVERYONE: tuple[Literal["customer", "standing_order", "system"], ...] = ("customer", "standing_order", "system")
wall = dt.datetime.fromisoformat


def in_zone(text: str, zone: str, fold: int = 0) -> dt.datetime:
    return wall(text).replace(tzinfo=ZoneInfo(zone), fold=fold)


#: Moments by flavour: ends of months, leap days, midday, daylight-saving changes, the epoch and before it.
MOMENTS: dict[str, list[tuple[Any, str | None]]] = {
    "date": [(dt.date(2025, 3, 31), None), (dt.date(2024, 2, 29), None), (dt.date(1970, 1, 2), None)],
    "naive": [
        (dt.date(2025, 3, 31), None),
        (wall("2025-05-31T18:00"), None),
        (dt.date(1970, 1, 1), None),
        (wall("1965-08-30T02:00:00.000001"), None),
    ],
    "aware": [
        (dt.date(2024, 10, 28), "Europe/Prague"),
        (dt.date(2025, 3, 31), "Europe/Prague"),
        (in_zone("2024-10-27T02:30", "Europe/Prague", fold=0), "Europe/Prague"),
        (in_zone("2024-10-27T02:30", "Europe/Prague", fold=1), "Europe/Prague"),
        (in_zone("2025-03-30T03:30", "Europe/Prague"), "Europe/Prague"),
        (dt.date(2024, 11, 4), "America/New_York"),
        (dt.date(2024, 3, 11), "America/New_York"),
        (in_zone("2025-04-06T01:45", "Australia/Lord_Howe", fold=1), "Australia/Lord_Howe"),
        (dt.date(1970, 1, 2), "Asia/Shanghai"),
        (dt.date(2025, 1, 1), "Asia/Shanghai"),
    ],
}


@dataclass(frozen=True)
class World:
    """A bank with what is asked of it."""

    rows: tuple[Row, ...]
    types: dict[str, str]
    schema: rfm.TransactionSchema
    indicators: rfm.IndicatorSet
    as_of: Any
    known_at: Any
    people: tuple[Row, ...] | None
    holders: tuple[Row, ...] | None
    money: str

    @property
    def clock(self) -> rfm_oracle.Clock:
        zone = self.schema.time_zone
        return rfm_oracle.Clock(self.as_of, ZoneInfo(zone) if zone else None, self.known_at)

    def expected(self) -> rfm_oracle.Found:
        """Ask the oracle; a Decimal column has two decimals."""
        schema = self.schema.model_dump() | ({"decimals": 2} if self.money == "decimal" else {})
        indicators = self.indicators.model_dump()
        return rfm_oracle.look(self.rows, indicators, schema, self.clock, people=self.people, holders=self.holders)

    def frames(self, engine: Engine) -> tuple[Any, Any, Any]:
        """Give transactions, population and holders as the engine has them."""
        people = self.people and engine.table(self.people, self._of(PEOPLE_COLUMNS))
        holders = self.holders and engine.table(self.holders, self._of(HOLDER_COLUMNS))
        return engine.table(self.rows, self.transaction_types), people, holders

    def _of(self, columns: Sequence[str]) -> dict[str, str]:
        return {name: self.types[name] for name in columns}

    @property
    def transaction_types(self) -> dict[str, str]:
        """Types of the transactions' columns; those with holders have no column of the customer."""
        return {name: tag for name, tag in self.types.items() if name in self.rows[0]}

    def computed(self, engine: Engine) -> rfm.Snapshot:
        rows, people, holders = self.frames(engine)
        return rfm.compute(
            rows,
            self.indicators,
            self.schema,
            as_of=self.as_of,
            known_at=self.known_at,
            population=people,
            holders=holders,
            on_invalid="report",
            engine=engine.path,
        )


PEOPLE_COLUMNS = (KEY, OPENED, CLOSED, OPENING, FROM, UNTIL, GROUP)
HOLDER_COLUMNS = (ACCOUNT, KEY, FROM, UNTIL, SHARE)


# ----------------------------------------------------------------------------------------------------- indicators


def indicator_set(schema: rfm.TransactionSchema, *, ratios: bool, min_history_days: int) -> rfm.IndicatorSet:
    """Every measure over every kind of filter and window; ratios of money only where no sum can cancel."""
    deposit, other = ("deposit", "move") if schema.kinds else ("存款", "转账")
    online = ("online",) if schema.channels else ("手机", "网银")
    fund = ("invest",) if schema.products else ("基金",)
    north: dict[str, Any] = {"where": {REGION: ("north",)}}
    both: dict[str, Any] = {"where": {REGION: ("north", "south"), GRADE: ("1", "3")}}
    chosen: list[Any] = [
        rfm.Recency(name="r_all"),
        rfm.Recency(name="r_deposit", kinds=(deposit,), initiators=EVERYONE),
        rfm.Recency(name="r_month", window="1mo", channels=("柜面",) if not schema.channels else ("branch",)),
        rfm.Recency(name="r_where", products=fund, **both),
        rfm.Frequency(name="f_rows", per_exposed_day=False),
        rfm.Frequency(name="f_rate", kinds=(deposit, other), window="7d"),
        rfm.Frequency(name="f_north", window="3mo", initiators=EVERYONE, **north),
        rfm.Frequency(name="f_days", measure="distinct_days", window="2w", channels=online),
        rfm.Frequency(name="f_yesterday", measure="distinct_days", window="1d", per_exposed_day=False),
        rfm.Frequency(name="f_gap", measure="mean_gap", direction="cost"),
        rfm.Frequency(name="f_gap_online", measure="mean_gap", direction="cost", channels=online, window="3mo"),
        rfm.Frequency(name="f_share", measure="share", kinds=(deposit,), window="2mo"),
        rfm.Frequency(name="f_share_where", measure="share", products=fund, initiators=EVERYONE, **north),
        rfm.Frequency(name="f_trend", window="1mo", relative_to="previous_window"),
        rfm.Frequency(
            name="f_trend_days",
            measure="distinct_days",
            window="10d",
            per_exposed_day=False,
            channels=online,
            relative_to="previous_window",
        ),
        rfm.Frequency(name="f_median", window="4w", relative_to="median"),
        rfm.Frequency(name="f_third", per_exposed_day=False, relative_to=3.0),
        rfm.Monetary(name="m_sum"),
        rfm.Monetary(name="m_rate", window="1mo", per_exposed_day=True, initiators=EVERYONE),
        rfm.Monetary(name="m_mean", measure="mean", window="3mo", kinds=(other,)),
        rfm.Monetary(name="m_max", measure="max", products=fund),
        rfm.Monetary(name="m_max_week", measure="max", window="1w", initiators=EVERYONE),
        rfm.Monetary(name="m_std", measure="std"),
        rfm.Monetary(name="m_std_north", measure="std", window="3mo", **north),
        rfm.Monetary(name="m_number", relative_to=1000.0),
        rfm.Monetary(name="m_average", measure="daily_average_balance"),
        rfm.Monetary(name="m_average_month", measure="daily_average_balance", window="1mo"),
        rfm.Monetary(name="m_last", measure="last_balance"),
        rfm.Length(name="l_span"),
        rfm.Length(name="l_span_online", channels=online, window="3mo"),
        rfm.Length(name="l_tenure", measure="tenure"),
    ]
    if ratios:
        chosen += [
            rfm.Monetary(name="m_share", measure="share", kinds=(other,), window="3mo"),
            rfm.Monetary(name="m_share_where", measure="share", channels=online, **both),
            rfm.Monetary(name="m_trend", window="1mo", relative_to="previous_window"),
            rfm.Monetary(name="m_trend_day", window="2w", per_exposed_day=True, relative_to="previous_window"),
            rfm.Monetary(name="m_median", window="3mo", relative_to="median"),
        ]
    if schema.side:
        chosen += [
            rfm.Recency(name="r_credit", sides=("credit",)),
            rfm.Monetary(name="m_debit_max", sides=("debit",), measure="max", initiators=EVERYONE),
            rfm.Frequency(name="f_debit_share", measure="share", sides=("debit",), kinds=(other,)),
        ]
    if schema.system:
        chosen += [
            rfm.Recency(name="r_bank", initiators=("system",)),
            rfm.Frequency(name="f_standing", initiators=("standing_order",), window="1mo"),
            rfm.Length(name="l_not_standing", initiators=("customer", "system")),
        ]
    return rfm.IndicatorSet(indicators=tuple(chosen), min_history_days=min_history_days)


# -------------------------------------------------------------------------------------------------------- schemas


def chance(random: Random, share: float = 0.5) -> bool:
    return random.random() < share


def _codes(random: Random) -> dict[str, Any]:
    """Choose what the rows' codes mean; without a vocabulary they speak for themselves."""
    more: dict[str, Any] = {"attributes": {REGION: {"north": ("京", "津"), "south": ("粤",)}, GRADE: {}}}
    if chance(random):
        more["kinds"] = {"deposit": ("存款",), "move": ("取款", "转账")}
    if chance(random):
        more["channels"] = {"branch": ("柜面",), "online": ("手机", "网银")}
    if chance(random):
        more["products"] = {"invest": ("基金", "理财"), "loan": ("贷款",)}
    if chance(random):
        more |= {"side": SIDE, "credit": ("贷",), "debit": ("借", "现")}
    if chance(random):
        more |= {"system": {ORIGIN: ("银行",)}, "standing_order": {ORIGIN: ("代扣",)}}
    if chance(random, 0.75):
        more |= {"reversal": REVERSAL, "refunds": random.choice(["net", "exclude", "as_is"])}
    if chance(random):
        more["excluded"] = {"staff": {STAFF: ("是",)}, "test": {CHANNEL: ("测试",), KIND: ("测试",)}}
    return more


def _schema(
    random: Random, money: str, zone: str | None, *, people: bool, holders: bool, balance: bool
) -> rfm.TransactionSchema:
    more = _codes(random)
    more |= {"rate": RATE, "currency": CURRENCY} if money == "rate" else {}
    more |= {"decimals": 2} if money == "cents" or (money == "decimal" and chance(random)) else {}
    if people:
        more |= {"opened": OPENED, "closed": CLOSED, "carried": (GROUP,)}
        more |= {"excluded_customers": {"deceased": {GROUP: ("已故",)}}} if chance(random) else {}
    if people and chance(random):
        more["opening_balance"] = OPENING
    elif balance and chance(random):
        more |= {"balance": BALANCE, "order": ORDER}
    if holders:
        joint = random.choice(["refuse", "each"] + ["share"] * (money not in ("cents", "decimal")))
        more |= {"account": ACCOUNT, "joint": joint} | ({"holder_share": SHARE} if joint == "share" else {})
    if holders or (people and chance(random)):
        more |= {"valid_from": FROM, "valid_until": UNTIL}
    return rfm.TransactionSchema(
        customer=KEY, time=TIME, amount=AMOUNT, kind=KIND, channel=CHANNEL, product=PRODUCT, booked=BOOKED,
        time_zone=zone, **more,
    )  # fmt: skip


def _types(random: Random, flavour: str, money: str, end: dt.datetime, *, text_keys: bool) -> dict[str, str]:
    unit = random.choice(["us", "ns"] if end.microsecond else ["s", "ms", "us", "ns"])
    zone = random.choice(["UTC", "Europe/Prague", "Asia/Shanghai"])
    time = {"date": "date", "naive": f"naive:{unit}", "aware": f"aware:{unit}:{zone}"}[flavour]
    amount = "decimal:18:2" if money == "decimal" else "float"
    day = random.choice(["date", "naive:us"])
    texts = (KIND, CHANNEL, PRODUCT, SIDE, ORIGIN, REGION, STAFF, CURRENCY, ACCOUNT, GROUP)
    types = {KEY: "text" if text_keys else "int", TIME: time, AMOUNT: amount} | dict.fromkeys(texts, "text")
    types |= {REVERSAL: "bool", BOOKED: time, RATE: "float", GRADE: "int", BALANCE: amount, ORDER: "int"}
    return types | {OPENED: day, CLOSED: day, OPENING: amount, FROM: day, UNTIL: day, SHARE: "float"}


# ----------------------------------------------------------------------------------------------------------- rows


def _moment(random: Random, flavour: str, end: dt.datetime) -> Any:
    """Draw a time around as-of: mostly within weeks, on midnights and edges, in all hours of DST days."""
    if flavour == "aware" and chance(random, 0.6):
        halves = random.choice([random.randint(-60, 4), random.randint(-48 * 80, 60)])
        return end.astimezone(dt.UTC) + dt.timedelta(minutes=30 * halves)
    days = random.choice([random.randint(-3, 2), random.randint(-40, 1), random.randint(-220, 3)])
    day = end.date() + dt.timedelta(days=days)
    if flavour == "date":
        return day
    clock = random.choice([dt.time(), dt.time(0, 0, 1), dt.time(23, 59, 59), dt.time(18), end.time()])
    local = dt.datetime.combine(day, clock.replace(fold=0))
    return local if flavour == "naive" else local.replace(tzinfo=end.tzinfo).astimezone(dt.UTC)


def _money(random: Random, money: str, *, signed: bool) -> Any:
    if money != "float" and chance(random, 0.1):
        return None
    if money in ("dyadic", "rate"):
        amount: Any = random.choice([0, 1, 64, 6400, random.randint(0, 10**7)]) / 64
    elif money == "decimal":
        return Decimal(random.choice([-1, 1]) ** signed * random.choice([0, 10, random.randint(0, 10**9)])) / 100
    elif money == "cents":
        amount = random.choice([0, 10, 30, random.randint(0, 10**9)]) / 100
    else:
        amount = random.choice([None, math.nan, 0.0, 0.1, 1e9, random.uniform(0.01, 1e6)])
    return -amount if signed and amount is not None and chance(random) else amount


def _row(random: Random, flavour: str, end: dt.datetime, money: str, keys: Sequence[Any], *, side: bool) -> Row:
    time = _moment(random, flavour, end)
    delay = dt.timedelta(days=random.choice([0, 0, 1, 5]))
    return {
        KEY: random.choice(keys[:3]),
        TIME: time,
        AMOUNT: _money(random, money, signed=not side),
        KIND: random.choice(["存款", "存款", "取款", "转账", "转账", "转账", "测试", None]),
        CHANNEL: random.choice(["柜面", "柜面", "手机", "手机", "网银", "网银", "测试", None]),
        PRODUCT: random.choice(["基金", "理财", "贷款", None]),
        SIDE: random.choice(["贷", "借", "现"]),
        ORIGIN: random.choice(["客户", "客户", "银行", "代扣", None]),
        REGION: random.choice(["京", "京", "津", "津", "粤", "沪", None]),
        GRADE: random.randint(1, 3),
        STAFF: random.choice(["否", "否", "否", "是", None]),
        REVERSAL: chance(random, 0.2),
        BOOKED: time + delay,
        RATE: random.choice([1.0, 0.25, 7.5]),
        CURRENCY: "CNY" if money != "rate" else random.choice(["CNY", "USD", None]),
        ACCOUNT: random.choice(["甲", "乙", "丙", "丁"]),
        BALANCE: _money(random, money, signed=True),
    }


def _keys(random: Random) -> list[Any]:
    return random.choice([["客户乙", "客户甲", "B", "a"], [2**53 + 1, 2**53, 7, -3]])


def _before(end: dt.datetime, flavour: str) -> Any:
    """Give a time five days back, in the type of the column."""
    before = (end - dt.timedelta(days=5)).replace(minute=0, second=0, microsecond=0)
    if flavour == "aware":
        return before.astimezone(dt.UTC)
    return before.date() if flavour == "date" else before


def _day(random: Random, today: dt.date, first: int, last: int, nulls: float = 0.3) -> dt.date | None:
    return None if chance(random, nulls) else today + dt.timedelta(days=random.randint(first, last))


def _people(random: Random, keys: Sequence[Any], today: dt.date, money: str, *, validity: bool) -> tuple[Row, ...]:
    """Draw the population: some have no rows, some opened or closed lately, some are not valid at as-of."""
    found = []
    for key in random.sample(list(keys), random.randint(1, 4)):
        cuts = sorted({today + dt.timedelta(days=random.randint(-30, 3)) for _ in range(random.randint(0, 2))})
        edges = [None, *cuts, None] if validity else [None, None]
        for first, until in pairwise(edges):
            group = random.choice(["普通", "贵宾", "已故", None])
            opened = _day(random, today, -200, 2)
            closed = _day(random, today, -60, 3, nulls=0.6)
            if opened is not None and closed is not None:
                closed = max(closed, opened + dt.timedelta(days=1))
            found.append(
                {
                    KEY: key,
                    OPENED: None if group == "已故" else opened,
                    CLOSED: closed,
                    OPENING: _money(random, money, signed=True),
                    FROM: first,
                    UNTIL: until,
                    GROUP: group,
                }
            )
    return tuple(random.sample(found, len(found)))


def _holders(random: Random, keys: Sequence[Any], today: dt.date, joint: str) -> tuple[Row, ...]:
    """Draw who holds which account when; the first account has one holder of all days."""
    found: list[Row] = [{ACCOUNT: "甲", KEY: keys[0], FROM: None, UNTIL: None, SHARE: 1.0}]
    for account in ("乙", "丙"):
        if joint == "refuse":  # one after the other, with gaps
            days = [today + dt.timedelta(days=n) for n in sorted(random.sample(range(-60, 4), 3))]
            for first, until in ((None, days[0]), (days[0], days[1]), (days[2], None)):
                holder = random.choice(keys)
                found.append({ACCOUNT: account, KEY: holder, FROM: first, UNTIL: until, SHARE: 1.0})
            continue
        for holder in random.sample(list(keys), 2):
            first, until = _day(random, today, -60, -21), _day(random, today, -20, 3)
            share = random.choice([0.5, 0.25, 1.0])
            found.append({ACCOUNT: account, KEY: holder, FROM: first, UNTIL: until, SHARE: share})
    return tuple(random.sample(found, len(found)))


def _spoiled(random: Random, row: Row, schema: rfm.TransactionSchema, text_keys: bool) -> Row:  # noqa: FBT001 - private
    """Break what an excluded row may break, and lose a time or a key here and there."""
    if schema.excluded and row[STAFF] == "是":
        broken = {AMOUNT: math.inf if isinstance(row[AMOUNT], float) else None, SIDE: "?", RATE: -1.0}
        return row | random.choice([broken, {TIME: None}])
    if chance(random, 0.04):
        return row | {TIME: None}
    return row | {KEY: None} if text_keys and chance(random, 0.04) else row


def seeded(seed: int) -> Random:
    return Random(seed)  # noqa: S311 - a bank, no secret


def world(
    random: Random,
    *,
    flavour: str | None = None,
    money: str | None = None,
    people: bool | None = None,
    holders: bool | None = None,
    midnight: bool = False,
    balance: bool = True,
    size: int = 25,
) -> World:
    """Draw a bank of a few customers: tied, null, refunded, late and same-day rows; the first row is history."""
    flavour = flavour or random.choice(FLAVOURS)
    money = money or random.choice(MONEY)
    people = chance(random) if people is None else people
    holders = chance(random, 0.4) if holders is None else holders
    moments = [pair for pair in MOMENTS[flavour] if not (midnight and isinstance(pair[0], dt.datetime))]
    as_of, zone = random.choice(moments)
    keys = _keys(random)
    text_keys = isinstance(keys[0], str)
    schema = _schema(random, money, zone, people=people, holders=holders, balance=balance)
    ratios = money != "float" or schema.refunds != "net" or schema.reversal is None
    indicators = indicator_set(schema, ratios=ratios, min_history_days=random.choice([0, 7, 30]))
    end = rfm_oracle.Clock(as_of, ZoneInfo(zone) if zone else None).wall
    rows = [
        _row(random, flavour, end, money, keys, side=schema.side is not None)
        for _ in range(random.choice([random.randint(1, size), size]))
    ]
    fine = {TIME: _before(end, flavour), BOOKED: _before(end, flavour), STAFF: "否", KIND: "存款", CHANNEL: "手机"}
    rows = [rows[0] | fine | {ACCOUNT: "甲"}, *(_spoiled(random, row, schema, text_keys) for row in rows[1:])]
    for place, order in enumerate(random.sample(range(len(rows)), len(rows))):
        rows[place][ORDER] = order
    known_at = None
    if chance(random) and not midnight:
        known_at = as_of + dt.timedelta(days=random.choice([-1, 0, 2]))
    if holders:
        rows = [{name: value for name, value in row.items() if name != KEY} for row in rows]
    validity, today = schema.valid_from is not None, end.date()
    return World(
        rows=tuple(rows),
        types=_types(random, flavour, money, end, text_keys=text_keys),
        schema=schema,
        indicators=indicators,
        as_of=as_of,
        known_at=known_at,
        people=_people(random, keys, today, money, validity=validity) if people else None,
        holders=_holders(random, keys, today, schema.joint) if holders else None,
        money=money,
    )


# ------------------------------------------------------------------------------------------------------ comparing

#: Rules whose counts the oracle knows too.
COUNTED: tuple[str, ...] = (
    "rows_after_as_of",
    "rows_known_later",
    "account_without_holder",
    "time_null",
    "customer_null",
)
COUNTED += ("not_yet_opened", "customer_unknown")


def assert_same(got: rfm.Snapshot, want: rfm_oracle.Found, world: World, rows: Sequence[Row]) -> None:
    """Counts, dates and extremes bit for bit; money to 1e-12 of what was moved; sums of decimals bit for bit."""
    assert [row[KEY] for row in rows] == list(want.table)
    by_name = {one.name: one for one in world.indicators.indicators}
    for row in rows:
        expected = want.table[row[KEY]]
        assert set(row) == (set(expected) | {KEY}) - {"volume"}
        for name in expected.keys() - {"volume"}:
            assert_cell(row[name], expected[name], by_name.get(name), world, expected["volume"])
    reasons = [f"excluded_{reason}" for reason in world.schema.excluded]
    reasons += [f"customers_excluded_{reason}" for reason in world.schema.excluded_customers]
    found = {name: got.report.count(name) for name in (*COUNTED, *reasons)}
    unlike = {name: (count, want.counts[name]) for name, count in found.items() if count != want.counts[name]}
    assert not unlike, unlike


def assert_cell(got: Any, want: Any, indicator: Any, world: World, volume: float) -> None:
    """Compare one cell by the rule of its measure."""
    told = (indicator and indicator.name, got, want)
    if indicator is None or got is None or want is None:
        assert got == want, told
        return
    relative = getattr(indicator, "relative_to", None)
    if relative is not None or (indicator.measure == "share" and indicator.dimension == "monetary"):
        assert abs(got - want) <= 1e-11 * max(abs(want), volume / 1000 if relative == 1000 else 0.0), told
    elif indicator.dimension != "monetary" or indicator.measure == "max" or _is_exact(indicator, world):
        assert got == want, told
    else:
        assert abs(got - want) <= 1e-12 * max(volume, 1e-3), told


def _is_exact(indicator: Any, world: World) -> bool:
    """Tell whether the rule of decimals fixes every bit: one division of a whole number."""
    whole = indicator.measure in ("sum", "mean", "last_balance") and not indicator.per_exposed_day
    return whole and world.money in ("cents", "decimal")
