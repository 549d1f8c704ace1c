"""Altcraft Platform: a marketing platform with profiles, and subscriptions of profiles to channels.

One file an operation, one line here for each.
"""

from __future__ import annotations

from vendors.altcraft.provider import AltcraftProvider
from vendors.altcraft.subscriptions_set import SubscriptionsSet
from vendors.answers import json_object
from vendors.operation import Operation, Vendor

_OPERATIONS: tuple[Operation, ...] = (SubscriptionsSet(),)

ALTCRAFT = Vendor(
    kind="altcraft",
    provider=AltcraftProvider,
    content=json_object,
    operations={operation.name: operation for operation in _OPERATIONS},
)
