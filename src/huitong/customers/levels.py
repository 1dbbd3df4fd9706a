"""Classes of bank accounts (Ⅰ, Ⅱ, Ⅲ) as data: what the rulebook lets each do on a day.

Payment accounts have classes of their own, whose caps `payments` counts. Sources: 银发〔2016〕302号
and 银发〔2018〕16号; no bank account is kept here yet, so nothing counts these.
"""

from dataclasses import dataclass
from datetime import date

from huitong.kernel.errors import InvalidField
from huitong.kernel.money import Money
from huitong.kernel.rulebook import Rulebook

_FIRST: int = 1
_THIRD: int = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class BankAccountLimits:
    """What a class of bank account may do; None does not bind.

    In and out are with accounts that are not bound, and cash.
    """

    account_class: int
    accounts_max: int
    balance_max: Money | None
    out_day_max: Money | None
    out_year_max: Money | None
    in_day_max: Money | None
    in_year_max: Money | None
    may_hold_wealth_and_loans: bool


def get_bank_account_limits(
    rulebook: Rulebook, account_class: int, on_day: date
) -> BankAccountLimits:
    """Return the limits of a class of bank account on a day; raises InvalidField."""
    if not _FIRST <= account_class <= _THIRD:
        raise InvalidField("must be 1, 2 or 3", field="account_class")
    name = f"bank.class{account_class}"

    def find(part: str) -> Money | None:
        return None if account_class == _FIRST else rulebook.amount(f"{name}.{part}", on_day)

    is_third = account_class == _THIRD
    return BankAccountLimits(
        account_class=account_class,
        accounts_max=rulebook.integer(f"{name}.accounts.max", on_day),
        balance_max=find("balance.max") if is_third else None,
        out_day_max=find("out.day"),
        out_year_max=find("out.year"),
        in_day_max=find("in.day"),
        in_year_max=find("in.year"),
        may_hold_wealth_and_loans=(
            rulebook.flag(f"{name}.wealth_and_loans.allowed", on_day) if is_third else True
        ),
    )
