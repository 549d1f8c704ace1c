"""Addresses of brokers: which are taken."""

from __future__ import annotations

import pytest

from core.broker.connect import open_broker
from core.broker.embedded import EmbeddedBroker
from core.broker.rabbitmq import RabbitMQBroker
from core.errors import ConfigurationError


async def test_the_scheme_says_which_adapter_it_is() -> None:
    assert isinstance(open_broker("amqp://guest:guest@127.0.0.1:5672/"), RabbitMQBroker)
    assert isinstance(open_broker("amqps://broker.example/shop"), RabbitMQBroker)
    assert isinstance(open_broker("embedded:postern-data/broker.db"), EmbeddedBroker)


@pytest.mark.parametrize(
    "url",
    ["", "redis://host", "/some/path", "amqp://", "amqp:host", "embedded:", "amqp://u:pa55@h:x/"],
)
def test_any_other_address_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(ConfigurationError, match="expected amqp://") as caught:
        open_broker(url)
    assert "pa55" not in str(caught.value)
