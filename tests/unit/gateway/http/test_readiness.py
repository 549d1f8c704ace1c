"""When a gateway may be sent requests."""

from __future__ import annotations

from gateway.http.readiness import Readiness


def test_a_gateway_that_never_reached_the_broker_is_not_ready() -> None:
    readiness = Readiness(started=True)
    assert readiness.why_not() == "the broker has not been reached yet"
    readiness.declared = True
    assert readiness.why_not() is None


def test_one_with_a_spool_is_ready_without_a_broker() -> None:
    """It takes what may be spooled. Out of a Service, senders that never send again find nobody."""
    readiness = Readiness(started=True, spools=True)
    assert readiness.why_not() is None
    readiness.draining = True
    assert readiness.why_not() == "stopping"
