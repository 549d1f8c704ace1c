"""The span around a request whose sender is proven, with the status that it is answered with.

Others have none: who cannot prove who they are decides nothing about traces, and fills no queue of
spans. What must not go in: what is done with the request.
"""

from __future__ import annotations

from collections.abc import Awaitable

from aiohttp import web

from core.tracing.off import OFF
from gateway.http.problem import problem_of
from gateway.http.services import SERVICES
from gateway.sources.source import Source


async def traced(
    request: web.Request, source: Source, began: int, answer: Awaitable[web.Response]
) -> web.Response:
    """The answer, or the error, as it is. `began`: when the request arrived (`Tracer.now`)."""
    spans = request.app[SERVICES].spans
    if spans.tracer is OFF:
        return await answer
    resource = request.match_info.route.resource
    with spans.request(
        route=resource.canonical if resource is not None else "",
        scheme=request.scheme,
        path=request.path,
        source=source.name,
        traceparents=request.headers.getall("traceparent", ()),
        began=began,
    ) as span:
        try:
            response = await answer
        except Exception as error:
            problem = problem_of(error, retry_after=0)
            span.note({"http.response.status_code": problem.status, "postern.code": problem.code})
            if problem.status >= 500:
                span.fail(type(error).__name__)
            raise
        span.note({"http.response.status_code": response.status})
        return response
