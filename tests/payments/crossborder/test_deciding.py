"""Risk decides about payments abroad, and what it holds waits for two members of staff."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from tests.payments.crossborder.bureau import RULES, Bureau, both
from tests.payments.guarding import Guarded
from tests.risk.decisioning.rules.conftest import Desk

from huitong import payments, risk
from huitong.payments import crossborder
from huitong.payments.crossborder import PaymentState

ABROAD = "kind == 'abroad'"


@pytest.fixture
async def guard(bureau: Bureau, person: Any) -> Guarded:
    database, now = bureau.town.database, bureau.now
    rules = risk.RuleCache(
        database, {risk.Purpose.PAYMENT: risk.PAYMENT_FEATURES}, now=lambda: bureau.now
    )
    await rules.learn_news()
    bureau.decider = risk.PaymentDecider(database, rules, RULES)
    desk = Desk(database, now=now, catalogue=risk.PAYMENT_FEATURES)
    return Guarded(None, desk, rules, bureau.decider, person, person)  # type: ignore[arg-type]


async def decisions(bureau: Bureau) -> dict[uuid.UUID, risk.Action]:
    async with bureau.town.database.reading() as uow:
        rows = await uow.execute("SELECT id, action FROM risk.decisions")
    return {row.id: risk.Action(row.action) for row in rows}


async def labels(bureau: Bureau, payment: crossborder.Payment) -> list[bool]:
    found = await bureau.town.read(risk.find_labels, [payment.id])
    return [label.is_fraud for label in found.values()]


async def test_what_is_allowed_is_decided_by_its_worth_and_counted(
    bureau: Bureau, guard: Guarded, person: Any
) -> None:
    """100.00 USD cost 713.13 yuan, which is what risk counts."""
    payment = await bureau.pay(person, "100.00 USD")
    assert await decisions(bureau) == {payment.id: risk.Action.ALLOW}
    decision = await guard.desk.run(lambda uow: risk.get_decision(uow, payment.id))
    values = await guard.desk.run(lambda uow: risk.name_values(uow, decision))
    assert (values["amount"], values["kind"], values["is_strong"]) == (71_313, "abroad", True)
    assert (await guard.replay(decision)).is_same
    await bureau.work()
    assert (await bureau.get(payment)).state is PaymentState.SENT


async def test_what_is_blocked_moves_nothing_and_leaves_its_decision(
    bureau: Bureau, guard: Guarded, person: Any
) -> None:
    await guard.live(ABROAD, action="block")
    before = await bureau.balance(person)
    with pytest.raises(payments.PaymentBlocked):
        await bureau.pay(person, "100.00 USD")
    assert list((await decisions(bureau)).values()) == [risk.Action.BLOCK]
    assert await bureau.balance(person) == before
    assert await bureau.quotas(person) == {"purchase": "0.00", "settlement": "0.00"}


@pytest.mark.parametrize("action", ["review", "delay"])
async def test_what_is_held_waits_with_its_money_and_goes_when_two_release_it(
    bureau: Bureau, guard: Guarded, person: Any, action: str
) -> None:
    await guard.live(ABROAD, action=action)
    payment = await bureau.pay(person, "100.00 USD")
    await bureau.work()
    held = await bureau.get(payment)
    assert (held.state, held.reasons) == (PaymentState.HELD, ("risk_review",))
    assert await bureau.own("transit_out", "USD") == "100.00"
    assert bureau.correspondent.messages == {}
    await bureau.run(crossborder.release_payment, payment_id=payment.id)
    await bureau.work()
    assert (await bureau.get(payment)).state is PaymentState.SENT
    assert await labels(bureau, payment) == []


async def test_what_is_held_and_refused_is_given_back_and_labelled(
    bureau: Bureau, guard: Guarded, person: Any
) -> None:
    before = await bureau.balance(person)
    await guard.live(ABROAD, action="review")
    payment = await bureau.pay(person, "100.00 USD")
    await bureau.work()
    ended = await both(
        bureau.run(crossborder.refuse_payment, payment_id=payment.id, rulebook=RULES),
        bureau.run(crossborder.release_payment, payment_id=payment.id),
    )
    refused = [each for each in ended if not isinstance(each, Exception)]
    assert len(refused) == 1
    if refused[0].state is PaymentState.REFUSED:
        assert await labels(bureau, payment) == [True]
        assert await bureau.balance(person) == before
    else:
        assert await labels(bureau, payment) == []


async def test_who_was_blocked_meanwhile_is_not_released(
    bureau: Bureau, guard: Guarded, person: Any
) -> None:
    await guard.live(ABROAD, action="review")
    payment = await bureau.pay(person, "100.00 USD")
    await bureau.work()
    await guard.put_on_list("block", risk.Entity.of_id(risk.EntityKind.CUSTOMER, person.id))
    with pytest.raises(payments.PaymentBlocked):
        await bureau.run(crossborder.release_payment, payment_id=payment.id)
    assert (await bureau.get(payment)).state is PaymentState.HELD
    await bureau.run(crossborder.refuse_payment, payment_id=payment.id, rulebook=RULES)
    assert await labels(bureau, payment) == [True]


async def test_a_business_is_decided_about_when_its_second_user_approves(
    bureau: Bureau, guard: Guarded
) -> None:
    quote = await bureau.quote(bureau.merchant, "100.00 USD", "CNY")
    payment = await bureau.order(bureau.merchant, "100.00 USD", quote=quote)
    assert await decisions(bureau) == {}
    await guard.live(ABROAD, action="block")
    for _ in range(2):
        with pytest.raises(payments.PaymentBlocked):
            await bureau.approve(payment)
    tried = await decisions(bureau)
    assert list(tried.values()) == [risk.Action.BLOCK] * 2
    assert payment.id not in tried
    await guard.live("kind == 'withdrawal'", action="block")
    bureau.clock.advance(timedelta(seconds=1))
    assert (await bureau.approve(payment)).state is PaymentState.INITIATED
    assert (await decisions(bureau))[payment.id] is risk.Action.ALLOW


async def test_with_papers_a_person_passes_the_quota_and_somebody_looks_first(
    bureau: Bureau, person: Any
) -> None:
    """49,990.00 of 50,000.00 USD are used: 20.00 more need proof of what they pay."""
    await bureau.exchange(person, await bureau.quote(person, "49990.00 USD", "CNY"))
    before = await bureau.balance(person)
    with pytest.raises(crossborder.QuotaExceeded):
        await bureau.pay(person, "20.00 USD", purpose="travel")
    letter = await bureau.paper("admission_letter", person)
    with pytest.raises(crossborder.QuotaExceeded):
        await bureau.pay(person, "20.00 USD", purpose="study", papers=[letter])
    papers = [letter, await bureau.paper("fee_notice", person)]
    payment = await bureau.pay(person, "20.00 USD", purpose="study", papers=papers)
    assert await bureau.quotas(person) == {"purchase": "49990.00", "settlement": "0.00"}
    await bureau.work()
    held = await bureau.get(payment)
    assert (held.state, held.reasons) == (PaymentState.HELD, ("beyond_quota",))
    await bureau.run(crossborder.refuse_payment, payment_id=payment.id, rulebook=RULES)
    assert await bureau.balance(person) == before
    assert await bureau.quotas(person) == {"purchase": "49990.00", "settlement": "0.00"}
    # What is within the quota is counted, whatever papers there are.
    small = await bureau.pay(person, "10.00 USD", purpose="study")
    await bureau.work()
    assert (await bureau.get(small)).state is PaymentState.SENT
    assert await bureau.quotas(person) == {"purchase": "50000.00", "settlement": "0.00"}
