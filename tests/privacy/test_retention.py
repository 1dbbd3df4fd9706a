"""What may no longer be kept is destroyed, a step at a time, and leaves evidence."""

import asyncio
import uuid
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.exc import DBAPIError

from huitong.kernel import limits
from huitong.kernel.database.unit_of_work import Database, find_sql_state
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import uuid7
from huitong.privacy import (
    AccessLogs,
    DataDestroyed,
    DataFileInvalidError,
    ExportCopies,
    ExportGone,
    Kept,
    Period,
    RequestKind,
    RequestState,
    RestrictedPeople,
    RetentionSchedule,
    approve_request,
    create_request,
    destroy_all_due,
    destroy_due,
    digest_identifiers,
    download_export,
    fulfil_next,
    get_request,
    kept_until,
    list_destructions,
    list_due,
    list_request_steps,
    record_view,
)

NOW = datetime(2026, 11, 26, 6, 0, tzinfo=UTC)
OLD = datetime(2026, 5, 1, 6, 0, tzinfo=UTC)
DAY = timedelta(days=1)
LATER = NOW + 10 * DAY


async def look(database: Database, *instants: datetime) -> None:
    async with database.unit_of_work() as uow:
        for instant in instants:
            await record_view(
                uow, viewer="staff_li", subject_id=uuid7(), is_related=True, now=instant
            )


async def ask(database: Database, club: Any, subject_id: uuid.UUID, kind: RequestKind) -> uuid.UUID:
    """Make a request that waits for the worker, and return its id."""
    async with database.unit_of_work() as uow:
        request = await create_request(
            uow,
            club.vault,
            [club],
            request_id=uuid7(),
            subject_id=subject_id,
            kind=kind,
            now=NOW,
        )
        if request.state is RequestState.RECEIVED:
            await approve_request(uow, [club], request_id=request.id, now=NOW)
    return request.id


async def restrict(database: Database, club: Any, subject_id: uuid.UUID, until_on: date) -> None:
    club.kept = (Kept(data_class="identity_records", until_on=until_on),)
    await ask(database, club, subject_id, RequestKind.DELETE)
    assert await fulfil_next(database, club.vault, [club], now=NOW)


class TestPeriods:
    @pytest.mark.parametrize(
        ("period", "start_on", "last_on"),
        [
            (Period(years=10), date(2026, 11, 26), date(2036, 11, 26)),
            (Period(years=10), date(2024, 2, 29), date(2034, 2, 28)),
            (Period(months=6), date(2026, 8, 31), date(2027, 2, 28)),
            (Period(days=7), date(2026, 12, 28), date(2027, 1, 4)),
            (Period(), date(2026, 11, 26), date(2026, 11, 26)),
        ],
    )
    def test_end_on_their_last_day(self, period: Period, start_on: date, last_on: date) -> None:
        assert period.last_day(start_on) == last_on

    @given(
        st.builds(
            Period,
            years=st.integers(0, 30),
            months=st.integers(0, 24),
            days=st.integers(0, 400),
        ),
        st.dates(date(2000, 1, 1), date(2100, 1, 1)),
        st.integers(0, 40),
    )
    def test_nothing_goes_too_soon(self, period: Period, today: date, before: int) -> None:
        assert period.last_day(period.cutoff(today) - before * DAY) < today

    @given(
        st.builds(Period, years=st.integers(0, 30), months=st.integers(0, 24)),
        st.dates(date(2000, 1, 1), date(2100, 1, 1)),
    )
    def test_what_is_due_goes_four_days_later_at_the_latest(
        self, period: Period, start_on: date
    ) -> None:
        last_on = period.last_day(start_on)

        assert period.cutoff(last_on + 4 * DAY) >= start_on

    def test_customers_records_are_kept_for_ten_years(self) -> None:
        ended_on = date(2026, 11, 26)

        assert kept_until("identity_records", ended_on, on=ended_on) == date(2036, 11, 26)
        with pytest.raises(InvalidField):
            kept_until("gossip", ended_on, on=ended_on)


