"""People work on cases: queues, one case for one person, notes, and what came of it."""

import asyncio
import uuid
from collections.abc import Awaitable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError
from tests.risk.fraud.cases.conftest import (
    NOW,
    RULEBOOK,
    Investigator,
    Office,
    account,
    customer,
    device,
    payment,
)

from huitong import identity, risk
from huitong.kernel import audit, limits
from huitong.kernel.errors import InvalidField, Refusal
from huitong.kernel.ids import CASE, STAFF, show_id, uuid7
from huitong.risk import EntryType, Queue


async def refused(work: Awaitable[Any]) -> str:
    with pytest.raises(Refusal) as caught:
        await work
    return caught.value.code


async def labels(office: Office) -> dict[uuid.UUID, bool]:
    ids = list(await office.cases())
    found = await office.run(lambda uow: risk.find_labels(uow, ids))
    return {each: label.is_fraud for each, label in found.items()}


async def list_queue(
    office: Office, queue: Queue, who: Investigator | None = None
) -> list[uuid.UUID]:
    staff_id = None if who is None else who.staff.id
    cases = await office.run(lambda uow: risk.list_cases(uow, queue, staff_id=staff_id))
    return [case.id for case in cases]


async def test_a_case_is_taken_handed_over_and_given_back(office: Office) -> None:
    first, second = await office.alert(payment(1, 2), payment(3, 4))
    one, two = await office.hire(), await office.hire()
    assert (await one.take(second)).assigned_to == one.staff.id
    assert await list_queue(office, Queue.UNASSIGNED) == [first]
    assert await list_queue(office, Queue.MINE, one) == [second]
    assert await list_queue(office, Queue.AGE) == [first, second]
    assert await refused(two.take(second)) == "case_taken"
    assert await refused(two.release(second)) == "case_taken"
    await one.hand_over(second, two)
    assert await list_queue(office, Queue.MINE, two) == [second]
    await two.release(second)
    assert (await office.get(second)).assigned_to is None
    entries = await office.entries(second)
    assert [each.type for each in entries[:3]] == [
        EntryType.RELEASED,
        EntryType.ASSIGNED,
        EntryType.ASSIGNED,
    ]
    assert entries[1].about == show_id(STAFF, two.staff.id)
    assert entries[1].actor == show_id(STAFF, one.staff.id)


async def test_two_who_take_one_case_at_once_do_not_both_get_it(office: Office) -> None:
    (case_id,) = await office.alert(payment(1, 2))
    people = [await office.hire() for _ in range(5)]
    got = await asyncio.gather(*[each.take(case_id) for each in people], return_exceptions=True)
    winners = [each for each in got if isinstance(each, risk.Case)]
    assert len(winners) == 1
    assert all(isinstance(each, risk.CaseTaken) for each in got if each is not winners[0])
    assert (await office.get(case_id)).assigned_to == winners[0].assigned_to


@pytest.mark.parametrize(("outcome", "is_fraud"), [("fraud", True), ("genuine", False)])
async def test_what_came_of_a_case_labels_every_decision_in_it(
    office: Office, outcome: str, is_fraud: bool
) -> None:
    case_id, *_, other = await office.alert(payment(1, 2), payment(1, 3), payment(8, 9))
    somebody = await office.hire()
    await somebody.take(case_id)
    closed = await somebody.close(case_id, outcome, seen=2, note="spoke with the customer")
    assert (closed.state.value, closed.outcome, closed.closed_by) == (
        "closed",
        risk.Outcome(outcome),
        somebody.staff.id,
    )
    members = [each for each, case in (await office.cases()).items() if case == case_id]
    assert await labels(office) == dict.fromkeys(members, is_fraud)
    assert await list_queue(office, Queue.CLOSED) == [case_id]
    assert await list_queue(office, Queue.PRIORITY) == [other]
    records = await office.run(lambda uow: audit.list_records(uow, subject=show_id(CASE, case_id)))
    assert {each.action for each in records} == {
        "risk.open_case",
        "risk.case_assigned",
        "risk.case_closed",
    }
    for again in (somebody.close(case_id), somebody.note(case_id, "x"), somebody.take(case_id)):
        assert await refused(again) == "case_closed"


async def test_an_unclear_case_labels_nothing(office: Office) -> None:
    (case_id,) = await office.alert(payment(1, 2))
    somebody = await office.hire()
    await somebody.take(case_id)
    await somebody.close(case_id, "unclear")
    assert await labels(office) == {}


