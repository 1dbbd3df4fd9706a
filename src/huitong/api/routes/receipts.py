"""Electronic receipts: papers of what moved an account's money, and telling whether one is ours."""

import asyncio
from datetime import date
from functools import cache
from pathlib import Path
from typing import Annotated, Final

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from huitong import ledger, payments
from huitong.api.authentication import PUBLIC, Principal, application_of, require
from huitong.api.documentation import errors
from huitong.api.request_body import CommandRoute, PublicRoute
from huitong.api.schemas.common import AccountPath, TransferPath
from huitong.api.schemas.receipts import VerifiedReceiptView, VerifyReceipt, show_verified
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import NotFound
from huitong.kernel.ids import TRANSFER, read_id
from huitong.wiring.application import Application

documents: Final = payments.documents

router: Final = APIRouter(
    prefix="/v1/accounts/{account}/receipts", tags=["Receipts"], route_class=CommandRoute
)
public: Final = APIRouter(
    prefix="/v1/receipts", tags=["Receipts"], route_class=PublicRoute, dependencies=[PUBLIC]
)

Reader = Annotated[
    Principal, require("receipts:read", is_for_merchants=True, is_for_customers=True)
]
_BINARY: Final = {"schema": {"type": "string", "format": "binary"}}
_PARTS_MAX: Final = 1_000_000


@router.get(
    "/{transfer}",
    operation_id="getReceipt",
    summary="Download the receipt of a transfer",
    response_class=Response,
    responses={
        **errors(NotFound),
        200: {"description": "The paper.", "content": {"application/pdf": _BINARY}},
    },
)
async def get_receipt(
    request: Request, account: AccountPath, transfer: TransferPath, principal: Reader
) -> Response:
    """Return the paper, made when it is first asked for, and the same bytes ever after."""
    application = application_of(request)
    keys, transfer_id = _keys_of(application), read_id(TRANSFER, transfer, field="transfer")

    async def command(uow: UnitOfWork) -> payments.documents.Receipt:
        own = await _get_own(uow, principal, account)
        return await documents.make_receipt(
            uow, application.vault, keys, account=own, transfer_id=transfer_id
        )

    receipt = await application.database.run(command, principal.caller)
    # Beside the loop, on which others wait.
    paper = await asyncio.to_thread(documents.draw_receipt, keys, receipt)
    name = f'attachment; filename="receipt-{receipt.facts.number}.pdf"'
    return Response(paper, media_type="application/pdf", headers={"Content-Disposition": name})


@router.get(
    "",
    operation_id="downloadReceipts",
    summary="Download the receipts of a day",
    response_class=Response,
    responses={
        **errors(NotFound, documents.NoReceiptsLeft),
        200: {"description": "The papers.", "content": {"application/zip": _BINARY}},
    },
)
async def download_receipts(
    request: Request,
    account: AccountPath,
    principal: Reader,
    on: Annotated[
        date, Query(description="The day they were recorded on.", examples=["2026-11-26"])
    ],
    part: Annotated[
        int,
        Query(ge=1, le=_PARTS_MAX, description="A part has 500 receipts, in order of time."),
    ] = 1,
) -> Response:
    """Return a ZIP of PDF files named by their numbers; after the last part, `no_receipts_left`."""
    application = application_of(request)
    keys = _keys_of(application)
    async with application.database.reading(principal.caller) as uow:
        own = await _get_own(uow, principal, account)
        lines = await documents.list_day(uow, own, on, part)
    pieces = documents.pack_receipts(
        application.database,
        principal.caller,
        application.vault,
        keys,
        account=own,
        lines=lines,
    )
    name = f'attachment; filename="receipts-{account}-{on}-{part}.zip"'
    return StreamingResponse(
        pieces, media_type="application/zip", headers={"Content-Disposition": name}
    )


@public.post(
    "/verify",
    operation_id="verifyReceipt",
    summary="Verify a receipt",
    response_model=VerifiedReceiptView,
    responses=errors(
        documents.ReceiptNotFound, caller="stranger", is_command=True, has_idempotency_key=False
    ),
)
async def verify_receipt(request: Request, body: VerifyReceipt) -> VerifiedReceiptView:
    """Say what a genuine receipt says, to whoever holds it: compare every line with the paper.

    A number that does not exist and a code that is not its own get the same answer.
    """
    application = application_of(request)
    async with application.database.reading() as uow:
        facts = await documents.verify_receipt(
            uow,
            application.vault,
            _keys_of(application),
            number=body.number,
            code=body.code,
        )
    return show_verified(facts)


async def _get_own(uow: UnitOfWork, principal: Principal, account: str) -> ledger.Account:
    found = await ledger.get_account(uow, ledger.read_account(account, field="account"))
    principal.check_owner(found.owner_id, "account", account)
    return found


def _keys_of(application: Application) -> payments.documents.ReceiptKeys:
    return _load(application.settings.home)


@cache
def _load(home: Path) -> payments.documents.ReceiptKeys:
    return documents.load_receipt_keys(home)
