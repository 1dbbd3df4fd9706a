"""Staff: two factors always, short sessions, and nobody who becomes two people."""

import asyncio
import re
import uuid
from typing import Any

import pytest

from huitong import identity
from huitong.identity import SecondFactor
from huitong.identity.errors import LogInRefused, TooManyAttempts
from huitong.kernel.database.unit_of_work import Caller
from huitong.kernel.errors import InvalidField, Refusal
from huitong.kernel.ids import uuid7

CALLER = Caller(actor="test")
PASSWORD = "南山南 chestnut river"
RECOVERY = SecondFactor.RECOVERY_CODE


@pytest.fixture
async def first(office: Any) -> Any:
    return await office.add_first("ming@bank.example")


async def outcomes(house: Any) -> list[str]:
    rows = await house.query("SELECT outcome FROM identity.staff_attempts ORDER BY id")
    return [row.outcome for row in rows]


async def test_signs_in_with_password_and_code(office: Any, house: Any, first: Any) -> None:
    issued = await office.issue(first)
    found = await office.find(issued.token)
    assert found.staff.id == first.id
    assert found.staff.roles == {"administrator"}
    assert (found.expires_at - found.created_at).total_seconds() == 8 * 3_600
    assert found.idle_seconds == 15 * 60
    assert await outcomes(house) == ["signed_in"]


@pytest.mark.parametrize(
    ("password", "code"), [("wrong chestnut river", None), ("南山南 chestnut river", "000000")]
)
async def test_one_right_factor_opens_nothing(
    office: Any, house: Any, first: Any, password: str, code: str | None
) -> None:
    with pytest.raises(LogInRefused):
        await office.issue(first, password=password, code=code)
    assert await house.count("identity.staff_sessions") == 0
    assert await outcomes(house) == ["wrong"]


async def test_an_unknown_address_gets_the_same_answer_and_costs_the_same(
    office: Any, house: Any, first: Any
) -> None:
    before = house.desk.hasher.verifications
    first.email = "nobody@bank.example"
    with pytest.raises(LogInRefused) as unknown:
        await office.issue(first)
    assert house.desk.hasher.verifications == before + 1
    first.email = "ming@bank.example"
    with pytest.raises(LogInRefused) as wrong:
        await office.issue(first, code="000000")
    assert (unknown.value.detail, unknown.value.context) == (
        wrong.value.detail,
        wrong.value.context,
    )


async def test_no_code_is_taken_twice(office: Any, house: Any, first: Any) -> None:
    code = office.code(first.secret)
    await office.issue(first, code=code)
    with pytest.raises(LogInRefused):
        await office.issue(first, code=code)
    assert await outcomes(house) == ["signed_in", "replayed"]


async def test_the_code_of_the_enrolment_is_not_taken_again(office: Any, house: Any) -> None:
    first = await office.add_first("ming@bank.example")
    with pytest.raises(LogInRefused):
        await office.issue(first, code=office.same_code(first.secret))


async def test_of_many_who_send_one_code_at_once_one_gets_in(
    office: Any, house: Any, first: Any
) -> None:
    code = office.code(first.secret)
    answers = await asyncio.gather(
        *(office.issue(first, code=code) for _ in range(4)), return_exceptions=True
    )
    assert sum(isinstance(each, identity.IssuedStaffSession) for each in answers) == 1
    assert await house.count("identity.staff_sessions") == 1


async def test_a_recovery_code_is_good_once(office: Any, house: Any, first: Any) -> None:
    code = first.recovery_codes[0].lower().replace("-", " ")
    assert re.fullmatch("(?:[a-z2-7]{4} ){5}[a-z2-7]{4}", code)
    await office.issue(first, code=code, factor=RECOVERY)
    with pytest.raises(LogInRefused):
        await office.issue(first, code=code, factor=RECOVERY)
    await office.issue(first, code=first.recovery_codes[1], factor=RECOVERY)
    (row,) = await house.query(
        "SELECT count(*) AS used FROM identity.staff_recovery_codes WHERE used_at IS NOT NULL"
    )
    assert row.used == 2


async def test_failures_lock_the_address_also_for_the_right_factors(
    office: Any, house: Any, first: Any
) -> None:
    for _ in range(5):
        with pytest.raises(LogInRefused):
            await office.issue(first, code="000000")
    right = office.same_code(first.secret)
    with pytest.raises(TooManyAttempts):
        await office.issue(first, code=right)
    assert (await outcomes(house))[-1] == "locked"
    house.advance(seconds=31)
    await office.issue(first)


