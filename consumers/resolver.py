"""Names resolve to public addresses only, unless the configuration allows the host.

The configuration refuses private addresses as it is read; this closes the way round through a name
that resolves to one. The address that was looked at is the one that is connected to.
"""

from __future__ import annotations

import ipaddress
import socket

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import DefaultResolver


class GuardedResolver(AbstractResolver):
    """Raises OSError where every address of a host is private and the host is not allowed."""

    def __init__(self, allow_hosts: frozenset[str]) -> None:
        self._inner = DefaultResolver()
        self._allowed = allow_hosts | {"localhost"}

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._inner.resolve(host, port, family)
        if host in self._allowed:
            return found
        public = [result for result in found if _is_public(result["host"])]
        if not public:
            raise OSError(None, "the host resolves to private addresses only")
        return public

    async def close(self) -> None:
        await self._inner.close()


def _is_public(text: str) -> bool:
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return address.is_global and not address.is_multicast
