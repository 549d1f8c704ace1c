"""What texts are ordered to come to: a number whose phone has no balance, say.

What must not go in: faults of calls (see `sandbox.faults`); here the call goes well.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from sandbox.smsgateway24 import statuses


class OutcomeOrder(BaseModel):
    """What `POST /_sandbox/smsgateway24/outcomes` takes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    match: dict[str, Any] = Field(
        default_factory=dict, description="sendto, body, device_id, customerid; all must be equal"
    )
    status: int
    times: int | None = Field(None, ge=1, description="how many texts; by default all")

    @field_validator("status")
    @classmethod
    def _an_end(cls, value: int) -> int:
        if value not in statuses.ENDINGS:
            raise ValueError(f"expected one of {', '.join(map(str, sorted(statuses.ENDINGS)))}")
        return value


@dataclass(slots=True)
class _Standing:
    order: OutcomeOrder
    left: int | None


class Outcomes:
    """The orders that stand; the newest that fits a text counts."""

    def __init__(self) -> None:
        self._standing: list[_Standing] = []

    def add(self, order: OutcomeOrder) -> None:
        self._standing.insert(0, _Standing(order, order.times))

    def ending(self, params: Mapping[str, Any]) -> int:
        """What a text that is saved now will come to."""
        for standing in self._standing:
            if not _fits(standing.order.match, params):
                continue
            if standing.left is not None:
                standing.left -= 1
                if standing.left == 0:
                    self._standing.remove(standing)
            return standing.order.status
        return statuses.DELIVERED

    def shown(self) -> list[dict[str, Any]]:
        return [
            {**standing.order.model_dump(mode="json"), "left": standing.left}
            for standing in self._standing
        ]

    def clear(self) -> None:
        self._standing.clear()


def _fits(match: Mapping[str, Any], params: Mapping[str, Any]) -> bool:
    return all(str(params.get(name)) == str(value) for name, value in match.items())
