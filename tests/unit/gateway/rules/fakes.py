"""A small vendor and the way from a piece of YAML to rules, for tests of the rules alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from core.document import Document, read_document
from core.messages import Event
from gateway.rules.load import load_rules
from gateway.rules.plan import Rules
from vendors.answers import json_object
from vendors.load import load_providers
from vendors.operation import Operation, Vendor
from vendors.provider import Provider
from vendors.wire import Answer, Identity, InvalidParams, Outcome, OutcomeKind, Params, Request

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
KEEP = timedelta(days=30)


class FakeProvider(Provider):
    account: int | None = None


class NoteParams(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    to: str
    text: str = ""
    account: int
    rank: int | None = None
    tags: list[Any] | None = None
    extra: Any = None


class Note(Operation):
    """Takes anybody but `nobody`, and breaks on `broken`."""

    name = "note"
    summary = "Note something."
    source = "these tests"
    model = NoteParams
    repeatable = True

    def prepare(self, params: Params, provider: Provider) -> Params:
        if params.get("to") == "nobody":
            raise InvalidParams("this is nobody", field="to")
        if params.get("to") == "broken":
            raise RuntimeError("secret of the vendor")
        assert isinstance(provider, FakeProvider)
        return {"account": provider.account, **params}

    def recipient(self, params: Params) -> str | None:
        return str(params["to"])

    def request(self, params: Params, identity: Identity, provider: Provider) -> Request:
        return Request(path="note", headers={}, body=b"")

    def read(self, answer: Answer, params: Params, provider: Provider) -> Outcome:
        return Outcome(kind=OutcomeKind.DONE)


FAKE = {
    "fake": Vendor(
        kind="fake", provider=FakeProvider, content=json_object, operations={"note": Note()}
    )
}

PROVIDERS = """
providers:
  box: {kind: fake, url: "https://example.com", token: {env: TOKEN}, account: 7}
"""


def document_of(tmp_path: Path, text: str) -> Document:
    file = tmp_path / "rules.yaml"
    file.write_text(PROVIDERS + text, encoding="utf-8")
    return read_document(file)


def rules_of(tmp_path: Path, text: str) -> Rules:
    document = document_of(tmp_path, text)
    return load_rules(document, load_providers(document, FAKE), FAKE, KEEP)


def event_of(data: dict[str, Any] | None = None, **fields: Any) -> Event:
    given = {
        "source": "shop",
        "id": "o-1",
        "type": "order.placed",
        "received_at": NOW,
        "time": NOW - timedelta(seconds=1),
        "data": data or {},
    }
    return Event(**{**given, **fields})
