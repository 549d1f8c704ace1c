"""What the vendors' documentation leaves open, as switches: each way is one that a client has to
survive.

What must not go in: faults (see `faults`); these are ways of behaving well.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from core.configuration import Duration

CHECKSUM_PATHS = (
    "profiles/add_batch",
    "profiles/add",
    "profiles/update_batch",
    "profiles/update",
    "profiles/import_batch",
    "profiles/import",
    "suppresses/add",
)
"""Those that the documentation lists before it is cut off."""


class Switches(BaseModel):
    """How the simulators behave. Changed with `PATCH /_sandbox/switches`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    altcraft_errors: Literal["body", "status"] = Field(
        default="body",
        description="whether a business error comes with HTTP 200 or with its own status",
    )
    deduplication: bool = True
    deduplication_window: Duration = timedelta(days=1)
    duplicate_headers: Literal["new", "old"] = Field(
        default="new",
        description="Duplicate-Request, or X-Duplicate-Request as older versions answer",
    )
    remember_failures: bool = Field(
        default=False, description="whether a failed first answer is replayed to a repeat too"
    )
    checksum_paths: tuple[str, ...] = Field(
        default=CHECKSUM_PATHS,
        description="calls whose repeats are recognised without a Request-ID, by a checksum",
    )
    altcraft_forbidden: tuple[str, ...] = Field(
        default=(), description="calls that the token's roles do not allow (error 403)"
    )
    altcraft_tariff_limit: bool = Field(
        default=False, description="whether calls that change something meet error 402"
    )
    sms_errors: Literal["body", "status"] = Field(
        default="body", description="whether error 1 comes with HTTP 200 or with 400"
    )
    empty_list: Literal["array", "object"] = Field(
        default="array", description="how getallsms writes no texts: PHP writes []"
    )
    keep_customerid: bool = Field(
        default=True, description="whether addsms stores the customer's number it is given"
    )
    known_devices_only: bool = Field(
        default=False, description="whether texts through a device that is not there are refused"
    )
    rotate_tokens: bool = Field(
        default=False, description="whether gettoken ends the tokens it gave before"
    )
    partial_bulk: bool = Field(
        default=False,
        description="whether addalotofsms saves the right texts though it refuses the call",
    )
