"""Body and headers to events, in any of the formats that are taken.

Whatever the bytes, the answer is events or one RequestError that names a field and never repeats
input. What must not go in: HTTP serving, or who sent it (see `gateway.sources`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from core.errors import (
    InvalidBatch,
    InvalidEvent,
    MalformedRequest,
    RequestError,
    UnsupportedContent,
)
from core.messages import Event
from core.record import record
from gateway.events.cloudevents import binary_event, is_binary, structured_event
from gateway.events.headers import Headers
from gateway.events.plain import plain_event
from gateway.events.strict_json import parse_json

MAX_BATCH = 1000

PLAIN = "application/json"
STRUCTURED = "application/cloudevents+json"
BATCHED = "application/cloudevents-batch+json"
_JSON = re.compile(r"application/(?:[a-z0-9.+-]{1,60}\+)?json")
_TAKEN = f"The content type must be {PLAIN}, {STRUCTURED} or {BATCHED}."


@record
class Parsed:
    """The events of a request. `batch` tells whether they came in a list, also if there is one;
    `notes` are for whoever reads the receipt."""

    events: tuple[Event, ...]
    batch: bool
    notes: tuple[str, ...] = ()


def parse_events(
    body: bytes,
    headers: Headers,
    *,
    source: str,
    now: datetime,
    default_id: str | None = None,
    max_batch: int = MAX_BATCH,
) -> Parsed:
    """The events of one request from an authenticated `source`.

    `default_id` is a signed webhook's own id, for a body with one plain event that has none. Raises
    MalformedRequest, UnsupportedContent, InvalidEvent or InvalidBatch; never anything else.
    """
    kind = _content_type(headers)
    if kind in {STRUCTURED, BATCHED}:

        def structured(raw: Any) -> Event:
            return structured_event(raw, source=source, now=now)

        value = parse_json(body)
        if kind == BATCHED:
            return _batch(value, structured, max_batch)
        return Parsed(events=(structured(value),), batch=False)
    if is_binary(headers):
        data = parse_json(body) if body else None
        event = binary_event(headers, data, source=source, now=now)
        return Parsed(events=(event,), batch=False)
    value = parse_json(body)
    if isinstance(value, list):
        return _batch(value, lambda raw: plain_event(raw, source=source, now=now), max_batch)
    event = plain_event(value, source=source, now=now, default_id=default_id)
    return Parsed(events=(event,), batch=False)


def _content_type(headers: Headers) -> str:
    """The media type, lower case. Raises UnsupportedContent for those that are not taken."""
    text = headers.one("content-type") or ""
    if text == PLAIN:
        return PLAIN
    kind, _, parameters = text.partition(";")
    kind = kind.strip().lower()
    if kind not in {PLAIN, STRUCTURED, BATCHED}:
        raise UnsupportedContent(_TAKEN)
    _check_charset(parameters)
    return kind


def json_content(headers: Headers) -> bool:
    """Whether the body of a foreign system is JSON in UTF-8. Raises UnsupportedContent for another
    charset."""
    kind, _, parameters = (headers.one("content-type") or "").partition(";")
    _check_charset(parameters)
    return _JSON.fullmatch(kind.strip().lower()) is not None


def _check_charset(parameters: str) -> None:
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        charset = value.strip().strip('"').lower()
        if name.strip().lower() == "charset" and charset not in {"utf-8", "utf8", "us-ascii"}:
            raise UnsupportedContent("The charset must be UTF-8.")


def _batch(value: Any, parse: Callable[[Any], Event], max_batch: int) -> Parsed:
    """All elements, or InvalidBatch for the first that is bad."""
    if not isinstance(value, list):
        raise MalformedRequest("A batch must be a JSON array.")
    if not value:
        raise InvalidBatch("The batch is empty.", index=0, field=None, cause="empty-batch")
    if len(value) > max_batch:
        problem = f"The batch has more than {max_batch} events."
        raise InvalidBatch(problem, index=max_batch, field=None, cause="batch-too-long")
    events: list[Event] = []
    for index, raw in enumerate(value):
        try:
            events.append(parse(raw))
        except RequestError as error:
            field = error.field if isinstance(error, InvalidEvent) else None
            raise InvalidBatch(
                f"Event {index} of the batch: {error.detail}",
                index=index,
                field=field,
                cause=error.code,
            ) from None
    return Parsed(events=tuple(events), batch=True)
