"""`postern version`."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

import click


@click.command("version")
def command() -> None:
    """Print the version of Postern and of Python.

    Example: postern version
    """
    try:
        installed = version("postern")
    except PackageNotFoundError:
        installed = "not installed"
    print(f"postern {installed} (Python {platform.python_version()})")
