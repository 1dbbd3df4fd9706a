"""Customers after the opening: classes, freezes, reviews, the end of the relationship."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from huitong import customers, ledger
from huitong.customers import CheckKind, CheckVerdict
from huitong.kernel.errors import InvalidField, NotFound
from huitong.kernel.ids import uuid7
from huitong.kernel.money import Money
from huitong.kernel.rulebook import Rulebook

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
RULEBOOK = Rulebook.load()


async def topics(office: Any) -> list[str]:
    async with office.database.unit_of_work() as uow:
        rows = await uow.execute("SELECT topic FROM kernel.outbox ORDER BY id")
    return [row.topic.split(".")[1] for row in rows]


async def test_more_channels_raise_the_class_and_never_lower_it(
    office: Any, person_of: Any, bank_cards: Any
) -> None:
    application = await office.apply(person_of(1), requested_class=1)
    prove = {
        "database": office.database,
        "vault": office.vault,
        "registry": office.registries,
        "customer_id": application.id,
        "rulebook": RULEBOOK,
        "clock": office.clock,
    }
    classes = []
    for card in (*bank_cards[:3], bank_cards[2]):
        answer, customer = await customers.prove_bank_card(**prove, card_number=card)
        assert answer.verdict is CheckVerdict.CONSISTENT
        classes.append(customer.account_class)
    # identity and mobile, then one bank more each time; the same bank again adds nothing.
    assert classes == [2, 2, 3, 3]
    office.registries.verdicts = {CheckKind.BANK_CARD: CheckVerdict.INCONSISTENT}
    answer, customer = await customers.prove_bank_card(**prove, card_number=bank_cards[3])
    assert (answer.verdict, customer.account_class) == (CheckVerdict.INCONSISTENT, 3)
    with pytest.raises(InvalidField):
        await customers.prove_bank_card(**prove, card_number="62")
    raised = [topic for topic in await topics(office) if topic == "AccountClassRaised"]
    assert len(raised) == 2


async def test_who_comes_in_person_gets_the_highest_class(office: Any, person_of: Any) -> None:
    application = await office.apply(person_of(1), requested_class=1)
    raise_class = {
        "customer_id": application.id,
        "is_in_person": True,
        "rulebook": RULEBOOK,
        "now": NOW,
    }
    assert (await office.run(customers.add_channels, **raise_class)).account_class == 3
    opened = await office.run_sealed(
        customers.open_customer,
        customer_id=uuid7(),
        name="王芳",
        mobile="13800138000",
        account_class=1,
        now=NOW,
    )
    with pytest.raises(customers.NotVerified):
        await office.run(customers.add_channels, **(raise_class | {"customer_id": opened.id}))
    with pytest.raises(NotFound):
        await office.run(customers.add_channels, **(raise_class | {"customer_id": uuid7()}))


@pytest.mark.parametrize(
    ("account_class", "expected"),
    [(1, (1, None, None, None, True)), (2, (5, None, 10_000, 200_000, True)),
     (3, (5, 2_000, 2_000, 50_000, False))],
)  # fmt: skip
def test_bank_accounts_have_the_limits_of_their_class(
    account_class: int, expected: tuple[Any, ...]
) -> None:
    found = customers.get_bank_account_limits(RULEBOOK, account_class, date(2026, 11, 23))
    amounts = [None if amount is None else Money(amount * 100, "CNY") for amount in expected[1:4]]
    assert found.accounts_max == expected[0]
    assert [found.balance_max, found.out_day_max, found.out_year_max] == amounts
    assert [found.in_day_max, found.in_year_max] == amounts[1:]
    assert found.may_hold_wealth_and_loans is expected[4]


def test_there_is_no_fourth_class_of_bank_account() -> None:
    with pytest.raises(InvalidField):
        customers.get_bank_account_limits(RULEBOOK, 4, date(2026, 11, 23))


async def test_freezing_is_the_state_of_the_ledgers_account(office: Any, person_of: Any) -> None:
    application = await office.apply(person_of(1))
    change = {"customer_id": application.id, "reason": "court order", "now": NOW}
    states = []
    for are_credits_frozen in (False, True, True):
        customer = await office.run(
            customers.freeze_customer, are_credits_frozen=are_credits_frozen, **change
        )
        balance = await office.run(ledger.get_balance, account_id=customer.account_id)
        states.append(balance.state.name)
    await office.run(customers.unfreeze_customer, **change)
    balance = await office.run(ledger.get_balance, account_id=customer.account_id)
    assert [*states, balance.state.name] == ["DEBITS_FROZEN", "FROZEN", "FROZEN", "OPEN"]
    assert (await topics(office))[3:] == ["CustomerFrozen", "CustomerFrozen", "CustomerUnfrozen"]


async def test_a_closed_customer_may_apply_again_with_the_same_number(
    office: Any, person_of: Any
) -> None:
    person = person_of(1)
    first = await office.apply(person)
    close = {"customer_id": first.id, "reason": "asked for", "now": NOW}
    closed = await office.run(customers.close_customer, **close)
    assert closed.closed_at == NOW
    assert await office.run(customers.close_customer, **close) == closed
    with pytest.raises(customers.CustomerIsClosed):
        await office.run(customers.freeze_customer, are_credits_frozen=True, **close)
    with pytest.raises(customers.CustomerIsClosed):
        await office.run(customers.get_open_customer, customer_id=first.id)
    with pytest.raises(customers.CustomerIsClosed):
        await office.run(customers.add_channels, customer_id=first.id, rulebook=RULEBOOK, now=NOW)
    async with office.database.unit_of_work() as uow:
        assert await customers.find_customer_by_mobile(uow, office.vault, person.mobile) is None
    second = await office.apply(person)
    assert second.state is customers.ApplicationState.APPROVED
    assert (await office.count())["customers.identities"] == 2


async def test_what_is_due_is_marked_once_and_reviewed(office: Any, person_of: Any) -> None:
    today = date(2026, 11, 23)
    expiring = person_of(1, valid_from_on=date(2006, 12, 1), valid_until_on=date(2026, 12, 1))
    lasting = person_of(2)
    ids = [(await office.apply(person)).id for person in (expiring, lasting)]
    # The unusual term of the first card puts it before staff.
    approve = {
        "is_in_person": True,
        "reason": "seen",
        "rulebook": RULEBOOK,
        "now": NOW,
    }
    if (await office.read(ids[0])).state is customers.ApplicationState.PENDING_REVIEW:
        await office.run_sealed(customers.approve_application, application_id=ids[0], **approve)
    for days, marked in ((0, 0), (8, 0), (9, 1), (9, 0), (740, 1)):
        at = NOW + timedelta(days=days)
        assert await office.run(customers.mark_reviews_due, now=at) == marked, days
    async with office.database.unit_of_work() as uow:
        page = await customers.list_due_reviews(uow, limit=1)
        rest = await customers.list_due_reviews(uow, limit=1, cursor=page.next_cursor)
    due = {each.customer_id: each.reason for each in (*page.items, *rest.items)}
    assert due[ids[0]] == "document_expired"
    assert len(due) == 2
    review = {"customer_id": ids[0], "reason": "new card", "rulebook": RULEBOOK, "now": NOW}
    with pytest.raises(customers.DocumentExpired):
        await office.run(
            customers.complete_review, valid_until_on=today - timedelta(days=1), **review
        )
    await office.run(customers.complete_review, valid_until_on=date(2046, 12, 1), **review)
    async with office.database.unit_of_work() as uow:
        left = await customers.list_due_reviews(uow)
    assert [each.customer_id for each in left.items] == [ids[1]]
    assert "CustomerReviewed" in await topics(office)


async def test_a_review_needs_a_reason_and_an_identity(office: Any, person_of: Any) -> None:
    application = await office.apply(person_of(1))
    review: dict[str, Any] = {"valid_until_on": None, "rulebook": RULEBOOK, "now": NOW}
    with pytest.raises(InvalidField):
        await office.run(
            customers.complete_review, customer_id=application.id, reason=" ", **review
        )
    await office.run(
        customers.close_customer, customer_id=application.id, reason="asked for", now=NOW
    )
    with pytest.raises(customers.NotVerified):
        await office.run(
            customers.complete_review, customer_id=application.id, reason="seen", **review
        )
