"""Asking risk about a batch of payments, and what follows from its answer.

`block` refuses the payment. `step_up` asks for a second factor, and passes where two stand behind
the payment: the payer proved one more for it, or a partner vouches. `review` and `delay` are
recorded for people to look at, and the payment goes on: holding money back until then is not built
yet.
"""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol, TypeVar

from huitong import identity, risk
from huitong.customers import Party
from huitong.kernel.database.statement import Statement
from huitong.kernel.database.unit_of_work import DriverConnection
from huitong.kernel.errors import Refusal
from huitong.kernel.money import Money
from huitong.payments.errors import PaymentBlocked, PaymentNeedsStepUp
from huitong.payments.types import Authentication, OrderKind

Checked = TypeVar("Checked")


class Assessed(Protocol):
    """What of a payment matters here."""

    order_id: uuid.UUID
    payer_account_id: int
    payee_account_id: int | None
    amount: Money
    kind: OrderKind
    proof: identity.PresentedProof | None
    authentication: Authentication
    facts: risk.PaymentFacts | None
    decision: risk.Decision | None


async def assess_payments(
    connection: DriverConnection,
    decider: risk.PaymentDecider,
    payments: Sequence[Assessed],
    checked: Sequence[Checked | Refusal],
    parties: Mapping[int, Party],
    *,
    now: datetime,
) -> list[Checked | Refusal]:
    """Return what was checked, with a refusal in the place of what risk does not let through.

    What was refused before is not assessed. Sets `facts` and `decision` of the others.
    """
    asked = []
    for payment, found in zip(payments, checked, strict=True):
        payment.facts = payment.decision = None
        if not isinstance(found, Refusal):
            asked.append(_make_subject(payment, parties))
    decisions = iter(await decider.decide(connection, asked, at=now))
    assessed: list[Checked | Refusal] = []
    for payment, found in zip(payments, checked, strict=True):
        if isinstance(found, Refusal):
            assessed.append(found)
            continue
        payment.decision = next(decisions)
        assessed.append(_refuse(payment) or found)
    return assessed


def list_decisions(posted: Sequence[Assessed], refused: Sequence[Assessed]) -> list[Statement]:
    """Return the statements that record decisions, and count the payments that were posted."""
    decisions = [
        payment.decision for payment in (*posted, *refused) if payment.decision is not None
    ]
    statements = risk.make_records(decisions)
    counted = [payment.facts for payment in posted if payment.facts is not None]
    if counted:
        (at,) = {each.decided_at for each in decisions}
        statements.append(risk.make_update(counted, at=at))
    return statements


def _make_subject(payment: Assessed, parties: Mapping[int, Party]) -> risk.PaymentSubject:
    payer, payee = parties[payment.payer_account_id], parties[payment.payee_account_id or 0]
    session = None if payment.proof is None else payment.proof.session
    payment.facts = risk.PaymentFacts(
        payer_account_id=payer.account_id,
        payee_account_id=payee.account_id,
        amount=payment.amount.minor,
        kind=payment.kind.value,
        account_class=payer.account_class,
        is_merchant=payee.merchant_id is not None,
        is_strong=payment.authentication is Authentication.TWO_FACTORS,
        device_id=None if session is None else session.device_id,
    )
    payees = _list_entities(payee)
    entities = [
        *_list_entities(payer),
        *payees,
        risk.Entity.of_pair(payer.account_id, payee.account_id),
    ]
    if payment.facts.device_id is not None:
        entities.append(risk.Entity.of_id(risk.EntityKind.DEVICE, payment.facts.device_id))
    return risk.PaymentSubject(
        id=payment.order_id,
        facts=payment.facts,
        entities=tuple(entities),
        payees=tuple(payees),
        amount=payment.amount,
    )


def _list_entities(party: Party) -> list[risk.Entity]:
    entities = [risk.Entity.of_account(party.account_id)]
    for kind, identifier in (
        (risk.EntityKind.CUSTOMER, party.customer_id),
        (risk.EntityKind.MERCHANT, party.merchant_id),
    ):
        if identifier is not None:
            entities.append(risk.Entity.of_id(kind, identifier))
    return entities


def _refuse(payment: Assessed) -> Refusal | None:
    assert payment.decision is not None
    action = payment.decision.action
    shown = {"decision": risk.show_decision(payment.decision.id)}
    if action is risk.Action.BLOCK:
        return PaymentBlocked(
            "this payment was stopped; ask for the reasons, and for somebody to look at it",
            context=shown,
        )
    if action is risk.Action.STEP_UP and payment.authentication is not Authentication.TWO_FACTORS:
        return PaymentNeedsStepUp("confirm that it is you, with one factor more", context=shown)
    return None
