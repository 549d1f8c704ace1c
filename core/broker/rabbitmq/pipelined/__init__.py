"""Publishing by frames of our own: an aio-pika publish costs a task, a future and hundreds of calls
for each message, and the broker four times as much as frames that arrive together.

    address.py     what an AMQP URL says
    frames.py      bytes on the wire, both ways
    flight.py      what was written and not answered yet
    connection.py  one connection: handshake, heartbeats, one write for each turn of the loop
    channel.py     its channel in confirm mode

Everything that is rare goes by pamqp's own frames.
"""

from core.broker.rabbitmq.pipelined.connection import connect

__all__ = ["connect"]
