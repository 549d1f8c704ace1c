"""`postern collection`: every request of Postern and to its providers, for Postman or Bruno.

What must not go in: what a request is (see `collecting`).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from cli.collecting import own_samples
from cli.collecting.bruno import bruno
from cli.collecting.model import Collection
from cli.collecting.own_calls import own_folder
from cli.collecting.postman import postman
from cli.collecting.vendor_calls import vendor_folder
from core.errors import PosternError
from vendors.registry import VENDORS

DESCRIPTION = """Every request of Postern's own API, and every call that it makes to a provider.

Addresses, tokens and ids are variables; their defaults are those of `postern sandbox`. Run from top
to bottom it works on a fresh sandbox: what a request makes, later ones use."""


@click.command("collection")
@click.option(
    "--format",
    "written_for",
    type=click.Choice(["postman", "bruno"]),
    required=True,
    help="Postman: one file (Collection v2.1). Bruno: a directory of .bru files.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="The file (default: standard output), or for Bruno a directory that is new or empty.",
)
def command(written_for: str, output: Path | None) -> None:
    """Write a collection of requests, each with tests of its answer.

    No configuration is needed and no secret is read: what is yours is a variable. The defaults are
    for `postern sandbox`.

    Example: postern collection --format postman --output postern.json
    """
    if written_for == "postman":
        text = postman(everything())
        if output is None:
            print(text, end="")
        else:
            output.write_text(text, encoding="utf-8")
        return
    if output is None:
        raise click.UsageError("a collection for Bruno is a directory: give --output DIR")
    write_files(output, bruno(everything()))


def everything() -> Collection:
    variables = dict(own_samples.VARIABLES)
    for vendor in VENDORS.values():
        variables |= vendor.examples.variables
    folders = (vendor_folder(vendor) for vendor in VENDORS.values())
    return Collection(
        name="Postern",
        description=DESCRIPTION,
        items=(own_folder(), *folders),
        variables=variables,
    )


def write_files(directory: Path, files: Mapping[str, str]) -> None:
    """Raises PosternError for a directory that holds something: files of an older collection would
    stay and be run."""
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise PosternError(f"{directory} is there and not an empty directory")
    for name, text in files.items():
        file = directory / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
