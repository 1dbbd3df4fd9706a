"""Whether what is set aside suffices for the whole book."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from huitong.kernel.errors import InvalidField
from huitong.kernel.money import Money
from huitong.kernel.rulebook import Rulebook


@dataclass(frozen=True, slots=True, kw_only=True)
class Adequacy:
    """Provisions over all loans and over bad ones; None where there is nothing to divide by."""

    loan_ratio: Decimal | None
    coverage: Decimal | None
    is_loan_ratio_met: bool
    is_coverage_met: bool


def check_provisions(
    *, loans: Money, bad_loans: Money, provisions: Money, rulebook: Rulebook, on: date
) -> Adequacy:
    """Return the two supervised ratios of provisions, and whether each is met.

    Worked: 1,000.00 of loans, 15.00 bad and 25.00 set aside give 2.5 % and 166.67 %: both met.
    Source: 商业银行贷款损失准备管理办法 (2011). Raises InvalidField for negative amounts.
    """
    for field, amount in (("loans", loans), ("bad_loans", bad_loans), ("provisions", provisions)):
        if amount.is_negative:
            raise InvalidField("must not be negative", field=field)
    if bad_loans > loans:
        raise InvalidField("must not be more than all loans", field="bad_loans")

    def divide(below: Money) -> Decimal | None:
        return Decimal(provisions.minor) / below.minor if below.minor else None

    ratio, coverage = divide(loans), divide(bad_loans)
    return Adequacy(
        loan_ratio=ratio,
        coverage=coverage,
        is_loan_ratio_met=ratio is None
        or ratio >= rulebook.decimal("provision.loan_ratio.min", on),
        is_coverage_met=coverage is None
        or coverage >= rulebook.decimal("provision.coverage.min", on),
    )
