"""The one check before personal data is read: the viewer, the person's restriction, their consent.

`disclose` makes it for staff, and `open_for` for programs that work for a purpose.
"""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import SUBJECT, show_id
from huitong.privacy.consent_texts import ConsentTexts
from huitong.privacy.consents import require_consent
from huitong.privacy.errors import ProcessingRestricted, ViewerCut
from huitong.privacy.policy import Policy
from huitong.privacy.vault import Vault

_IS_CUT: Final = """EXISTS (SELECT FROM privacy.cut_viewers
                    WHERE viewer = CAST(:viewer AS text) AND lifted_at IS NULL)"""
_BARS: Final = f"""
    SELECT {_IS_CUT} AS is_cut,
           EXISTS (SELECT FROM privacy.restrictions
                    WHERE subject_id = :subject_id) AS is_restricted
"""  # noqa: S608 - our own text


async def check_reading(
    uow: UnitOfWork,
    *,
    subject_id: uuid.UUID,
    purpose: str,
    viewer: str | None,
    now: datetime,
) -> None:
    """Refuse to read a person's data for a purpose for which it may not be read; else do nothing.

    `viewer` is None for a program. Raises ViewerCut, ProcessingRestricted, ConsentMissing for a
    purpose that has a consent text, and InvalidField for a purpose that nobody knows.
    """
    texts, policy = ConsentTexts.load(), Policy.load()
    needs_consent = purpose in texts.purposes
    if not needs_consent and purpose not in policy.purposes:
        known = ", ".join(sorted(texts.purposes | policy.purposes.keys()))
        raise InvalidField(f"must be one of {known}", field="purpose")
    bars = await uow.fetch_one(_BARS, viewer=viewer, subject_id=subject_id)
    assert bars is not None, "a SELECT without FROM has one row"
    if bars.is_cut:
        raise _cut()
    shown = show_id(SUBJECT, subject_id)
    if bars.is_restricted and purpose not in policy.while_restricted:
        raise ProcessingRestricted(
            f"The data of {shown} is only kept because the law demands it",
            context={"subject": shown},
        )
    if needs_consent:
        await require_consent(uow, subject_id=subject_id, purpose=purpose, now=now)


async def check_viewer(uow: UnitOfWork, viewer: str) -> None:
    """Refuse a viewer whose access is cut, before anything of anybody is shown, masked or not.

    Raises ViewerCut.
    """
    if await uow.fetch_value(f"SELECT {_IS_CUT}", viewer=viewer):
        raise _cut()


async def open_for(
    uow: UnitOfWork,
    vault: Vault,
    *,
    subject_id: uuid.UUID,
    sealed: Mapping[str, bytes],
    purpose: str,
    now: datetime,
) -> dict[str, str]:
    """Open a person's sealed fields for a program that works for `purpose`.

    Raises what `check_reading` and `Vault.open` raise.
    """
    await check_reading(uow, subject_id=subject_id, purpose=purpose, viewer=None, now=now)
    return await vault.open(uow, subject_id, sealed)


def _cut() -> ViewerCut:
    return ViewerCut("Access to people's data is cut; another person must lift it.")
