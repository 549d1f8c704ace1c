"""What stands in the account at the start."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from core.clock import ManualClock
from sandbox.smsgateway24.seed import seed
from sandbox.world import World

SEED: dict[str, Any] = {
    "accounts": [{"email": "login@example.com", "password": "secret"}],
    "devices": [
        {"id": 300, "title": "Shop", "number": "+4915752982200"},
        {"id": 301, "online": False, "lastseen": datetime(2026, 11, 20, tzinfo=UTC)},
    ],
    "tags": [{"id": 12, "title": "Customers"}],
    "contacts": [{"phone": "+4915752982212", "tag_id": 12, "fullname": "Anna"}],
    "texts": [
        {"sendto": "+49 157 52982212", "body": "Hello", "customerid": 7},
        {"sendto": "+4917642111111", "body": "No money", "status": 9, "device_id": 300},
        {"sendto": "+4917642111111", "body": "STOP", "status": 5},
    ],
}


@pytest.fixture
def world() -> World:
    return World(clock=ManualClock(), pace=timedelta(seconds=1))


def test_everything_of_a_seed_is_there(world: World) -> None:
    seed(world, SEED)
    assert world.sms.tokens.takes_login("login@example.com", "secret")
    assert not world.sms.tokens.takes_login("other@example.com", "secret")
    assert [(device.id, device.online) for device in world.sms.devices] == [
        (300, True),
        (301, False),
    ]
    assert world.sms.contacts.tags[12].title == "Customers"
    assert [it.fullname for it in world.sms.contacts.contacts.values()] == ["Anna"]
    assert [(text.sendto, text.status) for text in world.texts] == [
        ("+4915752982212", 7),
        ("+4917642111111", 9),
        ("+4917642111111", 5),
    ]
    assert len(world.feed.since(0, -1).texts) == 3


def test_texts_of_a_seed_stay_as_they_are_and_are_no_effects(world: World) -> None:
    seed(world, {"texts": [{"sendto": "+49", "body": "x", "status": 1}]})
    assert world.texts.step(world.clock.now() + timedelta(days=1)) == []
    assert world.effects.counts()["effects"] == {}


def test_tags_that_are_saved_later_get_other_ids(world: World) -> None:
    seed(world, {"tags": [{"id": 9000, "title": "x"}]})
    assert world.sms.contacts.add_tag("y").id == 9001


@pytest.mark.parametrize("nothing", [None, {}])
def test_without_a_seed_two_phones_are_there(world: World, nothing: object) -> None:
    seed(world, nothing)
    assert [device.id for device in world.sms.devices] == [260, 261]


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ([], "smsgateway24: "),
        ({"devises": []}, "devises: "),
        ({"devices": [{"title": "x"}]}, "devices[0].id: "),
        ({"accounts": [{"email": "x", "password": ""}]}, "accounts[0].password: "),
        ({"texts": [{"sendto": "+49", "body": "x", "status": 4}]}, "texts[0].status: "),
        ({"contacts": [{"phone": "+49", "tag_id": 5}]}, "contacts[0].tag_id: "),
    ],
)
def test_a_seed_that_is_wrong_is_refused_by_field_and_changes_nothing(
    world: World, content: object, field: str
) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(field)}"):
        seed(world, content)
    assert [device.id for device in world.sms.devices] == [260, 261]
