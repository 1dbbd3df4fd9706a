"""Members of staff: proposing, admitting, changing roles, suspending, restoring."""

import base64
import re
import unicodedata
import uuid
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from huitong.identity.access import AccessPolicy, authorise
from huitong.identity.commands.approvals import check_reason, get_approval, request_approval
from huitong.identity.staff_errors import (
    ApprovalNotFound,
    BootstrapOver,
    OwnRecord,
    StaffExists,
    StaffNotFound,
    StaffStateRefused,
)
from huitong.identity.staff_types import Approval, ApprovalState, Staff, StaffMember, StaffState
from huitong.identity.store import staff as store
from huitong.identity.store import staff_sessions as session_store
from huitong.identity.tokens import ENROLMENT_PREFIX, digest_token, make_token
from huitong.identity.types import Vault
from huitong.kernel import audit, limits
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import APPROVAL, STAFF, show_id

NAME_FIELD: Final = "identity.staff.name"
EMAIL_FIELD: Final = "identity.staff.email"
ADMINISTRATOR: Final = "administrator"
_ENROLLING: Final = ("identity.admit_staff", "identity.reset_staff")
_EMAIL_SHAPE: Final = re.compile(
    r"[a-z0-9](?:[a-z0-9._%+-]{0,62}[a-z0-9])?@[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})+"
)
_BRANCH_SHAPE: Final = re.compile("[A-Z0-9]{1,16}")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMember:
    """Somebody who is proposed for the staff; `customer_id` is their own record as a customer."""

    name: str = field(repr=False)
    email: str = field(repr=False)
    roles: Collection[str]
    branch: str | None = None
    customer_id: uuid.UUID | None = field(default=None, repr=False)


def normalise_email(email: str) -> str:
    """Return an e-mail address as it is looked up; raises InvalidField for what is none."""
    written = unicodedata.normalize("NFKC", email).strip().lower()
    if len(written) > limits.EMAIL_LENGTH_MAX or _EMAIL_SHAPE.fullmatch(written) is None:
        # The text is not repeated: it may be somebody's address with a slip in it.
        raise InvalidField("must be an e-mail address", field="email")
    return written


def index_email(vault: Vault, email: str) -> bytes:
    """Return the blind index under which an address is found; raises InvalidField."""
    return vault.blind_index("staff_email", normalise_email(email))


async def add_first_administrator(
    uow: UnitOfWork, *, vault: Vault, staff_id: uuid.UUID, name: str, email: str, now: datetime
) -> str:
    """Add one of the first administrators, and return the token that enrols them.

    Only for the operator of the machine, and only while there are fewer than
    `limits.STAFF_FIRST_ADMINISTRATORS` active ones: two are needed to decide on anybody else.
    Raises InvalidField, StaffExists, BootstrapOver.
    """
    await store.lock_first_administrators(uow)
    if await store.count_active(uow, ADMINISTRATOR) >= limits.STAFF_FIRST_ADMINISTRATORS:
        raise BootstrapOver("There are two administrators. They add the next member of staff.")
    member = NewMember(name=name, email=email, roles=[ADMINISTRATOR])
    staff = await _make_staff(uow, vault, staff_id, member, now=now)
    if not await store.insert_staff(uow, replace(staff, state=StaffState.ACTIVE)):
        raise _exists()
    await store.set_roles(uow, staff_id, [ADMINISTRATOR], approval_id=None, now=now)
    await audit.record(
        uow,
        action="identity.add_first_administrator",
        subject=show_id(STAFF, staff_id),
        details={"roles": [ADMINISTRATOR]},
    )
    return await issue_enrolment(uow, staff_id, approval_id=None, now=now)


