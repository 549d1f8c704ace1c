"""The embedded broker: durable queues in one SQLite file, for one process, on the same port as
RabbitMQ.

    file.py          opening it: the lock, the schema, what an earlier process left behind
    store.py         the statements
    rounds.py        the thread that owns the file; everything waiting shares one transaction
    subscription.py  handing messages to one consumer
    broker.py        the port
"""

from core.broker.embedded.broker import EmbeddedBroker
from core.broker.embedded.file import embedded_depths

__all__ = ["EmbeddedBroker", "embedded_depths"]
