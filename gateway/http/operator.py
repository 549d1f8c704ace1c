"""`/v1/operator/...`: the hands of operators over HTTP, for whoever has one of their keys.

What is long is done in bounded parts, and the answer says how to go on. Accepting events waits for
none of it. What must not go in: what any of it does (see `gateway.operator`).
"""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from core.broker.spool import KeptMessages
from core.broker.topology import Topology
from core.clock import Clock
from core.errors import InvalidParameter, JournalUnavailable
from core.journal.operator import OperatorJournal, Pausable
from core.web import answer_json
from gateway.events.headers import Headers
from gateway.http.answers import show_page
from gateway.http.body import BodyGate, read_body
from gateway.http.middleware import SOURCE
from gateway.http.operator_bodies import (
    Body,
    CancelBody,
    PauseBody,
    ReplayBody,
    parse_body,
)
from gateway.http.query import parse_filter, parse_limit
from gateway.metrics import Metrics
from gateway.operator.answers import show_audit, show_preview, show_status, show_tally
from gateway.operator.keys import Operators
from gateway.operator.status import Depth, Status, queues_of, read_broker, read_journal
from gateway.operator.work import Bound, cancel, replay
from gateway.running import Running
from gateway.settings import Limits

MAX_BODY = 128 * 1024
LABEL = "(operator)"
"""In place of a source's name in metrics; no source can be called so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What the handlers need; built once, where there are operators at all."""

    operators: Operators
    journal: OperatorJournal | None
    depth: Depth
    spool: KeptMessages | None
    running: Running
    gate: BodyGate
    limits: Limits
    clock: Clock
    metrics: Metrics

    def present(self) -> OperatorJournal:
        if self.journal is None:
            raise JournalUnavailable("this gateway has no journal")
        return self.journal

    @property
    def bound(self) -> Bound:
        return Bound(actions=self.limits.operator_actions, time=self.limits.operator_time)


DESK = web.AppKey("desk", Desk)


def _who(request: web.Request) -> str:
    """Raises Unauthenticated, before anything of the request is looked at."""
    authorization = Headers(request.headers).one("authorization")
    who = request.app[DESK].operators.by_bearer(authorization)
    request[SOURCE] = LABEL
    return who


async def _body(request: web.Request, model: type[Body]) -> Body:
    desk = request.app[DESK]
    with desk.gate.pass_through():
        return parse_body(
            model, await read_body(request, limit=MAX_BODY, within=desk.limits.body_time)
        )


async def get_status(request: web.Request) -> web.Response:
    _who(request)
    desk = request.app[DESK]
    side = await read_journal(desk.present())
    current = desk.running.current
    topology = Topology.of(current.topology.providers)
    status = Status(
        rules=current.planner.version,
        broker=await read_broker(desk.depth, queues_of(topology)),
        journal=side,
        spooled=desk.spool.holding.messages if desk.spool is not None else None,
    )
    return answer_json(show_status(status, desk.clock.now()))


async def get_audit(request: web.Request) -> web.Response:
    _who(request)
    limit = parse_limit(request.query, default=100)
    return answer_json(show_audit(await request.app[DESK].present().audited(limit=limit)))


async def get_all_actions(request: web.Request) -> web.Response:
    _who(request)
    wanted = parse_filter(request.query, source=None)
    page = await request.app[DESK].present().actions(wanted)
    shown = show_page(page)
    for each, action in zip(shown["actions"], page.actions, strict=True):
        each["source"] = action.source
    return answer_json(shown)


async def post_pause(request: web.Request) -> web.Response:
    who, desk = _who(request), request.app[DESK]
    body = await _body(request, PauseBody)
    if not (body.force or body.name in _known(desk, body.kind)):
        raise InvalidParameter(f"name: the configuration has no {body.kind.value} of this name.")
    await desk.present().pause(body.kind, body.name, who=who)
    desk.metrics.operator_changes.labels("pause").inc()
    return answer_json({"kind": body.kind.value, "name": body.name, "paused": True})


async def post_resume(request: web.Request) -> web.Response:
    who, desk = _who(request), request.app[DESK]
    body = await _body(request, PauseBody)
    resumed = await desk.present().resume(body.kind, body.name, who=who)
    desk.metrics.operator_changes.labels("resume").inc(int(resumed))
    shown = {"kind": body.kind.value, "name": body.name, "paused": False, "was_paused": resumed}
    return answer_json(shown)


def _known(desk: Desk, kind: Pausable) -> frozenset[str]:
    current = desk.running.current
    if kind is Pausable.PROVIDER:
        return frozenset(current.topology.providers)
    return current.rule_ids


async def post_cancel(request: web.Request) -> web.Response:
    who, desk = _who(request), request.app[DESK]
    body = await _body(request, CancelBody)
    journal, selection = desk.present(), body.wanted(desk.clock)
    if body.preview:
        return answer_json({"preview": True, **show_preview(await journal.preview(selection))})

    tally = await cancel(
        journal,
        selection,
        who=who,
        clock=desk.clock,
        bound=desk.bound,
        told=desk.metrics.count_changes("cancel"),
    )
    left = (await journal.preview(selection)).wanted
    return answer_json({"preview": False, **show_tally(tally), "left": left})


async def post_replay(request: web.Request) -> web.Response:
    who, desk = _who(request), request.app[DESK]
    body = await _body(request, ReplayBody)
    journal, wish = desk.present(), body.wish(desk.clock)
    if body.preview:
        return answer_json({"preview": True, **show_preview(await journal.preview(wish.selection))})
    tally = await replay(
        journal,
        wish,
        desk.running.planner(),
        who=who,
        clock=desk.clock,
        bound=desk.bound,
        told=desk.metrics.count_changes("replay"),
    )
    found = await journal.preview(wish.selection)
    following = None if tally.complete else body.next_after(wish, tally.after)
    left = found.wanted - found.expired
    return answer_json({"preview": False, **show_tally(tally), "left": left, "next": following})
