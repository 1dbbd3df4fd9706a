"""A simulated book in the database and on the ledger: all at once, by the room's own arithmetic."""

import json
import uuid
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final

from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.ids import uuid7
from huitong.kernel.rulebook import Rulebook
from huitong.ledger import Entry, Request, TransferCode, ensure_system_account, post_entries
from huitong.lending.loans import postings, store
from huitong.lending.loans.payloads import write_loan_terms
from huitong.lending.loans.state import Rows, State
from huitong.lending.loans.types import Loan
from huitong.lending.products import (
    NewVersion,
    Payee,
    Product,
    RateKind,
    Terms,
    add_product_version,
    load_controls,
)
from huitong.lending.schedules import (
    Cycle,
    DayCount,
    Method,
    MonthBasis,
    Rounding,
    TimeUnit,
    YearBasis,
)
from huitong.lending.servicing import Part, Walk
from huitong.lending.simulation import limits
from huitong.lending.simulation.drawing import OFFERS, Offer
from huitong.lending.simulation.types import Simulated

CURRENCY: Final = "CNY"
_ORDER: Final = (Part.FEE, Part.PENALTY, Part.INTEREST, Part.PRINCIPAL)
_LOAN_COLUMNS: Final = (
    "id",
    "product_id",
    "product_version",
    "customer_id",
    "borrower_account_id",
    "payout_account_id",
    "currency",
    "principal",
    "rate",
    "lent_on",
    "auto_debit",
    "terms",
    "entry_id",
    "opened_at",
)
_INSTALMENT_COLUMNS: Final = ("loan", "number", "start_on", "due_on", "principal", "interest")
_VALUES: Final = """
    SELECT loan, class AS klass, provision, stage, expected_loss FROM lending.balances
     WHERE is_active
"""
_PAY: Final = """
    UPDATE lending.instalments SET principal_paid = principal, interest_paid = interest
     WHERE loan = $1 AND number = ANY($2::integer[])
"""


async def add_products(uow: UnitOfWork, *, rulebook: Rulebook, now: datetime) -> dict[str, Product]:
    """Make the simulated products, and return them by code."""
    return {
        offer.code: await add_product_version(
            uow,
            NewVersion(
                code=offer.code,
                name_zh=offer.zh,
                name_en=offer.en,
                currency=CURRENCY,
                effective_from=business_day(now),
                terms=_terms(offer),
            ),
            approval_id=uuid7(int(now.timestamp() * 1_000)),
            rulebook=rulebook,
            now=now,
        )
        for offer in OFFERS
    }


def _terms(offer: Offer) -> Terms:
    low, high = offer.amounts
    return Terms(
        purpose=offer.purpose,
        uses=offer.uses,
        payees=(Payee.BORROWER,),
        amount_min=low,
        amount_max=high,
        cycle=Cycle(1, TimeUnit.MONTHS),
        count_min=1,
        count_max=24,
        rate_kind=RateKind.FIXED,
        rate_min=0,
        rate_max=180_000,
        reprice_months=0,
        day_count=DayCount(YearBasis.DAYS_360, MonthBasis.DAYS_30),
        rounding=Rounding.HALF_UP,
        multiple=1,
        methods=(Method.LEVEL_PAYMENT,),
        principal_grace_max=0,
        interest_free_max=0,
        down_payment_max=0,
        balloon_max=0,
        allows_steps=False,
        penalty_share=500_000,
        compounds=True,
        early_fee=0,
        order=_ORDER,
        order_bad=_ORDER[::-1],
        bad_days=90,
        walk=Walk.BY_INSTALMENT,
        grades=(),
        mandatory=(),
    )


async def open_account(uow: UnitOfWork) -> int:
    """Return the account that stands for all simulated borrowers: a bank account of our own."""
    account = await ensure_system_account(
        uow,
        "lending.simulated_borrowers",
        chart_code="1002.01",
        currency=CURRENCY,
        name="模拟借款人 Simulated borrowers",
    )
    return account.id


