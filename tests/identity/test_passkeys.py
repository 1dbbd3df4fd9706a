"""Passkeys: real verification of what a software authenticator signs."""

import asyncio
import uuid
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url

from huitong import identity
from huitong.demo.authenticator import SoftwareAuthenticator
from huitong.kernel import limits

ORIGIN = "https://bank.example"


@pytest.fixture
async def owner(house: Any, authenticator: SoftwareAuthenticator) -> identity.Session:
    await house.open_login()
    issued = await house.log_in()
    await house.register_passkey(issued.session, authenticator)
    session: identity.Session = issued.session
    return session


async def test_a_registered_passkey_logs_in(
    house: Any, owner: identity.Session, authenticator: SoftwareAuthenticator
) -> None:
    options = await house.ask_passkey()
    assert options.public_key["allowCredentials"] == []
    assert options.public_key["userVerification"] == "required"
    issued = await house.finish_passkey(options, authenticator.get(options.public_key))
    assert issued.session.login_id == owner.login_id
    assert issued.session.method is identity.Factor.PASSKEY
    (row,) = await house.query("SELECT sign_count, last_used_at FROM identity.passkeys")
    assert (row.sign_count, row.last_used_at) == (1, house.now)


async def test_the_authenticator_learns_no_number_and_no_name(
    house: Any, authenticator: SoftwareAuthenticator
) -> None:
    await house.open_login()
    issued = await house.log_in()
    options = await identity.start_passkey_registration(
        house.desk, session=issued.session, caller=caller(), now=house.now
    )
    user = options.public_key["user"]
    assert user["name"] == "138****0001"
    assert base64url_to_bytes(user["id"]) == issued.session.login_id.bytes
    assert options.public_key["attestation"] == "none"
    assert options.public_key["authenticatorSelection"]["userVerification"] == "required"


def caller() -> Any:
    from huitong.kernel.database.unit_of_work import SYSTEM

    return SYSTEM


async def test_a_signature_is_taken_once(
    house: Any, owner: identity.Session, authenticator: SoftwareAuthenticator
) -> None:
    options = await house.ask_passkey()
    signed = authenticator.get(options.public_key)
    results = await asyncio.gather(
        *(house.finish_passkey(options, signed) for _ in range(4)), return_exceptions=True
    )
    assert sum(isinstance(each, identity.IssuedSession) for each in results) == 1
    assert sum(isinstance(each, identity.LogInRefused) for each in results) == 3
    assert (await house.outcomes()).count("expired") == 3


async def test_a_challenge_is_good_for_five_minutes(
    house: Any, owner: identity.Session, authenticator: SoftwareAuthenticator
) -> None:
    options = await house.ask_passkey()
    house.advance(seconds=limits.CHALLENGE_SECONDS)
    with pytest.raises(identity.LogInRefused):
        await house.finish_passkey(options, authenticator.get(options.public_key))


async def test_a_challenge_of_one_request_does_not_serve_another(
    house: Any, owner: identity.Session, authenticator: SoftwareAuthenticator
) -> None:
    first, second = await house.ask_passkey(), await house.ask_passkey()
    with pytest.raises(identity.LogInRefused):
        await house.finish_passkey(second, authenticator.get(first.public_key))


@pytest.mark.parametrize(
    "change",
    [
        {"origin": "https://bank.example.evil.test"},
        {"origin": "http://bank.example"},
        {"is_verifying": False},
    ],
)
async def test_refuses_another_page_and_an_unverified_user(
    house: Any,
    owner: identity.Session,
    authenticator: SoftwareAuthenticator,
    change: dict[str, Any],
) -> None:
    options = await house.ask_passkey()
    with pytest.raises(identity.LogInRefused):
        await house.finish_passkey(
            options, replace(authenticator, **change).get(options.public_key)
        )
    assert (await house.outcomes())[-1] == "wrong"
    assert await house.count("identity.sessions") == 1


async def test_refuses_a_signature_for_another_domain(
    house: Any, owner: identity.Session, authenticator: SoftwareAuthenticator
) -> None:
    options = await house.ask_passkey()
    signed = authenticator.get({**options.public_key, "rpId": "evil.test"})
    with pytest.raises(identity.LogInRefused):
        await house.finish_passkey(options, signed)


async def test_refuses_another_key_under_a_known_credential(
    house: Any, owner: identity.Session, authenticator: SoftwareAuthenticator
) -> None:
    impostor = SoftwareAuthenticator(ORIGIN, credential_id=authenticator.credential_id)
    options = await house.ask_passkey()
    with pytest.raises(identity.LogInRefused):
        await house.finish_passkey(options, impostor.get(options.public_key))
    assert (await house.outcomes())[-1] == "wrong"


