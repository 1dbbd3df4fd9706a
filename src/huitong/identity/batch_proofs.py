"""Step-ups of whole batches of payments: looked at together, and used up where the money moves.

What `use_step_up` does for one act in a unit of work, on the driver's connection. A batch is looked
at before it is posted, perhaps outside its transaction; so the row itself refuses to be used twice,
and the batch is then decided one by one, with the rows locked (see `identity.refuse_second_use`).
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from huitong.identity.commands.step_up import is_proof_of
from huitong.identity.errors import SessionEnded, StepUpRefused
from huitong.identity.step_up_rules import StepUpRule, check_powers, find_step_up_rule, rules_at
from huitong.identity.types import Act, Factor, Session
from huitong.kernel.database.statement import Statement
from huitong.kernel.database.unit_of_work import DriverConnection
from huitong.kernel.errors import Refusal

_LIVE_SESSIONS: Final = """
SELECT id FROM identity.sessions
 WHERE id = ANY($1::uuid[]) AND revoked_at IS NULL AND expires_at > $2::timestamptz
   AND last_seen_at + idle_seconds * interval '1 second' > $2::timestamptz
"""
_LOCK_STEP_UPS: Final = """
SELECT id, session_id, factor, act_digest, proved_at, used_at, used_for
  FROM identity.step_ups WHERE id = ANY($1::uuid[]) ORDER BY id FOR NO KEY UPDATE
"""
# Without a condition on `used_at`: a row that was left out would let its payment through.
_USE: Final = """
UPDATE identity.step_ups u
   SET used_at = coalesce(u.used_at, $3::timestamptz), used_for = n.order_id
  FROM unnest($1::uuid[], $2::uuid[]) AS n(step_up_id, order_id)
 WHERE u.id = n.step_up_id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PresentedProof:
    """Who is about to do what, and the step-up that they name for it, if any."""

    session: Session
    act: Act
    step_up_id: uuid.UUID | None = None


async def check_proofs(
    connection: DriverConnection,
    proofs: Sequence[tuple[uuid.UUID, PresentedProof]],
    *,
    now: datetime,
    rules: Sequence[StepUpRule] | None = None,
) -> list[frozenset[Factor] | Refusal]:
    """Return for each order and its proof all factors that were proved, or why it does not hold.

    The rules are those of `now` unless others are given.
    SessionEnded for a session that is over, SessionReduced for one that may not pay yet;
    StepUpRefused as `use_step_up` raises it, and for the second one that names the same step-up.
    In a transaction the step-ups stay locked until its end.
    """
    sessions = {proof.session.id for _, proof in proofs}
    live = {row[0] for row in await connection.fetch(_LIVE_SESSIONS, list(sessions), now)}
    named = {proof.step_up_id for _, proof in proofs if proof.step_up_id is not None}
    rows = await connection.fetch(_LOCK_STEP_UPS, sorted(named)) if named else []
    known = {row["id"]: _Row(**row) for row in rows}
    rules = rules_at(now) if rules is None else rules
    found: list[frozenset[Factor] | Refusal] = []
    for order_id, proof in proofs:
        if proof.session.id not in live:
            found.append(SessionEnded("The session has ended."))
        elif (refusal := _find_want_of_powers(proof.session, now)) is not None:
            found.append(refusal)
        elif proof.step_up_id is None:
            found.append(frozenset(proof.session.factors))
        else:
            row = known.get(proof.step_up_id)
            judged = _judge(row, order_id, proof, now=now, rules=rules)
            if not isinstance(judged, Refusal):
                # The first one that it is good for has it.
                del known[proof.step_up_id]
            found.append(judged)
    return found


def make_use(uses: Sequence[tuple[uuid.UUID, uuid.UUID]], *, now: datetime) -> Statement:
    """Return the statement that uses up step-ups, each for an order; it fails if one was used."""
    step_ups, orders = [each[0] for each in uses], [each[1] for each in uses]
    return Statement(_USE, (step_ups, orders, now))


def _find_want_of_powers(session: Session, now: datetime) -> Refusal | None:
    try:
        check_powers(session, now)
    except Refusal as refusal:
        return refusal
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    id: uuid.UUID
    session_id: uuid.UUID
    factor: str
    act_digest: bytes
    proved_at: datetime | None
    used_at: datetime | None
    used_for: uuid.UUID | None


def _judge(
    row: _Row | None,
    order_id: uuid.UUID,
    proof: PresentedProof,
    *,
    now: datetime,
    rules: Sequence[StepUpRule],
) -> frozenset[Factor] | Refusal:
    rule = find_step_up_rule(proof.act, rules)
    if rule is None:
        raise ValueError(f"No rule says what {proof.act.kind} needs")
    if row is None or row.session_id != proof.session.id:
        return StepUpRefused()
    if row.used_at is not None and row.used_for != order_id:
        return StepUpRefused()
    if not is_proof_of(row, proof.act, rule, now=now):
        return StepUpRefused()
    return frozenset({*proof.session.factors, Factor(row.factor)})
