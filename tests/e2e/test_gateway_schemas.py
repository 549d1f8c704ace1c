"""A source that is held to schemas, and the files beside the configuration that are taken over when
they change."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.serving import CONFIG, KEYS, SHOP, Answer, Served, serving

STRICT = CONFIG.replace(
    '    events: ["user.*", "order.*"]\n',
    '    events: ["user.*", "order.*"]\n    schema: strict\n',
)
SWAPPED = "swapped-key-0123456789-0123456789"


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)


def event(kind: str = "order.placed", **data: Any) -> dict[str, Any]:
    return {"id": "o-1", "type": kind, "data": data}


def config(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "conf" / "postern.yaml"
    path.parent.mkdir()
    path.write_text(text)
    return path


async def until(served: Served, status: int, sent: Any, headers: dict[str, str]) -> Answer:
    """The first answer with that status. Nobody asks for a reload: the change is noticed."""
    async with asyncio.timeout(15):
        while True:
            answer = await served.ask("POST", "/v1/rules/try", json=sent, headers=headers)
            if answer.status == status:
                return answer
            await asyncio.sleep(0.05)


async def test_a_strict_source_refuses_what_its_schema_does_not_take(tmp_path: Path) -> None:
    async with serving(tmp_path, config_path=config(tmp_path, STRICT)) as served:
        right = await served.post(event(total=20, phone="+4915112345678"))
        assert right.status == 202
        wrong = await served.post(event(customer={"phone": 4711}))
        assert (wrong.status, wrong.body["code"]) == (422, "schema")
        assert wrong.body["field"] == "data.customer.phone"
        assert "4711" not in str(wrong.body)
        unknown = await served.post(event("order.lost"))
        assert (unknown.status, unknown.body["code"]) == (422, "no-schema")
        batch = await served.post([event(), event(total=[])])
        assert (batch.status, batch.body["code"]) == (422, "invalid-batch")
        told = {key: batch.body[key] for key in ("index", "field", "cause")}
        assert told == {"index": 1, "field": "data.total", "cause": "schema"}
        assert await served.published() == (1, 1)


async def test_a_changed_schema_is_taken_over(tmp_path: Path) -> None:
    path = config(tmp_path, f"schemas: own\n{STRICT}")
    own = path.parent / "own"
    own.mkdir()
    async with serving(tmp_path, config_path=path) as served:
        assert (await served.post(event("order.lost"))).status == 422
        (own / "order.lost.json").write_text('{"required": ["where"]}')
        told = await until(served, 200, event("order.lost", where="here"), SHOP)
        assert told.body
        assert (await served.post(event("order.lost"))).body["code"] == "schema"
        # A wrong one is refused, and what ran runs on.
        (own / "order.lost.json").write_text("{")
        async with asyncio.timeout(15):
            while 'reload_total{result="refused"} 1.0' not in (await served.probe("/metrics")).body:
                continue
        assert (await served.post(event("order.lost"))).body["code"] == "schema"


async def test_a_swapped_secret_is_taken_over_and_the_old_one_is_no_longer_good(
    tmp_path: Path,
) -> None:
    """As Kubernetes does it, in a directory that is not the configuration's."""
    mount = tmp_path / "secrets"
    for name, key in (("..one", KEYS["SHOP_KEY"]), ("..two", SWAPPED)):
        (mount / name).mkdir(parents=True)
        (mount / name / "shop").write_text(key)
    (mount / "..data").symlink_to("..one")
    (mount / "shop").symlink_to("..data/shop")
    text = CONFIG.replace("{env: SHOP_KEY}", f"{{file: {mount / 'shop'}}}")
    async with serving(tmp_path, config_path=config(tmp_path, text)) as served:
        assert (await served.post(event())).status == 202
        (mount / "..data_tmp").symlink_to("..two")
        (mount / "..data_tmp").rename(mount / "..data")
        await until(served, 200, event(), {"Authorization": f"Bearer {SWAPPED}"})
        assert (await served.post(event())).status == 401


async def test_nothing_is_read_again_while_nothing_changes(tmp_path: Path) -> None:
    """A secret in a file is no change by itself."""
    key = tmp_path / "key"
    key.write_text(KEYS["SHOP_KEY"])
    text = CONFIG.replace("{env: SHOP_KEY}", f"{{file: {key}}}")
    path = config(tmp_path, text)
    async with serving(tmp_path, config_path=path) as served:
        # A file that is none of ours makes the watcher look.
        for number in range(5):
            (path.parent / "note").write_text(str(number))
            await asyncio.sleep(0.3)
        assert 'reload_total{result="applied"} 0.0' in (await served.probe("/metrics")).body
