"""Several texts of the bulk lane in one call, each with a tag of its own.

What must not go in: waiting for company.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from vendors.gather import Item
from vendors.provider import Provider
from vendors.smsgateway24.bulk import bulk, taken
from vendors.smsgateway24.envelope import request
from vendors.smsgateway24.moments import in_utc
from vendors.smsgateway24.provider import smsgateway24
from vendors.smsgateway24.rows import is_to, reference, rows, tag
from vendors.smsgateway24.sending import sent_fields
from vendors.wire import Answer, Outcome, OutcomeKind, Request

BEFORE = timedelta(seconds=5)
WIDE = timedelta(minutes=2)
AFTER = timedelta(hours=1)
"""By how much the account's clock may differ. Narrow at first, since every text of a busy account
in it is listed: only what is found counts, nothing follows from absence."""


class TextGather:
    """Texts of `send`, through `addalotofsms`."""

    def most(self, provider: Provider) -> int:
        return smsgateway24(provider).gather

    def request(self, items: Sequence[Item], provider: Provider) -> Request:
        account = smsgateway24(provider)
        return bulk(
            [
                {
                    "sendto": item.params["to"],
                    "body": item.params["text"],
                    **sent_fields(item.params, account, item.identity),
                }
                for item in items
            ],
            account,
        )

    def read(self, answer: Answer, provider: Provider) -> Outcome:
        outcome = taken(answer, smsgateway24(provider))
        if outcome.kind is OutcomeKind.REFUSED:
            # One of many may be at fault: each is looked up and sent alone.
            return Outcome(kind=OutcomeKind.UNKNOWN, reason=outcome.reason)
        return outcome

    def find(self, items: Sequence[Item], provider: Provider, *, wide: bool = False) -> Request:
        called = [item.identity.called_at for item in items]
        begin = min(called) - (WIDE if wide else BEFORE)
        dates = {"begindate": in_utc(begin), "enddate": in_utc(max(called) + AFTER)}
        return request("getallsms", dates, smsgateway24(provider))

    def found(self, answer: Answer, items: Sequence[Item]) -> Mapping[int, str]:
        listed, _ = rows(answer)
        ours = {item.identity.tag: item.params["to"] for item in items}
        found: dict[int, str] = {}
        # Most rows are those of other calls.
        candidates = [row for row in listed if tag(row) in ours]
        for row in sorted(candidates, key=lambda row: int(reference(row))):
            if is_to(row, ours[tag(row)]):
                found.setdefault(tag(row), reference(row))
        return found
