"""Spans of the SDK in our words: what nests, what is linked, what a failure tells."""

from __future__ import annotations

import asyncio

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from core.tracing.port import Kind
from core.tracing.sdk import OtlpTracer

OTHER = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


class Kept:
    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.tracer = OtlpTracer(provider.get_tracer("test"))

    def __getitem__(self, name: str) -> ReadableSpan:
        (found,) = [span for span in self._exporter.get_finished_spans() if span.name == name]
        return found


@pytest.fixture
def kept() -> Kept:
    return Kept()


def parent_of(span: ReadableSpan) -> int | None:
    return span.parent.span_id if span.parent is not None else None


def id_of(span: ReadableSpan) -> int | None:
    return span.context.span_id if span.context is not None else None


def test_a_span_inside_another_is_its_child(kept: Kept) -> None:
    with kept.tracer.span("outer", Kind.SERVER, {}), kept.tracer.span("inner", Kind.CLIENT, {}):
        pass
    assert parent_of(kept["inner"]) == id_of(kept["outer"])
    assert parent_of(kept["outer"]) is None


def test_a_parent_that_is_named_counts_more_than_the_current_span(kept: Kept) -> None:
    with (
        kept.tracer.span("outer", Kind.SERVER, {}),
        kept.tracer.span("inner", Kind.PRODUCER, {}, parent=OTHER),
    ):
        pass
    assert parent_of(kept["inner"]) == 0x00F067AA0BA902B7


def test_a_parent_or_link_that_is_none_is_left_out(kept: Kept) -> None:
    with kept.tracer.span("one", Kind.SERVER, {}, parent="x", links=["x", OTHER]) as span:
        span.link(None)
        span.link("x")
    assert parent_of(kept["one"]) is None
    assert len(kept["one"].links) == 1


async def test_tasks_beside_each_other_do_not_take_each_other_for_parents(kept: Kept) -> None:
    both = asyncio.Barrier(2)

    async def work(name: str) -> None:
        with kept.tracer.span(name, Kind.CONSUMER, {}):
            await both.wait()
            with kept.tracer.span(f"{name} call", Kind.CLIENT, {}):
                await both.wait()

    async with asyncio.TaskGroup() as group:
        group.create_task(work("a"))
        group.create_task(work("b"))
    for name in ("a", "b"):
        assert parent_of(kept[f"{name} call"]) == id_of(kept[name])
        assert parent_of(kept[name]) is None


def test_an_exception_fails_its_span_by_type_and_says_nothing_else(kept: Kept) -> None:
    with pytest.raises(ValueError, match="tell-tale"), kept.tracer.span("one", Kind.CLIENT, {}):
        raise ValueError("tell-tale")
    span = kept["one"]
    assert span.status.status_code is StatusCode.ERROR
    assert span.attributes is not None
    assert span.attributes["error.type"] == "ValueError"
    assert "tell-tale" not in span.to_json()


async def test_a_call_that_is_cut_off_is_told_as_such(kept: Kept) -> None:
    async def call() -> None:
        with kept.tracer.span("call", Kind.CLIENT, {}):
            await asyncio.sleep(60)

    task = asyncio.ensure_future(call())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    attributes = kept["call"].attributes
    assert attributes is not None
    assert attributes["error.type"] == "CancelledError"


def test_where_an_error_is_an_answer_the_span_is_left_as_it_was(kept: Kept) -> None:
    with (
        pytest.raises(ValueError, match="x"),
        kept.tracer.span("one", Kind.SERVER, {}, fails=False),
    ):
        raise ValueError("x")
    assert kept["one"].status.status_code is StatusCode.UNSET


def test_a_span_may_have_begun_before(kept: Kept) -> None:
    began = kept.tracer.now() - 5_000_000_000
    with kept.tracer.span("one", Kind.SERVER, {}, began=began):
        pass
    assert kept["one"].start_time == began
