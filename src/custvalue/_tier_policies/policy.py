"""The tier policy: levels from low to high, and when a customer moves between them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Self

from pydantic import Field, model_validator

from custvalue._results import html_table, short_repr
from custvalue._spec import Document, Items, Name, unboxed
from custvalue._tier_policies.arguments import is_number, numbers, texts
from custvalue._tier_policies.conditions import boxes_of, columns_of, implies, is_inside, number_text
from custvalue._tier_policies.levels import Level, PhaseOut, Review, as_rule, threshold_text
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from custvalue._tier_policies.conditions import AllOf, AnyOf, Condition

Steps = Literal["review", "period"]
#: Names of the source's five levels; it gives no order, so the caller does.
_VALUE_MANAGEMENT = ("core", "growth", "platinum", "gold", "potential")


class TierPolicy(Document):
    r"""Levels from low to high, and the rules by which customers move between them.

    Parameters
    ----------
    levels : sequence of Level
        From low to high, 2 to 50. The lowest has neither `up` nor `down`: it takes everybody else.
    score : str, default="score"
        Column that thresholds which are numbers refer to.
    dwell : int, default=0
        Units that must have passed since the last change of level before a downgrade.
    dwell_up : int, default=0
        Units that must have passed since the last change before an upgrade.
    unit : {"period", "month"}, default="period"
        What `dwell`, `dwell_up` and the locks are counted in; ``"month"`` needs dated periods.
    review : Review, default=every period
        When downgrades happen.
    review_up : Review, default=every period
        When upgrades happen.
    max_steps_up, max_steps_down : int, default=None
        Most levels that one review moves a customer, up to 10,000; None: any number.
    grace : int, default=0
        How many times in a row a customer may be below the level without losing it.
    grace_counts : {"review", "period"}, default="review"
        Whether `grace` counts reviews or periods.
    phase_out : PhaseOut, default=None
        Which customers of the lowest level are proposed for exit.
    spec_version : int, default=1
        Version of the JSON layout.

    Raises
    ------
    pydantic.ValidationError
        If names repeat or are "period" or "absent", thresholds do not rise from level to level, a `down` is above
        its `up` or a `down` rule leaves out customers who meet `up`, or a level cannot be reached because whoever
        meets its rule meets that of a higher level too.

    See Also
    --------
    replay : Follow customers through a panel.
    what_if : Compare two policies on a panel.

    Notes
    -----
    In their first period customers get the highest level whose `up` is met; that counts as a change. Afterwards,
    in this order:

    1. *Up.* If the `up` of a higher level is met, there is an upgrade review, and `dwell_up` has passed: to the
       highest such level, at most `max_steps_up` levels.
    2. *Below.* Else a customer is below if the level's `down` is missed and no `up` from this level on is met.
       `grace` counts how often in a row, at reviews or periods; not being below, or a change, sets it to 0.
    3. *Down.* If below at a downgrade review, not locked, after `dwell`, and more often than `grace`: to the
       highest lower level that would be kept, at most `max_steps_down` levels.

    Downgrades never pass a level whose `up` is met. The form (qualify, requalify, downgrade, review, grace, lock)
    is that of loyalty systems; joining it in one document with these rules of precedence is ours. Against plain
    thresholds (`down` = `up`, nothing else) a score that goes up and down changes its direction of movement
    between levels at least as often as under any policy with the same `up`. The number of changes can be larger
    with more than two levels, since a long fall may be taken in several steps.

    Whether rules contain each other is decided box by box: an interval for each column. Where that proves nothing,
    because boxes only together cover another one, a rule for `down` is refused and a level is taken as reachable.

    Examples
    --------
    >>> from custvalue import tiers
    >>> policy = tiers.TierPolicy(
    ...     levels=[
    ...         tiers.Level(name="basic"),
    ...         tiers.Level(name="gold", up=500, down=400, cost=20),
    ...         tiers.Level(name="platinum", up=2000, down=1600, cost=90),
    ...     ],
    ...     dwell=12,
    ...     review=tiers.Review(every=12),
    ...     max_steps_down=1,
    ... )
    >>> policy.names
    ('basic', 'gold', 'platinum')
    >>> tiers.TierPolicy.model_validate_json(policy.model_dump_json()) == policy
    True
    """

    levels: Items[Level] = Field(min_length=2, max_length=50, description="Levels from low to high.")
    score: Name = Field(default="score", description="Column that numeric thresholds refer to.")
    dwell: int = Field(default=0, ge=0, le=10_000, description="Units since the last change before a downgrade.")
    dwell_up: int = Field(default=0, ge=0, le=10_000, description="Units since the last change before an upgrade.")
    unit: Literal["period", "month"] = Field(default="period", description="What dwell and locks count.")
    review: Review = Field(default=Review(), description="When downgrades happen.")
    review_up: Review = Field(default=Review(), description="When upgrades happen.")
    max_steps_up: int | None = Field(default=None, ge=1, le=10_000, description="Most levels up at once.")
    max_steps_down: int | None = Field(default=None, ge=1, le=10_000, description="Most levels down at once.")
    grace: int = Field(default=0, ge=0, le=10_000, description="Times in a row below that are forgiven.")
    grace_counts: Steps = Field(default="review", description="Whether grace counts reviews or periods.")
    phase_out: PhaseOut | None = Field(default=None, description="Proposals for exit from the lowest level.")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        names = self.names
        if repeated := sorted({name for name in names if names.count(name) > 1}):
            message = f"level name(s) {repeated} stand more than once; each must be unique"
            raise ValueError(message)
        if taken := sorted({"period", "absent"} & set(names)):
            message = f"level name(s) {taken} are columns or states of a replay; choose others"
            raise ValueError(message)
        lowest = self.levels[0]
        if lowest.up is not None or lowest.down is not None or lowest.lock:
            message = f"the lowest level '{lowest.name}' takes everybody else: leave its up, down and lock out"
            raise ValueError(message)
        for level in self.levels[1:]:
            if level.up is None:
                message = f"level '{level.name}' has no up: give a threshold or a rule by which it is reached"
                raise ValueError(message)
        _require_rising(self.levels)
        _require_rules(self.levels, self.score)
        return self

    @classmethod
    def ladder(
        cls,
        names: Sequence[str],
        up: Sequence[float],
        *,
        down: float | Sequence[float] = 1.0,
        score: str = "score",
    ) -> Self:
        """Build a policy from names and thresholds of one score.

        Parameters
        ----------
        names : sequence of str
            Names of the levels from low to high.
        up : sequence of float
            Thresholds of all but the lowest level, rising.
        down : float or sequence of float, default=1.0
            Thresholds below which the levels are lost; a single number is a share of `up`, in (0, 1].
        score : str, default="score"
            Column that the thresholds refer to.

        Returns
        -------
        TierPolicy
            Without dwell, grace and calendar; ``model_copy(update=...)`` adds what is wanted.

        Raises
        ------
        DomainError
            If `names` is no sequence of texts or `up` none of numbers, `down` is neither a number nor such a
            sequence, the numbers of names and thresholds do not fit, or a share stands before a threshold that is
            not positive.
        pydantic.ValidationError
            If thresholds do not rise, or a `down` is above its `up`.

        Examples
        --------
        >>> from custvalue import tiers
        >>> policy = tiers.TierPolicy.ladder(["basic", "gold"], [500], down=0.8)
        >>> policy.levels[1].down
        400.0
        >>> policy.model_copy(update={"dwell": 6}).dwell
        6
        """
        named, ups = texts(names, "names"), numbers(up, "up")
        if len(ups) != len(named) - 1:
            message = f"up has {len(ups)} thresholds for {len(named)} names; give one less than names."
            raise DomainError(message)
        share = unboxed(down)
        if is_number(share):
            if not 0.0 < share <= 1.0:
                message = "down is a single number outside (0, 1]; give a share of up, or one threshold a level."
                raise DomainError(message)
            if share < 1.0 and min(ups, default=1.0) <= 0.0:
                message = "down is a share and a threshold is not positive; give one number a level instead."
                raise DomainError(message)
            downs = [share * value for value in ups]
        else:
            downs = numbers(share, "down")
        if len(downs) != len(ups):
            message = f"down has {len(downs)} thresholds and up {len(ups)}; give as many."
            raise DomainError(message)
        pairs = zip(named[1:], ups, downs, strict=True)
        levels = [Level(name=named[0]), *(Level(name=name, up=u, down=d) for name, u, d in pairs)]
        return cls(levels=levels, score=score)

    @classmethod
    def five_stars(cls, up: Sequence[float], *, down: float | Sequence[float] = 1.0) -> Self:
        """Give the preset of five stars by profit contribution.

        Parameters
        ----------
        up : sequence of float
            Contribution from which on two, three, four and five stars are given; the source prints no figures.
        down : float or sequence of float, default=1.0
            Thresholds below which stars are lost, or one share of `up`.

        Returns
        -------
        TierPolicy
            Levels ``one star`` to ``five stars`` by the column ``contribution``.

        Raises
        ------
        DomainError
            If there are not four thresholds.
        pydantic.ValidationError
            If they do not rise.

        Examples
        --------
        >>> from custvalue import tiers
        >>> tiers.TierPolicy.five_stars([100, 1_000, 5_000, 20_000], down=0.8).names[-1]
        'five stars'
        """
        names = ["one star", *(f"{count} stars" for count in ("two", "three", "four", "five"))]
        return cls.ladder(names, up, down=down, score="contribution")

    @classmethod
    def card_levels(cls, up: Sequence[float], *, down: float | Sequence[float] = 1.0) -> Self:
        """Give the preset of card levels by daily-average deposit: silver, gold, platinum, diamond.

        Parameters
        ----------
        up : sequence of float
            Daily-average deposit from which on each card is given, silver first; the first is the floor below
            which there is no card. The source prints no figures.
        down : float or sequence of float, default=1.0
            Deposits below which cards are lost, or one share of `up`.

        Returns
        -------
        TierPolicy
            Levels ``no card``, ``silver``, ``gold``, ``platinum``, ``diamond`` by ``daily_average_deposit``.

        Raises
        ------
        DomainError
            If there are not four thresholds.
        pydantic.ValidationError
            If they do not rise.

        Examples
        --------
        >>> from custvalue import tiers
        >>> tiers.TierPolicy.card_levels([50_000, 200_000, 1_000_000, 6_000_000]).names
        ('no card', 'silver', 'gold', 'platinum', 'diamond')
        """
        names = ("no card", "silver", "gold", "platinum", "diamond")
        return cls.ladder(names, up, down=down, score="daily_average_deposit")

    @classmethod
    def value_management(
        cls,
        order: Sequence[str],
        up: Sequence[float],
        *,
        down: float | Sequence[float] = 1.0,
        score: str = "score",
    ) -> Self:
        """Give the preset of customer value management: core, growth, platinum, gold, potential.

        Parameters
        ----------
        order : sequence of str
            These five names from low to high. The source names the levels without saying which is above which.
        up : sequence of float
            Thresholds of all but the lowest level, rising.
        down : float or sequence of float, default=1.0
            Thresholds below which levels are lost, or one share of `up`.
        score : str, default="score"
            Column that the thresholds refer to.

        Returns
        -------
        TierPolicy
            The levels in that order.

        Raises
        ------
        DomainError
            If `order` is no sequence of exactly these five, or there are not four thresholds.
        pydantic.ValidationError
            If thresholds do not rise.

        Examples
        --------
        >>> from custvalue import tiers
        >>> order = ["potential", "growth", "gold", "platinum", "core"]
        >>> tiers.TierPolicy.value_management(order, [1, 2, 3, 4]).names == tuple(order)
        True
        """
        named = texts(order, "order")
        if sorted(named) != sorted(_VALUE_MANAGEMENT):
            message = f"order must name each of {', '.join(_VALUE_MANAGEMENT)} once, from low to high."
            raise DomainError(message)
        return cls.ladder(named, up, down=down, score=score)

    @classmethod
    def corporate(cls, names: Sequence[str], up: Sequence[float], *, down: float | Sequence[float] = 1.0) -> Self:
        """Give the preset of corporate customers by deposit.

        Parameters
        ----------
        names : sequence of str
            Names of the levels from low to high; the source prints none.
        up : sequence of float
            Deposits from which on all but the lowest level are reached.
        down : float or sequence of float, default=1.0
            Deposits below which levels are lost, or one share of `up`.

        Returns
        -------
        TierPolicy
            The levels by the column ``deposit``.

        Raises
        ------
        DomainError
            If the numbers of names and thresholds do not fit.
        pydantic.ValidationError
            If thresholds do not rise.

        Examples
        --------
        >>> from custvalue import tiers
        >>> tiers.TierPolicy.corporate(["ordinary", "large", "key"], [1e6, 2e7]).score
        'deposit'
        """
        return cls.ladder(names, up, down=down, score="deposit")

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the levels from low to high."""
        return tuple(level.name for level in self.levels)

    @property
    def costs(self) -> dict[str, float]:
        """Cost of each level for a customer and a period."""
        return {level.name: level.cost for level in self.levels}

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that the policy reads, each once."""
        found: list[str] = []
        for level in self.levels[1:]:
            for threshold in (level.up, level.down):
                if threshold is not None:
                    found += columns_of(as_rule(threshold, self.score))
        if self.phase_out is not None:
            found.append(self.phase_out.column or self.score)
        return tuple(dict.fromkeys(found))

    @property
    def plain(self) -> TierPolicy:
        """The same levels as plain thresholds: `down` as `up`; no dwell, grace, lock, calendar or step limit."""
        levels = [Level(name=one.name, up=one.up, cost=one.cost, action=one.action) for one in self.levels]
        return TierPolicy(levels=levels, score=self.score)

    def __repr__(self) -> str:
        facts = {"levels": len(self.levels), "dwell": self.dwell, "review": repr(str(self.review))}
        return short_repr("TierPolicy", **facts, grace=self.grace)

    __str__ = __repr__

    def _repr_html_(self) -> str:
        rows = [
            [one.name, threshold_text(one.up), threshold_text(_kept_by(one)), one.cost, one.action]
            for one in reversed(self.levels)
        ]
        caption = (
            f"Tier policy on {self.score}: downgrades {self.review}, dwell {self.dwell} {self.unit}(s), "
            f"grace {self.grace}; the highest level first"
        )
        return html_table(["level", "reached from", "kept from", "cost", "action"], rows, caption=caption)


def _kept_by(level: Level) -> float | Condition | AnyOf | AllOf | None:
    return level.up if level.down is None else level.down


def _require_rising(levels: Sequence[Level]) -> None:
    """Refuse numeric thresholds that do not rise, and a down above its up."""
    last_up: tuple[str, float] | None = None
    last_down: tuple[str, float] | None = None
    for level in levels[1:]:
        kept = _kept_by(level)
        if isinstance(level.up, float):
            if last_up is not None and level.up <= last_up[1]:
                message = (
                    f"up of level '{level.name}' ({number_text(level.up)}) is not above that of '{last_up[0]}' "
                    f"({number_text(last_up[1])}), so one of them could never be reached; let thresholds rise"
                )
                raise ValueError(message)
            last_up = (level.name, level.up)
        if isinstance(kept, float):
            if isinstance(level.up, float) and kept > level.up:
                message = (
                    f"down of level '{level.name}' ({number_text(kept)}) is above its up ({number_text(level.up)})"
                )
                raise ValueError(message)
            if last_down is not None and kept < last_down[1]:
                message = (
                    f"down of level '{level.name}' ({number_text(kept)}) is below that of '{last_down[0]}' "
                    f"({number_text(last_down[1])}); let thresholds rise"
                )
                raise ValueError(message)
            last_down = (level.name, kept)


def _require_rules(levels: Sequence[Level], score: str) -> None:
    """Refuse a down rule that leaves out who meets up, and a level whose rule is part of a higher level's."""
    higher: list[dict[str, tuple[float, float]]] = []
    for level in reversed(levels[1:]):
        up, down = as_rule(level.up or 0.0, score), as_rule(_kept_by(level) or 0.0, score)
        if implies(up, down) is False:
            message = f"down of level '{level.name}' must hold for everybody who meets its up: {up}; down: {down}"
            raise ValueError(message)
        boxes = boxes_of(up)
        if boxes and all(any(is_inside(box, other) for other in higher) for box in boxes):
            message = (
                f"level '{level.name}' cannot be reached: whoever meets its up ({up}) meets that of a higher "
                "level too"
            )
            raise ValueError(message)
        higher += boxes or []
