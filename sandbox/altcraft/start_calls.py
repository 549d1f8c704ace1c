"""`campaigns/triggers/...` and `workflows/...`: each start is recorded as a message that was sent.
What must not go in: sending anything."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sandbox.altcraft import imports
from sandbox.altcraft.done import Act, Done, Params
from sandbox.altcraft.errors import Incorrect
from sandbox.altcraft.platform import Platform
from sandbox.altcraft.profiles import Database, Profile

_FAMILIES = (("campaigns/triggers", "trigger_id"), ("workflows", "workflow_id"))


def _id(params: Params, name: str) -> int | str:
    value = params.get(name)
    if isinstance(value, bool) or not isinstance(value, int | str) or value == "":
        raise Incorrect(f"{name} is required")
    return value


def _send(
    platform: Platform, database: Database, profile: Profile, params: Params, **more: Any
) -> str:
    return platform.send(
        database,
        profile,
        content=params.get("content"),
        custom_data=params.get("custom_data"),
        **more,
    ).smid


def start(what: str) -> Act:
    def act(platform: Platform, params: Params, now: datetime) -> Done:
        what_id = _id(params, "id")
        found = list(_found(platform, params))
        if not found:
            raise Incorrect("profile not found")
        smids = [
            _send(platform, database, profile, params, at=now, what=what, what_id=what_id)
            for database, profile in found
        ]
        return Done(content={"profile_id": found[0][1].id}, reference=smids[0])

    return act


def start_batch(what: str, name: str) -> Act:
    """Those who are not there are not sent to. The answer holds an error for each of them."""

    def act(platform: Platform, params: Params, now: datetime) -> Done:
        what_id = _id(params, name)

        def one(platform: Platform, single: Params) -> imports.Imported:
            found = next(_found(platform, single), None)
            if found is None:
                raise Incorrect("profile not found")
            along = {**params, **single.get("data", {})}
            _send(platform, *found, along, at=now, what=what, what_id=what_id)
            return found[1], ()

        answers, profiles, _ = imports.each_item(platform, params, one)
        return Done(content={"result": answers}, reference=str(len(profiles)))

    return act


def import_and_start(what: str, name: str) -> Act:
    def act(platform: Platform, params: Params, now: datetime) -> Done:
        what_id = _id(params, name)
        profile, shown = imports.upsert(platform, params)
        database = platform.database(params["db_id"])
        smid = _send(platform, database, profile, params, at=now, what=what, what_id=what_id)
        return Done(content={"profile_id": profile.id}, reference=smid, shown=shown)

    return act


def import_and_start_batch(what: str, name: str) -> Act:
    def act(platform: Platform, params: Params, now: datetime) -> Done:
        what_id = _id(params, name)

        def one(platform: Platform, single: Params) -> imports.Imported:
            profile, shown = imports.upsert(platform, single)
            database = platform.database(single["db_id"])
            _send(platform, database, profile, single, at=now, what=what, what_id=what_id)
            return profile, shown

        answers, profiles, shown = imports.each_item(platform, params, one)
        return Done(content={"result": answers}, reference=str(len(profiles)), shown=shown)

    return act


def _found(platform: Platform, params: Params) -> Iterator[tuple[Database, Profile]]:
    """In whichever database: these calls do not name one."""
    query = params.get("custom_request")
    for database in list(platform.databases.values()):
        if isinstance(query, dict) and "matching" not in params:
            for profile in database:
                if all(profile.fields.get(name) == value for name, value in query.items()):
                    yield database, profile
        elif (found := database.find(params)) is not None:
            yield database, found
            return


START_CALLS: dict[str, Act] = {
    call: act
    for path, name in _FAMILIES
    for call, act in (
        (f"{path}/start", start(path)),
        (f"{path}/start_batch", start_batch(path, name)),
        (f"{path}/import_and_start", import_and_start(path, name)),
        (f"{path}/import_and_start_batch", import_and_start_batch(path, name)),
    )
}
