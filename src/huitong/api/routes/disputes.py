"""Disputes: opened by customers and schemes, answered by merchants, decided by two of staff."""

import uuid
from typing import Annotated, Final

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from huitong import customers, identity, payments
from huitong.api.approvals import ask_for_approval
from huitong.api.authentication import Principal, application_of, require
from huitong.api.documentation import errors
from huitong.api.idempotency import IdempotencyKey, run_once
from huitong.api.merchant_users import acts_for, check_reader
from huitong.api.orders import find_payer_owner, list_owners
from huitong.api.pages import Cursor, Limit, list_after, open_id_cursor, show_page
from huitong.api.request_body import CommandRoute, UploadRoute
from huitong.api.schemas.approvals import ApprovalView
from huitong.api.schemas.common import NoBody, Page, id_pattern
from huitong.api.schemas.disputes import (
    ActPath,
    DecideDispute,
    DisputePath,
    DisputeView,
    EvidencePath,
    EvidenceView,
    OpenDispute,
    WatchesView,
    WholeDisputeView,
    show_dispute,
    show_evidence,
    show_watch,
    show_whole,
)
from huitong.kernel import limits
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField, NotFound
from huitong.kernel.ids import DISPUTE, EVIDENCE, MERCHANT, PAYMENT, read_id, show_id, uuid7

router: Final = APIRouter(prefix="/v1/disputes", tags=["Disputes"], route_class=CommandRoute)
uploads: Final = APIRouter(prefix="/v1/disputes", tags=["Disputes"], route_class=UploadRoute)
watches: Final = APIRouter(
    prefix="/v1/chargeback-watches", tags=["Disputes"], route_class=CommandRoute
)

merchants: Final = payments.merchants
Reader = Annotated[
    Principal, require("disputes:read", is_for_merchants=True, is_for_customers=True)
]
OfMerchant = Annotated[
    str | None,
    Query(
        pattern=id_pattern(MERCHANT),
        description="Only those of this merchant; who acts for it sees them.",
    ),
]
#: Which acts are whose: the merchant's, or of who disputes.
_MERCHANTS_ACTS: Final = frozenset({"contest", "accept"})
_BINARY: Final = {"schema": {"type": "string", "format": "binary"}}
_FILE_TYPES: Final = ("application/pdf", "image/jpeg", "image/png")


@router.post(
    "",
    operation_id="openDispute",
    summary="Dispute a payment",
    status_code=201,
    response_model=DisputeView,
    responses=errors(NotFound, merchants.DisputeRefused, InvalidField, is_command=True),
)
async def open_dispute(
    request: Request,
    body: OpenDispute,
    key: IdempotencyKey,
    principal: Annotated[Principal, require("disputes:write", is_for_customers=True)],
) -> Response:
    """Dispute one's own payment; a key without a bound does so for a scheme."""
    order_id = read_id(PAYMENT, body.payment, field="payment")
    parts = application_of(request)
    dispute_id, now = uuid7(), parts.clock.now()
    is_customer = principal.customer is not None
    if is_customer and (body.channel_reference is not None or body.stage != "retrieval"):
        raise InvalidField("is for schemes only", field="stage")

    async def command(uow: UnitOfWork) -> DisputeView:
        order = await payments.get_order(uow, order_id)
        principal.check_owner(await find_payer_owner(uow, order), "payment", body.payment)
        dispute = await merchants.open_dispute(
            uow,
            dispute_id=dispute_id,
            order_id=order_id,
            origin=merchants.Origin.CUSTOMER if is_customer else merchants.Origin.CHANNEL,
            reason=merchants.DisputeReason(body.reason),
            amount=None if body.amount is None else body.amount.read(),
            stage=merchants.Stage(body.stage),
            statement=body.statement,
            channel_reference=body.channel_reference,
            rulebook=parts.rulebook,
            now=now,
        )
        return show_dispute(dispute)

    return await run_once(request, principal, key, command)


