"""Settling an account: one sheet and at most one journal entry, in one transaction.

A worker may be killed anywhere and two may run at once: the account's row is locked, a statement
line is in one sheet at most, and sheets follow each other without a gap (constraints of the
database), so what was paid for once cannot be paid for again.
"""

import uuid
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from huitong.kernel import audit, outbox
from huitong.kernel.calendar import BusinessCalendar
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.ids import SETTLEMENT_SHEET, show_id, uuid7
from huitong.kernel.money import Money
from huitong.kernel.rulebook import Rulebook
from huitong.ledger import AccountState, Balance, Reason, Request, get_balances, post_entries
from huitong.payments.merchants import limits, store, terms_store
from huitong.payments.merchants.cycles import find_due_cutoff
from huitong.payments.merchants.errors import SettlementMoved
from huitong.payments.merchants.events import SettlementMade
from huitong.payments.merchants.postings import Moves, make_entry, sheet_parts
from huitong.payments.merchants.sheets import (
    SHEET_CODES,
    Means,
    Split,
    Sums,
    Volume,
    plan_release,
    price_lines,
    split_sheet,
    sum_lines,
)
from huitong.payments.merchants.terms import make_cycle, next_due
from huitong.payments.merchants.types import (
    AccountLine,
    LineKind,
    PayoutWay,
    Role,
    SettledAccount,
    Sheet,
    SheetLine,
    Terms,
)
from huitong.payments.postings import find_own_accounts
from huitong.payments.store.refund_covers import use_tranches


@dataclass(frozen=True, slots=True, kw_only=True)
class _Draft:
    """What a sheet will say, before it is known what there is to pay with."""

    account: SettledAccount
    terms: Terms
    cutoff_at: datetime
    lines: list[SheetLine]
    line_to: int
    volume: Volume
    sums: Sums
    release: dict[int, int]
    reserve: int
    now: datetime


async def settle_account(
    uow: UnitOfWork,
    account: SettledAccount,
    *,
    rulebook: Rulebook,
    calendar: BusinessCalendar,
    now: datetime,
) -> Sheet | None:
    """Settle what is due of an account whose row the caller has locked; return the sheet.

    All statement lines before the cut-off are in it, as far as SHEET_LINES_MAX allows; what is more
    is due again at once. None, with the account looked at again later, if no day has ended that is
    to be settled, if movements before the cut-off are not lines yet, if nothing happened, or if an
    account is frozen. Raises SettlementMoved if balances moved again and again.
    """
    today = business_day(now)
    versions = await terms_store.list_terms(uow, account.merchant_id)
    terms = terms_store.find_in_force(versions, today)
    if terms is None:
        return None
    cycle = make_cycle(terms, rulebook=rulebook, on=today)
    cutoff_at = find_due_cutoff(account.settled_until, cycle, calendar, now)
    if cutoff_at is None:
        due_at = next_due(account, terms, rulebook=rulebook, now=now)
        await store.set_due(uow, account.account_id, due_at)
        return None
    if not await _are_open(uow, account):
        await store.set_due(uow, account.account_id, now + timedelta(hours=1))
        return None
    if await store.is_line_missing(uow, account.account_id, cutoff_at):
        await store.set_due(uow, account.account_id, now + limits.PROJECTION_PAUSE)
        return None
    read = await store.read_lines(uow, account, cutoff_at=cutoff_at, count=limits.SHEET_LINES_MAX)
    draft = await _draft(uow, account, terms, read, cutoff_at=cutoff_at, now=now)
    is_whole = len(read) < limits.SHEET_LINES_MAX
    sheet = await _settle(uow, draft)
    settled = replace(
        account,
        number=account.number + (sheet is not None),
        line_to=draft.line_to,
        carried=account.carried if sheet is None else sheet.carried,
        settled_until=cutoff_at if is_whole else account.settled_until,
        volume_month=draft.volume.month,
        volume=draft.volume.amount,
    )
    due_at = next_due(settled, terms, rulebook=rulebook, now=now) if is_whole else now
    await store.save_account(uow, replace(settled, due_at=due_at))
    return sheet


async def _draft(
    uow: UnitOfWork,
    account: SettledAccount,
    terms: Terms,
    read: list[AccountLine],
    *,
    cutoff_at: datetime,
    now: datetime,
) -> _Draft:
    volume = Volume(account.volume_month, account.volume)
    business = [line for line in read if line.code not in SHEET_CODES]
    plan = await terms_store.list_versions(uow, terms.plan)
    lines, volume = price_lines(business, plan, volume)
    tranches = await store.list_tranches(uow, account.account_id)
    floor = terms.reserve_floor
    return _Draft(
        account=account,
        terms=terms,
        cutoff_at=cutoff_at,
        lines=lines,
        line_to=read[-1].line if read else account.line_to,
        volume=volume,
        sums=sum_lines(lines),
        release=plan_release(tranches, on=business_day(now), floor=floor),
        reserve=sum(tranche.remaining for tranche in tranches),
        now=now,
    )


