"""What an AMQP URL says: where to, as whom, and by which certificates.

The same names as aio-pika reads (`cafile`, `capath`, `cadata`, `certfile`, `keyfile`,
`no_verify_ssl`, `auth`), since consuming goes by the same URL. What must not go in: connecting.
"""

from __future__ import annotations

import ssl
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field

from yarl import URL

MECHANISMS = ("PLAIN", "EXTERNAL")
_LONGEST_VHOST = 255
_PORTS = {"amqp": 5672, "amqps": 5671}


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    host: str
    port: int
    vhost: str
    user: str = field(repr=False)
    password: str = field(repr=False)
    mechanism: str
    """As the URL has it. `PLAIN`, or `EXTERNAL`: the certificate says who we are."""
    certificates: Certificates | None
    """None: not by TLS."""

    @property
    def response(self) -> str:
        """What SASL sends. PLAIN: RFC 4616."""
        return "" if self.mechanism == "EXTERNAL" else f"\0{self.user}\0{self.password}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificates:
    """Paths of ours and of those whom we trust; `trusted` in PEM or DER."""

    cafile: str | None
    capath: str | None
    trusted: bytes | str | None
    certfile: str | None
    keyfile: str | None
    verify: bool

    def context(self) -> ssl.SSLContext:
        """Reads files, anew each time: a certificate is renewed under the same name. Raises
        OSError, ssl.SSLError."""
        context = ssl.create_default_context(
            cafile=self.cafile, capath=self.capath, cadata=self.trusted
        )
        if self.certfile:
            context.load_cert_chain(self.certfile, self.keyfile)
        if not self.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


def read_address(url: str) -> Address:
    """Raises ValueError for what cannot be one."""
    parsed = URL(url)
    query = parsed.query
    # The standard's "/" is told by no path at all, by a slash, or by %2F.
    path = parsed.raw_path[1:]
    vhost = URL(f"/{path}", encoded=True).path[1:].replace("%2F", "/") or "/"
    if len(vhost.encode("utf-8", "surrogatepass")) > _LONGEST_VHOST:
        raise ValueError("the virtual host's name is too long")
    return Address(
        host=parsed.host or "localhost",
        port=parsed.port or _PORTS[parsed.scheme],
        vhost=vhost,
        user=parsed.user or "guest",
        password=parsed.password or "guest",
        mechanism=query.get("auth", "plain").upper(),
        certificates=_certificates(query) if parsed.scheme == "amqps" else None,
    )


def _certificates(query: Mapping[str, str]) -> Certificates:
    trusted = query.get("cadata")
    return Certificates(
        cafile=query.get("cafile"),
        capath=query.get("capath"),
        trusted=_trusted(b64decode(trusted)) if trusted else None,
        certfile=query.get("certfile"),
        keyfile=query.get("keyfile"),
        verify=query.get("no_verify_ssl", "0") == "0",
    )


def _trusted(given: bytes) -> bytes | str:
    """`ssl` tells PEM from DER by the type."""
    return given.decode("ascii") if given.startswith(b"-----") else given