async def test_access_logs_go_after_six_months_with_evidence(
    database: Database, count: Any
) -> None:
    # 2026-05-25 is the last day that is due: its six months ended yesterday, on 2026-11-25.
    due = datetime(2026, 5, 25, 15, 59, tzinfo=UTC)
    await look(database, OLD, due, due + timedelta(minutes=1), NOW)
    async with database.reading() as uow:
        ids = [
            str(row.id)
            for row in await uow.execute("SELECT id FROM privacy.lookups ORDER BY looked_at")
        ]
        (found,) = await list_due(uow, [AccessLogs()], now=NOW)
    assert (found.data_class, found.cutoff_on, found.count) == (
        "access_logs",
        date(2026, 5, 25),
        2,
    )

    async with database.unit_of_work() as uow:
        evidence = await destroy_due(uow, AccessLogs(), now=NOW)
        again = await destroy_due(uow, AccessLogs(), now=NOW)

    assert again is None
    assert evidence is not None
    assert (evidence.count, evidence.digest) == (2, digest_identifiers(ids[:2]))
    assert evidence.rule == "6 months from looked; 网络安全法 (logs, at least 6 months)"
    async with database.reading() as uow:
        assert await list_destructions(uow) == (evidence,)
        left = [str(row.id) for row in await uow.execute("SELECT id FROM privacy.lookups")]
    assert sorted(left) == sorted(ids[2:])
    assert await count("kernel.audit") == 1


async def test_a_step_is_bounded(
    database: Database, monkeypatch: pytest.MonkeyPatch, count: Any
) -> None:
    monkeypatch.setattr(limits, "RETENTION_ROWS_MAX", 2)
    await look(database, *[OLD] * 5)

    more = [await destroy_all_due(database, [AccessLogs()], now=NOW) for _ in range(4)]

    assert more == [True, True, True, False]
    async with database.reading() as uow:
        assert [each.count for each in await list_destructions(uow)] == [1, 2, 2]
    assert await count("privacy.lookups") == 0


async def test_copies_that_nobody_fetched_go_after_a_week(
    database: Database, club: Any, member: uuid.UUID, count: Any
) -> None:
    request_id = await ask(database, club, member, RequestKind.COPY)
    await fulfil_next(database, club.vault, [club], now=NOW)

    assert not await destroy_all_due(database, [ExportCopies()], now=NOW + 7 * DAY)
    assert await count("privacy.export_parts") == 1
    assert await destroy_all_due(database, [ExportCopies()], now=NOW + 8 * DAY)

    assert await count("privacy.export_parts") == 0
    async with database.unit_of_work() as uow:
        with pytest.raises(ExportGone):
            await download_export(
                uow, club.vault, request_id=request_id, subject_id=member, now=NOW
            )
        (evidence,) = await list_destructions(uow)
    assert evidence.digest == digest_identifiers([str(request_id)])


async def test_the_key_goes_when_the_last_room_must_keep_nothing(
    database: Database, club: Any, member: uuid.UUID, events: Any
) -> None:
    await restrict(database, club, member, date(2036, 11, 26))
    people = RestrictedPeople(club.vault, [club])
    last = datetime(2036, 11, 26, 6, 0, tzinfo=UTC)

    assert not await destroy_all_due(database, [people], now=last)
    async with database.reading() as uow:
        assert await club.vault.open(uow, member, club.members[member])
    club.kept = ()
    assert await destroy_all_due(database, [people], now=last + DAY)

    async with database.reading() as uow:
        with pytest.raises(DataDestroyed):
            await club.vault.open(uow, member, club.members[member])
        (evidence,) = await list_destructions(uow)
        destroyed_at = await uow.fetch_value("SELECT destroyed_at FROM privacy.restrictions")
    assert evidence.digest == digest_identifiers([str(member)])
    assert destroyed_at == last + DAY
    assert [name for name, _ in await events()] == ["SubjectRestricted", "SubjectErased"]
    assert not await destroy_all_due(database, [people], now=last + 2 * DAY)


async def test_a_room_that_keeps_longer_puts_it_off(
    database: Database, club: Any, member: uuid.UUID, count: Any
) -> None:
    await restrict(database, club, member, date(2036, 11, 26))
    club.kept = (Kept(data_class="bad_credit_records", until_on=date(2038, 1, 1)),)
    people = RestrictedPeople(club.vault, [club])

    assert not await destroy_all_due(
        database, [people], now=datetime(2036, 11, 27, 6, 0, tzinfo=UTC)
    )

    async with database.reading() as uow:
        row = await uow.fetch_one("SELECT until_on, data_classes FROM privacy.restrictions")
        assert row is not None
        assert await club.vault.open(uow, member, club.members[member])
    assert (row.until_on, row.data_classes) == (date(2038, 1, 1), ["bad_credit_records"])
    assert await count("privacy.destructions") == 0


