"""What systems ask before they send, and what a source may send at a time, over real HTTP."""

from __future__ import annotations

import gzip
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.e2e.deliveries import ADOBE_PEM
from tests.e2e.serving import CONFIG, KEYS, ORDER, SHOP, Served, serving

MORE = """
  adobe:
    verify: {scheme: adobe-io, client_id: ours, secrets: [{env: ADOBE}]}
    events: ["*"]
providers:
"""


@pytest.fixture
async def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Served]:
    for name, value in {**KEYS, "ADOBE": ADOBE_PEM}.items():
        monkeypatch.setenv(name, value)
    text = CONFIG.replace("\nproviders:\n", MORE, 1)
    text = text.replace(
        '["user.*", "order.*"]', '["*"]\n    rate: 1/m\n    burst: 3\n    gzip: true'
    )
    hooks = 'secrets: [{env: HOOK_NEW}, {env: HOOK_OLD}]}\n    events: ["order.*"]'
    text = text.replace(hooks, f"{hooks}\n    origins: [events.example.com]\n    rate: 2/s")
    path = tmp_path / "postern.yaml"
    path.write_text(text)
    async with serving(tmp_path, config_path=path) as it:
        yield it


async def test_an_origin_that_is_configured_may_send(served: Served) -> None:
    asked = {"WebHook-Request-Origin": "Events.example.com", "WebHook-Request-Rate": "1000"}
    answer = await served.ask("OPTIONS", "/v1/hooks/storefront", headers=asked)
    assert answer.status == 200
    assert answer.headers["WebHook-Allowed-Origin"] == "events.example.com"
    assert answer.headers["WebHook-Allowed-Rate"] == "120"
    assert answer.headers["Allow"] == "POST"


@pytest.mark.parametrize(
    ("path", "origin", "status"),
    [
        ("/v1/hooks/storefront", "evil.example.com", 403),
        ("/v1/hooks/storefront", None, 400),
        ("/v1/hooks/adobe", "events.example.com", 405),
        ("/v1/hooks/nobody", "events.example.com", 404),
        ("/v1/events", "events.example.com", 405),
    ],
)
async def test_another_origin_is_told_no_and_nothing_else(
    served: Served, path: str, origin: str | None, status: int
) -> None:
    headers = {"WebHook-Request-Origin": origin} if origin else {}
    answer = await served.ask("OPTIONS", path, headers=headers)
    assert answer.status == status
    assert "WebHook-Allowed-Origin" not in answer.headers
    if status == 405:
        assert (
            answer.headers["Allow"] == "POST"
            if "hooks" in path
            else "POST" in answer.headers["Allow"]
        )


async def test_the_challenge_of_adobe_io_is_said_back(served: Served) -> None:
    answer = await served.ask(
        "GET", "/v1/hooks/adobe?challenge=8ec8d794-e0ab-42df-9017-e3dada8e84f7"
    )
    assert (answer.status, answer.body) == (
        200,
        {"challenge": "8ec8d794-e0ab-42df-9017-e3dada8e84f7"},
    )
    for query in ("", "?challenge=", "?challenge=<script>", "?challenge=a&challenge=b"):
        assert (await served.ask("GET", f"/v1/hooks/adobe{query}")).status == 400
    other = await served.ask("GET", "/v1/hooks/storefront?challenge=x")
    assert (other.status, other.headers["Allow"]) == (405, "POST")


async def test_a_source_that_sends_more_than_it_may_is_told_when_to_go_on(served: Served) -> None:
    for number in range(3):
        assert (await served.post({**ORDER, "id": f"o-{number}"})).status == 202
    answer = await served.post(ORDER)
    assert (answer.status, answer.body["code"]) == (429, "rate-limited")
    assert 50 <= int(answer.headers["Retry-After"]) <= 60
    # Strangers do not use up what others may send, nor does one source what another may.
    assert (await served.hook('{"id": "1", "type": "order.placed"}')).status == 202


async def test_a_source_that_asked_for_it_may_send_gzip(served: Served) -> None:
    headers = {**SHOP, "Content-Type": "application/json", "Content-Encoding": "gzip"}
    packed = gzip.compress(json.dumps(ORDER).encode())
    assert (await served.ask("POST", "/v1/events", data=packed, headers=headers)).status == 202
    bomb = gzip.compress(bytes(20_000_000))
    answer = await served.ask("POST", "/v1/events", data=bomb, headers=headers)
    assert answer.status == 413
    answer = await served.ask("POST", "/v1/events", data=b"no gzip", headers=headers)
    assert answer.status == 400
