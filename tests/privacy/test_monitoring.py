"""Unusual reading raises an alert and cuts access, until another person lifts it."""

import asyncio
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError

from huitong.kernel.database.unit_of_work import Caller, Database, find_sql_state
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import uuid7
from huitong.privacy import (
    AccessRules,
    CutNotFound,
    DataFileInvalidError,
    DataKind,
    LiftedBySamePerson,
    SealedField,
    Vault,
    Viewer,
    ViewerCut,
    cut_viewer,
    disclose,
    lift_cut,
    list_access_alerts,
    list_cut_viewers,
    record_search,
    record_view,
    scan_access,
)

#: 14:00 in Shanghai, and 23:30.
NOON = datetime(2026, 11, 26, 6, 0, tzinfo=UTC)
NIGHT = datetime(2026, 11, 26, 15, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
NAME = "club.members.name"


async def show(
    database: Database, club: Any, subject_id: uuid.UUID, now: datetime, reason: str | None = "案件"
) -> None:
    async with database.unit_of_work(Caller(actor="staff_li")) as uow:
        await disclose(
            uow,
            club.vault,
            viewer=Viewer(actor="staff_li", roles=frozenset({"service"})),
            subject_id=subject_id,
            fields={NAME: SealedField(kind=DataKind.NAME, sealed=club.members[subject_id][NAME])},
            purpose="customer_service",
            reason=reason,
            now=now,
        )


async def see_people(
    database: Database, club: Any, number: int, now: datetime, *, is_related: bool = True
) -> None:
    people = [uuid7() for _ in range(number)]
    async with database.unit_of_work() as uow:
        sealed = await club.vault.seal_many(uow, {each: {NAME: "张小三"} for each in people})
        club.members.update(sealed)
        for each in people:
            await record_view(
                uow, viewer="staff_li", subject_id=each, is_related=is_related, now=now
            )
    for each in people:
        await show(database, club, each, now)


async def search(database: Database, vault: Vault, value: str, now: datetime, **more: Any) -> None:
    async with database.unit_of_work() as uow:
        await record_search(
            uow,
            vault,
            viewer="staff_li",
            kind="mobile",
            value=value,
            now=now,
            **({"found": None} | more),
        )


async def scan(database: Database, now: datetime) -> list[tuple[str, str, int]]:
    async with database.unit_of_work() as uow:
        alerts = await scan_access(uow, now=now)
    return [(alert.rule, alert.viewer, alert.count) for alert in alerts]


async def test_thirty_people_in_an_hour_are_too_many(
    database: Database, club: Any, events: Any
) -> None:
    await see_people(database, club, 29, NOON)
    # The same person again is no further one.
    await show(database, club, next(iter(club.members)), NOON)
    assert await scan(database, NOON) == []

    await see_people(database, club, 1, NOON + 59 * MINUTE)
    assert await scan(database, NOON + 59 * MINUTE) == [("volume", "staff_li", 30)]

    told = await events()
    assert [name for name, _ in told] == ["AccessAlertRaised"]
    assert (told[0][1]["rule"], told[0][1]["viewer"], told[0][1]["is_cut"]) == (
        "volume",
        "staff_li",
        True,
    )


async def test_people_seen_over_more_than_an_hour_are_not(database: Database, club: Any) -> None:
    await see_people(database, club, 29, NOON)
    await see_people(database, club, 1, NOON + 60 * MINUTE)

    assert await scan(database, NOON + 60 * MINUTE) == []


async def test_an_alert_is_raised_once_in_its_window(database: Database, club: Any) -> None:
    await see_people(database, club, 30, NOON)

    outcomes = await asyncio.gather(*(scan(database, NOON) for _ in range(4)))

    assert [alert for found in outcomes for alert in found] == [("volume", "staff_li", 30)]
    assert await scan(database, NOON + 30 * MINUTE) == []
    async with database.reading() as uow:
        (alert,) = await list_access_alerts(uow, viewer="staff_li")
        assert await list_access_alerts(uow, viewer="staff_zhao") == ()
        assert await list_access_alerts(uow, before_id=alert.id) == ()
        with pytest.raises(InvalidField):
            await list_access_alerts(uow, limit=0)
    assert (alert.threshold, alert.from_at, alert.raised_at) == (30, NOON - 60 * MINUTE, NOON)


async def test_much_reading_at_night_is_told_and_cuts_nobody(
    database: Database, club: Any, member: uuid.UUID
) -> None:
    async def look(number: int, now: datetime) -> None:
        async with database.unit_of_work() as uow:
            for _ in range(number):
                await record_view(
                    uow, viewer="staff_li", subject_id=member, is_related=True, now=now
                )

    # 21:59 in Shanghai is evening, 22:00 night, 06:59 still night, 07:00 morning.
    evening = datetime(2026, 11, 26, 13, 59, tzinfo=UTC)
    await look(40, evening)
    await look(10, evening + MINUTE)
    await look(9, datetime(2026, 11, 26, 22, 59, tzinfo=UTC))
    await look(40, datetime(2026, 11, 26, 23, 0, tzinfo=UTC))
    assert await scan(database, datetime(2026, 11, 26, 23, 0, tzinfo=UTC)) == []

    await look(1, NIGHT)
    assert await scan(database, datetime(2026, 11, 26, 23, 0, tzinfo=UTC)) == [
        ("odd_hours", "staff_li", 20)
    ]
    async with database.reading() as uow:
        assert await list_cut_viewers(uow) == ()


async def test_people_without_any_work_on_them_are_counted(database: Database, club: Any) -> None:
    await see_people(database, club, 9, NOON, is_related=False)
    await see_people(database, club, 10, NOON, is_related=True)
    assert await scan(database, NOON) == []

    await see_people(database, club, 1, NOON, is_related=False)

    assert await scan(database, NOON) == [("unrelated", "staff_li", 10)]


async def test_searches_that_find_nobody_are_counted(database: Database, vault: Vault) -> None:
    for number in range(14):
        await search(database, vault, f"139000{number * 37:05}", NOON)
    await search(database, vault, "13812341234", NOON, found=uuid7())
    assert await scan(database, NOON) == []

    await search(database, vault, "13700000000", NOON)

    assert await scan(database, NOON) == [("not_found", "staff_li", 15)]


async def test_going_through_numbers_is_seen_without_keeping_them(
    database: Database, vault: Vault
) -> None:
    async def go_through(*numbers: int) -> None:
        for number in numbers:
            await search(database, vault, str(number), NOON, found=uuid7())

    # Five numbers in a row are four steps, and one number twice is no step.
    await go_through(*range(13800009997, 13800010002), 13800010001)
    assert await scan(database, NOON) == []
    await go_through(13900000000, 13800010002)

    assert await scan(database, NOON) == [("sequence", "staff_li", 5)]
    async with database.reading() as uow:
        stored = await uow.fetch_value(
            "SELECT string_agg(CAST(l AS text), ' ') FROM privacy.lookups l"
        )
    assert "1380000" not in stored
    assert b"1380000".hex() not in stored


async def test_a_text_has_no_next_one(database: Database, vault: Vault) -> None:
    await search(database, vault, "张小三", NOON)
    await search(database, vault, "１２", NOON)
    await search(database, vault, "9" * 1_000, NOON)

    async with database.reading() as uow:
        assert await uow.fetch_value("SELECT count(next) FROM privacy.lookups") == 0


async def test_who_is_cut_sees_nothing_until_another_person_lifts_it(
    database: Database, club: Any, member: uuid.UUID
) -> None:
    await see_people(database, club, 30, NOON)
    await scan(database, NOON)
    for reason in ("案件", None):
        with pytest.raises(ViewerCut):
            await show(database, club, member, NOON, reason)
    async with database.reading() as uow:
        (cut,) = await list_cut_viewers(uow)
    assert (cut.viewer, cut.cut_by, cut.cut_at) == ("staff_li", "system", NOON)

    for actor, reason, refusal in (
        ("staff_li", "是我自己", LiftedBySamePerson),
        ("system", "自动", LiftedBySamePerson),
        ("staff_zhao", "  ", InvalidField),
    ):
        async with database.unit_of_work(Caller(actor=actor)) as uow:
            with pytest.raises(refusal):
                await lift_cut(uow, viewer="staff_li", reason=reason, now=NOON)
    with pytest.raises(ViewerCut):
        await show(database, club, member, NOON)
    async with database.unit_of_work(Caller(actor="staff_zhao")) as uow:
        lifted = await lift_cut(uow, viewer="staff_li", reason="核实为批量回访", now=NOON)
        with pytest.raises(CutNotFound):
            await lift_cut(uow, viewer="staff_li", reason="再次", now=NOON)

    assert (lifted.lifted_by, lifted.reason) == ("staff_zhao", "核实为批量回访")
    await show(database, club, member, NOON)
    # What led to the alert does not lead to the next one.
    assert await scan(database, NOON + 10 * MINUTE) == []


async def test_staff_cut_by_hand_once(database: Database, club: Any, member: uuid.UUID) -> None:
    async def cut() -> bool:
        async with database.unit_of_work(Caller(actor="staff_wang")) as uow:
            return await cut_viewer(uow, viewer="staff_li", now=NOON)

    assert sorted(await asyncio.gather(cut(), cut(), cut())) == [False, False, True]
    with pytest.raises(ViewerCut):
        await show(database, club, member, NOON)
    async with database.unit_of_work(Caller(actor="staff_wang")) as uow:
        with pytest.raises(LiftedBySamePerson):
            await lift_cut(uow, viewer="staff_li", reason="算了", now=NOON)


@pytest.mark.parametrize(
    "case",
    [
        ("huitong_app", "DELETE FROM privacy.alerts", "42501"),
        ("huitong_app", "DELETE FROM privacy.cut_viewers", "42501"),
        ("huitong_app", "UPDATE privacy.cut_viewers SET viewer = 'x'", "42501"),
        (
            "huitong_app",
            "UPDATE privacy.cut_viewers SET lifted_by = viewer, lifted_at = now(), reason = 'x'",
            "23514",
        ),
        (None, "UPDATE privacy.alerts SET count = 99", "HT002"),
        (None, "DELETE FROM privacy.cut_viewers", "HT002"),
    ],
)
async def test_nobody_changes_alerts_and_cuts(
    database: Database, club: Any, owner_url: str, case: tuple[str | None, str, str]
) -> None:
    role, statement, state = case
    await see_people(database, club, 30, NOON)
    await scan(database, NOON)

    async with Database(owner_url, role=role) as asking:
        with pytest.raises(DBAPIError) as refused:
            async with asking.unit_of_work() as uow:
                await uow.execute(statement)

    assert find_sql_state(refused.value) == state


@pytest.mark.parametrize(
    "document",
    [
        "",
        "odd_hours: {from_hour: 7, until_hour: 22}\nrules: []",
        "odd_hours: {from_hour: 22, until_hour: 7}\nrules: [{rule: a}]",
        (
            "odd_hours: {from_hour: 22, until_hour: 7}\nrules: [{rule: a, measure: people_in_full,"
            " window_minutes: 0, threshold: 1, cuts: true, title: {zh: 甲, en: A}}]"
        ),
    ],
)
def test_refuses_a_file_with_a_mistake(document: str) -> None:
    with pytest.raises(DataFileInvalidError):
        AccessRules.parse(document)
