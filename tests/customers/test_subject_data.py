"""What customers give to somebody who asks for their data, and what an erasure leaves."""

from datetime import UTC, datetime
from typing import Any

from huitong import customers
from huitong.customers import CustomerData
from huitong.kernel.ids import uuid7

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)


async def test_a_copy_holds_the_items_of_the_application_in_full(
    office: Any, person_of: Any, bank_cards: Any
) -> None:
    person = person_of(1, bank_cards=bank_cards[:1])
    application = await office.apply(person)
    data = CustomerData(office.vault)
    async with office.database.unit_of_work() as uow:
        exported = await data.export(uow, application.id)
        nobody = await data.export(uow, uuid7())
    assert (exported["name"], exported["mobile"]) == (person.name, person.mobile)
    told = exported["application"]
    assert isinstance(told, dict)
    assert told["items"]["id_number"] == person.id_number
    assert told["items"]["bank_cards"] == [bank_cards[0]]
    assert told["pictures"] == ["id_back", "id_front", "selfie"]
    assert (told["state"], told["confirmed_by"]) == (
        "approved",
        ["bank_621626", "identity", "mobile"],
    )
    assert nobody == {}


async def test_an_erasure_ends_the_relationship_and_keeps_what_the_law_says(
    office: Any, person_of: Any
) -> None:
    application = await office.apply(person_of(1))
    data = CustomerData(office.vault)
    for _ in range(2):
        async with office.database.unit_of_work() as uow:
            erasure = await data.erase(uow, application.id, now=NOW)
        assert erasure.erased == 0
        assert [kept.data_class for kept in erasure.kept] == ["identity_records"]
    async with office.database.unit_of_work() as uow:
        assert (await customers.get_customer(uow, application.id)).closed_at == NOW
        assert (await data.export(uow, application.id))["closed_at"] == NOW.isoformat()
    # The number is free: the person may come back.
    again = await office.apply(person_of(1))
    assert again.state is customers.ApplicationState.APPROVED


async def test_pictures_of_an_application_that_led_to_nothing_are_erased(
    office: Any, person_of: Any
) -> None:
    application_id = await office.draft(person_of(1))
    async with office.database.unit_of_work() as uow:
        erasure = await CustomerData(office.vault).erase(uow, application_id, now=NOW)
        left = await uow.fetch_value("SELECT count(*) FROM customers.picture_parts")
    assert (erasure.erased, erasure.kept, left) == (3, (), 0)
