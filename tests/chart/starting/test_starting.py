"""What the chart renders starts here: hooks, processes, probes, `helm test`, and an orderly end.

Commands, environment, volumes, users and probes are those of the manifests. Only ports are others,
and the providers are simulators.
"""

from __future__ import annotations

import base64
import os
import sys
import threading
import time
from io import StringIO
from urllib.parse import urlsplit

import orjson
import pytest
from ruamel.yaml import YAML

from tests.chart.starting.asking import EVENT, PATIENCE, effects, post, refusal, until
from tests.chart.starting.conftest import Installing
from tests.chart.starting.pod import Broken
from tests.servers.proxy import Proxy

GROUPS = {
    "default": {"consumers", "gateway"},
    "split-by-role": {"gateway", "recorder", "scheduler", "worker"},
    "split-by-provider": {"gateway", "recorder", "scheduler", "worker-altcraft", "worker-sms"},
    "groups": {"gateway", "records", "rest", "texts"},
    "existing-configmap": None,
    "trial-secret": None,
    "embedded": {"embedded"},
}
"""The values files that are started, and the workloads that each must come to."""

QUICKLY = {"gateway": {"preStop": "1s", "grace": "1s"}}


@pytest.mark.parametrize("variant", GROUPS)
def test_what_is_rendered_starts_carries_out_an_event_and_ends(
    installing: Installing, sandbox: str, variant: str
) -> None:
    """Hooks, then every group; ready by its own probes; a text and a subscription at the providers;
    an end within the time that the pod is given."""
    more = QUICKLY if variant != "embedded" else {}
    cluster, rendered = installing(variant, **more)
    if GROUPS[variant] is not None:
        assert {name.removeprefix("shop-postern-") for name in cluster.pods} == GROUPS[variant]
    if not rendered.kind("Pod"):
        post(cluster, {"id": "o-1", **EVENT})
    else:
        told = cluster.test(rendered)
        assert "done" in told, told
    until(lambda: len(effects(sandbox, "addsms")) == 1, "the text")
    assert "Ada" in str(effects(sandbox, "addsms")[0])
    codes = cluster.stop()
    assert set(codes.values()) == {0}, codes


def test_a_signed_event_is_carried_out_with_the_pauses_as_rendered(
    installing: Installing, sandbox: str
) -> None:
    """Standard Webhooks, as a shop system signs; and the defaults of an end, which load balancers
    need, fit into the time that the pods are given."""
    cluster, rendered = installing("signed-test")
    told = cluster.test(rendered)
    assert "done" in told, told
    assert len(effects(sandbox, "addsms")) == 1
    begun = time.monotonic()
    assert set(cluster.stop().values()) == {0}
    assert time.monotonic() - begun > 10, "preStop and grace have been waited for"


def test_a_container_has_nothing_but_what_it_is_given(installing: Installing) -> None:
    """This holds the tests here to what they claim: the user, no capability, and no place to write
    to but volumes; and a secret can be read by the pod's group alone."""
    cluster, _ = installing("default", **QUICKLY)
    look = """
import json, os, pathlib, stat
def can_write(place):
    try:
        (pathlib.Path(place) / "x").write_text("x")
    except OSError:
        return False
    return True
status = dict(line.split(":\\t", 1) for line in open("/proc/self/status").read().splitlines())
kept = os.stat("/run/secrets/postern/sms-token")
print(json.dumps({
    "user": os.getuid(), "group": os.getgid(), "groups": os.getgroups(),
    "capabilities": [int(status[name], 16) for name in ("CapEff", "CapPrm", "CapInh", "CapBnd")],
    "privileges": status["NoNewPrivs"], "mode": oct(stat.S_IMODE(kept.st_mode)),
    "writable": [it for it in ("/", "/tmp", "/etc/postern", "/opt/postern", "/var/lib/postern")
                 if can_write(it)],
    "root": sorted(os.listdir("/")), "home": os.environ.get("HOME"),
}))
"""
    done = cluster.pods["shop-postern-gateway"].container.run(
        ["python", "-c", look], within=PATIENCE
    )
    found = orjson.loads(done.stdout)
    assert found["writable"] == ["/tmp"]
    assert found["mode"] == "0o440"
    assert found["home"] is None
    assert not {"root", "home", "work", "srv"} & {
        name for name in found["root"] if f"/{name}/" not in f"{sys.base_prefix}/"
    }
    assert found["privileges"] == "1"
    if os.geteuid() == 0:
        assert (found["user"], found["group"], found["groups"]) == (10001, 10001, [10001])
        assert found["capabilities"] == [0, 0, 0, 0]


