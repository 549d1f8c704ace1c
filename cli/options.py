"""Options that several commands share, and the settings made of them.

What must not go in: an option of one command only.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import click

from core.configuration import parse_duration
from core.document import Document, read_document
from core.errors import ConfigurationError
from core.logs import configure_logs
from core.settings import Settings, config_path, read_settings, secret_names
from vendors.load import load_providers
from vendors.provider import Provider
from vendors.registry import VENDORS

Command = TypeVar("Command", bound=Callable[..., Any])


class DurationType(click.ParamType[timedelta]):
    """`10s`, `5m`: as durations are written in the configuration."""

    name = "duration"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta:
        try:
            found: timedelta = parse_duration(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)
        return found


DURATION = DurationType()

config_option = click.option(
    "--config",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The configuration: a file, or a directory of *.yaml.  "
    "[default: $POSTERN_CONFIG or postern.yaml]",
)
data_option = click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Where the embedded broker and journal live.  [default: $POSTERN_DATA or ./postern-data]",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")


def settings_options(command: Command) -> Command:
    """`--config FILE` and `--data DIR`."""
    return config_option(data_option(command))


def settings_of(config: Path | None, data: Path | None) -> Settings:
    """The settings of this process.

    The configuration is looked into for names of secrets, which may start with POSTERN_, too. Where
    there is none, or it is broken, whoever needs it says so.
    """
    try:
        names = secret_names(document_of(config).data)
    except ConfigurationError:
        names = frozenset()
    return read_settings(os.environ, data=data, config=config, also_allowed=names)


def log_as(settings: Settings) -> None:
    """Long-running commands log as the settings say; the others say one line if they fail."""
    logging.disable(logging.NOTSET)
    configure_logs(settings.log_level, settings.json_logs(terminal=sys.stderr.isatty()))


def document_of(config: Path | None) -> Document:
    return read_document(config_path(os.environ, config))


def providers_of(config: Path | None) -> dict[str, Provider]:
    """The configured providers, without their secrets. Raises ConfigurationError."""
    return load_providers(document_of(config), VENDORS)
