"""Which call each confirm belongs to, whatever order they come in."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from core.broker.rabbitmq.pipelined.flight import Call, Flight
from core.errors import BrokerError, BrokerUnavailable, PublishRefused, Unroutable

Verdicts = dict[int, BrokerError | None]


def call(verdicts: Verdicts, number: int, messages: int, deadline: float = 0) -> Call:
    def settle(error: BrokerError | None) -> None:
        assert number not in verdicts, "one verdict for each call"
        verdicts[number] = error

    return Call(messages, settle, deadline)


@given(data=st.data(), sizes=st.lists(st.integers(1, 4), min_size=1, max_size=12))
def test_every_call_ends_once_with_what_was_said_of_its_own_messages(
    data: st.DataObject, sizes: list[int]
) -> None:
    """Against a plain model: each tag is confirmed once, refused or not, returned before or not."""
    flight, verdicts = Flight(), Verdicts()
    owners: dict[int, int] = {}
    for number, size in enumerate(sizes):
        flight.add(call(verdicts, number, size))
        owners |= dict.fromkeys(range(len(owners) + 1, len(owners) + 1 + size), number)
    returned = data.draw(st.sets(st.sampled_from(sorted(owners))))
    refused: set[int] = set()
    for tag in returned:
        flight.returned(tag)
    still = sorted(owners)
    while still:
        tag = data.draw(st.sampled_from(still))
        multiple, taken = data.draw(st.booleans()), data.draw(st.booleans())
        flight.confirmed(tag, multiple=multiple, taken=taken)
        meant = {each for each in still if each <= tag} if multiple else {tag}
        refused |= set() if taken else meant
        still = [each for each in still if each not in meant]
        done = {owners[each] for each in owners} - {owners[each] for each in still}
        assert verdicts.keys() == done
    assert len(flight) == 0
    for number, verdict in verdicts.items():
        own = {tag for tag, owner in owners.items() if owner == number}
        expected = Unroutable if own & returned else PublishRefused if own & refused else None
        assert (type(verdict) if verdict is not None else None) is expected


def test_a_tag_of_zero_means_everything_so_far() -> None:
    flight, verdicts = Flight(), Verdicts()
    for number in range(3):
        flight.add(call(verdicts, number, 2))
    flight.confirmed(0, multiple=True, taken=True)
    assert verdicts == {0: None, 1: None, 2: None}
    flight.add(call(verdicts, 3, 1))
    assert 3 not in verdicts


def test_a_late_confirm_belongs_to_nobody_else() -> None:
    flight, verdicts = Flight(), Verdicts()
    flight.add(call(verdicts, 0, 1, deadline=1.0))
    flight.add(call(verdicts, 1, 1, deadline=9.0))
    flight.end_overdue(5.0, BrokerUnavailable("no answer in time"))
    assert isinstance(verdicts[0], BrokerUnavailable)
    assert 1 not in verdicts
    flight.confirmed(1, multiple=False, taken=True)
    assert 1 not in verdicts
    flight.confirmed(2, multiple=False, taken=True)
    assert verdicts[1] is None


def test_when_the_channel_ends_what_is_known_is_told_rather() -> None:
    flight, verdicts = Flight(), Verdicts()
    for number in range(3):
        flight.add(call(verdicts, number, 2))
    flight.returned(1)
    flight.confirmed(3, multiple=False, taken=False)
    flight.end_all(BrokerUnavailable("lost"))
    kinds = {number: type(verdict) for number, verdict in verdicts.items()}
    assert kinds == {0: Unroutable, 1: PublishRefused, 2: BrokerUnavailable}


def test_confirms_of_what_was_never_written_change_nothing() -> None:
    flight, verdicts = Flight(), Verdicts()
    flight.add(call(verdicts, 0, 1))
    flight.confirmed(99, multiple=False, taken=True)
    assert not verdicts
    flight.confirmed(99, multiple=True, taken=True)
    flight.add(call(verdicts, 1, 1))
    assert 1 not in verdicts


def test_one_confirm_for_many_goes_only_through_what_is_open() -> None:
    """After a million single ones it would hold up the loop otherwise."""
    flight, verdicts = Flight(), Verdicts()
    asked = 0

    class Counting(dict[int, Call]):
        def pop(self, tag: int, default: Call | None = None) -> Call | None:  # type: ignore[override]
            nonlocal asked
            asked += 1
            return super().pop(tag, default)

    flight._calls = Counting()
    for number in range(1000):
        flight.add(call(verdicts, number, 1))
    for tag in (*range(2, 999), 1):
        flight.confirmed(tag, multiple=False, taken=True)
    asked = 0
    flight.confirmed(1000, multiple=True, taken=True)
    assert asked == 2
    assert len(verdicts) == 1000
