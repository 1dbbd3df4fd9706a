"""People's requests are answered in time, all or nothing, and each step is kept."""

import asyncio
import hashlib
import json
import uuid
from datetime import UTC, date, datetime, timedelta
from importlib.resources import files
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import DBAPIError

from huitong.kernel import limits
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import Caller, Database, UnitOfWork, find_sql_state
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import uuid7
from huitong.privacy import (
    DataDestroyed,
    DataFileInvalidError,
    ExportGone,
    ExportNotReady,
    ExportTooLarge,
    Kept,
    ProcessingRestricted,
    ProvidersMissing,
    RequestKind,
    RequestRules,
    RequestState,
    SubjectRequestNotFound,
    SubjectRequestOpen,
    SubjectRequestState,
    SubjectUnknown,
    approve_request,
    cancel_request,
    check_reading,
    create_request,
    deadlines,
    download_export,
    fulfil_next,
    fulfil_request,
    get_request,
    list_queue,
    list_request_steps,
    list_requests,
    objects_to_automated_decisions,
    refuse_request,
)

NOW = datetime(2026, 11, 26, 6, 0, tzinfo=UTC)
NAME, MOBILE = "club.members.name", "club.members.mobile"
STAFF = Caller(actor="staff_li")
LATER = date(2036, 11, 26)


async def ask(
    database: Database, club: Any, subject_id: uuid.UUID, kind: str, **changes: Any
) -> Any:
    arguments = {"request_id": uuid7(), "now": NOW} | changes
    async with database.unit_of_work(Caller(actor="cus_1")) as uow:
        return await create_request(
            uow,
            club.vault,
            [club],
            subject_id=subject_id,
            kind=RequestKind(kind),
            **arguments,
        )


async def approve(database: Database, club: Any, request_id: uuid.UUID) -> Any:
    async with database.unit_of_work(STAFF) as uow:
        return await approve_request(uow, [club], request_id=request_id, now=NOW)


async def work(database: Database, club: Any, now: datetime = NOW) -> bool:
    return await fulfil_next(database, club.vault, [club], now=now)


async def state_of(database: Database, request_id: uuid.UUID) -> RequestState:
    async with database.reading() as uow:
        return (await get_request(uow, request_id)).state


async def steps_of(database: Database, request_id: uuid.UUID) -> list[tuple[Any, ...]]:
    async with database.reading() as uow:
        steps = await list_request_steps(uow, request_id)
    return [(step.state.value, step.actor, step.reasons) for step in steps]


async def download(
    database: Database, club: Any, request: Any, now: datetime = NOW
) -> dict[str, Any]:
    async with database.unit_of_work() as uow:
        text = await download_export(
            uow, club.vault, request_id=request.id, subject_id=request.subject_id, now=now
        )
    read: dict[str, Any] = json.loads(text)
    return read


class TestDeadlines:
    @pytest.mark.parametrize(
        ("received_at", "due_on", "latest_on"),
        [
            # Over National Day and its make-up days, and counted from the day in Shanghai.
            (datetime(2026, 9, 28, 1, 0, tzinfo=UTC), date(2026, 10, 23), date(2026, 10, 28)),
            (datetime(2026, 9, 27, 16, 0, tzinfo=UTC), date(2026, 10, 23), date(2026, 10, 28)),
            (datetime(2026, 11, 26, 6, 0, tzinfo=UTC), date(2026, 12, 17), date(2026, 12, 26)),
            # Spring Festival.
            (datetime(2026, 2, 10, 6, 0, tzinfo=UTC), date(2026, 3, 9), date(2026, 3, 12)),
            # Next year's holidays are not published: plain days, which end earlier.
            (datetime(2026, 12, 20, 6, 0, tzinfo=UTC), date(2027, 1, 4), date(2027, 1, 19)),
        ],
    )
    def test_count_business_days_over_holidays(
        self, received_at: datetime, due_on: date, latest_on: date
    ) -> None:
        assert deadlines(received_at) == (due_on, latest_on)

    @settings(deadline=None)
    @given(
        st.datetimes(
            min_value=datetime(2022, 1, 1),  # noqa: DTZ001 - the zone is drawn
            max_value=datetime(2027, 6, 1),  # noqa: DTZ001
            timezones=st.just(UTC),
        )
    )
    def test_are_never_later_than_30_days(self, received_at: datetime) -> None:
        due_on, latest_on = deadlines(received_at)

        day = business_day(received_at)
        assert latest_on == day + timedelta(days=30)
        assert day + timedelta(days=15) <= due_on <= latest_on


