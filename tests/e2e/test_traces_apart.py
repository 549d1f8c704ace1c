"""One trace through processes apart: the sender's, a gateway, RabbitMQ, two consumers, PostgreSQL,
and the providers, who are told nothing of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from multidict import CIMultiDictProxy

from tests.load import order
from tests.servers.collector import Collector, Seen, collecting, variables
from tests.stack import Stack, fast

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"


class Between:
    """Hands calls on to the sandbox, and keeps their headers."""

    def __init__(self) -> None:
        self.url = ""
        self.sandbox = ""
        self.headers: list[CIMultiDictProxy[str]] = []

    async def hand_on(self, request: web.Request) -> web.Response:
        self.headers.append(request.headers)
        kept = {
            name: value
            for name, value in request.headers.items()
            if name.lower() not in {"host", "content-length"}
        }
        async with (
            aiohttp.ClientSession(auto_decompress=False) as http,
            http.request(
                request.method,
                self.sandbox + request.path_qs,
                data=await request.read(),
                headers=kept,
            ) as answer,
        ):
            return web.Response(
                status=answer.status,
                body=await answer.read(),
                headers={"Content-Type": answer.headers.get("Content-Type", "")},
            )


@asynccontextmanager
async def between() -> AsyncIterator[Between]:
    relay = Between()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", relay.hand_on)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        relay.url = f"http://{host}:{port}"
        yield relay
    finally:
        await runner.cleanup()


class TracedStack(Stack):
    """Its calls go by way of `relay`, its spans to `collector`."""

    def __init__(self, folder: Path, relay: Between, collector: Collector) -> None:
        super().__init__(
            folder, configuration=lambda text: fast(text).replace(self.sandbox, relay.url)
        )
        relay.sandbox = self.sandbox
        self._traces = variables(collector.url, OTEL_RESOURCE_ATTRIBUTES="deployment=of-tests")

    def environment_of(self, part: str) -> dict[str, str]:
        return self.environment | (self._traces if part != "sandbox" else {})


async def post(stack: Stack, event: dict[str, Any]) -> dict[str, Any]:
    headers = {
        "Authorization": f"Bearer {stack.key}",
        "traceparent": f"00-{TRACE}-{PARENT}-01",
        "tracestate": "shop=1",
    }
    async with (
        aiohttp.ClientSession() as http,
        http.post(f"{stack.events}/v1/events", json=event, headers=headers) as answer,
    ):
        receipt: dict[str, Any] = await answer.json()
        assert answer.status == 202, receipt
        return receipt


async def order_fault(stack: Stack, **fault: Any) -> None:
    async with (
        aiohttp.ClientSession() as http,
        http.post(f"{stack.sandbox}/_sandbox/faults", json=fault) as answer,
    ):
        assert answer.status == 201


@pytest.mark.timeout(240)
async def test_one_trace_leads_from_the_sender_through_rabbitmq_to_the_calls_and_their_retry(
    tmp_path: Path,
) -> None:
    async with collecting() as collector, between() as relay:
        stack = TracedStack(tmp_path, relay, collector)
        try:
            await asyncio.to_thread(stack.start_all)
            await order_fault(stack, call="subscriptions/set", fault="status", status=503, times=1)
            receipt = await post(stack, order(1))
            await collector.until(lambda _: len(collector.of("consumer", state="done")) == 2)
            await collector.until(lambda _: len(collector.of("client")) == 3)
        finally:
            await asyncio.to_thread(stack.close)
    assert {seen.trace for seen in collector.spans} == {TRACE}
    assert chains(collector.spans) == {
        ("POST /v1/events", "send postern.actions", "process postern.sms.normal", "sms.send"),
        (
            "POST /v1/events",
            "send postern.actions",
            "process postern.altcraft.normal",
            "altcraft.subscriptions/set",
        ),
        (
            "POST /v1/events",
            "send postern.actions",
            "send postern.altcraft.normal",
            "process postern.altcraft.normal",
            "altcraft.subscriptions/set",
        ),
    }
    (server,) = collector.of("server")
    assert (server.parent, server.service) == (PARENT, "postern-gateway")
    assert {seen.service for seen in collector.of("consumer")} == {"postern-consumers"}
    systems = {seen.attributes["messaging.system"] for seen in collector.of("consumer")}
    assert systems == {"rabbitmq"}
    tries = collector.of("client", provider="altcraft")
    assert [seen.attributes["postern.attempt"] for seen in tries] == [1, 2]
    assert [seen.attributes["http.response.status_code"] for seen in tries] == [503, 200]
    planned = {action["id"] for action in receipt["actions"]}
    assert {seen.attributes["postern.action"] for seen in collector.of("consumer")} == planned

    assert len(relay.headers) >= 3
    for headers in relay.headers:
        assert not {"traceparent", "tracestate", "baggage"} & {name.lower() for name in headers}
    told = collector.everything
    customer = order(1)["data"]["customer"]
    for personal in (customer["id"], customer["email"], customer["phone"][1:], "load-1"):
        assert personal.encode() not in told
    for secret in stack.secrets.values():
        assert secret.encode() not in told


def chains(spans: list[Seen]) -> set[tuple[str, ...]]:
    """The names from the first span down to each that has no children."""
    known = {seen.id: seen for seen in spans}
    parents = {seen.parent for seen in spans}
    found = set()
    for leaf in (seen for seen in spans if seen.id not in parents):
        names, at = [leaf.name], leaf
        while at.parent in known:
            at = known[at.parent]
            names.append(at.name)
        found.add(tuple(reversed(names)))
    return found
