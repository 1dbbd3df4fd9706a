"""Maker and checker: what one member of staff asks for is done when another one approves.

The payload is frozen when it is asked for. The checker repeats its digest, and it is executed in
the transaction of the decision, so that a decision without its deed, or two deeds, cannot be.
"""

import hashlib
import hmac
import uuid
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Final, Protocol

import msgspec

from huitong.identity.access import AccessPolicy, ActRule, Attributes, authorise
from huitong.identity.commands.staff_sessions import hold_session
from huitong.identity.staff_errors import (
    ApprovalAltered,
    ApprovalDecided,
    ApprovalExpired,
    ApprovalNotFound,
    MakerNotPermitted,
    OwnRequest,
)
from huitong.identity.staff_types import (
    Approval,
    ApprovalState,
    Decided,
    Executed,
    Staff,
    StaffSession,
    StaffState,
)
from huitong.identity.store import approvals as store
from huitong.identity.store import staff as staff_store
from huitong.kernel import audit, limits
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField, Refusal
from huitong.kernel.ids import APPROVAL, STAFF, show_id
from huitong.kernel.money import Money

DECIDE: Final = "approvals:decide"
_READ_ALL: Final = "approvals:read"


class ApprovedAct(Protocol):
    """What does an act when it was approved, in the transaction of the approval."""

    async def __call__(
        self, uow: UnitOfWork, approval: Approval, payload: Mapping[str, Any], *, now: datetime
    ) -> Executed:
        """Do it. A refusal leaves the request as it was, to be rejected or tried again."""
        ...


Handlers = Mapping[str, ApprovedAct]


def digest_request(act: str, payload: str) -> str:
    """Return the SHA-256 of an act and its payload, 64 hexadecimal digits."""
    return hashlib.sha256(f"{act}\n{payload}".encode()).hexdigest()


async def request_approval(
    uow: UnitOfWork,
    *,
    approval_id: uuid.UUID,
    staff: Staff,
    act: str,
    payload: Mapping[str, object],
    reason: str,
    concerns: Collection[uuid.UUID],
    now: datetime,
) -> Approval:
    """Ask for an act, and return the request that somebody else decides.

    `payload` holds ids and, if money moves, `amount` as JSON money: no person's data. `concerns`
    are all customers and members of staff whom it is about, on whichever side, at most
    APPROVAL_CONCERNS_MAX: none of them asks for it or decides on it. Raises InvalidField,
    NotPermitted, AmountAboveLimit, OwnRecord and the other bounds of `authorise`.
    """
    rule = AccessPolicy.load().acts[act]
    check_reason(reason)
    frozen = msgspec.json.encode(payload, order="sorted").decode()
    if len(frozen.encode()) > limits.APPROVAL_PAYLOAD_BYTES_MAX:
        raise InvalidField("is too long to be approved as one", field="payload")
    people = frozenset(concerns)
    if len(people) > limits.APPROVAL_CONCERNS_MAX:
        raise InvalidField(
            f"must concern at most {limits.APPROVAL_CONCERNS_MAX} people", field="payload"
        )
    _check_bounds(staff, rule.request, frozen, people)
    approval = Approval(
        id=approval_id,
        act=act,
        payload=frozen,
        digest=digest_request(act, frozen),
        concerns=people,
        reason=reason,
        requested_by=staff.id,
        requested_at=now,
        expires_at=now + rule.lifetime,
        state=ApprovalState.PENDING,
    )
    await store.insert_approval(uow, approval)
    await _record(uow, "identity.request_approval", approval)
    return approval


