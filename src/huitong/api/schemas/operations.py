"""Incidents, counter-measures and the platform's state as they travel."""

import uuid
from typing import Annotated, Final, Literal

from fastapi import Path, Query
from pydantic import AfterValidator, Field

from huitong import operations
from huitong.api.schemas.common import (
    Body,
    Instant,
    View,
    check_printable,
    example_id,
    id_pattern,
)
from huitong.kernel import ids, limits
from huitong.kernel.ids import show_id

EntityKindName = Literal["address", "api_key", "system_key", "login", "staff", "component"]
IncidentKindName = Literal[
    "credential_stuffing",
    "broken_credentials",
    "enumeration",
    "scraping",
    "replay",
    "fuzzing",
    "flooding",
    "error_rate",
    "slow_answers",
    "bugs",
    "queue_overflows",
    "channel_failing",
    "backlog",
    "failed_work",
    "books_differ",
    "watcher_silent",
    "evaluator_silent",
]
SeverityName = Literal["warning", "critical"]
StateName = Literal["open", "acknowledged", "resolved"]
CountermeasureName = Literal["throttle", "challenge", "block"]
IncidentPath = Annotated[
    str,
    Path(
        pattern=id_pattern(ids.INCIDENT),
        description="The incident's id.",
        examples=[example_id(ids.INCIDENT)],
    ),
]
CountermeasurePath = Annotated[
    str,
    Path(
        pattern=id_pattern(ids.COUNTERMEASURE),
        description="The counter-measure's id.",
        examples=[example_id(ids.COUNTERMEASURE)],
    ),
]
StateQuery = Annotated[
    StateName | None, Query(description="Only those in this state; all without it.")
]
Told = Annotated[
    str,
    Field(min_length=1, max_length=limits.INCIDENT_TEXT_LENGTH_MAX),
    AfterValidator(check_printable),
]
_TITLES: Final = {
    "credential_stuffing": ("撞库", "Many failed log-ins from one address"),
    "broken_credentials": ("无效凭证", "Many keys and tokens that are none, from one address"),
    "enumeration": ("遍历", "Many things were asked for that do not exist or are others'"),
    "scraping": ("爬取", "One caller reads very many different things"),
    "replay": ("重放", "Keys and ids that were used before come again with other content"),
    "fuzzing": ("畸形请求", "Many malformed requests"),
    "flooding": ("超限", "Far more requests than the rate limit allows"),
    "error_rate": ("错误率高", "Many answers are errors of ours"),
    "slow_answers": ("响应缓慢", "Many answers take more than a second"),
    "bugs": ("程序异常", "A surprise reached an edge"),
    "queue_overflows": ("队列溢出", "Payments were turned away because too many waited"),
    "channel_failing": ("渠道异常", "A bank channel refuses or does not answer"),
    "backlog": ("积压", "Work waits"),
    "failed_work": ("任务失败", "Work was given up"),
    "books_differ": ("账簿不符", "The books do not tie"),
    "watcher_silent": ("进程失联", "A process has fallen silent"),
    "evaluator_silent": ("监控失效", "Nobody looks at the signals"),
}


class ResolveIncident(Body):
    """How an incident ended."""

    resolution: Told = Field(examples=["partner fixed its client"])


class LiftCountermeasure(Body):
    """Why a counter-measure ends before its time."""

    reason: Told = Field(examples=["their new client was tested against us by mistake"])


class EntityView(View):
    """Who or what it is about; an address is shown as a name that hides it, and its network."""

    kind: EntityKindName
    id: str = Field(description="A public id, a component, or `adr_` and a blind index.")
    network: str | None = Field(description="Of an address: without the last part.")


class CountermeasureView(View):
    """What is done against a caller, until when."""

    id: str = Field(pattern=id_pattern(ids.COUNTERMEASURE))
    incident: str = Field(pattern=id_pattern(ids.INCIDENT))
    kind: CountermeasureName
    entity: EntityView
    taken_at: Instant
    ends_at: Instant
    lifted_at: Instant | None
    lifted_by: str | None
    lift_reason: str | None


class StepView(View):
    """A line of the timeline."""

    step: str
    actor: str
    details: dict[str, int | str]
    at: Instant


