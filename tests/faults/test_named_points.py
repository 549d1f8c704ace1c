"""Processes killed and stopped at exactly the moment where it hurts, by holding back what they wait
for: the customer gets one text each time.

    claimed, not called     the request is held back, and never arrives
    called, not answered    the provider's answer is held
    answered, not recorded  the journal hears nothing any more
    recorded, not acked     the broker hears nothing any more
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from core.broker.connect import open_broker
from core.broker.topology import work_queue
from core.errors import JournalUnavailable
from core.journal.connect import open_journal
from core.journal.port import EventReport
from core.journal.sql import SqlJournal
from core.journal.states import State
from core.messages import Lane
from tests.load import effects, order, order_in
from tests.torture.rig import Rig

ONE, OTHER = "consumers-1", "consumers-2"
QUEUE = work_queue("sms", Lane.URGENT)


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    with Rig() as started:
        started.stop(OTHER)
        yield started


class Scene:
    """One consumer at work, one sign-up posted; the other consumer comes later."""

    def __init__(self, rig: Rig, http: aiohttp.ClientSession, journal: SqlJournal) -> None:
        self.rig = rig
        self._http = http
        self._journal = journal
        self.ref = ""
        self.code = ""

    def another(self) -> Scene:
        return Scene(self.rig, self._http, self._journal)

    async def post(self, number: int) -> None:
        """An event of one text and nothing else."""
        self.code = f"load-{number}"
        phone = order(number)["data"]["customer"]["phone"]
        data = {"phone": phone, "code": self.code, "consent": {"marketing": False}}
        event = {"id": self.code, "type": "user.signed_up", "data": data}
        headers = {"Authorization": f"Bearer {self.rig.key}"}
        async with self._http.post(
            f"{self.rig.events}/v1/events", json=event, headers=headers
        ) as answer:
            assert answer.status == 202, await answer.text()
            self.ref = (await answer.json())["ref"]

    async def texts(self) -> int:
        written = await effects(self.rig.sandbox, "addsms")
        return [order_in(effect["params"]["body"]) for effect in written].count(self.code)

    async def until_sent(self) -> None:
        async with asyncio.timeout(20):
            while not await self.texts():  # noqa: ASYNC110 - another process sends it
                await asyncio.sleep(0.05)

    async def until(self, state: State, *, within: float = 90) -> EventReport:
        report = None
        try:
            async with asyncio.timeout(within):
                while True:
                    # The journal may have been away: the pool's old connections tell.
                    with contextlib.suppress(JournalUnavailable):
                        report = await self._journal.event(self.ref)
                    if report is not None and report.actions[0].state is state:
                        return report
                    await asyncio.sleep(0.1)
        except TimeoutError:
            raise AssertionError(f"after {within} s it is {report}") from None

    async def hand_over(self, *, left: int = 0) -> None:
        """Kill the one, start the other. What the one had said and was held back never arrives;
        `left`: the messages that its end gives back to the queue."""
        self.rig.kill(ONE)
        for proxy in (self.rig.to_sms, self.rig.to_broker[ONE], self.rig.to_journal[ONE]):
            proxy.reset()
            proxy.let_go()
        async with open_broker(self.rig.broker.url) as broker, asyncio.timeout(20):
            while await broker.depth(QUEUE) < left:  # noqa: ASYNC110 - the broker's own state
                await asyncio.sleep(0.05)
        await asyncio.to_thread(self.rig.start, OTHER)

    async def expect_one_text(self) -> Any:
        """Done, once, and no message left that could make a second one."""
        report = await self.until(State.DONE)
        async with open_broker(self.rig.broker.url) as broker, asyncio.timeout(10):
            while await broker.depth(QUEUE):  # noqa: ASYNC110 - the broker's own state
                await asyncio.sleep(0.1)
        await asyncio.sleep(0.5)
        assert await self.texts() == 1
        return report.actions[0]


@pytest.fixture
async def scene(rig: Rig) -> AsyncIterator[Scene]:
    async with (
        aiohttp.ClientSession() as http,
        open_journal(rig.environment["POSTERN_JOURNAL"]) as journal,
    ):
        # An earlier text, by which an empty lookup can be believed.
        earlier = Scene(rig, http, journal)
        await earlier.post(next(_NUMBERS))
        await earlier.until(State.DONE)
        try:
            yield Scene(rig, http, journal)
        finally:
            await asyncio.to_thread(_as_at_first, rig)


_NUMBERS = iter(range(10_000))


def _as_at_first(rig: Rig) -> None:
    for proxy in rig.proxies:
        proxy.let_go()
        proxy.refuse(refusing=False)
    if rig.running(OTHER):
        rig.stop(OTHER)
    if not rig.running(ONE):
        rig.start(ONE)


@pytest.mark.fault(15)
async def test_killed_after_the_claim_and_before_the_call(scene: Scene) -> None:
    scene.rig.to_sms.hold(back=False)
    await scene.post(next(_NUMBERS))
    await scene.until(State.RUNNING)
    assert await scene.texts() == 0
    await scene.hand_over()
    action = await scene.expect_one_text()
    assert action.attempts[0].outcome == "unknown", "it was taken over"


@pytest.mark.fault(15)
async def test_killed_after_the_call_and_before_its_answer(scene: Scene) -> None:
    scene.rig.to_sms.hold(forth=False)
    await scene.post(next(_NUMBERS))
    await scene.until_sent()
    await scene.hand_over()
    action = await scene.expect_one_text()
    assert action.reference is not None, "it was looked up at the provider"


@pytest.mark.fault(15)
async def test_killed_after_the_answer_and_before_the_record(scene: Scene) -> None:
    rig = scene.rig
    rig.to_sms.hold(forth=False)
    await scene.post(next(_NUMBERS))
    await scene.until_sent()
    rig.to_journal[ONE].hold()
    rig.to_sms.let_go()
    await asyncio.sleep(0.5)
    await scene.hand_over()
    action = await scene.expect_one_text()
    assert action.reference is not None, "it was looked up at the provider"
    assert action.attempts[0].outcome == "unknown", "it was taken over"


@pytest.mark.fault(15)
async def test_killed_after_the_record_and_before_the_acknowledgement(scene: Scene) -> None:
    rig = scene.rig
    rig.to_sms.hold(forth=False)
    await scene.post(next(_NUMBERS))
    await scene.until_sent()
    rig.to_broker[ONE].hold(back=False)
    rig.to_sms.let_go()
    await scene.until(State.DONE)
    await scene.hand_over(left=1)
    await scene.expect_one_text()


@pytest.mark.fault(15)
async def test_stopped_during_the_call_until_somebody_else_has_it(scene: Scene) -> None:
    """SIGSTOP for longer than the lease: the other finds the text at the provider, and what the
    first one says when it wakes changes nothing."""
    rig = scene.rig
    rig.to_sms.hold(forth=False)
    await scene.post(next(_NUMBERS))
    await scene.until_sent()
    rig.signal(ONE, signal.SIGSTOP)
    try:
        rig.to_sms.let_go()
        await asyncio.to_thread(rig.start, OTHER)
        await scene.expect_one_text()
    finally:
        rig.signal(ONE, signal.SIGCONT)
    await asyncio.sleep(2)
    await scene.expect_one_text()
    assert rig.running(ONE)


@pytest.mark.fault(30)
async def test_cut_off_from_the_broker_during_the_call(scene: Scene) -> None:
    """The broker hands the message to the other worker while the call is still under way."""
    rig = scene.rig
    rig.to_sms.hold(forth=False)
    await scene.post(next(_NUMBERS))
    await scene.until_sent()
    await asyncio.to_thread(rig.start, OTHER)
    rig.to_broker[ONE].refuse()
    rig.to_broker[ONE].reset()
    await asyncio.sleep(0.5)
    rig.to_sms.let_go()
    await scene.expect_one_text()
    rig.to_broker[ONE].refuse(refusing=False)
    await asyncio.to_thread(rig.stop, OTHER)
    await scene.post(next(_NUMBERS))
    await scene.until(State.DONE)


@pytest.mark.fault(30)
async def test_cut_off_from_the_broker_while_it_leads(scene: Scene) -> None:
    """It has the journal, so it could lead for ever, and nothing that is due would be published:
    it leaves that to the one that reaches the broker."""
    rig = scene.rig
    rig.to_sms.hold(forth=False)
    await scene.post(next(_NUMBERS))
    await scene.until(State.WAITING)
    rig.to_broker[ONE].refuse()
    rig.to_broker[ONE].reset()
    await asyncio.to_thread(rig.start, OTHER)
    rig.to_sms.let_go()
    await scene.expect_one_text()


@asynccontextmanager
async def _database_away(rig: Rig) -> AsyncIterator[None]:
    await asyncio.to_thread(rig.postgres.kill)
    try:
        yield
    finally:
        await asyncio.to_thread(rig.postgres.start)


@pytest.mark.fault(25)
async def test_the_database_goes_away_during_the_call(scene: Scene) -> None:
    """PostgreSQL is killed and comes back: events are accepted on, the outcome that only the worker
    knows is kept, and nothing is guessed."""
    rig = scene.rig
    rig.to_sms.hold(forth=False)
    await scene.post(next(_NUMBERS))
    await scene.until_sent()
    during = scene.another()
    async with _database_away(rig):
        rig.to_sms.let_go()
        await during.post(next(_NUMBERS))
        await asyncio.sleep(2)
        assert await during.texts() == 0, "no call without a claim"
        assert await scene.texts() == 1
    await scene.expect_one_text()
    await during.expect_one_text()


@pytest.mark.fault(25)
async def test_a_database_that_does_not_answer_is_waited_for(scene: Scene) -> None:
    """A black hole between the worker and the journal, and nothing else wrong."""
    rig = scene.rig
    rig.to_journal[ONE].hold()
    await scene.post(next(_NUMBERS))
    await asyncio.sleep(3)
    assert await scene.texts() == 0
    rig.to_journal[ONE].let_go()
    await scene.expect_one_text()


@pytest.mark.fault(34)
async def test_processes_without_cpu_for_two_seconds_go_on(scene: Scene) -> None:
    """As throttled: nothing moves, and then everything does. No connection is given up."""
    rig = scene.rig
    taken = {part: rig.to_broker[part].taken for part in ("gateway", ONE)}
    for part in taken:
        rig.signal(part, signal.SIGSTOP)
    await asyncio.sleep(2)
    for part in taken:
        rig.signal(part, signal.SIGCONT)
    async with aiohttp.ClientSession() as http:
        for part in taken:
            async with http.get(f"{rig.admin(part)}/livez") as answer:
                assert answer.status == 200
    await scene.post(next(_NUMBERS))
    await scene.expect_one_text()
    assert {part: rig.to_broker[part].taken for part in taken} == taken
