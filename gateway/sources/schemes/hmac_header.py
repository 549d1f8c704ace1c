"""A configurable HMAC, for systems that have no scheme of their own here.

What is signed is written as in their documentation: `{body}`, or with a time of theirs in a header
`{timestamp}.{body}`, `v0:{timestamp}:{body}`. What must not go in: the name of any system.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from core.errors import Unauthenticated
from gateway.events.headers import Headers
from gateway.sources.keys import active_name, matching_digests
from gateway.sources.schemes.signed_body import SignedBody
from gateway.sources.verifier import Proof, check_timestamp, is_timestamp, required

BODY, TIMESTAMP = "{body}", "{timestamp}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplatedHmac:
    """HMAC over a text in which `{body}` stands once, and `{timestamp}` if a header holds a time.

    `digest` says where the digest stands and how, and has the keys; `timestamp` is the header with
    the time of signing, in seconds since 1970.
    """

    digest: SignedBody
    signed: str
    timestamp: str | None
    tolerance: timedelta

    def check(self, headers: Headers) -> None:
        self.digest.check(headers)
        self._time(headers)

    def verify(self, body: bytes, headers: Headers, now: datetime) -> Proof:
        candidates = [self.digest.presented(headers)]
        timestamp = self._time(headers)
        before, _, after = self.signed.replace(TIMESTAMP, timestamp or "").partition(BODY)
        signed = before.encode("utf-8") + body + after.encode("utf-8")
        found = matching_digests(
            self.digest.keys, signed, candidates, algorithm=self.digest.algorithm
        )
        key = active_name(found, now)
        if timestamp is not None:
            check_timestamp(timestamp, now, self.tolerance)
        return Proof(key=key)

    def _time(self, headers: Headers) -> str | None:
        if self.timestamp is None:
            return None
        timestamp = required(headers, self.timestamp)
        if not is_timestamp(timestamp):
            raise Unauthenticated(cause="bad-timestamp")
        return timestamp
