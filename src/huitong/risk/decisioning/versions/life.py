"""What going live and being retired mean for days, of rules and of decision tables alike.

Whoever calls holds the lock of the scope.
"""

import uuid
from datetime import date, datetime

from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import Conflict, InvalidField
from huitong.risk.decisioning.versions.store import VersionTable
from huitong.risk.decisioning.versions.types import Version, VersionState


def check_day(effective_from: date, now: datetime) -> None:
    """Raise InvalidField for a business day that is over."""
    if effective_from < business_day(now):
        raise InvalidField("must not be before today", field="effective_from")


async def begin(
    uow: UnitOfWork,
    versions: VersionTable,
    version: Version,
    *,
    effective_from: date,
    approval_id: uuid.UUID,
    refusal: type[Conflict],
    now: datetime,
) -> None:
    """Let a version decide from a business day on; the one before decides until then.

    Raises `refusal` if another version begins on that day or later and has not begun.
    """
    for other in await versions.list_open(uow, version.scope):
        if other.effective_from >= effective_from and other.effective_from > business_day(now):
            raise refusal(
                f"Version {other.number} begins on {other.effective_from}; retire it first."
            )
        await versions.set_end(uow, other.id, effective_from)
    await versions.set_live(uow, version.id, effective_from=effective_from, approval_id=approval_id)


async def end(
    uow: UnitOfWork,
    versions: VersionTable,
    version: Version,
    *,
    approval_id: uuid.UUID | None,
    refusal: type[Conflict],
    now: datetime,
) -> None:
    """End a version for good, at once; one that has not begun leaves its time to the one before.

    Raises `refusal` for what is live, without an approval.
    """
    today = business_day(now)
    if version.state is VersionState.LIVE:
        if approval_id is None:
            raise refusal("Two people retire what is live.")
        assert version.effective_from is not None
        if version.effective_to is None or version.effective_to > today:
            await versions.set_end(uow, version.id, max(today, version.effective_from))
    await versions.set_state(uow, version.id, VersionState.RETIRED, approval_id=approval_id)
    if version.effective_from is not None and version.effective_from > today:
        # It never decided: the version before it goes on, instead of ending for nothing.
        await versions.move_end(uow, version.scope, version.effective_from, version.effective_to)
