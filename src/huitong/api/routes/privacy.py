"""The privacy centre: consents, people's requests about their data, and who read it."""

import uuid
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from huitong import privacy
from huitong.api.authentication import Principal, application_of, require
from huitong.api.customer_acts import read_own_customer
from huitong.api.documentation import errors
from huitong.api.idempotency import IdempotencyKey, run_once
from huitong.api.pages import Cursor, Limit, open_cursor, show_page
from huitong.api.people_seen import note_seen
from huitong.api.request_body import CommandRoute
from huitong.api.schemas.common import CustomerPath, NoBody, Page
from huitong.api.schemas.privacy import (
    ConsentsView,
    ConsentTextsView,
    ConsentView,
    CreateSubjectRequest,
    DisclosureView,
    ExportView,
    GiveConsent,
    HistoryView,
    SubjectRequestPath,
    SubjectRequestsView,
    SubjectRequestView,
    WithdrawConsent,
    show_consent,
    show_disclosure,
    show_request,
    show_step,
    show_text,
)
from huitong.kernel import limits
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import LimitExceeded
from huitong.kernel.ids import SUBJECT_REQUEST, read_id, uuid7
from huitong.wiring.people_data import make_providers

router: Final = APIRouter(prefix="/v1/privacy", tags=["Privacy"], route_class=CommandRoute)

Reader = Annotated[Principal, require("privacy:read", is_for_customers=True)]
Writer = Annotated[Principal, require("privacy:write", is_for_customers=True)]


@dataclass(frozen=True, slots=True)
class _Disclosures:
    """A page as `show_page` takes it."""

    items: tuple[privacy.Disclosure, ...]
    next_cursor: str | None


@router.get(
    "/consent-texts",
    operation_id="listConsentTexts",
    summary="List what people are asked to agree to",
    response_model=ConsentTextsView,
    responses=errors(),
)
async def list_consent_texts(request: Request, _principal: Reader) -> ConsentTextsView:
    """Return the text in force of each purpose, in Chinese and English."""
    today = business_day(application_of(request).clock.now())
    texts = privacy.ConsentTexts.load().list_current(today)
    return ConsentTextsView(data=[show_text(text) for text in texts])


@router.get(
    "/customers/{customer}/consents",
    operation_id="listConsents",
    summary="List a customer's consents",
    response_model=ConsentsView,
    responses=errors(privacy.ViewerCut),
)
async def list_consents(
    request: Request, customer: CustomerPath, principal: Reader
) -> ConsentsView:
    """Return where the customer stands with every purpose."""
    subject_id = read_own_customer(principal, customer)
    application = application_of(request)
    now = application.clock.now()
    await note_seen(request, principal, [subject_id])
    async with application.database.reading(principal.caller) as uow:
        found = await privacy.find_consents(uow, subject_id=subject_id, now=now)
        return ConsentsView(
            data=[
                show_consent(
                    text,
                    last,
                    is_given=await privacy.has_consent(
                        uow, subject_id=subject_id, purpose=purpose, now=now
                    ),
                )
                for purpose, (text, last) in found.items()
            ]
        )


@router.post(
    "/customers/{customer}/consents",
    operation_id="giveConsent",
    summary="Give a consent",
    status_code=201,
    response_model=ConsentView,
    responses=errors(
        privacy.ConsentTextOutdated,
        privacy.SubjectUnknown,
        privacy.DataDestroyed,
        is_command=True,
    ),
)
async def give_consent(
    request: Request,
    customer: CustomerPath,
    body: GiveConsent,
    key: IdempotencyKey,
    principal: Writer,
) -> Response:
    """Record that the customer agreed to the text in force: one purpose at a time."""
    subject_id, now = read_own_customer(principal, customer), application_of(request).clock.now()

    async def command(uow: UnitOfWork) -> ConsentView:
        consent = await privacy.give_consent(
            uow,
            subject_id=subject_id,
            purpose=body.purpose,
            version=body.version,
            channel=body.channel,
            now=now,
        )
        text = privacy.ConsentTexts.load().get_current(body.purpose, business_day(now))
        return show_consent(text, consent, is_given=True)

    return await run_once(request, principal, key, command)


@router.post(
    "/customers/{customer}/consents/withdraw",
    operation_id="withdrawConsent",
    summary="Withdraw a consent",
    response_model=ConsentView,
    responses=errors(
        privacy.ConsentNotGiven, privacy.SubjectUnknown, privacy.DataDestroyed, is_command=True
    ),
)
async def withdraw_consent(
    request: Request,
    customer: CustomerPath,
    body: WithdrawConsent,
    key: IdempotencyKey,
    principal: Writer,
) -> Response:
    """Take a consent back: from this answer on, nothing is read for that purpose any more."""
    subject_id, now = read_own_customer(principal, customer), application_of(request).clock.now()

    async def command(uow: UnitOfWork) -> ConsentView:
        consent = await privacy.withdraw_consent(
            uow, subject_id=subject_id, purpose=body.purpose, channel=body.channel, now=now
        )
        text = privacy.ConsentTexts.load().get_current(body.purpose, business_day(now))
        return show_consent(text, consent, is_given=False)

    return await run_once(request, principal, key, command, status=200)


@router.get(
    "/customers/{customer}/requests",
    operation_id="listSubjectRequests",
    summary="List a customer's requests about their data",
    response_model=SubjectRequestsView,
    responses=errors(privacy.ViewerCut),
)
async def list_requests(
    request: Request, customer: CustomerPath, principal: Reader
) -> SubjectRequestsView:
    """Return the newest requests, newest first."""
    subject_id = read_own_customer(principal, customer)
    await note_seen(request, principal, [subject_id])
    async with application_of(request).database.reading(principal.caller) as uow:
        found = await privacy.list_requests(uow, subject_id=subject_id)
    return SubjectRequestsView(data=[show_request(each) for each in found])


