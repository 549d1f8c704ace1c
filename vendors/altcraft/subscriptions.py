"""`subscriptions/...`: one subscription of a profile, all of a profile's, all of a database's.

Setting, deleting and restoring give the same state when repeated, so an unknown outcome is simply
repeated, under the same Request-ID. What must not go in: subscriptions within a profile's data (see
`profile`).
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from vendors.altcraft import order
from vendors.altcraft.call import Call, Keep, in_place
from vendors.altcraft.contact import ChannelName, ContactFields, Line, contact_of, recipient
from vendors.altcraft.provider import AltcraftProvider, Id
from vendors.altcraft.values import SettableFields, Status, only
from vendors.effect import Effect, Target
from vendors.parameters import StrictParams
from vendors.wire import Params

Limit = Annotated[int, Field(ge=1, le=10_000)]


class SubscriptionId(ContactFields):
    """The parameters that name one subscription of one profile."""

    db_id: Id | None = Field(None, description="database; default the provider's")
    profile_id: Line = Field(description="profile that the subscription belongs to")
    resource_id: Id | None = Field(None, description="resource; default the provider's")


class SubscriptionParams(SubscriptionId, SettableFields):
    """What `subscriptions/set` takes."""

    skip_triggers: bool | None = Field(None, description="suppress trigger events")


class ProfileId(StrictParams):
    """What `subscriptions/list` takes."""

    db_id: Id | None = Field(None, description="database; default the provider's")
    profile_id: Line = Field(description="profile whose subscriptions are listed")


class ListAllParams(StrictParams):
    """What `subscriptions/list_all` takes."""

    resource_id: Id | None = Field(None, description="resource; default the provider's")
    db_id: Id | None = Field(None, description="only of this database")
    channel: ChannelName | None = Field(None, description="only of this channel")
    status: Status | None = Field(None, description="only with this status")
    from_id: Line | None = Field(None, description="where the page before ended (next_from_id)")
    limit: Limit | None = Field(None, description="most that one answer holds")


class SweepParams(StrictParams):
    """What `subscriptions/suspend_all` and its opposite take. Both filters combine."""

    db_id: Id | None = Field(None, description="database; default the provider's")
    channel: ChannelName | None = Field(None, description="only of this channel")
    resource_id: Id | None = Field(None, description="only of this resource")


def _one(params: Params, provider: AltcraftProvider, target: Target) -> Effect:
    contacts = [contact_of(params), ("profile_id", params["profile_id"])]
    return order.effect(provider, params["db_id"], contacts=contacts, targets=[target])


def _setting(params: Params, provider: AltcraftProvider) -> Effect:
    return _one(params, provider, order.set_target(provider, params["db_id"], params))


def _deleting(params: Params, provider: AltcraftProvider) -> Effect:
    return _one(params, provider, order.delete_target(provider, params["db_id"], params))


def _restoring(params: Params, provider: AltcraftProvider) -> Effect:
    return _one(params, provider, order.undelete_target(provider, params["db_id"], params))


def _less(params: Params, keep: Keep, provider: AltcraftProvider) -> Params:
    return only(
        params, keep.get(order.subscription(provider, params["db_id"], params), frozenset())
    )


def _sweeping(params: Params, provider: AltcraftProvider) -> Effect:
    db_id = params["db_id"]
    scope = (params.get("channel") or "", params.get("resource_id") or "")
    entity = order.sweep(provider, db_id, *scope)
    everybody = order.database(provider, db_id)
    return Effect(
        order_keys=(everybody,),
        targets=(
            Target(
                entity=entity,
                fields=order.SWEPT_FIELDS,
                under=order.wider(provider, db_id, *scope),
            ),
            *order.crossing(provider, db_id, *scope),
        ),
        within=everybody,
        sweeps=True,
    )


SUBSCRIPTIONS = (
    Call(
        name="subscriptions/set",
        summary="Add or edit one subscription of a profile.",
        source="Altcraft, Add or edit subscription (2195519)",
        model=SubscriptionParams,
        repeatable=True,
        fill=in_place("db_id", "resource_id"),
        sets=_setting,
        less=_less,
        whom=recipient,
    ),
    Call(
        name="subscriptions/get",
        summary="Read one subscription of a profile.",
        source="Altcraft, Get profile subscription (2195527)",
        model=SubscriptionId,
        repeatable=True,
        fill=in_place("db_id", "resource_id"),
        whom=recipient,
    ),
    Call(
        name="subscriptions/list",
        summary="Read all subscriptions of a profile.",
        source="Altcraft, Get all profile subscriptions (2195522)",
        model=ProfileId,
        repeatable=True,
        fill=in_place("db_id"),
        whom=recipient,
    ),
    Call(
        name="subscriptions/list_all",
        summary="Read the subscriptions of a resource, page by page.",
        source="Altcraft, Get all subscriptions from multiple profiles (2195524)",
        model=ListAllParams,
        repeatable=True,
        fill=in_place("resource_id"),
    ),
    Call(
        name="subscriptions/delete",
        summary="Delete one subscription of a profile; it can be restored.",
        source="Altcraft, Delete profile subscription (2195529)",
        model=SubscriptionId,
        repeatable=True,
        fill=in_place("db_id", "resource_id"),
        sets=_deleting,
        whom=recipient,
    ),
    Call(
        name="subscriptions/undelete",
        summary="Restore one deleted subscription of a profile.",
        source="Altcraft, Restore deleted subscription (2195531)",
        model=SubscriptionId,
        repeatable=True,
        fill=in_place("db_id", "resource_id"),
        sets=_restoring,
        whom=recipient,
    ),
    Call(
        name="subscriptions/suspend_all",
        summary="Suspend every subscribed subscription of a database, channel or resource.",
        source="Altcraft, Suspend all subscriptions (2195533)",
        model=SweepParams,
        repeatable=True,
        fill=in_place("db_id"),
        sets=_sweeping,
    ),
    Call(
        name="subscriptions/unsuspend_all",
        summary="Subscribe again what was suspended in a database, channel or resource.",
        source="Altcraft, Unsuspend all suspended subscriptions; path inferred from its title",
        model=SweepParams,
        repeatable=True,
        fill=in_place("db_id"),
        sets=_sweeping,
    ),
)
