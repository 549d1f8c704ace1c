"""Calls that several actions share, under cancellations and broken answers in random order.

Whatever happens to one of them, nobody waits for ever, and nobody is told what did not happen: told
"nothing happened" of a text that was taken, a worker would send it twice.
"""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from enum import StrEnum
from random import Random
from urllib.parse import parse_qs

import orjson
import pytest

from consumers import sharing
from consumers.http import Lease
from consumers.sharing import Shared, SharedCalls
from core.configuration import SecretRef
from core.errors import CallDropped, CallError, MaybeSent, NotSent
from tests.unit.vendors.cases import NOW, answer, sms_provider
from vendors.gather import Item
from vendors.smsgateway24 import SMSGATEWAY24
from vendors.wire import Answer, Identity, Outcome, OutcomeKind, Request

TO = "+4915123456789"
LEASE = Lease(until=math.inf)


class World(StrEnum):
    """What the provider and the network do in one round."""

    WELL = "well"
    NOT_SENT = "not sent"
    DROPPED = "dropped"
    BROKEN = "broken"
    LOST_BEFORE_EFFECT = "lost before the effect"
    LOST_AFTER_EFFECT = "lost after the effect"
    REFUSED = "refused"
    IDS_NOT_ASKED_FOR = "ids not asked for"
    IDS_NOT_READABLE = "ids not readable"


class Provided:
    """A provider at the other end; `taken` counts by tag what it took, `calls` what was tried."""

    def __init__(self, world: World, rng: Random) -> None:
        self.taken: Counter[int] = Counter()
        self.calls = 0
        self._world = world
        self._rng = rng

    async def send(
        self, request: Callable[[], Request], read: Callable[[Answer], Outcome], lease: Lease
    ) -> Outcome:
        self.calls += 1
        form = parse_qs(request().body.decode())
        await self._moment()
        match self._world:
            case World.NOT_SENT:
                raise NotSent("no connection")
            case World.DROPPED:
                raise CallDropped("the lease is too short")
            case World.BROKEN:
                raise RuntimeError("a defect of ours")
            case World.LOST_BEFORE_EFFECT:
                raise MaybeSent("no answer")
            case World.REFUSED:
                return read(answer(200, b'{"error": 1, "message": "no"}'))
        self.taken.update(
            text["customerid"] for text in orjson.loads(form["datajson"][0])["smsdata"]
        )
        if self._world is World.LOST_AFTER_EFFECT:
            raise MaybeSent("no answer")
        await self._moment()
        return read(answer(200, b'{"error": 0, "message": "ok"}'))

    async def ask(self, request: Request, lease: Lease) -> Answer:
        if self._world is World.IDS_NOT_ASKED_FOR:
            raise NotSent("no connection")
        if self._world is World.IDS_NOT_READABLE:
            return answer(200, b'{"smss": [{"id": 1e308, "sendto": 1}]}')
        rows = {
            str(tag): {"id": tag, "sendto": TO, "customerid": tag, "status": 1}
            for tag in self.taken
        }
        return answer(200, orjson.dumps({"error": 0, "count": len(rows), "smss": rows}))

    async def _moment(self) -> None:
        await asyncio.sleep(self._rng.random() * 0.03)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short enough that companies of all sizes meet."""
    monkeypatch.setattr(sharing, "PATIENCE", timedelta(milliseconds=20))
    monkeypatch.setattr(sharing, "LOOK_AGAIN_AFTER", timedelta(milliseconds=10))


def shared_calls(provided: Provided) -> SharedCalls:
    provider = sms_provider(SecretRef(env="UNREAD"), gather=5)
    provider.adopt("a-token")
    gather = SMSGATEWAY24.operations["send"].gather
    assert gather is not None
    return SharedCalls(gather, provider, provided.send, provided.ask)


def item(tag: int) -> Item:
    return Item(
        params={"to": TO, "text": "Hello"},
        identity=Identity(request_id=f"r-{tag}", tag=tag, called_at=NOW),
    )


async def joined(shared: SharedCalls, tag: int, after: float) -> Shared | None:
    await asyncio.sleep(after)
    return await shared.join(item(tag), LEASE)


def check_told(task: asyncio.Task[Shared | None], taken: int) -> None:
    """What one was told agrees with what the provider took of it."""
    if task.cancelled():
        return
    match task.exception():
        case None:
            pass
        case NotSent() | CallDropped():
            assert taken == 0
            return
        case error:
            assert isinstance(error, CallError | RuntimeError)
            return
    match task.result():
        case None:
            assert taken == 0, "it is to call alone"
        case Shared(outcome=Outcome(kind=OutcomeKind.DONE)):
            assert taken == 1
        case Shared(outcome=Outcome(kind=OutcomeKind.TEMPORARY | OutcomeKind.REFUSED)):
            assert taken == 0
        case Shared(outcome=outcome):
            assert outcome.kind is OutcomeKind.UNKNOWN


def counts(task: asyncio.Task[Shared | None]) -> bool:
    """Whether a worker would count it as a call of its own, towards a pause of the provider."""
    if task.cancelled():
        return False
    if (error := task.exception()) is not None:
        return not isinstance(error, CallDropped)
    part = task.result()
    return part is not None and part.counts


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("world", World)
async def test_nobody_hangs_and_nobody_is_told_what_did_not_happen(world: World, seed: int) -> None:
    rng = Random(f"{world}-{seed}")
    provided = Provided(world, rng)
    shared = shared_calls(provided)
    tasks = {
        tag: asyncio.create_task(joined(shared, tag, rng.random() * 0.05))
        for tag in range(1, rng.randint(2, 15))
    }
    for tag in rng.sample(sorted(tasks), min(len(tasks), rng.choice([0, 0, 1, 3]))):
        asyncio.get_running_loop().call_later(rng.random() * 0.1, tasks[tag].cancel)
    _, waiting = await asyncio.wait(tasks.values(), timeout=5)
    assert not waiting
    for tag, task in tasks.items():
        check_told(task, provided.taken[tag])
    assert set(provided.taken.values()) <= {0, 1}
    assert sum(counts(task) for task in tasks.values()) <= provided.calls
