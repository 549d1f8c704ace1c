"""Answers that nobody foresaw: every reading of every operation judges them, and none raises.

An exception in a reading would leave an action without an outcome after its call was made.
"""

from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import Any

import orjson
import pytest

from core.configuration import SecretRef
from tests.hostile import VALUES, as_json, cut
from tests.unit.vendors.cases import (
    IDENTITY,
    NOW,
    Case,
    cases,
    sms_provider,
)
from vendors.altcraft import xml
from vendors.gather import Item
from vendors.smsgateway24 import SMSGATEWAY24
from vendors.wire import Answer, Identity, OutcomeKind

ROUNDS = 50
LONGEST_REFERENCE = 100
UNREAD = SecretRef(env="UNREAD")
CASES = list(cases(UNREAD))
FIELDS = (
    *("error", "error_text", "message", "token", "sms_id", "status", "smss", "count", "device"),
    *("data", "result", "profile_id", "body", "total_invalid", "updated", "matched"),
)
INNER = (
    *("id", "sendto", "customerid", "status", "body", "error", "error_text", "saved_id"),
    *("lastseen", "260", "261", "action", "deviceid", "created"),
)


def nested(rng: Random, depth: int = 0) -> Any:
    if depth == 3 or rng.random() > 0.35:
        return rng.choice(VALUES)
    if rng.random() < 0.5:
        return [nested(rng, depth + 1) for _ in range(rng.randint(0, 4))]
    return {rng.choice(INNER): nested(rng, depth + 1) for _ in range(rng.randint(0, 5))}


def answered(rng: Random) -> Answer:
    """Fields that some reading knows, with values that none expects; cut, or as XML, at times."""
    content = {name: nested(rng) for name in rng.sample(FIELDS, rng.randint(0, 8))}
    if rng.random() < 0.6:
        content["error"] = rng.choice([0, "0", 1, 401, 500, None])
    return Answer(
        status=rng.choice([200, 200, 200, 400, 401, 403, 429, 500]),
        headers={
            "date": rng.choice(["", "x", "Wed, 25 Nov 2026 10:00:00 GMT"]),
            "retry-after": rng.choice(["", "1e999", "5"]),
        },
        body=as_xml(rng, content) if rng.random() < 0.2 else cut(rng, as_json(content)),
    )


def as_xml(rng: Random, content: dict[str, Any]) -> bytes:
    def inner(value: Any) -> str:
        plain = str(value)[:30].replace("<", "").replace("&", "")
        return "<a>x</a>" if rng.random() < 0.3 else plain

    elements = "".join(f"<{name}>{inner(value)}</{name}>" for name, value in content.items())
    return f"<xml>{elements}</xml>".encode()


def storable(reference: str | None) -> bool:
    """A column takes it: not longer than one, and with nothing that no database keeps."""
    if reference is None:
        return True
    return 0 < len(reference) <= LONGEST_REFERENCE and reference.isprintable()


@pytest.mark.parametrize("seed", range(20))
def test_an_answer_to_any_operation_is_judged(seed: int) -> None:
    rng = Random(seed)
    for _ in range(ROUNDS):
        answer = answered(rng)
        for case in CASES:
            outcome = case.operation.read(answer, case.prepared(), case.provider)
            assert outcome.reason.isprintable(), case
            assert storable(outcome.reference), case
            assert orjson.dumps(outcome.remaining), case


@pytest.mark.parametrize("seed", range(20))
def test_an_answer_to_any_question_is_read(seed: int) -> None:
    """What is asked around a call: who logs in, which phones there are, what became of a text."""
    rng = Random(seed)
    send = SMSGATEWAY24.operations["send"]
    assert SMSGATEWAY24.login is not None
    assert send.rotation is not None
    assert send.follow is not None
    provider = sms_provider(UNREAD, device_id=(260, 261), pick="online")
    for _ in range(ROUNDS):
        answer = answered(rng)
        token = SMSGATEWAY24.login.read(answer, provider)
        assert (token.kind is OutcomeKind.DONE) == bool(token.reference)
        ways = send.rotation.read(answer, provider, NOW) or ()
        assert all(isinstance(way.seen, timedelta | None) for way in ways)
        receipt = send.follow.read(answer, "5", provider)
        assert receipt is None or receipt.reference == "5"


@pytest.mark.parametrize("case", [case for case in CASES if case.operation.lookup], ids=str)
def test_an_answer_to_any_lookup_is_read(case: Case) -> None:
    lookup = case.operation.lookup
    assert lookup is not None
    rng = Random(str(case))
    for _ in range(ROUNDS * 10):
        seen = lookup.read(answered(rng), case.prepared(), IDENTITY, frozenset())
        assert storable(seen.reference)


@pytest.mark.parametrize("seed", range(20))
def test_an_answer_to_a_shared_call_is_read(seed: int) -> None:
    rng = Random(seed)
    gather = SMSGATEWAY24.operations["send"].gather
    assert gather is not None
    provider = sms_provider(UNREAD, gather=5)
    items = [
        Item(
            params={"to": "+4915123456789", "text": "Hello"},
            identity=Identity(request_id=f"r-{tag}", tag=tag, called_at=NOW),
        )
        for tag in (5, 6)
    ]
    for _ in range(ROUNDS):
        answer = answered(rng)
        assert gather.read(answer, provider).reason.isprintable()
        found = gather.found(answer, items)
        assert found.keys() <= {5, 6}
        assert all(storable(reference) for reference in found.values())


NO_DOCUMENTS = {
    "encoding-utf-7": b"<?xml version='1.0' encoding='utf-7'?><xml/>",
    "encoding-punycode": b"<?xml version='1.0' encoding='punycode'?><xml><a>x</a></xml>",
    "encoding-idna": b"<?xml version='1.0' encoding='idna'?><xml>\xff</xml>",
    "encoding-hex": b"<?xml version='1.0' encoding='hex'?><xml/>",
    "encoding-undefined": b"<?xml version='1.0' encoding='undefined'?><xml/>",
    "encoding-rot13": b"<?xml version='1.0' encoding='rot13'?><xml/>",
    "encoding-untrue": b"<?xml version='1.0' encoding='utf-16'?><xml/>",
    "encoding-no-name": b"<?xml version='1.0' encoding='\x80'?><xml/>",
    "entity": b"<!DOCTYPE x [<!ENTITY a 'b'>]><xml>&a;</xml>",
    "too-deep": b"<xml>" * 100_000,
    "too-many": b"<xml>" + b"<a/>" * 300_000 + b"</xml>",
    "nul": b"<xml>&#0;</xml>",
    "two-roots": b"<xml><a>1</a></xml><xml/>",
}


@pytest.mark.parametrize("body", NO_DOCUMENTS.values(), ids=NO_DOCUMENTS.keys())
def test_what_is_no_document_of_the_platform_is_not_read(body: bytes) -> None:
    assert xml.read(body) is None


ODD_DOCUMENTS = {
    "many-attributes": b"<xml " + b" ".join(b"a%d='1'" % n for n in range(50_000)) + b"/>",
    "utf-16": "\ufeff<xml/>".encode("utf-16-le"),
    "namespace": b"<xml xmlns:a='b'><a:b/></xml>",
}


@pytest.mark.parametrize("body", ODD_DOCUMENTS.values(), ids=ODD_DOCUMENTS.keys())
def test_an_odd_document_says_no_more_than_others(body: bytes) -> None:
    assert set((xml.read(body) or {}).values()) <= {None}
