"""Payments abroad that wait for a person, with their papers; and messages from banks abroad."""

from typing import Annotated, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from huitong import identity, payments
from huitong.api.approvals import ask_for_approval
from huitong.api.authentication import Principal, application_of, require
from huitong.api.documentation import errors
from huitong.api.idempotency import IdempotencyKey, run_once
from huitong.api.pages import Cursor, Limit, list_after, open_id_cursor, show_page
from huitong.api.problems import UnsupportedMediaType
from huitong.api.request_body import CommandRoute, UploadRoute
from huitong.api.schemas.approvals import ApprovalView
from huitong.api.schemas.common import Page
from huitong.api.schemas.crossborder import (
    AbroadPath,
    AbroadView,
    show_payment,
)
from huitong.api.schemas.fx import (
    Decide,
    DossierView,
    OutcomesView,
    OutcomeView,
    PaperPath,
    show_dossier,
)
from huitong.kernel import audit, ids, limits
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.ids import read_id, show_id, uuid7

router: Final = APIRouter(
    prefix="/v1/crossborder-reviews", tags=["Payments abroad"], route_class=CommandRoute
)
uploads: Final = APIRouter(
    prefix="/v1/crossborder-messages", tags=["Payments abroad"], route_class=UploadRoute
)

crossborder: Final = payments.crossborder
Reader = Annotated[Principal, require("crossborder:read")]
Reviewer = Annotated[Principal, require("crossborder:review")]


@router.get(
    "",
    operation_id="listHeldPaymentsAbroad",
    summary="List payments abroad that wait for a person",
    response_model=Page[AbroadView],
    responses=errors(caller="staff"),
)
async def list_held(
    request: Request,
    principal: Reader,
    cursor: Cursor = None,
    limit: Limit = limits.PAGE_SIZE_DEFAULT,
) -> dict[str, object]:
    """Return held payments, oldest first, without the names of people."""
    after = open_id_cursor(cursor, "held-abroad")
    async with application_of(request).database.reading(principal.caller) as uow:
        found = await crossborder.list_held(uow, after=after, limit=limit)
    return show_page(list_after(found, limit, lambda each: each.id), show_payment, "held-abroad")


@router.get(
    "/{remittance}",
    operation_id="getHeldPaymentAbroad",
    summary="Get all of a held payment abroad",
    response_model=DossierView,
    responses=errors(
        crossborder.CrossBorderNotFound, crossborder.CrossBorderStateRefused, caller="staff"
    ),
)
async def get_held(request: Request, remittance: AbroadPath, principal: Reviewer) -> DossierView:
    """Return a held payment with names and hits, for who decides; that one looked is recorded."""
    parts, payment_id = (
        application_of(request),
        read_id(ids.CROSS_BORDER, remittance, field="remittance"),
    )

    async def look(uow: UnitOfWork) -> DossierView:
        await crossborder.check_held(uow, payment_id)
        await audit.record(uow, action="payments.see_payment_abroad", subject=remittance)
        return show_dossier(await crossborder.get_dossier(uow, parts.vault, payment_id))

    return await parts.database.run(look, principal.caller)


@router.get(
    "/papers/{paper}",
    operation_id="getPaper",
    summary="Get a paper",
    response_class=Response,
    responses={
        **errors(crossborder.PaperNotFound, caller="staff"),
        200: {
            "description": "The paper as it was handed in.",
            "content": {"application/octet-stream": {"schema": {"type": "string"}}},
        },
    },
)
async def get_paper(request: Request, paper: PaperPath, principal: Reviewer) -> Response:
    """Return a paper's bytes, to be saved and not shown by a browser; it is recorded."""
    parts, paper_id = application_of(request), read_id(ids.PAPER, paper, field="paper")
    _, content = await parts.database.run(
        lambda uow: crossborder.open_paper(uow, parts.vault, paper_id), principal.caller
    )
    name = f'attachment; filename="{paper}"'
    return Response(
        content,
        media_type="application/octet-stream",
        headers={"Content-Disposition": name},
    )


