"""Grouping alerts into cases: an alert joins the open case that it is near to, or opens one.

If it is near to several, they are one case: those that nobody works on go over to the oldest, or to
the oldest that somebody works on. What two people work on stays two cases, each of which names the
other. So, as long as nobody took a case, nothing crossed a limit and no case was closed in between,
the same alerts end up in the same groups in whatever order they come.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final

import msgspec

from huitong.kernel import audit, limits
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.ids import CASE, show_id, uuid7
from huitong.kernel.rulebook import Rulebook
from huitong.risk.decisioning.decisions.queries import show_decision
from huitong.risk.decisioning.rules.commands import get_rule_version
from huitong.risk.decisioning.types import Action
from huitong.risk.fraud.cases import grouping_store, store
from huitong.risk.fraud.cases.graph import Neighbourhood
from huitong.risk.fraud.cases.links import LinkSource, list_links
from huitong.risk.fraud.cases.neighbours import (
    RememberedLinks,
    explore,
    read_degree_limits,
    start_of_window,
)
from huitong.risk.fraud.cases.priority import PriorityRules
from huitong.risk.fraud.cases.types import Alert, Case, EntryType

_FIND_HITS: Final = """
    SELECT id, version_id, hits,
           coalesce(CASE WHEN is_challenged THEN challenger_score ELSE score END, 0) AS score
      FROM risk.decisions WHERE id = ANY(:ids)
"""
#: What a model's probability of 1 weighs beside rules.
_WEIGHT_OF_SCORE: Final = 100


@dataclass(slots=True)
class _Grouping:
    """What grouping a batch needs beside each alert."""

    uow: UnitOfWork
    sources: Sequence[LinkSource]
    rulebook: Rulebook
    now: datetime
    weights: Mapping[uuid.UUID, int] = field(default_factory=dict)

    @property
    def day(self) -> date:
        """The business day."""
        return business_day(self.now)


async def group_alerts(
    uow: UnitOfWork, *, sources: Sequence[LinkSource], rulebook: Rulebook, now: datetime
) -> int:
    """Put a batch of alerts that are in no case into cases, and return how many there were.

    One worker at a time; the others wait. Whoever dies leaves the alerts as they were.
    """
    await grouping_store.lock_grouping(uow)
    alerts = await store.take_alerts_to_group(uow, count=limits.ALERTS_GROUPED_AT_ONCE_MAX)
    if alerts:
        work = _Grouping(uow, [RememberedLinks(each) for each in sources], rulebook, now)
        work.weights = await _find_weights(uow, alerts)
        for alert in alerts:
            await _group(work, alert)
    return len(alerts)


async def _group(work: _Grouping, alert: Alert) -> None:
    uow, now = work.uow, work.now
    await grouping_store.put_links(uow, set(list_links(alert.participants)), at=alert.raised_at)
    around = await explore(
        uow,
        alert.participants,
        work.sources,
        degrees=read_degree_limits(work.rulebook, work.day),
        since=start_of_window(work.rulebook, work.day, now),
    )
    # A case that is being closed is waited for here, and then it is not among them.
    near = await store.hold_open_cases(uow, await _find_near(uow, around))
    near = [case for case in near if case.alerts < limits.CASE_ALERTS_MAX]
    case_id = _choose_case(near)
    if case_id is None:
        case_id = uuid7()
        await _open(work, case_id, alert)
    weight = work.weights.get(alert.decision_id, 0)
    await grouping_store.put_alert(uow, alert, case_id, weight=weight)
    about = show_decision(alert.decision_id)
    await store.put_entry(uow, case_id, EntryType.ALERT, now=now, about=about)
    await _merge(work, near, into=case_id)
    await _grow(work, case_id)


async def _find_near(uow: UnitOfWork, around: Neighbourhood) -> set[uuid.UUID]:
    """Return open cases that are near, or of which who acts is who acts here."""
    connecting = set(around.measure()) & around.known
    actors = around.find_actors()
    found = await grouping_store.find_cases_of(
        uow, connecting, alerts_below=limits.CASE_ALERTS_MAX, actors=actors - connecting
    )
    return set(found)


def _choose_case(near: Sequence[Case]) -> uuid.UUID | None:
    taken = [case for case in near if case.assigned_to is not None]
    return (taken or near)[0].id if near else None


async def _open(work: _Grouping, case_id: uuid.UUID, alert: Alert) -> None:
    await grouping_store.open_case(work.uow, case_id, now=work.now)
    await store.put_entry(work.uow, case_id, EntryType.OPENED, now=work.now)
    await audit.record(
        work.uow,
        action="risk.open_case",
        subject=show_id(CASE, case_id),
        details={"decision": show_decision(alert.decision_id)},
    )


async def _merge(work: _Grouping, near: Sequence[Case], *, into: uuid.UUID) -> None:
    uow, now = work.uow, work.now
    size = sum(case.alerts for case in near if case.id == into) + 1
    shown = show_id(CASE, into)
    for case in near:
        if case.id == into:
            continue
        other = show_id(CASE, case.id)
        if case.assigned_to is not None or size + case.alerts > limits.CASE_ALERTS_MAX:
            if not await store.has_entry(uow, into, EntryType.RELATED, about=other):
                await store.put_entry(uow, into, EntryType.RELATED, now=now, about=other)
                await store.put_entry(uow, case.id, EntryType.RELATED, now=now, about=shown)
            continue
        size += case.alerts
        await grouping_store.merge_case(uow, case, into, now=now)
        await store.put_entry(uow, into, EntryType.MERGED, now=now, about=other)
        await store.put_entry(uow, case.id, EntryType.MERGED, now=now, about=shown)
        await audit.record(uow, action="risk.merge_case", subject=other, details={"into": shown})


async def _grow(work: _Grouping, case_id: uuid.UUID) -> None:
    alerts, action, weight = await grouping_store.summarise(work.uow, case_id)
    case = await store.find_case(work.uow, case_id)
    assert case is not None
    priority = PriorityRules.read(work.rulebook, work.day).calculate(
        action=Action(action), weight=weight, at_risk=case.at_risk, alerts=alerts
    )
    await grouping_store.grow_case(
        work.uow, case_id, alerts=alerts, priority=priority, now=work.now
    )


async def _find_weights(uow: UnitOfWork, alerts: Sequence[Alert]) -> dict[uuid.UUID, int]:
    """Return the sum of the weights of the rules that each alert's decision hit, and its score."""
    rows = await uow.execute(_FIND_HITS, ids=[each.decision_id for each in alerts])
    weights: dict[uuid.UUID, dict[str, int]] = {}
    for version_id in {row.version_id for row in rows if row.hits}:
        version = await get_rule_version(uow, version_id)
        rules = msgspec.json.decode(version.rules)
        weights[version_id] = {each["key"]: each["weight"] for each in rules}
    return {
        row.id: sum(weights[row.version_id][key] for key in row.hits)
        + round(_WEIGHT_OF_SCORE * row.score)
        for row in rows
    }
