"""When the demo went as it should, and what it says if not."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from cli.samples import SAMPLES, STUMBLE, TEXT, Sample
from cli.verdict import Effect, Told, problems
from core.journal.port import Attempt, EventReport, Reported
from core.journal.states import State
from core.messages import EventRecord
from tests.samples import NOON, an_event

ONE_TEXT = Sample(file="x.json", shows="a text", steps={TEXT: (State.DONE, 1)})
SENT = Effect(call="addsms", reference="7")


def action(
    *, state: State = State.DONE, reference: str | None = "7", attempts: int = 1
) -> Reported:
    return Reported(
        id="ac_1",
        ref="ev_1",
        source="shop",
        rule="r",
        step=TEXT,
        provider="sms",
        operation="send",
        lane="normal",
        state=state,
        reason=None,
        reference=reference,
        recipient=None,
        due_at=None,
        created_at=NOON,
        updated_at=NOON,
        attempts=(Attempt(started_at=NOON, took=timedelta(0), outcome="done"),) * attempts,
    )


def told(*actions: Reported, sample: Sample = ONE_TEXT) -> Told:
    record = EventRecord(event=an_event(), rules_version="v")
    report = EventReport(
        record=record, recorded_at=NOON, repeats=0, conflicts=0, actions=tuple(actions)
    )
    return Told(sample=sample, ref="ev_1", report=report)


def found(*each: Told, effects: tuple[Effect, ...] = (SENT,)) -> list[str]:
    return problems(each, effects, since=NOON)


def test_as_expected_and_carried_out_once_is_well() -> None:
    assert found(told(action())) == []


def test_the_same_event_twice_counts_its_action_once() -> None:
    assert found(told(action()), told(action())) == []


def test_a_text_sent_twice_is_told() -> None:
    """Also if the journal thinks that all is well."""
    twice = (SENT, Effect(call="addsms", reference="8"))
    assert any("2 effects" in line for line in found(told(action()), effects=twice))


def test_a_text_never_sent_is_told() -> None:
    assert any("0 effects" in line for line in found(told(action()), effects=()))


def test_another_text_than_the_journal_knows_is_told() -> None:
    other = (Effect(call="addsms", reference="8"),)
    assert any(
        "not those that the journal knows" in line for line in found(told(action()), effects=other)
    )


def test_another_state_too_few_attempts_and_a_missing_record_are_told() -> None:
    assert "waiting, expected done" in found(told(action(state=State.WAITING)), effects=())[0]
    retried = replace(ONE_TEXT, steps={TEXT: (State.DONE, 2)})
    assert "1 attempts, expected 2" in found(told(action(), sample=retried))[0]
    missing = Told(sample=ONE_TEXT, ref="ev_1", report=None)
    assert found(missing, effects=()) == ["x.json: the journal does not have it"]


def test_what_an_earlier_demo_did_is_not_looked_for() -> None:
    """With --data the journal remembers; the simulators start empty."""
    later = NOON + timedelta(hours=1)
    assert problems([told(action())], [], since=later) == []


def test_the_samples_show_what_the_demo_is_for() -> None:
    """An order with two actions, a sign-up, no match, parked, sent twice, done after a retry."""
    assert [len(sample.steps) for sample in SAMPLES] == [2, 2, 0, 1, 2, 1]
    states = [state for sample in SAMPLES for state, _ in sample.steps.values()]
    assert states.count(State.PARKED) == 1
    assert max(attempts for sample in SAMPLES for _, attempts in sample.steps.values()) == 2
    assert STUMBLE["status"] == 503
