"""Maker and checker: two people, one payload, one deed."""

import asyncio
import dataclasses
from typing import Any

import pytest

from huitong import identity
from huitong.identity import ApprovalState, Executed
from huitong.kernel.errors import Conflict, InvalidField, Refusal
from huitong.kernel.ids import ACCOUNT, STAFF, show_id, uuid7

STATE = "ledger.set_account_state"
REFUND = "payments.refund"
FREEZE = {"account": f"{ACCOUNT}_100000000190", "state": "frozen"}


class Deeds:
    """Handlers that count what they were told to do."""

    def __init__(self) -> None:
        self.done: list[Any] = []
        self.refusal: Refusal | None = None

    async def __call__(self, uow: Any, approval: Any, payload: Any, *, now: Any) -> Executed:
        if self.refusal is not None:
            raise self.refusal
        await uow.execute("SELECT pg_sleep(0.05)")
        self.done.append(payload)
        return Executed(outcome={"account": "acct_1"}, secret="shown once")

    @property
    def handlers(self) -> identity.Handlers:
        return {STATE: self, REFUND: self}


@pytest.fixture
def deeds() -> Deeds:
    return Deeds()


@pytest.fixture
async def desk(office: Any, administrators: Any) -> dict[str, Any]:
    """Members of staff who are signed in, by a short name."""
    maker, checker = administrators
    people: dict[str, Any] = {}

    async def seat(name: str, *roles: str, customer_id: Any = None) -> Any:
        email = f"{name}@bank.example"
        who = await office.hire(maker, checker, email, *roles, customer_id=customer_id)
        people[f"{name}_in_person"] = who
        return await office.sign_in(who)

    people |= {
        "admin": maker,
        "admin2": checker,
        "ops": await seat("ops", "operations", "risk"),
        "ops2": await seat("ops2", "operations"),
        "clerk": await seat("clerk", "service"),
        "seat": seat,
    }
    return people


async def get(house: Any, staff: Any, approval: Any) -> identity.Approval:
    found: identity.Approval = await house.run(
        lambda uow: identity.get_approval(uow, staff=staff, approval_id=approval.id)
    )
    return found


async def test_another_one_approves_and_it_is_done(
    office: Any, house: Any, desk: Any, deeds: Deeds
) -> None:
    asked = await office.request(desk["ops"].staff, STATE, FREEZE)
    decided = await office.approve(desk["ops2"], asked, handlers=deeds.handlers)
    assert deeds.done == [FREEZE]
    assert decided.secret == "shown once"
    assert decided.approval.state is ApprovalState.APPROVED
    assert decided.approval.decided_by == desk["ops2"].staff.id
    assert decided.approval.outcome == {"account": "acct_1"}
    rows = await house.query("SELECT CAST(a AS text) AS text FROM identity.approvals a")
    assert not any("shown once" in row.text for row in rows)
    assert "shown once" not in repr(decided)


async def test_two_checkers_at_once_do_it_once(
    office: Any, desk: Any, deeds: Deeds, administrators: Any
) -> None:
    asked = await office.request(desk["ops"].staff, STATE, FREEZE)
    third = await desk["seat"]("risky", "risk")
    answers = await asyncio.gather(
        *(
            office.approve(session, asked, handlers=deeds.handlers)
            for session in (desk["ops2"], third, desk["ops2"])
        ),
        return_exceptions=True,
    )
    assert len(deeds.done) == 1
    assert sorted(type(each).__name__ for each in answers) == [
        "ApprovalDecided",
        "ApprovalDecided",
        "Decided",
    ]


async def test_nobody_approves_their_own_not_even_through_a_second_role(
    office: Any, house: Any, desk: Any, deeds: Deeds
) -> None:
    asked = await office.request(desk["ops"].staff, STATE, FREEZE)
    assert {"operations", "risk"} == desk["ops"].staff.roles
    with pytest.raises(identity.OwnRequest):
        await office.approve(desk["ops"], asked, handlers=deeds.handlers)
    with pytest.raises(Exception, match="approvals_by_two"):
        await house.query(
            "UPDATE identity.approvals SET state = 'approved', decided_by = requested_by, "
            "decided_at = requested_at, decision_reason = 'x', outcome = '{}' "
            "WHERE state = 'pending'"
        )
    assert deeds.done == []
    assert (await get(house, desk["ops"].staff, asked)).state is ApprovalState.PENDING


