"""A file from submission to the last yuan: two people, exactly once, whatever is killed."""

import asyncio
import uuid
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy.exc import DBAPIError
from tests.payments.bulk.office import ALL, LINES, Office

from huitong import ledger, payments, risk
from huitong.kernel import limits
from huitong.kernel.clock import SystemClock
from huitong.kernel.ids import BULK_FILE, show_id
from huitong.kernel.money import Money
from huitong.kernel.settings import Settings
from huitong.ledger import AccountState, show_account
from huitong.payments import bulk
from huitong.payments.bulk import store
from huitong.wiring.bulk_paying import make_bulk_decider, make_bulk_loop


async def _verify(office: Office) -> list[str]:
    report = await ledger.verify_ledger(office.town.database, more=bulk.INVARIANTS)
    return [finding.invariant for finding in report.findings]


async def test_a_payroll_is_submitted_approved_and_paid(office: Office) -> None:
    file = await office.submit(office.write(*LINES))
    assert (file.state, file.total.format()) == (bulk.FileState.SUBMITTED, "150.00")
    assert await office.funds() == "1000.00"
    await office.approve(file)
    # Reserved as a whole, and nobody has it yet.
    assert await office.funds() == "850.00"
    assert await office.balances() == ["0.00"] * 5
    await office.step()
    await office.step()
    under_way = await office.get(file)
    assert (under_way.state, under_way.paid_count, under_way.paid.format()) == (
        bulk.FileState.PAYING,
        2,
        "30.00",
    )
    await office.pay_all()
    done = await office.get(file)
    assert (done.state, done.paid.format(), done.failed_count) == (
        bulk.FileState.DONE,
        "150.00",
        0,
    )
    assert await office.balances() == ALL
    assert (await office.funds(), await office.transit()) == ("850.00", "0.00")


async def test_verifying_knows_what_is_in_transit_at_each_step(
    office: Office, owner_url: str
) -> None:
    await office.approve(await office.submit(office.write(*LINES)))
    await office.freeze(office.staff[1].account_id, AccountState.FROZEN)
    assert await _verify(office) == []
    while await office.step():
        assert await _verify(office) == []
    assert await _verify(office) == []
    connection = await asyncpg.connect(owner_url)
    await connection.execute(
        "UPDATE ledger.balances b SET credits_posted = credits_posted + 1 FROM ledger.accounts a "
        "WHERE a.id = b.account_id AND a.system_key = 'payments.bulk.CNY'"
    )
    assert "bulk_transit_is_what_is_due" in await _verify(office)
    await connection.execute(
        "UPDATE ledger.balances b SET credits_posted = credits_posted - 1 FROM ledger.accounts a "
        "WHERE a.id = b.account_id AND a.system_key = 'payments.bulk.CNY'"
    )
    await connection.close()


async def test_bad_payees_are_told_and_nothing_is_paid(office: Office) -> None:
    await office.freeze(office.staff[0].account_id, AccountState.FROZEN)
    await office.freeze(office.staff[1].account_id, AccountState.CLOSED)
    unknown = show_account(ledger.make_account_number(9_999_999_999))
    content = office.write((0, "10.00"), (1, "20.00"), (2, "30.00"), (3, "40.00")).decode()
    content = content.replace("员工2", "员工3")
    content = content.replace(show_account(office.staff[3].account_id), unknown)
    file = await office.submit(content.encode())
    assert file.state is bulk.FileState.INVALID
    page = await office.town.read(bulk.list_problems, file, limit=3)
    assert [(each.number, each.code.value) for each in page.items] == [
        (1, "account_frozen"),
        (2, "account_closed"),
        (3, "name_differs"),
    ]
    last = await office.town.read(bulk.list_problems, file, limit=3, cursor=page.next_cursor)
    assert [each.code.value for each in last.items] == ["account_unknown"]
    assert last.next_cursor is None
    assert "3,name,name_differs,户名不符" in bulk.write_problems(page.items)
    with pytest.raises(bulk.BulkFileNotWaiting):
        await office.approve(file)
    assert not await office.step()
    assert await office.funds() == "1000.00"


async def test_the_same_bytes_are_refused_with_the_first_ones_id(office: Office) -> None:
    content = office.write((0, "10.00"))
    first = await office.submit(content)
    with pytest.raises(bulk.BulkFileRepeated) as refused:
        await office.submit(content)
    assert refused.value.context["first"] == show_id(BULK_FILE, first.id)
    again = await office.submit(content, repeat_reason="二次发放奖金")
    for file in (first, again):
        await office.approve(file)
    await office.pay_all()
    assert (await office.balances())[0] == "20.00"


