"""Asking risk about a batch of payments, and what follows from its answer.

`block` refuses the payment. `step_up` asks for a second factor, and passes where two stand behind
the payment: the payer proved one more for it, or a partner vouches. `review` and `delay` hold it:
the money is reserved, and what becomes of it is for `commands.stops`.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv6Address
from typing import Final, Protocol, TypeVar

from huitong import identity, risk
from huitong.customers import Party
from huitong.kernel.clock import business_day
from huitong.kernel.database.statement import Statement
from huitong.kernel.database.unit_of_work import DriverConnection
from huitong.kernel.errors import Refusal
from huitong.kernel.ids import PAYMENT, show_id
from huitong.kernel.money import Money
from huitong.payments.errors import PaymentBlocked, PaymentNeedsStepUp
from huitong.payments.stop_types import StopAction, StoppedPayment, StopReason, StopState
from huitong.payments.store.stops import make_insert
from huitong.payments.types import Authentication, OrderKind

Checked = TypeVar("Checked")

_STOPS: Final = {
    risk.Action.REVIEW: StopAction.REVIEW,
    risk.Action.DELAY: StopAction.DELAY,
    risk.Action.BLOCK: StopAction.BLOCK,
}
#: For how long what is held waits.
HOURS: Final = {
    StopAction.REVIEW: "risk.payment.review.hours",
    StopAction.DELAY: "risk.payment.delay.hours",
}

#: What is said of a payment that was stopped.
STOPPED: Final = "this payment was stopped; ask for the reasons"
#: What can be held as a payment of its own; withdrawals are held before they go to the bank.
_KINDS_STOPPED: Final = frozenset({OrderKind.TRANSFER, OrderKind.PAYMENT, OrderKind.STATIC_QR})
#: What has somebody waiting at a counter: where others are held, it needs two factors.
_KINDS_PAID_AT_ONCE: Final = frozenset(OrderKind) - _KINDS_STOPPED - {OrderKind.WITHDRAWAL}


class Assessed(Protocol):
    """What of a payment matters here."""

    order_id: uuid.UUID
    payer_account_id: int
    payee_account_id: int | None
    amount: Money
    kind: OrderKind
    proof: identity.PresentedProof | None
    authentication: Authentication
    merchant_id: uuid.UUID | None
    #: Where the payer's own request came from, as an IPv6 number; an IPv4 address is mapped.
    address: int | None
    facts: risk.PaymentFacts | None
    decision: risk.Decision | None
    stop: StoppedPayment | None

    @property
    def risk_kind(self) -> str:
        """What rules are told that it is: the kind of order, or what the file pays."""
        ...


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

    What was refused before is not assessed. Sets `facts` and `decision` of the others, and `stop`
    of those that are held or blocked.
    """
    asked = []
    before = [payment.decision for payment in payments]
    for payment, found in zip(payments, checked, strict=True):
        payment.facts = payment.decision = payment.stop = None
        if not isinstance(found, Refusal):
            asked.append(_make_subject(payment, parties))
    decisions = iter(await decider.decide(connection, asked, at=now))
    assessed: list[Checked | Refusal] = []
    for payment, found, earlier in zip(payments, checked, before, strict=True):
        if isinstance(found, Refusal):
            assessed.append(found)
            continue
        payment.decision = next(decisions)
        _keep_harder(payment.decision, earlier)
        payment.stop = _make_stop(payment, decider, now)
        assessed.append(refuse(payment) or found)
    return assessed


def _keep_harder(decision: risk.Decision, earlier: risk.Decision | None) -> None:
    """Let what was decided at an earlier try of the batch hold if this one only fell back.

    Deciding was slow in between, perhaps because of the tries: that must not let pass what rules
    had stopped.
    """
    if earlier is not None and decision.fallback is not None and earlier.action > decision.action:
        decision.action = earlier.action
        decision.participants = earlier.participants


def list_decisions(posted: Sequence[Assessed], refused: Sequence[Assessed]) -> list[Statement]:
    """Return the statements that record decisions and stops, and count what was posted.

    A payment that is held counts like one that is paid, as it does against the caps.
    """
    decisions = [
        payment.decision for payment in (*posted, *refused) if payment.decision is not None
    ]
    statements = risk.make_records(decisions)
    counted = [payment.facts for payment in posted if payment.facts is not None]
    if counted:
        (at,) = {each.decided_at for each in decisions}
        statements.append(risk.make_update(counted, at=at))
    stops = [payment.stop for payment in posted if payment.stop is not None]
    # What the ledger refused was not held: it is over, and nothing was reserved.
    stops += [
        payment.stop
        for payment in refused
        if payment.stop is not None and payment.stop.action is StopAction.BLOCK
    ]
    if stops:
        statements.append(make_insert(stops))
    return statements


