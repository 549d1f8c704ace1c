"""What is wrong with a request before anybody reads what it says: framing, sizes, paths, time."""

from __future__ import annotations

import contextlib
import gzip
import json
import time
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from threading import Event

import pytest

from tests.bad_inputs.postern import (
    JSON,
    KEYS,
    ORDER,
    SHOP,
    Answer,
    Header,
    Postern,
    head,
    parse,
    read_all,
    read_answer,
)

LIMIT = 256 * 1024
BODY = json.dumps({"id": "h-1", **ORDER}).encode()
NARROW: Header = ("Authorization", f"Bearer {KEYS['NARROW_KEY']}")
ZIPPED: Header = ("Authorization", f"Bearer {KEYS['ZIPPED_KEY']}")
MALFORMED = (400, "malformed")
UNSUPPORTED = (415, "unsupported-content")
TOO_LARGE = (413, "body-too-large")
NUMBERS = count(1)


def fresh() -> bytes:
    return json.dumps({"id": f"h-{next(NUMBERS)}-fresh", **ORDER}).encode()


def raw(*headers: Header, path: str = "/v1/events", method: str = "POST") -> bytes:
    return head(method, path, [("Host", "gateway"), SHOP, JSON, *headers])


def length(body: bytes) -> Header:
    return "Content-Length", str(len(body))


def chunked(body: bytes) -> bytes:
    return b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)


@dataclass(frozen=True, kw_only=True)
class Slow:
    """Clients that take their time, all at once, from the first test of this module on."""

    silent: Future[tuple[Answer, float]]
    dripping: Future[tuple[Answer, float]]
    head: Future[float]


@pytest.fixture(scope="module", autouse=True)
def slow(postern: Postern) -> Iterator[Slow]:
    over = Event()
    with ThreadPoolExecutor(3) as threads:
        yield Slow(
            silent=threads.submit(_silent, postern),
            dripping=threads.submit(_dripping, postern, over),
            head=threads.submit(_dripped_head, postern, over),
        )
        over.set()


def _silent(postern: Postern) -> tuple[Answer, float]:
    """In the one place of its source; who else comes is told so, and let in when it is free."""
    with postern.connection() as wire:
        started = time.monotonic()
        wire.sendall(head("POST", "/v1/events", [("Host", "x"), NARROW, JSON, length(b"x" * 500)]))
        wire.sendall(BODY[:20])
        answer = parse(read_all(wire))
        return answer, time.monotonic() - started


def _dripping(postern: Postern, over: Event) -> tuple[Answer, float]:
    with postern.connection() as wire:
        started = time.monotonic()
        wire.sendall(raw(length(BODY)))
        wire.settimeout(0.5)
        for at in range(len(BODY)):
            with contextlib.suppress(ConnectionError):
                wire.sendall(BODY[at : at + 1])
            try:
                answer = read_answer(wire)
            except TimeoutError:
                if over.is_set():
                    break
                continue
            return answer, time.monotonic() - started
    raise AssertionError("it took a body of one byte each half second")


def _dripped_head(postern: Postern, over: Event) -> float:
    """Seconds until the connection was closed on a head that comes byte by byte."""
    with postern.connection() as wire:
        started = time.monotonic()
        wire.settimeout(0.5)
        for byte in raw(("X-Long", "x" * 1000)):
            try:
                wire.sendall(bytes([byte]))
                if not wire.recv(100):
                    return time.monotonic() - started
            except TimeoutError:
                if over.is_set():
                    break
            except ConnectionError:
                return time.monotonic() - started
    raise AssertionError("it took a head of one byte each half second")


@pytest.mark.bad_input(25)
def test_the_place_of_a_request_that_stopped_short_is_taken_until_it_is_given_up(
    postern: Postern, slow: Slow
) -> None:
    def try_it(body: bytes) -> Answer:
        return postern.ask("POST", "/v1/events", body, [NARROW, JSON])

    while try_it(b"{").code == MALFORMED:
        assert not slow.silent.done()
    assert try_it(fresh()).code == (503, "overloaded")
    answer, took = slow.silent.result(20)
    assert answer.code == (408, "body-too-slow")
    assert answer.headers["connection"] == "close"
    assert 4.5 < took < 10
    with postern.taking(events=1, actions=0):
        assert try_it(fresh()).status == 202


