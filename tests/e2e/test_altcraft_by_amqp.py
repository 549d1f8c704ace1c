"""The same calls through the platform's own RabbitMQ as over HTTP, with the same outcomes.

The broker is real; at its other end the simulator takes `api_req` and `database_import`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import aio_pika
import aiohttp
import pytest

from consumers.amqp import AmqpClient, open_amqp_client
from consumers.http import Lease, ProviderClient, open_client
from core.clock import SystemClock
from core.configuration import SecretRef
from core.errors import CallDropped, MaybeSent, NotSent
from sandbox.app import serve_sandbox
from tests.e2e.whole import KEYS, every, whole
from vendors.altcraft import ALTCRAFT
from vendors.altcraft.provider import AltcraftProvider
from vendors.operation import Operation
from vendors.wire import Answer, Identity, Outcome, OutcomeKind, Params, Request

SECOND = timedelta(seconds=1)
ADA = {"email": "ada@example.com"}
SUBSCRIPTION = {"profile_id": "p-1", "channel": "email", **ADA}
ONES: list[tuple[str, Params]] = [
    ("subscriptions/set", {**SUBSCRIPTION, "status": "subscribed"}),
    ("profiles/import", {**ADA, "data": {"_fname": "Ada"}}),
    ("vsenders/clone", {"id": 14, "name": "A clone"}),
    ("goals/register", {"pixel_id": 3, "goal": "bought", **ADA}),
    (
        "market/orders/import",
        {"data": [{"external_id": "o-1", **ADA, "status": "new", "total_price": "10.00"}]},
    ),
]
EFFECTS = [name for name, _ in ONES]


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch, broker_url: str) -> None:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("ALTCRAFT_AMQP", broker_url)


@dataclass(frozen=True, kw_only=True)
class Ends:
    """The same platform at the end of two ways."""

    http: ProviderClient
    amqp: AmqpClient
    other: AmqpClient
    sandbox: str
    session: aiohttp.ClientSession

    async def fault(self, call: str, kind: str, **order: Any) -> None:
        body = {"call": call, "fault": kind, **order}
        async with self.session.post(f"{self.sandbox}/_sandbox/faults", json=body) as answer:
            assert answer.status == 201

    async def effects(self) -> list[str]:
        async with self.session.get(f"{self.sandbox}/_sandbox/effects") as answer:
            return [effect["call"] for effect in (await answer.json())["effects"]]


@asynccontextmanager
async def ends(broker_url: str) -> AsyncIterator[Ends]:
    clock = SystemClock()
    async with AsyncExitStack() as opened:
        sandbox = await opened.enter_async_context(serve_sandbox("127.0.0.1:0", amqp=broker_url))
        yield Ends(
            http=await opened.enter_async_context(
                open_client(f"{sandbox}/altcraft", clock=clock, connections=4)
            ),
            amqp=await opened.enter_async_context(open_amqp_client(broker_url, clock=clock)),
            other=await opened.enter_async_context(open_amqp_client(broker_url, clock=clock)),
            sandbox=sandbox,
            session=await opened.enter_async_context(aiohttp.ClientSession()),
        )


def provider(transport: str, **settings: Any) -> AltcraftProvider:
    amqp = {"amqp": SecretRef(env="ALTCRAFT_AMQP")} if transport == "amqp" else {}
    return AltcraftProvider.model_validate(
        {
            "url": "https://example.com",
            "token": SecretRef(env="TOKEN"),
            "db_id": 1,
            "resource_id": 1,
            "account_id": 306,
            "transport": transport,
            **amqp,
            **settings,
        }
    )


def asked(name: str, params: Params, account: AltcraftProvider, number: int = 1) -> Asked:
    operation = ALTCRAFT.operations[name]
    identity = Identity(request_id=f"r-{number}", tag=number, called_at=SystemClock().now())
    prepared = operation.prepare(params, account)
    return Asked(operation, prepared, account, operation.request(prepared, identity, account))


@dataclass(frozen=True)
class Asked:
    operation: Operation
    params: Params
    account: AltcraftProvider
    request: Request

    def read(self, answer: Answer) -> Outcome:
        return self.operation.read(answer, self.params, self.account)


async def call(way: AmqpClient | ProviderClient, it: Asked, within: timedelta = SECOND) -> Outcome:
    lease = Lease(until=SystemClock().monotonic() + 60)
    return it.read(await way.call(it.request, within=within, lease=lease))


@pytest.mark.parametrize(("name", "params"), ONES, ids=[name for name, _ in ONES])
async def test_a_call_comes_to_the_same_by_amqp_as_over_http(
    broker_url: str, name: str, params: Params
) -> None:
    async with ends(broker_url) as both:
        if name == "goals/register":
            await call(both.http, asked(*ONES[1], provider("http"), 3))
        before = await both.effects()
        by_http = await call(both.http, asked(name, params, provider("http"), 1))
        params = {**params, "name": "Another"} if name == "vsenders/clone" else params
        by_amqp = await call(both.amqp, asked(name, params, provider("amqp"), 2))
        assert by_amqp.kind is by_http.kind is OutcomeKind.DONE
        assert bool(by_amqp.reference) == bool(by_http.reference)
        assert await both.effects() == [*before, name, name]


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ({"kind": "error-body", "status": 400}, OutcomeKind.REFUSED),
        ({"kind": "error-body", "status": 401}, OutcomeKind.UNAUTHORIZED),
        ({"kind": "error-body", "status": 403}, OutcomeKind.FORBIDDEN),
        ({"kind": "error-body", "status": 500}, OutcomeKind.TEMPORARY),
    ],
)
async def test_an_error_comes_to_the_same_by_amqp_as_over_http(
    broker_url: str, fault: dict[str, Any], kind: OutcomeKind
) -> None:
    name, params = ONES[0]
    async with ends(broker_url) as both:
        await both.fault(name, fault["kind"], status=fault["status"], times=2)
        by_http = await call(both.http, asked(name, params, provider("http"), 1))
        by_amqp = await call(both.amqp, asked(name, params, provider("amqp"), 2))
        assert by_amqp.kind is by_http.kind is kind


async def test_an_answer_that_never_comes_leaves_the_outcome_unknown(broker_url: str) -> None:
    name, params = ONES[0]
    async with ends(broker_url) as both:
        await both.fault(name, "drop-after-effect", times=1)
        with pytest.raises(MaybeSent, match="timeout"):
            await call(both.amqp, asked(name, params, provider("amqp")), 0.5 * SECOND)
        assert await both.effects() == [name]


async def test_answers_find_the_process_that_waits_for_them(broker_url: str) -> None:
    """All processes take answers from one queue, so half of them come to the wrong one first."""
    name, params = ONES[0]
    async with ends(broker_url) as both:
        account = provider("amqp")
        outcomes = await asyncio.gather(
            *(
                call(way, asked(name, params, account, number), 5 * SECOND)
                for number, way in enumerate([both.amqp, both.other] * 50)
            )
        )
        assert {outcome.kind for outcome in outcomes} == {OutcomeKind.DONE}
        assert len(await both.effects()) == 100


async def test_a_broker_without_the_queues_is_told_before_anything_is_sent(broker_url: str) -> None:
    async with open_amqp_client(broker_url, clock=SystemClock()) as client:
        with pytest.raises(NotSent, match="api_resp"):
            await call(client, asked(*ONES[0], provider("amqp")))


async def test_a_broker_that_is_away_is_told_as_not_sent() -> None:
    async with open_amqp_client("amqp://127.0.0.1:1/", clock=SystemClock()) as client:
        with pytest.raises(NotSent):
            await call(client, asked(*ONES[0], provider("amqp")))


async def test_a_lease_that_no_longer_covers_the_call_drops_it(broker_url: str) -> None:
    async with ends(broker_url) as both:
        it = asked(*ONES[0], provider("amqp"))
        short = Lease(until=SystemClock().monotonic() + 0.5)
        with pytest.raises(CallDropped):
            await both.amqp.call(it.request, within=SECOND, lease=short)
        assert await both.effects() == []


async def test_a_lost_connection_is_noticed_and_made_anew(broker_url: str) -> None:
    name, params = ONES[0]
    async with ends(broker_url) as both:
        await both.fault(name, "hang", times=1, delay=30)
        waiting = asyncio.create_task(
            call(both.amqp, asked(name, params, provider("amqp"), 1), 20 * SECOND)
        )
        await asyncio.sleep(0.5)
        assert both.amqp._session is not None
        await both.amqp._session.connection.close()
        with pytest.raises(MaybeSent, match="lost"):
            await waiting
        again = await call(both.amqp, asked(name, params, provider("amqp"), 2), 5 * SECOND)
        assert again.kind is OutcomeKind.DONE


async def test_the_call_after_a_closed_channel_hears_its_answer(broker_url: str) -> None:
    """The connection lives on: sent over it with nobody listening, the call would be done and its
    outcome unknown."""
    name, params = ONES[0]
    async with ends(broker_url) as both:
        await call(both.amqp, asked(name, params, provider("amqp"), 1), 5 * SECOND)
        assert both.amqp._session is not None
        await both.amqp._session.answers.close()
        again = await call(both.amqp, asked(name, params, provider("amqp"), 2), 5 * SECOND)
        assert again.kind is OutcomeKind.DONE


CONFIG = """
sources:
  shop: {verify: {scheme: bearer, secrets: [{env: SHOP_KEY}]}, events: ["all.*"]}