async def test_the_same_bytes_at_the_same_moment_are_one_file(office: Office) -> None:
    content = office.write((0, "10.00"))
    found = await asyncio.gather(
        *(office.submit(content) for _ in range(4)), return_exceptions=True
    )
    assert sum(isinstance(each, bulk.BulkFile) for each in found) == 1
    assert sum(isinstance(each, bulk.BulkFileRepeated) for each in found) == 3


async def test_what_was_refused_may_come_again_when_it_is_right(office: Office) -> None:
    content = office.write((0, "10.00"))
    await office.freeze(office.staff[0].account_id, AccountState.FROZEN)
    assert (await office.submit(content)).state is bulk.FileState.INVALID
    await office.freeze(office.staff[0].account_id, AccountState.OPEN)
    assert (await office.submit(content)).state is bulk.FileState.SUBMITTED


async def test_only_the_right_people_act_and_only_up_to_their_limit(office: Office) -> None:
    content = office.write((0, "10.00"))
    for nobody in (office.checker, office.staff[0]):
        with pytest.raises(bulk.BulkNotAllowed):
            await office.submit(content, submitted_by=nobody.id)
    with pytest.raises(bulk.BulkNotAllowed) as refused:
        await office.submit(office.write((0, "800.01")))
    assert refused.value.field == "total"
    file = await office.submit(content)
    with pytest.raises(bulk.BulkNotAllowed):
        await office.approve(file, approved_by=office.maker.id)
    with pytest.raises(bulk.BulkFileNotFound):
        await office.approve(file, approved_by=office.staff[0].id)
    with pytest.raises(bulk.BulkFileNotFound):
        await office.town.read(bulk.get_bulk_file, file.id, customer_id=office.staff[0].id)
    ended = {"customer_id": office.checker.id, "role": bulk.Role.APPROVER}
    await office.town.run(bulk.end_business_user, merchant_id=office.merchant.id, **ended)
    with pytest.raises(bulk.BulkFileNotFound):
        await office.approve(file)


async def test_who_has_both_roles_does_not_approve_what_is_their_own(office: Office) -> None:
    user = bulk.BusinessUser(
        merchant_id=office.merchant.id,
        customer_id=office.maker.id,
        role=bulk.Role.APPROVER,
        amount_max=Money.parse("800.00", "CNY"),
    )
    await office.town.database.run(lambda uow: bulk.name_business_user(uow, user, now=office.now))
    file = await office.submit(office.write((0, "10.00")))
    with pytest.raises(bulk.BulkNotAllowed):
        await office.approve(file, approved_by=office.maker.id)


async def test_other_bytes_than_those_that_were_seen_are_not_approved(office: Office) -> None:
    file = await office.submit(office.write((0, "10.00")))
    with pytest.raises(bulk.BulkFileChanged):
        await office.approve(file, digest=bulk.identify(office.write((0, "10.01"))))
    assert await office.funds() == "1000.00"


async def test_lines_changed_after_approval_are_not_paid(office: Office, owner_url: str) -> None:
    file = await office.approve(await office.submit(office.write(*LINES)))
    connection = await asyncpg.connect(owner_url)
    await connection.execute(
        "UPDATE payments.bulk_lines SET account_id = $1 WHERE number = 1",
        office.staff[1].account_id,
    )
    await connection.close()
    await office.pay_all()
    stopped = await office.get(file)
    assert (stopped.state, stopped.stop_reason) == (bulk.FileState.STOPPED, "content_changed")
    assert (await office.funds(), await office.balances()) == ("1000.00", ["0.00"] * 5)


async def test_the_application_may_not_change_what_a_line_pays(office: Office) -> None:
    await office.submit(office.write((0, "10.00")))
    with pytest.raises(Exception, match="permission denied"):
        await office.town.database.run(
            lambda uow: uow.execute("UPDATE payments.bulk_lines SET amount = 1")
        )


async def test_a_file_that_the_money_is_not_enough_for_is_not_approved(office: Office) -> None:
    first = await office.submit(office.write((0, "600.00")))
    second = await office.submit(office.write((1, "600.00")))
    await office.approve(first)
    with pytest.raises(payments.errors.InsufficientFunds):
        await office.approve(second)
    assert (await office.get(second)).state is bulk.FileState.SUBMITTED


