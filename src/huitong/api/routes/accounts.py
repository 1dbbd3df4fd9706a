"""Ledger accounts: balances now and in the past, statements, freezing and closing."""

from datetime import date
from typing import Annotated, Final

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from huitong import identity, ledger, privacy
from huitong.api.approvals import ask_for_approval
from huitong.api.authentication import Principal, application_of, require
from huitong.api.documentation import errors
from huitong.api.idempotency import IdempotencyKey, run_once
from huitong.api.pages import Cursor, Limit, open_cursor, show_page
from huitong.api.people_seen import note_seen
from huitong.api.request_body import CommandRoute
from huitong.api.schemas.common import AccountPath, GivenInstant, Page, show_money
from huitong.api.schemas.ledger import (
    AccountView,
    BalanceView,
    ChangeAccount,
    FreezeAccount,
    StatementLineView,
    show_account,
    show_statement_line,
)
from huitong.kernel import limits
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField, NotFound
from huitong.kernel.ids import uuid7
from huitong.ledger import AccountState

router: Final = APIRouter(
    prefix="/v1/accounts/{account}", tags=["Accounts"], route_class=CommandRoute
)

Reader = Annotated[
    Principal, require("accounts:read", is_for_merchants=True, is_for_customers=True)
]
Writer = Annotated[Principal, require("accounts:write")]


@router.get(
    "",
    operation_id="getAccount",
    summary="Get an account",
    response_model=AccountView,
    responses=errors(NotFound, privacy.ViewerCut),
)
async def get_account(request: Request, account: AccountPath, principal: Reader) -> AccountView:
    """Return an account with its state and its balance now."""
    number = ledger.read_account(account, field="account")
    async with application_of(request).database.reading(principal.caller) as uow:
        found = await _get_own(uow, principal, number)
        view = show_account(found, await ledger.get_balance(uow, number))
    await _note_owner(request, principal, found)
    return view


@router.get(
    "/balance",
    operation_id="getBalance",
    summary="Get a balance, now or as it was",
    response_model=BalanceView,
    responses=errors(NotFound, privacy.ViewerCut),
)
async def get_balance(
    request: Request,
    account: AccountPath,
    principal: Reader,
    at: Annotated[
        GivenInstant | None,
        Query(
            description="As recorded up to this instant (RFC 3339).",
            examples=["2026-11-23T08:30:00Z"],
        ),
    ] = None,
    on: Annotated[
        date | None,
        Query(description="Of this business day and all before it.", examples=["2026-11-23"]),
    ] = None,
) -> BalanceView:
    """Return the balance of now, `at` an instant, or `on` a business day as known today."""
    number = ledger.read_account(account, field="account")
    if at is not None and on is not None:
        raise InvalidField("must not be given together with at", field="on")
    async with application_of(request).database.reading(principal.caller) as uow:
        found = await _get_own(uow, principal, number)
        available = None
        if at is not None:
            posted = await ledger.get_balance_at(uow, number, at)
        elif on is not None:
            posted = (await ledger.get_balance_on(uow, number, on)).balance
        else:
            balance = await ledger.get_balance(uow, number)
            posted, available = balance.posted, show_money(balance.available)
    await _note_owner(request, principal, found)
    return BalanceView(
        account=account, balance=show_money(posted), available=available, at=at, on=on
    )


@router.get(
    "/statement",
    operation_id="listStatement",
    summary="List an account's statement",
    response_model=Page[StatementLineView],
    responses=errors(NotFound, privacy.ViewerCut),
)
async def list_statement(  # noqa: PLR0917 - the framework names them all
    request: Request,
    account: AccountPath,
    principal: Reader,
    first_day: Annotated[
        date | None,
        Query(alias="from", description="The first day that counts.", examples=["2026-11-01"]),
    ] = None,
    last_day: Annotated[
        date | None,
        Query(alias="to", description="The last day that counts.", examples=["2026-11-30"]),
    ] = None,
    cursor: Cursor = None,
    limit: Limit = limits.PAGE_SIZE_DEFAULT,
) -> dict[str, object]:
    """Return lines, newest first, each exactly once, whatever is posted meanwhile."""
    number = ledger.read_account(account, field="account")
    list_name = ("statement", number, first_day, last_day)
    inner, period = open_cursor(cursor, *list_name), _read_period(first_day, last_day)
    async with application_of(request).database.reading(principal.caller) as uow:
        found = await _get_own(uow, principal, number)
        page = await ledger.list_statement(uow, number, period=period, cursor=inner, limit=limit)
    await _note_owner(request, principal, found)
    return show_page(page, show_statement_line, *list_name)


