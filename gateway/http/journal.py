"""The read API: what became of an event, and which actions there are. A source sees its own only.

The journal serves this and nothing else here: accepting events never waits for it.
"""

from __future__ import annotations

from aiohttp import web

from core.errors import JournalUnavailable, NotFound
from core.identity import is_ref_of
from core.journal.port import ReadJournal
from core.messages import JsonObject
from core.web import answer_json
from gateway.http.answers import show_accepted, show_page, show_record
from gateway.http.query import parse_filter
from gateway.http.services import SERVICES, bearer_source


async def get_event(request: web.Request) -> web.Response:
    services = request.app[SERVICES]
    source = bearer_source(request)
    found = await describe_event(
        services.journal, ref=request.match_info["ref"], source=source.name
    )
    return answer_json(found)


async def get_actions(request: web.Request) -> web.Response:
    services = request.app[SERVICES]
    source = bearer_source(request)
    wanted = parse_filter(request.query, source=source.name)
    page = await present(services.journal).actions(wanted)
    return answer_json(show_page(page))


async def describe_event(journal: ReadJournal | None, *, ref: str, source: str) -> JsonObject:
    """The record, or that it is accepted and not recorded yet.

    Raises NotFound for another source's reference and for a mistyped one alike, JournalUnavailable.
    """
    if not is_ref_of(ref, source):
        raise NotFound("There is no such event.")
    report = await present(journal).event(ref)
    if report is None:
        return show_accepted(ref, source)
    if report.record.event.source != source:
        raise NotFound("There is no such event.")
    return show_record(report)


def present(journal: ReadJournal | None) -> ReadJournal:
    if journal is None:
        raise JournalUnavailable("this gateway has no journal")
    return journal
