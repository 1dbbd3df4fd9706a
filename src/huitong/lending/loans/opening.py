"""Command: make a loan and pay it out, in one transaction."""

import uuid
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final

from huitong.kernel import audit, outbox
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import LOAN, show_id, uuid7
from huitong.kernel.money import Money
from huitong.kernel.rulebook import Rulebook
from huitong.ledger import Request, TransferCode, get_account, post_entries
from huitong.lending import partners
from huitong.lending.loans import acts, postings, store
from huitong.lending.loans.cost_rate import find_cost_rate, to_nominal
from huitong.lending.loans.errors import (
    DayNotOpen,
    LoanIdReused,
    LoanMoneyRefused,
    LoanTermsRefused,
)
from huitong.lending.loans.events import LoanLent
from huitong.lending.loans.funding import Funding, insert_funding, no_base, record_flows
from huitong.lending.loans.planning import make_instalments
from huitong.lending.loans.sharing import share_totals
from huitong.lending.loans.state import Rows
from huitong.lending.loans.types import Instalment, Loan, LoanTerms
from huitong.lending.products import (
    Payee,
    Product,
    base_rate,
    get_product,
    load_controls,
    to_millionths,
)
from huitong.lending.schedules import InterestKind

_FACTS_MAX: Final = 32
_FACT_LENGTH_MAX: Final = 256


async def open_loan(
    uow: UnitOfWork,
    terms: LoanTerms,
    *,
    loan_id: uuid.UUID,
    product: str,
    customer_id: uuid.UUID,
    borrower_account_id: int,
    payout_account_id: int,
    rulebook: Rulebook,
    now: datetime,
) -> Loan:
    """Make a loan under the product's version of today, and pay it out to an account.

    The account is the borrower's own or a merchant's, as the terms say. The same id with the same
    content returns the loan that stands. If partners lend loans of the product with us, each has a
    share of it. Raises ProductNotFound, InvalidField, LoanTermsRefused, LoanIdReused, NotFound for
    an account, DayNotOpen, AgreementAgainstRule if too much is lent with partners, and
    LoanMoneyRefused.
    """
    found = await get_product(uow, product, on=business_day(now))
    loan = Loan(
        number=0,
        id=loan_id,
        product=found,
        customer_id=customer_id,
        borrower_account_id=borrower_account_id,
        payout_account_id=payout_account_id,
        currency=found.currency,
        lent_on=business_day(now),
        terms=terms,
        entry_id=uuid7(int(now.timestamp() * 1_000)),
        opened_at=now,
    )
    known = await store.find_loan(uow, loan_id)
    if known is not None:
        return _check_same(known, loan)
    check_loan_terms(terms, found, rulebook=rulebook, now=now)
    return await _lend(uow, loan, rulebook=rulebook, now=now)


async def _lend(uow: UnitOfWork, loan: Loan, *, rulebook: Rulebook, now: datetime) -> Loan:
    """Write a loan down and pay it out; its number is the one that the database gives."""
    last = await store.last_closed_day(uow)
    if last is not None and last >= loan.lent_on:
        raise DayNotOpen(f"{last} is closed, so nothing is lent on {loan.lent_on} any more")
    await _check_accounts(uow, loan)
    instalments = plan_instalments(loan)
    _check_cost(loan, instalments, rulebook=rulebook)
    number = await store.insert_loan(uow, loan)
    if number is None:
        # The same request came twice at once, and the other one was faster.
        known = await store.find_loan(uow, loan.id)
        assert known is not None, "the insertion waited for it"
        return _check_same(known, loan)
    stored = replace(loan, number=number)
    running = acts.lend(stored, instalments)
    plan = await partners.find_plan(uow, loan.product.code, on=loan.lent_on)
    if plan is not None:
        principal, on = loan.terms.principal, loan.lent_on
        await partners.check_exposure(uow, plan, principal, rulebook=rulebook, on=on)
        await insert_funding(uow, [number], plan.id, no_base(1))
    await _pay_out(uow, stored, Rows.of([running.state]), plan, now=now)
    await store.insert_state(uow, running.state)
    await store.save_instalments(uow, number, [], instalments)
    await _tell(uow, stored, now=now)
    return stored


def _check_same(known: Loan, asked: Loan) -> Loan:
    same = all(
        getattr(known, name) == getattr(asked, name)
        for name in ("terms", "customer_id", "borrower_account_id", "payout_account_id")
    )
    if not same or known.product.id != asked.product.id:
        raise LoanIdReused(f"{show_id(LOAN, known.id)} is another loan", field="loan")
    return known


def check_loan_terms(
    terms: LoanTerms, product: Product, *, rulebook: Rulebook, now: datetime
) -> None:
    """Refuse terms outside the product's; raises LoanTermsRefused with the field."""
    offered = product.terms
    ranges: Mapping[str, tuple[int, int]] = {
        "principal": (offered.amount_min, offered.amount_max),
        "count": (offered.count_min, offered.count_max),
        "principal_grace": (0, min(offered.principal_grace_max, max(terms.count - 1, 0))),
        "interest_free": (0, min(offered.interest_free_max, terms.count)),
        "down_payment": (0, offered.down_payment_max),
        "balloon": (0, offered.balloon_max),
    }
    for field, (least, most) in ranges.items():
        value = getattr(terms, field)
        if type(value) is not int or not least <= value <= most:
            raise LoanTermsRefused(f"must be from {least} to {most}", field=field)
    chosen = {"method": offered.methods, "payee": offered.payees, "use": offered.uses}
    for field, among in chosen.items():
        if getattr(terms, field) not in among:
            raise LoanTermsRefused(f"must be one of {', '.join(among)}", field=field)
    if terms.steps and not offered.allows_steps:
        raise LoanTermsRefused("the product has no steps", field="steps")
    check_loan_rate(terms.rate, terms.grade, product, rulebook=rulebook, now=now)
    _check_facts(terms, product)


