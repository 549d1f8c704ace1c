"""A stack with a Prometheus beside it, set up so that nearly everything that is watched can be
brought about in seconds: a small spool, few connections, a provider that nobody serves."""

from __future__ import annotations

import secrets
import sys
import time
from pathlib import Path
from types import TracebackType

from tests.chart.watching.shipped import RULES
from tests.servers.prometheus import PrometheusServer
from tests.stack import Stack

ONCE, TILL, CALLBACK = "POSTERN_ONCE_KEY", "POSTERN_TILL_KEY", "POSTERN_CALLBACK_KEY"
UNSERVED = "left"
SERVED = ("altcraft", "sms", "spare")
FILES = 420
"""What the gateway may have open: room for 260 connections."""

_CONFIGURATION = """
sources:
  shop:
    verify: {scheme: bearer, secrets: [{env: POSTERN_SHOP_KEY}]}
    events: ["order.*", "user.*"]
  storefront:
    verify: {scheme: standard-webhooks, secrets: [{env: POSTERN_STOREFRONT_SECRET}]}
    events: ["order.*"]
  once:
    verify: {scheme: bearer, secrets: [{env: POSTERN_ONCE_KEY}]}
    events: ["order.*"]
    durability: spool
  till:
    verify: {scheme: hmac, header: x-till, encoding: base64, secrets: [{env: POSTERN_TILL_KEY}]}
    map: {id: "${body.no}", type: order.placed}
    on_invalid: park
ingress: {failures: 100/s}
spool: {messages: 40}
providers:
  altcraft: {kind: altcraft, url: SANDBOX/altcraft, token: {env: POSTERN_ALTCRAFT_TOKEN}, db_id: 1,
    resource_id: 1, rate: 10/s, timeout: 2s, reconcile_lag: 2s, retry: [1s, 2s, 5s]}
  sms: {kind: smsgateway24, url: SANDBOX/smsgateway24, token: {env: POSTERN_SMS_TOKEN},
    device_id: 260, region: DE, poll: [1s, 1s, 1s, 2s], timeout: 2s, reconcile_lag: 2s}
  spare: {kind: smsgateway24, url: SANDBOX/smsgateway24, token: {env: POSTERN_SMS_TOKEN},
    device_id: 261, region: DE, timeout: 2s, reconcile_lag: 2s,
    callback: {secrets: [{env: POSTERN_CALLBACK_KEY}], source: shop}}
  left: {kind: smsgateway24, url: SANDBOX/smsgateway24, token: {env: POSTERN_SMS_TOKEN},
    device_id: 262, region: DE}
rules:
  - id: placed
    on: order.placed
    do:
      - call: altcraft.subscriptions/set
        with: {profile_id: "${data.customer.id}", channel: email, email: "${data.customer.email}",
          status: subscribed}
      - call: sms.send
        with: {to: "${data.customer.phone}", text: "Thank you, {{ data.customer.first_name }}!"}
  - {id: code, on: user.signed_up, do: [{call: sms.send, lane: urgent,
      with: {to: "${data.phone}", text: "{{ data.code }} is your code. Grüße 😀"}}]}
  - {id: shipped, on: order.shipped, do: [{call: sms.send,
      with: {to: "${data.phone}", text: "{{ data.tracking }}"}}]}
  - {id: campaign, on: order.campaign, do: [{call: sms.send, lane: bulk,
      with: {to: "${data.phone}", text: "Sale!"}}]}
  - {id: spare, on: order.spare, do: [{call: spare.send,
      with: {to: "${data.phone}", text: "Spare"}}]}
  - {id: left, on: order.left, do: [{call: left.send, lane: urgent,
      with: {to: "${data.phone}", text: "Nobody carries this out"}}]}
"""


class Watched(Stack):
    def __init__(self, folder: Path | None = None) -> None:
        super().__init__(folder, configuration=self._configured)
        self.operator = secrets.token_urlsafe(24)
        targets = {part: self.admin(part).removeprefix("http://") for part in self.parts[1:]}
        self.prometheus = PrometheusServer(targets, RULES)

    def environment_of(self, part: str) -> dict[str, str]:
        environment = self.environment
        if part == "gateway":
            environment["POSTERN_SPOOL"] = str(self.folder / "spool")
            environment["POSTERN_OPERATOR_KEYS"] = f"test:{self.operator}"
        return environment

    def command_of(self, part: str) -> list[str]:
        if part == "gateway":
            return ["prlimit", f"--nofile={FILES}", *super().command_of(part)]
        if part.startswith("consumers"):
            providers = ["--providers", ",".join(SERVED)]
            return [sys.executable, "-m", "cli", "consumers", *providers]
        return super().command_of(part)

    def start_all(self) -> None:
        super().start_all()
        self.prometheus.start()

    def await_reading(self) -> None:
        """Until Prometheus has read every part, and the leader has surveyed the journal."""
        limit = time.monotonic() + 60
        while (
            len(self.prometheus.ask("up == 1")) < len(self.parts) - 1
            or not self.prometheus.ask("postern_actions_open")
            or not self.prometheus.ask('postern_consuming{queue="postern.recorder"} == 1')
        ):
            assert time.monotonic() < limit, self.prometheus.ask("up")
            time.sleep(0.2)
        # A rate needs two readings.
        time.sleep(3)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.prometheus.close()
        super().__exit__(kind, error, trace)

    def _configured(self, _example: str) -> str:
        return _CONFIGURATION.replace("SANDBOX", self.sandbox)
