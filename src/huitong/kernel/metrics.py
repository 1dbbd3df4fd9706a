"""What is counted and measured, for Prometheus; each API process answers for itself.

Names follow Prometheus' conventions: base units, `_total` for counters. Labels take values from
small fixed sets only (route templates and codes, never ids), because every combination is kept in
memory for as long as the process lives.
"""

from typing import Final

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST
# Our own and not the library's global one: a test or a second application starts from zero.
REGISTRY: Final = CollectorRegistry()
ProcessCollector(registry=REGISTRY)
PlatformCollector(registry=REGISTRY)
GCCollector(registry=REGISTRY)

_SECONDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.02, 0.04, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
_BATCH_SIZES: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_000, 2_500, 5_000, 10_000)

HTTP_REQUESTS: Final = Counter(
    "huitong_http_requests_total",
    "HTTP requests that were answered, by route template and status.",
    ("method", "route", "status"),
    registry=REGISTRY,
)
HTTP_REQUEST_SECONDS: Final = Histogram(
    "huitong_http_request_seconds",
    "Time from the first byte of an HTTP request to the last of its answer.",
    ("method", "route"),
    buckets=_SECONDS,
    registry=REGISTRY,
)
HTTP_REQUESTS_IN_PROGRESS: Final = Gauge(
    "huitong_http_requests_in_progress",
    "HTTP requests that are being answered now.",
    registry=REGISTRY,
)
POSTER_BATCHES: Final = Counter(
    "huitong_poster_batches_total",
    "Batches that the poster has sent to the database, by outcome.",
    ("outcome",),
    registry=REGISTRY,
)
POSTER_BATCH_TRANSFERS: Final = Histogram(
    "huitong_poster_batch_transfers",
    "Transfers in one batch.",
    buckets=_BATCH_SIZES,
    registry=REGISTRY,
)
POSTER_BATCH_SECONDS: Final = Histogram(
    "huitong_poster_batch_seconds",
    "Time of one batch in the database, its commit included.",
    buckets=_SECONDS,
    registry=REGISTRY,
)
POSTER_QUEUE_DEPTH: Final = Gauge(
    "huitong_poster_queue_depth",
    "Requests that wait for the poster now.",
    registry=REGISTRY,
)
POSTER_QUEUE_OVERFLOWS: Final = Counter(
    "huitong_poster_queue_overflows_total",
    "Requests that were turned away because the poster's queue was full.",
    registry=REGISTRY,
)
TRANSFERS: Final = Counter(
    "huitong_transfers_total",
    "Transfers that were decided, by result: posted, pending, duplicate, refused.",
    ("result",),
    registry=REGISTRY,
)
REFUSALS: Final = Counter(
    "huitong_refusals_total",
    "Refusals, by code: an expected no of the business.",
    ("code",),
    registry=REGISTRY,
)
FAULTS: Final = Counter(
    "huitong_faults_total",
    "Faults, by code: the outside world failed.",
    ("code",),
    registry=REGISTRY,
)
BUGS: Final = Counter(
    "huitong_bugs_total",
    "Surprises that reached an edge. Any increase is an alarm.",
    ("edge",),
    registry=REGISTRY,
)
DATABASE_RETRIES: Final = Counter(
    "huitong_database_retries_total",
    "Transactions that were run again, by reason.",
    ("reason",),
    registry=REGISTRY,
)
RULE_FAILURES: Final = Counter(
    "huitong_rule_failures_total",
    "Rows on which a rule of risk failed and counted as a review, by purpose. An alarm.",
    ("purpose",),
    registry=REGISTRY,
)
MODEL_FALLBACKS: Final = Counter(
    "huitong_model_fallbacks_total",
    "Decisions that rules made without the model, by purpose and reason. An alarm.",
    ("purpose", "reason"),
    registry=REGISTRY,
)
OUTBOX_PENDING: Final = Gauge(
    "huitong_outbox_pending",
    "Events that wait in the outbox.",
    registry=REGISTRY,
)
OUTBOX_DELIVERIES: Final = Counter(
    "huitong_outbox_deliveries_total",
    "Deliveries of events to handlers, by event and outcome: delivered, retried, parked.",
    ("event", "outcome"),
    registry=REGISTRY,
)
JOBS: Final = Counter(
    "huitong_jobs_total",
    "Jobs that were run, by name and outcome.",
    ("job", "outcome"),
    registry=REGISTRY,
)


def render_metrics() -> bytes:
    """Return all metrics of this process in Prometheus' text format, of type `CONTENT_TYPE`."""
    return generate_latest(REGISTRY)