async def test_a_session_ends_after_fifteen_idle_minutes(
    office: Any, house: Any, first: Any
) -> None:
    issued = await office.issue(first)
    house.advance(minutes=14)
    assert await office.find(issued.token) is not None
    house.advance(minutes=14)
    assert await office.find(issued.token) is not None
    house.advance(minutes=15)
    assert await office.find(issued.token) is None


async def test_a_session_ends_after_eight_hours_of_use(office: Any, house: Any, first: Any) -> None:
    issued = await office.issue(first)
    for _ in range(47):
        house.advance(minutes=10)
        assert await office.find(issued.token) is not None
    house.advance(minutes=10)
    assert await office.find(issued.token) is None


async def test_signing_out_ends_the_session(office: Any, house: Any, first: Any) -> None:
    issued = await office.issue(first)
    await house.run(lambda uow: identity.sign_out(uow, session=issued.session, now=house.now))
    assert await office.find(issued.token) is None


@pytest.mark.parametrize("token", ["", "hst_short", "hts_" + "x" * 43, "hst_" + "x" * 43])
async def test_a_token_of_somebody_elses_making_opens_nothing(office: Any, token: str) -> None:
    assert await office.find(token) is None


async def test_a_fourth_session_ends_the_first(office: Any, first: Any) -> None:
    tokens = [(await office.issue(first)).token for _ in range(4)]
    live = [await office.find(token) is not None for token in tokens]
    assert live == [False, True, True, True]


async def test_suspending_ends_every_session_at_once(
    office: Any, house: Any, administrators: Any
) -> None:
    maker, checker = administrators
    colleague = await office.hire(maker, checker, "lei@bank.example", "service")
    issued = [await office.issue(colleague) for _ in range(2)]
    await house.run(
        lambda uow: identity.suspend_staff(
            uow, by=maker.staff, staff_id=colleague.id, reason="lost laptop", now=house.now
        )
    )
    assert [await office.find(each.token) for each in issued] == [None, None]
    with pytest.raises(LogInRefused):
        await office.issue(colleague)
    assert (await outcomes(house))[-1] == "suspended"


async def test_nobody_suspends_themselves_or_without_the_right(
    office: Any, house: Any, administrators: Any
) -> None:
    maker, checker = administrators
    clerk = await office.sign_in(await office.hire(maker, checker, "lei@bank.example", "service"))

    def suspend(by: identity.Staff, whom: uuid.UUID) -> Any:
        return house.run(
            lambda uow: identity.suspend_staff(
                uow, by=by, staff_id=whom, reason="because", now=house.now
            )
        )

    with pytest.raises(identity.OwnRecord):
        await suspend(maker.staff, maker.staff.id)
    with pytest.raises(identity.NotPermitted):
        await suspend(clerk.staff, maker.staff.id)
    assert (await office.staff(maker.staff.id)).state is identity.StaffState.ACTIVE


async def test_the_machines_operator_adds_two_administrators_and_no_third(
    office: Any, house: Any
) -> None:
    answers = await asyncio.gather(
        *(office.add_first(f"admin{number}@bank.example") for number in range(4)),
        return_exceptions=True,
    )
    refused = [each for each in answers if isinstance(each, identity.BootstrapOver)]
    assert len(refused) == 2, answers
    assert await house.count("identity.staff") == 2


async def test_a_proposed_member_is_nobody_until_another_administrator_agrees(
    office: Any, house: Any, administrators: Any
) -> None:
    maker, _ = administrators
    staff_id = uuid7()
    await house.run(
        lambda uow: identity.propose_staff(
            uow,
            vault=house.desk.vault,
            by=maker.staff,
            staff_id=staff_id,
            approval_id=uuid7(),
            member=identity.NewMember(
                name="韩梅梅", email="mei@bank.example", roles=["risk"], branch="SH01"
            ),
            reason="new colleague",
            now=house.now,
        )
    )
    proposed = await office.staff(staff_id)
    assert proposed.state is identity.StaffState.PROPOSED
    assert proposed.roles == frozenset()
    (row,) = await house.query("SELECT CAST(a AS text) AS text FROM identity.approvals a")
    assert "韩梅梅" not in row.text
    assert "mei@" not in row.text


