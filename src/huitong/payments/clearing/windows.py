"""The life of a netting window: open, closed, settling, settled, each step a transaction."""

import uuid
from datetime import datetime, timedelta

from huitong.kernel import audit
from huitong.kernel.clock import as_utc, business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.ids import uuid7
from huitong.kernel.rulebook import Rulebook
from huitong.ledger import AccountState, Request, get_balances, post_entries
from huitong.payments.clearing import postings, store
from huitong.payments.clearing.books import accept, available, load_net_book, read_bypass
from huitong.payments.clearing.errors import SettlementRaced, WindowNotFound, WindowStateRefused
from huitong.payments.clearing.netting import Book, Item, keep_payable, net_of
from huitong.payments.clearing.types import (
    AtClose,
    Participant,
    PaymentState,
    Settlement,
    Unwind,
    Window,
    WindowState,
)


async def ensure_window(uow: UnitOfWork, *, rulebook: Rulebook, now: datetime) -> Window:
    """Return the open window, opened if there is none; the caller holds the lock of clearing."""
    window = await store.find_window(uow, is_open=True)
    if window is None:
        await store.open_window(
            uow, uuid7(int(now.timestamp() * 1_000)), now=now, closes_at=_find_end(rulebook, now)
        )
        window = await store.find_window(uow, is_open=True)
    assert window is not None
    return window


async def close_window(
    uow: UnitOfWork, window_id: uuid.UUID, *, rulebook: Rulebook, now: datetime
) -> Window:
    """Close the open window and open the next one; a window that is closed already stays so.

    What waits is settled together as far as all can (gridlock resolution); the rest is carried
    into the next window, in its order, or refused. Raises WindowNotFound.
    """
    await store.lock(uow)
    window = await get_window(uow, window_id)
    if window.state is not WindowState.OPEN:
        return window
    today = business_day(now)
    book = await load_net_book(uow, window.id, read_bypass(rulebook, today))
    resolved = [*book.release(book.queues), *book.resolve_gridlock()]
    await accept(uow, window.id, resolved, now=now)
    closed_at = max(now, window.opened_at)
    await store.set_window_state(uow, window.id, WindowState.CLOSED, closed_at=closed_at)
    following = await ensure_window(uow, rulebook=rulebook, now=closed_at)
    await _carry(uow, book, following, rulebook=rulebook, now=now)
    details = {"number": window.number, "resolved": len(resolved)}
    await audit.record(uow, action="clearing.close", subject=str(window.id), details=details)
    return await get_window(uow, window_id)


async def start_settling(uow: UnitOfWork, window_id: uuid.UUID) -> Window:
    """Say that a closed window is being settled; nothing if it is said already.

    Raises WindowNotFound, and WindowStateRefused for an open window or one that is not the oldest.
    """
    await store.lock(uow)
    window = await get_window(uow, window_id)
    if window.state is WindowState.OPEN:
        raise WindowStateRefused("an open window is closed first", field="window")
    if window.state is not WindowState.CLOSED:
        return window
    oldest = await store.find_window(uow)
    if oldest is None or oldest.id != window.id:
        raise WindowStateRefused("windows are settled in the order of their numbers")
    await store.set_window_state(uow, window.id, WindowState.SETTLING)
    return await get_window(uow, window_id)


async def settle_window(
    uow: UnitOfWork, window_id: uuid.UUID, *, rulebook: Rulebook, now: datetime
) -> Settlement:
    """Settle a window for good: one journal entry, and all of it or nothing.

    Who cannot pay out of its settlement account pays out of its collateral too; if both do not
    reach, payments are taken back by the rulebook's choice until all can pay what is left. A
    settled window is answered again, without what was drawn. Raises WindowNotFound,
    WindowStateRefused, and SettlementRaced if a balance moved meanwhile: try again then.
    """
    await store.lock(uow)
    window = await get_window(uow, window_id)
    if window.state is WindowState.SETTLED:
        return Settlement(window=window, drawn={}, unwound=())
    if window.state is not WindowState.SETTLING:
        raise WindowStateRefused("the window is not settling", field="window")
    banks = {bank.code: bank for bank in await store.list_participants(uow)}
    funds, collateral = await _read_liquidity(uow, list(banks.values()))
    items = await store.list_accepted(uow, window.id)
    means = {code: funds[code] + collateral[code] for code in banks}
    unwind = Unwind(rulebook.text("clearing.default.unwind", business_day(now)))
    kept = keep_payable(items, means, unwind=unwind)
    taken_back = await _take_back(uow, window, items, kept, now=now)
    due = net_of(kept, banks)
    drawn = {code: -due[code] - funds[code] for code in banks if -due[code] > funds[code]}
    entry_id = await _post(uow, due, drawn, banks, now=now)
    await store.set_payments_state(uow, [item.id for item in kept], PaymentState.SETTLED, now=now)
    await store.free_caps(uow, window.id)
    await store.set_window_state(
        uow,
        window.id,
        WindowState.SETTLED,
        settled_at=now if window.closed_at is None else max(now, window.closed_at),
        entry_id=entry_id,
    )
    details = {"number": window.number, "drawn": drawn, "unwound": len(taken_back)}
    await audit.record(uow, action="clearing.settle", subject=str(window.id), details=details)
    settled = await get_window(uow, window_id)
    return Settlement(window=settled, drawn=drawn, unwound=tuple(each.id for each in taken_back))


