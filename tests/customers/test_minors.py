"""Minors: what their guardians consent to, what they may do alone, and guardians who are lost."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.cn import ric

from huitong import customers, ledger, privacy
from huitong.customers import (
    Capacity,
    GuardianRelation,
    RestrictionKind,
    Sex,
    Unfitness,
    find_capacity,
)
from huitong.kernel.errors import InvalidField, NotFound
from huitong.kernel.ids import uuid7
from huitong.kernel.rulebook import Rulebook

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
RULEBOOK = Rulebook.load()


def number_of_age(years: int, place: str = "100") -> str:
    body = f"110101{2026 - years}0601{place}"
    body = body[:17].ljust(17, "3")
    return body + ric.calc_check_digit(body + "0")


def child_of(person_of: Any, years: int, guardian_id: Any, seed: int = 11) -> Any:
    day = date(2025, 7, 1)
    return person_of(
        seed,
        id_number=number_of_age(years, f"10{seed % 10}"),
        sex=Sex.MALE,
        valid_from_on=day,
        valid_until_on=day.replace(year=2030),
        guardian_id=guardian_id,
    )


async def consent(office: Any, child_id: Any, guardian_id: Any, **changed: Any) -> Any:
    values: dict[str, Any] = {
        "child_id": child_id,
        "guardian_id": guardian_id,
        "relation": GuardianRelation.PARENT,
        "version": 1,
        "channel": "counter",
        "rulebook": RULEBOOK,
        "now": NOW,
    }
    return await office.run_sealed(customers.give_guardian_consent, **(values | changed))


async def open_child(
    office: Any, person_of: Any, desk_for: Any, *, years: int, guardian_id: Any, seed: int = 11
) -> customers.Customer:
    """Tell the whole story of a child whose guardian consents, and whom staff approve."""
    person = child_of(person_of, years, guardian_id, seed)
    application_id = await office.draft(person)
    await consent(office, application_id, guardian_id)
    await office.submit(application_id)
    await office.check(desk_for(person))
    application = await office.read(application_id)
    assert application.state is customers.ApplicationState.PENDING_REVIEW, application.remarks
    await office.run_sealed(
        customers.approve_application,
        application_id=application_id,
        is_in_person=True,
        reason="birth certificate seen",
        rulebook=RULEBOOK,
        now=NOW,
    )
    async with office.database.unit_of_work() as uow:
        return await customers.get_customer(uow, application_id)


@pytest.fixture
async def guardian(office: Any, person_of: Any) -> Any:
    return (await office.apply(person_of(7))).id


async def kinds_of(office: Any, customer_id: Any) -> list[RestrictionKind]:
    return [
        each.kind for each in await office.run(customers.list_restrictions, customer_id=customer_id)
    ]


async def due_of(office: Any) -> dict[Any, str]:
    async with office.database.unit_of_work() as uow:
        page = await customers.list_due_reviews(uow)
    return {each.customer_id: each.reason for each in page.items}


@given(st.integers(0, 120))
def test_capacity_only_grows_with_age(age: int) -> None:
    capacities = [
        find_capacity(each, rulebook=RULEBOOK, on_day=NOW.date()) for each in (age, age + 1)
    ]
    order = [Capacity.NONE, Capacity.LIMITED, Capacity.FULL]
    assert order.index(capacities[0]) <= order.index(capacities[1])


@pytest.mark.parametrize(
    ("age", "capacity"),
    [(0, "none"), (7, "none"), (8, "limited"), (17, "limited"), (18, "full"), (90, "full")],
)
def test_capacity_is_that_of_the_civil_code(age: int, capacity: str) -> None:
    assert find_capacity(age, rulebook=RULEBOOK, on_day=NOW.date()) == capacity


@pytest.mark.parametrize("expected", [(6, "none"), (12, "limited"), (16, "limited")])
async def test_a_child_is_opened_with_the_capacity_of_its_age(
    office: Any, person_of: Any, desk_for: Any, guardian: Any, expected: tuple[int, str]
) -> None:
    years, capacity = expected
    child = await open_child(office, person_of, desk_for, years=years, guardian_id=guardian)
    assert (child.capacity, child.account_class) == (capacity, 2)
    minor = await office.run(customers.get_minor, customer_id=child.id)
    assert (minor.guardian_id, minor.relation) == (guardian, GuardianRelation.PARENT)
    with pytest.raises(customers.NotAMinor):
        await office.run(customers.get_minor, customer_id=guardian)


async def test_under_14_nobody_is_opened_without_the_guardians_consent(
    office: Any, person_of: Any, guardian: Any
) -> None:
    application = await office.apply(child_of(person_of, 12, guardian))
    assert application.state is customers.ApplicationState.REFUSED
    assert "guardian_consent_missing" in [each.code for each in application.remarks]
    older = await office.apply(child_of(person_of, 15, guardian, seed=12))
    assert older.state is customers.ApplicationState.PENDING_REVIEW


async def test_a_consent_is_recorded_with_its_text_and_once(
    office: Any, person_of: Any, guardian: Any
) -> None:
    application_id = await office.draft(child_of(person_of, 12, guardian))
    first = await consent(office, application_id, guardian)
    assert await consent(office, application_id, guardian) == first
    async with office.database.unit_of_work() as uow:
        (record,) = await privacy.list_consents(uow, subject_id=application_id)
    assert (record.purpose, record.version, record.id) == ("child_data", 1, first.consent_id)


async def test_only_somebody_verified_and_of_age_is_a_guardian(
    office: Any, person_of: Any, desk_for: Any, guardian: Any
) -> None:
    child = await open_child(office, person_of, desk_for, years=15, guardian_id=guardian)
    application_id = await office.draft(child_of(person_of, 12, guardian, seed=12))
    unverified = await office.run_sealed(
        customers.open_customer,
        customer_id=uuid7(),
        name="王芳",
        mobile="13800138000",
        account_class=1,
        now=NOW,
    )
    for somebody, because in (
        (uuid7(), Unfitness.UNKNOWN),
        (unverified.id, Unfitness.NOT_VERIFIED),
        (child.id, Unfitness.NOT_OF_AGE),
    ):
        with pytest.raises(customers.GuardianUnfit) as refused:
            await consent(office, application_id, somebody)
        assert refused.value.context["because"] == because.value
    with pytest.raises(InvalidField):
        await consent(office, guardian, guardian)
    with pytest.raises(NotFound):
        await consent(office, uuid7(), guardian)
    with pytest.raises(privacy.ConsentTextOutdated):
        await consent(office, application_id, guardian, version=2)
    freeze = {"customer_id": guardian, "reason": "court order", "now": NOW}
    await office.run(customers.freeze_customer, are_credits_frozen=False, **freeze)
    with pytest.raises(customers.GuardianUnfit) as refused:
        await consent(office, application_id, guardian)
    assert refused.value.context["because"] == "restricted"
    await office.run(customers.unfreeze_customer, **freeze)
    await consent(office, application_id, guardian)


async def test_a_guardian_who_is_frozen_meanwhile_stops_the_approval(
    office: Any, person_of: Any, desk_for: Any, guardian: Any
) -> None:
    person = child_of(person_of, 12, guardian)
    application_id = await office.draft(person)
    await consent(office, application_id, guardian)
    await office.submit(application_id)
    await office.check(desk_for(person))
    await office.run(
        customers.freeze_customer,
        customer_id=guardian,
        are_credits_frozen=True,
        reason="court order",
        now=NOW,
    )
    before = await office.count()
    with pytest.raises(customers.GuardianUnfit):
        await office.run_sealed(
            customers.approve_application,
            application_id=application_id,
            is_in_person=True,
            reason="seen",
            rulebook=RULEBOOK,
            now=NOW,
        )
    assert await office.count() == before


@pytest.mark.parametrize("expected", [(6, [RestrictionKind.GUARDIAN]), (15, [])])
async def test_a_guardian_who_closes_leaves_the_ward_before_staff(
    office: Any, person_of: Any, desk_for: Any, guardian: Any, expected: tuple[int, list[Any]]
) -> None:
    years, kinds = expected
    child = await open_child(office, person_of, desk_for, years=years, guardian_id=guardian)
    await office.run(customers.close_customer, customer_id=guardian, reason="asked for", now=NOW)
    assert await kinds_of(office, child.id) == kinds
    assert (await due_of(office))[child.id] == "guardian_lost"
    replace = {"customer_id": child.id, "reason": "court named another", "rulebook": RULEBOOK}
    with pytest.raises(customers.GuardianUnfit):
        await office.run_sealed(
            customers.replace_guardian, guardian_id=guardian, now=NOW, **replace
        )
    other = (await office.apply(person_of(8))).id
    with pytest.raises(customers.GuardianConsentMissing):
        await office.run_sealed(customers.replace_guardian, guardian_id=other, now=NOW, **replace)
    await consent(office, child.id, other, relation=GuardianRelation.APPOINTED)
    minor = await office.run_sealed(
        customers.replace_guardian, guardian_id=other, now=NOW, **replace
    )
    assert (minor.guardian_id, minor.relation) == (other, GuardianRelation.APPOINTED)
    assert await kinds_of(office, child.id) == []


async def test_a_guardian_whose_data_are_erased_is_lost_too(
    office: Any, person_of: Any, desk_for: Any, guardian: Any
) -> None:
    child = await open_child(office, person_of, desk_for, years=6, guardian_id=guardian)
    data = customers.CustomerData(office.vault)
    await office.run(data.erase, subject_id=guardian, now=NOW)
    assert await kinds_of(office, child.id) == [RestrictionKind.GUARDIAN]
    balance = await office.run(ledger.get_balance, account_id=child.account_id)
    assert balance.state is ledger.AccountState.DEBITS_FROZEN


async def test_withdrawing_the_consent_stops_the_account(
    office: Any, person_of: Any, desk_for: Any, guardian: Any
) -> None:
    child = await open_child(office, person_of, desk_for, years=12, guardian_id=guardian)
    await office.run(customers.lose_consent, child_id=child.id, now=NOW)
    # The event may be late: a consent that holds again is none that was lost.
    assert await kinds_of(office, child.id) == []
    await office.run(
        privacy.withdraw_consent,
        subject_id=child.id,
        purpose=customers.CHILD_DATA,
        channel="counter",
        now=NOW,
    )
    for _ in range(2):
        await office.run(customers.lose_consent, child_id=child.id, now=NOW)
    assert await kinds_of(office, child.id) == [RestrictionKind.GUARDIAN]


async def test_birthdays_give_more_capacity_until_nobody_is_needed(
    office: Any, person_of: Any, desk_for: Any, guardian: Any
) -> None:
    child = await open_child(office, person_of, desk_for, years=6, guardian_id=guardian)

    async def capacity_at(day: date) -> str:
        at = datetime(day.year, day.month, day.day, 4, tzinfo=UTC)
        await office.run_sealed(customers.check_minors, rulebook=RULEBOOK, now=at)
        async with office.database.unit_of_work() as uow:
            return (await customers.get_customer(uow, child.id)).capacity

    await office.run(customers.close_customer, customer_id=guardian, reason="asked for", now=NOW)
    # Born on 1 June 2020.
    assert await capacity_at(date(2028, 5, 31)) == "none"
    assert await capacity_at(date(2028, 6, 1)) == "limited"
    assert await capacity_at(date(2038, 5, 31)) == "limited"
    assert await kinds_of(office, child.id) == [RestrictionKind.GUARDIAN]
    assert await capacity_at(date(2038, 6, 1)) == "full"
    assert await kinds_of(office, child.id) == []
    with pytest.raises(customers.NotAMinor):
        await office.run(customers.get_minor, customer_id=child.id)


async def test_ages_are_looked_at_once_a_day_by_however_many_workers(
    office: Any, person_of: Any, desk_for: Any, guardian: Any
) -> None:
    await open_child(office, person_of, desk_for, years=6, guardian_id=guardian)
    at = NOW + timedelta(days=800)
    await asyncio.gather(
        *(office.run_sealed(customers.check_minors, rulebook=RULEBOOK, now=at) for _ in range(4))
    )
    async with office.database.unit_of_work() as uow:
        changed = await uow.fetch_value(
            "SELECT count(*) FROM kernel.outbox "
            "WHERE topic = 'customers.CustomerCapacityChanged.v1'"
        )
    assert changed == 1
    assert await office.run_sealed(customers.check_minors, rulebook=RULEBOOK, now=at) == 0


async def test_closing_a_guardian_and_replacing_one_do_not_block_each_other(
    office: Any, person_of: Any, desk_for: Any, guardian: Any
) -> None:
    child = await open_child(office, person_of, desk_for, years=6, guardian_id=guardian)
    other = (await office.apply(person_of(8))).id
    await consent(office, child.id, other)
    results = await asyncio.gather(
        office.run(customers.close_customer, customer_id=guardian, reason="asked for", now=NOW),
        office.run_sealed(
            customers.replace_guardian,
            customer_id=child.id,
            guardian_id=other,
            reason="asked for",
            rulebook=RULEBOOK,
            now=NOW,
        ),
        return_exceptions=True,
    )
    assert not [each for each in results if isinstance(each, BaseException)]
    minor = await office.run(customers.get_minor, customer_id=child.id)
    assert minor.guardian_id == other
