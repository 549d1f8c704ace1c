"""`map:` of a source: how the deliveries of an unknown system become events, in CEL.

`body` is the JSON as it came, `headers` are the headers by lower-case name. A text is taken as it
stands, `${...}` in it is CEL, as in the `with:` of a rule. What must not go in: known systems (see
`presets`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.clock import to_text
from core.document import Document, unknown_key
from core.errors import InvalidEvent
from core.yaml import YamlPath
from gateway.events.parse import Parsed
from gateway.rules.cel import OF_A_DELIVERY, CelEngine
from gateway.rules.facts import Facts, Failure
from gateway.rules.templates import InvalidTemplate, Template
from gateway.rules.values import FailedValue, InvalidValue, Value, compile_value
from gateway.sources.reading import Delivery, Draft, finish, read_object

FIELDS = ("id", "type", "time", "subject", "data")
_WITHHELD = frozenset({"authorization", "cookie", "proxy-authorization"})
"""Headers that no map may look at: an event is written down."""


class MapReader:
    def __init__(self, values: Mapping[str, Value]) -> None:
        self._values = values

    def read(self, delivery: Delivery) -> Parsed:
        body = read_object(delivery)
        facts = _facts(body, delivery)
        made = {name: _make(name, value, facts) for name, value in self._values.items()}
        identity = made.get("id")
        draft = Draft(
            type=made.get("type"),
            # A number is an id, too, for most systems.
            id=str(identity) if type(identity) is int else (identity or delivery.proof.id),
            time=made.get("time"),
            subject=made.get("subject"),
            data=made.get("data", body),
        )
        return finish(draft, delivery)


def load_map(document: Document, path: YamlPath) -> MapReader:
    """The map at a path, compiled. Raises ConfigurationError with file, line and field."""
    section = document.at(path)
    engine = CelEngine(OF_A_DELIVERY)
    values: dict[str, Value] = {}
    for name, raw in section.items():
        if name not in FIELDS:
            raise document.error(unknown_key(name, list(FIELDS)), (*path, name))
        try:
            values[name] = compile_value(raw, engine, _no_template)
        except InvalidValue as error:
            raise document.error(error.problem, (*path, name, *error.path)) from None
    if "type" not in values:
        raise document.error("this key is required", (*path, "type"))
    return MapReader(values)


def _no_template(_source: str) -> Template:
    raise InvalidTemplate("a map is CEL: use ${...}, not {{ }}")


def _facts(body: dict[str, Any], delivery: Delivery) -> Facts:
    headers = {name: value for name, value in delivery.headers.first() if name not in _WITHHELD}
    return Facts(
        names={"body": body, "headers": headers, "now": to_text(delivery.now)},
        bindings={"body": body, "headers": headers, "now": delivery.now},
        inspected={"body": body, "headers": headers},
    )


def _make(name: str, value: Value, facts: Facts) -> Any:
    """Raises InvalidEvent; what it tells names fields of the configuration, and no value."""
    try:
        return value.make(facts)
    except Failure as failure:
        raise InvalidEvent(f"map.{name}: {failure.problem}.", field=name) from None
    except FailedValue as failure:
        problem = f"map.{name}.{failure.field}: {failure.problem}."
        raise InvalidEvent(problem, field=name) from None
