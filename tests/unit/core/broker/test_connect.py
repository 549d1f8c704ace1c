"""Addresses of brokers: which are taken, and what of them may be shown."""

from __future__ import annotations

import pytest

from core.broker.connect import masked_url, open_broker
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


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("amqp://user:pa55word@broker:5672/shop", "amqp://****@broker:5672/shop"),
        ("amqp://user:pa55@word@broker/shop", "amqp://****@broker/shop"),
        ("amqps://broker/?password=pa55word", "amqps://broker/"),
        ("amqp://broker:5672/", "amqp://broker:5672/"),
        ("embedded:/var/lib/postern/broker.db", "embedded:/var/lib/postern/broker.db"),
        ("pa55word", "****"),
        ("amqp://user:pa55word@broker:port/", "****"),
    ],
)
def test_an_address_is_shown_without_user_password_or_query(url: str, shown: str) -> None:
    assert masked_url(url) == shown
