"""People's requests about their data: made, approved, refused, cancelled; the queue of staff."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Final

import msgspec

from huitong.kernel import audit, limits, outbox
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField, LimitExceeded
from huitong.kernel.ids import SUBJECT, SUBJECT_REQUEST, show_id, uuid7
from huitong.privacy import request_store
from huitong.privacy.consent_store import lock_subject
from huitong.privacy.errors import (
    SubjectRequestNotFound,
    SubjectRequestOpen,
    SubjectRequestState,
)
from huitong.privacy.events import AutomatedDecisionObjected
from huitong.privacy.records import (
    CLOSED_STATES,
    RequestKind,
    RequestState,
    RequestStep,
    SubjectRequest,
)
from huitong.privacy.request_rules import RequestRules, deadlines
from huitong.privacy.subject_data import Providers
from huitong.privacy.vault import Vault

#: The field under which the content of a request is sealed.
CONTENT: Final = "privacy.requests.content"
#: Nobody has to look at these: a person's own data goes to the person.
_NEEDS_NO_APPROVAL: Final = frozenset({RequestKind.SEE, RequestKind.COPY})


async def create_request(
    uow: UnitOfWork,
    vault: Vault,
    providers: Providers,
    *,
    request_id: uuid.UUID,
    subject_id: uuid.UUID,
    kind: RequestKind,
    corrections: Mapping[str, str] | None = None,
    now: datetime,
) -> SubjectRequest:
    """Take a person's request and return it, with the days by which it will be answered.

    Who asks was identified by the edge. `corrections` (field `room.table.column` to its right text)
    belong to `correct` and are sealed. To see and to copy needs no approval. The same identifier
    returns the request as it stands. Raises InvalidField, SubjectRequestOpen for a second one of
    its kind, SubjectUnknown, DataDestroyed, LimitExceeded.
    """
    await lock_subject(uow, subject_id)
    known = await request_store.find_request(uow, request_id)
    if known is not None and (known.subject_id, known.kind) == (subject_id, kind):
        return known
    content = await _seal_corrections(
        uow, vault, providers, subject_id=subject_id, kind=kind, corrections=corrections
    )
    request = _make_request(request_id, subject_id, kind, now)
    await _insert(uow, request, content)
    if kind is RequestKind.OBJECT_AUTOMATED:
        event = AutomatedDecisionObjected(
            subject_id=subject_id, request_id=request_id, objected_at=now
        )
        await outbox.append(uow, [event])
    return request


async def approve_request(
    uow: UnitOfWork, providers: Providers, *, request_id: uuid.UUID, now: datetime
) -> SubjectRequest:
    """Let a request be carried out by the worker; return it as it then stands.

    A deletion that something blocks becomes `blocked`, with the codes in its history, and may be
    approved again later. One whose attempts are used up gets them again. Raises
    SubjectRequestNotFound, SubjectRequestState.
    """
    request = await _lock_open(uow, request_id)
    is_stuck = request.attempts >= limits.REQUEST_ATTEMPTS_MAX
    if request.state is RequestState.APPROVED and not is_stuck:
        raise SubjectRequestState("It is approved already, and waits for the worker")
    reasons = await list_blockers(uow, providers, request)
    state = RequestState.BLOCKED if reasons else RequestState.APPROVED
    await request_store.reset_attempts(uow, request_id, now)
    await move_request(uow, request, state, reasons=reasons, now=now)
    return await get_request(uow, request_id)


async def refuse_request(
    uow: UnitOfWork, *, request_id: uuid.UUID, reason: str, now: datetime
) -> SubjectRequest:
    """Refuse a request for one of the reasons in `request_rules.yaml`, and return it.

    Raises InvalidField for another reason, SubjectRequestNotFound, SubjectRequestState.
    """
    RequestRules.load().check_refusal(reason)
    request = await _lock_open(uow, request_id)
    await move_request(uow, request, RequestState.REFUSED, reasons=[reason], now=now)
    return await get_request(uow, request_id)


async def cancel_request(
    uow: UnitOfWork, *, request_id: uuid.UUID, subject_id: uuid.UUID, now: datetime
) -> SubjectRequest:
    """Take a request back, for the person who made it, and return it.

    Raises SubjectRequestNotFound, also for somebody else's, and SubjectRequestState.
    """
    request = await _lock_open(uow, request_id)
    if request.subject_id != subject_id:
        raise _not_found(request_id)
    await move_request(uow, request, RequestState.CANCELLED, now=now)
    return await get_request(uow, request_id)


async def get_request(
    uow: UnitOfWork, request_id: uuid.UUID, *, subject_id: uuid.UUID | None = None
) -> SubjectRequest:
    """Return a request, if given only of this person; raises SubjectRequestNotFound."""
    request = await request_store.find_request(uow, request_id)
    if request is None or subject_id not in (None, request.subject_id):
        raise _not_found(request_id)
    return request


async def list_queue(
    uow: UnitOfWork,
    *,
    after: tuple[date, uuid.UUID] | None = None,
    limit: int = limits.PAGE_SIZE_DEFAULT,
) -> tuple[SubjectRequest, ...]:
    """Return a page of open requests, the first due first.

    The next page starts after the last one's `(due_on, id)`. Raises InvalidField for a bad limit.
    """
    if not 1 <= limit <= limits.PAGE_SIZE_MAX:
        raise InvalidField(f"must be from 1 to {limits.PAGE_SIZE_MAX}", field="limit")
    return await request_store.list_open(uow, after=after, limit=limit)


async def list_requests(
    uow: UnitOfWork, *, subject_id: uuid.UUID, limit: int = limits.PAGE_SIZE_MAX
) -> tuple[SubjectRequest, ...]:
    """Return a person's requests, newest first."""
    return await request_store.list_of_subject(uow, subject_id, limit)