def plan_instalments(loan: Loan) -> list[Instalment]:
    """Return a loan's schedule; raises LoanTermsRefused for terms that make none."""
    if loan.terms.first_due is not None and loan.terms.first_due <= loan.lent_on:
        raise LoanTermsRefused("must be after the day of the loan", field="first_due")
    try:
        return make_instalments(loan.terms, loan.product.terms, loan.lent_on)
    except ValueError as error:
        raise LoanTermsRefused(str(error), field="terms") from error


def check_loan_rate(
    rate: int, grade: str | None, product: Product, *, rulebook: Rulebook, now: datetime
) -> None:
    """Refuse a rate outside the product's, or its grade's; raises LoanTermsRefused."""
    offered, today = product.terms, business_day(now)
    low, high = offered.rate_min, offered.rate_max
    if offered.grades:
        found = next((each for each in offered.grades if each.grade == grade), None)
        if found is None:
            names = ", ".join(each.grade for each in offered.grades)
            raise LoanTermsRefused(f"must be one of {names}", field="grade")
        low, high = found.rate_min, found.rate_max
    base = base_rate(offered.rate_kind, rulebook=rulebook, on=today)
    if type(rate) is not int or not base + low <= rate <= base + high:
        raise LoanTermsRefused(f"must be from {base + low} to {base + high}", field="rate")
    if rate > to_millionths(rulebook.decimal("loan.cost.max", today)):
        raise LoanTermsRefused(
            "is above the most (rule loan.cost.max)",
            field="rate",
            context={"rule": "loan.cost.max"},
        )


def _check_cost(loan: Loan, instalments: list[Instalment], *, rulebook: Rulebook) -> None:
    """Refuse a loan that costs more a year than the rate tells: by flat interest and by fees."""
    terms, product = loan.terms, loan.product.terms
    has_fees = product.disbursement_fee or product.service_fee
    if product.interest is InterestKind.DECLINING and not has_fees:
        return
    try:
        effective = find_cost_rate(terms, product, instalments, loan.lent_on)
    except ValueError as error:
        raise LoanTermsRefused(str(error), field="terms") from error
    nominal = to_nominal(effective)
    if nominal > rulebook.decimal("loan.cost.max", loan.lent_on):
        raise LoanTermsRefused(
            f"comes to {nominal:.2%} a year, above the most (rule loan.cost.max)",
            field="rate",
            context={"rule": "loan.cost.max"},
        )


def _check_facts(terms: LoanTerms, product: Product) -> None:
    if len(terms.facts) > _FACTS_MAX:
        raise LoanTermsRefused(f"has at most {_FACTS_MAX}", field="facts")
    for name, value in terms.facts.items():
        if not value.strip() or len(value) > _FACT_LENGTH_MAX:
            raise LoanTermsRefused(f"has 1 to {_FACT_LENGTH_MAX} characters", field=f"facts.{name}")
    for name in product.terms.mandatory:
        if name not in terms.facts:
            raise LoanTermsRefused("is needed for this product", field=f"facts.{name}")


async def _check_accounts(uow: UnitOfWork, loan: Loan) -> None:
    borrower = await get_account(uow, loan.borrower_account_id)
    if borrower.owner_id != loan.customer_id:
        raise InvalidField("is not an account of the borrower", field="borrower_account")
    is_own = loan.payout_account_id == loan.borrower_account_id
    if is_own != (loan.terms.payee is Payee.BORROWER):
        raise InvalidField("does not fit whom the money goes to", field="payout_account")
    payout = borrower if is_own else await get_account(uow, loan.payout_account_id)
    for field, account in (("borrower_account", borrower), ("payout_account", payout)):
        if account.currency != loan.currency:
            raise InvalidField(f"must be in {loan.currency}", field=field)
        if account.owner_id is None:
            raise InvalidField("must be a customer's or a merchant's", field=field)


async def _pay_out(
    uow: UnitOfWork, loan: Loan, rows: Rows, plan: partners.Plan | None, *, now: datetime
) -> None:
    controls = (await load_controls(uow))[loan.product.id]
    funding = None if plan is None else Funding(plan, rows.column("loan"), no_base(1))
    entry = postings.make_entry(
        postings.change({}, postings.total(rows)),
        {**controls, postings.LENT: loan.payout_account_id},
        entry_id=loan.entry_id,
        code=TransferCode.LOAN_LENT,
        currency=loan.currency,
        on=loan.lent_on,
        now_ms=int(now.timestamp() * 1_000),
        more={} if funding is None else share_totals(rows, funding.base, funding.plan),
    )
    outcome = (await post_entries(uow, [Request(entry)], now=now))[0]
    if not outcome.is_posted:
        raise LoanMoneyRefused(
            f"the ledger refuses to pay the loan out: {outcome.reason}",
            context={"reason": str(outcome.reason)},
        )
    if funding is not None:
        await record_flows(uow, funding, None, rows, entry_id=loan.entry_id, day=loan.lent_on)


async def _tell(uow: UnitOfWork, loan: Loan, *, now: datetime) -> None:
    await audit.record(
        uow,
        action="lending.open_loan",
        subject=show_id(LOAN, loan.id),
        details={"product": loan.product.code, "principal": loan.terms.principal},
    )
    event = LoanLent(
        loan_id=loan.id,
        customer_id=loan.customer_id,
        principal=Money(loan.terms.principal, loan.currency),
        lent_on=loan.lent_on,
        lent_at=now,
    )
    await outbox.append(uow, [event])
