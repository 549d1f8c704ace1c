"""The same hands over HTTP: who may use them, and what they do to a whole Postern."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from core.identity import action_id
from core.journal.operator import Selection
from core.journal.states import State
from core.messages import EventRecord
from gateway.settings import Limits
from tests.e2e.serving import KEYS as SERVING_KEYS
from tests.e2e.serving import ORDER, serving
from tests.e2e.test_hands import CONFIG, MENDED, an_order
from tests.e2e.whole import KEYS, Whole, every, whole
from tests.samples import an_action, an_event

ADA = "operator-key-of-ada-0123456789"
BOB = "operator-key-of-bob-9876543210"
ROUTES = (
    ("GET", "status"),
    ("GET", "audit"),
    ("GET", "actions"),
    ("POST", "pause"),
    ("POST", "resume"),
    ("POST", "cancel"),
    ("POST", "replay"),
)


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
async def postern(tmp_path: Path, keys: None) -> AsyncIterator[Whole]:
    async with whole(tmp_path, CONFIG, operators=f"ada:{ADA},bob:{BOB}") as it:
        yield it


async def ask(
    postern: Whole, method: str, path: str, *, key: str | None = ADA, **options: Any
) -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {key}"} if key is not None else {}
    url = f"{postern.url}/v1/operator/{path}"
    async with postern.http.request(method, url, headers=headers, **options) as answer:
        return answer.status, await answer.json(content_type=None)


async def do(postern: Whole, path: str, **body: Any) -> Any:
    status, answer = await ask(postern, "POST", path, json=body)
    assert status == 200, answer
    return answer


async def texts(postern: Whole) -> Counter[str]:
    return Counter(effect["params"]["body"] for effect in await postern.effects("addsms"))


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_without_an_operators_key_there_is_one_401(
    postern: Whole, method: str, path: str
) -> None:
    """A source's key is none, and a broken body is not looked at."""
    told = set()
    for key in (None, "", KEYS["SHOP_KEY"], ADA + "x", ADA[:-1]):
        status, problem = await ask(postern, method, path, key=key, data=b"{")
        assert status == 401
        told.add((problem["code"], problem["detail"]))
    assert told == {("unauthenticated", "The request could not be authenticated.")}


async def test_where_there_are_no_operators_there_is_nothing(tmp_path: Path) -> None:
    async with whole(tmp_path, CONFIG) as postern:
        for method, path in ROUTES:
            for verb in (method, "DELETE"):
                status, problem = await ask(postern, verb, path)
                assert (status, problem["code"]) == (404, "not-found")


async def test_an_operators_key_sends_no_events(postern: Whole) -> None:
    async with postern.http.post(
        f"{postern.url}/v1/events", json=an_order(1), headers={"Authorization": f"Bearer {ADA}"}
    ) as answer:
        assert answer.status == 401


async def test_a_paused_rule_holds_back_is_cancelled_and_goes_on(postern: Whole) -> None:
    await do(postern, "pause", kind="rule", name="placed")
    paused = time.monotonic()
    held = False
    while not held:
        number = round(1000 * (time.monotonic() - paused))
        (receipt,) = await postern.post(an_order(number))
        record = await postern.record(
            receipt["ref"], lambda it: it["actions"][0]["state"] in {"waiting", "done"}
        )
        held = record["actions"][0]["state"] == "waiting"
        assert time.monotonic() - paused < 2
    receipts = await postern.post(*(an_order(number) for number in range(5000, 5010)))
    for receipt in receipts:
        await postern.record(receipt["ref"], every(state="waiting"))
    preview = await do(postern, "cancel", rule="placed")
    assert preview["preview"] is True
    assert preview["wanted"] >= 10
    done = await do(postern, "cancel", rule="placed", preview=False)
    assert (done["changed"], done["left"], done["complete"]) == (preview["wanted"], 0, True)
    assert (await do(postern, "resume", kind="rule", name="placed"))["was_paused"] is True
    assert (await do(postern, "resume", kind="rule", name="placed"))["was_paused"] is False
    (fresh,) = await postern.post(an_order(6000))
    await postern.record(fresh["ref"], every(state="done"))
    assert not [text for text in await texts(postern) if "n-500" in text]
    status, told = await ask(postern, "GET", "audit", key=BOB)
    assert status == 200
    assert [(it["who"], it["what"]) for it in told["audit"]] == [
        ("ada", "resume"),
        ("ada", "cancel"),
        ("ada", "pause"),
    ]
    assert told["audit"][1]["actions"] == done["changed"]


