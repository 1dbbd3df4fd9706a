"""Beginning a payment abroad: risk is asked, then quote, quota, position and money move at once.

What risk would hold back waits like a name on a list, its money on the way out: two members of
staff release it or give it back. So does what a person buys beyond the year's quota with papers.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from huitong import customers, risk
from huitong.kernel import audit
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.ids import CROSS_BORDER, show_id, uuid7
from huitong.kernel.money import Money
from huitong.kernel.rulebook import Rulebook
from huitong.ledger import TransferCode
from huitong.payments.crossborder import papers, record_store, store
from huitong.payments.crossborder.calculations import convert
from huitong.payments.crossborder.deals import make_deal, of_quote, post
from huitong.payments.crossborder.errors import QuotaExceeded
from huitong.payments.crossborder.postings import Move, find_account
from huitong.payments.crossborder.purposes import PaperKind, Purpose, get_rule
from huitong.payments.crossborder.quota import count_quota
from huitong.payments.crossborder.quotes import take_quote
from huitong.payments.crossborder.rates import get_mids
from huitong.payments.crossborder.types import (
    HOME,
    ChargeBearer,
    Deal,
    Party,
    Payment,
    PaymentState,
    Quote,
    Reason,
)
from huitong.payments.deciding import deciding
from huitong.payments.types import Authentication, OrderKind

#: What rules are told that a payment abroad is.
RISK_KIND: Final = "abroad"
_HOLDING: Final = frozenset({risk.Action.REVIEW, risk.Action.DELAY})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What risk decides about: money that leaves the house, by its worth in CNY."""

    id: uuid.UUID
    payee_account_id: int | None
    amount: Money
    kind: OrderKind = OrderKind.WITHDRAWAL


async def begin(
    uow: UnitOfWork,
    payment: Payment,
    party: Party,
    *,
    decider: risk.PaymentDecider | None,
    rulebook: Rulebook,
    now: datetime,
) -> Payment:
    """Move the money: quote, quota, position and fee in one entry, or nothing.

    Raises PaymentBlocked, and what is in `errors`.
    """
    quote = await _take_quote(uow, payment, party, now)
    mids = await get_mids(uow, (payment.amount.currency,), now=now)
    transit = await find_account(uow, "transit_out", payment.amount.currency)
    asked = _Asked(
        id=payment.id,
        payee_account_id=transit,
        amount=worth(payment.amount, mids) if quote is None else quote.cny,
    )
    async with deciding(
        uow,
        decider,
        asked,
        (await customers.find_parties(await uow.driver(), [party.account_id]))[party.account_id],
        # A person proved one more, and two people stand behind a business's payment.
        authentication=Authentication.TWO_FACTORS,
        # Whoever approves for a business may try again once the reason for a refusal is gone.
        attempt_id=uuid7() if payment.is_business else None,
        told_as=RISK_KIND,
        now=now,
    ) as said:
        suspected = await _find_splitting(uow, payment, rulebook=rulebook, now=now)
        held = (Reason.RISK_REVIEW.value,) if said in _HOLDING else ()
        drafted = replace(payment, reasons=(*suspected, *held))
        begun = await _move(uow, drafted, party, quote, transit, rulebook=rulebook, now=now)
    await record(uow, "begin", begun)
    return begun


async def _take_quote(
    uow: UnitOfWork, payment: Payment, party: Party, now: datetime
) -> Quote | None:
    if payment.quote_id is None:
        return None
    return await take_quote(uow, payment.quote_id, party_id=party.id, now=now)


async def _move(
    uow: UnitOfWork,
    payment: Payment,
    party: Party,
    quote: Quote | None,
    transit: int,
    *,
    rulebook: Rulebook,
    now: datetime,
) -> Payment:
    fee = [await _fee_move(uow, payment, transit)]
    assert payment.account_id is not None
    deal_id, reasons = None, payment.reasons
    if quote is None:
        entry_id = uuid7(int(now.timestamp() * 1_000))
        code = TransferCode.ABROAD_PAYMENT
        moves = [Move(payment.account_id, transit, payment.amount, code), *fee]
        await post(uow, entry_id, moves, now=now)
    else:
        exchange = of_quote(quote, giver=payment.account_id, taker=transit)
        deal = await make_deal(uow, exchange, rulebook=rulebook, more=fee, now=now)
        reasons += await _count(uow, payment, party, deal, rulebook=rulebook, now=now)
        deal_id, entry_id = deal.id, deal.entry_id
    begun = replace(
        payment,
        state=PaymentState.INITIATED,
        reasons=reasons,
        deal_id=deal_id,
        entry_id=entry_id,
        due_at=now,
        changed_at=now,
    )
    await store.change_payment(uow, begun)
    await record_store.add_event(uow, payment.id, "initiated", happened_at=now, now=now)
    return begun


async def _count(
    uow: UnitOfWork,
    payment: Payment,
    party: Party,
    deal: Deal,
    *,
    rulebook: Rulebook,
    now: datetime,
) -> tuple[str, ...]:
    """Count a deal against the quota; with all papers of its purpose it may pass it, uncounted.

    Source: 个人外汇管理办法实施细则 (汇发〔2007〕1号), on purchases for current items beyond the
    yearly total: with proof of what is to be paid. Somebody looks at that proof first.
    """
    try:
        await count_quota(uow, party, deal, rulebook=rulebook, now=now)
    except QuotaExceeded:
        rule = get_rule(rulebook, Purpose(payment.purpose), business_day(now))
        attached = {PaperKind(each.kind) for each in await papers.list_papers(uow, payment.id)}
        if not rule.papers or not attached.issuperset(rule.papers):
            raise
        return (Reason.BEYOND_QUOTA.value,)
    return ()


async def _find_splitting(
    uow: UnitOfWork, payment: Payment, *, rulebook: Rulebook, now: datetime
) -> tuple[str, ...]:
    """Return the suspicion of 分拆, if this makes too many people who pay one account abroad."""
    if payment.is_business:
        return ()
    today = business_day(now)
    await store.lock_counterparty(uow, payment.counterparty_index)
    since = now - timedelta(days=rulebook.integer("crossborder.split.window", today))
    people = await store.count_payers(uow, payment.counterparty_index, since, but=payment.party_id)
    if people + 1 < rulebook.integer("crossborder.split.people", today):
        return ()
    return (Reason.SPLIT_SUSPECTED.value,)


async def _fee_move(uow: UnitOfWork, payment: Payment, transit: int) -> Move:
    income = await find_account(uow, "fee_income", payment.fee.currency)
    is_deducted = payment.charge_bearer is ChargeBearer.CRED
    assert payment.fee_account_id is not None
    giver = transit if is_deducted else payment.fee_account_id
    return Move(giver, income, payment.fee, TransferCode.FEE)


def worth(amount: Money, mids: Mapping[str, Decimal]) -> Money:
    """Return what an amount is worth in CNY at mid rates."""
    return amount if amount.currency == HOME else convert(amount, mids[amount.currency], HOME)


async def record(uow: UnitOfWork, verb: str, payment: Payment, **more: str) -> None:
    """Write the trail of what a customer did with a payment abroad."""
    await audit.record(
        uow,
        action=f"payments.{verb}_payment_abroad",
        subject=show_id(CROSS_BORDER, payment.id),
        details={"state": payment.state.value, "amount": str(payment.amount), **more},
    )
