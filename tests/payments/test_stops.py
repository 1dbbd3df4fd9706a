"""Payments that risk holds: reserved in the batch, ended once, and what payers and staff can do."""

import asyncio
import random
import uuid
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError
from tests.payments.guarding import Guarded, open_guarded
from tests.payments.test_instant import read

from huitong import ledger, payments, risk
from huitong.kernel.database.unit_of_work import Caller
from huitong.kernel.errors import InvalidField, Refusal
from huitong.kernel.ids import uuid7
from huitong.kernel.rulebook import Rulebook

DAY = timedelta(hours=24)
ENDED = (
    "UPDATE payments.stopped_payments SET state = '{state}', outcome = '{outcome}', "
    "ended_at = now(), ended_by = 'x'"
)


@pytest.fixture
async def guarded(town: Any, now: datetime) -> AsyncIterator[Guarded]:
    async with open_guarded(town, now) as opened:
        yield opened


async def hold(guarded: Guarded, action: str = "delay", amount: str = "600.00") -> uuid.UUID:
    """Let risk hold a payment, and return its id."""
    if not guarded.rules.find(risk.Purpose.PAYMENT, guarded.desk.now.date()).live:
        await guarded.live(action=action)
    made = guarded.make(amount)
    await guarded.send(made)
    return made.order_id


async def end_due(town: Any, now: datetime, limit: int = 100) -> int:
    return int(
        await town.database.run(lambda uow: payments.end_due_payments(uow, now=now, limit=limit))
    )


async def find(town: Any, payment_id: uuid.UUID) -> payments.StoppedPayment:
    found: payments.StoppedPayment = await town.read(payments.get_stopped_payment, payment_id)
    return found


async def labels_of(
    guarded: Guarded, *payment_ids: uuid.UUID
) -> list[tuple[bool, risk.LabelSource]]:
    found = await guarded.desk.run(lambda uow: risk.find_labels(uow, payment_ids))
    return [(each.is_fraud, each.source) for each in found.values()]


async def check_books(town: Any) -> None:
    """Assert that ledger, orders, holds, stops and decisions say the same."""
    report = await ledger.verify_ledger(town.database, more=payments.INVARIANTS)
    assert report.findings == ()
    assert {"held_orders_have_holds", "stopped_payments_ended_once"} <= set(report.checked)
    await town.check_ties()


async def test_a_delayed_payment_is_reserved_and_nobody_has_it(guarded: Guarded, town: Any) -> None:
    await guarded.live(action="delay")
    made = guarded.make("600.00", description="房租")
    answer = await guarded.till.submit(made)
    assert answer.reply is not None
    assert answer.reply.status == 202
    assert await town.balance(guarded.payer.account_id) == "5000.00"
    assert await town.available(guarded.payer.account_id) == "4400.00"
    assert await town.balance(guarded.payee.account_id) == "10.00"
    assert await town.available(guarded.payee.account_id) == "10.00"
    order = await town.read(payments.get_order, made.order_id)
    assert (order.status, order.transfer_id, order.completed_at, order.description) == (
        payments.OrderStatus.HELD,
        made.order_id,
        None,
        "房租",
    )
    stop = await find(town, made.order_id)
    assert (stop.action, stop.state) == (payments.StopAction.DELAY, payments.StopState.HELD)
    assert (stop.release_at, stop.give_back_at) == (guarded.desk.now + DAY, None)
    assert stop.reasons == (payments.StopReason(zh="金额较大", en="The amount is large."),)
    assert (await guarded.find(made)).action is risk.Action.DELAY
    assert await town.topics() == [
        "ChannelOrderRequested",
        "PaymentSucceeded",
        "ChannelOrderRequested",
        "PaymentSucceeded",
        "PaymentHeld",
    ]
    await check_books(town)


async def test_a_held_payment_counts_against_the_caps_and_keeps_counting(
    guarded: Guarded, town: Any
) -> None:
    payment_id = await hold(guarded)

    async def used() -> int:
        meters = await town.read(ledger.get_meters, guarded.payer.account_id)
        return int(meters[payments.Meter.BALANCE_PAYMENTS].day_used)

    assert await used() == 60_000
    await town.run(payments.cancel_held_payment, payment_id=payment_id, now=guarded.desk.now)
    assert await used() == 60_000