@pytest.mark.bad_input(22)
@pytest.mark.parametrize(
    "kind",
    [
        None,
        "",
        "text/plain",
        "text/json",
        "application/xml",
        "application/json; charset=utf-16",
        "application/json; charset=latin-1",
        "application/cloudevents+json; charset=utf-16",
        "multipart/form-data; boundary=x",
        "application/x-www-form-urlencoded",
        "application/json, text/plain",
        "application/jsonx",
    ],
)
def test_a_body_that_is_not_said_to_be_json_in_utf_8_is_unsupported(
    postern: Postern, kind: str | None
) -> None:
    headers: list[Header] = [SHOP] if kind is None else [SHOP, ("Content-Type", kind)]
    with postern.unmoved():
        assert postern.ask("POST", "/v1/events", BODY, headers).code == UNSUPPORTED


@pytest.mark.bad_input(23)
@pytest.mark.parametrize("coding", ["gzip", "br", "deflate", "zstd", "gzip, gzip", "x-nothing"])
def test_compressed_bodies_are_unsupported_unless_a_source_takes_them(
    postern: Postern, coding: str
) -> None:
    with postern.unmoved():
        encoded: Header = ("Content-Encoding", coding)
        assert postern.post(gzip.compress(BODY), encoded).code == UNSUPPORTED
        if coding != "gzip":
            headers = [ZIPPED, JSON, encoded]
            assert postern.ask("POST", "/v1/events", BODY, headers).code == UNSUPPORTED


