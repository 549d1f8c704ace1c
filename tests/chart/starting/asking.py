"""The event that is sent in these tests, and how the gateway and the simulators are asked."""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import orjson

from tests.chart.starting.cluster import Cluster
from tests.chart.starting.pod import Object

EVENT: Object = {
    "type": "order.placed",
    "data": {
        "customer": {
            "id": "c-1",
            "email": "ada@example.com",
            "phone": "0171 3920003",
            "first_name": "Ada",
        }
    },
}
SHOP_KEY = "a-shop-key-of-this-test-0123456789"
SECRETS = {
    "shop-key": SHOP_KEY,
    "shop-secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "altcraft-token": "token-of-altcraft",
    "sms-token": "token-of-the-text-gateway",
}
PATIENCE = timedelta(seconds=60)


def ask(method: str, url: str, body: Object | None = None, **headers: str) -> Any:
    """An HTTP request whose answer is JSON, or nothing."""
    request = urllib.request.Request(
        url, method=method, data=orjson.dumps(body) if body is not None else None, headers=headers
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        text = answer.read()
        return orjson.loads(text) if text else None


def effects(sandbox: str, call: str) -> list[Object]:
    found: list[Object] = ask("GET", f"{sandbox}/_sandbox/effects?call={call}")["effects"]
    return found


def until(seen: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + PATIENCE.total_seconds()
    while not seen():
        assert time.monotonic() < end, what
        time.sleep(0.1)


def gateway_of(cluster: Cluster) -> str:
    return f"http://{cluster.address('shop-postern', 80)}"


def post(cluster: Cluster, event: Object) -> Object:
    receipt: Object = ask(
        "POST",
        f"{gateway_of(cluster)}/v1/events",
        event,
        **{"Authorization": f"Bearer {SHOP_KEY}", "Content-Type": "application/json"},
    )
    return receipt


def refusal(cluster: Cluster, event: Object) -> int:
    """The status with which an event is refused; 0: it is taken."""
    try:
        post(cluster, event)
    except urllib.error.HTTPError as error:
        return error.code
    return 0
