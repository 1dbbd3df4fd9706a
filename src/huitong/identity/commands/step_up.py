"""Step-up: one more proof for one act, made now and used once."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.engine import Row

from huitong.identity.commands.admitting import confirm
from huitong.identity.commands.codes import STEP_UP, redeem_code
from huitong.identity.commands.guard import Guard, forgive, note_failure, stand_guard
from huitong.identity.commands.logins import get_login
from huitong.identity.commands.passkeys import verify_signature
from huitong.identity.commands.sessions import hold_session
from huitong.identity.deciding import LOG_IN_ACT
from huitong.identity.errors import (
    PinNotSet,
    StepUpRefused,
    StepUpRequired,
    TooManyAttempts,
)
from huitong.identity.hashing import Verification
from huitong.identity.policies import LockKind, has_two_elements
from huitong.identity.step_up_rules import (
    StepUpRule,
    demand_second_factor,
    find_step_up_rule,
    require_step_up,
)
from huitong.identity.store import proofs as store
from huitong.identity.store import sessions as session_store
from huitong.identity.types import Act, Client, Factor, Login, Outcome, RelyingParty, Session, Vault
from huitong.identity.verdicts import Verdict
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import uuid7


@dataclass(frozen=True, slots=True, kw_only=True)
class StepUp:
    """A step-up that waits for its proof, or has it."""

    id: uuid.UUID
    factor: Factor
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PinCheck:
    """A PIN that is to be verified for a step-up, and the login as it is now."""

    step_up_id: uuid.UUID
    login: Login
    pin_hash: str = field(repr=False)


def check_factor(act: Act, factor: Factor, *, rules: Sequence[StepUpRule]) -> StepUpRule:
    """Return the act's rule if the factor may prove it; raises InvalidField."""
    rule = find_step_up_rule(act, rules)
    if rule is None:
        raise InvalidField("is no act that asks for a proof", field="act.kind")
    # A password is proved by logging in, or by naming the current one; not in between.
    provable = [each for each in rule.factors if each is not Factor.PASSWORD]
    if factor not in provable:
        names = ", ".join(each.value for each in provable)
        raise InvalidField(f"must be one of {names} for this act", field="factor")
    return rule


async def open_step_up(
    uow: UnitOfWork,
    *,
    session: Session,
    act: Act,
    factor: Factor,
    code_id: uuid.UUID | None = None,
    challenge_id: uuid.UUID | None = None,
    now: datetime,
) -> StepUp:
    """Open a step-up that only this session can prove, for this act. Raises PinNotSet."""
    if factor is Factor.PIN:
        login = await get_login(uow, session.login_id)
        if login.pin_hash is None:
            raise PinNotSet("Set a payment PIN first.")
    step_up_id = uuid7()
    await store.insert_step_up(
        uow,
        step_up_id=step_up_id,
        session_id=session.id,
        act=act.kind,
        act_digest=act.digest,
        factor=factor,
        code_id=code_id,
        challenge_id=challenge_id,
        now=now,
    )
    row = await store.lock_step_up(uow, session.id, step_up_id)
    assert row is not None
    return _read(row)


def check_what_is_due(session: Session, act: Act, factor: Factor, now: datetime) -> None:
    """Refuse anything but the due factor from a session that waits; raises StepUpRequired."""
    if not session.awaits_proof:
        return
    if act != LOG_IN_ACT or not has_two_elements([*session.factors, factor]):
        raise demand_second_factor(session, now)


async def prove_by_code(
    uow: UnitOfWork,
    *,
    vault: Vault,
    session: Session,
    step_up_id: uuid.UUID,
    code: str,
    client: Client,
    now: datetime,
) -> Verdict[StepUp]:
    """Prove a step-up with the code that was sent for it.

    The verdict refuses with StepUpRefused and TooManyAttempts. Raises SessionEnded.
    """
    held = await hold_session(uow, session, now=now)
    # Looked at and not locked yet: whoever counts failures is always locked before what it guards.
    code_id = await store.find_code_of_step_up(uow, session.id, step_up_id)
    if code_id is None:
        return Verdict(refusal=StepUpRefused())
    redemption = await redeem_code(
        uow,
        vault=vault,
        code_id=code_id,
        code=code,
        purpose=STEP_UP,
        session=held,
        client=client,
        now=now,
    )
    if isinstance(redemption.refusal, TooManyAttempts):
        return Verdict(refusal=redemption.refusal)
    row = await store.lock_step_up(uow, session.id, step_up_id)
    if redemption.refusal is not None or row is None or not _is_open(row, now):
        return Verdict(refusal=StepUpRefused())
    return await _prove(uow, held, row, now=now)


