"""The table from errors to problem documents is complete, and says nothing it should not."""

from __future__ import annotations

from collections.abc import Iterator

import orjson
import pytest

from core import errors
from gateway.http.problem import TABLE, answer_problem, problem_of
from gateway.http.routes import ROUTES


def descendants(root: type[errors.PosternError]) -> Iterator[type[errors.PosternError]]:
    yield root
    for child in root.__subclasses__():
        yield from descendants(child)


def test_every_error_a_request_can_meet_stands_in_the_table_itself() -> None:
    expected = {*descendants(errors.RequestError), *descendants(errors.BrokerError)}
    assert expected | {errors.JournalUnavailable} == set(TABLE)


def test_codes_are_stable_and_each_kind_of_refusal_has_its_own() -> None:
    """Clients branch on these; a change here is a breaking one."""
    codes = {kind.__name__: TABLE[kind].code or getattr(kind, "code", None) for kind in TABLE}
    assert codes == {
        "MalformedRequest": "malformed",
        "InvalidParameter": "invalid-parameter",
        "Unauthenticated": "unauthenticated",
        "NotAllowed": "not-allowed",
        "NotFound": "not-found",
        "MethodNotAllowed": "method-not-allowed",
        "BodyTooSlow": "body-too-slow",
        "BodyTooLarge": "body-too-large",
        "UnsupportedContent": "unsupported-content",
        "InvalidEvent": "invalid-event",
        "InvalidBatch": "invalid-batch",
        "BrokerBlocked": "broker-unavailable",
        "LoginRefused": "broker-unavailable",
        "TooManyRequests": "rate-limited",
        "Overloaded": "overloaded",
        "RequestError": "bad-request",
        "BrokerUnavailable": "broker-unavailable",
        "PublishRefused": "publish-refused",
        "Unroutable": "unroutable",
        "SpoolFull": "spool-full",
        "TopologyMismatch": "topology-mismatch",
        "BrokerError": "broker-error",
        "JournalUnavailable": "journal-unavailable",
    }


def test_routes_name_only_errors_that_have_an_answer() -> None:
    for route in ROUTES:
        assert set(route.errors) <= set(TABLE), route.path


@pytest.mark.parametrize(
    "error",
    [
        errors.BrokerUnavailable("amqp://u:tell-tale@b/"),
        errors.PublishRefused("queue tell-tale"),
        errors.JournalUnavailable("tell-tale"),
        errors.JournalRejected("tell-tale"),
        errors.ConfigurationError("tell-tale"),
        ValueError("tell-tale"),
        errors.Unauthenticated(cause="tell-tale"),
    ],
)
def test_what_happened_inside_is_not_told(error: Exception) -> None:
    body = answer_problem(problem_of(error, retry_after=2), instance="req_1").body
    assert isinstance(body, bytes)
    assert b"tell-tale" not in body


def test_unexpected_errors_are_500_with_an_instance_to_ask_for() -> None:
    response = answer_problem(problem_of(KeyError("x"), retry_after=2), instance="req_1")
    assert response.status == 500
    assert response.content_type == "application/problem+json"
    assert isinstance(response.body, bytes)
    assert orjson.loads(response.body) == {
        "type": "urn:postern:problem:internal",
        "title": "Internal error",
        "status": 500,
        "detail": "Something went wrong here; it has been logged under this instance.",
        "instance": "req_1",
        "code": "internal",
    }


def test_everything_that_may_pass_says_when_to_come_back() -> None:
    for error in (
        errors.BrokerUnavailable(""),
        errors.PublishRefused(""),
        errors.Unroutable(""),
        errors.Overloaded("too many"),
        errors.JournalUnavailable(""),
    ):
        problem = problem_of(error, retry_after=7)
        assert (problem.status, problem.headers["Retry-After"]) == (503, "7")


def test_errors_bring_their_particulars() -> None:
    batch = errors.InvalidBatch("element 3", index=3, field="type", cause="invalid-event")
    assert problem_of(batch, retry_after=1).more == {
        "index": 3,
        "field": "type",
        "cause": "invalid-event",
    }
    event = errors.InvalidEvent("time: ...", field="time", code="event-in-future")
    problem = problem_of(event, retry_after=1)
    assert (problem.code, problem.more) == ("event-in-future", {"field": "time"})
    allowed = errors.MethodNotAllowed(("GET", "POST"))
    assert problem_of(allowed, retry_after=1).headers["Allow"] == "GET, POST"
    missing = errors.Unauthenticated(cause="no key")
    assert "WWW-Authenticate" in problem_of(missing, retry_after=1).headers
