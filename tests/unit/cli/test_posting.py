"""The retrying client: what it sends again, what it takes for an answer, how it signs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from standardwebhooks import Webhook

from cli.event_files import EventFile
from cli.posting import Posted, bearer, post, standard_webhooks
from core.clock import ManualClock, SystemClock
from core.configuration import Secret
from core.errors import ConfigurationError

EVENT = EventFile(name="a.json", body=b'{"id":"o-1","type":"x"}', id="o-1")
AT_ONCE = (timedelta(0), timedelta(0))


class Gateway:
    """Answers with the given statuses in turn, and keeps what it was sent."""

    def __init__(self) -> None:
        self.statuses: list[int] = []
        self.requests: list[tuple[dict[str, str], bytes]] = []
        self.url = ""

    async def handle(self, request: web.Request) -> web.Response:
        self.requests.append((dict(request.headers), await request.read()))
        status = self.statuses.pop(0)
        if status == 0:
            assert request.transport is not None
            request.transport.abort()
            status = 200
        if status < 300:
            return web.json_response({"ref": "ev_1"}, status=status)
        return web.json_response(
            {"code": "invalid-event", "detail": "type: required"}, status=status
        )


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    found = Gateway()
    app = web.Application()
    app.router.add_post("/v1/events", found.handle)
    async with TestServer(app) as server:
        found.url = str(server.make_url("/v1/events"))
        yield found


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as found:
        yield found


async def test_an_accepted_event_brings_its_reference(
    gateway: Gateway, session: aiohttp.ClientSession
) -> None:
    gateway.statuses = [202]
    result = await post(session, gateway.url, EVENT, bearer(Secret("k")), pauses=AT_ONCE)
    assert (result.posted, result.ref) == (Posted.ACCEPTED, "ev_1")
    headers, body = gateway.requests[0]
    assert headers["Authorization"] == "Bearer k"
    assert body == EVENT.body


@pytest.mark.parametrize("trouble", [[503], [500, 502], [429], [408], [0]])
async def test_what_may_pass_is_sent_again(
    gateway: Gateway, session: aiohttp.ClientSession, trouble: list[int]
) -> None:
    """A 5xx, too many requests, a slow body or a dropped connection says nothing about the
    event."""
    gateway.statuses = [*trouble, 202]
    result = await post(session, gateway.url, EVENT, bearer(Secret("k")), pauses=AT_ONCE)
    assert result.posted is Posted.ACCEPTED
    assert len(gateway.requests) == len(trouble) + 1


@pytest.mark.parametrize("status", [301, 400, 401, 413, 422])
async def test_a_refusal_is_not_sent_again_and_is_told(
    gateway: Gateway, session: aiohttp.ClientSession, status: int
) -> None:
    gateway.statuses = [status]
    result = await post(session, gateway.url, EVENT, bearer(Secret("k")), pauses=AT_ONCE)
    assert result.posted is Posted.REFUSED
    assert result.reason == f"HTTP {status} invalid-event: type: required"


async def test_it_gives_up_after_the_last_pause(
    gateway: Gateway, session: aiohttp.ClientSession
) -> None:
    gateway.statuses = [503, 503, 503]
    result = await post(session, gateway.url, EVENT, bearer(Secret("k")), pauses=AT_ONCE)
    assert result.posted is Posted.GIVEN_UP
    assert len(gateway.requests) == 3


async def test_a_signature_is_one_that_the_reference_library_accepts(
    gateway: Gateway, session: aiohttp.ClientSession
) -> None:
    """Checked by the Standard Webhooks project's own verifier, with the event's id as
    webhook-id."""
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    gateway.statuses = [202]
    await post(session, gateway.url, EVENT, standard_webhooks(Secret(secret), SystemClock()))
    headers, body = gateway.requests[0]
    Webhook(secret).verify(body, {name.lower(): value for name, value in headers.items()})
    assert {name.lower(): value for name, value in headers.items()}["webhook-id"] == "o-1"


def test_an_event_without_an_id_is_signed_under_the_same_id_each_time() -> None:
    """Sending a file twice must stay recognisable."""
    sign = standard_webhooks(Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), ManualClock())
    event = EventFile(name="a", body=b"{}", id=None)
    assert sign(event)["webhook-id"] == sign(event)["webhook-id"]


def test_a_secret_that_is_no_base64_is_a_configuration_error() -> None:
    with pytest.raises(ConfigurationError, match="whsec_"):
        standard_webhooks(Secret("not base64!"), ManualClock())
