"""Rebuild and compare: silent on a sound ledger, and not on one that somebody tampered with."""

from datetime import UTC, date, datetime, timedelta

import pytest

from huitong.ledger.invariants import INVARIANTS
from huitong.ledger.snapshots import close_day
from huitong.ledger.types import AccountState, TransferKind
from huitong.ledger.verify import VerifyReport, verify_ledger

MONDAY, TUESDAY = date(2026, 3, 2), date(2026, 3, 3)
LATER = datetime(2026, 3, 9, tzinfo=UTC)

# Pieces that pick one row of a kind out of the played ledger.
CUSTOMER = "(SELECT min(id) FROM ledger.accounts WHERE chart_code = '2011.01')"
A_POSTED = "(SELECT id FROM ledger.transfers WHERE kind = 0 ORDER BY sequence LIMIT 1)"
A_PENDING = "(SELECT id FROM ledger.transfers WHERE kind = 1 ORDER BY sequence LIMIT 1)"
A_CAPTURE = "(SELECT id FROM ledger.transfers WHERE kind = 2 ORDER BY sequence LIMIT 1)"
A_VOID = "(SELECT id FROM ledger.transfers WHERE kind = 3 ORDER BY sequence LIMIT 1)"

FREE_BALANCES = (
    "ALTER TABLE ledger.balances DROP CONSTRAINT balances_within_limits,"
    " DROP CONSTRAINT balances_closed_is_empty, DROP CONSTRAINT balances_not_negative;"
)
FREE_TRANSFERS = "ALTER TABLE ledger.transfers DROP CONSTRAINT transfers_sound;"


async def play(books) -> None:
    """A ledger with something of everything, part of it not projected yet."""
    cash, customer = await books.open_pair()
    (other,) = await books.open()
    (fees,) = await books.open(chart_code="6021.01")
    dollars, traveller = await books.open_pair("USD")
    await books.post(
        books.transfer(cash, customer, 10_000),
        books.transfer(customer, other, 500),
        books.transfer(customer, fees, 5),
        linked=True,
    )
    await books.move(dollars, traveller, 70)
    await books.hold(customer, other, 40)
    captured = await books.hold(customer, other, 300)
    voided = await books.hold(customer, other, 200)
    soon = datetime.now(UTC) + timedelta(minutes=5)
    expired = await books.hold(customer, other, 100, expires_at=soon)
    await books.resolve(captured, TransferKind.POST_PENDING, 250)
    await books.resolve(voided, TransferKind.VOID_PENDING)
    expiry = books.transfer(None, None, None, kind=TransferKind.EXPIRE_PENDING, pending_id=expired)
    await books.post(expiry, now=soon + timedelta(seconds=1))
    await books.project()
    await books.database.run(lambda uow: close_day(uow, MONDAY, now=LATER))
    await books.move(customer, cash, 1, effective_on=MONDAY)
    await books.move(customer, cash, 2, effective_on=TUESDAY)
    await books.project()
    await books.database.run(lambda uow: close_day(uow, TUESDAY, now=LATER))
    await books.move(cash, other, 9, effective_on=date(2026, 3, 20))


async def verify(books) -> VerifyReport:
    return await verify_ledger(books.database)


async def test_finds_nothing_in_an_empty_ledger(books):
    report = await verify(books)
    assert report.is_clean
    assert (report.transfers, report.accounts, report.lines) == (0, 0, 0)


async def test_finds_nothing_in_a_sound_ledger_and_says_what_it_checked(books):
    await play(books)
    seen = []

    report = await verify_ledger(books.database, progress=seen.append)

    assert report.findings == ()
    assert (report.transfers, report.accounts, report.lines) == (14, 6, 14)
    names = (*(invariant.name for invariant in INVARIANTS), "log")
    assert report.checked == names
    assert [step.invariant for step in seen if step.is_done] == list(names)
    assert [(step.number, step.total, step.is_done) for step in seen[:2]] == [
        (1, len(names), False),
        (1, len(names), True),
    ]


async def test_changes_nothing_and_minds_nobody_beside_it(books):
    await play(books)
    cash, customer = await books.open_pair()

    def post_between(step):
        assert step.finding is None

    async with books.database.unit_of_work() as uow:
        await books.post_within(uow, books.transfer(cash, customer, 3))
        report = await verify_ledger(books.database, progress=post_between)
    assert report.is_clean
    assert (await verify(books)).transfers == 15


