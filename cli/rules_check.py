"""`postern rules check`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from core.document import read_document
from gateway.load import load_configuration
from gateway.rules.load import load_rules
from gateway.rules.plan import Rules
from vendors.load import load_journal, load_providers
from vendors.registry import VENDORS

StepIds = Mapping[tuple[str, str], str]
"""(rule id, step id) to the call that it is."""


@click.command("check")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--against",
    type=click.Path(path_type=Path),
    metavar="OLD",
    help="The configuration in force: tells which ids of actions change.",
)
def command(file: Path, against: Path | None) -> None:
    """Tell whether a configuration is right, and if not, where and what was expected.

    Secrets are not read, so it can run where there are none. With --against, ids of actions that
    are gone or mean something else are named: an event that is sent again across the change would
    be carried out anew there. That is a warning; the exit code stays 0.

    Example: postern rules check new.yaml --against postern.yaml
    """
    rules = load(file)
    steps = sum(len(rule.steps) for rule in rules.rules)
    print(f"{file}: right; {len(rules.rules)} rules, {steps} steps, version {rules.version}")
    if against is not None:
        for line in changes(step_ids(load(against)), step_ids(rules)):
            print(f"warning: {line}")


def load(file: Path) -> Rules:
    """The compiled rules of a configuration that is right in every section. Raises
    ConfigurationError."""
    load_configuration(file)
    document = read_document(file)
    providers = load_providers(document, VENDORS)
    return load_rules(document, providers, VENDORS, load_journal(document).keep)


def step_ids(rules: Rules) -> StepIds:
    return {
        (rule.id, step.id): f"{step.provider_name}.{step.operation.name}"
        for rule in rules.rules
        for step in rule.steps
    }


def changes(old: StepIds, new: StepIds) -> list[str]:
    """What a repeated event would meet: ids that are gone, new ones in known rules, other calls."""
    known_rules = {rule for rule, _ in old}
    found = []
    for (rule, step), call in old.items():
        if (rule, step) not in new:
            found.append(
                f"rule {rule}, step {step}: this id is gone; its actions are known no more"
            )
        elif new[rule, step] != call:
            found.append(
                f"rule {rule}, step {step}: this id was {call} and is {new[rule, step]} now"
            )
    for rule, step in new:
        if (rule, step) not in old and rule in known_rules:
            found.append(
                f"rule {rule}, step {step}: this id is new; "
                "an event that is sent again is carried out there"
            )
    return found