def list_entities(payer: Party, payee: Party) -> list[risk.Entity]:
    """Return who of a payment's parties may be on a list."""
    return [*list_party(payer), *list_party(payee)]


def list_party(party: Party) -> list[risk.Entity]:
    """Return what of one party may be on a list."""
    return [
        risk.Entity.of_account(party.account_id),
        *(
            risk.Entity.of_id(kind, identifier)
            for kind, identifier in (
                (risk.EntityKind.CUSTOMER, party.customer_id),
                (risk.EntityKind.MERCHANT, party.merchant_id),
            )
            if identifier is not None
        ),
    ]


def _make_stop(
    payment: Assessed, decider: risk.PaymentDecider, now: datetime
) -> StoppedPayment | None:
    assert payment.decision is not None
    assert payment.payee_account_id is not None
    action = _STOPS.get(payment.decision.action)
    if action is None or payment.kind not in _KINDS_STOPPED:
        return None
    hours_key, due_at = HOURS.get(action), None
    if hours_key is not None:
        hours = decider.rulebook.integer(hours_key, business_day(now))
        due_at = now + timedelta(hours=hours)
    return StoppedPayment(
        id=payment.order_id,
        kind=payment.kind,
        action=action,
        state=StopState.BLOCKED if due_at is None else StopState.HELD,
        payer_account_id=payment.payer_account_id,
        payee_account_id=payment.payee_account_id,
        merchant_id=payment.merchant_id,
        amount=payment.amount,
        reasons=tuple(
            StopReason(zh=why.zh, en=why.en) for why in decider.tell_payer(payment.decision)
        ),
        stopped_at=now,
        due_at=due_at,
    )


def _make_subject(payment: Assessed, parties: Mapping[int, Party]) -> "_Subject":
    payer, payee = parties[payment.payer_account_id], parties[payment.payee_account_id or 0]
    session = None if payment.proof is None else payment.proof.session
    payment.facts = risk.PaymentFacts(
        payer_account_id=payer.account_id,
        payee_account_id=payee.account_id,
        amount=payment.amount.minor,
        kind=payment.risk_kind,
        account_class=payer.account_class,
        is_merchant=payee.merchant_id is not None,
        is_strong=payment.authentication is not Authentication.ONE_FACTOR,
        device_id=None if session is None else session.device_id,
        address=payment.address,
        is_payout=payment.kind is OrderKind.WITHDRAWAL,
    )
    return _Subject(
        id=payment.order_id, facts=payment.facts, amount=payment.amount, payer=payer, payee=payee
    )


@dataclass(slots=True, kw_only=True, eq=False)
class _Subject:
    """A payment that names its parties only when asked: mostly nobody is on a list."""

    id: uuid.UUID
    facts: risk.PaymentFacts
    amount: Money
    payer: Party
    payee: Party

    @property
    def entities(self) -> tuple[risk.Entity, ...]:
        """Return who may be on a list: the parties, their pair, the device and the address."""
        entities = list_entities(self.payer, self.payee)
        entities.append(risk.Entity.of_pair(self.payer.account_id, self.payee.account_id))
        if self.facts.device_id is not None:
            entities.append(risk.Entity.of_id(risk.EntityKind.DEVICE, self.facts.device_id))
        if self.facts.address is not None:
            entities.append(risk.Entity.of_address(IPv6Address(self.facts.address)))
        return tuple(entities)

    @property
    def payees(self) -> tuple[risk.Entity, ...]:
        """Return those of the entities who are paid."""
        return tuple(list_party(self.payee))


def refuse(payment: Assessed) -> Refusal | None:
    """Return the refusal that a payment's decision means, or None if it may go on."""
    assert payment.decision is not None
    action = payment.decision.action
    if action is risk.Action.ALLOW:
        return None
    shown: dict[str, object] = {"decision": risk.show_decision(payment.decision.id)}
    if action is risk.Action.BLOCK:
        if payment.stop is None:
            return PaymentBlocked(STOPPED, context=shown)
        shown["payment"] = show_id(PAYMENT, payment.order_id)
        shown["reasons"] = [{"zh": why.zh, "en": why.en} for why in payment.stop.reasons]
        return PaymentBlocked(
            "this payment was stopped; if it is yours, say so in an appeal, and somebody will look",
            context=shown,
        )
    needs_two = action is risk.Action.STEP_UP or (
        action in _STOPS and payment.kind in _KINDS_PAID_AT_ONCE
    )
    if needs_two and payment.authentication is Authentication.ONE_FACTOR:
        return PaymentNeedsStepUp("confirm that it is you, with one factor more", context=shown)
    return None