@pytest.mark.parametrize("digest", ["", "0" * 64, "ünicode"])
async def test_the_digest_must_be_the_one_that_was_shown(
    office: Any, desk: Any, deeds: Deeds, digest: str
) -> None:
    asked = await office.request(desk["ops"].staff, STATE, FREEZE)
    with pytest.raises(identity.ApprovalAltered):
        await office.approve(desk["ops2"], asked, digest=digest, handlers=deeds.handlers)
    assert deeds.done == []


async def test_a_forged_payload_is_refused_by_the_database_and_by_the_check(
    office: Any, house: Any, desk: Any, deeds: Deeds, owner_url: str
) -> None:
    import asyncpg

    asked = await office.request(desk["ops"].staff, STATE, FREEZE)
    owner = await asyncpg.connect(owner_url)
    try:
        forged = asked.payload.replace("100000000190", "100000000287")
        with pytest.raises(asyncpg.CheckViolationError, match="digest_is_of_payload"):
            await owner.execute(
                "UPDATE identity.approvals SET payload = $1 WHERE state = 'pending'", forged
            )
        # Somebody who owns the database can forge both; what the checker saw still decides.
        await owner.execute(
            "UPDATE identity.approvals SET payload = $1, "
            "digest = sha256(convert_to(act || chr(10) || $1, 'UTF8')) WHERE state = 'pending'",
            forged,
        )
    finally:
        await owner.close()
    with pytest.raises(identity.ApprovalAltered):
        await office.approve(desk["ops2"], asked, handlers=deeds.handlers)
    assert deeds.done == []


async def test_an_expired_request_cannot_be_approved(
    office: Any, house: Any, desk: Any, deeds: Deeds
) -> None:
    asked = await office.request(desk["ops"].staff, STATE, FREEZE)
    house.advance(hours=24)
    late = await office.sign_in(desk["ops2_in_person"])
    with pytest.raises(identity.ApprovalExpired):
        await office.approve(late, asked, handlers=deeds.handlers)
    assert deeds.done == []


async def test_who_may_not_decide_does_not_see_it(
    office: Any, house: Any, desk: Any, deeds: Deeds
) -> None:
    asked = await office.request(desk["ops"].staff, STATE, FREEZE)
    for name in ("clerk", "admin"):
        with pytest.raises(identity.ApprovalNotFound):
            await office.approve(desk[name], asked, handlers=deeds.handlers)
        with pytest.raises(identity.ApprovalNotFound):
            await get(house, desk[name].staff, asked)
    auditor = await desk["seat"]("audit", "auditor")
    assert (await get(house, auditor.staff, asked)).id == asked.id
    with pytest.raises(identity.NotPermitted):
        await office.approve(auditor, asked, handlers=deeds.handlers)
    assert deeds.done == []


async def test_a_checker_who_was_suspended_a_moment_ago_decides_nothing(
    office: Any, house: Any, desk: Any, deeds: Deeds
) -> None:
    asked = await office.request(desk["ops"].staff, STATE, FREEZE)
    await suspend(house, desk["admin"], desk["ops2"])
    with pytest.raises(identity.StaffSessionEnded):
        await office.approve(desk["ops2"], asked, handlers=deeds.handlers)
    assert deeds.done == []


async def test_what_a_suspended_maker_asked_for_is_not_done(
    office: Any, house: Any, desk: Any, deeds: Deeds
) -> None:
    asked = await office.request(desk["ops"].staff, STATE, FREEZE)
    await suspend(house, desk["admin"], desk["ops"])
    with pytest.raises(identity.MakerNotPermitted):
        await office.approve(desk["ops2"], asked, handlers=deeds.handlers)
    assert deeds.done == []


async def suspend(house: Any, by: Any, whom: Any) -> None:
    await house.run(
        lambda uow: identity.suspend_staff(
            uow, by=by.staff, staff_id=whom.staff.id, reason="because", now=house.now
        )
    )


async def test_what_the_act_refuses_stays_open_and_may_be_rejected(
    office: Any, house: Any, desk: Any, deeds: Deeds
) -> None:
    asked = await office.request(desk["ops"].staff, STATE, FREEZE)
    deeds.refusal = Conflict("not now")
    with pytest.raises(Conflict):
        await office.approve(desk["ops2"], asked, handlers=deeds.handlers)
    assert (await get(house, desk["ops"].staff, asked)).state is ApprovalState.PENDING
    rejected = await house.run(
        lambda uow: identity.reject(
            uow, session=desk["ops2"], approval_id=asked.id, reason="no", now=house.now
        )
    )
    assert rejected.state is ApprovalState.REJECTED
    deeds.refusal = None
    with pytest.raises(identity.ApprovalDecided):
        await office.approve(desk["ops2"], asked, handlers=deeds.handlers)
    assert deeds.done == []


