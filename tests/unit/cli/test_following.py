"""`postern send --wait`: what counts as an end, and what is asked again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import aiohttp
import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from cli.event_files import EventFile, with_new_id
from cli.following import by_http, by_journal, follow
from core.configuration import Secret
from core.errors import JournalUnavailable
from core.journal.port import EventReport
from core.messages import JsonObject

LONG = timedelta(seconds=30)
SHORT = timedelta(milliseconds=50)


def record(*states: str, **more: Any) -> JsonObject:
    actions = [
        {"rule": "welcome", "step": f"sms.send{n or ''}", "state": state, **more}
        for n, state in enumerate(states)
    ]
    return {"ref": "ev_1", "state": "recorded", "actions": actions}


class Answers:
    """What looking finds, one after the other; the last one again and again."""

    def __init__(self, *found: JsonObject | None) -> None:
        self.found = list(found)

    async def __call__(self, ref: str) -> JsonObject | None:
        assert ref == "ev_1"
        return self.found.pop(0) if len(self.found) > 1 else self.found[0]


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cli.following.PAUSE", timedelta(milliseconds=1))


async def test_it_is_followed_until_every_action_has_ended() -> None:
    look = Answers(
        {"ref": "ev_1", "state": "accepted"},
        record("queued", "running"),
        record("done", "waiting"),
        record("done", "skipped"),
    )
    followed = await follow(look, "ev_1", within=LONG)
    assert followed.states == ("welcome, sms.send: done", "welcome, sms.send1: skipped")
    assert followed.problem == ""


async def test_an_event_that_no_rule_is_on_has_ended_once_it_is_recorded() -> None:
    followed = await follow(Answers(record()), "ev_1", within=LONG)
    assert (followed.states, followed.problem) == ((), "")


async def test_a_parked_action_is_a_problem_with_its_reason() -> None:
    look = Answers(record("done", "parked", reason="HTTP 400: no such phone"))
    followed = await follow(look, "ev_1", within=LONG)
    assert followed.problem == "welcome, sms.send1: HTTP 400: no such phone"


@pytest.mark.parametrize(
    ("found", "problem"),
    [
        (None, "nobody could tell"),
        ({"ref": "ev_1", "state": "accepted"}, "has not been recorded in time"),
        (record("done", "waiting"), "not all of its actions have ended in time"),
    ],
)
async def test_what_has_not_ended_in_time_is_told(found: JsonObject | None, problem: str) -> None:
    followed = await follow(Answers(found), "ev_1", within=SHORT)
    assert problem in followed.problem


async def test_what_was_seen_last_counts_while_nobody_answers() -> None:
    look = Answers(record("waiting"), None)
    followed = await follow(look, "ev_1", within=SHORT)
    assert followed.states == ("welcome, sms.send: waiting",)


class Gateway:
    """Answers the read API with these statuses in turn."""

    def __init__(self) -> None:
        self.statuses: list[int] = []
        self.keys: list[str | None] = []
        self.url = ""

    async def handle(self, request: web.Request) -> web.Response:
        self.keys.append(request.headers.get("Authorization"))
        status = self.statuses.pop(0)
        return web.json_response(record("done") if status == 200 else {}, status=status)


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    found = Gateway()
    app = web.Application()
    app.router.add_get("/v1/events/ev_1", found.handle)
    async with TestServer(app) as server:
        found.url = str(server.make_url("/v1/events"))
        yield found


async def test_a_gateway_that_cannot_tell_now_is_asked_again_with_the_key(gateway: Gateway) -> None:
    gateway.statuses = [503, 200]
    async with aiohttp.ClientSession() as session:
        look = by_http(session, gateway.url, Secret("a-key"))
        followed = await follow(look, "ev_1", within=LONG)
    assert followed.problem == ""
    assert gateway.keys == ["Bearer a-key"] * 2


async def test_a_gateway_that_is_away_is_no_answer() -> None:
    async with aiohttp.ClientSession() as session:
        look = by_http(session, "http://127.0.0.1:9/v1/events", Secret("a-key"))
        assert await look("ev_1") is None


class Journal:
    """Away at first, and then without the event."""

    def __init__(self) -> None:
        self.away = True

    async def event(self, ref: str) -> EventReport | None:
        if self.away:
            self.away = False
            raise JournalUnavailable("no connection")
        return None


async def test_a_journal_that_is_away_is_asked_again_and_may_not_know_yet() -> None:
    look = by_journal(Journal(), "shop")
    assert await look("ev_1") is None
    assert await look("ev_1") == {"ref": "ev_1", "state": "accepted", "source": "shop"}


def test_a_new_id_is_another_one_each_time_and_nothing_else_changes() -> None:
    event = EventFile(name="a.json", body=b'{"id":"o-1","type":"x","data":{"n":1}}', id="o-1")
    first, second = with_new_id(event), with_new_id(event)
    assert len({"o-1", first.id, second.id}) == 3
    assert orjson.loads(first.body) == {"id": first.id, "type": "x", "data": {"n": 1}}
    assert first.name == event.name
