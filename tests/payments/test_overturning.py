"""Overturning a decision lets go what it holds, once, or says why it may not go on."""

import asyncio
import uuid
from typing import Any

import pytest
from tests.payments.test_stops import Guarded, find, guarded, hold, labels_of

from huitong import ledger, payments, risk
from huitong.kernel.errors import Refusal
from huitong.kernel.ids import PAYMENT, show_id
from huitong.kernel.rulebook import Rulebook
from huitong.wiring.overturning import overturn_decision

__all__ = ["guarded"]


async def overturn(guarded: Guarded, decision_id: uuid.UUID) -> dict[str, str]:
    approval_id = await guarded.desk.approve("risk.overturn_decision")
    outcome: dict[str, str] = await guarded.desk.run(
        lambda uow: overturn_decision(
            uow,
            decision_id=decision_id,
            approval_id=approval_id,
            reason="the customer showed the invoice " * 14,
            rulebook=Rulebook.load(),
            now=guarded.desk.now,
        )
    )
    return outcome


@pytest.mark.parametrize("action", ["review", "delay"])
async def test_a_held_payment_is_paid_and_labelled_genuine(
    guarded: Guarded, town: Any, action: str
) -> None:
    payment_id = await hold(guarded, action)
    before = await town.balance(guarded.payee.account_id)
    outcome = await overturn(guarded, payment_id)
    assert outcome["released"] == show_id(PAYMENT, payment_id)
    stop = await find(town, payment_id)
    assert (stop.state.value, stop.outcome) == ("paid", "released")
    assert await town.balance(guarded.payee.account_id) != before
    assert await labels_of(guarded, payment_id) == [(False, risk.LabelSource.OVERTURN)]
    with pytest.raises(risk.AlreadyOverturned):
        await overturn(guarded, payment_id)
    await town.check_ties()


async def test_what_may_not_go_on_waits_and_is_overturned_all_the_same(
    guarded: Guarded, town: Any
) -> None:
    payment_id = await hold(guarded)
    before = await town.balance(guarded.payee.account_id)
    await town.database.run(
        lambda uow: ledger.set_account_state(
            uow,
            guarded.payee.account_id,
            state=ledger.AccountState.FROZEN,
            reason="court order",
            now=guarded.desk.now,
        )
    )
    outcome = await overturn(guarded, payment_id)
    assert outcome["held"] == show_id(PAYMENT, payment_id)
    assert outcome["not_released"] == "account_frozen"
    assert (await find(town, payment_id)).is_held
    assert await town.balance(guarded.payee.account_id) == before
    assert await labels_of(guarded, payment_id) == [(False, risk.LabelSource.OVERTURN)]
    await town.check_ties()


async def test_what_was_blocked_or_has_ended_is_let_go_by_nothing(
    guarded: Guarded, town: Any
) -> None:
    payment_id = await hold(guarded)
    await town.run(payments.cancel_held_payment, payment_id=payment_id, now=guarded.desk.now)
    outcome = await overturn(guarded, payment_id)
    assert outcome.keys() <= {"decision", "exempt_until"}
    await town.check_ties()


async def test_one_of_an_overturning_and_a_cancelling_ends_it(guarded: Guarded, town: Any) -> None:
    payment_id = await hold(guarded)
    results = await asyncio.gather(
        overturn(guarded, payment_id),
        town.run(payments.cancel_held_payment, payment_id=payment_id, now=guarded.desk.now),
        return_exceptions=True,
    )
    assert [e for e in results if isinstance(e, Exception) and not isinstance(e, Refusal)] == []
    assert not (await find(town, payment_id)).is_held
    await town.check_ties()
