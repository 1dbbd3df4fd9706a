"""Traces by OpenTelemetry, sent only if `OTEL_EXPORTER_OTLP_ENDPOINT` says where to.

Without an endpoint nothing of the SDK is imported and `span` costs about as much as a function
call, so it may stand in the payment path.
"""

from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from huitong.kernel.logs import mask_value

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Tracer

_NO_SPAN: Final[AbstractContextManager[None]] = nullcontext()


@dataclass(slots=True)
class _Tracing:
    """The one piece of state: the tracer of this process, once there is one."""

    provider: "TracerProvider | None" = None
    tracer: "Tracer | None" = None


_tracing: Final = _Tracing()


def configure_telemetry(*, service_name: str, otlp_endpoint: str | None) -> bool:
    """Start tracing if an endpoint is given; say whether traces are sent.

    The OpenTelemetry SDK reads its other standard variables (`OTEL_TRACES_SAMPLER`,
    `OTEL_EXPORTER_OTLP_HEADERS`, …) itself. Call it once, at the start of a process.
    """
    if otlp_endpoint is None:
        return False
    # The SDK and its exporter cost some 20 MB and 0.4 s: only who sends traces pays for them.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
        OTLPSpanExporter,
    )
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    exporter = OTLPSpanExporter(endpoint=f"{otlp_endpoint.rstrip('/')}/v1/traces")
    provider = TracerProvider(resource=Resource.create({"service.name": service_name}))
    provider.add_span_processor(BatchSpanProcessor(exporter))
    use_provider(provider)
    return True


def use_provider(provider: "TracerProvider | None") -> None:
    """Send spans to `provider` from now on, or nowhere if None; tests pass one that collects."""
    _tracing.provider = provider
    _tracing.tracer = provider.get_tracer("huitong") if provider is not None else None


def shutdown_telemetry() -> None:
    """Send what has not been sent yet and stop tracing."""
    if _tracing.provider is not None:
        _tracing.provider.shutdown()
    use_provider(None)


def span(
    name: str, *, headers: Mapping[str, str] | None = None, **facts: str | bool | float
) -> AbstractContextManager[None]:
    """Return a context that is recorded as one span, with `facts` as its (masked) attributes.

    `headers` of an incoming request continue the caller's trace (W3C `traceparent`). An exception
    that leaves the context marks the span as failed.
    """
    if _tracing.tracer is None:
        return _NO_SPAN
    return _record(_tracing.tracer, name, headers, facts)


def trace_headers() -> dict[str, str]:
    """Return the headers that let a called system continue the current trace."""
    headers: dict[str, str] = {}
    if _tracing.tracer is not None:
        from opentelemetry.propagate import inject  # noqa: PLC0415 - as above

        inject(headers)
    return headers


def add_trace_ids(
    _logger: object, _method: str, event: MutableMapping[str, object]
) -> MutableMapping[str, object]:
    """Add the current trace and span to a log line; a processor for `configure_logging`."""
    if _tracing.tracer is not None:
        from opentelemetry import trace  # noqa: PLC0415 - as above

        context = trace.get_current_span().get_span_context()
        if context.is_valid:
            event["trace_id"] = trace.format_trace_id(context.trace_id)
            event["span_id"] = trace.format_span_id(context.span_id)
    return event


@contextmanager
def _record(
    tracer: "Tracer",
    name: str,
    headers: Mapping[str, str] | None,
    facts: Mapping[str, str | bool | float],
) -> Iterator[None]:
    from opentelemetry.propagate import extract  # noqa: PLC0415 - as above
    from opentelemetry.trace import Status, StatusCode  # noqa: PLC0415

    attributes = {key: str(mask_value(value, key=key)) for key, value in facts.items()}
    with tracer.start_as_current_span(
        name,
        context=extract(headers) if headers else None,
        attributes=attributes,
        # The text of an exception may hold personal data; only its kind goes out.
        record_exception=False,
        set_status_on_exception=False,
    ) as current:
        try:
            yield
        except BaseException as error:
            current.set_status(Status(StatusCode.ERROR, type(error).__name__))
            raise
