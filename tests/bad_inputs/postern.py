"""A whole Postern as a process of its own, embedded, and a client that sends any bytes to it."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import sqlite3
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from core.messages import EventRecord, decode_action, decode_record
from tests.servers.process import GuardedProcess, free_ports

ROOT = Path(__file__).resolve().parents[2]
KEYS = {
    "SHOP_KEY": "shop-key-0123456789-0123456789",
    "OTHER_KEY": "other-key-0123456789-0123456789",
    "ZIPPED_KEY": "zipped-key-0123456789-0123456789",
    "NARROW_KEY": "narrow-key-0123456789-0123456789",
    "SMS_TOKEN": "token-of-the-provider",
    "HOOK_NEW": "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
    "HOOK_OLD": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "HOOK_OVER": "whsec_b3Zlci1vdmVyLW92ZXItb3Zlci1vdmVyLW92ZXI=",
    "HOOK_OTHER": "whsec_YW5vdGhlci1hbm90aGVyLWFub3RoZXItYW5vdGhlcg==",
    "GITHUB_SECRET": "github-secret-0123456789-0123456789",
    "SHOPIFY_SECRET": "shopify-secret-0123456789-0123456789",
    "WOO_SECRET": "woo-secret-0123456789-0123456789",
}
SHOP = ("Authorization", f"Bearer {KEYS['SHOP_KEY']}")
JSON = ("Content-Type", "application/json")

SOURCES = """
sources:
  shop:
    verify: {scheme: bearer, secrets: [{env: SHOP_KEY}]}
    events: ["user.*", "order.*"]
  other:
    verify: {scheme: bearer, secrets: [{env: OTHER_KEY}]}
    events: ["order.*"]
  zipped:
    verify: {scheme: bearer, secrets: [{env: ZIPPED_KEY}]}
    events: ["order.*"]
    gzip: true
  narrow:
    verify: {scheme: bearer, secrets: [{env: NARROW_KEY}]}
    events: ["order.*"]
    bodies: 1
  storefront:
    verify:
      scheme: standard-webhooks
      secrets: [{env: HOOK_NEW}, {env: HOOK_OLD},
        {env: HOOK_OVER, not_after: "2020-01-01T00:00:00Z"}]
    events: ["order.*"]
    origins: [events.example.com]
  second:
    verify: {scheme: standard-webhooks, secrets: [{env: HOOK_OTHER}]}
    events: ["order.*"]
  code:
    preset: github
    verify: {secrets: [{env: GITHUB_SECRET}]}
  boutique:
    preset: shopify
    verify: {secrets: [{env: SHOPIFY_SECRET}]}
  woo:
    preset: woocommerce
    verify: {secrets: [{env: WOO_SECRET}]}
"""
PROVIDERS = """
providers:
  sms: {kind: smsgateway24, url: "http://127.0.0.1:9", token: {env: SMS_TOKEN}, device_id: 260,
    region: DE, mode: dry-run}
"""
RULES = """
rules:
  - id: thanks
    on: order.placed
    when: event.source == "shop" && data.total > 10
    do:
      - call: sms.send
        with: {to: "${data.phone}", text: "Thanks for your order"}
