"""What staff oversee: the audit trail, failed work, the rulebook, roles, the last hour."""

from datetime import date
from typing import Annotated, Literal

from fastapi import Path, Query
from pydantic import AfterValidator, Field, JsonValue

from huitong import identity, payments, risk
from huitong.api.schemas.common import (
    GivenInstant,
    Instant,
    MoneyView,
    View,
    check_printable,
    example_id,
    id_pattern,
    show_money,
)
from huitong.kernel import audit, ids, jobs, limits, outbox
from huitong.kernel.ids import show_id
from huitong.kernel.rulebook import Rule


def _check(text: str | None) -> str | None:
    return None if text is None else check_printable(text)


ActorText = Annotated[
    str | None,
    Query(
        min_length=1,
        max_length=limits.AUDIT_SUBJECT_LENGTH_MAX,
        description="Who did it: a public id, or a part of ours.",
        examples=[example_id(ids.STAFF)],
    ),
    AfterValidator(_check),
]
ActionText = Annotated[
    str | None,
    Query(
        min_length=1,
        max_length=limits.AUDIT_ACTION_LENGTH_MAX,
        description="How the action begins.",
        examples=["identity."],
    ),
    AfterValidator(_check),
]
SubjectText = Annotated[
    str | None,
    Query(
        min_length=1,
        max_length=limits.AUDIT_SUBJECT_LENGTH_MAX,
        description="The public id of the thing that was changed.",
        examples=[example_id(ids.STAFF)],
    ),
    AfterValidator(_check),
]
Since = Annotated[
    GivenInstant | None,
    Query(description="From then on.", examples=["2026-11-23T08:30:00Z"]),
]
Until = Annotated[
    GivenInstant | None,
    Query(description="Before then.", examples=["2026-11-24T08:30:00Z"]),
]
JobPath = Annotated[
    str,
    Path(pattern="^job_[1-9][0-9]{0,17}$", description="The job's id.", examples=["job_4711"]),
]
EventPath = Annotated[
    str,
    Path(
        pattern=id_pattern(ids.EVENT),
        description="The event's id.",
        examples=[example_id(ids.EVENT)],
    ),
]
RuleKey = Annotated[
    str,
    Path(
        pattern=r"^[a-z0-9_]{1,64}(\.[a-z0-9_]{1,64}){0,7}$",
        max_length=limits.RULE_KEY_LENGTH_MAX,
        description="The rule's key.",
        examples=["payments.account.class_1.total_max"],
    ),
]


class AuditRecordView(View):
    """One deed: who did what to which thing."""

    id: str = Field(pattern=id_pattern(ids.AUDIT_RECORD), examples=[example_id(ids.AUDIT_RECORD)])
    recorded_at: Instant
    actor: str
    action: str
    subject: str
    request_id: str | None
    details: dict[str, JsonValue]


class FailedJobView(View):
    """A job that was given up."""

    id: str = Field(pattern="^job_[1-9][0-9]{0,17}$", examples=["job_4711"])
    name: str
    arguments: dict[str, JsonValue]
    attempts: int
    failed_at: Instant | None
    error: str | None = Field(description="The kind of the last failure, without what it held.")


class ParkedEventView(View):
    """An event that no handler could take."""

    id: str = Field(pattern=id_pattern(ids.EVENT), examples=[example_id(ids.EVENT)])
    topic: str
    recorded_at: Instant
    parked_at: Instant
    attempts: int
    last_error: str | None = Field(
        description="The kind of the last failure, without what it held."
    )


class RetriedView(View):
    """Work that has all its attempts again."""

    id: str = Field(examples=["job_4711"])
    retried_at: Instant


class RuleSourceView(View):
    """Where a value was published."""

    title: str
    number: str | None
    issuer: str
    article: str | None


class RulebookRuleView(View):
    """One value of one key, from a day to before another one."""

    key: str
    value: str | list[str]
    unit: str
    scope: str
    source: RuleSourceView
    effective_from: date
    effective_to: date | None
    confidence: Literal["S", "V", "K", "K?", "T"]
    enforcement: Literal["block", "review", "warn", "report", "info"]
    note: str | None
    is_date_assumed: bool
    is_volatile: bool = Field(description="Whether it must be checked again before a release.")


class RulesOfDay(View):
    """The rulebook as it was in force on a day."""

    on: date
    jurisdiction: str
    data: list[RulebookRuleView]


class RuleHistory(View):
    """All values that a key ever had, or will have."""

    data: list[RulebookRuleView]


