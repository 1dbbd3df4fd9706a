"""Alerts come into cases: what belongs together, what does not, and each exactly once."""

import asyncio
import itertools
import random
import uuid

import asyncpg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.risk.fraud.cases.conftest import (
    NOW,
    RULEBOOK,
    Office,
    account,
    address,
    customer,
    device,
    payment,
)

from huitong import risk
from huitong.kernel import limits
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.ids import CASE, show_id
from huitong.risk import EntryType, Participant, Side
from huitong.risk.decisioning.decisions.alerts import is_alert, name_participants
from huitong.risk.fraud.cases.graph import DegreeLimits, Neighbourhood
from huitong.risk.fraud.cases.links import list_links


async def test_what_did_not_allow_or_is_watched_raises_an_alert_and_nothing_else(
    office: Office,
) -> None:
    watched = risk.Listed(risk.ListKind.WATCH, risk.EntityKind.DEVICE)
    allowed = risk.Listed(risk.ListKind.ALLOW, risk.EntityKind.DEVICE)
    raised = [
        await office.decide(payment(1, 2), action=risk.Action.STEP_UP),
        await office.decide(payment(1, 2), action=risk.Action.ALLOW, listed=(watched,)),
    ]
    await office.decide(payment(1, 2), action=risk.Action.ALLOW)
    await office.decide(payment(1, 2), action=risk.Action.ALLOW, listed=(allowed,))
    assert list(await office.cases()) == raised
    failed = risk.Decision(
        id=uuid.uuid4(),
        purpose=risk.Purpose.LOG_IN,
        action=risk.Action.ALLOW,
        decided_at=NOW,
        failed=("a",),
    )
    assert is_alert(failed)


async def test_an_alert_is_never_there_without_its_decision(office: Office) -> None:
    decision = await office.decide(payment(1, 2))
    again = risk.Decision(
        id=decision,
        purpose=risk.Purpose.PAYMENT,
        action=risk.Action.BLOCK,
        decided_at=NOW,
        fallback=risk.Fallback.SLOW,
    )
    with pytest.raises(asyncpg.UniqueViolationError):
        await office.run(lambda uow: risk.record_decisions(uow, [again]))
    assert await office.desk.count("risk.alerts") == 1


async def test_alerts_of_the_same_parties_are_one_case_and_others_another(office: Office) -> None:
    first, second, third, other = await office.alert(
        payment(1, 2), payment(1, 3), payment(4, 2), payment(8, 9)
    )
    assert first == second == third != other
    case = await office.get(first)
    assert (case.state, case.alerts, case.assigned_to) == (risk.CaseState.OPEN, 3, None)
    assert [each.to_json() for each in case.at_risk] == [{"amount": "300.00", "currency": "CNY"}]
    types = [each.type for each in await office.entries(first)]
    assert types == [EntryType.ALERT, EntryType.ALERT, EntryType.ALERT, EntryType.OPENED]


async def test_a_shared_device_connects_customers_who_have_nothing_else_in_common(
    office: Office,
) -> None:
    office.history.uses(1, device(77))
    office.history.uses(5, device(77))
    first, second, other = await office.alert(payment(1, 2), payment(5, 6), payment(8, 9))
    assert first == second != other


async def test_where_the_money_went_on_is_near_and_where_others_also_pay_is_not(
    office: Office,
) -> None:
    office.history.pays(2, 3)
    first, mule = await office.alert(payment(1, 2), payment(3, 4))
    assert first == mule
    office.history.pays(11, 50)
    office.history.pays(13, 50)
    one, two = await office.alert(payment(11, 12), payment(13, 14))
    assert one != two


async def test_a_big_merchant_and_a_carriers_address_connect_nothing(office: Office) -> None:
    everybody = RULEBOOK.integer("risk.cases.links.account.max", NOW.date())
    for number in range(100, 101 + everybody):
        office.history.pays(number, 2)
    for number in range(200, 206):
        office.history.uses(number, address(1))
    cases = await office.alert(payment(1, 2), payment(3, 2), payment(5, 6, address(1)))
    more = await office.alert(payment(7, 8, address(1)), payment(1, 2))
    assert len({*cases, *more}) == 4
    # Who acts is the same: this connects however many there are.
    assert more[1] == cases[0]


async def test_a_device_of_few_connects_and_one_more_user_ends_that(office: Office) -> None:
    most = RULEBOOK.integer("risk.cases.links.device.max", NOW.date())
    for number in range(100, 100 + most - 2):
        office.history.uses(number, device(7))
    first, second, third = await office.alert(
        payment(1, 2, device(7)), payment(3, 4, device(7)), payment(5, 6, device(7))
    )
    assert first == second != third


