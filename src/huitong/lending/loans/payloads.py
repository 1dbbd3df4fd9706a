"""Terms of loans as the database and approvals keep them: JSON with whole numbers and texts."""

from collections.abc import Mapping
from datetime import date
from fractions import Fraction
from typing import Any

from huitong.lending.loans.types import LoanTerms
from huitong.lending.products import Payee
from huitong.lending.schedules import Method


def write_loan_terms(terms: LoanTerms) -> dict[str, Any]:
    """Return a loan's terms as they are kept."""
    values: dict[str, Any] = {name: getattr(terms, name) for name in LoanTerms.__dataclass_fields__}
    return values | {
        "method": terms.method.value,
        "payee": terms.payee.value,
        "first_due": None if terms.first_due is None else terms.first_due.isoformat(),
        "steps": [str(each) for each in terms.steps],
        "facts": dict(terms.facts),
    }


def read_loan_terms(payload: Mapping[str, Any]) -> LoanTerms:
    """Return a loan's terms that were kept."""
    first_due = payload["first_due"]
    return LoanTerms(
        **{
            **payload,
            "method": Method(payload["method"]),
            "payee": Payee(payload["payee"]),
            "first_due": None if first_due is None else date.fromisoformat(first_due),
            "steps": tuple(Fraction(each) for each in payload["steps"]),
        }
    )
