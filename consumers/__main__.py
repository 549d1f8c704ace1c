"""`python -m consumers [ROLES]`: consumers as a process of their own, set up by `POSTERN_*`
variables."""

from __future__ import annotations

import asyncio
import os
import sys

from consumers.app import run_consumers
from consumers.settings import parse_roles
from core.document import read_document
from core.errors import ConfigurationError, TopologyMismatch
from core.logs import configure_logs
from core.settings import config_path, read_settings, secret_names


def main() -> int:
    """0 after a clean stop; 2 with one readable line if the configuration is wrong."""
    try:
        roles = parse_roles(sys.argv[1] if len(sys.argv) > 1 else "all")
        document = read_document(config_path(os.environ))
        settings = read_settings(os.environ, also_allowed=secret_names(document.data))
        configure_logs(settings.log_level, settings.json_logs(terminal=sys.stderr.isatty()))
        asyncio.run(run_consumers(settings, roles=roles))
    except (ConfigurationError, TopologyMismatch) as error:
        sys.stderr.write(f"postern consumers: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
