"""Opaque names of what calls set and of whom they name, so that order holds across operations.

One person is found in many ways: `subscriptions/set` by profile, `profiles/update` by a phone. What
is set therefore has a name without the way in which it was found, and every contact that a call
names is a key of its own: calls that share one wait for each other. What must not go in: which call
sets what.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import orjson

from vendors.altcraft.contact import contact_of
from vendors.altcraft.provider import AltcraftProvider
from vendors.altcraft.values import fields_set
from vendors.effect import Effect, Target
from vendors.fingerprint import fingerprint

_SWEPT = frozenset({"subscribed", "suspended", None})
"""Statuses that a sweep changes; without one a new subscription is `subscribed`."""

SWEPT_FIELDS = frozenset({"status"})


def database(provider: AltcraftProvider, db_id: int) -> str:
    return fingerprint("altcraft.database", _place(provider), db_id)


def key(provider: AltcraftProvider, db_id: int, contact: tuple[str, ...]) -> str:
    """Names a contact, or with `("profile_id", ...)` a profile, whose calls go one at a time."""
    return fingerprint("altcraft.contact", _place(provider), db_id, *contact)


def subscription(provider: AltcraftProvider, db_id: int, fields: Mapping[str, Any]) -> str:
    """Names one subscription, whichever profile holds it."""
    return fingerprint(
        "altcraft.subscription",
        _place(provider),
        db_id,
        fields["resource_id"],
        fields["channel"],
        *contact_of(fields),
    )


def profile(provider: AltcraftProvider, db_id: int, contact: tuple[str, ...]) -> str:
    """Names a profile's own fields by how it was found."""
    return fingerprint("altcraft.profile", _place(provider), db_id, *contact)


def thing(provider: AltcraftProvider, kind: str, *parts: str | int) -> str:
    """Names anything else: an order, an entry of a suppression list, a sent message."""
    return fingerprint(f"altcraft.{kind}", _place(provider), *parts)


def once(provider: AltcraftProvider, kind: str, *parts: Any) -> Target:
    """Something that happens rather than is set (a message is started, a profile is inserted).

    Nothing newer makes it superfluous: neither a change of the person's fields nor the same once
    more, since each event has its own.
    """
    written = orjson.dumps(parts, option=orjson.OPT_SORT_KEYS).decode()
    entity = thing(provider, kind, written)
    return Target(entity=entity, fields=frozenset({"happens"}), happens=True)


def sweep(provider: AltcraftProvider, db_id: int, channel: str, resource_id: int | str) -> str:
    """Names all subscriptions of a database, of a channel or resource of it ("" is any)."""
    return fingerprint("altcraft.sweep", _place(provider), db_id, channel, str(resource_id))


def wider(
    provider: AltcraftProvider, db_id: int, channel: str, resource_id: int | str
) -> tuple[str, ...]:
    """Names the sweeps that reach over this one: a newer of them has set what an older, narrower
    one would set, and a newer narrower one is a part of an older, wider one."""
    scopes = {("", ""), (channel, ""), ("", resource_id)} - {(channel, resource_id)}
    names = tuple(sweep(provider, db_id, *scope) for scope in sorted(scopes, key=str))
    if bool(channel) == bool(resource_id):
        return names
    return (*names, sweep(provider, db_id, "any channel" if resource_id else "any resource", ""))


def crossing(
    provider: AltcraftProvider, db_id: int, channel: str, resource_id: int | str
) -> tuple[Target, ...]:
    """A channel and a resource have a part in common: a newer sweep of the one is a part of an
    older sweep of the other. Nothing is set under this name."""
    if bool(channel) == bool(resource_id):
        return ()
    crossed = "any channel" if channel else "any resource"
    return (Target(entity=sweep(provider, db_id, crossed, ""), fields=frozenset()),)


def set_target(provider: AltcraftProvider, db_id: int, fields: Mapping[str, Any]) -> Target:
    """What setting a subscription sets.

    Sweeps reach over it only where they would change it: suspending everybody does not touch whom
    an older event unsubscribed, so a newer sweep must not swallow that unsubscription either.
    """
    channel, resource_id = fields["channel"], fields["resource_id"]
    under: tuple[str, ...] = ()
    if fields.get("status") in _SWEPT:
        under = tuple(
            sweep(provider, db_id, *scope)
            for scope in (("", ""), (channel, ""), ("", resource_id), (channel, resource_id))
        )
    return Target(
        entity=subscription(provider, db_id, fields),
        fields=fields_set(dict(fields)),
        under=under,
    )


def delete_target(provider: AltcraftProvider, db_id: int, fields: Mapping[str, Any]) -> Target:
    """What deleting a subscription sets: everything, since setting anything of a deleted one
    restores it, so nothing older may come after. No sweep concerns it."""
    entity = subscription(provider, db_id, fields)
    return Target(entity=entity, fields=frozenset({"*"}))


def undelete_target(provider: AltcraftProvider, db_id: int, fields: Mapping[str, Any]) -> Target:
    """What restoring sets: only that it is not deleted. An older unsubscription that arrives later
    still has to be carried out."""
    entity = subscription(provider, db_id, fields)
    return Target(entity=entity, fields=frozenset({"deleted"}))


def effect(
    provider: AltcraftProvider,
    db_id: int | None,
    *,
    contacts: Iterable[tuple[str, ...]],
    targets: Iterable[Target],
) -> Effect:
    """An effect on persons of a database. Several targets of one name become one."""
    merged: dict[str, Target] = {}
    for target in targets:
        known = merged.get(target.entity)
        if known is not None:
            fields, under = known.fields | target.fields, dict.fromkeys(known.under + target.under)
            merged[target.entity] = replace(known, fields=fields, under=tuple(under))
        else:
            merged[target.entity] = target
    if db_id is None:
        return Effect(targets=tuple(merged.values()))
    return Effect(
        order_keys=tuple(sorted({key(provider, db_id, contact) for contact in contacts})),
        targets=tuple(merged.values()),
        within=database(provider, db_id),
    )


def _place(provider: AltcraftProvider) -> str:
    return provider.url.rstrip("/").casefold()
