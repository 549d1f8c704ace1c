"""Traces by OpenTelemetry, to a collector that speaks OTLP over HTTP.

Set up by the standard variables (OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_TRACES_SAMPLER, ...), which the
SDK reads itself, once. What must not go in: what spans are made of, and any global of the SDK's: a
process may have two tracers.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import TracerProvider
from prometheus_client import CollectorRegistry

from core.errors import ConfigurationError
from core.telemetry import installed_version
from core.tracing.exporting import CountingProcessor, TellingExporter
from core.tracing.metrics import TraceMetrics
from core.tracing.port import Tracer
from core.tracing.sdk import OtlpTracer

EXPORT_LIMIT = timedelta(seconds=5)
"""For one batch, tries included, unless OTEL_EXPORTER_OTLP_TIMEOUT says otherwise."""

CLOSE_LIMIT = timedelta(seconds=2)
"""At the end of a process. A collector that does not answer costs it no more than that."""


@asynccontextmanager
async def open_otlp(service: str, registry: CollectorRegistry) -> AsyncIterator[Tracer]:
    """Raises ConfigurationError for what would never work; a collector that is away is none of
    that."""
    _check_variables()
    try:
        provider = TracerProvider(resource=_resource(service), shutdown_on_exit=False)
        _, limit = _told("TIMEOUT")
        exporter = TellingExporter(
            OTLPSpanExporter(timeout=None if limit else EXPORT_LIMIT.total_seconds()),
            metrics := TraceMetrics(registry),
        )
        processor = CountingProcessor(exporter, metrics)
    except (ValueError, RuntimeError, OSError) as error:
        # The SDK's text may repeat a value of a variable.
        raise ConfigurationError(
            f"an OTEL_... variable is wrong ({type(error).__name__})", field="POSTERN_TRACES"
        ) from None
    provider.add_span_processor(processor)
    try:
        yield OtlpTracer(provider.get_tracer("postern", installed_version()))
    finally:
        await _close(provider, exporter)


async def _close(provider: TracerProvider, exporter: TellingExporter) -> None:
    """Export what is left, in a thread that nobody has to wait for."""
    if exporter.failing:
        exporter.give_up()
    loop, closed = asyncio.get_running_loop(), asyncio.Event()

    def close() -> None:
        provider.shutdown()
        with suppress(RuntimeError):  # the loop has ended: nobody waited so long
            loop.call_soon_threadsafe(closed.set)

    threading.Thread(target=close, name="postern-traces-close", daemon=True).start()
    try:
        async with asyncio.timeout(CLOSE_LIMIT.total_seconds()):
            await closed.wait()
    except TimeoutError:
        exporter.give_up()


def _resource(service: str) -> Resource:
    """What the variables say of this process wins over what we know."""
    own = Resource({SERVICE_NAME: service, SERVICE_VERSION: installed_version()})
    told = Resource.create()
    attributes = dict(told.attributes)
    if str(attributes.get(SERVICE_NAME, "")).startswith("unknown_service"):
        del attributes[SERVICE_NAME]
    return own.merge(Resource(attributes, told.schema_url))


def _check_variables() -> None:
    name, endpoint = _told("ENDPOINT")
    if endpoint:
        try:
            parts = urlsplit(endpoint)
            right = parts.scheme in {"http", "https"} and bool(parts.hostname)
        except ValueError:
            right = False
        if not right:
            raise ConfigurationError("expected http://... or https://...", field=name)
    name, protocol = _told("PROTOCOL")
    if protocol not in {"", "http/protobuf"}:
        raise ConfigurationError("only http/protobuf is spoken here", field=name)
    for what in ("CERTIFICATE", "CLIENT_CERTIFICATE", "CLIENT_KEY"):
        name, path = _told(what)
        if path and not Path(path).is_file():
            raise ConfigurationError("there is no such file", field=name)


def _told(what: str) -> tuple[str, str]:
    """The exporter's variable about this that counts, and its value; empty if none is set."""
    for prefix in ("OTEL_EXPORTER_OTLP_TRACES_", "OTEL_EXPORTER_OTLP_"):
        if value := os.environ.get(prefix + what):
            return prefix + what, value
    return "", ""
