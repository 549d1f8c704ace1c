"""`profiles/...`. What must not go in: what importing changes (see `imports`)."""

from __future__ import annotations

from datetime import datetime

from sandbox.altcraft import imports
from sandbox.altcraft.contacts import number, text
from sandbox.altcraft.done import Act, Done, Params, Shown
from sandbox.altcraft.errors import Incorrect
from sandbox.altcraft.platform import Platform
from sandbox.altcraft.subscriptions import with_status


def one(way: imports.One) -> Act:
    def act(platform: Platform, params: Params, now: datetime) -> Done:  # noqa: ARG001
        if params.get("data") is None:
            raise Incorrect("data is required")
        profile, shown = way(platform, params)
        return Done(content={"profile_id": profile.id}, reference=profile.id, shown=shown)

    return act


def many(way: imports.One) -> Act:
    def act(platform: Platform, params: Params, now: datetime) -> Done:  # noqa: ARG001
        answers, profiles, shown = imports.each_item(platform, params, way)
        return Done(content={"result": answers}, reference=str(len(profiles)), shown=shown)

    return act


def get(platform: Platform, params: Params, now: datetime) -> Done:  # noqa: ARG001
    profile = platform.database(number(params, "db_id")).find(params)
    if profile is None:
        raise Incorrect("profile not found")
    return Done(content={"data": profile.shown()})


def message_unsub(platform: Platform, params: Params, now: datetime) -> Done:  # noqa: ARG001
    """Unsubscribes whom a message was sent to, or from some categories only."""
    rtoken, smid = text(params, "rtoken"), text(params, "smid")
    send = platform.sends.get(smid)
    if send is None or send.subscription is None:
        raise Incorrect("message not found")
    if platform.resource_tokens.get(send.subscription[0], rtoken) != rtoken:
        raise Incorrect("rtoken is not of this resource")
    profile = platform.database(send.db_id).get(send.profile_id)
    subscription = profile.subscriptions[send.subscription]
    categories = params.get("categories")
    if categories:
        before = subscription.fields.get("cats") or []
        subscription.fields["cats"] = [name for name in before if name not in categories]
        change = with_status(subscription, subscription.status, deleted=subscription.deleted)
        change.changed["cats"] = (before, subscription.fields["cats"])
    else:
        change = with_status(subscription, "unsubscribed", deleted=subscription.deleted)
    shown = Shown(db_id=send.db_id, profile_id=profile.id, change=change)
    return Done(content={"profile_id": profile.id}, reference=profile.id, shown=(shown,))


PROFILE_CALLS: dict[str, Act] = {
    "profiles/import": one(imports.upsert),
    "profiles/update": one(imports.update),
    "profiles/add": one(imports.insert),
    "profiles/import_batch": many(imports.upsert),
    "profiles/update_batch": many(imports.update),
    "profiles/add_batch": many(imports.insert),
    "profiles/get": get,
    "profiles/message_unsub": message_unsub,
}
