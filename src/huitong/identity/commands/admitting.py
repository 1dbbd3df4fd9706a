"""Between a right credential and a session: the decision, what follows from it, and its end.

A log-in that waits for a second factor has a session that opens nothing, and leaves no trace by
which the next one would look known: neither its place nor its device counts before it is confirmed.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from huitong.identity.commands.log_in_features import load_features, reduced_for
from huitong.identity.commands.sessions import Terms, admit, make_room, make_room_for_device
from huitong.identity.commands.tries import Try, record_refused, try_of
from huitong.identity.deciding import (
    LOG_IN_ACT,
    FeatureValue,
    LogInAction,
    LogInDecider,
    LogInDecision,
    LogInSubject,
)
from huitong.identity.errors import LogInBlocked
from huitong.identity.events import LogInNoticed
from huitong.identity.policies import has_two_elements
from huitong.identity.step_up_rules import find_step_up_rule, rules_at
from huitong.identity.store import logins as login_store
from huitong.identity.store import passkeys as passkey_store
from huitong.identity.store import sessions as session_store
from huitong.identity.types import (
    Client,
    Factor,
    IssuedSession,
    Login,
    LogInReason,
    Outcome,
    PasskeyHolder,
    Session,
    Vault,
)
from huitong.identity.verdicts import Verdict
from huitong.kernel import limits, outbox
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.ids import uuid7


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """A decision, and what of its features the customer may be told about."""

    decision: LogInDecision
    is_new_place: bool
    is_new_device: bool

    @property
    def is_block(self) -> bool:
        """Whether it says no."""
        return self.decision.action is LogInAction.BLOCK


async def decide_log_in(
    uow: UnitOfWork, vault: Vault, decider: LogInDecider, attempt: Try, login: Login | None
) -> Decided:
    """Decide about a try to log in to a number, whose `login` is None for a stranger."""
    assert attempt.number_key is not None, "nothing is decided about nobody"
    features, device_id = await load_features(
        uow,
        vault,
        number_key=attempt.number_key,
        login=login,
        method=attempt.method,
        client=attempt.client,
        now=attempt.now,
    )
    subject = LogInSubject(
        id=uuid7(),
        features=features,
        address=attempt.client.address,
        subject_id=None if login is None else login.subject_id,
        device_id=device_id,
    )
    return Decided(
        decision=await decider.decide(uow, subject, now=attempt.now),
        is_new_place=_is_news(features, "is_new_place"),
        is_new_device=_is_news(features, "is_new_device"),
    )


async def admit_decided(
    uow: UnitOfWork,
    vault: Vault,
    decider: LogInDecider | None,
    login: Login,
    method: Factor,
    *,
    client: Client,
    now: datetime,
    proved_at: datetime | None = None,
    decided: Decided | None = None,
) -> Verdict[IssuedSession]:
    """Let somebody in whose credential was right, as far as the decision goes, and record both.

    Without a decider nothing is decided. The verdict refuses with LogInBlocked. The caller holds
    the login's row.
    """
    terms = Terms(attempt_id=uuid7())
    if decider is not None:
        attempt = try_of(login, method, client, now)
        decided = decided or await decide_log_in(uow, vault, decider, attempt, login)
        reasons = await decider.record(uow, decided.decision)
        await _notice(uow, decided, login, now=now)
        if decided.is_block:
            await _record_block(uow, vault, decided, attempt, login)
            return Verdict(refusal=LogInBlocked(decided.decision.id, reasons))
        terms = await _make_terms(uow, decided, login, method, reasons=reasons, now=now)
    issued = await admit(
        uow, vault, login, method, client=client, now=now, proved_at=proved_at, terms=terms
    )
    return Verdict(issued)


async def refuse_at_the_door(
    uow: UnitOfWork, vault: Vault, decider: LogInDecider, attempt: Try
) -> LogInBlocked | None:
    """Return and record a refusal of whom risk does not let in whatever the login, or None.

    Asked before a password is looked at, about what is known of the address and the number only:
    so the answer is the same for a right one, a wrong one, and a number without a login.
    """
    decided = await decide_log_in(uow, vault, decider, attempt, None)
    if not decided.is_block:
        return None
    reasons = await decider.record(uow, decided.decision)
    await _record_block(uow, vault, decided, attempt, None)
    return LogInBlocked(decided.decision.id, reasons)


async def block_like_a_wrong_password(
    uow: UnitOfWork,
    vault: Vault,
    decider: LogInDecider,
    decided: Decided,
    *,
    attempt: Try,
    login: Login,
) -> None:
    """Record the block of a right password so that nothing that follows tells it from a wrong one.

    The owner hears of it by the event, and gets the reasons who comes with a code or a passkey.
    """
    await decider.record(uow, decided.decision)
    await _notice(uow, decided, login, now=attempt.now)
    await _record_block(uow, vault, decided, attempt, login, counts_as=Outcome.WRONG)


async def confirm(uow: UnitOfWork, session: Session, *, now: datetime) -> None:
    """Let a session open what it opens: its second factor was proved.

    From now on its device and its place are known.
    """
    await make_room(uow, session.login_id, is_provisional=False, now=now)
    if not await session_store.is_device_known(uow, session.device_id, now=now):
        await make_room_for_device(uow, session.login_id, is_provisional=False, now=now)
    await session_store.confirm_session(uow, session.id, now=now)
    await session_store.trust_device(uow, session.device_id, from_at=now)
    await login_store.confirm_attempt(uow, session.id, now=now)


async def _record_block(
    uow: UnitOfWork,
    vault: Vault,
    decided: Decided,
    attempt: Try,
    login: Login | None,
    *,
    counts_as: Outcome | None = None,
) -> None:
    await record_refused(
        uow,
        vault,
        attempt,
        Outcome.BLOCKED,
        login_id=None if login is None else login.id,
        attempt_id=decided.decision.id,
        counts_as=counts_as,
    )


async def _make_terms(
    uow: UnitOfWork,
    decided: Decided,
    login: Login,
    method: Factor,
    *,
    reasons: tuple[LogInReason, ...],
    now: datetime,
) -> Terms:
    """Return what a session may do: all, nothing before a second factor, or less for a time.

    A passkey is two factors already. Who has no second factor that would prove anything new gets
    reduced powers instead: a number alone is what a stolen SIM card has, too.
    """
    action, attempt_id = decided.decision.action, decided.decision.id
    if action is LogInAction.STEP_UP and not has_two_elements([method]):
        wanted = await _list_second_factors(uow, login, method, now=now)
        if wanted:
            return Terms(
                attempt_id=attempt_id,
                wanted=wanted,
                proof_until=now + timedelta(seconds=limits.LOG_IN_PROOF_SECONDS),
                reasons=reasons,
            )
        action = LogInAction.REDUCE
    if action is LogInAction.REDUCE:
        return Terms(
            attempt_id=attempt_id,
            reduced_until=now + reduced_for(now),
            reasons=reasons,
        )
    return Terms(attempt_id=attempt_id)


async def _list_second_factors(
    uow: UnitOfWork, login: Login, method: Factor, *, now: datetime
) -> tuple[Factor, ...]:
    rule = find_step_up_rule(LOG_IN_ACT, rules_at(now))
    assert rule is not None, "the rulebook says what a log-in needs"
    has = {Factor.ONE_TIME_CODE: True, Factor.PIN: login.pin_hash is not None}
    holder = PasskeyHolder(
        id=login.id, session_id=login.id, subject_id=login.subject_id, audience=login.audience
    )
    has[Factor.PASSKEY] = bool(await passkey_store.list_passkeys(uow, holder))
    return tuple(
        factor
        for factor in rule.factors
        if has.get(factor, False) and has_two_elements([method, factor])
    )


async def _notice(uow: UnitOfWork, decided: Decided, login: Login, *, now: datetime) -> None:
    action = decided.decision.action
    if action is LogInAction.ALLOW and not (decided.is_new_place or decided.is_new_device):
        return
    event = LogInNoticed(
        attempt_id=decided.decision.id,
        login_id=login.id,
        subject_id=login.subject_id,
        action=action.value,
        is_new_place=decided.is_new_place,
        is_new_device=decided.is_new_device,
        noticed_at=now,
    )
    await outbox.append(uow, [event])


def _is_news(features: dict[str, FeatureValue], name: str) -> bool:
    # The first log-in of all is new in everything, and its owner was there just now.
    return features[name] is True and features["seconds_since_log_in"] is not None
