"""What is told of open actions: by the one that leads, as long as it can be counted, at nobody's
cost."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta

import pytest
from prometheus_client import CollectorRegistry

from consumers import survey as surveys
from consumers.metrics import SHOWN_LIMITS, ConsumerMetrics
from consumers.survey import Survey
from core.clock import ManualClock, SystemClock
from core.errors import JournalUnavailable
from core.journal.operator import Oldest
from core.journal.states import State

PARKED = {"provider": "sms", "lane": "normal", "state": "parked"}


class Journal:
    """Counts how often it is asked; away while told so."""

    def __init__(self) -> None:
        self.asked = 0
        self.away = False

    async def oldest(self) -> Sequence[Oldest]:
        self.asked += 1
        if self.away:
            raise JournalUnavailable("the count takes too long")
        since = SystemClock().now() - timedelta(seconds=40)
        return [Oldest(provider="sms", lane="normal", state=State.PARKED, count=3, since=since)]


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(surveys, "EVERY", timedelta(milliseconds=20))
    monkeypatch.setattr(surveys, "LOOK_EVERY", timedelta(milliseconds=5))


async def until_asked(journal: Journal, times: int) -> None:
    async with asyncio.timeout(10):
        while journal.asked < times:  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.005)


async def until_forgotten(registry: CollectorRegistry) -> None:
    async with asyncio.timeout(10):
        while registry.get_sample_value("postern_actions_open", PARKED) is not None:  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.005)


async def test_what_is_open_is_told_while_this_process_leads_and_by_nobody_else() -> None:
    registry, journal, stopping = CollectorRegistry(), Journal(), asyncio.Event()
    survey = Survey(journal, lambda: ["sms"], ConsumerMetrics(registry), SystemClock())
    leads = True
    async with asyncio.TaskGroup() as group:
        group.create_task(survey.serve(lambda: leads, stopping))
        await until_asked(journal, 2)
        assert registry.get_sample_value("postern_actions_open", PARKED) == 3
        age = registry.get_sample_value("postern_actions_oldest_seconds", PARKED)
        assert age is not None
        assert 40 <= age < 60
        leads = False
        await until_forgotten(registry)
        asked = journal.asked
        await asyncio.sleep(0.1)
        assert journal.asked == asked
        stopping.set()


async def test_who_leads_no_more_when_the_count_is_done_tells_nothing() -> None:
    """Another process may tell already, and the rest after a long count is long."""
    leads = True

    class Lost(Journal):
        async def oldest(self) -> Sequence[Oldest]:
            nonlocal leads
            leads = False
            return await super().oldest()

    registry, journal, stopping = CollectorRegistry(), Lost(), asyncio.Event()
    survey = Survey(journal, lambda: ["sms"], ConsumerMetrics(registry), ManualClock())
    async with asyncio.TaskGroup() as group:
        group.create_task(survey.serve(lambda: leads, stopping))
        await until_asked(journal, 1)
        await until_forgotten(registry)
        stopping.set()


async def test_leadership_that_comes_and_goes_makes_nobody_count_more_often() -> None:
    registry, journal, stopping = CollectorRegistry(), Journal(), asyncio.Event()
    clock = ManualClock()
    survey = Survey(journal, lambda: ["sms"], ConsumerMetrics(registry), clock)
    leads = True
    async with asyncio.TaskGroup() as group:
        group.create_task(survey.serve(lambda: leads, stopping))
        await until_asked(journal, 1)
        for _ in range(3):
            leads = False
            await until_forgotten(registry)
            leads = True
            await asyncio.sleep(0.05)
        assert journal.asked == 1
        clock.advance(surveys.EVERY)
        await until_asked(journal, 2)
        stopping.set()


async def test_what_cannot_be_counted_is_not_told_and_stops_nobody() -> None:
    """Over millions of rows the count may take longer than the journal lets it. That says nothing
    about the journal, and workers go on."""
    registry, journal, stopping = CollectorRegistry(), Journal(), asyncio.Event()
    survey = Survey(journal, lambda: ["sms"], ConsumerMetrics(registry), SystemClock())
    async with asyncio.TaskGroup() as group:
        group.create_task(survey.serve(lambda: True, stopping))
        await until_asked(journal, 1)
        journal.away = True
        await until_asked(journal, journal.asked + 2)
        assert registry.get_sample_value("postern_actions_open", PARKED) is None
        journal.away = False
        await until_asked(journal, journal.asked + 2)
        assert registry.get_sample_value("postern_actions_open", PARKED) == 3
        stopping.set()


async def test_an_unforeseen_error_stops_nobody_either() -> None:
    class Newer(Journal):
        async def oldest(self) -> Sequence[Oldest]:
            await super().oldest()
            raise ValueError("a state that only a newer version knows")

    registry, journal, stopping = CollectorRegistry(), Newer(), asyncio.Event()
    survey = Survey(journal, lambda: ["sms"], ConsumerMetrics(registry), SystemClock())
    async with asyncio.TaskGroup() as group:
        group.create_task(survey.serve(lambda: True, stopping))
        await until_asked(journal, 2)
        assert registry.get_sample_value("postern_actions_open", PARKED) is None
        stopping.set()


async def test_what_it_takes_to_log_a_failure_makes_no_rest_longer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The rest spares the journal, which has no part in it."""
    clock, journal, stopping = ManualClock(), Journal(), asyncio.Event()
    journal.away = True

    class SlowLog:
        def warning(self, _event: str, **_: str) -> None:
            clock.advance(timedelta(seconds=1))

    monkeypatch.setattr(surveys, "log", SlowLog())
    survey = Survey(journal, lambda: ["sms"], ConsumerMetrics(CollectorRegistry()), clock)
    async with asyncio.TaskGroup() as group:
        group.create_task(survey.serve(lambda: True, stopping))
        await until_asked(journal, 2)
        stopping.set()


