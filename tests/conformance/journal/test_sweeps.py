"""Order across operations: calls that find the same person in different ways, and calls that reach
over a whole database."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest

from core.clock import ManualClock
from core.journal.port import Claim, Finish, Granted, NotGranted, Target
from core.journal.sql import SqlJournal
from core.journal.states import State
from core.messages import Action
from tests.samples import NOON, a_claim, an_action

MINUTE = timedelta(minutes=1)
DATABASE = "!database-1"
EVERYTHING = "everything"
OF_SHOP = "everything-of-shop-2"
ClaimOf = Callable[[Action, int], Claim]


def single(action: Action, *, keys: tuple[str, ...] = ("p-1",), seq: int = 0) -> Claim:
    """Sets the status and the priority of one subscription."""
    return a_claim(
        action,
        seq=seq,
        order_keys=keys,
        within=DATABASE,
        targets=(
            Target(entity="subscription-1", fields=frozenset({"status"}), under=(EVERYTHING,)),
            Target(entity="subscription-1", fields=frozenset({"priority"})),
        ),
    )


def sweep(action: Action, *, over: str = EVERYTHING, seq: int = 0) -> Claim:
    """Suspends everybody."""
    return a_claim(
        action,
        seq=seq,
        order_keys=(DATABASE,),
        within=DATABASE,
        sweeps=True,
        targets=(Target(entity=over, fields=frozenset({"status"})),),
    )


async def done(journal: SqlJournal, action: Action, granted: Granted | NotGranted) -> None:
    assert isinstance(granted, Granted)
    assert await journal.finish(Finish(action_id=action.id, seq=granted.seq, state=State.DONE))


async def test_calls_that_share_one_of_their_keys_go_one_at_a_time(journal: SqlJournal) -> None:
    """One found the person by profile, the other by phone."""
    by_profile, by_phone = an_action("o-1"), an_action("o-2")
    first = await journal.claim(single(by_profile, keys=("profile", "phone")))
    waits = await journal.claim(single(by_phone, keys=("phone",)))
    assert isinstance(waits, NotGranted)
    assert waits.state is State.WAITING
    await done(journal, by_profile, first)
    (due,) = await journal.due(limit=10)
    assert due.message.action == by_phone, "the end of the other call wakes it"
    assert isinstance(await journal.claim(single(by_phone, keys=("phone",))), Granted)


async def test_an_outcome_frees_every_key(journal: SqlJournal) -> None:
    first, second, third = (an_action(f"o-{n}") for n in range(3))
    await done(journal, first, await journal.claim(single(first, keys=("a", "b", "c"))))
    assert isinstance(await journal.claim(single(second, keys=("a",))), Granted)
    assert isinstance(await journal.claim(single(third, keys=("c",))), Granted)


async def test_an_unknown_outcome_keeps_every_key_back(
    journal: SqlJournal, clock: ManualClock
) -> None:
    first, second = an_action("o-1"), an_action("o-2")
    granted = await journal.claim(single(first, keys=("a", "b")))
    assert isinstance(granted, Granted)
    hold = timedelta(seconds=30)
    await journal.finish(
        Finish(
            action_id=first.id,
            seq=granted.seq,
            state=State.WAITING,
            due_in=hold,
            unknown=True,
            hold_order=hold,
        )
    )
    assert isinstance(await journal.claim(single(second, keys=("b",))), NotGranted)
    clock.advance(hold)
    second = an_action("o-3")
    assert isinstance(await journal.claim(single(second, keys=("b",))), Granted)


async def test_a_sweep_waits_for_the_calls_under_way_and_they_for_it(journal: SqlJournal) -> None:
    before = an_action("o-1", at=NOON - MINUTE)
    everybody, after = an_action("all"), an_action("o-2")
    running = await journal.claim(single(before, keys=("p-1",)))
    waits = await journal.claim(sweep(everybody))
    assert isinstance(waits, NotGranted)
    assert waits.state is State.WAITING
    held_back = await journal.claim(single(after, keys=("p-2",)))
    assert isinstance(held_back, NotGranted), "nobody begins while a sweep waits"
    await done(journal, before, running)
    (due,) = await journal.due(limit=10)
    assert due.message.action == everybody
    swept = await journal.claim(sweep(everybody))
    assert isinstance(await journal.claim(single(an_action("o-3"), keys=("p-3",))), NotGranted)
    await done(journal, everybody, swept)
    assert len(await journal.due(limit=10)) == 2, "all who waited go on"


async def test_a_sweep_does_not_wait_for_another_database(journal: SqlJournal) -> None:
    elsewhere = a_claim(an_action("o-1"), order_keys=("p-1",), within="!database-2")
    assert isinstance(await journal.claim(elsewhere), Granted)
    assert isinstance(await journal.claim(sweep(an_action("all"))), Granted)


async def test_what_is_older_than_a_sweep_is_not_sent_after_it(journal: SqlJournal) -> None:
    """Everybody was suspended at 10:01. A subscription of 10:00 that is late must not undo it, and
    what else it says must not make a subscription that nobody has suspended."""
    older, everybody = an_action("older", at=NOON), an_action("all", at=NOON + MINUTE)
    await done(journal, everybody, await journal.claim(sweep(everybody)))
    late = await journal.claim(single(older))
    assert isinstance(late, NotGranted)
    assert (late.state, late.ended) == (State.PARKED, True)


async def test_a_newer_word_after_the_sweep_makes_the_older_one_harmless(
    journal: SqlJournal,
) -> None:
    older, everybody = an_action("older", at=NOON), an_action("all", at=NOON + MINUTE)
    newest = an_action("newest", at=NOON + 2 * MINUTE)
    await done(journal, everybody, await journal.claim(sweep(everybody)))
    newer = a_claim(
        newest,
        order_keys=("p-1",),
        within=DATABASE,
        targets=(
            Target(entity="subscription-1", fields=frozenset({"status"}), under=(EVERYTHING,)),
        ),
    )
    await done(journal, newest, await journal.claim(newer))
    late = await journal.claim(single(older))
    assert isinstance(late, Granted)
    assert late.keep == {"subscription-1": frozenset({"priority"})}


async def test_what_is_newer_than_a_sweep_is_whole(journal: SqlJournal) -> None:
    everybody, newer = an_action("all", at=NOON), an_action("newer", at=NOON + MINUTE)
    await done(journal, everybody, await journal.claim(sweep(everybody)))
    granted = await journal.claim(single(newer))
    assert isinstance(granted, Granted)
    assert granted.keep is None


@pytest.mark.parametrize(("over", "state"), [(EVERYTHING, State.PARKED), (OF_SHOP, State.DONE)])
async def test_a_late_sweep_is_parked_where_something_newer_was_said_within_its_reach(
    journal: SqlJournal, over: str, state: State
) -> None:
    """It can leave nobody out, and would overwrite the newer word."""
    everybody, newer = an_action("all", at=NOON), an_action("newer", at=NOON + MINUTE)
    await done(journal, newer, await journal.claim(single(newer)))
    result = await journal.claim(sweep(everybody, over=over))
    if state is State.DONE:
        assert isinstance(result, Granted)
    else:
        assert isinstance(result, NotGranted)
        assert (result.state, result.ended) == (State.PARKED, True)


async def test_what_waits_behind_a_sweep_does_not_count_as_newer_than_it(
    journal: SqlJournal,
) -> None:
    """Otherwise a sweep would be parked whenever the shop is busy."""
    before = an_action("o-1", at=NOON - MINUTE)
    everybody, newer = an_action("all", at=NOON), an_action("newer", at=NOON + MINUTE)
    running = await journal.claim(single(before, keys=("p-1",)))
    await journal.claim(sweep(everybody))
    assert isinstance(await journal.claim(single(newer, keys=("p-2",))), NotGranted)
    await done(journal, before, running)
    assert isinstance(await journal.claim(sweep(everybody)), Granted)


async def test_many_claims_of_both_kinds_at_once_are_all_decided(journal: SqlJournal) -> None:
    """Locks are taken in one order, whatever comes together."""
    singles = [single(an_action(f"o-{n}"), keys=(f"p-{n % 7}", f"c-{n % 5}")) for n in range(60)]
    sweeps = [sweep(an_action(f"all-{n}", at=NOON - MINUTE * n)) for n in range(3)]
    results = await asyncio.gather(*(journal.claim(claim) for claim in [*singles, *sweeps]))
    assert len(results) == 63
    granted = [
        claim
        for claim, result in zip([*singles, *sweeps], results, strict=True)
        if isinstance(result, Granted)
    ]
    taken = [key for claim in granted for key in claim.order_keys]
    assert len(taken) == len(set(taken)), "no key was given twice"


async def test_what_happens_is_never_superseded(journal: SqlJournal) -> None:
    """Two orders start the same message for the same person: the older one, late, starts it too."""
    older, newer = an_action("older", at=NOON), an_action("newer", at=NOON + MINUTE)
    start = Target(entity="start", fields=frozenset({"happens"}), happens=True)
    name = Target(entity="profile", fields=frozenset({"_fname"}))
    first = await journal.claim(a_claim(newer, order_keys=("p",), targets=(start, name)))
    await done(journal, newer, first)
    late = await journal.claim(a_claim(older, order_keys=("p",), targets=(start, name)))
    assert isinstance(late, Granted)
    assert late.keep == {"start": frozenset({"happens"}), "profile": frozenset()}


async def carry_due(journal: SqlJournal, claim_of: ClaimOf) -> set[str]:
    """Publish what is due, claim it, and let it be done where it is granted. Returns the events
    whose actions ended."""
    ended = set()
    for due in await journal.due(limit=10):
        await journal.mark_queued([due])
        action = due.message.action
        result = await journal.claim(claim_of(action, due.message.seq))
        if isinstance(result, Granted):
            await done(journal, action, result)
        if isinstance(result, Granted) or result.ended:
            ended.add(action.event_id)
    return ended


async def test_sweeps_that_wait_for_the_same_call_do_not_push_each_other_back(
    journal: SqlJournal, clock: ManualClock
) -> None:
    """The call dies with its worker, so that nothing wakes them: each comes back by itself."""

    def of_its_shop(action: Action, seq: int = 0) -> Claim:
        return sweep(action, over=f"everything-of-{action.event_id}", seq=seq)

    assert isinstance(await journal.claim(single(an_action("o-1"))), Granted)
    for n in (1, 2):
        waits = await journal.claim(of_its_shop(an_action(f"all-{n}", at=NOON + n * MINUTE)))
        assert isinstance(waits, NotGranted)
        clock.advance(timedelta(seconds=1))
    ended: set[str] = set()
    for _ in range(300):
        clock.advance(timedelta(seconds=1))
        ended |= await carry_due(journal, of_its_shop)
    assert ended == {"all-1", "all-2"}


async def test_the_end_of_a_call_wakes_the_sweep_that_waits_for_it(
    journal: SqlJournal, clock: ManualClock
) -> None:
    """Another call for the same person waits too, and is older: woken alone, it would find the
    sweep's turn taken, and both would wait until the finished call's lease would have run out."""

    def either(action: Action, seq: int = 0) -> Claim:
        if action.event_id == "all":
            return sweep(action, seq=seq)
        # What the sweep does not touch: otherwise the older call would not come after it at all.
        priority = Target(entity="subscription-1", fields=frozenset({"priority"}))
        return a_claim(action, seq=seq, order_keys=("p-1",), within=DATABASE, targets=(priority,))

    running, other = an_action("o-1", at=NOON), an_action("o-2", at=NOON + MINUTE)
    granted = await journal.claim(either(running))
    assert isinstance(await journal.claim(either(other)), NotGranted)
    everybody = an_action("all", at=NOON + 2 * MINUTE)
    assert isinstance(await journal.claim(either(everybody)), NotGranted)
    await done(journal, running, granted)
    clock.advance(timedelta(seconds=1))
    ended: set[str] = set()
    for _ in range(5):
        ended |= await carry_due(journal, either)
        clock.advance(timedelta(milliseconds=100))
    assert ended == {"o-2", "all"}
