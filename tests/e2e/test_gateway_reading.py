"""What a source may read back: its own events and actions, and nobody else's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from core.identity import event_ref
from core.journal.port import Attempt as Tried
from core.journal.port import Claim, Finish, Granted
from core.journal.states import State
from core.messages import ActionMessage
from tests.e2e.serving import KEYS, ORDER, OTHER, SHOP, Served, serving


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
async def served(tmp_path: Path, keys: None) -> AsyncIterator[Served]:
    async with serving(tmp_path) as it:
        yield it


async def test_an_event_is_accepted_first_and_recorded_once_the_recorder_was_there(
    served: Served,
) -> None:
    ref = (await served.post(ORDER)).body["ref"]
    before = await served.ask("GET", f"/v1/events/{ref}", headers=SHOP)
    assert (before.status, before.body) == (
        200,
        {"ref": ref, "state": "accepted", "source": "shop"},
    )
    record = await served.record_next()
    after = await served.ask("GET", f"/v1/events/{ref}", headers=SHOP)
    assert after.status == 200
    assert after.body["received_at"].endswith("Z")
    del after.body["received_at"]
    assert after.body == {
        "ref": ref,
        "state": "recorded",
        "source": "shop",
        "id": "o-1001",
        "type": "order.placed",
        "time": "2026-01-22T10:00:00Z",
        "rules_version": record.rules_version,
        "notes": [],
        "decision": [{"rule": "thanks", "matched": True}],
        "actions": [
            {
                "id": record.actions[0].id,
                "rule": "thanks",
                "step": "sms.send",
                "lane": "urgent",
                "state": "queued",
                "attempts": [],
            }
        ],
    }


async def test_why_a_rule_did_not_apply_is_told_with_the_values_it_looked_at(
    served: Served,
) -> None:
    ref = (await served.post({**ORDER, "data": {"total": 3}})).body["ref"]
    await served.record_next()
    answer = await served.ask("GET", f"/v1/events/{ref}", headers=SHOP)
    assert answer.body["decision"] == [
        {
            "rule": "thanks",
            "matched": False,
            "failed": "data.total > 10",
            "values": {"data.total": 3},
        }
    ]


async def test_every_attempt_is_shown_with_its_outcome_and_the_providers_reference(
    served: Served,
) -> None:
    order = {key: value for key, value in ORDER.items() if key != "time"}
    ref = (await served.post(order)).body["ref"]
    record = await served.record_next()
    message = ActionMessage(action=record.actions[0])
    granted = await served.journal.claim(
        Claim(message=message, owner="worker-1", lease=timedelta(seconds=30))
    )
    assert isinstance(granted, Granted)
    done = Finish(
        action_id=message.action.id,
        seq=granted.seq,
        state=State.DONE,
        reference="62807347",
        attempt=Tried(
            started_at=granted.now, took=timedelta(milliseconds=40), outcome="done", reason=""
        ),
    )
    assert await served.journal.finish(done)
    answer = await served.ask("GET", f"/v1/events/{ref}", headers=SHOP)
    (action,) = answer.body["actions"]
    assert (action["state"], action["reference"]) == ("done", "62807347")
    (attempt,) = action["attempts"]
    assert attempt.pop("at").endswith("Z")
    assert attempt == {"n": 1, "outcome": "done", "ms": 40}


async def test_another_sources_reference_is_not_found_before_and_after_it_is_recorded(
    served: Served,
) -> None:
    ref = (await served.post(ORDER)).body["ref"]
    before = await served.ask("GET", f"/v1/events/{ref}", headers=OTHER)
    await served.record_next()
    after = await served.ask("GET", f"/v1/events/{ref}", headers=OTHER)
    assert [(part.status, part.body["code"]) for part in (before, after)] == [
        (404, "not-found"),
        (404, "not-found"),
    ]


async def test_a_mistyped_reference_is_not_taken_for_one_that_is_on_its_way(
    served: Served,
) -> None:
    ref = event_ref("shop", "o-1001")
    mistyped = ref[:-1] + ("A" if ref[-1] != "A" else "B")
    for wrong in (mistyped, "ev_", "x", "ac_1", ref + "A"):
        answer = await served.ask("GET", f"/v1/events/{wrong}", headers=SHOP)
        assert answer.status == 404


async def test_a_source_lists_its_own_actions_only_page_by_page(served: Served) -> None:
    for number in range(3):
        await served.post({**ORDER, "id": f"o-{number}"})
    await served.post({**ORDER, "id": "theirs"}, headers=OTHER)
    for _ in range(4):
        await served.record_next()
    seen: list[str] = []
    path = "/v1/actions?limit=2&state=queued"
    while path:
        page = (await served.ask("GET", path, headers=SHOP)).body
        seen += [action["ref"] for action in page["actions"]]
        following = page["next"]
        path = f"/v1/actions?limit=2&state=queued&before={following}" if following else ""
    assert sorted(seen) == sorted(event_ref("shop", f"o-{number}") for number in range(3))


async def test_a_list_shows_where_an_action_stands_and_nobodys_number(served: Served) -> None:
    await served.post(ORDER)
    await served.record_next()
    answer = await served.ask("GET", "/v1/actions", headers=SHOP)
    (action,) = answer.body["actions"]
    assert action["state"] == "queued"
    assert (action["provider"], action["call"], action["rule"]) == ("sms", "send", "thanks")
    assert "15112345678" not in str(answer.body)
    found = await served.ask("GET", "/v1/actions", params={"to": "+4915112345678"}, headers=SHOP)
    assert len(found.body["actions"]) == 1


async def test_the_read_api_wants_a_key(served: Served) -> None:
    ref = (await served.post(ORDER)).body["ref"]
    for path in (f"/v1/events/{ref}", "/v1/actions"):
        assert (await served.ask("GET", path)).status == 401


async def test_without_a_journal_events_are_accepted_and_reading_says_so(tmp_path: Path) -> None:
    async with serving(tmp_path, with_journal=False) as served:
        accepted = await served.post(ORDER)
        assert accepted.status == 202
        answer = await served.ask("GET", f"/v1/events/{accepted.body['ref']}", headers=SHOP)
        assert (answer.status, answer.body["code"]) == (503, "journal-unavailable")
        assert "Retry-After" in answer.headers
