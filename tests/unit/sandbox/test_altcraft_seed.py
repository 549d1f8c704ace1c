"""What stands on the platform at the start, and again after a reset."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest

from core.clock import ManualClock
from core.errors import ConfigurationError
from sandbox.app import serve_sandbox
from sandbox.seed import planter
from sandbox.world import World
from tests.unit.sandbox.conftest import Sandbox
from tests.unit.sandbox.platform import call, state

EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "sandbox.yaml"
SEED = """
altcraft:
  profiles:
    - id: 5f4fa1a5ce9448665fef548e
      fields: {email: john@example.com, _fname: John}
      subscriptions:
        - {channel: email, email: john@example.com, resource_id: 1, status: unsubscribed}
  vsenders:
    - {id: 306, name: Template}
  suppresses:
    - {id: 1, name: Mine, emails: [Jane@example.com], phones: ["+79000000000"]}
  resources:
    - {id: 1, rtoken: secret}
smsgateway24:
  devices: [{id: 300}]
"""


def seeded(tmp_path: Path, text: str) -> World:
    file = tmp_path / "seed.yaml"
    file.write_text(text, encoding="utf-8")
    return World(clock=ManualClock(), pace=timedelta(seconds=1), plant=planter(file))


def test_everything_of_a_seed_is_there(tmp_path: Path) -> None:
    world = seeded(tmp_path, SEED)
    shown = world.altcraft.shown()
    (profile,) = shown["databases"]["1"].values()
    assert profile["fields"]["_fname"] == "John"
    assert profile["subscriptions"][0]["status"] == "unsubscribed"
    assert [sender["id"] for sender in shown["vsenders"]] == [306]
    assert shown["suppresses"]["1"]["emails"] == ["jane@example.com"]
    assert [device.id for device in world.sms.devices] == [300]
    assert world.effects.counts()["effects"] == {}


async def test_a_reset_returns_to_the_seed(tmp_path: Path) -> None:
    file = tmp_path / "seed.json"
    file.write_text('{"altcraft": {"vsenders": [{"id": 306, "name": "Template"}]}}')
    async with (
        serve_sandbox("127.0.0.1:0", clock=ManualClock(), plant=planter(file)) as url,
        aiohttp.ClientSession() as http,
    ):
        sandbox = Sandbox(url=url, http=http, clock=ManualClock())
        assert (await call(sandbox, "vsenders/clone", id=306))["data"]["saved_id"] == 307
        await sandbox.set()
        await http.post(f"{url}/_sandbox/reset")
        shown = await state(sandbox)
        assert [sender["name"] for sender in shown["vsenders"]] == ["Template"]
        assert shown["databases"] == {}
        assert await sandbox.effects() == []


@pytest.mark.parametrize(
    ("text", "line", "field"),
    [
        ("altcraft: {profils: []}", 1, "altcraft.profils"),
        ("altcraft:\n  vsenders:\n    - {id: 0, name: x}", 3, "altcraft.vsenders[0].id"),
        (
            "altcraft:\n  profiles:\n    - subscriptions: [{channel: fax}]",
            3,
            "altcraft.profiles[0].subscriptions",
        ),
        (
            "altcraft:\n  profiles:\n    - {fields: {email: a@b}}\n    - {fields: {email: A@b}}",
            4,
            "altcraft.profiles[1].fields.email",
        ),
        ("altcraft: 5", 1, "altcraft"),
        ("smsgateway24: {devises: []}", 1, "smsgateway24.devises"),
        ("altkraft: {}", 1, "altkraft"),
    ],
)
def test_a_seed_that_is_wrong_is_told_by_file_line_and_field(
    tmp_path: Path, text: str, line: int, field: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        seeded(tmp_path, text)
    assert (caught.value.line, caught.value.field) == (line, field)
    assert caught.value.file == str(tmp_path / "seed.yaml")


async def test_the_seed_of_the_examples_is_right() -> None:
    """What a reader copies from must work."""
    async with (
        serve_sandbox("127.0.0.1:0", plant=planter(EXAMPLE)) as url,
        aiohttp.ClientSession() as http,
        http.get(f"{url}/_sandbox/altcraft") as answer,
    ):
        state = await answer.json()
        assert [sender["name"] for sender in state["vsenders"]] == ["Template of a shop"]
        assert len(state["databases"]["1"]) == 2
