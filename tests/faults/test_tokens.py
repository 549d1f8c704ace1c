"""Tokens that end while they are in use, where an account logs in: whatever notices it gets a new
one, and processes that end each other's tokens both go on."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from prometheus_client import CollectorRegistry

from consumers.calls import Calls
from consumers.metrics import ConsumerMetrics
from consumers.polling import Poller
from consumers.presence import Presence
from consumers.settings import ConsumerSettings
from core.configuration import SecretRef
from core.journal.states import State
from tests.faults.stage import Stage, a_text, a_text_by_any_phone, message
from vendors.smsgateway24 import SMSGATEWAY24
from vendors.smsgateway24.provider import SmsGateway24Provider

LOGIN: dict[str, Any] = {
    "token": None,
    "email": SecretRef(env="POSTERN_TEST_TOKEN"),
    "password": SecretRef(env="POSTERN_TEST_TOKEN"),
}


async def end_all_tokens(stage: Stage) -> None:
    async with stage.http.post(f"{stage.sandbox}/_sandbox/smsgateway24/tokens/revoke") as answer:
        assert answer.status == 204, await answer.text()


async def end_tokens_with_each_login(stage: Stage) -> None:
    turned = {"rotate_tokens": True}
    async with stage.http.patch(f"{stage.sandbox}/_sandbox/switches", json=turned) as answer:
        assert answer.status == 200, await answer.text()


def a_poller(stage: Stage, provider: SmsGateway24Provider, calls: Calls) -> Poller:
    follow = SMSGATEWAY24.operations["send"].follow
    assert follow is not None
    metrics = ConsumerMetrics(CollectorRegistry())
    settings = ConsumerSettings()
    return Poller(
        name="sms",
        provider=provider,
        follow=follow,
        calls=calls,
        journal=stage.journal,
        presence=Presence(stage.journal, metrics, settings.journal_pause),
        metrics=metrics,
        settings=settings,
        clock=stage.clock,
    )


async def test_asking_for_receipts_gets_a_new_token_when_the_old_one_ended(stage: Stage) -> None:
    """No text need go out meanwhile: nobody else would notice."""
    provider = stage.sms_provider(**LOGIN, poll=("10s", "20s", "40s"))
    calls = await stage.calls("sms", provider)
    text = a_text()
    await stage.deliver(stage.carrier("sms", provider, calls), message(text))
    assert (await stage.stored(text)).state is State.DONE
    await end_all_tokens(stage)
    poller = a_poller(stage, provider, calls)
    for _ in range(20):
        await stage.pass_time(60)
        await poller.turn()
    assert (await stage.stored(text)).receipt is not None


async def test_looking_for_phones_gets_a_new_token_when_the_old_one_ended(stage: Stage) -> None:
    """Without a phone no text goes out, so that no text would notice."""
    worker = await stage.sms(**LOGIN | {"device_id": (260, 261), "pick": "online"})
    first, after_a_night = a_text_by_any_phone("o-1"), a_text_by_any_phone("o-2")
    await stage.deliver(worker, message(first))
    assert (await stage.stored(first)).state is State.DONE
    await end_all_tokens(stage)
    await stage.pass_time(timedelta(hours=8).total_seconds())
    await stage.deliver(worker, message(after_a_night))
    for _ in range(20):
        await stage.pass_time(60)
        await stage.deliver_due(worker)
    assert (await stage.stored(after_a_night)).state is State.DONE


async def test_two_processes_that_end_each_others_tokens_both_send(stage: Stage) -> None:
    await end_tokens_with_each_login(stage)
    await end_all_tokens(stage)
    workers = [await stage.sms(**LOGIN) for _ in range(2)]
    states = []
    for n in range(60):
        text = a_text(f"o-{n}")
        await stage.deliver(workers[n % 2], message(text))
        states.append((await stage.stored(text)).state)
        await stage.pass_time(1)
    assert states == [State.DONE] * 60
