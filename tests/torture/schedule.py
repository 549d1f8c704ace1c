"""When which fault happens: three lanes of faults beside each other, from one seed.

The draws of a lane depend on the seed alone; how long a fault takes to be over depends on the
machine, so two runs with one seed see the same faults in the same order, not at the same moments.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from random import Random

from tests.torture import faults
from tests.torture.rig import Rig

_LONG = 300
"""Seconds from which a run is long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    fault: str
    began: float
    ended: float
    """Both in seconds from the start."""


async def torture(rig: Rig, seconds: float, seed: int) -> list[Happened]:
    """Until the time is over and every fault that began has ended."""
    happened: list[Happened] = []
    start = time.monotonic()
    lanes = {
        "processes": faults.PROCESSES,
        "servers": faults.SERVERS + (faults.LONG if seconds >= _LONG else ()),
        "network": faults.NETWORK,
    }

    async def lane(name: str) -> None:
        rng = Random(f"{seed}/{name}")
        while True:
            await asyncio.sleep(rng.uniform(0.5, 5))
            fault = rng.choice(lanes[name])
            # A lane's draws stay the same whatever a fault draws.
            draws = Random(rng.random())
            began = time.monotonic() - start
            if began > seconds:
                return
            await fault(rig, draws)
            happened.append(
                Happened(fault=fault.__name__, began=began, ended=time.monotonic() - start)
            )

    async with asyncio.TaskGroup() as group:
        for name in lanes:
            group.create_task(lane(name))
    return happened
