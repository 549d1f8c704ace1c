"""`python -m consumers [ROLES]`: consumers as a process of their own, set up by `POSTERN_*`
variables."""

from __future__ import annotations

import sys

from consumers.app import run_consumers
from consumers.settings import ConsumerSettings, parse_roles
from core.process import run_process
from core.settings import Settings


async def run(settings: Settings) -> None:
    roles = parse_roles(sys.argv[1] if len(sys.argv) > 1 else "all")
    await run_consumers(settings, ConsumerSettings(roles=roles))


if __name__ == "__main__":
    sys.exit(run_process("consumers", run))