@pytest.mark.bad_input(23)
def test_where_gzip_is_taken_only_a_whole_one_of_a_fair_size_is(postern: Postern) -> None:
    headers: list[Header] = [ZIPPED, JSON, ("Content-Encoding", "gzip")]

    def zipped(body: bytes) -> Answer:
        return postern.ask("POST", "/v1/events", body, headers)

    good = gzip.compress(BODY)
    with postern.taking(events=1, actions=0):
        assert zipped(good).status == 202
    with postern.unmoved():
        assert zipped(gzip.compress(b" " * 20_000_000, 9)[: LIMIT - 1]).code == TOO_LARGE
        assert zipped(gzip.compress(b" " * (LIMIT + 1))).code == TOO_LARGE
        for broken in (
            good[:-1],
            good[: len(good) // 2],
            good + good,
            good + b"x",
            good[:-8] + b"\x00" * 8,
            BODY,
            zlib.compress(BODY),
            b"",
            gzip.compress(good),
        ):
            assert zipped(broken).code == MALFORMED


@pytest.mark.bad_input(24)
def test_a_body_of_the_limit_is_taken_and_one_byte_more_is_not(postern: Postern) -> None:
    body = fresh()
    with postern.taking(events=1, actions=1):
        assert postern.post(body + b" " * (LIMIT - len(body))).status == 202
    with postern.unmoved():
        assert postern.post(body + b" " * (LIMIT + 1 - len(body))).code == TOO_LARGE
        # Nothing of it is sent: the number is enough.
        assert postern.send(raw(("Content-Length", "99999999999"))).code == TOO_LARGE


@pytest.mark.bad_input(24)
def test_a_chunked_body_without_end_is_cut_off(postern: Postern) -> None:
    piece = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    with postern.unmoved(), postern.connection() as wire:
        wire.sendall(raw(("Transfer-Encoding", "chunked")))
        for _ in range(LIMIT // 0x10000 + 1):
            wire.sendall(piece)
        assert read_answer(wire).code == TOO_LARGE


NO_HTTP = {
    "a length and chunks": raw(length(BODY), ("Transfer-Encoding", "chunked")) + chunked(BODY),
    "chunks and a length": raw(("Transfer-Encoding", "chunked"), length(BODY)) + chunked(BODY),
    "chunked twice": raw(*[("Transfer-Encoding", "chunked")] * 2) + chunked(BODY),
    "chunked, chunked": raw(("Transfer-Encoding", "chunked, chunked")) + chunked(BODY),
    "xchunked": raw(("Transfer-Encoding", "xchunked")) + chunked(BODY),
    "identity": raw(("Transfer-Encoding", "identity")) + chunked(BODY),
    "chunked, gzip": raw(("Transfer-Encoding", "chunked, gzip")) + chunked(BODY),
    "a space before the colon": raw(("Transfer-Encoding ", "chunked")) + chunked(BODY),
    "a control character": raw(("Transfer-Encoding", "\x0bchunked")) + chunked(BODY),
    "two lengths": raw(length(BODY), length(b"123")) + BODY,
    "the same length twice": raw(length(BODY), length(BODY)) + BODY,
    "a list of lengths": raw(("Content-Length", f"{len(BODY)}, {len(BODY)}")) + BODY,
    "a length with a sign": raw(("Content-Length", f"+{len(BODY)}")) + BODY,
    "a negative length": raw(("Content-Length", "-1")) + BODY,
    "a length in hexadecimal": raw(("Content-Length", "0x10")) + BODY,
    "an empty length": raw(("Content-Length", "")) + BODY,
    "a line feed in an extension": raw(("Transfer-Encoding", "chunked"))
    + chunked(BODY).replace(b"\r\n", b";a\nb\r\n", 1),
    "chunks with bare line feeds": raw(("Transfer-Encoding", "chunked"))
    + chunked(BODY).replace(b"\r\n", b"\n"),
    "a chunk size with a sign": raw(("Transfer-Encoding", "chunked")) + b"+" + chunked(BODY),
    "a chunk size in C": raw(("Transfer-Encoding", "chunked")) + b"0x" + chunked(BODY),
    "an endless chunk": raw(("Transfer-Encoding", "chunked")) + b"f" * 18 + b"\r\n" + BODY,
    "bare line feeds": raw(length(BODY)).replace(b"\r\n", b"\n") + BODY,
    "one bare line feed": raw(length(BODY)).replace(b"gateway\r\n", b"gateway\n") + BODY,
    "one bare return": raw(length(BODY)).replace(b"gateway\r\n", b"gateway\r") + BODY,
    "a folded line": raw(("X-A", "a\r\n b"), length(BODY)) + BODY,
    "a folded line that hides a length": raw(length(BODY), ("X-A", "a\r\n\tContent-Length: 3"))
    + BODY,
    "no colon": raw(length(BODY)).replace(b"Host: gateway", b"Host gateway") + BODY,
    "NUL in a header": raw(("X-A", "a\x00b"), length(BODY)) + BODY,
    "no host": raw(length(BODY)).replace(b"Host:", b"Hosts:") + BODY,
    "two hosts": raw(("Host", "other"), length(BODY)) + BODY,
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 40,
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "no path": raw(length(BODY), path="v1/events") + BODY,
    "a star": raw(length(BODY), path="*") + BODY,
    "a path that is no ASCII": raw(length(BODY), path="/v1/hooks/é") + BODY,
    "an unknown method": raw(length(BODY), method="FOO") + BODY,
    "a method in lower case": raw(length(BODY), method="post") + BODY,
    "a header of 9 KB": raw(("X-A", "a" * 9 * 1024), length(BODY)) + BODY,
    "200 headers": raw(*[(f"X-{n}", "a") for n in range(200)], length(BODY)) + BODY,
    "a URL of 20 KB": raw(length(BODY), path="/" + "a" * 20_000) + BODY,
}


@pytest.mark.bad_input(27)
@pytest.mark.bad_input(28)
@pytest.mark.bad_input(30)
@pytest.mark.parametrize("name", NO_HTTP, ids=lambda name: name.replace(" ", "-"))
def test_what_is_no_plain_http_is_400_in_our_words_and_the_end_of_its_connection(
    postern: Postern, name: str
) -> None:
    """Only the first answer counts: what follows in the same bytes is no request."""
    with postern.unmoved():
        with postern.connection() as wire:
            wire.sendall(NO_HTTP[name] + raw(length(BODY)) + BODY)
            said = read_all(wire)
        answer = parse(said)
        assert answer.code == MALFORMED
        assert answer.headers["server"] == "postern"
        assert said.count(b"HTTP/1") == 1
        assert b"aiohttp" not in said
        assert KEYS["SHOP_KEY"].encode() not in said
        assert b"4915112345678" not in said


@pytest.mark.bad_input(27)
def test_bad_framing_leaves_nothing_in_the_log(postern: Postern) -> None:
    """Strangers can make as much of it as they like."""
    before = postern.told().count("\n")
    with postern.unmoved():
        for _ in range(20):
            assert postern.send(b"nonsense\r\n\r\n").code == MALFORMED
    assert "nonsense" not in postern.told()
    assert postern.told().count("\n") - before < 15


@pytest.mark.bad_input(27)
def test_extensions_and_trailers_of_chunks_are_passed_over(postern: Postern) -> None:
    """They are HTTP; a trailer is no header, so that it proves and changes nothing."""
    body = fresh()
    many: Header = ("Transfer-Encoding", "chunked")
    with postern.taking(events=1, actions=1):
        with_extension = chunked(body).replace(b"\r\n", b";a=b\r\n", 1)
        assert postern.send(raw(many) + with_extension).status == 202
        trailer = b"0\r\nAuthorization: Bearer x\r\nContent-Type: text/plain\r\n\r\n"
        with_trailer = chunked(body).replace(b"0\r\n\r\n", trailer)
        assert postern.send(raw(many) + with_trailer).status == 202


@pytest.mark.bad_input(27)
def test_no_transfer_coding_but_chunked_is_taken(postern: Postern) -> None:
    with postern.unmoved():
        gzipped = raw(("Transfer-Encoding", "gzip, chunked")) + chunked(gzip.compress(BODY))
        assert postern.send(gzipped).code == UNSUPPORTED


@pytest.mark.bad_input(28)
@pytest.mark.parametrize(
    "path",
    [
        "/v1/hooks/%00",
        "/v1/hooks/..%2f..%2fv1%2fevents",
        "//v1/events",
        "/v1//events",
        "/v1/events/",
        "/v1/hooks/%ff%fe",
        "/v1/hooks/%c0%af",
        "/v1/hooks/%zz",
        "/v1/hooks/storefront%00",
        "/v1/hooks/storefront/..",
        "/%2e%2e/etc/passwd",
        "/../../etc/passwd",
        "/V1/EVENTS",
        "/v1/events;a",
        "/" + "a" * 7_000,
    ],
)
def test_odd_paths_lead_nowhere(postern: Postern, path: str) -> None:
    with postern.unmoved():
        answer = postern.ask("POST", path, BODY, [SHOP, JSON])
        assert answer.code == (404, "not-found")
        assert b"storefront" not in answer.body


@pytest.mark.bad_input(29)
@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ([("Authorization", "Bearer x"), JSON, ("Content-Length", "100")], 401),
        ([SHOP, JSON, ("Content-Length", "99999999")], 413),
        ([SHOP, JSON, ("Content-Length", "100"), ("Content-Encoding", "br")], 415),
    ],
)
def test_a_client_that_waits_with_its_body_is_not_asked_for_one_that_is_refused(
    postern: Postern, headers: Sequence[Header], code: int
) -> None:
    with postern.unmoved(), postern.connection() as wire:
        waits: list[Header] = [("Host", "x"), *headers, ("Expect", "100-continue")]
        wire.sendall(head("POST", "/v1/events", waits))
        first = wire.recv(65536)
        assert first.startswith(b"HTTP/1.1 %d " % code)
        assert b"100 Continue" not in first


