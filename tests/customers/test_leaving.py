"""What becomes of applications that led to nothing, and of the ways to find somebody by number."""

from datetime import UTC, datetime
from typing import Any

import pytest

from huitong import customers, privacy
from huitong.customers import ApplicationState, CheckKind, CheckVerdict
from huitong.kernel.database.unit_of_work import UnitOfWork

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
#: A day before and the day on which six months from now are over.
EARLY = datetime(2027, 5, 22, 4, 0, tzinfo=UTC)
LATE = datetime(2027, 5, 24, 4, 0, tzinfo=UTC)


async def destroy(office: Any, at: datetime) -> int:
    """Do one step of the schedule; returns how many applications were destroyed."""
    unopened = customers.UnopenedApplications(office.vault)
    async with office.database.unit_of_work() as uow:
        due = await privacy.list_due(uow, (unopened,), now=at)
        evidence = await privacy.destroy_due(uow, unopened, now=at)
    assert due[0].count == (0 if evidence is None else evidence.count)
    return due[0].count


async def test_drafts_and_refused_ones_go_after_six_months_and_customers_stay(
    office: Any, person_of: Any
) -> None:
    draft = await office.draft(person_of(1))
    opened = await office.apply(person_of(2))
    office.registries.verdicts = {CheckKind.MOBILE: CheckVerdict.NOT_FOUND}
    waiting = await office.apply(person_of(3))
    refused = await office.apply(person_of(4))
    await office.run(
        customers.refuse_application, application_id=refused.id, reason="号码不符", now=NOW
    )
    assert (opened.state, waiting.state) == (
        ApplicationState.APPROVED,
        ApplicationState.PENDING_REVIEW,
    )
    assert await destroy(office, EARLY) == 0
    assert await destroy(office, LATE) == 2
    assert await destroy(office, LATE) == 0

    async def pictures(uow: UnitOfWork) -> set[Any]:
        rows = await uow.execute("SELECT DISTINCT application_id FROM customers.picture_parts")
        return {row.application_id for row in rows}

    assert await office.run(pictures) == {opened.id, waiting.id}
    async with office.database.reading() as uow:
        for application_id in (draft, refused.id):
            with pytest.raises(privacy.DataDestroyed):
                await customers.CustomerData(office.vault).export(uow, application_id)
        (evidence,) = await privacy.list_destructions(uow)
    assert (evidence.data_class, evidence.count) == ("unopened_applications", 2)
    assert (await office.read(waiting.id)).state is ApplicationState.PENDING_REVIEW


async def test_who_left_is_found_by_no_number_and_who_stays_is(office: Any, person_of: Any) -> None:
    gone, stays = person_of(1), person_of(2)
    left, stayed = await office.apply(gone), await office.apply(stays)
    data = customers.CustomerData(office.vault)

    async def indexes(uow: UnitOfWork) -> dict[Any, tuple[bytes, bytes, bytes]]:
        rows = await uow.execute(
            "SELECT c.id, c.mobile_index, i.id_index, i.name_birth_index "
            "FROM customers.customers c JOIN customers.identities i ON i.customer_id = c.id"
        )
        return {row.id: tuple(bytes(each) for each in row[1:]) for row in rows}

    before = await office.run(indexes)
    await office.run(lambda uow: data.forget(uow, stayed.id))
    assert await office.run(indexes) == before, "nobody who is a customer is forgotten"
    await office.run(lambda uow: data.erase(uow, left.id, now=NOW))
    await office.run(lambda uow: data.forget(uow, left.id))
    after = await office.run(indexes)
    assert after[stayed.id] == before[stayed.id]
    assert not set(after[left.id]) & set(before[left.id])
    # The number and the person may become a customer anew.
    assert (await office.apply(gone)).state is ApplicationState.APPROVED
