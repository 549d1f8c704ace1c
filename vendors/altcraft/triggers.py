"""`campaigns/triggers/...`: starting trigger mailings. What must not go in: scenarios."""

from __future__ import annotations

from pydantic import Field

from vendors.altcraft.provider import Id
from vendors.altcraft.starts import (
    ImportAndStartBatchParams,
    ImportAndStartParams,
    Startable,
    StartBatchParams,
)


class TriggerBatchParams(StartBatchParams):
    """What `campaigns/triggers/start_batch` takes."""

    trigger_id: Id = Field(description="trigger mailing")


class TriggerImportParams(ImportAndStartParams):
    """What `campaigns/triggers/import_and_start` takes."""

    trigger_id: Id = Field(description="trigger mailing")


class TriggerImportBatchParams(ImportAndStartBatchParams):
    """What `campaigns/triggers/import_and_start_batch` takes."""

    trigger_id: Id = Field(description="trigger mailing")


TRIGGERS = Startable(path="campaigns/triggers", field="trigger_id", what="a trigger mailing").calls(
    (
        "Altcraft, Trigger launch (2196177)",
        "Altcraft, Bulk trigger launch",
        "Altcraft, Profile import + trigger mailing launch (22708362)",
        "Altcraft, How to send API request with RabbitMQ (44662785)",
    ),
    TriggerBatchParams,
    TriggerImportParams,
    TriggerImportBatchParams,
)
