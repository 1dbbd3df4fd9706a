"""Carrying out approved requests, each in one transaction: all of it or nothing, tried again."""

import uuid
from datetime import datetime
from typing import Final

import msgspec

from huitong.kernel import outbox
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import Database, UnitOfWork
from huitong.privacy import request_store
from huitong.privacy.consent_store import lock_subject
from huitong.privacy.errors import DataDestroyed, ProvidersMissing, SubjectRequestNotFound
from huitong.privacy.events import SubjectErased, SubjectRestricted
from huitong.privacy.exports import make_export
from huitong.privacy.records import RequestKind, RequestState, Restriction, SubjectRequest
from huitong.privacy.requests import CONTENT, list_blockers, move_request
from huitong.privacy.subject_data import Kept, Providers
from huitong.privacy.vault import Vault

_DATA_IS_GONE: Final = "data_is_gone"
_KEPT_BY_LAW: Final = "kept_by_law"


async def fulfil_next(
    database: Database, vault: Vault, providers: Providers, *, now: datetime
) -> bool:
    """Carry out one approved request whose time has come; say whether there was one.

    What a room raises undoes all of the request and comes out here; the request is tried again
    after a pause that doubles, up to `limits.REQUEST_ATTEMPTS_MAX` times, and the others go on.
    """
    request_id = await database.run(lambda uow: request_store.take_next(uow, now))
    if request_id is None:
        return False
    await database.run(
        lambda uow: fulfil_request(uow, vault, providers, request_id=request_id, now=now)
    )
    return True


async def fulfil_request(
    uow: UnitOfWork,
    vault: Vault,
    providers: Providers,
    *,
    request_id: uuid.UUID,
    now: datetime,
) -> RequestState:
    """Carry out an approved request and return the state it then has; others stay as they are.

    A deletion that something blocks by now becomes `blocked`. Raises SubjectRequestNotFound,
    ProvidersMissing for a deletion of somebody whom no room knows, and what the rooms raise.
    """
    request = await request_store.find_request(uow, request_id, is_locked=True)
    if request is None:
        raise SubjectRequestNotFound("There is no such request")
    if request.state is not RequestState.APPROVED:
        return request.state
    # In the order of the retention, which meets restrictions first.
    await request_store.lock_restriction(uow, request.subject_id)
    try:
        await lock_subject(uow, request.subject_id)
    except DataDestroyed:
        return await _close_without_data(uow, request, now)
    match request.kind:
        case RequestKind.SEE | RequestKind.COPY:
            await make_export(uow, vault, providers, request, now=now)
        case RequestKind.CORRECT:
            await _correct(uow, vault, providers, request, now)
        case RequestKind.DELETE | RequestKind.CLOSE_ACCOUNT:
            return await _delete(uow, vault, providers, request, now)
        case RequestKind.OBJECT_AUTOMATED:
            # The rooms were told when it was made, and ask `objects_to_automated_decisions`.
            pass
    await move_request(uow, request, RequestState.DONE, now=now)
    return RequestState.DONE


async def erase_everywhere(
    uow: UnitOfWork,
    vault: Vault,
    providers: Providers,
    subject_id: uuid.UUID,
    *,
    is_first: bool,
    now: datetime,
) -> tuple[Kept, ...]:
    """Let every room erase what it may; destroy the data key if nothing is kept any more.

    Return what is kept, the longest last. Raises ProvidersMissing if this `is_first` and no room
    had anything: then a room that sealed for the person is not registered, and would lose it.
    """
    today = business_day(now)
    erasures = [await provider.erase(uow, subject_id, now=now) for provider in providers]
    if is_first and not any(erasure.erased or erasure.kept for erasure in erasures):
        raise ProvidersMissing("No room knows this person, so nobody can say what must be kept")
    kept = [each for erasure in erasures for each in erasure.kept if each.until_on >= today]
    await request_store.delete_parts_of_subject(uow, subject_id)
    if not kept and await vault.destroy(uow, subject_id, now=now):
        for provider in providers:
            await provider.forget(uow, subject_id)
        await outbox.append(uow, [SubjectErased(subject_id=subject_id, erased_at=now)])
    return tuple(sorted(kept, key=lambda each: (each.until_on, each.data_class)))


async def _close_without_data(
    uow: UnitOfWork, request: SubjectRequest, now: datetime
) -> RequestState:
    # The last period ended while the request waited: a deletion has then got what it wanted.
    if request.kind in (RequestKind.DELETE, RequestKind.CLOSE_ACCOUNT):
        await move_request(uow, request, RequestState.DONE, now=now)
        return RequestState.DONE
    await move_request(uow, request, RequestState.REFUSED, reasons=[_DATA_IS_GONE], now=now)
    return RequestState.REFUSED


async def _delete(
    uow: UnitOfWork, vault: Vault, providers: Providers, request: SubjectRequest, now: datetime
) -> RequestState:
    blockers = await list_blockers(uow, providers, request)
    if blockers:
        await move_request(uow, request, RequestState.BLOCKED, reasons=blockers, now=now)
        return RequestState.BLOCKED
    kept = await erase_everywhere(uow, vault, providers, request.subject_id, is_first=True, now=now)
    if kept:
        restriction = Restriction(
            subject_id=request.subject_id,
            request_id=request.id,
            data_classes=tuple(sorted({each.data_class for each in kept})),
            restricted_at=now,
            until_on=kept[-1].until_on,
            destroyed_at=None,
        )
        await request_store.restrict(uow, restriction)
        event = SubjectRestricted(
            subject_id=request.subject_id, until_on=restriction.until_on, restricted_at=now
        )
        await outbox.append(uow, [event])
    reasons = [_KEPT_BY_LAW] if kept else []
    await move_request(uow, request, RequestState.DONE, reasons=reasons, now=now)
    return RequestState.DONE


async def _correct(
    uow: UnitOfWork, vault: Vault, providers: Providers, request: SubjectRequest, now: datetime
) -> None:
    content = await request_store.find_content(uow, request.id)
    assert content is not None, "a request to correct keeps its content until it is closed"
    opened = await vault.open(uow, request.subject_id, {CONTENT: content})
    corrections = msgspec.json.decode(opened[CONTENT], type=dict[str, str])
    for provider in providers:
        own = {
            name: corrections[name] for name in sorted(provider.correctable & corrections.keys())
        }
        if own:
            await provider.correct(uow, request.subject_id, own, now=now)
            for name in own:
                del corrections[name]
    if corrections:
        raise ProvidersMissing(f"No room corrects {', '.join(sorted(corrections))}")
