"""Banks pay each other: net, into the open window, and gross, at once or when money comes.

Each takes the one lock of clearing first and the ledger's locks after it, so none can deadlock
with another.
"""

import uuid
from collections.abc import Sequence
from datetime import datetime

from huitong.kernel import limits
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField, LimitExceeded
from huitong.kernel.ids import uuid7
from huitong.kernel.rulebook import Rulebook
from huitong.ledger import AccountState, Request, get_balances, post_entries
from huitong.payments.clearing import postings, store
from huitong.payments.clearing.bank_codes import check_bank_code
from huitong.payments.clearing.books import (
    accept,
    as_item,
    available,
    gross_book,
    load_net_book,
    read_bypass,
)
from huitong.payments.clearing.errors import (
    AmountAboveRailCap,
    ClearingPaymentIdReused,
    ParticipantNotFound,
    SettlementRaced,
)
from huitong.payments.clearing.netting import Book, Item
from huitong.payments.clearing.types import (
    ClearingPayment,
    NewPayment,
    OverCap,
    Participant,
    PaymentState,
    Rail,
)
from huitong.payments.clearing.windows import ensure_window


async def submit_payments(
    uow: UnitOfWork, new: Sequence[NewPayment], *, rulebook: Rulebook, now: datetime
) -> list[ClearingPayment]:
    """Take payments of banks, in order, and return how each then stands.

    Net ones are accepted into the open window, with their positions, or wait, or are refused by
    the rulebook's choice if they would pass the cap; gross ones move money or wait. The same id
    with the same content is answered again. Raises InvalidField, LimitExceeded,
    ParticipantNotFound, AmountAboveRailCap, ClearingPaymentIdReused: then nothing changes. Hours
    are not checked here: the rulebook only warns of them, and `route_payment` plans with them.
    """
    if len(new) > limits.CLEARING_PAYMENTS_MAX:
        raise LimitExceeded(
            f"at most {limits.CLEARING_PAYMENTS_MAX} payments at a time", field="payments"
        )
    await store.lock(uow)
    banks = await load_banks(uow)
    for each in new:
        _check_payment(each, banks, rulebook, now)
    known = await store.find_payments(uow, [each.id for each in new])
    fresh = _find_fresh(new, known)
    added = await store.add_payments(uow, fresh, now=now) if fresh else []
    gross = [each for each in added if each.rail.is_gross]
    net = [each for each in added if not each.rail.is_gross]
    if net:
        await _accept_net(uow, net, rulebook=rulebook, now=now)
    if gross:
        await release_gross(uow, rulebook=rulebook, now=now)
    found = await store.find_payments(uow, [each.id for each in new])
    return [found[each.id] for each in new]


async def release_net(
    uow: UnitOfWork, *, banks: Sequence[str], rulebook: Rulebook, now: datetime
) -> int:
    """Accept what these banks have waiting and may send now; return how many payments went.

    The caller holds the lock of clearing.
    """
    window = await store.find_window(uow, is_open=True)
    if window is None:
        return 0
    book = await load_net_book(uow, window.id, read_bypass(rulebook, business_day(now)))
    sent = book.release(banks)
    await accept(uow, window.id, sent, now=now)
    return len(sent)


async def release_gross(uow: UnitOfWork, *, rulebook: Rulebook, now: datetime) -> int:
    """Settle the gross payments that can be settled now; return how many.

    Raises SettlementRaced if a balance moved meanwhile. The caller holds the lock of clearing.
    """
    queued = await store.list_queued(uow, is_gross=True)
    if not queued:
        return 0
    today = business_day(now)
    banks = await load_banks(uow)
    book = await load_gross_book(uow, banks, queued, rulebook=rulebook, now=now)
    sent = book.release(banks)[: limits.CLEARING_PAYMENTS_MAX]
    now_ms = int(now.timestamp() * 1_000)
    transfers = {item.id: uuid7(now_ms) for item in sent}
    entries = [postings.gross_entry(transfers[item.id], item, banks, today) for item in sent]
    outcomes = await post_entries(uow, [Request(entry) for entry in entries], now=now)
    for item, outcome in zip(sent, outcomes, strict=True):
        if not outcome.is_posted:
            raise SettlementRaced(f"{item.id}: the ledger refuses it: {outcome.reason}")
    await store.set_payments_state(
        uow, list(transfers), PaymentState.SETTLED, now=now, transfers=transfers
    )
    return len(sent)


