"""What going live and being retired mean for days, of rules and of decision tables alike.

Whoever calls holds the lock of the scope.
"""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from huitong.kernel import audit, limits
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import Conflict, InvalidField, LimitExceeded
from huitong.kernel.ids import APPROVAL, show_id
from huitong.risk.decisioning.versions.store import VersionTable
from huitong.risk.decisioning.versions.types import Version, VersionState


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionKind:
    """What sets versions of one kind apart: where they are, and what they are called.

    In the audit trail: `thing` by what is done (`risk.retire_rules`), `scope` by what they are
    versions of. `prefix` is that of their ids, `refusal` says that one is in the wrong state.
    """

    versions: VersionTable
    thing: str
    prefix: str
    scope: str
    refusal: type[Conflict]
    numbers_max: int


async def find_next_number(uow: UnitOfWork, kind: VersionKind, scope: str) -> int:
    """Return the number of the next version of a scope; raises LimitExceeded."""
    number = await kind.versions.find_last_number(uow, scope) + 1
    if number > kind.numbers_max:
        raise LimitExceeded(f"There are {kind.numbers_max} versions already.")
    return number


def check_state(kind: VersionKind, version: Version, states: Collection[VersionState]) -> None:
    """Raise the kind's refusal unless a version is in one of the states."""
    if version.state not in states:
        raise kind.refusal(f"It is {version.state}, not {' or '.join(states)}.")


def check_page(limit: int) -> None:
    """Raise InvalidField for a page that is too long, or none."""
    if not 1 <= limit <= limits.PAGE_SIZE_MAX:
        raise InvalidField(f"must be from 1 to {limits.PAGE_SIZE_MAX}, not {limit}", field="limit")


async def record(
    uow: UnitOfWork, kind: VersionKind, verb: str, version: Version, **details: object
) -> None:
    """Write down in the audit trail that something was done with a version."""
    await audit.record(
        uow,
        action=f"risk.{verb}",
        subject=show_id(kind.prefix, version.id),
        details={
            kind.scope: version.scope,
            "number": version.number,
            "digest": version.digest,
            **details,
        },
    )


def check_day(effective_from: date, now: datetime) -> None:
    """Raise InvalidField for a business day that is over."""
    if effective_from < business_day(now):
        raise InvalidField("must not be before today", field="effective_from")


async def begin(
    uow: UnitOfWork,
    kind: VersionKind,
    version: Version,
    *,
    effective_from: date,
    approval_id: uuid.UUID,
    now: datetime,
) -> None:
    """Let a version decide from a business day on; the one before decides until then.

    Raises the kind's refusal if another version begins on that day or later and has not begun.
    """
    for other in await kind.versions.list_open(uow, version.scope):
        if other.effective_from >= effective_from and other.effective_from > business_day(now):
            raise kind.refusal(
                f"Version {other.number} begins on {other.effective_from}; retire it first."
            )
        await kind.versions.set_end(uow, other.id, effective_from)
    await kind.versions.set_live(
        uow, version.id, effective_from=effective_from, approval_id=approval_id
    )
    await record(
        uow,
        kind,
        f"set_{kind.thing}_live",
        version,
        effective_from=effective_from.isoformat(),
        approval=show_id(APPROVAL, approval_id),
    )


async def end(
    uow: UnitOfWork,
    kind: VersionKind,
    version: Version,
    *,
    approval_id: uuid.UUID | None,
    now: datetime,
) -> None:
    """End a version for good, at once; one that has not begun leaves its time to the one before.

    Raises the kind's refusal for what is live, without an approval.
    """
    today = business_day(now)
    if version.state is VersionState.LIVE:
        if approval_id is None:
            raise kind.refusal("Two people retire what is live.")
        assert version.effective_from is not None
        if version.effective_to is None or version.effective_to > today:
            await kind.versions.set_end(uow, version.id, max(today, version.effective_from))
    await kind.versions.set_state(uow, version.id, VersionState.RETIRED, approval_id=approval_id)
    if version.effective_from is not None and version.effective_from > today:
        # It never decided: the version before it goes on, instead of ending for nothing.
        await kind.versions.move_end(
            uow, version.scope, version.effective_from, version.effective_to
        )
    details = {} if approval_id is None else {"approval": show_id(APPROVAL, approval_id)}
    await record(uow, kind, f"retire_{kind.thing}", version, **details)