async def test_a_rejected_file_is_never_paid_and_may_be_submitted_anew(office: Office) -> None:
    file = await office.submit(office.write((0, "10.00")))
    values = {"file_id": file.id, "rejected_by": office.checker.id, "digest": file.digest}
    rejected = await office.town.run(bulk.reject_bulk_file, **values)
    assert rejected.state is bulk.FileState.REJECTED
    with pytest.raises(bulk.BulkFileNotWaiting):
        await office.approve(file)
    assert (await office.submit(office.write((0, "10.00")))).state is bulk.FileState.SUBMITTED


@pytest.mark.parametrize("state", [AccountState.FROZEN, AccountState.CLOSED])
async def test_lines_that_fail_at_posting_are_told_and_given_back(
    office: Office, state: AccountState
) -> None:
    file = await office.approve(await office.submit(office.write(*LINES)))
    await office.freeze(office.staff[1].account_id, state)
    await office.pay_all()
    done = await office.get(file)
    assert (done.paid_count, done.failed_count, done.failed.format()) == (4, 1, "20.00")
    page = await office.town.read(bulk.list_failed_lines, done)
    assert [(each.number, each.reason) for each in page.items] == [
        (2, f"account_{state.name.lower()}")
    ]
    assert (await office.funds(), await office.transit()) == ("870.00", "0.00")


async def test_a_payer_who_is_frozen_meanwhile_finds_the_rest_kept_apart(office: Office) -> None:
    await office.approve(await office.submit(office.write(*LINES)))
    await office.step()
    await office.freeze(office.staff[1].account_id, AccountState.FROZEN)
    await office.freeze(office.merchant.account_id, AccountState.FROZEN)
    await office.pay_all()
    assert (await office.town.own("unattributed"), await office.transit()) == ("20.00", "0.00")


async def test_a_payer_frozen_before_the_money_is_taken_pays_nothing(office: Office) -> None:
    file = await office.approve(await office.submit(office.write(*LINES)))
    await office.freeze(office.merchant.account_id, AccountState.FROZEN)
    await office.pay_all()
    stopped = await office.get(file)
    assert (stopped.state, stopped.stop_reason) == (bulk.FileState.STOPPED, "funds_not_taken")
    await office.freeze(office.merchant.account_id, AccountState.OPEN)
    assert (await office.funds(), await office.balances()) == ("1000.00", ["0.00"] * 5)


async def test_many_workers_at_once_pay_each_line_once(office: Office) -> None:
    files = [
        await office.approve(await office.submit(office.write((at, "10.00"), (4, "1.00"))))
        for at in range(3)
    ]

    async def work() -> None:
        payer = office.new_payer(batch_lines=1)
        for _ in range(8):
            await payer.step(None, office.now)

    await asyncio.gather(*(work() for _ in range(4)))
    await office.pay_all()
    assert await office.balances() == ["10.00", "10.00", "10.00", "0.00", "3.00"]
    assert [(await office.get(file)).state for file in files] == [bulk.FileState.DONE] * 3


async def test_risk_decides_about_each_line_and_counts_what_is_paid(office: Office) -> None:
    await office.town.run(risk.install_start_model)
    decider, caches = make_bulk_decider(office.town.database, SystemClock())
    for cache in caches:
        await cache.learn_news()
    file = await office.approve(await office.submit(office.write(*LINES)))
    assert file.pay_id is not None
    await office.pay_all(decider)
    ids = [payments.derive_id(file.pay_id, number) for number in range(1, 6)]
    for line_id in ids:
        decision = await office.town.read(risk.get_decision, line_id)
        assert decision.action is risk.Action.ALLOW
        # Models know people, and scores of files would look to them like drift.
        assert decision.scoring is None
    assert await office.balances() == ALL


async def test_two_workers_make_the_same_lines_ready_and_pay_them_once(office: Office) -> None:
    decider, caches = make_bulk_decider(office.town.database, SystemClock())
    for cache in caches:
        await cache.learn_news()
    file = await office.approve(await office.submit(office.write(*LINES)))
    workers = [office.new_payer(), office.new_payer()]
    for _ in range(6):
        # Each has made ready what the other one pays now.
        for worker in workers:
            await worker.step(decider, office.now)
    done = await office.get(file)
    assert (done.state, done.paid_count) == (bulk.FileState.DONE, len(LINES))
    assert await office.balances() == ALL


async def test_what_was_made_ready_too_long_ago_is_assessed_again(office: Office) -> None:
    await office.town.run(risk.install_start_model)
    decider, caches = make_bulk_decider(office.town.database, SystemClock())
    file = await office.approve(await office.submit(office.write(*LINES)))
    assert file.pay_id is not None
    for _ in range(2):
        await office.step(decider)
    office.now += timedelta(seconds=limits.BULK_AHEAD_SECONDS_MAX + 1)
    for cache in caches:
        await cache.learn_news()
    await office.pay_all(decider)
    decided = [
        (await office.town.read(risk.get_decision, payments.derive_id(file.pay_id, number)))
        for number in (1, 2, 3)
    ]
    # Nobody had read the rules when lines three and four were made ready.
    assert [each.fallback for each in decided] == [risk.Fallback.NO_RULES] * 2 + [None]
    assert await office.balances() == ALL


