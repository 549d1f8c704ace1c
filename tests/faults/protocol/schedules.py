"""Schedules: what happens in which order, drawn by chance, played, one move at a time.

A schedule is data and is played the same way each time: what does not apply when its turn comes
does nothing, so that any part of it can be left out. What must not go in: what must be true at the
end.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from random import Random

from tests.faults.protocol.gates import How
from tests.faults.protocol.journal import next_moment
from tests.faults.protocol.world import (
    CALLS,
    PROCESSES,
    QUEUE,
    SCHEDULERS,
    WORKERS,
    World,
)

WELL = (How.WELL,) * 14
"""More steps than any piece of work has."""
MOST_EVENTS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One thing that happens. `who`: the processes it happens to; `hows`: their steps."""

    what: str
    who: tuple[str, ...] = ()
    hows: tuple[How, ...] = ()
    number: int = 0
    kind: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """`killed`: in the end all processes are killed; otherwise they end what they are at."""

    seed: int
    moves: tuple[Move, ...]
    killed: bool


async def play(world: World, move: Move) -> None:
    match move.what:
        case "post":
            if "gateway" not in world.walks and len(world.events) < MOST_EVENTS:
                await world.send(world.plan(move.kind))
                await world.go("gateway", move.hows)
        case "post again":
            if world.events:
                await world.send(world.events[move.number % len(world.events)])
                await world.go("gateway", move.hows)
        case "go":
            await world.go(move.who[0], move.hows)
        case "go up to":
            await world.go(move.who[0], before=move.kind)
        case "at once":
            for name in move.who:
                await world.go(name, ())
            await world.meet(move.who)
        case "kill":
            await world.crash(move.who[0])
        case _:
            _befall(world, move)


def _befall(world: World, move: Move) -> None:
    """What happens without anybody taking a step."""
    match move.what:
        case "time":
            world.pass_time(move.number)
        case "cut off":
            world.cut_off(move.who[0])
        case "lands" | "vanishes":
            world.decide(move.number, lands=move.what == "lands")
        case "delete the queue":
            world.delete_queue()


