"""Judging the platform's own state: what was measured, against the limits of the rulebook."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from huitong.operations.policy import HealthLimits
from huitong.operations.signals import API, POSTER
from huitong.operations.types import (
    Entity,
    EntityKind,
    Evidence,
    Finding,
    IncidentKind,
    Severity,
    SignalKind,
    Watcher,
)

_OUTBOX: Final = Entity(EntityKind.COMPONENT, "outbox")
_JOBS: Final = Entity(EntityKind.COMPONENT, "jobs")
_LEDGER: Final = Entity(EntityKind.COMPONENT, "ledger")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelMeasures:
    """What became of the orders of one channel lately: numbers of orders."""

    name: str
    succeeded: int
    refused: int
    #: Sent more than once, and still without an answer.
    unanswered: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What the rooms say of themselves."""

    outbox_waiting: int = 0
    outbox_parked: int = 0
    jobs_due: int = 0
    jobs_failed: int = 0
    channels: Sequence[ChannelMeasures] = ()


def judge_traffic(counts: Mapping[SignalKind, int], limits: HealthLimits) -> list[Finding]:
    """Return what is wrong with the answers of the API, from counts of one window."""
    found = []
    requests = counts.get(SignalKind.REQUESTS, 0)
    if requests >= limits.requests_least:
        for signal, incident, share, severity in (
            (
                SignalKind.SERVER_ERRORS,
                IncidentKind.ERROR_RATE,
                limits.error_share,
                Severity.CRITICAL,
            ),
            (
                SignalKind.SLOW_ANSWERS,
                IncidentKind.SLOW_ANSWERS,
                limits.slow_share,
                Severity.WARNING,
            ),
        ):
            count = counts.get(signal, 0)
            if Decimal(count) >= share * requests and count:
                evidence: Evidence = {
                    "requests": requests,
                    signal.value: count,
                    "threshold": str(share),
                }
                found.append(_finding(incident, severity, API, evidence))
    for signal, incident, entity in (
        (SignalKind.BUGS, IncidentKind.BUGS, API),
        (SignalKind.QUEUE_OVERFLOWS, IncidentKind.QUEUE_OVERFLOWS, POSTER),
    ):
        if counts.get(signal, 0):
            found.append(_finding(incident, Severity.CRITICAL, entity, {"count": counts[signal]}))
    return found


def judge_rooms(measured: Measured, limits: HealthLimits) -> list[Finding]:
    """Return what is wrong with queues, channels and books."""
    found = []
    for entity, waiting, least in (
        (_OUTBOX, measured.outbox_waiting, limits.outbox_least),
        (_JOBS, measured.jobs_due, limits.jobs_least),
    ):
        if waiting >= least:
            evidence = {"waiting": waiting, "threshold": least}
            found.append(_finding(IncidentKind.BACKLOG, Severity.WARNING, entity, evidence))
    for entity, failed in ((_OUTBOX, measured.outbox_parked), (_JOBS, measured.jobs_failed)):
        if failed >= limits.failed_work_least:
            evidence = {"failed": failed, "threshold": limits.failed_work_least}
            found.append(_finding(IncidentKind.FAILED_WORK, Severity.WARNING, entity, evidence))
    for channel in measured.channels:
        found.extend(_judge_channel(channel, limits))
    return found


def judge_queues(watchers: Iterable[Watcher], limits: HealthLimits) -> list[Finding]:
    """Return a finding if payments wait in the deepest of the processes' queues."""
    deepest = max((each.queue_depth for each in watchers), default=0)
    if deepest < limits.poster_least:
        return []
    evidence = {"waiting": deepest, "threshold": limits.poster_least}
    return [_finding(IncidentKind.BACKLOG, Severity.CRITICAL, POSTER, evidence)]


def find_books_differing(invariants: Mapping[str, int]) -> Finding | None:
    """Return a finding if a verification found differences; `invariants` has how many of each."""
    broken = {name: count for name, count in invariants.items() if count}
    if not broken:
        return None
    return _finding(IncidentKind.BOOKS_DIFFER, Severity.CRITICAL, _LEDGER, broken)


def _judge_channel(channel: ChannelMeasures, limits: HealthLimits) -> list[Finding]:
    failed = channel.refused + channel.unanswered
    orders = channel.succeeded + failed
    too_few = failed < limits.channel_orders_least
    if too_few or Decimal(failed) < limits.channel_share * orders:
        return []
    evidence: Evidence = {
        "succeeded": channel.succeeded,
        "refused": channel.refused,
        "unanswered": channel.unanswered,
        "threshold": str(limits.channel_share),
    }
    entity = Entity(EntityKind.COMPONENT, f"channel:{channel.name}")
    return [_finding(IncidentKind.CHANNEL_FAILING, Severity.CRITICAL, entity, evidence)]


def _finding(kind: IncidentKind, severity: Severity, entity: Entity, evidence: Evidence) -> Finding:
    return Finding(kind=kind, severity=severity, entity=entity, evidence=evidence)
