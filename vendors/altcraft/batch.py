"""Several profiles or orders in one call: how each item is found, and how an answer to all of them
is read.

A batch can succeed as a whole while items of it failed. What failed becomes the rest that is still
to do, as a call of its own. What must not go in: what a call does with its items.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from pydantic import Field

from vendors.altcraft.call import Conclude
from vendors.altcraft.contact import (
    Line,
    MessengerData,
    Phone,
    contact_of,
    email_contact,
    phone_contact,
    wrong,
)
from vendors.altcraft.envelope import Judged, judge_code, rows
from vendors.altcraft.matching import Mode, fields_of, found_by
from vendors.altcraft.profile import ProfileData, SteadyData
from vendors.answers import code, words
from vendors.wire import Outcome, OutcomeKind, Params

MOST = 10_000
"""Profiles in one call, as the vendor recommends."""

Contact = tuple[str, ...]


class LooseItem(ProfileData):
    """A profile in a batch: its data, and among them what it is found by."""

    phone: Phone | None = Field(None, description="number, with the phone modes")
    profile_id: Line | None = Field(None, description="profile, with profile_id")
    provider: Line | None = Field(None, description="push provider, with push_sub")
    subscription_id: Line | None = Field(None, description="push token, with push_sub")
    cc_data: MessengerData | None = Field(None, description="messenger, with custom_sub")


class SteadyItem(SteadyData, LooseItem):
    """The same for calls that may be sent twice."""


def finding(mode: Mode, field_name: str | None) -> tuple[str, ...]:
    """The fields of an item that only say which profile it is."""
    return (field_name or "",) if mode is Mode.CUSTOM else fields_of(mode)


def found_in(item: Mapping[str, Any], mode: Mode, field_name: str | None) -> list[Contact]:
    """The contacts by which an item's profile is found: what the mode names, or else the item's own
    numbers and subscriptions that the mode looks through."""
    if mode is Mode.CUSTOM:
        value = item.get(field_name or "")
        return found_by({"field_name": field_name, "field_value": value})
    direct = found_by({name: item.get(name) for name in fields_of(mode)})
    if direct:
        return direct
    kinds = {_KINDS[name] for name in fields_of(mode) if name in _KINDS}
    near = [phone_contact(number) for number in item.get("phones") or []]
    near += [contact_of(entry) for entry in item.get("subscriptions") or []]
    return [contact for contact in near if contact[0] in kinds][:1]


_KINDS = {"email": "email", "phone": "phone", "subscription_id": "push", "cc_data": "telegram"}


def check_items(items: Iterable[LooseItem], matching: str | None, field_name: str | None) -> None:
    """Raises for the first item that names nobody, and for a field name that does not belong."""
    mode = Mode(matching or "email")
    if (field_name is not None) != (mode is Mode.CUSTOM):
        problem = "is needed by" if mode is Mode.CUSTOM else "does not belong to"
        raise wrong(f"{problem} matching {mode}", "field_name")
    for index, item in enumerate(items):
        given = item.model_dump(mode="json", exclude_unset=True)
        if not found_in(given, mode, field_name):
            raise wrong(f"item {index} has nothing to be found by with matching {mode}", "data")


def named_by(email: str | None) -> list[Contact]:
    """By what a profile that is added, not searched for, can be named: its unique field."""
    return [email_contact(email)] if email else []


def itemised(*, repeatable: bool, always: bool = True) -> Conclude:
    """Reads the answer to a batch. `always`: the call is known to answer for each item.

    An answer that does not tell item by item what happened is no success. A call that may be
    repeated is: under the same Request-ID the platform would repeat the same answer from its
    memory, so it counts as a failure, after which a new Request-ID is taken. A call that must not
    be made twice stays in doubt and ends with a person.
    """

    def conclude(answer: Judged, params: Params) -> Outcome:
        if answer.outcome.kind is not OutcomeKind.DONE:
            return answer.outcome
        if "result" not in answer.content and not always:
            return answer.outcome
        items: list[Any] = params.get("data", [])
        errors = [_error(row) for row in rows(answer.content.get("result"))]
        if len(errors) != len(items) or None in errors:
            return replace(
                answer.outcome,
                kind=OutcomeKind.TEMPORARY if repeatable else OutcomeKind.UNKNOWN,
                reason=f"the answer does not tell what became of each of {len(items)} items",
            )
        failed = [index for index, error in enumerate(errors) if error and error[0] != 0]
        if not failed:
            return answer.outcome
        return replace(
            answer.outcome,
            kind=_kind([error[0] for error in errors if error], repeatable=repeatable),
            reason=_reason(errors, failed),
            remaining={**params, "data": [items[index] for index in failed]},
        )

    return conclude


def _error(row: Any) -> tuple[int, str] | None:
    """An item's code and words. A bare id stands for an item that was taken (bulk trigger launch
    answers with those)."""
    if isinstance(row, dict):
        number = code(row.get("error"))
        return None if number is None else (number, words(row.get("error_text")))
    return (0, "") if isinstance(row, str) and row else None


def _kind(codes: list[int], *, repeatable: bool) -> OutcomeKind:
    """What to do about the items that failed. 401 and 403 of an item are about the item: a token
    problem is told at the top.

    One item in doubt of a call that must not be made twice takes all of them to a person: the rest
    travels as a call of its own, which the platform would not recognise.
    """
    kinds = {judge_code(number, repeatable=repeatable) for number in codes}
    if OutcomeKind.UNKNOWN in kinds:
        return OutcomeKind.REFUSED
    return OutcomeKind.TEMPORARY if OutcomeKind.TEMPORARY in kinds else OutcomeKind.REFUSED


def _reason(errors: list[tuple[int, str] | None], failed: list[int]) -> str:
    number, said = errors[failed[0]] or (0, "")
    reason = f"{len(failed)} of {len(errors)} items failed; item {failed[0]}: error {number}"
    return f"{reason}: {said}" if said else reason