async def test_only_who_has_a_case_closes_it_and_only_what_they_saw(office: Office) -> None:
    (case_id,) = await office.alert(payment(1, 2))
    one, two = await office.hire(), await office.hire()
    assert await refused(one.close(case_id)) == "case_not_taken"
    await one.take(case_id)
    assert await refused(two.close(case_id)) == "not_own_case"
    await office.alert(payment(1, 5))
    assert await refused(one.close(case_id, seen=1)) == "case_changed"
    assert (await office.get(case_id)).state is risk.CaseState.OPEN
    assert await labels(office) == {}
    await one.close(case_id, seen=2)
    assert len(await labels(office)) == 2


async def test_an_alert_that_comes_while_a_case_is_being_closed_opens_another(
    office: Office,
) -> None:
    (case_id,) = await office.alert(payment(1, 2))
    somebody = await office.hire()
    await somebody.take(case_id)
    late = await office.decide(payment(1, 2))
    finding = risk.Finding(outcome=risk.Outcome.FRAUD, note="seen", alerts_seen=1)
    async with office.database.unit_of_work() as closing:
        await risk.close_case(
            closing, case_id=case_id, staff=somebody.staff, finding=finding, now=NOW
        )
        grouping = asyncio.create_task(office.group())
        await asyncio.sleep(0.3)
        assert not grouping.done()
    assert await grouping == 1
    assert (await office.cases())[late] != case_id
    assert late not in await labels(office)


async def test_closing_while_an_alert_comes_is_refused_or_sees_it(office: Office) -> None:
    for number in range(1, 6):
        (case_id,) = await office.alert(payment(number, 100 + number))
        somebody = await office.hire()
        await somebody.take(case_id)
        late = await office.decide(payment(number, 100 + number))
        _, closed = await asyncio.gather(
            office.group(), somebody.close(case_id), return_exceptions=True
        )
        joined = (await office.cases())[late] == case_id
        assert isinstance(closed, risk.CaseChanged) == joined
        assert (late in await labels(office)) is False


async def test_nobody_works_on_a_case_that_they_are_in(office: Office) -> None:
    (case_id,) = await office.alert(payment(1, 2))
    own = await office.hire(customer_id=uuid.UUID(int=2))
    other = await office.hire(customer_id=uuid.UUID(int=3))
    for work in (own.take(case_id), own.note(case_id, "x"), other.hand_over(case_id, own)):
        assert await refused(work) == "own_record"
    await other.take(case_id)
    assert (await office.get(case_id)).assigned_to == other.staff.id


async def test_a_case_goes_only_to_who_works_on_cases(office: Office) -> None:
    (case_id,) = await office.alert(payment(1, 2))
    somebody, cashier = await office.hire(), await office.hire("service")
    assert await refused(somebody.hand_over(case_id, cashier)) == InvalidField.code
    assert await refused(cashier.take(case_id)) == identity.NotPermitted.code


@pytest.mark.parametrize("note", ["", "  ", "a\x00b", "x" * (limits.CASE_NOTE_LENGTH_MAX + 1)])
async def test_a_note_that_says_nothing_is_refused(office: Office, note: str) -> None:
    (case_id,) = await office.alert(payment(1, 2))
    somebody = await office.hire()
    before = await office.entries(case_id)
    assert await refused(somebody.note(case_id, note)) == InvalidField.code
    assert await office.entries(case_id) == before
    await somebody.note(case_id, "打过电话\n没人接")
    assert (await office.entries(case_id))[0].note == "打过电话\n没人接"


async def test_what_does_not_exist_is_not_found(office: Office) -> None:
    somebody = await office.hire()
    assert await refused(somebody.take(uuid7())) == "case_not_found"
    assert await refused(office.get(uuid7())) == "case_not_found"


async def test_the_timeline_and_what_is_closed_never_change(office: Office) -> None:
    (case_id,) = await office.alert(payment(1, 2))
    somebody = await office.hire()
    await somebody.take(case_id)
    await somebody.close(case_id)
    for statement in (
        "UPDATE risk.case_entries SET note = 'other'",
        "DELETE FROM risk.case_entries",
        "UPDATE risk.cases SET outcome = 'genuine'",
        "UPDATE risk.cases SET state = 'open', outcome = NULL, closed_at = NULL, closed_by = NULL",
        "UPDATE risk.alerts SET case_id = NULL, weight = NULL",
        "DELETE FROM risk.cases",
    ):
        with pytest.raises(DBAPIError):
            await office.run(lambda uow, text=statement: uow.execute(text))


