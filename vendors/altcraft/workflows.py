"""`workflows/...`: engaging profiles in automation scenarios. What must not go in: trigger
mailings."""

from __future__ import annotations

from pydantic import Field

from vendors.altcraft.provider import Id
from vendors.altcraft.starts import (
    ImportAndStartBatchParams,
    ImportAndStartParams,
    Startable,
    StartBatchParams,
)


class WorkflowBatchParams(StartBatchParams):
    """What `workflows/start_batch` takes."""

    workflow_id: Id = Field(description="scenario")


class WorkflowImportParams(ImportAndStartParams):
    """What `workflows/import_and_start` takes."""

    workflow_id: Id = Field(description="scenario")


class WorkflowImportBatchParams(ImportAndStartBatchParams):
    """What `workflows/import_and_start_batch` takes."""

    workflow_id: Id = Field(description="scenario")


WORKFLOWS = Startable(path="workflows", field="workflow_id", what="a scenario").calls(
    (
        "Altcraft, Engage profile in scenario; path inferred from its title",
        "Altcraft, inferred from the pattern of workflows/import_and_start_batch",
        "Altcraft, Import and engage profile in scenario",
        "Altcraft, Batch import and engage profiles in a scenario",
    ),
    WorkflowBatchParams,
    WorkflowImportParams,
    WorkflowImportBatchParams,
)
