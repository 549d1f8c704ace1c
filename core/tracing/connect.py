"""Opens the tracer that the settings ask for. Met where a process is put together, and nowhere
else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from prometheus_client import CollectorRegistry

from core.errors import ConfigurationError
from core.settings import Settings
from core.tracing.off import OFF
from core.tracing.port import Tracer


@asynccontextmanager
async def open_tracer(
    settings: Settings, *, service: str, registry: CollectorRegistry
) -> AsyncIterator[Tracer]:
    """A tracer until the context is left; what is still to be exported then has a moment for it.

    `service`: what the process is called, unless OTEL_SERVICE_NAME says. Raises ConfigurationError.
    """
    if settings.traces == "off":
        yield OFF
        return
    try:
        # Here and nowhere else: it is not installed everywhere, and takes time and memory.
        from core.tracing.otlp import open_otlp  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"traces need the extra `otel` ({error.name} is missing): pip install 'postern[otel]', "
            "or install from requirements-otel.txt",
            field="POSTERN_TRACES",
        ) from None
    async with open_otlp(service, registry) as tracer:
        yield tracer
