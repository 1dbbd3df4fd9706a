"""Passwords and payment PINs: set and changed, by their hashes."""

from datetime import datetime

from huitong.identity.commands.sessions import hold_session
from huitong.identity.errors import CredentialsChanged
from huitong.identity.store import logins as store
from huitong.identity.store import sessions as session_store
from huitong.identity.types import Login, Session, Vault
from huitong.kernel import audit
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.ids import LOGIN, show_id


def prepare_pin(vault: Vault, login: Login, pin: str) -> str:
    """Return what is hashed for a PIN: a keyed digest of it and the login.

    A million PINs are soon tried against a stolen hash, whatever it costs; without the key of the
    digest, which is not in the database, there is nothing to try.
    """
    return vault.blind_index("payment_pin", f"{login.id.hex}:{pin}").hex()


async def set_password(
    uow: UnitOfWork, *, session: Session, checked: Login, password_hash: str, now: datetime
) -> None:
    """Set the password and end every session of the login, this one too.

    Devices that are not known yet are unbound, whether they have a session or not.
    `checked` is the login as it was when the change was checked. Raises CredentialsChanged if it
    is another now (of two changes at once one wins), and SessionEnded.
    """
    # The login before the session, as logging in has it.
    login = await _lock_unchanged(uow, checked)
    await hold_session(uow, session, now=now)
    await store.set_password(uow, login.id, password_hash, now=now)
    await store.note_objection(uow, login.id, now=now)
    revoked = await session_store.revoke_sessions(
        uow, login.id, because="password_changed", now=now
    )
    await session_store.revoke_unknown_devices(uow, login.id, now=now, spare=session.device_id)
    await audit.record(
        uow,
        action="identity.change_password",
        subject=show_id(LOGIN, login.id),
        details={"sessions_ended": len(revoked), "is_first": checked.password_hash is None},
    )


async def set_pin(
    uow: UnitOfWork, *, session: Session, checked: Login, pin_hash: str, now: datetime
) -> None:
    """Set the payment PIN. Raises CredentialsChanged and SessionEnded, as `set_password` does."""
    # The login before the session, as logging in has it.
    login = await _lock_unchanged(uow, checked)
    await hold_session(uow, session, now=now)
    await store.set_pin(uow, login.id, pin_hash, now=now)
    await audit.record(
        uow,
        action="identity.set_pin",
        subject=show_id(LOGIN, login.id),
        details={"is_first": checked.pin_hash is None},
    )


async def _lock_unchanged(uow: UnitOfWork, checked: Login) -> Login:
    login = await store.lock_login(uow, checked.id)
    if login is None or login.revision != checked.revision:
        raise CredentialsChanged("Something about the login was changed just now. Start again.")
    return login
