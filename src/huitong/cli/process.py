"""What every long-running process does first: settings, logs, traces, lifeline."""

import os
from pkgutil import resolve_name
from typing import Any

from huitong.kernel.collector import pausing_collector
from huitong.kernel.logs import configure_logging
from huitong.kernel.settings import Settings
from huitong.kernel.telemetry import add_trace_ids, configure_telemetry
from huitong.wiring.lifeline import watch_lifeline


def prepare_process(name: str) -> Settings:
    """Set up this process as the one called `name` and return its settings."""
    settings = Settings.from_environment()
    name = os.environ.get("HUITONG_PROCESS", name)
    configure_logging(
        level=settings.log_level, log_format=settings.log_format, processors=(add_trace_ids,)
    )
    configure_telemetry(service_name=f"huitong-{name}", otlp_endpoint=settings.otlp_endpoint)
    watch_lifeline()
    return settings


def load_entry_point(name: str) -> Any:
    """Return the object `module:name` of another edge.

    By name, as WSGI and ASGI servers do: the edges do not import each other, and a command that
    starts one of them does not pay for loading the rest.
    """
    with pausing_collector():
        return resolve_name(name)
