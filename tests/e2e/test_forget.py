"""A person is forgotten through the command line, and told of again: nothing reaches them, and no
table holds them."""

from __future__ import annotations

import asyncio
import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from core.broker.embedded.spool import Spool
from core.broker.port import Outgoing
from core.broker.spool import SpoolBounds
from core.broker.topology import RECORDER_QUEUE
from core.clock import ManualClock
from core.messages import ActionMessage, encode_action, encode_record
from tests.e2e.command_line import environment, postern, running
from tests.samples import a_record, an_action
from tests.servers.process import free_ports

PHONE, EMAIL = "0151 23456789", "Anna.Muster@example.com"
BEFORE = datetime.now(UTC).isoformat()


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    directory: Path
    env: dict[str, str]
    url: str
    sandbox: str

    def run(self, *arguments: str, code: int = 0) -> str:
        done = postern(*arguments, cwd=self.directory, env=self.env)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    def send(self, event_id: str, **more: str) -> None:
        data = {"phone": PHONE, "first_name": "Annabella", "email": EMAIL}
        event = {"id": event_id, "type": "order.shipped", "subject": EMAIL, "data": data, **more}
        file = self.directory / "event.json"
        file.write_text(json.dumps(event))
        self.run("send", str(file), "--url", self.url, "--key-env", "SHOP_KEY")

    def wait_for(self, *states: str) -> None:
        """Each look is a process, which is pause enough. `open`: queued or waiting, in turns."""
        opened = {"queued": "open", "waiting": "open"}
        for _ in range(12):
            listed = json.loads(self.run("actions", "--json"))["actions"]
            found = sorted(opened.get(each["state"], each["state"]) for each in listed)
            if found == list(states):
                return
        raise AssertionError(f"expected {states}, found {found}")

    def texts(self) -> int:
        with urlopen(f"{self.sandbox}/_sandbox/counts", timeout=10) as answer:
            counts: dict[str, Any] = json.load(answer)
        return sum(int(each) for each in counts["effects"].values())


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    assert postern("init", tmp_path, cwd=tmp_path).returncode == 0
    lines = (tmp_path / "postern.env").read_text().splitlines()
    secrets = dict(line.split("=", 1) for line in lines)
    listen, admin = free_ports(2)
    env = environment(
        **secrets,
        POSTERN_LISTEN=f"127.0.0.1:{listen}",
        POSTERN_ADMIN=f"127.0.0.1:{admin}",
        POSTERN_SPOOL=str(tmp_path / "spool"),
    )
    with running("sandbox", "--listen", "127.0.0.1:0", cwd=tmp_path) as sandbox:
        url = sandbox.wait_for(r"smsgateway24 +url: (\S+)")[1]
        file = tmp_path / "postern.yaml"
        file.write_text(re.sub(r"url: \S+", f"url: {url}", file.read_text()))
        with running("run", cwd=tmp_path, env=env) as run:
            run.wait_for("Ctrl-C ends it")
            yield Shop(
                directory=tmp_path,
                env=env,
                url=f"http://127.0.0.1:{listen}",
                sandbox=url.removesuffix("/smsgateway24"),
            )
            assert run.end() == 0


def test_a_person_who_was_forgotten_is_not_texted_any_more(shop: Shop) -> None:
    shop.send("o-1")
    shop.wait_for("done")
    shop.run("pause", "provider", "sms")
    shop.send(f"o-2-{EMAIL}")
    shop.wait_for("done", "open")
    looked = shop.run("forget", PHONE, EMAIL, "--dry-run")
    assert re.search(r"events +2 +to be emptied", looked)
    told = json.loads(shop.run("forget", "+49 151 23456789", EMAIL, "--yes", "--json"))
    assert told["preview"]["events"] == told["result"]["events"] == 2
    assert sum(told["preview"]["states"].values()) == 2
    assert len(told["result"]["elsewhere"]) == 2
    shop.send("o-1")
    shop.send("o-3", time=BEFORE)
    shop.run("resume", "provider", "sms")
    shop.wait_for("cancelled", "cancelled", "done")
    shop.run("books")
    assert shop.texts() == 1
    journal = shop.directory / "postern-data" / "journal.db"
    dumped = dump(journal).lower()
    for trace in ("15123456789", "151 2345", "anna", "muster", "example.com"):
        assert trace not in dumped, trace
    assert "forget" in shop.run("audit")
    (ref,) = {each["ref"] for each in listed(shop) if each["state"] == "done"}
    assert json.loads(shop.run("show", ref, "--json"))["erased"] is True
    replayed = json.loads(
        shop.run("replay", "--state", "cancelled", "--source", "shop", "--yes", "--json")
    )
    assert replayed["result"]["not_changed"]["erased"]["actions"] == 2


def test_nothing_is_forgotten_where_nobody_can_be_asked(shop: Shop) -> None:
    done = postern("forget", PHONE, cwd=shop.directory, env=shop.env)
    assert (done.returncode, "--yes" in done.stderr) == (2, True)
    done = postern("forget", "u-1", cwd=shop.directory, env=shop.env)
    assert (done.returncode, "u-1" in done.stderr) == (2, False)


def listed(shop: Shop) -> list[dict[str, str]]:
    found: list[dict[str, str]] = json.loads(shop.run("actions", "--json"))["actions"]
    return found


def dump(path: Path) -> str:
    """Every value of every column of every table, as text."""
    with closing(sqlite3.connect(path)) as database:
        names = [
            name
            for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        ]
        assert {"events", "actions", "marks", "audit", "erased"} <= set(names)
        return "\n".join(
            repr(row) for name in names for row in database.execute(f'SELECT * FROM "{name}"')
        )


def test_a_spool_that_no_gateway_works_on_is_emptied_at_once(tmp_path: Path) -> None:
    """What stands in it is sent on later, and reaches nobody."""
    assert postern("init", tmp_path, cwd=tmp_path).returncode == 0
    lines = (tmp_path / "postern.env").read_text().splitlines()
    spool = tmp_path / "spool"
    env = environment(**dict(line.split("=", 1) for line in lines), POSTERN_SPOOL=str(spool))
    assert postern("migrate", cwd=tmp_path, env=env).returncode == 0
    asyncio.run(put_into(spool))
    done = postern("forget", EMAIL, "--yes", "--json", cwd=tmp_path, env=env)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)["result"]
    assert (result["in_files"], result["elsewhere"]) == (2, [])
    kept = b"".join(each.read_bytes() for each in spool.iterdir() if each.is_file())
    assert EMAIL.lower().encode() not in kept.lower()


async def put_into(spool: Path) -> None:
    hers = an_action("o-1", params={"to": EMAIL})
    messages = [
        Outgoing(queue=RECORDER_QUEUE, body=encode_record(a_record("o-1", hers))),
        Outgoing(queue=RECORDER_QUEUE, body=encode_action(ActionMessage(action=hers))),
        Outgoing(queue=RECORDER_QUEUE, body=encode_record(a_record("o-2", an_action("o-2")))),
    ]
    async with Spool(spool, clock=ManualClock(), bounds=SpoolBounds()) as opened:
        await opened.put(messages)
