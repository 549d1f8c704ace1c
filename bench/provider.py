"""A provider that answers at once that it is done: what is measured is Postern, not the sandbox.

It speaks for both vendors, as a process of its own: `python -m bench.provider PORT`.
"""

from __future__ import annotations

import itertools
import sys

import orjson
from aiohttp import web

_numbers = itertools.count(1)


async def take_subscription(request: web.Request) -> web.Response:
    await request.read()
    return _json({"error": 0, "error_text": "Successful operation"})


async def take_text(request: web.Request) -> web.Response:
    await request.read()
    return _json({"error": 0, "sms_id": next(_numbers), "message": "saved"})


def _json(content: dict[str, object]) -> web.Response:
    return web.Response(body=orjson.dumps(content), content_type="application/json")


def main() -> None:
    app = web.Application()
    app.router.add_post("/altcraft/api/v1.1/subscriptions/set", take_subscription)
    app.router.add_post("/smsgateway24/getdata/addsms", take_text)
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), access_log=None, print=None)


if __name__ == "__main__":
    main()