async def test_a_count_under_way_holds_up_no_end() -> None:
    class Slow(Journal):
        async def oldest(self) -> Sequence[Oldest]:
            await super().oldest()
            await asyncio.sleep(60)
            raise AssertionError("nobody waits for it")

    journal, stopping = Slow(), asyncio.Event()
    survey = Survey(journal, lambda: ["sms"], ConsumerMetrics(CollectorRegistry()), SystemClock())
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        group.create_task(survey.serve(lambda: True, stopping))
        await until_asked(journal, 1)
        stopping.set()


def test_limits_of_many_phones_are_bounded_and_go_with_their_provider() -> None:
    registry = CollectorRegistry()
    metrics = ConsumerMetrics(registry)
    for _ in range(2):  # as after a changed configuration
        with metrics.provider("sms"):
            for phone in range(2 * SHOWN_LIMITS):
                metrics.rate.labels(metrics.limit_label("sms", f"sms {phone}")).set(1)
            limits = [
                sample.labels["limit"]
                for metric in registry.collect()
                for sample in metric.samples
                if sample.name == "postern_rate_limit"
            ]
            assert len(limits) == SHOWN_LIMITS + 1
            assert {"sms 0", "sms other"} <= {*limits}
        assert registry.get_sample_value("postern_rate_limit", {"limit": "sms 0"}) is None
        assert registry.get_sample_value("postern_rate_limit", {"limit": "sms other"}) is None


def test_a_question_that_failed_is_no_measure_of_the_journal() -> None:
    registry = CollectorRegistry()
    metrics = ConsumerMetrics(registry)
    with suppress(JournalUnavailable), metrics.journal_took("claim"):
        raise JournalUnavailable("away")
    assert not registry.get_sample_value("postern_journal_seconds_count", {"what": "claim"})
    with metrics.journal_took("claim"):
        pass
    assert registry.get_sample_value("postern_journal_seconds_count", {"what": "claim"}) == 1


def test_what_is_true_of_a_provider_only_while_it_is_served_goes_with_it() -> None:
    registry = CollectorRegistry()
    metrics = ConsumerMetrics(registry)
    with metrics.provider("sms"):
        metrics.breaker.labels("sms").set(1)
        metrics.rate.labels("sms").set(10)
    for name in ("postern_breaker_open", "postern_rate_limit"):
        label = "limit" if name == "postern_rate_limit" else "provider"
        assert registry.get_sample_value(name, {label: "sms"}) is None
    ended = {"provider": "sms", "state": "done"}
    assert registry.get_sample_value("postern_actions_ended_total", ended) == 0
