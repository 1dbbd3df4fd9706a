"""Queries: applications, as they stand and how they came there."""

import uuid
from datetime import datetime

from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.ids import LOAN_APPLICATION, show_id
from huitong.lending import limits
from huitong.lending.applications import store
from huitong.lending.applications.errors import LoanApplicationNotFound
from huitong.lending.applications.types import Application, Recent, ScoredStep, StepTaken


async def get_application(uow: UnitOfWork, application_id: uuid.UUID) -> Application:
    """Return an application; raises LoanApplicationNotFound."""
    found = await store.find_application(uow, application_id)
    if found is None:
        shown = show_id(LOAN_APPLICATION, application_id)
        raise LoanApplicationNotFound(f"there is no application {shown}")
    return found


async def list_applications(uow: UnitOfWork, customer_id: uuid.UUID) -> list[Application]:
    """Return a customer's latest applications, the latest first."""
    return await store.list_of_customer(uow, customer_id, limits.APPLICATIONS_PAGE_MAX)


async def list_applications_to_review(uow: UnitOfWork) -> list[Application]:
    """Return what waits for people, the longest waiting first."""
    return await store.list_to_review(uow, limits.APPLICATIONS_PAGE_MAX)


async def list_application_steps(uow: UnitOfWork, application_id: uuid.UUID) -> list[StepTaken]:
    """Return an application's history, first first."""
    return await store.list_steps(uow, application_id)


async def list_scored(uow: UnitOfWork, *, since: datetime, until: datetime) -> list[ScoredStep]:
    """Return what applications of a period were scored with, the latest `SCORED_STEPS_MAX`."""
    return await store.list_scored(uow, since=since, until=until, limit=limits.SCORED_STEPS_MAX)


async def count_recent(uow: UnitOfWork, application: Application, *, since: datetime) -> Recent:
    """Return what a customer and a device applied for since an instant, without this application.

    Drafts, and what was withdrawn or has lapsed, do not count; this applicant is one of the
    device's.
    """
    submitted, refused, applicants = await store.count_recent(uow, application, since=since)
    return Recent(submitted=submitted, refused=refused, device_applicants=applicants)
