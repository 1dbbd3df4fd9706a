"""`huitong ledger`: what a person sees, and the exit code that a script goes by."""

import asyncio

import pytest
from typer.testing import CliRunner

from huitong.cli import app
from huitong.ledger.codes import TransferCode
from huitong.ledger.numbers import show_account


@pytest.fixture
def run(books, monkeypatch):
    """Run `huitong ledger …` on the books' database and return exit code and output."""
    monkeypatch.setenv("HUITONG_DATABASE_URL", books.owner_url)
    monkeypatch.delenv("HUITONG_DATABASE_APP_URL", raising=False)
    # Wide enough that no table is broken into lines.
    monkeypatch.setenv("COLUMNS", "200")

    async def run(*arguments: str) -> tuple[int, str]:
        # The command has an event loop of its own, so it needs a thread of its own.
        result = await asyncio.to_thread(CliRunner().invoke, app, ["ledger", *arguments])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code, result.output

    return run


async def test_verify_ends_well_on_sound_books(books, run):
    cash, customer = await books.open_pair()
    await books.move(cash, customer, 1_000)
    await books.project()

    code, output = await run("verify")

    assert code == 0
    assert "✓ Balances are the sums of the journal" in output
    assert "The ledger is right: all 66 invariants hold over 1 transfers, 2 accounts" in output


async def test_verify_ends_with_one_and_names_the_account_on_a_difference(books, run):
    cash, customer = await books.open_pair()
    await books.move(cash, customer, 1_000)
    await books.tamper(
        "UPDATE ledger.balances SET credits_posted = 1001 WHERE account_id = $1", customer.id
    )

    code, output = await run("verify")

    assert code == 1
    assert "✗ Balances are the sums of the journal: 1 differences" in output
    assert show_account(customer.id) in output
    assert "debits 0 + 0 pending, credits 1001 + 0 pending" in output
    assert "2 of 66 invariants do not hold" in output


async def test_trial_balance_shows_both_sides_in_each_currency(books, run):
    cash, customer = await books.open_pair()
    await books.move(cash, customer, 123_456_700)

    code, output = await run("trial-balance")

    assert code == 0
    assert "Trial balance, CNY" in output
    assert "1,234,567.00 Dr" in output
    assert "客户余额—个人" in output


async def test_trial_balance_ends_with_one_if_it_does_not_tie(books, run):
    cash, customer = await books.open_pair()
    await books.move(cash, customer, 1_000)
    await books.tamper(
        "UPDATE ledger.balances SET credits_posted = 1001 WHERE account_id = $1", customer.id
    )
    code, output = await run("trial-balance")
    assert code == 1
    assert "do not tie" in output


async def test_statement_shows_a_page_and_the_way_on(books, run):
    cash, customer = await books.open_pair()
    for amount in (100, 200, 300):
        await books.move(cash, customer, amount, code=TransferCode.TOP_UP)

    code, output = await run("statement", show_account(customer.id), "--limit", "2")

    assert code == 0
    assert "充值 Top-up" in output
    assert "6.00" in output
    assert "More with --cursor 2" in output
    code, output = await run("statement", show_account(customer.id), "--cursor", "2")
    assert code == 0
    assert "More with" not in output


async def test_accounts_shows_what_each_one_holds(books, run):
    cash, customer = await books.open_pair()
    await books.move(cash, customer, 1_000)
    await books.hold(customer, cash, 250)

    code, output = await run("accounts", "--chart", "2011.01")

    assert code == 0
    assert show_account(customer.id) in output
    assert "10.00 CNY" in output
    assert "7.50 CNY" in output
    assert show_account(cash.id) not in output
