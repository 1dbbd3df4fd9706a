"""Lines of credit: drawn on again and again, never beyond, freed by what is repaid."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.lending.loans.conftest import RULES, Bank, cny, new_id

from huitong import customers, lending
from huitong.kernel.errors import InvalidField
from huitong.lending import lines

DRAWING = lines.Drawing(
    amount=6_000_00, count=3, method=lending.Method.LEVEL_PAYMENT, use="household"
)


def new_line(bank: Bank, customer: customers.Customer, **changes: Any) -> lines.NewLine:
    new = lines.NewLine(
        customer_id=customer.id,
        product="cash",
        borrower_account_id=customer.account_id,
        amount=10_000_00,
        currency="CNY",
        rate=120_000,
        grade=None,
        ends_on=bank.today + timedelta(days=365),
    )
    return replace(new, **changes)


async def open_line(bank: Bank, **changes: Any) -> lines.Line:
    await bank.add_product(line_years=1)
    customer = await bank.add_borrower(money=50_000_00)
    line: lines.Line = await bank.run(
        lines.open_line,
        new_line(bank, customer, **changes),
        line_id=new_id(bank.now),
        rulebook=RULES,
    )
    return line


async def read(bank: Bank, line: lines.Line, drawing: lines.Drawing = DRAWING) -> bytes:
    """Read what a drawing costs for as long as one must, and return the statement's digest."""
    statement, _ = await bank.run(lines.show_drawing_statement, line.id, drawing)
    bank.now += timedelta(seconds=10)
    digest: bytes = statement.digest
    return digest


async def draw(
    bank: Bank, line: lines.Line, drawing: lines.Drawing, digest: bytes, **named: Any
) -> lending.Loan:
    values = {"drawing_id": new_id(bank.now), "rulebook": RULES} | named
    loan: lending.Loan = await bank.run(lines.draw, line.id, drawing, digest=digest, **values)
    return loan


async def test_what_is_repaid_may_be_drawn_again(bank: Bank) -> None:
    line = await open_line(bank)
    digest = await read(bank, line)
    first = await draw(bank, line, DRAWING, digest)
    assert await bank.read(lines.get_used, line) == 6_000_00
    with pytest.raises(lines.LineExceeded) as caught:
        await draw(bank, line, DRAWING, digest)
    assert caught.value.context["available"] == {"amount": "4000.00", "currency": "CNY"}
    assert await bank.read(lines.list_drawings, line) == [first.id]
    await bank.close(10)
    quote = await bank.read(lending.quote_payoff, first.id, on=bank.today, now=bank.now)
    await bank.run(
        lending.pay_off, first.id, repayment_id=new_id(bank.now), amount=cny(quote.total)
    )
    digest = await read(bank, line)
    second = await draw(bank, line, DRAWING, digest)
    assert await bank.read(lines.list_drawings, line) == [first.id, second.id]
    await bank.check_ties()


async def test_drawings_at_once_never_go_beyond_the_line(bank: Bank) -> None:
    line = await open_line(bank)
    small = replace(DRAWING, amount=3_000_00)
    digest = await read(bank, line, small)
    ids = [new_id(bank.now) for _ in range(5)]
    outcomes = await asyncio.gather(
        *(draw(bank, line, small, digest, drawing_id=each) for each in [*ids, ids[0]]),
        return_exceptions=True,
    )
    lent = {each.id for each in outcomes if isinstance(each, lending.Loan)}
    refused = [each for each in outcomes if not isinstance(each, lending.Loan)]
    assert len(lent) == 3
    assert all(isinstance(each, lines.LineExceeded) for each in refused)
    assert await bank.read(lines.get_used, line) == 9_000_00
    await bank.check_ties()


async def test_lines_are_in_the_copy_of_a_persons_data(bank: Bank) -> None:
    line = await open_line(bank)
    exported = await bank.read(lending.LendingData(bank.vault).export, line.customer_id)
    (found,) = exported["lines"]
    assert (found["product"], found["amount"]["amount"]) == ("cash", "10000.00")


