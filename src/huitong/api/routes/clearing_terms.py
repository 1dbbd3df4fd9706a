"""Banks in clearing: one member of staff asks for what changes, another one decides."""

from typing import Annotated, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from huitong import payments
from huitong.api.approvals import ask_for_act
from huitong.api.authentication import Principal, require
from huitong.api.documentation import errors
from huitong.api.idempotency import IdempotencyKey
from huitong.api.request_body import CommandRoute
from huitong.api.schemas.approvals import ApprovalView
from huitong.api.schemas.clearing import DepositForClearing, JoinClearing, SetCap, SetReserved
from huitong.kernel.errors import InvalidField
from huitong.kernel.money import Money

router: Final = APIRouter(prefix="/v1/clearing", tags=["Clearing"], route_class=CommandRoute)

clearing: Final = payments.clearing
Writer = Annotated[Principal, require("clearing:write")]


@router.post(
    "/participants",
    operation_id="joinClearing",
    summary="Ask for a bank to take part",
    status_code=202,
    response_model=ApprovalView,
    responses=errors(clearing.ParticipantExists, InvalidField, caller="staff", is_command=True),
)
async def join(
    request: Request, body: JoinClearing, key: IdempotencyKey, principal: Writer
) -> Response:
    """Ask for a settlement and a collateral account, a cap and a reserve; somebody else decides."""
    cap = body.net_debit_cap.read("net_debit_cap")
    reserved = (
        Money.zero(clearing.CURRENCY) if body.reserved is None else body.reserved.read("reserved")
    )
    names = {"name_zh": body.name_zh, "name_en": body.name_en}
    return await ask_for_act(
        request,
        principal,
        key,
        act="clearing.join",
        payload={
            "participant": body.participant,
            **names,
            "net_debit_cap": cap.to_json(),
            "reserved": reserved.to_json(),
        },
        reason=body.reason,
        check=lambda uow: clearing.check_join(
            uow, code=body.participant, **names, net_debit_cap=cap, reserved=reserved
        ),
    )


@router.post(
    "/deposits",
    operation_id="depositForClearing",
    summary="Ask for money to be put on a bank's account",
    status_code=202,
    response_model=ApprovalView,
    responses=errors(clearing.ParticipantNotFound, InvalidField, caller="staff", is_command=True),
)
async def deposit(
    request: Request, body: DepositForClearing, key: IdempotencyKey, principal: Writer
) -> Response:
    """Ask for what came through the central bank to be booked, once; somebody else decides."""
    amount = body.amount.read("amount")
    return await ask_for_act(
        request,
        principal,
        key,
        act="clearing.deposit",
        payload={
            "participant": body.participant,
            "amount": amount.to_json(),
            "is_collateral": body.is_collateral,
        },
        reason=body.reason,
        check=lambda uow: clearing.check_deposit(uow, code=body.participant, amount=amount),
    )


@router.post(
    "/reserves",
    operation_id="setClearingReserve",
    summary="Ask for another reserve for urgent payments",
    status_code=202,
    response_model=ApprovalView,
    responses=errors(clearing.ParticipantNotFound, InvalidField, caller="staff", is_command=True),
)
async def set_reserved(
    request: Request, body: SetReserved, key: IdempotencyKey, principal: Writer
) -> Response:
    """Ask for what a bank keeps for urgent gross payments to be changed; somebody else decides."""
    reserved = body.reserved.read("reserved")
    return await ask_for_act(
        request,
        principal,
        key,
        act="clearing.set_reserved",
        payload={"participant": body.participant, "reserved": reserved.to_json()},
        reason=body.reason,
        check=lambda uow: clearing.check_reserved(uow, code=body.participant, reserved=reserved),
    )


@router.post(
    "/caps",
    operation_id="setClearingCap",
    summary="Ask for another net debit cap",
    status_code=202,
    response_model=ApprovalView,
    responses=errors(clearing.ParticipantNotFound, InvalidField, caller="staff", is_command=True),
)
async def set_cap(
    request: Request, body: SetCap, key: IdempotencyKey, principal: Writer
) -> Response:
    """Ask for a participant's cap to be changed; somebody else decides."""
    cap = body.cap.read("cap")
    return await ask_for_act(
        request,
        principal,
        key,
        act="clearing.set_cap",
        payload={"participant": body.participant, "cap": cap.to_json()},
        reason=body.reason,
        check=lambda uow: clearing.check_cap(uow, code=body.participant, cap=cap),
    )