class RoleView(View):
    """What a role may do, within which bounds."""

    name: str
    permissions: list[str]
    amount_max: dict[str, MoneyView]
    own_branch: list[str]
    own_cases: list[str]
    is_alone: bool = Field(description="Whether who has it can have no other one.")


class PermissionView(View):
    """A permission in words."""

    name: str
    meaning: str


class ActOfTwoView(View):
    """What takes two people."""

    name: str
    request: str
    approve: str
    hours: int = Field(description="How long a request stands.")


class RolesView(View):
    """The whole policy of who may do what."""

    roles: list[RoleView]
    permissions: list[PermissionView]
    acts: list[ActOfTwoView]


class PaceMinuteView(View):
    """What was asked for in one minute and currency."""

    minute: Instant
    orders: int
    paid: int
    failed: int
    held: int
    moved: MoneyView = Field(description="The sum of what was paid.")


class ActionCountView(View):
    """How often payments were decided so."""

    action: Literal["allow", "step_up", "review", "delay", "block"]
    count: int


class PaceView(View):
    """The last hour: payments by minute, and what risk decided about them."""

    at: Instant
    minutes: list[PaceMinuteView]
    decided: list[ActionCountView]


def show_audit_record(record: audit.AuditRecord) -> AuditRecordView:
    """Return a record of the trail as a view."""
    return AuditRecordView(
        id=show_id(ids.AUDIT_RECORD, record.id),
        recorded_at=record.recorded_at,
        actor=record.actor,
        action=record.action,
        subject=record.subject,
        request_id=record.request_id,
        details=dict(record.details),
    )


def show_failed_job(job: jobs.FailedJob) -> FailedJobView:
    """Return a failed job as a view."""
    return FailedJobView(
        id=f"{ids.JOB}_{job.id}",
        name=job.name,
        arguments=dict(job.arguments),
        attempts=job.attempts,
        failed_at=job.failed_at,
        error=_hide(job.error),
    )


def show_parked_event(event: outbox.ParkedEvent) -> ParkedEventView:
    """Return a parked event as a view."""
    return ParkedEventView(
        id=show_id(ids.EVENT, event.id),
        topic=event.topic,
        recorded_at=event.recorded_at,
        parked_at=event.parked_at,
        attempts=event.attempts,
        last_error=_hide(event.last_error),
    )


def show_rule(rule: Rule) -> RulebookRuleView:
    """Return a rule as a view; numbers as text, so that nobody rounds them."""
    value = rule.value
    return RulebookRuleView.model_validate(
        {
            "key": rule.key,
            "value": [_write(each) for each in value]
            if isinstance(value, tuple)
            else _write(value),
            "unit": str(rule.unit),
            "scope": rule.scope.value,
            "source": {
                "title": rule.source.title,
                "number": rule.source.number,
                "issuer": rule.source.issuer,
                "article": rule.source.article,
            },
            "effective_from": rule.effective_from,
            "effective_to": rule.effective_to,
            "confidence": rule.confidence.value,
            "enforcement": rule.enforcement.value,
            "note": rule.note,
            "is_date_assumed": rule.is_date_assumed,
            "is_volatile": rule.is_volatile,
        }
    )


def show_policy(policy: identity.AccessPolicy) -> RolesView:
    """Return the policy as a view."""
    return RolesView(
        roles=[
            RoleView(
                name=name,
                permissions=sorted(role.permits),
                amount_max={key: show_money(most) for key, most in role.amount_max.items()},
                own_branch=sorted(role.own_branch),
                own_cases=sorted(role.own_cases),
                is_alone=name in policy.alone,
            )
            for name, role in policy.roles.items()
        ],
        permissions=[
            PermissionView(name=name, meaning=meaning)
            for name, meaning in sorted(policy.permissions.items())
        ],
        acts=[
            ActOfTwoView(
                name=name,
                request=rule.request,
                approve=rule.approve,
                hours=int(rule.lifetime.total_seconds()) // 3600,
            )
            for name, rule in sorted(policy.acts.items())
        ],
    )


def show_pace_minute(minute: payments.PaceMinute) -> PaceMinuteView:
    """Return what happened in a minute as a view."""
    return PaceMinuteView(
        minute=minute.minute,
        orders=minute.orders,
        paid=minute.paid,
        failed=minute.failed,
        held=minute.held,
        moved=show_money(minute.moved),
    )


def show_action_count(action: risk.Action, count: int) -> ActionCountView:
    """Return how often something was decided as a view."""
    return ActionCountView.model_validate({"action": action.code, "count": count})


def _hide(error: str | None) -> str | None:
    """Return the kind of an error: what follows may hold anything that was being worked on."""
    return None if error is None else error.split(":", 1)[0].split("\n", 1)[0]


def _write(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