async def find_with_open_requests(
    uow: UnitOfWork, subject_ids: Collection[uuid.UUID]
) -> frozenset[uuid.UUID]:
    """Return those of some people who wait for an answer to a request about their data."""
    return await request_store.find_with_open(uow, subject_ids)


async def list_request_steps(uow: UnitOfWork, request_id: uuid.UUID) -> tuple[RequestStep, ...]:
    """Return the history of a request, oldest first."""
    return await request_store.list_steps(uow, request_id)


async def objects_to_automated_decisions(uow: UnitOfWork, subject_id: uuid.UUID) -> bool:
    """Say whether a person refused decisions by a machine alone and staff accepted it."""
    return await request_store.has_done(uow, subject_id, RequestKind.OBJECT_AUTOMATED)


async def list_blockers(
    uow: UnitOfWork, providers: Providers, request: SubjectRequest
) -> list[str]:
    """Return the codes of what keeps a deletion from being carried out; none for other kinds."""
    if request.kind not in (RequestKind.DELETE, RequestKind.CLOSE_ACCOUNT):
        return []
    found: set[str] = set()
    for provider in providers:
        found.update(await provider.blockers(uow, request.subject_id))
    if await request_store.count_other_open(uow, request):
        found.add("other_request_open")
    return sorted(found)[: limits.REQUEST_REASONS_MAX]


async def move_request(
    uow: UnitOfWork,
    request: SubjectRequest,
    state: RequestState,
    *,
    reasons: Sequence[str] = (),
    now: datetime,
) -> None:
    """Bring a locked request into a state, and write its history and the audit trail."""
    closed_at = now if state in CLOSED_STATES else None
    await request_store.update_state(uow, request.id, state, closed_at=closed_at)
    await note_step(uow, request.id, state, reasons=reasons, now=now)
    await audit.record(
        uow,
        action="privacy.move_request",
        subject=show_id(SUBJECT, request.subject_id),
        details={
            "request": show_id(SUBJECT_REQUEST, request.id),
            "state": state.value,
            "reasons": list(reasons),
        },
    )


