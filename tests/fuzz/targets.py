"""What is fuzzed: each target takes bytes and may end in one of our own refusals, in nothing else.

Run as a program it fuzzes one target until its time is up:

    python -m tests.fuzz.targets cloudevents -max_total_time=20
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import atheris

with atheris.instrument_imports(include=["gateway", "core", "vendors"]):
    from core.document import read_document
    from core.errors import ConfigurationError, RequestError
    from core.messages import Event
    from gateway.events.headers import Headers
    from gateway.events.own_schemas import load_schemas
    from gateway.events.parse import parse_events
    from gateway.rules.cel import OF_A_DELIVERY, CelEngine, InvalidExpression
    from gateway.rules.facts import Failure, facts_of
    from gateway.rules.load import load_rules
    from gateway.rules.templates import InvalidTemplate, compile_template, new_liquid
    from gateway.sources.keys import Key
    from gateway.sources.load import check_sources
    from gateway.sources.model import VerifyModel
    from gateway.sources.names import Scheme
    from gateway.sources.schemes.registry import SCHEMES
    from vendors.load import load_providers
    from vendors.registry import VENDORS

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
EVENT = Event(
    source="shop",
    id="o-1",
    type="order.placed",
    received_at=NOW,
    data={
        "name": "Zoë {{ 7 }}",
        "total": 12.5,
        "count": 3,
        "none": None,
        "yes": True,
        "items": [{"sku": "A", "n": 1}, {"sku": "B", "n": 2}],
        "deep": {"a": {"b": {"c": "d"}}},
        "": "empty key",
    },
)
ENGINE, LIQUID, MAPS = CelEngine(), new_liquid(), CelEngine(OF_A_DELIVERY)


def _received(raw: bytes) -> str:
    """A header's text as the server hands it on."""
    return raw.decode("utf-8", "surrogateescape")


def cloudevents(data: bytes) -> None:
    """Bodies and `ce-` headers in every mode."""
    split = atheris.FuzzedDataProvider(data)
    kinds = (
        "application/json",
        "application/cloudevents+json",
        "application/cloudevents-batch+json",
    )
    pairs = [("content-type", split.PickValueInList(list(kinds)))]
    names = ["specversion", "id", "source", "type", "time", "subject", "datacontenttype", "x"]
    pairs.extend(
        (f"ce-{split.PickValueInList(names)}", _received(split.ConsumeBytes(40)))
        for _ in range(split.ConsumeIntInRange(0, 8))
    )
    body = split.ConsumeBytes(split.remaining_bytes())
    try:
        parsed = parse_events(body, Headers(pairs), source="shop", now=NOW, default_id="w")
    except RequestError:
        return
    for event in parsed.events:
        facts_of(event)


_KEY = Key(value=b"x" * 32, name="x")
_VERIFIERS = [
    (SCHEMES[scheme].make((_KEY,), VerifyModel.model_validate(written)), names)
    for scheme, written, names in (
        (
            Scheme.STANDARD_WEBHOOKS,
            {"scheme": "standard-webhooks", "secrets": [{"env": "X"}]},
            ["webhook-id", "webhook-timestamp", "webhook-signature", "svix-id"],
        ),
        (Scheme.STRIPE, {"scheme": "stripe", "secrets": [{"env": "X"}]}, ["stripe-signature"]),
        (
            Scheme.SHOPIFY,
            {"scheme": "shopify", "secrets": [{"env": "X"}]},
            ["x-shopify-hmac-sha256"],
        ),
        (Scheme.GITHUB, {"scheme": "github", "secrets": [{"env": "X"}]}, ["x-hub-signature-256"]),
        (
            Scheme.HMAC,
            {
                "scheme": "hmac",
                "header": "x-sig",
                "timestamp": "x-time",
                "secrets": [{"env": "X"}],
            },
            ["x-sig", "x-time"],
        ),
    )
]


def signatures(data: bytes) -> None:
    """The headers of every scheme."""
    split = atheris.FuzzedDataProvider(data)
    verifier, names = split.PickValueInList(_VERIFIERS)
    pairs = []
    for name in names:
        text = _received(split.ConsumeBytes(60))
        prefix = split.PickValueInList(["", "v1,", "v1a,", "t=1795341600,v1=", "sha256=", "17"])
        pairs.append((name, prefix + text))
    body = split.ConsumeBytes(64)
    try:
        verifier.check(Headers(pairs))
        verifier.verify(body, Headers(pairs), NOW)
    except RequestError:
        return
    raise AssertionError("a stranger was believed")


_FILE = Path(tempfile.gettempdir()) / f"postern-fuzz-{datetime.now(UTC).timestamp()}.yaml"


def rules(data: bytes) -> None:
    """Configuration files: right, or refused with a place."""
    _FILE.write_bytes(data)
    try:
        document = read_document(_FILE)
        check_sources(document, load_schemas(document))
        load_rules(document, load_providers(document, VENDORS), VENDORS, timedelta(days=30))
    except ConfigurationError:
        return
    finally:
        _FILE.unlink()


def expressions(data: bytes) -> None:
    """Liquid and CEL: compiled or refused; evaluated or failed in our words."""
    text = data[1:].decode("utf-8", "replace")
    kind = data[0] % 3 if data else 0
    facts = facts_of(EVENT)
    try:
        if kind == 0:
            compile_template(LIQUID, text).render(facts)
        elif kind == 1:
            ENGINE.compile(text).evaluate(facts)
        else:
            MAPS.compile(text)
    except (InvalidTemplate, InvalidExpression, Failure):
        return


TARGETS: dict[str, Callable[[bytes], Any]] = {
    "cloudevents": cloudevents,
    "signatures": signatures,
    "rules": rules,
    "expressions": expressions,
}


def main() -> None:
    name = sys.argv.pop(1)
    atheris.Setup(sys.argv, TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
