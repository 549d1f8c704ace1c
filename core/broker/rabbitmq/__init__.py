"""RabbitMQ behind the broker port, over aio-pika.

    link.py        one connection that comes back by itself; publishing and consuming have one each
    failures.py    what the library raises, as our errors
    publishing.py  confirms
    consuming.py   subscriptions
    declaring.py   the topology, on a connection of its own
    broker.py      the port

aio-pika's own "robust" connection is not used: it declares again when it recovers, so one changed
queue argument keeps the whole connection down for ever.
"""

from core.broker.rabbitmq.broker import RabbitMQBroker

__all__ = ["RabbitMQBroker"]
