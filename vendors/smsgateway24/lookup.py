"""Finding out through `getallsms` whether a text was saved, when the answer to `addsms` never came.

Two forms of asking, since neither filter is proven: by our tag (`customerid`), then by number. A
wrong "not there" is a second text to a person, so whatever cannot be read whole says nothing
(`failed`). What must not go in: deciding to send again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from vendors.lookup import Finding, Query, Sighting
from vendors.provider import Provider
from vendors.smsgateway24.envelope import request
from vendors.smsgateway24.moments import in_utc, read_sent
from vendors.smsgateway24.provider import smsgateway24
from vendors.smsgateway24.rows import first, is_to, reference, rows, tag
from vendors.smsgateway24.text import same
from vendors.wire import Answer, Identity, Params

BEFORE = timedelta(days=1)
"""Before the first call: the zone of the filter's dates is not documented."""

AFTER = timedelta(days=32)
"""After it: a later attempt of the same generation carries the same tag."""


def window(identity: Identity, *, ordered: Sequence[str | None]) -> dict[str, str]:
    """The filter's dates. `ordered`: the times the texts were ordered for, since the filter may
    mean either."""
    due = [read_sent(timetosend) for timetosend in ordered if timetosend is not None]
    latest: datetime = max([identity.called_at, *due])
    return {
        "begindate": in_utc(identity.called_at - BEFORE),
        "enddate": in_utc(latest + AFTER),
    }


class TextLookup:
    """Asks for one text, and reads the list that comes back. `to` and `text` name the parameters
    that hold its number and its body."""

    def __init__(self, *, to: str = "to", text: str = "text") -> None:
        self._to = to
        self._text = text

    def queries(self, params: Params, identity: Identity, provider: Provider) -> Sequence[Query]:
        account = smsgateway24(provider)
        dates = window(identity, ordered=[params.get("timetosend")])
        return (
            Query(
                form="customerid",
                request=request("getallsms", {"customerid": identity.tag, **dates}, account),
            ),
            Query(
                form="phone",
                request=request("getallsms", {"phone": params[self._to], **dates}, account),
            ),
        )

    def read(
        self, answer: Answer, params: Params, identity: Identity, claimed: frozenset[str]
    ) -> Sighting:
        listed, problem = rows(answer)
        unclaimed = [row for row in listed if reference(row) not in claimed]
        to_number = [row for row in unclaimed if is_to(row, params[self._to])]
        matches = [row for row in to_number if tag(row) == identity.tag] or [
            row
            for row in to_number
            if tag(row) == 0 and same(params[self._text], str(row.get("body") or ""))
        ]
        if matches:
            return Sighting(finding=Finding.FOUND, reference=first(matches))
        if problem:
            return Sighting(finding=Finding.FAILED, reason=problem)
        return Sighting(finding=Finding.EMPTY)
