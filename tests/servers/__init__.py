"""Private servers for tests, benches and `make stack`: a RabbitMQ node, a PostgreSQL server, on
loopback only.

Each is one class with `start`, `stop`, `kill` and `close`, and is a context manager. Whatever ends
the Python process that started them, nothing is left running. What must not go in: anything about
Postern.
"""
