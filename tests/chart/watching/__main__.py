"""`python -m tests.chart.watching --minutes 2`: the long form, with pictures.

A Prometheus reads the running stack, idle and then under load and faults; every expression of every
panel and alert is asked. The dashboards are drawn from the answers. Fails if something that should
have a value has none.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.chart.watching.drawing import HEIGHT, Span, draw, height_of, page_of
from tests.chart.watching.finding import (
    NOT_PENDING,
    NOT_SEEN,
    empty_panels,
    quiet_alerts,
    unseen_series,
)
from tests.chart.watching.shipped import alerts, dashboards, panels
from tests.chart.watching.trouble import bring_about, end_everything
from tests.chart.watching.watched import Watched


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=2.0)
    parser.add_argument("--pictures", type=Path, help="where to put them (default: a new folder)")
    options = parser.parse_args(arguments)
    folder: Path = options.pictures or Path(tempfile.mkdtemp(prefix="postern-dashboards-"))
    folder.mkdir(parents=True, exist_ok=True)
    with Watched() as stack:
        stack.await_reading()
        started = time.time()
        empty = empty_panels(stack.prometheus)
        _draw(stack, folder, Span(start=started - 10, end=started), "idle-")
        asyncio.run(bring_about(stack, options.minutes * 60))
        empty += empty_panels(stack.prometheus)
        unseen = unseen_series(stack.prometheus)
        _draw(stack, folder, Span(start=started, end=time.time()), "")
        asyncio.run(end_everything(stack))
        quiet = quiet_alerts(stack.prometheus)
    expressions = sum(len(shown.expressions) for shown in panels())
    sys.stdout.write(
        f"panels                 {len(panels())} with {expressions} expressions\n"
        f"without a value        {empty or 'none'}\n"
        f"series never seen      {unseen or 'none'} (left out: {NOT_SEEN})\n"
        f"alerts                 {len(alerts())}\n"
        f"never even pending     {quiet or 'none'} (left out: {NOT_PENDING})\n"
        f"pictures               {folder}\n"
    )
    return 1 if empty or unseen or quiet else 0


def _draw(stack: Watched, folder: Path, span: Span, prefix: str) -> None:
    for name, board in dashboards().items():
        height = HEIGHT if name == "overview" else height_of(board)
        page = page_of(board, stack.prometheus, span)
        asyncio.run(draw(page, folder / f"{prefix}{name}.png", height=height))


if __name__ == "__main__":
    sys.exit(main())
