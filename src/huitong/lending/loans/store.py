"""Loans in the database: all SQL of single loans."""

import json
import uuid
from collections.abc import Sequence
from datetime import date
from typing import Any, Final

from sqlalchemy.engine import Row

from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.lending.loans.payloads import read_loan_terms, write_loan_terms
from huitong.lending.loans.state import NAMES, State
from huitong.lending.loans.types import (
    EventKind,
    Instalment,
    Loan,
    LoanEvent,
    LoanState,
)
from huitong.lending.products import find_version

#: Names of the columns of `lending.balances`, in the order of `State`.
COLUMNS: Final = tuple("class" if name == "klass" else name for name in NAMES)
_INSERT_BALANCES: Final = (
    f"INSERT INTO lending.balances ({', '.join(COLUMNS)}) "  # noqa: S608 - names of ours
    f"VALUES ({', '.join(f'${place}' for place in range(1, len(COLUMNS) + 1))})"
)
_UPDATE_BALANCES: Final = (
    "UPDATE lending.balances SET "  # noqa: S608 - names of ours
    + ", ".join(f"{name} = ${place}" for place, name in enumerate(COLUMNS[1:], 2))
    + " WHERE loan = $1"
)
_SELECT_BALANCES: Final = f"SELECT {', '.join(COLUMNS)} FROM lending.balances WHERE loan = $1"  # noqa: S608
_SAVE_INSTALMENTS: Final = """
    INSERT INTO lending.instalments (loan, number, start_on, due_on, principal, interest,
                                     principal_paid, interest_paid)
    SELECT $1, n.* FROM unnest($2::integer[], $3::date[], $4::date[], $5::bigint[], $6::bigint[],
                               $7::bigint[], $8::bigint[]) n
        ON CONFLICT (loan, number) DO UPDATE SET start_on = excluded.start_on,
           due_on = excluded.due_on, principal = excluded.principal, interest = excluded.interest,
           principal_paid = excluded.principal_paid, interest_paid = excluded.interest_paid
"""
_LOAN: Final = """
    SELECT number, id, product_id, product_version, customer_id, borrower_account_id,
           payout_account_id, currency, lent_on, terms, entry_id, opened_at, state, ended_on
      FROM lending.loans
"""
_EVENT: Final = """
    SELECT id, loan, position, kind, on_day, amount, details, reverses, entry_id, recorded_at
      FROM lending.loan_events
"""


async def insert_loan(uow: UnitOfWork, loan: Loan) -> int | None:
    """Write down a loan and return its number; None if its id is taken.

    The number that it has now does not count.
    """
    number: int | None = await uow.fetch_value(
        """INSERT INTO lending.loans (id, product_id, product_version, customer_id,
                  borrower_account_id, payout_account_id, currency, principal, rate, lent_on,
                  auto_debit, terms, entry_id, opened_at)
           VALUES (:id, :product_id, :product_version, :customer_id, :borrower_account_id,
                  :payout_account_id, :currency, :principal, :rate, :lent_on, :auto_debit,
                  CAST(:terms AS jsonb), :entry_id, :opened_at)
           ON CONFLICT (id) DO NOTHING RETURNING number""",
        id=loan.id,
        product_id=loan.product.id,
        product_version=loan.product.version,
        customer_id=loan.customer_id,
        borrower_account_id=loan.borrower_account_id,
        payout_account_id=loan.payout_account_id,
        currency=loan.currency,
        principal=loan.terms.principal,
        rate=loan.terms.rate,
        lent_on=loan.lent_on,
        auto_debit=loan.terms.auto_debit,
        terms=json.dumps(write_loan_terms(loan.terms)),
        entry_id=loan.entry_id,
        opened_at=loan.opened_at,
    )
    return number


async def find_loan(uow: UnitOfWork, loan_id: uuid.UUID) -> Loan | None:
    """Return a loan by its id, or None."""
    row = await uow.fetch_one(f"{_LOAN} WHERE id = :id", id=loan_id)
    return None if row is None else await _read_loan(uow, row)


async def find_loan_by_number(uow: UnitOfWork, number: int) -> Loan | None:
    """Return a loan by its number, or None."""
    row = await uow.fetch_one(f"{_LOAN} WHERE number = :number", number=number)
    return None if row is None else await _read_loan(uow, row)


