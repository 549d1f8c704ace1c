"""`postern schemas`: what the data of each type of event look like."""

from __future__ import annotations

from pathlib import Path

import click

from cli.options import json_option
from cli.output import add_row, console, print_json, table
from cli.schemas_page import page
from core.document import read_document
from core.errors import PosternError
from gateway.events.own_schemas import load_schemas
from gateway.events.schemas import Schemas, load_catalogue


@click.command("schemas")
@click.argument("event_type", required=False, metavar="[TYPE]")
@click.option("--page", "as_page", is_flag=True, help="Print docs/events.md of this version.")
@json_option
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A configuration whose own schemas (`schemas: DIR`) count as well.",
)
def command(event_type: str | None, *, as_page: bool, as_json: bool, config: Path | None) -> None:
    """List the types of events that there are schemas of.

    With a type: its JSON Schema, to be put into a directory of your own and changed.

    Example: postern schemas order.placed
    """
    if as_page:
        print(page(), end="")
        return
    schemas = load_schemas(read_document(config)) if config is not None else load_catalogue()
    if event_type is not None:
        schema = schemas.get(event_type)
        if schema is None:
            raise PosternError("there is no schema of this type; `postern schemas` lists them")
        print_json(schema.document)
    elif as_json:
        print_json([{"type": schema.type, "title": schema.title} for schema in schemas])
    else:
        _show(schemas)


def _show(schemas: Schemas) -> None:
    shown = table("type", "what happened")
    for schema in schemas:
        add_row(shown, schema.type, schema.title)
    console().print(shown)