@router.post(
    "/{remittance}/release",
    operation_id="releasePaymentAbroad",
    summary="Ask for a held payment abroad to go on",
    status_code=202,
    response_model=ApprovalView,
    responses=errors(
        crossborder.CrossBorderNotFound,
        crossborder.CrossBorderStateRefused,
        is_command=True,
        caller="staff",
    ),
)
async def release_payment(
    request: Request, remittance: AbroadPath, body: Decide, key: IdempotencyKey, principal: Reviewer
) -> Response:
    """Ask for a payment to be released; somebody else decides."""
    return await _ask(
        request, principal, key, "crossborder.release", remittance=remittance, reason=body.reason
    )


@router.post(
    "/{remittance}/refuse",
    operation_id="refusePaymentAbroad",
    summary="Ask for a held payment abroad to be refused",
    status_code=202,
    response_model=ApprovalView,
    responses=errors(
        crossborder.CrossBorderNotFound,
        crossborder.CrossBorderStateRefused,
        is_command=True,
        caller="staff",
    ),
)
async def refuse_payment(
    request: Request, remittance: AbroadPath, body: Decide, key: IdempotencyKey, principal: Reviewer
) -> Response:
    """Ask for a payment to be refused and its money given back; somebody else decides."""
    return await _ask(
        request, principal, key, "crossborder.refuse", remittance=remittance, reason=body.reason
    )


@uploads.post(
    "",
    operation_id="takeMessageFromAbroad",
    summary="Hand in a message from a bank abroad",
    status_code=200,
    response_model=OutcomesView,
    responses=errors(
        payments.iso20022.InvalidMessage,
        crossborder.CrossBorderMessageRefused,
        crossborder.CrossBorderMessageReused,
        crossborder.PairNotOffered,
        is_command=True,
        faults=(crossborder.RateUnavailable,),
    ),
    openapi_extra={
        "requestBody": {
            "required": True,
            "description": "A pacs.002, pacs.004 or pacs.008 in XML (ISO 20022).",
            "content": {"application/xml": {"schema": {"type": "string", "format": "binary"}}},
        }
    },
)
async def take_message(
    request: Request,
    key: IdempotencyKey,
    principal: Annotated[Principal, require("crossborder:messages")],
) -> Response:
    """Take statuses, returns and receipts; the same message again gets the same answer.

    Each part has an outcome: `taken`; `known` (said before); `ignored`; `unknown` (no such
    payment); `contradicts` (cannot be: somebody has to look).
    """
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/xml":
        raise UnsupportedMediaType("Send the message as application/xml.", field="Content-Type")
    parts, content = application_of(request), await request.body()

    async def command(uow: UnitOfWork) -> OutcomesView:
        outcomes = await crossborder.take_message(
            uow,
            parts.vault,
            sender=principal.scope,
            content=content,
            rulebook=parts.rulebook,
            now=parts.clock.now(),
        )
        return OutcomesView(
            data=[
                OutcomeView(uetr=each.uetr, result=each.result, payment=each.payment)
                for each in outcomes
            ]
        )

    return await run_once(request, principal, key, command, status=200)


async def _ask(
    request: Request, principal: Principal, key: str, act: str, *, remittance: str, reason: str
) -> Response:
    payment_id = read_id(ids.CROSS_BORDER, remittance, field="remittance")
    approval_id, now = uuid7(), application_of(request).clock.now()

    async def make(uow: UnitOfWork, by: identity.Staff) -> identity.Approval:
        held = await crossborder.check_held(uow, payment_id)
        concerned = (held.party_id, held.ordered_by, held.approved_by)
        return await identity.request_approval(
            uow,
            approval_id=approval_id,
            staff=by,
            act=act,
            payload={"payment": show_id(ids.CROSS_BORDER, payment_id)},
            reason=reason,
            concerns=[each for each in concerned if each is not None],
            now=now,
        )

    return await ask_for_approval(request, principal, key, make)
