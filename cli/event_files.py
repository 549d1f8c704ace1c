"""Events out of files: one JSON object, a JSON array, JSON lines, or a directory of such files.

The bytes of each event are kept as they stand, so that what is sent is what was written. What must
not go in: what makes an event a good one; the gateway says so.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import orjson

from core.errors import PosternError

LINES = {".jsonl", ".ndjson"}
SUFFIXES = {".json", *LINES}


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFile:
    """One event to send. `name` says where it stood; `id` is its own, if it has one."""

    name: str
    body: bytes
    id: str | None


def read_events(paths: Iterable[Path]) -> Iterator[EventFile]:
    """Every event of these files and directories, in order. Raises PosternError naming the
    place."""
    for path in paths:
        if path.is_dir():
            files = sorted(file for file in path.iterdir() if file.suffix in SUFFIXES)
            if not files:
                raise PosternError(f"{path}: no *.json and no *.jsonl file in this directory")
            yield from read_events(files)
        elif path.suffix in LINES:
            yield from _lines(path)
        else:
            yield from _document(path)


def with_new_id(event: EventFile) -> EventFile:
    """The same event as a new one: what was sent before would only be recognised as a repeat."""
    new = uuid.uuid4().hex
    body = orjson.dumps({**orjson.loads(event.body), "id": new})
    return EventFile(name=event.name, body=body, id=new)


def _lines(path: Path) -> Iterator[EventFile]:
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        if line.strip():
            yield _event(f"{path}:{number}", line, _parse(f"{path}:{number}", line))


def _document(path: Path) -> Iterator[EventFile]:
    body = path.read_bytes()
    value = _parse(str(path), body)
    if not isinstance(value, list):
        yield _event(str(path), body, value)
        return
    for index, part in enumerate(value):
        yield _event(f"{path}[{index}]", orjson.dumps(part), part)


def _parse(name: str, body: bytes) -> object:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise PosternError(f"{name}: not JSON: {error.msg}") from None


def _event(name: str, body: bytes, value: object) -> EventFile:
    if not isinstance(value, dict):
        raise PosternError(f"{name}: expected a JSON object")
    own = value.get("id")
    return EventFile(name=name, body=body, id=own if isinstance(own, str) else None)