async def list_loans(
    uow: UnitOfWork, *, customer_id: uuid.UUID | None, after: int, limit: int
) -> list[Loan]:
    """Return loans in order of number, of one customer or of all."""
    rows = await uow.execute(
        f"""{_LOAN} WHERE number > :after
               AND (CAST(:customer_id AS uuid) IS NULL OR customer_id = :customer_id)
             ORDER BY number LIMIT :limit""",
        after=after,
        customer_id=customer_id,
        limit=limit,
    )
    return [await _read_loan(uow, row) for row in rows]


async def end_loan(uow: UnitOfWork, number: int, state: LoanState, on: date | None) -> None:
    """Set how a loan ended, or that it is active again."""
    await uow.execute(
        "UPDATE lending.loans SET state = :state, ended_on = :day WHERE number = :number",
        state=state.value,
        day=on,
        number=number,
    )


async def lock_balances(uow: UnitOfWork, number: int) -> None:
    """Let nobody else change a loan until this transaction ends."""
    await uow.execute(
        "SELECT 1 FROM lending.balances WHERE loan = :number FOR NO KEY UPDATE", number=number
    )


async def load_state(uow: UnitOfWork, number: int) -> State:
    """Return a loan's balances."""
    row = await (await uow.driver()).fetchrow(_SELECT_BALANCES, number)
    assert row is not None, "a loan has balances"
    return State(**dict(zip(NAMES, row.values(), strict=True)))


async def insert_state(uow: UnitOfWork, state: State) -> None:
    """Write down a new loan's balances."""
    connection = await uow.driver()
    await connection.execute(_INSERT_BALANCES, *(getattr(state, name) for name in NAMES))


async def insert_states(uow: UnitOfWork, states: Sequence[State]) -> None:
    """Write down balances of many new loans."""
    connection = await uow.driver()
    rows = [[getattr(each, name) for name in NAMES] for each in states]
    await connection.executemany(_INSERT_BALANCES, rows)


async def save_state(uow: UnitOfWork, state: State) -> None:
    """Write down balances that changed; the caller has locked them."""
    connection = await uow.driver()
    await connection.execute(_UPDATE_BALANCES, *(getattr(state, name) for name in NAMES))


async def save_states(uow: UnitOfWork, states: Sequence[State]) -> None:
    """Write down balances of many loans that changed; the caller has locked them."""
    connection = await uow.driver()
    rows = [[getattr(each, name) for name in NAMES] for each in states]
    await connection.executemany(_UPDATE_BALANCES, rows)


async def load_instalments(uow: UnitOfWork, number: int) -> list[Instalment]:
    """Return a loan's schedule in order."""
    rows = await uow.execute(
        """SELECT number, start_on, due_on, principal, interest, principal_paid, interest_paid
             FROM lending.instalments WHERE loan = :loan ORDER BY number""",
        loan=number,
    )
    return [Instalment(*tuple(row)) for row in rows]


async def save_instalments(
    uow: UnitOfWork, number: int, before: Sequence[Instalment], after: Sequence[Instalment]
) -> None:
    """Write down what changed of a schedule; numbers follow each other from 1."""
    known = {each.number: each for each in before}
    changed = [each for each in after if known.get(each.number) != each]
    connection = await uow.driver()
    if len(after) < len(before):
        await connection.execute(
            "DELETE FROM lending.instalments WHERE loan = $1 AND number > $2", number, len(after)
        )
    if changed:
        await connection.execute(
            _SAVE_INSTALMENTS,
            number,
            [each.number for each in changed],
            [each.start for each in changed],
            [each.due for each in changed],
            [each.principal for each in changed],
            [each.interest for each in changed],
            [each.principal_paid for each in changed],
            [each.interest_paid for each in changed],
        )
    if before and after and before[-1].due != after[-1].due:
        await connection.execute(
            "UPDATE lending.credit_marks SET ends_day = $2 WHERE loan = $1", number, after[-1].due
        )