async def load_gross_book(
    uow: UnitOfWork,
    banks: dict[str, Participant],
    queued: Sequence[ClearingPayment],
    *,
    rulebook: Rulebook,
    now: datetime,
) -> Book:
    """Return the book of gross payments that wait, with what banks hold at this moment."""
    balances = await get_balances(uow, [bank.account_id for bank in banks.values()])
    funds = {
        code: available(balances[bank.account_id])
        for code, bank in banks.items()
        if balances[bank.account_id].state is AccountState.OPEN
    }
    bypass = read_bypass(rulebook, business_day(now))
    return gross_book(list(banks.values()), funds, queued, bypass)


async def load_banks(uow: UnitOfWork) -> dict[str, Participant]:
    """Return all participants by code."""
    return {bank.code: bank for bank in await store.list_participants(uow)}


def find_bank(banks: dict[str, Participant], code: str, *, field: str) -> Participant:
    """Return the participant of a code; raises ParticipantNotFound."""
    if code not in banks:
        raise ParticipantNotFound("no participant has that bank code", field=field)
    return banks[code]


async def _accept_net(
    uow: UnitOfWork, net: Sequence[ClearingPayment], *, rulebook: Rulebook, now: datetime
) -> None:
    today = business_day(now)
    window = await ensure_window(uow, rulebook=rulebook, now=now)
    book = await load_net_book(uow, window.id, read_bypass(rulebook, today))
    # What was just written down is in the queues too; it comes to its bank's one by one.
    new = {each.id for each in net}
    for code, queue in book.queues.items():
        book.queues[code] = [item for item in queue if item.id not in new]
    refuses = OverCap(rulebook.text("clearing.queue.over_cap", today)) is OverCap.REFUSE
    accepted: list[Item] = []
    refused: list[uuid.UUID] = []
    for payment in net:
        item = as_item(payment)
        if refuses and book.would_wait(item):
            refused.append(item.id)
        else:
            accepted += book.submit(item)
    await accept(uow, window.id, accepted, now=now)
    await store.set_payments_state(
        uow, refused, PaymentState.REFUSED, now=now, reason="above_net_debit_cap"
    )


def _find_fresh(
    new: Sequence[NewPayment], known: dict[uuid.UUID, ClearingPayment]
) -> list[NewPayment]:
    """Return what is not known yet, once each; raises ClearingPaymentIdReused."""
    fresh: dict[uuid.UUID, NewPayment] = {}
    for each in new:
        other = known.get(each.id) or fresh.get(each.id)
        if other is None:
            fresh[each.id] = each
        elif _content(other) != _content(each):
            raise ClearingPaymentIdReused(f"{each.id} belongs to another payment", field="id")
    return list(fresh.values())


def _content(payment: NewPayment | ClearingPayment) -> tuple[object, ...]:
    return (payment.rail, payment.debtor, payment.creditor, payment.amount, payment.is_urgent)


def _check_payment(
    new: NewPayment, banks: dict[str, Participant], rulebook: Rulebook, now: datetime
) -> None:
    for field, code in (("debtor", new.debtor), ("creditor", new.creditor)):
        check_bank_code(code, field=field)
        find_bank(banks, code, field=field)
    if new.debtor == new.creditor:
        raise InvalidField("a bank does not pay itself through clearing", field="creditor")
    if not 0 < new.amount <= limits.MINOR_UNITS_MAX:
        raise InvalidField("must be more than zero and fit an account", field="amount")
    if new.rail is Rail.BEPS:
        cap = rulebook.amount("rail.beps.credit.max", business_day(now))
        if new.amount > cap.minor:
            raise AmountAboveRailCap(f"BEPS takes at most {cap}", field="amount")
