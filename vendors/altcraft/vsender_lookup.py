"""Finding out whether a virtual sender was made, when the answer to `clone` or `add` never came.

Names are unique in an account, and ids rise: the list from the source on starts with the source
itself, which shows that the question works. A wrong "not there" makes a second sender, so whatever
cannot be read whole says nothing. What must not go in: deciding to call again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from vendors.altcraft.envelope import content_of, request, rows
from vendors.altcraft.provider import altcraft
from vendors.answers import code, described
from vendors.lookup import Finding, Query, Sighting
from vendors.provider import Provider
from vendors.wire import Answer, Identity, Params

LIMIT = 10_000


def name_of(params: Params, identity: Identity) -> str:
    """What the sender is called; a clone without a name gets one that can be found again."""
    given = params.get("name")
    return str(given or f"Clone of virtual sender #{params['id']} ({identity.tag})")


def list_path(params: Params) -> str:
    """The list has a path of its own for administrators; the other calls of theirs do not."""
    return "admin/vsenders/list" if "account_id" in params else "vsenders/list"


@dataclass(frozen=True, slots=True, kw_only=True)
class SenderLookup:
    """Asks for the senders from the source on, or for all of them, and looks for the name."""

    clones: bool

    def queries(self, params: Params, identity: Identity, provider: Provider) -> Sequence[Query]:
        asked: Params = {"from_id": params["id"] if self.clones else 1, "limit": LIMIT}
        if "account_id" in params:
            asked["account_id"] = params["account_id"]
        question = request(
            list_path(params),
            asked,
            provider=altcraft(provider),
            # Without a Request-ID: an answer from the platform's memory could be from before the
            # call, and under the call's own one it would be the answer to that.
            request_id=None,
            message_id=f"{identity.request_id}-list",
        )
        return (Query(form="vsenders/list", request=question),)

    def read(
        self, answer: Answer, params: Params, identity: Identity, claimed: frozenset[str]
    ) -> Sighting:
        content = content_of(answer)
        if not 200 <= answer.status <= 299 or content is None:
            return _failed(answer, "no list of virtual senders")
        if code(content.get("error")) != 0:
            return _failed(answer, content.get("error_text"))
        if "data" not in content:
            return _failed(answer, "no list of virtual senders")
        senders = [_sender(row) for row in rows(content["data"])]
        if len(senders) >= LIMIT or None in senders:
            return _failed(answer, "the list is not whole")
        wanted, source = name_of(params, identity), params["id"] if self.clones else None
        known = [sender for sender in senders if sender is not None]
        proven = any(number == source for number, _ in known) if self.clones else bool(known)
        for number, name in known:
            if name == wanted and number != source and str(number) not in claimed:
                return Sighting(finding=Finding.FOUND, reference=str(number), proven=proven)
        return Sighting(finding=Finding.EMPTY, proven=proven)


def _sender(row: Any) -> tuple[int, str] | None:
    """A row's id and name; None if it has none that can be read."""
    number = code(row.get("id")) if isinstance(row, dict) else None
    name = row.get("name") if isinstance(row, dict) else None
    if number is None or not isinstance(name, str | None):
        return None
    return number, name or ""


def _failed(answer: Answer, said: object) -> Sighting:
    return Sighting(finding=Finding.FAILED, reason=described(answer, said))