TAMPERINGS = [
    ("accounts", f"DELETE FROM ledger.balances WHERE account_id = {CUSTOMER}"),
    ("accounts", f"UPDATE ledger.balances SET currency = 'USD' WHERE account_id = {CUSTOMER}"),
    ("accounts", f"UPDATE ledger.accounts SET closed_at = now() WHERE id = {CUSTOMER}"),
    (
        "check_digits",
        (
            "ALTER TABLE ledger.accounts DROP CONSTRAINT accounts_id_check;"
            f"UPDATE ledger.accounts SET id = id + 1 WHERE id = {CUSTOMER}"
        ),
    ),
    ("chart", "DELETE FROM ledger.chart WHERE code = '6021.01'"),
    (
        "limits",
        (
            f"{FREE_BALANCES} UPDATE ledger.balances SET debits_posted = credits_posted + 1"
            f" WHERE account_id = {CUSTOMER}"
        ),
    ),
    (
        "limits",
        f"{FREE_BALANCES} UPDATE ledger.balances SET balance_max = 1 WHERE account_id = {CUSTOMER}",
    ),
    (
        "limits",
        (
            f"{FREE_BALANCES} UPDATE ledger.balances SET state = {int(AccountState.CLOSED)}"
            f" WHERE account_id = {CUSTOMER}"
        ),
    ),
    (
        "trial_balance",
        (
            "UPDATE ledger.balances SET credits_posted = credits_posted + 1"
            f" WHERE account_id = {CUSTOMER}"
        ),
    ),
    (
        "transfers",
        f"{FREE_TRANSFERS} UPDATE ledger.transfers SET amount = 0 WHERE id = {A_POSTED}",
    ),
    ("transfers", f"UPDATE ledger.transfers SET sequence = 1 << 30 WHERE id = {A_POSTED}"),
    (
        "sequences",
        (
            "UPDATE ledger.transfers SET sequence = (SELECT max(sequence) FROM ledger.transfers)"
            f" WHERE id = {A_POSTED}"
        ),
    ),
    (
        "entries",
        f"UPDATE ledger.transfers SET sequence = sequence + (7 << 16) WHERE id = {A_POSTED}",
    ),
    (
        "journal_accounts",
        f"UPDATE ledger.transfers SET debit_account_id = 97001 WHERE id = {A_POSTED}",
    ),
    ("journal_accounts", f"UPDATE ledger.transfers SET currency = 'USD' WHERE id = {A_POSTED}"),
    (
        "balances",
        (
            "UPDATE ledger.balances SET credits_posted = credits_posted + 1,"
            f" debits_posted = debits_posted + 1 WHERE account_id = {CUSTOMER}"
        ),
    ),
    (
        "balances",
        (
            "UPDATE ledger.balances SET debits_pending = debits_pending + 1"
            f" WHERE account_id = {CUSTOMER}"
        ),
    ),
    ("balances", f"UPDATE ledger.transfers SET amount = amount + 1 WHERE id = {A_POSTED}"),
    ("balances", f"DELETE FROM ledger.transfers WHERE id = {A_POSTED}"),
    ("balances", f"DELETE FROM ledger.transfers WHERE id = {A_VOID}"),
    ("holds", f"DELETE FROM ledger.holds WHERE id = {A_PENDING}"),
    ("holds", f"UPDATE ledger.holds SET amount = amount + 1 WHERE id = {A_PENDING}"),
    (
        "holds",
        f"UPDATE ledger.holds SET state = 2, resolved_by = {A_VOID} WHERE id = {A_PENDING}",
    ),
    ("holds", "UPDATE ledger.holds SET posted_amount = posted_amount + 1 WHERE state = 1"),
    ("holds", "UPDATE ledger.holds SET state = 3 WHERE state = 2"),
    (
        "holds",
        f"UPDATE ledger.holds SET resolved_by = {A_POSTED} WHERE state = 1",
    ),
    ("resolutions", f"UPDATE ledger.transfers SET amount = 301 WHERE id = {A_CAPTURE}"),
    ("resolutions", f"UPDATE ledger.transfers SET pending_id = {A_POSTED} WHERE id = {A_CAPTURE}"),
    (
        "resolutions",
        (
            "UPDATE ledger.transfers SET credit_account_id = debit_account_id,"
            f" debit_account_id = credit_account_id WHERE id = {A_VOID}"
        ),
    ),
    ("resolutions", f"UPDATE ledger.transfers SET sequence = 65537 WHERE id = {A_VOID}"),
    (
        "resolved_once",
        (
            "UPDATE ledger.transfers SET pending_id ="
            f" (SELECT pending_id FROM ledger.transfers WHERE id = {A_CAPTURE}) WHERE id = {A_VOID}"
        ),
    ),
    ("lines", "UPDATE ledger.lines SET balance_after = balance_after + 1 WHERE line = 2"),
    ("lines", "UPDATE ledger.lines SET amount = amount + 1 WHERE line = 2"),
    ("lines", "UPDATE ledger.lines SET side = -side WHERE line = 2"),
    ("lines", "UPDATE ledger.lines SET code = code + 1 WHERE line = 2"),
    ("lines", "UPDATE ledger.lines SET other_id = account_id WHERE line = 2"),
    ("lines", "UPDATE ledger.lines SET effective_on = effective_on + 1 WHERE line = 2"),
    (
        "lines",
        "UPDATE ledger.lines SET recorded_at = recorded_at + interval '1 us' WHERE line = 2",
    ),
    ("lines", "UPDATE ledger.lines SET transfer_id = gen_random_uuid() WHERE line = 2"),
    ("lines", f"UPDATE ledger.lines SET line = 1000 WHERE line = 1 AND account_id = {CUSTOMER}"),
    ("lines", f"DELETE FROM ledger.lines WHERE line = 1 AND account_id = {CUSTOMER}"),
    (
        "lines",
        (
            "INSERT INTO ledger.lines SELECT account_id, line + 1000, transfer_id, side, amount,"
            " balance_after, other_id, code, effective_on, recorded_at FROM ledger.lines"
            f" WHERE line = 1 AND account_id = {CUSTOMER}"
        ),
    ),
    (
        "lines_complete",
        (
            "DELETE FROM ledger.lines l USING ledger.line_heads h"
            f" WHERE (l.account_id, l.line) = (h.account_id, h.line) AND l.account_id = {CUSTOMER}"
        ),
    ),
    ("lines_complete", "UPDATE ledger.projection SET sequence = 1 << 30"),
    ("line_heads", f"UPDATE ledger.line_heads SET line = 99 WHERE account_id = {CUSTOMER}"),
    ("line_heads", f"UPDATE ledger.line_heads SET balance = 99 WHERE account_id = {CUSTOMER}"),
    ("line_heads", f"DELETE FROM ledger.line_heads WHERE account_id = {CUSTOMER}"),
    ("never_overdrawn", "UPDATE ledger.lines SET balance_after = -1 WHERE line = 1"),
    ("movements", "UPDATE ledger.movements SET debits = debits + 1"),
    ("movements", "UPDATE ledger.movements SET lines = lines + 1"),
    ("movements", f"DELETE FROM ledger.movements WHERE account_id = {CUSTOMER}"),
    ("snapshots", "UPDATE ledger.snapshots SET debits = debits + 1 WHERE on_day = '2026-03-02'"),
    ("snapshots", "UPDATE ledger.snapshots SET credits = credits + 1 WHERE on_day = '2026-03-03'"),
    ("snapshots", "DELETE FROM ledger.snapshots WHERE on_day = '2026-03-02'"),
    (
        "snapshots",
        f"DELETE FROM ledger.snapshots WHERE on_day = '2026-03-03' AND account_id = {CUSTOMER}",
    ),
    (
        "snapshots",
        f"INSERT INTO ledger.snapshots VALUES ('2026-03-04', {CUSTOMER}, 0, 0)",
    ),
    ("snapshots", "UPDATE ledger.closed_days SET sequence = 0 WHERE on_day = '2026-03-03'"),
]


