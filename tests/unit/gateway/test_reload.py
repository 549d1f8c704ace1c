"""What a reload makes of a broker that cannot have the new queues."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest
from prometheus_client import CollectorRegistry

from core.broker.topology import Topology
from core.clock import ManualClock
from core.errors import BrokerError, BrokerUnavailable, TopologyMismatch, Unroutable
from gateway.metrics import Metrics
from gateway.reload import Reloader
from gateway.running import Configuration, Running


def configuration(*providers: str) -> Configuration:
    return cast("Configuration", SimpleNamespace(topology=Topology.of(providers)))


@pytest.mark.parametrize(
    ("error", "is_over"),
    [
        (BrokerUnavailable("away"), False),
        (Unroutable("somebody deletes what is declared"), False),
        (TopologyMismatch("postern.sms.bulk stands otherwise"), True),
    ],
)
async def test_the_running_one_stays_and_the_process_goes_on(
    error: BrokerError, is_over: bool
) -> None:
    async def declare(_: Topology) -> None:
        raise error

    running = Running(before := configuration("altcraft"))
    reloader = Reloader(
        running=running,
        load=lambda: configuration("altcraft", "sms"),
        declare=declare,
        metrics=Metrics(CollectorRegistry()),
        clock=ManualClock(),
    )
    assert await reloader.reload() is is_over
    assert running.current is before
