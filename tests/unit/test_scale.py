"""What larger rates take, by hand-made costs: the arithmetic of `make bench-scale`."""

from __future__ import annotations

from bench.scale.model import Costs, Limits, costs_table, needs, needs_table

COSTS = Costs(
    name="made up",
    gateway=0.0002,
    broker=0.0001,
    consumer=0.004,
    journal=0.0005,
    messages=3,
    calls=2,
    request_bytes=400,
    message_bytes=3_000,
    wal_bytes=20_000,
    stored_bytes=10_000,
    syncs=0.5,
)
LIMITS = Limits(queue=20_000)


def test_processes_are_planned_with_room_and_rounded_up() -> None:
    """At 1,000 a second the gateway takes 0.2 of a core, consumers take 4: of 0.7 each, 1 and 6."""
    found = needs(COSTS, LIMITS, 1_000)
    assert found["gateway processes, a core each"] == "1"
    assert found["consumer processes, a core each"] == "6"
    assert found["cores of the journal"] == "1"
    assert found["queues that the records have to be spread over"] == "1"


def test_flows_grow_with_the_rate() -> None:
    found = needs(COSTS, LIMITS, 100_000)
    assert found["queues that the records have to be spread over"] == "8"
    assert found["syncs of the journal a second"] == "50,000"
    assert found["write-ahead log, MB/s"] == "2,000.0"
    assert found["journal, GB a day"] == "86,400"
    assert found["calls of providers a second"] == "200,000"


def test_tables_have_a_column_for_each_rate_and_each_kind() -> None:
    head, *rows = needs_table(COSTS, LIMITS, (1_000, 10_000))
    assert head == ("made up, events a second", "1,000", "10,000")
    assert all(len(row) == 3 for row in rows)
    head, *rows = costs_table([COSTS, COSTS])
    assert head == ("one event", "made up", "made up")
    assert ("consumer", "4,000 µs", "4,000 µs") in rows
    # 4.8 ms of a core for each of a million: 1.3 hours.
    assert ("a million events: hours of a core", "1.3", "1.3") in rows
