"""`python -m gateway`: the gateway as a process of its own, set up by `POSTERN_*` variables."""

from __future__ import annotations

import sys

from core.process import run_process
from gateway.app import run_gateway

if __name__ == "__main__":
    sys.exit(run_process("gateway", run_gateway))
