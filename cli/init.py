"""`postern init`: a configuration to begin with."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

import click

from core.errors import PosternError

SAMPLE = (
    '{"id": "o-1-shipped", "type": "order.shipped", "subject": "o-1", '
    '"data": {"phone": "0151 23456789", "first_name": "Anna"}}'
)

NEXT = """
Try it, in {directory}:

  set -a; . ./postern.env; set +a        # the key and the token, for the commands below
  postern rules test postern.yaml        # what the rule does with two events
  postern sandbox &                      # a simulated SMS gateway, with a page that shows the texts
  postern run &                          # Postern, in one process

  curl -i http://127.0.0.1:8080/v1/events \\
    -H "Authorization: Bearer $SHOP_KEY" -H "Content-Type: application/json" \\
    -d '{sample}'

  postern actions                        # what became of it
"""


@click.command("init")
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False), default=".")
def command(directory: Path) -> None:
    """Write a configuration to begin with into DIRECTORY (default: here).

    Written are a commented postern.yaml with one rule, its fixtures, and postern.env with a new
    key, which only you may read. Nothing that exists is overwritten.

    Example: postern init shop
    """
    directory.mkdir(parents=True, exist_ok=True)
    write_new(directory, contents())
    print(f"Written: {', '.join(sorted(contents()))} in {directory.absolute()}")
    print(NEXT.format(directory=directory.absolute(), sample=SAMPLE))


def contents() -> Mapping[str, str]:
    """The files by name. Each call makes a new key."""
    templates = files("cli") / "templates"
    return {
        name: (templates / name).read_text(encoding="utf-8")
        for name in ("postern.yaml", "postern.test.yaml")
    } | {
        "postern.env": f"SHOP_KEY={secrets.token_urlsafe(32)}\nSMS_TOKEN=sandbox\n",
    }


def write_new(directory: Path, wanted: Mapping[str, str]) -> None:
    """Write the files, or none of them if one is there. What holds secrets is for the owner
    only."""
    there = [name for name in sorted(wanted) if (directory / name).exists()]
    if there:
        raise PosternError(
            f"{directory}: {', '.join(there)} stand there already; nothing was written"
        )
    for name, text in wanted.items():
        mode = 0o600 if name.endswith(".env") else 0o644
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        with os.fdopen(os.open(directory / name, flags, mode), "w", encoding="utf-8") as file:
            file.write(text)
