"""What a dispute moves, once at each step: taken when it becomes a chargeback, given on at its end.

The merchant bears it out of what it is owed, then out of its reserve, and what is left it owes us.
"""

import uuid
from dataclasses import replace
from datetime import datetime
from typing import Final

from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.ids import uuid7
from huitong.kernel.rulebook import Rulebook
from huitong.ledger import (
    AccountState,
    Outcome,
    Reason,
    Request,
    TransferCode,
    get_balance,
    post_entries,
)
from huitong.payments.merchants import limits, store
from huitong.payments.merchants.dispute_types import Dispute, Origin
from huitong.payments.merchants.errors import SettlementMoved
from huitong.payments.merchants.postings import Part, find_dispute_account, make_entry
from huitong.payments.merchants.types import SettledAccount, Tranche
from huitong.payments.postings import find_own_accounts
from huitong.payments.store.refund_covers import use_tranches

_CANNOT_BE_CREDITED: Final = frozenset(
    {Reason.ACCOUNT_CLOSED, Reason.ACCOUNT_FROZEN, Reason.BALANCE_TOO_LARGE}
)


async def charge(
    uow: UnitOfWork, dispute: Dispute, *, rulebook: Rulebook, now: datetime
) -> tuple[Dispute, uuid.UUID]:
    """Take amount and fee from the merchant; return the dispute as charged, and the entry's id.

    The account's row is locked, so reserve and debt stay as they are read; the payable may move
    meanwhile, and then it is read again. Raises SettlementMoved if it moves again and again.
    """
    account = await store.lock_account(uow, dispute.account_id)
    assert account is not None
    fee = rulebook.amount("merchant.dispute.fee", business_day(now))
    charged_fee = fee.minor if fee.currency == dispute.currency else 0
    total = dispute.amount + charged_fee
    tranches = await store.list_tranches(uow, account.account_id)
    for _ in range(limits.POSTING_TRIES_MAX):
        payable = await _read_payable(uow, account)
        from_payable = min(payable, total)
        kept = sum(tranche.remaining for tranche in tranches)
        from_reserve = min(kept, total - from_payable)
        charged = replace(
            dispute,
            is_charged=True,
            fee=charged_fee,
            from_payable=from_payable,
            from_reserve=from_reserve,
            from_owed=total - from_payable - from_reserve,
        )
        parts = await _charge_parts(uow, charged, account)
        entry_id, outcome = await _post(uow, parts, charged, now)
        if outcome.is_posted:
            await use_tranches(uow, _use(tranches, from_reserve))
            return charged, entry_id
        if outcome.reason is not Reason.INSUFFICIENT_FUNDS:
            raise SettlementMoved(f"the ledger refuses the chargeback: {outcome.reason}")
    raise SettlementMoved("the merchant's balance moved during the chargeback")


async def give_back(uow: UnitOfWork, dispute: Dispute, *, now: datetime) -> uuid.UUID:
    """Give a merchant that has won all back, fee included, to what it is owed; return the entry."""
    own = await find_own_accounts(uow, dispute.currency)
    source = await _find_holder(uow, dispute, own.channel)
    parts = [
        Part(source, dispute.account_id, dispute.amount, TransferCode.CHARGEBACK_RETURN),
        Part(own.fee_income, dispute.account_id, dispute.fee, TransferCode.DISPUTE_FEE_RETURN),
    ]
    entry_id, outcome = await _post(uow, parts, dispute, now)
    if not outcome.is_posted:
        raise SettlementMoved(f"the ledger refuses to give back: {outcome.reason}")
    return entry_id


async def pay_claimant(uow: UnitOfWork, dispute: Dispute, *, now: datetime) -> uuid.UUID | None:
    """Pay what waited to our customer who has won; None for a scheme, which has it already.

    What an account cannot take (closed, frozen, at its maximum) waits with the money to be
    attributed.
    """
    if dispute.origin is Origin.CHANNEL:
        return None
    own = await find_own_accounts(uow, dispute.currency)
    source = await find_dispute_account(uow, dispute.currency)
    reason = None
    for target in (dispute.payer_account_id, own.unattributed):
        parts = [Part(source, target, dispute.amount, TransferCode.DISPUTE_PAID)]
        entry_id, outcome = await _post(uow, parts, dispute, now)
        if outcome.is_posted:
            return entry_id
        reason = outcome.reason
        if reason not in _CANNOT_BE_CREDITED:
            break
    raise SettlementMoved(f"the ledger refuses to pay the claimant: {reason}")


async def _charge_parts(uow: UnitOfWork, dispute: Dispute, account: SettledAccount) -> list[Part]:
    """Return the movements: each source bears the amount first, and the fee with what is left."""
    assert account.reserve_account_id is not None
    assert account.owed_account_id is not None
    own = await find_own_accounts(uow, dispute.currency)
    holder = await _find_holder(uow, dispute, own.channel)
    parts: list[Part] = []
    amount_left = dispute.amount
    for source, bears in (
        (account.account_id, dispute.from_payable),
        (account.reserve_account_id, dispute.from_reserve),
        (account.owed_account_id, dispute.from_owed),
    ):
        amount = min(bears, amount_left)
        amount_left -= amount
        parts.append(Part(source, holder, amount, TransferCode.CHARGEBACK))
        parts.append(Part(source, own.fee_income, bears - amount, TransferCode.DISPUTE_FEE))
    return parts


async def _find_holder(uow: UnitOfWork, dispute: Dispute, channel: int) -> int:
    """Return where taken money is until the dispute is over."""
    if dispute.origin is Origin.CHANNEL:
        return channel
    return await find_dispute_account(uow, dispute.currency)


async def _read_payable(uow: UnitOfWork, account: SettledAccount) -> int:
    balance = await get_balance(uow, account.account_id)
    if balance.state is not AccountState.OPEN:
        # Nothing goes out of a frozen account: reserve and debt bear all.
        return 0
    return max(0, balance.available.minor)


async def _post(
    uow: UnitOfWork, parts: list[Part], dispute: Dispute, now: datetime
) -> tuple[uuid.UUID, Outcome]:
    entry_id = uuid7(int(now.timestamp() * 1_000))
    entry = make_entry(
        entry_id,
        [part for part in parts if part.amount > 0],
        currency=dispute.currency,
        on=business_day(now),
    )
    return entry_id, (await post_entries(uow, [Request(entry)], now=now))[0]


def _use(tranches: list[Tranche], amount: int) -> dict[int, int]:
    used: dict[int, int] = {}
    for tranche in tranches:
        part = min(tranche.remaining, amount)
        if part > 0:
            used[tranche.id] = part
            amount -= part
    return used
