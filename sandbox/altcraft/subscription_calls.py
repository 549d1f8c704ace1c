"""`subscriptions/...`. What must not go in: subscriptions within a profile's data."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sandbox.altcraft.contacts import channel_and_contact, number, status, text
from sandbox.altcraft.done import Act, Done, Params, Shown
from sandbox.altcraft.errors import Incorrect
from sandbox.altcraft.platform import Platform
from sandbox.altcraft.profiles import Profile
from sandbox.altcraft.subscriptions import Subscription, hash_id, wished, with_status

_PAGE = 1000


def set_one(platform: Platform, params: Params, now: datetime) -> Done:  # noqa: ARG001
    db_id, profile_id, wish = number(params, "db_id"), text(params, "profile_id"), wished(params)
    database = platform.database(db_id)
    change = database.subscribe(database.named(profile_id), wish)
    return Done(
        content={"data": change.data},
        reference=change.data["action"],
        shown=(Shown(db_id=db_id, profile_id=profile_id, change=change),),
    )


def get_one(platform: Platform, params: Params, now: datetime) -> Done:  # noqa: ARG001
    _, subscription = _named(platform, params)
    return Done(content={"data": subscription.shown()})


def list_profile(platform: Platform, params: Params, now: datetime) -> Done:  # noqa: ARG001
    profile = platform.database(number(params, "db_id")).get(text(params, "profile_id"))
    return Done(content={"data": [each.shown() for each in profile.subscriptions.values()]})


def list_all(platform: Platform, params: Params, now: datetime) -> Done:  # noqa: ARG001
    resource_id, channel = number(params, "resource_id"), params.get("channel")
    wanted, limit = status(params.get("status")), params.get("limit") or _PAGE
    rows = sorted(
        (
            {
                "db_id": db_id,
                "profile_id": profile.id,
                "hash_id": hash_id(db_id, profile.id, each.key),
                **each.shown(),
            }
            for db_id, profile, each in _everything(platform, params.get("db_id"))
            if each.key[0] == resource_id
            and channel in (None, each.key[1])
            and wanted in (None, each.status)
        ),
        key=lambda row: str(row["hash_id"]),
    )
    rest = [row for row in rows if str(row["hash_id"]) >= str(params.get("from_id") or "")]
    following = rest[limit]["hash_id"] if len(rest) > limit else ""
    return Done(content={"data": rest[:limit], "next_from_id": following})


def delete_one(platform: Platform, params: Params, now: datetime) -> Done:  # noqa: ARG001
    """A soft one: the record stays, marked."""
    return _mark(platform, params, deleted=True)


def restore_one(platform: Platform, params: Params, now: datetime) -> Done:  # noqa: ARG001
    return _mark(platform, params, deleted=False)


def sweep(before: str, after: str) -> Act:
    """Changes every subscription of one status to another, within the filters."""

    def act(platform: Platform, params: Params, now: datetime) -> Done:  # noqa: ARG001
        db_id = number(params, "db_id")
        channel, resource_id = params.get("channel"), params.get("resource_id")
        shown = [
            Shown(db_id=db_id, profile_id=profile.id, change=with_status(each, after))
            for _, profile, each in _everything(platform, db_id)
            if each.status == before
            and not each.deleted
            and channel in (None, each.key[1])
            and resource_id in (None, each.key[0])
        ]
        return Done(content={"updated": len(shown)}, reference=str(len(shown)), shown=tuple(shown))

    return act


def _mark(platform: Platform, params: Params, *, deleted: bool) -> Done:
    profile, subscription = _named(platform, params)
    change = with_status(subscription, subscription.status, deleted=deleted)
    shown = Shown(db_id=params["db_id"], profile_id=profile.id, change=change)
    return Done(reference=profile.id, shown=(shown,))


def _named(platform: Platform, params: Params) -> tuple[Profile, Subscription]:
    profile = platform.database(number(params, "db_id")).get(text(params, "profile_id"))
    key = (number(params, "resource_id"), *channel_and_contact(params))
    if key not in profile.subscriptions:
        raise Incorrect("subscription not found")
    return profile, profile.subscriptions[key]


def _everything(platform: Platform, db_id: Any) -> Iterator[tuple[int, Profile, Subscription]]:
    for database in platform.databases.values():
        if db_id in (None, database.id):
            for profile in database:
                for each in profile.subscriptions.values():
                    yield database.id, profile, each


SUBSCRIPTION_CALLS: dict[str, Act] = {
    "subscriptions/set": set_one,
    "subscriptions/get": get_one,
    "subscriptions/list": list_profile,
    "subscriptions/list_all": list_all,
    "subscriptions/delete": delete_one,
    "subscriptions/undelete": restore_one,
    "subscriptions/suspend_all": sweep("subscribed", "suspended"),
    "subscriptions/unsuspend_all": sweep("suspended", "subscribed"),
}
