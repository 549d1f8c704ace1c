"""A private RabbitMQ node: own ports, own epmd, own cookie, all data in one directory, loopback
only.

It is the distribution's package, started without its service. `restart` keeps the data, `kill` is a
crash, `pause` a black hole: connections stay open and nothing answers.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import uuid
from datetime import timedelta
from pathlib import Path

from tests.servers.process import Guard, GuardedProcess, ServerError, Started, free_ports, removal

_SERVER = "/usr/lib/rabbitmq/bin/rabbitmq-server"
_START_LIMIT = timedelta(seconds=60)
_GREETING = b"AMQP\x00\x00\x09\x01"

_LOOPBACK = ("-kernel", "inet_dist_use_interface", "{127,0,0,1}")
_QUIETLY = ("-hidden", "-noshell", "+S", "1:1", *_LOOPBACK)

# Evaluates each line it reads inside the node and prints the result in one line.
_CONSOLE = """
Loop = fun Loop() ->
  case io:get_line("") of
    eof -> halt(0);
    Line ->
      {ok, Tokens, _} = erl_scan:string(Line),
      {ok, Expressions} = erl_parse:parse_exprs(Tokens),
      Answer = case rpc:call('NODE', erl_eval, exprs, [Expressions, []]) of
        {value, Value, _} -> {ok, Value};
        Other -> {error, Other}
      end,
      io:format("~0p~n", [Answer]),
      Loop()
  end
