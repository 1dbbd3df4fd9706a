"""Staff passkeys: a second factor beside the password, with the care that customers' ones have."""

import asyncio
import uuid
from dataclasses import replace
from typing import Any

import pytest

from huitong import identity
from huitong.demo.authenticator import SoftwareAuthenticator
from huitong.kernel import limits
from huitong.kernel.database.unit_of_work import SYSTEM

ORIGIN = "https://bank.example"
PASSWORD = "南山南 chestnut river"


class Door:
    """A member of staff with an authenticator, and the steps of signing in with it."""

    def __init__(self, house: Any, who: Any, authenticator: SoftwareAuthenticator) -> None:
        self.house, self.who, self.authenticator = house, who, authenticator

    async def register(
        self, session: identity.StaffSession, authenticator: SoftwareAuthenticator | None = None
    ) -> identity.Passkey:
        options = await identity.start_staff_passkey(
            self.house.desk, session=session, caller=SYSTEM, now=self.house.now
        )
        made = (authenticator or self.authenticator).create(options.public_key)
        return await self.finish(session, options, made)

    async def finish(self, session: Any, options: Any, made: Any) -> identity.Passkey:
        return await identity.finish_staff_passkey(
            self.house.desk,
            session=session,
            challenge_id=options.challenge_id,
            credential=made,
            name="钥匙",
            caller=SYSTEM,
            now=self.house.now,
        )

    async def ask(self) -> identity.PasskeyOptions:
        return await identity.start_sign_in_by_passkey(
            self.house.desk, client=self.house.client, caller=SYSTEM, now=self.house.now
        )

    async def sign_in(
        self,
        *,
        options: identity.PasskeyOptions | None = None,
        credential: Any = None,
        email: str | None = None,
        password: str = PASSWORD,
    ) -> identity.IssuedStaffSession:
        asked = options or await self.ask()
        return await identity.sign_in(
            self.house.desk,
            email=email or self.who.email,
            password=password,
            proof=identity.PasskeyProof(
                challenge_id=asked.challenge_id,
                credential=credential or self.authenticator.get(asked.public_key),
                relying_party=self.house.desk.relying_party,
            ),
            client=self.house.client,
            caller=SYSTEM,
            now=self.house.now,
        )

    async def refuse(self, **given: Any) -> str:
        """Expect a refusal, and return how it was written down."""
        with pytest.raises(identity.LogInRefused):
            await self.sign_in(**given)
        rows = await self.house.query("SELECT outcome FROM identity.staff_attempts ORDER BY id")
        return str(rows[-1].outcome)


@pytest.fixture
async def session(office: Any) -> identity.StaffSession:
    office.who = await office.add_first("ming@bank.example")
    signed: identity.StaffSession = await office.sign_in(office.who)
    return signed


@pytest.fixture
async def door(
    house: Any, office: Any, session: identity.StaffSession, authenticator: SoftwareAuthenticator
) -> Door:
    made = Door(house, office.who, authenticator)
    await made.register(session)
    return made


async def test_a_passkey_takes_the_place_of_the_code(door: Door) -> None:
    options = await door.ask()
    assert options.public_key["allowCredentials"] == []
    assert options.public_key["userVerification"] == "required"
    issued = await door.sign_in(options=options)
    assert issued.session.second_factor is identity.SecondFactor.PASSKEY
    assert issued.session.staff.id == door.who.id
    (row,) = await door.house.query("SELECT sign_count, last_used_at FROM identity.passkeys")
    assert (row.sign_count, row.last_used_at) == (1, door.house.now)


async def test_the_code_still_opens_beside_the_passkey(office: Any, door: Door) -> None:
    session = await office.sign_in(door.who)
    assert session.second_factor is identity.SecondFactor.TOTP


async def test_the_password_is_needed_beside_the_passkey(door: Door) -> None:
    assert await door.refuse(password="not the password") == "wrong"
    assert await door.refuse(email="nobody@bank.example") == "unknown"
    assert await door.house.count("identity.staff_sessions") == 1


async def test_a_challenge_is_used_up_by_a_wrong_password_too(door: Door) -> None:
    options = await door.ask()
    signed = door.authenticator.get(options.public_key)
    assert await door.refuse(options=options, credential=signed, password="wrong one") == "wrong"
    assert await door.refuse(options=options, credential=signed) == "expired"


