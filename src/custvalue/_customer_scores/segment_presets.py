"""The published segment maps and ours, as plain data."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

CLASSIC_AXES = ("recency", "frequency", "monetary")


def _cells(digits: str) -> list[str]:
    """Write 543 as 5-4-3."""
    return ["-".join(cell) for cell in digits.split()]


#: Eleven groups over three scores of five: name, Chinese name, cells, action.
ELEVEN_GROUPS: tuple[dict[str, Any], ...] = tuple(
    {"name": name, "chinese": chinese, "cells": _cells(digits), "action": action}
    for name, chinese, digits, action in (
        ("Champions", "冠军客户", "555 554 544 545 454 455 445", "Reward; ask for referrals."),
        (
            "Loyal Customers",
            "忠诚客户",
            "543 444 435 355 354 345 344 335",
            "Offer products of higher value.",
        ),
        (
            "Potential Loyalist",
            "潜在忠诚客户",
            "553 551 552 541 542 533 532 531 452 451 442 441 431 453 433 432 423 353 352 351 342 341 333 323",
            "Offer a second product.",
        ),
        ("New Customers", "新客户", "512 511 422 421 412 411 311", "Welcome; help with the first steps."),
        (
            "Promising",
            "有望客户",
            "525 524 523 522 521 515 514 513 425 424 413 414 415 315 314 313",
            "Make known; invite to use more often.",
        ),
        ("Need Attention", "需关注客户", "535 534 443 434 343 334 325 324", "Make a limited offer."),
        (
            "About To Sleep",
            "即将沉睡客户",
            "331 321 312 221 213 231 241 251",
            "Remind; show what is popular.",
        ),
        (
            "At Risk",
            "流失风险客户",
            "255 254 245 244 253 252 243 242 235 234 225 224 153 152 145 143 142 135 134 133 125 124",
            "Contact in person.",
        ),
        (
            "Cannot Lose Them",
            "不可失去客户",
            "155 154 144 214 215 115 114 113",
            "Win back in person, at once.",
        ),
        ("Hibernating", "休眠客户", "332 322 233 232 223 222 132 123 122 212 211", "Offer something new."),
        ("Lost", "已流失客户", "111 112 121 131 141 151", "Spend nothing, or one cheap attempt."),
    )
)

#: Eight types: name, Chinese name, levels of recency, frequency and monetary, action.
EIGHT_TYPES = (
    ("important value", "重要价值", ("high", "high", "high"), "Keep and reward; the best service."),
    ("important develop", "重要发展", ("high", "low", "high"), "Raise the frequency."),
    ("important keep", "重要保持", ("low", "high", "high"), "Contact actively; bring back."),
    ("important win back", "重要挽留", ("low", "low", "high"), "Save before they leave."),
    ("ordinary value", "一般价值", ("high", "high", "low"), "Raise the amount."),
    ("ordinary develop", "一般发展", ("high", "low", "low"), "Develop where it costs little."),
    ("ordinary keep", "一般保持", ("low", "high", "low"), "Remind through cheap channels."),
    ("ordinary win back", "一般挽留", ("low", "low", "low"), "Let go, or one cheap attempt."),
)


def twelve_groups() -> Iterator[dict[str, Any]]:
    """Give our twelve groups: recency in three, frequency and monetary in two each, the best first."""
    recency = (("active", "活跃", "Keep"), ("cooling", "趋冷", "Remind"), ("dormant", "沉睡", "Win back"))
    frequency = (
        ("frequent", "高频", "with rewards for use"),
        ("occasional", "低频", "with reasons to come back"),
    )
    monetary = (("large", "大额", "through the account manager"), ("small", "小额", "through cheap channels"))
    parts = product(enumerate(recency), enumerate(frequency), enumerate(monetary))
    for (r, recent), (f, often), (m, much) in parts:
        yield {
            "name": f"{recent[0]} {often[0]} {much[0]}",
            "chinese": f"{recent[1]}{often[1]}{much[1]}",
            "cells": [f"{3 - r}-{2 - f}-{2 - m}"],
            "action": f"{recent[2]} {often[2]}, {much[2]}.",
        }


def r_rfm() -> Iterator[dict[str, Any]]:
    """Give the boxes in the documentation of the R package rfm 0.3, in their order."""
    for name, recency, frequency, monetary in (
        ("Champions", (5, 5), (5, 5), (5, 5)),
        ("Potential Loyalist", (3, 5), (3, 5), (2, 5)),
        ("Loyal Customers", (2, 4), (2, 4), (2, 4)),
        ("Promising", (3, 4), (1, 3), (3, 5)),
        ("New Customers", (4, 5), (1, 3), (1, 5)),
        ("Can't Lose Them", (1, 2), (3, 4), (4, 5)),
        ("At Risk", (1, 2), (2, 5), (4, 5)),
        ("Need Attention", (1, 3), (3, 5), (3, 5)),
        ("About To Sleep", (2, 3), (1, 3), (1, 4)),
        ("Lost", (1, 1), (1, 5), (1, 5)),
    ):
        yield {"name": name, "boxes": [{"recency": recency, "frequency": frequency, "monetary": monetary}]}
