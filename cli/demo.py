"""`postern demo`: all of it at once, on simulated providers, with sample events.

What must not go in: what the samples are (see `samples`) and whether all went well (see `verdict`).
"""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import aiohttp
import click
from rich.text import Text

from cli.event_files import EventFile, read_events
from cli.options import log_as
from cli.output import console, plain, state_text
from cli.posting import Posted, bearer, post
from cli.run import open_everything
from cli.samples import EXAMPLES, KEY, SAMPLES, STUMBLE, new_secret, write_configuration
from cli.verdict import Effect, Told, problems
from core.clock import SystemClock
from core.configuration import Secret
from core.errors import PosternError
from core.journal.port import ReadJournal
from core.journal.states import ENDED, State
from core.process import signals
from core.settings import Settings, read_settings
from sandbox.app import serve_sandbox

PATIENCE = 60.0
"""Seconds within which every action has to end; the slowest sample is tried again after one."""

LOOK_EVERY = 0.1
PORTS = {"POSTERN_LISTEN": 8080, "POSTERN_ADMIN": 9080}
SANDBOX_PORT = 8181

OWN_EVENT = """{"id": "mine-1", "type": "order.shipped",
       "data": {"number": "1003", "phone": "0171 3920009", "tracking": "https://example.com/3"}}"""

INVITATION = """
texts and subscriptions  {sandbox}/
events                   {url}/v1/events
metrics                  {admin}/metrics

Send one yourself, and watch the page:

  curl -i {url}/v1/events \\
    -H 'Authorization: Bearer {key}' \\
    -H 'Content-Type: application/json' \\
    -d '{event}'

Ask the journal, in another terminal:

  {postern} actions --data {data}
  {postern} show REF --data {data}
  {postern} books --data {data} --config {data}/postern.yaml

Ctrl-C ends the demo."""


@click.command("demo")
@click.option(
    "--once", is_flag=True, help="End after the table: 0 if everything went as it should."
)
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Keep the broker and the journal here.  [default: a new directory, removed at the end]",
)
def command(*, once: bool, data: Path | None) -> None:
    """Start everything with simulated providers, post sample events, show what became of them.

    It stays up until Ctrl-C, to be played with. Ports that are taken are replaced by free ones.

    Example: postern demo --once
    """
    with directory(data) as place:
        raise SystemExit(asyncio.run(_demo(place, once=once)))


@contextmanager
def directory(data: Path | None) -> Iterator[Path]:
    if data is not None:
        data.mkdir(parents=True, exist_ok=True)
        yield data
        return
    with tempfile.TemporaryDirectory(prefix="postern-demo-") as made:
        yield Path(made)


async def _demo(place: Path, *, once: bool) -> int:
    started = SystemClock().now()
    async with signals() as stop, serve_sandbox(f"127.0.0.1:{_port(SANDBOX_PORT)}") as sandbox:
        settings, key = _settings(place, sandbox)
        async with open_everything(settings) as everything, aiohttp.ClientSession() as session:
            url = f"http://{everything.gateway.listen}"
            await _order_fault(session, sandbox)
            refs = await _post_samples(session, f"{url}/v1/events", key)
            told = await _follow(everything.journal, refs, stop)
            found = problems(told, await _effects(session, sandbox), since=started)
            _show(told, found)
            if once or stop.is_set():
                return 1 if found else 0
            _invite(url, f"http://{everything.gateway.admin}", sandbox, key, settings)
            await stop.wait()
            print("\nEnding.")
    return 0


def _settings(place: Path, sandbox: str) -> tuple[Settings, Secret]:
    """Settings of this process alone: what the shell says about a broker or journal does not
    count."""
    config = place / "postern.yaml"
    names = write_configuration(config, sandbox)
    # The configuration says `env: NAME`, as any does; the values live in this process only.
    os.environ.update({name: new_secret(name) for name in sorted(names)})
    own = {name: f"127.0.0.1:{_port(port)}" for name, port in PORTS.items()}
    settings = read_settings(
        {**own, "POSTERN_LOG_LEVEL": "warning"}, data=place, config=config, also_allowed=names
    )
    log_as(settings)
    return settings, Secret(os.environ[KEY])


