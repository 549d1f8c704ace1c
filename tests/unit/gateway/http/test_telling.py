"""Of many alike only some are told, and none is forgotten."""

from __future__ import annotations

from datetime import timedelta

from core.clock import ManualClock
from gateway.http.telling import Telling


def test_a_flood_of_one_kind_is_told_a_few_times_and_counted() -> None:
    clock = ManualClock()
    telling = Telling(clock, most=2)
    said = [telling.turn("shop", "broker-unavailable") for _ in range(100)]
    assert said == [0, 0] + 98 * [None]
    clock.advance(timedelta(seconds=10))
    assert telling.turn("shop", "broker-unavailable") == 98
    assert telling.turn("shop", "broker-unavailable") == 0


def test_another_kind_is_told_at_once() -> None:
    telling = Telling(ManualClock(), most=1)
    assert telling.turn("shop", "broker-unavailable") == 0
    assert telling.turn("shop", "broker-unavailable") is None
    assert telling.turn("other", "broker-unavailable") == 0
    assert telling.turn("shop", "malformed") == 0
