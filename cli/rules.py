"""`postern rules`: the three commands that look at rules without sending anything."""

from __future__ import annotations

import click

from cli import rules_check, rules_test, rules_try


@click.group("rules")
def command() -> None:
    """Check, test and try the rules, without sending anything.

    Example: postern rules check postern.yaml
    """


command.add_command(rules_check.command)
command.add_command(rules_test.command)
command.add_command(rules_try.command)