async def test_after_its_delay_it_is_paid_once_by_itself(guarded: Guarded, town: Any) -> None:
    payment_id = await hold(guarded)
    due_at = guarded.desk.now + DAY
    assert await end_due(town, due_at - timedelta(seconds=1)) == 0
    assert await end_due(town, due_at) == 1
    assert await end_due(town, due_at) == 0
    assert await town.balance(guarded.payer.account_id) == "4400.00"
    assert await town.available(guarded.payer.account_id) == "4400.00"
    assert await town.balance(guarded.payee.account_id) == "610.00"
    stop = await find(town, payment_id)
    assert (stop.state, stop.outcome, stop.ended_at) == (
        payments.StopState.PAID,
        payments.StopOutcome.SETTLED,
        due_at,
    )
    order = await town.read(payments.get_order, payment_id)
    assert (order.status, order.completed_at) == (payments.OrderStatus.SUCCEEDED, due_at)
    assert order.transfer_id != payment_id
    assert (await town.topics())[-2:] == ["PaymentHeld", "PaymentSucceeded"]
    await check_books(town)


async def test_a_merchant_is_charged_the_fee_when_it_is_paid_and_can_refund_only_then(
    guarded: Guarded, town: Any
) -> None:
    await guarded.live(action="delay")
    merchant = await town.add_merchant("茶馆")
    paying = {"payee_account_id": merchant.account_id, "reference": "r-1"}
    made = guarded.till.make(guarded.payer, "600.00", **paying)
    await guarded.send(made)
    assert (await find(town, made.order_id)).kind is payments.OrderKind.PAYMENT
    assert await town.own("fee_income") == "0.00"
    again = guarded.till.make(guarded.payer, "1.00", **paying)
    assert await guarded.send(again) == [["reference_used", "reference"]]

    async def refund() -> payments.Refund:
        made_refund: payments.Refund = await town.run(
            payments.refund,
            order_id=made.order_id,
            refund_id=uuid7(int((guarded.desk.now + DAY).timestamp() * 1_000)),
            now=guarded.desk.now + DAY,
        )
        return made_refund

    with pytest.raises(payments.OrderMoveRefused):
        await refund()
    await end_due(town, guarded.desk.now + DAY)
    assert await town.own("fee_income") == "3.60"
    assert await town.balance(merchant.account_id) == "596.40"
    assert (await refund()).amount.format() == "600.00"
    assert await town.balance(guarded.payer.account_id) == "5000.00"
    await check_books(town)


async def test_the_statement_shows_nothing_until_it_is_paid(guarded: Guarded, town: Any) -> None:
    await hold(guarded)

    async def lines(account_id: int) -> list[tuple[str, str, str]]:
        await town.database.run(ledger.project_lines)
        page = await town.read(ledger.list_statement, account_id)
        return [
            (
                ledger.TransferCode(line.code).name_en,
                line.amount.format(),
                line.balance_after.format(),
            )
            for line in page.items
        ]

    payer, payee = guarded.payer.account_id, guarded.payee.account_id
    assert await lines(payer) == [("Top-up", "5000.00", "5000.00")]
    assert await lines(payee) == [("Top-up", "10.00", "10.00")]
    await end_due(town, guarded.desk.now + DAY)
    assert (await lines(payer))[0] == ("Transfer", "600.00", "4400.00")
    assert (await lines(payee))[0] == ("Transfer", "600.00", "610.00")


async def test_the_payer_cancels_and_has_the_money_again(guarded: Guarded, town: Any) -> None:
    payment_id = await hold(guarded)
    later = guarded.desk.now + timedelta(hours=1)
    for _ in range(2):
        stop = await town.run(payments.cancel_held_payment, payment_id=payment_id, now=later)
        assert (stop.state, stop.outcome) == (
            payments.StopState.GIVEN_BACK,
            payments.StopOutcome.CANCELLED,
        )
    assert await town.available(guarded.payer.account_id) == "5000.00"
    assert await end_due(town, guarded.desk.now + DAY) == 0
    order = await town.read(payments.get_order, payment_id)
    assert (order.status, order.failure_code) == (payments.OrderStatus.CLOSED, "cancelled")
    assert (await town.topics())[-2:] == ["PaymentHeld", "PaymentGivenBack"]
    await check_books(town)


