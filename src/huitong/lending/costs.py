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

from huitong.lending.loans.cost_rate import fee_of, find_cost_rate, to_nominal
from huitong.lending.loans.planning import make_instalments
from huitong.lending.loans.types import Instalment, LoanTerms
from huitong.lending.products import RATE_SCALE, Product, Terms
from huitong.lending.schedules import round_to

#: Rates are shown to a hundredth of a percent.
_SHOWN: Final = Decimal("0.0001")


class CostKind(StrEnum):
    """What may be asked beside the principal."""

    INTEREST = "interest"
    PENALTY = "penalty"
    COMPOUND_INTEREST = "compound_interest"
    EARLY_REPAYMENT_FEE = "early_repayment_fee"
    DISBURSEMENT_FEE = "disbursement_fee"
    SERVICE_FEE = "service_fee"
    LATE_FEE = "late_fee"


@dataclass(frozen=True, slots=True, kw_only=True)
class CostItem:
    """One cost: what it comes to if everything is paid on time, or only after something else.

    `amount` is in minor units, None for what is asked in a case only. `rate` is in millionths: a
    year for interest, penalty and compound interest; of the principal paid early for its fee, of
    what is lent for the fees beside it. `each` is the amount of a fee that is the same every time.
    """

    kind: CostKind
    amount: int | None
    rate: int
    payee: str = "lender"
    each: int | None = None

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
    effective = find_cost_rate(terms, product.terms, instalments, on)
    return CostStatement(
        product=product.code,
        version=product.version,
        currency=product.currency,
        lent_on=on,
        principal=terms.principal,
        items=_list_items(terms, product.terms, instalments),
        instalments=instalments,
        nominal_rate=to_nominal(effective).quantize(_SHOWN),
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
            | ({} if each.each is None else {"each": each.each})
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
    items += _list_fees(terms, product, instalments)
    return tuple(items)


def _list_fees(
    terms: LoanTerms, product: Terms, instalments: Sequence[Instalment]
) -> list[CostItem]:
    items = []
    if product.disbursement_fee:
        share = product.disbursement_fee
        fee = fee_of(terms.principal, share, product)
        items.append(CostItem(kind=CostKind.DISBURSEMENT_FEE, amount=fee, rate=share, each=fee))
    if product.service_fee:
        share, start = product.service_fee, instalments[0].start
        fee = fee_of(terms.principal, share, product)
        total = fee * sum(each.due > start for each in instalments)
        items.append(CostItem(kind=CostKind.SERVICE_FEE, amount=total, rate=share, each=fee))
    if product.late_fee:
        items.append(CostItem(kind=CostKind.LATE_FEE, amount=None, rate=0, each=product.late_fee))
    return items
