"""Finding out through `getallsms` whether a text was saved, when the answer to `addsms` never came.

Two forms of asking, since neither filter is proven: by our tag (`customerid`), then by number. A
wrong "not there" is a second text to a person, so whatever cannot be read whole says nothing
(`failed`). What must not go in: deciding to send again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from vendors.answers import code, described, json_object
from vendors.lookup import Finding, Query, Sighting
from vendors.provider import Provider
from vendors.smsgateway24.envelope import request
from vendors.smsgateway24.number import digits
from vendors.smsgateway24.provider import smsgateway24
from vendors.smsgateway24.text import same
from vendors.wire import Answer, Identity, Params

BEFORE = timedelta(days=1)
"""Before the first call: the zone of the filter's dates is not documented."""

AFTER = timedelta(days=32)
"""After it: a later attempt of the same generation carries the same tag."""


class TextLookup:
    """Asks for one text, and reads the list that comes back."""

    def queries(self, params: Params, identity: Identity, provider: Provider) -> Sequence[Query]:
        account = smsgateway24(provider)
        window = {
            "begindate": _moment(identity.called_at - BEFORE),
            "enddate": _moment(_latest(params, identity) + AFTER),
        }
        return (
            Query(
                form="customerid",
                request=request("getallsms", {"customerid": identity.tag, **window}, account),
            ),
            Query(
                form="phone",
                request=request("getallsms", {"phone": params["to"], **window}, account),
            ),
        )

    def read(
        self, answer: Answer, params: Params, identity: Identity, claimed: frozenset[str]
    ) -> Sighting:
        rows, problem = _rows(answer)
        unclaimed = [row for row in rows if _reference(row) not in claimed]
        to_number = [row for row in unclaimed if _is_to(row, params["to"])]
        matches = [row for row in to_number if _tag(row) == identity.tag] or [
            row
            for row in to_number
            if _tag(row) == 0 and same(params["text"], str(row.get("body") or ""))
        ]
        if matches:
            first = min(matches, key=lambda row: int(_reference(row)))
            return Sighting(finding=Finding.FOUND, reference=_reference(first))
        if problem:
            return Sighting(finding=Finding.FAILED, reason=problem)
        return Sighting(finding=Finding.EMPTY)


def _rows(answer: Answer) -> tuple[list[dict[str, Any]], str]:
    """The texts in an answer, and why it does not say everything (empty if it does).

    `smss` is an object by id, or a list when it is empty: PHP writes both.
    """
    content = json_object(answer)
    if not 200 <= answer.status <= 299 or content is None:
        return [], described(answer, "no list of texts")
    if code(content.get("error", 0)) != 0:
        return [], described(answer, content.get("message"))
    smss = content.get("smss")
    if isinstance(smss, dict):
        listed = [{"id": key, **row} if isinstance(row, dict) else row for key, row in smss.items()]
    elif isinstance(smss, list):
        listed = smss
    else:
        return [], described(answer, "no list of texts")
    rows = [row for row in listed if _is_text(row)]
    if len(rows) < len(listed):
        return rows, described(answer, "a text in the list cannot be read")
    count = code(content.get("count", len(rows)))
    if count is not None and count > len(rows):
        return rows, described(answer, "the list is not whole")
    return rows, ""


def _is_text(row: Any) -> bool:
    return (
        isinstance(row, dict)
        and code(row.get("id")) is not None
        and isinstance(row.get("sendto"), str | int)
    )


def _reference(row: dict[str, Any]) -> str:
    return str(code(row["id"]))


def _is_to(row: dict[str, Any], number: str) -> bool:
    return digits(str(row["sendto"])) == digits(number)


def _tag(row: dict[str, Any]) -> int:
    """The row's tag: 0 where it has none (null, an empty string, 0), -1 where it is no number."""
    value = row.get("customerid")
    if value is None or value == "":
        return 0
    tag = code(value)
    return -1 if tag is None else tag


def _latest(params: Params, identity: Identity) -> datetime:
    """The first call, or the time the text was ordered for: the filter may mean either."""
    ordered = params.get("timetosend")
    if ordered is None:
        return identity.called_at
    due = datetime.fromisoformat(ordered).replace(tzinfo=UTC)
    return max(identity.called_at, due)


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