async def propose_staff(
    uow: UnitOfWork,
    *,
    vault: Vault,
    by: Staff,
    staff_id: uuid.UUID,
    approval_id: uuid.UUID,
    member: NewMember,
    reason: str,
    now: datetime,
) -> Approval:
    """Propose a member of staff, for another administrator to approve, and return the request.

    Name and address are sealed at once and stay out of the request. Raises InvalidField,
    StaffExists, NotPermitted.
    """
    AccessPolicy.load().check_roles(member.roles)
    approval = await request_approval(
        uow,
        approval_id=approval_id,
        staff=by,
        act="identity.admit_staff",
        payload={"staff": show_id(STAFF, staff_id), "roles": sorted(set(member.roles))},
        reason=reason,
        concerns=[staff_id],
        now=now,
    )
    staff = await _make_staff(uow, vault, staff_id, member, now=now)
    if not await store.insert_staff(uow, staff):
        raise _exists()
    return approval


async def request_staff_change(
    uow: UnitOfWork,
    *,
    by: Staff,
    staff_id: uuid.UUID,
    approval_id: uuid.UUID,
    act: str,
    roles: Collection[str] | None = None,
    reason: str,
    now: datetime,
) -> Approval:
    """Ask for new roles, a restoration or new credentials of a member of staff.

    `act` is `identity.set_staff_roles` (with `roles`), `identity.restore_staff` or
    `identity.reset_staff`. Raises StaffNotFound, InvalidField, NotPermitted, and OwnRecord for a
    change of one's own.
    """
    payload: dict[str, object] = {"staff": show_id(STAFF, staff_id)}
    if roles is not None:
        AccessPolicy.load().check_roles(roles)
        payload["roles"] = sorted(set(roles))
    await get_staff(uow, staff_id)
    return await request_approval(
        uow,
        approval_id=approval_id,
        staff=by,
        act=act,
        payload=payload,
        reason=reason,
        concerns=[staff_id],
        now=now,
    )


async def suspend_staff(
    uow: UnitOfWork, *, by: Staff, staff_id: uuid.UUID, reason: str, now: datetime
) -> Staff:
    """Suspend a member of staff and end every session at once; one who is suspended stays so.

    One administrator is enough: waiting for a second one would leave a thief at the desk. To
    restore takes two. Raises NotPermitted, OwnRecord, StaffNotFound, StaffStateRefused.
    """
    check_reason(reason)
    authorise(by, "staff:write")
    if by.id == staff_id:
        raise OwnRecord("Nobody suspends themselves.")
    staff = await lock_staff(uow, staff_id)
    if staff.state is StaffState.SUSPENDED:
        return staff
    if staff.state is not StaffState.ACTIVE:
        raise StaffStateRefused("Only who is active can be suspended.")
    await store.set_state(uow, staff_id, StaffState.SUSPENDED)
    ended = await session_store.end_sessions(uow, staff_id, because="suspended", now=now)
    await audit.record(
        uow,
        action="identity.suspend_staff",
        subject=show_id(STAFF, staff_id),
        details={"reason": reason, "sessions": ended},
    )
    return await get_staff(uow, staff_id)


async def get_staff(uow: UnitOfWork, staff_id: uuid.UUID) -> Staff:
    """Return a member of staff; raises StaffNotFound."""
    staff = await store.find_staff(uow, staff_id)
    if staff is None:
        raise _not_found(staff_id)
    return staff


async def list_staff(
    uow: UnitOfWork, *, vault: Vault, after_id: uuid.UUID | None = None, limit: int
) -> list[StaffMember]:
    """Return a page of members of staff, oldest first, with names; raises InvalidField."""
    if not 1 <= limit <= limits.PAGE_SIZE_MAX:
        raise InvalidField(f"must be from 1 to {limits.PAGE_SIZE_MAX}, not {limit}", field="limit")
    found = await store.list_staff(uow, after_id=after_id, limit=limit)
    return [await open_member(uow, vault=vault, staff=staff) for staff in found]


