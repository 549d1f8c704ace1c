"""A `traceparent` is exactly what W3C says, or it is not there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.tracing.traceparent import read_traceparent, traceparent

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
RIGHT = f"00-{TRACE}-{SPAN}-01"


def test_one_of_the_form_is_taken_as_it_is() -> None:
    assert read_traceparent(RIGHT) == RIGHT


@pytest.mark.parametrize(
    ("flags", "kept"), [("00", "00"), ("01", "01"), ("ff", "01"), ("02", "00")]
)
def test_of_its_flags_only_sampled_is_kept(flags: str, kept: str) -> None:
    assert read_traceparent(f"00-{TRACE}-{SPAN}-{flags}") == f"00-{TRACE}-{SPAN}-{kept}"


@pytest.mark.parametrize("more", ["", "-", "-what-the-future-brings"])
def test_of_a_later_version_the_part_that_is_known_is_read(more: str) -> None:
    assert read_traceparent(f"cc-{TRACE}-{SPAN}-01{more}") == RIGHT


@pytest.mark.parametrize(
    "given",
    [
        None,
        7,
        b"00",
        ["00"],
        "",
        "-",
        RIGHT.upper(),
        f" {RIGHT}",
        f"{RIGHT} ",
        f"{RIGHT}\n",
        f"{RIGHT}-",
        f"ff-{TRACE}-{SPAN}-01",
        f"cc-{TRACE}-{SPAN}-01.more",
        f"cc-{TRACE}-{SPAN}-01-é",
        f"cc-{TRACE}-{SPAN}-01-{'x' * 256}",
        f"00-{TRACE[:-1]}-{SPAN}-01",
        f"00-{TRACE}0-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE}-{SPAN}-1",
        f"00-{TRACE}-{SPAN}-0x",
        f"00-{'٣' * 32}-{SPAN}-01",
        "0" * 1_000_000,
    ],
    ids=lambda given: str(given)[:40],
)
def test_anything_else_is_not_there(given: object) -> None:
    assert read_traceparent(given) is None


@given(st.text())
def test_no_text_breaks_the_reader(text: str) -> None:
    read = read_traceparent(text)
    assert read is None or read_traceparent(read) == read


@given(st.integers(1, 2**128 - 1), st.integers(1, 2**64 - 1), st.booleans())
def test_what_we_write_we_read(trace: int, span: int, sampled: bool) -> None:
    written = traceparent(f"{trace:032x}", f"{span:016x}", sampled=sampled)
    assert len(written) == 55
    assert read_traceparent(written) == written