async def test_the_same_drawing_twice_is_one_loan(bank: Bank) -> None:
    line = await open_line(bank)
    digest, drawing_id = await read(bank, line), new_id(bank.now)
    loan = await draw(bank, line, DRAWING, digest, drawing_id=drawing_id)
    assert await draw(bank, line, DRAWING, digest, drawing_id=drawing_id) == loan
    other = replace(DRAWING, count=2)
    with pytest.raises(lending.LoanIdReused):
        await draw(bank, line, other, digest, drawing_id=drawing_id)
    assert await bank.read(lines.get_used, line) == 6_000_00


async def test_nothing_is_drawn_before_its_cost_was_read(bank: Bank) -> None:
    line = await open_line(bank)
    refused = lending.applications.StatementNotRead
    with pytest.raises(refused):
        await draw(bank, line, DRAWING, b"\0" * 32)
    statement, _ = await bank.run(lines.show_drawing_statement, line.id, DRAWING)
    bank.now += timedelta(seconds=4)
    with pytest.raises(refused, match="6 seconds"):
        await draw(bank, line, DRAWING, statement.digest)
    bank.now += timedelta(seconds=6)
    with pytest.raises(refused):
        await draw(bank, line, replace(DRAWING, count=4), statement.digest)
    assert await bank.read(lines.get_used, line) == 0
    await draw(bank, line, DRAWING, statement.digest)


async def test_a_line_that_is_closed_or_has_ended_is_not_drawn_on(bank: Bank) -> None:
    line = await open_line(bank, ends_on=bank.today + timedelta(days=1))
    digest = await read(bank, line)
    bank.now += timedelta(days=1)
    with pytest.raises(lines.LineClosed):
        await draw(bank, line, DRAWING, digest)
    bank.now -= timedelta(days=1)
    async with bank.database.unit_of_work() as uow:
        closed = await lines.close_line(uow, line.id)
    assert closed.state is lines.LineState.CLOSED
    with pytest.raises(lines.LineClosed):
        await bank.run(lines.show_drawing_statement, line.id, DRAWING)
    async with bank.database.unit_of_work() as uow:
        assert await lines.close_line(uow, line.id) == closed
    with pytest.raises(lines.LineNotFound):
        await bank.read(lines.get_line, new_id())


async def test_lines_outside_product_and_rulebook_are_refused_by_field(bank: Bank) -> None:
    await bank.add_product(line_years=1)
    await bank.add_product("plain")
    await bank.add_product(
        "floating", line_years=1, rate_kind=lending.RateKind.LPR_1Y, rate_min=0, rate_max=150_000
    )
    customer, other = await bank.add_borrower(), await bank.add_borrower()
    await bank.run(
        lines.open_line,
        new_line(bank, customer, amount=150_000_00),
        line_id=new_id(),
        rulebook=RULES,
    )
    for new, refusal, field in (
        (new_line(bank, customer, currency="USD"), InvalidField, "amount.currency"),
        (new_line(bank, customer, product="plain"), lines.LineRefused, "product"),
        (new_line(bank, customer, product="floating"), lines.LineRefused, "product"),
        (new_line(bank, customer, amount=200_000_01), lines.LineRefused, "amount"),
        (new_line(bank, customer, amount=50_000_01), lines.LineRefused, "amount"),
        (new_line(bank, customer, ends_on=bank.today), lines.LineRefused, "ends_on"),
        (
            new_line(bank, customer, ends_on=bank.today + timedelta(days=366)),
            lines.LineRefused,
            "ends_on",
        ),
        (new_line(bank, customer, rate=180_001), lending.LoanTermsRefused, "rate"),
        (
            new_line(bank, customer, borrower_account_id=other.account_id),
            InvalidField,
            "borrower_account",
        ),
    ):
        with pytest.raises(refusal) as caught:
            await bank.run(lines.check_line, new, rulebook=RULES)
        assert caught.value.field == field
    assert len(await bank.read(lines.list_lines, customer.id)) == 1


def test_a_line_comes_back_from_its_approval_as_it_was(bank: Bank) -> None:
    new = lines.NewLine(
        customer_id=new_id(),
        product="cash",
        borrower_account_id=7,
        amount=1,
        currency="CNY",
        rate=2,
        grade="A",
        ends_on=bank.today,
    )
    assert lines.read_line(lines.write_line(new)) == new
