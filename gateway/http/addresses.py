"""Whose address a request comes from, and whether that address has failed too often.

A request tells where it comes from by its connection; what a header says counts only as far as
proxies that are trusted said it. Without trusted proxies a private address is most likely a proxy
that nobody told us of, and stands for everybody behind it: then it is not held to account. What
must not go in: who may send.
"""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Callable, Sequence
from functools import lru_cache

from aiohttp import hdrs, web

from core.clock import Clock
from core.errors import TooManyRequests
from gateway.http.buckets import Buckets
from gateway.ingress_settings import IngressSettings, Network

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

MOST_ADDRESSES = 20_000
_MOST_HOPS = 20
_LONGEST_REMEMBERED = 64
"""Characters. A header may hold thousands, and whoever sends many of them would fill the memory."""

_PERIOD = 60.0
"""Seconds: so much of the rate may be used up at once."""


class Addresses:
    """Counts what failed to prove itself, by address."""

    def __init__(self, settings: Callable[[], IngressSettings], clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._failures = Buckets(most=MOST_ADDRESSES)

    def check(self, request: web.Request) -> None:
        """Raises TooManyRequests if this address has failed too often lately."""
        self.check_address(request.remote, request.headers.getall(hdrs.X_FORWARDED_FOR, []))

    def check_address(self, remote: str | None, forwarded: Sequence[str]) -> None:
        """The same, of a request by what it says of itself."""
        name, rate = self._name(remote, forwarded), self._settings().failures
        if name is None:
            return
        level = self._failures.level(name, rate=rate, now=self._clock.monotonic())
        most = max(1.0, rate * _PERIOD)
        if level > most - 1:
            raise TooManyRequests(
                "Too many requests of this address could not be authenticated.",
                code="too-many-failures",
                retry_after=math.ceil((level - most + 1) / rate),
            )

    def failed(self, request: web.Request) -> None:
        forwarded = request.headers.getall(hdrs.X_FORWARDED_FOR, [])
        name = self._name(request.remote, forwarded)
        if name is not None:
            rate = self._settings().failures
            self._failures.add(name, 1.0, rate=rate, now=self._clock.monotonic())

    def _name(self, remote: str | None, forwarded: Sequence[str]) -> Address | Network | None:
        """None: nobody can be told apart."""
        trusted = self._settings().trusted_proxies
        if not trusted:
            return _peer_name(remote or "")
        address = client_address(remote, forwarded, trusted)
        return None if address is None else _name_of(address)


@lru_cache(maxsize=4096)
def _peer_name(peer: str) -> Address | Network | None:
    """Asked with each request of a connection that stays."""
    address = _read(peer)
    return None if address is None or not address.is_global else _name_of(address)


def _name_of(address: Address) -> Address | Network:
    if isinstance(address, ipaddress.IPv6Address):
        # One customer of a provider has all of it.
        return ipaddress.ip_network((address, 64), strict=False)
    return address


def client_address(
    peer: str | None, forwarded: Sequence[str], trusted: Sequence[Network]
) -> Address | None:
    """The last address on the way that no trusted proxy vouches for."""
    address = _parse(peer or "")
    hops = [hop for line in forwarded for hop in line.split(",")][-_MOST_HOPS:]
    while address is not None and hops and any(address in network for network in trusted):
        said = _parse(hops.pop().strip())
        if said is None:
            break
        address = said
    return address


def _parse(text: str) -> Address | None:
    return _remembered(text) if len(text) <= _LONGEST_REMEMBERED else _read(text)


@lru_cache(maxsize=4096)
def _remembered(text: str) -> Address | None:
    """Asked with each request of a connection that stays."""
    return _read(text)


def _read(text: str) -> Address | None:
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address
