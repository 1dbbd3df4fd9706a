"""A book of loans made in bulk: products by command, loans, schedules and balances by statements.

What the balances come to is posted as one opening entry for each product, so that the books tie.
"""

from datetime import date, datetime
from functools import partial
from typing import Any, Final

from huitong import ledger, lending
from huitong.bench.population import CURRENCY, Population, populate
from huitong.bench.scratch import Scratch
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import DriverConnection, UnitOfWork
from huitong.kernel.ids import uuid7
from huitong.kernel.rulebook import Rulebook

PRODUCTS: Final = ("cash", "shop")
ACCOUNTS: Final = 1_000
_RATE: Final = 108_000
_PARTS: Final = (
    lending.Part.FEE,
    lending.Part.PENALTY,
    lending.Part.INTEREST,
    lending.Part.PRINCIPAL,
)
_TERMS: Final = lending.Terms(
    purpose=lending.Purpose.CONSUMER,
    uses=("household",),
    payees=(lending.Payee.BORROWER,),
    amount_min=100_00,
    amount_max=200_000_00,
    cycle=lending.Cycle(1, lending.TimeUnit.MONTHS),
    count_min=1,
    count_max=12,
    rate_kind=lending.RateKind.FIXED,
    rate_min=0,
    rate_max=180_000,
    reprice_months=0,
    day_count=lending.DayCount(lending.YearBasis.DAYS_360, lending.MonthBasis.DAYS_30),
    rounding=lending.Rounding.HALF_UP,
    multiple=1,
    methods=(lending.Method.EQUAL_PRINCIPAL,),
    principal_grace_max=0,
    interest_free_max=0,
    down_payment_max=0,
    balloon_max=0,
    allows_steps=False,
    penalty_share=500_000,
    compounds=True,
    early_fee=0,
    order=_PARTS,
    order_bad=_PARTS[::-1],
    bad_days=90,
    walk=lending.Walk.BY_INSTALMENT,
    grades=(),
    mandatory=(),
)
# Terms of 3, 6 and 12 months, begun on a day of the term before the day that is closed.
_LOANS: Final = """
    INSERT INTO lending.loans (id, product_id, product_version, customer_id, borrower_account_id,
                               payout_account_id, currency, principal, rate, lent_on, auto_debit,
                               terms, entry_id, opened_at)
    SELECT gen_random_uuid(), ($3::smallint[])[1 + i % cardinality($3::smallint[])], 1,
           gen_random_uuid(), a.account, a.account, $4, 50000 + i % 997 * 1000, $6::integer,
           $2::date - (i::bigint * 7919 % (n.months * 28))::integer, true,
           jsonb_build_object('principal', 50000 + i % 997 * 1000, 'rate', $6::integer,
               'count', n.months,
               'method', 'equal_principal', 'use', 'household', 'payee', 'borrower',
               'first_due', NULL, 'principal_grace', 0, 'interest_free', 0, 'down_payment', 0,
               'balloon', 0, 'steps', '[]'::jsonb, 'grade', NULL, 'auto_debit', true,
               'facts', '{}'::jsonb, 'application', NULL),
           gen_random_uuid(), $7
      FROM generate_series(0, $1::integer - 1) i
     CROSS JOIN LATERAL (SELECT (ARRAY[3, 3, 6, 6, 12])[1 + i % 5] AS months) n
     CROSS JOIN LATERAL (SELECT ($5::bigint[])[1 + i % cardinality($5::bigint[])] AS account) a
"""
_INSTALMENTS: Final = """
    INSERT INTO lending.instalments (loan, number, start_on, due_on, principal, interest,
                                     principal_paid, interest_paid)
    SELECT s.loan, s.k, s.start_on, s.due_on, s.part, s.interest,
           CASE WHEN s.is_paid THEN s.part ELSE 0 END,
           CASE WHEN s.is_paid THEN s.interest ELSE 0 END
      FROM (SELECT l.number AS loan, k, m.months,
                   (l.lent_on + make_interval(months => k - 1))::date AS start_on,
                   (l.lent_on + make_interval(months => k))::date AS due_on,
                   CASE WHEN k < m.months THEN l.principal / m.months
                        ELSE l.principal - l.principal / m.months * (m.months - 1) END AS part,
                   ((l.principal - l.principal / m.months * (k - 1)) * l.rate * 30 * 2
                    + 360000000) / 720000000 AS interest,
                   (l.lent_on + make_interval(months => k))::date
                   < $1::date - CASE WHEN l.number % 25 = 0 THEN 65 ELSE 0 END AS is_paid
              FROM lending.loans l
             CROSS JOIN LATERAL (SELECT (l.terms->>'count')::integer AS months) m
             CROSS JOIN LATERAL generate_series(1, m.months) k) s
"""
_BALANCES: Final = """
    INSERT INTO lending.balances
           (loan, product_id, is_active, auto_debit, on_day, next_number, from_day, due_day,
            accrues, carried, accrued, next_principal, not_due, due, overdue, interest_due,
            interest_overdue, penalty, penalty_rest, compound, compound_rest, fees, penalty_rate,
            compound_rate, year_days, since_day, eased_day, class, provision, lent, principal_paid,
            interest_paid, penalty_paid, fees_paid, principal_off, interest_off, penalty_off,
            fees_off, recovered)
    SELECT l.number, l.product_id, true, true, $1::date, n.number, n.start_on, n.due_on, n.interest,
           0, n.interest * ($1::date - n.start_on) / (n.due_on - n.start_on), n.principal,
           s.not_due, s.due, s.overdue, s.interest_due, s.interest_overdue, 0, 0, 0, 0, 0,
           l.rate * 3 / 2, l.rate * 3 / 2, 360, coalesce(s.since, DATE '9999-01-01'),
           DATE '2000-01-01', 0, 0, l.principal, s.principal_paid, s.interest_paid, 0, 0, 0, 0, 0,
           0, 0
      FROM (SELECT i.loan, min(i.number) FILTER (WHERE i.due_on > $1::date) AS next,
                   coalesce(sum(i.principal) FILTER (WHERE i.due_on > $1::date), 0) AS not_due,
                   coalesce(sum(i.principal) FILTER (WHERE i.due_on = $1::date), 0) AS due,
                   coalesce(sum(i.interest) FILTER (WHERE i.due_on = $1::date), 0) AS interest_due,
                   coalesce(sum(i.principal - i.principal_paid)
                            FILTER (WHERE i.due_on < $1::date), 0) AS overdue,
                   coalesce(sum(i.interest - i.interest_paid)
                            FILTER (WHERE i.due_on < $1::date), 0) AS interest_overdue,
                   min(i.due_on) FILTER (WHERE i.due_on < $1::date AND i.principal_paid = 0)
                       AS since,
                   sum(i.principal_paid) AS principal_paid, sum(i.interest_paid) AS interest_paid
              FROM lending.instalments i GROUP BY i.loan) s
      JOIN lending.loans l ON l.number = s.loan
      JOIN lending.instalments n ON n.loan = s.loan AND n.number = s.next
     ORDER BY l.number
"""
_SUMS: Final = """
    SELECT c.part, c.account_id,
           sum(CASE c.part WHEN 'principal' THEN b.not_due + b.due
                           WHEN 'overdue' THEN b.overdue
                           WHEN 'interest' THEN b.accrued + b.interest_due + b.interest_overdue
                           ELSE b.accrued + b.interest_due + b.interest_overdue + b.interest_paid
               END)::bigint AS amount
      FROM lending.balances b JOIN lending.control_accounts c ON c.product_id = b.product_id
     WHERE c.part IN ('principal', 'overdue', 'interest', 'interest_income')
     GROUP BY c.part, c.account_id
"""