async def test_notes_are_kept_as_they_were_written(office: Office) -> None:
    notes = ["", '"', '""', "a,b", "it's \\N", "工资\\n", "\\."]
    content = office.write(*[(0, "1.00")] * len(notes)).decode().splitlines()
    quoted = [note.replace('"', '""') for note in notes]
    lines = [f'{line}"{note}"' for line, note in zip(content[2:], quoted, strict=True)]
    file = await office.submit("\n".join([*content[:2], *lines]).encode())
    stored = await office.town.read(store.list_lines, file, 1, 10)
    assert [line.note for line in stored] == notes
    assert file.state is bulk.FileState.SUBMITTED


async def test_an_id_that_is_used_already_is_refused(office: Office) -> None:
    file = await office.submit(office.write((0, "10.00")))
    with pytest.raises(bulk.BulkFileRepeated):
        await office.submit(office.write((0, "11.00")), file_id=file.id)
    with pytest.raises(bulk.BulkFileNotFound):
        await office.approve(file, file_id=uuid.uuid4())


async def test_who_waited_too_long_gets_the_money_back(office: Office) -> None:
    # Identifiers are accepted for seven days; a worker that was away longer pays no line.
    file = await office.approve(await office.submit(office.write((0, "10.00"))))
    office.now += timedelta(days=8)
    await office.pay_all()
    done = await office.get(file)
    assert (done.state, done.failed.format()) == (bulk.FileState.DONE, "10.00")
    assert (await office.funds(), (await office.balances())[0]) == ("1000.00", "0.00")


async def test_the_worker_pays_what_is_approved(office: Office, tmp_path: Path) -> None:
    file = await office.approve(await office.submit(office.write(*LINES)))
    loop = make_bulk_loop(Settings(home=tmp_path))
    while await loop.step(office.town.database, office.now):
        pass
    assert (await office.get(file)).state is bulk.FileState.DONE
    assert await office.balances() == ALL
    assert not await office.town.read(bulk.is_any_waiting)


async def test_a_batch_that_takes_its_time_does_not_end_deciding(office: Office) -> None:
    decider, _ = make_bulk_decider(office.town.database, SystemClock())
    for _ in range(limits.RISK_SLOW_BATCHES_MAX + 1):
        decider.breaker.note(5.0, at=0.0)
    assert decider.breaker.is_closed(0.0)


async def _states(office: Office, file: bulk.BulkFile) -> list[str]:
    async with office.town.database.reading() as uow:
        lines = await store.list_lines(uow, file, 1, 10)
    return [line.state.name for line in lines]


async def test_lines_are_paid_as_their_file_gets_past_them(office: Office) -> None:
    file = await office.approve(await office.submit(office.write(*LINES)))
    await office.freeze(office.staff[1].account_id, AccountState.FROZEN)
    assert await _states(office, file) == ["WAITING"] * 5
    await office.step()
    await office.step()
    assert await _states(office, file) == ["PAID", "FAILED", "WAITING", "WAITING", "WAITING"]
    await office.pay_all()
    assert await _states(office, file) == ["PAID", "FAILED", "PAID", "PAID", "PAID"]
    page = await office.town.read(bulk.list_failed_lines, await office.get(file))
    assert [(line.number, line.reason) for line in page.items] == [(2, "account_frozen")]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE payments.bulk_lines SET state = 2, reason = 'late' WHERE number = 1",
        "UPDATE payments.bulk_lines SET state = 0, reason = NULL WHERE number = 2",
        "UPDATE payments.bulk_files SET next_number = 1, paid_count = 0, failed_count = 0",
    ],
)
async def test_what_is_decided_about_a_line_is_not_undone(office: Office, statement: str) -> None:
    file = await office.approve(await office.submit(office.write(*LINES)))
    await office.freeze(office.staff[1].account_id, AccountState.FROZEN)
    await office.step()
    await office.step()
    with pytest.raises(DBAPIError, match="is decided"):
        await office.town.database.run(lambda uow: uow.execute(statement))
    await office.pay_all()
    done = await office.get(file)
    assert (done.paid_count, done.failed_count) == (4, 1)
    assert await office.balances() == ["10.00", "0.00", "30.00", "40.00", "50.00"]