async def _settle(uow: UnitOfWork, draft: _Draft) -> Sheet | None:
    """Write the sheet of a draft and post its entry; None if nothing happened and nothing moves."""
    for _ in range(limits.POSTING_TRIES_MAX):
        means = await _read_means(uow, draft)
        terms = draft.terms if draft.account.role is Role.MERCHANT else None
        split = split_sheet(
            opening=draft.account.carried, sums=draft.sums, means=means, terms=terms
        )
        moves = _make_moves(draft, split)
        entry_id = uuid7(int(draft.now.timestamp() * 1_000))
        if not await _post(uow, draft, moves, entry_id):
            # Somebody's payment or refund was faster: what there is to pay with is read again.
            continue
        is_moved = any(getattr(moves, name) for name in Moves.__dataclass_fields__)
        if not is_moved and not draft.lines:
            return None
        sheet = _make_sheet(draft, split, means, entry_id if is_moved else None)
        await store.insert_sheet(uow, sheet, draft.lines)
        await use_tranches(uow, draft.release)
        if sheet.reserve_held:
            release_on = business_day(draft.now) + timedelta(days=draft.terms.reserve_days)
            await store.add_tranche(uow, sheet, release_on)
        await _tell(uow, sheet)
        return sheet
    raise SettlementMoved("the balances of the merchant moved during settlement")


async def _are_open(uow: UnitOfWork, account: SettledAccount) -> bool:
    balances = await _read_balances(uow, account)
    return all(balance.state is AccountState.OPEN for balance in balances.values())


async def _read_balances(uow: UnitOfWork, account: SettledAccount) -> dict[int, Balance]:
    numbers = [account.account_id, account.payout_account_id]
    if account.reserve_account_id is not None and account.owed_account_id is not None:
        numbers += [account.reserve_account_id, account.owed_account_id]
    return await get_balances(uow, numbers)


async def _read_means(uow: UnitOfWork, draft: _Draft) -> Means:
    account = draft.account
    balances = await _read_balances(uow, account)
    owed = 0
    if account.owed_account_id is not None:
        owed = balances[account.owed_account_id].posted.minor
    return Means(
        available=balances[account.account_id].available.minor,
        reserve=draft.reserve,
        released=sum(draft.release.values()),
        owed=owed,
        payout_available=balances[account.payout_account_id].available.minor,
    )


def _make_moves(draft: _Draft, split: Split) -> Moves:
    return Moves(
        plan_fees=draft.sums.plan_fees,
        advanced=split.advanced,
        recovered=split.recovered,
        recovered_direct=split.recovered_direct,
        reserve_held=split.reserve_held,
        reserve_released=sum(draft.release.values()),
        payout=split.payout,
    )


async def _post(uow: UnitOfWork, draft: _Draft, moves: Moves, entry_id: uuid.UUID) -> bool:
    """Post what a sheet moves; False if the account has less than was read."""
    currency = draft.account.currency
    own = await find_own_accounts(uow, currency)
    parts = sheet_parts(draft.account, moves, own.fee_income)
    if not parts:
        return True
    entry = make_entry(entry_id, parts, currency=currency, on=business_day(draft.now))
    outcome = (await post_entries(uow, [Request(entry)], now=draft.now))[0]
    if outcome.is_posted:
        return True
    if outcome.reason in (Reason.INSUFFICIENT_FUNDS, Reason.CREDITS_EXCEED_DEBITS):
        return False
    raise SettlementMoved(f"the ledger refuses the settlement: {outcome.reason}")


def _make_sheet(draft: _Draft, split: Split, means: Means, entry_id: uuid.UUID | None) -> Sheet:
    account, sums = draft.account, draft.sums
    carried = (
        account.carried
        + sums.total
        + split.advanced
        + means.released
        - split.recovered
        - split.reserve_held
        - split.payout
    )
    return Sheet(
        id=uuid7(int(draft.now.timestamp() * 1_000)),
        account_id=account.account_id,
        merchant_id=account.merchant_id,
        number=account.number + 1,
        terms_version=draft.terms.version,
        cutoff_at=draft.cutoff_at,
        made_at=draft.now,
        currency=account.currency,
        line_from=account.line_to + 1,
        line_to=draft.line_to,
        line_count=sums.count,
        opening=account.carried,
        payments=sums.by_kind[LineKind.PAYMENT],
        refunds=sums.by_kind[LineKind.REFUND],
        fees=sums.by_kind[LineKind.FEE],
        shares=sums.by_kind[LineKind.SHARE],
        chargebacks=sums.by_kind[LineKind.CHARGEBACK],
        dispute_fees=sums.by_kind[LineKind.DISPUTE_FEE],
        others=sums.by_kind[LineKind.OTHER],
        plan_fees=sums.plan_fees,
        advanced=split.advanced,
        recovered=split.recovered,
        recovered_direct=split.recovered_direct,
        reserve_held=split.reserve_held,
        reserve_released=means.released,
        payout=split.payout,
        carried=carried,
        reserve_after=means.reserve - means.released + split.reserve_held,
        owed_after=means.owed + split.advanced - split.recovered - split.recovered_direct,
        payout_way=draft.terms.payout_way if account.role is Role.MERCHANT else PayoutWay.BALANCE,
        entry_id=entry_id,
    )


async def _tell(uow: UnitOfWork, sheet: Sheet) -> None:
    await audit.record(
        uow,
        action="merchants.settle",
        subject=show_id(SETTLEMENT_SHEET, sheet.id),
        details={"number": sheet.number, "payout": sheet.payout, "carried": sheet.carried},
    )
    event = SettlementMade(
        sheet_id=sheet.id,
        merchant_id=sheet.merchant_id,
        payout=Money(sheet.payout, sheet.currency),
        made_at=sheet.made_at,
    )
    await outbox.append(uow, [event])
