"""The second port: alive, ready, and metrics that a sender cannot make grow."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from core.errors import BrokerUnavailable, ConfigurationError, TopologyMismatch
from tests.e2e.serving import CONFIG, KEYS, ORDER, SHOP, Served, serving


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
async def served(tmp_path: Path, keys: None) -> AsyncIterator[Served]:
    async with serving(tmp_path) as it:
        yield it


async def test_a_started_gateway_is_alive_and_ready(served: Served) -> None:
    assert (await served.probe("/livez")).status == 200
    ready = await served.probe("/readyz")
    assert (ready.status, ready.body) == (200, {"ready": True})


async def test_without_a_broker_it_starts_says_why_it_is_not_ready_and_recovers_by_itself(
    tmp_path: Path,
) -> None:
    async with serving(tmp_path, broker_error=BrokerUnavailable("away")) as served:
        before = await served.probe("/readyz")
        assert before.status == 503
        assert before.body == {"ready": False, "why": "the broker has not been reached yet"}
        assert (await served.probe("/livez")).status == 200
        assert (await served.post(ORDER)).status == 503
        served.broker.error = None
        async with asyncio.timeout(5):
            while (await served.probe("/readyz")).status != 200:
                continue
        assert (await served.post(ORDER)).status == 202


async def test_a_broker_that_goes_away_later_does_not_take_the_gateway_out(
    served: Served,
) -> None:
    served.broker.error = BrokerUnavailable("away")
    assert (await served.probe("/readyz")).status == 200
    assert "postern_broker_connected 0.0" in (await served.probe("/metrics")).body


async def test_a_stopping_gateway_is_not_ready_and_still_serves(served: Served) -> None:
    served.gateway.readiness.draining = True
    ready = await served.probe("/readyz")
    assert (ready.status, ready.body) == (503, {"ready": False, "why": "stopping"})
    answer = await served.post(ORDER)
    # A connection kept alive would be closed under the client's next request.
    assert (answer.status, answer.headers["Connection"]) == (202, "close")


async def start(folder: Path, **options: Any) -> None:
    """Start and stop; an error comes out as itself, whatever task groups it went through."""
    try:
        async with serving(folder, **options):
            pass
    except ExceptionGroup as group:
        raise group.exceptions[0] from None


async def test_queues_that_stand_with_other_arguments_stop_the_start(tmp_path: Path) -> None:
    with pytest.raises(TopologyMismatch):
        await start(tmp_path, broker_error=TopologyMismatch("postern.recorder: x"))


async def test_an_address_that_is_taken_stops_the_start_with_its_setting_named(
    served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "second"
    folder.mkdir()
    with pytest.raises(ConfigurationError, match=r"POSTERN_LISTEN: cannot listen on 127"):
        await start(folder, listen=str(served.gateway.listen))


async def test_the_public_port_serves_no_probe_and_the_second_port_no_events(
    served: Served,
) -> None:
    for path in ("/livez", "/readyz", "/metrics"):
        assert (await served.ask("GET", path)).status == 404
    assert (await served.probe("/v1/actions")).status == 404


async def test_made_up_types_sources_and_paths_make_no_new_series(served: Served) -> None:
    async def names() -> set[str]:
        text = (await served.probe("/metrics")).body
        return set(re.findall(r"^(postern_\w+(?:\{[^}]*\})?)", text, re.MULTILINE))

    async def spray(start: int) -> None:
        for number in range(start, start + 30):
            await served.post({**ORDER, "id": f"o-{number}", "type": f"order.made{number}"})
            await served.post({**ORDER, "type": f"made.up{number}"})
            await served.ask("POST", f"/v1/hooks/made{number}", data=b"{}")
            await served.ask("GET", f"/made/{number}", headers={"X-Made": str(number)})
            await served.ask("GET", "/v1/actions", headers={"Authorization": f"Bearer {number}"})

    await served.post(ORDER)
    await spray(0)
    before = await names()
    await spray(1000)
    assert await names() == before
    assert 'postern_events_accepted_total{source="shop",type="order.placed"}' in before
    assert 'postern_events_accepted_total{source="shop",type="order.*"}' in before


async def test_metrics_tell_what_was_answered_and_which_rules_run(served: Served) -> None:
    version = (await served.post(ORDER)).body["rules_version"]
    await served.post({})
    text = (await served.probe("/metrics")).body
    requests = "postern_ingress_requests_total"
    assert f'{requests}{{code="ok",source="shop",status="202"}} 1.0' in text
    assert f'{requests}{{code="invalid-event",source="shop",status="422"}} 1.0' in text
    assert f'postern_rules_info{{version="{version}"}} 1.0' in text


@pytest.mark.parametrize("sample", [CONFIG.replace("thanks", "danke"), CONFIG + "rulez: []\n"])
async def test_a_changed_file_is_taken_over_on_request_or_refused_as_a_whole(
    served: Served, sample: str
) -> None:
    good = "rulez" not in sample
    before = (await served.post(ORDER)).body
    served.config.write_text(sample)
    await served.gateway.reloader.reload()
    after = (await served.post(ORDER)).body
    assert after["actions"][0]["rule"] == ("danke" if good else "thanks")
    assert (after["rules_version"] == before["rules_version"]) is not good
    result = "applied" if good else "refused"
    text = (await served.probe("/metrics")).body
    assert re.search(rf'postern_rules_reload_total\{{result="{result}"\}} [1-9]', text)
    assert text.count("postern_rules_info{") == 1


MORE = CONFIG.replace(
    "rules:\n",
    '  second: {kind: smsgateway24, url: "http://127.0.0.1:9", token: {env: SMS_TOKEN}, '
    "device_id: 1, region: DE}\nrules:\n",
).replace("call: sms.send", "call: second.send")


async def until_rule(served: Served, provider: str) -> None:
    async with asyncio.timeout(10):
        while True:
            answer = await served.ask("POST", "/v1/rules/try", json=ORDER, headers=SHOP)
            if answer.body["actions"][0]["provider"] == provider:
                return
            await asyncio.sleep(0.02)


async def test_a_new_providers_queues_stand_before_its_rules_run(served: Served) -> None:
    served.config.write_text(MORE)
    await until_rule(served, "second")
    assert (await served.post(ORDER)).status == 202
    assert served.broker.declared[-1].providers == ("second", "sms")


async def test_a_new_provider_waits_for_a_broker_that_is_away_and_the_old_rules_run_on(
    served: Served,
) -> None:
    served.broker.error = BrokerUnavailable("away")
    served.config.write_text(MORE)
    assert await served.gateway.reloader.reload() is False
    served.broker.error = None
    assert (await served.post(ORDER)).body["actions"][0]["step"] == "sms.send"
    served.gateway.reloader.ask()
    await until_rule(served, "second")


async def test_a_file_that_is_replaced_is_noticed_by_itself(served: Served) -> None:
    fresh = served.config.with_suffix(".new")
    fresh.write_text(MORE)
    fresh.replace(served.config)
    await until_rule(served, "second")


async def test_a_swapped_symlink_as_kubernetes_does_it_is_noticed(tmp_path: Path) -> None:
    mount = tmp_path / "mount"
    for name, text in (("..one", CONFIG), ("..two", MORE)):
        (mount / name).mkdir(parents=True)
        (mount / name / "postern.yaml").write_text(text)
    (mount / "..data").symlink_to("..one")
    (mount / "postern.yaml").symlink_to("..data/postern.yaml")
    async with serving(tmp_path, config_path=mount / "postern.yaml") as served:
        (mount / "..data_tmp").symlink_to("..two")
        (mount / "..data_tmp").rename(mount / "..data")
        await until_rule(served, "second")
