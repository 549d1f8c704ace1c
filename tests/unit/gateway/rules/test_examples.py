"""The example configuration does with the sample events what examples/README.md says."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.fixtures import Fixture, differences, read_fixtures
from core.document import read_document
from gateway.events.headers import Headers
from gateway.events.own_schemas import load_schemas
from gateway.events.parse import parse_events
from gateway.events.plain import plain_event
from gateway.rules.load import load_rules
from gateway.rules.plan import NO_RULE_MATCHED, Rules
from gateway.rules.port import Plan
from gateway.sources.load import check_sources
from tests.unit.gateway.rules.fakes import NOW
from vendors.load import load_journal, load_providers
from vendors.registry import VENDORS

EXAMPLES = Path(__file__).parents[4] / "examples"
JSON = Headers([("Content-Type", "application/json")])


@pytest.fixture(scope="module")
def rules() -> Rules:
    document = read_document(EXAMPLES / "postern.yaml")
    assert set(check_sources(document, load_schemas(document))) == {"shop", "storefront"}
    providers = load_providers(document, VENDORS)
    return load_rules(document, providers, VENDORS, load_journal(document).keep)


def plan(rules: Rules, name: str) -> Plan:
    body = (EXAMPLES / "events" / f"{name}.json").read_bytes()
    (event,) = parse_events(body, JSON, source="shop", now=NOW).events
    return rules.plan(event)


@pytest.mark.parametrize(
    ("name", "calls"),
    [
        ("01-order-placed", ["subscriptions/set", "send"]),
        ("02-user-signed-up", ["subscriptions/set", "send"]),
        ("06-order-shipped-fault", ["send"]),
    ],
)
def test_sample_events_become_calls(rules: Rules, name: str, calls: list[str]) -> None:
    actions = plan(rules, name).actions
    assert [action.operation for action in actions] == calls
    assert all(action.parked is None for action in actions)


def test_one_sample_event_matches_no_rule(rules: Rules) -> None:
    assert NO_RULE_MATCHED in plan(rules, "03-order-without-consent").notes


def test_one_sample_event_is_parked_for_a_missing_field(rules: Rules) -> None:
    (action,) = plan(rules, "04-order-shipped-without-tracking").actions
    assert action.parked is not None
    assert action.parked.endswith("with.text: data.tracking is missing")


def test_one_sample_event_is_another_sent_again(rules: Rules) -> None:
    first, again = plan(rules, "01-order-placed"), plan(rules, "05-order-placed-again")
    assert [a.id for a in first.actions] == [a.id for a in again.actions]


@pytest.mark.parametrize(
    "fixture", read_fixtures(EXAMPLES / "postern.test.yaml"), ids=lambda each: each.name
)
def test_the_fixtures_beside_the_example_hold(rules: Rules, fixture: Fixture) -> None:
    event = plain_event(fixture.event, source="shop", now=NOW)
    assert differences(fixture.expect, rules.plan(event).actions) == []
