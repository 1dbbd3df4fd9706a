"""Signed contracts of loans as papers, for their borrowers and for staff."""

import asyncio
from functools import cache
from pathlib import Path
from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from huitong import customers, lending, payments
from huitong.api.authentication import application_of
from huitong.api.documentation import errors
from huitong.api.people_seen import note_seen
from huitong.api.request_body import CommandRoute
from huitong.api.routes.loan_applications import Reader, find_own
from huitong.api.schemas.loan_applications import LoanApplicationPath
from huitong.privacy import DataKind, ViewerCut, mask

router: Final = APIRouter(
    prefix="/v1/loan-applications", tags=["Loan applications"], route_class=CommandRoute
)
_BINARY: Final = {"schema": {"type": "string", "format": "binary"}}
#: Of somebody who has left, or whose data was destroyed.
_GONE: Final = "（已销户 closed）"


@router.get(
    "/{loan_application}/signed-contract",
    operation_id="getSignedLoanContract",
    summary="Download the contract that was signed",
    response_class=Response,
    responses={
        **errors(
            lending.applications.LoanApplicationNotFound,
            lending.contracts.ContractNotFound,
            ViewerCut,
            caller="customer",
        ),
        200: {"description": "The paper.", "content": {"application/pdf": _BINARY}},
    },
)
async def get_signed_contract(
    request: Request, loan_application: LoanApplicationPath, principal: Reader
) -> Response:
    """Return the paper, sealed, the same bytes each time; staff see the name masked."""
    parts = application_of(request)
    async with parts.database.reading(principal.caller) as uow:
        found = await find_own(uow, principal, loan_application)
        signed = await lending.contracts.get_signed_contract(uow, found.id)
        account = found.borrower_account_id
        names = await customers.find_holder_names(uow, parts.vault, [account])
    await note_seen(request, principal, [found.customer_id])
    name = names.get(account, _GONE)
    if principal.customer is None and account in names:
        name = mask(DataKind.NAME, name)
    seals = _load_seals(parts.settings.home)
    # Beside the loop, on which others wait.
    paper = await asyncio.to_thread(lending.contracts.draw_contract, seals, signed, borrower=name)
    attached = f'attachment; filename="contract-{signed.digest.hex()[:16]}.pdf"'
    return Response(paper, media_type="application/pdf", headers={"Content-Disposition": attached})


@cache
def _load_seals(home: Path) -> payments.documents.ReceiptKeys:
    return payments.documents.load_receipt_keys(home)
