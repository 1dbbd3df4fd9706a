"""What is known of somebody who applies for a loan, as rules, tables and the scorecard ask for it.

No protected attribute is among what the scorecard is given. The age goes to the rules and to the
table of who may borrow at all: only adults may.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_DOWN, Decimal, InvalidOperation
from statistics import fmean, pstdev
from typing import Final
from zoneinfo import ZoneInfo

from huitong import customers, identity, ledger, lending, risk
from huitong.kernel import limits
from huitong.kernel.clock import SHANGHAI, business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.rulebook import Rulebook
from huitong.ledger import TransferCode
from huitong.privacy import Vault

INCOME: Final = "monthly_income"
_YEAR: Final = 12
_LOW_DAYS: Final = 90
_RECENT_DAYS: Final = 30
_WEEK_DAYS: Final = 7
_MONTH_DAYS: Final = 30
_NIGHT_ENDS: Final = 5
_MINOR: Final = 100
_RATIO: Final = Decimal("0.0001")
_RATIO_MAX: Final = Decimal(1_000)
_ZONE: Final = ZoneInfo(SHANGHAI)
#: What a customer earns; own top-ups, loans and money that comes back are none of it.
_EARNED: Final = (
    TransferCode.PAY_IN,
    TransferCode.PAY_IN_ASSIGNED,
    TransferCode.TRANSFER,
    TransferCode.PAYROLL,
    TransferCode.SUPPLIER_PAYMENT,
    TransferCode.CORPORATE_PAYMENT,
    TransferCode.PAYMENT,
    TransferCode.MERCHANT_SETTLEMENT,
    TransferCode.ABROAD_RECEIPT,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoanFacts:
    """All that is known of an application, amounts in minor units; None for what is not known.

    `values` are the features of the rules, `score` those of the scorecard; neither has others.
    """

    values: Mapping[str, risk.Value]
    score: Mapping[str, risk.Feature]
    age: int | None
    income: int | None
    repayments: int
    exposure: int
    term_months: int
    debt_to_income: Decimal | None
    has_borrowed: bool
    has_public_record: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Own:
    """What somebody owes us."""

    debts: int
    repayments: int
    exposure: int
    overdue_days: int
    has_open: bool
    has_borrowed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Flows:
    """What came in on somebody's account: by month of the last twelve, and a mean as evidence."""

    by_month: tuple[int, ...]
    mean: int
    lowest: int


