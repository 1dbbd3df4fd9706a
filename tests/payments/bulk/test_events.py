"""What is told of a file, in the transaction that made it true."""

from typing import Any

import pytest
from tests.payments.bulk.office import LINES, Office

from huitong.kernel.errors import Refusal
from huitong.kernel.ids import uuid7
from huitong.ledger import AccountState
from huitong.payments import bulk
from huitong.payments.bulk.uploads import UploadPlaces


async def told(office: Office) -> list[Any]:
    async with office.town.database.unit_of_work() as uow:
        rows = await uow.execute(
            "SELECT topic, payload FROM kernel.outbox WHERE topic LIKE '%.BulkFile%' ORDER BY id"
        )
    return [(row.topic.split(".")[1], row.payload) for row in rows]


async def test_each_step_of_a_file_is_told_once(office: Office) -> None:
    file = await office.submit(office.write(*LINES))
    await office.approve(file)
    await office.freeze(office.staff[1].account_id, AccountState.FROZEN)
    await office.pay_all()
    events = await told(office)
    assert [name for name, _ in events] == [
        "BulkFileSubmitted",
        "BulkFileApproved",
        "BulkFilePaid",
    ]
    paid = events[-1][1]
    assert (paid["paid_count"], paid["failed_count"]) == (4, 1)
    assert (paid["paid"]["minor"], paid["failed"]["minor"]) == (130_00, 20_00)


async def test_what_is_refused_or_bad_is_not_told(office: Office) -> None:
    await office.submit(office.write((0, "10.00")).replace("员工0".encode(), "别人".encode()))
    file = await office.submit(office.write((0, "10.00")))
    with pytest.raises(Refusal):
        await office.submit(office.write((0, "10.00")))
    with pytest.raises(Refusal):
        await office.approve(file, approved_by=office.maker.id)
    assert [name for name, _ in await told(office)] == ["BulkFileSubmitted"]


async def test_a_rejected_and_a_stopped_file_are_told(office: Office) -> None:
    first = await office.submit(office.write((0, "10.00")))
    await office.town.run(
        bulk.reject_bulk_file,
        file_id=first.id,
        rejected_by=office.checker.id,
        digest=first.digest,
    )
    second = await office.approve(await office.submit(office.write((1, "10.00"))))
    await office.freeze(second.payer_account_id, AccountState.FROZEN)
    await office.pay_all()
    events = await told(office)
    assert [name for name, _ in events] == [
        "BulkFileSubmitted",
        "BulkFileRejected",
        "BulkFileSubmitted",
        "BulkFileApproved",
        "BulkFileStopped",
    ]
    assert events[-1][1]["reason"] == "funds_not_taken"


def test_places_are_counted_for_all_and_for_each_business() -> None:
    places = UploadPlaces(places=3, places_of_business=2)
    tea, inn = uuid7(), uuid7()
    with places.take(tea), places.take(tea):
        with pytest.raises(bulk.TooManyUploads) as refused, places.take(tea):
            pass
        assert refused.value.context == {"retry_after_seconds": 10}
        with places.take(inn), pytest.raises(bulk.TooManyUploads), places.take(inn):
            pass
    with places.take(tea), places.take(tea), places.take(inn):
        pass