@router.post(
    "/freeze",
    operation_id="freezeAccount",
    summary="Freeze an account",
    response_model=AccountView,
    responses=errors(NotFound, ledger.AccountIsClosed, is_command=True, has_approval=True),
)
async def freeze_account(
    request: Request,
    account: AccountPath,
    body: FreezeAccount,
    key: IdempotencyKey,
    principal: Writer,
) -> Response:
    """Stop what goes out of an account, or everything; the reason goes into the audit trail."""
    state = AccountState.DEBITS_FROZEN if body.scope == "debits" else AccountState.FROZEN
    return await _set_state(request, principal, key, account, state=state, reason=body.reason)


@router.post(
    "/unfreeze",
    operation_id="unfreezeAccount",
    summary="Unfreeze an account",
    response_model=AccountView,
    responses=errors(NotFound, ledger.AccountIsClosed, is_command=True, has_approval=True),
)
async def unfreeze_account(
    request: Request,
    account: AccountPath,
    body: ChangeAccount,
    key: IdempotencyKey,
    principal: Writer,
) -> Response:
    """Let money move again."""
    return await _set_state(
        request, principal, key, account, state=AccountState.OPEN, reason=body.reason
    )


@router.post(
    "/close",
    operation_id="closeAccount",
    summary="Close an account",
    response_model=AccountView,
    responses=errors(NotFound, ledger.AccountNotEmpty, is_command=True, has_approval=True),
)
async def close_account(
    request: Request,
    account: AccountPath,
    body: ChangeAccount,
    key: IdempotencyKey,
    principal: Writer,
) -> Response:
    """Close an account that is empty and has no holds; closing is for ever."""
    return await _set_state(
        request, principal, key, account, state=AccountState.CLOSED, reason=body.reason
    )


async def _set_state(
    request: Request,
    principal: Principal,
    key: str,
    account: str,
    *,
    state: AccountState,
    reason: str,
) -> Response:
    number = ledger.read_account(account, field="account")
    now = application_of(request).clock.now()
    if principal.staff is not None:
        return await _ask_for_state(request, principal, key, number, state=state, reason=reason)

    async def command(uow: UnitOfWork) -> AccountView:
        balance = await ledger.set_account_state(uow, number, state=state, reason=reason, now=now)
        return show_account(await ledger.get_account(uow, number), balance)

    return await run_once(request, principal, key, command, status=200)


async def _ask_for_state(
    request: Request,
    principal: Principal,
    key: str,
    number: int,
    *,
    state: AccountState,
    reason: str,
) -> Response:
    approval_id, now = uuid7(), application_of(request).clock.now()

    async def make(uow: UnitOfWork, by: identity.Staff) -> identity.Approval:
        account = await ledger.get_account(uow, number)
        return await identity.request_approval(
            uow,
            approval_id=approval_id,
            staff=by,
            act="ledger.set_account_state",
            payload={"account": ledger.show_account(number), "state": state.name},
            reason=reason,
            concerns=[] if account.owner_id is None else [account.owner_id],
            now=now,
        )

    return await ask_for_approval(request, principal, key, make)


async def _get_own(uow: UnitOfWork, principal: Principal, number: int) -> ledger.Account:
    account = await ledger.get_account(uow, number)
    # The owner of a merchant's account is the merchant, of a customer's the customer.
    principal.check_owner(account.owner_id, "account", ledger.show_account(number))
    return account


async def _note_owner(request: Request, principal: Principal, account: ledger.Account) -> None:
    """Record that staff look at somebody's money; accounts of our own are nobody's."""
    if account.owner_id is not None:
        await note_seen(request, principal, [account.owner_id])


def _read_period(first_day: date | None, last_day: date | None) -> ledger.Period:
    if first_day is not None and last_day is not None and first_day > last_day:
        raise InvalidField("must not be before from", field="to")
    try:
        return ledger.Period.of_days(first_day, last_day)
    except OverflowError:
        raise InvalidField("must be within the calendar", field="from") from None
