"""Flask and Celery: pydantic, kombu on py-amqp with confirms, gunicorn's threads."""

from __future__ import annotations

import hmac
import os
from typing import Any

from celery import Celery
from event import Event
from flask import Flask, abort, request
from kombu import Exchange, Queue
from pydantic import ValidationError

KEY = os.environ["KEY"]

celery = Celery(broker=os.environ["BROKER"])
celery.conf.update(
    broker_transport_options={"confirm_publish": True},
    broker_pool_limit=64,
    task_create_missing_queues=False,
    task_queues=[
        Queue(
            "postern.recorder",
            Exchange("postern.actions", type="direct", no_declare=True),
            routing_key="postern.recorder",
            no_declare=True,
        )
    ],
    task_default_queue="postern.recorder",
    task_default_exchange="postern.actions",
    task_default_routing_key="postern.recorder",
    task_ignore_result=True,
)


@celery.task(name="take")
def carry_out(event: dict[str, Any]) -> None:
    """Never run here: only publishing is measured."""


app = Flask(__name__)


@app.post("/v1/events")
def take() -> tuple[dict[str, Any], int]:
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not hmac.compare_digest(key, KEY):
        abort(401)
    try:
        event = Event.model_validate_json(request.get_data())
    except ValidationError:
        abort(422)
    carry_out.apply_async((event.model_dump(mode="json"),), mandatory=True, delivery_mode=2)
    return {"id": event.id, "actions": []}, 202
