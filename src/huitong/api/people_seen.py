"""Telling the monitoring of access whom staff see, before they are shown.

Keys and customers pass: a partner answers for its own staff, and customers see themselves.
"""

import uuid
from collections.abc import Collection
from datetime import datetime

from starlette.requests import Request

from huitong import privacy
from huitong.api.authentication import Principal, application_of
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.wiring.open_work import find_people_with_open_work


async def note_seen(request: Request, principal: Principal, people: Collection[uuid.UUID]) -> None:
    """Record in a transaction of its own that staff see these people masked; raises ViewerCut."""
    if principal.staff is None:
        return
    application = application_of(request)
    now = application.clock.now()
    await application.database.run(
        lambda uow: note_seen_in(uow, principal, people, now=now), principal.caller
    )


async def note_seen_in(
    uow: UnitOfWork, principal: Principal, people: Collection[uuid.UUID], *, now: datetime
) -> None:
    """Record in this transaction that staff see these people masked; raises ViewerCut."""
    if principal.staff is None:
        return
    viewer = principal.scope
    await privacy.check_viewer(uow, viewer)
    related = await find_people_with_open_work(uow, people, staff=principal.staff.staff, now=now)
    await privacy.record_views(uow, viewer=viewer, subject_ids=people, related=related, now=now)


async def note_search_in(
    uow: UnitOfWork,
    vault: privacy.Vault,
    principal: Principal,
    *,
    kind: str,
    value: str,
    found: uuid.UUID | None,
    now: datetime,
) -> None:
    """Record in this transaction that staff searched for a number; raises ViewerCut."""
    if principal.staff is None:
        return
    viewer = principal.scope
    await privacy.check_viewer(uow, viewer)
    people = [] if found is None else [found]
    related = await find_people_with_open_work(uow, people, staff=principal.staff.staff, now=now)
    await privacy.record_search(
        uow,
        vault,
        viewer=viewer,
        kind=kind,
        value=value,
        found=found,
        is_related=found in related,
        now=now,
    )
