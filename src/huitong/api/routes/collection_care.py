"""Requests for easier terms, complaints and strategies of collection, as staff decide on them."""

import uuid
from collections.abc import Collection
from typing import Annotated, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from huitong import identity, lending, privacy
from huitong.api.approvals import ask_for_act
from huitong.api.authentication import Principal, application_of, require
from huitong.api.documentation import errors
from huitong.api.idempotency import IdempotencyKey, run_once
from huitong.api.people_seen import note_seen
from huitong.api.request_body import CommandRoute
from huitong.api.schemas.approvals import ApprovalView
from huitong.api.schemas.collection_desk import (
    AddStrategy,
    AnswerComplaint,
    GrantHardship,
    HardshipsView,
    OpenComplaintsView,
    OpenComplaintView,
    PurposePath,
    RefuseHardship,
    StrategiesView,
    read_strategy,
    show_open_complaint,
    show_strategy,
)
from huitong.api.schemas.collections import (
    ComplaintPath,
    ComplaintView,
    HardshipPath,
    HardshipView,
    show_complaint,
    show_hardship,
)
from huitong.api.schemas.loan_changes import read_rate
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import COLLECTION_COMPLAINT, HARDSHIP, read_id

collections = lending.collections

router: Final = APIRouter(
    prefix="/v1/loan-collections", tags=["Collections"], route_class=CommandRoute
)
_READ: Final = "collections:read"
_ANSWER: Final = "collections:answer"
Reader = Annotated[Principal, require(_READ)]
Answerer = Annotated[Principal, require(_ANSWER)]
Writer = Annotated[Principal, require("collections:write")]
_DECIDING: Final = (
    collections.CollectionNotFound,
    collections.AlreadyEnded,
    identity.OwnRecord,
    InvalidField,
)


@router.get(
    "/hardship-requests",
    operation_id="listHardshipRequests",
    summary="List requests for easier terms",
    response_model=HardshipsView,
    responses=errors(caller="staff"),
)
async def list_hardships(request: Request, principal: Reader) -> HardshipsView:
    """Return requests that wait, the one that is due first first."""
    async with application_of(request).database.reading(principal.caller) as uow:
        found = await collections.list_open_hardships(uow)
    return HardshipsView(data=[show_hardship(each) for each in found])


@router.post(
    "/hardship-requests/{hardship}/refusal",
    operation_id="refuseHardship",
    summary="Refuse a request for easier terms",
    response_model=HardshipView,
    responses=errors(*_DECIDING, caller="staff", is_command=True),
)
async def refuse_hardship(
    request: Request,
    hardship: HardshipPath,
    body: RefuseHardship,
    key: IdempotencyKey,
    principal: Answerer,
) -> Response:
    """Refuse a request with reasons that the borrower reads."""
    hardship_id = read_id(HARDSHIP, hardship, field="hardship")
    now = application_of(request).clock.now()

    async def command(uow: UnitOfWork) -> HardshipView:
        found = await collections.get_hardship(uow, hardship_id)
        staff = await _hold(request, uow, principal, [found.customer_id])
        refused = await collections.refuse_hardship(
            uow,
            hardship_id,
            staff_id=staff.id,
            reason_zh=body.reason_zh,
            reason_en=body.reason_en,
            now=now,
        )
        return show_hardship(refused)

    return await run_once(request, principal, key, command, status=200)


@router.post(
    "/hardship-requests/{hardship}/grants",
    operation_id="grantHardship",
    summary="Ask for easier terms to be granted",
    status_code=202,
    response_model=ApprovalView,
    responses=errors(*_DECIDING, caller="staff", is_command=True),
)
async def grant_hardship(
    request: Request,
    hardship: HardshipPath,
    body: GrantHardship,
    key: IdempotencyKey,
    principal: Answerer,
) -> Response:
    """Ask for the loan to be restructured; somebody else decides, and the request ends."""
    hardship_id = read_id(HARDSHIP, hardship, field="hardship")
    rate = None if body.rate is None else read_rate(body.rate)

    async def check(uow: UnitOfWork) -> Collection[uuid.UUID]:
        return [(await collections.lock_open(uow, hardship_id)).customer_id]

    return await ask_for_act(
        request,
        principal,
        key,
        act="lending.grant_hardship",
        payload={"hardship": hardship, "count": body.count, "rate": rate},
        reason=body.reason,
        check=check,
    )


@router.get(
    "/complaints",
    operation_id="listOpenLoanComplaints",
    summary="List complaints about collection",
    response_model=OpenComplaintsView,
    responses=errors(caller="staff"),
)
async def list_complaints(request: Request, principal: Reader) -> OpenComplaintsView:
    """Return complaints that wait, the one that is due first first, without their words."""
    async with application_of(request).database.reading(principal.caller) as uow:
        found = await collections.list_open_complaints(uow)
    return OpenComplaintsView(data=[show_complaint(each) for each in found])


