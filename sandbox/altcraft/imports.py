"""Importing, updating and adding profiles: what several calls do, for one profile or for each item
of a batch. What must not go in: starting anything."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sandbox.altcraft.contacts import number
from sandbox.altcraft.done import Params, Shown
from sandbox.altcraft.errors import Incorrect
from sandbox.altcraft.platform import Platform
from sandbox.altcraft.profiles import MODES, Database, Profile, matching, wishes

Imported = tuple[Profile, tuple[Shown, ...]]
One = Callable[[Platform, Params], Imported]

_BATCH_FIELDS = ("phone", "profile_id", "provider", "subscription_id", "cc_data")


def upsert(platform: Platform, params: Params) -> Imported:
    return _import(platform, params, creates=True)


def update(platform: Platform, params: Params) -> Imported:
    return _import(platform, params, creates=False)


def insert(platform: Platform, params: Params) -> Imported:
    """Without searching: it fails only on an address that is there already."""
    data = _data(params)
    found = wishes(data, skip_invalid=params.get("skip_invalid_subscriptions") is True)
    database = platform.database(number(params, "db_id"))
    return _subscribed(database, database.write(None, data), found)


def each_item(
    platform: Platform, params: Params, one: One
) -> tuple[list[dict[str, Any]], list[Profile], tuple[Shown, ...]]:
    """Each item of a batch by itself: its answer, and what came of those that succeeded."""
    items = params.get("data")
    if not isinstance(items, list) or not items:
        raise Incorrect("data is required")
    answers: list[dict[str, Any]] = []
    profiles: list[Profile] = []
    shown: list[Shown] = []
    for item in items:
        try:
            if not isinstance(item, dict):
                raise Incorrect("data is incorrect")
            profile, changes = one(platform, as_single(params, item))
        except Incorrect as incorrect:
            answers.append(incorrect.envelope())
        else:
            profiles.append(profile)
            shown.extend(changes)
            words = "Successful operation"
            answers.append({"error": 0, "error_text": words, "profile_id": profile.id})
    return answers, profiles, tuple(shown)


def as_single(params: Mapping[str, Any], item: Mapping[str, Any]) -> Params:
    """An item of a batch, which holds what it is found by among its data, as a call of its own."""
    single: Params = {name: it for name, it in params.items() if name != "data"}
    mode = params.get("matching", "email")
    found: dict[str, Any] = {}
    if mode == "custom":
        found = {"field_value": item.get(str(params.get("field_name")))}
    elif mode in MODES:
        found = {name: _near(item, name) for name in MODES[mode]}
    data = {name: it for name, it in item.items() if name not in _BATCH_FIELDS}
    return {**single, **{name: it for name, it in found.items() if it is not None}, "data": data}


def _near(item: Mapping[str, Any], name: str) -> Any:
    """The field itself, or the first number or subscription that holds it."""
    if item.get(name) is not None:
        return item[name]
    if name == "phone" and item.get("phones"):
        return item["phones"][0]
    for entry in item.get("subscriptions") or []:
        nested = entry.get("email_data") if isinstance(entry, dict) else None
        given = {**entry, **nested} if isinstance(nested, dict) else entry
        if isinstance(given, dict) and given.get(name) is not None:
            return given[name]
    return None


def _import(platform: Platform, params: Params, *, creates: bool) -> Imported:
    mode, data = matching(params), _data(params)
    found = wishes(data, skip_invalid=params.get("skip_invalid_subscriptions") is True)
    database = platform.database(number(params, "db_id"))
    profile = database.find(params)
    if profile is None and (not creates or mode == "profile_id"):
        raise Incorrect("profile not found")
    if profile is None:
        data = {**_of_matching(mode, params), **data}
    profile = database.write(profile, data)
    profile.segments |= set(params.get("add_to_segments") or [])
    profile.segments -= set(params.get("remove_from_segments") or [])
    return _subscribed(database, profile, found)


def _of_matching(mode: str, params: Params) -> dict[str, Any]:
    """What a new profile gets from what it was looked for by."""
    if mode == "custom":
        return {params["field_name"]: params["field_value"]}
    fields: dict[str, Any] = {}
    if params.get("email") and mode in {"email", "email_profile", "email_phone"}:
        fields["email"] = params["email"]
    if params.get("phone") and mode in {"phone", "email_phone"}:
        fields["phones"] = [params["phone"]]
    return fields


def _data(params: Params) -> dict[str, Any]:
    data = params.get("data")
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise Incorrect("data is incorrect")
    return data


def _subscribed(database: Database, profile: Profile, found: list[Any]) -> Imported:
    changes = tuple(
        Shown(db_id=database.id, profile_id=profile.id, change=database.subscribe(profile, wish))
        for wish in found
    )
    return profile, changes