async def test_a_mended_rule_is_replayed_by_the_running_rules_each_action_once(
    postern: Whole,
) -> None:
    receipts = await postern.post(*(an_order(number, "shipped") for number in range(25)))
    for receipt in receipts:
        await postern.record(receipt["ref"], every(state="parked"))
    _, standing = await ask(postern, "GET", "status")
    assert standing["parked"] == 25
    before = standing["rules"]["configuration"]
    postern.config.write_text(postern.config.read_text().replace(*MENDED))
    async with asyncio.timeout(20):
        while standing["rules"]["configuration"] == before:
            await asyncio.sleep(0.1)
            _, standing = await ask(postern, "GET", "status")
    assert standing["rules"]["newest_event"] == before
    calls = [do(postern, "replay", rule="shipped", preview=False, rate=1000) for _ in range(3)]
    assert sum(answer["changed"] for answer in await asyncio.gather(*calls)) == 25
    for receipt in receipts:
        record = await postern.record(receipt["ref"], every(state="done"))
        assert record["actions"][0]["id"] == receipt["actions"][0]["id"]
    assert await texts(postern) == {f"Order n-{n}- is on its way.": 1 for n in range(25)}


async def test_operators_see_every_sources_actions_and_nobodys_number(postern: Whole) -> None:
    (receipt,) = await postern.post(an_order(7))
    await postern.record(receipt["ref"], every(state="done"))
    status, page = await ask(postern, "GET", "actions", params={"source": "shop"})
    assert status == 200
    assert [(it["source"], it["state"]) for it in page["actions"]] == [("shop", "done")]
    assert "4915110000007" not in str(page)
    _, nothing = await ask(postern, "GET", "actions", params={"source": "other"})
    assert nothing["actions"] == []


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("cancel", {}, "Say which actions"),
        ("cancel", {"preview": False}, "Say which actions"),
        ("cancel", {"rule": "placed", "tell-tale": 1}, "A field is unknown"),
        ("cancel", {"rule": "placed", "states": ["done"]}, "states: expected some of"),
        ("replay", {"rule": "placed", "states": ["queued"]}, "states: expected some of"),
        ("replay", {"rule": "placed", "since": "tell-tale"}, "since: expected a time"),
        ("replay", {"rule": "placed", "preview": "false"}, "preview: expected"),
        ("replay", {"rule": "placed", "rate": 0}, "rate: "),
        ("replay", {"rule": "tell\u0000tale"}, "rule: "),
        ("replay", [], "Expected a JSON object"),
        ("pause", {"kind": "rule", "name": "tell-tale"}, "name: the configuration has no rule"),
        ("pause", {"kind": "provider", "name": "placed"}, "name: the configuration has no"),
        ("pause", {"kind": "queue", "name": "placed"}, "kind: expected"),
        ("pause", {"kind": "rule"}, "name: "),
    ],
)
async def test_a_body_that_is_not_right_changes_nothing(
    postern: Whole, path: str, body: Any, said: str
) -> None:
    status, problem = await ask(postern, "POST", path, json=body)
    assert (status, problem["code"]) == (400, "invalid-parameter")
    assert said in problem["detail"]
    assert "tell-tale" not in problem["detail"]
    assert (await ask(postern, "GET", "audit"))[1]["audit"] == []


