"""Commands: fee plans, by versions that two people agreed on."""

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from huitong.kernel import audit
from huitong.kernel.clock import business_day
from huitong.kernel.currencies import get_currency
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField
from huitong.kernel.money import Money
from huitong.kernel.rulebook import Rulebook
from huitong.payments.merchants import limits, terms_store
from huitong.payments.merchants.errors import FeePlanRefused
from huitong.payments.merchants.fees import ANY, FeeRule, PlanVersion
from huitong.payments.types import OrderKind

#: The kinds of payment that a merchant is paid by, and that a fee rule may name.
KINDS: Final = (
    ANY,
    OrderKind.PAYMENT.value,
    OrderKind.CHECKOUT.value,
    OrderKind.STATIC_QR.value,
    OrderKind.DYNAMIC_QR.value,
    OrderKind.CUSTOMER_CODE.value,
    OrderKind.AUTHORISATION.value,
)
_CODE: Final = re.compile(r"[a-z][a-z0-9_]{0,31}")
_RATE_MAX: Final = Decimal(100)
_RATE_DECIMALS: Final = 4
_AMOUNT_MAX: Final = 10**15


@dataclass(frozen=True, slots=True, kw_only=True)
class NewVersion:
    """A version of a fee plan that is asked for; names and currency count for a new plan only."""

    plan: str
    name_zh: str
    name_en: str
    currency: str
    effective_from: date
    refunds_return_fee: bool
    rules: tuple[FeeRule, ...]
    refunds_draw_reserve: bool = False
    refund_debt_max: int = 0


async def check_plan(uow: UnitOfWork, new: NewVersion, *, rulebook: Rulebook, now: datetime) -> int:
    """Return the number that a version would have, and refuse what could never be one.

    A plan's first version may begin today; a later one begins after the notice that the rulebook
    asks for, and after the version before it. Raises InvalidField, FeePlanRefused.
    """
    if _CODE.fullmatch(new.plan) is None:
        raise InvalidField("has 1 to 32 of a-z, 0-9 and _, a letter first", field="plan")
    for field, name in (("name_zh", new.name_zh), ("name_en", new.name_en)):
        check_name(name, field)
    get_currency(new.currency)
    _check_rules(new.rules)
    today = business_day(now)
    _check_debt(new, rulebook.amount("merchant.refund.debt_max", today))
    versions = await terms_store.list_versions(uow, new.plan)
    if not versions:
        if new.effective_from < today:
            raise InvalidField("begins today at the earliest", field="effective_from")
        return 1
    if await terms_store.find_plan_currency(uow, new.plan) != new.currency:
        raise FeePlanRefused("the plan is in another currency", field="currency")
    notice = rulebook.integer("merchant.fee.notice", today)
    if (new.effective_from - today).days < notice:
        raise FeePlanRefused(
            f"another version begins {notice} days after it was agreed on at the earliest",
            field="effective_from",
        )
    if new.effective_from <= versions[-1].effective_from:
        raise FeePlanRefused(
            f"version {versions[-1].version} begins on {versions[-1].effective_from}; "
            "the next one begins later",
            field="effective_from",
        )
    return versions[-1].version + 1


async def add_plan_version(
    uow: UnitOfWork, new: NewVersion, *, approval_id: uuid.UUID, rulebook: Rulebook, now: datetime
) -> PlanVersion:
    """Write a version of a fee plan, and the plan with its first one; once for each approval.

    A plan's first version that was agreed on after its first day begins today. Raises what
    `check_plan` raises.
    """
    await terms_store.lock_plans(uow)
    if not await terms_store.list_versions(uow, new.plan):
        new = replace(new, effective_from=max(new.effective_from, business_day(now)))
    number = await check_plan(uow, new, rulebook=rulebook, now=now)
    if number == 1:
        await terms_store.insert_plan(
            uow,
            code=new.plan,
            name_zh=new.name_zh,
            name_en=new.name_en,
            currency=new.currency,
            now=now,
        )
    version = PlanVersion(
        plan=new.plan,
        version=number,
        effective_from=new.effective_from,
        refunds_return_fee=new.refunds_return_fee,
        rules=new.rules,
        refunds_draw_reserve=new.refunds_draw_reserve,
        refund_debt_max=new.refund_debt_max,
    )
    await terms_store.insert_version(uow, version, approval_id=approval_id, now=now)
    await audit.record(
        uow,
        action="merchants.add_fee_plan",
        subject=new.plan,
        details={"version": number, "effective_from": new.effective_from.isoformat()},
    )
    return version


def check_name(name: str, field: str, length_max: int = limits.NAME_LENGTH_MAX) -> None:
    """Raise InvalidField for a text that cannot be shown on one line."""
    if not name.strip() or len(name) > length_max or not name.isprintable():
        raise InvalidField(f"has 1 to {length_max} printable characters", field=field)


def _check_debt(new: NewVersion, most: Money) -> None:
    debt = new.refund_debt_max
    if type(debt) is not int or debt < 0:
        raise InvalidField("must not be below zero", field="refund_debt_max")
    if debt > 0 and (new.currency != most.currency or debt > most.minor):
        raise FeePlanRefused(f"a merchant owes at most {most} for refunds", field="refund_debt_max")


def _check_rules(rules: Sequence[FeeRule]) -> None:
    if not 1 <= len(rules) <= limits.FEE_RULES_MAX:
        raise InvalidField(f"has 1 to {limits.FEE_RULES_MAX} rules", field="rules")
    if len({(rule.kind, rule.volume_from) for rule in rules}) < len(rules):
        raise InvalidField("has two rules for one kind and volume", field="rules")
    starts = {rule.kind for rule in rules if rule.volume_from == 0}
    if ANY not in starts or starts != {rule.kind for rule in rules}:
        raise InvalidField(
            "needs a rule for any kind, and for each kind one that begins at 0", field="rules"
        )
    for place, rule in enumerate(rules):
        _check_rule(rule, f"rules.{place}")


def _check_rule(rule: FeeRule, field: str) -> None:
    if rule.kind not in KINDS:
        raise InvalidField(f"must be one of {', '.join(KINDS)}", field=f"{field}.kind")
    rate = rule.rate_permille
    if not (rate.is_finite() and 0 <= rate <= _RATE_MAX and rate == round(rate, _RATE_DECIMALS)):
        raise InvalidField(
            f"must be from 0 to {_RATE_MAX} with at most {_RATE_DECIMALS} decimals",
            field=f"{field}.rate_permille",
        )
    amounts = {
        "volume_from": rule.volume_from,
        "fixed": rule.fixed,
        "fee_min": rule.fee_min,
        "fee_max": rule.fee_min if rule.fee_max is None else rule.fee_max,
    }
    for name, amount in amounts.items():
        if not 0 <= amount <= _AMOUNT_MAX:
            raise InvalidField("must not be below zero, or too large", field=f"{field}.{name}")
    if rule.fee_max is not None and rule.fee_max < rule.fee_min:
        raise InvalidField("must be at least the minimum", field=f"{field}.fee_max")
