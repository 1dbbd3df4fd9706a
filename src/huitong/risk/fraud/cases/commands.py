"""Work on cases: taking, handing over and giving back, notes, and what came of it."""

import uuid
from dataclasses import dataclass, replace
from datetime import datetime

from huitong import identity
from huitong.kernel import audit, limits
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import APPROVAL, CASE, STAFF, show_id
from huitong.risk.decisioning.decisions.overturns import find_overturned
from huitong.risk.decisioning.rules.lists.types import Entity, EntityKind
from huitong.risk.fraud.cases import store, work_store
from huitong.risk.fraud.cases.errors import CaseChanged, CaseClosed, CaseNotTaken, CaseTaken
from huitong.risk.fraud.cases.queries import get_case
from huitong.risk.fraud.cases.types import Case, CaseState, EntryType, Outcome
from huitong.risk.fraud.labels import Label, LabelSource, put_labels

_CLOSE = "cases:close"
_WRITE = "cases:write"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What was found out about a case, by somebody who saw `alerts_seen` alerts."""

    outcome: Outcome
    note: str
    alerts_seen: int


async def assign_case(
    uow: UnitOfWork,
    *,
    case_id: uuid.UUID,
    staff: identity.Staff,
    to: identity.Staff,
    now: datetime,
) -> Case:
    """Give a case that nobody works on, or one's own, to somebody who works on cases.

    So can be what somebody had who does not work on cases any more.

    Raises CaseNotFound, CaseClosed, CaseTaken, NotPermitted, OwnRecord, InvalidField.
    """
    case = await _hold(uow, case_id, staff, _WRITE)
    if case.assigned_to == to.id:
        return case
    if case.assigned_to not in {None, staff.id} and await _is_at_work(uow, case.assigned_to):
        raise CaseTaken("Somebody else works on it; they can hand it over or give it back.")
    if not _can_work(to):
        raise InvalidField("must be somebody who works on cases", field="to")
    await _check_not_own(uow, case, to, _WRITE)
    await work_store.assign(uow, case_id, to.id, now=now)
    await _note_down(uow, case_id, EntryType.ASSIGNED, now=now, about=show_id(STAFF, to.id))
    return replace(case, assigned_to=to.id, assigned_at=now)


async def release_case(
    uow: UnitOfWork, *, case_id: uuid.UUID, staff: identity.Staff, now: datetime
) -> Case:
    """Give back a case of one's own, for anybody to take; also one that one came to be part of.

    Raises CaseNotFound, CaseClosed, CaseTaken for somebody else's.
    """
    case = await _hold_open(uow, case_id)
    if case.assigned_to is None:
        return case
    if case.assigned_to != staff.id:
        raise CaseTaken("Somebody else works on it.")
    await work_store.assign(uow, case_id, None, now=now)
    await _note_down(uow, case_id, EntryType.RELEASED, now=now)
    return replace(case, assigned_to=None, assigned_at=None)


async def add_note(
    uow: UnitOfWork, *, case_id: uuid.UUID, staff: identity.Staff, note: str, now: datetime
) -> None:
    """Add a note to an open case; raises CaseNotFound, CaseClosed, OwnRecord, InvalidField."""
    check_note(note)
    await _hold(uow, case_id, staff, _WRITE)
    await _note_down(uow, case_id, EntryType.NOTE, now=now, note=note)


async def close_case(
    uow: UnitOfWork,
    *,
    case_id: uuid.UUID,
    staff: identity.Staff,
    finding: Finding,
    now: datetime,
) -> Case:
    """Close a case of one's own with what was found, which labels every decision in it.

    `unclear` labels none, and what was overturned keeps its label. Raises CaseNotFound,
    CaseClosed, CaseNotTaken, NotOwnCase, OwnRecord, InvalidField, and CaseChanged if alerts came
    that were not seen.
    """
    check_note(finding.note)
    case = await _hold(uow, case_id, staff, _CLOSE)
    if case.alerts != finding.alerts_seen:
        raise CaseChanged(
            f"It has {case.alerts} alerts now. Look at them first.",
            field="alerts_seen",
            context={"alerts": case.alerts},
        )
    await work_store.close(uow, case_id, finding.outcome, by=staff.id, now=now)
    await _note_down(uow, case_id, EntryType.CLOSED, now=now, note=finding.note)
    if finding.outcome is not Outcome.UNCLEAR:
        await _label(uow, case_id, is_fraud=finding.outcome is Outcome.FRAUD, now=now)
    return await get_case(uow, case_id)


async def check_can_propose(
    uow: UnitOfWork, *, case_id: uuid.UUID, staff: identity.Staff, entity: Entity
) -> Case:
    """Return a case of one's own, held, if an entity takes part in it and can be listed for it.

    Raises CaseNotFound, CaseClosed, NotOwnCase, OwnRecord, InvalidField.
    """
    case = await _hold(uow, case_id, staff, _CLOSE)
    if not await work_store.has_entity(uow, case_id, entity):
        raise InvalidField("must take part in the case", field="entity")
    return case


async def note_proposal(
    uow: UnitOfWork, *, case_id: uuid.UUID, approval_id: uuid.UUID, now: datetime
) -> None:
    """Write down that an entity of a case was proposed for a list."""
    await _note_down(
        uow, case_id, EntryType.LIST_PROPOSED, now=now, about=show_id(APPROVAL, approval_id)
    )


def check_note(note: str) -> None:
    """Refuse a note that says nothing or too much; raises InvalidField."""
    is_fit = note.strip() and all(each.isprintable() or each == "\n" for each in note)
    if not (is_fit and len(note) <= limits.CASE_NOTE_LENGTH_MAX):
        raise InvalidField(
            f"must be readable text of 1 to {limits.CASE_NOTE_LENGTH_MAX} characters", field="note"
        )


async def _hold(
    uow: UnitOfWork, case_id: uuid.UUID, staff: identity.Staff, permission: str
) -> Case:
    """Return an open case, held until the end, if a member of staff may work on it so."""
    case = await _hold_open(uow, case_id)
    await _check_not_own(uow, case, staff, permission)
    return case


async def _hold_open(uow: UnitOfWork, case_id: uuid.UUID) -> Case:
    case = await get_case(uow, case_id, is_locked=True)
    if case.state is not CaseState.OPEN:
        raise CaseClosed(f"It is {case.state.value}.", context=_show_end(case))
    return case


async def _label(uow: UnitOfWork, case_id: uuid.UUID, *, is_fraud: bool, now: datetime) -> None:
    """Label the decisions of a case, but for those on which two people decided already."""
    alerts = await store.list_alerts(uow, case_id, count=limits.CASE_ALERTS_MAX)
    ids = [each.decision_id for each in alerts]
    overturned = await find_overturned(uow, ids)
    labels = [
        Label(decision_id=each, is_fraud=is_fraud, source=LabelSource.CASE)
        for each in ids
        if each not in overturned
    ]
    await put_labels(uow, labels, now=now)


async def _is_at_work(uow: UnitOfWork, staff_id: uuid.UUID | None) -> bool:
    """Say whether a member of staff can still close a case."""
    if staff_id is None:
        return False
    return _can_work(await identity.get_staff(uow, staff_id))


def _can_work(who: identity.Staff) -> bool:
    is_permitted = identity.AccessPolicy.load().permits(who.roles, _CLOSE)
    return is_permitted and who.state is identity.StaffState.ACTIVE


async def _check_not_own(
    uow: UnitOfWork, case: Case, staff: identity.Staff, permission: str
) -> None:
    """Let bounds of the role hold, and nobody work on a case that they are in themselves."""
    if permission == _CLOSE and case.assigned_to is None:
        raise CaseNotTaken("Take it first.")
    own = staff.customer_id
    is_in_it = own is not None and await work_store.has_entity(
        uow, case.id, Entity.of_id(EntityKind.CUSTOMER, own)
    )
    concerns = [own] if own is not None and is_in_it else []
    attributes = identity.Attributes(assigned_to=case.assigned_to, concerns=concerns)
    identity.authorise(staff, permission, attributes)


async def _note_down(
    uow: UnitOfWork,
    case_id: uuid.UUID,
    entry: EntryType,
    *,
    now: datetime,
    about: str | None = None,
    note: str | None = None,
) -> None:
    await store.put_entry(uow, case_id, entry, now=now, about=about, note=note)
    await audit.record(
        uow,
        action=f"risk.case_{entry.value}",
        subject=show_id(CASE, case_id),
        details={} if about is None else {"about": about},
    )


def _show_end(case: Case) -> dict[str, str]:
    return {} if case.merged_into is None else {"merged_into": show_id(CASE, case.merged_into)}
