"""Speaking to the simulated marketing platform as its clients do."""

from __future__ import annotations

from typing import Any

from tests.unit.sandbox.conftest import Sandbox


async def call(
    sandbox: Sandbox, path: str, request_id: str | None = None, /, **params: Any
) -> dict[str, Any]:
    """One call with a token; the answer's envelope."""
    headers = {"Request-ID": request_id} if request_id else {}
    url = f"{sandbox.url}/altcraft/api/v1.1/{path}"
    async with sandbox.http.post(url, json={"token": "t", **params}, headers=headers) as answer:
        content: dict[str, Any] = await answer.json()
        return content


async def state(sandbox: Sandbox) -> dict[str, Any]:
    """Everything that the platform knows."""
    async with sandbox.http.get(f"{sandbox.url}/_sandbox/altcraft") as answer:
        content: dict[str, Any] = await answer.json()
        return content


async def profiles(sandbox: Sandbox, db_id: int = 1) -> dict[str, Any]:
    found: dict[str, Any] = (await state(sandbox))["databases"].get(str(db_id), {})
    return found
