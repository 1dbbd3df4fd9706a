"""Payments of businesses, for the people who act for them: some make them, others approve them."""

from typing import Annotated, Final

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from huitong import customers, identity, payments
from huitong.api.authentication import Principal, application_of, require
from huitong.api.customers_calling import person_of, session_of
from huitong.api.documentation import DECIDED, errors
from huitong.api.idempotency import IdempotencyKey, run_once, show_once
from huitong.api.pages import Cursor, Limit, list_after, open_id_cursor, show_page
from huitong.api.request_body import CommandRoute
from huitong.api.schemas.common import Page
from huitong.api.schemas.corporate import (
    Approve,
    Business,
    Decide,
    InstructionPath,
    InstructionView,
    InstructPayment,
    InstructSchedule,
    MandateView,
    StandingOrderView,
    make_act,
    show_instruction,
    show_mandate,
    show_standing,
)
from huitong.kernel import ids, limits
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import MERCHANT, read_id, uuid7

router: Final = APIRouter(
    prefix="/v1/corporate", tags=["Corporate accounts"], route_class=CommandRoute
)

corporate: Final = payments.corporate
User = Annotated[Principal, require("corporate:own", is_for_customers=True)]
State = Annotated[
    payments.corporate.InstructionState | None, Query(description="Only those in this state.")
]
_INSTRUCTING: Final = (
    corporate.CorporateNotAllowed,
    corporate.MandateMissing,
    corporate.MandateExceeded,
    corporate.PayeeNameDiffers,
    payments.AccountNotFound,
    InvalidField,
)
_DECIDING: Final = (
    corporate.InstructionNotFound,
    corporate.CorporateNotAllowed,
    corporate.InstructionNotWaiting,
    corporate.InstructionExpired,
    corporate.InstructionChanged,
)


@router.get(
    "/mandate",
    operation_id="getCorporateMandate",
    summary="Get what a business may pay",
    response_model=MandateView,
    responses=errors(corporate.CorporateNotAllowed, corporate.MandateMissing, caller="customer"),
)
async def get_mandate(request: Request, merchant: Business, principal: User) -> MandateView:
    """Return the limits, and how many approvers a payment takes from which amount on."""
    merchant_id = read_id(MERCHANT, merchant, field="merchant")
    async with application_of(request).database.reading(principal.caller) as uow:
        await corporate.check_user(uow, merchant_id, person_of(principal))
        return show_mandate(await corporate.get_mandate(uow, merchant_id))


@router.post(
    "/payments",
    operation_id="instructPayment",
    summary="Ask for a payment of a business",
    status_code=201,
    response_model=InstructionView,
    responses=errors(*_INSTRUCTING, is_command=True, caller="customer"),
)
async def instruct_payment(
    request: Request, body: InstructPayment, key: IdempotencyKey, principal: User
) -> Response:
    """Ask as a submitter; nothing moves before as many approvers as it takes have approved it."""
    parts = application_of(request)
    instruction_id, now = uuid7(), parts.clock.now()
    return await show_once(
        request,
        principal,
        key,
        lambda uow: corporate.instruct_payment(
            uow,
            parts.vault,
            instruction_id=instruction_id,
            merchant_id=read_id(MERCHANT, body.merchant, field="merchant"),
            made_by=person_of(principal),
            payee=body.payee.read(),
            amount=body.amount.read(),
            description=body.description,
            now=now,
        ),
        show_instruction,
    )


@router.post(
    "/schedules",
    operation_id="instructSchedule",
    summary="Ask for a standing order, or a payment at a later time",
    status_code=201,
    response_model=InstructionView,
    responses=errors(*_INSTRUCTING, corporate.ScheduleInvalid, is_command=True, caller="customer"),
)
async def instruct_schedule(
    request: Request, body: InstructSchedule, key: IdempotencyKey, principal: User
) -> Response:
    """Ask as a submitter; it is in force once it is approved, and has the instruction's id."""
    parts = application_of(request)
    instruction_id, now = uuid7(), parts.clock.now()
    return await show_once(
        request,
        principal,
        key,
        lambda uow: corporate.instruct_schedule(
            uow,
            parts.vault,
            instruction_id=instruction_id,
            merchant_id=read_id(MERCHANT, body.merchant, field="merchant"),
            made_by=person_of(principal),
            payee=body.payee.read(),
            plan=body.read(),
            now=now,
        ),
        show_instruction,
    )