@router.post(
    "/customers/{customer}/requests",
    operation_id="createSubjectRequest",
    summary="Make a request about the customer's data",
    status_code=201,
    response_model=SubjectRequestView,
    responses=errors(
        privacy.SubjectRequestOpen,
        privacy.SubjectUnknown,
        privacy.DataDestroyed,
        LimitExceeded,
        is_command=True,
    ),
)
async def create_request(
    request: Request,
    customer: CustomerPath,
    body: CreateSubjectRequest,
    key: IdempotencyKey,
    principal: Writer,
) -> Response:
    """Ask to see, copy, correct or delete the data, to close the account, or object to machines.

    To see and to copy needs nobody's approval: the copy can be fetched within a minute.
    """
    application = application_of(request)
    subject_id, request_id = read_own_customer(principal, customer), uuid7()
    now = application.clock.now()

    async def command(uow: UnitOfWork) -> SubjectRequestView:
        created = await privacy.create_request(
            uow,
            application.vault,
            make_providers(application.vault),
            request_id=request_id,
            subject_id=subject_id,
            kind=privacy.RequestKind(body.kind),
            corrections=body.corrections,
            now=now,
        )
        return show_request(created)

    return await run_once(request, principal, key, command)


@router.get(
    "/customers/{customer}/requests/{subject_request}/history",
    operation_id="listSubjectRequestSteps",
    summary="List the steps of a request",
    response_model=HistoryView,
    responses=errors(privacy.ViewerCut, privacy.SubjectRequestNotFound),
)
async def list_steps(
    request: Request,
    customer: CustomerPath,
    subject_request: SubjectRequestPath,
    principal: Reader,
) -> HistoryView:
    """Return what became of a request, with the reasons, oldest step first."""
    subject_id, request_id = read_own_customer(principal, customer), _read_request(subject_request)
    await note_seen(request, principal, [subject_id])
    async with application_of(request).database.reading(principal.caller) as uow:
        await privacy.get_request(uow, request_id, subject_id=subject_id)
        steps = await privacy.list_request_steps(uow, request_id)
    return HistoryView(data=[show_step(step) for step in steps])


@router.post(
    "/customers/{customer}/requests/{subject_request}/cancel",
    operation_id="cancelSubjectRequest",
    summary="Take a request back",
    response_model=SubjectRequestView,
    responses=errors(privacy.SubjectRequestNotFound, privacy.SubjectRequestState, is_command=True),
)
async def cancel_request(
    request: Request,
    customer: CustomerPath,
    subject_request: SubjectRequestPath,
    key: IdempotencyKey,
    principal: Writer,
    _body: NoBody | None = None,
) -> Response:
    """Take a request back while it is not carried out yet."""
    subject_id, request_id = read_own_customer(principal, customer), _read_request(subject_request)
    now = application_of(request).clock.now()

    async def command(uow: UnitOfWork) -> SubjectRequestView:
        return show_request(
            await privacy.cancel_request(uow, request_id=request_id, subject_id=subject_id, now=now)
        )

    return await run_once(request, principal, key, command, status=200)


@router.post(
    "/customers/{customer}/requests/{subject_request}/download",
    operation_id="downloadExport",
    summary="Fetch a copy, once",
    response_model=ExportView,
    responses=errors(
        privacy.SubjectRequestNotFound,
        privacy.ExportNotReady,
        privacy.ExportGone,
        privacy.DataDestroyed,
        is_command=True,
        has_idempotency_key=False,
    ),
)
async def download_export(
    request: Request,
    customer: CustomerPath,
    subject_request: SubjectRequestPath,
    principal: Writer,
    _body: NoBody | None = None,
) -> Response:
    """Return the copy, which is deleted with this answer.

    It takes no Idempotency-Key, because answers to those are kept; if the answer is lost, make a
    new request.
    """
    subject_id, request_id = read_own_customer(principal, customer), _read_request(subject_request)
    application = application_of(request)
    now = application.clock.now()
    text = await application.database.run(
        lambda uow: privacy.download_export(
            uow, application.vault, request_id=request_id, subject_id=subject_id, now=now
        ),
        principal.caller,
    )
    return Response(f'{{"content":{text}}}', media_type="application/json")


@router.get(
    "/customers/{customer}/disclosures",
    operation_id="listDisclosuresOfCustomer",
    summary="List who read a customer's data in full",
    response_model=Page[DisclosureView],
    responses=errors(privacy.ViewerCut),
)
async def list_disclosures(
    request: Request,
    customer: CustomerPath,
    principal: Reader,
    cursor: Cursor = None,
    limit: Limit = limits.PAGE_SIZE_DEFAULT,
) -> dict[str, object]:
    """Return when staff saw which fields in full, in which role and what for; newest first."""
    subject_id = read_own_customer(principal, customer)
    inner = open_cursor(cursor, "disclosures", customer)
    await note_seen(request, principal, [subject_id])
    async with application_of(request).database.reading(principal.caller) as uow:
        found = await privacy.list_disclosures(
            uow,
            subject_id=subject_id,
            before_id=None if inner is None else uuid.UUID(hex=inner),
            limit=limit,
        )
    page = _Disclosures(found, found[-1].id.hex if len(found) == limit else None)
    return show_page(page, show_disclosure, "disclosures", customer)


def _read_request(shown: str) -> uuid.UUID:
    return read_id(SUBJECT_REQUEST, shown, field="subject_request")