async def open_member(uow: UnitOfWork, *, vault: Vault, staff: Staff) -> StaffMember:
    """Return a member of staff with name and address in the clear."""
    sealed = {NAME_FIELD: staff.name_sealed, EMAIL_FIELD: staff.email_sealed}
    opened = await vault.open(uow, staff.id, sealed)
    return StaffMember(staff=staff, name=opened[NAME_FIELD], email=opened[EMAIL_FIELD])


async def lock_staff(uow: UnitOfWork, staff_id: uuid.UUID) -> Staff:
    """Return a member of staff, held until the end; raises StaffNotFound."""
    staff = await store.find_staff(uow, staff_id, is_locked=True)
    if staff is None:
        raise _not_found(staff_id)
    return staff


async def issue_enrolment(
    uow: UnitOfWork, staff_id: uuid.UUID, *, approval_id: uuid.UUID | None, now: datetime
) -> str:
    """Return a new token that enrols a member of staff, to be shown once; older ones end.

    With an approval, the maker's invitation is needed too: the token alone, which the checker has
    in hand, must not make the checker a second person.
    """
    token = make_token(ENROLMENT_PREFIX)
    digest = digest_token(ENROLMENT_PREFIX, token)
    assert digest is not None
    expires_at = now + timedelta(seconds=limits.STAFF_ENROLMENT_SECONDS)
    await store.insert_enrolment(
        uow, staff_id, digest, approval_id=approval_id, now=now, expires_at=expires_at
    )
    return token


async def get_invitation(
    uow: UnitOfWork, *, vault: Vault, by: Staff, approval_id: uuid.UUID
) -> str:
    """Return the invitation that belongs to an enrolment, to who asked for it: `ABCD-EFGH`.

    The checker has the token and hands it over; the maker hands over this. Raises
    ApprovalNotFound for anything but one's own approved request.
    """
    approval = await get_approval(uow, staff=by, approval_id=approval_id)
    is_own = approval.requested_by == by.id and approval.state is ApprovalState.APPROVED
    if not is_own or approval.act not in _ENROLLING:
        raise ApprovalNotFound(f"There is no invitation {show_id(APPROVAL, approval_id)}")
    return make_invitation(vault, approval_id)


def make_invitation(vault: Vault, approval_id: uuid.UUID) -> str:
    """Return the maker's half of an enrolment: 40 bits, known by nobody without the secrets."""
    digest = vault.blind_index("staff_invitation", approval_id.hex)
    text = base64.b32encode(digest[:5]).decode()
    return f"{text[:4]}-{text[4:]}"


async def _make_staff(
    uow: UnitOfWork, vault: Vault, staff_id: uuid.UUID, member: NewMember, *, now: datetime
) -> Staff:
    name, branch = member.name, member.branch
    if not (name.strip() and name.isprintable() and len(name) <= limits.STAFF_NAME_LENGTH_MAX):
        raise InvalidField(
            f"must have 1 to {limits.STAFF_NAME_LENGTH_MAX} printable characters", field="name"
        )
    if branch is not None and _BRANCH_SHAPE.fullmatch(branch) is None:
        raise InvalidField("must be 1 to 16 capital letters and digits", field="branch")
    email_index = index_email(vault, member.email)
    if await store.is_taken(uow, email_index, member.customer_id):
        raise _exists()
    fields = {NAME_FIELD: name, EMAIL_FIELD: normalise_email(member.email)}
    sealed = await vault.seal(uow, staff_id, fields)
    return Staff(
        id=staff_id,
        state=StaffState.PROPOSED,
        roles=frozenset(),
        branch=branch,
        customer_id=member.customer_id,
        name_sealed=sealed[NAME_FIELD],
        email_sealed=sealed[EMAIL_FIELD],
        email_index=email_index,
        created_at=now,
    )


def _exists() -> StaffExists:
    # Neither is repeated: the answer would otherwise end in logs.
    return StaffExists("Somebody on the staff has this e-mail address or customer record.")


def _not_found(staff_id: uuid.UUID) -> StaffNotFound:
    return StaffNotFound(f"There is no member of staff {show_id(STAFF, staff_id)}")
