"""Every scheme: known answers, computed with the vendors' libraries where one exists, and what each
refuses."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from core.configuration import Secret
from core.errors import MalformedRequest, RequestError, Unauthenticated
from gateway.events.headers import Headers
from gateway.sources.keys import Key
from gateway.sources.model import VerifyModel
from gateway.sources.names import Scheme
from gateway.sources.schemes.registry import SCHEMES
from gateway.sources.verifier import Verifier

BODY = '{"id":1,"note":"é"}'.encode()
NOW = datetime.fromtimestamp(1_700_000_000, UTC)
LATER = NOW + timedelta(days=1)


def verifier(scheme: Scheme, *keys: Key[Any], **more: Any) -> Verifier:
    written = {"scheme": scheme, "secrets": [{"env": "X"}], **more}
    return SCHEMES[scheme].make(keys, VerifyModel.model_validate(written))


def text_key(text: str, **more: Any) -> Key[bytes]:
    return Key(value=text.encode(), name=text, **more)


def proved(scheme: Verifier, headers: dict[str, str], body: bytes = BODY) -> str:
    given = Headers(headers.items())
    scheme.check(given)
    return scheme.verify(body, given, NOW).key


def cause(scheme: Verifier, headers: dict[str, str], body: bytes = BODY) -> str:
    with pytest.raises(Unauthenticated) as caught:
        proved(scheme, headers, body)
    assert caught.value.detail == "The request could not be authenticated."
    return caught.value.cause


STRIPE = "7284f37c4eeefe6a99c0d36da3c1d8db0c8d345ad610e5999b723ffbac0b2af7"
HUSH = "+gY4H1Yc2Q1nfe8fnpa+jDK9d2+4Zgstv1FB31Gkt7c="
GITHUB = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
BIGCOMMERCE = {
    "webhook-id": "msg_1",
    "webhook-timestamp": "1700000000",
    "webhook-signature": "v1,4CBjPVHvTQg/IZouetjFr5p9kMhv7CRgLdIAvvzMy1I=",
}

stripe = verifier(Scheme.STRIPE, text_key("whsec_test"))
shopify = verifier(Scheme.SHOPIFY, text_key("hush"))
github = verifier(Scheme.GITHUB, text_key("It's a Secret to Everybody"))


def test_the_known_answer_of_stripe_is_taken_with_the_whole_secret_as_the_key() -> None:
    assert proved(stripe, {"stripe-signature": f"t=1700000000,v1={STRIPE}"}) == "whsec_test"
    assert proved(stripe, {"stripe-signature": f"t=1700000000, v0=ab, v1=zz,v1={STRIPE.upper()}"})


@pytest.mark.parametrize(
    ("header", "why"),
    [
        ("", "missing"),
        ("t=1700000000", "malformed"),
        (f"v1={STRIPE}", "bad-timestamp"),
        (f"t=1700000000,t=1700000000,v1={STRIPE}", "bad-timestamp"),
        (f"t=1699999699,v1={STRIPE}", "bad-signature"),
        (f"t=17e8,v1={STRIPE}", "bad-timestamp"),
        (f"t=1700000000,v0={STRIPE}", "malformed"),
        (f"t=1700000000,v1={STRIPE[:-1]}", "malformed"),
        ("," * 9000, "bad-timestamp"),
        ("t=1700000000,v1=\udcff", "malformed"),
    ],
)
def test_what_stripe_never_signed_is_refused(header: str, why: str) -> None:
    assert cause(stripe, {"stripe-signature": header}) == why


@pytest.mark.parametrize(("seconds", "taken"), [(299, True), (301, False), (-301, False)])
def test_stripe_and_bigcommerce_are_believed_for_five_minutes(seconds: int, taken: bool) -> None:
    now = NOW + timedelta(seconds=seconds)
    bigcommerce = verifier(Scheme.BIGCOMMERCE, text_key("bc_secret"))
    for scheme, headers in (
        (stripe, {"stripe-signature": f"t=1700000000,v1={STRIPE}"}),
        (bigcommerce, BIGCOMMERCE),
    ):
        given = Headers(headers.items())
        if taken:
            assert scheme.verify(BODY, given, now).key
        else:
            with pytest.raises(Unauthenticated) as caught:
                scheme.verify(BODY, given, now)
            assert caught.value.cause == "stale"


@pytest.mark.parametrize(
    ("scheme", "header"),
    [
        (Scheme.SHOPIFY, "x-shopify-hmac-sha256"),
        (Scheme.WOOCOMMERCE, "x-wc-webhook-signature"),
    ],
)
def test_the_known_answer_of_shopify_and_woocommerce_is_taken(scheme: Scheme, header: str) -> None:
    one = verifier(scheme, text_key("hush"))
    assert proved(one, {header: HUSH}) == "hush"
    assert cause(one, {header: HUSH}, BODY + b" ") == "bad-signature"
    for broken in (HUSH.rstrip("="), HUSH.replace("+", "-").replace("/", "_"), "é", "%%%"):
        assert cause(one, {header: broken}) == "malformed"
    assert cause(one, {}) == "missing"


def test_woocommerce_signs_with_the_secret_that_its_page_shows() -> None:
    read = SCHEMES[Scheme.WOOCOMMERCE].read
    shown = read(Secret("a long <secret> & \"more' of it"))
    assert shown == read(Secret("a long &lt;secret&gt; &amp; &quot;more&#039; of it"))


def test_the_known_answer_of_github_is_taken_in_either_case() -> None:
    body = b"Hello, World!"
    assert proved(github, {"x-hub-signature-256": f"sha256={GITHUB}"}, body)
    assert proved(github, {"x-hub-signature-256": f"sha256={GITHUB.upper()}"}, body)
    assert cause(github, {"x-hub-signature-256": GITHUB}, body) == "malformed"
    assert cause(github, {"x-hub-signature": "sha1=ab"}, body) == "missing"


def test_the_known_answer_of_bigcommerce_is_taken_with_the_text_as_the_key() -> None:
    scheme = verifier(Scheme.BIGCOMMERCE, text_key("bc_secret"))
    assert scheme.verify(BODY, Headers(BIGCOMMERCE.items()), NOW).id == "msg_1"


def test_a_public_key_of_adobe_commerce_proves_the_base64_text_of_the_body() -> None:
    private, secret = rsa_pair()
    scheme = verifier(Scheme.ADOBE_COMMERCE, rsa_key(Scheme.ADOBE_COMMERCE, secret))
    name = "x-adobe-commerce-webhook-signature"
    signature = private.sign(base64.b64encode(BODY), PKCS1v15(), SHA256())
    assert proved(scheme, {name: base64.b64encode(signature).decode()})
    over_the_body = private.sign(BODY, PKCS1v15(), SHA256())
    assert cause(scheme, {name: base64.b64encode(over_the_body).decode()}) == "bad-signature"
    assert cause(scheme, {name: "no base64"}) == "malformed"
    assert cause(scheme, {}) == "missing"


def test_adobe_io_is_believed_by_either_key_and_only_about_our_own_project() -> None:
    (first, _), (second, secret) = rsa_pair(), rsa_pair()
    key = rsa_key(Scheme.ADOBE_IO, secret)
    scheme = verifier(Scheme.ADOBE_IO, key, client_id="ours")

    def signed(body: bytes, signer: rsa.RSAPrivateKey) -> str:
        return base64.b64encode(signer.sign(body, PKCS1v15(), SHA256())).decode()

    ours, theirs = b'{"recipient_client_id":"ours"}', b'{"recipient_client_id":"theirs"}'
    one, two = "x-adobe-digital-signature-1", "x-adobe-digital-signature-2"
    assert proved(scheme, {one: signed(ours, first), two: signed(ours, second)}, ours)
    assert cause(scheme, {two: signed(theirs, second)}, theirs) == "wrong-recipient"
    assert cause(scheme, {two: signed(b"[]", second)}, b"[]") == "wrong-recipient"
    assert cause(scheme, {two: signed(b"no", second)}, b"no") == "wrong-recipient"
    assert cause(scheme, {one: signed(ours, first)}, ours) == "bad-signature"
    assert cause(scheme, {one: "%"}, ours) == "malformed"
    assert cause(scheme, {}, ours) == "missing"


def rsa_pair() -> tuple[rsa.RSAPrivateKey, str]:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return private, public.decode()


def rsa_key(scheme: Scheme, pem: str) -> Key[Any]:
    return Key(value=SCHEMES[scheme].read(Secret(pem)), name="adobe")


def test_a_key_that_is_no_rsa_key_of_2048_bits_is_refused() -> None:
    small = rsa.generate_private_key(public_exponent=65537, key_size=1024).public_key()
    other = Ed25519PrivateKey.generate().public_key()
    pems = [
        key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        for key in (small, other)
    ]
    for text in (*pems, "-----BEGIN PUBLIC KEY-----", "secret"):
        with pytest.raises(ValueError, match="expected") as caught:
            SCHEMES[Scheme.ADOBE_IO].read(Secret(text))
        assert "secret" not in str(caught.value)


@pytest.mark.parametrize("encoding", ["hex", "base64"])
@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
@pytest.mark.parametrize("timed", [False, True])
def test_an_hmac_is_as_it_is_configured(encoding: str, algorithm: str, timed: bool) -> None:
    more: dict[str, Any] = {"header": "X-Sig", "encoding": encoding, "hash": algorithm}
    signed, headers = BODY, {}
    if timed:
        more |= {"timestamp": "X-Time", "signed": "v0:{timestamp}:{body}", "prefix": "v0="}
        signed, headers = b"v0:1700000000:" + BODY, {"x-time": "1700000000"}
    digest = hmac.digest(b"a secret of somebody", signed, algorithm)
    text = digest.hex() if encoding == "hex" else base64.b64encode(digest).decode()
    scheme = verifier(Scheme.HMAC, text_key("a secret of somebody"), **more)
    headers["x-sig"] = f"v0={text}" if timed else text
    assert proved(scheme, headers)
    assert cause(scheme, headers, BODY + b"x") == "bad-signature"
    if timed:
        assert cause(scheme, {**headers, "x-time": "1700000001"}) == "bad-signature"
        assert cause(scheme, {**headers, "x-time": "now"}) == "bad-timestamp"
        assert cause(scheme, {"x-sig": headers["x-sig"]}) == "missing"


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ({"scheme": "hmac"}, "header is required"),
        ({"scheme": "hmac", "header": "x", "signed": "{timestamp}.{body}"}, "{timestamp} once"),
        ({"scheme": "hmac", "header": "x", "timestamp": "t", "signed": "{body}"}, "{timestamp}"),
        ({"scheme": "hmac", "header": "x", "signed": "x"}, "{body} once"),
        ({"scheme": "hmac", "header": "a b"}, "name of a header"),
        ({"scheme": "stripe", "header": "x"}, "has no such key"),
        ({"scheme": "adobe-io"}, "client_id is required"),
        ({"scheme": "bearer", "client_id": "x"}, "has no such key"),
    ],
)
def test_settings_that_do_not_belong_to_the_scheme_are_refused(
    written: dict[str, Any], problem: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(problem)):
        VerifyModel.model_validate({"secrets": [{"env": "X"}], **written})


@pytest.mark.parametrize(
    ("window", "taken"),
    [
        ({}, True),
        ({"not_after": NOW}, True),
        ({"not_after": NOW - timedelta(seconds=1)}, False),
        ({"not_before": NOW}, True),
        ({"not_before": LATER}, False),
        ({"not_before": NOW, "not_after": LATER}, True),
    ],
)
def test_a_secret_counts_only_in_its_time(window: dict[str, datetime], taken: bool) -> None:
    scheme = verifier(Scheme.SHOPIFY, text_key("other"), text_key("hush", **window))
    if taken:
        assert proved(scheme, {"x-shopify-hmac-sha256": HUSH}) == "hush"
    else:
        assert cause(scheme, {"x-shopify-hmac-sha256": HUSH}) == "inactive-secret"


def test_a_bearer_key_may_be_given_as_its_hash() -> None:
    key = "a-key-of-more-than-24-bytes-of-ours"
    hashed = "sha256:" + hashlib.sha256(key.encode()).hexdigest()
    read = SCHEMES[Scheme.BEARER].read
    assert read(Secret(key)) == read(Secret(hashed))
    with pytest.raises(ValueError, match="64 hexadecimal"):
        read(Secret(hashed[:-1]))


@pytest.mark.parametrize("scheme", [*Scheme])
def test_a_secret_that_can_be_guessed_is_refused(scheme: Scheme) -> None:
    with pytest.raises(ValueError, match=r"shorter than 24 bytes|expected"):
        SCHEMES[scheme].read(Secret("whsec_c2hvcnQ="))


ALL: list[tuple[Verifier, str]] = [
    (stripe, "stripe-signature"),
    (shopify, "x-shopify-hmac-sha256"),
    (github, "x-hub-signature-256"),
    (verifier(Scheme.HMAC, text_key("x" * 24), header="x-sig"), "x-sig"),
]


@settings(max_examples=200, deadline=None)
@given(value=st.text() | st.text().map(lambda text: f"t=1700000000,v1={text}"), body=st.binary())
def test_whatever_a_stranger_sends_is_refused_and_nothing_else(value: str, body: bytes) -> None:
    for scheme, header in ALL:
        with pytest.raises(RequestError):
            proved(scheme, {header: value}, body)


def test_a_signature_that_comes_twice_is_malformed() -> None:
    for scheme, header in ALL:
        with pytest.raises(MalformedRequest):
            scheme.check(Headers([(header, "a"), (header, "b")]))
