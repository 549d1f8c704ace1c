"""What importing, updating and adding profiles set, one or many at a time, and what is left of them
when something newer has been said.

Shared by the calls that only import and by those that also start something. What must not go in:
the calls.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from vendors.altcraft import batch, order, profile
from vendors.altcraft.call import Keep, Less, Sets
from vendors.altcraft.contact import filled
from vendors.altcraft.matching import Mode, found_by
from vendors.altcraft.provider import AltcraftProvider
from vendors.effect import Effect, Target
from vendors.wire import Params

Contact = tuple[str, ...]
Happening = Callable[[Params, Params, list[Contact], AltcraftProvider], Iterable[Target]]
"""What an item makes happen, besides what it sets: from the call's parameters, the item's data and
the contacts it is found by."""

_SEGMENT = "segment."


def nothing_happens(
    params: Params,  # noqa: ARG001
    data: Params,  # noqa: ARG001
    found: list[Contact],  # noqa: ARG001
    provider: AltcraftProvider,  # noqa: ARG001
) -> Iterable[Target]:
    return ()


def fill_one(params: Params, provider: AltcraftProvider) -> Params:
    params = filled(params, provider, "db_id")
    return {**params, "data": profile.placed(params.get("data", {}), provider)}


def fill_many(params: Params, provider: AltcraftProvider) -> Params:
    params = filled(params, provider, "db_id")
    return {**params, "data": [profile.placed(item, provider) for item in params["data"]]}


def sets_one(happens: Happening = nothing_happens) -> Sets:
    """What an import of one profile sets: its fields, its segments, its subscriptions."""

    def sets(params: Params, provider: AltcraftProvider) -> Effect:
        db_id, data = params["db_id"], params["data"]
        found = found_by(params) or batch.named_by(data.get("email"))
        fields = profile.field_names(data, _names_itself(params)) | _segments(params)
        targets = [
            *happens(params, data, found, provider),
            *_own_target(provider, db_id, found, fields),
            *profile.subscription_targets(data, db_id, provider),
        ]
        contacts = [*found, *profile.contacts_in(data)]
        return order.effect(provider, db_id, contacts=contacts, targets=targets)

    return sets


def less_one(params: Params, keep: Keep, provider: AltcraftProvider) -> Params:
    found = found_by(params) or batch.named_by(params["data"].get("email"))
    name = _own_name(provider, params["db_id"], found)
    data = profile.reduced(
        params["data"],
        keep,
        profile=name,
        db_id=params["db_id"],
        provider=provider,
        finding=_names_itself(params),
    )
    left = {**params, "data": data}
    kept = keep.get(name, frozenset()) if name is not None else frozenset("*")
    for listed in ("add_to_segments", "remove_from_segments"):
        if listed in left and "*" not in kept:
            left[listed] = [it for it in left[listed] if f"{_SEGMENT}{it}" in kept]
            if not left[listed]:
                del left[listed]
    return left


def sets_many(happens: Happening = nothing_happens, *, adds: bool = False) -> Sets:
    """What a batch sets: the same for each of its items. `adds`: none of them is searched for."""

    def sets(params: Params, provider: AltcraftProvider) -> Effect:
        db_id = params["db_id"]
        targets: list[Target] = []
        contacts: list[Contact] = []
        for item in params["data"]:
            found, finding = _item(params, item, adds=adds)
            contacts += [*found, *profile.contacts_in(item)]
            targets += [
                *happens(params, item, found, provider),
                *_own_target(provider, db_id, found, profile.field_names(item, finding)),
                *profile.subscription_targets(item, db_id, provider),
            ]
        return order.effect(provider, db_id, contacts=contacts, targets=targets)

    return sets


def less_many(happens: Happening = nothing_happens, *, adds: bool = False) -> Less:
    """Each item reduced; an item of which nothing is left is left out whole."""

    def less(params: Params, keep: Keep, provider: AltcraftProvider) -> Params:
        db_id = params["db_id"]
        left: list[Params] = []
        for item in params["data"]:
            found, finding = _item(params, item, adds=adds)
            name = _own_name(provider, db_id, found)
            data = profile.reduced(
                item, keep, profile=name, db_id=db_id, provider=provider, finding=finding
            )
            happening = [
                target
                for target in happens(params, item, found, provider)
                if keep.get(target.entity)
            ]
            if happening or data.get("subscriptions") or profile.field_names(data, finding):
                left.append(data)
        return {**params, "data": left}

    return less


def _item(params: Params, item: Params, *, adds: bool) -> tuple[list[Contact], tuple[str, ...]]:
    if adds:
        return batch.named_by(item.get("email")), ("email",)
    mode, field_name = Mode(params.get("matching") or "email"), params.get("field_name")
    return batch.found_in(item, mode, field_name), batch.finding(mode, field_name)


def _names_itself(params: Params) -> tuple[str, ...]:
    """A profile that is added is named by its own address: that is not something it sets."""
    return () if found_by(params) else ("email",)


def _segments(params: Params) -> frozenset[str]:
    listed: list[Any] = [
        *(params.get("add_to_segments") or []),
        *(params.get("remove_from_segments") or []),
    ]
    return frozenset(f"{_SEGMENT}{it}" for it in listed)


def _own_name(provider: AltcraftProvider, db_id: int, found: list[Contact]) -> str | None:
    flat = tuple(part for contact in found for part in contact)
    return order.profile(provider, db_id, flat) if flat else None


def _own_target(
    provider: AltcraftProvider, db_id: int, found: list[Contact], fields: frozenset[str]
) -> list[Target]:
    name = _own_name(provider, db_id, found)
    return [Target(entity=name, fields=fields)] if name is not None and fields else []
