"""The phones of the account: when each was last heard of, and what is known of it.

What must not go in: what they do with texts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sandbox.smsgateway24 import moments

STANDING = ((260, "Pixel 6a (shop)"), (261, "Galaxy A14 (office)"))
"""There without a seed."""


@dataclass(slots=True, kw_only=True)
class Device:
    """A phone. `silent_since`: when it was heard of last; None while it is online."""

    id: int
    title: str
    number: str | None = None
    created: datetime
    silent_since: datetime | None = None

    @property
    def online(self) -> bool:
        return self.silent_since is None

    def lastseen(self, now: datetime) -> datetime:
        return (self.silent_since or now).replace(microsecond=0)

    def shown(self, now: datetime) -> dict[str, Any]:
        """As `getalldevices` writes it."""
        lastseen = self.lastseen(now)
        return {
            "id": self.id,
            "title": self.title,
            "number": self.number,
            "imei": f"{358240051111110 + self.id}",
            "created": moments.php(self.created),
            "createdhumanformat": moments.human(self.created),
            "lastseen": moments.php(lastseen),
            "lastseenhumanformat": moments.human(lastseen),
            "serialnumber": f"SANDBOX{self.id}",
            "siminfo": [
                {
                    "Slot": "0",
                    "IccId": f"{89014103211118510720 + self.id}",
                    "Number": self.number or "",
                    "Roaming": "0",
                    "CountryIso": "de",
                    "CarrierName": "Sandbox",
                }
            ],
            "appversion": "12.1.21",
            "isappversionactual": True,
            "delaybetweeneachsms": None,
            "delaybetweenrequest": 1,
            "subscription": True,
        }


class Devices:
    """The phones by id."""

    def __init__(self) -> None:
        self._devices: dict[str, Device] = {}

    def __iter__(self) -> Iterator[Device]:
        return iter(self._devices.values())

    def get(self, device_id: str) -> Device | None:
        return self._devices.get(device_id.strip())

    def put(self, device: Device) -> None:
        self._devices[str(device.id)] = device

    def is_silent(self, device_id: str) -> bool:
        """A device that nobody knows is never silent: texts may name any."""
        device = self.get(device_id)
        return device is not None and not device.online

    def turn(self, device: Device, *, online: bool, now: datetime) -> None:
        device.silent_since = None if online else device.lastseen(now)

    def clear(self) -> None:
        self._devices.clear()

    def stand(self, now: datetime) -> None:
        """Those that are there without a seed."""
        self.clear()
        for device_id, title in STANDING:
            self.put(Device(id=device_id, title=title, created=now.replace(microsecond=0)))