def test_a_pod_that_takes_longer_than_it_is_given_is_found(installing: Installing) -> None:
    """The kubelet would kill it, and with it what it has in hand."""
    rendered = installing.render("embedded")
    rendered.workloads[0]["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] = 1
    cluster = installing.install(rendered)
    with pytest.raises(Broken, match="took longer than 0:00:01 to end"):
        cluster.stop()


def test_a_probe_that_asks_at_the_wrong_place_is_found(installing: Installing) -> None:
    rendered = installing.render("embedded")
    (container,) = rendered.workloads[0]["spec"]["template"]["spec"]["containers"]
    container["readinessProbe"]["httpGet"]["path"] = "/ready"
    container["readinessProbe"]["periodSeconds"] = 1
    with pytest.raises(Broken, match="readinessProbe says no"):
        installing.install(rendered)


def test_a_spooling_gateway_is_kept_until_its_spool_is_empty(
    installing: Installing, sandbox: str, broker_url: str
) -> None:
    """The broker is away, an event is taken all the same, and the pod is told to go: it does when
    the broker is back and has the event."""
    with Proxy(urlsplit(broker_url).port or 0) as road:
        installing.secrets["broker"] = road.url(broker_url)
        cluster, rendered = installing("spool")
        assert "done" in cluster.test(rendered)
        road.refuse()
        road.reset()
        spooled = {"id": "o-spooled", **EVENT}
        until(lambda: refusal(cluster, spooled) == 0, "an event taken while the broker is away")
        ended: dict[str, int] = {}
        gateway = cluster.pods["shop-postern-gateway"]
        going = threading.Thread(target=lambda: ended.update(gateway=gateway.stop()))
        going.start()
        going.join(5)
        assert going.is_alive(), "it waits"
        assert gateway.container.running
        road.refuse(refusing=False)
        going.join(PATIENCE.total_seconds())
        assert ended == {"gateway": 0}
        until(lambda: len(effects(sandbox, "addsms")) == 2, "the text of the spooled event")
        del cluster.pods["shop-postern-gateway"]
        assert set(cluster.stop().values()) == {0}


def test_a_changed_configuration_and_secret_are_taken_over_without_a_restart(
    installing: Installing, sandbox: str
) -> None:
    """The kubelet swaps a symlink in the volume. What runs goes on: same processes, new rules, new
    key."""
    cluster, _ = installing("default", **QUICKLY)
    before = {name: pod.container.pid for name, pod in cluster.pods.items()}
    unknown = {"id": "p-1", "type": "order.paid", "data": {"phone": "0171 3920003"}}
    assert post(cluster, unknown)["actions"] == []

    yaml = YAML(typ="safe")
    held = cluster.get("ConfigMap", "shop-postern")["data"]
    document = yaml.load(held["postern.yaml"])
    text = {"to": "${data.phone}", "text": "Paid, thank you."}
    document["rules"].append(
        {"id": "paid", "on": "order.paid", "do": [{"call": "sms.send", "with": text}]}
    )
    out = StringIO()
    yaml.dump(document, out)
    cluster.change("ConfigMap", "shop-postern", {**held, "postern.yaml": out.getvalue()})
    until(lambda: bool(post(cluster, {**unknown, "id": "p-2"})["actions"]), "the new rule")
    until(lambda: bool(effects(sandbox, "addsms")), "its text")

    secrets = cluster.get("Secret", "postern-secrets")["data"]
    newer = base64.b64encode(b"another-shop-key-of-this-test-0123").decode()
    cluster.change("Secret", "postern-secrets", {**secrets, "shop-key": newer})
    until(lambda: refusal(cluster, {**unknown, "id": "p-3"}) == 401, "the old key is refused")
    assert {name: pod.container.pid for name, pod in cluster.pods.items()} == before
    assert set(cluster.stop().values()) == {0}


def test_the_embedded_form_keeps_its_volume_over_a_new_pod(
    installing: Installing, sandbox: str
) -> None:
    """The same event again is recognised by the pod that comes after."""
    cluster, rendered = installing("embedded")
    first = post(cluster, {"id": "o-1", **EVENT})
    until(lambda: len(effects(sandbox, "addsms")) == 1, "the text")
    assert cluster.stop() == {"shop-postern-embedded": 0}
    cluster.install(rendered)
    assert post(cluster, {"id": "o-1", **EVENT})["ref"] == first["ref"]
    told = cluster.test(rendered)
    assert "done" in told, told
    assert len(effects(sandbox, "addsms")) == 2, "the test's own, and nothing twice"
    assert set(cluster.stop().values()) == {0}


def test_a_secret_without_a_key_that_is_referred_to_stops_the_installation(
    installing: Installing,
) -> None:
    """The kubelet would not start that container; nor does this, or it would show nothing."""
    with pytest.raises(Broken, match="Secret postern-secrets has no key"):
        installing("default", secrets={"keys": {"journal": "no-such-key"}})