class Chance:
    """Draws moves. Each schedule has its own mood: some stall, some fail, some die more often."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._stall = rng.choice([0.1, 0.25, 0.35])
        self._fail = rng.choice([0.02, 0.1, 0.25])
        self._ahead: list[Callable[[World], Awaitable[list[Move]]]] = []
        self._kinds = rng.choice([["text"], ["text", "trigger"], sorted(CALLS)])
        self._weights = {
            name: weight * rng.choice([0.3, 1, 1, 3])
            for name, weight in {
                "work": 10.0,
                "time": 6.0,
                "overtake": 2.5,
                "race": 2.5,
                "at once": 3.0,
                "recorder": 2.0,
                "gateway": 2.0,
                "kill": 2.0,
                "schedule": 1.5,
                "cut off": 1.0,
                "lands": 0.6,
                "vanishes": 0.4,
                "post again": 1.0,
                "delete the queue": 0.1,
            }.items()
        }

    async def moves(self, world: World) -> list[Move]:
        """The next ones, belonging together."""
        rng = self._rng
        if self._ahead and rng.random() < 0.9:
            return await self._ahead.pop(0)(world)
        idle = "gateway" not in world.walks and not world.broker.ready.get(QUEUE)
        if not world.events or (idle and rng.random() < 0.35):
            return self._posts(len(world.events))
        names, weights = zip(*self._weights.items(), strict=True)
        return await self._draw(rng.choices(names, weights)[0], world)

    async def _draw(self, what: str, world: World) -> list[Move]:
        match what:
            case "time":
                return await self._time(world)
            case "race":
                return await self._race(world)
            case "overtake":
                return self._overtake()
            case _:
                return [self._one(what, world)]

    def _one(self, what: str, world: World) -> Move:
        rng = self._rng
        move = Move(what=what, number=rng.randrange(8), hows=self._hows())
        match what:
            case "work":
                move = replace(move, what="go", who=(rng.choice(WORKERS),))
            case "schedule":
                move = replace(move, what="go", who=(rng.choice(SCHEDULERS),))
            case "recorder" | "gateway":
                move = replace(move, what="go", who=(what,))
            case "at once":
                move = replace(move, who=self._two(world))
            case "kill" | "cut off":
                move = replace(move, who=(rng.choice(sorted(world.walks) or PROCESSES),))
        return move

    def _hows(self) -> tuple[How, ...]:
        rng, hows = self._rng, list[How]()
        if rng.random() < 0.25:
            return WELL
        while len(hows) < len(WELL) and rng.random() > self._stall:
            fails = rng.random() < self._fail
            hows.append(rng.choice([How.FAILS, How.LOST]) if fails else How.WELL)
        return tuple(hows)

    def _go(self, name: str) -> Move:
        return Move(what="go", who=(name,), hows=self._hows())

    def _posts(self, number: int) -> list[Move]:
        hows = WELL if self._rng.random() < 0.7 else self._hows()
        post = Move(what="post", kind=self._rng.choice(self._kinds), hows=hows)
        again = Move(what="post again", number=number, hows=WELL)
        return [post, again] if self._rng.random() < 0.4 else [post]

    def _overtake(self) -> list[Move]:
        """A worker stalls, its action is taken over and goes to another; then it goes on."""
        rng = self._rng
        (slow, quick), scheduler = rng.sample(WORKERS, 2), (rng.choice(SCHEDULERS),)
        stop = rng.choice(["find", "find", "send", "answer", "finish", "ack"])
        goes_far = _lets(Move(what="go up to", who=(quick,), kind=stop))
        slow_goes = _lets(Move(what="go", who=(slow,), hows=WELL))
        if rng.random() < 0.3:
            # The outcome comes while the action is being published.
            marks = Move(what="go up to", who=scheduler, kind="mark_queued")
            going = [_lets(marks), slow_goes, _lets(replace(marks, what="go", hows=WELL)), goes_far]
        else:
            going = [self._next_turn, goes_far, slow_goes]
        quick_goes = _lets(Move(what="go", who=(quick,), hows=WELL))
        killed = _lets(Move(what="kill", who=(quick,)))
        late = [self._next_turn, quick_goes]
        end = rng.choice([[quick_goes], [killed], late, late])
        self._ahead = [self._next_turn, self._time_comes, *going, *end]
        last = rng.choice([How.WELL, How.WELL, How.FAILS, How.LOST])
        hows = (*WELL[: rng.choice([0, 0, 1, 1, 2, 3])], last)
        return [Move(what="go", who=(slow,), hows=hows)]

    async def _time_comes(self, world: World) -> list[Move]:
        moment = await next_moment(world.real, world.clock)
        return [Move(what="time", number=moment or 0)]

    async def _race(self, world: World) -> list[Move]:
        """A scheduler stalls around its publish, and a worker has the message meanwhile."""
        name = (self._rng.choice(SCHEDULERS),)
        how = self._rng.choice([How.WELL, How.FAILS, How.FAILS, How.LOST])
        if self._rng.random() < 0.5:
            stall = [
                Move(what="go up to", who=name, kind="publish"),
                Move(what="go", who=name, hows=(how, *WELL)),
            ]
        else:
            stall = [Move(what="go up to", who=name, kind="mark_queued")]
        self._ahead = [
            _lets(self._go(self._rng.choice(WORKERS))),
            _lets(self._go(self._rng.choice(WORKERS))),
            _lets(Move(what="go", who=name, hows=WELL)),
        ]
        return [*await self._time_comes(world), *stall]

    async def _next_turn(self, world: World) -> list[Move]:
        turn = Move(what="go", who=(self._rng.choice(SCHEDULERS),), hows=WELL)
        return [*await self._time_comes(world), turn]

    async def _time(self, world: World) -> list[Move]:
        """Mostly just so far that something is due, or a lease runs out."""
        rng = self._rng
        moment = await next_moment(world.real, world.clock)
        if moment is None:
            return [self._go(rng.choice(WORKERS))]
        seconds = rng.choice([moment, moment, moment, moment + 1, 5, 12])
        time = Move(what="time", number=seconds)
        if rng.random() < 0.4:
            return [time]
        return [time, self._go(rng.choice(SCHEDULERS))]

    def _two(self, world: World) -> tuple[str, ...]:
        """Two workers; rather such as stand before the same step."""
        at = defaultdict[str | None, list[str]](list)
        for name in WORKERS:
            if name in world.walks:
                at[world.walks[name].at].append(name)
        pairs = [names for names in at.values() if len(names) > 1]
        return tuple(self._rng.sample(pairs[0] if pairs else WORKERS, 2))


def _lets(move: Move) -> Callable[[World], Awaitable[list[Move]]]:
    async def let(_world: World) -> list[Move]:
        return [move]

    return let
