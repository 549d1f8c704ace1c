"""Asking the process beside this command, on its second port, as a container's own checks do.

Only the one variable is read: a health check must not fail because a new configuration is wrong,
while the process goes on with the old one. What must not go in: what to make of an answer.
"""

from __future__ import annotations

import http.client
import os
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta

from core.errors import ConfigurationError
from core.settings import Address, admin_address

_LOOPBACK = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - told apart, not bound


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    status: int
    body: str


def asked() -> Address:
    """Where that process answers; on loopback, if it listens on every interface."""
    given = admin_address(os.environ)
    if given.port == 0:
        raise ConfigurationError(
            "port 0 is any port: nobody can say which the process has", field="POSTERN_ADMIN"
        )
    return Address(host=_LOOPBACK.get(given.host, given.host), port=given.port)


def ask(address: Address, path: str, *, within: timedelta) -> Answer:
    """One request, past any proxy of the environment. Raises OSError if there is no answer in time:
    ConnectionRefusedError if nobody listens."""
    limit = within.total_seconds()
    with closing(http.client.HTTPConnection(address.host, address.port, timeout=limit)) as way:
        try:
            way.request("GET", path, headers={"Connection": "close"})
            answer = way.getresponse()
            return Answer(status=answer.status, body=answer.read().decode("utf-8", "replace"))
        except http.client.HTTPException as error:
            raise OSError(f"no HTTP answer ({type(error).__name__})") from error
