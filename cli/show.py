"""`postern show`: why did this customer not get it? One event, from its rules to the provider's
answer."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click
from rich.console import Console

from cli.actions import why
from cli.journal import reading
from cli.options import json_option, settings_of, settings_options
from cli.output import add_row, console, moment, plain, print_json, state_text, table
from core.errors import PosternError
from core.journal.port import EventReport, Reported
from core.messages import RuleDecision
from core.settings import Settings
from gateway.http.answers import show_record


@click.command("show")
@click.argument("ref")
@json_option
@settings_options
def command(ref: str, as_json: bool, config: Path | None, data: Path | None) -> None:
    """Tell everything that is known of one event.

    REF is the reference from its receipt (ev_...). Told are: the event, what each rule made of it
    and which condition failed on which values, its actions, every attempt, and the provider's own
    reference.

    Example: postern show ev_5QmUV9wGTZzNXQ2Sk3Yy0HqDpv8A
    """
    report = asyncio.run(_read(settings_of(config, data), ref))
    if as_json:
        print_json(show_record(report))
    else:
        print_report(report, console())


async def _read(settings: Settings, ref: str) -> EventReport:
    if not ref.startswith("ev_"):
        raise PosternError("an event's reference begins with ev_; `postern actions` lists them")
    async with reading(settings) as journal:
        report = await journal.event(ref)
    if report is None:
        raise PosternError(
            f"the journal has no event {plain(ref)}; if its receipt is recent, "
            "the recorder may not have reached it yet"
        )
    return report


def print_report(report: EventReport, to: Console) -> None:
    """For people, in the order in which things happened."""
    event = report.record.event
    facts = table("", "")
    facts.show_header = False
    for name, value in (
        ("event", f"{event.type}  {event.id}  from {event.source}"),
        ("subject", event.subject),
        ("happened", moment(event.time) or "not told: order of arrival counts"),
        ("received", f"{moment(event.received_at)}, recorded {moment(report.recorded_at)}"),
        ("erased", "yes: a person was, so nothing of it is left" if event.erased else None),
        ("repeated", f"{report.repeats} times" if report.repeats else None),
        (
            "conflicts",
            f"told {report.conflicts} times with other content" if report.conflicts else None,
        ),
        ("rules", report.record.rules_version),
        *(("note", note) for note in report.record.notes),
    ):
        if value:
            add_row(facts, name, value)
    to.print(facts)
    to.print("\nDecision")
    for part in report.record.decision:
        to.print(f"  {plain(explained(part))}")
    if not report.record.decision:
        to.print("  No rule is on this type of event.")
    to.print("\nActions")
    if not report.actions:
        to.print("  None was planned.")
        return
    for action in report.actions:
        _print_action(action, to)


def _print_action(action: Reported, to: Console) -> None:
    rows = table("", "", "")
    rows.show_header = False
    reached = f"to {action.recipient}" if action.recipient else ""
    add_row(rows, f"  {action.rule}", f"{action.step} {reached}", state_text(action.state))
    to.print(rows)
    if reason := why(action):
        to.print(f"    {plain(reason)}")
    if action.reference:
        to.print(f"    the provider's reference: {plain(action.reference)}")
    if (receipt := action.receipt) is not None:
        to.print(f"    {receipt.stage} {moment(receipt.at)}: {plain(receipt.meaning)}")
    for number, attempt in enumerate(action.attempts, start=1):
        took = round(attempt.took.total_seconds() * 1000)
        line = f"attempt {number}  {moment(attempt.started_at)}  {attempt.outcome}  {took} ms"
        to.print(f"    {line}  {plain(attempt.reason)}".rstrip())


def explained(part: RuleDecision) -> str:
    """One rule's part of the decision, in one line."""
    values = ", ".join(f"{name} = {value!r}" for name, value in part.values.items())
    told = f" (with {values})" if values else ""
    if part.error is not None:
        return f"{part.rule}: failed: {part.error}{told}"
    if part.matched:
        return f"{part.rule}: matched{told}"
    return f"{part.rule}: did not match: {part.failed or 'its condition'}{told}"
