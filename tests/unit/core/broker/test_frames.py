"""Frames as bytes: what we write is read by pamqp, and what arrives in any pieces is read by us."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pamqp import commands, frame
from pamqp.body import ContentBody
from pamqp.header import ContentHeader
from pamqp.heartbeat import Heartbeat

from core.broker.rabbitmq.pipelined.frames import (
    HEARTBEAT,
    BadFrame,
    Confirm,
    Reader,
    Writer,
    marshal,
)

FRAME_MAX = 4096
MESSAGE_ID = b"0123abcd" + b"%016x" % 17


def unmarshalled(data: bytes) -> list[object]:
    found: list[object] = []
    while data:
        used, channel, each = frame.unmarshal(data)
        assert channel == 1
        found.append(each)
        data = data[used:]
    return found


@given(body=st.binary(max_size=3 * FRAME_MAX))
def test_a_publish_is_what_the_library_would_have_written(body: bytes) -> None:
    written = b"".join(
        Writer(1, FRAME_MAX, "postern.actions").message("postern.sms.normal", body, MESSAGE_ID)
    )
    method, header, *bodies = unmarshalled(written)
    assert isinstance(method, commands.Basic.Publish)
    assert (method.exchange, method.routing_key) == ("postern.actions", "postern.sms.normal")
    assert (method.mandatory, method.immediate) == (True, False)
    assert isinstance(header, ContentHeader)
    assert header.body_size == len(body)
    assert header.properties.delivery_mode == 2
    assert header.properties.message_id == MESSAGE_ID.decode()
    pieces = [each.value for each in bodies if isinstance(each, ContentBody)]
    assert len(pieces) == len(bodies)
    assert b"".join(pieces) == body
    assert all(0 < len(piece) <= FRAME_MAX - 8 for piece in pieces)


@given(cuts=st.lists(st.integers(0, 200), max_size=8))
def test_frames_are_found_however_they_arrive(cuts: list[int]) -> None:
    header = ContentHeader(0, 5, commands.Basic.Properties(message_id="m"))
    wire = b"".join(
        [
            marshal(commands.Basic.Ack(7, multiple=True), 1),
            HEARTBEAT,
            marshal(commands.Basic.Nack(8, multiple=False, requeue=True), 1),
            marshal(commands.Basic.Return(312, "NO_ROUTE", "postern.actions", "gone"), 1),
            frame.marshal(header, 1),
            frame.marshal(ContentBody(b"hello"), 1),
            marshal(commands.Connection.Blocked("low on memory"), 0),
        ]
    )
    edges = [0, *sorted(min(cut, len(wire)) for cut in cuts), len(wire)]
    reader, found = Reader(), []
    for start, end in pairwise(edges):
        found += list(reader.feed(wire[start:end]))
    ack, beat, nack, returned, head, body, blocked = (each for _, each in found)
    assert isinstance(ack, Confirm)
    assert (ack.tag, ack.multiple, ack.taken) == (7, True, True)
    assert isinstance(beat, Heartbeat)
    assert isinstance(nack, Confirm)
    assert (nack.tag, nack.multiple, nack.taken) == (8, False, False)
    assert isinstance(returned, commands.Basic.Return)
    assert isinstance(head, ContentHeader)
    assert isinstance(body, ContentBody)
    assert isinstance(blocked, commands.Connection.Blocked)
    assert [channel for channel, _ in found] == [1, 0, 1, 1, 1, 1, 0]


@pytest.mark.parametrize(
    "wire",
    [
        b"\x01\x00\x01\x7f\xff\xff\xff",
        HEARTBEAT[:-1] + b"\x00",
        b"\x01\x00\x01\x00\x00\x00\x04\xff\xff\xff\xff\xce",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
    ],
    ids=["too-large", "no-end", "unknown-method", "another-protocol"],
)
def test_what_is_no_frame_is_told(wire: bytes) -> None:
    with pytest.raises(BadFrame):
        list(Reader().feed(wire))
