"""Consents: given and withdrawn, each with the text that the person saw; and whether one holds."""

import re
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from huitong.kernel import audit, limits, outbox
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import CONSENT, SUBJECT, show_id, uuid7
from huitong.privacy import consent_store
from huitong.privacy.consent_texts import ConsentText, ConsentTexts
from huitong.privacy.errors import ConsentMissing, ConsentNotGiven, ConsentTextOutdated
from huitong.privacy.events import ConsentGiven, ConsentWithdrawn
from huitong.privacy.records import Consent, ConsentAction

_CHANNEL_SHAPE: Final = re.compile(r"[a-z][a-z0-9_]{0,31}")


async def give_consent(
    uow: UnitOfWork,
    *,
    subject_id: uuid.UUID,
    purpose: str,
    version: int,
    channel: str,
    now: datetime,
    texts: ConsentTexts | None = None,
) -> Consent:
    """Record that a person agreed to the text in force, and return the record.

    `version` is the one that they saw, `channel` how they agreed (`app`, `web`, `counter`, `api`).
    Given again it is returned as it stands. Raises InvalidField, ConsentTextOutdated if another
    version is in force, SubjectUnknown, DataDestroyed.
    """
    _check_channel(channel)
    text = (texts or ConsentTexts.load()).get_current(purpose, business_day(now))
    if version != text.version:
        raise ConsentTextOutdated(
            f"Version {text.version} of {purpose} is in force, not {version}: ask again with it",
            field="version",
            context={"version": text.version},
        )
    await consent_store.lock_subject(uow, subject_id)
    last = await consent_store.find_last(uow, subject_id, purpose)
    if last and last.action is ConsentAction.GIVEN and last.version == version:
        return last
    consent = await _record(
        uow, subject_id, text, last, action=ConsentAction.GIVEN, channel=channel, now=now
    )
    event = ConsentGiven(subject_id=subject_id, purpose=purpose, version=version, given_at=now)
    await outbox.append(uow, [event])
    return consent


async def withdraw_consent(
    uow: UnitOfWork,
    *,
    subject_id: uuid.UUID,
    purpose: str,
    channel: str,
    now: datetime,
    texts: ConsentTexts | None = None,
) -> Consent:
    """Record that a person took a consent back, tell the rooms, and return the record.

    From this commit on reads for the purpose are refused. Withdrawn again it is returned as it
    stands. Raises InvalidField, ConsentNotGiven, SubjectUnknown, DataDestroyed.
    """
    _check_channel(channel)
    text = (texts or ConsentTexts.load()).get_current(purpose, business_day(now))
    await consent_store.lock_subject(uow, subject_id)
    last = await consent_store.find_last(uow, subject_id, purpose)
    if last is None:
        raise ConsentNotGiven(f"{purpose} was never agreed to", field="purpose")
    if last.action is ConsentAction.WITHDRAWN:
        return last
    consent = await _record(
        uow, subject_id, text, last, action=ConsentAction.WITHDRAWN, channel=channel, now=now
    )
    event = ConsentWithdrawn(subject_id=subject_id, purpose=purpose, withdrawn_at=now)
    await outbox.append(uow, [event])
    return consent


async def has_consent(
    uow: UnitOfWork,
    *,
    subject_id: uuid.UUID,
    purpose: str,
    now: datetime,
    texts: ConsentTexts | None = None,
) -> bool:
    """Say whether a person's consent to a purpose holds; raises InvalidField for an unknown one.

    It holds from giving to withdrawing, until a version comes into force that asks again.
    """
    oldest = (texts or ConsentTexts.load()).oldest_valid(purpose, business_day(now))
    last = await consent_store.find_last(uow, subject_id, purpose)
    return last is not None and last.action is ConsentAction.GIVEN and last.version >= oldest


async def require_consent(
    uow: UnitOfWork,
    *,
    subject_id: uuid.UUID,
    purpose: str,
    now: datetime,
    texts: ConsentTexts | None = None,
) -> None:
    """Raise ConsentMissing if a person's consent to a purpose does not hold, else do nothing."""
    if not await has_consent(uow, subject_id=subject_id, purpose=purpose, now=now, texts=texts):
        shown = show_id(SUBJECT, subject_id)
        raise ConsentMissing(
            f"{shown} has not agreed to {purpose}", context={"subject": shown, "purpose": purpose}
        )


async def list_consents(
    uow: UnitOfWork, *, subject_id: uuid.UUID, limit: int = limits.PAGE_SIZE_MAX
) -> tuple[Consent, ...]:
    """Return the givings and withdrawings of a person, newest first, at most `limit`."""
    return await consent_store.list_consents(uow, subject_id, limit)


async def find_consents(
    uow: UnitOfWork, *, subject_id: uuid.UUID, now: datetime
) -> Mapping[str, tuple[ConsentText, Consent | None]]:
    """Return, for each purpose, the text in force and the last that the person did about it."""
    texts = ConsentTexts.load().list_current(business_day(now))
    return {
        text.purpose: (text, await consent_store.find_last(uow, subject_id, text.purpose))
        for text in texts
    }


async def _record(
    uow: UnitOfWork,
    subject_id: uuid.UUID,
    text: ConsentText,
    last: Consent | None,
    *,
    action: ConsentAction,
    channel: str,
    now: datetime,
) -> Consent:
    # A withdrawal names the text that had been agreed to: that is what is taken back.
    given = last if action is ConsentAction.WITHDRAWN else None
    consent = Consent(
        id=uuid7(),
        subject_id=subject_id,
        purpose=text.purpose,
        number=1 if last is None else last.number + 1,
        action=action,
        version=text.version if given is None else given.version,
        digest=text.digest if given is None else given.digest,
        channel=channel,
        actor=uow.caller.actor,
        recorded_at=now,
    )
    await consent_store.insert_consent(uow, consent)
    verb = "give" if action is ConsentAction.GIVEN else "withdraw"
    await audit.record(
        uow,
        action=f"privacy.{verb}_consent",
        subject=show_id(SUBJECT, subject_id),
        details={
            "consent": show_id(CONSENT, consent.id),
            "purpose": consent.purpose,
            "version": consent.version,
        },
    )
    return consent


def _check_channel(channel: str) -> None:
    if _CHANNEL_SHAPE.fullmatch(channel) is None:
        raise InvalidField("must be a word like app, web, counter or api", field="channel")