async def test_a_counter_that_goes_back_stops_the_passkey_for_good(
    house: Any, owner: identity.Session, authenticator: SoftwareAuthenticator
) -> None:
    copy = replace(authenticator)
    for _ in range(2):
        options = await house.ask_passkey()
        await house.finish_passkey(options, authenticator.get(options.public_key))
    options = await house.ask_passkey()
    with pytest.raises(identity.LogInRefused):
        await house.finish_passkey(options, copy.get(options.public_key))
    (row,) = await house.query("SELECT sign_count, suspected_at FROM identity.passkeys")
    assert (row.sign_count, row.suspected_at) == (2, house.now)
    # The rightful one has no way in by it either: which of the two it was cannot be told.
    options = await house.ask_passkey()
    with pytest.raises(identity.LogInRefused):
        await house.finish_passkey(options, authenticator.get(options.public_key))
    assert (await house.outcomes())[-2:] == ["cloned_passkey", "unknown"]
    rows = await house.query("SELECT action FROM kernel.audit ORDER BY id")
    assert rows[-1].action == "identity.suspect_passkey"


async def test_a_synchronised_passkey_that_never_counts_stays_good(house: Any) -> None:
    await house.open_login()
    issued = await house.log_in()
    authenticator = SoftwareAuthenticator(ORIGIN, counts=False)
    await house.register_passkey(issued.session, authenticator)
    for _ in range(2):
        options = await house.ask_passkey()
        assert await house.finish_passkey(options, authenticator.get(options.public_key))


async def test_a_locked_number_is_still_opened_by_its_passkey(
    house: Any, owner: identity.Session, authenticator: SoftwareAuthenticator
) -> None:
    for _ in range(5):
        with pytest.raises(identity.LogInRefused):
            await house.log_in_by_password("wrong wrong")
    with pytest.raises(identity.TooManyAttempts):
        await house.log_in_by_password()
    options = await house.ask_passkey()
    assert await house.finish_passkey(options, authenticator.get(options.public_key))


async def test_a_customer_s_passkey_does_not_open_the_staff_s_door(
    house: Any, owner: identity.Session, authenticator: SoftwareAuthenticator
) -> None:
    options = await identity.start_log_in_by_passkey(
        house.desk,
        audience=identity.Audience.STAFF,
        client=house.client,
        caller=caller(),
        now=house.now,
    )
    with pytest.raises(identity.LogInRefused):
        await house.finish_passkey(options, authenticator.get(options.public_key))


async def test_a_suspended_login_is_not_opened_by_its_passkey(
    house: Any, owner: identity.Session, authenticator: SoftwareAuthenticator
) -> None:
    await house.run(lambda uow: identity.suspend_login(uow, login_id=owner.login_id, now=house.now))
    options = await house.ask_passkey()
    with pytest.raises(identity.LogInRefused):
        await house.finish_passkey(options, authenticator.get(options.public_key))
    assert (await house.outcomes())[-1] == "suspended"


async def test_a_revoked_passkey_opens_nothing(
    house: Any, owner: identity.Session, authenticator: SoftwareAuthenticator
) -> None:
    (passkey,) = await house.run(
        lambda uow: identity.list_passkeys(uow, vault=house.desk.vault, session=owner)
    )
    assert passkey.name == "手机"
    await identity.revoke_passkey(
        house.desk, session=owner, passkey_id=passkey.id, caller=caller(), now=house.now
    )
    options = await house.ask_passkey()
    with pytest.raises(identity.LogInRefused):
        await house.finish_passkey(options, authenticator.get(options.public_key))


async def test_nobody_revokes_another_s_passkey(house: Any, owner: identity.Session) -> None:
    await house.open_login("13800000002")
    other = (await house.log_in("13800000002")).session
    (row,) = await house.query("SELECT id FROM identity.passkeys")
    with pytest.raises(identity.PasskeyNotFound):
        await identity.revoke_passkey(
            house.desk, session=other, passkey_id=row.id, caller=caller(), now=house.now
        )


async def test_a_challenge_of_another_session_registers_nothing(
    house: Any, authenticator: SoftwareAuthenticator
) -> None:
    await house.open_login()
    await house.open_login("13800000002")
    mine, theirs = await house.log_in(), await house.log_in("13800000002")
    options = await identity.start_passkey_registration(
        house.desk, session=theirs.session, caller=caller(), now=house.now
    )
    with pytest.raises(identity.PasskeyRefused):
        await register(house, mine.session, options, authenticator.create(options.public_key))
    assert await house.count("identity.passkeys") == 0


async def register(house: Any, session: Any, options: Any, credential: Any) -> Any:
    return await identity.finish_passkey_registration(
        house.desk,
        session=session,
        challenge_id=options.challenge_id,
        credential=credential,
        name=None,
        caller=caller(),
        now=house.now,
    )


