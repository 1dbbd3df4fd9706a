"""Overturning a decision of risk: what it holds goes on in the same transaction."""

import uuid
from collections.abc import Awaitable, Callable
from datetime import datetime

from huitong import payments, risk
from huitong.kernel import limits
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import NotFound, Refusal
from huitong.kernel.ids import PAYMENT, show_id
from huitong.kernel.rulebook import Rulebook


async def overturn_decision(
    uow: UnitOfWork,
    *,
    decision_id: uuid.UUID,
    approval_id: uuid.UUID,
    reason: str,
    rulebook: Rulebook,
    now: datetime,
) -> dict[str, str]:
    """Overturn a decision as two people agreed, and let go what it holds; return what came of it.

    `released` is the payment or withdrawal that was let go. One that may not go on whatever risk
    said (too late, an account frozen, a party on the block list by now) keeps waiting, and
    `not_released` is why; the decision is overturned all the same. Raises what
    `risk.overturn_decision` does.
    """
    overturn = await risk.overturn_decision(
        uow,
        decision_id=decision_id,
        approval_id=approval_id,
        reason=reason,
        rulebook=rulebook,
        now=now,
    )
    outcome: dict[str, str] = {"decision": risk.show_decision(decision_id)}
    if overturn.exempt_until is not None:
        outcome["exempt_until"] = overturn.exempt_until.isoformat()
    return outcome | await _let_go(uow, decision_id, reason[: limits.DESCRIPTION_LENGTH_MAX], now)


async def _let_go(
    uow: UnitOfWork, decision_id: uuid.UUID, reason: str, now: datetime
) -> dict[str, str]:
    release = await _find_release(uow, decision_id, reason, now)
    if release is None:
        return {}
    shown = show_id(PAYMENT, decision_id)
    connection = await uow.driver()
    attempt = connection.transaction()
    await attempt.start()
    try:
        await release()
    except Refusal as refusal:
        await attempt.rollback()
        return {"held": shown, "not_released": refusal.code}
    await attempt.commit()
    return {"released": shown}


async def _find_release(
    uow: UnitOfWork, decision_id: uuid.UUID, reason: str, now: datetime
) -> Callable[[], Awaitable[object]] | None:
    """Return what lets go the payment that has the decision's id, or None if nothing is held."""
    try:
        stop = await payments.get_stopped_payment(uow, decision_id)
    except payments.StoppedPaymentNotFound:
        stop = None
    if stop is not None:
        if not stop.is_held:
            return None
        return lambda: payments.release_held_payment(
            uow, payment_id=decision_id, reason=reason, now=now
        )
    try:
        order = await payments.get_order(uow, decision_id)
    except NotFound:
        return None
    if await payments.find_hold(uow, order) is None:
        return None
    return lambda: payments.release_withdrawal(uow, order_id=decision_id, now=now)