"""
CONFIG = SOURCES + PROVIDERS + RULES
DATA: dict[str, Any] = {"total": 20, "phone": "+4915112345678"}
ORDER: dict[str, Any] = {
    "type": "order.placed",
    "time": datetime.now(UTC).isoformat(),
    "data": DATA,
}
PATIENCE = timedelta(seconds=20)

Header = tuple[str | bytes, str | bytes]


@dataclass(frozen=True, kw_only=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> tuple[int, str]:
        """Status and stable code of a problem document; fails for anything else."""
        assert self.headers["content-type"] == "application/problem+json", self
        problem = self.json
        assert problem["status"] == self.status
        return self.status, problem["code"]


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """What the journal holds: rows."""

    events: int
    actions: int


@dataclass
class Postern:
    """A running process and the means to talk to it."""

    process: GuardedProcess
    listen: int
    admin: int
    folder: Path
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    @property
    def config(self) -> Path:
        return self.folder / "postern.yaml"

    def configure(self, config: str) -> None:
        """Another configuration, put in place at one go."""
        fresh = self.folder.parent / f"{self.folder.name}.yaml"
        fresh.write_bytes(config.encode("utf-8", "surrogateescape"))
        fresh.replace(self.config)

    def ask(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        headers: Sequence[Header] = (),
        *,
        sender: str = "127.0.0.1",
    ) -> Answer:
        """One request on a connection of its own, with exactly these headers beside its length."""
        lines: list[Header] = [("Host", "gateway"), ("Connection", "close"), *headers]
        if body or method in {"POST", "PUT", "PATCH"}:
            lines.append(("Content-Length", str(len(body))))
        return self.send(head(method, path, lines) + body, sender=sender)

    def send(self, raw: bytes, *, sender: str = "127.0.0.1") -> Answer:
        """Any bytes at all; the first answer that comes back."""
        with self.connection(sender=sender) as wire:
            wire.sendall(raw)
            return read_answer(wire)

    @contextmanager
    def connection(self, *, sender: str = "127.0.0.1") -> Iterator[socket.socket]:
        limit = PATIENCE.total_seconds()
        address = ("127.0.0.1", self.listen)
        with socket.create_connection(address, limit, source_address=(sender, 0)) as wire:
            yield wire

    def post(self, body: bytes, *headers: Header) -> Answer:
        """To /v1/events, as the shop, in JSON; `headers` besides."""
        return self.ask("POST", "/v1/events", body, (SHOP, JSON, *headers))

    def event(self, **changed: Any) -> Answer:
        """An event with an id of its own; the answer, which must be a success."""
        event = {"id": f"good-{next(self.numbers)}", **ORDER, **changed}
        answer = self.post(json.dumps(event).encode())
        assert answer.status == 202, answer
        return answer

    def record(self, ref: str, *, ended: bool = False) -> dict[str, Any]:
        """What the read API tells of an event of the shop, once it is recorded; `ended`: once
        nothing of it is under way."""
        limit = time.monotonic() + PATIENCE.total_seconds()
        found: dict[str, Any] = {}
        while time.monotonic() < limit:
            found = self.ask("GET", f"/v1/events/{ref}", headers=[SHOP]).json
            under_way = [it for it in found.get("actions", []) if it["state"] in _UNDER_WAY]
            if found["state"] == "recorded" and not (ended and under_way):
                return found
            time.sleep(0.01)
        raise AssertionError(f"after {PATIENCE} it is {found}")

    def recorded(self) -> Recorded:
        """The rows of the journal. What was published before an event that `record` has shown is
        among them: the recorder takes one after the other."""
        with closing(sqlite3.connect(self.folder / "journal.db")) as journal:
            (events,) = journal.execute("SELECT count(*) FROM events").fetchone()
            (actions,) = journal.execute("SELECT count(*) FROM actions").fetchone()
            return Recorded(events=events, actions=actions)

    def stored(self, ref: str) -> EventRecord:
        """An event of any source as the journal keeps it."""
        self.record(self.event().json["ref"])
        with closing(sqlite3.connect(self.folder / "journal.db")) as journal:
            row = journal.execute("SELECT record FROM events WHERE ref = ?", [ref]).fetchone()
            return decode_record(row[0])

    def sent(self, ref: str) -> dict[str, Any]:
        """The parameters of the one action of a recorded event."""
        with closing(sqlite3.connect(self.folder / "journal.db")) as journal:
            query = "SELECT message FROM actions WHERE ref = ?"
            (row,) = journal.execute(query, [ref]).fetchall()
            return decode_action(row[0]).action.params

    def retold(self, ref: str) -> tuple[int, int]:
        """How often an event came again, and how often with another content."""
        with closing(sqlite3.connect(self.folder / "journal.db")) as journal:
            query = "SELECT repeats, conflicts FROM events WHERE ref = ?"
            repeats, conflicts = journal.execute(query, [ref]).fetchone()
            return repeats, conflicts

    def metrics(self) -> dict[str, float]:
        """Every series and its value."""
        with socket.create_connection(("127.0.0.1", self.admin), 20) as wire:
            wire.sendall(head("GET", "/metrics", [("Host", "x"), ("Connection", "close")]))
            text = parse(read_all(wire)).body.decode()
        return {
            name: float(value)
            for name, value in re.findall(r"^(\w+\S*) (\S+)$", text, re.MULTILINE)
        }

    def until(self, so: Callable[[], bool]) -> None:
        """Until it is so, which must be soon."""
        limit = time.monotonic() + PATIENCE.total_seconds()
        while not so():
            assert time.monotonic() < limit, self.told()[-2000:]
            time.sleep(0.01)

    def told(self) -> str:
        """Everything that it wrote."""
        return (self.folder / "told").read_text(encoding="utf-8", errors="replace")

    @contextmanager
    def taking(self, *, events: int, actions: int) -> Iterator[None]:
        """What happens inside records so much and no more, and a good event works afterwards."""
        before = self.recorded()
        yield
        self.record(self.event().json["ref"])
        after = self.recorded()
        assert after.events - before.events == events + 1
        assert after.actions - before.actions == actions + 1

    @contextmanager
    def unmoved(self) -> Iterator[None]:
        """Nothing of what happens inside is recorded, and a good event works afterwards."""
        with self.taking(events=0, actions=0):
            yield


_UNDER_WAY = {"queued", "running"}


def head(method: str, path: str, headers: Iterable[Header]) -> bytes:
    lines = [_bytes(name) + b": " + _bytes(value) for name, value in headers]
    return b"\r\n".join((f"{method} {path} HTTP/1.1".encode(), *lines, b"", b""))


def _bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode("utf-8")


def read_all(wire: socket.socket) -> bytes:
    """Until the other side closes, also if it does so with a reset after its answer."""
    found = bytearray()
    while True:
        try:
            piece = wire.recv(65536)
        except ConnectionResetError:
            return bytes(found)
        if not piece:
            return bytes(found)
        found += piece


def read_answer(wire: socket.socket) -> Answer:
    """One answer; the connection may stay open after it."""
    found = bytearray()
    while True:
        top, end, body = found.partition(b"\r\n\r\n")
        length = re.search(rb"\r\ncontent-length: (\d+)", top.lower())
        interim = top.startswith(b"HTTP/1.1 100 ")
        if interim and end:
            del found[: len(top) + len(end)]
            continue
        if end and length is not None and len(body) >= int(length[1]):
            return parse(bytes(found))
        piece = wire.recv(65536)
        if not piece:
            return parse(bytes(found))
        found += piece


def parse(raw: bytes) -> Answer:
    assert raw, "closed without an answer"
    top, _, body = raw.partition(b"\r\n\r\n")
    first, *lines = top.decode("latin-1").split("\r\n")
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    return Answer(
        status=int(first.split(" ")[1]),
        headers=headers,
        body=body[: int(headers.get("content-length", len(body)))],
    )


def environment(folder: Path, **variables: str) -> dict[str, str]:
    environ = {name: value for name, value in os.environ.items() if "POSTERN" not in name}
    return {
        **environ,
        **KEYS,
        "PYTHONPATH": str(ROOT),
        "POSTERN_DATA": str(folder),
        "POSTERN_CONFIG": str(folder / "postern.yaml"),
        "POSTERN_GRACE": "0s",
        **variables,
    }


@contextmanager
def running(folder: Path, config: str = CONFIG, **variables: str) -> Iterator[Postern]:
    """`postern run` with this configuration, ready."""
    (folder / "postern.yaml").write_text(config)
    listen, admin = free_ports(2)
    process = GuardedProcess(
        [sys.executable, "-m", "cli", "run"],
        log=folder / "told",
        environment=environment(
            folder,
            POSTERN_LISTEN=f"127.0.0.1:{listen}",
            POSTERN_ADMIN=f"127.0.0.1:{admin}",
            **variables,
        ),
    )
    postern = Postern(process=process, listen=listen, admin=admin, folder=folder)
    try:
        process.wait_until(lambda: _is_ready(admin), within=PATIENCE, what="postern run")
        yield postern
        assert process.running, f"it has ended:\n{postern.told()}"
    finally:
        process.end(signal.SIGKILL)


def _is_ready(admin: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", admin), 5) as wire:
            wire.sendall(head("GET", "/readyz", [("Host", "x"), ("Connection", "close")]))
            return parse(read_all(wire)).status == 200
    except ConnectionError:
        return False