@pytest.mark.bad_input(29)
def test_a_client_that_waits_is_asked_before_its_signature_can_be_judged(postern: Postern) -> None:
    """A signature is over the body; without one the body is not wanted."""
    waits: list[Header] = [("Host", "x"), JSON, length(BODY), ("Expect", "100-continue")]
    signature: Header = ("X-Hub-Signature-256", "sha256=" + "0" * 64)
    with postern.unmoved():
        with postern.connection() as wire:
            wire.sendall(head("POST", "/v1/hooks/code", waits))
            assert wire.recv(65536).startswith(b"HTTP/1.1 401 ")
        with postern.connection() as wire:
            wire.sendall(head("POST", "/v1/hooks/code", [*waits, signature]))
            assert wire.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
            wire.sendall(BODY)
            assert read_answer(wire).code == (401, "unauthenticated")


@pytest.mark.bad_input(30)
@pytest.mark.parametrize("path", ["/v1/events", "/v1/hooks/storefront", "/v1/rules/try"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "TRACE", "PROPFIND"])
def test_other_methods_are_told_which_one_is_taken(
    postern: Postern, method: str, path: str
) -> None:
    with postern.unmoved():
        with postern.connection() as wire:
            wire.sendall(head(method, path, [("Host", "x"), ("Connection", "close"), SHOP]))
            said = read_all(wire)
        answer = parse(said)
        assert answer.status == 405
        assert answer.headers["allow"] == "POST"
        # What was sent is not said back, as TRACE would have it.
        assert KEYS["SHOP_KEY"].encode() not in said