@router.get(
    "/instructions",
    operation_id="listInstructions",
    summary="List the instructions of a business",
    response_model=Page[InstructionView],
    responses=errors(corporate.CorporateNotAllowed, caller="customer"),
)
async def list_instructions(
    request: Request,
    merchant: Business,
    principal: User,
    *,
    state: State = None,
    cursor: Cursor = None,
    limit: Limit = limits.PAGE_SIZE_DEFAULT,
) -> dict[str, object]:
    """Return instructions, newest first, without names and numbers of payees."""
    merchant_id = read_id(MERCHANT, merchant, field="merchant")
    before = open_id_cursor(cursor, "instructions", merchant, state)
    async with application_of(request).database.reading(principal.caller) as uow:
        found = await corporate.list_instructions(
            uow,
            merchant_id=merchant_id,
            customer_id=person_of(principal),
            state=state,
            before=before,
            limit=limit,
        )
    page = list_after(found, limit, lambda each: each.id)
    return show_page(page, show_instruction, "instructions", merchant, state)


@router.get(
    "/instructions/{instruction}",
    operation_id="getInstruction",
    summary="Get an instruction",
    response_model=InstructionView,
    responses=errors(corporate.InstructionNotFound, caller="customer"),
)
async def get_instruction(
    request: Request, instruction: InstructionPath, principal: User
) -> InstructionView:
    """Return an instruction with its payee as its maker named it."""
    parts = application_of(request)
    async with parts.database.reading(principal.caller) as uow:
        found = await _get_own(uow, instruction, principal)
        return show_instruction(found, await corporate.show_payee(uow, parts.vault, found.payee))


@router.post(
    "/instructions/{instruction}/approve",
    operation_id="approveInstruction",
    summary="Approve an instruction",
    response_model=InstructionView,
    responses=errors(
        *_DECIDING,
        corporate.MandateChanged,
        corporate.MandateExceeded,
        corporate.ScheduleInvalid,
        identity.StepUpRefused,
        payments.InsufficientFunds,
        payments.DayLimitExceeded,
        payments.TotalLimitExceeded,
        payments.AccountFrozen,
        payments.AccountClosed,
        payments.NoChannel,
        *DECIDED,
        is_command=True,
        caller="customer",
    ),
)
async def approve_instruction(
    request: Request,
    instruction: InstructionPath,
    body: Approve,
    key: IdempotencyKey,
    principal: User,
) -> Response:
    """Approve exactly this content, with one more factor; the last approval has it done."""
    parts = application_of(request)
    instruction_id, now = (
        read_id(ids.INSTRUCTION, instruction, field="instruction"),
        parts.clock.now(),
    )
    session = session_of(principal)
    async with parts.database.reading(principal.caller) as uow:
        found = await _get_own(uow, instruction, principal)
        payer = (await customers.get_merchant(uow, found.merchant_id)).account_id
    act = make_act(found, payer)
    if body.step_up is None:
        # Not kept as the answer, so that the same Idempotency-Key may come again with the proof.
        raise identity.demand_two_elements(session, act, now)
    step_up_id = read_id(ids.STEP_UP, body.step_up, field="step_up")

    async def command(uow: UnitOfWork) -> InstructionView:
        approved = await corporate.approve_instruction(
            uow,
            parts.decider,
            instruction_id=instruction_id,
            approved_by=person_of(principal),
            digest=bytes.fromhex(body.sha256),
            now=now,
        )
        await identity.use_step_up(uow, session=session, act=act, step_up_id=step_up_id, now=now)
        return show_instruction(approved)

    return await run_once(request, principal, key, command, status=200)


@router.post(
    "/instructions/{instruction}/reject",
    operation_id="rejectInstruction",
    summary="Reject an instruction",
    response_model=InstructionView,
    responses=errors(*_DECIDING, is_command=True, caller="customer"),
)
async def reject_instruction(
    request: Request,
    instruction: InstructionPath,
    body: Decide,
    key: IdempotencyKey,
    principal: User,
) -> Response:
    """Reject it for ever, as an approver."""
    instruction_id = read_id(ids.INSTRUCTION, instruction, field="instruction")
    now = application_of(request).clock.now()
    return await show_once(
        request,
        principal,
        key,
        lambda uow: corporate.reject_instruction(
            uow,
            instruction_id=instruction_id,
            rejected_by=person_of(principal),
            digest=bytes.fromhex(body.sha256),
            now=now,
        ),
        show_instruction,
        status=200,
    )