async def insert_event(uow: UnitOfWork, event: LoanEvent) -> None:
    """Write down what happened."""
    await uow.execute(
        """INSERT INTO lending.loan_events (id, loan, position, kind, on_day, amount, details,
                                            reverses, entry_id, recorded_at)
           VALUES (:id, :loan, :position, :kind, :on_day, :amount, CAST(:details AS jsonb),
                   :reverses, :entry_id, :recorded_at)""",
        id=event.id,
        loan=event.loan,
        position=event.position,
        kind=event.kind.value,
        on_day=event.on_day,
        amount=event.amount,
        details=json.dumps(dict(event.details)),
        reverses=event.reverses,
        entry_id=event.entry_id,
        recorded_at=event.recorded_at,
    )


async def list_events(uow: UnitOfWork, number: int) -> list[LoanEvent]:
    """Return what happened to a loan, in the order in which it was recorded."""
    rows = await uow.execute(f"{_EVENT} WHERE loan = :loan ORDER BY position", loan=number)
    return [_read_event(row) for row in rows]


async def find_event(uow: UnitOfWork, event_id: uuid.UUID) -> LoanEvent | None:
    """Return an event by its id, or None."""
    row = await uow.fetch_one(f"{_EVENT} WHERE id = :id", id=event_id)
    return None if row is None else _read_event(row)


async def last_closed_day(uow: UnitOfWork) -> date | None:
    """Return the last business day of which closing has begun, or None."""
    day: date | None = await uow.fetch_value("SELECT max(day) FROM lending.closed_days")
    return day


async def list_to_reprice(uow: UnitOfWork, today: date, *, limit: int) -> list[uuid.UUID]:
    """Return active loans with a date of repricing in this month until today, and no change yet."""
    rows = await uow.execute(
        """SELECT l.id FROM lending.loans l
             JOIN lending.product_versions v
               ON v.product_id = l.product_id AND v.version = l.product_version
            CROSS JOIN LATERAL (SELECT CAST(v.terms->>'reprice_months' AS integer) AS every,
                   CAST(extract(year FROM CAST(:today AS date)) * 12
                        + extract(month FROM CAST(:today AS date))
                        - extract(year FROM l.lent_on) * 12 - extract(month FROM l.lent_on)
                        AS integer) AS months) m
            WHERE l.state = 'active' AND m.every > 0 AND m.months > 0 AND m.months % m.every = 0
              AND (l.lent_on + make_interval(months => m.months)) <= :today
              AND NOT EXISTS (SELECT FROM lending.loan_events e WHERE e.loan = l.number
                    AND e.details->>'repriced_on'
                        = CAST(CAST(l.lent_on + make_interval(months => m.months) AS date) AS text))
            ORDER BY l.number LIMIT :limit""",
        today=today,
        limit=limit,
    )
    return [row.id for row in rows]


async def take_auto_debit(uow: UnitOfWork, *, until: date, after: int) -> int | None:
    """Return the next loan that is to be debited, its debit locked; None if there is none."""
    loan: int | None = await uow.fetch_value(
        """SELECT loan FROM lending.auto_debits
            WHERE state = 'waiting' AND day <= :until AND loan > :after
            ORDER BY loan, day LIMIT 1 FOR UPDATE SKIP LOCKED""",
        until=until,
        after=after,
    )
    return loan


async def end_auto_debit(
    uow: UnitOfWork, loan: int, until: date, *, state: str, amount: int
) -> None:
    """Say what became of a loan's debits that were waiting on a day and before."""
    await uow.execute(
        """UPDATE lending.auto_debits SET state = :state, amount = :amount
            WHERE loan = :loan AND day <= :until AND state = 'waiting'""",
        loan=loan,
        until=until,
        state=state,
        amount=amount,
    )


async def _read_loan(uow: UnitOfWork, row: Row[Any]) -> Loan:
    values = row._asdict()
    product = await find_version(uow, values.pop("product_id"), values.pop("product_version"))
    return Loan(
        **{
            **values,
            "product": product,
            "terms": read_loan_terms(row.terms),
            "state": LoanState(row.state),
        }
    )


def _read_event(row: Row[Any]) -> LoanEvent:
    return LoanEvent(**{**row._asdict(), "kind": EventKind(row.kind)})
