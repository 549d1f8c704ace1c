"""Choosing the phone for a text, by when the provider last heard of each (`getalldevices`).

What must not go in: whose turn it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from vendors.answers import code, json_object
from vendors.provider import Provider
from vendors.rotation import Way
from vendors.smsgateway24.envelope import request
from vendors.smsgateway24.moments import reported
from vendors.smsgateway24.provider import smsgateway24
from vendors.wire import Answer, Params, Request


class DeviceRotation:
    """Each text through one of the configured phones that are online."""

    def is_open(self, params: Params, provider: Provider) -> bool:
        return smsgateway24(provider).picks and params.get("device_id") is None

    def query(self, provider: Provider) -> Request:
        return request("getalldevices", {}, smsgateway24(provider))

    def read(self, answer: Answer, provider: Provider, now: datetime) -> Sequence[Way] | None:
        content = json_object(answer)
        if not 200 <= answer.status <= 299 or content is None:
            return None
        if code(content.get("error", 0)) != 0:
            return None
        listed = _devices(content.get("device"))
        if listed is None:
            return None
        # The provider's own clock, where it tells it: ours may differ by more than a phone is late.
        moment = _date(answer) or now
        return [
            Way(id=device, seen=_age(listed.get(str(device)), moment))
            for device in smsgateway24(provider).devices
        ]

    def silent_after(self, provider: Provider) -> timedelta:
        return smsgateway24(provider).silent_after

    def way(self, params: Params) -> str | int | None:
        found: str | int | None = params.get("device_id")
        return found

    def through(self, params: Params, way: Way) -> Params:
        return {**params, "device_id": way.id}


def _devices(device: Any) -> dict[str, Any] | None:
    """By id; PHP writes no devices as a list."""
    if isinstance(device, Mapping):
        return {str(key): row for key, row in device.items()}
    if isinstance(device, list):
        return {str(row.get("id")): row for row in device if isinstance(row, Mapping)}
    return None


def _age(device: Any, moment: datetime) -> timedelta | None:
    lastseen = reported(device.get("lastseen")) if isinstance(device, Mapping) else None
    return None if lastseen is None else max(moment - lastseen, timedelta(0))


def _date(answer: Answer) -> datetime | None:
    try:
        moment = parsedate_to_datetime(answer.headers.get("date", ""))
        return moment.astimezone(UTC) if moment.tzinfo is not None else None
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
