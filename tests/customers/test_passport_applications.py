"""Applications with a passport: for whom, what is asked outside, and that staff look at each."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from huitong import customers
from huitong.customers import (
    ApplicationState,
    CheckKind,
    IdentityDocument,
    MachineZone,
    PassportReading,
    PictureKind,
    Sex,
)
from huitong.kernel.errors import InvalidField
from huitong.kernel.rulebook import Rulebook

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
RULEBOOK = Rulebook.load()


def foreigner(person_of: Any, seed: int = 1, **changed: Any) -> Any:
    values = {
        "document": IdentityDocument.PASSPORT,
        "name": "Anna Maria Eriksson",
        "name_latin": "ERIKSSON ANNA MARIA",
        "sex": Sex.FEMALE,
        "nationality": "SWE",
        "issuer": "SWE",
        "id_number": "AA1234567",
        "birth_on": date(1984, 8, 12),
        "valid_from_on": date(2022, 4, 16),
        "valid_until_on": date(2032, 4, 15),
    }
    return person_of(seed, **(values | changed))


def codes(application: customers.Application) -> list[str]:
    return [remark.code for remark in application.remarks]


async def test_a_passport_goes_before_staff_and_opens_the_class_of_its_channels(
    office: Any, person_of: Any, bank_cards: Any
) -> None:
    person = foreigner(person_of, bank_cards=bank_cards[:2])
    application = await office.apply(person)
    assert application.state is ApplicationState.PENDING_REVIEW
    assert codes(application) == ["passport_not_confirmed"]
    # The register of identity cards knows no passports.
    assert CheckKind.IDENTITY not in {kind for kind, _ in office.registries.asked}
    assert application.channels == ("bank_621626", "bank_622202", "mobile")
    approved = await office.run_sealed(
        customers.approve_application,
        application_id=application.id,
        is_in_person=False,
        reason="passport looked at",
        rulebook=RULEBOOK,
        now=NOW,
    )
    assert approved.state is ApplicationState.APPROVED
    async with office.database.unit_of_work() as uow:
        customer = await customers.get_customer(uow, application.id)
        row = await uow.fetch_one("SELECT document, valid_until_on FROM customers.identities")
        shown = (await customers.show_applicants(uow, office.vault, [application]))[application.id]
    assert (customer.account_class, row.document) == (2, "passport")
    assert row.valid_until_on == date(2032, 4, 15)
    assert "1234567" not in shown.id_number


async def test_nobody_is_a_customer_twice_by_passport(office: Any, person_of: Any) -> None:
    async def approve(application_id: Any) -> customers.Application:
        result: customers.Application = await office.run_sealed(
            customers.approve_application,
            application_id=application_id,
            is_in_person=True,
            reason="seen",
            rulebook=RULEBOOK,
            now=NOW,
        )
        return result

    first = await office.apply(foreigner(person_of))
    await approve(first.id)
    # Written in another way, by another mobile number.
    again = await office.apply(foreigner(person_of, seed=2, id_number="aa 1234567"))
    assert codes(await approve(again.id))[-1] == "duplicate_person"
    # The same number of another state is another passport.
    other = await office.apply(
        foreigner(person_of, seed=3, issuer="NOR", nationality="NOR", birth_on=date(1985, 1, 1))
    )
    assert (await approve(other.id)).state is ApplicationState.APPROVED


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"id_number": "12"}, "length_wrong"),
        ({"issuer": None}, "missing"),
        ({"name_latin": None}, "missing"),
        ({"birth_on": None}, "missing"),
        ({"valid_until_on": None}, "missing"),
        ({"valid_until_on": date(2026, 11, 22)}, "expired"),
        ({"valid_until_on": date(2022, 4, 15)}, "validity_reversed"),
        ({"valid_from_on": date(2026, 11, 24)}, "not_yet_valid"),
        ({"birth_on": date(2026, 11, 24)}, "birth_date_in_future"),
        ({"birth_on": date(2023, 1, 1)}, "issued_before_birth"),
        ({"birth_on": date(2014, 1, 1)}, "guardian_missing"),
        (
            {"issuer": "CHN", "nationality": "CHN", "id_number": "K12345678"},
            "document_not_accepted",
        ),
        ({"issuer": "CHN", "nationality": "CHN"}, "format_wrong"),
    ],
)
async def test_wrong_items_refuse(
    office: Any, person_of: Any, changed: dict[str, Any], code: str
) -> None:
    application = await office.apply(foreigner(person_of, **changed))
    assert application.state is ApplicationState.REFUSED
    assert code in codes(application)
    assert (await office.count())["customers.customers"] == 0


async def test_chinese_citizens_prove_that_they_live_abroad(office: Any, person_of: Any) -> None:
    person = foreigner(person_of, issuer="CHN", nationality="CHN", id_number="E12345678")
    application = await office.apply(person)
    assert application.state is ApplicationState.PENDING_REVIEW
    assert "residence_abroad_to_prove" in codes(application)


async def test_lines_that_say_something_else_are_named(
    office: Any, person_of: Any, desk_for: Any
) -> None:
    person = foreigner(person_of)
    zone = MachineZone(
        issuer="SWE",
        surname="ERIKSSON",
        given_names="ANNA",
        number="AA1234568",
        nationality="SWE",
        birth_on=person.birth_on,
        sex=person.sex,
        valid_until_on=person.valid_until_on,
    )
    desk = desk_for(person, passport=PassportReading(zone=zone, confidence=0.99))
    application = await office.apply(person, desk)
    assert {remark.field for remark in application.remarks if remark.code == "field_differs"} == {
        "passport.number",
        "passport.name_latin",
    }
    out = replace(desk, passport=None, fault=customers.PictureDeskBusy("busy"))
    second = await office.apply(foreigner(person_of, seed=2, id_number="BB7654321"), out)
    assert "picture_desk_unavailable" in codes(second)


async def test_the_pictures_are_those_of_the_document(office: Any, person_of: Any) -> None:
    application_id = await office.draft(person_of(1))
    await office.run_sealed(
        customers.save_person,
        application_id=application_id,
        person=foreigner(person_of),
        rulebook=RULEBOOK,
        now=NOW,
    )
    with pytest.raises(customers.ApplicationIncomplete) as missing:
        await office.submit(application_id)
    assert missing.value.context["missing"] == ["passport"]
    await office.save_picture(application_id, PictureKind.PASSPORT)
    submitted = await office.submit(application_id)
    assert submitted.state is ApplicationState.CHECKING
    assert submitted.document is IdentityDocument.PASSPORT


@pytest.mark.parametrize("changed", [{"issuer": "Sweden"}, {"name_latin": "李雷"}])
async def test_what_is_no_text_at_all_is_refused_at_once(
    office: Any, person_of: Any, changed: dict[str, Any]
) -> None:
    with pytest.raises(InvalidField):
        await office.draft(foreigner(person_of, **changed))