@pytest.mark.parametrize(
    ("kind", "reasons"), [(RequestKind.DELETE, []), (RequestKind.COPY, ["data_is_gone"])]
)
async def test_a_request_that_waits_ends_with_the_data(
    database: Database, club: Any, member: uuid.UUID, kind: RequestKind, reasons: list[str]
) -> None:
    await restrict(database, club, member, date(2026, 11, 30))
    request_id = await ask(database, club, member, kind)
    club.kept = ()
    assert await destroy_all_due(database, [RestrictedPeople(club.vault, [club])], now=LATER)

    assert await fulfil_next(database, club.vault, [club], now=LATER)

    assert not await fulfil_next(database, club.vault, [club], now=LATER + DAY)
    async with database.reading() as uow:
        assert (await get_request(uow, request_id)).closed_at == LATER
        last = (await list_request_steps(uow, request_id))[-1]
    assert list(last.reasons) == reasons


async def test_the_end_of_the_period_and_another_deletion_at_once_erase_once(
    database: Database, club: Any, member: uuid.UUID, events: Any
) -> None:
    await restrict(database, club, member, date(2026, 11, 30))
    request_id = await ask(database, club, member, RequestKind.DELETE)
    club.kept = ()
    people = RestrictedPeople(club.vault, [club])

    await asyncio.gather(
        destroy_all_due(database, [people], now=LATER),
        fulfil_next(database, club.vault, [club], now=LATER),
        destroy_all_due(database, [people], now=LATER),
    )

    async with database.reading() as uow:
        with pytest.raises(DataDestroyed):
            await club.vault.open(uow, member, club.members[member])
        assert (await get_request(uow, request_id)).closed_at == LATER
    assert [name for name, _ in await events()] == ["SubjectRestricted", "SubjectErased"]


async def test_a_room_that_fails_leaves_everybody_as_they_were(
    database: Database, club: Any, member: uuid.UUID, count: Any
) -> None:
    await restrict(database, club, member, date(2026, 11, 30))
    club.kept, club.failures = (), 1
    people = RestrictedPeople(club.vault, [club])
    then = NOW + 10 * DAY
    before = await count("kernel.audit")

    with pytest.raises(club.broken):
        await destroy_all_due(database, [people], now=then)

    assert await count("kernel.audit") == before
    assert await count("privacy.destructions") == 0
    async with database.reading() as uow:
        assert await club.vault.open(uow, member, club.members[member])
    assert await destroy_all_due(database, [people], now=then)


@pytest.mark.parametrize(
    "case",
    [
        ("huitong_app", "DELETE FROM privacy.destructions", "42501"),
        ("huitong_app", "UPDATE privacy.lookups SET viewer = 'x'", "42501"),
        # Even with the right to delete: not before six months.
        ("huitong_app", "DELETE FROM privacy.lookups", "HT002"),
        (None, "UPDATE privacy.destructions SET count = 9", "HT002"),
        (None, "TRUNCATE privacy.lookups", "HT002"),
    ],
)
async def test_nobody_changes_evidence_or_logs(
    database: Database, owner_url: str, case: tuple[str | None, str, str]
) -> None:
    role, statement, state = case
    await look(database, OLD, datetime.now(UTC))
    async with database.unit_of_work() as uow:
        await destroy_due(uow, AccessLogs(), now=NOW)

    async with Database(owner_url, role=role) as asking:
        with pytest.raises(DBAPIError) as refused:
            async with asking.unit_of_work() as uow:
                await uow.execute(statement)

    assert find_sql_state(refused.value) == state


class TestSchedule:
    def test_takes_its_periods_from_the_rulebook(self) -> None:
        schedule = RetentionSchedule.load()
        today = date(2026, 11, 26)

        assert schedule.get("transaction_records").period(today) == Period(years=10)
        assert schedule.get("bad_credit_records").period(today) == Period(years=5)
        assert all(entry.source for entry in schedule.classes)

    @pytest.mark.parametrize(
        "changed",
        [
            "rule: no.such.rule",
            "days: -1",
            "days: 1, rule: aml.retention.years",
            "days: soon",
        ],
    )
    def test_refuses_a_file_with_a_mistake(self, changed: str) -> None:
        entry = "{data_class: a, title: {zh: 甲, en: A}, starts: b, source: c, " + changed + "}"
        with pytest.raises(DataFileInvalidError):
            RetentionSchedule.parse(f"classes:\n  - {entry}")
