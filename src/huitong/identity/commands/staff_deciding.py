"""Deciding about a sign-in of staff whose two factors were right, and letting past a decision.

The same engine, rules and lists as for customers' log-ins; `method` says that it is one of staff.
Staff have no session of lesser power, so whatever is less than letting in asks for the one factor
that cannot be passed on to somebody else's page: a passkey.
"""

from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from huitong.identity.commands.log_in_features import NIGHT_ENDS_HOUR, OF_LOGINS, compare_places
from huitong.identity.deciding import FeatureValue, LogInAction, LogInDecider, LogInSubject
from huitong.identity.errors import LogInBlocked, PasskeyWanted
from huitong.identity.mobiles import index_address, key_number
from huitong.identity.staff_types import SecondFactor, Staff, StaffOutcome
from huitong.identity.store import log_in_history, staff_risk
from huitong.identity.types import Audience, Client, Vault
from huitong.kernel import audit
from huitong.kernel.clock import SHANGHAI, business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import Refusal
from huitong.kernel.ids import STAFF, show_id, uuid7
from huitong.kernel.logs import get_logger
from huitong.kernel.rulebook import Rulebook

_ZONE: Final = ZoneInfo(SHANGHAI)
_log: Final = get_logger(__name__)


async def decide_sign_in(
    uow: UnitOfWork,
    vault: Vault,
    decider: LogInDecider,
    staff: Staff,
    factor: SecondFactor,
    *,
    email_index: bytes,
    client: Client,
    now: datetime,
) -> tuple[StaffOutcome, Refusal | None]:
    """Return what becomes of a sign-in, and the refusal if it is not let in; records the decision.

    A pass of the operator's lets in whatever was decided, once. The caller holds the member's row.
    """
    features = await load_features(
        uow, vault, staff, factor, email_index=email_index, client=client, now=now
    )
    # No subject: a member of staff is on no list of customers'.
    subject = LogInSubject(id=uuid7(), features=features, address=client.address, is_staff=True)
    decision = await decider.decide(uow, subject, now=now)
    reasons = await decider.record(uow, decision)
    action = decision.action
    if action is LogInAction.ALLOW:
        return StaffOutcome.SIGNED_IN, None
    if action is not LogInAction.BLOCK and factor is SecondFactor.PASSKEY:
        return StaffOutcome.SIGNED_IN, None
    if await staff_risk.use_pass(uow, staff.id, now=now):
        await audit.record(uow, action="identity.use_staff_pass", subject=show_id(STAFF, staff.id))
        return StaffOutcome.SIGNED_IN, None
    _log.warning("staff_sign_in_stopped", staff=show_id(STAFF, staff.id), action=action.value)
    if action is LogInAction.BLOCK:
        return StaffOutcome.BLOCKED, LogInBlocked(decision.id, reasons)
    return StaffOutcome.PASSKEY_WANTED, PasskeyWanted(decision.id, reasons)


async def count_failed_sign_in(
    uow: UnitOfWork, vault: Vault, *, email_index: bytes, client: Client, now: datetime
) -> None:
    """Count a failure of an address, and of what stands for the member's e-mail address."""
    await log_in_history.count_failure(
        uow,
        number_key=key_number(Audience.STAFF, email_index),
        address_index=index_address(vault, client),
        now=now,
    )


async def load_features(
    uow: UnitOfWork,
    vault: Vault,
    staff: Staff,
    factor: SecondFactor,
    *,
    email_index: bytes,
    client: Client,
    now: datetime,
) -> dict[str, FeatureValue]:
    """Return the features of a sign-in, as the catalogue of log-ins names them.

    Devices and programs of staff are not known, so what says something of them is None.
    """
    today, rulebook = business_day(now), Rulebook.load()
    counters = await log_in_history.load_counters(
        uow,
        number_key=key_number(Audience.STAFF, email_index),
        address_index=index_address(vault, client),
        on_day=today,
        now=now,
    )
    days = rulebook.integer("fraud.place.usual.days", today)
    known = await staff_risk.list_places(uow, staff.id, since=now - timedelta(days=days), now=now)
    least = rulebook.integer("fraud.place.usual.log_ins.min", today)
    return {
        **dict.fromkeys(OF_LOGINS),
        "method": f"staff_{factor.value}",
        "is_night": now.astimezone(_ZONE).hour < NIGHT_ENDS_HOUR,
        "failures_1h": counters.failures,
        "address_failures_1h": counters.address_failures,
        "address_logins_today": float(counters.address_logins),
        **compare_places(known, client.place, least=least, now=now),
    }