async def test_only_the_maker_withdraws(office: Any, house: Any, desk: Any, deeds: Deeds) -> None:
    asked = await office.request(desk["ops"].staff, STATE, FREEZE)

    def withdraw(session: Any) -> Any:
        return house.run(
            lambda uow: identity.withdraw(
                uow, session=session, approval_id=asked.id, reason="mistake", now=house.now
            )
        )

    with pytest.raises(identity.ApprovalNotFound):
        await withdraw(desk["ops2"])
    assert (await withdraw(desk["ops"])).state is ApprovalState.WITHDRAWN
    with pytest.raises(identity.ApprovalDecided):
        await office.approve(desk["ops2"], asked, handlers=deeds.handlers)


async def test_amounts_bound_makers_and_checkers(office: Any, desk: Any, deeds: Deeds) -> None:
    def refund(amount: str) -> dict[str, object]:
        return {"payment": "pay_1", "amount": {"amount": amount, "currency": "CNY"}}

    small = await office.request(desk["clerk"].staff, REFUND, refund("5000.00"))
    with pytest.raises(identity.AmountAboveLimit):
        await office.request(desk["clerk"].staff, REFUND, refund("5000.01"))
    with pytest.raises(identity.AmountAboveLimit):
        await office.request(desk["ops"].staff, REFUND, refund("500000.01"))
    await office.approve(desk["ops"], small, handlers=deeds.handlers)
    assert deeds.done == [refund("5000.00")]


async def test_nobody_decides_on_their_own_record_as_a_customer(
    office: Any, desk: Any, deeds: Deeds
) -> None:
    record = uuid7()
    customer = await desk["seat"]("insider", "operations", customer_id=record)
    asked = await office.request(desk["ops"].staff, STATE, FREEZE, concerns=[uuid7(), record])
    with pytest.raises(identity.OwnRecord):
        await office.approve(customer, asked, handlers=deeds.handlers)
    with pytest.raises(identity.OwnRecord):
        await office.request(customer.staff, STATE, FREEZE, concerns=[uuid7(), record])
    assert deeds.done == []


async def change_roles(house: Any, by: Any, whom: Any, roles: list[str]) -> Any:
    return await house.run(
        lambda uow: identity.request_staff_change(
            uow,
            by=by.staff,
            staff_id=whom.staff.id,
            approval_id=uuid7(),
            act="identity.set_staff_roles",
            roles=roles,
            reason="promotion",
            now=house.now,
        )
    )


async def test_nobody_changes_their_own_roles_or_decides_on_them(
    office: Any, house: Any, desk: Any
) -> None:
    admin, admin2, ops = desk["admin"], desk["admin2"], desk["ops"]
    with pytest.raises(identity.OwnRecord):
        await change_roles(house, admin, admin, ["operations"])
    with pytest.raises(identity.NotPermitted):
        await change_roles(house, ops, desk["clerk"], ["operations"])
    about_two = await change_roles(house, admin, admin2, ["auditor"])
    with pytest.raises(identity.OwnRecord):
        await office.approve(admin2, about_two)
    payload = {"staff": show_id(STAFF, ops.staff.id), "roles": ["administrator"]}
    with pytest.raises(identity.NotPermitted):
        await office.request(ops.staff, "identity.set_staff_roles", payload)
    assert (await office.staff(admin2.staff.id)).roles == {"administrator"}


async def test_new_roles_end_the_old_sessions(office: Any, house: Any, desk: Any) -> None:
    asked = await change_roles(house, desk["admin"], desk["ops2"], ["compliance"])
    await office.approve(desk["admin2"], asked)
    assert (await office.staff(desk["ops2"].staff.id)).roles == {"compliance"}
    rows = await house.query(
        "SELECT revoked_because FROM identity.staff_sessions WHERE staff_id = :id",
        id=desk["ops2"].staff.id,
    )
    assert [row.revoked_because for row in rows] == ["roles_changed"]
    history = await house.query(
        "SELECT role, granted_by, ended_by FROM identity.staff_roles WHERE staff_id = :id "
        "ORDER BY granted_at, role",
        id=desk["ops2"].staff.id,
    )
    assert [(row.role, row.ended_by) for row in history] == [
        ("operations", asked.id),
        ("compliance", None),
    ]


async def test_restoring_takes_two_and_resetting_needs_both_halves(
    office: Any, house: Any, desk: Any
) -> None:
    await suspend(house, desk["admin"], desk["ops2"])
    asked = await house.run(
        lambda uow: identity.request_staff_change(
            uow,
            by=desk["admin"].staff,
            staff_id=desk["ops2"].staff.id,
            approval_id=uuid7(),
            act="identity.restore_staff",
            reason="laptop found",
            now=house.now,
        )
    )
    await office.approve(desk["admin2"], asked)
    assert (await office.staff(desk["ops2"].staff.id)).state is identity.StaffState.ACTIVE


