"""One provider is down for a while under a steady load: what the other one's actions take
meanwhile, how often the dead one was called, and how its backlog is carried out afterwards.

Run by a test in a short form and by `make proof` in the long one.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import aiohttp

from core.journal.connect import open_journal
from core.journal.port import ActionFilter, Reported
from core.journal.sql import SqlJournal
from core.journal.states import OPEN, State
from tests.latency import described, median, moments, post
from tests.load import order, order_in
from tests.torture.rig import Rig

RATE = 120
"""Texts a second that the provider allows; more than the load makes."""

_BUSIEST = 2.5
"""Of the rate, in one second: a full bucket, what flows in meanwhile, and what two processes had
drawn."""


class Shop(Rig):
    """The text gateway has a rate."""

    def _through_proxies(self, text: str) -> str:
        kind = "    kind: smsgateway24\n"
        return super()._through_proxies(text).replace(kind, f"{kind}    rate: {RATE}/s\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    events: int
    seconds: float
    before: tuple[float, ...]
    during: tuple[float, ...]
    calls: int
    """Attempts that failed, of all texts."""
    most: int
    """Attempts that failed, of one text."""
    states: dict[str, int]
    twice: int
    lost: int
    backlog: int
    drained: float
    """Seconds from the provider's return to the last text of the backlog."""
    busiest: int
    """Texts in the busiest second after its return."""

    def summary(self) -> str:
        return (
            f"events                       {self.events}, down for {self.seconds:.0f} s\n"
            f"other provider, before       {described(self.before)}\n"
            f"other provider, during       {described(self.during)}\n"
            f"calls of the dead provider   {self.calls} failed; of one text at most {self.most}\n"
            f"backlog                      {self.backlog} texts, drained in {self.drained:.0f} s, "
            f"at most {self.busiest} in a second (the rate is {RATE})\n"
            f"texts lost, twice            {self.lost}, {self.twice}\n"
            f"states                       {self.states}"
        )

    @property
    def holds(self) -> bool:
        return (
            (self.lost, self.twice) == (0, 0)
            and set(self.states) == {State.DONE.value}
            and self.busiest <= _BUSIEST * RATE
            and median(self.during) - median(self.before) < 1
        )


async def run(rig: Shop, *, rate: float, before: float, down: float) -> Result:
    sent: dict[str, float] = {}
    stop = asyncio.Event()

    async def send() -> None:
        async with aiohttp.ClientSession() as http, asyncio.TaskGroup() as group:

            async def one(number: int) -> None:
                event = order(number)
                sent[event["id"]] = await post(http, rig.events, rig.key, event)

            number, started = 0, time.monotonic()
            while not stop.is_set():
                group.create_task(one(number))
                number += 1
                await asyncio.sleep(max(0.0, started + number / rate - time.monotonic()))

    sending = asyncio.create_task(send())
    await asyncio.sleep(before)
    went_down = time.time()
    rig.to_sms.refuse()
    rig.to_sms.reset()
    await asyncio.sleep(down)
    came_back = time.time()
    rig.to_sms.refuse(refusing=False)
    stop.set()
    await sending
    async with open_journal(rig.environment["POSTERN_JOURNAL"]) as journal:
        await _all_ended(journal, len(sent))
        states = {state.value: count for state, count in (await journal.books()).states.items()}
        failed = await _failed(journal)
    texts = await moments(rig.sandbox, "addsms")
    times = {order_in(params["body"]): at for at, params in texts}
    updates = {
        params["custom_fields"]["last_order"]: at
        for at, params in await moments(rig.sandbox, "subscriptions/set")
    }
    took = {name: updates[name] - at for name, at in sent.items() if name in updates}
    late = [at for at in times.values() if at >= came_back]
    return Result(
        events=len(sent),
        seconds=down,
        before=tuple(it for name, it in took.items() if sent[name] < went_down),
        during=tuple(it for name, it in took.items() if went_down <= sent[name] < came_back),
        calls=sum(failed.values()),
        most=max(failed.values(), default=0),
        states=states,
        twice=len(texts) - len(times),
        lost=len(sent.keys() - times.keys()) + len(sent.keys() - updates.keys()),
        backlog=len(late),
        drained=max(late) - came_back,
        busiest=max(Counter(int(at) for at in late).values()),
    )


async def _all_ended(journal: SqlJournal, events: int) -> None:
    async with asyncio.timeout(1800):
        while True:
            books = await journal.books()
            if books.events >= events and not OPEN & set(books.states):
                return
            await asyncio.sleep(1)


async def _failed(journal: SqlJournal) -> Counter[str]:
    """By text: attempts that did not come to `done`."""
    failed: Counter[str] = Counter()
    before = None
    while True:
        page = await journal.actions(ActionFilter(provider="sms", limit=1000, before=before))
        for action in page.actions:
            report = await journal.event(action.ref)
            found = next(it for it in report.actions if it.id == action.id) if report else action
            failed[action.id] = _failures(found)
        before = page.next
        if before is None:
            return failed


def _failures(action: Reported) -> int:
    return sum(1 for attempt in action.attempts if attempt.outcome != "done")


def main(arguments: Sequence[str] | None = None) -> int:
    """The long form. Exit 0 only if nothing was lost, no text sent twice, nothing parked, the other
    provider's actions took no longer, and no second had more than a burst of the rate."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--rate", type=float, default=50, help="events a second")
    parser.add_argument("--before", type=float, default=30, help="seconds")
    parser.add_argument("--down", type=float, default=600, help="seconds")
    options = parser.parse_args(arguments)
    with Shop() as rig:
        result = asyncio.run(run(rig, rate=options.rate, before=options.before, down=options.down))
    sys.stdout.write(result.summary() + "\n")
    return 0 if result.holds else 1


if __name__ == "__main__":
    sys.exit(main())
