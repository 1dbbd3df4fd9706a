"""Every way to pay that has a unit of work of its own is decided about as an instant payment is."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.payments.streets import PAYEE, PAYER, Pay, Street, key_of, open_street, pair_of

from huitong import payments, risk
from huitong.kernel.database.unit_of_work import Database
from huitong.kernel.errors import Refusal
from huitong.kernel.ids import DECISION, read_id, uuid7
from huitong.kernel.rulebook import Rulebook
from huitong.payments import errors
from huitong.payments.types import Authentication

ONE, TWO, CERTIFICATE = Authentication
WAYS = ("checkout", "dynamic_code", "customer_code", "authorisation", "withdrawal")
every_way = pytest.mark.parametrize("way", WAYS)
#: Ways whose order is there before somebody tries to pay it, so that it may be tried again.
WAITING = ("checkout", "dynamic_code")


@pytest.fixture
async def street(town: Any, now: Any) -> AsyncIterator[Street]:
    async with open_street(town, now) as opened:
        yield opened


async def refused_with(pay: Pay, kind: type[Refusal], **how: Any) -> uuid.UUID:
    """Return the id of the decision that a refusal names."""
    with pytest.raises(kind) as caught:
        await pay(**how)
    return read_id(DECISION, str(caught.value.context["decision"]), field="decision")


@every_way
async def test_who_is_blocked_pays_nothing_and_the_decision_stays(
    street: Street, town: Any, refusing: Any, way: str
) -> None:
    pay = await getattr(street, way)()
    await street.put_on_list("block", risk.Entity.of_account(street.payer.account_id))
    counted = await street.read_rows()
    async with refusing(town):
        decision_id = await refused_with(pay, errors.PaymentBlocked)
    assert await street.list_decisions() == {decision_id: risk.Action.BLOCK}
    decision = await street.desk.run(lambda uow: risk.get_decision(uow, decision_id))
    assert [each.code for each in decision.listed] == ["block:account"]
    assert (await street.replay(decision)).is_same
    assert await street.read_rows() == counted


@every_way
async def test_a_step_up_passes_with_two_factors_and_not_with_one(
    street: Street, town: Any, refusing: Any, way: str
) -> None:
    await street.live(action="step_up")
    weak, strong, signed = [await getattr(street, way)() for _ in range(3)]
    async with refusing(town):
        refused_id = await refused_with(weak, errors.PaymentNeedsStepUp, authentication=ONE)
    paid = await strong(authentication=TWO)
    certified = await signed(authentication=CERTIFICATE)
    assert await street.list_decisions() == {
        refused_id: risk.Action.STEP_UP,
        paid.id: risk.Action.STEP_UP,
        certified.id: risk.Action.STEP_UP,
    }


@every_way
async def test_it_is_counted_as_the_same_payment_by_the_instant_path(
    street: Street, town: Any, way: str
) -> None:
    other = await town.add_customer("王芳", "5000.00")
    await street.send(
        street.till.make(other, "600.00", payee_account_id=street.merchant.account_id)
    )
    before = await street.read_rows()
    payee = street.merchant.account_id
    instant = (
        before[key_of(PAYER, other.account_id)],
        before[pair_of(other.account_id, payee)],
        before[key_of(PAYEE, payee)],
    )
    street.merchant = await town.add_merchant("书店")
    order = await (await getattr(street, way)())()
    after = await street.read_rows()
    assert after[key_of(PAYER, street.payer.account_id)] == instant[0]
    assert after[pair_of(street.payer.account_id, order.payee_account_id)] == instant[1]
    if way == "withdrawal":
        # Our own account in the middle is not counted: everybody would wait for its row.
        assert key_of(PAYEE, order.payee_account_id) not in after
        assert len(after) == len(before) + 2
    else:
        assert after[key_of(PAYEE, street.merchant.account_id)] == instant[2]
        assert len(after) == len(before) + 3


@every_way
async def test_the_decision_has_the_orders_id_and_all_that_it_was_made_from(
    street: Street, way: str
) -> None:
    order = await (await getattr(street, way)())()
    assert await street.list_decisions() == {order.id: risk.Action.ALLOW}
    decision = await street.desk.run(lambda uow: risk.get_decision(uow, order.id))
    values = await street.desk.run(lambda uow: risk.name_values(uow, decision))
    assert set(values) == set(risk.PAYMENT_FEATURES)
    assert (values["amount"], values["kind"], values["account_class"]) == (60_000, order.kind, 3)
    assert (values["is_merchant"], values["is_strong"]) == (way != "withdrawal", True)
    # What came in by a top-up is what the payer has received.
    assert values["received_1d"] == 500_000
    assert (await street.replay(decision)).is_same


@every_way
async def test_a_command_that_comes_twice_is_decided_about_and_counted_once(
    street: Street, way: str
) -> None:
    pay = await getattr(street, way)()
    first = await pay()
    counted = await street.read_rows()
    # Nobody is asked again, whatever would be said by now.
    await street.live(action="block")
    assert (await pay()).id == first.id
    assert await street.list_decisions() == {first.id: risk.Action.ALLOW}
    assert await street.read_rows() == counted


@every_way
async def test_a_command_that_was_refused_is_refused_again_by_the_same_decision(
    street: Street, town: Any, way: str
) -> None:
    await street.live(action="block")
    pay = await getattr(street, way)()
    first = await refused_with(pay, errors.PaymentBlocked)
    assert await refused_with(pay, errors.PaymentBlocked) == first
    assert await street.list_decisions() == {first: risk.Action.BLOCK}
    assert await town.available(street.payer.account_id) == "5000.00"


@every_way
async def test_who_has_one_factor_more_asks_again_under_a_new_id(
    street: Street, town: Any, way: str
) -> None:
    await street.live(action="step_up")
    pay = await getattr(street, way)()
    first = await refused_with(pay, errors.PaymentNeedsStepUp, authentication=ONE)
    assert await refused_with(pay, errors.PaymentNeedsStepUp, authentication=ONE) == first
    assert await refused_with(pay, errors.IdReused, authentication=TWO) == first
    new = {"attempt_id": uuid7()} if way in WAITING else {"order_id": uuid7()}
    paid = await pay(authentication=TWO, **new)
    assert set(await street.list_decisions()) == {first, paid.id}
    await town.check_ties()


@every_way
async def test_what_the_ledger_refuses_leaves_its_decision_and_is_not_counted(
    street: Street, town: Any, refusing: Any, way: str
) -> None:
    pay = await getattr(street, way)("10.01", street.payee)
    counted = await street.read_rows()
    async with refusing(town):
        with pytest.raises(errors.InsufficientFunds):
            await pay()
    assert list((await street.list_decisions()).values()) == [risk.Action.ALLOW]
    assert await street.read_rows() == counted


@every_way
async def test_what_was_refused_before_risk_is_asked_has_no_decision(
    street: Street, town: Any, refusing: Any, way: str
) -> None:
    pay = street.pay_later(uuid7()) if way in WAITING else await getattr(street, way)("0.00")
    async with refusing(town):
        with pytest.raises(Refusal):
            await pay()
    assert await street.list_decisions() == {}


@every_way
async def test_without_a_decider_nothing_is_asked_written_or_counted(
    street: Street, way: str
) -> None:
    await street.live(action="block")
    counted = await street.read_rows()
    pay = await getattr(street, way)()
    await pay(decider=None)
    assert await street.list_decisions() == {}
    assert await street.read_rows() == counted


@every_way
async def test_without_rules_read_the_written_policy_holds(
    street: Street, town: Any, way: str
) -> None:
    street.decider.rules = risk.RuleCache(town.database, {}, now=lambda: street.desk.now)
    small, large = [await getattr(street, way)(each) for each in ("200.00", "1000.01")]
    refused_id = await refused_with(large, errors.PaymentNeedsStepUp, authentication=ONE)
    paid = await small(authentication=ONE)
    for decision_id, action in ((paid.id, risk.Action.ALLOW), (refused_id, risk.Action.STEP_UP)):
        decision = await street.desk.run(
            lambda uow, asked=decision_id: risk.get_decision(uow, asked)
        )
        assert (decision.action, decision.fallback) == (action, risk.Fallback.NO_RULES)


async def test_a_prepared_decider_needs_no_second_connection(street: Street, town: Any) -> None:
    url = town.database.engine.url.render_as_string(hide_password=False)
    async with Database(url, size=1) as narrow:
        decider = risk.PaymentDecider(narrow, street.rules, Rulebook.load())
        await decider.prepare()
        pay = await street.authorisation()
        town.database = narrow
        order = await asyncio.wait_for(pay(decider=decider), timeout=10)
    assert set(await street.list_decisions()) == {order.id}


@pytest.mark.parametrize("way", ["checkout", "dynamic_code", "customer_code", "authorisation"])
@pytest.mark.parametrize("action", ["review", "delay"])
async def test_a_review_goes_on_and_is_recorded(street: Street, way: str, action: str) -> None:
    await street.live(action=action)
    order = await (await getattr(street, way)())()
    assert await street.list_decisions() == {order.id: risk.Action[action.upper()]}


@pytest.mark.parametrize("way", WAITING)
async def test_an_order_that_was_refused_to_one_may_be_paid_by_another(
    street: Street, town: Any, way: str
) -> None:
    pay = await getattr(street, way)()
    await street.put_on_list("block", risk.Entity.of_account(street.payer.account_id))
    refused_id = await refused_with(pay, errors.PaymentBlocked)
    other = await town.add_customer("王芳", "5000.00")
    paid = await pay(payer_account_id=other.account_id, attempt_id=uuid7())
    assert paid.payer_account_id == other.account_id
    assert await street.list_decisions() == {
        refused_id: risk.Action.BLOCK,
        paid.id: risk.Action.ALLOW,
    }


async def test_a_capture_a_void_and_a_refund_are_neither_decided_nor_counted(
    street: Street, town: Any, new_id: Any
) -> None:
    stay = await (await street.authorisation())()
    gone = await (await street.authorisation("100.00"))()
    tea = await (await street.checkout("10.00"))()
    counted, decided = await street.read_rows(), await street.list_decisions()
    await street.live("amount > 0", "block")
    await town.run(payments.capture, order_id=stay.id)
    await town.run(payments.void, order_id=gone.id)
    await town.run(payments.refund, order_id=tea.id, refund_id=new_id())
    assert await street.read_rows() == counted
    assert await street.list_decisions() == decided
    await town.check_ties()


async def test_money_that_came_in_is_counted_as_received_and_not_decided(
    street: Street, town: Any, cny: Any, new_id: Any
) -> None:
    await street.live("amount > 0", "block")
    counted = await street.read_rows()
    other = await town.add_customer("王芳")
    asked = [
        await town.run(
            payments.request_top_up,
            order_id=new_id(),
            account_id=other.account_id,
            amount=cny(each),
        )
        for each in ("1.00", "20.00", "300.00")
    ]
    assert await street.read_rows() == counted
    await town.answer(asked[0], payments.ChannelVerdict.SUCCEEDED)
    await town.answer(asked[0], payments.ChannelVerdict.SUCCEEDED)
    await town.answer(asked[1], payments.ChannelVerdict.FAILED)
    await town.run(
        payments.record_channel_answer,
        channel_order_id=payments.derive_id(asked[2].id, 1),
        order_id=asked[2].id,
        answer=payments.ChannelAnswer(verdict=payments.ChannelVerdict.SUCCEEDED),
        is_counted=False,
    )
    assert await town.balance(other.account_id) == "301.00"
    added = {key: row for key, row in (await street.read_rows()).items() if key not in counted}
    # One receipt of one yuan, and no row of our own account that it came through.
    (received,) = added.items()
    assert received[0] == key_of(PAYEE, other.account_id)
    assert received[1][2:9] == (1, 1, 1, 1, 100, 100, 100)
    assert await street.list_decisions() == {}


async def test_what_comes_in_by_a_top_up_and_leaves_at_once_is_seen(
    street: Street, town: Any
) -> None:
    await street.live("outflow_to_inflow_1h > 0.9 and seconds_since_receipt < 1800", "block")
    await town.top_up(street.payee.account_id, "500.00")
    pay = await street.withdrawal("505.00", street.payee)
    await refused_with(pay, errors.PaymentBlocked)
    order = await (await street.withdrawal("300.00", street.payee))()
    assert order.status is payments.OrderStatus.PENDING


async def test_payments_at_once_are_all_counted(street: Street, town: Any) -> None:
    ways = [await getattr(street, way)("1.00") for way in WAYS for _ in range(3)]
    paid = await asyncio.gather(*(pay() for pay in ways))
    rows = await street.read_rows()
    assert rows[key_of(PAYER, street.payer.account_id)][2] == len(ways)
    assert rows[key_of(PAYEE, street.merchant.account_id)][2] == len(ways) - 3
    assert set(await street.list_decisions()) == {order.id for order in paid}
    await town.check_ties()


async def test_of_two_who_pay_one_order_at_once_one_is_decided_about(
    street: Street, town: Any
) -> None:
    other = await town.add_customer("王芳", "5000.00")
    order = await town.checkout(street.merchant, "600.00")
    counted = await street.read_rows()
    answers = await asyncio.gather(
        *(street.pay_later(order.id, payer)() for payer in (street.payer, other) * 2),
        return_exceptions=True,
    )
    paid = [each for each in answers if isinstance(each, payments.Order)]
    assert {each.payer_account_id for each in paid} == {paid[0].payer_account_id}
    assert all(isinstance(each, errors.OrderAlreadyPaid) for each in answers if each not in paid)
    assert await street.list_decisions() == {order.id: risk.Action.ALLOW}
    assert len(await street.read_rows()) == len(counted) + 3


@pytest.mark.parametrize("way", ["customer_code", "authorisation", "withdrawal"])
@pytest.mark.parametrize("action", ["allow", "block"])
async def test_a_command_sent_several_times_at_once_is_decided_about_once(
    street: Street, town: Any, way: str, action: str
) -> None:
    if action == "block":
        await street.live(action="block")
    pay = await getattr(street, way)()
    answers = await asyncio.gather(*(pay() for _ in range(5)), return_exceptions=True)
    (decided,) = (await street.list_decisions()).values()
    if action == "allow":
        assert {each.id for each in answers} == set(await street.list_decisions())
        row = (await street.read_rows())[key_of(PAYER, street.payer.account_id)]
        assert (decided, row[2]) == (risk.Action.ALLOW, 1)
    else:
        assert [type(each) for each in answers] == [errors.PaymentBlocked] * 5
        assert await town.available(street.payer.account_id) == "5000.00"
    await town.check_ties()
