"""Requests that are about several people, none of whom decides."""

import uuid
from typing import Any

import pytest

from huitong import identity
from huitong.kernel import limits
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import ACCOUNT, uuid7

STATE = "ledger.set_account_state"
FREEZE = {"account": f"{ACCOUNT}_100000000190", "state": "frozen"}


async def freeze(_uow: Any, _approval: Any, _payload: Any, *, now: Any) -> identity.Executed:
    del now
    return identity.Executed(outcome={"account": "frozen"})


async def test_all_whom_it_concerns_are_kept_and_none_of_them_decides(
    office: Any, house: Any, administrators: Any
) -> None:
    people = [uuid7() for _ in range(limits.APPROVAL_CONCERNS_MAX)]
    first, last = min(people), max(people)

    async def seat(name: str, customer_id: uuid.UUID | None = None) -> identity.StaffSession:
        maker, checker = administrators
        email = f"{name}@bank.example"
        who = await office.hire(maker, checker, email, "operations", customer_id=customer_id)
        session: identity.StaffSession = await office.sign_in(who)
        return session

    maker = (await seat("maker")).staff
    concerned = [await seat("first", first), await seat("last", last)]
    handlers = {STATE: freeze}
    asked = await office.request(maker, STATE, FREEZE, concerns=people)
    assert (await _get(house, maker, asked)).concerns == frozenset(people)
    for each in concerned:
        with pytest.raises(identity.OwnRecord):
            await office.approve(each, asked, handlers=handlers)
    found = await house.run(
        lambda uow: identity.find_people_to_decide_on(
            uow, [first, last, uuid7()], staff=concerned[0].staff, now=house.now
        )
    )
    assert found == {first, last}
    with pytest.raises(InvalidField) as refused:
        await office.request(maker, STATE, FREEZE, concerns=[*people, uuid7()])
    assert refused.value.field == "payload"
    nobody = await office.request(maker, STATE, FREEZE)
    assert (await _get(house, maker, nobody)).concerns == frozenset()
    decided = await office.approve(concerned[0], nobody, handlers=handlers)
    assert decided.approval.outcome == {"account": "frozen"}


async def _get(house: Any, staff: identity.Staff, approval: identity.Approval) -> identity.Approval:
    found: identity.Approval = await house.run(
        lambda uow: identity.get_approval(uow, staff=staff, approval_id=approval.id)
    )
    return found