@pytest.mark.parametrize("change", [{"origin": "https://evil.test"}, {"is_verifying": False}])
async def test_registration_refuses_another_page_and_an_unverified_user(
    house: Any, change: dict[str, Any]
) -> None:
    await house.open_login()
    issued = await house.log_in()
    authenticator = replace(SoftwareAuthenticator(ORIGIN), **change)
    with pytest.raises(identity.PasskeyRefused):
        await house.register_passkey(issued.session, authenticator)
    assert await house.count("identity.passkeys") == 0


async def test_a_credential_is_registered_once(
    house: Any, owner: identity.Session, authenticator: SoftwareAuthenticator
) -> None:
    with pytest.raises(identity.PasskeyKnown):
        await house.register_passkey(owner, authenticator)


async def test_a_login_has_few_passkeys(
    house: Any, owner: identity.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "PASSKEYS_PER_LOGIN_MAX", 2)
    await house.register_passkey(owner, SoftwareAuthenticator(ORIGIN))
    with pytest.raises(identity.TooManyPasskeys):
        await house.register_passkey(owner, SoftwareAuthenticator(ORIGIN))


async def test_registering_needs_a_fresh_factor(house: Any) -> None:
    await house.open_login()
    issued = await house.log_in()
    house.advance(minutes=10)
    with pytest.raises(identity.StepUpRequired):
        await house.register_passkey(issued.session, SoftwareAuthenticator(ORIGIN))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


async def test_whatever_an_authenticator_sends_is_refused_and_nothing_worse(
    house: Any, owner: identity.Session, authenticator: SoftwareAuthenticator
) -> None:
    """One database, so the examples are drawn first and run one after the other."""
    examples: list[tuple[str, Any, bytes]] = []
    parts = st.sampled_from(["clientDataJSON", "authenticatorData", "signature", "id", "response"])

    @settings(max_examples=60, database=None, deadline=None)
    @given(part=parts, value=JSON, raw=st.binary(max_size=90))
    def draw(part: str, value: Any, raw: bytes) -> None:
        examples.append((part, value, raw))

    draw()
    for number, (part, value, raw) in enumerate(examples):
        if number % 20 == 0:
            # Long enough for the address's failures to be forgotten.
            house.advance(days=1)
        options = await house.ask_passkey()
        signed = authenticator.get(options.public_key)
        broken = value if number % 2 else bytes_to_base64url(raw)
        if part in ("id", "response"):
            signed[part] = broken
        else:
            signed["response"][part] = broken
        with pytest.raises(identity.LogInRefused):
            await house.finish_passkey(options, signed)
    assert set((await house.outcomes())[1:]) == {"unknown", "wrong"}
    assert await house.count("identity.sessions") == 1


async def test_whatever_is_sent_to_register_is_refused_and_nothing_worse(
    house: Any, owner: identity.Session
) -> None:
    authenticator = SoftwareAuthenticator(ORIGIN)
    examples: list[tuple[str, Any, bytes]] = []
    parts = st.sampled_from(["clientDataJSON", "attestationObject", "id", "response"])

    @settings(max_examples=60, database=None, deadline=None)
    @given(part=parts, value=JSON, raw=st.binary(max_size=90))
    def draw(part: str, value: Any, raw: bytes) -> None:
        examples.append((part, value, raw))

    draw()
    for number, (part, value, raw) in enumerate(examples):
        options = await identity.start_passkey_registration(
            house.desk, session=owner, caller=caller(), now=house.now
        )
        made = authenticator.create(options.public_key)
        broken = value if number % 2 else bytes_to_base64url(raw)
        if part in ("id", "response"):
            made[part] = broken
        else:
            made["response"][part] = broken
        with pytest.raises(identity.PasskeyRefused):
            await register(house, owner, options, made)
    assert await house.count("identity.passkeys") == 1


async def test_an_address_gets_no_more_challenges_than_anybody_can_sign(
    house: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "CHALLENGES_PER_ADDRESS_HOUR_MAX", 2)
    for _ in range(2):
        await house.ask_passkey()
    with pytest.raises(identity.TooManyAttempts):
        await house.ask_passkey()
    house.advance(hours=1)
    await house.ask_passkey()


async def test_a_passkey_of_nobody_is_refused(house: Any) -> None:
    options = await house.ask_passkey()
    with pytest.raises(identity.LogInRefused):
        await house.finish_passkey(options, SoftwareAuthenticator(ORIGIN).get(options.public_key))
    with pytest.raises(identity.LogInRefused):
        await house.finish_passkey(
            replace(options, challenge_id=uuid.UUID(int=1)),
            SoftwareAuthenticator(ORIGIN).get(options.public_key),
        )
    assert await house.outcomes() == ["unknown", "expired"]