class TestCopy:
    async def test_holds_everything_once_and_follows_its_schema(
        self, database: Database, club: Any, member: uuid.UUID, count: Any
    ) -> None:
        request = await ask(database, club, member, "copy")
        assert request.state is RequestState.APPROVED
        with pytest.raises(ExportNotReady):
            await download(database, club, request)
        assert await work(database, club)
        async with database.reading() as uow:
            parts = await uow.fetch_value("SELECT string_agg(sealed, '') FROM privacy.export_parts")
            digest = await uow.fetch_value("SELECT digest FROM privacy.exports")
        assert "张小三".encode() not in parts
        assert b"13812341234" not in parts

        async with database.unit_of_work() as uow:
            text = await download_export(
                uow, club.vault, request_id=request.id, subject_id=member, now=NOW
            )

        read = json.loads(text)
        schema = json.loads((files("huitong.privacy") / "export_schema.json").read_text())
        jsonschema_rs.validate(schema, read)
        assert read["rooms"] == {"club": {"member": {NAME: "张小三", MOBILE: "13812341234"}}}
        assert [each["kind"] for each in read["privacy"]["requests"]] == ["copy"]
        assert hashlib.sha256(text.encode()).digest() == digest
        with pytest.raises(ExportGone):
            await download(database, club, request)
        assert await count("privacy.export_parts") == 0
        assert [step[0] for step in await steps_of(database, request.id)] == ["approved", "done"]

    async def test_is_given_once_to_two_who_come_at_once(
        self, database: Database, club: Any, member: uuid.UUID
    ) -> None:
        request = await ask(database, club, member, "copy")
        await work(database, club)

        outcomes = await asyncio.gather(
            *(download(database, club, request) for _ in range(4)), return_exceptions=True
        )

        assert sorted(type(outcome).__name__ for outcome in outcomes) == [
            "ExportGone",
            "ExportGone",
            "ExportGone",
            "dict",
        ]

    async def test_stays_when_the_answer_could_not_be_committed(
        self, database: Database, club: Any, member: uuid.UUID
    ) -> None:
        request = await ask(database, club, member, "copy")
        await work(database, club)

        async def download_and_break(uow: UnitOfWork) -> None:
            await download_export(
                uow, club.vault, request_id=request.id, subject_id=member, now=NOW
            )
            raise club.broken

        with pytest.raises(club.broken):
            await database.run(download_and_break)

        assert (await download(database, club, request))["rooms"]

    async def test_goes_with_the_person(
        self, database: Database, club: Any, member: uuid.UUID, count: Any
    ) -> None:
        club.kept = (Kept(data_class="identity_records", until_on=LATER),)
        copy = await ask(database, club, member, "copy")
        await work(database, club)
        deletion = await ask(database, club, member, "delete")
        await approve(database, club, deletion.id)
        await work(database, club)

        assert await count("privacy.export_parts") == 0
        with pytest.raises(ExportGone):
            await download(database, club, copy)

    async def test_expires_and_belongs_to_one_person(
        self, database: Database, club: Any, member: uuid.UUID
    ) -> None:
        request = await ask(database, club, member, "see")
        await work(database, club)

        with pytest.raises(ExportGone):
            await download(database, club, request, NOW + timedelta(days=7))
        async with database.unit_of_work() as uow:
            with pytest.raises(SubjectRequestNotFound):
                await download_export(
                    uow, club.vault, request_id=request.id, subject_id=uuid7(), now=NOW
                )

    async def test_of_many_parts_is_whole_and_of_too_many_is_refused(
        self, database: Database, club: Any, member: uuid.UUID, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(limits, "EXPORT_PART_CHARACTERS", 40)
        request = await ask(database, club, member, "copy")
        await work(database, club)
        read = await download(database, club, request)
        assert read["rooms"]["club"]["member"][NAME] == "张小三"

        monkeypatch.setattr(limits, "EXPORT_PART_CHARACTERS", 4)
        other = await ask(database, club, member, "copy")
        with pytest.raises(ExportTooLarge):
            await work(database, club)
        assert await state_of(database, other.id) is RequestState.APPROVED


class TestCorrection:
    async def test_is_sealed_and_written_once_staff_approved(
        self, database: Database, club: Any, member: uuid.UUID
    ) -> None:
        request = await ask(database, club, member, "correct", corrections={NAME: "张小四"})
        assert not await work(database, club)
        async with database.reading() as uow:
            content = await uow.fetch_value("SELECT content FROM privacy.requests")
        assert "张小四".encode() not in content
        await approve(database, club, request.id)

        assert await work(database, club)

        async with database.reading() as uow:
            opened = await club.vault.open(uow, member, club.members[member])
            content = await uow.fetch_value("SELECT content FROM privacy.requests")
        assert opened == {NAME: "张小四", MOBILE: "13812341234"}
        assert content is None
        assert await steps_of(database, request.id) == [
            ("received", "cus_1", ()),
            ("approved", "staff_li", ()),
            ("done", "system", ()),
        ]

    @pytest.mark.parametrize(
        "wanted",
        [
            ("correct", None),
            ("correct", {}),
            ("correct", {"club.members.balance": "1"}),
            ("correct", {NAME: ""}),
            ("correct", {NAME: "x" * 501}),
            ("correct", {NAME: "a\x00b"}),
            ("correct", {NAME: "\ud800"}),
            ("delete", {NAME: "张小四"}),
        ],
    )
    async def test_refuses_what_nobody_corrects(
        self,
        database: Database,
        club: Any,
        member: uuid.UUID,
        count: Any,
        wanted: tuple[str, dict[str, str] | None],
    ) -> None:
        kind, corrections = wanted
        with pytest.raises(InvalidField) as refused:
            await ask(database, club, member, kind, corrections=corrections)

        assert refused.value.field == "corrections"
        assert "张小四" not in str(refused.value)
        assert await count("privacy.requests") == 0


class TestDeletion:
    async def test_destroys_the_key_when_nothing_must_be_kept(
        self, database: Database, club: Any, member: uuid.UUID, events: Any
    ) -> None:
        request = await ask(database, club, member, "delete")
        await approve(database, club, request.id)

        assert await work(database, club)

        assert await state_of(database, request.id) is RequestState.DONE
        async with database.reading() as uow:
            with pytest.raises(DataDestroyed):
                await club.vault.open(uow, member, club.members[member])
        assert [name for name, _ in await events()] == ["SubjectErased"]
        with pytest.raises(DataDestroyed):
            await ask(database, club, member, "copy")

    async def test_restricts_to_storage_what_the_law_keeps(
        self, database: Database, club: Any, member: uuid.UUID, events: Any
    ) -> None:
        club.kept = (
            Kept(data_class="identity_records", until_on=LATER),
            Kept(data_class="access_logs", until_on=date(2027, 5, 26)),
            Kept(data_class="export_copies", until_on=date(2026, 11, 25)),
        )
        request = await ask(database, club, member, "close_account")
        await approve(database, club, request.id)

        await work(database, club)

        assert (await steps_of(database, request.id))[-1] == ("done", "system", ("kept_by_law",))
        async with database.reading() as uow:
            row = await uow.fetch_one("SELECT data_classes, until_on FROM privacy.restrictions")
            assert row is not None
            assert (row.data_classes, row.until_on) == (["access_logs", "identity_records"], LATER)
            for purpose in ("customer_service", "marketing", "credit_review"):
                with pytest.raises(ProcessingRestricted):
                    await check_reading(
                        uow, subject_id=member, purpose=purpose, viewer="staff_li", now=NOW
                    )
            await check_reading(
                uow, subject_id=member, purpose="legal_request", viewer="staff_li", now=NOW
            )
        told = await events()
        assert [name for name, _ in told] == ["SubjectRestricted"]
        assert told[0][1]["until_on"] == "2036-11-26"

    async def test_waits_for_what_blocks_it(
        self, database: Database, club: Any, member: uuid.UUID
    ) -> None:
        club.blocking = ["open_loan", "open_balance"]
        request = await ask(database, club, member, "delete")

        blocked = await approve(database, club, request.id)
        assert blocked.state is RequestState.BLOCKED
        assert not await work(database, club)
        club.blocking = []
        await approve(database, club, request.id)
        # Money came in between approval and deletion.
        club.blocking = ["open_balance"]
        await work(database, club)
        assert await state_of(database, request.id) is RequestState.BLOCKED
        assert club.erased == 0
        club.blocking = []
        await approve(database, club, request.id)
        await work(database, club)

        assert await steps_of(database, request.id) == [
            ("received", "cus_1", ()),
            ("blocked", "staff_li", ("open_balance", "open_loan")),
            ("approved", "staff_li", ()),
            ("blocked", "system", ("open_balance",)),
            ("approved", "staff_li", ()),
            ("done", "system", ()),
        ]

    async def test_waits_for_the_person_s_other_requests(
        self, database: Database, club: Any, member: uuid.UUID
    ) -> None:
        await ask(database, club, member, "copy")
        request = await ask(database, club, member, "delete")

        await approve(database, club, request.id)

        assert (await steps_of(database, request.id))[-1][2] == ("other_request_open",)

    async def test_that_fails_in_the_middle_undoes_everything_and_is_tried_again(
        self, database: Database, club: Any, member: uuid.UUID, count: Any
    ) -> None:
        request = await ask(database, club, member, "delete")
        await approve(database, club, request.id)
        club.failures = 2
        before = await count("kernel.audit"), await count("kernel.outbox")

        with pytest.raises(club.broken):
            await work(database, club)

        assert await state_of(database, request.id) is RequestState.APPROVED
        assert (await count("kernel.audit"), await count("kernel.outbox")) == before
        async with database.reading() as uow:
            assert await club.vault.open(uow, member, club.members[member])
        assert not await work(database, club, NOW + timedelta(seconds=59))
        with pytest.raises(club.broken):
            await work(database, club, NOW + timedelta(seconds=60))
        # The pause has doubled.
        assert not await work(database, club, NOW + timedelta(seconds=179))
        assert await work(database, club, NOW + timedelta(seconds=180))
        assert await state_of(database, request.id) is RequestState.DONE

    async def test_does_not_let_one_that_fails_hold_up_the_others(
        self, database: Database, club: Any, member: uuid.UUID
    ) -> None:
        failing = await ask(database, club, member, "delete")
        await approve(database, club, failing.id)
        other = uuid7()
        async with database.unit_of_work() as uow:
            club.members[other] = await club.vault.seal(uow, other, {NAME: "李四"})
        copy = await ask(database, club, other, "copy")
        club.failures = 1

        with pytest.raises(club.broken):
            await work(database, club)
        assert await work(database, club)

        assert await state_of(database, copy.id) is RequestState.DONE

    async def test_is_given_up_until_staff_look(
        self, database: Database, club: Any, member: uuid.UUID
    ) -> None:
        request = await ask(database, club, member, "delete")
        await approve(database, club, request.id)
        club.failures = limits.REQUEST_ATTEMPTS_MAX
        for attempt in range(limits.REQUEST_ATTEMPTS_MAX):
            with pytest.raises(club.broken):
                await work(database, club, NOW + timedelta(days=attempt))
        assert not await work(database, club, NOW + timedelta(days=99))

        await approve(database, club, request.id)

        assert await work(database, club)
        assert await state_of(database, request.id) is RequestState.DONE

    async def test_is_refused_where_no_room_knows_the_person(
        self, database: Database, club: Any, member: uuid.UUID
    ) -> None:
        request = await ask(database, club, member, "delete")
        await approve(database, club, request.id)

        stranger = type(club)(club.vault, erases=0)
        for providers in ([], [stranger]):
            async with database.unit_of_work() as uow:
                with pytest.raises(ProvidersMissing):
                    await fulfil_request(uow, club.vault, providers, request_id=request.id, now=NOW)

        async with database.reading() as uow:
            assert await club.vault.open(uow, member, club.members[member])

    async def test_happens_once_when_two_workers_come_at_once(
        self, database: Database, club: Any, member: uuid.UUID
    ) -> None:
        request = await ask(database, club, member, "delete")
        await approve(database, club, request.id)

        async def fulfil() -> RequestState:
            async with database.unit_of_work() as uow:
                return await fulfil_request(uow, club.vault, [club], request_id=request.id, now=NOW)

        taken = await asyncio.gather(*(work(database, club) for _ in range(3)), fulfil(), fulfil())

        assert club.erased == 1
        assert taken[3:] == [RequestState.DONE, RequestState.DONE]


async def test_objecting_to_machines_tells_the_rooms_and_holds(
    database: Database, club: Any, member: uuid.UUID, events: Any
) -> None:
    request = await ask(database, club, member, "object_automated")
    assert [name for name, _ in await events()] == ["AutomatedDecisionObjected"]
    async with database.reading() as uow:
        assert not await objects_to_automated_decisions(uow, member)

    await approve(database, club, request.id)
    await work(database, club)

    async with database.reading() as uow:
        assert await objects_to_automated_decisions(uow, member)


async def test_the_queue_shows_what_is_due_first(
    database: Database, club: Any, member: uuid.UUID
) -> None:
    late = await ask(database, club, member, "delete", now=NOW + timedelta(days=3))
    early = await ask(database, club, member, "correct", corrections={NAME: "张小四"})
    refused = await ask(database, club, member, "object_automated")
    async with database.unit_of_work(STAFF) as uow:
        await refuse_request(uow, request_id=refused.id, reason="not_automated", now=NOW)

    async with database.reading() as uow:
        queue = await list_queue(uow)
        page = await list_queue(uow, after=(queue[0].due_on, queue[0].id), limit=1)
        every = await list_requests(uow, subject_id=member)
        with pytest.raises(InvalidField):
            await list_queue(uow, limit=0)

    assert [each.id for each in queue] == [early.id, late.id]
    assert [each.id for each in page] == [late.id]
    assert [each.id for each in every] == [refused.id, early.id, late.id]
    assert (await steps_of(database, refused.id))[-1] == (
        "refused",
        "staff_li",
        ("not_automated",),
    )


async def test_refuses_what_does_not_fit_the_state(
    database: Database, club: Any, member: uuid.UUID
) -> None:
    request = await ask(database, club, member, "delete")
    assert await ask(database, club, member, "delete", request_id=request.id) == request
    with pytest.raises(SubjectRequestOpen):
        await ask(database, club, member, "delete")
    with pytest.raises(SubjectUnknown):
        await ask(database, club, uuid7(), "copy")
    async with database.unit_of_work(STAFF) as uow:
        with pytest.raises(InvalidField):
            await refuse_request(uow, request_id=request.id, reason="too_much_work", now=NOW)
        with pytest.raises(SubjectRequestNotFound):
            await cancel_request(uow, request_id=request.id, subject_id=uuid7(), now=NOW)
        with pytest.raises(SubjectRequestNotFound):
            await approve_request(uow, [club], request_id=uuid7(), now=NOW)
    await approve(database, club, request.id)
    with pytest.raises(SubjectRequestState):
        await approve(database, club, request.id)
    async with database.unit_of_work() as uow:
        cancelled = await cancel_request(uow, request_id=request.id, subject_id=member, now=NOW)
    assert cancelled.state is RequestState.CANCELLED
    assert cancelled.closed_at == NOW
    with pytest.raises(SubjectRequestState):
        await approve(database, club, request.id)
    assert not await work(database, club)
    assert (await ask(database, club, member, "delete")).state is RequestState.RECEIVED


async def test_of_many_requests_at_once_one_is_taken(
    database: Database, club: Any, member: uuid.UUID, count: Any
) -> None:
    outcomes = await asyncio.gather(
        *(ask(database, club, member, "delete") for _ in range(5)), return_exceptions=True
    )

    refused = [outcome for outcome in outcomes if isinstance(outcome, SubjectRequestOpen)]
    assert len(refused) == 4
    assert await count("privacy.requests") == 1
    assert await count("privacy.request_history") == 1


@pytest.mark.parametrize(
    "case",
    [
        ("huitong_app", "DELETE FROM privacy.requests", "42501"),
        ("huitong_app", "UPDATE privacy.requests SET kind = 'see'", "42501"),
        ("huitong_app", "UPDATE privacy.requests SET due_on = due_on + 1", "42501"),
        ("huitong_app", "UPDATE privacy.request_history SET actor = 'x'", "42501"),
        ("huitong_app", "UPDATE privacy.exports SET expires_at = now()", "42501"),
        ("huitong_app", "DELETE FROM privacy.restrictions", "42501"),
        (
            "huitong_app",
            "UPDATE privacy.requests SET state = 'approved', closed_at = NULL",
            "HT002",
        ),
        (None, "DELETE FROM privacy.requests", "HT002"),
        (None, "UPDATE privacy.request_history SET actor = 'x'", "HT002"),
        (None, "TRUNCATE privacy.request_history", "HT002"),
    ],
)
async def test_nobody_changes_what_was_asked_and_answered(
    database: Database, club: Any, member: uuid.UUID, owner_url: str, case: tuple[Any, ...]
) -> None:
    request = await ask(database, club, member, "copy")
    await work(database, club)
    assert await state_of(database, request.id) is RequestState.DONE

    role, statement, state = case
    async with Database(owner_url, role=role) as asking:
        with pytest.raises(DBAPIError) as refused:
            async with asking.unit_of_work() as uow:
                await uow.execute(statement)

    assert find_sql_state(refused.value) == state


class TestRules:
    def test_every_reason_has_words_and_a_source(self) -> None:
        rules = RequestRules.load()

        assert all(each.source for each in rules.refusals.values())
        assert "kept_by_law" in rules.refusals

    @pytest.mark.parametrize("document", ["", "kinds: {}\nrefusals: {}", "kinds: [a]"])
    def test_refuses_a_file_with_a_mistake(self, document: str) -> None:
        with pytest.raises(DataFileInvalidError):
            RequestRules.parse(document)
