"""What systems ask before they send: the `OPTIONS` handshake of CloudEvents, and the challenge of
Adobe I/O.

Source: "HTTP 1.1 Web Hooks for Event Delivery", version 1.0.2, section 4 (abuse protection). The
callback that a sender may offer is not used: a gateway calls nobody. What must not go in: taking
events.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from aiohttp import web

from core.errors import MalformedRequest, MethodNotAllowed, NotAllowed
from core.web import answer_json
from gateway.events.headers import Headers
from gateway.http.middleware import SOURCE
from gateway.http.services import SERVICES
from gateway.sources.names import Scheme

_ALLOWED = ("POST",)
_CHALLENGE = re.compile(r"[A-Za-z0-9_.~-]{1,200}")


async def options_events(request: web.Request) -> web.Response:
    """Whether any source with a bearer key takes CloudEvents of this origin."""
    sources = [each for each in request.app[SERVICES].running.current.sources if each.bearer]
    origins = [origin for source in sources for origin in source.origins]
    return _agree(request, origins, rate=None)


async def options_hook(request: web.Request) -> web.Response:
    source = request.app[SERVICES].running.current.sources.by_name(request.match_info["source"])
    request[SOURCE] = source.name
    return _agree(request, source.origins, rate=source.rate)


async def get_challenge(request: web.Request) -> web.Response:
    """Adobe I/O registers an address by having a word of its own said back."""
    source = request.app[SERVICES].running.current.sources.by_name(request.match_info["source"])
    request[SOURCE] = source.name
    if source.scheme is not Scheme.ADOBE_IO:
        raise MethodNotAllowed(_ALLOWED)
    challenges = request.query.getall("challenge", [])
    if len(challenges) != 1 or not _CHALLENGE.fullmatch(challenges[0]):
        raise MalformedRequest("Expected one challenge of letters, digits and - _ . ~ only.")
    return answer_json({"challenge": challenges[0]})


def _agree(request: web.Request, origins: Iterable[str], *, rate: float | None) -> web.Response:
    """Raises MethodNotAllowed where no origin may ask, NotAllowed for another one."""
    origins = tuple(origins)
    if not origins:
        raise MethodNotAllowed(_ALLOWED)
    headers = Headers(request.headers)
    asked = (headers.one("webhook-request-origin") or "").lower()
    if not asked:
        raise MalformedRequest("The header webhook-request-origin is required.")
    # What is answered is what the configuration says, never what was sent.
    agreed = next((origin for origin in origins if origin in {asked, "*"}), None)
    if agreed is None:
        raise NotAllowed("Events of this origin are not taken.", code="origin-not-allowed")
    answer = {"Allow": ", ".join(_ALLOWED), "WebHook-Allowed-Origin": agreed}
    if headers.one("webhook-request-rate") is not None:
        answer["WebHook-Allowed-Rate"] = "*" if rate is None else str(max(1, int(rate * 60)))
    return web.Response(status=200, headers=answer)
