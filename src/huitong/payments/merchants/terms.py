"""Commands: fee plans, a merchant's terms of settlement, receivers of its profit shares.

Plans and terms change by versions that two people agreed on; the approval's id makes each happen
once. A merchant is settled from its first terms on: that is its onboarding to settlement, after
`customers` has verified the business.
"""

import uuid
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from typing import Final

from huitong import customers
from huitong.kernel import audit
from huitong.kernel.calendar import china_calendar
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import MERCHANT, show_id
from huitong.kernel.money import Money
from huitong.kernel.rulebook import Rulebook
from huitong.payments.merchants import postings, store, terms_store
from huitong.payments.merchants.cycles import Cycle, find_next_due
from huitong.payments.merchants.errors import (
    CategoryRefused,
    FeePlanNotFound,
    TermsNotFound,
    TermsRefused,
)
from huitong.payments.merchants.types import PayoutWay, Recovery, Role, SettledAccount, Terms

_AMOUNT_MAX: Final = 10**15
_RANGES: Final = {
    "cycle_days": (0, 30),
    "cutoff_minutes": (1, 1_440),
    "payout_min": (0, _AMOUNT_MAX),
    "reserve_permille": (0, 1_000),
    "reserve_days": (0, 365),
    "reserve_floor": (0, _AMOUNT_MAX),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTerms:
    """Terms that are asked for: see `Terms`."""

    merchant_id: uuid.UUID
    effective_from: date
    plan: str
    payout_way: PayoutWay
    cycle_days: int
    cutoff_minutes: int
    payout_min: int
    reserve_permille: int
    reserve_days: int
    reserve_floor: int
    recovery: Recovery


async def check_terms(uow: UnitOfWork, new: NewTerms, *, rulebook: Rulebook, now: datetime) -> int:
    """Return the number that terms would have, and refuse what could never be agreed on.

    Raises NotFound for the merchant, InvalidField, CategoryRefused, FeePlanNotFound, TermsRefused.
    """
    merchant = await customers.get_merchant(uow, new.merchant_id)
    for field, (least, most) in _RANGES.items():
        value = getattr(new, field)
        if type(value) is not int or not least <= value <= most:
            raise InvalidField(f"must be a whole number from {least} to {most}", field=field)
    if (new.reserve_permille == 0) != (new.reserve_days == 0):
        raise InvalidField("is above zero exactly if a part is kept", field="reserve_days")
    today = business_day(now)
    refused = rulebook.rule("merchant.category.refused", today).value
    assert isinstance(refused, tuple)
    if merchant.category_code in refused:
        raise CategoryRefused(
            f"merchants of category {merchant.category_code} are not taken",
            field="merchant",
            context={"category_code": merchant.category_code},
        )
    currency = await terms_store.find_plan_currency(uow, new.plan)
    if currency is None:
        raise FeePlanNotFound(f"there is no fee plan {new.plan}", field="plan")
    if currency != merchant.currency:
        raise TermsRefused(f"the merchant is paid in {merchant.currency}", field="plan")
    if new.payout_way is PayoutWay.BANK and merchant.currency != "CNY":
        raise TermsRefused("only CNY is paid out to banks", field="payout_way")
    known = await terms_store.list_terms(uow, new.merchant_id)
    if new.effective_from < today or (known and new.effective_from < known[-1].effective_from):
        raise InvalidField(
            "begins today at the earliest, and not before the terms before", field="effective_from"
        )
    if not known and new.effective_from != today:
        raise InvalidField("the first terms begin today", field="effective_from")
    return len(known) + 1


async def set_terms(
    uow: UnitOfWork, new: NewTerms, *, approval_id: uuid.UUID, rulebook: Rulebook, now: datetime
) -> Terms:
    """Agree on a merchant's terms; the first ones open its accounts and begin settlement.

    Once for each approval. Raises what `check_terms` raises.
    """
    own = await store.find_merchant_account(uow, new.merchant_id)
    if own is not None:
        await store.lock_account(uow, own.account_id)
    number = await check_terms(uow, new, rulebook=rulebook, now=now)
    terms = Terms(
        version=number,
        approval_id=approval_id,
        agreed_at=now,
        **{name: getattr(new, name) for name in NewTerms.__dataclass_fields__},
    )
    await terms_store.insert_terms(uow, terms)
    if own is None:
        await _begin_settlement(uow, terms, rulebook=rulebook, now=now)
    else:
        for account in await store.list_accounts(uow, new.merchant_id):
            if account.closed_at is None:
                due_at = next_due(account, terms, rulebook=rulebook, now=now)
                await store.set_due(uow, account.account_id, min(due_at, account.due_at))
    await audit.record(
        uow,
        action="merchants.set_terms",
        subject=show_id(MERCHANT, new.merchant_id),
        details={"version": number, "plan": new.plan, "cycle_days": new.cycle_days},
    )
    return terms


async def set_reserve(
    uow: UnitOfWork,
    merchant_id: uuid.UUID,
    *,
    reserve_permille: int,
    reserve_days: int,
    reserve_floor: int,
    approval_id: uuid.UUID,
    rulebook: Rulebook,
    now: datetime,
) -> Terms:
    """Put a merchant on another reserve from today on; the rest of its terms stays.

    Raises TermsNotFound and what `check_terms` raises.
    """
    new = await make_reserve_terms(
        uow,
        merchant_id,
        reserve_permille=reserve_permille,
        reserve_days=reserve_days,
        reserve_floor=reserve_floor,
        now=now,
    )
    return await set_terms(uow, new, approval_id=approval_id, rulebook=rulebook, now=now)


async def make_reserve_terms(
    uow: UnitOfWork,
    merchant_id: uuid.UUID,
    *,
    reserve_permille: int,
    reserve_days: int,
    reserve_floor: int,
    now: datetime,
) -> NewTerms:
    """Return the terms in force with another reserve; raises TermsNotFound."""
    known = await terms_store.list_terms(uow, merchant_id)
    if not known:
        raise TermsNotFound(f"{show_id(MERCHANT, merchant_id)} has no terms of settlement")
    base = known[-1]
    changed = replace(
        base,
        effective_from=max(business_day(now), base.effective_from),
        reserve_permille=reserve_permille,
        reserve_days=reserve_days,
        reserve_floor=reserve_floor,
    )
    return NewTerms(**{name: getattr(changed, name) for name in NewTerms.__dataclass_fields__})


async def get_terms(uow: UnitOfWork, merchant_id: uuid.UUID, *, on: date) -> Terms:
    """Return a merchant's terms of a day; raises TermsNotFound."""
    found = terms_store.find_in_force(await terms_store.list_terms(uow, merchant_id), on)
    if found is None:
        raise TermsNotFound(f"{show_id(MERCHANT, merchant_id)} has no terms of settlement")
    return found


def read_minor(amount: Money, currency: str, field: str) -> int:
    """Return an amount in minor units; raises InvalidField in another currency or below zero."""
    if amount.currency != currency:
        raise InvalidField(f"must be in {currency}", field=f"{field}.currency")
    if amount.is_negative:
        raise InvalidField("must not be below zero", field=f"{field}.amount")
    return amount.minor


def make_cycle(terms: Terms, *, rulebook: Rulebook, on: date) -> Cycle:
    """Return when days of these terms end and are settled."""
    opens = time.fromisoformat(rulebook.text("merchant.settlement.opens", on))
    return Cycle(terms.cycle_days, terms.cutoff_minutes, opens)


def next_due(
    account: SettledAccount, terms: Terms, *, rulebook: Rulebook, now: datetime
) -> datetime:
    """Return when an account is to be looked at next."""
    cycle = make_cycle(terms, rulebook=rulebook, on=business_day(now))
    return find_next_due(account.settled_until, cycle, china_calendar(), now)


async def _begin_settlement(
    uow: UnitOfWork, terms: Terms, *, rulebook: Rulebook, now: datetime
) -> None:
    merchant = await customers.get_merchant(uow, terms.merchant_id)
    settlement, reserve, owed = await postings.open_merchant_accounts(uow, merchant)
    account = SettledAccount(
        account_id=merchant.account_id,
        merchant_id=merchant.id,
        role=Role.MERCHANT,
        currency=merchant.currency,
        payout_account_id=settlement,
        reserve_account_id=reserve,
        owed_account_id=owed,
        number=0,
        line_to=0,
        carried=0,
        settled_until=now,
        due_at=now,
        volume_month=business_day(now).replace(day=1),
        volume=0,
        opened_at=now,
        closed_at=None,
    )
    due_at = next_due(account, terms, rulebook=rulebook, now=now)
    if not await store.insert_account(uow, replace(account, due_at=due_at)):
        raise TermsRefused("somebody else agreed on the first terms just now")
