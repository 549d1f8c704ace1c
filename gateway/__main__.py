"""`python -m gateway`: the gateway as a process of its own, set up by `POSTERN_*` variables."""

from __future__ import annotations

import asyncio
import os
import sys

from core.document import read_document
from core.errors import ConfigurationError, TopologyMismatch
from core.logs import configure_logs
from core.settings import config_path, read_settings, secret_names
from gateway.app import run_gateway


def main() -> int:
    """0 after a clean stop; 2 with one readable line if the configuration is wrong."""
    try:
        document = read_document(config_path(os.environ))
        settings = read_settings(os.environ, also_allowed=secret_names(document.data))
        configure_logs(settings.log_level, settings.json_logs(terminal=sys.stderr.isatty()))
        asyncio.run(run_gateway(settings))
    except (ConfigurationError, TopologyMismatch) as error:
        sys.stderr.write(f"postern gateway: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
