"""The rules for one transfer and one meter use: refuse it, or change the books."""

import uuid
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

from huitong.kernel import limits
from huitong.ledger.books import AccountBook, Books, HoldBook, JournalRow, MeterBook
from huitong.ledger.types import (
    RESOLVING_KINDS,
    AccountState,
    BalanceLimit,
    Entry,
    MeterUse,
    Reason,
    Transfer,
    TransferKind,
)
from huitong.ledger.undo import Undo

ID_AGE_MAX: Final = timedelta(days=7)
ID_AHEAD_MAX: Final = timedelta(hours=1)
_VERSION: Final = 7
_VARIANT: Final = 2
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Refused(Exception):
    """Ends one entry; `decide` turns it into an outcome."""

    def __init__(self, reason: Reason, account_id: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.account_id = account_id


def is_id_time_in_range(identifier: uuid.UUID, now: datetime) -> bool:
    """Whether a new transfer's id was made near `now`, so that its partition is there."""
    # The number itself and not its properties, which would cost more than all other checks of a
    # plain transfer: 48 bits of milliseconds, the version below them, the variant 14 bits lower.
    number = identifier.int
    low_ms, high_ms = _id_bounds(now)
    return (
        low_ms <= number >> 80 <= high_ms
        and number >> 76 & 15 == _VERSION
        and number >> 62 & 3 == _VARIANT
    )


@lru_cache(maxsize=64)
def _id_bounds(now: datetime) -> tuple[int, int]:
    """Return the first and the last millisecond since 1970 that an identifier may carry."""
    millisecond = timedelta(milliseconds=1)
    oldest = now - ID_AGE_MAX - _EPOCH
    # Rounded up: an identifier of a millisecond that had begun before the bound is too old.
    return -(-oldest // millisecond), (now + ID_AHEAD_MAX - _EPOCH) // millisecond


def use_meter(use: MeterUse, books: Books, undo: Undo) -> None:
    """Count one use; raises Refused if a cap would be passed."""
    key = (use.account_id, use.meter)
    if use.account_id not in books.accounts:
        raise Refused(Reason.ACCOUNT_NOT_FOUND, use.account_id)
    if use.amount < 0:
        raise Refused(Reason.AMOUNT_NOT_POSITIVE, use.account_id)
    before = books.meters.get(key)
    undo.meter(key, before)
    after = roll_meter(before, use)
    books.meters[key] = after
    for used, cap, reason in (
        (after.day_used, use.day_max, Reason.DAY_LIMIT_EXCEEDED),
        (after.day_count, use.day_count_max, Reason.DAY_COUNT_EXCEEDED),
        (after.year_used, use.year_max, Reason.YEAR_LIMIT_EXCEEDED),
        (after.total_used, use.total_max, Reason.TOTAL_LIMIT_EXCEEDED),
    ):
        if cap is not None and used > cap:
            raise Refused(reason, use.account_id)
    if after.total_used > limits.MINOR_UNITS_MAX:
        raise Refused(Reason.AMOUNT_TOO_LARGE, use.account_id)


def roll_meter(before: MeterBook | None, use: MeterUse) -> MeterBook:
    """Return a meter after one more use; a new day or year starts from nothing.

    A use that arrives with a day before the meter's (another process's midnight was a moment
    later) counts into the meter's day: never into none.
    """
    if before is None or before.day_count == 0:
        # A row without any use was made to be locked, and its day means nothing.
        return MeterBook(use.on_day, use.amount, 1, use.amount, use.amount)
    on_day = max(before.on_day, use.on_day)
    is_same_day = before.on_day == on_day
    is_same_year = before.on_day.year == on_day.year
    return MeterBook(
        on_day,
        (before.day_used if is_same_day else 0) + use.amount,
        (before.day_count if is_same_day else 0) + 1,
        (before.year_used if is_same_year else 0) + use.amount,
        before.total_used + use.amount,
    )


def apply_transfer(
    transfer: Transfer, entry: Entry, books: Books, undo: Undo, now: datetime
) -> JournalRow:
    """Apply one transfer to the books and return its journal row; raises Refused."""
    if not is_id_time_in_range(transfer.id, now):
        raise Refused(Reason.ID_TIME_OUT_OF_RANGE)
    if transfer.kind in RESOLVING_KINDS:
        return _apply_resolution(transfer, entry, books, undo, now)
    return _apply_movement(transfer, entry, books, undo, now)


def _apply_movement(
    transfer: Transfer, entry: Entry, books: Books, undo: Undo, now: datetime
) -> JournalRow:
    amount = transfer.amount
    if amount is None or amount <= 0:
        raise Refused(Reason.AMOUNT_NOT_POSITIVE)
    if amount > limits.MINOR_UNITS_MAX:
        raise Refused(Reason.AMOUNT_TOO_LARGE)
    if transfer.debit_account_id == transfer.credit_account_id:
        raise Refused(Reason.SAME_ACCOUNT, transfer.debit_account_id)
    debit = _find_account(transfer.debit_account_id, transfer.currency, books)
    credit = _find_account(transfer.credit_account_id, transfer.currency, books)
    _check_states(transfer, debit, credit)
    _check_limits(transfer, debit, credit, amount)
    undo.account(transfer.debit_account_id, debit)
    undo.account(transfer.credit_account_id, credit)
    if transfer.kind is TransferKind.PENDING:
        if transfer.expires_at is not None and transfer.expires_at <= now:
            raise Refused(Reason.EXPIRY_IN_PAST)
        debit.debits_pending += amount
        credit.credits_pending += amount
        undo.hold(transfer.id, None)
        books.holds[transfer.id] = HoldBook(
            transfer.debit_account_id,
            transfer.credit_account_id,
            amount,
            transfer.currency,
            transfer.expires_at,
        )
    else:
        debit.debits_posted += amount
        credit.credits_posted += amount
    return _make_row(transfer, entry, amount)


def _apply_resolution(
    transfer: Transfer, entry: Entry, books: Books, undo: Undo, now: datetime
) -> JournalRow:
    hold = books.holds.get(transfer.pending_id) if transfer.pending_id else None
    if hold is None or transfer.pending_id is None:
        raise Refused(Reason.HOLD_NOT_FOUND)
    debit = books.accounts.get(hold.debit_account_id)
    credit = books.accounts.get(hold.credit_account_id)
    if debit is None or credit is None:
        # Its own transaction ended only after this one had looked which accounts to lock.
        raise Refused(Reason.HOLD_NOT_FOUND)
    if not fits_hold(transfer, hold):
        raise Refused(Reason.HOLD_DIFFERS)
    _check_hold_open(transfer, hold, now)
    amount = _resolved_amount(transfer, hold)
    if transfer.kind is TransferKind.POST_PENDING:
        _check_states(_on_hold_accounts(transfer, hold), debit, credit)
    undo.account(hold.debit_account_id, debit)
    undo.account(hold.credit_account_id, credit)
    undo.hold(transfer.pending_id, hold)
    debit.debits_pending -= hold.amount
    credit.credits_pending -= hold.amount
    debit.debits_posted += amount
    credit.credits_posted += amount
    books.holds[transfer.pending_id] = HoldBook(
        hold.debit_account_id,
        hold.credit_account_id,
        hold.amount,
        hold.currency,
        hold.expires_at,
        transfer.kind,
        amount,
        transfer.id,
    )
    return _make_row(_on_hold_accounts(transfer, hold), entry, amount)


def _on_hold_accounts(transfer: Transfer, hold: HoldBook) -> Transfer:
    return Transfer(
        id=transfer.id,
        debit_account_id=hold.debit_account_id,
        credit_account_id=hold.credit_account_id,
        amount=transfer.amount,
        currency=hold.currency,
        code=transfer.code,
        effective_on=transfer.effective_on,
        kind=transfer.kind,
        pending_id=transfer.pending_id,
        corrects_id=transfer.corrects_id,
    )


def fits_hold(transfer: Transfer, hold: HoldBook) -> bool:
    """Whether what a resolving transfer says of its hold is true; silence is."""
    return (
        transfer.debit_account_id in (0, hold.debit_account_id)
        and transfer.credit_account_id in (0, hold.credit_account_id)
        and transfer.currency in ("", hold.currency)
    )


def _check_hold_open(transfer: Transfer, hold: HoldBook, now: datetime) -> None:
    if hold.resolution is TransferKind.POST_PENDING:
        raise Refused(Reason.HOLD_POSTED)
    if hold.resolution is TransferKind.VOID_PENDING:
        raise Refused(Reason.HOLD_VOIDED)
    if hold.resolution is TransferKind.EXPIRE_PENDING:
        raise Refused(Reason.HOLD_EXPIRED)
    is_over = hold.expires_at is not None and hold.expires_at <= now
    if transfer.kind is TransferKind.EXPIRE_PENDING:
        if not is_over:
            raise Refused(Reason.HOLD_NOT_EXPIRED)
    elif is_over:
        # It has ended even if the sweeper has not come by yet.
        raise Refused(Reason.HOLD_EXPIRED)


def _resolved_amount(transfer: Transfer, hold: HoldBook) -> int:
    if transfer.kind is not TransferKind.POST_PENDING:
        return 0
    if transfer.amount is None:
        return hold.amount
    if transfer.amount <= 0:
        raise Refused(Reason.AMOUNT_NOT_POSITIVE)
    if transfer.amount > hold.amount:
        raise Refused(Reason.AMOUNT_EXCEEDS_HOLD)
    return transfer.amount


def _find_account(number: int, currency: str, books: Books) -> AccountBook:
    book = books.accounts.get(number)
    if book is None:
        raise Refused(Reason.ACCOUNT_NOT_FOUND, number)
    if book.currency != currency:
        raise Refused(Reason.CURRENCY_MISMATCH, number)
    return book


def _check_states(transfer: Transfer, debit: AccountBook, credit: AccountBook) -> None:
    for number, book, strictest in (
        (transfer.debit_account_id, debit, AccountState.OPEN),
        (transfer.credit_account_id, credit, AccountState.DEBITS_FROZEN),
    ):
        if book.state is AccountState.CLOSED:
            raise Refused(Reason.ACCOUNT_CLOSED, number)
        if book.state > strictest:
            raise Refused(Reason.ACCOUNT_FROZEN, number)


def _check_limits(transfer: Transfer, debit: AccountBook, credit: AccountBook, amount: int) -> None:
    if debit.limits is BalanceLimit.DEBITS_MUST_NOT_EXCEED_CREDITS and (
        debit.debits_posted + debit.debits_pending + amount > debit.credits_posted
    ):
        raise Refused(Reason.INSUFFICIENT_FUNDS, transfer.debit_account_id)
    if credit.limits is BalanceLimit.CREDITS_MUST_NOT_EXCEED_DEBITS and (
        credit.credits_posted + credit.credits_pending + amount > credit.debits_posted
    ):
        raise Refused(Reason.CREDITS_EXCEED_DEBITS, transfer.credit_account_id)
    if credit.balance_max is not None and (
        credit.credits_posted + credit.credits_pending - credit.debits_posted + amount
        > credit.balance_max
    ):
        raise Refused(Reason.BALANCE_TOO_LARGE, transfer.credit_account_id)
    for number, total in (
        (transfer.debit_account_id, debit.debits_posted + debit.debits_pending),
        (transfer.credit_account_id, credit.credits_posted + credit.credits_pending),
    ):
        # Pending amounts are added, because each may be posted and must still fit then.
        if total + amount > limits.MINOR_UNITS_MAX:
            raise Refused(Reason.AMOUNT_TOO_LARGE, number)


def _make_row(transfer: Transfer, entry: Entry, amount: int) -> JournalRow:
    return JournalRow(
        transfer.id,
        transfer.debit_account_id,
        transfer.credit_account_id,
        amount,
        transfer.effective_on,
        transfer.currency,
        transfer.code,
        transfer.kind,
        entry.id,
        transfer.pending_id,
        transfer.corrects_id,
    )
