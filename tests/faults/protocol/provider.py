"""A model of a provider: takes calls that must not be made twice, at once or late; can be asked.

Two calls: a text, which can be looked up by its tag, and a trigger, of which only a repeated
Request-ID is recognised. What must not go in: what follows from an answer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import orjson
from pydantic import BaseModel

from consumers.http import Lease
from core.clock import ManualClock
from core.errors import CallDropped, MaybeSent, NotSent
from tests.faults.protocol.gates import How, Walk, walking
from vendors.lookup import Finding, Query, Sighting
from vendors.operation import Operation, Vendor
from vendors.provider import Provider
from vendors.wire import Answer, Identity, Outcome, OutcomeKind, Params, Request

LAG = timedelta(seconds=30)
PROVIDER = Provider(
    kind="model",
    url="http://model",
    timeout=timedelta(seconds=2),
    reconcile_lag=LAG,
    retry=tuple(timedelta(seconds=pause) for pause in (1, 5, 5, 40)),
)


@dataclass(eq=False, slots=True)
class Flight:
    """A request that left us. It takes effect, or not, until the lag is over."""

    path: str
    body: dict[str, Any]
    until: float
    reference: str | None = None
    gone: bool = False

    @property
    def in_the_air(self) -> bool:
        return self.reference is None and not self.gone


@dataclass
class ModelProvider:
    """Takes calls; can be asked for a text by its tag; recognises a repeated Request-ID."""

    clock: ManualClock
    flights: list[Flight] = field(default_factory=list)
    effects: list[str] = field(default_factory=list)
    """The action of each."""
    failures: Counter[str] = field(default_factory=Counter)
    """By action: calls and questions that came to no good answer."""
    _known: dict[str, str] = field(default_factory=dict)

    async def call(self, request: Request, *, within: timedelta, lease: Lease) -> Answer:
        walk = walking()
        how = await walk.gate(request.path)
        if not lease.covers(self.clock.monotonic(), within):
            raise CallDropped("the lease no longer covers the call")
        if how is How.FAILS:
            self._failed(walk)
            raise NotSent("cannot connect")
        body = orjson.loads(request.body)
        if request.path == "find":
            if how is How.LOST:
                self._failed(walk)
                raise MaybeSent("timeout")
            return _answer(200, self._known.get(body["key"]))
        until = self.clock.monotonic() + LAG.total_seconds()
        flight = Flight(request.path, body, until)
        self.flights.append(flight)
        how = await walk.gate("answer")
        if how is How.FAILS and flight.in_the_air:
            flight.gone = True
            self._failed(walk)
            return _answer(503, None)
        if how is How.WELL and flight.in_the_air:
            self.land(flight)
        if how is not How.WELL or flight.gone:
            self._failed(walk)
            raise MaybeSent("connection lost")
        return _answer(200, flight.reference)

    def remember(self, key: str, reference: str) -> None:
        """What took effect before."""
        self._known[key] = reference

    def _failed(self, walk: Walk) -> None:
        self.failures[walk.about or ""] += 1

    def land(self, flight: Flight) -> None:
        """It takes effect; a call that is known by its Request-ID does not do so again."""
        key = flight.body["key"]
        if flight.path == "send" or key not in self._known:
            self.effects.append(flight.body["action"])
            self._known[key] = f"r{len(self.effects)}"
        flight.reference = self._known[key]

    def pass_time(self) -> None:
        for flight in self.flights:
            if flight.in_the_air and flight.until <= self.clock.monotonic():
                self.land(flight)


def _answer(status: int, reference: str | None) -> Answer:
    return Answer(status=status, headers={}, body=orjson.dumps({"reference": reference}))


class _ByTag:
    def queries(self, params: Params, identity: Identity, provider: Provider) -> Sequence[Query]:
        body = orjson.dumps({"key": str(identity.tag)})
        return [Query(form="tag", request=Request(path="find", headers={}, body=body))]

    def read(
        self, answer: Answer, params: Params, identity: Identity, claimed: frozenset[str]
    ) -> Sighting:
        reference = orjson.loads(answer.body)["reference"]
        if reference is None or reference in claimed:
            return Sighting(finding=Finding.EMPTY)
        return Sighting(finding=Finding.FOUND, reference=reference)


class _Once(Operation):
    """A call that must not be made twice."""

    summary = source = ""
    model = BaseModel
    repeatable = False

    def __init__(self, name: str, key: Callable[[Identity], str]) -> None:
        self.name, self._key = name, key

    def prepare(self, params: Params, provider: Provider) -> Params:
        return params

    def request(self, params: Params, identity: Identity, provider: Provider) -> Request:
        body = orjson.dumps({"action": params["action"], "key": self._key(identity)})
        return Request(path=self.name, headers={}, body=body)

    def read(self, answer: Answer, params: Params, provider: Provider) -> Outcome:
        if answer.status == 200:
            reference = orjson.loads(answer.body)["reference"]
            return Outcome(kind=OutcomeKind.DONE, reference=reference)
        return Outcome(kind=OutcomeKind.TEMPORARY, reason=f"HTTP {answer.status}")


def _vendor() -> Vendor:
    text = _Once("send", lambda identity: str(identity.tag))
    text.lookup = _ByTag()
    trigger = _Once("trigger", lambda identity: identity.request_id)
    trigger.window = timedelta(hours=24)
    return Vendor(
        kind="model",
        provider=Provider,
        content=lambda _: None,
        operations={operation.name: operation for operation in (text, trigger)},
    )


VENDOR = _vendor()
