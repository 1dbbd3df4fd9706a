"""Businesses: evidence in, a merchant out, and the people behind it known."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from huitong import customers
from huitong.customers import (
    BusinessDetails,
    BusinessFacts,
    BusinessStatus,
    CheckAnswer,
    CheckKind,
    CheckVerdict,
    Document,
    DocumentKind,
    OwnerBasis,
    Person,
    RegistryAnswers,
    ShownOwner,
    StakeDetails,
)
from huitong.kernel.errors import InvalidField, NotFound
from huitong.kernel.ids import uuid7
from huitong.kernel.rulebook import Rulebook

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
TODAY = date(2026, 11, 23)
CODE = "91350100M000100Y43"
RULEBOOK = Rulebook.load()
#: What a register says that knows the company and keeps no shareholders.
AGREES = RegistryAnswers(
    own=CheckAnswer(
        request_id=uuid7(),
        kind=CheckKind.BUSINESS,
        verdict=CheckVerdict.CONSISTENT,
        reference="ref-1",
        business=BusinessFacts(status=BusinessStatus.ACTIVE),
    ),
    above={},
    is_complete=True,
)


def people(person_of: Any, count: int = 3) -> tuple[Person, ...]:
    return tuple(
        Person(
            key=f"p{seed}",
            name=person_of(seed).name,
            id_number=person_of(seed).id_number,
            valid_until_on=date(2040, 1, 1),
        )
        for seed in range(1, count + 1)
    )


def details(person_of: Any, **changed: Any) -> BusinessDetails:
    values: dict[str, Any] = {
        "credit_code": CODE,
        "legal_representative": "p3",
        "people": people(person_of),
        "stakes": (
            StakeDetails(owner="p1", owned="甲公司", share="0.6"),
            StakeDetails(owner="甲公司", owned=CODE, share="0.5"),
            StakeDetails(owner="p1", owned=CODE, share="0.1"),
            StakeDetails(owner="p2", owned=CODE, share="0.24"),
        ),
        "documents": (
            Document(kind=DocumentKind.BUSINESS_LICENCE, reference="licence-1"),
            Document(
                kind=DocumentKind.INDUSTRY_PERMIT,
                reference="permit-1",
                valid_until_on=date(2027, 5, 31),
            ),
        ),
    }
    return BusinessDetails(**(values | changed))


async def open_business(office: Any, business: BusinessDetails, **changed: Any) -> Any:
    values: dict[str, Any] = {
        "merchant_id": uuid7(),
        "name": "汇通茶馆",
        "name_latin": "HUITONG TEA HOUSE",
        "city_latin": "PINGYAO",
        "category_code": "5812",
        "fee_rate": Decimal("0.006"),
        "business": business,
        "answers": AGREES,
        "rulebook": RULEBOOK,
        "now": NOW,
    }
    return await office.run_sealed(customers.open_business, **(values | changed))


async def count(office: Any) -> tuple[int, ...]:
    tables = ("customers.merchants", "customers.businesses", "ledger.accounts", "kernel.outbox")
    async with office.database.unit_of_work() as uow:
        return tuple([await uow.fetch_value(f"SELECT count(*) FROM {table}") for table in tables])


async def test_sound_evidence_opens_the_merchant_and_names_the_owners(
    office: Any, person_of: Any
) -> None:
    business = details(person_of)
    merchant = await open_business(office, business)
    async with office.database.unit_of_work() as uow:
        stored = await customers.get_business(uow, merchant.id)
        shown = await customers.show_business(
            uow, office.vault, stored, rulebook=RULEBOOK, today=TODAY
        )
        text = await uow.fetch_value(
            "SELECT string_agg(CAST(b AS text), '') FROM customers.businesses b"
        )
        topics = [row.topic for row in await uow.execute("SELECT topic FROM kernel.outbox")]
    assert stored.documents_until_on == date(2027, 5, 31)
    assert shown.credit_code != CODE
    assert [(each.basis, each.share) for each in shown.beneficial_owners] == [
        (OwnerBasis.OWNERSHIP, "0.4")
    ]
    assert "*" in shown.beneficial_owners[0].name
    assert topics == ["customers.MerchantOpened.v1", "customers.BusinessVerified.v1"]
    for person in business.people:
        assert person.name not in text
        assert person.id_number not in text
    assert CODE not in text
    again = await open_business(office, business, merchant_id=merchant.id)
    assert again == merchant


async def test_who_controls_it_counts_where_nobody_owns_enough(office: Any, person_of: Any) -> None:
    business = details(person_of, stakes=(), controllers=("p2",), senior_managers=("p3",))
    merchant = await open_business(office, business)
    async with office.database.unit_of_work() as uow:
        stored = await customers.get_business(uow, merchant.id)
        shown = await customers.show_business(
            uow, office.vault, stored, rulebook=RULEBOOK, today=TODAY
        )
    name = shown.beneficial_owners[0].name
    assert shown.beneficial_owners == (ShownOwner(name=name, basis=OwnerBasis.CONTROL, share=None),)


@pytest.mark.parametrize(
    ("changed", "code", "field"),
    [
        ({"credit_code": "91350100M000100Y44"}, "check_digit_wrong", "credit_code"),
        ({"documents": ()}, "missing", "documents.business_licence"),
        (
            {
                "documents": (
                    Document(
                        kind=DocumentKind.BUSINESS_LICENCE,
                        reference="licence-1",
                        valid_until_on=date(2026, 11, 22),
                    ),
                )
            },
            "expired",
            "documents.0",
        ),
        ({"stakes": ()}, "beneficial_owner_unknown", "people"),
        (
            {
                "people": (Person(key="p3", name="赵", id_number="110105194912310021"),),
                "stakes": (),
                "senior_managers": ("p3",),
            },
            "check_digit_wrong",
            "people.0.id_number",
        ),
    ],
)
async def test_evidence_that_does_not_suffice_opens_nothing(
    office: Any, person_of: Any, changed: dict[str, Any], code: str, field: str
) -> None:
    before = await count(office)
    with pytest.raises(customers.BusinessRefused) as refused:
        await open_business(office, details(person_of, **changed))
    assert {"code": code, "field": field} in refused.value.context["findings"]
    assert "110105194912310021" not in str(refused.value.context)
    assert await count(office) == before


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"legal_representative": "p9"}, "legal_representative"),
        ({"controllers": ("p9",)}, "controllers"),
        ({"stakes": (StakeDetails(owner="p1", owned=CODE, share="x"),)}, "stakes.0.share"),
        ({"stakes": (StakeDetails(owner="p1", owned=CODE, share="1.5"),)}, "stakes.0.share"),
        ({"people": ()}, "people"),
    ],
)
async def test_what_makes_no_sense_is_refused_by_name(
    office: Any, person_of: Any, changed: dict[str, Any], field: str
) -> None:
    before = await count(office)
    with pytest.raises(InvalidField) as refused:
        await open_business(office, details(person_of, **changed))
    assert refused.value.field == field
    assert await count(office) == before


async def test_one_credit_code_opens_one_merchant_however_many_come_at_once(
    office: Any, person_of: Any
) -> None:
    business = details(person_of)
    answers = await asyncio.gather(
        *(open_business(office, business) for _ in range(5)), return_exceptions=True
    )
    refused = [each for each in answers if isinstance(each, customers.BusinessExists)]
    assert len(refused) == 4
    assert (await count(office))[:3] == (1, 1, 1)
    merchant = next(each for each in answers if isinstance(each, customers.Merchant))
    with pytest.raises(customers.BusinessExists):
        await open_business(
            office,
            details(person_of, legal_representative="p1"),
            merchant_id=merchant.id,
        )


async def test_a_failure_after_the_merchant_leaves_nothing(
    office: Any, person_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await count(office)

    async def fail(*_: object, **__: object) -> None:
        raise RuntimeError("out")

    for seam in ("store.insert_business", "audit.record", "outbox.append"):
        with monkeypatch.context() as patch:
            patch.setattr(f"huitong.customers.commands.businesses.{seam}", fail)
            with pytest.raises(RuntimeError):
                await open_business(office, details(person_of))
        assert await count(office) == before
    await open_business(office, details(person_of))


async def test_a_document_that_expires_puts_the_business_on_the_list_once(
    office: Any, person_of: Any
) -> None:
    merchant = await open_business(office, details(person_of))
    expiry = datetime(2027, 6, 1, 4, 0, tzinfo=UTC)
    marks = [
        await office.run(customers.mark_business_reviews_due, now=at)
        for at in (NOW, expiry - timedelta(days=1), expiry, expiry)
    ]
    assert marks == [0, 0, 1, 0]
    async with office.database.unit_of_work() as uow:
        assert (await customers.get_business(uow, merchant.id)).review_reason == "document_expired"
        with pytest.raises(NotFound):
            await customers.get_business(uow, uuid7())


async def test_who_was_looked_at_goes_off_the_list_until_the_next_term(
    office: Any, person_of: Any
) -> None:
    merchant = await open_business(office, details(person_of))
    expiry = datetime(2027, 6, 1, 4, 0, tzinfo=UTC)
    await office.run(customers.mark_business_reviews_due, now=expiry)
    review: dict[str, Any] = {"reason": "new permit seen", "rulebook": RULEBOOK, "now": expiry}
    with pytest.raises(customers.DocumentExpired):
        await office.run(
            customers.complete_business_review,
            merchant_id=merchant.id,
            documents_until_on=date(2027, 5, 31),
            **review,
        )
    with pytest.raises(InvalidField):
        await office.run(
            customers.complete_business_review,
            merchant_id=merchant.id,
            documents_until_on=None,
            **(review | {"reason": " "}),
        )
    with pytest.raises(NotFound):
        await office.run(
            customers.complete_business_review,
            merchant_id=uuid7(),
            documents_until_on=None,
            **review,
        )
    async with office.database.unit_of_work() as uow:
        page = await customers.list_due_business_reviews(uow)
    assert [(each.merchant_id, each.reason) for each in page.items] == [
        (merchant.id, "document_expired")
    ]
    await office.run(
        customers.complete_business_review,
        merchant_id=merchant.id,
        documents_until_on=date(2032, 5, 31),
        **review,
    )
    async with office.database.unit_of_work() as uow:
        assert (await customers.list_due_business_reviews(uow)).items == ()
    later = expiry + timedelta(days=3 * 365)
    assert await office.run(customers.mark_business_reviews_due, now=later) == 1
    async with office.database.unit_of_work() as uow:
        assert (await customers.get_business(uow, merchant.id)).review_reason == "periodic"