@router.get(
    "",
    operation_id="listDisputes",
    summary="List disputes",
    response_model=Page[DisputeView],
    responses=errors(),
)
async def list_disputes(
    request: Request,
    principal: Reader,
    merchant: OfMerchant = None,
    cursor: Cursor = None,
    limit: Limit = limits.PAGE_SIZE_DEFAULT,
) -> dict[str, object]:
    """Return one's own disputes, newest first; those of all for callers without a bound."""
    merchant_id = None if merchant is None else read_id(MERCHANT, merchant, field="merchant")
    before = open_id_cursor(cursor, "disputes", principal.bound_to, merchant_id)
    async with application_of(request).database.reading(principal.caller) as uow:
        payer: int | None = None
        if merchant_id is not None:
            await check_reader(uow, principal, merchant_id, "merchant", merchant or "")
        elif principal.customer is not None:
            payer = (await customers.get_customer(uow, principal.customer.subject_id)).account_id
        elif principal.key is not None:
            merchant_id = principal.key.merchant_id
        found = await merchants.list_disputes(
            uow, merchant_id=merchant_id, payer_account_id=payer, before=before, limit=limit
        )
    page = list_after(found, limit, lambda dispute: dispute.id)
    return show_page(page, show_dispute, "disputes", principal.bound_to, merchant_id)


@router.get(
    "/{dispute}",
    operation_id="getDispute",
    summary="Get a dispute",
    response_model=WholeDisputeView,
    responses=errors(merchants.DisputeNotFound),
)
async def get_dispute(
    request: Request, dispute: DisputePath, principal: Reader
) -> WholeDisputeView:
    """Return a dispute with its steps and what was handed in."""
    async with application_of(request).database.reading(principal.caller) as uow:
        found = await _get_seen(uow, dispute, principal)
        steps = await merchants.list_dispute_steps(uow, found.id)
        evidence = await merchants.list_dispute_evidence(uow, found.id)
    return show_whole(found, steps, evidence)


@router.post(
    "/{dispute}/decision",
    operation_id="decideDispute",
    summary="Ask for a dispute to be decided",
    status_code=202,
    response_model=ApprovalView,
    responses=errors(
        merchants.DisputeNotFound,
        merchants.DisputeMoveRefused,
        caller="staff",
        is_command=True,
    ),
)
async def decide_dispute(
    request: Request,
    dispute: DisputePath,
    body: DecideDispute,
    key: IdempotencyKey,
    principal: Annotated[Principal, require("disputes:decide")],
) -> Response:
    """Ask for a decision for the merchant or against it; somebody else decides."""
    dispute_id = read_id(DISPUTE, dispute, field="dispute")
    approval_id, now = uuid7(), application_of(request).clock.now()

    async def make(uow: UnitOfWork, by: identity.Staff) -> identity.Approval:
        found = await merchants.get_dispute(uow, dispute_id)
        merchants.check_act(found, merchants.Act(f"decide_{body.outcome}"))
        order = await payments.get_order(uow, found.order_id)
        people = await merchants.list_people(uow, found.merchant_id)
        return await identity.request_approval(
            uow,
            approval_id=approval_id,
            staff=by,
            act="merchants.decide_dispute",
            payload={"dispute": dispute, "outcome": body.outcome},
            reason=body.reason,
            concerns={*people, *await list_owners(uow, order)},
            now=now,
        )

    return await ask_for_approval(request, principal, key, make)


@uploads.post(
    "/{dispute}/evidence",
    operation_id="addEvidence",
    summary="Hand in evidence",
    status_code=201,
    response_model=EvidenceView,
    responses=errors(
        merchants.DisputeNotFound,
        merchants.DisputeMoveRefused,
        merchants.EvidenceRefused,
        is_command=True,
    ),
    openapi_extra={
        "requestBody": {
            "required": True,
            "description": f"A PDF, JPEG or PNG of at most {merchants.EVIDENCE_BYTES_MAX} bytes.",
            "content": dict.fromkeys(_FILE_TYPES, _BINARY),
        }
    },
)
async def add_evidence(
    request: Request,
    dispute: DisputePath,
    key: IdempotencyKey,
    principal: Annotated[Principal, require("disputes:write", is_for_merchants=True)],
    name: Annotated[
        str, Query(min_length=1, max_length=100, description="What the file is called.")
    ],
) -> Response:
    """Keep a file for the dispute, sealed; the same file again is kept once."""
    parts = application_of(request)
    # Before a byte of the file is read: whoever may not hand one in sends none.
    async with parts.database.reading(principal.caller) as uow:
        found = await _get_own(uow, dispute, principal)
    content = await request.body()
    evidence_id, now = uuid7(), parts.clock.now()
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()

    async def command(uow: UnitOfWork) -> EvidenceView:
        evidence = await merchants.add_evidence(
            uow,
            parts.vault,
            evidence_id=evidence_id,
            dispute_id=found.id,
            name=name,
            media_type=media_type,
            content=content,
            now=now,
        )
        return show_evidence(evidence)

    return await run_once(request, principal, key, command)