@router.post(
    "/instructions/{instruction}/withdraw",
    operation_id="withdrawInstruction",
    summary="Take an instruction back",
    response_model=InstructionView,
    responses=errors(
        corporate.InstructionNotFound,
        corporate.CorporateNotAllowed,
        corporate.InstructionNotWaiting,
        is_command=True,
        caller="customer",
    ),
)
async def withdraw_instruction(
    request: Request, instruction: InstructionPath, key: IdempotencyKey, principal: User
) -> Response:
    """Take an instruction back that waits, as a submitter."""
    instruction_id = read_id(ids.INSTRUCTION, instruction, field="instruction")
    now = application_of(request).clock.now()
    return await show_once(
        request,
        principal,
        key,
        lambda uow: corporate.withdraw_instruction(
            uow, instruction_id=instruction_id, withdrawn_by=person_of(principal), now=now
        ),
        show_instruction,
        status=200,
    )


@router.get(
    "/schedules",
    operation_id="listStandingOrders",
    summary="List the standing orders and scheduled payments of a business",
    response_model=Page[StandingOrderView],
    responses=errors(corporate.CorporateNotAllowed, caller="customer"),
)
async def list_standing_orders(
    request: Request,
    merchant: Business,
    principal: User,
    cursor: Cursor = None,
    limit: Limit = limits.PAGE_SIZE_DEFAULT,
) -> dict[str, object]:
    """Return them, newest first, without what became of their dates."""
    merchant_id = read_id(MERCHANT, merchant, field="merchant")
    before = open_id_cursor(cursor, "standing-orders", merchant)
    async with application_of(request).database.reading(principal.caller) as uow:
        found = await corporate.list_standing_orders(
            uow,
            merchant_id=merchant_id,
            customer_id=person_of(principal),
            before=before,
            limit=limit,
        )
    page = list_after(found, limit, lambda each: each.id)
    return show_page(page, lambda each: show_standing(each, []), "standing-orders", merchant)


@router.get(
    "/schedules/{instruction}",
    operation_id="getStandingOrder",
    summary="Get a standing order, and what became of its dates",
    response_model=StandingOrderView,
    responses=errors(corporate.StandingOrderNotFound, caller="customer"),
)
async def get_standing_order(
    request: Request, instruction: InstructionPath, principal: User
) -> StandingOrderView:
    """Return it with its latest due dates: paid, or skipped and why."""
    order_id = read_id(ids.INSTRUCTION, instruction, field="instruction")
    async with application_of(request).database.reading(principal.caller) as uow:
        found = await corporate.get_standing_order(uow, order_id, customer_id=person_of(principal))
        runs = await corporate.list_standing_runs(uow, found, limit=limits.PAGE_SIZE_MAX)
    return show_standing(found, runs)


@router.post(
    "/schedules/{instruction}/cancel",
    operation_id="cancelStandingOrder",
    summary="Cancel what of a standing order is not paid yet",
    response_model=StandingOrderView,
    responses=errors(
        corporate.StandingOrderNotFound,
        corporate.CorporateNotAllowed,
        corporate.StandingOrderOver,
        is_command=True,
        caller="customer",
    ),
)
async def cancel_standing_order(
    request: Request, instruction: InstructionPath, key: IdempotencyKey, principal: User
) -> Response:
    """Cancel it as a submitter or an approver; it moves no money, so that one is enough."""
    order_id = read_id(ids.INSTRUCTION, instruction, field="instruction")
    now = application_of(request).clock.now()

    async def command(uow: UnitOfWork) -> StandingOrderView:
        cancelled = await corporate.cancel_standing_order(
            uow, order_id=order_id, cancelled_by=person_of(principal), now=now
        )
        runs = await corporate.list_standing_runs(uow, cancelled, limit=limits.PAGE_SIZE_MAX)
        return show_standing(cancelled, runs)

    return await run_once(request, principal, key, command, status=200)


async def _get_own(
    uow: UnitOfWork, instruction: str, principal: Principal
) -> payments.corporate.Instruction:
    instruction_id = read_id(ids.INSTRUCTION, instruction, field="instruction")
    return await corporate.get_instruction(uow, instruction_id, customer_id=person_of(principal))