def _port(wanted: int) -> int:
    """The port people expect, or any free one. Somebody may still take it before us."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise PosternError("there is no free port on 127.0.0.1")


async def _order_fault(session: aiohttp.ClientSession, sandbox: str) -> None:
    async with session.post(f"{sandbox}/_sandbox/faults", json=STUMBLE) as answer:
        answer.raise_for_status()


async def _post_samples(session: aiohttp.ClientSession, url: str, key: Secret) -> list[str]:
    """Post every sample, in order; the reference of each event."""
    refs = []
    for sample in SAMPLES:
        event: EventFile
        for event in read_events([EXAMPLES / "events" / sample.file]):
            result = await post(session, url, event, bearer(key))
            if result.posted is not Posted.ACCEPTED or result.ref is None:
                raise PosternError(f"{sample.file}: {result.posted.value}: {result.reason}")
            refs.append(result.ref)
    return refs


async def _follow(journal: ReadJournal, refs: list[str], stop: asyncio.Event) -> list[Told]:
    """What the journal says of each event once everything has ended, or the patience is over."""
    loop = asyncio.get_running_loop()
    until = loop.time() + PATIENCE
    with console().status("Waiting until every action has ended ..."):
        while True:
            reports = [await journal.event(ref) for ref in refs]
            ended = all(
                report is not None and all(action.state in ENDED for action in report.actions)
                for report in reports
            )
            if ended or stop.is_set() or loop.time() >= until:
                return [
                    Told(sample=sample, ref=ref, report=report)
                    for sample, ref, report in zip(SAMPLES, refs, reports, strict=True)
                ]
            await asyncio.sleep(LOOK_EVERY)


async def _effects(session: aiohttp.ClientSession, sandbox: str) -> list[Effect]:
    async with session.get(f"{sandbox}/_sandbox/effects") as answer:
        body = await answer.json()
    return [Effect(call=raw["call"], reference=raw["reference"]) for raw in body["effects"]]


def _show(told: list[Told], found: list[str]) -> None:
    """For each sample a line that says what it shows, and below it what became of its actions."""
    to = console()
    rules = [action.rule for each in told if each.report for action in each.report.actions]
    steps = [action.step for each in told if each.report for action in each.report.actions]
    widths = (max(map(len, rules), default=4), max(map(len, steps), default=4), 6, 8, 0)
    to.print(_aligned(widths, "rule", "step", "state", "attempts", "reference"), style="bold")
    for each in told:
        to.print(f"\n{each.sample.file.removesuffix('.json')}: {each.sample.shows}", style="bold")
        if each.report is None or not each.report.actions:
            to.print("  not recorded yet" if each.report is None else "  no action")
            continue
        for action in each.report.actions:
            attempts, reference = str(len(action.attempts)), action.reference or "-"
            state = state_text(action.state)
            to.print(_aligned(widths, action.rule, action.step, state, attempts, reference))
            if action.state is State.PARKED:
                to.print(f"    {plain(action.reason)}")
    print()
    for problem in found:
        print(f"NOT AS IT SHOULD BE: {problem}")
    if not found:
        print("Everything went as it should: each text was sent once, and nothing is missing.")


def _aligned(widths: Sequence[int], *cells: str | Text) -> Text:
    """One line of the table; its columns are as wide for every sample."""
    line = Text(" ")
    for width, cell in zip(widths, cells, strict=True):
        text = cell if isinstance(cell, Text) else Text(plain(cell))
        line.append(" ").append_text(text).append(" " * (width - len(text) + 1))
    return line


def _invite(url: str, admin: str, sandbox: str, key: Secret, settings: Settings) -> None:
    """What a newcomer can do next. The key is this demo's own and ends with it."""
    print(
        INVITATION.format(
            url=url,
            admin=admin,
            sandbox=sandbox,
            key=key.reveal(),
            event=OWN_EVENT,
            postern=shutil.which("postern") or sys.argv[0],
            data=settings.data,
        ),
        flush=True,
    )
