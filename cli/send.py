"""`postern send`: events from files to a gateway."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from cli.event_files import EventFile, read_events, with_new_id
from cli.following import Followed, Look, by_http, by_journal, follow
from cli.journal import reading
from cli.options import DURATION, settings_of
from cli.output import plain
from cli.posting import Posted, Result, Sign, bearer, post, standard_webhooks
from core.clock import SystemClock
from core.configuration import SecretRef

MANY = 20
"""From so many events on a progress bar is of use, and a line for each is not."""


@click.command("send")
@click.argument(
    "files",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, path_type=Path),
    metavar="FILE...",
)
@click.option(
    "--url",
    default="http://127.0.0.1:8080",
    show_default=True,
    help="The gateway; a URL with a path is used as it stands.",
)
@click.option("--key-env", metavar="NAME", help="Environment variable that holds the source's key.")
@click.option(
    "--secret-env",
    metavar="NAME",
    help="Sign with Standard Webhooks instead; the variable holds the secret (whsec_...).",
)
@click.option("--source", metavar="NAME", help="With --secret-env: the source that signs.")
@click.option(
    "--parallel",
    type=click.IntRange(1, 200),
    default=1,
    show_default=True,
    help="Events on their way at a time; more than one gives up their order.",
)
@click.option("--new-ids", is_flag=True, help="Give each event a new id: none is a repeat then.")
@click.option(
    "--wait",
    "within",
    type=DURATION,
    metavar="DURATION",
    help="Then wait until all their actions have ended, for so long at the most.",
)
def command(
    *,
    files: tuple[Path, ...],
    url: str,
    key_env: str | None,
    secret_env: str | None,
    source: str | None,
    parallel: int,
    new_ids: bool,
    within: timedelta | None,
) -> None:
    """Post events to a gateway.

    FILE is a JSON object, a JSON array, JSON lines (*.jsonl) or a directory of such files. What
    fails with a 5xx or without an answer is sent again, honouring Retry-After; sending again is
    safe. Exit 1 if any event was not accepted; each such event is named.

    With --wait the gateway is asked what became of them or, as nobody can ask it with a signature,
    the journal (POSTERN_JOURNAL); exit 1 if an action is parked, or not all have ended in time.

    Example: postern send --key-env SHOP_KEY examples/events
    """
    if (key_env is None) == (secret_env is None):
        raise click.UsageError("Give --key-env, or --secret-env with --source.")
    if (secret_env is None) != (source is None):
        raise click.UsageError("--secret-env and --source go together.")
    sign = _signer(key_env, secret_env)
    events = list(read_events(files))
    if new_ids:
        events = [with_new_id(event) for event in events]
    target = _target(url, source)
    results = asyncio.run(_send(target, events, sign, parallel))
    code = _report(results)
    if within is not None:
        refs = [result.ref for result in results if result.ref is not None]
        followed = asyncio.run(_follow(refs, within, url=target, key_env=key_env, source=source))
        code = max(code, _report_followed(followed))
    raise SystemExit(code)


def _signer(key_env: str | None, secret_env: str | None) -> Sign:
    if key_env is not None:
        return bearer(SecretRef(env=key_env).read(field="--key-env"))
    return standard_webhooks(SecretRef(env=secret_env).read(field="--secret-env"), SystemClock())


def _target(url: str, source: str | None) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise click.UsageError("--url: expected a URL such as http://127.0.0.1:8080")
    if parts.path not in {"", "/"}:
        return url
    return (
        f"{url.rstrip('/')}/v1/events" if source is None else f"{url.rstrip('/')}/v1/hooks/{source}"
    )


async def _send(url: str, events: Sequence[EventFile], sign: Sign, parallel: int) -> list[Result]:
    """Results in the order of the events. `parallel` lines work off one common list."""
    results: dict[int, Result] = {}
    numbered = iter(enumerate(events))
    with _progress(len(events)) as progress:
        task = progress.add_task("sending", total=len(events))

        async def work(todo: Iterator[tuple[int, EventFile]]) -> None:
            for number, event in todo:
                results[number] = await post(session, url, event, sign)
                progress.advance(task)

        async with _session(parallel) as session, asyncio.TaskGroup() as group:
            for _ in range(min(parallel, len(events))):
                group.create_task(work(numbered))
    return [results[number] for number in sorted(results)]


async def _follow(
    refs: Sequence[str], within: timedelta, *, url: str, key_env: str | None, source: str | None
) -> list[Followed]:
    async with _looking(url, key_env, source) as look:
        return await asyncio.gather(*(follow(look, ref, within=within) for ref in refs))


@asynccontextmanager
async def _looking(url: str, key_env: str | None, source: str | None) -> AsyncIterator[Look]:
    if key_env is not None:
        key = SecretRef(env=key_env).read(field="--key-env")
        async with _session(4) as session:
            yield by_http(session, url, key)
    else:
        async with reading(settings_of(None, None)) as journal:
            yield by_journal(journal, source or "")


def _report_followed(followed: Sequence[Followed]) -> int:
    for each in followed:
        for state in each.states:
            print(plain(f"{each.ref}: {state}"))
        if each.problem:
            print(plain(f"{each.ref}: {each.problem}"), file=sys.stderr)
    good = sum(not each.problem for each in followed)
    print(f"{good} of {len(followed)} ended")
    return 0 if good == len(followed) else 1


def _session(parallel: int) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=parallel))


def _progress(total: int) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        disable=total < MANY or not sys.stderr.isatty(),
    )


def _report(results: Sequence[Result]) -> int:
    if len(results) < MANY:
        for result in results:
            if result.posted is Posted.ACCEPTED:
                print(plain(f"{result.name}: accepted, {result.ref}"))
    bad = [result for result in results if result.posted is not Posted.ACCEPTED]
    for result in bad:
        print(plain(f"{result.name}: {result.posted.value}: {result.reason}"), file=sys.stderr)
    counts = {kind: sum(result.posted is kind for result in results) for kind in Posted}
    print(", ".join(f"{count} {kind.value}" for kind, count in counts.items()))
    return 1 if bad else 0
