"""Recording tries to log in, and counting those that failed."""

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from huitong.identity.commands.log_in_features import index_agent
from huitong.identity.mobiles import index_address, key_number
from huitong.identity.store import log_in_history, logins
from huitong.identity.types import Audience, Client, Factor, Login, Outcome, Vault
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork

# Of who is locked or blocked nothing is tried; and a right code for a number without a login is
# no failure. A suspended login counts like a wrong password, or the count would tell them apart.
_FAILURES: Final = frozenset(
    {
        Outcome.WRONG,
        Outcome.UNKNOWN,
        Outcome.EXPIRED,
        Outcome.SUSPENDED,
        Outcome.CLONED_PASSKEY,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """A try to log in: by what, from where, when, and of which number if that is known."""

    audience: Audience | None
    method: Factor
    client: Client
    now: datetime
    mobile_index: bytes | None = field(default=None, repr=False)

    @property
    def number_key(self) -> bytes | None:
        """Under which key the number is counted, None if it is not known."""
        if self.audience is None or self.mobile_index is None:
            return None
        return key_number(self.audience, self.mobile_index)


def try_of(login: Login, method: Factor, client: Client, now: datetime) -> Try:
    """Return a try to get in by a login."""
    return Try(
        audience=login.audience,
        method=method,
        client=client,
        now=now,
        mobile_index=login.mobile_index,
    )


async def record_refused(
    uow: UnitOfWork,
    vault: Vault,
    attempt: Try,
    outcome: Outcome,
    *,
    login_id: uuid.UUID | None = None,
    attempt_id: uuid.UUID | None = None,
    counts_as: Outcome | None = None,
) -> None:
    """Record a try that opened nothing, and count it if something was tried and failed.

    `counts_as` is for what must not differ from another outcome by what follows.
    """
    await logins.insert_attempt(
        uow,
        audience=attempt.audience,
        method=attempt.method,
        outcome=outcome,
        client=attempt.client,
        now=attempt.now,
        mobile_index=attempt.mobile_index,
        login_id=login_id,
        attempt_id=attempt_id,
        agent_index=index_agent(vault, attempt.client),
    )
    address_index = index_address(vault, attempt.client)
    await note_number(uow, address_index, attempt)
    if (counts_as or outcome) in _FAILURES:
        await log_in_history.count_failure(
            uow, number_key=attempt.number_key, address_index=address_index, now=attempt.now
        )


async def note_number(uow: UnitOfWork, address_index: bytes, attempt: Try) -> None:
    """Note that a number was tried from an address today, whatever came of it."""
    if attempt.number_key is not None:
        await log_in_history.note_try(
            uow,
            number_key=attempt.number_key,
            address_index=address_index,
            on_day=business_day(attempt.now),
        )
