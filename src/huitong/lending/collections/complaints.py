"""Commands: complaints of debtors about being contacted, which stop it until they are answered."""

import uuid
from datetime import date, datetime, timedelta
from typing import Final

from huitong.kernel import audit
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField, LimitExceeded
from huitong.kernel.ids import COLLECTION_COMPLAINT, show_id
from huitong.kernel.rulebook import Rulebook
from huitong.lending.collections import limits, request_store, store
from huitong.lending.collections.errors import (
    AlreadyEnded,
    CollectionIdReused,
    CollectionNotFound,
    OwnContacts,
)
from huitong.lending.collections.hardships import check_words
from huitong.lending.collections.types import About, Complaint
from huitong.privacy import Vault

WORDS_FIELD: Final = "lending.collection_complaints.words"
_DAYS: Final = "complaint.days"


async def complain(
    uow: UnitOfWork,
    vault: Vault,
    *,
    complaint_id: uuid.UUID,
    customer_id: uuid.UUID,
    about: About,
    words: str,
    rulebook: Rulebook,
    now: datetime,
) -> Complaint:
    """Keep a complaint, sealed; nobody contacts the debtor about any loan until it is answered.

    The same id returns the first answer. Raises InvalidField, LimitExceeded, CollectionIdReused.
    """
    _check_complaint(words)
    await store.lock_debtor(uow, customer_id)
    known = await request_store.find_complaint(uow, complaint_id)
    if known is not None:
        if (known.customer_id, known.about) != (customer_id, about):
            raise CollectionIdReused("the id is that of another complaint", field="id")
        return known
    await _check_others(uow, customer_id)
    now = await store.order_after(uow, customer_id, now)
    sealed = await vault.seal(uow, customer_id, {WORDS_FIELD: words})
    complaint = Complaint(
        id=complaint_id,
        customer_id=customer_id,
        about=about,
        words=sealed[WORDS_FIELD],
        made_at=now,
        due_on=_answer_by(rulebook, business_day(now)),
        answered_at=None,
        is_upheld=None,
        answer_zh=None,
        answer_en=None,
    )
    await request_store.insert_complaint(uow, complaint)
    await _record(uow, "lending.complain", complaint_id, about=about.value)
    return complaint


def _answer_by(rulebook: Rulebook, today: date) -> date:
    return today + timedelta(days=rulebook.integer(_DAYS, today))


def _check_complaint(words: str) -> None:
    most = limits.WORDS_LENGTH_MAX
    if not words.strip() or len(words) > most or "\x00" in words:
        raise InvalidField(f"has 1 to {most} characters", field="words")


async def _check_others(uow: UnitOfWork, customer_id: uuid.UUID) -> None:
    made = await request_store.list_complaints(uow, customer_id)
    if sum(each.answered_at is None for each in made) >= limits.OPEN_COMPLAINTS_MAX:
        raise LimitExceeded(f"at most {limits.OPEN_COMPLAINTS_MAX} complaints are open at once")


async def answer_complaint(
    uow: UnitOfWork,
    complaint_id: uuid.UUID,
    *,
    staff_id: uuid.UUID,
    is_upheld: bool,
    answer_zh: str,
    answer_en: str,
    now: datetime,
) -> Complaint:
    """Answer a complaint in words that the debtor reads; contact may go on afterwards.

    Nobody answers who contacted the debtor before. Raises CollectionNotFound, AlreadyEnded,
    OwnContacts, InvalidField.
    """
    check_words(answer_zh, "answer_zh")
    check_words(answer_en, "answer_en")
    found = await get_complaint(uow, complaint_id)
    await store.lock_debtor(uow, found.customer_id)
    if (await get_complaint(uow, complaint_id)).answered_at is not None:
        raise AlreadyEnded("the complaint is answered", field="complaint")
    if await request_store.has_contacted(uow, staff_id, found.customer_id):
        raise OwnContacts("somebody who has not contacted the debtor answers", field="complaint")
    now = await store.order_after(uow, found.customer_id, now)
    await request_store.answer_complaint(
        uow,
        complaint_id,
        staff_id=staff_id,
        is_upheld=is_upheld,
        answer_zh=answer_zh,
        answer_en=answer_en,
        now=now,
    )
    await _record(uow, "lending.answer_complaint", complaint_id, is_upheld=is_upheld)
    return await get_complaint(uow, complaint_id)


async def get_complaint(uow: UnitOfWork, complaint_id: uuid.UUID) -> Complaint:
    """Return a complaint; raises CollectionNotFound."""
    found = await request_store.find_complaint(uow, complaint_id)
    if found is None:
        shown = show_id(COLLECTION_COMPLAINT, complaint_id)
        raise CollectionNotFound(f"there is no complaint {shown}", context={"id": shown})
    return found


async def open_words(uow: UnitOfWork, vault: Vault, complaint: Complaint) -> str:
    """Return what a complaint says, opened."""
    opened = await vault.open(uow, complaint.customer_id, {WORDS_FIELD: complaint.words})
    return opened[WORDS_FIELD]


async def _record(uow: UnitOfWork, action: str, complaint_id: uuid.UUID, **details: object) -> None:
    subject = show_id(COLLECTION_COMPLAINT, complaint_id)
    await audit.record(uow, action=action, subject=subject, details=details)
