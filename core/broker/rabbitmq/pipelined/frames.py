"""Frames of AMQP 0-9-1 as bytes (specification, sections 2.3.5 and 4.2).

Publishing is written by hand, since all but three fields of it are the same each time; confirms are
read by hand; everything else goes by pamqp. What must not go in: what a frame means.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from pamqp import base, commands, frame
from pamqp.body import ContentBody
from pamqp.exceptions import PAMQPException
from pamqp.header import ContentHeader, ProtocolHeader
from pamqp.heartbeat import Heartbeat

from core.errors import Unroutable

GREETING = b"AMQP\x00\x00\x09\x01"
HEARTBEAT = b"\x08\x00\x00\x00\x00\x00\x00\xce"
_END = 0xCE
_START = struct.Struct(">BHL")
"""Of every frame: type, channel, size of the payload."""
_OVERHEAD = _START.size + 1
_METHOD, _HEADER, _BODY = 1, 2, 3

_CONFIRM = struct.Struct(">HHQB")
"""The payload of an ack or a nack: class, method, delivery tag, bits."""
_BASIC, _ACK, _NACK = 60, 80, 120
_MULTIPLE = 0b1

_PROPERTIES = 1 << 12 | 1 << 7
"""Of all properties: delivery mode and message id."""
_PERSISTENT = 2
ID_LENGTH = 24
_LONGEST_NAME = 255
"""Bytes of a queue's name (specification, section 4.2.5.3)."""

_CONTENT = struct.Struct(f">BHLHHQHBB{ID_LENGTH}sBBHL")
"""The content header and the start of the first body frame."""
_CONTENT_SIZE = 2 + 2 + 8 + 2 + 1 + 1 + ID_LENGTH

Received = base.Frame | ContentHeader | ContentBody | Heartbeat | ProtocolHeader


class BadFrame(Exception):
    """What came is no frame, or one that is larger than was agreed on."""


class Confirm:
    """An ack or a nack."""

    __slots__ = ("multiple", "tag", "taken")

    def __init__(self, tag: int, *, multiple: bool, taken: bool) -> None:
        self.tag = tag
        self.multiple = multiple
        self.taken = taken


class Writer:
    """Makes the frames of one publish on one channel."""

    def __init__(self, channel: int, frame_max: int, exchange: str) -> None:
        self._channel = channel
        self._largest = frame_max - _OVERHEAD
        self._exchange = exchange
        self._methods: dict[str, bytes] = {}

    def message(self, queue: str, body: bytes, message_id: bytes) -> list[bytes]:
        """A mandatory, persistent message. `message_id`: 24 bytes of ASCII. Raises Unroutable for a
        name that no queue can have."""
        method = self._methods.get(queue)
        if method is None:
            method = self._methods[queue] = self._method(queue)
        size = len(body)
        if 0 < size <= self._largest:
            return [method, self._content(size, message_id, size), body, b"\xce"]
        first = min(size, self._largest)
        parts = [method, self._content(size, message_id, first), body[:first], b"\xce"]
        if not size:
            # No body frame at all: what was begun of one is cut off again.
            return [method, parts[1][: -_START.size]]
        for at in range(first, size, self._largest):
            piece = body[at : at + self._largest]
            parts += [_START.pack(_BODY, self._channel, len(piece)), piece, b"\xce"]
        return parts

    def _content(self, size: int, message_id: bytes, first: int) -> bytes:
        return _CONTENT.pack(
            *(_HEADER, self._channel, _CONTENT_SIZE),
            *(_BASIC, 0, size, _PROPERTIES, _PERSISTENT, ID_LENGTH, message_id, _END),
            *(_BODY, self._channel, first),
        )

    def _method(self, queue: str) -> bytes:
        if len(queue.encode("utf-8", "surrogatepass")) > _LONGEST_NAME:
            raise Unroutable("publishing: no queue has so long a name")
        publish = commands.Basic.Publish(exchange=self._exchange, routing_key=queue, mandatory=True)
        written: bytes = frame.marshal(publish, self._channel)
        return written


class Reader:
    """Cuts what arrives into frames."""

    def __init__(self) -> None:
        self._rest = b""
        self.largest = 131_072
        """Bytes of a frame, all in all."""

    def feed(self, data: bytes) -> Iterator[tuple[int, Confirm | Received]]:
        """The frames that are whole, with their channels. Raises BadFrame."""
        if self._rest:
            data = self._rest + data
        at, end = 0, len(data)
        while end - at >= _START.size:
            kind, channel, size = _START.unpack_from(data, at)
            if size + _OVERHEAD > self.largest:
                raise BadFrame("a frame is larger than was agreed on")
            after = at + size + _OVERHEAD
            if after > end:
                break
            if data[after - 1] != _END:
                raise BadFrame("a frame does not end as it should")
            yield channel, _frame(data, kind, at, size)
            at = after
        self._rest = data[at:]


def _frame(data: bytes, kind: int, at: int, size: int) -> Confirm | Received:
    if kind == _METHOD and size == _CONFIRM.size:
        class_, method, tag, bits = _CONFIRM.unpack_from(data, at + _START.size)
        if class_ == _BASIC and method in (_ACK, _NACK):
            return Confirm(tag, multiple=bool(bits & _MULTIPLE), taken=method == _ACK)
    try:
        _, _, found = frame.unmarshal(data[at : at + size + _OVERHEAD])
    except PAMQPException as error:
        raise BadFrame(f"a frame cannot be read ({type(error).__name__})") from None
    return found


def marshal(method: base.Frame, channel: int) -> bytes:
    written: bytes = frame.marshal(method, channel)
    return written
