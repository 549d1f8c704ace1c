"""Logs: what is written, and above all what is not."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import structlog

from core.configuration import Secret
from core.errors import BrokerUnavailable, ConfigurationError
from core.logs import LONGEST, STARS, configure_logs, get_logger, mask, mask_text

log = get_logger()


class Lines(io.StringIO):
    """What was written, line by line."""

    def parsed(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.getvalue().splitlines()]


@pytest.fixture
def lines() -> Iterator[Lines]:
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    stream = Lines()
    configure_logs("info", json=True, stream=stream)
    yield stream
    structlog.reset_defaults()
    root.handlers, level = before
    root.setLevel(level)


def test_a_line_is_one_json_object_with_a_stable_event_name(lines: Lines) -> None:
    log.warning("action_parked", rule="welcome", attempt=2)
    (line,) = lines.parsed()
    assert line["event"] == "action_parked"
    assert line["level"] == "warning"
    assert (line["rule"], line["attempt"]) == ("welcome", 2)
    assert line["timestamp"].endswith("Z")


def test_below_the_level_nothing_is_written(lines: Lines) -> None:
    log.debug("event_accepted")
    assert lines.getvalue() == ""


@pytest.mark.parametrize(
    "name",
    [
        *("token", "secret", "password", "Authorization", "api_key", "phone", "to", "email"),
        *("text", "body", "shopSecret", "webhook-signature", "X-Api-Key", "recipient"),
    ],
)
def test_values_under_telling_names_are_stars_however_deep(name: str, lines: Lines) -> None:
    log.info("happened", **{name: "tell-tale"}, nested={"list": [{name: "tell-tale"}]})
    assert "tell-tale" not in lines.getvalue()
    assert lines.parsed()[0][name] == STARS


@pytest.mark.parametrize(
    "text",
    [
        "+4915112345678",
        "+49 151 123 45 678",
        "0151/1234-5678",
        "(0151) 12345678",
        "call 15112345678",
        "tel:+1-202-555-0143",
        "anna@example.com",
        "mail <anna.b+c@shop.example>",
        "4915112345678,",
    ],
)
def test_phone_numbers_and_addresses_are_masked_inside_any_text(text: str) -> None:
    masked = mask_text(text)
    assert STARS in masked
    for part in ("12345", "45 678", "555", "anna", "example"):
        assert part not in masked


@pytest.mark.parametrize(
    "text",
    ["127.0.0.1:5672", "192.168.100.200", "2026-11-22", "ac_9Xk1234567890abc", "HTTP 503", "12 ms"],
)
def test_what_helps_to_find_a_fault_stays_readable(text: str) -> None:
    assert mask_text(text) == text


def test_credentials_in_urls_are_masked_and_the_host_stays() -> None:
    masked = mask_text("amqp://guest:s3cr3t@broker.local:5672/shop")
    assert "s3cr3t" not in masked
    assert "guest" not in masked
    assert "broker.local" in masked


def test_numbers_that_may_be_phone_numbers_are_masked_too() -> None:
    assert mask(4915112345678) == STARS
    assert mask(250) == 250


def test_a_line_break_in_a_value_cannot_start_another_line(lines: Lines) -> None:
    log.info("happened", note='x\r\n{"event": "forged"}\x1b[31m\u202e')
    assert len(lines.getvalue().splitlines()) == 1
    assert "\x1b" not in lines.parsed()[0]["note"]
    assert "\u202e" not in lines.parsed()[0]["note"]


def test_long_values_are_cut(lines: Lines) -> None:
    log.info("happened", note="ab" * 5000)
    assert len(lines.parsed()[0]["note"]) <= LONGEST + 3


def test_a_number_split_by_the_cut_leaves_nothing_behind() -> None:
    text = "x" * (LONGEST - 6) + " +4915112345678" + "y" * 50
    assert "4915" not in mask_text(text)


def test_records_are_named_and_never_printed(lines: Lines) -> None:
    @dataclass
    class Order:
        note: str = "tell-tale"

    log.info("happened", order=Order(), secret_free=Secret("tell-tale"), raw=b"tell-tale")
    assert "tell-tale" not in lines.getvalue()
    assert lines.parsed()[0]["order"] == "<Order>"


def test_deep_and_wide_values_are_bounded(lines: Lines) -> None:
    deep: list[Any] = []
    for _ in range(500):
        deep = [deep]
    log.info("happened", deep=deep, wide=list(range(100_000)))
    assert len(lines.getvalue()) < 5_000


def test_an_exception_is_its_type_and_our_frames_without_values(lines: Lines) -> None:
    try:
        mask_text(None)  # type: ignore[arg-type]
    except TypeError:
        log.exception("failed")
    (line,) = lines.parsed()
    assert line["error"] == "TypeError"
    assert any(frame.startswith("core/logs.py:") for frame in line["frames"])
    assert "subscriptable" not in lines.getvalue()


def test_our_own_errors_may_speak_and_foreign_ones_may_not(lines: Lines) -> None:
    log.warning("refused", error=ConfigurationError("expected a number", field="rules[0].when"))
    log.warning("refused", error=ValueError("tell-tale"))
    first, second = lines.parsed()
    assert first["error"] == "ConfigurationError: rules[0].when: expected a number"
    assert second["error"] == "<ValueError>"


def test_every_part_of_a_group_of_errors_is_named(lines: Lines) -> None:
    group = ExceptionGroup("tell-tale", [KeyError("tell-tale"), BrokerUnavailable("away")])
    log.error("failed", exc_info=group)
    assert lines.parsed()[0]["error"] == "ExceptionGroup(KeyError, BrokerUnavailable: away)"


def test_libraries_speak_through_the_same_masks_from_warning_up(lines: Lines) -> None:
    library = logging.getLogger("aio_pika.connection")
    library.info("connected")
    library.warning("cannot reach %s", "amqp://guest:s3cr3t@broker.local/")
    (line,) = lines.parsed()
    assert line["logger"] == "aio_pika.connection"
    assert "s3cr3t" not in lines.getvalue()
    assert "broker.local" in line["event"]


def test_a_library_line_that_does_not_fit_its_arguments_is_told_and_harmless(
    lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The test runner's own handlers raise where ours must not.
    ours = [part for part in logging.getLogger().handlers if type(part).__module__ == "core.logs"]
    monkeypatch.setattr(logging.getLogger(), "handlers", ours)
    fits_not = ("one",)
    logging.getLogger("alembic").warning("%s %s", *fits_not)
    assert lines.parsed()[0]["event"] == "log_line_unreadable"


async def test_an_error_in_a_task_nobody_awaited_is_told_without_its_values(lines: Lines) -> None:
    loop = asyncio.get_running_loop()
    loop.call_exception_handler({"message": "lost", "exception": ValueError("tell-tale")})
    (line,) = lines.parsed()
    assert (line["logger"], line["error"]) == ("asyncio", "ValueError")
    assert "tell-tale" not in lines.getvalue()


def test_a_closed_stream_costs_the_line_and_nothing_else() -> None:
    stream = Lines()
    configure_logs("info", json=True, stream=stream)
    stream.close()
    log.info("lost")
    after = Lines()
    configure_logs("info", json=True, stream=after)
    log.info("happened")
    assert "happened" in after.getvalue()
    structlog.reset_defaults()


def test_the_console_form_is_masked_as_well(lines: Lines) -> None:
    configure_logs("info", json=False, stream=lines)
    log.info("text_sent", note="to +4915112345678")
    assert "text_sent" in lines.getvalue()
    assert "15112" not in lines.getvalue()
