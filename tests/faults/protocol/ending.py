"""How every schedule must end: nothing lost, nothing done twice, nothing left over, and a person
asked only where the protocol has come to its end.

What must not go in: how it came to that.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from core.broker.topology import DEAD_QUEUE
from core.errors import UnreadableMessage
from core.journal.machine import DEAD_LIMIT, TAKEOVER_LIMIT
from core.journal.port import ActionFilter, Reported
from core.journal.states import OPEN, State
from core.messages import Action, Event, decode_action
from tests.faults.protocol.journal import EARLIER, recorded
from tests.faults.protocol.provider import PROVIDER
from tests.faults.protocol.world import QUEUE, Planner, Violation, World

ROUNDS = 25
"""Of a minute each, until everything must have come to an end."""


async def end(world: World, *, killed: bool) -> None:
    """Everything is restarted (or comes to its end first), nothing fails any more."""
    world.trace.append("the end")
    for name in list(world.walks):
        if killed or name == "gateway":
            await world.crash(name)
        else:
            await world.go(name)
    await _check_messages(world)
    for _ in range(ROUNDS):
        world.pass_time(61)
        await world.go("scheduler-1")
        while await world.go("recorder"):
            pass
        while await world.go("worker-1"):
            pass
        if await _is_quiet(world):
            break
    await _check_end(world)


async def _stored(world: World) -> dict[str, Reported]:
    page = await world.real.actions(ActionFilter(limit=1000))
    return {stored.id: stored for stored in page.actions if stored.id != EARLIER.id}


async def _is_quiet(world: World) -> bool:
    stored = await _stored(world)
    return not any(world.broker.ready.values()) and not any(
        each.state in OPEN for each in stored.values()
    )


async def _check_messages(world: World) -> None:
    """What is queued has its message, unless the world took it: healing is for that alone."""
    queued = {name for name, it in (await _stored(world)).items() if it.state is State.QUEUED}
    bodies = [
        message.body
        for queue in (QUEUE, DEAD_QUEUE)
        for message in world.broker.ready.get(queue, [])
    ]
    standing = set(actions_of(bodies))
    gone = set(actions_of(world.broker.lost))
    cut = {action.id for it in world.events if it.id in world.cut for action in _planned(it)}
    for name in queued - standing - gone - cut:
        raise _violation(world, "stranded", f"{name} is queued and has no message")


async def _check_end(world: World) -> None:
    stored, refs = await _stored(world), await recorded(world.real)
    for event_ in world.events:
        accepted = event_.id in world.accepted
        if accepted and event_.ref not in refs:
            raise _violation(world, "lost", f"{event_.id} was accepted and is not recorded")
        for action in _planned(event_):
            if action.id in stored:
                _check_action(world, action, stored[action.id])
            elif accepted:
                raise _violation(world, "lost", f"{action.params['action']} is not there")
    books = await world.real.books()
    if books.rowless or books.accepted != sum(books.states.values()):
        raise _violation(world, "wrong", f"the books do not balance: {books}")


def _planned(event_: Event) -> tuple[Action, ...]:
    return Planner().plan(event_).actions


def _check_action(world: World, action: Action, stored: Reported) -> None:
    name = str(action.params["action"])
    effects, told = world.provider.effects.count(name), f"{name} is {stored.state}"
    if effects > 1:
        raise _violation(world, "double", f"{told} and was carried out {effects} times")
    match stored.state:
        case State.QUEUED | State.WAITING | State.RUNNING:
            raise _violation(world, "stuck", told)
        case State.DONE if not effects:
            raise _violation(world, "lost", f"{told} and was never carried out")
        case State.EXPIRED | State.SKIPPED | State.SUPERSEDED if effects:
            raise _violation(world, "wrong", f"{told} and was carried out")
        case State.PARKED:
            _check_parked(world, action, stored.reason or "", name)


def _check_parked(world: World, action: Action, reason: str, name: str) -> None:
    """A person is asked only where the protocol has come to its end."""
    claims = world.journal.granted[action.id]
    dead = actions_of(world.broker.dead).count(action.id)
    if "workers in a row" in reason:
        right = claims >= TAKEOVER_LIMIT
    elif "the broker gave up" in reason:
        right = dead > 0 and claims + dead > DEAD_LIMIT
    elif "all retries are used up" in reason or "its lookup keeps failing" in reason:
        right = world.provider.failures[name] > len(PROVIDER.retry)
    else:
        right = False
    if not right:
        raise _violation(world, "parked", f"{name}: {reason!r}")


def _violation(world: World, kind: str, told: str) -> Violation:
    return Violation(kind, told, world.trace)


def actions_of(bodies: Iterable[bytes]) -> list[str]:
    """The actions whose messages these are; records of events are none."""
    found = []
    for body in bodies:
        with suppress(UnreadableMessage):
            found.append(decode_action(body).action.id)
    return found
