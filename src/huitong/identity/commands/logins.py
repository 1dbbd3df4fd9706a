"""Opening, suspending, restoring and closing logins."""

import uuid
from datetime import datetime
from typing import Final

from huitong.identity.errors import LoginClosed, LoginExists, LoginNotFound, MobileHasLogin
from huitong.identity.mobiles import check_mobile, index_mobile
from huitong.identity.store import logins as store
from huitong.identity.store import proofs
from huitong.identity.store import sessions as session_store
from huitong.identity.types import Audience, Login, LoginState, Vault
from huitong.kernel import audit, limits
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.ids import LOGIN, show_id

MOBILE_FIELD: Final = "identity.logins.mobile"


async def open_login(
    uow: UnitOfWork,
    *,
    vault: Vault,
    login_id: uuid.UUID,
    audience: Audience,
    subject_id: uuid.UUID,
    mobile: str,
    now: datetime,
) -> Login:
    """Open a way in for a person; the same identifier with the same facts returns it as it is.

    Raises InvalidField, MobileHasLogin, LoginExists.
    """
    check_mobile(mobile)
    mobile_index = index_mobile(vault, mobile)
    known = await store.find_login(uow, login_id)
    if known is not None:
        facts = (known.audience, known.subject_id, known.mobile_index)
        if facts != (audience, subject_id, mobile_index):
            raise LoginExists(f"{show_id(LOGIN, login_id)} was opened with other facts")
        return known
    sealed = await vault.seal(uow, subject_id, {MOBILE_FIELD: mobile})
    login = Login(
        id=login_id,
        audience=audience,
        subject_id=subject_id,
        mobile_index=mobile_index,
        mobile_sealed=sealed[MOBILE_FIELD],
        state=LoginState.ACTIVE,
        opened_at=now,
    )
    await _insert(uow, login)
    await audit.record(
        uow,
        action="identity.open_login",
        subject=show_id(LOGIN, login_id),
        details={"audience": audience.value, "subject_id": subject_id.hex},
    )
    return login


async def _insert(uow: UnitOfWork, login: Login) -> None:
    # The unique keys decide, also when two come at once.
    if await store.insert_login(uow, login):
        return
    if await store.find_login_of_subject(uow, login.audience, login.subject_id) is not None:
        raise LoginExists("the person has a login already")
    # The number is not repeated: the answer would otherwise end in logs.
    raise MobileHasLogin("another login has this mobile number", field="mobile")


async def suspend_login(uow: UnitOfWork, *, login_id: uuid.UUID, now: datetime) -> Login:
    """Stop a login, end its sessions and unbind devices not known yet; suspended, it stays so.

    Raises LoginNotFound, LoginClosed.
    """
    return await _move(uow, login_id, LoginState.SUSPENDED, because="login_suspended", now=now)


async def restore_login(uow: UnitOfWork, *, login_id: uuid.UUID, now: datetime) -> Login:
    """Let a suspended login open again; its old sessions stay ended.

    Raises LoginNotFound, LoginClosed.
    """
    return await _move(uow, login_id, LoginState.ACTIVE, because=None, now=now)


async def close_login(uow: UnitOfWork, *, login_id: uuid.UUID, now: datetime) -> Login:
    """Close a login for ever and end its sessions; the number may then open another one.

    Raises LoginNotFound.
    """
    return await _move(uow, login_id, LoginState.CLOSED, because="login_closed", now=now)


async def close_login_of_subject(
    uow: UnitOfWork, *, audience: Audience, subject_id: uuid.UUID, now: datetime
) -> None:
    """Close the login of a person who is no longer one of ours; nothing if there is none."""
    login = await store.find_login_of_subject(uow, audience, subject_id)
    if login is not None:
        await close_login(uow, login_id=login.id, now=now)


async def get_login(uow: UnitOfWork, login_id: uuid.UUID) -> Login:
    """Return a login; raises LoginNotFound."""
    login = await store.find_login(uow, login_id)
    if login is None:
        raise LoginNotFound(f"There is no login {show_id(LOGIN, login_id)}")
    return login


async def open_mobile(uow: UnitOfWork, *, vault: Vault, login: Login) -> str:
    """Return the login's mobile number in the clear, to send a code to or to compare with."""
    opened = await vault.open(uow, login.subject_id, {MOBILE_FIELD: login.mobile_sealed})
    return opened[MOBILE_FIELD]


async def prune_what_is_over(uow: UnitOfWork, *, now: datetime) -> int:
    """Delete codes, challenges, step-ups and lock-outs that are of no more use.

    Returns the most rows deleted of one kind: `limits.PRUNE_ROWS_MAX` says that more may be left.
    They are kept for `limits.LOG_IN_KEEP_HOURS`, longer than any limit looks back.
    """
    return await proofs.prune_old(uow, now=now, count=limits.PRUNE_ROWS_MAX)


async def _move(
    uow: UnitOfWork, login_id: uuid.UUID, state: LoginState, *, because: str | None, now: datetime
) -> Login:
    login = await store.lock_login(uow, login_id)
    if login is None:
        raise LoginNotFound(f"There is no login {show_id(LOGIN, login_id)}")
    if login.state is state:
        return login
    if login.state is LoginState.CLOSED:
        raise LoginClosed(f"{show_id(LOGIN, login_id)} is closed")
    await store.set_state(uow, login_id, state, now=now)
    if because is not None:
        await store.note_objection(uow, login_id, now=now)
        await session_store.revoke_sessions(uow, login_id, because=because, now=now)
        await session_store.revoke_unknown_devices(uow, login_id, now=now)
    await audit.record(
        uow,
        action="identity.set_login_state",
        subject=show_id(LOGIN, login_id),
        details={"from": login.state.value, "to": state.value},
    )
    return await get_login(uow, login_id)
