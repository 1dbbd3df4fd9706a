"""Passkeys of the staff: options to sign in with one, registering, listing and revoking.

A passkey takes the place of the authenticator's code; the password stays beside it. A passkey that
its maker keeps in a cloud account is as safe as that account, of which the bank knows nothing.
"""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from huitong.identity.commands import passkeys
from huitong.identity.commands.staff import open_member
from huitong.identity.commands.staff_sessions import check_fresh, hold_session
from huitong.identity.desk import Desk
from huitong.identity.mobiles import index_address
from huitong.identity.staff_types import StaffSession
from huitong.identity.types import Audience, Client, Passkey
from huitong.kernel.database.unit_of_work import Caller, UnitOfWork
from huitong.privacy import DataKind, mask


async def start_sign_in_by_passkey(
    desk: Desk, *, client: Client, caller: Caller, now: datetime
) -> passkeys.PasskeyOptions:
    """Return options for whichever passkey of the staff an authenticator has for us.

    They name no credentials, so nobody learns who has one. Raises TooManyAttempts.
    """
    return await desk.database.run(
        lambda uow: passkeys.make_authentication_options(
            uow,
            relying_party=desk.relying_party,
            purpose=passkeys.SIGN_IN,
            audience=Audience.STAFF,
            session=None,
            address_index=index_address(desk.vault, client),
            now=now,
        ),
        caller,
    )


async def start_staff_passkey(
    desk: Desk, *, session: StaffSession, caller: Caller, now: datetime
) -> passkeys.PasskeyOptions:
    """Return options to register a passkey, within minutes of signing in with another factor.

    Raises FreshSignInNeeded, TooManyPasskeys, StaffSessionEnded.
    """

    async def command(uow: UnitOfWork) -> passkeys.PasskeyOptions:
        held = await hold_session(uow, session, now=now)
        check_fresh(held, now, without_recovery_code=True)
        member = await open_member(uow, vault=desk.vault, staff=held.staff)
        return await passkeys.make_registration_options(
            uow,
            relying_party=desk.relying_party,
            session=held,
            # Authenticators keep it, some of them in other people's clouds.
            user_name=mask(DataKind.EMAIL, member.email),
            now=now,
        )

    return await desk.database.run(command, caller)


async def finish_staff_passkey(
    desk: Desk,
    *,
    session: StaffSession,
    challenge_id: uuid.UUID,
    credential: Mapping[str, Any],
    name: str | None,
    caller: Caller,
    now: datetime,
) -> Passkey:
    """Register the passkey.

    Raises PasskeyRefused, PasskeyKnown, InvalidField, StaffSessionEnded.
    """

    async def command(uow: UnitOfWork) -> Passkey:
        held = await hold_session(uow, session, now=now)
        return await passkeys.register_passkey(
            uow,
            vault=desk.vault,
            relying_party=desk.relying_party,
            session=held,
            challenge_id=challenge_id,
            credential=credential,
            name=name,
            now=now,
        )

    return await desk.database.run(command, caller)


async def revoke_staff_passkey(
    desk: Desk, *, session: StaffSession, passkey_id: uuid.UUID, caller: Caller, now: datetime
) -> None:
    """Revoke one of the member's own passkeys, within minutes of signing in.

    Raises PasskeyNotFound, FreshSignInNeeded, StaffSessionEnded.
    """

    async def command(uow: UnitOfWork) -> None:
        held = await hold_session(uow, session, now=now)
        check_fresh(held, now, without_recovery_code=False)
        await passkeys.revoke_passkey(uow, session=held, passkey_id=passkey_id, now=now)

    await desk.database.run(command, caller)
