"""Customers who pay themselves: how surely each was recognised, and the step-ups that they use up.

A partner with an API key vouches for two factors; a customer who is logged in has proved what the
session and the step-up say, and the caps of the day follow from that (`limit_rules`). A payment of
more than one factor may pay in a day needs a step-up; one that is named for less counts as well.
"""

import uuid
from collections.abc import Sequence
from datetime import date, datetime
from typing import Final, Protocol

from huitong import identity
from huitong.kernel.database.statement import Statement
from huitong.kernel.database.unit_of_work import DriverConnection
from huitong.kernel.errors import Refusal
from huitong.kernel.money import Money
from huitong.kernel.rulebook import Rulebook
from huitong.payments.types import Authentication

_ONE_FACTOR_DAY_KEY: Final = "payacct.auth.one_factor.day"


class OwnPayment(Protocol):
    """What of a payment matters here; `proof` is None where a partner vouches."""

    order_id: uuid.UUID
    proof: identity.PresentedProof | None
    authentication: Authentication


def needs_step_up(rulebook: Rulebook, amount: Money, on_day: date) -> bool:
    """Say whether an amount is more than what one factor may pay in a day.

    An amount in another currency than the cap's cannot be compared, so it needs one.
    """
    cap = rulebook.amount(_ONE_FACTOR_DAY_KEY, on_day)
    return amount.currency != cap.currency or amount.minor > cap.minor


async def recognise_payers(
    connection: DriverConnection, payments: Sequence[OwnPayment], *, now: datetime
) -> dict[uuid.UUID, Refusal]:
    """Set each payment's `authentication`; returns the orders whose proof does not hold, and why.

    All in at most two queries, and none for payments that a partner vouches for.
    """
    proofs = [(each.order_id, each.proof) for each in payments if each.proof is not None]
    if not proofs:
        return {}
    found = dict(
        zip(
            [order_id for order_id, _ in proofs],
            await identity.check_proofs(connection, proofs, now=now),
            strict=True,
        )
    )
    refusals: dict[uuid.UUID, Refusal] = {}
    for payment in payments:
        factors = found.get(payment.order_id)
        if isinstance(factors, Refusal):
            refusals[payment.order_id] = factors
        elif factors is not None:
            payment.authentication = _judge(payment, factors)
    return refusals


def list_uses(payments: Sequence[OwnPayment], *, now: datetime) -> list[Statement]:
    """Return the statement that uses up the step-ups of payments, if they have any."""
    uses = [
        (each.proof.step_up_id, each.order_id)
        for each in payments
        if each.proof is not None and each.proof.step_up_id is not None
    ]
    return [identity.make_use(uses, now=now)] if uses else []


def _judge(payment: OwnPayment, factors: frozenset[identity.Factor]) -> Authentication:
    assert payment.proof is not None
    # Without one nothing was proved for this payment but that somebody is logged in.
    is_proved_anew = payment.proof.step_up_id is not None
    if is_proved_anew and identity.has_two_elements(factors):
        return Authentication.TWO_FACTORS
    return Authentication.ONE_FACTOR
