"""How much of the caps of a payment account is used on a day, and what is left."""

import uuid
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from huitong import customers, ledger
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.money import Money
from huitong.kernel.rulebook import Rulebook
from huitong.payments.limit_rules import list_caps
from huitong.payments.types import Authentication, Meter, OrderKind

#: One kind of payment for each meter that it counts against.
_KINDS: Final = (OrderKind.TRANSFER, OrderKind.STATIC_QR, OrderKind.DYNAMIC_QR)


@dataclass(frozen=True, slots=True, kw_only=True)
class CapUse:
    """What is used of one cap; `left` is never below nothing."""

    maximum: Money
    used: Money

    @property
    def left(self) -> Money:
        """What may still be paid."""
        return Money(max(0, self.maximum.minor - self.used.minor), self.maximum.currency)


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterUsage:
    """The caps of one meter; None for a cap that does not bind."""

    meter: Meter
    day: CapUse | None
    year: CapUse | None
    total: CapUse | None


async def list_usage(
    uow: UnitOfWork, *, customer_id: uuid.UUID, rulebook: Rulebook, now: datetime
) -> tuple[MeterUsage, ...]:
    """Return what a customer's payments used of each cap today, this year and in all.

    The caps are those of two factors, as for every payment through the API. Raises NotFound, and
    CurrencyNotSupported for an account in a currency without caps.
    """
    customer = await customers.get_customer(uow, customer_id)
    today, currency = business_day(now), customer.currency
    meters = await ledger.get_meters(uow, customer.account_id)
    usages: dict[Meter, MeterUsage] = {}
    for kind in _KINDS:
        for cap in list_caps(
            rulebook,
            today,
            customer.account_class,
            kind,
            Authentication.TWO_FACTORS,
            currency,
            customers.Capacity(customer.capacity),
        ):
            read = meters.get(cap.meter)
            usages[cap.meter] = MeterUsage(
                meter=cap.meter,
                day=_use(cap.day_max, 0 if read is None else _of_day(read, today), currency),
                year=_use(cap.year_max, 0 if read is None else _of_year(read, today), currency),
                total=_use(cap.total_max, 0 if read is None else read.total_used, currency),
            )
    return tuple(usages[meter] for meter in sorted(usages))


def _of_day(read: ledger.MeterReading, today: date) -> int:
    return read.day_used if read.on_day == today else 0


def _of_year(read: ledger.MeterReading, today: date) -> int:
    return read.year_used if read.on_day.year == today.year else 0


def _use(maximum: int | None, used: int, currency: str) -> CapUse | None:
    if maximum is None:
        return None
    return CapUse(maximum=Money(maximum, currency), used=Money(used, currency))
