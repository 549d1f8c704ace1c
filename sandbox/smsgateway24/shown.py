"""A text as the page shows it. What must not go in: how calls answer it."""

from __future__ import annotations

from typing import Any

from core.clock import to_text
from sandbox.smsgateway24 import statuses
from sandbox.smsgateway24.texts import Text


def shown(text: Text) -> dict[str, Any]:
    return {
        "id": text.id,
        "to": text.sendto,
        "body": text.body,
        "status": text.status,
        "title": text.title,
        "failed": text.status in statuses.FAILURES,
        "incoming": text.status == statuses.INCOME,
        "at": to_text(text.created),
        "later": to_text(text.timetosend) if text.timetosend else None,
        "urgent": bool(text.urgent),
    }
