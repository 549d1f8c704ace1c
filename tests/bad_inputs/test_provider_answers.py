"""What a provider may answer that is no answer: each is told apart, and none does any harm."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from tests.bad_inputs.postern import SOURCES, Postern, running
from tests.bad_inputs.stand_in import TAKEN, Said, StandIn, says, standing_in

PHONE = "+4915112345678"
BUSY = b'{"error": 1, "message": "busy"}'


def endless(handler: BaseHTTPRequestHandler) -> None:
    """Ten gigabytes, if anybody takes them."""
    handler.send_response(200)
    handler.send_header("Content-Length", str(10**10))
    handler.end_headers()
    piece = b" " * 65_536
    with suppress(OSError):
        for _ in range(10**10 // len(piece)):
            handler.wfile.write(piece)
    handler.close_connection = True


def bomb(handler: BaseHTTPRequestHandler) -> None:
    """Some kilobytes that are 200 MB, with something that could be an answer at their end."""
    squeezing = zlib.compressobj(9, wbits=31)
    parts = [squeezing.compress(b" " * 1_000_000) for _ in range(200)]
    parts.append(squeezing.compress(b'{"error": 0, "sms_id": 1}'))
    says(b"".join(parts) + squeezing.flush(), Content_Encoding="gzip")(handler)


GONE_BY = "Sun, 22 Nov 2020 10:00:00 GMT"
ANSWERS: dict[str, Said] = {
    "good": TAKEN,
    "html": says(b"<html><h1>Welcome</h1></html>", Content_Type="text/html"),
    "error": says(b'{"status": "error"}'),
    "invalid": says(b'{"error": 0, "sms_id": '),
    "twice": says(b'{"error": 1, "error": 0, "sms_id": 1} {}'),
    "nothing": says(status=204),
    "empty": says(),
    "huge-number": says(b'{"error": 0, "sms_id": 1e400}'),
    "endless": endless,
    "bomb": bomb,
    "no-gzip": says(b"\x1f\x8bnonsense", Content_Encoding="gzip"),
    "moved": says(status=302, Location="http://169.254.169.254/latest/meta-data/"),
    "moved-here": says(status=307, Location="/elsewhere/getdata/addsms"),
    "wait-minus": says(BUSY, status=503, Retry_After="-1"),
    "wait-long": says(BUSY, status=503, Retry_After="1e9"),
    "wait-past": says(BUSY, status=503, Retry_After=GONE_BY),
    "wait-nan": says(BUSY, status=503, Retry_After="nan"),
}
UNKNOWN = (
    *("html", "error", "invalid", "twice", "empty", "huge-number", "endless", "bomb", "no-gzip"),
)


@pytest.fixture(scope="module")
def provider() -> Iterator[StandIn]:
    with standing_in(ANSWERS) as it:
        yield it


@pytest.fixture(scope="module")
def postern(tmp_path_factory: pytest.TempPathFactory, provider: StandIn) -> Iterator[Postern]:
    """A provider and a rule for each answer."""
    lines = [
        f'  {name}: {{kind: smsgateway24, url: "{provider.url}/{name}", region: DE, '
        "token: {env: SMS_TOKEN}, device_id: 260, retry: [10s, 10s], reconcile_lag: 30s}"
        for name in ANSWERS
    ]
    lines[:0] = ["providers:"]
    lines.append("rules:")
    for name in ANSWERS:
        type_ = "order.placed" if name == "good" else f"order.{name}"
        lines.append(f"  - id: {name}\n    on: {type_}\n    do:\n      - call: {name}.send")
        lines.append('        with: {to: "${data.phone}", text: "Hello"}')
    folder = tmp_path_factory.mktemp("postern")
    with running(folder, SOURCES + "\n".join(lines) + "\n") as it:
        yield it


def called(postern: Postern, provider: StandIn, name: str) -> dict[str, Any]:
    """The action of a text after its first call; other texts go out as ever, and at once."""
    ref = postern.event(type=f"order.{name}").json["ref"]
    (action,) = postern.record(ref, ended=True)["actions"]
    assert len([call for call in provider.calls if call.path.startswith(f"/{name}/")]) == 1
    good = postern.record(postern.event().json["ref"], ended=True)
    assert [it["state"] for it in good["actions"]] == ["done"]
    assert postern.process.running
    return dict(action)


def due_in(action: dict[str, Any]) -> timedelta:
    return datetime.fromisoformat(action["due_at"]) - datetime.now(UTC)


def peak_memory(postern: Postern) -> int:
    """Bytes at most, ever."""
    with open(f"/proc/{postern.process.pid}/status") as status:  # noqa: PTH123 - no file
        line = next(it for it in status if it.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


@pytest.mark.bad_input(44)
@pytest.mark.parametrize("name", UNKNOWN)
def test_what_is_no_answer_leaves_the_outcome_unknown(
    postern: Postern, provider: StandIn, name: str
) -> None:
    """The text may have been taken; it is looked up before anything else is done."""
    before = peak_memory(postern)
    action = called(postern, provider, name)
    (attempt,) = action["attempts"]
    assert (action["state"], attempt["outcome"]) == ("waiting", "unknown")
    assert due_in(action) > timedelta(seconds=20)
    assert peak_memory(postern) - before < 100 * 1024 * 1024


@pytest.mark.bad_input(44)
def test_an_answer_without_a_body_leaves_the_outcome_unknown(
    postern: Postern, provider: StandIn
) -> None:
    action = called(postern, provider, "nothing")
    assert (action["state"], action["attempts"][0]["outcome"]) == ("waiting", "unknown")


@pytest.mark.bad_input(44)
@pytest.mark.parametrize("name", ["moved", "moved-here"])
def test_a_redirect_is_followed_nowhere_and_waits_for_a_person(
    postern: Postern, provider: StandIn, name: str
) -> None:
    action = called(postern, provider, name)
    assert action["state"] == "parked"
    assert "169.254" not in str(action)
    assert not [call for call in provider.calls if call.path.startswith("/elsewhere")]


@pytest.mark.bad_input(44)
@pytest.mark.parametrize(
    ("name", "least", "most"),
    [
        ("wait-minus", 5, 30),
        ("wait-past", 5, 30),
        ("wait-nan", 5, 30),
        ("wait-long", 3_000, 4_400),
    ],
)
def test_how_long_a_provider_asks_us_to_wait_is_brought_into_bounds(
    postern: Postern, provider: StandIn, name: str, least: int, most: int
) -> None:
    action = called(postern, provider, name)
    assert action["state"] == "waiting"
    assert timedelta(seconds=least) < due_in(action) < timedelta(seconds=most)
