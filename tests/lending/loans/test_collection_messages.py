"""What goes out to debtors: to their own phone, once, in their language, and to nobody else."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from tests.lending.loans.collecting import DUE, Desk
from tests.lending.loans.conftest import RULES, Bank

from huitong import customers, identity, lending
from huitong.kernel.clock import FixedClock
from huitong.kernel.ids import uuid7
from huitong.kernel.serving import serve_inside
from huitong.wiring.collecting import COLLECTING_LOOPS, tell_debtor

MOBILE = "13900000077"


@dataclass
class Post:
    """The gateway behind which the debtor's phone is."""

    desk: Desk
    gateway: identity.SmsGatewaySimulator
    sender: identity.SmsGateway

    async def open_login(self, loan: lending.Loan) -> None:
        await self.desk.bank.run(
            identity.open_login,
            vault=self.desk.bank.vault,
            login_id=uuid7(),
            audience=identity.Audience.CUSTOMER,
            subject_id=loan.customer_id,
            mobile=MOBILE,
        )

    async def send(self) -> int:
        bank = self.desk.bank
        return await identity.notices.send_notices(
            bank.database, bank.vault, self.sender, FixedClock(bank.now)
        )


@pytest.fixture
async def post(bank: Bank) -> AsyncIterator[Post]:
    gateway = identity.SmsGatewaySimulator()
    async with (
        serve_inside(gateway.application()) as url,
        identity.SmsGateway(url, timeout_seconds=3) as sender,
    ):
        yield Post(Desk(bank), gateway, sender)


async def test_a_late_loan_is_written_about_once_to_the_borrowers_own_phone(post: Post) -> None:
    desk = post.desk
    await desk.agree()
    (loan,) = await desk.late(1)
    await post.open_login(loan)
    (loop,) = COLLECTING_LOOPS
    for _ in range(3):
        await loop.step(desk.bank.database, desk.bank.now)
        await post.send()
    assert [(each.mobile, each.text) for each in post.gateway.messages.values()] == [
        (MOBILE, "【汇通】您的贷款有一笔 10月6日 到期的款项未还，应还 1066.72 元，请尽快还款。")
    ]
    await desk.bank.run(
        identity.choose_language, subject_id=loan.customer_id, language=identity.Language.EN
    )
    await desk.close()
    # A second loan's first reminder comes in the language that was chosen meanwhile.
    other = await desk.bank.lend(
        await _customer(desk, loan), auto_debit=False, first_due=desk.bank.today + timedelta(days=4)
    )
    await desk.close()
    await loop.step(desk.bank.database, desk.bank.now)
    await post.send()
    text = list(post.gateway.messages.values())[-1].text
    assert text.startswith("[Huitong] A payment of CNY ")
    assert [each.outcome for each in (await desk.history(other)).contacts] == ["sent"]


async def _customer(desk: Desk, loan: lending.Loan) -> Any:
    return await desk.bank.read(customers.get_customer, loan.customer_id)


async def test_a_message_that_waits_until_quiet_hours_is_given_up(post: Post) -> None:
    desk = post.desk
    await desk.agree()
    (loan,) = await desk.late(1)
    await post.open_login(loan)
    desk.at(DUE + timedelta(days=1), "21:58")
    assert await desk.send(tell=tell_debtor) == 1
    desk.at(DUE + timedelta(days=1), "21:59")
    assert await post.send() == 1
    assert not post.gateway.messages
    assert await desk.rows("SELECT outcome FROM identity.notices") == [("given_up",)]


KILLED = """
import asyncio, os, sys
from datetime import datetime
from huitong.kernel.database.unit_of_work import Database
from huitong.wiring import collecting

url, role, now, is_before = sys.argv[1:]
step = collecting.COLLECTING_LOOPS[0].step
found = collecting.tell_debtor

async def dying(uow, message):
    if is_before == "told":
        await found(uow, message)
    os.kill(os.getpid(), 9)

async def main():
    if is_before in ("told", "untold"):
        collecting.tell_debtor = dying
    async with Database(url, role=role, size=2) as database:
        await step(database, datetime.fromisoformat(now))
    os.kill(os.getpid(), 9)

asyncio.run(main())
"""