async def gather_loan_facts(
    uow: UnitOfWork,
    vault: Vault,
    subject: lending.applications.LoanSubject,
    *,
    rulebook: Rulebook,
    now: datetime,
) -> LoanFacts:
    """Return what is known of an application when it is handed in."""
    application, today = subject.application, business_day(now)
    person = await customers.open_verified_person(uow, vault, application.customer_id, on=today)
    own, flows = (
        await _find_own(uow, application, now=now),
        await _find_flows(uow, application, rulebook=rulebook, now=now),
    )
    report = subject.report
    measures = None if report is None else lending.bureau.measure_report(report, on=today)
    figures = _Figures(
        subject=subject,
        age=None if person is None else customers.years_between(person.birth_on, today),
        own=own,
        flows=flows,
        report=measures,
        today=today,
    )
    recent = await lending.applications.count_recent(
        uow, application, since=now - timedelta(days=_RECENT_DAYS)
    )
    customer = await customers.get_customer(uow, application.customer_id)
    since_opened = (now - customer.opened_at).days
    values: dict[str, risk.Value] = {
        **figures.list_values(),
        "applications_30d": recent.submitted,
        "refusals_30d": recent.refused,
        "account_age_days": since_opened,
        "device_applicants_30d": None,
        "is_new_device": None,
        "is_night": now.astimezone(_ZONE).hour < _NIGHT_ENDS,
        # Nothing tells of changed numbers and cards yet.
        "is_contact_changed": None,
    }
    if application.device_id is not None:
        is_known = await identity.is_device_known(uow, application.device_id, now=now)
        values |= {
            "is_new_device": not is_known,
            "device_applicants_30d": recent.device_applicants,
        }
    return figures.conclude(values, since_opened)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Figures:
    subject: lending.applications.LoanSubject
    age: int | None
    own: _Own
    flows: _Flows
    report: lending.bureau.ReportMeasures | None
    today: date

    @property
    def principal(self) -> int:
        wish = self.subject.application.wish
        assert wish is not None, "it was asked for before"
        return wish.principal

    @property
    def term_months(self) -> int:
        application = self.subject.application
        assert application.wish is not None, "it was asked for before"
        cycle = application.product.terms.cycle
        units = application.wish.count * cycle.every
        if cycle.unit is lending.TimeUnit.MONTHS:
            return units
        days = units * (_WEEK_DAYS if cycle.unit is lending.TimeUnit.WEEKS else 1)
        return max(1, -(-days // _MONTH_DAYS))

    @property
    def income(self) -> int | None:
        """The income a month for which there is evidence, never more than what was stated."""
        stated = read_income(self.subject.facts.get(INCOME))
        wage = 0 if self.report is None else self.report.fund_base or 0
        evidence = max(self.flows.mean, wage)
        return min(stated, evidence) or None if stated is not None else None

    @property
    def repayments(self) -> int:
        """What all other debts take a month."""
        return self.own.repayments + (0 if self.report is None else self.report.monthly_repayments)

    @property
    def this_loan(self) -> int:
        """What this loan would take a month at the product's highest price, on average."""
        application = self.subject.application
        assert application.wish is not None, "it was asked for before"
        cost = lending.costs.make_statement(application.wish, application.product, on=self.today)
        return -(-(cost.principal + cost.total_cost) // self.term_months)

    @property
    def exposure(self) -> int:
        """Unsecured consumer credit without this loan."""
        return self.own.exposure + (0 if self.report is None else self.report.exposure)

    def over_income(self, amount: int) -> Decimal | None:
        """Return an amount over the income, rounded down to four decimals and bounded."""
        if self.income is None:
            return None
        ratio = (Decimal(amount) / self.income).quantize(_RATIO, ROUND_DOWN)
        return min(ratio, _RATIO_MAX)

    def list_values(self) -> dict[str, risk.Value]:
        """Return the features that come from the application, our loans and the report."""
        to_income = self.over_income(self.principal)
        burden = self.over_income(self.repayments + self.this_loan)
        report = self.report
        return {
            "amount": self.principal,
            "term_months": self.term_months,
            "age": self.age,
            "monthly_income": self.income,
            "amount_to_income": None if to_income is None else float(to_income),
            "debt_to_income": None if burden is None else float(burden),
            "debts": self.own.debts + (0 if report is None else report.debts),
            "lenders": self.own.has_open + (0 if report is None else len(report.lenders)),
            "overdue_days": max(
                self.own.overdue_days, 0 if report is None else report.overdue_days
            ),
            "overdue_days_24m": None if report is None else report.overdue_days_24m,
            "inquiries_30d": None if report is None else report.inquiries_30d,
        }

    def conclude(self, values: Mapping[str, risk.Value], since_opened: int) -> LoanFacts:
        burden = self.over_income(self.repayments + self.this_loan)
        return LoanFacts(
            values=values,
            score=self._score(values, since_opened),
            age=self.age,
            income=self.income,
            repayments=self.repayments,
            exposure=self.exposure,
            term_months=self.term_months,
            debt_to_income=burden,
            has_borrowed=self.own.has_borrowed,
            has_public_record=self.report is not None and self.report.has_public_record,
        )

    def _score(
        self, values: Mapping[str, risk.Value], since_opened: int
    ) -> dict[str, risk.Feature]:
        report, months = self.report, self.flows.by_month
        mean = fmean(months)
        known = {
            **values,
            "lenders": None if report is None else values["lenders"],
            "credit_history_months": None if report is None else report.history_months,
            "card_utilisation": None if report is None else report.card_utilisation,
            "account_age_days": since_opened,
            "inflow_months_12m": sum(each > 0 for each in months),
            "inflow_volatility": pstdev(months) / mean if mean else None,
            "balance_to_repayment": self.flows.lowest / (self.repayments + self.this_loan),
        }
        # Shop orders and phone bills need a consent and a source that nobody has connected.
        return {name: known.get(name) for name in risk.APPLICATION_FEATURES}


def read_income(stated: str | None) -> int | None:
    """Return a stated income in minor units; None for none, or a text that is no amount."""
    if stated is None:
        return None
    try:
        amount = Decimal(stated) * _MINOR
    except InvalidOperation:
        return None
    if not amount.is_finite() or not 0 < amount <= _RATIO_MAX * 10**9:
        return None
    return int(amount)


async def _find_own(
    uow: UnitOfWork, application: lending.applications.Application, *, now: datetime
) -> _Own:
    loans = await lending.list_loans(
        uow, customer_id=application.customer_id, after=0, limit=limits.PAGE_SIZE_MAX
    )
    debts = repayments = exposure = overdue = 0
    for loan in loans:
        state = await lending.get_state(uow, loan, now=now)
        if loan.state is lending.LoanState.PAID_OFF:
            continue
        debts += state.owed_principal
        overdue = max(overdue, state.days_past_due)
        if loan.product.terms.purpose is lending.Purpose.CONSUMER:
            exposure += state.owed_principal
        rows = await lending.get_schedule(uow, loan)
        following = next((row for row in rows if row.is_open), None)
        if following is not None:
            repayments += following.principal + following.interest
    return _Own(
        debts=debts,
        repayments=repayments,
        exposure=exposure,
        overdue_days=overdue,
        has_open=debts > 0,
        has_borrowed=bool(loans),
    )


async def _find_flows(
    uow: UnitOfWork,
    application: lending.applications.Application,
    *,
    rulebook: Rulebook,
    now: datetime,
) -> _Flows:
    today, account = business_day(now), application.borrower_account_id
    months = [_months_back(today, back) for back in range(_YEAR, 0, -1)]
    found = await ledger.list_inflows(
        uow, account, codes=_EARNED, since=months[0], until=today.replace(day=1)
    )
    by_month = tuple(found.get(month, 0) for month in months)
    count = rulebook.integer("loan.income.evidence.months", today)
    return _Flows(
        by_month=by_month,
        mean=sum(by_month[-count:]) // count,
        lowest=await ledger.find_lowest_balance(
            uow, account, since=now - timedelta(days=_LOW_DAYS)
        ),
    )


def _months_back(day: date, count: int) -> date:
    """Return the first day of the month so many months before a day's."""
    months = day.year * _YEAR + day.month - 1 - count
    return date(months // _YEAR, months % _YEAR + 1, 1)
