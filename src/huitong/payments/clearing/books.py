"""The `Book` of this moment: made from positions for netting, from balances for gross payments."""

import uuid
from collections.abc import Iterable, Sequence
from datetime import date, datetime

from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.rulebook import Rulebook
from huitong.ledger import AccountState, Balance
from huitong.payments.clearing import store
from huitong.payments.clearing.netting import Book, Item
from huitong.payments.clearing.types import (
    Bypass,
    ClearingPayment,
    Participant,
    PaymentState,
    Position,
)


def as_item(payment: ClearingPayment) -> Item:
    """Return a payment as netting sees it."""
    return Item(
        payment.id,
        payment.debtor,
        payment.creditor,
        payment.amount,
        payment.is_urgent,
        payment.sequence,
    )


def net_book(
    positions: Sequence[Position], queued: Iterable[ClearingPayment], bypass: Bypass
) -> Book:
    """Return the book of a window: room is the cap less what is owed of windows before it."""
    book = Book(
        net={each.participant: each.net for each in positions},
        room={each.participant: each.cap - each.carried for each in positions},
        bypass=bypass,
    )
    _fill(book, queued)
    return book


def gross_book(
    banks: Sequence[Participant],
    funds: dict[str, int],
    queued: Iterable[ClearingPayment],
    bypass: Bypass,
) -> Book:
    """Return the book of gross payments: what banks hold, of which nothing may be owed.

    `funds` has the banks whose accounts can pay and take money; what others send or would receive
    waits, and lets the rest pass.
    """
    book = Book(
        net=dict(funds),
        room=dict.fromkeys(funds, 0),
        reserved={bank.code: bank.reserved for bank in banks},
        bypass=bypass,
    )
    _fill(book, (each for each in queued if each.debtor in funds and each.creditor in funds))
    return book


def available(balance: Balance) -> int:
    """Return what may go out of an account: nothing if it is frozen."""
    return balance.available.minor if balance.state is AccountState.OPEN else 0


def read_bypass(rulebook: Rulebook, on: date) -> Bypass:
    """Return who may overtake in queues."""
    return Bypass(rulebook.text("clearing.queue.bypass", on))


def _fill(book: Book, queued: Iterable[ClearingPayment]) -> None:
    for payment in queued:
        book.enqueue(as_item(payment))


async def load_net_book(uow: UnitOfWork, window_id: uuid.UUID, bypass: Bypass) -> Book:
    """Return the book of a window as it stands."""
    positions = await store.list_positions(uow, window_id)
    return net_book(positions, await store.list_queued(uow, is_gross=False), bypass)


async def accept(
    uow: UnitOfWork, window_id: uuid.UUID, items: Sequence[Item], *, now: datetime
) -> None:
    """Write payments into a window and its positions, together."""
    if items:
        ids = [item.id for item in items]
        await store.set_payments_state(
            uow, ids, PaymentState.ACCEPTED, now=now, window_id=window_id
        )
        await store.move_positions(uow, window_id, items)
