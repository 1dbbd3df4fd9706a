"""Notices: told once, tried again, given up, and silent about whom they are for."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy.exc import DBAPIError

from huitong import identity
from huitong.identity import notices
from huitong.identity.notices import Notice, NoticeKind
from huitong.kernel.ids import uuid7
from huitong.kernel.money import Money

UNTIL = datetime(2026, 3, 2, 4, 5, tzinfo=UTC)
AMOUNT = Money(123_450, "CNY")
MOBILE = "13800000001"


def make_notice(kind: NoticeKind = NoticeKind.PAYMENT_DELAYED) -> Notice:
    return Notice(id=uuid7(), kind=kind, amount=AMOUNT, until=UNTIL)


async def ask(house: Any, notice: Notice, login: identity.Login) -> bool:
    asked: bool = await house.run(
        lambda uow: notices.ask_notice(uow, notice, login_id=login.id, now=house.now)
    )
    return asked


async def send(house: Any) -> int:
    return await notices.send_notices(
        house.desk.database, house.desk.vault, house.desk.sender, house.clock
    )


async def arrange(house: Any, kind: str, times: int) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.post(
            f"{house.gateway_url}/faults", json={"kind": kind, "times": times}
        )
        assert answer.status_code == 202


async def rows(house: Any) -> list[Any]:
    found = await house.query("SELECT * FROM identity.notices ORDER BY id")
    return list(found)


def test_says_amount_and_time_in_both_languages() -> None:
    zh = notices.write_notice(make_notice())
    assert zh.startswith("【汇通】")
    assert "1234.50 元" in zh
    assert "03月02日 12:05" in zh
    en = notices.write_notice(make_notice(), language="en")
    assert en.startswith("[Huitong] ")
    assert "CNY 1234.50" in en
    assert "02 Mar, 12:05" in en


@pytest.mark.parametrize("kind", NoticeKind)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_kind_has_both_texts_that_fit_in_a_message_and_have_no_link(
    kind: NoticeKind, language: Any
) -> None:
    text = notices.write_notice(make_notice(kind), language=language)
    assert 15 < len(text) < 280
    assert "{" not in text
    assert "http" not in text


def test_shows_other_currencies_by_their_code() -> None:
    notice = Notice(id=uuid7(), kind=NoticeKind.PAYMENT_GIVEN_BACK, amount=Money(500, "JPY"))
    assert "JPY 500" in notices.write_notice(notice)


async def test_a_text_that_lacks_its_time_is_refused_when_it_is_asked_for(house: Any) -> None:
    login = await house.open_login()
    notice = Notice(id=uuid7(), kind=NoticeKind.PAYMENT_DELAYED, amount=AMOUNT)
    with pytest.raises(ValueError, match="needs until"):
        await ask(house, notice, login)
    assert await rows(house) == []


async def test_tells_once_however_often_it_is_asked_and_sent(house: Any) -> None:
    login = await house.open_login()
    notice = make_notice()
    assert await ask(house, notice, login)
    assert not await ask(house, notice, login)
    assert await send(house) == 1
    assert await send(house) == 0
    assert house.gateway.read_last(MOBILE) == notices.write_notice(notice)
    assert len(house.gateway.messages) == 1
    (row,) = await rows(house)
    assert (row.outcome, row.tries) == ("sent", 1)


async def test_two_workers_send_each_notice_once(house: Any) -> None:
    login = await house.open_login()
    for _ in range(30):
        await ask(house, make_notice(), login)
    taken = await asyncio.gather(*(send(house) for _ in range(4)))
    assert sum(taken) == 30
    assert len(house.gateway.messages) == 30
    assert {row.tries for row in await rows(house)} == {1}


async def test_tries_again_later_and_is_one_message(house: Any) -> None:
    login = await house.open_login()
    await ask(house, make_notice(), login)
    await arrange(house, "error", 2)
    assert await send(house) == 1
    assert await send(house) == 0
    house.advance(seconds=16)
    assert await send(house) == 1
    house.advance(seconds=16)
    assert await send(house) == 0
    house.advance(seconds=16)
    assert await send(house) == 1
    (row,) = await rows(house)
    assert (row.outcome, row.tries) == ("sent", 3)


async def test_a_worker_that_died_with_a_notice_in_hand_loses_nothing(house: Any) -> None:
    login = await house.open_login()
    await ask(house, make_notice(), login)

    class Dying:
        async def send(self, message: Any, /) -> None:
            raise asyncio.CancelledError

        async def close(self) -> None: ...

    with pytest.raises(asyncio.CancelledError):
        await notices.send_notices(house.desk.database, house.desk.vault, Dying(), house.clock)
    house.advance(seconds=20)
    assert await send(house) == 1
    assert len(house.gateway.messages) == 1


async def test_is_given_up_when_it_is_no_news_any_more(house: Any) -> None:
    login = await house.open_login()
    await ask(house, make_notice(), login)
    house.advance(hours=25)
    assert await send(house) == 1
    (row,) = await rows(house)
    assert row.outcome == "given_up"
    assert house.gateway.read_last(MOBILE) is None


async def test_is_given_up_after_twelve_tries(house: Any) -> None:
    login = await house.open_login()
    await ask(house, make_notice(), login)
    await arrange(house, "reject", 12)
    for _ in range(12):
        assert await send(house) == 1
        house.advance(seconds=3_601)
    assert await send(house) == 0
    (row,) = await rows(house)
    assert (row.outcome, row.tries) == ("given_up", 12)


async def test_who_left_is_not_told(house: Any) -> None:
    login = await house.open_login()
    await ask(house, make_notice(), login)
    await house.run(lambda uow: identity.close_login(uow, login_id=login.id, now=house.now))
    await send(house)
    (row,) = await rows(house)
    assert row.outcome == "given_up"
    asked = await house.run(
        lambda uow: notices.ask_notice_of_subject(
            uow,
            make_notice(),
            audience=identity.Audience.CUSTOMER,
            subject_id=login.subject_id,
            now=house.now,
        )
    )
    assert not asked


async def test_keeps_neither_number_nor_text(house: Any) -> None:
    login = await house.open_login()
    await ask(house, make_notice(), login)
    await send(house)
    ((text,),) = await house.query("SELECT CAST(n AS text) FROM identity.notices n")
    assert MOBILE not in text
    assert "付款" not in text


async def test_what_has_ended_is_not_changed_and_is_forgotten_after_a_month(house: Any) -> None:
    login = await house.open_login()
    await ask(house, make_notice(), login)
    await send(house)
    with pytest.raises(DBAPIError, match="has ended"):
        await house.query("UPDATE identity.notices SET tries = 2")
    prune = lambda uow: notices.prune_notices(uow, count=10, now=house.now)  # noqa: E731
    assert await house.run(prune) == 0
    house.clock.advance(timedelta(days=31))
    assert await house.run(prune) == 1
    assert await rows(house) == []