@pytest.mark.parametrize(("place", "asked"), [("untold", 0), ("told", 0), ("committed", 1)])
async def test_whatever_is_killed_a_debtor_is_told_once(post: Post, place: str, asked: int) -> None:
    desk = post.desk
    await desk.agree()
    (loan,) = await desk.late(1)
    await post.open_login(loan)
    url = desk.bank.database.engine.url.set(drivername="postgresql").render_as_string(
        hide_password=False
    )
    killed = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", KILLED, url, "huitong_app", desk.bank.now.isoformat(), place],
        env=dict(os.environ),
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()[-2_000:]
    assert await desk.rows("SELECT count(*) FROM identity.notices") == [(asked,)]
    await asyncio.gather(*(desk.send(tell=tell_debtor) for _ in range(3)))
    await asyncio.gather(*(post.send() for _ in range(3)))
    assert len(post.gateway.messages) == 1
    assert len((await desk.history(loan)).contacts) == 1


async def test_who_complained_is_not_written_to(post: Post) -> None:
    desk = post.desk
    await desk.agree()
    (loan,) = await desk.late(1)
    await post.open_login(loan)
    await desk.complain(loan)
    assert await desk.send(tell=tell_debtor) == 1
    assert await post.send() == 0
    rules = await desk.rows("SELECT rule FROM lending.collection_tasks WHERE state = 'refused'")
    assert rules == [("collection.pause.complaint",)]


async def test_nothing_that_is_stored_or_sent_names_the_debtor_or_anybody(desk_of: Any) -> None:
    desk, loan = desk_of
    await desk.send()
    for table in ("contacts", "tasks", "cases", "steps"):
        rows = await desk.rows(f"SELECT x::text FROM lending.collection_{table} x")
        assert rows
        assert not any("借款人" in str(row) or "1390013" in str(row) for row in rows)
    assert {each.customer_id for each in desk.told} == {loan.customer_id}
    assert not RULES.flag("collection.contacts.pressed.allowed", desk.bank.today)


@pytest.fixture
async def desk_of(bank: Bank) -> tuple[Desk, lending.Loan]:
    desk = Desk(bank)
    await desk.agree()
    (loan,) = await desk.late(1)
    return desk, loan


async def test_closing_days_looks_at_late_loans_after_each_of_them(bank: Bank) -> None:
    desk = Desk(bank)
    await desk.agree()
    await desk.lend()
    bank.now += timedelta(days=1)
    await lending.close_days(bank.database, rulebook=RULES, now=bank.now)
    bank.now += timedelta(days=6)
    await lending.close_days(bank.database, rulebook=RULES, now=bank.now)
    assert await desk.rows(
        "SELECT segment, days, opened_on, as_of FROM lending.collection_cases"
    ) == [("late_early", 2, DUE + timedelta(days=1), DUE + timedelta(days=2))]
    states = await desk.rows(
        "SELECT day, state FROM lending.collection_tasks ORDER BY on_day, channel"
    )
    # Nobody is written to about days that went by unseen.
    assert states == [(-3, "lapsed"), (0, "lapsed"), (1, "lapsed")]
    assert await desk.send() == 0


def test_reminders_are_of_notices_with_both_texts() -> None:
    notice = identity.notices.Notice(
        id=uuid7(),
        kind=identity.notices.NoticeKind.LOAN_REMINDER,
        texts={"zh": "请还款", "en": "Please pay"},
    )
    assert identity.notices.write_notice(notice) == "【汇通】请还款"
    assert (
        identity.notices.write_notice(notice, language=identity.Language.EN)
        == "[Huitong] Please pay"
    )
    with pytest.raises(ValueError, match="both languages"):
        identity.notices.write_notice(replace(notice, texts={"zh": "请还款"}))