async def note_step(
    uow: UnitOfWork,
    request_id: uuid.UUID,
    state: RequestState,
    *,
    reasons: Sequence[str] = (),
    now: datetime,
) -> None:
    """Write one step into a request's history."""
    step = RequestStep(
        id=uuid7(),
        request_id=request_id,
        state=state,
        actor=uow.caller.actor,
        reasons=tuple(reasons),
        recorded_at=now,
    )
    await request_store.insert_step(uow, step)


def _make_request(
    request_id: uuid.UUID, subject_id: uuid.UUID, kind: RequestKind, now: datetime
) -> SubjectRequest:
    due_on, latest_on = deadlines(now)
    is_approved = kind in _NEEDS_NO_APPROVAL
    return SubjectRequest(
        id=request_id,
        subject_id=subject_id,
        kind=kind,
        state=RequestState.APPROVED if is_approved else RequestState.RECEIVED,
        received_at=now,
        due_on=due_on,
        latest_on=latest_on,
        attempts=0,
        closed_at=None,
    )


async def _insert(uow: UnitOfWork, request: SubjectRequest, content: bytes | None) -> None:
    count_max, kind = limits.REQUESTS_OF_SUBJECT_MAX, request.kind.value
    before = await request_store.list_of_subject(uow, request.subject_id, count_max)
    if len(before) == count_max:
        raise LimitExceeded(f"At most {count_max} requests of one person")
    if not await request_store.insert_request(uow, request, content):
        raise SubjectRequestOpen(f"A request to {kind} is being handled", field="kind")
    await note_step(uow, request.id, request.state, now=request.received_at)
    await audit.record(
        uow,
        action="privacy.create_request",
        subject=show_id(SUBJECT, request.subject_id),
        details={"request": show_id(SUBJECT_REQUEST, request.id), "kind": kind},
    )


async def _lock_open(uow: UnitOfWork, request_id: uuid.UUID) -> SubjectRequest:
    request = await request_store.find_request(uow, request_id, is_locked=True)
    if request is None:
        raise _not_found(request_id)
    if request.state in CLOSED_STATES:
        raise SubjectRequestState(f"It is {request.state.value}", field="request")
    return request


async def _seal_corrections(
    uow: UnitOfWork,
    vault: Vault,
    providers: Providers,
    *,
    subject_id: uuid.UUID,
    kind: RequestKind,
    corrections: Mapping[str, str] | None,
) -> bytes | None:
    if kind is not RequestKind.CORRECT:
        if corrections:
            raise InvalidField("belong to a request to correct", field="corrections")
        return None
    known = frozenset().union(*(provider.correctable for provider in providers))
    given = corrections or {}
    if not 1 <= len(given) <= limits.CORRECTIONS_MAX or not given.keys() <= known:
        raise InvalidField(
            f"must be 1 to {limits.CORRECTIONS_MAX} of {', '.join(sorted(known)) or 'no fields'}",
            field="corrections",
        )
    for text in given.values():
        is_fit = 1 <= len(text.strip()) <= len(text) <= limits.CORRECTION_LENGTH_MAX
        if not (is_fit and text.isprintable()):
            # Which one it was is not said by its value.
            raise InvalidField(
                f"must each have 1 to {limits.CORRECTION_LENGTH_MAX} printable characters",
                field="corrections",
            )
    encoded = msgspec.json.encode(dict(given), order="sorted").decode()
    return (await vault.seal(uow, subject_id, {CONTENT: encoded}))[CONTENT]


def _not_found(request_id: uuid.UUID) -> SubjectRequestNotFound:
    shown = show_id(SUBJECT_REQUEST, request_id)
    return SubjectRequestNotFound(f"There is no request {shown}", context={"id": shown})
