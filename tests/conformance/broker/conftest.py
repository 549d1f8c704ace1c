"""The two adapters, by name, each with nothing declared and a way to open it again."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path

import pytest

from core.broker.connect import open_broker
from core.broker.port import Broker
from core.broker.rabbitmq import PublisherKind, RabbitMQBroker
from core.broker.topology import Topology, work_queue
from core.messages import Lane
from tests.servers.rabbitmq import RabbitMQNode

TOPOLOGY = Topology.of(["sms"])
QUEUE = work_queue("sms", Lane.NORMAL)
OTHER = work_queue("sms", Lane.URGENT)
MISSING = work_queue("nobody", Lane.NORMAL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapter:
    """One adapter and the place it keeps its messages in."""

    url: str
    publisher: PublisherKind = PublisherKind.PIPELINED

    def open(self) -> AbstractAsyncContextManager[Broker]:
        return open_broker(self.url, publisher=self.publisher)


@pytest.fixture(params=["rabbitmq", "aiopika", "embedded"])
def adapter(request: pytest.FixtureRequest, tmp_path: Path) -> Adapter:
    match request.param:
        case "rabbitmq":
            return Adapter(url=request.getfixturevalue("broker_url"))
        case "aiopika":
            url = request.getfixturevalue("broker_url")
            return Adapter(url=url, publisher=PublisherKind.AIO_PIKA)
    return Adapter(url=f"embedded:{tmp_path / 'broker.db'}")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """What is tested of RabbitMQ alone holds for both ways of publishing to it."""
    if metafunc.module.__name__.rpartition(".")[2].startswith("test_rabbitmq_"):
        metafunc.fixturenames.append("publisher")
        metafunc.parametrize("publisher", list(PublisherKind), indirect=True)


@pytest.fixture
def publisher(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> PublisherKind:
    """What is published by where nothing is said of it."""
    for function in (open_broker, RabbitMQBroker.__init__):
        defaults = function.__kwdefaults__
        assert defaults is not None
        monkeypatch.setitem(defaults, "publisher", request.param)
    kind: PublisherKind = request.param
    return kind


@pytest.fixture
def node_url(rabbitmq_node: RabbitMQNode) -> Iterator[str]:
    """A virtual host of the private node: these tests stop it, pause it and reconfigure it."""
    vhost = f"faults-{uuid.uuid4().hex[:12]}"
    yield rabbitmq_node.add_vhost(vhost)
    rabbitmq_node.start()
    rabbitmq_node.delete_vhost(vhost)
