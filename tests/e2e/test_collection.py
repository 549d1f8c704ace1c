"""The collection, run by newman from top to bottom against a whole Postern and a fresh sandbox."""

from __future__ import annotations

import asyncio
import sys
from base64 import b64encode
from pathlib import Path
from typing import Any

import orjson
import pytest

from cli.collecting.postman import postman
from cli.collection import everything
from tests.e2e.whole import KEYS, Whole, whole

NEWMAN = Path(__file__).resolve().parents[1] / "newman" / "node_modules" / ".bin" / "newman"
PATIENCE = 90.0
OPERATOR = "operator-key-of-ada-0123456789"
SIGNING = "whsec_" + b64encode(b"0123456789abcdef0123456789abcdef").decode()

CONFIG = """
sources:
  shop:
    verify: {scheme: bearer, secrets: [{env: SHOP_KEY}]}
    events: ["order.*", "sms.*"]
  storefront:
    verify: {scheme: standard-webhooks, secrets: [{env: SIGNING}]}
    events: ["order.*"]
providers:
  sms:
    kind: smsgateway24
    url: "{sandbox}/smsgateway24"
    token: {env: TOKEN}
    device_id: 260
    region: DE
    callback: {secrets: [{env: CALLBACK}], source: shop}
rules:
  - id: order-shipped
    on: order.shipped
    do:
      - call: sms.send
        with: {to: "${data.phone}", text: "Order {{ data.number }} is on its way."}
"""


async def run_newman(folder: Path, collection: str, values: dict[str, str]) -> dict[str, Any]:
    """What newman says of the run."""
    if not NEWMAN.exists():
        pytest.fail(
            "newman is not there: run scripts/setup-npm tests/newman, or the tests with `make test`"
        )
    file, report = folder / "collection.json", folder / "report.json"
    file.write_text(collection, encoding="utf-8")
    options = [part for it in values.items() for part in ("--env-var", "=".join(it))]
    process = await asyncio.create_subprocess_exec(
        str(NEWMAN),
        "run",
        str(file),
        *("--reporters", "json", "--reporter-json-export", str(report)),
        *("--timeout-request", "10000"),
        *options,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(PATIENCE):
            said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert report.exists(), said.decode()
    run: dict[str, Any] = orjson.loads(report.read_bytes())["run"]
    return run


def failures(run: dict[str, Any]) -> list[str]:
    """Each as `where: what`, with the answer."""
    answers = {
        it["item"]["name"]: bytes(it["response"]["stream"]["data"]).decode(errors="replace")
        for it in run["executions"]
        if it.get("response", {}).get("stream")
    }
    return [
        f"{it['source']['name']}: {it['error']['message']}: {answers.get(it['source']['name'])}"
        for it in run["failures"]
    ]


def values_of(postern: Whole) -> dict[str, str]:
    return {
        "postern_url": postern.url,
        "postern_key": KEYS["SHOP_KEY"],
        "operator_key": OPERATOR,
        "hook_secret": SIGNING,
        "callback_secret": KEYS["CALLBACK"],
        "url": f"{postern.sandbox}/altcraft",
        "sms_url": f"{postern.sandbox}/smsgateway24",
    }


async def test_every_request_of_the_collection_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In their order, each using what earlier ones made; and a second time, where nothing is fresh
    any more."""
    for name, value in {**KEYS, "SIGNING": SIGNING}.items():
        monkeypatch.setenv(name, value)
    collection = everything()
    requests = list(collection.requests())
    async with whole(tmp_path, CONFIG, operators=f"ada:{OPERATOR}") as postern:
        for _ in range(2):
            run = await run_newman(tmp_path, postman(collection), values_of(postern))
            assert failures(run) == []
            counts = run["stats"]
            assert counts["requests"] == {"total": len(requests), "pending": 0, "failed": 0}
            assert counts["assertions"]["total"] >= len(requests)
            with capsys.disabled():
                asserted = counts["assertions"]["total"]
                sys.stdout.write(f"\nnewman: {len(requests)} requests, {asserted} assertions\n")
        sent = await postern.effects("smstosend")
        assert [effect["params"]["sendto"] for effect in sent] == ["+491713920003"] * 2
        texts = await postern.effects("addsms")
        assert {effect["params"]["sendto"][:3] for effect in texts} == {"+49"}


async def test_a_wrong_answer_fails_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tests of the collection look at what is answered: a token nobody takes is noticed."""
    for name, value in {**KEYS, "SIGNING": SIGNING}.items():
        monkeypatch.setenv(name, value)
    async with whole(tmp_path, CONFIG, operators=f"ada:{OPERATOR}") as postern:
        await postern.fault("vsenders/get", "error-body")
        run = await run_newman(tmp_path, postman(everything()), values_of(postern))
        assert [it.partition(":")[0] for it in failures(run)] == ["vsenders/get"]
