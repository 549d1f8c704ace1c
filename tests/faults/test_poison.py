"""A message that ends the process that takes it: in the end it is parked with what is known, and
its neighbours are carried out.

The worker is a real process on a real RabbitMQ, made to die by a hook that only these tests put in,
and started again each time, as a supervisor does.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from core.broker.connect import open_broker
from core.broker.port import Broker, Outgoing
from core.broker.rabbitmq import declaring
from core.broker.topology import DEAD_QUEUE, RECORDER_QUEUE, Topology, work_queue
from core.journal.connect import migrate_journal, open_journal
from core.journal.port import ActionFilter
from core.journal.sql import SqlJournal
from core.journal.states import State
from core.messages import Action, ActionMessage, Lane, encode_action, encode_record
from sandbox.app import serve_sandbox
from tests.faults.stage import a_text
from tests.samples import a_record
from tests.servers.process import free_ports

ROOT = Path(__file__).resolve().parents[2]
CONFIG = """
sources: {}
providers:
  sms:
    kind: smsgateway24
    url: "{sandbox}/smsgateway24"
    token: {env: POSTERN_SMS_TOKEN}
    device_id: 260
    region: DE
    timeout: 1s
    reconcile_lag: 1s
rules: []
"""
DIES = {
    "before the claim": "consumers.carrier.decode_action",
    "after the claim": "consumers.delivery.course",
}
HOOK = """
import importlib, os, sys
from datetime import timedelta
from core.broker.rabbitmq import declaring
from core.journal import machine
from consumers.__main__ import run
from consumers.settings import ConsumerSettings
from core.process import run_process

declaring.DELIVERY_LIMIT = {limit}
machine.SCATTER = 6_000_000
ConsumerSettings.__init__.__kwdefaults__["lease_margin"] = timedelta(seconds=1)
ConsumerSettings.__init__.__kwdefaults__["leader_lease"] = timedelta(seconds=2)
module, _, name = "{target}".rpartition(".")
owner = importlib.import_module(module)
original = getattr(owner, name)

def deadly(*arguments):
    if "POISON" in repr(arguments):
        os._exit({code})
    return original(*arguments)

setattr(owner, name, deadly)
sys.exit(run_process("consumers", run))
"""
"""Shorter waits and fewer deliveries than usual, so that it does not take minutes."""

LIMIT = 3
SEGMENTATION_FAULT = 139


class Supervised:
    """The consumers, started again whenever they end."""

    def __init__(self, folder: Path, environment: dict[str, str], target: str) -> None:
        self._folder = folder
        self._environment = environment
        self._script = HOOK.format(target=target, limit=LIMIT, code=SEGMENTATION_FAULT)
        self.deaths = 0

    async def run(self) -> None:
        with (self._folder / "told").open("wb") as told:
            while True:
                process = await asyncio.create_subprocess_exec(
                    sys.executable, "-c", self._script, cwd=ROOT, env=self._environment, stderr=told
                )
                try:
                    code = await process.wait()
                except asyncio.CancelledError:
                    process.send_signal(signal.SIGKILL)
                    await process.wait()
                    raise
                assert code == SEGMENTATION_FAULT, (self._folder / "told").read_text()[-2000:]
                self.deaths += 1


@asynccontextmanager
async def supervised(folder: Path, target: str, **variables: str) -> AsyncIterator[Supervised]:
    (admin,) = free_ports(1)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("POSTERN")}
    environment = (
        kept
        | variables
        | {
            "PYTHONPATH": str(ROOT),
            "POSTERN_ADMIN": f"127.0.0.1:{admin}",
            "POSTERN_SMS_TOKEN": "a-token-for-tests",
        }
    )
    consumers = Supervised(folder, environment, target)
    running = asyncio.create_task(consumers.run())
    try:
        yield consumers
    finally:
        running.cancel()
        outcome = (await asyncio.gather(running, return_exceptions=True))[0]
        if isinstance(outcome, Exception):
            raise outcome


async def ended(journal: SqlJournal, count: int, within: float = 180) -> dict[str, State]:
    states: dict[str, State] = {}
    try:
        async with asyncio.timeout(within):
            while True:
                page = await journal.actions(ActionFilter(limit=100))
                states = {action.id: action.state for action in page.actions}
                if len(states) == count and set(states.values()) <= {State.DONE, State.PARKED}:
                    return states
                await asyncio.sleep(0.2)
    except TimeoutError:
        raise AssertionError(f"after {within} s they are {states}") from None


@pytest.mark.fault(18)
@pytest.mark.timeout(280)
@pytest.mark.parametrize("when", DIES)
async def test_a_message_that_ends_its_worker_is_parked_and_its_neighbours_are_carried_out(
    when: str,
    tmp_path: Path,
    broker_url: str,
    postgres_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(declaring, "DELIVERY_LIMIT", LIMIT)
    async with (
        serve_sandbox("127.0.0.1:0") as sandbox,
        open_broker(broker_url) as broker,
    ):
        config = tmp_path / "postern.yaml"
        config.write_text(CONFIG.replace("{sandbox}", sandbox), encoding="utf-8")
        await broker.declare(Topology.of(["sms"]))
        poison = a_text("POISON")
        neighbours = [a_text(f"o-{n}") for n in range(6)]
        await publish(broker, [*neighbours[:3], poison, *neighbours[3:]])
        await migrate_journal(postgres_url)
        async with (
            open_journal(postgres_url) as journal,
            supervised(
                tmp_path,
                DIES[when],
                POSTERN_CONFIG=str(config),
                POSTERN_BROKER=broker_url,
                POSTERN_JOURNAL=postgres_url,
            ) as consumers,
        ):
            states = await ended(journal, 7)
            assert states == {
                poison.id: State.PARKED,
                **{action.id: State.DONE for action in neighbours},
            }
            reason = await why(journal, poison)
            sys.stdout.write(f"\n{when}: {consumers.deaths} deaths, then parked: {reason}\n")
            assert await broker.depth(DEAD_QUEUE) == 0
            assert await broker.depth(work_queue("sms", Lane.NORMAL)) == 0


async def publish(broker: Broker, actions: list[Action]) -> None:
    await broker.publish(
        [
            *(
                Outgoing(
                    queue=RECORDER_QUEUE, body=encode_record(a_record(action.event_id, action))
                )
                for action in actions
            ),
            *(
                Outgoing(
                    queue=work_queue("sms", Lane.NORMAL),
                    body=encode_action(ActionMessage(action=action)),
                )
                for action in actions
            ),
        ]
    )


async def why(journal: SqlJournal, action: Action) -> str | None:
    page = await journal.actions(ActionFilter(limit=100))
    return next(found.reason for found in page.actions if found.id == action.id)
