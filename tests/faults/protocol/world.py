"""A deployment around one journal, for exploring the delivery protocol: processes of the real
parts, taken step by step, and what the world does to them.

What must not go in: which steps are taken in which order (see `schedules`), and what must be true
in the end (see `ending`).
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Coroutine, Iterable
from dataclasses import replace
from datetime import timedelta
from itertools import repeat
from typing import Any, cast

from consumers.breaker import Breaker, BreakerPolicy
from consumers.calls import Calls
from consumers.carrier import Carrier
from consumers.hand import Hand
from consumers.metrics import ConsumerMetrics
from consumers.pauses import Pauses
from consumers.presence import Presence
from consumers.recorder import Recorder
from consumers.retention import Retention
from consumers.scheduler import Scheduler
from consumers.settings import ConsumerSettings
from consumers.worker import Worker
from core.broker.port import Broker, Delivery
from core.broker.topology import DEAD_QUEUE, RECORDER_QUEUE, Topology, work_queue
from core.clock import ManualClock
from core.errors import BrokerError, JournalUnavailable
from core.identity import text_tag
from core.journal.port import Journal
from core.journal.sql import SqlJournal
from core.messages import Event, Lane, decode_action, decode_record
from gateway.intake import Intake
from gateway.metrics import Metrics
from gateway.rules.port import Plan
from tests.faults.protocol.broker import Handed, ModelBroker
from tests.faults.protocol.gates import How, SteppedJournal, Walk
from tests.faults.protocol.journal import EARLIER, REFERENCE
from tests.faults.protocol.provider import PROVIDER, VENDOR, ModelProvider
from tests.samples import NOON, an_action, an_event

QUEUE = work_queue("model", Lane.NORMAL)
WORKERS = ("worker-1", "worker-2", "worker-3")
SCHEDULERS = ("scheduler-1", "scheduler-2")
PROCESSES = ("gateway", "recorder", *WORKERS, *SCHEDULERS)

CALLS = {"text": ["send"], "trigger": ["trigger"], "both": ["send", "trigger"], "brief": ["send"]}
BRIEF = timedelta(seconds=60)
"""After this a brief text expires."""


class Violation(AssertionError):
    """`kind`: lost, double, stuck, stranded, parked, wrong or broken."""

    def __init__(self, kind: str, told: str, trace: list[str]) -> None:
        super().__init__("\n".join([f"{kind}: {told}", *trace]))
        self.kind = kind
        self.schedule: Any = None
        """The schedule that led to it, once it is known."""


class Planner:
    """One action for each call that the event names."""

    version = "r1"

    def plan(self, event: Event) -> Plan:
        kind = event.data["kind"]
        actions = tuple(
            replace(
                an_action(
                    event.id,
                    step=f"model.{call}",
                    at=event.occurred_at,
                    position=position,
                    provider="model",
                    operation=call,
                    params={"action": f"{event.id} {call}"},
                    expires_at=event.occurred_at + BRIEF if kind == "brief" else None,
                ),
                accepted_at=event.received_at,
            )
            for position, call in enumerate(CALLS[kind])
        )
        return Plan(rules_version=self.version, decision=(), actions=actions)


class ForgetsNothing:
    async def turn(self) -> None:
        return


class World:
    def __init__(self, journal: SqlJournal, metrics: tuple[Metrics, ConsumerMetrics]) -> None:
        self.clock = ManualClock(NOON)
        self.real, self.real._clock = journal, self.clock
        self.journal = SteppedJournal(journal)
        self.broker, self.provider = ModelBroker(), ModelProvider(self.clock)
        self.provider.remember(str(text_tag(EARLIER.id, 0)), REFERENCE)
        self.ingress, self.metrics = metrics
        self.settings = ConsumerSettings(
            journal_pause=timedelta(0), breaker_pause=timedelta(seconds=30)
        )
        self.presence = Presence(journal, self.metrics, timedelta(0))
        self.walks: dict[str, Walk] = {}
        self.processes: dict[str, Any] = {}
        self.events: list[Event] = []
        self.accepted: set[str] = set()
        self.cut: set[str] = set()
        """Events of which not every message may have got to the broker."""
        self.trace: list[str] = []
        self.steps: Counter[str] = Counter()

    async def open(self) -> None:
        await self.broker.declare(Topology.of(["model"]))
        for process in PROCESSES:
            self._start_process(process)

    # Processes.

    def _start_process(self, name: str) -> None:
        match name.partition("-")[0]:
            case "gateway":
                self.processes[name] = self._intake()
            case "worker":
                self.processes[name] = self._worker()
            case "recorder":
                self.processes[name] = self._recorder()
            case "scheduler":
                self.processes[name] = self._scheduler()

    def _intake(self) -> Intake:
        return Intake(
            planner=Planner,
            publisher=self.broker,
            clock=self.clock,
            metrics=self.ingress,
            label=str,
            deadline=timedelta(hours=1),
        )

    def _worker(self) -> Worker:
        policy = BreakerPolicy(
            threshold=1,
            pause=self.settings.breaker_pause,
            longest=self.settings.breaker_longest,
            refusal_pause=self.settings.refusal_pause,
        )
        breaker = Breaker(policy=policy, clock=self.clock, on_change=lambda *_: None)
        pauses = Pauses(self.real, self.presence, self.metrics)
        carrier = Carrier(
            name="model",
            provider=PROVIDER,
            vendor=VENDOR,
            calls=Calls(
                name="model",
                provider=PROVIDER,
                vendor=VENDOR,
                caller=self.provider,
                metrics=self.metrics,
                clock=self.clock,
            ),
            journal=cast("Journal", self.journal),
            breaker=breaker,
            metrics=self.metrics,
            pauses=pauses,
            settings=self.settings,
            clock=self.clock,
            stopping=asyncio.Event(),
            hands={Lane.NORMAL: Hand(1, Lane.NORMAL)},
        )
        return Worker(
            carrier=carrier,
            breaker=breaker,
            broker=cast("Broker", self.broker),
            presence=self.presence,
            pauses=pauses,
            lane=Lane.NORMAL,
            prefetch=1,
            drain=timedelta(0),
        )

    def _recorder(self) -> Recorder:
        return Recorder(
            broker=cast("Broker", self.broker),
            journal=cast("Journal", self.journal),
            presence=self.presence,
            metrics=self.metrics,
            settings=self.settings,
        )

    def _scheduler(self) -> Scheduler:
        return Scheduler(
            broker=cast("Broker", self.broker),
            journal=cast("Journal", self.journal),
            presence=self.presence,
            providers=lambda: {"model": PROVIDER},
            retention=cast("Retention", ForgetsNothing()),
            metrics=self.metrics,
            settings=self.settings,
            clock=self.clock,
        )

    # What they do.

    def _begin(self, name: str) -> Walk | None:
        match name.partition("-")[0]:
            case "worker" if handed := self.broker.take(QUEUE, name):
                message = decode_action(handed[0].body)
                about = str(message.action.params["action"])
                self.trace.append(f"{name} takes {about} seq {message.seq}")
                return Walk(name, self._carry(name, handed[0]), about)
            case "recorder" if handed := self.broker.take(RECORDER_QUEUE, name, most=2):
                return Walk(name, self._record(name, handed))
            case "recorder" if handed := self.broker.take(DEAD_QUEUE, name):
                return Walk(name, self._bury(name, handed[0]))
            case "scheduler":
                return Walk(name, self._turn(name))
        return None

    async def _carry(self, name: str, handed: Handed) -> None:
        broken = asyncio.Event()
        worker: Worker = self.processes[name]
        await worker._carry(handed, broken)
        if broken.is_set():
            raise Violation("broken", f"{name} met an error that nobody foresaw", self.trace)
        self.broker.drop(name)

    async def _record(self, name: str, handed: list[Handed]) -> None:
        recorder: Recorder = self.processes[name]
        pairs: list[tuple[Delivery, Any]] = [(each, decode_record(each.body)) for each in handed]
        await self._as_served(name, recorder._write(pairs))

    async def _bury(self, name: str, handed: Handed) -> None:
        recorder: Recorder = self.processes[name]
        await self._as_served(name, recorder._bury_one(handed))

    async def _turn(self, name: str) -> None:
        scheduler: Scheduler = self.processes[name]
        await self._as_served(name, scheduler.turn())

    async def _as_served(self, name: str, work: Coroutine[Any, Any, Any]) -> None:
        try:
            await work
        except (BrokerError, JournalUnavailable) as error:
            self.trace.append(f"{name}: {error}")
        self.broker.drop(name)

    async def _accept(self, event: Event) -> None:
        intake: Intake = self.processes["gateway"]
        try:
            await intake.accept([event])
        except BrokerError:
            self.trace.append(f"{event.id} is not accepted")
        else:
            self.accepted.add(event.id)
            self.cut.discard(event.id)

    # What happens.

    async def go(
        self, name: str, hows: Iterable[How] = repeat(How.WELL), *, before: str | None = None
    ) -> bool:
        """A process takes steps, each as told. False: it has nothing to do."""
        walk = self.walks.get(name) or self._begin(name)
        if walk is None:
            return False
        self.walks[name] = walk
        await walk.settle()
        for how in hows:
            if walk.is_over or walk.at == before:
                break
            self.trace.append(f"{name}: {walk.at}" + ("" if how is How.WELL else f" {how}"))
            self.steps[str(walk.at)] += 1
            walk.let(how)
            await walk.settle()
        if walk.is_over:
            del self.walks[name]
        return True

    async def meet(self, names: Iterable[str]) -> None:
        """Two take their next step at the same moment: in the journal, in one transaction."""
        walks = [self.walks[name] for name in names if name in self.walks]
        for walk in walks:
            self.trace.append(f"{walk.process}: {walk.at} (together)")
            walk.let(How.WELL)
        for walk in walks:
            await walk.settle()
            if walk.is_over:
                del self.walks[walk.process]

    async def send(self, event: Event) -> None:
        """The sender posts an event; once more, if it was posted before."""
        if "gateway" in self.walks:
            return
        self.trace.append(f"{event.id} is sent ({event.data['kind']})")
        if event.id not in self.accepted:
            self.cut.add(event.id)
        received = replace(event, received_at=self.clock.now())
        self.walks["gateway"] = Walk("gateway", self._accept(received))
        await self.walks["gateway"].settle()

    def plan(self, kind: str) -> Event:
        made = an_event(f"o-{len(self.events)}", at=self.clock.now(), data={"kind": kind})
        self.events.append(made)
        return made

    async def crash(self, name: str) -> None:
        self.trace.append(f"{name} is killed")
        if walk := self.walks.pop(name, None):
            await walk.kill()
        self.broker.drop(name)
        self._start_process(name)

    async def close(self) -> None:
        for walk in self.walks.values():
            await walk.kill()

    def pass_time(self, seconds: int) -> None:
        self.trace.append(f"{seconds} s pass")
        self.clock.advance(timedelta(seconds=seconds))
        self.provider.pass_time()

    def cut_off(self, name: str) -> None:
        self.trace.append(f"{name} is cut off from the broker")
        self.broker.drop(name)

    def decide(self, number: int, *, lands: bool) -> None:
        """A call that is in the air takes effect now, or never."""
        flights = [flight for flight in self.provider.flights if flight.in_the_air]
        if not flights:
            return
        self.trace.append(f"a call {'takes effect' if lands else 'never takes effect'}")
        flight = flights[number % len(flights)]
        flight.gone = not lands
        if lands:
            self.provider.land(flight)

    def delete_queue(self) -> None:
        self.trace.append("the work queue is deleted")
        self.broker.delete(QUEUE)
