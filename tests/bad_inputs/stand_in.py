"""A provider that answers by the first part of the path, as it is told, and remembers its calls."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs

Said = Callable[[BaseHTTPRequestHandler], None]


@dataclass(frozen=True, kw_only=True)
class Call:
    path: str
    fields: Mapping[str, str]


@dataclass
class StandIn:
    url: str
    calls: list[Call] = field(default_factory=list)

    def texts(self, number: str | None = None) -> list[str]:
        """The bodies of the texts that were to be sent, to this number."""
        return [
            call.fields["body"]
            for call in self.calls
            if call.path.endswith("/addsms") and number in (None, call.fields["sendto"])
        ]


def says(
    body: bytes = b"", *, status: int = 200, length: int | None = None, **headers: str
) -> Said:
    """An answer; `length`: another than its own. Names of headers with _ for -."""

    def say(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(body) if length is None else length))
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return say


TAKEN = says(b'{"error": 0, "sms_id": 4711}')


@contextmanager
def standing_in(answers: Mapping[str, Said] | None = None) -> Iterator[StandIn]:
    """On loopback. What has no answer of its own is taken."""
    known = answers or {}

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            fields = {name: values[0] for name, values in parse_qs(body.decode()).items()}
            it.calls.append(Call(path=self.path, fields=fields))
            known.get(self.path.split("/")[1], TAKEN)(self)

        def log_message(self, *_: object) -> None:
            """Not to the tests' output."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        it = StandIn(url=f"http://127.0.0.1:{server.server_address[1]}")
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield it
        finally:
            server.shutdown()
            thread.join()
