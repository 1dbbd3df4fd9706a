"""Commands: repayments by borrowers, early ones in part and in full, and debits on due days."""

import uuid
from collections.abc import Callable
from datetime import date, datetime

from huitong.kernel import logs
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import SYSTEM, Caller, Database, UnitOfWork
from huitong.kernel.errors import InvalidField, Refusal
from huitong.kernel.ids import uuid7
from huitong.kernel.money import Money
from huitong.ledger import get_balance
from huitong.lending import limits
from huitong.lending.loans import acts, store
from huitong.lending.loans.changing import (
    Locked,
    Wanted,
    carry_out,
    get_loan,
    load_running,
    lock_loan,
)
from huitong.lending.loans.errors import (
    LoanChangeRefused,
    LoanEnded,
    MoreThanOwed,
    NothingDue,
    QuoteChanged,
)
from huitong.lending.loans.types import (
    EarlyMode,
    EventKind,
    LoanEvent,
    LoanState,
    Quote,
    Running,
)

_log = logs.get_logger(__name__)


async def repay(
    uow: UnitOfWork,
    loan_id: uuid.UUID,
    *,
    repayment_id: uuid.UUID,
    amount: Money,
    now: datetime,
    on: date | None = None,
) -> LoanEvent:
    """Pay what is due and overdue, or a part of it, from the borrower's account.

    Settled by the product's waterfall. `on` backdates it: the loan is replayed, and what had been
    charged for being late is given back; what is more than was owed in the end stays with the
    borrower. Raises LoanNotFound, InvalidField, NothingDue, MoreThanOwed, LoanEnded, DayNotOpen,
    LoanIdReused, LoanMoneyRefused.
    """
    locked = await lock_loan(uow, loan_id, now=now)
    minor = _read_amount(locked, amount)
    today = business_day(now)
    wanted = Wanted(
        id=repayment_id,
        kind=EventKind.REPAYMENT,
        on_day=on or today,
        amount=minor,
        details={},
    )
    check = None if on is not None and on < today else _within_due(minor)
    return await carry_out(uow, locked, wanted, now=now, check=check)


async def repay_early(
    uow: UnitOfWork,
    loan_id: uuid.UUID,
    *,
    repayment_id: uuid.UUID,
    amount: Money,
    mode: EarlyMode,
    now: datetime,
) -> LoanEvent:
    """Pay what is due and then principal that is not, from the borrower's account.

    What is left is paid in lower payments or in fewer ones. Raises what `repay` raises.
    """
    locked = await lock_loan(uow, loan_id, now=now)
    wanted = Wanted(
        id=repayment_id,
        kind=EventKind.EARLY_REPAYMENT,
        on_day=business_day(now),
        amount=_read_amount(locked, amount),
        details={"mode": mode.value},
    )
    return await carry_out(uow, locked, wanted, now=now, check=_early_is_taken)


async def pay_off(
    uow: UnitOfWork,
    loan_id: uuid.UUID,
    *,
    repayment_id: uuid.UUID,
    amount: Money,
    now: datetime,
) -> LoanEvent:
    """Pay all that is owed, with the amount that was quoted; the loan ends.

    Raises QuoteChanged with what it takes now, if that is another amount, and what `repay` raises.
    """
    locked = await lock_loan(uow, loan_id, now=now)
    minor = _read_amount(locked, amount)
    wanted = Wanted(
        id=repayment_id,
        kind=EventKind.EARLY_REPAYMENT,
        on_day=business_day(now),
        amount=minor,
        details={"mode": EarlyMode.SHORTER_TERM.value, "in_full": True},
    )

    def check(before: Running, after: Running) -> None:
        del after
        total = acts.quote(before).total
        if total != minor:
            raise QuoteChanged(
                "the loan is paid off with another amount now",
                field="amount",
                context={"total": Money(total, before.loan.currency).to_json()},
            )

    return await carry_out(uow, locked, wanted, now=now, check=check)


