"""Restrictions: a document that expires, staff who freeze, and lifting one without the others."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from huitong import customers, ledger
from huitong.customers import RestrictionKind
from huitong.kernel.errors import InvalidField
from huitong.kernel.rulebook import Rulebook

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
RULEBOOK = Rulebook.load()
LAST_DAY = date(2026, 12, 1)
#: The first day on which the grace period of 90 days is over.
DUE = datetime(2027, 3, 2, 4, 0, tzinfo=UTC)


@pytest.fixture
async def expiring(office: Any, person_of: Any) -> customers.Customer:
    """A customer whose card, an ordinary one of ten years, ends in a week."""
    person = person_of(3, valid_from_on=date(2016, 12, 1), valid_until_on=LAST_DAY)
    application = await office.apply(person)
    if application.state is customers.ApplicationState.PENDING_REVIEW:
        await office.run_sealed(
            customers.approve_application,
            application_id=application.id,
            is_in_person=True,
            reason="seen",
            rulebook=RULEBOOK,
            now=NOW,
        )
    async with office.database.unit_of_work() as uow:
        return await customers.get_customer(uow, application.id)


async def restrict(office: Any, at: datetime) -> int:
    found: int = await office.run(customers.restrict_expired, rulebook=RULEBOOK, now=at)
    return found


async def state_of(office: Any, customer: customers.Customer) -> str:
    balance = await office.run(ledger.get_balance, account_id=customer.account_id)
    name: str = balance.state.name
    return name


async def kinds_of(office: Any, customer: customers.Customer) -> list[RestrictionKind]:
    found = await office.run(customers.list_restrictions, customer_id=customer.id)
    return [each.kind for each in found]


async def count(office: Any, topic: str) -> int:
    async with office.database.unit_of_work() as uow:
        found: int = await uow.fetch_value(
            "SELECT count(*) FROM kernel.outbox WHERE topic = :topic",
            topic=f"customers.{topic}.v1",
        )
    return found


async def renew(office: Any, customer: customers.Customer, at: datetime) -> None:
    await office.run(
        customers.complete_review,
        customer_id=customer.id,
        valid_until_on=date(2046, 12, 1),
        reason="new card shown",
        rulebook=RULEBOOK,
        now=at,
    )


async def test_an_expired_document_restricts_after_the_grace_period_and_renewing_lifts_it(
    office: Any, expiring: customers.Customer
) -> None:
    assert await restrict(office, DUE - timedelta(days=1)) == 0
    assert await state_of(office, expiring) == "OPEN"
    assert await restrict(office, DUE) == 1
    assert await state_of(office, expiring) == "DEBITS_FROZEN"
    assert await kinds_of(office, expiring) == [RestrictionKind.DOCUMENT]
    # Done once, however often it is asked for.
    assert await restrict(office, DUE + timedelta(days=30)) == 0
    assert await count(office, "CustomerRestricted") == 1
    await renew(office, expiring, DUE)
    assert await state_of(office, expiring) == "OPEN"
    assert await kinds_of(office, expiring) == []
    assert await count(office, "CustomerRestrictionLifted") == 1
    assert await restrict(office, DUE + timedelta(days=365)) == 0


async def test_renewing_in_time_restricts_nobody(office: Any, expiring: Any) -> None:
    await renew(office, expiring, NOW + timedelta(days=60))
    assert await restrict(office, DUE) == 0
    assert await count(office, "CustomerRestrictionLifted") == 0


async def test_renewing_does_not_lift_what_a_court_froze(office: Any, expiring: Any) -> None:
    freeze = {"customer_id": expiring.id, "reason": "court order", "now": DUE}
    await restrict(office, DUE)
    await office.run(customers.freeze_customer, are_credits_frozen=True, **freeze)
    assert await state_of(office, expiring) == "FROZEN"
    assert await count(office, "CustomerFrozen") == 1
    await renew(office, expiring, DUE)
    assert await state_of(office, expiring) == "FROZEN"
    await office.run(customers.unfreeze_customer, **freeze)
    assert await state_of(office, expiring) == "OPEN"


async def test_unfreezing_does_not_lift_what_an_expired_document_restricts(
    office: Any, expiring: Any
) -> None:
    freeze = {"customer_id": expiring.id, "reason": "court order", "now": DUE}
    await office.run(customers.freeze_customer, are_credits_frozen=False, **freeze)
    assert await restrict(office, DUE) == 1
    await office.run(customers.unfreeze_customer, **freeze)
    assert await state_of(office, expiring) == "DEBITS_FROZEN"
    assert await kinds_of(office, expiring) == [RestrictionKind.DOCUMENT]
    await renew(office, expiring, DUE)
    assert await state_of(office, expiring) == "OPEN"


async def test_a_freeze_of_an_earlier_version_is_taken_over(office: Any, expiring: Any) -> None:
    # That version knew the ledger's state only.
    await office.run(
        ledger.set_account_state,
        account_id=expiring.account_id,
        state=ledger.AccountState.FROZEN,
        reason="court order",
        now=NOW,
    )
    await restrict(office, DUE)
    assert await kinds_of(office, expiring) == [RestrictionKind.DOCUMENT, RestrictionKind.STAFF]
    await renew(office, expiring, DUE)
    assert await state_of(office, expiring) == "FROZEN"
    unfreeze = {"customer_id": expiring.id, "reason": "order lifted", "now": DUE}
    await office.run(customers.unfreeze_customer, **unfreeze)
    assert await state_of(office, expiring) == "OPEN"


async def test_workers_who_restrict_and_staff_who_renew_come_one_after_the_other(
    office: Any, expiring: Any
) -> None:
    *restricted, _ = await asyncio.gather(
        *(restrict(office, DUE) for _ in range(4)), renew(office, expiring, DUE)
    )
    assert sum(restricted) in (0, 1)
    assert await state_of(office, expiring) == "OPEN"
    assert await kinds_of(office, expiring) == []
    assert await count(office, "CustomerRestricted") == sum(restricted)


async def test_a_closed_customer_is_not_restricted(office: Any, expiring: Any) -> None:
    await office.run(customers.close_customer, customer_id=expiring.id, reason="asked for", now=NOW)
    assert await restrict(office, DUE) == 0


async def test_an_account_that_the_ledger_closed_stops_no_other_work(
    office: Any, expiring: Any
) -> None:
    await office.run(
        ledger.set_account_state,
        account_id=expiring.account_id,
        state=ledger.AccountState.CLOSED,
        reason="closed by hand",
        now=NOW,
    )
    await restrict(office, DUE)
    assert await state_of(office, expiring) == "CLOSED"
    assert await restrict(office, DUE) == 0
    with pytest.raises(ledger.AccountIsClosed):
        await office.run(
            customers.freeze_customer,
            customer_id=expiring.id,
            are_credits_frozen=True,
            reason="court order",
            now=DUE,
        )


async def test_a_bad_reason_changes_nothing(office: Any, expiring: Any) -> None:
    with pytest.raises(InvalidField):
        await office.run(
            customers.freeze_customer,
            customer_id=expiring.id,
            are_credits_frozen=True,
            reason="",
            now=NOW,
        )
    assert await kinds_of(office, expiring) == []
    assert await state_of(office, expiring) == "OPEN"