async def test_the_checkers_token_enrols_nobody_without_the_makers_invitation(
    office: Any, house: Any, administrators: Any
) -> None:
    maker, checker = administrators
    staff_id = uuid7()
    approval = await house.run(
        lambda uow: identity.propose_staff(
            uow,
            vault=house.desk.vault,
            by=maker.staff,
            staff_id=staff_id,
            approval_id=uuid7(),
            member=identity.NewMember(
                name="韩梅梅", email="mei@bank.example", roles=["administrator"]
            ),
            reason="new colleague",
            now=house.now,
        )
    )

    def invite(by: identity.StaffSession) -> Any:
        return house.run(
            lambda uow: identity.get_invitation(
                uow, vault=house.desk.vault, by=by.staff, approval_id=approval.id
            )
        )

    with pytest.raises(identity.ApprovalNotFound):
        await invite(maker)
    token = (await office.approve(checker, approval)).secret
    with pytest.raises(identity.ApprovalNotFound):
        await invite(checker)
    for guess in (None, "AAAA-AAAA", "AAAA-AAAB"):
        with pytest.raises(identity.EnrolmentRefused):
            await office.enrol(staff_id, "mei@bank.example", token, guess)
    await office.enrol(staff_id, "mei@bank.example", token, await invite(maker))
    with pytest.raises(identity.EnrolmentRefused):
        await office.enrol(staff_id, "mei@bank.example", token, await invite(maker))


async def test_five_wrong_codes_end_an_enrolment(office: Any, house: Any) -> None:
    staff_id = uuid7()
    token = await house.run(
        lambda uow: identity.add_first_administrator(
            uow,
            vault=house.desk.vault,
            staff_id=staff_id,
            name="王芳",
            email="fang@bank.example",
            now=house.now,
        )
    )
    shown = await identity.start_enrolment(
        house.desk,
        token=token,
        invitation=None,
        password=PASSWORD,
        caller=CALLER,
        now=house.now,
    )
    for code in ("000000",) * 5 + (office.code(shown.secret),):
        with pytest.raises(identity.EnrolmentRefused):
            await identity.finish_enrolment(
                house.desk, token=token, code=code, caller=CALLER, now=house.now
            )
    assert not (await office.staff(staff_id)).is_enrolled


async def test_one_address_is_one_member(office: Any, house: Any, first: Any) -> None:
    with pytest.raises(identity.StaffExists):
        await office.add_first("MING@bank.example ")
    assert await house.count("identity.staff") == 1


@pytest.mark.parametrize("email", ["", "ming", "ming@", "@bank.example", "a b@c.d", "x" * 300])
async def test_what_is_no_address_is_refused_without_being_repeated(
    office: Any, email: str
) -> None:
    with pytest.raises(InvalidField) as refused:
        await office.add_first(email)
    assert not email or email not in refused.value.detail


async def test_names_addresses_and_secrets_are_in_no_text(
    office: Any, house: Any, first: Any
) -> None:
    staff = await office.staff(first.id)
    rows = await house.query(
        "SELECT CAST(s AS text) AS text FROM identity.staff s "
        "UNION ALL SELECT CAST(a AS text) FROM kernel.audit a"
    )
    for text in (repr(staff), *(row.text for row in rows)):
        assert "王芳" not in text
        assert "ming@" not in text
        assert first.secret not in text
    member = await house.run(
        lambda uow: identity.open_member(uow, vault=house.desk.vault, staff=staff)
    )
    assert (member.name, member.email) == ("王芳", "ming@bank.example")
    assert "王芳" not in repr(member)


async def test_the_database_itself_takes_no_earlier_step(house: Any, first: Any) -> None:
    with pytest.raises(Exception, match="was taken already"):
        await house.query("UPDATE identity.staff SET totp_step = 1")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE identity.staff_attempts SET outcome = 'wrong'",
        "DELETE FROM identity.staff_attempts",
        "DELETE FROM identity.staff_roles",
        "UPDATE identity.staff_sessions SET expires_at = now()",
        "UPDATE identity.approvals SET payload = '{}'",
    ],
)
async def test_the_application_may_not_rewrite_history(
    office: Any, house: Any, first: Any, statement: str
) -> None:
    await office.issue(first)
    with pytest.raises(Exception, match=r"permission denied|append-only"):
        await house.query(statement)


async def test_roles_that_exclude_each_other_are_refused(office: Any, administrators: Any) -> None:
    maker, checker = administrators
    for roles in (("administrator", "operations"), ("auditor", "risk"), ("king",), ()):
        with pytest.raises(Refusal) as refused:
            await office.hire(maker, checker, "lei@bank.example", *roles)
        assert (refused.value.code, refused.value.field) == ("invalid_field", "roles")


async def test_an_enrolment_that_nobody_finishes_ends_after_a_day(office: Any, house: Any) -> None:
    staff_id = uuid7()
    token = await house.run(
        lambda uow: identity.add_first_administrator(
            uow,
            vault=house.desk.vault,
            staff_id=staff_id,
            name="王芳",
            email="fang@bank.example",
            now=house.now,
        )
    )
    house.advance(days=1)
    with pytest.raises(identity.EnrolmentRefused):
        await office.enrol(staff_id, "fang@bank.example", token, None)