async def test_api_keys_are_issued_and_revoked_by_two(office: Any, house: Any, desk: Any) -> None:
    payload = {"name": "till", "scopes": ["payments:read"], "merchant": None}
    asked = await office.request(desk["admin"].staff, "identity.issue_api_key", payload)
    decided = await office.approve(desk["admin2"], asked)
    key = await house.run(lambda uow: identity.find_api_key(uow, decided.secret))
    assert (key.name, key.scopes) == ("till", {"payments:read"})
    asked = await office.request(
        desk["admin"].staff, "identity.revoke_api_key", {"key": decided.approval.outcome["key"]}
    )
    await office.approve(desk["admin2"], asked)
    assert await house.run(lambda uow: identity.find_api_key(uow, decided.secret)) is None


@pytest.mark.parametrize("reason", ["", "  ", "a\x00b", "x" * 501])
async def test_a_reason_that_says_nothing_is_refused(
    office: Any, house: Any, desk: Any, reason: str
) -> None:
    with pytest.raises(InvalidField):
        await house.run(
            lambda uow: identity.request_approval(
                uow,
                approval_id=uuid7(),
                staff=desk["ops"].staff,
                act=STATE,
                payload=FREEZE,
                reason=reason,
                concerns=[],
                now=house.now,
            )
        )
    (row,) = await house.query(
        "SELECT count(*) AS n FROM identity.approvals WHERE act = :a", a=STATE
    )
    assert row.n == 0


async def test_lists_own_requests_and_those_to_decide(office: Any, house: Any, desk: Any) -> None:
    asked = await office.request(desk["ops"].staff, STATE, FREEZE)

    async def listed(session: Any) -> set[Any]:
        found = await house.run(
            lambda uow: identity.list_approvals(uow, staff=session.staff, only_pending=True)
        )
        return {each.id for each in found}

    assert await listed(desk["ops"]) == {asked.id}
    assert await listed(desk["ops2"]) == {asked.id}
    assert await listed(desk["clerk"]) == set()
    assert await listed(desk["admin"]) == set()


def test_every_act_of_the_policy_of_this_room_has_its_handler() -> None:
    own = {name for name in identity.AccessPolicy.load().acts if name.startswith("identity.")}
    assert own == set(identity.APPROVED_ACTS)


async def test_a_scope_that_keys_cannot_have_is_not_issued_by_two_either(
    office: Any, house: Any, desk: Any
) -> None:
    payload = {"name": "till", "scopes": ["staff:write"], "merchant": None}
    asked = await office.request(desk["admin"].staff, "identity.issue_api_key", payload)
    with pytest.raises(InvalidField):
        await office.approve(desk["admin2"], asked)
    assert await house.count("kernel.api_keys") == 0


async def test_what_the_policy_no_longer_has_is_not_done(
    office: Any, house: Any, desk: Any, deeds: Deeds, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = await office.request(desk["ops"].staff, STATE, FREEZE)
    auditor = await desk["seat"]("audit", "auditor")
    policy = identity.AccessPolicy.load()
    acts = {name: rule for name, rule in policy.acts.items() if name != STATE}
    changed = dataclasses.replace(policy, acts=acts)
    monkeypatch.setattr(identity.AccessPolicy, "load", staticmethod(lambda: changed))
    with pytest.raises(identity.ApprovalNotFound):
        await office.approve(desk["ops2"], asked, handlers=deeds.handlers)
    assert (await get(house, auditor.staff, asked)).id == asked.id
    assert deeds.done == []


async def test_two_administrators_who_suspend_each_other_at_once_leave_one(
    house: Any, office: Any, administrators: Any
) -> None:
    first, second = administrators

    def suspend_other(by: Any, whom: Any) -> Any:
        async def command(uow: Any) -> Any:
            held = await identity.hold_staff_session(uow, by, now=house.now)
            return await identity.suspend_staff(
                uow, by=held.staff, staff_id=whom.staff.id, reason="because", now=house.now
            )

        return house.run(command)

    answers = await asyncio.gather(
        suspend_other(first, second), suspend_other(second, first), return_exceptions=True
    )
    assert sorted(type(each).__name__ for each in answers) == ["Staff", "StaffSessionEnded"]
    states = [(await office.staff(each.staff.id)).state.value for each in administrators]
    assert sorted(states) == ["active", "suspended"]
