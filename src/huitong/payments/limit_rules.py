"""How much may be paid from a payment account on a day: the rulebook's caps as ledger meters.

Sources: 非银行支付机构网络支付业务管理办法 (account classes, day caps by authentication) and
条码支付业务规范(试行) (levels of codes); the numbers are the rulebook's, by business day.
Withdrawals to the customer's own bank account and top-ups are not counted. A hold counts when it
is made and is not given back when it is voided: a payer's usage can only grow.
"""

from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Final

from huitong.customers import Capacity
from huitong.kernel.money import Money
from huitong.kernel.rulebook import Rulebook
from huitong.ledger import MeterUse
from huitong.payments.errors import CurrencyNotSupported
from huitong.payments.types import Authentication, Meter, OrderKind

_CLASS_TOTAL_KEYS: Final = {1: "payacct.class1.cumulative"}
_CLASS_YEAR_KEYS: Final = {2: "payacct.class2.year", 3: "payacct.class3.year"}
# With a certificate the cap of the day is agreed with the customer; there is no agreement yet, so
# the class alone binds.
_PAYMENT_DAY_KEYS: Final = {
    Authentication.ONE_FACTOR: "payacct.auth.one_factor.day",
    Authentication.TWO_FACTORS: "payacct.auth.two_factor.day",
}
_DYNAMIC_DAY_KEYS: Final = {
    Authentication.ONE_FACTOR: "qr.level_c.day",
    Authentication.TWO_FACTORS: "qr.level_b.day",
}
_MINOR_DAY_KEY: Final = "minor.limited.day"
_STATIC_DAY_KEY: Final = "qr.static.day"
_DYNAMIC_KINDS: Final = frozenset({OrderKind.DYNAMIC_QR, OrderKind.CUSTOMER_CODE})
_NOT_COUNTED: Final = frozenset({OrderKind.TOP_UP, OrderKind.WITHDRAWAL})
# Days of a year, three classes, three authentications, eight kinds: a few of them are in use.
_CAPS_CACHED_MAX: Final = 1_024


@dataclass(frozen=True, slots=True)
class Cap:
    """The caps of one meter, in minor units; None does not bind."""

    meter: Meter
    day_max: int | None = None
    year_max: int | None = None
    total_max: int | None = None


def list_meter_uses(
    rulebook: Rulebook,
    *,
    account_id: int,
    account_class: int,
    kind: OrderKind,
    authentication: Authentication,
    amount: Money,
    on_day: date,
    capacity: Capacity = Capacity.FULL,
) -> tuple[MeterUse, ...]:
    """Return what a payment by a customer's account counts against, on a business day.

    Raises CurrencyNotSupported if the caps are in another currency: a payment that no cap can
    judge would be a way around all of them. `capacity` is what the payer may do alone.
    """
    return tuple(
        MeterUse(
            account_id=account_id,
            meter=cap.meter,
            amount=amount.minor,
            on_day=on_day,
            day_max=cap.day_max,
            year_max=cap.year_max,
            total_max=cap.total_max,
        )
        for cap in list_caps(
            rulebook, on_day, account_class, kind, authentication, amount.currency, capacity
        )
    )


@lru_cache(maxsize=_CAPS_CACHED_MAX)
def list_caps(  # noqa: PLR0917 - a cache tells keyword calls apart from others
    rulebook: Rulebook,
    on_day: date,
    account_class: int,
    kind: OrderKind,
    authentication: Authentication,
    currency: str,
    capacity: Capacity = Capacity.FULL,
) -> tuple[Cap, ...]:
    """Return the caps on a payment of `kind`, the same for all accounts of a class on a day.

    A minor who acts alone has the lower of two caps of a day.
    """
    if kind in _NOT_COUNTED:
        return ()
    day_maxima = [_find(rulebook, _PAYMENT_DAY_KEYS.get(authentication), on_day, currency)]
    if capacity is not Capacity.FULL:
        day_maxima.append(_find(rulebook, _MINOR_DAY_KEY, on_day, currency))
    caps = [
        Cap(
            Meter.BALANCE_PAYMENTS,
            day_max=min((each for each in day_maxima if each is not None), default=None),
            year_max=_find(rulebook, _CLASS_YEAR_KEYS.get(account_class), on_day, currency),
            total_max=_find(rulebook, _CLASS_TOTAL_KEYS.get(account_class), on_day, currency),
        )
    ]
    if kind is OrderKind.STATIC_QR:
        day_max = _find(rulebook, _STATIC_DAY_KEY, on_day, currency)
        caps.append(Cap(Meter.STATIC_CODE, day_max=day_max))
    elif kind in _DYNAMIC_KINDS:
        day_max = _find(rulebook, _DYNAMIC_DAY_KEYS.get(authentication), on_day, currency)
        caps.append(Cap(Meter.DYNAMIC_CODE, day_max=day_max))
    return tuple(caps)


def _find(rulebook: Rulebook, key: str | None, on_day: date, currency: str) -> int | None:
    if key is None:
        return None
    amount = rulebook.amount(key, on_day)
    if amount.currency != currency:
        raise CurrencyNotSupported(
            f"the limits of payments are in {amount.currency}, so none can be made in {currency}",
            field="amount.currency",
        )
    return amount.minor
