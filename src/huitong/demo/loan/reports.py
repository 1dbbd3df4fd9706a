"""What the simulated bureau knows of the two applicants, in the sections of its report."""

from datetime import date, timedelta
from typing import Any, Final

_YEAR: Final = timedelta(days=365)


def clean_report(today: date) -> dict[str, Any]:
    """Return the report of somebody who always paid a loan and a card on time."""
    return _report(
        today,
        _account("BANK_A", "consumer_loan", today - 5 * _YEAR, (10_000_00, 2_000_00, 500_00)),
        _account("BANK_B", "credit_card", today - 6 * _YEAR, (20_000_00, 2_000_00, 200_00)),
    )


def overdue_report(today: date) -> dict[str, Any]:
    """Return the report of somebody who is late with a loan now."""
    late = _account("BANK_C", "consumer_loan", today - 3 * _YEAR, (8_000_00, 4_000_00, 700_00))
    return _report(today, late | {"overdue": 700_00, "months": "N" * 35 + "1"})


def _report(today: date, *accounts: dict[str, Any]) -> dict[str, Any]:
    return {
        "number": f"DEMO-{today:%Y%m%d}",
        "made_on": today.isoformat(),
        "summary": {},
        "accounts": list(accounts),
    }


def _account(
    lender: str, kind: str, opened_on: date, amounts: tuple[int, int, int]
) -> dict[str, Any]:
    """Return a credit with what was granted, what is owed and what a month takes."""
    amount, balance, repayment = amounts
    return {
        "lender": lender,
        "kind": kind,
        "opened_on": opened_on.isoformat(),
        "amount": amount,
        "balance": balance,
        "repayment": repayment,
        "months": "N" * 60,
    }
