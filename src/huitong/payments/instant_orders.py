"""An instant payment on its way through a batch, and the rows that it leaves: order and event."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from huitong import identity, risk
from huitong.kernel import outbox
from huitong.kernel.database.statement import Statement
from huitong.kernel.ids import uuid7
from huitong.kernel.money import Money
from huitong.kernel.outbox import Event
from huitong.payments.events import PaymentHeld, PaymentSucceeded
from huitong.payments.stop_types import StoppedPayment
from huitong.payments.store.terminals import name_terminals
from huitong.payments.types import Authentication, OrderKind, OrderStatus

_ADD_ORDERS: Final = """
INSERT INTO payments.orders (id, kind, status, currency, amount, fee, payer_account_id,
                             payee_account_id, merchant_id, reference, description, transfer_id,
                             created_at, completed_at)
SELECT n.id, n.kind, n.status, n.currency, n.amount, n.fee, n.payer, n.payee, n.merchant_id,
       n.reference, n.description, n.id, n.created_at,
       CASE WHEN n.status = 'succeeded' THEN $13::timestamptz END
  FROM unnest($1::uuid[], $2::text[], $3::char(3)[], $4::bigint[], $5::bigint[], $6::bigint[],
              $7::bigint[], $8::uuid[], $9::text[], $10::text[], $11::timestamptz[], $12::text[])
       AS n(id, kind, currency, amount, fee, payer, payee, merchant_id, reference, description,
            created_at, status)
"""


@dataclass(slots=True, kw_only=True, eq=False)
class InstantPayment:
    """One instruction, and what preparing it found out. Exactly one payee form is given.

    The order's id is the transfer's id too, so a batch that is tried again moves the same money.
    """

    payer_account_id: int
    amount: Money
    requested_at: datetime
    payee_account_id: int | None = None
    payee_mobile: str | None = None
    code_id: uuid.UUID | None = None
    reference: str | None = None
    description: str | None = None
    #: A caller that is bound to a merchant may only spend that merchant's money.
    acting_merchant_id: uuid.UUID | None = None
    #: The guardian of a payer who is a minor, if it is the guardian who pays.
    guardian_id: uuid.UUID | None = None
    #: What a customer who pays themselves brings; they may only spend their own or a ward's money.
    proof: identity.PresentedProof | None = None
    #: Who has a key vouches for two factors.
    authentication: Authentication = Authentication.TWO_FACTORS
    #: Where the payer's own request came from, as an IPv6 number; a partner's says nothing.
    address: int | None = None
    order_id: uuid.UUID = field(default_factory=uuid7)
    kind: OrderKind = OrderKind.TRANSFER
    merchant_id: uuid.UUID | None = None
    #: Where the code stands that was paid by, if it stands at a terminal.
    terminal_id: uuid.UUID | None = None
    #: What the merchant is charged; nothing yet for a payment that is held.
    fee: Money | None = None
    #: When its batch was posted; a payment that is held is completed later.
    completed_at: datetime | None = None
    #: What risk was told and decided, unless it was refused before.
    facts: risk.PaymentFacts | None = None
    decision: risk.Decision | None = None
    #: That risk holds it back or blocks it.
    stop: StoppedPayment | None = None

    @property
    def risk_kind(self) -> str:
        """What rules are told that it is."""
        return self.kind.value

    @property
    def payee_field(self) -> str:
        """Return the name of the field by which the caller named the payee."""
        if self.payee_mobile is not None:
            return "payee_mobile"
        return "payee" if self.code_id is None else "code"

    @property
    def status(self) -> OrderStatus:
        """What its order begins with once it is posted."""
        return OrderStatus.SUCCEEDED if self.stop is None else OrderStatus.HELD


def list_rows(posted: Sequence[InstantPayment]) -> list[Statement]:
    """Return the statements that write the orders of posted payments and what is told of them."""
    events = [outbox.make_row(_make_event(payment)) for payment in posted]
    statements = [Statement(_ADD_ORDERS, _order_columns(posted)), outbox.make_append(events)]
    named = [(p.order_id, p.terminal_id) for p in posted if p.terminal_id is not None]
    return [*statements, name_terminals(named)] if named else statements


def find_batch_time(payments: Sequence[InstantPayment]) -> datetime:
    """Return the one instant at which a batch is posted."""
    completed_at = payments[0].completed_at
    assert completed_at is not None
    return completed_at


def _order_columns(payments: Sequence[InstantPayment]) -> tuple[object, ...]:
    return (
        [p.order_id for p in payments],
        [p.kind for p in payments],
        [p.amount.currency for p in payments],
        [p.amount.minor for p in payments],
        [p.fee.minor if p.fee is not None else 0 for p in payments],
        [p.payer_account_id for p in payments],
        [p.payee_account_id for p in payments],
        [p.merchant_id for p in payments],
        [p.reference for p in payments],
        [p.description for p in payments],
        [p.requested_at for p in payments],
        [p.status for p in payments],
        find_batch_time(payments),
    )


def _make_event(payment: InstantPayment) -> Event:
    assert payment.payee_account_id is not None
    assert payment.fee is not None
    assert payment.completed_at is not None
    if payment.stop is not None:
        assert payment.stop.due_at is not None
        return PaymentHeld(
            order_id=payment.order_id,
            kind=payment.kind,
            action=payment.stop.action,
            payer_account_id=payment.payer_account_id,
            payee_account_id=payment.payee_account_id,
            merchant_id=payment.merchant_id,
            amount=payment.amount,
            due_at=payment.stop.due_at,
            held_at=payment.completed_at,
        )
    return PaymentSucceeded(
        order_id=payment.order_id,
        kind=payment.kind,
        payer_account_id=payment.payer_account_id,
        payee_account_id=payment.payee_account_id,
        merchant_id=payment.merchant_id,
        amount=payment.amount,
        fee=payment.fee,
        transfer_id=payment.order_id,
        succeeded_at=payment.completed_at,
    )
