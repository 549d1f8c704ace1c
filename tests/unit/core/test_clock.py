"""The clocks, and moments as text and as numbers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from core.clock import ManualClock, SystemClock, from_micros, from_text, to_micros, to_text


def test_the_system_clock_is_aware_and_never_goes_back() -> None:
    clock = SystemClock()
    assert clock.now().tzinfo is UTC
    assert clock.monotonic() <= clock.monotonic()


def test_a_manual_clock_moves_only_when_told_and_both_ways_of_time_together() -> None:
    clock = ManualClock()
    before = (clock.now(), clock.monotonic())
    assert (clock.now(), clock.monotonic()) == before
    clock.advance(timedelta(minutes=5))
    assert clock.now() - before[0] == timedelta(minutes=5)
    assert clock.monotonic() - before[1] == 300.0


def test_text_is_utc_with_a_z_and_comes_back_the_same() -> None:
    moment = datetime(2026, 11, 22, 12, 0, 0, 250, tzinfo=timezone(timedelta(hours=2)))
    assert to_text(moment) == "2026-11-22T10:00:00.000250Z"
    assert from_text(to_text(moment)) == moment
    assert to_text(datetime(2026, 11, 22, tzinfo=UTC)) == "2026-11-22T00:00:00Z"


@pytest.mark.parametrize("text", ["2026-11-22T10:00:00", "2026-11-22", "soon", ""])
def test_a_time_without_an_offset_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        from_text(text)


@pytest.mark.parametrize("micros", [0, 1, -1, 1_795_341_600_000_001])
def test_microseconds_are_exact_both_ways(micros: int) -> None:
    assert to_micros(from_micros(micros)) == micros
