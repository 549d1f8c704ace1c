"""A broker that is reached wrongly, elsewhere, or again and again."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog
import trustme

from core.broker.connect import open_broker
from core.broker.rabbitmq import consuming, link, publishing
from core.errors import BrokerError, BrokerUnavailable
from tests.conformance.broker.conftest import QUEUE, TOPOLOGY
from tests.conformance.broker.steps import eventually, messages, take_bodies
from tests.servers.proxy import Proxy
from tests.servers.rabbitmq import RabbitMQNode
from tests.servers.usage import megabytes, open_files

ROUNDS = 100
NAME = "broker.example"
"""A name that only these tests resolve."""


@pytest.mark.fault(11)
async def test_a_hundred_closed_connections_leave_nothing_behind(
    rabbitmq_node: RabbitMQNode, node_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No task, no file and no memory for each: it could go on for years."""
    for module in (link, publishing, consuming):
        monkeypatch.setattr(module, "pause", lambda *_: 0.01)
    async with open_broker(node_url) as broker:
        await broker.declare(TOPOLOGY)

        async def publishes() -> bool:
            try:
                await broker.publish(messages(QUEUE, [1]))
            except BrokerError:
                return False
            return True

        async def close(lines: list[Any]) -> None:
            before = len(lines)
            await asyncio.to_thread(rabbitmq_node.close_connections)

            async def both_are_new() -> bool:
                told = {(line["event"], line.get("connection")) for line in lines[before:]}
                return told >= {
                    (what, which)
                    for what in ("broker_connection_lost", "broker_connected")
                    for which in ("publishing", "consuming")
                }

            await eventually(both_are_new)
            await eventually(publishes)

        async with broker.subscribe(QUEUE, prefetch=1):
            assert await broker.depth(QUEUE) == 0
            with structlog.testing.capture_logs() as lines:
                for _ in range(5):
                    await close(lines)
            tasks, files, memory = _usage()
            with structlog.testing.capture_logs() as lines:
                for _ in range(ROUNDS):
                    await close(lines)

            async def nothing_is_left() -> bool:
                now = _usage()
                return now[0] <= tasks + 2 and now[1] <= files + 2 and now[2] <= memory + 20

            # What the last one left may still be put away.
            await eventually(nothing_is_left)


def _usage() -> tuple[int, int, int]:
    """Tasks, files and megabytes of this process."""
    return len(asyncio.all_tasks()), open_files(os.getpid()), megabytes(os.getpid())


@pytest.mark.fault(14)
async def test_a_virtual_host_that_is_not_there_is_told(
    rabbitmq_node: RabbitMQNode, node_url: str
) -> None:
    with structlog.testing.capture_logs() as lines:
        async with open_broker(rabbitmq_node.vhost_url("nowhere")) as broker:
            with pytest.raises(BrokerUnavailable):
                await broker.publish(messages(QUEUE, [1]))
    told = [line for line in lines if line["event"] == "broker_away"]
    assert "does not open this virtual host" in told[0]["reason"]


@pytest.mark.fault(14)
async def test_credentials_that_are_revoked_and_given_again_need_no_restart(
    rabbitmq_node: RabbitMQNode, node_url: str
) -> None:
    vhost = node_url.rpartition("/")[2]
    user = f"user-{vhost}"
    change = f'rabbit_auth_backend_internal:{{}}(<<"{user}">>, {{}}<<"test">>)'
    allow = (
        f'rabbit_auth_backend_internal:set_permissions(<<"{user}">>, <<"{vhost}">>, '
        '<<".*">>, <<".*">>, <<".*">>, <<"test">>)'
    )
    await asyncio.to_thread(rabbitmq_node.evaluate, change.format("add_user", '<<"first">>, '))
    await asyncio.to_thread(rabbitmq_node.evaluate, allow)
    url = node_url.replace("guest:guest", f"{user}:first")
    async with open_broker(url) as broker:
        await broker.declare(TOPOLOGY)
        new = change.format("change_password", '<<"second">>, ')
        await asyncio.to_thread(rabbitmq_node.evaluate, new)
        with structlog.testing.capture_logs() as lines:
            await asyncio.to_thread(rabbitmq_node.close_connections)

            async def told() -> bool:
                return any("refused the user name or password" in str(line) for line in lines)

            await eventually(told)
            assert not broker.connected
            old = change.format("change_password", '<<"first">>, ')
            await asyncio.to_thread(rabbitmq_node.evaluate, old)

            async def back() -> bool:
                return broker.connected

            await eventually(back, within=timedelta(seconds=30))
        assert "first" not in str(lines)
        await broker.publish(messages(QUEUE, [7]))
        assert await take_bodies(broker, QUEUE, 1) == [7]


@pytest.mark.fault(14)
async def test_a_certificate_that_has_expired_is_told_as_such(tmp_path: Path) -> None:
    authority = trustme.CA()
    yesterday = datetime.now(UTC) - timedelta(days=1)
    certificate = authority.issue_cert("localhost", not_after=yesterday)
    trusted = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(trusted)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificate.configure_cert(context)
    async with _listening(context) as port:
        url = f"amqps://guest:guest@localhost:{port}/?cafile={trusted}"
        with structlog.testing.capture_logs() as lines:
            async with open_broker(url) as broker:
                assert not broker.connected
                with pytest.raises(BrokerUnavailable):
                    await broker.publish(messages(QUEUE, [1]))
    assert any("certificate has expired" in line.get("reason", "") for line in lines), lines


@asynccontextmanager
async def _listening(context: ssl.SSLContext) -> AsyncIterator[int]:
    """Somebody who speaks TLS; nobody gets as far as AMQP."""

    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


@pytest.mark.fault(28)
async def test_a_broker_whose_name_leads_elsewhere_now_is_followed(
    rabbitmq_node: RabbitMQNode, node_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when a pod moved: the old address is dead, and only a new lookup finds the new one."""
    address = "127.0.0.2"
    resolve = socket.getaddrinfo

    def resolved(host: Any, *rest: Any, **more: Any) -> Any:
        return resolve(address if host == NAME else host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", resolved)
    with Proxy(rabbitmq_node.port, host="127.0.0.2") as old:
        vhost = node_url.rpartition("/")[2]
        async with open_broker(f"amqp://guest:guest@{NAME}:{old.port}/{vhost}") as broker:
            await broker.declare(TOPOLOGY)
            with Proxy(rabbitmq_node.port, host="127.0.0.3", port=old.port) as new:
                address = "127.0.0.3"
                old.refuse()
                old.reset()

                async def back() -> bool:
                    try:
                        await broker.publish(messages(QUEUE, [7]))
                    except BrokerUnavailable:
                        return False
                    return True

                await eventually(back)
                assert new.taken
                assert await take_bodies(broker, QUEUE, 1) == [7]
