"""In which language people are told things: from their browser, their sign-up, or their choice."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.identity.test_notices import MOBILE, ask, make_notice, send

from huitong import identity
from huitong.identity import Language, notices, read_accept_language


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, None),
        ("", None),
        ("fr-FR, de;q=0.8", None),
        ("en", Language.EN),
        ("EN-us, zh;q=0.9", Language.EN),
        ("zh-Hans-CN,en;q=0.8", Language.ZH),
        ("fr, en;q=0.3, zh;q=0.7", Language.ZH),
        ("zh;q=0, en;q=0.1", Language.EN),
        ("zh;q=0", None),
        ("en, zh", Language.EN),
        ("*", None),
        ("zhong, english", None),
        ("zh;q=9, en", Language.EN),
        (("fr," * 1_000) + "en", None),
    ],
)
def test_the_browsers_best_language_of_ours_is_taken(
    header: str | None, language: Language | None
) -> None:
    assert read_accept_language(header) is language


@given(st.text(max_size=600))
def test_no_header_does_harm(header: str) -> None:
    assert read_accept_language(header) in (None, Language.ZH, Language.EN)


async def choose(house: Any, login: identity.Login, language: Language) -> None:
    await house.run(
        lambda uow: identity.choose_language(
            uow, subject_id=login.subject_id, language=language, now=house.now
        )
    )


async def test_notices_come_in_the_language_that_was_chosen_last(house: Any) -> None:
    login = await house.open_login()
    notice = make_notice()
    await ask(house, notice, login)
    await choose(house, login, Language.EN)
    await send(house)
    assert house.gateway.read_last(MOBILE) == notices.write_notice(notice, language=Language.EN)
    again = make_notice()
    await ask(house, again, login)
    await choose(house, login, Language.ZH)
    await send(house)
    assert house.gateway.read_last(MOBILE) == notices.write_notice(again)


async def test_the_same_choice_again_changes_and_records_nothing(house: Any) -> None:
    login = await house.open_login()
    for _ in range(2):
        await choose(house, login, Language.EN)
        house.advance(seconds=60)
    rows = await house.query("SELECT action FROM kernel.audit")
    assert [row.action for row in rows].count("identity.choose_language") == 1


async def test_it_is_in_a_copy_and_goes_with_the_person(house: Any) -> None:
    login = await house.open_login()
    data = identity.IdentityData(house.desk.vault)
    await choose(house, login, Language.EN)
    copy = await house.run(lambda uow: data.export(uow, login.subject_id))
    assert copy["language"] == "en"
    await house.run(lambda uow: data.erase(uow, login.subject_id, now=house.now))
    assert await house.query("SELECT * FROM identity.languages") == []