async def test_a_signature_is_taken_once_by_many_at_once(door: Door) -> None:
    options = await door.ask()
    signed = door.authenticator.get(options.public_key)
    results = await asyncio.gather(
        *(door.sign_in(options=options, credential=signed) for _ in range(4)),
        return_exceptions=True,
    )
    assert sum(isinstance(each, identity.IssuedStaffSession) for each in results) == 1
    assert sum(isinstance(each, identity.LogInRefused) for each in results) == 3


async def test_a_challenge_is_good_for_five_minutes(door: Door) -> None:
    options = await door.ask()
    door.house.advance(seconds=limits.CHALLENGE_SECONDS)
    assert await door.refuse(options=options) == "expired"


@pytest.mark.parametrize(
    "change",
    [
        {"origin": "https://bank.example.evil.test"},
        {"origin": "http://bank.example"},
        {"is_verifying": False},
    ],
)
async def test_refuses_another_page_and_an_unverified_user(
    door: Door, change: dict[str, Any]
) -> None:
    options = await door.ask()
    signed = replace(door.authenticator, **change).get(options.public_key)
    assert await door.refuse(options=options, credential=signed) == "wrong"


async def test_refuses_a_signature_for_another_domain(door: Door) -> None:
    options = await door.ask()
    signed = door.authenticator.get({**options.public_key, "rpId": "evil.test"})
    assert await door.refuse(options=options, credential=signed) == "wrong"


async def test_a_counter_that_goes_back_stops_the_passkey_for_good(door: Door) -> None:
    copy = replace(door.authenticator)
    for _ in range(2):
        await door.sign_in()
    options = await door.ask()
    signed = copy.get(options.public_key)
    assert await door.refuse(options=options, credential=signed) == "cloned_passkey"
    # The rightful one has no way in by it either: which of the two it was cannot be told.
    assert await door.refuse() == "wrong"
    rows = await door.house.query("SELECT action FROM kernel.audit ORDER BY id")
    assert rows[-1].action == "identity.suspect_passkey"


async def test_a_colleagues_passkey_does_not_go_with_my_password(
    office: Any, house: Any, door: Door
) -> None:
    hua = await office.add_first("hua@bank.example")
    other = Door(house, hua, SoftwareAuthenticator(ORIGIN))
    await other.register(await office.sign_in(hua))
    options = await door.ask()
    signed = other.authenticator.get(options.public_key)
    assert await door.refuse(options=options, credential=signed) == "wrong"


async def test_passkeys_of_customers_and_of_staff_open_their_own_door_only(
    house: Any, door: Door
) -> None:
    await house.open_login()
    customer = SoftwareAuthenticator(ORIGIN)
    await house.register_passkey((await house.log_in()).session, customer)
    theirs = await house.ask_passkey()
    for asked, authenticator in (
        (theirs, door.authenticator),
        (await house.ask_passkey(), door.authenticator),
        (await door.ask(), customer),
    ):
        with pytest.raises(identity.LogInRefused):
            await house.finish_passkey(asked, authenticator.get(asked.public_key))
    # Neither a customer's challenge nor a customer's passkey signs a member of staff in.
    asked = await house.ask_passkey()
    assert await door.refuse(options=asked) == "expired"
    asked = await door.ask()
    assert await door.refuse(options=asked, credential=customer.get(asked.public_key)) == "wrong"


async def test_who_is_suspended_does_not_get_in_by_a_passkey(door: Door) -> None:
    await door.house.query(
        "UPDATE identity.staff SET state = 'suspended' WHERE id = :id", id=door.who.id
    )
    assert await door.refuse() == "suspended"


async def test_a_locked_address_is_locked_for_passkeys_too(door: Door) -> None:
    """The password is guessed beside it, so the lock is not for strangers' passkeys only."""
    for _ in range(5):
        await door.refuse(password="guess guess")
    with pytest.raises(identity.TooManyAttempts):
        await door.sign_in()


async def test_the_authenticator_learns_neither_name_nor_address(
    house: Any, session: identity.StaffSession
) -> None:
    options = await identity.start_staff_passkey(
        house.desk, session=session, caller=SYSTEM, now=house.now
    )
    user = options.public_key["user"]
    assert user["name"] == "m****g@bank.example"
    assert options.public_key["authenticatorSelection"]["userVerification"] == "required"


