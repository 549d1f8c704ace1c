"""The raw publisher: one message over and over, hundreds outstanding, confirms counted. The most
that this broker takes from one connection, and so what any gateway in front of it stays below.

The frames are made once and written as they are. A process of its own: `python -m bench.publisher
URL QUEUE SECONDS`, the message on stdin; prints what came of it as JSON.
"""

from __future__ import annotations

import socket
import struct
import sys
import time
from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

import orjson
from pamqp import base, commands, frame, header
from pamqp.body import ContentBody
from pamqp.exceptions import UnmarshalingException

from core.broker.topology import EXCHANGE

OUTSTANDING = 1000
AT_ONCE = 50
_GREETING = b"AMQP\x00\x00\x09\x01"
_METHOD = struct.Struct(">BHIHHQBB")
"""An acknowledgement on the wire: frame type, channel, size, class, method, tag, multiple, end."""
_ACK = (60, 80)


class Channel:
    """Channel 1 of a connection of its own, in confirm mode."""

    def __init__(self, url: str) -> None:
        address = urlsplit(url)
        self._socket = socket.create_connection((address.hostname, address.port), timeout=10)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._received = b""
        self._socket.sendall(_GREETING)
        self._await(commands.Connection.Start)
        login = f"\0{address.username}\0{address.password}"
        self._tell(commands.Connection.StartOk(mechanism="PLAIN", response=login), 0)
        self._await(commands.Connection.Tune)
        self._tell(commands.Connection.TuneOk(channel_max=1, frame_max=131_072, heartbeat=0), 0)
        vhost = unquote(address.path[1:]) or "/"
        self._tell(commands.Connection.Open(virtual_host=vhost), 0)
        self._await(commands.Connection.OpenOk)
        self._tell(commands.Channel.Open(), 1)
        self._await(commands.Channel.OpenOk)
        self._tell(commands.Confirm.Select(), 1)
        self._await(commands.Confirm.SelectOk)

    def write(self, data: bytes) -> None:
        self._socket.sendall(data)

    def acks(self) -> Iterator[tuple[int, bool]]:
        """Waits for some. Raises RuntimeError if the broker says anything else."""
        self._received += self._socket.recv(65_536)
        whole = len(self._received) // _METHOD.size * _METHOD.size
        for *_, class_, method, tag, multiple, _end in _METHOD.iter_unpack(self._received[:whole]):
            if (class_, method) != _ACK:
                raise RuntimeError(f"the broker answered {class_}.{method}, not with a confirm")
            yield tag, bool(multiple)
        self._received = self._received[whole:]

    def _tell(self, method: base.Frame, channel: int) -> None:
        self.write(frame.marshal(method, channel))

    def _await(self, expected: type[base.Frame]) -> None:
        while True:
            self._received += self._socket.recv(65_536)
            try:
                used, _, found = frame.unmarshal(self._received)
            except UnmarshalingException:
                continue  # only a part of it is here
            self._received = self._received[used:]
            if isinstance(found, expected):
                return
            raise RuntimeError(f"the broker answered {found}")


def frames(queue: str, message: bytes) -> bytes:
    """One publish as the gateway makes it: mandatory, persistent."""
    properties = commands.Basic.Properties(delivery_mode=2, message_id="0" * 32)
    publish = commands.Basic.Publish(exchange=EXCHANGE, routing_key=queue, mandatory=True)
    return b"".join(
        (
            frame.marshal(publish, 1),
            frame.marshal(header.ContentHeader(0, len(message), properties), 1),
            frame.marshal(ContentBody(message), 1),
        )
    )


def publish(channel: Channel, message: bytes, seconds: float) -> int:
    """Publish until the time is up; how many there were, all of them confirmed."""
    outstanding: dict[int, None] = {}
    tag = 0
    until = time.perf_counter() + seconds
    while (in_time := time.perf_counter() < until) or outstanding:
        if in_time and len(outstanding) <= OUTSTANDING - AT_ONCE:
            channel.write(message * AT_ONCE)
            outstanding.update(dict.fromkeys(range(tag + 1, tag + 1 + AT_ONCE)))
            tag += AT_ONCE
            continue
        for number, multiple in channel.acks():
            if multiple:
                while outstanding and (first := next(iter(outstanding))) <= number:
                    del outstanding[first]
            else:
                del outstanding[number]
    return tag


def main() -> None:
    url, queue, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
    message = frames(queue, sys.stdin.buffer.read())
    channel = Channel(url)
    cpu, started = time.process_time(), time.perf_counter()
    confirmed = publish(channel, message, seconds)
    took = {"seconds": time.perf_counter() - started, "cpu": time.process_time() - cpu}
    sys.stdout.buffer.write(orjson.dumps({"confirmed": confirmed, **took}))


if __name__ == "__main__":
    main()
