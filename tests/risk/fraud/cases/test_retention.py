"""Notes of old cases and old links are destroyed; everything else of a case stays."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError
from tests.risk.fraud.cases.conftest import NOW, Office, device, payment

from huitong import privacy, risk

LONG_AGO = datetime(2015, 3, 2, 4, 0, tzinfo=UTC)


async def destroy(office: Office, retained: Any, now: datetime) -> int:
    done = await office.run(lambda uow: privacy.destroy_due(uow, retained, now=now))
    return 0 if done is None else done.count


async def close_a_case(office: Office, now: datetime) -> Any:
    (case_id,) = await office.alert(payment(1, 2, device(3)))
    somebody = await office.hire()
    finding = risk.Finding(outcome=risk.Outcome.FRAUD, note="spoke", alerts_seen=1)

    async def close(uow: Any) -> None:
        # As if all of it had been back then.
        await uow.execute(
            "INSERT INTO risk.cases (id, opened_at, last_alert_at) "
            "VALUES (gen_random_uuid(), :now, :now)",
            now=now,
        )
        old = await uow.fetch_value("SELECT id FROM risk.cases WHERE opened_at = :now", now=now)
        await risk.assign_case(uow, case_id=old, staff=somebody.staff, to=somebody.staff, now=now)
        await risk.add_note(uow, case_id=old, staff=somebody.staff, note="called", now=now)
        await risk.close_case(
            uow,
            case_id=old,
            staff=somebody.staff,
            finding=risk.Finding(outcome=risk.Outcome.UNCLEAR, note="over", alerts_seen=0),
            now=now,
        )

    await office.run(close)
    await somebody.take(case_id)
    await somebody.run(
        lambda uow: risk.close_case(
            uow, case_id=case_id, staff=somebody.staff, finding=finding, now=NOW
        )
    )
    return case_id


async def test_notes_go_ten_years_after_the_end_and_the_rest_of_the_timeline_stays(
    office: Office,
) -> None:
    case_id = await close_a_case(office, LONG_AGO)
    entries = await office.desk.count("risk.case_entries")
    assert await destroy(office, risk.CaseNotes(), LONG_AGO.replace(year=2025)) == 0
    assert await destroy(office, risk.CaseNotes(), NOW) == 2
    assert await destroy(office, risk.CaseNotes(), NOW) == 0
    assert await office.desk.count("risk.case_entries") == entries
    (closed, *_) = await office.entries(case_id)
    assert closed.note == "spoke"


async def test_the_database_keeps_notes_of_cases_that_are_not_old(office: Office) -> None:
    await close_a_case(office, LONG_AGO)
    before = await office.desk.count("risk.case_entries WHERE note IS NOT NULL")
    with pytest.raises(DBAPIError):
        await office.run(lambda uow: uow.execute("UPDATE risk.case_entries SET note = NULL"))
    assert await office.desk.count("risk.case_entries WHERE note IS NOT NULL") == before == 3


async def test_links_go_when_they_connect_nothing_any_more(office: Office) -> None:
    await office.alert(payment(1, 2, device(3)))
    links = await office.desk.count("risk.links")
    # Two who own accounts, who pays whom, and the device: each under both ends.
    assert links == 8
    assert await destroy(office, risk.OldLinks(), NOW + timedelta(days=29)) == 0
    assert await destroy(office, risk.OldLinks(), NOW + timedelta(days=32)) == 8
    assert await office.desk.count("risk.links") == 0
    assert await office.desk.count("risk.alerts") == 1