async def get_window(uow: UnitOfWork, window_id: uuid.UUID) -> Window:
    """Return a window; raises WindowNotFound."""
    window = await store.find_window(uow, window_id=window_id)
    if window is None:
        raise WindowNotFound("there is no such netting window", field="window")
    return window


async def _carry(
    uow: UnitOfWork, book: Book, following: Window, *, rulebook: Rulebook, now: datetime
) -> None:
    """Let what waits go into the next window as far as it fits there, or refuse it."""
    today = business_day(now)
    if AtClose(rulebook.text("clearing.queue.at_close", today)) is AtClose.REFUSE:
        waiting = [item.id for queue in book.queues.values() for item in queue]
        await store.set_payments_state(
            uow, waiting, PaymentState.REFUSED, now=now, reason="window_closed"
        )
        return
    fresh = await load_net_book(uow, following.id, read_bypass(rulebook, today))
    await accept(uow, following.id, fresh.release(fresh.queues), now=now)


async def _take_back(
    uow: UnitOfWork, window: Window, items: list[Item], kept: list[Item], *, now: datetime
) -> list[Item]:
    stays = {item.id for item in kept}
    taken_back = [item for item in items if item.id not in stays]
    if taken_back:
        await store.unwind_positions(uow, window.id, taken_back)
        await store.set_payments_state(
            uow,
            [item.id for item in taken_back],
            PaymentState.UNWOUND,
            now=now,
            reason="participant_cannot_pay",
        )
    return taken_back


async def _post(
    uow: UnitOfWork,
    due: dict[str, int],
    drawn: dict[str, int],
    banks: dict[str, Participant],
    *,
    now: datetime,
) -> uuid.UUID | None:
    """Post the entry of a settlement; None if nobody owes anything."""
    if not any(due.values()):
        return None
    now_ms = int(now.timestamp() * 1_000)
    entry = postings.settlement_entry(
        uuid7(now_ms),
        due=due,
        drawn=drawn,
        banks=banks,
        clearing=await postings.find_clearing_account(uow),
        on=business_day(now),
        now_ms=now_ms,
    )
    outcome = (await post_entries(uow, [Request(entry)], now=now))[0]
    if not outcome.is_posted:
        # The identifiers were made just now, so only the accounts can be the reason.
        raise SettlementRaced(f"the ledger refuses the settlement: {outcome.reason}")
    return entry.id


async def _read_liquidity(
    uow: UnitOfWork, banks: list[Participant]
) -> tuple[dict[str, int], dict[str, int]]:
    """Return what each bank can pay out of its settlement account, and out of its collateral.

    A bank whose settlement account is frozen can pay nothing: collateral goes through it.
    """
    numbers = [number for bank in banks for number in (bank.account_id, bank.collateral_account_id)]
    balances = await get_balances(uow, numbers)
    funds = {bank.code: available(balances[bank.account_id]) for bank in banks}
    collateral = {
        bank.code: available(balances[bank.collateral_account_id])
        if balances[bank.account_id].state is AccountState.OPEN
        else 0
        for bank in banks
    }
    return funds, collateral


def _find_end(rulebook: Rulebook, now: datetime) -> datetime:
    """Return when a window that opens now closes: at the next multiple of the length, in UTC."""
    minutes = rulebook.integer("clearing.window.length", business_day(now))
    length = timedelta(minutes=minutes)
    midnight = as_utc(now).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + ((now - midnight) // length + 1) * length