class IncidentView(View):
    """Something that was not well; `evidence` has the numbers as they were seen last."""

    id: str = Field(pattern=id_pattern(ids.INCIDENT), examples=[example_id(ids.INCIDENT)])
    kind: IncidentKindName
    title_zh: str
    title_en: str
    severity: SeverityName
    state: StateName
    entity: EntityView
    evidence: dict[str, int | str]
    opened_at: Instant
    last_seen_at: Instant
    acknowledged_at: Instant | None
    acknowledged_by: str | None
    resolved_at: Instant | None
    resolved_by: str | None
    resolution: str | None


class WholeIncidentView(IncidentView):
    """An incident with what was done, and its timeline."""

    actions: list[CountermeasureView]
    timeline: list[StepView]


class StatusView(View):
    """The platform as it sees itself; counts are of the last `window_seconds`."""

    is_well: bool = Field(description="The watch works, and no incident is unresolved.")
    at: Instant
    window_seconds: int
    requests: int
    server_errors: int
    slow_answers: int
    outbox_waiting: int
    outbox_parked: int
    jobs_due: int
    jobs_failed: int
    queue_depth: int
    channel_succeeded: int
    channel_refused: int
    channel_unanswered: int
    processes: int
    evaluated_at: Instant | None
    incidents_unresolved: int
    countermeasures_in_force: int


def show_entity(entity: operations.Entity) -> EntityView:
    """Return an entity as a view."""
    return EntityView.model_validate(
        {"kind": entity.kind.value, "id": entity.name, "network": entity.network}
    )


def show_countermeasure(taken: operations.Countermeasure) -> CountermeasureView:
    """Return a counter-measure as a view."""
    return CountermeasureView.model_validate(
        {
            "id": show_id(ids.COUNTERMEASURE, taken.id),
            "incident": show_id(ids.INCIDENT, taken.incident_id),
            "kind": taken.kind.value,
            "entity": show_entity(taken.entity),
            "taken_at": taken.taken_at,
            "ends_at": taken.ends_at,
            "lifted_at": taken.lifted_at,
            "lifted_by": taken.lifted_by,
            "lift_reason": taken.lift_reason,
        }
    )


def show_incident(incident: operations.Incident) -> IncidentView:
    """Return an incident as a view, without its timeline."""
    return IncidentView.model_validate(_list_members(incident))


def show_whole_incident(incident: operations.Incident) -> WholeIncidentView:
    """Return an incident as a view with everything."""
    return WholeIncidentView.model_validate(
        {
            **_list_members(incident),
            "actions": [show_countermeasure(each) for each in incident.actions],
            "timeline": [
                {
                    "step": each.step.value,
                    "actor": each.actor,
                    "details": dict(each.details),
                    "at": each.at,
                }
                for each in incident.timeline
            ],
        }
    )


def show_status(status: operations.Status) -> StatusView:
    """Return the platform's state as a view."""
    measured, channels = status.measured, status.measured.channels
    return StatusView(
        is_well=status.is_well,
        at=status.at,
        window_seconds=status.window_seconds,
        requests=status.requests,
        server_errors=status.server_errors,
        slow_answers=status.slow_answers,
        outbox_waiting=measured.outbox_waiting,
        outbox_parked=measured.outbox_parked,
        jobs_due=measured.jobs_due,
        jobs_failed=measured.jobs_failed,
        queue_depth=max((each.queue_depth for each in status.watchers), default=0),
        channel_succeeded=sum(each.succeeded for each in channels),
        channel_refused=sum(each.refused for each in channels),
        channel_unanswered=sum(each.unanswered for each in channels),
        processes=len(status.watchers),
        evaluated_at=status.evaluated_at,
        incidents_unresolved=len(status.incidents),
        countermeasures_in_force=len(status.countermeasures),
    )


def read_incident_id(text: str) -> uuid.UUID:
    """Return the id of an incident; raises InvalidField."""
    return ids.read_id(ids.INCIDENT, text, field="incident")


def _list_members(incident: operations.Incident) -> dict[str, object]:
    title_zh, title_en = _TITLES[incident.kind.value]
    return {
        "id": show_id(ids.INCIDENT, incident.id),
        "kind": incident.kind.value,
        "title_zh": title_zh,
        "title_en": title_en,
        "severity": incident.severity.value,
        "state": incident.state.value,
        "entity": show_entity(incident.entity),
        "evidence": dict(incident.evidence),
        "opened_at": incident.opened_at,
        "last_seen_at": incident.last_seen_at,
        "acknowledged_at": incident.acknowledged_at,
        "acknowledged_by": incident.acknowledged_by,
        "resolved_at": incident.resolved_at,
        "resolved_by": incident.resolved_by,
        "resolution": incident.resolution,
    }
