"""Faults on order: which call goes wrong, how, how often and for whom.

What must not go in: how a fault is carried out on a connection (see `injection`).
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

_AFTER_EFFECT = "-after-effect"


class Way(StrEnum):
    """How a call goes wrong."""

    ERROR_BODY = "error-body"
    STATUS = "status"
    HTML = "html"
    SLOW = "slow"
    """Wait, then act and answer: to a client that gave up, the effect comes late."""
    DROP = "drop"
    HANG = "hang"
    """Wait, then drop."""


class FaultKind(StrEnum):
    """Before the effect unless it is named otherwise: `drop-after-effect` saves, then hangs up."""

    ERROR_BODY = "error-body"
    STATUS = "status"
    STATUS_AFTER_EFFECT = "status-after-effect"
    HTML = "html"
    HTML_AFTER_EFFECT = "html-after-effect"
    SLOW = "slow"
    SLOW_AFTER_EFFECT = "slow-after-effect"
    DROP_BEFORE = "drop-before"
    DROP_AFTER_EFFECT = "drop-after-effect"
    HANG = "hang"
    HANG_AFTER_EFFECT = "hang-after-effect"

    @property
    def after_effect(self) -> bool:
        return self.value.endswith(_AFTER_EFFECT)

    @property
    def way(self) -> Way:
        return Way(self.value.removesuffix(_AFTER_EFFECT).removesuffix("-before"))


class FaultOrder(BaseModel):
    """What `POST /_sandbox/faults` takes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    call: str = Field(description="as the vendor names it: addsms, subscriptions/set, ...")
    fault: FaultKind
    times: int | None = Field(
        None, ge=1, description="how often; by default once, or without end with a probability"
    )
    probability: float = Field(1.0, gt=0, le=1)
    seed: int = 0
    match: dict[str, Any] = Field(default_factory=dict, description="parameters that must be equal")
    status: int | None = Field(None, ge=300, le=599)
    message: str = "Fault on order"
    retry_after: str | int | None = None
    delay: float = Field(
        default_factory=lambda given: 600.0 if given.get("fault", "").startswith("hang") else 2.0,
        ge=0,
        le=600,
        description="seconds; by default 2 for slow, 600 for hang",
    )

    @property
    def budget(self) -> int | None:
        """How often it fires; None is without end."""
        once = "times" not in self.model_fields_set and self.probability == 1
        return 1 if once else self.times


@dataclass(slots=True, kw_only=True)
class Fault:
    """An order that stands."""

    id: int
    order: FaultOrder
    left: int | None
    fired: int = 0
    dice: random.Random = field(repr=False)

    def shown(self) -> dict[str, Any]:
        return {
            "id": self.id,
            **self.order.model_dump(mode="json"),
            "left": self.left,
            "fired": self.fired,
        }


class Faults:
    """The orders that stand, oldest first; the first that fits a request is carried out."""

    def __init__(self) -> None:
        self._standing: list[Fault] = []
        self._last_id = 0

    def add(self, order: FaultOrder) -> Fault:
        self._last_id += 1
        dice = random.Random(order.seed)  # noqa: S311 - repeatable on purpose, guards nothing
        fault = Fault(id=self._last_id, order=order, left=order.budget, dice=dice)
        self._standing.append(fault)
        return fault

    def take(self, call: str, params: Mapping[str, Any]) -> FaultOrder | None:
        """The fault this request meets, if any; it is counted down."""
        for fault in self._standing:
            if fault.order.call != call or not _fits(fault.order.match, params):
                continue
            if fault.order.probability < 1 and fault.dice.random() >= fault.order.probability:
                continue
            fault.fired += 1
            if fault.left is not None:
                fault.left -= 1
                if fault.left == 0:
                    self._standing.remove(fault)
            return fault.order
        return None

    def shown(self) -> list[dict[str, Any]]:
        return [fault.shown() for fault in self._standing]

    def remove(self, fault_id: int) -> bool:
        kept = [fault for fault in self._standing if fault.id != fault_id]
        found = len(kept) < len(self._standing)
        self._standing = kept
        return found

    def clear(self) -> None:
        self._standing.clear()


def _fits(match: Mapping[str, Any], params: Mapping[str, Any]) -> bool:
    """Compared as text: a form knows no numbers."""
    return all(name in params and str(params[name]) == str(value) for name, value in match.items())
