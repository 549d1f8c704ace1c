"""Who is told apart by address, and how much of anything is let in."""

from __future__ import annotations

import gzip
import ipaddress
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp.test_utils import make_mocked_request

from core.clock import ManualClock
from core.errors import BodyTooLarge, MalformedRequest, Overloaded, TooManyRequests, Unauthenticated
from gateway.http.addresses import Addresses, client_address
from gateway.http.admission import Admission
from gateway.http.body import BodyGate, inflate
from gateway.http.buckets import Buckets
from gateway.ingress_settings import IngressSettings
from gateway.sources.source import Source

TRUSTED = tuple(ipaddress.ip_network(each) for each in ("10.0.0.0/8", "127.0.0.0/8"))


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("203.0.113.7", [], "203.0.113.7"),
        ("203.0.113.7", ["198.51.100.1"], "203.0.113.7"),
        ("10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["1.1.1.1, 198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["198.51.100.1, 10.0.0.2"], "198.51.100.1"),
        ("10.0.0.1", ["1.1.1.1", "198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        ("10.0.0.1", ["nonsense"], "10.0.0.1"),
        ("10.0.0.1", [","], "10.0.0.1"),
        ("::ffff:203.0.113.7", [], "203.0.113.7"),
        (None, ["198.51.100.1"], None),
    ],
)
def test_the_client_is_the_last_address_that_no_trusted_proxy_vouches_for(
    peer: str | None, forwarded: list[str], client: str | None
) -> None:
    found = client_address(peer, forwarded, TRUSTED)
    assert found == (ipaddress.ip_address(client) if client else None)


def test_a_long_text_in_place_of_an_address_is_not_remembered() -> None:
    """Anybody may send thousands of them."""
    tracemalloc.start()
    try:
        for number in range(200):
            written = f"fe80::{number:x}"
            zone = "a" * 8000
            found = client_address("10.0.0.1", [f"{written}%{zone}"], TRUSTED)
            assert found == ipaddress.ip_address(written)
            refused = client_address("10.0.0.1", [f"{zone}{number}"], TRUSTED)
            assert refused == ipaddress.ip_address("10.0.0.1")
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 1_000_000


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 11, 22, tzinfo=UTC))


def behind_a_proxy(failures: str) -> IngressSettings:
    written = {"trusted_proxies": ["10.0.0.0/8"], "failures": failures}
    return IngressSettings.model_validate(written)


def request_of(address: str) -> Any:
    headers = {"X-Forwarded-For": address}
    return make_mocked_request("POST", "/", headers=headers).clone(remote="10.0.0.1")


def test_an_address_that_fails_too_often_has_to_wait_and_others_do_not(clock: ManualClock) -> None:
    settings = IngressSettings.model_validate(
        {"trusted_proxies": ["10.0.0.0/8"], "failures": "3/m"}
    )
    addresses = Addresses(lambda: settings, clock)
    for _ in range(3):
        addresses.check(request_of("198.51.100.1"))
        addresses.failed(request_of("198.51.100.1"))
    with pytest.raises(TooManyRequests) as caught:
        addresses.check(request_of("198.51.100.1"))
    assert (caught.value.code, caught.value.retry_after) == ("too-many-failures", 20)
    addresses.check(request_of("198.51.100.2"))
    clock.advance(timedelta(seconds=20))
    addresses.check(request_of("198.51.100.1"))


def test_one_network_of_ipv6_is_one_address(clock: ManualClock) -> None:
    settings = IngressSettings.model_validate(
        {"trusted_proxies": ["10.0.0.0/8"], "failures": "1/m"}
    )
    addresses = Addresses(lambda: settings, clock)
    addresses.failed(request_of("2001:db8:1:2::1"))
    with pytest.raises(TooManyRequests):
        addresses.check(request_of("2001:db8:1:2:ffff::9"))
    addresses.check(request_of("2001:db8:1:3::1"))


def test_a_private_address_is_not_held_to_account_without_trusted_proxies(
    clock: ManualClock,
) -> None:
    settings = IngressSettings.model_validate({"failures": "1/m"})
    addresses = Addresses(lambda: settings, clock)
    for _ in range(5):
        addresses.failed(request_of("198.51.100.1"))
    addresses.check(request_of("198.51.100.1"))


def test_names_that_were_not_heard_of_for_longest_are_forgotten_first() -> None:
    buckets = Buckets(most=3)
    for name in ("a", "b", "c", "a", "d"):
        buckets.add(name, 1.0, rate=0.001, now=0.0)
    levels = [buckets.level(name, rate=0.001, now=0.0) for name in "abcd"]
    assert levels == [2.0, 0.0, 1.0, 1.0]


def source(**more: Any) -> Source:
    unused: Any = None
    given = {"rate": 1.0, "burst": 2, "bodies": 2, **more}
    return Source(
        name="shop",
        scheme=unused,
        verifier=unused,
        reader=unused,
        events=unused,
        max_body=1,
        **given,
    )


@pytest.fixture
def admission(clock: ManualClock) -> Iterator[Admission]:
    gate = BodyGate(3)
    yield Admission(gate, clock)
    with gate.pass_through(), gate.pass_through(), gate.pass_through():
        pass


def test_a_source_sends_its_burst_and_then_its_rate(
    admission: Admission, clock: ManualClock
) -> None:
    shop = source()
    for _ in range(2):
        with admission.let_in(shop):
            pass
    with pytest.raises(TooManyRequests) as caught, admission.let_in(shop):
        pass
    assert (caught.value.code, caught.value.retry_after) == ("rate-limited", 1)
    clock.advance(timedelta(seconds=1))
    with admission.let_in(shop):
        pass


def test_what_is_not_of_the_source_does_not_use_up_its_rate(admission: Admission) -> None:
    shop = source(burst=1)
    for _ in range(10):
        with pytest.raises(Unauthenticated), admission.let_in(shop):
            raise Unauthenticated(cause="bad-signature")
    with admission.let_in(shop):
        pass


def test_one_source_cannot_take_every_place(admission: Admission) -> None:
    greedy, other = source(rate=None), source(rate=None)
    with admission.let_in(greedy), admission.let_in(greedy):
        third = pytest.raises(Overloaded, match="this source")
        with third, admission.let_in(greedy):
            pass
    with admission.let_in(other):
        pass


def test_a_body_is_unpacked_no_further_than_its_limit() -> None:
    plain = b"x" * 10_000
    assert inflate(gzip.compress(plain, mtime=0), limit=10_000) == plain
    for limit in (9_999, 1):
        with pytest.raises(BodyTooLarge):
            inflate(gzip.compress(plain, mtime=0), limit=limit)
    with pytest.raises(BodyTooLarge):
        inflate(gzip.compress(bytes(50_000_000)), limit=1000)


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"no gzip",
        gzip.compress(b"whole", mtime=0)[:-1],
        gzip.compress(b"whole", mtime=0) + b"more",
        gzip.compress(b"one", mtime=0) + gzip.compress(b"two", mtime=0),
        b"\x1f\x8b" + bytes(20),
    ],
)
def test_what_is_not_one_whole_gzip_member_is_malformed(broken: bytes) -> None:
    with pytest.raises(MalformedRequest):
        inflate(broken, limit=1000)