async def test_two_cases_that_turn_out_to_be_one_are_merged_into_the_older(office: Office) -> None:
    first, second = await office.alert(payment(1, 2), payment(3, 4))
    assert first != second
    (bridge,) = await office.alert(payment(1, 4))
    assert bridge == first
    assert set((await office.cases()).values()) == {first}
    merged = await office.get(second)
    assert (merged.state, merged.merged_into, merged.alerts) == (risk.CaseState.MERGED, first, 0)
    assert (await office.get(first)).alerts == 3
    about = {each.type: each.about for each in await office.entries(first)}
    assert about[EntryType.MERGED] == show_id(CASE, second)


async def test_cases_that_two_people_work_on_stay_and_name_each_other(office: Office) -> None:
    first, second, free = await office.alert(payment(1, 2), payment(3, 4), payment(5, 6))
    for case_id in (first, second):
        await (await office.hire()).take(case_id)
    bridge = (*payment(1, 4), Participant(Side.COUNTERPARTY, account(6)))
    joined, again = await office.alert(bridge, bridge)
    assert joined == again == first
    assert (await office.get(second)).state is risk.CaseState.OPEN
    assert (await office.get(free)).merged_into == first
    for each, other in ((first, second), (second, first)):
        related = [e.about for e in await office.entries(each) if e.type is EntryType.RELATED]
        assert related == [show_id(CASE, other)]


async def test_a_closed_case_takes_nothing_more(office: Office) -> None:
    (first,) = await office.alert(payment(1, 2))
    somebody = await office.hire()
    await somebody.take(first)
    await somebody.close(first)
    (second,) = await office.alert(payment(1, 2))
    assert second != first
    assert (await office.get(first)).alerts == 1


async def test_a_full_case_takes_nothing_more(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "CASE_ALERTS_MAX", 2)
    cases = await office.alert(*[payment(1, 2)] * 5)
    assert [len(list(same)) for _, same in itertools.groupby(cases)] == [2, 2, 1]


async def test_a_killed_job_leaves_the_alerts_for_the_next(office: Office) -> None:
    await office.decide(payment(1, 2))
    await office.decide(payment(3, 4))

    async def die(uow: UnitOfWork) -> None:
        await risk.group_alerts(uow, sources=[office.history], rulebook=RULEBOOK, now=NOW)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        await office.run(die)
    assert set((await office.cases()).values()) == {None}
    for table in ("risk.cases", "risk.case_entries", "risk.case_entities", "risk.links"):
        assert await office.desk.count(table) == 0
    assert await office.group() == 2
    assert await office.group() == 0
    assert await office.desk.count("risk.cases") == 2


async def test_workers_that_group_at_once_make_each_case_once(office: Office) -> None:
    for number in range(60):
        await office.decide(payment(1, 100 + number))
    counts = await asyncio.gather(*[office.group() for _ in range(4)])
    assert sorted(counts) == [0, 0, 10, 50]
    assert await office.desk.count("risk.cases") == 1
    (case_id,) = set((await office.cases()).values())
    assert (await office.get(case_id)).alerts == 60


async def test_an_alert_that_commits_late_is_not_missed(office: Office) -> None:
    async with office.database.unit_of_work() as late:
        early = risk.Decision(
            id=uuid.UUID(int=7 << 76 | 1),
            purpose=risk.Purpose.PAYMENT,
            action=risk.Action.BLOCK,
            decided_at=NOW,
            fallback=risk.Fallback.SLOW,
            participants=payment(5, 6),
        )
        await risk.record_decisions(late, [early])
        await office.decide(payment(1, 2))
        assert await office.group() == 1
    assert await office.group() == 1


async def test_money_action_and_number_make_the_priority(office: Office) -> None:
    await office.decide(payment(1, 2), amount="60000.00")
    await office.decide(payment(3, 4), amount="100.00", action=risk.Action.STEP_UP)
    await office.decide(payment(5, 6), amount=None)
    await office.group()
    listed = await office.run(lambda uow: risk.list_cases(uow, risk.Queue.PRIORITY))
    assert [each.priority for each in listed] == [40 + 40 + 2, 40 + 2, 10 + 2]
    assert [len(each.at_risk) for each in listed] == [1, 0, 1]
    after = await office.run(
        lambda uow: risk.list_cases(uow, risk.Queue.PRIORITY, after=listed[0].id, limit=1)
    )
    assert after == [listed[1]]


