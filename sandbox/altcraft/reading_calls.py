"""What can be read of databases and resources. What must not go in: profiles."""

from __future__ import annotations

from datetime import datetime

from sandbox.altcraft.contacts import number
from sandbox.altcraft.done import Act, Done, Params
from sandbox.altcraft.platform import Platform

_STANDARD = ("email", "phones", "_fname", "_lname", "_bdate", "_regdate", "_sex", "_status")
_OF_SUBSCRIPTIONS = ("_browser_name", "_device_type", "_os")


def list_databases(platform: Platform, params: Params, now: datetime) -> Done:  # noqa: ARG001
    first, limit = params.get("from_id") or 1, params.get("limit") or 1000
    found = [each for db_id, each in sorted(platform.databases.items()) if db_id >= first]
    rows = [{"id": each.id, "name": f"Database #{each.id}"} for each in found]
    return Done(content={"data": rows[:limit]})


def database_fields(platform: Platform, params: Params, now: datetime) -> Done:  # noqa: ARG001
    database = platform.database(number(params, "db_id"))
    names = dict.fromkeys(_STANDARD)
    names.update({name: None for profile in database for name in profile.fields})
    return Done(content={"data": [{"name": name} for name in names]})


def resource_fields(platform: Platform, params: Params, now: datetime) -> Done:  # noqa: ARG001
    return Done(content={"data": [{"name": name} for name in _OF_SUBSCRIPTIONS]})


READING_CALLS: dict[str, Act] = {
    "databases/list": list_databases,
    "databases/fields_get": database_fields,
    "resources/fields_get": resource_fields,
}
