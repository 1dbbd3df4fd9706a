"""Showing personal data: masked, unless role and purpose permit it whole and a reason is given."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from huitong.kernel import limits
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import uuid7
from huitong.privacy import store
from huitong.privacy.masking import mask
from huitong.privacy.policy import Policy
from huitong.privacy.types import Disclosure, SealedField, Shown, Viewer
from huitong.privacy.vault import Vault

_AFTER_ALL_IDS: Final = uuid.UUID(int=2**128 - 1)
_ACTOR_LENGTH_MAX: Final = limits.NAME_LENGTH_MAX


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

    A field is whole if one of the viewer's roles may see its kind for this purpose (see
    `disclosure_policy.yaml`) and a reason is given; without one (None) everything is masked. Each
    view with something whole is recorded in `privacy.disclosures`, in the caller's transaction:
    show nothing before it is committed.

    Raises InvalidField for an unknown purpose, a blank reason and too many fields; DataDestroyed,
    SubjectUnknown and SealBroken as `Vault.open` does. Nothing is recorded then.
    """
    policy = Policy.load()
    policy.check_purpose(purpose)
    _check_viewer(viewer)
    if not 1 <= len(fields) <= limits.DISCLOSED_FIELDS_MAX:
        raise InvalidField(f"must be 1 to {limits.DISCLOSED_FIELDS_MAX}", field="fields")
    written = None if reason is None else _check_reason(reason)
    kinds = frozenset(field.kind for field in fields.values())
    permit = None if written is None else policy.find_role(viewer.roles, purpose, kinds)
    opened = await vault.open(
        uow, subject_id, {name: field.sealed for name, field in fields.items()}
    )
    if permit is None or written is None:
        unmasked: frozenset[str] = frozenset()
    else:
        role, permitted = permit
        unmasked = frozenset(name for name, field in fields.items() if field.kind in permitted)
        await store.insert_disclosure(
            uow,
            Disclosure(
                id=uuid7(),
                viewer=viewer.actor,
                role=role,
                subject_id=subject_id,
                fields=tuple(sorted(unmasked)),
                purpose=purpose,
                reason=written,
                request_id=uow.caller.request_id,
                disclosed_at=now,
            ),
        )
    return Shown(
        values={
            name: opened[name] if name in unmasked else mask(field.kind, opened[name])
            for name, field in fields.items()
        },
        unmasked=unmasked,
    )


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


def _check_reason(reason: str) -> str:
    written = reason.strip()
    if not 1 <= len(written) <= limits.DISCLOSURE_REASON_LENGTH_MAX or not written.isprintable():
        raise InvalidField(
            f"must say in 1 to {limits.DISCLOSURE_REASON_LENGTH_MAX} printable characters why the "
            "data is needed whole",
            field="reason",
        )
    return written


def _check_viewer(viewer: Viewer) -> None:
    if not 1 <= len(viewer.actor) <= _ACTOR_LENGTH_MAX:
        raise InvalidField(f"must have 1 to {_ACTOR_LENGTH_MAX} characters", field="viewer")
    if len(viewer.roles) > limits.DISCLOSURE_ROLES_MAX:
        raise InvalidField(f"must have at most {limits.DISCLOSURE_ROLES_MAX} roles", field="viewer")
