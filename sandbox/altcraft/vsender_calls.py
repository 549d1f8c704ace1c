"""`vsenders/...`, for users and administrators. A clone that is not recognised as a repeat makes a
second copy. What must not go in: sending."""

from __future__ import annotations

from copy import deepcopy
from datetime import datetime
from typing import Any

from sandbox.altcraft.contacts import number, text
from sandbox.altcraft.done import Act, Done, Params
from sandbox.altcraft.errors import Incorrect
from sandbox.altcraft.platform import Platform, Sender

_PAGE = 1000


def list_senders(platform: Platform, params: Params, now: datetime) -> Done:  # noqa: ARG001
    return Done(content={"data": _page(platform, params)})


def list_for_admin(platform: Platform, params: Params, now: datetime) -> Done:  # noqa: ARG001
    number(params, "account_id")
    rows = _page(platform, params)
    return Done(content={"data": rows, "total_count": len(rows)})


def get(platform: Platform, params: Params, now: datetime) -> Done:  # noqa: ARG001
    sender = platform.sender(number(params, "id"), params.get("account_id"))
    return Done(
        content={
            "data": {
                "id": sender.id,
                "name": sender.name,
                "email_rules": sender.email_rules,
                "sms_rules": sender.sms_rules,
            }
        }
    )


def clone(platform: Platform, params: Params, now: datetime) -> Done:  # noqa: ARG001
    source = platform.sender(number(params, "id"), params.get("account_id"))
    made = platform.add_sender(
        params.get("name") or f"Clone of {source.name}",
        account_id=params.get("account_id") or source.account_id,
        email_rules=deepcopy(source.email_rules),
        sms_rules=deepcopy(source.sms_rules),
    )
    return _saved(made)


def add(platform: Platform, params: Params, now: datetime) -> Done:  # noqa: ARG001
    name = text(params, "name")
    rules = {kind: _rules(params, kind) for kind in ("email_rules", "sms_rules")}
    _refuse_taken(platform, name, None, params.get("account_id"))
    return _saved(platform.add_sender(name, account_id=params.get("account_id"), **rules))


def update(platform: Platform, params: Params, now: datetime) -> Done:  # noqa: ARG001
    sender = platform.sender(number(params, "id"), params.get("account_id"))
    name = params.get("name") or sender.name
    given = {kind: _rules(params, kind) for kind in ("email_rules", "sms_rules") if kind in params}
    _refuse_taken(platform, name, sender.id, sender.account_id)
    sender.name = name
    sender.email_rules = given.get("email_rules", sender.email_rules)
    sender.sms_rules = given.get("sms_rules", sender.sms_rules)
    return _saved(sender)


def delete(platform: Platform, params: Params, now: datetime) -> Done:  # noqa: ARG001
    sender = platform.sender(number(params, "id"), params.get("account_id"))
    del platform.senders[sender.id]
    return Done(content={"data": None}, reference=str(sender.id))


def _saved(sender: Sender) -> Done:
    return Done(content={"data": {"saved_id": sender.id}}, reference=str(sender.id))


def _page(platform: Platform, params: Params) -> list[dict[str, Any]]:
    first, limit = params.get("from_id") or 1, params.get("limit") or _PAGE
    account_id = params.get("account_id")
    rows = [
        {
            "id": sender.id,
            "name": sender.name,
            "email_channel": bool(sender.email_rules),
            "sms_channel": bool(sender.sms_rules),
            "custom_channels": {},
        }
        for sender in sorted(platform.senders.values(), key=lambda sender: sender.id)
        if sender.id >= first and sender.account_id in (None, account_id)
    ]
    return rows[:limit]


def _rules(params: Params, kind: str) -> list[Any]:
    """The default rule must be there, at the end."""
    rules = params.get(kind)
    if not isinstance(rules, list):
        raise Incorrect(f"{kind} is required")
    if rules and not (isinstance(rules[-1], dict) and rules[-1].get("type") == "default"):
        raise Incorrect(f"{kind}: the default rule must be the last one")
    return rules


def _refuse_taken(platform: Platform, name: str, own: int | None, account_id: Any) -> None:
    for sender in platform.senders.values():
        if sender.name == name and sender.id != own and sender.account_id in (None, account_id):
            raise Incorrect("name is not unique")


VSENDER_CALLS: dict[str, Act] = {
    "vsenders/list": list_senders,
    "admin/vsenders/list": list_for_admin,
    "vsenders/get": get,
    "vsenders/clone": clone,
    "vsenders/add": add,
    "vsenders/update": update,
    "vsenders/delete": delete,
}