@pytest.mark.bad_input(30)
def test_options_is_for_origins_that_a_source_names(postern: Postern) -> None:
    def options(path: str, *headers: Header) -> Answer:
        return postern.ask("OPTIONS", path, headers=headers)

    origin: Header = ("WebHook-Request-Origin", "events.example.com")
    with postern.unmoved():
        assert options("/v1/events", origin).code == (405, "method-not-allowed")
        assert options("/v1/hooks/second", origin).code == (405, "method-not-allowed")
        hook = "/v1/hooks/storefront"
        assert options(hook).code == MALFORMED
        assert options(hook, origin, origin).code == MALFORMED
        stranger: Header = ("WebHook-Request-Origin", "evil.example.com")
        assert options(hook, stranger).code == (403, "origin-not-allowed")
        agreed = options(hook, origin)
        assert (agreed.status, agreed.headers["allow"]) == (200, "POST")
        assert agreed.headers["webhook-allowed-origin"] == "events.example.com"


def open_files(postern: Postern) -> int:
    return sum(1 for _ in Path(f"/proc/{postern.process.pid}/fd").iterdir())


@pytest.mark.bad_input(26)
def test_hundreds_of_idle_connections_are_nobodys_concern(postern: Postern) -> None:
    with ExitStack() as open_:
        idle = [open_.enter_context(postern.connection()) for _ in range(200)]
        with postern.unmoved():
            assert postern.post(b"{").code == MALFORMED
        files = open_files(postern)
        assert files > 200
        # Also those that did nothing yet are served when they do.
        wire = idle[100]
        wire.sendall(raw(length(b"{")) + b"{")
        assert read_answer(wire).code == MALFORMED
    limit = time.monotonic() + 10
    while open_files(postern) > files - 200:
        assert time.monotonic() < limit, "what was closed is kept"
        time.sleep(0.02)


@pytest.mark.bad_input(25)
def test_a_body_byte_by_byte_is_given_up(postern: Postern, slow: Slow) -> None:
    answer, took = slow.dripping.result(20)
    assert answer.code == (408, "body-too-slow")
    assert 4.5 < took < 10
    with postern.unmoved():
        assert postern.post(b"{").code == MALFORMED


@pytest.mark.bad_input(26)
def test_a_head_byte_by_byte_is_hung_up_on(postern: Postern, slow: Slow) -> None:
    """All tests before this one were served meanwhile."""
    assert 9 < slow.head.result(20) < 15
    with postern.unmoved():
        assert postern.post(b"{").code == MALFORMED
