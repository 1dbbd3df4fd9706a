"""What a loan costs a year if everything is paid on time, its fees included."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Final

from huitong.lending.loans.types import Instalment, LoanTerms
from huitong.lending.products import RATE_SCALE, Terms
from huitong.lending.rates import rate_at_times
from huitong.lending.schedules import TimeUnit, advance, round_to

_MONTHS: Final = 12
_DAYS_OF_YEAR: Final = 365


def fee_of(principal: int, share: int, product: Terms) -> int:
    """Return a fee that is a share of what is lent: 10,000.00 at 0.5 % is 50.00."""
    return round_to(principal * share, RATE_SCALE, 1, product.rounding)


def find_cost_rate(
    terms: LoanTerms, product: Terms, instalments: Sequence[Instalment], on: date
) -> Decimal:
    """Return the effective rate; whole months are twelfths of a year, other times days / 365.

    The fee for lending counts as paid on the first day, the service fee with each payment that is
    due after it. Raises ValueError for payments that have no annual rate.
    """
    months: dict[date, int] = {}
    cycle = product.cycle
    if cycle.unit is TimeUnit.MONTHS and terms.first_due is None:
        months = {
            advance(on, cycle, place): place * cycle.every for place in range(terms.count + 1)
        }
    received = terms.principal - fee_of(terms.principal, product.disbursement_fee, product)
    service = fee_of(terms.principal, product.service_fee, product)
    flows = [(Decimal(received), Decimal(0))]
    for each in instalments:
        years = Decimal((each.due - on).days) / _DAYS_OF_YEAR
        if each.due in months:
            years = Decimal(months[each.due]) / _MONTHS
        fee = service if each.due > on else 0
        flows.append((-Decimal(each.principal + each.interest + fee), years))
    found = rate_at_times(flows)
    if found is None:
        raise ValueError("These payments have no annual rate")
    return found


def to_nominal(effective: Decimal) -> Decimal:
    """Return the nominal rate of an effective one by months: 12.68 % is 12.00 %."""
    return ((1 + effective) ** (Decimal(1) / _MONTHS) - 1) * _MONTHS
