"""A request as it may be shown: with stars where a secret stands, in whatever form it travels.

What must not go in: making the request.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, quote_plus
from xml.sax.saxutils import escape

import orjson

from vendors.provider import Provider
from vendors.wire import Request

STARS = "****"


def starred(request: Request, provider: Provider) -> dict[str, Any]:
    """Headers and body. A body of JSON or of a form is shown as what it says."""
    secrets = sorted(provider.secrets(), key=len, reverse=True)

    def clean(text: str) -> str:
        for secret in secrets:
            as_json = orjson.dumps(secret).decode()[1:-1]
            as_xml = escape(secret, {"\r": "&#13;"})
            for form in (secret, quote_plus(secret), as_json, quote_plus(as_json), as_xml):
                text = text.replace(form, STARS)
        return text

    shown: dict[str, Any] = {
        "headers": {name: clean(value) for name, value in request.headers.items()}
    }
    if request.queued is not None:
        shown["queue"] = request.queued.queue
    text = clean(request.body.decode("utf-8", "replace"))
    kind = request.headers.get("Content-Type", "application/json")
    if kind.startswith("application/x-www-form-urlencoded"):
        shown["form"] = dict(parse_qsl(text, keep_blank_values=True))
    else:
        try:
            shown["body"] = orjson.loads(text)
        except orjson.JSONDecodeError:
            shown["body"] = text
    return shown