async def test_the_weight_of_rules_and_the_score_of_the_model_count(office: Office) -> None:
    version = await office.desk.make_live("amount > 5")
    decision = risk.Decision(
        id=uuid.uuid4(),
        purpose=risk.Purpose.PAYMENT,
        action=risk.Action.REVIEW,
        decided_at=NOW,
        version_id=version.id,
        hits=("large",),
        names_id=uuid.uuid4(),
        packed=b"\x91\x01",
        participants=payment(1, 2),
        scoring=risk.Scoring(model_id=uuid.uuid4(), score=0.9, action=risk.Action.REVIEW),
    )
    await office.run(lambda uow: risk.record_decisions(uow, [decision]))
    await office.group()
    (case_id,) = (await office.cases()).values()
    # A review, a rule of weight 10 with a score of 0.9, one alert.
    assert (await office.get(case_id)).priority == 20 + (10 + 90) // 5 + 2


def test_participants_have_one_side_each_and_pairs_are_none() -> None:
    entities = (
        account(1),
        customer(1),
        account(2),
        risk.Entity.of_pair(1, 2),
        device(3),
        account(1),
    )
    named = name_participants(entities, [account(2)])
    assert set(named) == {
        Participant(Side.ACTOR, account(1)),
        Participant(Side.ACTOR, customer(1)),
        Participant(Side.COUNTERPARTY, account(2)),
        Participant(Side.MEANS, device(3)),
    }
    assert [Participant.read(each.code) for each in named] == list(named)


NUMBERS = st.integers(1, 7)
ALERTS = st.lists(
    st.tuples(NUMBERS, NUMBERS.map(lambda each: each + 10), st.none() | st.integers(1, 3)),
    min_size=1,
    max_size=8,
)


def nearness(
    alerts: list[tuple[int, int, int | None]], limits_: DegreeLimits
) -> set[frozenset[int]]:
    """Return the groups of alerts by their places, with everything known at the end."""
    people = [payment(a, b, *([] if c is None else [device(c)])) for a, b, c in alerts]
    links = [link for each in people for link in list_links(each)]
    groups = {number: {number} for number in range(len(people))}
    for one, two in itertools.combinations(range(len(people)), 2):
        around = Neighbourhood(people[one], limits_)
        around.add(links)
        if set(around.measure()) & {each.entity for each in people[two]}:
            joined = groups[one] | groups[two]
            for each in joined:
                groups[each] = joined
    return {frozenset(each) for each in groups.values()}


@settings(max_examples=50, deadline=None)
@given(ALERTS, st.randoms(use_true_random=False))
def test_nearness_does_not_depend_on_order(
    alerts: list[tuple[int, int, int | None]], shuffler: random.Random
) -> None:
    limits_ = DegreeLimits(account=100, device=100, address=100)
    order = list(range(len(alerts)))
    shuffler.shuffle(order)
    shuffled = nearness([alerts[each] for each in order], limits_)
    assert {frozenset(order[each] for each in group) for group in shuffled} == nearness(
        alerts, limits_
    )


@pytest.mark.parametrize("seed", range(4))
async def test_the_same_alerts_in_another_order_are_the_same_groups(
    office: Office, seed: int
) -> None:
    chosen = random.Random(seed)
    alerts = [
        payment(chosen.randint(1, 9), chosen.randint(11, 19), device(chosen.randint(1, 12)))
        for _ in range(10)
    ]
    order = list(range(len(alerts)))
    chosen.shuffle(order)
    # The second round has other numbers throughout, so that it shares nothing with the first.
    moved = [_move(each) for each in alerts]
    first = await office.alert(*alerts)
    second = await office.alert(*[moved[each] for each in order])
    back = [second[order.index(place)] for place in range(len(alerts))]
    assert _partition(first) == _partition(back)


def _partition(cases: list[uuid.UUID]) -> set[frozenset[int]]:
    return {
        frozenset(place for place, each in enumerate(cases) if each == case) for case in set(cases)
    }


def _move(participants: tuple[Participant, ...]) -> tuple[Participant, ...]:
    return tuple(
        Participant(
            each.side,
            risk.Entity(
                each.entity.kind,
                (int.from_bytes(each.entity.key) + 1_000).to_bytes(len(each.entity.key), "big"),
            ),
        )
        for each in participants
    )


async def test_a_ring_of_thousands_is_looked_at_within_limits(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "CASE_NODES_MAX", 10)
    for number in range(100, 140):
        office.history.pays(1, number)
    (case,) = await office.alert(payment(1, 2))
    assert (await office.get(case)).alerts == 1