providers:
  altcraft:
    kind: altcraft
    url: https://example.com
    token: {env: TOKEN}
    transport: amqp
    amqp: {env: ALTCRAFT_AMQP}
    imports: queue
    account_id: 306
    db_id: 1
    resource_id: 1
    timeout: 2s
    retry: [200ms, 200ms, 200ms]
    reconcile_lag: 200ms
rules:
  - id: everything
    on: all.five
    do:
      - call: altcraft.subscriptions/set
        with: {profile_id: p-1, channel: email, email: ada@example.com, status: subscribed}
      - call: altcraft.profiles/import
        with: {email: bob@example.com, data: {_fname: "${data.name}"}}
      - call: altcraft.vsenders/clone
        with: {id: 14, name: "Shop {{ data.name }}"}
      - call: altcraft.goals/register
        with: {pixel_id: 3, goal: bought, email: bob@example.com}
      - call: altcraft.market/orders/import
        with:
          data: [{external_id: "${data.name}", email: bob@example.com, status: new}]
"""


async def test_five_operations_go_from_an_event_through_the_platforms_broker(
    tmp_path: Path, broker_url: str
) -> None:
    """The import through `database_import`, the rest through `api_req`; an answer of each of two is
    lost."""
    async with whole(tmp_path, CONFIG, amqp=broker_url) as postern:
        ready = {"token": "t", "db_id": 1, "email": "bob@example.com", "data": {}}
        await postern.ask("POST", "/altcraft/api/v1.1/profiles/import", ready)
        await postern.fault("vsenders/clone", "drop-after-effect", times=1)
        await postern.fault("profiles/import", "drop-after-effect", times=1)
        (receipt,) = await postern.post({"id": "a-1", "type": "all.five", "data": {"name": "X"}})
        await postern.record(receipt["ref"], every(state="done"))
        found = await postern.ask("GET", "/_sandbox/effects")
        calls = [effect["call"] for effect in found["effects"]]
        assert set(calls) == set(EFFECTS)
        assert calls.count("vsenders/clone") == 1, "looked up by its name, through the broker too"


async def test_a_broker_is_not_asked_for_where_calls_go_over_http(broker_url: str) -> None:
    connection = await aio_pika.connect(broker_url)
    async with connection:
        assert provider("http").own_broker() is None
        assert provider("amqp").own_broker() == broker_url
