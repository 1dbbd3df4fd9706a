"""What this room does when two administrators agreed; `wiring` adds what other rooms do."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from huitong.identity.access import AccessPolicy
from huitong.identity.api_keys import issue_api_key, revoke_api_key
from huitong.identity.commands.approvals import Handlers
from huitong.identity.commands.staff import issue_enrolment, lock_staff
from huitong.identity.staff_errors import StaffExists, StaffStateRefused
from huitong.identity.staff_types import Approval, Executed, Staff, StaffState
from huitong.identity.store import staff as store
from huitong.identity.store import staff_sessions as session_store
from huitong.kernel import audit
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import API_KEY, APPROVAL, MERCHANT, STAFF, read_id, show_id

Payload = Mapping[str, Any]


async def _admit_staff(
    uow: UnitOfWork, approval: Approval, payload: Payload, *, now: datetime
) -> Executed:
    """Make a proposed member active; the checker hands over the token that enrols them."""
    staff = await lock_staff(uow, _read_staff_id(payload))
    if staff.state is not StaffState.PROPOSED:
        raise StaffStateRefused("Only who is proposed can be admitted.")
    # Two proposals of one person: the unique keys would say so too, with an error of theirs.
    if await store.is_taken(uow, staff.email_index, staff.customer_id):
        raise StaffExists("Somebody on the staff has this e-mail address or customer record.")
    await store.set_state(uow, staff.id, StaffState.ACTIVE)
    await _set_roles(uow, staff, payload, approval, now=now)
    token = await issue_enrolment(uow, staff.id, approval_id=approval.id, now=now)
    return Executed(outcome={"staff": show_id(STAFF, staff.id)}, secret=token)


async def _set_staff_roles(
    uow: UnitOfWork, approval: Approval, payload: Payload, *, now: datetime
) -> Executed:
    """Give a member other roles and end the sessions, which began with the old ones."""
    staff = await lock_staff(uow, _read_staff_id(payload))
    if staff.state is StaffState.PROPOSED:
        raise StaffStateRefused("Who is only proposed has no roles to change.")
    await _set_roles(uow, staff, payload, approval, now=now)
    await session_store.end_sessions(uow, staff.id, because="roles_changed", now=now)
    return Executed(outcome={"staff": show_id(STAFF, staff.id)})


async def _restore_staff(
    uow: UnitOfWork, approval: Approval, payload: Payload, *, now: datetime
) -> Executed:
    """Let a suspended member sign in again; the old sessions stay ended."""
    del now
    staff = await lock_staff(uow, _read_staff_id(payload))
    if staff.state is not StaffState.SUSPENDED:
        raise StaffStateRefused("Only who is suspended can be restored.")
    await store.set_state(uow, staff.id, StaffState.ACTIVE)
    await _record(uow, "identity.restore_staff", staff, approval)
    return Executed(outcome={"staff": show_id(STAFF, staff.id)})


async def _reset_staff(
    uow: UnitOfWork, approval: Approval, payload: Payload, *, now: datetime
) -> Executed:
    """Give a member who lost a factor a new enrolment; the old factors serve until it is used."""
    staff = await lock_staff(uow, _read_staff_id(payload))
    if staff.state is not StaffState.ACTIVE:
        raise StaffStateRefused("Only who is active can enrol anew.")
    await session_store.end_sessions(uow, staff.id, because="credentials_reset", now=now)
    await _record(uow, "identity.reset_staff", staff, approval)
    token = await issue_enrolment(uow, staff.id, approval_id=approval.id, now=now)
    return Executed(outcome={"staff": show_id(STAFF, staff.id)}, secret=token)


async def _issue_api_key(
    uow: UnitOfWork, approval: Approval, payload: Payload, *, now: datetime
) -> Executed:
    """Make the key; the checker is shown its secret, once."""
    del approval
    scopes, known = payload["scopes"], AccessPolicy.load().key_scopes
    # Asked for yesterday, under a policy that may have had other scopes.
    if not known.keys() >= set(scopes):
        raise InvalidField(f"must be among {', '.join(sorted(known))}", field="scopes")
    merchant = payload["merchant"]
    issued = await issue_api_key(
        uow,
        name=payload["name"],
        scopes=scopes,
        merchant_id=None if merchant is None else read_id(MERCHANT, merchant, field="merchant"),
        now=now,
    )
    return Executed(outcome={"key": show_id(API_KEY, issued.key.id)}, secret=issued.secret)


async def _revoke_api_key(
    uow: UnitOfWork, approval: Approval, payload: Payload, *, now: datetime
) -> Executed:
    """Revoke the key."""
    del approval
    key = await revoke_api_key(uow, read_id(API_KEY, payload["key"], field="key"), now=now)
    return Executed(outcome={"key": show_id(API_KEY, key.id)})


async def _set_roles(
    uow: UnitOfWork, staff: Staff, payload: Payload, approval: Approval, *, now: datetime
) -> None:
    roles = payload["roles"]
    # The policy may have changed since the request was made.
    AccessPolicy.load().check_roles(roles)
    await store.set_roles(uow, staff.id, roles, approval_id=approval.id, now=now)
    await _record(uow, "identity.set_staff_roles", staff, approval, roles=roles)


async def _record(
    uow: UnitOfWork, action: str, staff: Staff, approval: Approval, **details: object
) -> None:
    await audit.record(
        uow,
        action=action,
        subject=show_id(STAFF, staff.id),
        details={"approval": show_id(APPROVAL, approval.id), **details},
    )


def _read_staff_id(payload: Payload) -> uuid.UUID:
    return read_id(STAFF, payload["staff"], field="staff")


APPROVED_ACTS: Final[Handlers] = {
    "identity.admit_staff": _admit_staff,
    "identity.set_staff_roles": _set_staff_roles,
    "identity.restore_staff": _restore_staff,
    "identity.reset_staff": _reset_staff,
    "identity.issue_api_key": _issue_api_key,
    "identity.revoke_api_key": _revoke_api_key,
}