@router.get(
    "/{dispute}/evidence/{evidence}",
    operation_id="getEvidence",
    summary="Get a file of evidence",
    response_class=Response,
    responses={
        **errors(merchants.DisputeNotFound, NotFound),
        200: {"description": "The file.", "content": dict.fromkeys(_FILE_TYPES, _BINARY)},
    },
)
async def get_evidence(
    request: Request, dispute: DisputePath, evidence: EvidencePath, principal: Reader
) -> Response:
    """Return a file as it was handed in; what a merchant hands in is not the payer's to read."""
    parts = application_of(request)
    evidence_id = read_id(EVIDENCE, evidence, field="evidence")
    async with parts.database.reading(principal.caller) as uow:
        found = await _get_seen(uow, dispute, principal)
        if principal.customer is not None and not await acts_for(uow, principal, found.merchant_id):
            raise identity.NotPermitted("disputes:read")
        files = {each.id: each for each in await merchants.list_dispute_evidence(uow, found.id)}
        if evidence_id not in files:
            raise NotFound(f"there is no file {evidence}", context={"id": evidence})
        file = files[evidence_id]
        content = await merchants.read_evidence(uow, parts.vault, dispute=found, evidence=file)
    # Downloaded, never shown by a browser as a page of ours.
    headers = {"Content-Disposition": f'attachment; filename="{evidence}"'}
    return Response(content, media_type=file.media_type, headers=headers)


@router.post(
    "/{dispute}/{act}",
    operation_id="actOnDispute",
    summary="Contest, accept, escalate or withdraw",
    response_model=DisputeView,
    responses=errors(merchants.DisputeNotFound, merchants.DisputeMoveRefused, is_command=True),
)
async def act_on_dispute(
    request: Request,
    dispute: DisputePath,
    act: ActPath,
    *,
    body: NoBody,  # noqa: ARG001 - `{}`
    key: IdempotencyKey,
    principal: Annotated[
        Principal, require("disputes:write", is_for_merchants=True, is_for_customers=True)
    ],
) -> Response:
    """Merchants contest or accept; who disputes goes on (`escalate`) or gives up (`withdraw`)."""
    parts = application_of(request)
    now = parts.clock.now()
    is_merchant = principal.key is not None and principal.key.merchant_id is not None
    if principal.bound_to is not None and is_merchant != (act in _MERCHANTS_ACTS):
        raise merchants.DisputeMoveRefused(f"to {act} is the other side's")

    async def command(uow: UnitOfWork) -> DisputeView:
        found = await _get_own(uow, dispute, principal)
        moved = await merchants.act_on_dispute(
            uow, found.id, merchants.Act(act), rulebook=parts.rulebook, now=now
        )
        return show_dispute(moved)

    return await run_once(request, principal, key, command, status=200)


@watches.get(
    "",
    operation_id="listChargebackWatches",
    summary="List merchants with too many chargebacks",
    response_model=WatchesView,
    responses=errors(),
)
async def list_watches(
    request: Request, principal: Annotated[Principal, require("disputes:read")]
) -> WatchesView:
    """Return merchants whose chargebacks of this or the last year's months were too many."""
    parts = application_of(request)
    today = business_day(parts.clock.now())
    async with parts.database.reading(principal.caller) as uow:
        found = await merchants.list_chargeback_watches(
            uow, since=today.replace(year=today.year - 1, day=1), limit=limits.PAGE_SIZE_MAX
        )
    return WatchesView(data=[show_watch(watch) for watch in found])


async def _get_seen(
    uow: UnitOfWork, dispute: str, principal: Principal
) -> payments.merchants.Dispute:
    """Return a dispute that the caller may see: as its own, or by acting for the merchant."""
    found = await merchants.get_dispute(uow, read_id(DISPUTE, dispute, field="dispute"))
    if await acts_for(uow, principal, found.merchant_id):
        return found
    return await _get_own(uow, dispute, principal)


async def _get_own(
    uow: UnitOfWork, dispute: str, principal: Principal
) -> payments.merchants.Dispute:
    """Return a dispute of the caller's payment, or of the merchant that the caller acts for."""
    found = await merchants.get_dispute(uow, read_id(DISPUTE, dispute, field="dispute"))
    owner: uuid.UUID | None = found.merchant_id
    if principal.customer is not None:
        owner = await find_payer_owner(uow, await payments.get_order(uow, found.order_id))
    principal.check_owner(
        owner, "dispute", show_id(DISPUTE, found.id), refusal=merchants.DisputeNotFound
    )
    return found