async def test_a_settled_payment_cannot_be_cancelled(
    guarded: Guarded, town: Any, refusing: Any
) -> None:
    payment_id = await hold(guarded)
    await end_due(town, guarded.desk.now + DAY)
    async with refusing(town):
        for command, more in (
            (payments.cancel_held_payment, {}),
            (payments.reject_held_payment, {"reason": "x"}),
            (payments.release_held_payment, {"reason": "x"}),
        ):
            with pytest.raises(payments.OrderAlreadyPaid):
                await town.run(command, payment_id=payment_id, now=guarded.desk.now + DAY, **more)


async def test_no_other_command_touches_a_held_order(
    guarded: Guarded, town: Any, refusing: Any
) -> None:
    payment_id = await hold(guarded)
    payer = guarded.payer.account_id
    async with refusing(town):
        for command, more in (
            (payments.close_order, {}),
            (payments.pay_order, {"payer_account_id": payer}),
            (payments.capture, {}),
            (payments.void, {}),
        ):
            with pytest.raises(payments.OrderMoveRefused):
                await town.run(command, order_id=payment_id, **more)
        for sweep in (payments.expire_orders, ledger.expire_holds):
            assert await town.run(sweep, now=guarded.desk.now + 3 * DAY) == 0


async def test_what_nobody_looks_at_is_given_back_and_never_paid(
    guarded: Guarded, town: Any
) -> None:
    payment_id = await hold(guarded, "review")
    stop = await find(town, payment_id)
    due_at = guarded.desk.now + DAY
    assert (stop.release_at, stop.give_back_at) == (None, due_at)
    with pytest.raises(payments.OrderExpired):
        await town.run(
            payments.release_held_payment, payment_id=payment_id, reason="late", now=due_at
        )
    assert await end_due(town, due_at) == 1
    stop = await find(town, payment_id)
    assert (stop.state, stop.outcome) == (
        payments.StopState.GIVEN_BACK,
        payments.StopOutcome.EXPIRED,
    )
    assert await town.available(guarded.payer.account_id) == "5000.00"
    assert await town.balance(guarded.payee.account_id) == "10.00"
    await check_books(town)


@pytest.mark.parametrize("action", ["review", "delay"])
@pytest.mark.parametrize("is_released", [True, False])
async def test_staff_release_or_reject_with_a_reason(
    guarded: Guarded, town: Any, action: str, is_released: bool
) -> None:
    payment_id = await hold(guarded, action)
    command = payments.release_held_payment if is_released else payments.reject_held_payment
    now = guarded.desk.now + timedelta(hours=2)
    for bad in ("", " ", "x" * 257, "a\0b"):
        with pytest.raises(InvalidField) as refused:
            await town.run(command, payment_id=payment_id, reason=bad, now=now)
        assert refused.value.field == "reason"
    stop = await guarded.desk.run(
        lambda uow: command(uow, payment_id=payment_id, reason="电话核实", now=now)
    )
    assert (stop.state.value, stop.outcome, stop.note, stop.ended_by) == (
        "paid" if is_released else "given_back",
        "released" if is_released else "rejected",
        "电话核实",
        "stf_test",
    )
    assert await town.balance(guarded.payee.account_id) == ("610.00" if is_released else "10.00")
    assert await town.available(guarded.payer.account_id) == (
        "4400.00" if is_released else "5000.00"
    )
    async with town.database.unit_of_work() as uow:
        rows = await uow.execute(
            "SELECT actor, details FROM kernel.audit WHERE action = :action",
            action=f"payments.{'release' if is_released else 'reject'}_held_payment",
        )
    assert [(row.actor, row.details["asked_for"]) for row in rows] == [("stf_test", action)]
    assert await labels_of(guarded, payment_id) == (
        [] if is_released else [(True, risk.LabelSource.REJECTION)]
    )
    await check_books(town)


async def test_what_its_payer_cancels_or_nobody_looks_at_is_not_labelled(
    guarded: Guarded, town: Any
) -> None:
    cancelled, expired = await hold(guarded, "review"), await hold(guarded, "review")
    await town.run(payments.cancel_held_payment, payment_id=cancelled, now=guarded.desk.now)
    assert await end_due(town, guarded.desk.now + 30 * DAY) == 1
    assert (await find(town, expired)).outcome == "expired"
    assert await labels_of(guarded, cancelled, expired) == []


