"""A configuration that is wrong or dangerous is refused as a whole: at the start, and by a gateway
that runs, which goes on with what it has."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bad_inputs.postern import (
    CONFIG,
    PROVIDERS,
    ROOT,
    RULES,
    SOURCES,
    Postern,
    environment,
    running,
)
from tests.servers.process import free_ports

REFUSED = 'postern_rules_reload_total{result="refused"}'
APPLIED = 'postern_rules_reload_total{result="applied"}'
WHEN = 'when: event.source == "shop" && data.total > 10'
TEXT = "Thanks for your order"
HTTP = "http://127.0.0.1:9"

BAD = {
    "unknown-key": (CONFIG.replace("when:", "wehn:"), "rules[0].wehn", "did you mean when?"),
    "anchors": (
        "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nd: [*c, *c]\n" + CONFIG,
        "a",
        "anchors",
    ),
    "merge-key": (CONFIG + "journal: {<<: {keep: 30d}}\n", "journal.<<", "merge keys"),
    "key-twice": (
        CONFIG.replace("on: order.placed", "on: order.placed\n    on: order.paid"),
        "rules[0].on",
        "already",
    ),
    "unquoted-phone": (
        CONFIG.replace('"${data.phone}"', "+4915112345678"),
        "rules[0].do[0].with.to",
        "in quotes",
    ),
    "python-object": (
        CONFIG.replace(f'"{TEXT}"', '!!python/object/apply:os.system ["touch /tmp/x"]'),
        "rules[0].do[0].with.text",
        "tags",
    ),
    "short-secret": (
        CONFIG.replace("env: OTHER_KEY", "env: SHORT_KEY"),
        "sources.other.verify.secrets[0]",
        "24 bytes",
    ),
    "secret-of-two": (
        CONFIG.replace("env: OTHER_KEY", "env: SHOP_KEY"),
        "sources.other.verify.secrets[0]",
        "another source has this secret",
    ),
    "unknown-provider": (
        CONFIG.replace("call: sms.send", "call: smss.send"),
        "rules[0].do[0].call",
        "configured: sms",
    ),
    "bad-cel": (CONFIG.replace(WHEN, "when: data.total >"), "rules[0].when", "not CEL"),
    "not-boolean": (CONFIG.replace(WHEN, "when: size(data)"), "rules[0].when", "true or false"),
    "bad-liquid": (
        CONFIG.replace(TEXT, "Hello {% if data.name %}"),
        "rules[0].do[0].with.text",
        "not Liquid",
    ),
    "two-rules-of-one-id": (CONFIG + RULES.split("rules:\n")[1], "rules[1].id", "has this id"),
    "http-url": (
        CONFIG.replace(HTTP, "http://sms.example.com"),
        "providers.sms.url",
        "use https",
    ),
    "metadata-address": (
        CONFIG.replace(HTTP, "https://169.254.169.254/latest"),
        "providers.sms.url",
        "allow_hosts",
    ),
    "metadata-address-in-ipv6": (
        CONFIG.replace(HTTP, "https://[::ffff:169.254.169.254]"),
        "providers.sms.url",
        "allow_hosts",
    ),
    "not-yaml": (CONFIG + "]\n", None, "not YAML"),
    "two-documents": (CONFIG + "---\nrules: []\n", None, "second"),
    "not-utf-8": (CONFIG.replace(TEXT, "Gr\udcfc\udcdfe"), None, "UTF-8"),
}


@pytest.fixture(scope="module")
def postern(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postern]:
    folder = tmp_path_factory.mktemp("postern")
    with running(folder, CONFIG, SHORT_KEY="only-23-bytes-are-here!") as it:
        yield it


def versions(postern: Postern) -> set[str]:
    """The one version of the rules that run."""
    return {name for name in postern.metrics() if name.startswith("postern_rules_info")}


def other(postern: Postern, than: set[str]) -> None:
    """Until another version runs."""
    postern.until(lambda: versions(postern) != than)


@pytest.mark.bad_input(42)
@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_refused_with_its_place_and_the_running_one_stays(
    postern: Postern, name: str
) -> None:
    config, field, problem = BAD[name]
    assert config != CONFIG
    before, told = postern.metrics(), len(postern.told())

    def refusals() -> list[str]:
        lines = postern.told()[told:].splitlines()
        return [it for it in lines if "reload_refused" in it and problem in it]

    with postern.taking(events=2, actions=2):
        version = postern.event().json["rules_version"]
        postern.configure(config)
        # Both sides refuse it; the line may be the other one's.
        postern.until(lambda: bool(refusals()) and postern.metrics()[REFUSED] > before[REFUSED])
        assert postern.event().json["rules_version"] == version
    line = refusals()[0]
    assert f"{postern.config}:" in line
    assert field is None or field in line
    assert "only-23-bytes" not in line
    after = postern.metrics()
    assert after[REFUSED] > before[REFUSED]
    assert after[APPLIED] == before[APPLIED]


@pytest.mark.bad_input(42)
def test_a_bad_file_stops_the_start_with_one_line_that_names_its_place(tmp_path: Path) -> None:
    config, field, problem = BAD["python-object"]
    (tmp_path / "postern.yaml").write_text(config)
    listen, admin = free_ports(2)
    ended = subprocess.run(
        [sys.executable, "-m", "cli", "run"],
        env=environment(
            tmp_path, POSTERN_LISTEN=f"127.0.0.1:{listen}", POSTERN_ADMIN=f"127.0.0.1:{admin}"
        ),
        cwd=ROOT,
        capture_output=True,
        timeout=60,
        check=False,
    )
    told = ended.stderr.decode()
    assert ended.returncode == 2
    assert told.count("\n") == 1
    assert f"{tmp_path / 'postern.yaml'}:" in told
    assert field is not None
    assert field in told
    assert problem in told


@pytest.mark.bad_input(42)
def test_words_that_an_older_yaml_would_turn_into_something_else_stay_what_they_are(
    postern: Postern,
) -> None:
    """`on` is a key, and NO, yes and 12:30 are texts."""
    rule = """
  - id: plain
    on: order.plain
    do:
      - call: sms.send
        with: {to: "+4915112345678", text: %s}
"""
    for written in ("NO", "yes", "off", "12:30", "1_000", "2026-01-22", "~x"):
        before = versions(postern)
        postern.configure(SOURCES + PROVIDERS + RULES + rule % written)
        other(postern, before)
        answer = postern.event(type="order.plain")
        (action,) = postern.record(answer.json["ref"], ended=True)["actions"]
        assert action["state"] == "skipped"
        assert postern.sent(answer.json["ref"])["text"] == written
