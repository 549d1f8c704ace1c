"""Every operation against a server that behaves as providers do on a bad day.

The call goes through the consumers' own seam over real HTTP, and what is recorded is looked at too:
what may have happened is never called again blindly.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry

from consumers.calls import Calls
from consumers.delivery import Held, settle
from consumers.http import ANSWER_LIMIT, Lease, open_client
from consumers.metrics import ConsumerMetrics
from core.clock import SystemClock
from core.configuration import SecretRef
from core.errors import MaybeSent, NotSent
from core.journal.port import Finish, Granted
from core.journal.states import State
from core.settings import parse_address
from core.web import listener
from tests.samples import NOON, an_action
from tests.unit.vendors.cases import IDENTITY, TOKEN, Case, cases
from vendors.gather import Item
from vendors.registry import VENDORS
from vendors.wire import Outcome, OutcomeKind

TIMEOUT = timedelta(seconds=5)
SHORT = timedelta(milliseconds=150)
Behave = Callable[[web.Request], web.StreamResponse]


def one_each() -> list[Case]:
    """The first case of every operation that travels over HTTP."""
    found: dict[tuple[str, str], Case] = {}
    for case in cases(SecretRef(env="POSTERN_TEST_TOKEN")):
        if getattr(case.provider, "transport", "http") == "http":
            found.setdefault((case.kind, case.operation.name), case)
    return list(found.values())


CASES = one_each()
every_operation = pytest.mark.parametrize(
    "case", CASES, ids=[f"{case.kind}-{case.operation.name}" for case in CASES]
)


@dataclass
class Provider:
    """The other end: `answer` makes what is answered, None never answers."""

    url: str = ""
    asked: list[str] = field(default_factory=list)
    answer: web.Response | None = None

    async def handle(self, request: web.Request) -> web.StreamResponse:
        await request.read()
        self.asked.append(request.path)
        if self.answer is None:
            await asyncio.sleep(60)
        assert self.answer is not None
        return self.answer


@pytest.fixture
async def provider(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Provider]:
    monkeypatch.setenv("POSTERN_TEST_TOKEN", TOKEN)
    monkeypatch.setenv("POSTERN_TEST_EMAIL", "john@example.com")
    monkeypatch.setenv("POSTERN_TEST_PASSWORD", "a-password-for-tests")
    async with serving() as it:
        yield it


@asynccontextmanager
async def serving() -> AsyncIterator[Provider]:
    it = Provider()
    app = web.Application(client_max_size=16 * 1024 * 1024)
    app.router.add_post("/{anything:.*}", it.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.01)
    async with listener(runner, parse_address("127.0.0.1:0"), "test") as bound:
        it.url = f"http://{bound}"
        yield it


async def outcome_of(case: Case, provider: Provider, within: timedelta = TIMEOUT) -> Outcome:
    clock = SystemClock()
    account = case.provider.model_copy(update={"timeout": within})
    async with open_client(provider.url, clock=clock, connections=2) as client:
        calls = Calls(
            name="it",
            provider=account,
            vendor=VENDORS[case.kind],
            caller=client,
            metrics=ConsumerMetrics(CollectorRegistry()),
            clock=clock,
        )
        if case.operation.uses_token and not account.has_token():
            pytest.fail("every case but those that log in has a token")
        lease = Lease(until=clock.monotonic() + 60)
        item = Item(params=case.prepared(), identity=IDENTITY)
        try:
            return (await calls.make(case.operation, item, lease)).outcome
        except NotSent as error:
            return Outcome(kind=OutcomeKind.TEMPORARY, reason=str(error))
        except MaybeSent as error:
            return Outcome(kind=OutcomeKind.UNKNOWN, reason=str(error))


def recorded(case: Case, outcome: Outcome) -> Finish:
    grant = Granted(seq=1, generation=0, attempts=0, unknown=False, called_at=None, now=NOON)
    held = Held(
        action=an_action(),
        grant=grant,
        operation=case.operation,
        provider=case.provider,
        refusal_pause=timedelta(minutes=1),
    )
    return settle(held, outcome, started_at=NOON, took=timedelta(seconds=1))


def check_unknown(case: Case, outcome: Outcome) -> None:
    """It may have happened: repeated where that is harmless or recognised, looked up, or parked."""
    assert outcome.kind is OutcomeKind.UNKNOWN, outcome
    finish = recorded(case, outcome)
    operation = case.operation
    if operation.repeatable or operation.lookup is not None or operation.window is not None:
        assert (finish.state, finish.unknown) == (State.WAITING, True)
    else:
        assert (finish.state, finish.unknown) == (State.PARKED, True)


def test_every_operation_of_every_vendor_is_here() -> None:
    known = {(kind, name) for kind, vendor in VENDORS.items() for name in vendor.operations}
    assert {(case.kind, case.operation.name) for case in CASES} == known


@every_operation
async def test_a_success_is_done_after_one_request(case: Case, provider: Provider) -> None:
    provider.answer = web.Response(body=case.success, content_type="application/json")
    outcome = await outcome_of(case, provider)
    assert recorded(case, outcome).state is State.DONE
    assert len(provider.asked) == 1


@every_operation
async def test_a_temporary_fault_is_tried_again_later(case: Case, provider: Provider) -> None:
    provider.answer = web.Response(status=503, headers={"Retry-After": "120"})
    finish = recorded(case, await outcome_of(case, provider))
    assert (finish.state, finish.charged, finish.unknown) == (State.WAITING, True, False)
    assert finish.due_in is not None
    assert finish.due_in >= timedelta(seconds=120)


@every_operation
async def test_a_permanent_refusal_waits_for_a_person(case: Case, provider: Provider) -> None:
    provider.answer = web.Response(status=400, text="no")
    assert recorded(case, await outcome_of(case, provider)).state is State.PARKED


@every_operation
async def test_a_timeout_leaves_the_outcome_unknown(case: Case, provider: Provider) -> None:
    check_unknown(case, await outcome_of(case, provider, SHORT))
    assert len(provider.asked) == 1, "never repeated by the client itself"


@every_operation
async def test_a_refused_token_costs_the_action_nothing(case: Case, provider: Provider) -> None:
    provider.answer = web.Response(status=401)
    outcome = await outcome_of(case, provider)
    finish = recorded(case, outcome)
    assert outcome.kind is OutcomeKind.UNAUTHORIZED
    assert (finish.state, finish.charged) == (State.WAITING, False)


@every_operation
async def test_an_oversized_answer_is_cut_off_and_unknown(case: Case, provider: Provider) -> None:
    """The start of it may look like a success."""
    body = case.success[:-1] + b" " * (ANSWER_LIMIT + 1) + case.success[-1:]
    provider.answer = web.Response(body=body, content_type="application/json")
    check_unknown(case, await outcome_of(case, provider))


@every_operation
async def test_a_page_behind_a_success_is_no_answer(case: Case, provider: Provider) -> None:
    provider.answer = web.Response(text="<html><h1>Welcome</h1></html>", content_type="text/html")
    check_unknown(case, await outcome_of(case, provider))


@every_operation
async def test_a_redirect_is_refused_and_nobody_else_is_asked(
    case: Case, provider: Provider
) -> None:
    """The token must not travel to another address."""
    async with serving() as elsewhere:
        elsewhere.answer = web.Response(body=case.success, content_type="application/json")
        provider.answer = web.Response(status=307, headers={"Location": f"{elsewhere.url}/x"})
        finish = recorded(case, await outcome_of(case, provider))
        assert finish.state is State.PARKED
        assert elsewhere.asked == []
