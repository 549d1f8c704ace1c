"""Altcraft Platform: a marketing platform with profiles, and subscriptions of profiles to channels.

One file a family of calls, one line here for each.
"""

from __future__ import annotations

from vendors.altcraft.anything import anything
from vendors.altcraft.envelope import content_of
from vendors.altcraft.examples import EXAMPLES
from vendors.altcraft.goals import GOALS
from vendors.altcraft.orders import ORDERS
from vendors.altcraft.profiles import PROFILES
from vendors.altcraft.provider import AltcraftProvider
from vendors.altcraft.subscriptions import SUBSCRIPTIONS
from vendors.altcraft.suppresses import SUPPRESSES
from vendors.altcraft.triggers import TRIGGERS
from vendors.altcraft.vsenders import VSENDERS
from vendors.altcraft.workflows import WORKFLOWS
from vendors.operation import Operation, Vendor

_NAMED: tuple[Operation, ...] = (
    *SUBSCRIPTIONS,
    *PROFILES,
    *VSENDERS,
    *TRIGGERS,
    *WORKFLOWS,
    *SUPPRESSES,
    *GOALS,
    *ORDERS,
)

_OPERATIONS = (*_NAMED, anything(frozenset(operation.name for operation in _NAMED)))

ALTCRAFT = Vendor(
    kind="altcraft",
    provider=AltcraftProvider,
    content=content_of,
    operations={operation.name: operation for operation in _OPERATIONS},
    examples=EXAMPLES,
)
