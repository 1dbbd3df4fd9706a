"""Decisions of risk: the record with its reasons, and overturning it, which takes two people."""

from typing import Annotated, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from huitong import identity, risk
from huitong.api.approvals import ask_for_approval
from huitong.api.authentication import Principal, application_of, require
from huitong.api.documentation import errors
from huitong.api.idempotency import IdempotencyKey
from huitong.api.request_body import CommandRoute
from huitong.api.schemas.approvals import ApprovalView
from huitong.api.schemas.risk_decisions import (
    DecisionPath,
    DecisionView,
    OverturnDecision,
    show_decision,
)
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.ids import DECISION, read_id, uuid7
from huitong.wiring.risk_owners import find_owners

router: Final = APIRouter(prefix="/v1/risk/decisions", tags=["Decisions"], route_class=CommandRoute)


@router.get(
    "/{decision}",
    operation_id="getDecision",
    summary="Get a decision",
    response_model=DecisionView,
    responses=errors(risk.DecisionNotFound, caller="staff"),
)
async def get_decision(
    request: Request,
    decision: DecisionPath,
    principal: Annotated[Principal, require("decisions:read")],
) -> DecisionView:
    """Return what was decided about a payment, why and from what; and if it comes out again."""
    decision_id = read_id(DECISION, decision, field="decision")
    async with application_of(request).database.reading(principal.caller) as uow:
        found = await risk.get_decision(uow, decision_id)
        reasons = await risk.explain_decision(uow, found)
        overturn = await risk.find_overturn(uow, decision_id)
        features = await risk.name_values(uow, found)
        replay = await _replay(uow, found)
    return show_decision(found, reasons, features, replay, overturn)


@router.post(
    "/{decision}/overturn",
    operation_id="overturnDecision",
    summary="Ask for a decision to be overturned",
    status_code=202,
    response_model=ApprovalView,
    responses=errors(
        risk.DecisionNotFound,
        risk.NothingToOverturn,
        risk.AlreadyOverturned,
        identity.OwnRecord,
        caller="staff",
        is_command=True,
    ),
)
async def overturn_decision(
    request: Request,
    decision: DecisionPath,
    body: OverturnDecision,
    key: IdempotencyKey,
    principal: Annotated[Principal, require("decisions:overturn")],
) -> Response:
    """Say that a decision was wrong; somebody else decides on that.

    A payment or withdrawal that it holds is let go with it. What was refused stays refused: for a
    day, rules let the payer pay the same payee.
    """
    decision_id = read_id(DECISION, decision, field="decision")
    approval_id, now = uuid7(), application_of(request).clock.now()

    async def make(uow: UnitOfWork, by: identity.Staff) -> identity.Approval:
        found = await risk.check_can_overturn(uow, decision_id)
        payload: dict[str, object] = {"decision": risk.show_decision(decision_id)}
        if found.alert is not None and found.alert.amount is not None:
            payload["amount"] = found.alert.amount.to_json()
        return await identity.request_approval(
            uow,
            approval_id=approval_id,
            staff=by,
            act="risk.overturn_decision",
            payload=payload,
            reason=body.reason,
            concerns=await find_owners(uow, found.entities),
            now=now,
        )

    return await ask_for_approval(request, principal, key, make)


async def _replay(uow: UnitOfWork, decision: risk.Decision) -> risk.Replay | None:
    if decision.fallback is not None:
        return None
    try:
        return await risk.replay_decision(uow, decision)
    except risk.ModelDamaged:
        # The record is shown all the same: it is whole.
        return None
