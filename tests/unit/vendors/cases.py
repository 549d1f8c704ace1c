"""Every operation of every vendor with parameters that are right, for the conformance suite.

A new operation is held to the suite by one entry here; the suite fails while the entry is missing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from core.configuration import SecretRef
from tests.unit.vendors.altcraft_cases import altcraft_cases
from tests.unit.vendors.sms_cases import sms_cases
from vendors.altcraft.provider import AltcraftProvider
from vendors.operation import Operation
from vendors.provider import Provider
from vendors.registry import VENDORS
from vendors.smsgateway24.provider import SmsGateway24Provider
from vendors.wire import Answer, Identity, Params

TOKEN = "abcdefghijklmnqrstuvwxyz"
NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
IDENTITY = Identity(request_id="0Xq_-9", tag=1234567890, called_at=NOW)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One operation with right parameters, and the answer that means it worked. `lenient`:
    parameters that take any text within a list; `tokens`: how often the request holds the
    token."""

    kind: str
    operation: Operation
    provider: Provider
    params: Params
    success: bytes
    lenient: frozenset[str] = frozenset()
    tokens: int = 1
    variant: str = ""

    def __str__(self) -> str:
        variant = self.variant or self.params.get("channel", "")
        return f"{self.kind}.{self.operation.name}{'-' if variant else ''}{variant}"

    def prepared(self) -> Params:
        return self.operation.prepare(self.params, self.provider)


def altcraft_provider(token: SecretRef, **settings: Any) -> AltcraftProvider:
    given = {"url": "https://example.com", "db_id": 1, "resource_id": 1, **settings}
    return AltcraftProvider.model_validate({"token": token, **given})


def sms_provider(token: SecretRef | None, **settings: Any) -> SmsGateway24Provider:
    given = {"device_id": 260, "region": "DE", **settings}
    return SmsGateway24Provider.model_validate({"token": token, **given})


def token_in(folder: Path, value: str = TOKEN) -> SecretRef:
    """A secret that stands in a file, as it does in production."""
    file = folder / "token"
    file.write_text(value + "\n", encoding="utf-8")
    return SecretRef(file=str(file))


def cases(token: SecretRef) -> Iterator[Case]:
    for each in altcraft_cases():
        yield Case(
            kind="altcraft",
            operation=VENDORS["altcraft"].operations[each.call],
            provider=altcraft_provider(token, **each.settings),
            params=each.params,
            success=each.success,
            lenient=each.lenient,
            tokens=each.tokens,
            variant=each.variant,
        )
    for case in sms_cases(token):
        yield Case(
            kind="smsgateway24",
            operation=VENDORS["smsgateway24"].operations[case.call],
            provider=sms_provider(None if case.logs_in else token, **case.settings),
            params=case.params,
            success=case.success,
        )


def answer(status: int = 200, body: bytes | str = b"", **headers: str) -> Answer:
    """Header names are written with underscores."""
    raw = body.encode() if isinstance(body, str) else body
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status=status, headers=named, body=raw)
