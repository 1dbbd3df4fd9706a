"""From an offer to the money: what it costs, the time to read it, the contract, the signature."""

from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from huitong import identity, lending
from huitong.api.authentication import application_of
from huitong.api.customers_calling import session_of
from huitong.api.documentation import errors
from huitong.api.idempotency import IdempotencyKey, run_once
from huitong.api.request_body import CommandRoute
from huitong.api.routes.loan_applications import Applicant, find_own
from huitong.api.schemas.common import NoBody
from huitong.api.schemas.loan_applications import (
    ConfirmReading,
    ContractView,
    CostStatementView,
    LoanApplicationPath,
    LoanApplicationView,
    SignContract,
    make_signing_act,
    show_application,
    show_statement,
)
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import STEP_UP, read_id, uuid7

applications = lending.applications

router: Final = APIRouter(
    prefix="/v1/loan-applications", tags=["Loan applications"], route_class=CommandRoute
)
_OFFERED: Final = (
    applications.LoanApplicationNotFound,
    applications.WrongStage,
    applications.OfferLapsed,
)


@router.post(
    "/{loan_application}/cost-statement",
    operation_id="showLoanCost",
    summary="Be shown what a loan costs all in all",
    response_model=CostStatementView,
    responses=errors(*_OFFERED, is_command=True, caller="customer"),
)
async def show_cost(
    request: Request,
    loan_application: LoanApplicationPath,
    _body: NoBody,
    key: IdempotencyKey,
    principal: Applicant,
) -> Response:
    """Be shown the statement of today; it must stay shown for `reading_seconds` at least."""
    parts = application_of(request)
    now = parts.clock.now()
    seconds = parts.rulebook.integer("loan.disclosure.reading.seconds", business_day(now))

    async def command(uow: UnitOfWork) -> CostStatementView:
        found = await find_own(uow, principal, loan_application)
        shown, statement = await applications.show_statement(uow, found.id, now=now)
        return show_statement(shown, statement, reading_seconds=seconds)

    return await run_once(request, principal, key, command, status=200)


@router.post(
    "/{loan_application}/reading",
    operation_id="confirmLoanReading",
    summary="Confirm that the cost statement was read",
    response_model=LoanApplicationView,
    responses=errors(*_OFFERED, applications.StatementNotRead, is_command=True, caller="customer"),
)
async def confirm_reading(
    request: Request,
    loan_application: LoanApplicationPath,
    body: ConfirmReading,
    key: IdempotencyKey,
    principal: Applicant,
) -> Response:
    """Confirm it, once it was shown for as long as it must be."""
    parts = application_of(request)

    async def command(uow: UnitOfWork) -> LoanApplicationView:
        found = await find_own(uow, principal, loan_application)
        read = await applications.confirm_reading(
            uow,
            found.id,
            digest=bytes.fromhex(body.sha256),
            rulebook=parts.rulebook,
            now=parts.clock.now(),
        )
        return show_application(read)

    return await run_once(request, principal, key, command, status=200)


@router.get(
    "/{loan_application}/contract",
    operation_id="getLoanContract",
    summary="Get the contract as it would be signed today",
    response_model=ContractView,
    responses=errors(*_OFFERED, applications.StatementNotRead, caller="customer"),
)
async def get_contract(
    request: Request, loan_application: LoanApplicationPath, principal: Applicant
) -> ContractView:
    """Return the contract and its hash, once the cost statement of today was read."""
    parts = application_of(request)
    async with parts.database.reading(principal.caller) as uow:
        found = await find_own(uow, principal, loan_application)
        contract = await applications.get_contract(uow, found.id, now=parts.clock.now())
    return ContractView(
        sha256=applications.digest_contract(contract).hex(), contract=dict(contract)
    )


@router.post(
    "/{loan_application}/signature",
    operation_id="signLoanContract",
    summary="Sign the contract, and be paid",
    response_model=LoanApplicationView,
    responses=errors(
        *_OFFERED,
        applications.StatementNotRead,
        lending.LoanTermsRefused,
        lending.LoanMoneyRefused,
        identity.StepUpRequired,
        identity.StepUpRefused,
        identity.SessionReduced,
        InvalidField,
        is_command=True,
        caller="customer",
    ),
)
async def sign_contract(
    request: Request,
    loan_application: LoanApplicationPath,
    body: SignContract,
    key: IdempotencyKey,
    principal: Applicant,
) -> Response:
    """Sign exactly this contract with one more factor; the loan is paid out at once, or nothing."""
    parts, session = application_of(request), session_of(principal)
    now = parts.clock.now()
    if body.step_up is None:
        async with parts.database.reading(principal.caller) as uow:
            mine = await find_own(uow, principal, loan_application)
        # Not kept as the answer, so that the same Idempotency-Key may come again with the proof.
        raise identity.demand_two_elements(session, make_signing_act(mine, body.sha256), now)
    step_up_id = read_id(STEP_UP, body.step_up, field="step_up")

    async def command(uow: UnitOfWork) -> LoanApplicationView:
        found = await find_own(uow, principal, loan_application)
        signed, _ = await applications.sign_and_lend(
            uow,
            parts.vault,
            found.id,
            contract_digest=bytes.fromhex(body.sha256),
            loan_id=uuid7(),
            proof=str(body.step_up),
            rulebook=parts.rulebook,
            now=now,
        )
        act = make_signing_act(signed, body.sha256)
        await identity.use_step_up(uow, session=session, act=act, step_up_id=step_up_id, now=now)
        return show_application(signed)

    return await run_once(request, principal, key, command, status=200)
