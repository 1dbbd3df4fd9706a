"""What a loan costs all in all, as its borrower has to see before signing (综合融资成本明示).

The statement lists the principal, each cost with how it is reckoned and who gets it, the annualised
cost if everything is paid on time, and what else may be asked after a default; nothing else is
charged. Its digest is what the borrower read and the contract refers to.

Annualised cost: the effective rate r at which the payments are worth the principal, and the nominal
rate 12 · ((1 + r)^(1/12) - 1). 12,000.00 at 12 % by 30/360 in twelve level payments costs 794.23:
nominal 12.00 %, effective 12.68 %.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

from huitong.lending.loans.planning import make_instalments
from huitong.lending.loans.types import Instalment, LoanTerms
from huitong.lending.products import RATE_SCALE, Product, Terms
from huitong.lending.rates import rate_at_times
from huitong.lending.schedules import Cycle, TimeUnit, advance, round_to

_MONTHS: Final = 12
_DAYS_OF_YEAR: Final = 365
#: Rates are shown to a hundredth of a percent.
_SHOWN: Final = Decimal("0.0001")


class CostKind(StrEnum):
    """What may be asked beside the principal."""

    INTEREST = "interest"
    PENALTY = "penalty"
    COMPOUND_INTEREST = "compound_interest"
    EARLY_REPAYMENT_FEE = "early_repayment_fee"


@dataclass(frozen=True, slots=True, kw_only=True)
class CostItem:
    """One cost: what it comes to if everything is paid on time, or only after something else.

    `amount` is in minor units, None for what is asked in a case only. `rate` is in millionths: a
    year for interest, penalty and compound interest, of the principal paid early for its fee.
    """

    kind: CostKind
    amount: int | None
    rate: int
    payee: str = "lender"

    @property
    def is_contingent(self) -> bool:
        """Whether it is asked in a case only, such as a payment that is overdue."""
        return self.amount is None


@dataclass(frozen=True, slots=True, kw_only=True)
class CostStatement:
    """All costs of a loan that would be lent on a day, and what they are a year."""

    product: str
    version: int
    currency: str
    lent_on: date
    principal: int
    items: tuple[CostItem, ...]
    instalments: tuple[Instalment, ...]
    nominal_rate: Decimal
    effective_rate: Decimal

    @property
    def total_cost(self) -> int:
        """Return what is paid beside the principal if everything is paid on time."""
        return sum(each.amount for each in self.items if each.amount is not None)

    @property
    def digest(self) -> bytes:
        """Return the SHA-256 of the whole statement."""
        return hashlib.sha256(json.dumps(write_statement(self), sort_keys=True).encode()).digest()


def make_statement(terms: LoanTerms, product: Product, *, on: date) -> CostStatement:
    """Return the statement of a loan that would be lent on a day.

    Raises ValueError for terms that make no schedule, or payments that have no annual rate.
    """
    instalments = tuple(make_instalments(terms, product.terms, on))
    effective = _find_rate(terms, instalments, product.terms.cycle, on)
    monthly = (1 + effective) ** (Decimal(1) / _MONTHS) - 1
    return CostStatement(
        product=product.code,
        version=product.version,
        currency=product.currency,
        lent_on=on,
        principal=terms.principal,
        items=_list_items(terms, product.terms, instalments),
        instalments=instalments,
        nominal_rate=(monthly * _MONTHS).quantize(_SHOWN),
        effective_rate=effective.quantize(_SHOWN),
    )


def write_statement(statement: CostStatement) -> dict[str, Any]:
    """Return a statement as JSON: amounts in minor units, rates as text."""
    return {
        "product": statement.product,
        "version": statement.version,
        "currency": statement.currency,
        "lent_on": statement.lent_on.isoformat(),
        "principal": statement.principal,
        "total_cost": statement.total_cost,
        "nominal_rate": str(statement.nominal_rate),
        "effective_rate": str(statement.effective_rate),
        "items": [
            {"kind": each.kind.value, "amount": each.amount, "rate": each.rate, "to": each.payee}
            for each in statement.items
        ],
        "instalments": [
            [each.due.isoformat(), each.principal, each.interest] for each in statement.instalments
        ],
    }


def _list_items(
    terms: LoanTerms, product: Terms, instalments: Sequence[Instalment]
) -> tuple[CostItem, ...]:
    interest = sum(each.interest for each in instalments)
    more = round_to(terms.rate * product.penalty_share, RATE_SCALE, 1, product.rounding)
    penalty = terms.rate + more
    items = [
        CostItem(kind=CostKind.INTEREST, amount=interest, rate=terms.rate),
        CostItem(kind=CostKind.PENALTY, amount=None, rate=penalty),
    ]
    if product.compounds:
        items.append(CostItem(kind=CostKind.COMPOUND_INTEREST, amount=None, rate=penalty))
    if product.early_fee:
        fee = CostItem(kind=CostKind.EARLY_REPAYMENT_FEE, amount=None, rate=product.early_fee)
        items.append(fee)
    return tuple(items)


def _find_rate(
    terms: LoanTerms, instalments: Sequence[Instalment], cycle: Cycle, on: date
) -> Decimal:
    """Return the effective rate; whole months are twelfths of a year, other times days / 365."""
    months: dict[date, int] = {}
    if cycle.unit is TimeUnit.MONTHS and terms.first_due is None:
        months = {
            advance(on, cycle, place): place * cycle.every for place in range(terms.count + 1)
        }
    flows = [(Decimal(terms.principal), Decimal(0))]
    for each in instalments:
        years = Decimal((each.due - on).days) / _DAYS_OF_YEAR
        if each.due in months:
            years = Decimal(months[each.due]) / _MONTHS
        flows.append((-Decimal(each.principal + each.interest), years))
    found = rate_at_times(flows)
    if found is None:
        raise ValueError("These payments have no annual rate")
    return found