async def prove_by_passkey(
    uow: UnitOfWork,
    *,
    relying_party: RelyingParty,
    session: Session,
    step_up_id: uuid.UUID,
    credential: Mapping[str, Any],
    now: datetime,
) -> Verdict[StepUp]:
    """Prove a step-up with one of the login's passkeys. The verdict refuses with StepUpRefused."""
    held = await hold_session(uow, session, now=now)
    row = await store.lock_step_up(uow, session.id, step_up_id)
    if row is None or row.challenge_id is None or not _is_open(row, now):
        return Verdict(refusal=StepUpRefused())
    signature = await verify_signature(
        uow,
        relying_party=relying_party,
        challenge_id=row.challenge_id,
        purpose=STEP_UP,
        holder=held.passkey_holder,
        credential=credential,
        now=now,
    )
    if signature.outcome is not Outcome.LOGGED_IN:
        return Verdict(refusal=StepUpRefused())
    return await _prove(uow, held, row, now=now)


async def find_pin(
    uow: UnitOfWork, *, session: Session, step_up_id: uuid.UUID, now: datetime
) -> Verdict[PinCheck]:
    """Return the PIN that proves a step-up, by its hash, if it may be tried now.

    The verdict refuses with StepUpRefused and TooManyAttempts. Raises SessionEnded.
    """
    held = await hold_session(uow, session, now=now)
    guard = await _guard_pin(uow, held)
    wait = guard.find_wait_seconds(now)
    if wait is not None:
        return Verdict(refusal=TooManyAttempts(wait))
    row = await store.lock_step_up(uow, session.id, step_up_id)
    login = await get_login(uow, held.login_id)
    if row is None or row.factor != Factor.PIN or not _is_open(row, now) or login.pin_hash is None:
        return Verdict(refusal=StepUpRefused())
    return Verdict(PinCheck(step_up_id=row.id, login=login, pin_hash=login.pin_hash))


async def prove_by_pin(
    uow: UnitOfWork,
    *,
    session: Session,
    check: PinCheck,
    verification: Verification,
    now: datetime,
) -> Verdict[StepUp]:
    """Prove a step-up with a PIN that was verified, or count the failure.

    The verdict refuses with StepUpRefused and TooManyAttempts. Raises SessionEnded.
    """
    held = await hold_session(uow, session, now=now)
    guard = await _guard_pin(uow, held)
    wait = guard.find_wait_seconds(now)
    if wait is not None:
        return Verdict(refusal=TooManyAttempts(wait))
    row = await store.lock_step_up(uow, session.id, check.step_up_id)
    login = await get_login(uow, held.login_id)
    is_same = login.revision == check.login.revision
    if not (verification.is_right and is_same):
        await note_failure(uow, guard, now=now)
        return Verdict(refusal=StepUpRefused())
    await forgive(uow, guard)
    if row is None or not _is_open(row, now):
        return Verdict(refusal=StepUpRefused())
    return await _prove(uow, held, row, now=now)


async def use_step_up(
    uow: UnitOfWork,
    *,
    session: Session,
    act: Act,
    step_up_id: uuid.UUID | None,
    now: datetime,
    rules: Sequence[StepUpRule] | None = None,
) -> None:
    """Let an act through, using up its proof: called in the transaction of the act itself.

    Raises StepUpRequired if a proof is needed and none was named, StepUpRefused if the one that was
    named is of another session or act, too old, used, or by a factor that the rule does not have,
    and SessionEnded. Rolled back with the act, the proof is there again.
    """
    held = await hold_session(uow, session, now=now)
    rule = require_step_up(held, act, now, rules=rules)
    if rule is None:
        return
    if step_up_id is None:
        raise StepUpRequired(
            act=act.kind,
            factors=[factor.value for factor in rule.factors],
            fresh_minutes=rule.fresh_minutes,
        )
    row = await store.lock_step_up(uow, session.id, step_up_id)
    if row is None or row.used_at is not None or not is_proof_of(row, act, rule, now=now):
        raise StepUpRefused
    await store.mark_used(uow, row.id, now=now)


def is_proof_of(row: Any, act: Act, rule: StepUpRule, *, now: datetime) -> bool:
    """Say whether the step-up of a row was proved for this very act, lately, by a factor that does.

    Whether it was used already is another question.
    """
    return (
        row.proved_at is not None
        and bytes(row.act_digest) == act.digest
        and Factor(row.factor) in rule.factors
        and row.proved_at > now - timedelta(minutes=rule.fresh_minutes)
    )


async def _prove(
    uow: UnitOfWork, session: Session, row: Row[Any], *, now: datetime
) -> Verdict[StepUp]:
    """Note the proof; of a session that waited for it, that it is confirmed."""
    await store.mark_proved(uow, row.id, now=now)
    await session_store.set_factor(uow, session.id, Factor(row.factor), now)
    if session.awaits_proof and bytes(row.act_digest) == LOG_IN_ACT.digest:
        await store.mark_used(uow, row.id, now=now)
        await confirm(uow, session, now=now)
    return Verdict(_read(row))


async def _guard_pin(uow: UnitOfWork, session: Session) -> Guard:
    key = session.login_id.bytes.rjust(32, b"\0")
    return await stand_guard(uow, [(LockKind.PIN, key)])


def _is_open(row: Row[Any], now: datetime) -> bool:
    return row.proved_at is None and row.used_at is None and row.expires_at > now


def _read(row: Row[Any]) -> StepUp:
    return StepUp(id=row.id, factor=Factor(row.factor), expires_at=row.expires_at)
