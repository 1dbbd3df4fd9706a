"""Showing personal data: masked, unless role and purpose permit it whole and a reason is given."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec

from huitong.kernel import limits
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import uuid7
from huitong.privacy import store
from huitong.privacy.errors import NotShownWhole
from huitong.privacy.masking import mask
from huitong.privacy.policy import Policy
from huitong.privacy.reading import check_reading
from huitong.privacy.types import DataKind, Disclosure, SealedField, Shown, Viewer
from huitong.privacy.vault import Vault

_AFTER_ALL_IDS: Final = uuid.UUID(int=2**128 - 1)
_ACTOR_LENGTH_MAX: Final = limits.NAME_LENGTH_MAX


@dataclass(frozen=True, slots=True)
class _FullView:
    """What may be shown whole, and by which role."""

    role: str
    fields: frozenset[str]


async def disclose(
    uow: UnitOfWork,
    vault: Vault,
    *,
    viewer: Viewer,
    subject_id: uuid.UUID,
    fields: Mapping[str, SealedField],
    purpose: str,
    reason: str | None,
    now: datetime,
) -> Shown:
    """Return a subject's fields for a viewer: masked, and whole where that is permitted.

    Whole is what one of the viewer's roles may see for this purpose, if a reason is given; None
    masks everything. A view with something whole is recorded in the caller's transaction: show
    nothing before it is committed. Raises InvalidField, and what `check_reading` and `Vault.open`
    raise.
    """
    Policy.load().check_purpose(purpose)
    kinds = {name: each.kind for name, each in fields.items()}
    _check_question(viewer, kinds)
    written = _check_reason(reason)
    await check_reading(uow, subject_id=subject_id, purpose=purpose, viewer=viewer.actor, now=now)
    view = _permit(viewer, kinds, purpose) if written else None
    opened = await _open(uow, vault, subject_id, fields)
    if view and written:
        await _record(uow, viewer, subject_id, view, purpose=purpose, reason=written, now=now)
    unmasked = frozenset() if view is None else view.fields
    values = {
        name: text if name in unmasked else mask(fields[name].kind, text)
        for name, text in opened.items()
    }
    return Shown(values=values, unmasked=unmasked)


async def permit_whole(
    uow: UnitOfWork,
    *,
    viewer: Viewer,
    subject_id: uuid.UUID,
    fields: Mapping[str, DataKind],
    purpose: str,
    reason: str,
    now: datetime,
) -> None:
    """Record that a viewer is shown all of `fields` whole: what cannot be masked, like pictures.

    Show nothing before the caller's transaction is committed. Raises NotShownWhole unless one of
    the viewer's roles may see all of them for this purpose, InvalidField, and what `check_reading`
    raises.
    """
    Policy.load().check_purpose(purpose)
    _check_question(viewer, fields)
    written = _check_reason(reason)
    assert written is not None
    await check_reading(uow, subject_id=subject_id, purpose=purpose, viewer=viewer.actor, now=now)
    view = _permit(viewer, fields, purpose)
    if view is None or view.fields != fields.keys():
        raise NotShownWhole(f"None of your roles may see this for the purpose {purpose}.")
    await _record(uow, viewer, subject_id, view, purpose=purpose, reason=written, now=now)


async def _open(
    uow: UnitOfWork, vault: Vault, subject_id: uuid.UUID, fields: Mapping[str, SealedField]
) -> dict[str, str]:
    sealed = {each.within or name: each.sealed for name, each in fields.items()}
    opened = await vault.open(uow, subject_id, sealed)
    return {
        name: opened[name] if each.within is None else _read_member(opened, each.within, name)
        for name, each in fields.items()
    }


def _read_member(opened: Mapping[str, str], within: str, name: str) -> str:
    text: str = msgspec.json.decode(opened[within])[name.removeprefix(f"{within}.")]
    return text


async def _record(
    uow: UnitOfWork,
    viewer: Viewer,
    subject_id: uuid.UUID,
    view: _FullView,
    *,
    purpose: str,
    reason: str,
    now: datetime,
) -> None:
    disclosure = Disclosure(
        id=uuid7(),
        viewer=viewer.actor,
        role=view.role,
        subject_id=subject_id,
        fields=tuple(sorted(view.fields)),
        purpose=purpose,
        reason=reason,
        request_id=uow.caller.request_id,
        disclosed_at=now,
    )
    await store.insert_disclosure(uow, disclosure)


def _permit(viewer: Viewer, kinds: Mapping[str, DataKind], purpose: str) -> _FullView | None:
    found = Policy.load().find_role(viewer.roles, purpose, frozenset(kinds.values()))
    if found is None:
        return None
    role, permitted = found
    names = frozenset(name for name, kind in kinds.items() if kind in permitted)
    return _FullView(role, names)


async def list_disclosures(
    uow: UnitOfWork,
    *,
    subject_id: uuid.UUID | None = None,
    viewer: str | None = None,
    before_id: uuid.UUID | None = None,
    limit: int = limits.PAGE_SIZE_DEFAULT,
) -> tuple[Disclosure, ...]:
    """Return a page of full views, newest first, of one subject, by one viewer, or all.

    The next page starts before the last one's id. Raises InvalidField for a bad limit.
    """
    if not 1 <= limit <= limits.PAGE_SIZE_MAX:
        raise InvalidField(f"must be from 1 to {limits.PAGE_SIZE_MAX}, not {limit}", field="limit")
    return await store.list_disclosures(
        uow,
        subject_id=subject_id,
        viewer=viewer,
        before_id=_AFTER_ALL_IDS if before_id is None else before_id,
        limit=limit,
    )


def _check_reason(reason: str | None) -> str | None:
    if reason is None:
        return None
    written = reason.strip()
    if not 1 <= len(written) <= limits.DISCLOSURE_REASON_LENGTH_MAX or not written.isprintable():
        raise InvalidField(
            f"must say in 1 to {limits.DISCLOSURE_REASON_LENGTH_MAX} printable characters why the "
            "data is needed whole",
            field="reason",
        )
    return written


def _check_question(viewer: Viewer, fields: Mapping[str, DataKind]) -> None:
    if not 1 <= len(fields) <= limits.DISCLOSED_FIELDS_MAX:
        raise InvalidField(f"must be 1 to {limits.DISCLOSED_FIELDS_MAX}", field="fields")
    if not 1 <= len(viewer.actor) <= _ACTOR_LENGTH_MAX:
        raise InvalidField(f"must have 1 to {_ACTOR_LENGTH_MAX} characters", field="viewer")
    if len(viewer.roles) > limits.DISCLOSURE_ROLES_MAX:
        raise InvalidField(f"must have at most {limits.DISCLOSURE_ROLES_MAX} roles", field="viewer")
