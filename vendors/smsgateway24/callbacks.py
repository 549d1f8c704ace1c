"""What the gateway posts to us: how far texts have come, and texts that people send.

The reference and an article of the vendor's describe different shapes; both are read, one object or
a list of them. Nothing is signed, so everything here may be hostile. What must not go in: who may
post.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from vendors.answers import code
from vendors.fingerprint import fingerprint
from vendors.provider import Provider
from vendors.report import Called, Incoming, Receipt
from vendors.smsgateway24.envelope import as_reference
from vendors.smsgateway24.moments import reported
from vendors.smsgateway24.number import as_known
from vendors.smsgateway24.provider import smsgateway24
from vendors.smsgateway24.statuses import receipt

TYPE = "sms.received"

MOST_ITEMS = 1000
LONGEST_BODY = 40_000
"""255 segments, the most that one text can have, are 39,015 characters."""
_LONGEST_NAME = 200

Item = Mapping[str, Any]


class TextCallbacks:
    """Reads them."""

    def read(self, body: bytes, provider: Provider) -> Called | None:
        region = smsgateway24(provider).region
        try:
            content = orjson.loads(body)
        except orjson.JSONDecodeError:
            return None
        items = content if isinstance(content, list) else [content]
        if not 0 < len(items) <= MOST_ITEMS:
            return None
        known = [called for item in items if (called := _read(item, region)) is not None]
        if not known:
            return None
        return Called(
            receipts=tuple(receipt for called in known for receipt in called.receipts),
            incoming=tuple(text for called in known for text in called.incoming),
        )


def _read(item: Any, region: str) -> Called | None:
    """One report, or None if it has no known shape."""
    match item:
        case {"event": "delivery_status"}:
            return _delivery(item.get("message_id"), item.get("status"))
        case {"event": "incoming_sms"}:
            return _incoming(
                item,
                region,
                address=item.get("phone"),
                body=item.get("message"),
                dates=(item.get("timestamp"),),
                own_id=item.get("message_id"),
            )
        case {"event": _}:
            return None
        case {"address": address, "body": body}:
            return _incoming(
                item,
                region,
                address=address,
                body=body,
                dates=(item.get("date_sent"), item.get("date")),
                own_id=_given(item.get("internal_id"), item.get("sms_id")),
            )
        case {"sms_id": sms_id, "status_id": status}:
            return _delivery(sms_id, status)
        case _:
            return None


def _delivery(sms_id: Any, status: Any) -> Called | None:
    reference = as_reference(sms_id)
    if reference is None:
        return None
    told: Receipt | None = receipt(str(int(reference)), status)
    return Called(receipts=(told,) if told is not None else ())


def _incoming(
    item: Item,
    region: str,
    *,
    address: Any,
    body: Any,
    dates: tuple[Any, ...],
    own_id: Any,
) -> Called | None:
    sender = _line(address)
    if not sender or not isinstance(body, str) or len(body) > LONGEST_BODY:
        return None
    device = _line(item.get("device_id"))
    # The sender as it was written: how numbers are read may change with a new version of ours.
    named = (device, _line(own_id), sender, *map(_written, dates), body)
    slot = code(_given(item.get("channel_id"), item.get("sim")))
    data = {
        "from": as_known(sender, region),
        "body": body,
        "device_id": _number_if_it_is(device),
        "sim": slot,
        "device_name": _line(item.get("device_name")),
        "type": _line(item.get("type")),
    }
    text = Incoming(
        id=fingerprint("smsgateway24 incoming", *named),
        type=TYPE,
        time=next((moment for date in dates if (moment := reported(date)) is not None), None),
        data={name: value for name, value in data.items() if value not in ("", None)},
    )
    return Called(incoming=(text,))


def _given(*values: Any) -> Any:
    """The first that is there."""
    return next((value for value in values if value is not None), None)


def _line(value: Any) -> str:
    """A short name or number as text; empty for anything else."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    line = str(value).strip()
    return line if len(line) <= _LONGEST_NAME and line.isprintable() else ""


def _written(date: Any) -> str:
    """A date as it was given, the same for the same value."""
    if isinstance(date, Mapping):
        return f"{_line(date.get('date'))} {_line(date.get('timezone'))}"
    return _line(date)


def _number_if_it_is(device: str) -> int | str:
    """A device's number, within what JSON readers take."""
    is_number = device.isdecimal() and device.isascii() and len(device) <= 18
    return int(device) if is_number else device
