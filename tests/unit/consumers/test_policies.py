"""Small decisions: pauses, slots, roles, addresses."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from types import SimpleNamespace
from typing import cast

import pytest
import structlog
from prometheus_client import CollectorRegistry

from consumers.breaker import Breaker, BreakerPolicy, BreakerState
from consumers.limits import slots
from consumers.metrics import ConsumerMetrics
from consumers.provision import Surroundings, _breaker
from consumers.rates import RateLimit
from consumers.resolver import GuardedResolver
from consumers.retry import next_pause
from consumers.settings import (
    ALL_ROLES,
    ConsumerSettings,
    Role,
    parse_providers,
    parse_roles,
)
from core.clock import ManualClock, SystemClock
from core.errors import ConfigurationError
from core.journal.port import Draw, Drawn
from core.messages import Lane

SECOND = timedelta(seconds=1)
PAUSES = (SECOND, 10 * SECOND)


def test_pauses_vary_by_a_fifth_and_end() -> None:
    assert next_pause(PAUSES, 0, chance=0) == 0.8 * SECOND
    assert next_pause(PAUSES, 1, chance=1) == 12 * SECOND
    assert next_pause(PAUSES, 2) is None


def test_retry_after_is_never_undercut_and_a_shorter_one_changes_nothing() -> None:
    for chance in (0.0, 0.5, 1.0):
        pause = next_pause(PAUSES, 0, retry_after=60 * SECOND, chance=chance)
        assert pause is not None
        assert 60 * SECOND <= pause <= 66 * SECOND
    assert next_pause(PAUSES, 1, retry_after=SECOND) == 10 * SECOND


def test_of_many_calls_that_are_refused_together_the_first_opens_the_breaker() -> None:
    moves: list[str] = []
    policy = BreakerPolicy(threshold=3, pause=SECOND, longest=SECOND, refusal_pause=60 * SECOND)
    clock = ManualClock()

    def told(state: BreakerState, cause: str, was: BreakerState) -> None:
        moves.append(f"{was} {state} {cause}")

    breaker = Breaker(policy=policy, clock=clock, on_change=told)
    for number in range(5):
        breaker.refused_us(f"action {number}")
    assert moves == ["closed open our token is refused (401)"]
    clock.advance(61 * SECOND)
    breaker.refused_us("probe")
    assert moves[1:] == ["half-open open our token is refused (401)"]


def test_another_cause_of_a_breaker_that_is_open_already_is_told_once() -> None:
    """Who looks would wait for a provider that is down, while it is our token that is refused."""
    moves: list[str] = []
    policy = BreakerPolicy(threshold=1, pause=SECOND, longest=SECOND, refusal_pause=60 * SECOND)

    def told(state: BreakerState, cause: str, was: BreakerState) -> None:
        moves.append(f"{was} {state} {cause}")

    breaker = Breaker(policy=policy, clock=ManualClock(), on_change=told)
    breaker.failed("first")
    for number in range(5):
        told_of = breaker.next_move
        breaker.refused_us(f"action {number}")
        assert told_of.is_set() is (number == 0)
    told_of = breaker.next_move
    breaker.throttled("another", 90 * SECOND)
    assert told_of.is_set()
    assert moves == [
        "closed open 1 actions failed",
        "open open our token is refused (401)",
        "open open we are asked to wait (429 or Retry-After)",
    ]
    assert breaker.cause == "we are asked to wait (429 or Retry-After)"
    assert breaker.pause_left == 90 * SECOND


def test_another_cause_is_logged_and_is_no_opening() -> None:
    registry, clock = CollectorRegistry(), ManualClock()
    around = SimpleNamespace(
        metrics=ConsumerMetrics(registry), settings=ConsumerSettings(), clock=clock
    )
    breaker = _breaker("sms", cast("Surroundings", around))
    with structlog.testing.capture_logs() as lines:
        breaker.throttled("first", 2 * SECOND)
        for number in range(5):
            breaker.refused_us(f"action {number}")
    assert [(line["event"], line["cause"]) for line in lines] == [
        ("breaker_open", "we are asked to wait (429 or Retry-After)"),
        ("breaker_open", "our token is refused (401)"),
    ]
    opens = {"provider": "sms"}
    assert registry.get_sample_value("postern_breaker_opens_total", opens) == 1
    clock.advance(timedelta(hours=1))
    breaker.refused_us("probe")
    assert registry.get_sample_value("postern_breaker_opens_total", opens) == 2


async def test_who_waits_behind_anothers_wait_is_counted_as_waiting() -> None:
    class Bucket:
        draws = 0

        async def draw(self, _: Draw) -> Drawn:
            self.draws += 1
            return Drawn(taken=1 if self.draws > 1 else 0, wait=SECOND / 5)

    registry = CollectorRegistry()
    limit = RateLimit("sms", 1, Bucket(), SystemClock(), metrics=ConsumerMetrics(registry))
    await asyncio.gather(
        *(limit.take(Lane.NORMAL, asyncio.Event(), lambda: False) for _ in range(3))
    )
    assert registry.get_sample_value("postern_rate_waits_total", {"limit": "sms"}) == 3
    waited = registry.get_sample_value("postern_rate_wait_seconds_total", {"limit": "sms"})
    assert waited is not None
    assert waited >= 0.5


@pytest.mark.parametrize("concurrency", [1, 2, 5, 20, 1000])
def test_every_lane_has_a_slot_of_its_own(concurrency: int) -> None:
    given = {lane: slots(concurrency, lane) for lane in Lane}
    assert min(given.values()) >= 1
    assert given[Lane.URGENT] >= given[Lane.BULK]


def test_roles_are_read_and_a_wrong_one_is_named() -> None:
    assert parse_roles("all") == ALL_ROLES
    assert parse_roles("worker, scheduler") == {Role.WORKER, Role.SCHEDULER}
    with pytest.raises(ConfigurationError, match="--roles"):
        parse_roles("worker,cook")


def test_a_worker_serves_the_providers_it_is_told_and_without_them_all() -> None:
    workers = frozenset({Role.WORKER})
    assert parse_providers(None, ALL_ROLES) is None
    chosen = ConsumerSettings(roles=workers, providers=parse_providers("sms, altcraft", workers))
    assert [chosen.serves(name) for name in ("sms", "altcraft", "other")] == [True, True, False]
    assert ConsumerSettings(roles=workers).serves("any")
    assert not ConsumerSettings(roles=frozenset({Role.RECORDER})).serves("any")


@pytest.mark.parametrize("text", ["", "sms,", "sms,,altcraft"])
def test_an_empty_name_of_a_provider_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="--providers"):
        parse_providers(text, ALL_ROLES)


def test_providers_without_a_worker_would_be_heeded_by_nobody() -> None:
    with pytest.raises(ConfigurationError, match="only workers"):
        parse_providers("sms", frozenset({Role.SCHEDULER}))


async def test_a_name_that_resolves_to_a_private_address_is_refused_unless_allowed() -> None:
    resolver = GuardedResolver(frozenset())
    with pytest.raises(OSError, match="private"):
        await resolver.resolve("127.0.0.2", 80)
    allowed = GuardedResolver(frozenset({"127.0.0.2"}))
    assert [found["host"] for found in await allowed.resolve("127.0.0.2", 80)] == ["127.0.0.2"]
    await resolver.close()
    await allowed.close()