async def test_rejecting_what_two_people_overturned_leaves_its_label(
    guarded: Guarded, town: Any
) -> None:
    payment_id = await hold(guarded, "review")
    approval_id = await guarded.desk.approve("risk.overturn_decision")
    await guarded.desk.run(
        lambda uow: risk.overturn_decision(
            uow,
            decision_id=payment_id,
            approval_id=approval_id,
            reason="invoice 12",
            rulebook=Rulebook.load(),
            now=guarded.desk.now,
        )
    )
    await town.run(
        payments.reject_held_payment, payment_id=payment_id, reason="a", now=guarded.desk.now
    )
    assert await labels_of(guarded, payment_id) == [(False, risk.LabelSource.OVERTURN)]


async def test_a_delayed_payment_that_cannot_be_paid_any_more_is_given_back(
    guarded: Guarded, town: Any
) -> None:
    frozen = await hold(guarded)
    await town.database.run(
        lambda uow: ledger.set_account_state(
            uow,
            guarded.payee.account_id,
            state=ledger.AccountState.FROZEN,
            reason="court order",
            now=guarded.desk.now,
        )
    )
    with pytest.raises(payments.AccountFrozen):
        await town.run(
            payments.release_held_payment, payment_id=frozen, reason="x", now=guarded.desk.now
        )
    await end_due(town, guarded.desk.now + DAY)
    assert (await find(town, frozen)).outcome == "account_frozen"
    assert await town.available(guarded.payer.account_id) == "5000.00"
    await check_books(town)


async def test_who_is_blocked_while_it_is_held_is_not_paid(guarded: Guarded, town: Any) -> None:
    payment_id = await hold(guarded)
    await guarded.put_on_list(
        "block", risk.Entity.of_id(risk.EntityKind.CUSTOMER, guarded.payee.id)
    )
    with pytest.raises(payments.PaymentBlocked):
        await town.run(
            payments.release_held_payment, payment_id=payment_id, reason="x", now=guarded.desk.now
        )
    await end_due(town, guarded.desk.now + DAY)
    stop = await find(town, payment_id)
    assert (stop.state, stop.outcome) == (payments.StopState.GIVEN_BACK, "payment_blocked")
    assert await town.balance(guarded.payee.account_id) == "10.00"
    await check_books(town)


async def test_held_and_paid_ones_of_a_batch_each_get_what_is_theirs(
    guarded: Guarded, town: Any
) -> None:
    await guarded.live(action="delay")
    made = [guarded.make(each) for each in ("1.00", "600.00", "2.00", "700.00", "3700.00")]
    answers = await asyncio.gather(*[guarded.till.submit(each) for each in made])
    statuses = [each.reply.status for each in answers if each.reply is not None]
    assert statuses == [201, 202, 201, 202, 422]
    assert read(answers[4]) == ["day_limit_exceeded", "payer"]
    assert await town.available(guarded.payer.account_id) == "3697.00"
    assert await town.balance(guarded.payee.account_id) == "13.00"
    # What the ledger refused was never held, and is not among what was stopped.
    with pytest.raises(payments.StoppedPaymentNotFound):
        await find(town, made[4].order_id)
    assert len(await town.read(payments.list_waiting_payments)) == 2
    await check_books(town)


async def test_the_same_key_gets_the_same_answer_and_reserves_once(
    guarded: Guarded, town: Any
) -> None:
    await guarded.live(action="delay")
    first, second = guarded.make("600.00"), guarded.make("600.00")
    plain = guarded.make("1.00")
    answers = await asyncio.gather(
        guarded.till.submit(first, key="same"),
        guarded.till.submit(second, key="same"),
        guarded.till.submit(plain, key="plain"),
    )
    third = await guarded.till.submit(guarded.make("600.00"), key="same")
    replies = {answer.reply for answer in (answers[0], answers[1], third)}
    assert len(replies) == 1
    assert await town.available(guarded.payer.account_id) == "4399.00"
    await check_books(town)