async def insert_loans(uow: UnitOfWork, loans: Sequence[Loan]) -> dict[uuid.UUID, int]:
    """Write down loans, and return their numbers."""
    connection = await uow.driver()
    await connection.copy_records_to_table(
        "loans",
        schema_name="lending",
        columns=_LOAN_COLUMNS,
        records=[
            (
                each.id,
                each.product.id,
                each.product.version,
                each.customer_id,
                each.borrower_account_id,
                each.payout_account_id,
                each.currency,
                each.terms.principal,
                each.terms.rate,
                each.lent_on,
                each.terms.auto_debit,
                json.dumps(write_loan_terms(each.terms)),
                each.entry_id,
                each.opened_at,
            )
            for each in loans
        ],
    )
    rows = await uow.execute("SELECT id, number FROM lending.loans")
    return {row.id: row.number for row in rows}


async def insert_book(uow: UnitOfWork, book: Sequence[Simulated]) -> None:
    """Write down schedules, and balances as loans were paid out."""
    connection = await uow.driver()
    await connection.copy_records_to_table(
        "instalments",
        schema_name="lending",
        columns=_INSTALMENT_COLUMNS,
        records=[
            (each.loan.number, row.number, row.start, row.due, row.principal, row.interest)
            for each in book
            for row in each.instalments
        ],
    )
    await store.insert_states(uow, [each.state for each in book])


async def pay_out(uow: UnitOfWork, book: Sequence[Simulated], *, now: datetime) -> None:
    """Post the payment of each loan."""
    controls = await load_controls(uow)
    entries = [
        postings.make_entry(
            postings.change({}, postings.total(Rows.of([each.state]))),
            {**controls[each.loan.product.id], postings.LENT: each.loan.payout_account_id},
            entry_id=each.loan.entry_id,
            code=TransferCode.LOAN_LENT,
            currency=CURRENCY,
            on=each.loan.lent_on,
            now_ms=int(now.timestamp() * 1_000),
        )
        for each in book
    ]
    await _post(uow, entries, now=now)


async def load_values(uow: UnitOfWork) -> dict[int, dict[str, Any]]:
    """Return how active loans were valued last, by number."""
    found = {}
    for row in await uow.execute(_VALUES):
        values = row._asdict()
        found[values.pop("loan")] = values
    return found


async def post_changes(
    uow: UnitOfWork,
    book: Sequence[Simulated],
    before: Sequence[State],
    after: Sequence[State],
    *,
    day: date,
    now: datetime,
) -> None:
    """Post what changed of loans until a day, one entry for each product."""
    controls, now_ms = await load_controls(uow), int(now.timestamp() * 1_000)
    entries = []
    for product in sorted({each.product_id for each in after}):
        own = [place for place, each in enumerate(after) if each.product_id == product]
        changes = postings.change(
            postings.total(Rows.of([before[place] for place in own])),
            postings.total(Rows.of([after[place] for place in own])),
        )
        if not changes:
            continue
        account = book[own[0]].loan.borrower_account_id
        entries.append(
            postings.make_entry(
                changes,
                {**controls[product], postings.PAID: account},
                entry_id=uuid7(now_ms),
                code=TransferCode.LOAN_DAY,
                currency=CURRENCY,
                on=day,
                now_ms=now_ms,
            )
        )
    await _post(uow, entries, now=now)


async def pay_instalments(uow: UnitOfWork, book: Sequence[Simulated], *, until: date) -> None:
    """Write down which instalments were paid until a day, or until a loan ended."""
    rows = []
    for each in book:
        last = each.ended_on or until
        numbers = [
            row.number
            for row, paid in zip(each.instalments, each.paid, strict=True)
            if paid <= last and row.due <= last
        ]
        if numbers:
            rows.append((each.loan.number, numbers))
    await (await uow.driver()).executemany(_PAY, rows)


async def _post(uow: UnitOfWork, entries: Sequence[Entry], *, now: datetime) -> None:
    for first in range(0, len(entries), limits.ENTRIES_AT_ONCE):
        requests = [Request(each) for each in entries[first : first + limits.ENTRIES_AT_ONCE]]
        for outcome in await post_entries(uow, requests, now=now):
            if not outcome.is_posted:
                raise RuntimeError(f"the ledger refuses a simulated loan: {outcome.reason}")
