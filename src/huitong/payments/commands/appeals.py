"""Appeals: the payer says that a payment which risk stopped is theirs, and staff answer.

Who is stopped is told why and has a way to object (反电信网络诈骗法 Art. 32).
"""

import uuid
from datetime import datetime

from huitong.kernel import audit, limits, outbox
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import PAYMENT, show_id
from huitong.payments.commands import moving
from huitong.payments.errors import AppealGiven, AppealMissing, OrderMoveRefused
from huitong.payments.events import StopAppealed
from huitong.payments.queries import get_stopped_payment
from huitong.payments.stop_types import StoppedPayment, StopState
from huitong.payments.store import stops as store


async def appeal_stop(
    uow: UnitOfWork, *, payment_id: uuid.UUID, note: str, now: datetime
) -> StoppedPayment:
    """Keep what the payer says about a payment that is held or blocked, for staff to see.

    Once for each payment; the same again changes nothing. It changes nothing about the payment
    either: that is for people to decide. Raises StoppedPaymentNotFound, AppealGiven,
    OrderMoveRefused for a payment that has ended, InvalidField.
    """
    text = _check_text(note, "note")
    stop = await _lock(uow, payment_id)
    if stop.appealed_at is not None:
        if stop.appeal == text:
            return stop
        raise AppealGiven(f"{_show(stop)} has an appeal already")
    if stop.state not in (StopState.HELD, StopState.BLOCKED):
        raise OrderMoveRefused(
            f"{_show(stop)} is not held any more", context={"state": stop.state.value}
        )
    await store.save_appeal(uow, payment_id, text, now=now)
    event = StopAppealed(
        payment_id=payment_id, payer_account_id=stop.payer_account_id, appealed_at=now
    )
    await outbox.append(uow, [event])
    return await get_stopped_payment(uow, payment_id)


async def answer_appeal(
    uow: UnitOfWork, *, payment_id: uuid.UUID, answer: str, now: datetime
) -> StoppedPayment:
    """Keep what staff say to an appeal, for the payer to read.

    Once for each payment; the same again changes nothing. Raises StoppedPaymentNotFound,
    AppealMissing, AppealGiven, InvalidField.
    """
    text = _check_text(answer, "answer")
    stop = await _lock(uow, payment_id)
    if stop.appealed_at is None:
        raise AppealMissing(f"the payer of {_show(stop)} has not appealed")
    if stop.answered_at is not None:
        if stop.answer == text:
            return stop
        raise AppealGiven(f"the appeal for {_show(stop)} was answered")
    await store.save_answer(uow, payment_id, text, now=now)
    await audit.record(uow, action="payments.answer_appeal", subject=_show(stop))
    return await get_stopped_payment(uow, payment_id)


async def _lock(uow: UnitOfWork, payment_id: uuid.UUID) -> StoppedPayment:
    return await get_stopped_payment(uow, payment_id, for_update=True)


def _check_text(text: str, field: str) -> str:
    checked = moving.check_text(text, limits.APPEAL_LENGTH_MAX, field=field)
    if checked is None or not checked.strip():
        raise InvalidField("must say something", field=field)
    return checked


def _show(stop: StoppedPayment) -> str:
    return show_id(PAYMENT, stop.id)
