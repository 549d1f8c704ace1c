"""`POST /v1/rules/try`: what the running rules would make of an event, explained. Nothing is done.

What must not go in: publishing, or anything that could be mistaken for having accepted the event.
"""

from __future__ import annotations

from aiohttp import web

from core.errors import UnsupportedContent
from core.web import answer_json
from gateway.http.answers import show_trial
from gateway.http.services import SERVICES, proven
from gateway.http.taking import read_allowed, receive


async def post_trial(request: web.Request) -> web.Response:
    services = request.app[SERVICES]
    sender = proven(request)
    source = sender.source
    with services.admission.let_in(source):
        delivery = await receive(request, source, sender.headers, sender.proof)
        parsed = read_allowed(source, delivery)
    if parsed.batch:
        raise UnsupportedContent("One event at a time can be tried.")
    event = parsed.events[0]
    plan = services.running.current.planner.plan(event)
    return answer_json(show_trial(event.ref, plan))
