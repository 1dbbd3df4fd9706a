"""Payments that risk is asked about: what goes on, what is stopped, and what is written down."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError
from tests.payments.guarding import LARGE, Guarded, open_guarded

from huitong import risk
from huitong.kernel.ids import uuid7
from huitong.payments.types import Authentication


@pytest.fixture
async def guarded(town: Any, now: datetime) -> AsyncIterator[Guarded]:
    async with open_guarded(town, now) as opened:
        yield opened


async def test_without_rules_everything_passes_and_is_written_down_with_its_features(
    guarded: Guarded,
) -> None:
    made = guarded.make("600.00")
    (paid,) = await guarded.send(made)
    assert paid["kind"] == "transfer"
    decision = await guarded.find(made)
    assert (decision.action, decision.version_id, decision.hits) == (risk.Action.ALLOW, None, ())
    values = await guarded.desk.run(lambda uow: risk.name_values(uow, decision))
    assert set(values) == set(risk.PAYMENT_FEATURES)
    assert (values["amount"], values["is_new_payee"], values["is_new_device"]) == (
        60_000,
        True,
        None,
    )
    assert (await guarded.replay(decision)).is_same
    assert await guarded.explain(decision) == []


async def test_what_is_blocked_moves_nothing_and_says_why(guarded: Guarded, town: Any) -> None:
    version = await guarded.live()
    small, large = guarded.make("500.00"), guarded.make("500.01")
    paid, refused = await guarded.send(small, large)
    assert paid["kind"] == "transfer"
    assert refused == ["payment_blocked", None]
    assert await town.balance(guarded.payer.account_id) == "4500.00"
    decision = await guarded.find(large)
    assert decision.action is risk.Action.BLOCK
    assert (decision.version_id, decision.hits) == (version.id, ("large",))
    assert await guarded.explain(decision) == ["large"]
    replay = await guarded.replay(decision)
    assert (replay.is_same, replay.hits) == (True, ("large",))
    assert [
        each.id
        for each in await guarded.desk.run(
            lambda uow: risk.list_decisions(uow, risk.Purpose.PAYMENT)
        )
    ] == [large.order_id]
    await town.check_ties()


async def test_only_what_was_posted_is_counted(guarded: Guarded) -> None:
    await guarded.live()
    await guarded.send(guarded.make("500.01"), guarded.make("1.00"))
    await guarded.send(guarded.make("9000.00"))
    later = guarded.make("2.00")
    await guarded.send(later)
    decision = await guarded.find(later)
    values = await guarded.desk.run(lambda uow: risk.name_values(uow, decision))
    assert values["payments_30d"] == pytest.approx(1, abs=1e-6)
    assert values["paid_30d"] == pytest.approx(100, abs=1e-3)
    assert values["is_new_payee"] is False


async def test_a_step_up_passes_with_two_factors_and_not_with_one(guarded: Guarded) -> None:
    await guarded.live(action="step_up")
    strong = guarded.make("600.00")
    weak = guarded.make("600.00", authentication=Authentication.ONE_FACTOR)
    paid, refused = await guarded.send(strong, weak)
    assert paid["kind"] == "transfer"
    assert refused == ["payment_needs_step_up", None]
    for payment in (strong, weak):
        assert (await guarded.find(payment)).action is risk.Action.STEP_UP


async def test_lists_beat_rules_and_blocking_beats_allowing(guarded: Guarded) -> None:
    await guarded.live()
    await guarded.put_on_list("allow", risk.Entity.of_account(guarded.payer.account_id))
    made = guarded.make("600.00")
    (paid,) = await guarded.send(made)
    assert paid["kind"] == "transfer"
    decision = await guarded.find(made)
    assert (decision.action, decision.hits) == (risk.Action.ALLOW, ("large",))
    assert [each.code for each in decision.listed] == ["allow:account"]
    assert await guarded.explain(decision) == ["list_allow", "large"]
    await guarded.put_on_list(
        "block", risk.Entity.of_id(risk.EntityKind.CUSTOMER, guarded.payee.id)
    )
    stopped = guarded.make("1.00")
    assert await guarded.send(stopped) == [["payment_blocked", None]]
    decision = await guarded.find(stopped)
    assert [each.code for each in decision.listed] == ["allow:account", "block:customer"]
    assert (await guarded.replay(decision)).is_same


async def test_a_shadow_says_what_it_would_have_done_and_does_nothing(guarded: Guarded) -> None:
    version = await guarded.desk.save(LARGE, "block")
    await guarded.desk.shadow(version)
    await guarded.rules.learn_news()
    made = guarded.make("600.00")
    (paid,) = await guarded.send(made)
    assert paid["kind"] == "transfer"
    decision = await guarded.find(made)
    assert (decision.action, decision.version_id) == (risk.Action.ALLOW, None)
    assert (decision.shadow_version_id, decision.shadow_action) == (version.id, risk.Action.BLOCK)
    assert decision.shadow_hits == ("large",)


async def test_payments_of_one_batch_see_those_in_front_of_them(guarded: Guarded) -> None:
    await guarded.live("payments_1h >= 2", "block")
    answers = await guarded.send(*(guarded.make("1.00") for _ in range(4)))
    kinds = [each if isinstance(each, list) else each["kind"] for each in answers]
    assert kinds[:2] == ["transfer", "transfer"]
    assert kinds[2:] == [["payment_blocked", None]] * 2


async def test_without_rules_read_the_written_policy_holds(guarded: Guarded, town: Any) -> None:
    guarded.decider.rules = risk.RuleCache(town.database, {}, now=lambda: guarded.desk.now)
    small = guarded.make("1000.00", authentication=Authentication.ONE_FACTOR)
    large = guarded.make("1000.01", authentication=Authentication.ONE_FACTOR)
    answers = await guarded.send(large)
    assert answers == [["payment_needs_step_up", None]]
    (paid,) = await guarded.send(small)
    assert paid["kind"] == "transfer"
    for payment, action in ((small, risk.Action.ALLOW), (large, risk.Action.STEP_UP)):
        decision = await guarded.find(payment)
        assert (decision.action, decision.fallback) == (action, risk.Fallback.NO_RULES)
        assert await guarded.explain(decision) == ["no_rules"]
        with pytest.raises(risk.DecisionNotReplayable):
            await guarded.replay(decision)


async def test_who_is_blocked_is_blocked_even_where_the_written_policy_holds(
    guarded: Guarded, town: Any
) -> None:
    await guarded.put_on_list("block", risk.Entity.of_account(guarded.payee.account_id))
    guarded.decider.rules = risk.RuleCache(town.database, {}, now=lambda: guarded.desk.now)
    made = guarded.make("1.00")
    assert await guarded.send(made) == [["payment_blocked", None]]
    decision = await guarded.find(made)
    assert (decision.action, decision.fallback) == (risk.Action.BLOCK, risk.Fallback.NO_RULES)
    assert [each.code for each in decision.listed] == ["block:account"]


async def test_what_was_stopped_stays_stopped_when_a_later_try_only_falls_back(
    guarded: Guarded, town: Any
) -> None:
    await guarded.live()
    made = guarded.make("600.00")
    # As after a batch that was decided about and then had to be tried again.
    async with town.database.unit_of_work() as uow:
        (made.decision,) = await guarded.decider.decide(
            await uow.driver(),
            [
                risk.PaymentSubject(
                    id=made.order_id,
                    facts=risk.PaymentFacts(
                        payer_account_id=guarded.payer.account_id,
                        payee_account_id=guarded.payee.account_id,
                        amount=60_000,
                        kind="transfer",
                    ),
                )
            ],
            at=guarded.desk.now,
        )
    assert made.decision.action is risk.Action.BLOCK
    guarded.decider.rules = risk.RuleCache(town.database, {}, now=lambda: guarded.desk.now)
    assert await guarded.send(made) == [["payment_blocked", None]]
    assert (await guarded.find(made)).fallback is risk.Fallback.NO_RULES


async def test_a_blocked_customer_who_pays_themselves_is_refused_and_holds_nobody_up(
    guarded: Guarded, town: Any
) -> None:
    await guarded.put_on_list("block", risk.Entity.of_account(guarded.payee.account_id))
    own = guarded.till.make(guarded.payee, "1.00", payee_account_id=guarded.payee.account_id)
    other = guarded.till.make(guarded.payer, "2.00", payee_account_id=guarded.payer.account_id)
    answers = await guarded.send(own, other)
    assert answers == [["same_account", "payee"]] * 2
    assert await town.balance(guarded.payee.account_id) == "10.00"


async def test_a_slow_engine_rests_and_the_written_policy_holds(guarded: Guarded) -> None:
    guarded.decider.breaker.budget_seconds = -1.0
    made = [guarded.make("1.00") for _ in range(6)]
    for payment in made:
        await guarded.send(payment)
    fallbacks = [(await guarded.find(payment)).fallback for payment in made]
    assert fallbacks == [None] * 5 + [risk.Fallback.SLOW]


async def test_a_decision_is_never_changed_and_unknown_ones_are_named(guarded: Guarded) -> None:
    made = guarded.make("1.00")
    await guarded.send(made)
    for statement in ("UPDATE risk.decisions SET action = 0", "DELETE FROM risk.decisions"):
        with pytest.raises(DBAPIError):
            await guarded.desk.run(lambda uow, text=statement: uow.execute(text))
    with pytest.raises(risk.DecisionNotFound):
        await guarded.desk.run(lambda uow: risk.get_decision(uow, uuid7()))


async def test_what_is_stopped_raises_an_alert_with_who_took_part_and_what_passes_none(
    guarded: Guarded,
) -> None:
    await guarded.live()
    small, large = guarded.make("500.00"), guarded.make("500.01")
    await guarded.send(small, large)
    rows = await guarded.desk.run(
        lambda uow: uow.execute("SELECT decision_id, amount, currency, parties FROM risk.alerts")
    )
    assert [(row.decision_id, row.amount, row.currency) for row in rows] == [
        (large.order_id, 50_001, "CNY")
    ]
    payer, payee = guarded.payer, guarded.payee
    assert set(rows[0].parties) == {
        f"actor:account:{payer.account_id:016x}",
        f"actor:customer:{payer.id.hex}",
        f"counterparty:account:{payee.account_id:016x}",
        f"counterparty:customer:{payee.id.hex}",
    }


async def test_what_was_decided_without_rules_raises_an_alert_too(
    guarded: Guarded, town: Any
) -> None:
    guarded.decider.rules = risk.RuleCache(
        town.database, {risk.Purpose.PAYMENT: risk.PAYMENT_FEATURES}, now=lambda: guarded.desk.now
    )
    large = guarded.make("1000.01", authentication=Authentication.ONE_FACTOR)
    await guarded.send(guarded.make("1000.00"), large)
    rows = await guarded.desk.run(
        lambda uow: uow.execute("SELECT decision_id, parties FROM risk.alerts")
    )
    assert [(row.decision_id, len(row.parties)) for row in rows] == [(large.order_id, 4)]


async def test_a_pair_that_is_allowed_passes_rules_in_its_direction_only(
    guarded: Guarded,
) -> None:
    await guarded.live()
    payer, payee = guarded.payer, guarded.payee
    await guarded.put_on_list("allow", risk.Entity.of_pair(payer.account_id, payee.account_id))
    (paid,) = await guarded.send(guarded.make("600.00"))
    assert paid["kind"] == "transfer"
    back = guarded.till.make(payee, "600.00", payee_account_id=payer.account_id)
    assert await guarded.send(back) == [["payment_blocked", None]]
    await guarded.put_on_list("block", risk.Entity.of_account(payee.account_id))
    assert await guarded.send(guarded.make("600.00")) == [["payment_blocked", None]]


async def test_what_is_blocked_leaves_its_reference_to_the_next_of_its_batch(
    guarded: Guarded, town: Any
) -> None:
    await guarded.live()
    shop = await town.add_merchant("茶馆", "0")
    how = {"payee_account_id": shop.account_id, "reference": "order-1"}
    payments = [
        guarded.till.make(guarded.payer, amount, **how) for amount in ("600.00", "10.00", "20.00")
    ]
    blocked, paid, repeated = await guarded.send(*payments)
    assert blocked == ["payment_blocked", None]
    assert paid["kind"] == "payment"
    assert repeated == ["reference_used", "reference"]
    assert await town.balance(shop.account_id) == "10.00"
    assert (await guarded.find(payments[0])).action is risk.Action.BLOCK
    with pytest.raises(risk.DecisionNotFound):
        await guarded.find(payments[2])
    assert await guarded.send(guarded.till.make(guarded.payer, "5.00", **how)) == [
        ["reference_used", "reference"]
    ]
