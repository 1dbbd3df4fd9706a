"""Decisions of risk: the record with its reasons, made again while it is looked at."""

from typing import Annotated, Final

from fastapi import APIRouter
from starlette.requests import Request

from huitong import risk
from huitong.api.authentication import Principal, application_of, require
from huitong.api.documentation import errors
from huitong.api.schemas.risk_decisions import DecisionPath, DecisionView, show_decision
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.ids import DECISION, read_id

router: Final = APIRouter(prefix="/v1/risk/decisions", tags=["Decisions"])


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
        features = await risk.name_values(uow, found)
        replay = await _replay(uow, found)
    return show_decision(found, reasons, features, replay)


async def _replay(uow: UnitOfWork, decision: risk.Decision) -> risk.Replay | None:
    if decision.fallback is not None:
        return None
    try:
        return await risk.replay_decision(uow, decision)
    except risk.ModelDamaged:
        # The record is shown all the same: it is whole.
        return None
