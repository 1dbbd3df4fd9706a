"""Asking risk about a profit share: each receiver is a payment of the merchant's.

What two factors would let pass is held for somebody to look at where only a merchant's own key
asks: whoever has stolen it has no second factor, and an honest merchant is not turned away.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Final

from huitong import risk
from huitong.customers import Party
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import Refusal
from huitong.payments.assessing import HOURS, STOPPED, assess_payments, list_decisions
from huitong.payments.deciding import DecidedPayment, refuse_again
from huitong.payments.errors import PaymentBlocked
from huitong.payments.share_types import HeldShare
from huitong.payments.stop_types import StopAction, StopReason, StopState
from huitong.payments.types import Authentication, OrderKind, Share, ShareReceiver

#: What rules are told that it is.
_KIND: Final = "profit_share"
_HELD_FOR: Final = {
    risk.Action.STEP_UP: StopAction.REVIEW,
    risk.Action.REVIEW: StopAction.REVIEW,
    risk.Action.DELAY: StopAction.DELAY,
}


@asynccontextmanager
async def deciding_shares(
    uow: UnitOfWork,
    decider: risk.PaymentDecider,
    shares: Sequence[Share],
    payees: Mapping[int, int],
    parties: Mapping[int, Party],
    *,
    merchant_account_id: int,
    authentication: Authentication,
    now: datetime,
) -> AsyncIterator[HeldShare | None]:
    """Decide whether shares may be passed on, and give what they must be held as to the block.

    `payees` says whose account stands behind one that only collects shares. Each decision has its
    share's id; they are written and the shares counted when the block ends, and a refusal leaves
    the decisions alone. One receiver that is blocked blocks all. Raises PaymentBlocked, also for
    what was refused so before, and IdReused.
    """
    asked = [
        DecidedPayment(
            order_id=share.id,
            payer_account_id=merchant_account_id,
            payee_account_id=payees.get(share.receiver_account_id, share.receiver_account_id),
            amount=share.amount,
            kind=OrderKind.TRANSFER,
            authentication=authentication,
            file_purpose=_KIND,
        )
        for share in shares
    ]
    await refuse_again(uow, asked[0])
    await assess_payments(await uow.driver(), decider, asked, [None] * len(asked), parties, now=now)
    decisions = [each.decision for each in asked if each.decision is not None]
    try:
        _check_none_blocked(decisions, decider)
        yield _make_held(
            shares,
            decisions,
            decider,
            merchant_account_id=merchant_account_id,
            authentication=authentication,
            now=now,
        )
    except Refusal as refusal:
        refusal.leaves = (*refusal.leaves, *risk.make_records(decisions, keeps_known=True))
        raise
    for each in asked:
        # Held shares are kept for themselves: they are no orders.
        each.stop = None
    await uow.write(list_decisions(asked, []))


def _check_none_blocked(decisions: Sequence[risk.Decision], decider: risk.PaymentDecider) -> None:
    for decision in decisions:
        if decision.action is risk.Action.BLOCK:
            reasons = [{"zh": why.zh, "en": why.en} for why in decider.tell_payer(decision)]
            shown: dict[str, object] = {"decision": risk.show_decision(decision.id)}
            # Not which of them: that somebody is listed is not the others' to know.
            raise PaymentBlocked(STOPPED, field="receivers", context={**shown, "reasons": reasons})


def _make_held(
    shares: Sequence[Share],
    decisions: Sequence[risk.Decision],
    decider: risk.PaymentDecider,
    *,
    merchant_account_id: int,
    authentication: Authentication,
    now: datetime,
) -> HeldShare | None:
    wanted = {
        _HELD_FOR[each.action]
        for each in decisions
        if each.action in _HELD_FOR
        and (each.action is not risk.Action.STEP_UP or authentication is Authentication.ONE_FACTOR)
    }
    if not wanted:
        return None
    action = StopAction.REVIEW if StopAction.REVIEW in wanted else StopAction.DELAY
    hours = decider.rulebook.integer(HOURS[action], business_day(now))
    total = shares[0].amount
    for share in shares[1:]:
        total += share.amount
    return HeldShare(
        entry_id=shares[0].entry_id,
        order_id=shares[0].order_id,
        merchant_account_id=merchant_account_id,
        amount=total,
        receivers=tuple(
            ShareReceiver(account_id=each.receiver_account_id, amount=each.amount)
            for each in shares
        ),
        description=shares[0].description,
        action=action,
        state=StopState.HELD,
        reasons=_list_reasons(decisions, decider),
        held_at=now,
        due_at=now + timedelta(hours=hours),
    )


def _list_reasons(
    decisions: Sequence[risk.Decision], decider: risk.PaymentDecider
) -> tuple[StopReason, ...]:
    found = {
        (why.zh, why.en): StopReason(zh=why.zh, en=why.en)
        for decision in decisions
        if decision.action in _HELD_FOR
        for why in decider.tell_payer(decision)
    }
    return tuple(found.values())
