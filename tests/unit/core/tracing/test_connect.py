"""Which tracer the settings open, and what keeps a process from starting with one."""

from __future__ import annotations

import sys

import pytest
from prometheus_client import CollectorRegistry

from core.errors import ConfigurationError
from core.settings import Settings, read_settings
from core.tracing.connect import open_tracer
from core.tracing.off import OFF
from core.tracing.port import Kind

ON = read_settings({"POSTERN_TRACES": "otlp"})
NOWHERE = "http://127.0.0.1:9"


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", NOWHERE)


async def opened(settings: Settings = ON) -> str | None:
    """The context of a first span."""
    registry = CollectorRegistry()
    async with open_tracer(settings, service="postern", registry=registry) as tracer:
        with tracer.span("first", Kind.SERVER, {}) as span:
            return span.context


async def test_by_default_there_is_none_and_no_metric_of_it() -> None:
    registry = CollectorRegistry()
    async with open_tracer(read_settings({}), service="postern", registry=registry) as tracer:
        assert tracer is OFF
        with tracer.span("first", Kind.SERVER, {"postern.source": "shop"}) as span:
            assert span.context is None
            assert tracer.current().context is None
    assert list(registry.collect()) == []


async def test_a_span_has_a_context_where_they_are_on() -> None:
    context = await opened()
    assert context is not None
    assert context.endswith("-01")


async def test_without_the_extra_the_start_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in [*sys.modules]:
        if name.startswith("opentelemetry") or name in {
            "core.tracing.otlp",
            "core.tracing.sdk",
            "core.tracing.exporting",
        }:
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    with pytest.raises(ConfigurationError, match=r"POSTERN_TRACES.*postern\[otel\]") as caught:
        await opened()
    assert "requirements-otel.txt" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "tell-tale:4318", "http://"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "grpc://tell-tale", "http://"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://[tell-tale", "http://"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "http/protobuf"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "-1", "OTEL_"),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "100000", "OTEL_"),
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/not/there/tell-tale.pem", "no such file"),
    ],
)
async def test_what_would_never_work_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, expected: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match=expected) as caught:
        await opened()
    assert "tell-tale" not in str(caught.value)


@pytest.mark.parametrize(
    ("sampler", "argument", "kept"),
    [
        ("always_off", "", "00"),
        ("traceidratio", "0", "00"),
        ("parentbased_traceidratio", "1", "01"),
    ],
)
async def test_the_standard_variables_choose_what_is_kept(
    monkeypatch: pytest.MonkeyPatch, sampler: str, argument: str, kept: str
) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", sampler)
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", argument)
    context = await opened()
    assert context is not None
    assert context.endswith(f"-{kept}")


async def test_the_sdk_can_be_switched_off_by_its_own_variable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    assert await opened() is None