async def test_the_graph_shows_who_is_linked_and_leaves_out_what_is_too_much(
    office: Office,
) -> None:
    office.history.uses(1, device(7))
    office.history.uses(9, device(7))
    for number in range(100, 150):
        office.history.pays(number, 2)
    (case_id,) = await office.alert(payment(1, 2))
    graph = await office.run(
        lambda uow: risk.draw_case(
            uow, case_id, sources=[office.history], rulebook=RULEBOOK, now=NOW
        )
    )
    nodes = {each.entity: each for each in graph.nodes}
    assert {each.entity for each in graph.nodes if each.is_of_case} == {
        account(1),
        customer(1),
        account(2),
        customer(2),
    }
    assert device(7) in nodes
    assert customer(9) not in nodes
    degree = sum(account(2) in {link.source, link.target} for link, _ in graph.links)
    assert degree == RULEBOOK.integer("risk.cases.links.account.max", NOW.date())
    assert (nodes[account(2)].has_more, nodes[account(1)].has_more) == (True, False)
    assert graph.is_cut
    assert {end for link, _ in graph.links for end in (link.source, link.target)} <= nodes.keys()


async def test_an_investigator_has_work_with_the_people_of_their_cases(office: Office) -> None:
    (case_id,) = await office.alert(payment(1, 2))
    one, two = await office.hire(), await office.hire()
    await one.take(case_id)
    people = [uuid.UUID(int=number) for number in (1, 2, 3)]

    async def related(who: Investigator) -> frozenset[uuid.UUID]:
        found: frozenset[uuid.UUID] = await office.run(
            lambda uow: risk.find_people_in_cases(uow, people, staff_id=who.staff.id)
        )
        return found

    assert await related(one) == set(people[:2])
    assert await related(two) == frozenset()
    await one.close(case_id)
    assert await related(one) == frozenset()


async def test_what_takes_part_can_be_proposed_for_a_list_by_who_has_the_case(
    office: Office,
) -> None:
    (case_id,) = await office.alert(payment(1, 2))
    one, two = await office.hire(), await office.hire()
    await one.take(case_id)

    def propose(who: Investigator, entity: risk.Entity) -> Awaitable[Any]:
        return who.run(
            lambda uow: risk.check_can_propose(uow, case_id=case_id, staff=who.staff, entity=entity)
        )

    assert (await propose(one, account(2))).id == case_id
    assert await refused(propose(one, account(3))) == InvalidField.code
    assert await refused(propose(two, account(2))) == identity.NotOwnCase.code


@pytest.mark.parametrize(
    "leaving",
    [
        "UPDATE identity.staff SET state = 'suspended' WHERE id = :id",
        "UPDATE identity.staff_roles SET ended_at = granted_at WHERE staff_id = :id",
    ],
)
async def test_what_somebody_had_who_left_can_be_taken(office: Office, leaving: str) -> None:
    (case_id,) = await office.alert(payment(1, 2))
    one, two = await office.hire(), await office.hire()
    await one.take(case_id)
    assert await refused(two.take(case_id)) == "case_taken"
    await office.run(lambda uow: uow.execute(leaving, id=one.staff.id))
    assert (await two.take(case_id)).assigned_to == two.staff.id
    await two.close(case_id)


async def test_what_two_people_overturned_keeps_its_label(office: Office) -> None:
    case_id, _ = await office.alert(payment(1, 2), payment(1, 3))
    somebody = await office.hire()
    await somebody.take(case_id)
    wrong, right = await office.cases()
    approval_id = await office.desk.approve("risk.overturn_decision")
    overturn = await office.run(
        lambda uow: risk.overturn_decision(
            uow,
            decision_id=wrong,
            approval_id=approval_id,
            reason="invoice",
            rulebook=RULEBOOK,
            now=NOW,
        )
    )
    assert overturn.exempt_until == NOW + timedelta(hours=24)
    await somebody.close(case_id, "fraud", seen=2)
    assert await labels(office) == {wrong: False, right: True}
    listed = await office.run(lambda uow: risk.list_entries(uow, risk.ListKind.ALLOW, now=NOW))
    assert [(each.entity, each.expires_at) for each in listed] == [
        (risk.Entity.of_pair(1, 2), overturn.exempt_until)
    ]


async def test_who_comes_to_be_part_of_their_own_case_can_only_give_it_back(
    office: Office,
) -> None:
    (case_id,) = await office.alert(payment(1, 2))
    somebody = await office.hire(customer_id=uuid.UUID(int=9))
    await somebody.take(case_id)
    await office.alert(payment(1, 9))
    assert await refused(somebody.close(case_id, seen=2)) == "own_record"
    assert (await somebody.release(case_id)).assigned_to is None
    assert await refused(somebody.take(case_id)) == "own_record"