async def quote_payoff(uow: UnitOfWork, loan_id: uuid.UUID, *, on: date, now: datetime) -> Quote:
    """Return what it takes to pay a loan off on a day from today on, if nothing else happens.

    Raises LoanNotFound, LoanEnded, InvalidField for a day before today or too far ahead.
    """
    loan = await get_loan(uow, loan_id)
    if loan.state is not LoanState.ACTIVE:
        raise LoanEnded(f"the loan is {loan.state.value} since {loan.ended_on}", field="loan")
    today = business_day(now)
    if not 0 <= (on - today).days <= limits.QUOTE_DAYS_MAX:
        raise InvalidField(
            f"must be from {today} to {limits.QUOTE_DAYS_MAX} days later", field="on"
        )
    running = await load_running(uow, loan, await store.list_events(uow, loan.number))
    acts.close_days(running, on)
    return acts.quote(running)


async def debit_due(database: Database, *, now: datetime, caller: Caller = SYSTEM) -> int:
    """Debit up to DEBITS_AT_ONCE_MAX loans whose payments wait for it; return how many.

    Each in a transaction of its own; of what is due, as much as the borrower's account has. Any
    number of workers may run it at once. A debit that the ledger refuses has ended, too: the close
    of the day asks for the next one.
    """
    done, after = 0, 0
    for _ in range(limits.DEBITS_AT_ONCE_MAX):
        step = _Debit(after, now)
        try:
            await database.run(step, caller)
        except Refusal as refusal:
            _log.warning("lending.debit_refused", reason=refusal.code)
            await database.run(step.give_up, caller)
        if step.loan is None:
            break
        after, done = step.loan, done + 1
    return done


class _Debit:
    """One loan's debit, and which loan it was: known even if it fails."""

    def __init__(self, after: int, now: datetime) -> None:
        self._after, self._now = after, now
        self._today = business_day(now)
        self.loan: int | None = None

    async def __call__(self, uow: UnitOfWork) -> None:
        self.loan = None
        found = await store.take_auto_debit(uow, until=self._today, after=self._after)
        if found is None:
            return
        self.loan = found
        loan = await store.find_loan_by_number(uow, found)
        assert loan is not None, "a debit is of a loan"
        locked = await lock_loan(uow, loan.id, now=self._now)
        owed = locked.running.state.owed_now if locked.loan.state is LoanState.ACTIVE else 0
        balance = await get_balance(uow, loan.borrower_account_id)
        amount = min(owed, max(balance.available.minor, 0))
        if amount:
            wanted = Wanted(
                id=uuid7(int(self._now.timestamp() * 1_000)),
                kind=EventKind.REPAYMENT,
                on_day=self._today,
                amount=amount,
                details={"by": "auto_debit"},
            )
            await carry_out(uow, locked, wanted, now=self._now)
        state = "needless" if owed == 0 else "not_paid" if amount == 0 else "partly_paid"
        await self._end(uow, "paid" if 0 < owed == amount else state, amount)

    async def give_up(self, uow: UnitOfWork) -> None:
        await self._end(uow, "not_paid", 0)

    async def _end(self, uow: UnitOfWork, state: str, amount: int) -> None:
        assert self.loan is not None, "a debit that failed is of a loan"
        await store.end_auto_debit(uow, self.loan, self._today, state=state, amount=amount)


def _read_amount(locked: Locked, amount: Money) -> int:
    if amount.currency != locked.loan.currency:
        raise InvalidField(f"must be in {locked.loan.currency}", field="amount.currency")
    if amount.minor <= 0:
        raise InvalidField("must be above zero", field="amount.amount")
    return amount.minor


def _within_due(minor: int) -> Callable[[Running, Running], None]:
    def check(before: Running, after: Running) -> None:
        del after
        owed = before.state.owed_now
        if owed == 0:
            raise NothingDue("nothing is due now; what is not due is paid early")
        if minor > owed:
            raise _too_much(before, owed)

    return check


def _early_is_taken(before: Running, after: Running) -> None:
    if after.surplus:
        raise _too_much(before, acts.quote(before).total)
    if after.state.not_due == before.state.not_due:
        raise LoanChangeRefused("nothing is left for principal that is not due", field="amount")


def _too_much(running: Running, owed: int) -> MoreThanOwed:
    return MoreThanOwed(
        "the amount is more than is owed",
        field="amount",
        context={"owed": Money(owed, running.loan.currency).to_json()},
    )