async def approve(
    uow: UnitOfWork,
    *,
    session: StaffSession,
    approval_id: uuid.UUID,
    digest: str,
    reason: str,
    handlers: Handlers,
    now: datetime,
) -> Decided:
    """Approve a request and do it, in this transaction, once.

    Raises StaffSessionEnded, ApprovalNotFound, ApprovalDecided, ApprovalExpired, ApprovalAltered,
    OwnRequest, OwnRecord, NotPermitted, AmountAboveLimit, MakerNotPermitted, InvalidField, and
    what the act itself refuses: then the request stays open.
    """
    check_reason(reason)
    checker, approval, rule = await _hold(uow, session, approval_id, now=now)
    _check_digest(approval, digest)
    await _check_maker(uow, approval, rule)
    payload: dict[str, Any] = msgspec.json.decode(approval.payload)
    executed = await handlers[approval.act](uow, approval, payload, now=now)
    await store.decide(
        uow,
        approval.id,
        state=ApprovalState.APPROVED,
        decided_by=checker.id,
        reason=reason,
        now=now,
        outcome=executed.outcome,
    )
    await _record(uow, "identity.approve", approval)
    return Decided(approval=await _get(uow, approval.id), secret=executed.secret)


async def reject(
    uow: UnitOfWork,
    *,
    session: StaffSession,
    approval_id: uuid.UUID,
    reason: str,
    now: datetime,
) -> Approval:
    """Reject a request; nothing is done.

    Raises StaffSessionEnded, ApprovalNotFound, ApprovalDecided, ApprovalExpired, OwnRequest,
    OwnRecord, NotPermitted, AmountAboveLimit, InvalidField.
    """
    check_reason(reason)
    checker, approval, _ = await _hold(uow, session, approval_id, now=now)
    await store.decide(
        uow,
        approval.id,
        state=ApprovalState.REJECTED,
        decided_by=checker.id,
        reason=reason,
        now=now,
        outcome=None,
    )
    await _record(uow, "identity.reject", approval)
    return await _get(uow, approval.id)


async def withdraw(
    uow: UnitOfWork,
    *,
    session: StaffSession,
    approval_id: uuid.UUID,
    reason: str,
    now: datetime,
) -> Approval:
    """Take back one's own request. Raises ApprovalNotFound, ApprovalDecided, InvalidField."""
    check_reason(reason)
    maker = (await hold_session(uow, session, now=now)).staff
    approval = await store.find_approval(uow, approval_id, is_locked=True)
    if approval is None or approval.requested_by != maker.id:
        raise _not_found(approval_id)
    if approval.state is not ApprovalState.PENDING:
        raise ApprovalDecided(f"It is {approval.state.value} already.")
    await store.decide(
        uow,
        approval.id,
        state=ApprovalState.WITHDRAWN,
        decided_by=maker.id,
        reason=reason,
        now=now,
        outcome=None,
    )
    await _record(uow, "identity.withdraw_request", approval)
    return await _get(uow, approval.id)


async def get_approval(uow: UnitOfWork, *, staff: Staff, approval_id: uuid.UUID) -> Approval:
    """Return a request that is the member's own or theirs to decide; raises ApprovalNotFound."""
    approval = await store.find_approval(uow, approval_id)
    if approval is None or not _may_see(staff, approval):
        raise _not_found(approval_id)
    return approval


async def list_approvals(
    uow: UnitOfWork,
    *,
    staff: Staff,
    only_pending: bool = False,
    before_id: uuid.UUID | None = None,
    limit: int = limits.PAGE_SIZE_DEFAULT,
) -> list[Approval]:
    """Return a page of what `get_approval` would return, newest first; raises InvalidField."""
    if not 1 <= limit <= limits.PAGE_SIZE_MAX:
        raise InvalidField(f"must be from 1 to {limits.PAGE_SIZE_MAX}, not {limit}", field="limit")
    policy = AccessPolicy.load()
    acts = [name for name, rule in policy.acts.items() if policy.permits(staff.roles, rule.approve)]
    return await store.list_approvals(
        uow,
        staff_id=staff.id,
        acts=acts,
        is_all=policy.permits(staff.roles, _READ_ALL),
        only_pending=only_pending,
        before_id=before_id,
        limit=limit,
    )


async def find_people_to_decide_on(
    uow: UnitOfWork, people: Collection[uuid.UUID], *, staff: Staff, now: datetime
) -> frozenset[uuid.UUID]:
    """Return those of some people whom an open request concerns that somebody else made.

    One's own requests don't count: they would make anybody one's business.
    """
    return await store.find_concerned(uow, people, not_by=staff.id, now=now)


