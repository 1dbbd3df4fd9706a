"""Cases of risk as they travel."""

from typing import Annotated, ClassVar, Literal

from fastapi import Path, Query
from pydantic import ConfigDict, Field

from huitong import risk
from huitong.api.schemas.approvals import StaffId, Why
from huitong.api.schemas.common import (
    Body,
    BodyInstant,
    Instant,
    MoneyView,
    View,
    example_id,
    id_pattern,
    show_money,
    show_money_or_none,
)
from huitong.api.schemas.risk import EntityBody, KindName, show_entity
from huitong.api.schemas.risk_decisions import ActionName
from huitong.kernel import ids, limits
from huitong.kernel.ids import STAFF, show_id

OutcomeName = Literal["fraud", "genuine", "unclear"]
CasePath = Annotated[
    str,
    Path(
        pattern=id_pattern(ids.CASE),
        description="The case's id.",
        examples=[example_id(ids.CASE)],
    ),
]
QueueQuery = Annotated[
    Literal["priority", "age", "unassigned", "mine", "closed"],
    Query(
        description="Open cases by priority, oldest first, those that nobody works on, one's own; "
        "or closed ones, newest first."
    ),
]
_CaseId = Annotated[str, Field(pattern=id_pattern(ids.CASE), examples=[example_id(ids.CASE)])]
_Note = Annotated[
    str,
    Field(
        min_length=1,
        max_length=limits.CASE_NOTE_LENGTH_MAX,
        description="What colleagues should know. Name no person in it.",
        examples=["called the number on file, nobody answered"],
    ),
]


class AssignCase(Body):
    """Who is to work on a case: oneself if nobody is named."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        json_schema_extra={"examples": [{}, {"to": example_id(ids.STAFF)}]}
    )

    to: StaffId | None = None


class AddNote(Body):
    """A note."""

    note: _Note


class CloseCase(Body):
    """What was found out about a case."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        json_schema_extra={
            "examples": [
                {"outcome": "fraud", "note": "the customer did not pay this", "alerts_seen": 3}
            ]
        }
    )

    outcome: OutcomeName = Field(
        description="`fraud` and `genuine` label every decision of the case; `unclear` none."
    )
    note: _Note
    alerts_seen: int = Field(
        ge=1,
        le=limits.CASE_ALERTS_MAX,
        description="How many alerts the case had when it was looked at.",
    )


class ProposeEntry(EntityBody):
    """Who or what of a case is to come onto a list."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "list": "block",
                    "kind": "device",
                    "id": example_id(ids.DEVICE),
                    "reason": "used by all payers of the ring",
                }
            ]
        }
    )

    listed: Literal["block", "watch"] = Field(alias="list", description="Which list.")
    expires_at: BodyInstant | None = Field(default=None, description="When the entry ends.")
    reason: Why


class CaseView(View):
    """Alerts that belong together, and who works on them. It holds ids only."""

    id: _CaseId
    state: Literal["open", "closed", "merged"]
    priority: int = Field(description="The more, the sooner.")
    alerts: int
    at_risk: list[MoneyView] = Field(description="Sum of its alerts' amounts in each currency.")
    opened_at: Instant
    last_alert_at: Instant
    assigned_to: StaffId | None
    assigned_at: Instant | None
    outcome: OutcomeName | None
    closed_at: Instant | None
    merged_into: _CaseId | None = Field(description="The case that took over its alerts.")


class ParticipantView(View):
    """Who or what took part, by id."""

    side: Literal["actor", "counterparty", "means"] = Field(
        description="Who pays, logs in or applies; who is paid; with or from what."
    )
    kind: KindName
    id: str


class AlertView(View):
    """A decision that people should look at."""

    decision: str = Field(pattern=id_pattern(ids.DECISION), examples=[example_id(ids.DECISION)])
    purpose: Literal["payment", "log_in", "onboarding", "loan"]
    action: ActionName
    amount: MoneyView | None
    participants: list[ParticipantView]
    weight: int | None = Field(
        description="Weights of the rules that were true, and 100 times the model's score."
    )
    raised_at: Instant


class EntryView(View):
    """One line of a case's timeline."""

    type: Literal[
        "opened",
        "alert",
        "merged",
        "related",
        "assigned",
        "released",
        "note",
        "list_proposed",
        "overturned",
        "closed",
    ]
    at: Instant
    actor: str
    about: str | None = Field(
        description="Id of a decision, another case, a member of staff or a request."
    )
    note: str | None


class NodeView(View):
    """One entity to draw."""

    kind: KindName
    id: str
    is_of_case: bool = Field(description="Whether it takes part in an alert of the case.")
    has_more: bool = Field(description="Whether it has more links than are shown.")


class EdgeView(View):
    """A link to draw, between two nodes by their places in the list."""

    type: Literal["owns", "uses", "pays"]
    source: int
    target: int
    times: int
    first_at: Instant
    last_at: Instant


class GraphView(View):
    """The entities of a case and whom they are linked to."""

    nodes: list[NodeView]
    edges: list[EdgeView]
    is_cut: bool = Field(description="Whether something was left out.")


def show_case(case: risk.Case) -> CaseView:
    """Return a case as a view."""
    return CaseView(
        id=show_id(ids.CASE, case.id),
        state=case.state.value,
        priority=case.priority,
        alerts=case.alerts,
        at_risk=[show_money(each) for each in case.at_risk],
        opened_at=case.opened_at,
        last_alert_at=case.last_alert_at,
        assigned_to=None if case.assigned_to is None else show_id(STAFF, case.assigned_to),
        assigned_at=case.assigned_at,
        outcome=None if case.outcome is None else case.outcome.value,
        closed_at=case.closed_at,
        merged_into=None if case.merged_into is None else show_id(ids.CASE, case.merged_into),
    )


def show_alert(alert: risk.Alert) -> AlertView:
    """Return an alert as a view."""
    return AlertView.model_validate(
        {
            "decision": risk.show_decision(alert.decision_id),
            "purpose": alert.purpose.value,
            "action": alert.action.code,
            "amount": show_money_or_none(alert.amount),
            "participants": [
                {"side": each.side.value, **_name(each.entity)} for each in alert.participants
            ],
            "weight": alert.weight,
            "raised_at": alert.raised_at,
        }
    )


def show_entry(entry: risk.Entry) -> EntryView:
    """Return a line of a timeline as a view."""
    return EntryView(
        type=entry.type.value, at=entry.at, actor=entry.actor, about=entry.about, note=entry.note
    )


def show_graph(graph: risk.CaseGraph) -> GraphView:
    """Return a graph as a view."""
    places = {node.entity: place for place, node in enumerate(graph.nodes)}
    return GraphView(
        nodes=[
            NodeView.model_validate(
                {
                    **_name(node.entity),
                    "is_of_case": node.is_of_case,
                    "has_more": node.has_more,
                }
            )
            for node in graph.nodes
        ],
        edges=[
            EdgeView(
                type=link.type.value,
                source=places[link.source],
                target=places[link.target],
                times=seen.times,
                first_at=seen.first_at,
                last_at=seen.last_at,
            )
            for link, seen in graph.links
        ],
        is_cut=graph.is_cut,
    )


def _name(entity: risk.Entity) -> dict[str, str]:
    return {"kind": entity.kind.value, "id": show_entity(entity)}
