"""Around every request: an opaque id, one answer for every error, security headers, the request
metrics.

What must not go in: anything that one route needs and another does not.
"""

from __future__ import annotations

import math

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from core.clock import Clock
from core.errors import BodyTooSlow, MalformedRequest, NotFound, Unauthenticated
from core.logs import get_logger
from core.web import new_instance
from gateway.http.addresses import Addresses
from gateway.http.problem import Problem, answer_problem, problem_of
from gateway.http.readiness import Readiness
from gateway.http.telling import Telling
from gateway.metrics import Metrics
from gateway.settings import Limits

SOURCE = web.RequestKey("source", str)
"""Which configured source the request is about, once that is known: the label of its metrics."""

NOBODY = "unknown"

log = get_logger()


class Refusals:
    """What a request is told that ends with an error, counted and logged."""

    def __init__(self, *, metrics: Metrics, limits: Limits, clock: Clock) -> None:
        self._metrics = metrics
        self._retry_after = math.ceil(limits.retry_after.total_seconds())
        self._telling = Telling(clock)

    def answer(self, error: Exception, source: str) -> tuple[web.Response, str]:
        """The answer, and the code by which it is counted."""
        instance = new_instance()
        problem = problem_of(error, retry_after=self._retry_after)
        if isinstance(error, Unauthenticated):
            self._metrics.signature_failures.labels(source, error.cause).inc()
        kind = type(error).__name__ if problem.status == 500 else problem.code
        left_out = self._telling.turn(source, kind)
        if left_out is not None:
            more = {"left_out": left_out} if left_out else {}
            _tell(problem, error, source=source, instance=instance, **more)
        return answer_problem(problem, instance=instance), problem.code


def watch_requests(
    *,
    metrics: Metrics,
    clock: Clock,
    readiness: Readiness,
    addresses: Addresses,
    refusals: Refusals,
) -> Middleware:
    """The middleware: whatever happens inside, the client gets an answer in one form."""

    @web.middleware
    async def watch(request: web.Request, handler: Handler) -> web.StreamResponse:
        started = clock.monotonic()
        code = "ok"
        try:
            addresses.check(request)
            metrics.under_way += 1
            try:
                response = await handler(request)
            finally:
                metrics.under_way -= 1
        except Exception as raised:  # noqa: BLE001 - nothing may reach aiohttp's own error page
            error = _translate(raised)
            if isinstance(error, Unauthenticated | BodyTooSlow):
                addresses.failed(request)
            response, code = refusals.answer(error, request.get(SOURCE, NOBODY))
        if readiness.draining:
            # Kept alive, the connection would be closed under the client's next request.
            response.force_close()
        source = request.get(SOURCE, NOBODY)
        metrics.requests.labels(source, str(response.status), code).inc()
        metrics.seconds.observe(clock.monotonic() - started)
        return response

    return watch


def _translate(error: Exception) -> Exception:
    """What aiohttp itself refuses (a target that is no path, say), in our words."""
    if isinstance(error, web.HTTPNotFound):
        return NotFound("There is nothing here.")
    if isinstance(error, web.HTTPException) and error.status < 500:
        return MalformedRequest("The request is malformed.")
    return error


def _tell(problem: Problem, error: Exception, **about: str | int) -> None:
    """A line for a refused request; the cause of a failed authentication is in its metric only."""
    if problem.status == 500:
        log.error("request_failed", exc_info=error, **about)
    elif problem.status == 503:
        log.warning(
            "request_not_accepted",
            code=problem.code,
            error=error,
            **about,
        )
    else:
        log.info(
            "request_refused",
            status=problem.status,
            code=problem.code,
            **about,
        )