@router.get(
    "/complaints/{complaint}",
    operation_id="getLoanComplaint",
    summary="Read a complaint about collection",
    response_model=OpenComplaintView,
    responses=errors(
        collections.CollectionNotFound,
        identity.OwnRecord,
        privacy.ViewerCut,
        privacy.DataDestroyed,
        caller="staff",
    ),
)
async def get_complaint(
    request: Request, complaint: ComplaintPath, principal: Answerer
) -> OpenComplaintView:
    """Return a complaint with its words; the look is recorded."""
    parts, session = application_of(request), principal.staff
    assert session is not None, "the routes are for staff only"
    complaint_id = read_id(COLLECTION_COMPLAINT, complaint, field="complaint")
    async with parts.database.reading(principal.caller) as uow:
        found = await collections.get_complaint(uow, complaint_id)
    identity.authorise(session.staff, _ANSWER, identity.Attributes(concerns=[found.customer_id]))
    await note_seen(request, principal, [found.customer_id])
    async with parts.database.reading(principal.caller) as uow:
        words = await collections.open_words(uow, parts.vault, found)
    return show_open_complaint(found, words)


@router.post(
    "/complaints/{complaint}/answer",
    operation_id="answerLoanComplaint",
    summary="Answer a complaint about collection",
    response_model=ComplaintView,
    responses=errors(*_DECIDING, collections.OwnContacts, caller="staff", is_command=True),
)
async def answer_complaint(
    request: Request,
    complaint: ComplaintPath,
    body: AnswerComplaint,
    key: IdempotencyKey,
    principal: Answerer,
) -> Response:
    """Answer a complaint, unless one contacted the debtor oneself; contact may go on then."""
    complaint_id = read_id(COLLECTION_COMPLAINT, complaint, field="complaint")
    now = application_of(request).clock.now()

    async def command(uow: UnitOfWork) -> ComplaintView:
        found = await collections.get_complaint(uow, complaint_id)
        staff = await _hold(request, uow, principal, [found.customer_id])
        answered = await collections.answer_complaint(
            uow,
            complaint_id,
            staff_id=staff.id,
            is_upheld=body.is_upheld,
            answer_zh=body.answer_zh,
            answer_en=body.answer_en,
            now=now,
        )
        return show_complaint(answered)

    return await run_once(request, principal, key, command, status=200)


@router.get(
    "/strategies/{purpose}",
    operation_id="listCollectionStrategies",
    summary="Get all versions of a strategy of collection",
    response_model=StrategiesView,
    responses=errors(collections.StrategyNotFound, caller="staff"),
)
async def list_strategies(
    request: Request, purpose: PurposePath, principal: Reader
) -> StrategiesView:
    """Return what was agreed on for loans of a purpose, by currency, first first."""
    async with application_of(request).database.reading(principal.caller) as uow:
        found = await collections.list_strategies(uow, lending.Purpose(purpose))
    return StrategiesView(data=[show_strategy(each) for each in found])


@router.post(
    "/strategies",
    operation_id="addCollectionStrategy",
    summary="Ask for a strategy of collection, or another version",
    status_code=202,
    response_model=ApprovalView,
    responses=errors(collections.StrategyRefused, InvalidField, caller="staff", is_command=True),
)
async def add_strategy(
    request: Request, body: AddStrategy, key: IdempotencyKey, principal: Writer
) -> Response:
    """Ask for a version; somebody else decides, and reads what the rulebook advises against."""
    parts, new = application_of(request), read_strategy(body)
    now = parts.clock.now()
    warnings = collections.list_warnings(new, rulebook=parts.rulebook, on=business_day(now))

    async def check(uow: UnitOfWork) -> None:
        await collections.check_strategy(uow, new, now=now)

    return await ask_for_act(
        request,
        principal,
        key,
        act="lending.add_collection_strategy",
        payload={"strategy": collections.write_strategy(new), "warnings": warnings},
        reason=body.reason,
        check=check,
    )


async def _hold(
    request: Request, uow: UnitOfWork, principal: Principal, concerns: Collection[uuid.UUID]
) -> identity.Staff:
    """Return the member of staff as of now; raises OwnRecord for who decides on themselves."""
    session = principal.staff
    assert session is not None, "the routes are for staff only"
    now = application_of(request).clock.now()
    held = await identity.hold_staff_session(uow, session, now=now)
    identity.authorise(held.staff, _ANSWER, identity.Attributes(concerns=concerns))
    return held.staff