async def test_a_name_that_is_not_configured_can_be_paused_when_it_is_meant(
    postern: Whole,
) -> None:
    await do(postern, "pause", kind="rule", name="gone", force=True)
    _, told = await ask(postern, "GET", "status")
    assert [(it["kind"], it["name"], it["by"]) for it in told["pauses"]] == [
        ("rule", "gone", "ada")
    ]


async def test_what_was_changed_is_counted(postern: Whole) -> None:
    await do(postern, "pause", kind="provider", name="sms")
    (receipt,) = await postern.post(an_order(8, "shipped"))
    await postern.record(receipt["ref"], every(state="parked"))
    await do(postern, "cancel", ref=receipt["ref"], preview=False)
    async with postern.http.get(f"{postern.admin}/metrics") as answer:
        text = await answer.text()
    assert 'postern_operator_changes_total{what="pause"} 1.0' in text
    assert 'postern_operator_changes_total{what="cancel"} 1.0' in text
    assert 'postern_operator_changes_total{what="replay"} 0.0' in text


async def test_a_long_replay_is_done_in_parts_and_each_answer_says_how_to_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the rules still fail on is not looked at again and again."""
    for name, value in SERVING_KEYS.items():
        monkeypatch.setenv(name, value)
    limits = Limits(operator_actions=100)
    async with serving(tmp_path, operators=f"ada:{ADA}", limits=limits) as served:
        await served.journal.record([a_failed_order(n, fits=n % 5 != 0) for n in range(350)])
        body: dict[str, Any] | None = {"rule": "thanks", "preview": False, "rate": 10}
        changed, lefts = 0, []
        while body is not None:
            answer = await served.ask(
                "POST",
                "/v1/operator/replay",
                json=body,
                headers={"Authorization": f"Bearer {ADA}"},
            )
            assert answer.status == 200, answer.body
            changed += answer.body["changed"]
            lefts.append(answer.body["left"])
            body = answer.body["next"]
        assert (changed, lefts[-1], len(lefts)) == (280, 70, 4)
        assert lefts == sorted(lefts, reverse=True)
        selection = Selection(states=frozenset({State.PARKED}), rule="thanks")
        lasts = (await served.journal.preview(selection)).replayed_for
        assert timedelta(seconds=20) < lasts < timedelta(seconds=29)
        assert len(await served.journal.audited(limit=100)) == 4


def a_failed_order(number: int, *, fits: bool) -> EventRecord:
    """As if the rule had failed on it; by now it does so only on some."""
    data: dict[str, Any] = {"total": 20} | ({"phone": "+4915112345678"} if fits else {})
    event = replace(an_event(f"o-{number}", data=data), time=None, received_at=datetime.now(UTC))
    action = replace(
        an_action(event.id),
        id=action_id("shop", event.id, "thanks", "sms.send"),
        ref=event.ref,
        rule="thanks",
        parked="rule thanks, with.to: it had failed",
    )
    return EventRecord(event=event, rules_version="earlier", actions=(action,))


BODIES = {
    "pause": {"kind": "rule", "name": "thanks"},
    "resume": {"kind": "rule", "name": "thanks"},
    "cancel": {"rule": "thanks"},
    "replay": {"rule": "thanks"},
}


async def test_without_a_journal_the_hands_are_bound_and_events_are_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in SERVING_KEYS.items():
        monkeypatch.setenv(name, value)
    async with serving(tmp_path, with_journal=False, operators=f"ada:{ADA}") as served:
        for method, path in ROUTES:
            answer = await served.ask(
                method,
                f"/v1/operator/{path}",
                headers={"Authorization": f"Bearer {ADA}"},
                json=BODIES.get(path),
            )
            assert (answer.status, answer.body["code"]) == (503, "journal-unavailable")
        accepted = await served.post(ORDER)
        assert accepted.status == 202
