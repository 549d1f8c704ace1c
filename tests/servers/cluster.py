"""Three private RabbitMQ nodes on loopback that are one cluster, so that quorum queues have three
members and a leader that can be killed.

What must not go in: what is said over AMQP, and how one node is run (see `rabbitmq.py`).
"""

from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from tests.servers.process import ServerError, Started
from tests.servers.rabbitmq import RabbitMQNode

_SIZE = 3
_SETTLE = timedelta(seconds=60)


class RabbitMQCluster(Started):
    """Three nodes. A queue's members are told as nodes, so that one can be killed and started."""

    def __init__(self) -> None:
        first = RabbitMQNode()
        self.nodes = (first, *(RabbitMQNode(beside=first) for _ in range(_SIZE - 1)))
        for node in self.nodes[1:]:
            # Only the first may begin a cluster; the others wait for it as long as it takes.
            node.settings |= {
                "cluster_formation.peer_discovery_backend": "classic_config",
                "cluster_formation.classic_config.nodes.1": first.name,
                "cluster_formation.classic_config.nodes.2": node.name,
                "cluster_formation.discovery_retry_limit": "240",
                "cluster_formation.discovery_retry_interval": "250",
            }

    @property
    def ports(self) -> tuple[int, ...]:
        """Where the nodes take AMQP; those of nodes that are down are among them."""
        return tuple(node.port for node in self.nodes)

    @property
    def up(self) -> tuple[RabbitMQNode, ...]:
        return tuple(node for node in self.nodes if node.pid is not None)

    def start(self, *nodes: RabbitMQNode) -> None:
        """Start these, or all that are down; returns when the nodes that are up see each other."""
        self.nodes[0].start_epmd()
        with ThreadPoolExecutor(_SIZE) as pool:
            list(pool.map(_start, nodes or self.nodes))
        self._until_joined()

    def add_vhost(self, vhost: str) -> str:
        """A virtual host on all nodes; returns its address at the first. Not after a node was
        started again: on 3.10 what is declared in a new one can then fail for half a minute."""
        return self.up[0].add_vhost(vhost)

    def members(self, vhost: str, queue: str) -> tuple[RabbitMQNode, ...]:
        """The nodes that a quorum queue stands on, whether up or not."""
        found = self._of_queue(vhost, queue, "maps:get(nodes, amqqueue:get_type_state(Q))")
        return tuple(node for node in self.nodes if node.name in found)

    def leader(self, vhost: str, queue: str) -> RabbitMQNode:
        """The node that leads a quorum queue now. Raises ServerError while there is none."""
        found = self._of_queue(
            vhost, queue, "element(3, ra:members({element(1, amqqueue:get_pid(Q)), node()}, 2000))"
        )
        for node in self.up:
            if f",'{node.name}'}}" in found:
                return node
        raise ServerError(f"{queue} has no leader: {found}")

    def make_leader(self, vhost: str, queue: str, node: RabbitMQNode) -> None:
        """Make `node` the queue's leader."""
        self._of_queue(
            vhost,
            queue,
            f"ra:transfer_leadership(amqqueue:get_pid(Q), "
            f"{{element(1, amqqueue:get_pid(Q)), '{node.name}'}})",
        )
        limit = time.monotonic() + _SETTLE.total_seconds()
        while self.leader(vhost, queue) is not node:
            if time.monotonic() > limit:
                raise ServerError(f"{queue} is not led by {node.name}")
            time.sleep(0.05)

    def close(self) -> None:
        """End everything; the first node last, since its epmd serves the others."""
        for node in reversed(self.nodes):
            node.close()

    def _until_joined(self) -> None:
        limit = time.monotonic() + _SETTLE.total_seconds()
        for node in self.up:
            while (seen := self._running(node)) < len(self.up):
                if time.monotonic() > limit:
                    raise ServerError(f"{node.name} sees {seen} of {len(self.up)} nodes")
                time.sleep(0.1)

    def _running(self, node: RabbitMQNode) -> int:
        found = node.evaluate("rabbit:await_startup(), rabbit_mnesia:cluster_nodes(running)")
        return len(re.findall("@localhost", found))

    def _of_queue(self, vhost: str, queue: str, expression: str) -> str:
        name = f'rabbit_misc:r(<<"{vhost}">>, queue, <<"{queue}">>)'
        return self.up[0].evaluate(f"{{ok, Q}} = rabbit_amqqueue:lookup({name}), {expression}")


def _start(node: RabbitMQNode) -> None:
    """Seldom, of nodes that start in the same moment, one ends before it has a name (3.10 on Erlang
    25: its `auth` is `already_started`); it has touched no data then."""
    try:
        node.start()
    except ServerError:
        node.kill()
        node.start()
