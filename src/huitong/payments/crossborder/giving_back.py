"""Giving money back: all of it where nothing left us, and what came back from abroad.

What we refuse, or a bank on the way rejects, was never done: the deal is taken back at its own
rate, with the fee and the quota. What a bank abroad returns after it was done comes in its own
currency, less what banks on the way took, to the payer's account in that currency: nobody chooses
a rate for the payer, who exchanges it by a quote like any other money.
"""

import uuid
from dataclasses import replace
from datetime import datetime
from typing import Final

from huitong.kernel import audit
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.ids import CROSS_BORDER, show_id, uuid7
from huitong.kernel.money import Money
from huitong.kernel.rulebook import Rulebook
from huitong.ledger import AccountState, TransferCode, find_states
from huitong.payments.crossborder import papers, record_store, store
from huitong.payments.crossborder.deals import post, reverse_deal
from huitong.payments.crossborder.parties import ensure_account
from huitong.payments.crossborder.postings import Move, find_account
from huitong.payments.crossborder.purposes import Purpose, get_rule
from huitong.payments.crossborder.types import (
    ChargeBearer,
    Direction,
    Party,
    Payment,
    PaymentState,
    Reason,
    Report,
)

#: States of accounts that nothing can be put on.
_CANNOT_TAKE: Final = frozenset({AccountState.FROZEN, AccountState.CLOSED})


async def give_back(
    uow: UnitOfWork,
    payment: Payment,
    state: PaymentState,
    reason: Reason,
    *,
    rulebook: Rulebook,
    happened_at: datetime,
    now: datetime,
    detail: str | None = None,
) -> Payment:
    """End an outgoing payment that was not done: deal, fee and quota as if it had never been.

    An account that can take nothing keeps nothing: the money is kept apart for its holder.
    """
    entry_id = await _undo(uow, payment, rulebook=rulebook, now=now)
    ended = replace(
        payment,
        state=state,
        reasons=(*payment.reasons, reason.value),
        ended_entry=entry_id,
        changed_at=now,
    )
    await store.change_payment(uow, ended)
    await papers.release(uow, payment.id)
    await end_step(uow, ended, happened_at=happened_at, now=now, detail=detail)
    return ended


async def _undo(
    uow: UnitOfWork, payment: Payment, *, rulebook: Rulebook, now: datetime
) -> uuid.UUID:
    """Move all of the money back; return the entry."""
    assert payment.account_id is not None
    assert payment.fee_account_id is not None
    account_id = payment.account_id
    transit = await find_account(uow, "transit_out", payment.amount.currency)
    income = await find_account(uow, "fee_income", payment.fee.currency)
    is_deducted = payment.charge_bearer is ChargeBearer.CRED
    code = TransferCode.ABROAD_GIVEN_BACK
    fee_taker = (
        transit
        if is_deducted
        else await find_taker(uow, payment.fee_account_id, payment.fee.currency)
    )
    fee = Move(income, fee_taker, payment.fee, TransferCode.FEE_REFUND)
    if payment.deal_id is None:
        entry_id = uuid7(int(now.timestamp() * 1_000))
        taker = await find_taker(uow, account_id, payment.amount.currency)
        await post(uow, entry_id, [fee, Move(transit, taker, payment.amount, code)], now=now)
    else:
        back = await reverse_deal(
            uow,
            payment.deal_id,
            giver=transit,
            find_taker=lambda sold: find_taker(uow, account_id, sold.currency),
            rulebook=rulebook,
            more=[fee],
            now=now,
        )
        entry_id = back.entry_id
    return entry_id


async def find_taker(uow: UnitOfWork, account_id: int, currency: str) -> int:
    """Return an account, or where its holder's money is kept while it can take nothing."""
    state = (await find_states(uow, [account_id]))[account_id]
    return await find_account(uow, "kept", currency) if state in _CANNOT_TAKE else account_id


async def settle(
    uow: UnitOfWork, payment: Payment, *, rulebook: Rulebook, now: datetime
) -> Payment:
    """Book that the bank abroad has the money, once; and the balance-of-payments record."""
    if payment.settled_entry is not None:
        return payment
    currency = payment.amount.currency
    entry_id = uuid7(int(now.timestamp() * 1_000))
    move = Move(
        await find_account(uow, "transit_out", currency),
        await find_account(uow, "nostro", currency),
        payment.settled,
        TransferCode.ABROAD_SETTLED,
    )
    await post(uow, entry_id, [move], now=now)
    await report(uow, payment, rulebook=rulebook, now=now)
    return replace(payment, settled_entry=entry_id)


async def take_return(
    uow: UnitOfWork, payment: Payment, amount: Money, *, happened_at: datetime, now: datetime
) -> Payment:
    """Credit what came back from abroad to the payer's account in its currency."""
    assert payment.party_id is not None
    assert payment.fee_account_id is not None
    party = Party(
        id=payment.party_id, is_business=payment.is_business, account_id=payment.fee_account_id
    )
    account_id = await ensure_account(uow, party, amount.currency)
    entry_id = uuid7(int(now.timestamp() * 1_000))
    move = Move(
        await find_account(uow, "nostro", amount.currency),
        await find_taker(uow, account_id, amount.currency),
        amount,
        TransferCode.ABROAD_GIVEN_BACK,
    )
    await post(uow, entry_id, [move], now=now)
    returned = replace(
        payment,
        state=PaymentState.RETURNED,
        returned=amount,
        ended_entry=entry_id,
        changed_at=now,
    )
    await store.change_payment(uow, returned)
    await end_step(uow, returned, happened_at=happened_at, now=now)
    return returned


async def report(uow: UnitOfWork, payment: Payment, *, rulebook: Rulebook, now: datetime) -> None:
    """Write the balance-of-payments record (国际收支申报) of a payment."""
    today = business_day(now)
    rule = get_rule(rulebook, Purpose(payment.purpose), today)
    exempt = rulebook.amount("bop.personal_receipt.exempt.max", today)
    is_small_receipt = (
        payment.direction is Direction.IN and not payment.is_business and payment.usd <= exempt
    )
    await record_store.add_report(
        uow,
        Report(
            payment_id=payment.id,
            direction=payment.direction,
            bop_code=rule.bop_code,
            country=payment.country,
            amount=payment.settled,
            usd=payment.usd,
            is_business=payment.is_business,
            needs_return=not is_small_receipt,
            on_day=today,
        ),
    )


async def end_step(
    uow: UnitOfWork,
    payment: Payment,
    *,
    happened_at: datetime,
    now: datetime,
    detail: str | None = None,
) -> None:
    """Write the tracker's step and the trail of a payment that came to a new state."""
    step = payment.state.value
    await record_store.add_event(
        uow, payment.id, step, happened_at=happened_at, now=now, detail=detail
    )
    await audit.record(
        uow,
        action=f"payments.payment_abroad_{step}",
        subject=show_id(CROSS_BORDER, payment.id),
        details={"reasons": list(payment.reasons)},
    )