def check_reason(reason: str) -> None:
    """Refuse a reason that says nothing; raises InvalidField."""
    is_fit = reason.strip() and reason.isprintable()
    if not (is_fit and len(reason) <= limits.APPROVAL_REASON_LENGTH_MAX):
        raise InvalidField(
            f"must be readable text of 1 to {limits.APPROVAL_REASON_LENGTH_MAX} characters",
            field="reason",
        )


async def _hold(
    uow: UnitOfWork, session: StaffSession, approval_id: uuid.UUID, *, now: datetime
) -> tuple[Staff, Approval, ActRule]:
    """Return checker and request, both held, if this checker may decide it now."""
    checker = (await hold_session(uow, session, now=now)).staff
    approval = await store.find_approval(uow, approval_id, is_locked=True)
    if approval is None or not _may_see(checker, approval):
        raise _not_found(approval_id)
    if approval.requested_by == checker.id:
        raise OwnRequest("Somebody else has to decide on what you asked for.")
    authorise(checker, DECIDE)
    rule = AccessPolicy.load().acts.get(approval.act)
    if rule is None:
        # The policy was changed since: what nobody may ask for any more is not done either.
        raise ApprovalExpired("This act is no longer among those that staff may ask for.")
    _check_bounds(checker, rule.approve, approval.payload, approval.concerns)
    if approval.state is not ApprovalState.PENDING:
        raise ApprovalDecided(f"It is {approval.state.value} already.")
    if not approval.is_open(now):
        raise ApprovalExpired("Nobody decided in time. It can be asked for again.")
    return checker, approval, rule


def _check_bounds(
    staff: Staff, permission: str, payload: str, concerns: Collection[uuid.UUID]
) -> None:
    """Refuse what this member may not ask for or decide: the same is judged both times."""
    read: dict[str, Any] = msgspec.json.decode(payload)
    assigned_to = read.get("assigned_to")
    amount = read.get("amount")
    attributes = Attributes(
        amount=None if amount is None else Money.from_json(amount),
        branch=read.get("branch"),
        assigned_to=None if assigned_to is None else uuid.UUID(assigned_to),
        concerns=concerns,
    )
    authorise(staff, permission, attributes)


def _check_digest(approval: Approval, digest: str) -> None:
    made = digest_request(approval.act, approval.payload)
    is_shown = hmac.compare_digest(made.encode(), digest.encode())
    if not is_shown or made != approval.digest:
        raise ApprovalAltered("The digest is not that of this request.", field="digest")


async def _check_maker(uow: UnitOfWork, approval: Approval, rule: ActRule) -> None:
    """Refuse if who asked was suspended, or lost the role, in the meantime."""
    maker = await staff_store.find_staff(uow, approval.requested_by)
    assert maker is not None
    if maker.state is not StaffState.ACTIVE:
        raise MakerNotPermitted("Who asked for this is not active any more.")
    try:
        _check_bounds(maker, rule.request, approval.payload, approval.concerns)
    except Refusal as refusal:
        raise MakerNotPermitted("Who asked for this may not ask for it any more.") from refusal


def _may_see(staff: Staff, approval: Approval) -> bool:
    policy = AccessPolicy.load()
    rule = policy.acts.get(approval.act)
    return (
        approval.requested_by == staff.id
        or policy.permits(staff.roles, _READ_ALL)
        or (rule is not None and policy.permits(staff.roles, rule.approve))
    )


async def _get(uow: UnitOfWork, approval_id: uuid.UUID) -> Approval:
    approval = await store.find_approval(uow, approval_id)
    assert approval is not None
    return approval


async def _record(uow: UnitOfWork, action: str, approval: Approval) -> None:
    await audit.record(
        uow,
        action=action,
        subject=show_id(APPROVAL, approval.id),
        details={
            "act": approval.act,
            "digest": approval.digest,
            "requested_by": show_id(STAFF, approval.requested_by),
        },
    )


def _not_found(approval_id: uuid.UUID) -> ApprovalNotFound:
    return ApprovalNotFound(f"There is no request {show_id(APPROVAL, approval_id)}")
