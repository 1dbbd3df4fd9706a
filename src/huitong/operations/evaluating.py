"""Looking at what all processes counted, and doing something about it; the worker does it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.operations import health
from huitong.operations.distinct import estimate
from huitong.operations.health import Measured
from huitong.operations.policy import AbuseRule, Policy
from huitong.operations.recording import act, report
from huitong.operations.store import signals as store
from huitong.operations.store.signals import Sum
from huitong.operations.types import (
    Entity,
    EntityKind,
    Finding,
    Incident,
    IncidentKind,
    Severity,
    SignalKind,
)

_HEALTH_SIGNALS: Final = (
    SignalKind.REQUESTS,
    SignalKind.SERVER_ERRORS,
    SignalKind.SLOW_ANSWERS,
    SignalKind.BUGS,
    SignalKind.QUEUE_OVERFLOWS,
)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What one look found: the incidents that are now up to date, new ones or known ones."""

    incidents: tuple[Incident, ...]


async def evaluate(
    uow: UnitOfWork, *, policy: Policy, measured: Measured, now: datetime
) -> Evaluation | None:
    """Open incidents and take counter-measures for what stands in the signals.

    `measured` is what the rooms say of themselves. None while another process looks.
    """
    if not await store.try_to_evaluate(uow, now):
        return None
    found = await _evaluate_abuse(uow, policy, now)
    since = now - policy.health_window
    sums = await store.sum_signals(uow, dict.fromkeys(_HEALTH_SIGNALS, 1), since=since)
    findings = [
        *health.judge_traffic({each.kind: each.count for each in sums}, policy.health),
        *health.judge_rooms(measured, policy.health),
        *await _find_silent(uow, policy, now),
    ]
    found += [await report(uow, finding, now=now) for finding in findings]
    return Evaluation(tuple(found))


async def _evaluate_abuse(uow: UnitOfWork, policy: Policy, now: datetime) -> list[Incident]:
    leasts: dict[SignalKind, int] = {}
    for rule in policy.rules:
        # A count is never less than the number of different things, whose estimate may be more.
        least = rule.levels[0].least * 9 // 10
        leasts[rule.signal] = min(least, leasts.get(rule.signal, least))
    sums = await store.sum_signals(uow, leasts, since=now - policy.abuse_window)
    found = []
    for rule in policy.rules:
        for each in sums:
            if each.kind is rule.signal and each.entity.kind in rule.entity_kinds:
                incident = await _apply(uow, rule, each, policy, now)
                if incident is not None:
                    found.append(incident)
    return found


async def _apply(
    uow: UnitOfWork, rule: AbuseRule, counted: Sum, policy: Policy, now: datetime
) -> Incident | None:
    count = estimate(counted.bits_set) if rule.is_of_different_things else counted.count
    level = rule.find_level(count)
    if level is None:
        return None
    evidence: dict[str, int | str] = {
        "signal": rule.signal.value,
        "count": counted.count,
        "threshold": level.least,
        "window_seconds": int(policy.abuse_window.total_seconds()),
    }
    if rule.is_of_different_things:
        evidence["different"] = count
    finding = Finding(
        kind=rule.incident,
        severity=Severity.CRITICAL if rule.is_worst(level) else Severity.WARNING,
        entity=counted.entity,
        evidence=evidence,
    )
    incident = await report(uow, finding, now=now)
    if level.countermeasure is not None:
        await act(uow, incident, level.countermeasure, hold=policy.abuse_hold, now=now)
    return incident


async def _find_silent(uow: UnitOfWork, policy: Policy, now: datetime) -> Sequence[Finding]:
    """Return a finding for each process that fell silent, and give those up."""
    watchers = await store.list_watchers(uow)
    silent = [each for each in watchers if now - each.seen_at >= policy.silence]
    if silent:
        await store.end_watchers(uow, [each.id for each in silent], now)
    findings = [
        Finding(
            kind=IncidentKind.WATCHER_SILENT,
            severity=Severity.CRITICAL,
            entity=Entity(EntityKind.COMPONENT, f"{each.process}:{each.id.hex}"),
            evidence={"silent_seconds": int((now - each.seen_at).total_seconds())},
        )
        for each in silent
    ]
    return [*findings, *health.judge_queues(watchers, policy.health)]
