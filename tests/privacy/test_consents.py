"""Consents hold from giving to withdrawing, each with the text that was seen; reads obey them."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError

from huitong.kernel.database.unit_of_work import Caller, Database, UnitOfWork, find_sql_state
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import uuid7
from huitong.privacy import (
    ConsentAction,
    ConsentMissing,
    ConsentNotGiven,
    ConsentTextOutdated,
    ConsentTexts,
    DataDestroyed,
    DataFileInvalidError,
    DataKind,
    SealedField,
    SubjectUnknown,
    Viewer,
    check_reading,
    disclose,
    find_consents,
    give_consent,
    has_consent,
    list_consents,
    open_for,
    require_consent,
    withdraw_consent,
)

NOW = datetime(2026, 11, 26, 6, 0, tzinfo=UTC)
NAME = "club.members.name"
TEXT = """
  - purpose: {purpose}
    version: {version}
    effective_from: {effective_from}
    asks_again: {asks_again}
    kinds: [name]
    is_sensitive: {is_sensitive}
    is_separate: false
    title: {{zh: 标题, en: Title}}
    text: {{zh: 文本, en: Text}}
    withdrawing: {{zh: 撤回, en: Withdrawing}}
"""


def write_texts(*versions: dict[str, object]) -> str:
    usual = {"purpose": "club_news", "asks_again": "true", "is_sensitive": "false"}
    return "texts:" + "".join(TEXT.format(**{**usual, **version}) for version in versions)


THREE = ConsentTexts.parse(
    write_texts(
        {"version": 1, "effective_from": "2026-01-01"},
        {"version": 2, "effective_from": "2026-12-01", "asks_again": "false"},
        {"version": 3, "effective_from": "2027-01-01"},
    )
)


async def give(
    database: Database, subject_id: uuid.UUID, purpose: str = "marketing", **changes: Any
) -> Any:
    arguments = {"version": 1, "channel": "app", "now": NOW} | changes
    async with database.unit_of_work(Caller(actor="cus_1")) as uow:
        return await give_consent(uow, subject_id=subject_id, purpose=purpose, **arguments)


async def withdraw(
    database: Database, subject_id: uuid.UUID, purpose: str = "marketing", **changes: Any
) -> Any:
    arguments = {"channel": "app", "now": NOW} | changes
    async with database.unit_of_work(Caller(actor="cus_1")) as uow:
        return await withdraw_consent(uow, subject_id=subject_id, purpose=purpose, **arguments)


async def holds(
    database: Database, subject_id: uuid.UUID, purpose: str = "marketing", **changes: Any
) -> bool:
    arguments = {"now": NOW} | changes
    async with database.reading() as uow:
        return await has_consent(uow, subject_id=subject_id, purpose=purpose, **arguments)


async def test_holds_from_giving_to_withdrawing(
    database: Database, member: uuid.UUID, events: Callable[[], Awaitable[list[Any]]]
) -> None:
    assert not await holds(database, member)

    given = await give(database, member)
    assert await holds(database, member)
    withdrawn = await withdraw(database, member, now=NOW + timedelta(days=1))
    assert not await holds(database, member)
    again = await give(database, member, now=NOW + timedelta(days=2))
    assert await holds(database, member)

    async with database.reading() as uow:
        assert await list_consents(uow, subject_id=member) == (again, withdrawn, given)
    text = ConsentTexts.load().get_current("marketing", date(2026, 11, 26))
    assert [each.number for each in (given, withdrawn, again)] == [1, 2, 3]
    assert (given.version, given.digest, given.channel, given.actor) == (
        1,
        text.digest,
        "app",
        "cus_1",
    )
    assert withdrawn.action is ConsentAction.WITHDRAWN
    assert withdrawn.digest == given.digest
    told = await events()
    assert [name for name, _ in told] == ["ConsentGiven", "ConsentWithdrawn", "ConsentGiven"]
    assert told[1][1]["subject_id"] == str(member)
    assert told[1][1]["purpose"] == "marketing"


async def test_the_same_again_changes_nothing(
    database: Database,
    member: uuid.UUID,
    count: Callable[[str], Awaitable[int]],
    events: Callable[[], Awaitable[list[Any]]],
) -> None:
    given = await give(database, member)
    assert await give(database, member, now=NOW + timedelta(days=1)) == given
    withdrawn = await withdraw(database, member)
    assert await withdraw(database, member, now=NOW + timedelta(days=1)) == withdrawn

    assert await count("privacy.consents") == 2
    assert len(await events()) == 2


async def test_one_purpose_says_nothing_about_another(
    database: Database, member: uuid.UUID
) -> None:
    await give(database, member)

    assert not await holds(database, member, "partner_sharing")
    assert not await holds(database, uuid7())


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"version": 2}, ConsentTextOutdated),
        ({"purpose": "world_domination"}, InvalidField),
        ({"channel": "By Phone!"}, InvalidField),
        ({"now": datetime(2025, 12, 31, tzinfo=UTC)}, InvalidField),
    ],
)
async def test_refuses_and_records_nothing(
    database: Database,
    member: uuid.UUID,
    count: Callable[[str], Awaitable[int]],
    changes: dict[str, Any],
    refusal: type[Exception],
) -> None:
    with pytest.raises(refusal):
        await give(database, member, **changes)

    assert await count("privacy.consents") == 0
    assert await count("kernel.outbox") == 0
    assert await count("kernel.audit") == 0


async def test_nobody_consents_who_is_unknown_or_gone(
    database: Database, member: uuid.UUID, club: Any
) -> None:
    with pytest.raises(SubjectUnknown):
        await give(database, uuid7())
    with pytest.raises(ConsentNotGiven):
        await withdraw(database, member)
    async with database.unit_of_work() as uow:
        await club.vault.destroy(uow, member, now=NOW)
    with pytest.raises(DataDestroyed):
        await give(database, member)


async def test_a_new_version_asks_again_only_where_it_matters(
    database: Database, member: uuid.UUID
) -> None:
    await give(database, member, "club_news", texts=THREE)

    async def holds_on(day: date) -> bool:
        now = datetime(day.year, day.month, day.day, 4, 0, tzinfo=UTC)
        return await holds(database, member, "club_news", now=now, texts=THREE)

    assert await holds_on(date(2026, 11, 30))
    assert await holds_on(date(2026, 12, 31))
    assert not await holds_on(date(2027, 1, 1))

    in_2027 = datetime(2027, 1, 1, 4, 0, tzinfo=UTC)
    await give(database, member, "club_news", version=3, now=in_2027, texts=THREE)
    assert await holds_on(date(2027, 1, 1))


async def test_giving_and_withdrawing_at_once_come_one_after_the_other(
    database: Database, member: uuid.UUID
) -> None:
    await give(database, member)

    outcomes = await asyncio.gather(
        *(each(database, member) for _ in range(4) for each in (withdraw, give))
    )

    assert {outcome.subject_id for outcome in outcomes} == {member}
    async with database.reading() as uow:
        recorded = await list_consents(uow, subject_id=member)
    # Whatever the order was, each record is the opposite of the one before.
    assert [each.number for each in recorded] == list(range(len(recorded), 0, -1))
    turns = [each.action for each in reversed(recorded)]
    expected = (ConsentAction.GIVEN, ConsentAction.WITHDRAWN)
    assert turns == [expected[at % 2] for at in range(len(turns))]
    assert await holds(database, member) == (recorded[0].action is ConsentAction.GIVEN)


async def test_reading_for_a_purpose_stops_with_the_withdrawal(
    database: Database, member: uuid.UUID, club: Any
) -> None:
    viewer = Viewer(actor="staff_li", roles=frozenset({"product"}))
    sealed = club.members[member]

    async def show() -> Any:
        async with database.unit_of_work(Caller(actor="staff_li")) as uow:
            return await disclose(
                uow,
                club.vault,
                viewer=viewer,
                subject_id=member,
                fields={NAME: SealedField(kind=DataKind.NAME, sealed=sealed[NAME])},
                purpose="marketing",
                reason="新产品介绍",
                now=NOW,
            )

    async def open_name(uow: UnitOfWork) -> str:
        opened = await open_for(
            uow,
            club.vault,
            subject_id=member,
            sealed={NAME: sealed[NAME]},
            purpose="marketing",
            now=NOW,
        )
        return opened[NAME]

    for attempt in (show, lambda: database.run(open_name)):
        with pytest.raises(ConsentMissing):
            await attempt()
    await give(database, member)
    assert (await show()).values == {NAME: "张小三"}
    assert await database.run(open_name) == "张小三"
    await withdraw(database, member)
    for attempt in (show, lambda: database.run(open_name)):
        with pytest.raises(ConsentMissing):
            await attempt()

    async with database.reading() as uow:
        assert await uow.fetch_value("SELECT count(*) FROM privacy.disclosures") == 1


async def test_requires_and_checks_by_name(database: Database, member: uuid.UUID) -> None:
    async with database.reading() as uow:
        with pytest.raises(ConsentMissing) as refused:
            await require_consent(uow, subject_id=member, purpose="credit_report_query", now=NOW)
        with pytest.raises(InvalidField):
            await check_reading(uow, subject_id=member, purpose="curiosity", viewer=None, now=NOW)
        # A contract or a law is the ground for these, not consent.
        await check_reading(uow, subject_id=member, purpose="payment_repair", viewer=None, now=NOW)
        found = await find_consents(uow, subject_id=member, now=NOW)

    assert refused.value.context["purpose"] == "credit_report_query"
    assert found.keys() == ConsentTexts.load().purposes
    assert all(last is None for _, last in found.values())


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM privacy.consents",
        "UPDATE privacy.consents SET action = 'given'",
        "TRUNCATE privacy.consents",
    ],
)
@pytest.mark.parametrize("asker", [("huitong_app", "42501"), (None, "HT002")])
async def test_nobody_changes_what_was_agreed(
    database: Database,
    member: uuid.UUID,
    owner_url: str,
    statement: str,
    asker: tuple[str | None, str],
) -> None:
    role, state = asker
    await give(database, member)

    async with Database(owner_url, role=role) as asking:
        with pytest.raises(DBAPIError) as refused:
            async with asking.unit_of_work() as uow:
                await uow.execute(statement)

    assert find_sql_state(refused.value) == state


class TestTexts:
    def test_sensitive_data_is_asked_for_separately(self) -> None:
        texts = ConsentTexts.load().texts

        assert {text.purpose for text in texts if text.is_sensitive} == {
            "face_recognition",
            "credit_report_query",
            "child_data",
        }
        assert all(text.is_separate for text in texts if text.is_sensitive)

    def test_a_text_that_was_in_force_never_changes(self) -> None:
        digests = {
            (text.purpose, text.version): text.digest.hex()[:16]
            for text in ConsentTexts.load().texts
        }

        assert digests == DIGESTS

    @pytest.mark.parametrize(
        "document",
        [
            "",
            "texts: [",
            "texts: [{purpose: a}]",
            write_texts({"version": 2, "effective_from": "2026-01-01"}),
            write_texts({"version": 1, "effective_from": "2026-01-01", "is_sensitive": "true"}),
            write_texts({"version": 1, "effective_from": "next week"}),
            write_texts(
                {"version": 1, "effective_from": "2026-01-01"},
                {"version": 2, "effective_from": "2026-01-01"},
            ),
            write_texts({"version": 1, "effective_from": "2026-01-01"}).replace("文本", "  ' '"),
            "#" * 300_000,
        ],
    )
    def test_refuses_a_file_with_a_mistake(self, document: str) -> None:
        with pytest.raises(DataFileInvalidError):
            ConsentTexts.parse(document)


DIGESTS = {
    ("marketing", 1): "4b4e42a8d45d7fd3",
    ("face_recognition", 1): "02cb0858f41c3c0a",
    ("credit_report_query", 1): "c9ae74884de694a7",
    ("child_data", 1): "09783c1ca7ce7c7d",
    ("partner_sharing", 1): "df03348ee3d0efab",
}