end,
Loop().
"""


class RabbitMQNode(Started):
    """One node. With a `directory` its data is kept there, otherwise it goes with the node. A node
    `beside` another has that one's epmd and cookie, so that the two can make a cluster."""

    def __init__(
        self, directory: Path | None = None, *, beside: RabbitMQNode | None = None
    ) -> None:
        self._server = _find(_SERVER, "rabbitmq-server", "rabbitmq-server")
        self._epmd_binary = _find("/usr/bin/epmd", "epmd", "erlang-base")
        self._erl = _find("/usr/bin/erl", "erl", "erlang-base")
        self._temporary = directory is None
        self.directory = directory or Path(tempfile.mkdtemp(prefix="postern-rabbitmq-"))
        self._guard = Guard(removal(self.directory)) if self._temporary else None
        self.port, self._dist_port, self._epmd_port = free_ports(3)
        self._beside = beside
        self._cookie: str = beside._cookie if beside else secrets.token_hex(20)
        if beside is not None:
            self._epmd_port = beside._epmd_port
        self.name = f"postern-{uuid.uuid4().hex[:12]}@localhost"
        self.settings: dict[str, str] = {
            "listeners.tcp.local": f"127.0.0.1:{self.port}",
            "disk_free_limit.absolute": "50MB",
            "raft.wal_max_size_bytes": "32000000",
        }
        """What goes into rabbitmq.conf at the next start."""
        self._epmd: GuardedProcess | None = None
        self._node: GuardedProcess | None = None
        self._console: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        return self.vhost_url("")

    def vhost_url(self, vhost: str) -> str:
        return f"amqp://guest:guest@127.0.0.1:{self.port}/{vhost}"

    @property
    def pid(self) -> int | None:
        return self._node.pid if self._node else None

    def start_epmd(self) -> None:
        """The name server of this node and of those beside it; `start` does it when needed."""
        if self._beside is not None:
            self._beside.start_epmd()
        elif self._epmd is None:
            self.directory.mkdir(parents=True, exist_ok=True)
            self._epmd = GuardedProcess(
                [self._epmd_binary, "-port", str(self._epmd_port), "-address", "127.0.0.1"],
                log=self.directory / "epmd.log",
                environment=self._environment(),
            )
            self._epmd.wait_until(
                lambda: _listens(self._epmd_port), within=_START_LIMIT, what="epmd"
            )

    def start(self) -> None:
        """Start the node and return when it answers AMQP. The first start takes a few seconds."""
        if self._node is not None:
            return
        self._write_configuration()
        self.start_epmd()
        log = self.directory / "server.log"
        node = GuardedProcess([self._server], log=log, environment=self._environment())
        self._node = node
        node.wait_until(self._answers, within=_START_LIMIT, what="RabbitMQ")

    def stop(self) -> None:
        """Stop in order; data stays."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Kill -9; what was written to disk stays."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        self.stop()
        self.start()

    def pause(self) -> None:
        """Freeze the node: its connections stay open and nothing answers any more."""
        if self._node:
            self._node.send(signal.SIGSTOP)

    def resume(self) -> None:
        if self._node:
            self._node.send(signal.SIGCONT)

    def evaluate(self, expression: str) -> str:
        """Evaluate one line of Erlang in the node (without the final dot) and return the printed
        value."""
        console = self._console or self._open_console()
        if console.stdin is None or console.stdout is None:
            raise ServerError("the node's console has no pipes")
        console.stdin.write(expression + ".\n")
        console.stdin.flush()
        answer = console.stdout.readline().strip()
        if not answer.startswith("{ok,"):
            raise ServerError(f"the node answered {answer or 'nothing'}")
        return answer[len("{ok,") : -1]

    def add_vhost(self, vhost: str) -> str:
        """Create a virtual host that guest may use; returns its URL."""
        self.evaluate(
            f'rabbit_vhost:add(<<"{vhost}">>, <<"test">>), '
            f'rabbit_auth_backend_internal:set_permissions(<<"guest">>, <<"{vhost}">>, '
            '<<".*">>, <<".*">>, <<".*">>, <<"test">>)'
        )
        return self.vhost_url(vhost)

    def delete_vhost(self, vhost: str) -> None:
        self.evaluate(f'rabbit_vhost:delete(<<"{vhost}">>, <<"test">>)')

    def close_connections(self) -> None:
        """Close every client connection from the server's side."""
        self.evaluate('rabbit_networking:close_all_connections("closed by a test")')

    def close(self) -> None:
        """End everything; a directory that was not given is removed."""
        self._close_console()
        self.kill()
        if self._epmd is not None:
            self._epmd.end(signal.SIGKILL)
            self._epmd = None
        if self._guard is not None:
            self._guard.dismiss()
            shutil.rmtree(self.directory, ignore_errors=True)

    def _end(self, number: signal.Signals) -> None:
        if self._node is not None:
            self._node.end(number)
            self._node = None

    def _environment(self) -> dict[str, str]:
        here = self.directory
        return {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
            "LANG": "C.UTF-8",
            "HOME": str(here),
            "ERL_EPMD_PORT": str(self._epmd_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_CRASH_DUMP_SECONDS": "0",
            # Makes the start script become the node, so that signals reach the node itself.
            "RUNNING_UNDER_SYSTEMD": "true",
            "RABBITMQ_NODENAME": self.name,
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(self._dist_port),
            "RABBITMQ_CONF_ENV_FILE": str(here / "rabbitmq-env.conf"),
            "RABBITMQ_CONFIG_FILE": str(here / "rabbitmq.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(here / "advanced.config"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(here / "enabled_plugins"),
            "RABBITMQ_GENERATED_CONFIG_DIR": str(here / "generated"),
            "RABBITMQ_MNESIA_BASE": str(here / "data"),
            "RABBITMQ_LOG_BASE": str(here / "log"),
            "RABBITMQ_PID_FILE": str(here / "node.pid"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": (" ".join(("+S 1:1 +SDio 4 +A 4", *_LOOPBACK))),
        }

    def _write_configuration(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        (self.directory / "rabbitmq-env.conf").write_text("", encoding="utf-8")
        (self.directory / "enabled_plugins").write_text("[].\n", encoding="utf-8")
        (self.directory / "rabbitmq.conf").write_text(
            "".join(f"{name} = {value}\n" for name, value in self.settings.items()),
            encoding="utf-8",
        )
        cookie = self.directory / ".erlang.cookie"
        if not cookie.exists():
            cookie.write_text(self._cookie, encoding="utf-8")
            cookie.chmod(0o400)

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as link:
                link.sendall(_GREETING)
                return link.recv(1) == b"\x01"
        except OSError:
            return False

    def _open_console(self) -> subprocess.Popen[str]:
        script = _CONSOLE.replace("NODE", self.name).replace("\n", " ")
        self._console = subprocess.Popen(
            [self._erl, "-sname", f"console-{self.name}", *_QUIETLY, "-eval", script],
            env=self._environment(),
            cwd="/",
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        return self._console

    def _close_console(self) -> None:
        if self._console is not None:
            self._console.kill()  # it ends by itself too: its input closes with this process
            self._console.communicate()
            self._console = None


def _find(path: str, name: str, package: str) -> str:
    if os.access(path, os.X_OK):
        return path
    found = shutil.which(name)
    if found is None:
        raise ServerError(f"{name} is not installed (Debian package: {package})")
    return found


def _listens(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False
