"""`market/orders/...` and `goals/register`: what people bought and did. What must not go in:
products."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

from core.clock import to_text
from sandbox.altcraft.contacts import number, text
from sandbox.altcraft.done import Act, Done, Params
from sandbox.altcraft.errors import Incorrect
from sandbox.altcraft.platform import Platform

_PAGE = 1000
_NO_WORDS = ""
"""What these calls write as `error_text` on success."""


def import_orders(platform: Platform, params: Params, now: datetime) -> Done:  # noqa: ARG001
    """Each order is created, or brought up to date, by the shop's own id."""
    items = params.get("data")
    if not isinstance(items, list) or not items:
        raise Incorrect("data is required")
    answers: list[dict[str, Any]] = []
    for item in items:
        try:
            external_id = text(item if isinstance(item, dict) else {}, "external_id")
        except Incorrect as incorrect:
            answers.append(incorrect.envelope())
            continue
        known = platform.orders.get(external_id) or {"id": len(platform.orders) + 1}
        platform.orders[external_id] = {**known, **item}
        answers.append({"error": 0, "error_text": "", "id": known["id"]})
    taken = sum(answer["error"] == 0 for answer in answers)
    return Done(content={"result": answers}, reference=str(taken), words=_NO_WORDS)


def list_orders(platform: Platform, params: Params, now: datetime) -> Done:  # noqa: ARG001
    endpoint, limit = params.get("endpoint"), params.get("limit") or _PAGE
    rows = [
        order for order in platform.orders.values() if endpoint in (None, order.get("endpoint"))
    ]
    cursors = [_cursor(order) for order in rows]
    asked = params.get("from_id") or ""
    if asked and asked not in cursors:
        raise Incorrect("from_id is incorrect")
    first = cursors.index(asked) if asked else 0
    following = cursors[first + limit] if first + limit < len(cursors) else ""
    return Done(
        content={"data": rows[first : first + limit], "next_from_id": following}, words=_NO_WORDS
    )


def get_status(platform: Platform, params: Params, now: datetime) -> Done:  # noqa: ARG001
    for external_id, order in platform.orders.items():
        if external_id == params.get("external_id") or order["id"] == params.get("id"):
            result = {"endpoint": order.get("endpoint"), "status": order.get("status")}
            return Done(content={"result": result}, words=_NO_WORDS)
    raise Incorrect("order not found")


def register_goal(platform: Platform, params: Params, now: datetime) -> Done:
    profile = platform.database(number(params, "db_id")).find(params)
    if profile is None:
        raise Incorrect("profile not found")
    pixel_id = number(params, "pixel_id")
    goals = params.get("goals") or [{"goal": params.get("goal"), "value": params.get("value")}]
    if not all(isinstance(each, dict) and each.get("goal") for each in goals):
        raise Incorrect("goal is required")
    for each in goals:
        platform.goals.append(
            {
                "at": params.get("date") or to_text(now),
                "pixel_id": pixel_id,
                "profile_id": profile.id,
                "goal": each["goal"],
                "value": each.get("value"),
                "pixel_data": params.get("pixel_data"),
                "is_test": params.get("is_test", False),
            }
        )
    return Done(reference=profile.id)


def _cursor(order: dict[str, Any]) -> str:
    digest = hashlib.sha1(str(order["external_id"]).encode(), usedforsecurity=False).hexdigest()
    return f"2oDantiaiPtY-{digest[:16]}"


MARKET_CALLS: dict[str, Act] = {
    "market/orders/import": import_orders,
    "market/orders/list": list_orders,
    "market/orders/get_status": get_status,
    "goals/register": register_goal,
}
