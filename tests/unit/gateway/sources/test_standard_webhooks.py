"""Standard Webhooks: known answers, the reference library as signer, and everything a stranger may
send."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st
from standardwebhooks import Webhook

from core.configuration import Secret
from core.errors import MalformedRequest, RequestError, Unauthenticated
from gateway.events.headers import Headers
from gateway.sources.keys import Key
from gateway.sources.schemes.standard_webhooks import (
    MAX_SIGNATURES,
    SigningKey,
    signing_key,
    standard_webhooks,
)

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_" + base64.b64encode(b"another key of 24+ bytes...").decode()
KEY = base64.b64decode(SECRET.removeprefix("whsec_"))
KNOWN_ID, KNOWN_TIME, KNOWN_BODY = (
    "msg_p5jXN8AQM9LWM0D4loKWxJek",
    1614265330,
    b'{"test": 2432232314}',
)
KNOWN = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
NOW = datetime.fromtimestamp(KNOWN_TIME, UTC)


def headers(
    signature: str = KNOWN,
    *,
    identity: str = KNOWN_ID,
    timestamp: str = str(KNOWN_TIME),
    family: str = "webhook",
) -> Headers:
    return Headers(
        [
            (f"{family}-id", identity),
            (f"{family}-timestamp", timestamp),
            (f"{family}-signature", signature),
        ]
    )


def key(secret: str) -> Key[SigningKey]:
    return Key(value=signing_key(Secret(secret)), name=secret[-3:])


def verify(body: bytes, given: Headers, *secrets: str, now: datetime) -> str:
    scheme = standard_webhooks([key(secret) for secret in secrets])
    return str(scheme.verify(body, given, now).id)


def check(given: Headers, body: bytes = KNOWN_BODY, now: datetime = NOW) -> str:
    return verify(body, given, SECRET, now=now)


def refused(given: Headers, body: bytes = KNOWN_BODY, now: datetime = NOW) -> str:
    with pytest.raises(Unauthenticated) as caught:
        check(given, body, now)
    assert caught.value.detail == "The request could not be authenticated."
    return caught.value.cause


def test_the_known_answer_of_the_specification_is_taken() -> None:
    assert check(headers()) == KNOWN_ID


def test_the_names_that_svix_uses_are_taken() -> None:
    assert check(headers(family="Svix")) == KNOWN_ID


def test_what_the_reference_library_signs_is_taken_by_any_active_key() -> None:
    body = '{"id": "1", "note": "é"}'
    for secret in (SECRET, OTHER):
        signature = Webhook(secret).sign("msg_1", NOW, body)
        given = headers(signature, identity="msg_1")
        assert verify(body.encode(), given, OTHER, SECRET, now=NOW) == "msg_1"


def test_a_key_that_is_no_longer_active_is_refused() -> None:
    signature = Webhook(OTHER).sign(KNOWN_ID, NOW, KNOWN_BODY.decode())
    assert refused(headers(signature)) == "bad-signature"


@pytest.mark.parametrize(
    "body", [KNOWN_BODY + b" ", b'{"test":2432232314}', b"", KNOWN_BODY.replace(b"4", b"5")]
)
def test_another_body_is_refused_by_one_byte(body: bytes) -> None:
    assert refused(headers(), body) == "bad-signature"


@pytest.mark.parametrize(
    "signature",
    [
        "v1",
        "v1,",
        "v1,%%%",
        "v1,,",
        ",",
        ",,",
        "v1,g0hM",
        "v2" + KNOWN[2:],
        "v0" + KNOWN[2:],
        "v1a" + KNOWN[2:],
        KNOWN[3:],
        KNOWN + "=",
        KNOWN.replace(",", ", "),
        "v1,\udcff\udcfe",
        "v1,é",
        "v1," * 10_000,
        " ".join(["v1,AAAA"] * 10_000),
    ],
    ids=lambda text: ascii(text[:20]),
)
def test_a_broken_signature_is_refused(signature: str) -> None:
    assert refused(headers(signature)) == "bad-signature"


@pytest.mark.parametrize("before", ["nonsense", "v1", "v1,%%%", "v1a,AAAA", "v1,AAAA", "", ","])
def test_a_malformed_entry_does_not_hide_a_good_one_behind_it(before: str) -> None:
    assert check(headers(f"{before} {KNOWN}")) == KNOWN_ID


def test_only_so_many_entries_are_looked_at() -> None:
    filler = " ".join(["v1,AAAA"] * (MAX_SIGNATURES - 1))
    assert check(headers(f"{filler} {KNOWN}")) == KNOWN_ID
    assert refused(headers(f"{filler} v1,AAAA {KNOWN}")) == "bad-signature"


def signed_at(timestamp: str) -> Headers:
    content = b".".join((KNOWN_ID.encode(), timestamp.encode(), KNOWN_BODY))
    digest = hmac.new(KEY, content, hashlib.sha256).digest()
    return headers("v1," + base64.b64encode(digest).decode(), timestamp=timestamp)


@pytest.mark.parametrize(
    "timestamp",
    [
        "nan",
        "1e9",
        "-1",
        "1614265330.5",
        "١٦١٤٢٦٥٣٣٠",
        "1" * 30,
        " 1614265330",
        "1614265330\n",
        "0x5",
    ],
)
def test_a_timestamp_that_is_no_number_of_seconds_is_refused(timestamp: str) -> None:
    assert refused(signed_at(timestamp)) == "bad-timestamp"


@pytest.mark.parametrize(("seconds", "taken"), [(299, True), (300, True), (301, False)])
@pytest.mark.parametrize("sign", [1, -1])
def test_the_tolerance_is_five_minutes_either_way(seconds: int, taken: bool, sign: int) -> None:
    now = NOW + sign * timedelta(seconds=seconds)
    if taken:
        assert check(headers(), now=now) == KNOWN_ID
    else:
        assert refused(headers(), now=now) == "stale"


@pytest.mark.parametrize("missing", ["id", "timestamp", "signature"])
@pytest.mark.parametrize("empty", [True, False])
def test_a_missing_or_empty_header_is_refused(missing: str, empty: bool) -> None:
    values = {"id": KNOWN_ID, "timestamp": str(KNOWN_TIME), "signature": KNOWN}
    if empty:
        values[missing] = ""
    else:
        del values[missing]
    assert refused(Headers((f"webhook-{k}", v) for k, v in values.items())) == "missing"


def test_headers_of_two_families_do_not_complete_each_other() -> None:
    given = Headers(
        [
            ("webhook-id", KNOWN_ID),
            ("svix-timestamp", str(KNOWN_TIME)),
            ("webhook-signature", KNOWN),
        ]
    )
    assert refused(given) == "missing"


@pytest.mark.parametrize(
    "name", ["webhook-id", "webhook-timestamp", "Webhook-Signature", "svix-id"]
)
def test_a_security_header_sent_twice_is_malformed(name: str) -> None:
    pairs = [
        ("webhook-id", KNOWN_ID),
        ("webhook-timestamp", str(KNOWN_TIME)),
        ("webhook-signature", KNOWN),
        (name, "x"),
        (name, "y"),
    ]
    with pytest.raises(MalformedRequest):
        check(Headers(pairs))


@settings(max_examples=300, deadline=None)
@given(
    identity=st.text(),
    timestamp=st.text() | st.just(str(KNOWN_TIME)),
    signature=st.text() | st.text().map(lambda text: "v1," + text),
    body=st.binary(),
)
def test_whatever_a_stranger_sends_is_refused_and_nothing_else(
    identity: str, timestamp: str, signature: str, body: bytes
) -> None:
    with pytest.raises(RequestError):
        check(headers(signature, identity=identity, timestamp=timestamp), body)


@pytest.mark.parametrize(
    "secret",
    ["MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_", "whsec_%%%", "whsec_c2hvcnQ=", "whsec_é"],
)
def test_a_secret_that_is_none_is_refused_without_repeating_it(secret: str) -> None:
    with pytest.raises(ValueError, match="expected") as caught:
        signing_key(Secret(secret))
    assert secret.removeprefix("whsec_")[:5] not in str(caught.value) or len(secret) < 7


def signed_by(private: Ed25519PrivateKey) -> str:
    content = b".".join((KNOWN_ID.encode(), str(KNOWN_TIME).encode(), KNOWN_BODY))
    return "v1a," + base64.b64encode(private.sign(content)).decode()


def test_a_public_key_proves_what_its_private_key_signed() -> None:
    private, stranger = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    public = "whpk_" + base64.b64encode(private.public_key().public_bytes_raw()).decode()
    assert verify(KNOWN_BODY, headers(signed_by(private)), public, now=NOW) == KNOWN_ID
    assert verify(KNOWN_BODY, headers(f"v1a,AAAA {signed_by(private)}"), SECRET, public, now=NOW)
    for signature in (signed_by(stranger), "v1a,", signed_by(private).replace("v1a", "v1")):
        with pytest.raises(Unauthenticated):
            verify(KNOWN_BODY, headers(signature), public, now=NOW)


def test_a_private_key_is_refused_as_a_secret() -> None:
    with pytest.raises(ValueError, match="whsk_ is the private key"):
        signing_key(Secret("whsk_" + base64.b64encode(bytes(64)).decode()))
    with pytest.raises(ValueError, match="ed25519 key of 32 bytes"):
        signing_key(Secret("whpk_AAAA"))