async def test_a_connection_that_dies_between_the_two_parts_of_a_batch_loses_and_doubles_nothing(
    guarded: Guarded, town: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await guarded.live(action="delay")
    prepare, calls = guarded.till.writer.prepare, []

    async def die_before_the_second(connection: Any, payloads: Any, *, now: datetime) -> Any:
        calls.append(len(payloads))
        if len(calls) == 2:
            connection.terminate()
        return await prepare(connection, payloads, now=now)

    monkeypatch.setattr(guarded.till.writer, "prepare", die_before_the_second)
    made = [guarded.make(each) for each in ("1.00", "600.00", "2.00")]
    answers = await asyncio.gather(*[guarded.till.submit(each) for each in made])
    assert [each.reply.status for each in answers if each.reply is not None] == [201, 202, 201]
    assert calls == [3, 1, 1]
    assert await town.available(guarded.payer.account_id) == "4397.00"
    await check_books(town)


async def attempt(town: Any, command: Any, **values: Any) -> str:
    try:
        stop = await town.run(command, **values)
    except Refusal as refusal:
        return str(refusal.code)
    return str(stop.outcome)


@pytest.mark.parametrize("action", ["review", "delay"])
async def test_cancel_release_reject_and_the_worker_race_and_one_of_them_wins(
    guarded: Guarded, town: Any, action: str
) -> None:
    held = [await hold(guarded, action, "501.00") for _ in range(4)]
    # Just before the end for people, just after it for workers: all may act at once.
    now, due_at = guarded.desk.now + DAY - timedelta(seconds=1), guarded.desk.now + DAY
    attempts = []
    for payment_id in held:
        attempts += [
            attempt(town, payments.cancel_held_payment, payment_id=payment_id, now=now),
            attempt(
                town, payments.release_held_payment, payment_id=payment_id, reason="a", now=now
            ),
            attempt(town, payments.reject_held_payment, payment_id=payment_id, reason="b", now=now),
        ]
    await asyncio.gather(*attempts, *[end_due(town, due_at, limit=3) for _ in range(3)])
    await end_due(town, due_at)
    stops = [await find(town, payment_id) for payment_id in held]
    assert all(stop.state is not payments.StopState.HELD for stop in stops)
    paid = sum(stop.state is payments.StopState.PAID for stop in stops)
    cny = ledger.get_balance
    payee = await town.read(cny, guarded.payee.account_id)
    payer = await town.read(cny, guarded.payer.account_id)
    assert payee.posted.minor == 1_000 + paid * 50_100
    assert payer.posted.minor == payer.available.minor == 500_000 - paid * 50_100
    topics = await town.topics()
    assert topics.count("PaymentSucceeded") == 2 + paid
    assert topics.count("PaymentGivenBack") == len(held) - paid
    await check_books(town)


async def test_workers_that_end_what_is_due_at_the_same_time_share_it(
    guarded: Guarded, town: Any
) -> None:
    held = [await hold(guarded, "delay", "501.00") for _ in range(6)]
    due_at = guarded.desk.now + DAY
    ended = await asyncio.gather(*[end_due(town, due_at, limit=2) for _ in range(4)])
    assert sum(ended) + await end_due(town, due_at) == len(held)
    assert await town.balance(guarded.payee.account_id) == "3016.00"
    await check_books(town)


async def test_a_worker_that_dies_in_the_middle_leaves_everything_as_it_was(
    guarded: Guarded, town: Any, monkeypatch: pytest.MonkeyPatch, refusing: Any
) -> None:
    payment_id = await hold(guarded)
    due_at = guarded.desk.now + DAY

    class Killed(BaseException):
        pass

    async def die(*_: Any, **__: Any) -> int:
        raise Killed

    async with refusing(town):
        with monkeypatch.context() as patch:
            patch.setattr("huitong.payments.store.stops.end_stops", die)
            with pytest.raises(Killed):
                await end_due(town, due_at)
    assert (await find(town, payment_id)).is_held
    assert await end_due(town, due_at) == 1
    await check_books(town)


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_happens_in_whatever_order_every_yuan_is_somewhere_once(
    guarded: Guarded, town: Any, seed: int
) -> None:
    """A model beside the platform: what is reserved, what is paid, and what is free again."""
    chance = random.Random(seed)
    is_delay = seed % 2 == 0
    await guarded.live(action="delay" if is_delay else "review")
    now = guarded.desk.now
    #: What each payment has become, its amount, and when its time is over.
    states: dict[uuid.UUID, tuple[str, int, datetime]] = {}
    for _ in range(24):
        now += timedelta(minutes=chance.randrange(60, 300))
        guarded.till.clock[0] = now
        held = [each for each, (state, _, _) in states.items() if state == "held"]
        step = chance.choice(["pay", "pay", "cancel", "release", "reject", "work"])
        if step == "pay":
            made = guarded.make(f"{chance.randrange(501, 900)}.00")
            answer = await guarded.till.submit(made)
            if answer.reply is not None and answer.reply.status == 202:
                states[made.order_id] = ("held", made.amount.minor, now + DAY)
        elif step == "work":
            await end_due(town, now)
            for each in held:
                _, amount, due_at = states[each]
                if due_at <= now:
                    states[each] = ("paid" if is_delay else "given_back", amount, due_at)
        elif held:
            each = chance.choice(held)
            _, amount, due_at = states[each]
            command = getattr(payments, f"{step}_held_payment")
            more = {} if step == "cancel" else {"reason": "x"}
            said = await attempt(town, command, payment_id=each, now=now, **more)
            is_late = step == "release" and not is_delay and due_at <= now
            assert (said == "order_expired") is is_late
            if not is_late:
                states[each] = ("paid" if step == "release" else "given_back", amount, due_at)
    for each, (state, _, _) in states.items():
        assert (await find(town, each)).state.value == state
    sums = {
        wanted: sum(amount for state, amount, _ in states.values() if state == wanted)
        for wanted in ("held", "paid")
    }
    payer = await town.read(ledger.get_balance, guarded.payer.account_id)
    payee = await town.read(ledger.get_balance, guarded.payee.account_id)
    assert payer.posted.minor == 500_000 - sums["paid"]
    assert payer.available.minor == 500_000 - sums["paid"] - sums["held"]
    assert payee.posted.minor == payee.available.minor == 1_000 + sums["paid"]
    assert len({state for state, _, _ in states.values()}) > 1
    await check_books(town)


async def test_a_blocked_payment_is_known_with_its_reasons_and_can_be_appealed(
    guarded: Guarded, town: Any
) -> None:
    await guarded.live(action="block")
    made = guarded.make("600.00")
    answer = await guarded.till.submit(made)
    assert read(answer) == ["payment_blocked", None]
    stop = await find(town, made.order_id)
    assert (stop.state, stop.due_at, stop.reasons[0].zh) == (
        payments.StopState.BLOCKED,
        None,
        "金额较大",
    )
    assert await town.read(payments.list_waiting_payments) == []
    with pytest.raises(payments.AppealMissing):
        await town.run(payments.answer_appeal, payment_id=stop.id, answer="x")
    for _ in range(2):
        await town.run(payments.appeal_stop, payment_id=stop.id, note="是我本人付的")
    with pytest.raises(payments.AppealGiven):
        await town.run(payments.appeal_stop, payment_id=stop.id, note="还是我")
    assert [each.appeal for each in await town.read(payments.list_waiting_payments)] == [
        "是我本人付的"
    ]
    for command in (payments.cancel_held_payment, payments.release_held_payment):
        more = {} if command is payments.cancel_held_payment else {"reason": "x"}
        with pytest.raises(payments.OrderMoveRefused):
            await town.run(command, payment_id=stop.id, **more)
    for _ in range(2):
        await town.run(payments.answer_appeal, payment_id=stop.id, answer="请重新付款")
    with pytest.raises(payments.AppealGiven):
        await town.run(payments.answer_appeal, payment_id=stop.id, answer="别的")
    assert (await find(town, stop.id)).answer == "请重新付款"
    assert await town.read(payments.list_waiting_payments) == []
    assert (await town.topics())[-1] == "StopAppealed"
    await check_books(town)


async def test_an_appeal_for_a_held_payment_waits_with_it_and_is_answered_by_its_end(
    guarded: Guarded, town: Any
) -> None:
    released, forgotten = await hold(guarded, "review"), await hold(guarded, "review")
    for payment_id in (released, forgotten):
        await town.run(
            payments.appeal_stop, payment_id=payment_id, note="是我", now=guarded.till.now
        )
    waiting = await town.read(payments.list_waiting_payments)
    assert [(each.id, each.appeal) for each in waiting] == [(released, "是我"), (forgotten, "是我")]
    await town.run(
        payments.release_held_payment, payment_id=released, reason="核实", now=guarded.till.now
    )
    await end_due(town, guarded.desk.now + DAY)
    # Nobody looked at the second one, so its payer still waits for a word.
    waiting = await town.read(payments.list_waiting_payments)
    assert [(each.id, each.outcome) for each in waiting] == [(forgotten, "expired")]
    with pytest.raises(payments.OrderMoveRefused):
        await town.run(
            payments.reject_held_payment, payment_id=forgotten, reason="x", now=guarded.till.now
        )


@pytest.mark.parametrize("bad", ["", "  ", "x" * 501, "a\nb"])
async def test_a_note_that_says_nothing_or_too_much_is_refused(
    guarded: Guarded, town: Any, refusing: Any, bad: str
) -> None:
    payment_id = await hold(guarded)
    async with refusing(town):
        with pytest.raises(InvalidField) as refused:
            await town.run(payments.appeal_stop, payment_id=payment_id, note=bad)
    assert refused.value.field == "note"


async def test_a_list_is_never_told_to_the_payer(guarded: Guarded, town: Any) -> None:
    await guarded.put_on_list("block", risk.Entity.of_account(guarded.payee.account_id))
    made = guarded.make("1.00")
    await guarded.send(made)
    (reason,) = (await find(town, made.order_id)).reasons
    assert (reason.zh, reason.en) == (
        "本笔付款未能通过风险核查。",
        "This payment did not pass our checks of risk.",
    )


async def test_a_rule_that_cannot_be_computed_holds_and_says_so(
    guarded: Guarded, town: Any
) -> None:
    await guarded.live("amount % (amount - 60000) = 1", "block")
    payment_id = await hold(guarded)
    stop = await find(town, payment_id)
    assert (stop.action, stop.state) == (payments.StopAction.REVIEW, payments.StopState.HELD)
    assert stop.reasons[0].en == "A rule could not be computed, so somebody has to look at it."
    await check_books(town)


async def test_reasons_are_those_of_rules_that_asked_for_what_was_done(
    guarded: Guarded, town: Any
) -> None:
    decision = risk.Decision(
        id=uuid7(),
        purpose=risk.Purpose.PAYMENT,
        action=risk.Action.DELAY,
        decided_at=guarded.desk.now,
        hits=("large",),
    )
    # Made by rules that the process does not know any more: nothing of theirs is told.
    assert [why.code for why in guarded.decider.tell_payer(decision)] == ["checks"]
    version = await guarded.live(action="review")
    decision.version_id = version.id
    assert [why.code for why in guarded.decider.tell_payer(decision)] == ["checks"]
    decision.action = risk.Action.REVIEW
    assert [why.code for why in guarded.decider.tell_payer(decision)] == ["large"]


async def test_a_customer_with_a_held_payment_is_not_closed_and_sees_it_in_their_data(
    guarded: Guarded, town: Any
) -> None:
    payment_id = await hold(guarded)
    await town.run(payments.appeal_stop, payment_id=payment_id, note="是我", now=guarded.till.now)
    data = payments.PaymentsData()
    for who in (guarded.payer, guarded.payee):
        assert await town.read(data.blockers, who.id) == ("open_orders",)
    shown: Any = await town.read(data.export, guarded.payer.id)
    (stop,) = shown["stopped_payments"]
    assert (stop["state"], stop["appeal"], stop["reasons"][0]["en"]) == (
        "held",
        "是我",
        "The amount is large.",
    )
    await town.database.run(lambda uow: data.forget(uow, guarded.payer.id))
    assert (await find(town, payment_id)).appeal is None


async def test_the_database_lets_nothing_end_twice(guarded: Guarded, town: Any) -> None:
    payment_id = await hold(guarded)
    await town.run(payments.cancel_held_payment, payment_id=payment_id, now=guarded.desk.now)
    for change in (
        "state = 'paid', outcome = 'released', note = 'x'",
        "state = 'held', outcome = NULL, ended_at = NULL, ended_by = NULL",
    ):
        with pytest.raises(DBAPIError, match="does not become"):
            await town.database.run(
                lambda uow, change=change: uow.execute(
                    f"UPDATE payments.stopped_payments SET {change} WHERE id = :id", id=payment_id
                ),
                Caller(actor="test"),
            )


@pytest.mark.parametrize(
    ("name", "tampering"),
    [
        ("held_orders_have_holds", "UPDATE payments.orders SET status = 'closed'"),
        (
            "held_orders_have_holds",
            ENDED.format(state="given_back", outcome="cancelled"),
        ),
        (
            "stopped_payments_ended_once",
            ENDED.format(state="paid", outcome="settled"),
        ),
    ],
)
async def test_verify_finds_what_does_not_agree(
    guarded: Guarded, town: Any, name: str, tampering: str
) -> None:
    payment_id = await hold(guarded)
    await town.database.run(lambda uow: uow.execute(f"{tampering} WHERE id = :id", id=payment_id))
    report = await ledger.verify_ledger(town.database, more=payments.INVARIANTS)
    found = {finding.invariant: finding for finding in report.findings}
    assert name in found
    assert found[name].examples[0].subject == f"pay_{payment_id.hex}"
