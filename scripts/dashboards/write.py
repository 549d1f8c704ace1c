"""All dashboards as files of the chart. `make docs` writes them, a test holds the files to them."""

from __future__ import annotations

from pathlib import Path

from scripts.dashboards import broker_and_journal, delivery, ingress, overview, texts
from scripts.dashboards.board import document

FOLDER = Path(__file__).resolve().parents[2] / "charts" / "postern" / "dashboards"

BOARDS = (
    overview.BOARD,
    ingress.BOARD,
    delivery.BOARD,
    broker_and_journal.BOARD,
    texts.BOARD,
)


def documents() -> dict[str, str]:
    """By the name of the file."""
    return {f"{board.uid.removeprefix('postern-')}.json": document(board) for board in BOARDS}
