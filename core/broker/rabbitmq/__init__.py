"""RabbitMQ behind the broker port: aio-pika declares and consumes, frames of our own publish.

    link.py        one connection that comes back by itself; publishing and consuming have one each
    publishing.py  a channel with confirms on one of two connections:
    pipelined/         our own, the default
    library.py         aio-pika's
    consuming.py   subscriptions
    declaring.py   the topology, on a connection of its own
    broker.py      the port

aio-pika's own "robust" connection is not used: it declares again when it recovers, so one changed
queue argument keeps the whole connection down for ever.
"""

from core.broker.rabbitmq.broker import PublisherKind, RabbitMQBroker

__all__ = ["PublisherKind", "RabbitMQBroker"]