async def test_an_old_session_registers_and_revokes_nothing(
    house: Any, door: Door, session: identity.StaffSession
) -> None:
    (passkey,) = await listed(house, session)
    house.advance(seconds=limits.STAFF_FRESH_SECONDS)
    with pytest.raises(identity.FreshSignInNeeded):
        await door.register(session, SoftwareAuthenticator(ORIGIN))
    with pytest.raises(identity.FreshSignInNeeded):
        await revoke(house, session, passkey.id)
    assert len(await listed(house, session)) == 1


async def test_a_recovery_code_revokes_and_registers_no_passkey(
    office: Any, house: Any, door: Door
) -> None:
    issued = await office.issue(
        door.who, code=door.who.recovery_codes[0], factor=identity.SecondFactor.RECOVERY_CODE
    )
    with pytest.raises(identity.FreshSignInNeeded):
        await door.register(issued.session, SoftwareAuthenticator(ORIGIN))
    (passkey,) = await listed(house, issued.session)
    assert passkey.name == "钥匙"
    await revoke(house, issued.session, passkey.id)
    assert await listed(house, issued.session) == ()
    assert await door.refuse() == "wrong"


async def test_nobody_sees_or_revokes_a_colleagues_passkey(
    office: Any, house: Any, door: Door, session: identity.StaffSession
) -> None:
    hua = await office.add_first("hua@bank.example")
    other = await office.sign_in(hua)
    (passkey,) = await listed(house, session)
    assert await listed(house, other) == ()
    with pytest.raises(identity.PasskeyNotFound):
        await revoke(house, other, passkey.id)


async def test_a_challenge_of_another_session_registers_nothing(
    office: Any, house: Any, door: Door, session: identity.StaffSession
) -> None:
    hua = await office.add_first("hua@bank.example")
    theirs = await office.sign_in(hua)
    options = await identity.start_staff_passkey(
        house.desk, session=theirs, caller=SYSTEM, now=house.now
    )
    made = SoftwareAuthenticator(ORIGIN).create(options.public_key)
    mine = await office.sign_in(door.who)
    with pytest.raises(identity.PasskeyRefused):
        await door.finish(mine, options, made)
    assert await house.count("identity.passkeys") == 1


async def test_a_session_that_was_ended_registers_nothing(
    house: Any, session: identity.StaffSession, office: Any, authenticator: SoftwareAuthenticator
) -> None:
    door = Door(house, office.who, authenticator)
    options = await identity.start_staff_passkey(
        house.desk, session=session, caller=SYSTEM, now=house.now
    )
    await house.run(lambda uow: identity.sign_out(uow, session=session, now=house.now))
    with pytest.raises(identity.StaffSessionEnded):
        await door.finish(session, options, authenticator.create(options.public_key))
    assert await house.count("identity.passkeys") == 0


async def test_a_credential_is_registered_once_and_few_in_all(
    door: Door, session: identity.StaffSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(identity.PasskeyKnown):
        await door.register(session)
    monkeypatch.setattr(limits, "PASSKEYS_PER_LOGIN_MAX", 1)
    with pytest.raises(identity.TooManyPasskeys):
        await door.register(session, SoftwareAuthenticator(ORIGIN))


async def test_enrolling_anew_revokes_the_passkeys_of_before(
    office: Any, house: Any, administrators: Any
) -> None:
    maker, checker = administrators
    who = await office.hire(maker, checker, "lei@bank.example", "risk")
    door = Door(house, who, SoftwareAuthenticator(ORIGIN))
    await door.register(await office.sign_in(who))
    approval = await house.run(
        lambda uow: identity.request_staff_change(
            uow,
            by=maker.staff,
            staff_id=who.id,
            approval_id=uuid.uuid4(),
            act="identity.reset_staff",
            reason="lost laptop",
            now=house.now,
        )
    )
    token = (await office.approve(checker, approval)).secret
    invitation = await house.run(
        lambda uow: identity.get_invitation(
            uow, vault=house.desk.vault, by=maker.staff, approval_id=approval.id
        )
    )
    await office.enrol(who.id, who.email, token, invitation)
    assert await door.refuse() == "wrong"


async def listed(house: Any, session: identity.StaffSession) -> tuple[identity.Passkey, ...]:
    found: tuple[identity.Passkey, ...] = await house.run(
        lambda uow: identity.list_passkeys(uow, vault=house.desk.vault, session=session)
    )
    return found


async def revoke(house: Any, session: identity.StaffSession, passkey_id: uuid.UUID) -> None:
    await identity.revoke_staff_passkey(
        house.desk, session=session, passkey_id=passkey_id, caller=SYSTEM, now=house.now
    )
