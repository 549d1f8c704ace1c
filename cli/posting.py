"""Posting an event until it is taken or refused: the retrying client that contract line 1 speaks
of.

What must not go in: where events come from and how the results are shown.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import uuid
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

import aiohttp
import orjson

from cli.event_files import EventFile
from core.clock import Clock
from core.configuration import Secret
from core.errors import ConfigurationError

DEFAULT_PAUSES = tuple(timedelta(seconds=pause) for pause in (0.5, 1, 2, 4, 8, 15, 30))
LONGEST_PAUSE = timedelta(seconds=60)
TIMEOUT = aiohttp.ClientTimeout(total=30)
TRY_AGAIN = frozenset({408, 429})


class Posted(StrEnum):
    ACCEPTED = "accepted"
    REFUSED = "refused"
    """A 4xx: sending it again would change nothing."""
    GIVEN_UP = "given up"
    """Still no success after every pause; it may be sent again safely."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of one event. `ref` is of its receipt; `reason` says why it was not taken."""

    name: str
    posted: Posted
    ref: str | None = None
    reason: str = ""


Sign = Callable[[EventFile], dict[str, str]]


def bearer_header(key: Secret) -> dict[str, str]:
    return {"Authorization": f"Bearer {key.reveal()}"}


def bearer(key: Secret) -> Sign:
    return lambda _: bearer_header(key)


def standard_webhooks(secret: Secret, clock: Clock) -> Sign:
    """Headers of Standard Webhooks 1.0; the timestamp is new with every try, the id stays.

    Raises ConfigurationError unless the secret is base64, with or without `whsec_` in front.
    """
    try:
        key = b64decode(secret.reveal().removeprefix("whsec_"), validate=True)
    except (NotBase64, ValueError):
        raise ConfigurationError("expected whsec_ and base64", field="--secret-env") from None

    def sign(event: EventFile) -> dict[str, str]:
        name = event.id or str(uuid.uuid5(uuid.NAMESPACE_OID, event.body.hex()))
        stamp = str(int(clock.now().timestamp()))
        signed = b".".join((name.encode(), stamp.encode(), event.body))
        signature = b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
        return {
            "webhook-id": name,
            "webhook-timestamp": stamp,
            "webhook-signature": f"v1,{signature}",
        }

    return sign


async def post(
    session: aiohttp.ClientSession,
    url: str,
    event: EventFile,
    sign: Sign,
    *,
    pauses: Sequence[timedelta] = DEFAULT_PAUSES,
) -> Result:
    """Send one event, again after each pause as long as the trouble may pass.

    A longer `Retry-After` is honoured, up to a minute.
    """
    reason = ""
    for pause in (*pauses, None):
        wait = pause
        try:
            async with session.post(
                url,
                data=event.body,
                headers={"Content-Type": "application/json", **sign(event)},
                timeout=TIMEOUT,
                allow_redirects=False,
            ) as answer:
                body = await answer.read()
                if 200 <= answer.status < 300:
                    return Result(name=event.name, posted=Posted.ACCEPTED, ref=_ref(body))
                reason = _reason(answer.status, body)
                if answer.status < 500 and answer.status not in TRY_AGAIN:
                    return Result(name=event.name, posted=Posted.REFUSED, reason=reason)
                wait = _longer(pause, answer.headers.get("Retry-After"))
        except (aiohttp.ClientError, TimeoutError) as error:
            reason = f"no answer ({type(error).__name__})"
        if pause is None or wait is None:
            break
        await asyncio.sleep(wait.total_seconds())
    return Result(name=event.name, posted=Posted.GIVEN_UP, reason=reason)


def _longer(pause: timedelta | None, retry_after: str | None) -> timedelta | None:
    if pause is None or retry_after is None or not retry_after.isdecimal():
        return pause
    return max(pause, min(timedelta(seconds=min(int(retry_after), 3600)), LONGEST_PAUSE))


def _ref(body: bytes) -> str | None:
    ref = _object(body).get("ref")
    return ref if isinstance(ref, str) else None


def _reason(status: int, body: bytes) -> str:
    """The words of an RFC 9457 problem document, or just the status."""
    problem = _object(body)
    said = [str(problem[key]) for key in ("code", "detail") if problem.get(key)]
    return f"HTTP {status}" + (f" {': '.join(said)}" if said else "")


def _object(body: bytes) -> dict[str, object]:
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}
