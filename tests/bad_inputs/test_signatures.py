"""Requests that do not prove who sent them, in every way that was thought of."""

from __future__ import annotations

import base64
import hmac
import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from tests.bad_inputs.postern import JSON, KEYS, ORDER, SHOP, Answer, Header, Postern
from tests.bad_inputs.signing import digest, github, in_base64, shopify, signed, woocommerce

REFUSED = (401, "unauthenticated")
BODY = json.dumps({"id": "s-1", **ORDER}).encode()
ID, AT, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"


def hook(
    postern: Postern, headers: Sequence[Header], body: bytes = BODY, source: str = "storefront"
) -> Answer:
    return postern.ask("POST", f"/v1/hooks/{source}", body, [JSON, *headers])


def changed(headers: Sequence[tuple[str, str]], **values: str | bytes | None) -> list[Header]:
    """The headers with other values; None: without it. Names with _ for -."""
    new = {name.replace("_", "-"): value for name, value in values.items()}
    made = [(name, new.get(name, value)) for name, value in headers]
    return [(name, value) for name, value in made if value is not None]


def body_of(number: str) -> bytes:
    return json.dumps({"id": f"s-{number}", **ORDER}).encode()


@pytest.mark.bad_input(1)
@pytest.mark.parametrize("source", ["storefront", "code", "boutique", "woo"])
def test_a_signed_body_with_one_byte_changed_is_refused(postern: Postern, source: str) -> None:
    made: dict[str, Sequence[Header]] = {
        "storefront": signed(BODY, KEYS["HOOK_NEW"]),
        "code": [("X-GitHub-Event", "push"), *github(BODY)],
        "boutique": [("X-Shopify-Topic", "orders/create"), *shopify(BODY)],
        "woo": [("X-WC-Webhook-Topic", "order.created"), *woocommerce(BODY)],
    }
    with postern.unmoved():
        for at in (0, len(BODY) // 2, len(BODY) - 1):
            other = bytes((*BODY[:at], BODY[at] ^ 1, *BODY[at + 1 :]))
            assert hook(postern, made[source], other, source).code == REFUSED
        for other in (BODY[:-1], BODY + b" ", b""):
            assert hook(postern, made[source], other, source).code == REFUSED


@pytest.mark.bad_input(2)
def test_a_signature_over_json_that_was_written_anew_is_refused(postern: Postern) -> None:
    anew = json.dumps(json.loads(BODY), separators=(",", ":")).encode()
    assert anew != BODY
    with postern.unmoved():
        assert hook(postern, signed(anew, KEYS["HOOK_NEW"]), BODY).code == REFUSED


@pytest.mark.bad_input(3)
def test_signatures_that_are_missing_or_malformed_are_refused_quickly(postern: Postern) -> None:
    good = signed(BODY, KEYS["HOOK_NEW"])
    right = dict(good)[SIGNATURE]
    malformed = (
        None,
        "",
        " ",
        "v1",
        "v1,",
        "v1,%%%",
        "v1,,",
        ",",
        ",,",
        right.replace(",", ",,"),
        right.partition(",")[2],
        right.replace("v1,", "v1, "),
        "v1,AAAA " * 900,
    )
    with postern.unmoved():
        for signature in malformed:
            assert hook(postern, changed(good, webhook_signature=signature)).code == REFUSED
        for headers in ([], [(ID, "msg_1")], changed(good, webhook_id=None)):
            assert hook(postern, headers).code == REFUSED


@pytest.mark.bad_input(3)
def test_ten_thousand_signatures_are_more_than_a_header_may_hold(postern: Postern) -> None:
    many = changed(signed(BODY, KEYS["HOOK_NEW"]), webhook_signature="v1,AAAA " * 10_000)
    with postern.unmoved():
        assert hook(postern, many).status == 400


@pytest.mark.bad_input(3)
def test_many_signatures_cost_no_more_time_than_one(postern: Postern) -> None:
    """The whole way there and back, the best of some: a machine may be busy."""
    many = changed(signed(BODY, KEYS["HOOK_NEW"]), webhook_signature="v1,AAAA " * 900)

    def once() -> float:
        started = time.perf_counter()
        assert hook(postern, many).code == REFUSED
        return time.perf_counter() - started

    with postern.unmoved():
        assert min(once() for _ in range(10)) < 0.05


@pytest.mark.bad_input(4)
@pytest.mark.parametrize("before", ["v1", "v1,%%%", "v1,", ",", "v9,AAAA", "v1,AAAA v1a,AAAA"])
def test_a_malformed_signature_does_not_hide_a_valid_one(postern: Postern, before: str) -> None:
    body = body_of(before.replace("%", "x"))
    good = signed(body, KEYS["HOOK_NEW"])
    with postern.taking(events=1, actions=0):
        both = changed(good, webhook_signature=f"{before} {dict(good)[SIGNATURE]}")
        assert hook(postern, both, body).status == 202


@pytest.mark.bad_input(5)
def test_an_older_secret_counts_until_its_time_is_over(postern: Postern) -> None:
    body = body_of("old")
    with postern.taking(events=1, actions=0):
        assert hook(postern, signed(body, KEYS["HOOK_OLD"]), body).status == 202
    before = postern.metrics()
    with postern.unmoved():
        assert hook(postern, signed(BODY, KEYS["HOOK_OVER"])).code == REFUSED
    series = 'postern_signature_failures_total{cause="inactive-secret",source="storefront"}'
    assert postern.metrics()[series] - before.get(series, 0) == 1


@pytest.mark.bad_input(6)
@pytest.mark.parametrize("version", ["v0", "v2", "v1a", "V1", "", "v1a,v1"])
def test_signatures_of_another_version_do_not_count(postern: Postern, version: str) -> None:
    good = signed(BODY, KEYS["HOOK_NEW"])
    encoded = dict(good)[SIGNATURE].partition(",")[2]
    with postern.unmoved():
        other = changed(good, webhook_signature=f"{version},{encoded}")
        assert hook(postern, other).code == REFUSED


@pytest.mark.bad_input(7)
def test_times_out_of_tolerance_are_refused_though_they_are_signed(postern: Postern) -> None:
    with postern.unmoved():
        for age in (301, 3600, -302, 10 * 365 * 86_400):
            assert hook(postern, signed(BODY, KEYS["HOOK_NEW"], age=age)).code == REFUSED
    with postern.taking(events=2, actions=0):
        for age in (298, -299):
            body = body_of(f"aged{age}")
            assert hook(postern, signed(body, KEYS["HOOK_NEW"], age=age), body).status == 202


@pytest.mark.bad_input(7)
def test_times_that_are_no_plain_seconds_are_refused(postern: Postern) -> None:
    """Each is signed as it stands, so that only the reading of the time can refuse it."""
    now = str(int(datetime.now(UTC).timestamp()))
    arabic = now.translate({ord(digit): 0x660 + int(digit) for digit in "0123456789"})
    written = (
        *("nan", "inf", "1e9", "-1", f"{now}.5", arabic, "1" * 30, "", "0x10", f"+{now}"),
        *(f"{now}\x00", now + "000", f"{now[:5]}_{now[5:]}"),
    )
    with postern.unmoved():
        for moment in written:
            answer = hook(postern, as_written(BODY, moment))
            # A NUL in a header is no HTTP.
            assert answer.status == (400 if "\x00" in moment else 401), moment
    body = body_of("as-written")
    with postern.taking(events=1, actions=0):
        assert hook(postern, as_written(body, now), body).status == 202


def as_written(body: bytes, moment: str) -> list[Header]:
    key = base64.b64decode(KEYS["HOOK_NEW"].removeprefix("whsec_"))
    content = b".".join((b"msg_1", moment.encode(), body))
    signature = base64.b64encode(hmac.digest(key, content, "sha256")).decode()
    return [(ID, "msg_1"), (AT, moment), (SIGNATURE, f"v1,{signature}")]


@pytest.mark.bad_input(8)
def test_a_request_that_was_caught_and_sent_again_changes_nothing(postern: Postern) -> None:
    body = body_of("caught")
    headers = signed(body, KEYS["HOOK_NEW"])
    with postern.taking(events=1, actions=0):
        answers = [hook(postern, headers, body) for _ in range(3)]
        assert {answer.status for answer in answers} == {202}
        assert len({answer.json["ref"] for answer in answers}) == 1
    assert postern.retold(answers[0].json["ref"]) == (2, 0)
    with postern.taking(events=1, actions=1):
        first = postern.event(id="caught-2")
        again = postern.event(id="caught-2")
        assert first.json["actions"] == again.json["actions"]


@pytest.mark.bad_input(9)
@pytest.mark.parametrize("raw", [b"\xe9\xff", b"\xc3\xa9", "\u0661".encode(), b"v1,\xff\xfe"])
def test_headers_that_are_no_ascii_are_refused_and_nothing_breaks(
    postern: Postern, raw: bytes
) -> None:
    good = signed(BODY, KEYS["HOOK_NEW"])
    with postern.unmoved():
        for name in (ID, AT, SIGNATURE):
            assert hook(postern, changed(good, **{name.replace("-", "_"): raw})).code == REFUSED
        for header in ("X-Hub-Signature-256", "X-Shopify-Hmac-Sha256", "X-WC-Webhook-Signature"):
            for source in ("code", "boutique", "woo"):
                assert hook(postern, [(header, raw)], source=source).code == REFUSED
        key: Header = ("Authorization", b"Bearer " + raw)
        assert postern.ask("POST", "/v1/events", BODY, [key, JSON]).code == REFUSED


@pytest.mark.bad_input(9)
def test_an_event_type_in_a_header_that_is_no_ascii_is_no_event(postern: Postern) -> None:
    """A push that nobody wants to hear of is told so; a shop's delivery is kept for a person."""
    cloud: list[Header] = [
        ("ce-specversion", "1.0"),
        ("ce-id", "1"),
        ("ce-source", "/here"),
        ("ce-type", b"order.\xff"),
    ]
    with postern.unmoved():
        named: list[Header] = [("X-GitHub-Event", b"pu\xffsh"), *github(BODY)]
        assert hook(postern, named, source="code").code == (422, "invalid-event")
        assert postern.post(BODY, *cloud).code == (400, "malformed")
    with postern.taking(events=0, actions=1):
        topic: list[Header] = [("X-Shopify-Topic", b"orders/\xff"), *shopify(BODY)]
        answer = hook(postern, topic, source="boutique")
        assert (answer.status, answer.json["status"]) == (200, "parked")


@pytest.mark.bad_input(10)
def test_a_header_that_proves_and_came_twice_is_malformed(postern: Postern) -> None:
    good = signed(BODY, KEYS["HOOK_NEW"])
    with postern.unmoved():
        for name in (ID, AT, SIGNATURE):
            for pair in ([*good, (name, "x")], [(name, "x"), *good], [*good, (name.upper(), "")]):
                assert hook(postern, pair).code == (400, "malformed")
        for source, headers in (("code", github(BODY)), ("boutique", shopify(BODY))):
            twice = [*headers, (headers[0][0], "x")]
            assert hook(postern, twice, source=source).code == (400, "malformed")
        key = ("Authorization", "Bearer x")
        assert postern.post(BODY, key).code == (400, "malformed")
        assert postern.post(BODY, SHOP).code == (400, "malformed")


@pytest.mark.bad_input(11)
def test_what_proves_one_source_proves_no_other(postern: Postern) -> None:
    with postern.unmoved():
        ours = signed(BODY, KEYS["HOOK_OTHER"])
        assert hook(postern, ours, source="storefront").code == REFUSED
        assert hook(postern, signed(BODY, KEYS["HOOK_NEW"]), source="second").code == REFUSED
        crossed: Header = ("X-Hub-Signature-256", "sha256=" + digest(BODY, "WOO_SECRET").hex())
        assert hook(postern, [crossed], source="code").code == REFUSED
        assert hook(postern, [SHOP], source="storefront").code == REFUSED
    body = body_of("second")
    with postern.taking(events=1, actions=0):
        assert hook(postern, signed(body, KEYS["HOOK_OTHER"]), body, "second").status == 202


@pytest.mark.bad_input(12)
def test_github_is_believed_by_sha_256_in_either_case_only(postern: Postern) -> None:
    body = b'{"action": "opened", "number": 12}'
    event: Header = ("X-GitHub-Event", "issues")
    right = digest(body, "GITHUB_SECRET").hex()
    older = digest(body, "GITHUB_SECRET", algorithm="sha1").hex()
    wrong: list[list[Header]] = [
        [("X-Hub-Signature", f"sha1={older}")],
        [("X-Hub-Signature-256", f"sha1={older}")],
        [("X-Hub-Signature-256", f"sha256={older}")],
        [("X-Hub-Signature-256", right)],
        [("X-Hub-Signature-256", f"sha256={right[:-2]}")],
        [("X-Hub-Signature-256", "sha256=")],
    ]
    with postern.unmoved():
        for headers in wrong:
            assert hook(postern, [event, *headers], body, "code").code == REFUSED
    with postern.taking(events=1, actions=0):
        upper: Header = ("X-Hub-Signature-256", f"sha256={right.upper()}")
        assert hook(postern, [event, upper], body, "code").status == 200


@pytest.mark.bad_input(12)
def test_shopify_signs_in_plain_base64_with_its_padding(postern: Postern) -> None:
    topic: Header = ("X-Shopify-Topic", "orders/create")
    # The signature has to hold both of the signs that the other alphabet writes otherwise.
    tries = (b'{"id": %d}' % number for number in range(8000, 9000))
    body = next(it for it in tries if {"+", "/"} <= set(in_base64(it, "SHOPIFY_SECRET")))
    right = in_base64(body, "SHOPIFY_SECRET")
    wrong = (
        right.rstrip("="),
        right.replace("+", "-").replace("/", "_"),
        right + "=",
        right.swapcase(),
        digest(body, "SHOPIFY_SECRET").hex(),
    )
    with postern.unmoved():
        for signature in wrong:
            headers: list[Header] = [topic, ("X-Shopify-Hmac-Sha256", signature)]
            assert hook(postern, headers, body, "boutique").code == REFUSED
    with postern.taking(events=1, actions=0):
        assert hook(postern, [topic, *shopify(body)], body, "boutique").status == 200


@pytest.mark.bad_input(13)
def test_an_unsigned_ping_is_answered_for_woocommerce_alone(postern: Postern) -> None:
    form: Header = ("Content-Type", "application/x-www-form-urlencoded")
    with postern.unmoved():
        answer = postern.ask("POST", "/v1/hooks/woo", b"webhook_id=7", [form])
        assert (answer.status, answer.json) == (200, {"status": "ping"})
        for body in (b"webhook_id=7&id=1", b"webhook_id=x", b"", BODY):
            assert postern.ask("POST", "/v1/hooks/woo", body, [form]).code == REFUSED
        assert postern.ask("POST", "/v1/hooks/woo", b"webhook_id=7", [JSON]).code == REFUSED
        for source in ("storefront", "second", "code", "boutique"):
            answer = postern.ask("POST", f"/v1/hooks/{source}", b"webhook_id=7", [form])
            assert answer.code == REFUSED
        assert postern.ask("POST", "/v1/events", b"webhook_id=7", [form]).code == REFUSED