@pytest.mark.parametrize(
    ("invariant", "statement"),
    TAMPERINGS,
    ids=[f"{number}-{name}" for number, (name, _) in enumerate(TAMPERINGS)],
)
async def test_finds_what_was_tampered_with(books, invariant, statement):
    await play(books)
    await books.tamper(statement)

    report = await verify(books)

    found = {finding.invariant: finding for finding in report.findings}
    assert invariant in found, sorted(found)
    finding = found[invariant]
    assert finding.count >= len(finding.examples) >= 1
    assert finding.examples[0].subject
    assert finding.examples[0].expected != finding.examples[0].found


def test_every_invariant_is_put_to_the_proof():
    assert {name for name, _ in TAMPERINGS} == {invariant.name for invariant in INVARIANTS}


async def test_counts_all_differences_and_shows_a_few(books):
    accounts = await books.open(9)
    await books.tamper("UPDATE ledger.balances SET credits_posted = 5")

    (trial_balance, balances) = (await verify(books)).findings

    assert (balances.invariant, balances.count, len(balances.examples)) == ("balances", 9, 5)
    assert (trial_balance.invariant, trial_balance.count) == ("trial_balance", 1)
    (first, *_) = sorted(balances.examples, key=lambda example: example.subject)
    assert first.subject in {f"acct_{account.id}" for account in accounts}
    assert first.expected == "debits 0 + 0 pending, credits 0 + 0 pending"
    assert first.found == "debits 0 + 0 pending, credits 5 + 0 pending"
