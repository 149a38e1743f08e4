"""What the analyst decides about a screening of spending."""

from __future__ import annotations

from typing import Literal, TypeAlias

from pydantic import Field

from custvalue._spec import Items, Spec
from custvalue._spend_shifts.shocks import Shock

ShockMode: TypeAlias = Literal["mask", "discount"]
Detect: TypeAlias = Literal["none", "peers", "macro", "both"]
LastingShifts: TypeAlias = Literal["discount", "keep"]


class ShiftSettings(Spec):
    """Hold what the analyst decides about a screening."""

    recent: int = Field(ge=1, le=120)
    baseline: int = Field(ge=4, le=600)
    q: float = Field(gt=0.0, lt=1.0)
    min_change: float = Field(ge=0.0, lt=1.0)
    shocks: Items[Shock]
    shock_mode: ShockMode
    detect: Detect
    min_active: float = Field(gt=0.0, le=1.0)
    min_peers: int = Field(ge=1)
    min_null: int = Field(ge=1)
    lasting_shifts: LastingShifts
    central_matching: bool = Field(strict=True)
