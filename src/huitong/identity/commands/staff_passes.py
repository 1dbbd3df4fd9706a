"""Letting staff in past a decision of risk, at the command line: the way back."""

import uuid
from datetime import datetime, timedelta

from huitong.identity.commands.staff import index_email
from huitong.identity.staff_errors import StaffNotFound
from huitong.identity.store import staff as staff_store
from huitong.identity.store import staff_risk
from huitong.identity.types import Vault
from huitong.kernel import audit
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.ids import STAFF, show_id, uuid7
from huitong.kernel.rulebook import Rulebook


async def let_staff_in(
    uow: UnitOfWork, *, vault: Vault, email: str, rulebook: Rulebook, now: datetime
) -> tuple[uuid.UUID, datetime]:
    """Let a member of staff sign in once past a decision of risk; return who, and until when.

    For whoever operates the platform, who has its home and its keys: the way back if risk stops
    everybody who could change its rules. Both factors are needed all the same. Raises InvalidField,
    StaffNotFound.
    """
    staff = await staff_store.find_by_email(uow, index_email(vault, email))
    if staff is None:
        raise StaffNotFound("nobody of the staff has this address")
    minutes = rulebook.integer("identity.staff.pass.minutes", business_day(now))
    ends_at = now + timedelta(minutes=minutes)
    await staff_risk.insert_pass(uow, uuid7(), staff.id, now=now, ends_at=ends_at)
    await audit.record(uow, action="identity.let_staff_in", subject=show_id(STAFF, staff.id))
    return staff.id, ends_at
