"""A broker that does what a test tells it to: confirms late, in any order or not at all, returns,
refuses, blocks, stops reading, hangs up. Only publishing is spoken.

RabbitMQ itself is asked wherever it can be made to behave so; this is for what it rarely does.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from pamqp import base, commands, frame
from pamqp.body import ContentBody
from pamqp.exceptions import UnmarshalingException
from pamqp.header import ContentHeader, ProtocolHeader

CHANNEL = 1


@dataclass(kw_only=True)
class Published:
    """One message as it arrived. `tag` counts on its connection from 1."""

    tag: int
    queue: str
    message_id: str
    body: bytes
    mandatory: bool
    persistent: bool


class Peer:
    """One connection of a client."""

    def __init__(self, broker: ScriptedBroker, writer: asyncio.StreamWriter) -> None:
        self._broker = broker
        self._writer = writer
        self.published: list[Published] = []
        self.login = ""
        self.channel = CHANNEL

    def tell(self, method: base.Frame, channel: int | None = None) -> None:
        self._writer.write(frame.marshal(method, self.channel if channel is None else channel))

    def ack(self, tag: int, *, multiple: bool = False) -> None:
        self.tell(commands.Basic.Ack(tag, multiple))

    def nack(self, tag: int, *, multiple: bool = False) -> None:
        self.tell(commands.Basic.Nack(tag, multiple, requeue=False))

    def give_back(self, message: Published) -> None:
        """As for a queue that is not there; the confirm comes apart."""
        self.tell(commands.Basic.Return(312, "NO_ROUTE", "postern.actions", message.queue))
        properties = commands.Basic.Properties(message_id=message.message_id, delivery_mode=2)
        header = ContentHeader(0, len(message.body), properties)
        self._writer.write(frame.marshal(header, self.channel))
        self._writer.write(frame.marshal(ContentBody(message.body), self.channel))

    def block(self, reason: str) -> None:
        self.tell(commands.Connection.Blocked(reason), 0)

    def unblock(self) -> None:
        self.tell(commands.Connection.Unblocked(), 0)

    def write(self, data: bytes) -> None:
        self._writer.write(data)

    def stop_reading(self) -> None:
        self._writer.transport.pause_reading()  # type: ignore[attr-defined]

    def read_on(self) -> None:
        self._writer.transport.resume_reading()  # type: ignore[attr-defined]

    def end_writing(self) -> None:
        self._writer.write_eof()

    def hang_up(self) -> None:
        self._writer.transport.abort()


@dataclass(kw_only=True)
class ScriptedBroker:
    """`on_publish` is called with each message; by default it is confirmed at once."""

    port: int = 0
    frame_max: int = 131_072
    heartbeat: int = 60
    mechanisms: str = "PLAIN AMQPLAIN EXTERNAL"
    refuse_login: bool = False
    silent: bool = False
    """Answers nothing but the greeting."""
    on_publish: Callable[[Peer, Published], None] = lambda peer, message: peer.ack(message.tag)
    after_select: list[tuple[base.Frame, int]] = field(default_factory=list)
    """Methods, and their channels, that go out with the next answer to Confirm.Select."""
    peers: list[Peer] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)
    """Names of what clients sent, without what is published."""

    @property
    def url(self) -> str:
        return f"amqp://postern:pa55word@127.0.0.1:{self.port}/shop%2Feast"

    @property
    def peer(self) -> Peer:
        return self.peers[-1]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = Peer(self, writer)
        received, message = b"", _Incoming()
        try:
            while data := await reader.read(65_536):
                received += data
                while received:
                    try:
                        used, channel, found = frame.unmarshal(received)
                    except UnmarshalingException:
                        break
                    received = received[used:]
                    self._answer(peer, channel, found, message)
        except ConnectionError:
            pass
        finally:
            writer.close()

    def _answer(self, peer: Peer, channel: int, found: Any, message: _Incoming) -> None:
        if isinstance(found, commands.Basic.Publish | ContentHeader | ContentBody):
            peer.channel = channel
            if (whole := message.take(found, len(peer.published) + 1)) is not None:
                peer.published.append(whole)
                self.on_publish(peer, whole)
            return
        self.heard.append(getattr(found, "name", type(found).__name__))
        if self.silent and not isinstance(found, ProtocolHeader):
            return
        for answer in self._answers(peer, found):
            peer.tell(answer, channel)
        if isinstance(found, commands.Confirm.Select):
            while self.after_select:
                peer.tell(*self.after_select.pop(0))

    def _answers(self, peer: Peer, found: Any) -> list[base.Frame]:
        if (answer := _ALWAYS.get(type(found))) is not None:
            if isinstance(found, commands.Connection.Open):
                self.heard.append(f"vhost {found.virtual_host}")
            return [answer()]
        match found:
            case ProtocolHeader():
                self.peers.append(peer)
                return [commands.Connection.Start(0, 9, {}, self.mechanisms, "en_US")]
            case commands.Connection.StartOk():
                peer.login = f"{found.mechanism} {found.response!r}"
                if self.refuse_login:
                    return [commands.Connection.Close(403, "ACCESS_REFUSED - pa55word", 0, 0)]
                return [commands.Connection.Tune(2047, self.frame_max, self.heartbeat)]
        return []


_ALWAYS: dict[type, type[base.Frame]] = {
    commands.Connection.Open: commands.Connection.OpenOk,
    commands.Connection.Close: commands.Connection.CloseOk,
    commands.Channel.Open: commands.Channel.OpenOk,
    commands.Channel.Close: commands.Channel.CloseOk,
    commands.Confirm.Select: commands.Confirm.SelectOk,
}


class _Incoming:
    """A message while its frames arrive."""

    def __init__(self) -> None:
        self._queue = ""
        self._mandatory = False
        self._header: ContentHeader | None = None
        self._body = b""

    def take(self, found: Any, tag: int) -> Published | None:
        match found:
            case commands.Basic.Publish():
                self._queue, self._mandatory = found.routing_key or "", bool(found.mandatory)
                return None
            case ContentHeader():
                self._header, self._body = found, b""
            case ContentBody():
                self._body += found.value
        header = self._header
        if header is None or len(self._body) < (header.body_size or 0):
            return None
        self._header = None
        return Published(
            tag=tag,
            queue=self._queue,
            message_id=header.properties.message_id or "",
            body=self._body,
            mandatory=self._mandatory,
            persistent=header.properties.delivery_mode == 2,
        )


@asynccontextmanager
async def scripted_broker(
    broker: ScriptedBroker | None = None, *, tls: ssl.SSLContext | None = None
) -> AsyncIterator[ScriptedBroker]:
    broker = broker or ScriptedBroker()
    server = await asyncio.start_server(broker.serve, "127.0.0.1", broker.port, ssl=tls)
    broker.port = server.sockets[0].getsockname()[1]
    try:
        yield broker
    finally:
        server.close()
        for peer in broker.peers:
            with suppress(OSError):
                peer.hang_up()
