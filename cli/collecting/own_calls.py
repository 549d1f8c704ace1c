"""The requests of Postern's own API: one for each sample of each route.

What must not go in: what is sent (see `own_samples`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby

import orjson

from cli.collecting.model import Folder, Json, Request, Saved
from cli.collecting.own_samples import IN_PATHS, SAMPLES, Sample
from gateway.http.problem import TABLE
from gateway.http.route import Route
from gateway.http.routes import ROUTES

_PART = re.compile(r"\{(\w+)\}")
_HOOKS = "/v1/hooks/"
_CALLBACKS = "/v1/callbacks/"


def own_folder() -> Folder:
    """In the order of the route table; folders by the first word of a path after its version. What
    only machines ask by themselves is left out."""
    routes = [route for route in ROUTES if route.advertised]
    pairs = [(route, sample) for route in routes for sample in _samples(route)]
    folders = [
        Folder(name=name, items=tuple(_request(route, sample) for route, sample in members))
        for name, members in groupby(_sorted(pairs), key=lambda pair: _word(pair[0]))
    ]
    description = "Postern's own API. A source's key sends and reads; operators have their own."
    return Folder(name="postern", description=description, items=tuple(folders))


def _samples(route: Route) -> tuple[Sample, ...]:
    """Raises KeyError for a route that has none: a test makes every collection."""
    return SAMPLES[f"{route.method} {route.path}"]


def _sorted(pairs: list[tuple[Route, Sample]]) -> list[tuple[Route, Sample]]:
    """Those of one folder beside each other, otherwise in order."""
    words = list(dict.fromkeys(_word(route) for route, _ in pairs))
    return sorted(pairs, key=lambda pair: words.index(_word(pair[0])))


def _word(route: Route) -> str:
    return route.path.split("/")[2]


def _request(route: Route, sample: Sample) -> Request:
    signed = route.path.startswith(_HOOKS)
    path = _PART.sub(lambda part: "{{" + IN_PATHS[part[1]] + "}}", route.path)
    body = None
    if sample.body is not None:
        text = orjson.dumps(sample.body, option=orjson.OPT_INDENT_2).decode()
        body = Json(text=text)
    return Request(
        name=sample.name,
        method=route.method,
        url="{{postern_url}}" + path,
        description="\n".join(_description(route)),
        status=max(route.answers),
        headers={
            **({"Content-Type": "application/json"} if body is not None else {}),
            **_proof(route),
            **sample.headers,
        },
        body=body,
        saves=tuple(Saved(variable=name, path=at) for name, at in sample.saves.items()),
        signed_with="hook_secret" if signed else None,
    )


def _proof(route: Route) -> dict[str, str]:
    """How the request shows who sends it. A callback does it by its address."""
    if route.operators:
        return {"Authorization": "Bearer {{operator_key}}"}
    if route.path.startswith((_HOOKS, _CALLBACKS)):
        return {}
    return {"Authorization": "Bearer {{postern_key}}"}


def _description(route: Route) -> Iterator[str]:
    yield route.summary
    yield ""
    yield f"Source: `{route.method} {route.path}` of Postern's routes."
    if route.operators:
        yield "Served where there are operators."
    if route.errors:
        yield ""
        yield "How it may fail:"
        yield ""
    yield from sorted({f"* {TABLE[error].status} {TABLE[error].title}" for error in route.errors})