async def fill_loans(
    scratch: Scratch, owner: DriverConnection, *, loans: int, day: date, now: datetime
) -> None:
    """Make so many active loans that stand as of a day's beginning."""
    accounts = min(ACCOUNTS, loans)
    population = await populate(scratch, owner, accounts=accounts, seed=1)
    async with scratch.open_as_owner() as database:
        ids = [
            (await database.run(partial(_add_product, code=code, now=now))).id for code in PRODUCTS
        ]
    borrowers = [int(each) for each in population.customers]
    await owner.execute(_LOANS, loans, day, ids, CURRENCY, borrowers, _RATE, now)
    await owner.execute(_INSTALMENTS, day)
    await owner.execute("ANALYZE lending.loans, lending.instalments")
    await owner.execute(_BALANCES, day)
    await owner.execute("VACUUM ANALYZE lending.balances")
    async with scratch.open_as_owner() as database:
        # As the close of the day on which each was lent made them.
        await database.run(lambda uow: lending.portfolio.mark_loans(uow, until=day))
        await owner.execute("VACUUM ANALYZE lending.credit_marks")
        sums = await owner.fetch(_SUMS)
        await database.run(lambda uow: _post_opening(uow, sums, population, now=now))


async def _add_product(uow: UnitOfWork, code: str, *, now: datetime) -> lending.Product:
    version = lending.NewVersion(
        code=code,
        name_zh="基准测试",
        name_en="Benchmark",
        currency=CURRENCY,
        effective_from=business_day(now),
        terms=_TERMS,
    )
    return await lending.add_product_version(
        uow, version, approval_id=uuid7(), rulebook=Rulebook.load(), now=now
    )


async def _post_opening(
    uow: UnitOfWork, sums: Any, population: Population, *, now: datetime
) -> None:
    transfers = []
    for row in sums:
        if not row["amount"]:
            continue
        sides = (row["account_id"], population.bank)
        debit, credit = sides[::-1] if row["part"] == "interest_income" else sides
        transfers.append(
            ledger.Transfer(
                id=uuid7(),
                debit_account_id=debit,
                credit_account_id=credit,
                amount=row["amount"],
                currency=CURRENCY,
                code=int(ledger.TransferCode.OPENING),
                effective_on=population.on_day,
            )
        )
    outcome = await ledger.post_entries(
        uow, [ledger.Request(ledger.Entry(tuple(transfers), uuid7()))], now=now
    )
    assert outcome[0].is_posted, outcome
