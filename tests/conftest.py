"""Servers for every test that needs one: started once for the whole run, isolated per test.

`POSTERN_TEST_BROKER` and `POSTERN_TEST_JOURNAL` name servers to use instead of private ones. A
missing server fails the tests that need it. Fixtures are synchronous, so that every test may have
its own loop.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator

import pytest

from tests.servers.external import empty_broker
from tests.servers.postgres import PostgresServer, create_database, drop_database
from tests.servers.rabbitmq import RabbitMQNode


@pytest.fixture(scope="session")
def rabbitmq_node() -> Iterator[RabbitMQNode]:
    """A private node, always: tests may stop, pause and kill it, and must leave it running."""
    with RabbitMQNode() as node:
        yield node


@pytest.fixture(scope="session")
def rabbitmq_url(request: pytest.FixtureRequest) -> str:
    """The AMQP address all tests share. Most tests want `broker_url`, which is theirs alone."""
    external = os.environ.get("POSTERN_TEST_BROKER")
    if external:
        return external
    node: RabbitMQNode = request.getfixturevalue("rabbitmq_node")
    return node.url


@pytest.fixture
def broker_url(request: pytest.FixtureRequest, rabbitmq_url: str) -> Iterator[str]:
    """An AMQP address with nothing declared in it: a virtual host of its own, gone after the
    test."""
    if os.environ.get("POSTERN_TEST_BROKER"):
        empty_broker(rabbitmq_url)
        yield rabbitmq_url
        empty_broker(rabbitmq_url)
        return
    node: RabbitMQNode = request.getfixturevalue("rabbitmq_node")
    vhost = f"test-{uuid.uuid4().hex[:12]}"
    yield node.add_vhost(vhost)
    node.delete_vhost(vhost)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A private server, always: tests may stop and kill it, and must leave it running."""
    with PostgresServer() as server:
        yield server


@pytest.fixture
def postgres_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of an empty database that is this test's alone, dropped after it. It sorts like
    those of most servers, not as Python does."""
    external = os.environ.get("POSTERN_TEST_JOURNAL")
    if external:
        server_url = external
    else:
        server: PostgresServer = request.getfixturevalue("postgres_server")
        server_url = server.url
    name = f"test_{uuid.uuid4().hex[:12]}"
    yield create_database(server_url, name, language="en-US")
    drop_database(server_url, name)
