"""From an address to a broker: the only place that knows which adapters there are.

amqp://user:password@host:port/vhost      RabbitMQ
amqps://...                               RabbitMQ over TLS
embedded:PATH                             a file of this process
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from core.broker.embedded import EmbeddedBroker
from core.broker.port import Broker
from core.broker.rabbitmq import PublisherKind, RabbitMQBroker
from core.errors import ConfigurationError

__all__ = ["PublisherKind", "open_broker"]

_EXPECTED = "expected amqp://, amqps:// or embedded:PATH"


def open_broker(
    url: str, *, publisher: PublisherKind = PublisherKind.PIPELINED
) -> AbstractAsyncContextManager[Broker]:
    """The broker at this address, to be entered. Raises ConfigurationError for any other
    address. `publisher`: by what RabbitMQ is published to."""
    scheme, _, rest = url.partition(":")
    match scheme:
        case "amqp" | "amqps":
            if not _split(url).hostname:
                raise ConfigurationError(f"the broker's address names no host, {_EXPECTED}")
            return RabbitMQBroker(url, publisher=publisher)
        case "embedded":
            if not rest:
                raise ConfigurationError(f"the embedded broker's address has no path, {_EXPECTED}")
            return EmbeddedBroker(Path(rest))
        case _:
            raise ConfigurationError(f"the broker's address is not known here, {_EXPECTED}")


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise ConfigurationError(f"the broker's address cannot be read, {_EXPECTED}") from None
    return parts
