"""The journal and the trial balance."""

from typing import Annotated, Final

from fastapi import APIRouter
from starlette.requests import Request

from huitong import ledger
from huitong.api.authentication import Principal, application_of, require
from huitong.api.documentation import errors
from huitong.api.request_body import CommandRoute
from huitong.api.schemas.common import EntryPath, TransferPath
from huitong.api.schemas.ledger import (
    EntryView,
    TransferView,
    TrialBalances,
    show_transfer,
    show_trial_balance,
)
from huitong.kernel.errors import NotFound
from huitong.kernel.ids import ENTRY, TRANSFER, read_id

router: Final = APIRouter(prefix="/v1/ledger", tags=["Ledger"], route_class=CommandRoute)

Reader = Annotated[Principal, require("ledger:read")]


@router.get(
    "/trial-balance",
    operation_id="getTrialBalance",
    summary="Get the trial balance",
    response_model=TrialBalances,
    responses=errors(),
)
async def get_trial_balance(request: Request, principal: Reader) -> TrialBalances:
    """Return debits and credits of every chart code, in each currency, as the books stand now."""
    async with application_of(request).database.reading(principal.caller) as uow:
        balances = await ledger.get_trial_balances(uow)
    return TrialBalances(data=[show_trial_balance(balance) for balance in balances])


@router.get(
    "/transfers/{transfer}",
    operation_id="getTransfer",
    summary="Get a transfer",
    response_model=TransferView,
    responses=errors(NotFound),
)
async def get_transfer(request: Request, transfer: TransferPath, principal: Reader) -> TransferView:
    """Return one line of the journal."""
    transfer_id = read_id(TRANSFER, transfer, field="transfer")
    async with application_of(request).database.reading(principal.caller) as uow:
        return show_transfer(await ledger.get_transfer(uow, transfer_id))


@router.get(
    "/entries/{entry}",
    operation_id="getEntry",
    summary="Get a journal entry",
    response_model=EntryView,
    responses=errors(NotFound),
)
async def get_entry(request: Request, entry: EntryPath, principal: Reader) -> EntryView:
    """Return the linked transfers of an entry, which succeeded together."""
    entry_id = read_id(ENTRY, entry, field="entry")
    async with application_of(request).database.reading(principal.caller) as uow:
        transfers = await ledger.get_entry(uow, entry_id)
    return EntryView(id=entry, transfers=[show_transfer(transfer) for transfer in transfers])
