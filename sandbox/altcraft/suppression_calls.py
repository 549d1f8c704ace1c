"""`suppresses/...`: lists of contacts that nothing is sent to. What must not go in: sending."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sandbox.altcraft.contacts import number, text
from sandbox.altcraft.done import Act, Done, Params
from sandbox.altcraft.errors import Incorrect
from sandbox.altcraft.platform import Platform, SuppressionList

Change = Callable[[SuppressionList, str], None]


def add_list(platform: Platform, params: Params, now: datetime) -> Done:  # noqa: ARG001
    name = text(params, "name")
    made = platform.suppression(max(platform.suppressions, default=0) + 1)
    made.name = name
    return Done(content={"data": {"saved_id": made.id}}, reference=str(made.id))


def check_email(platform: Platform, params: Params, now: datetime) -> Done:  # noqa: ARG001
    listed, email = platform.suppression(number(params, "id")), _email(params)
    return Done(
        content=_matched(
            email_matched=email in listed.emails,
            domain_matched=email.partition("@")[2] in listed.domains,
        )
    )


def check_phone(platform: Platform, params: Params, now: datetime) -> Done:  # noqa: ARG001
    listed, phone = platform.suppression(number(params, "id")), _phone(text(params, "value"))
    return Done(content=_matched(phone_matched=phone in listed.phones))


def change_email(change: Change) -> Act:
    def act(platform: Platform, params: Params, now: datetime) -> Done:  # noqa: ARG001
        list_id, email = number(params, "id"), _email(params)
        change(platform.suppression(list_id), email)
        return Done(reference=str(list_id))

    return act


def add_phone(platform: Platform, params: Params, now: datetime) -> Done:  # noqa: ARG001
    list_id, phone = number(params, "id"), _phone(text(params, "value"))
    platform.suppression(list_id).phones.add(phone)
    return Done(content={"data": {phone: True}}, reference=str(list_id))


def remove_phone(platform: Platform, params: Params, now: datetime) -> Done:  # noqa: ARG001
    list_id, phone = number(params, "id"), _phone(text(params, "value"))
    platform.suppression(list_id).phones.discard(phone)
    return Done(content={"data": None}, reference=str(list_id))


def add_phones(platform: Platform, params: Params, now: datetime) -> Done:  # noqa: ARG001
    list_id, values = number(params, "id"), params.get("values")
    if not isinstance(values, list) or not values:
        raise Incorrect("values is required")
    listed = platform.suppression(list_id)
    counts = dict.fromkeys(("total_imported", "total_duplicated", "total_invalid"), 0)
    for value in values:
        phone = _digits(value)
        if phone is None:
            counts["total_invalid"] += 1
        elif phone in listed.phones:
            counts["total_duplicated"] += 1
        else:
            listed.phones.add(phone)
            counts["total_imported"] += 1
    return Done(content={"total_count": len(values), **counts}, reference=str(list_id))


def _matched(**found: bool) -> dict[str, Any]:
    names = ("email_matched", "domain_matched", "phone_matched")
    return {"matched": any(found.values()), **dict.fromkeys(names, False), **found}


def _email(params: Params) -> str:
    email = text(params, "email").lower()
    if "@" not in email:
        raise Incorrect("email is incorrect")
    return email


def _phone(value: str) -> str:
    phone = _digits(value)
    if phone is None:
        raise Incorrect("value is incorrect")
    return phone


def _digits(value: Any) -> str | None:
    digits = str(value).removeprefix("+")
    return f"+{digits}" if digits.isdecimal() and 7 <= len(digits) <= 15 else None


SUPPRESSION_CALLS: dict[str, Act] = {
    "suppresses/add": add_list,
    "suppresses/email_check": check_email,
    "suppresses/email_add": change_email(lambda listed, email: listed.emails.add(email)),
    "suppresses/email_remove": change_email(lambda listed, email: listed.emails.discard(email)),
    "suppresses/phone_check": check_phone,
    "suppresses/phone_add": add_phone,
    "suppresses/phones_add": add_phones,
    "suppresses/phone_remove": remove_phone,
}
