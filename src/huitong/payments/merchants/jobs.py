"""What the worker does for merchants: settle what is due, hand payouts to banks, end disputes."""

import uuid
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from huitong.kernel import logs
from huitong.kernel.calendar import china_calendar
from huitong.kernel.database.unit_of_work import SYSTEM, Caller, Database, UnitOfWork
from huitong.kernel.errors import Refusal
from huitong.kernel.rulebook import Rulebook
from huitong.payments.channels import NoChannel
from huitong.payments.merchants import dispute_store, limits, store
from huitong.payments.merchants.disputes import end_next_overdue
from huitong.payments.merchants.errors import SettlementMoved
from huitong.payments.merchants.payouts import hand_over
from huitong.payments.merchants.settling import settle_account
from huitong.payments.merchants.types import Sheet

_AFTER_TROUBLE: Final = timedelta(minutes=10)
_log = logs.get_logger(__name__)


async def settle_due(
    database: Database, *, rulebook: Rulebook, now: datetime, caller: Caller = SYSTEM
) -> list[Sheet]:
    """Settle up to ACCOUNTS_AT_ONCE_MAX accounts that are due, each in a transaction of its own.

    Returns the sheets. Any number of workers may run it at once: an account that one of them is
    settling is left to it. An account that cannot be settled is looked at again later, and does
    not hold up others.
    """
    sheets: list[Sheet] = []
    after = 0
    for _ in range(limits.ACCOUNTS_AT_ONCE_MAX):
        step = _Settling(after, rulebook, now)
        try:
            sheet = await database.run(step, caller)
        except SettlementMoved as moved:
            _log.warning("merchants.settlement_postponed", reason=str(moved))
            sheet = await database.run(step.postpone, caller)
        if step.account_id is None:
            break
        after = step.account_id
        if sheet is not None:
            sheets.append(sheet)
    return sheets


async def hand_over_payouts(database: Database, *, now: datetime) -> int:
    """Ask banks for up to PAYOUTS_AT_ONCE_MAX payouts of sheets; returns how many were asked for.

    Each is a withdrawal from the merchant's settlement account with an identifier that follows
    from its sheet. Without a channel that can carry it, a payout waits, and so does one whose
    settlement account was spent or frozen meanwhile.
    """
    asked = 0
    after = uuid.UUID(int=0)
    for _ in range(limits.PAYOUTS_AT_ONCE_MAX):
        step = _HandingOver(after, now)
        try:
            await database.run(step)
        except NoChannel:
            break
        except Refusal as refusal:
            _log.warning("merchants.payout_waits", reason=refusal.code)
        else:
            asked += step.sheet_id is not None
        if step.sheet_id is None:
            break
        after = step.sheet_id
    return asked


async def end_overdue_disputes(database: Database, *, rulebook: Rulebook, now: datetime) -> int:
    """Do what passed deadlines do, in up to DISPUTES_AT_ONCE_MAX disputes; returns how many.

    Each in a transaction of its own, which looks again under lock: whoever is faster is the one.
    """
    async with database.reading() as uow:
        due = await dispute_store.list_due(uow, now=now, limit=limits.DISPUTES_AT_ONCE_MAX)
    ended = 0
    for dispute in due:
        try:
            moved = await database.run(
                partial(end_next_overdue, dispute=dispute, rulebook=rulebook, now=now)
            )
        except (SettlementMoved, Refusal) as problem:
            # The next run tries again; staff see a dispute that is over its time.
            _log.warning("merchants.dispute_waits", reason=type(problem).__name__)
            continue
        ended += moved is not None
    return ended


class _Settling:
    """One account's settlement, and which account it was: known even if it fails."""

    def __init__(self, after: int, rulebook: Rulebook, now: datetime) -> None:
        self._after, self._rulebook, self._now = after, rulebook, now
        self.account_id: int | None = None

    async def __call__(self, uow: UnitOfWork) -> Sheet | None:
        account = await store.take_due_account(uow, now=self._now, after=self._after)
        self.account_id = None if account is None else account.account_id
        if account is None:
            return None
        return await settle_account(
            uow, account, rulebook=self._rulebook, calendar=china_calendar(), now=self._now
        )

    async def postpone(self, uow: UnitOfWork) -> None:
        assert self.account_id is not None
        await store.set_due(uow, self.account_id, self._now + _AFTER_TROUBLE)


class _HandingOver:
    """One payout on its way to a bank, and of which sheet: known even if it fails."""

    def __init__(self, after: uuid.UUID, now: datetime) -> None:
        self._after, self._now = after, now
        self.sheet_id: uuid.UUID | None = None

    async def __call__(self, uow: UnitOfWork) -> None:
        sheet = await store.take_payout(uow, after=self._after)
        self.sheet_id = None if sheet is None else sheet.id
        if sheet is not None:
            await hand_over(uow, sheet, now=self._now)
