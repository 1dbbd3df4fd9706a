"""What a report comes to: debts, repayments, delays and enquiries, as decisions look at them."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from huitong.lending.bureau.types import (
    OWN_LENDER,
    Account,
    AccountKind,
    InquiryReason,
    Report,
)

_RECORD_MONTHS: Final = 24
_MONTH_DAYS: Final = 30
_DAYS_OF_YEAR: Final = 365
_MONTHS_OF_YEAR: Final = 12
_INQUIRY_DAYS: Final = 30
_ASKED: Final = frozenset({InquiryReason.LOAN, InquiryReason.CREDIT_CARD, InquiryReason.GUARANTEE})
_CONSUMER: Final = frozenset(
    {AccountKind.CONSUMER_LOAN, AccountKind.CREDIT_CARD, AccountKind.CREDIT_LINE}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportMeasures:
    """Amounts in minor units, of other lenders' credit only; delays in days.

    `exposure` is unsecured consumer credit. `card_utilisation` is None without cards.
    """

    debts: int
    monthly_repayments: int
    exposure: int
    lenders: frozenset[str]
    overdue_days: int
    overdue_days_24m: int
    inquiries_30d: int
    history_months: int
    card_utilisation: float | None
    has_public_record: bool
    fund_base: int | None


def measure_report(report: Report, *, on: date) -> ReportMeasures:
    """Return what a report comes to on a day.

    A status counts as the most days it may stand for: 1 is up to 30 days, 2 up to 60, 7 over 180
    and taken as 210. Worked: months `NNN2N` were overdue by up to 60 days, and nothing is now.
    """
    others = [each for each in report.accounts if each.lender != OWN_LENDER]
    running = [each for each in others if each.is_open]
    cards = [each for each in running if each.kind is AccountKind.CREDIT_CARD and each.amount]
    granted = sum(each.amount for each in cards)
    since = on - timedelta(days=_INQUIRY_DAYS)
    opened = min((each.opened_on for each in report.accounts), default=on)
    asked = (each for each in report.inquiries if each.by != OWN_LENDER and each.reason in _ASKED)
    return ReportMeasures(
        debts=sum(each.balance for each in running),
        monthly_repayments=sum(each.repayment for each in running),
        exposure=sum(_expose(each) for each in running),
        lenders=frozenset(each.lender for each in running if each.balance),
        overdue_days=max((_days_now(each) for each in running), default=0),
        overdue_days_24m=max((_days_24m(each) for each in others), default=0),
        inquiries_30d=sum(since < each.on <= on for each in asked),
        history_months=max(0, (on - opened).days) * _MONTHS_OF_YEAR // _DAYS_OF_YEAR,
        card_utilisation=sum(each.balance for each in cards) / granted if granted else None,
        has_public_record=bool(report.records),
        fund_base=report.summary.fund_base,
    )


def _expose(account: Account) -> int:
    return account.balance if account.kind in _CONSUMER and not account.is_secured else 0


def _days_now(account: Account) -> int:
    if not account.overdue:
        return 0
    # What is late but not told by a month's status yet is late by a day at least.
    return max(1, _days(account.months[-1:]))


def _days_24m(account: Account) -> int:
    late = max((_days(each) for each in account.months[-_RECORD_MONTHS:]), default=0)
    return max(late, _days_now(account))


def _days(status: str) -> int:
    return int(status) * _MONTH_DAYS if status.isdigit() else 0
