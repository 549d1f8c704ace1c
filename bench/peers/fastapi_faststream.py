"""FastAPI and FastStream: pydantic, aio-pika, uvicorn with uvloop and httptools."""

from __future__ import annotations

import hmac
import os
from typing import Annotated, Any

import uvicorn
from event import Event
from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from faststream.rabbit import Channel
from faststream.rabbit.fastapi import RabbitRouter

KEY = os.environ["KEY"]


router = RabbitRouter(os.environ["BROKER"], default_channel=Channel(on_return_raises=True))


def check(sent: Annotated[HTTPAuthorizationCredentials, Depends(HTTPBearer())]) -> None:
    if not hmac.compare_digest(sent.credentials, KEY):
        raise HTTPException(401)


@router.post("/v1/events", status_code=202, dependencies=[Depends(check)])
async def take(event: Event) -> dict[str, Any]:
    await router.broker.publish(
        event.model_dump(mode="json"),
        exchange="postern.actions",
        routing_key="postern.recorder",
        persist=True,
        mandatory=True,
    )
    return {"id": event.id, "actions": []}


app = FastAPI()
app.include_router(router)

if __name__ == "__main__":
    uvicorn.run(
        app, host="127.0.0.1", port=int(os.environ["PORT"]), access_log=False, log_level="warning"
    )
