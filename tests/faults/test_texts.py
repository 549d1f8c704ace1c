"""A customer gets a text once: every schedule that would send it twice, or never."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from core.errors import MaybeSent
from core.journal.port import Claim, Granted
from core.journal.states import State
from tests.faults.stage import Stage, a_text, message
from tests.samples import NOON, a_record

SENT = "addsms"


async def sent(stage: Stage) -> list[str]:
    return [effect["params"]["body"] for effect in await stage.effects(SENT)]


async def prove_lookup(stage: Stage, worker: object) -> None:
    """An earlier text of this account, by which an empty lookup can be believed."""
    await stage.deliver(worker, message(a_text("earlier")))  # type: ignore[arg-type]


async def test_two_workers_with_the_same_message_send_one_text(stage: Stage) -> None:
    one, two = await stage.sms(), await stage.sms()
    action = a_text()
    await asyncio.gather(stage.deliver(one, message(action)), stage.deliver(two, message(action)))
    assert await sent(stage) == ["Order o-1"]
    assert (await stage.stored(action)).state is State.DONE


async def test_the_same_event_with_another_body_sends_what_the_journal_shows(
    stage: Stage,
) -> None:
    worker = await stage.sms()
    first, other = a_text(), a_text(to="+4915199999999")
    await stage.journal.record([a_record("o-1", first)])
    await stage.deliver(worker, message(other))
    (effect,) = await stage.effects(SENT)
    assert effect["params"]["sendto"] == first.params["to"]
    assert (await stage.stored(first)).state is State.DONE


@pytest.mark.fault(24)
async def test_a_connection_lost_after_the_effect_is_looked_up_and_not_sent_again(
    stage: Stage,
) -> None:
    worker = await stage.sms()
    await stage.fault(SENT, "drop-after-effect", times=1)
    action = a_text()
    await stage.deliver(worker, message(action))
    assert (await stage.stored(action)).state is State.WAITING
    await stage.pass_time(31)
    assert await stage.deliver_due(worker) == 1
    stored = await stage.stored(action)
    assert stored.state is State.DONE
    assert stored.reference == (await stage.effects(SENT))[0]["reference"]
    assert await sent(stage) == ["Order o-1"]


async def test_nothing_is_looked_up_before_the_lag_is_over(stage: Stage) -> None:
    """The effect may become visible late: an early lookup would miss it and send a second text."""
    worker = await stage.sms()
    await stage.fault(SENT, "drop-after-effect", times=1)
    action = a_text()
    await stage.deliver(worker, message(action))
    await stage.pass_time(29)
    assert await stage.deliver_due(worker) == 0


async def test_a_text_that_is_provably_not_there_is_sent(stage: Stage) -> None:
    worker = await stage.sms()
    await prove_lookup(stage, worker)
    await stage.fault(SENT, "drop-before", times=1)
    action = a_text()
    await stage.deliver(worker, message(action))
    await stage.pass_time(31)
    await stage.deliver_due(worker)
    assert (await stage.stored(action)).state is State.DONE
    assert await sent(stage) == ["Order earlier", "Order o-1"]


async def test_an_empty_lookup_that_has_never_found_anything_proves_nothing(stage: Stage) -> None:
    """A new account, a filter that is ignored: not found must not mean not there."""
    worker = await stage.sms()
    await stage.fault(SENT, "drop-before", times=1)
    action = a_text()
    await stage.deliver(worker, message(action))
    await stage.pass_time(31)
    await stage.deliver_due(worker)
    stored = await stage.stored(action)
    assert stored.state is State.PARKED
    assert "has not yet found" in (stored.reason or "")
    assert await sent(stage) == []


async def test_an_earlier_text_proves_nothing_if_the_same_form_cannot_find_it(
    stage: Stage,
) -> None:
    worker = await stage.sms()
    await prove_lookup(stage, worker)
    await stage.fault(SENT, "drop-before", times=1)
    await stage.fault("getallsms", "error-body", times=2, message="no such filter")
    action = a_text()
    await stage.deliver(worker, message(action))
    await stage.pass_time(31)
    await stage.deliver_due(worker)
    assert (await stage.stored(action)).state is State.WAITING, "a failed lookup is tried again"
    assert await sent(stage) == ["Order earlier"]


async def test_a_lookup_that_keeps_failing_parks_the_text(stage: Stage) -> None:
    worker = await stage.sms(retry=("1s",))
    await stage.fault(SENT, "drop-after-effect", times=1)
    await stage.fault("getallsms", "status", status=503)
    action = a_text()
    await stage.deliver(worker, message(action))
    for _ in range(3):
        await stage.pass_time(40)
        await stage.deliver_due(worker)
    assert (await stage.stored(action)).state is State.PARKED
    assert await sent(stage) == ["Order o-1"]


async def test_another_customers_identical_text_is_not_taken_for_ours(stage: Stage) -> None:
    """Same number and body from another event: its tag is its own, so ours is not there."""
    worker = await stage.sms()
    other = a_text("other")
    await stage.deliver(worker, message(other))
    await stage.fault(SENT, "drop-before", times=1)
    action = a_text()
    action.params["text"] = other.params["text"]
    await stage.deliver(worker, message(action))
    await stage.pass_time(31)
    await stage.deliver_due(worker)
    assert await sent(stage) == ["Order other", "Order other"]


async def test_a_worker_killed_after_the_call_and_before_the_record_sends_no_second_text(
    stage: Stage,
) -> None:
    """kill -9 between the answer and the journal: the message comes again, the row is running."""
    killed, other = await stage.sms(), await stage.sms()
    action = a_text()

    async def die(_finish: object) -> bool:
        raise asyncio.CancelledError

    recording = killed._journal
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recording, "finish", die)
        with pytest.raises(asyncio.CancelledError):
            await stage.deliver(killed, message(action))
    await stage.deliver(other, message(action))
    assert await sent(stage) == ["Order o-1"]
    await stage.pass_time(60)
    await stage.pass_time(31)
    assert await stage.deliver_due(other) == 1
    assert (await stage.stored(action)).state is State.DONE
    assert await sent(stage) == ["Order o-1"]


async def test_a_worker_killed_before_the_call_loses_nothing(stage: Stage) -> None:
    worker = await stage.sms()
    await prove_lookup(stage, worker)
    action = a_text()
    granted = await stage.journal.claim(
        Claim(message=message(action), owner="killed", lease=timedelta(seconds=20))
    )
    assert isinstance(granted, Granted)
    await stage.pass_time(21)
    await stage.pass_time(31)
    await stage.deliver_due(worker)
    assert (await stage.stored(action)).state is State.DONE
    assert await sent(stage) == ["Order earlier", "Order o-1"]


async def test_a_process_stopped_before_its_call_does_not_call_when_it_wakes(
    stage: Stage,
) -> None:
    """SIGSTOP between claim and call, for longer than the lease: somebody else may have it by
    now."""
    stopped, other = await stage.sms(), await stage.sms()
    await prove_lookup(stage, other)
    action = a_text()
    claim = stage.journal.claim

    async def claim_then_sleep(wanted: Claim) -> object:
        result = await claim(wanted)
        stage.clock.advance(timedelta(seconds=60))
        return result

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stage.journal, "claim", claim_then_sleep)
        await stage.deliver(stopped, message(action))
    assert await sent(stage) == ["Order earlier"]
    await stage.pass_time(31)
    await stage.deliver_due(other)
    assert await sent(stage) == ["Order earlier", "Order o-1"]


async def test_a_text_too_late_is_not_sent_even_after_a_failed_call(stage: Stage) -> None:
    worker = await stage.sms()
    await prove_lookup(stage, worker)
    await stage.fault(SENT, "drop-before", times=1)
    action = a_text(expires_at=NOON + timedelta(seconds=10))
    await stage.deliver(worker, message(action))
    await stage.pass_time(31)
    await stage.deliver_due(worker)
    assert (await stage.stored(action)).state is State.EXPIRED
    assert await sent(stage) == ["Order earlier"]


async def test_a_late_text_whose_call_took_effect_is_done_not_expired(stage: Stage) -> None:
    worker = await stage.sms()
    await stage.fault(SENT, "drop-after-effect", times=1)
    action = a_text(expires_at=NOON + timedelta(seconds=10))
    await stage.deliver(worker, message(action))
    await stage.pass_time(31)
    await stage.deliver_due(worker)
    assert (await stage.stored(action)).state is State.DONE


@pytest.mark.fault(20)
async def test_a_timeout_is_unknown_and_html_behind_a_200_too(stage: Stage) -> None:
    worker = await stage.sms()
    for event_id, kind in (("slow", "slow-after-effect"), ("html", "html-after-effect")):
        await stage.fault(SENT, kind, times=1, delay=4)
        action = a_text(event_id)
        await stage.deliver(worker, message(action))
        assert (await stage.stored(action)).state is State.WAITING
    await stage.pass_time(31)
    await stage.deliver_due(worker)
    assert sorted(await sent(stage)) == ["Order html", "Order slow"]


@pytest.mark.fault(22)
async def test_a_refusal_is_parked_with_the_providers_words(stage: Stage) -> None:
    worker = await stage.sms()
    await stage.fault(SENT, "error-body", times=1, message="Device not found")
    action = a_text()
    await stage.deliver(worker, message(action))
    stored = await stage.stored(action)
    assert stored.state is State.PARKED
    assert "Device not found" in (stored.reason or "")


async def test_a_listed_temporary_text_is_tried_again(stage: Stage) -> None:
    worker = await stage.sms(temporary_texts=("try later",))
    await stage.fault(SENT, "error-body", times=1, message="Busy, please TRY LATER")
    action = a_text()
    await stage.deliver(worker, message(action))
    await stage.pass_time(5)
    await stage.deliver_due(worker)
    assert (await stage.stored(action)).state is State.DONE


@pytest.mark.fault(20)
async def test_a_503_is_tried_again_and_honours_retry_after(stage: Stage) -> None:
    worker = await stage.sms()
    await stage.fault(SENT, "status", status=503, times=1, retry_after=120)
    action = a_text()
    await stage.deliver(worker, message(action))
    await stage.pass_time(100)
    assert await stage.deliver_due(worker) == 0
    await stage.pass_time(40)
    assert await stage.deliver_due(worker) == 1
    assert await sent(stage) == ["Order o-1"]


async def test_nothing_listening_is_no_unknown_outcome(stage: Stage) -> None:
    """The connection was refused, so nothing was sent: no lookup is needed before the next try."""
    worker = await stage.sms(retry=("1s", "1s"))
    worker._calls._caller._url = "http://127.0.0.1:1"  # type: ignore[attr-defined]
    action = a_text()
    await stage.deliver(worker, message(action))
    report = await stage.stored(action)
    assert (report.state, report.reason) == (State.WAITING, "cannot connect")


async def test_a_client_error_after_writing_says_maybe(stage: Stage) -> None:
    worker = await stage.sms()
    await stage.fault(SENT, "drop-before", times=1)
    action = a_text()
    with pytest.MonkeyPatch.context() as patch:
        seen: list[BaseException] = []
        call = worker._calls._caller.call

        async def spy(*args: object, **kwargs: object) -> object:
            try:
                return await call(*args, **kwargs)  # type: ignore[arg-type]
            except MaybeSent as error:
                seen.append(error)
                raise

        patch.setattr(worker._calls._caller, "call", spy)
        await stage.deliver(worker, message(action))
    assert [str(error) for error in seen] == ["connection lost"]


async def test_a_country_that_is_not_allowed_is_skipped_without_a_call(stage: Stage) -> None:
    worker = await stage.sms()
    action = a_text(to="+447400123456")
    await stage.deliver(worker, message(action))
    stored = await stage.stored(action)
    assert (stored.state, stored.reason) == (State.SKIPPED, "country GB is not allowed")
    assert await sent(stage) == []


async def test_a_dry_run_and_a_stranger_are_skipped_without_a_call(stage: Stage) -> None:
    dry = await stage.sms(mode="dry-run")
    only = await stage.sms(only_to=("+4915199999999",))
    first, second = a_text("dry"), a_text("stranger")
    await stage.deliver(dry, message(first))
    await stage.deliver(only, message(second))
    assert (await stage.stored(first)).state is State.SKIPPED
    assert (await stage.stored(second)).state is State.SKIPPED
    assert await sent(stage) == []


@pytest.mark.fault(32)
async def test_a_message_that_cannot_be_read_is_parked_and_let_go(stage: Stage) -> None:
    worker = await stage.sms()
    for body in (b"\xff", b'{"v": 2, "kind": "action"}', b'{"v": 1, "kind": "action", "seq": 0}'):
        await worker.carry(body, a_text().lane)
    books = await stage.journal.books()
    assert books.states == {State.PARKED: 3}


@pytest.mark.fault(31)
@pytest.mark.fault(32)
async def test_an_operation_this_worker_does_not_know_is_parked(stage: Stage) -> None:
    """Old and new versions run side by side during a rollout."""
    worker = await stage.sms()
    action = a_text(operation="fax")
    await stage.deliver(worker, message(action))
    stored = await stage.stored(action)
    assert (stored.state, stored.reason) == (
        State.PARKED,
        "this worker does not know the operation",
    )
