"""CloudEvents 1.0 over HTTP: structured and binary mode (a batch is a list of structured ones).

What breaks CloudEvents' own rules is a malformed request; what only we do not take (a data that is
no object) is an invalid event. A CloudEvent is unique by its `source` and `id` together, and one of
our sources may forward several of theirs, so the event's id is `<source> <id>`: a CloudEvents
source is a URI reference and holds no space, so that no two pairs give the same id. Extension
attributes are not kept.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from core.errors import InvalidEvent, MalformedRequest, UnsupportedContent
from core.messages import Event
from gateway.events.fields import make_event, parse_time
from gateway.events.headers import Headers

REQUIRED = ("specversion", "id", "source", "type")
_PREFIX = "ce-"
_REQUIRED_HEADERS = tuple(_PREFIX + name for name in REQUIRED)
_NAME = re.compile(r"[a-z0-9]{1,64}")
_HEADER = re.compile(r"[\x20-\x7e]*")
_SOURCE = re.compile(r"[^\x00-\x20\x7f]+")
_JSON = re.compile(r"application/([a-z0-9.+-]+\+)?json(\s*;.*)?", re.IGNORECASE)


def is_binary(headers: Headers) -> bool:
    """Whether the attributes of a CloudEvent stand in the headers."""
    return any(map(headers.__contains__, _REQUIRED_HEADERS))


def structured_event(raw: Any, *, source: str, now: datetime) -> Event:
    """One event whose attributes and data stand together in the body. Raises RequestError."""
    if not isinstance(raw, dict):
        raise MalformedRequest("A CloudEvent must be a JSON object.")
    if "data_base64" in raw:
        raise InvalidEvent("Binary data is not taken, JSON is.", field="data_base64")
    attributes = {name: value for name, value in raw.items() if name != "data"}
    for value in attributes.values():
        if isinstance(value, dict | list | float):
            raise MalformedRequest("A CloudEvents attribute is a string, an integer or a boolean.")
    kind = attributes.get("datacontenttype")
    if kind is not None and not (isinstance(kind, str) and _JSON.fullmatch(kind)):
        raise UnsupportedContent("The data of a CloudEvent must be JSON.")
    return _event(attributes, raw.get("data"), source=source, now=now)


def binary_event(headers: Headers, data: Any, *, source: str, now: datetime) -> Event:
    """One event with its attributes in `ce-` headers and its data as the body. Raises
    RequestError."""
    attributes: dict[str, Any] = {}
    for header in headers.names():
        if header.startswith(_PREFIX):
            name = header.removeprefix(_PREFIX)
            attributes[name] = _decode(headers.one(header) or "")
    if "datacontenttype" in attributes:
        raise MalformedRequest("In binary mode the header content-type says what the data is.")
    return _event(attributes, data, source=source, now=now)


def _event(attributes: Mapping[str, Any], data: Any, *, source: str, now: datetime) -> Event:
    _check(attributes)
    return make_event(
        source=source,
        now=now,
        id=f"{attributes['source']} {attributes['id']}",
        type=attributes["type"],
        time=attributes.get("time"),
        subject=attributes.get("subject"),
        data=data,
    )


def _check(attributes: Mapping[str, Any]) -> None:
    """The rules of CloudEvents itself. Raises MalformedRequest."""
    for name in REQUIRED:
        value = attributes.get(name)
        if not isinstance(value, str) or not value:
            raise MalformedRequest(f"The CloudEvents attribute {name} is required.")
    if attributes["specversion"] != "1.0":
        raise MalformedRequest("Only CloudEvents of specversion 1.0 are taken.")
    if not all(_NAME.fullmatch(name) for name in attributes):
        raise MalformedRequest("CloudEvents attributes are named by lower-case letters and digits.")
    if not _SOURCE.fullmatch(attributes["source"]):
        raise MalformedRequest("The CloudEvents attribute source must be a URI reference.")
    time = attributes.get("time")
    if time is not None and parse_time(time) is None:
        raise MalformedRequest("The CloudEvents attribute time must be a time of RFC 3339.")


def _decode(value: str) -> str:
    """A header's value: without its quotes, percent-decoded once, as strict UTF-8."""
    if not _HEADER.fullmatch(value):
        raise MalformedRequest("A ce- header holds characters that must be percent-encoded.")
    value = value.strip(" ")
    if len(value) >= 2 and value[0] == value[-1] == '"':
        value = re.sub(r"\\(.)", r"\1", value[1:-1])
    if re.search(r"%(?![0-9A-Fa-f]{2})", value):
        raise MalformedRequest("A ce- header holds a % that is not part of percent-encoding.")
    raw = re.sub(
        rb"%([0-9A-Fa-f]{2})",
        lambda found: bytes([int(found[1], 16)]),
        value.encode("ascii"),
    )
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise MalformedRequest("A ce- header is not percent-encoded UTF-8.") from None
