"""Guardians' consent to the applications of children."""

from typing import Annotated, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from huitong import customers, privacy
from huitong.api.authentication import Principal, application_of, require
from huitong.api.documentation import errors
from huitong.api.idempotency import IdempotencyKey, run_once
from huitong.api.request_body import CommandRoute
from huitong.api.schemas.common import ApplicationPath
from huitong.api.schemas.onboarding import (
    GiveGuardianConsent,
    GuardianConsentView,
    show_guardian_consent,
)
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import NotFound
from huitong.kernel.ids import APPLICATION, CUSTOMER, read_id

router: Final = APIRouter(
    prefix="/v1/onboarding/applications", tags=["Onboarding"], route_class=CommandRoute
)

#: Nobody who applies: a child does not consent in the place of its guardian.
Consenter = Annotated[Principal, require("onboarding:write", is_for_customers=True)]


@router.post(
    "/{application}/guardian-consent",
    operation_id="giveGuardianConsent",
    summary="Record a guardian's consent",
    response_model=GuardianConsentView,
    responses=errors(
        NotFound,
        customers.GuardianUnfit,
        privacy.ConsentTextOutdated,
        privacy.SubjectUnknown,
        privacy.DataDestroyed,
        is_command=True,
    ),
)
async def give_guardian_consent(
    request: Request,
    application: ApplicationPath,
    body: GiveGuardianConsent,
    key: IdempotencyKey,
    principal: Consenter,
) -> Response:
    """Record that a verified customer consents as the guardian of a child who applies.

    The law demands it under 14 (个人信息保护法, Art. 31). A customer consents as the guardian
    themselves; another caller has made sure that it is the guardian who agrees. A minor who is a
    customer already has the application's id.
    """
    child_id = read_id(APPLICATION, application, field="application")
    guardian_id = read_id(CUSTOMER, body.guardian, field="guardian")
    principal.check_owner(guardian_id, "customer", body.guardian)
    parts = application_of(request)
    now = parts.clock.now()

    async def command(uow: UnitOfWork) -> GuardianConsentView:
        return show_guardian_consent(
            await customers.give_guardian_consent(
                uow,
                parts.vault,
                child_id=child_id,
                guardian_id=guardian_id,
                relation=body.read_relation(),
                version=body.version,
                channel=body.channel,
                rulebook=parts.rulebook,
                now=now,
            )
        )

    return await run_once(request, principal, key, command, status=200)
