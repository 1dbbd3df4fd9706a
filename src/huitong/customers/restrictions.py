"""Why a customer's account is restricted: each reason by itself, the strictest on the ledger.

A court's order, an expired document and a lost guardian may come together, and lifting one of them
must not lift the others.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from huitong import ledger
from huitong.customers.reasons import check_reason
from huitong.customers.types import Customer
from huitong.kernel import audit
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.ids import CUSTOMER, show_id
from huitong.ledger import AccountState

_PLACE: Final = """
    INSERT INTO customers.restrictions AS r (customer_id, kind, are_credits_frozen, reason,
                                             placed_at)
    VALUES (:customer_id, :kind, :are_credits_frozen, :reason, :now)
        ON CONFLICT (customer_id, kind) DO UPDATE
       SET are_credits_frozen = excluded.are_credits_frozen, reason = excluded.reason,
           placed_at = excluded.placed_at
     WHERE r.are_credits_frozen <> excluded.are_credits_frozen
    RETURNING 1
"""
_FOUND_ON_LEDGER: Final = "found on the account"


class RestrictionKind(StrEnum):
    """Who or what stops an account."""

    #: Somebody decided so: a court, the police, staff.
    STAFF = "staff"
    #: The identity document has expired, and the grace period is over.
    DOCUMENT = "document"
    #: A minor has no guardian who can act.
    GUARDIAN = "guardian"


@dataclass(frozen=True, slots=True)
class Change:
    """How the account stands after a change, and whether a reason came or went."""

    state: AccountState
    is_changed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Restriction:
    """One reason that holds; with `are_credits_frozen` nothing comes in either."""

    kind: RestrictionKind
    are_credits_frozen: bool
    reason: str
    placed_at: datetime


async def list_restrictions(uow: UnitOfWork, customer_id: uuid.UUID) -> tuple[Restriction, ...]:
    """Return the reasons that hold, in order of their kinds."""
    rows = await uow.execute(
        "SELECT kind, are_credits_frozen, reason, placed_at FROM customers.restrictions "
        "WHERE customer_id = :customer_id ORDER BY kind",
        customer_id=customer_id,
    )
    return tuple(
        Restriction(
            kind=RestrictionKind(row.kind),
            are_credits_frozen=row.are_credits_frozen,
            reason=row.reason,
            placed_at=row.placed_at,
        )
        for row in rows
    )


async def is_restricted(uow: UnitOfWork, customer: Customer) -> bool:
    """Say whether anything stops a customer's account, here or on the ledger."""
    balance = await ledger.get_balance(uow, customer.account_id)
    return balance.state is not AccountState.OPEN or bool(await list_restrictions(uow, customer.id))


async def place(
    uow: UnitOfWork,
    customer: Customer,
    kind: RestrictionKind,
    *,
    are_credits_frozen: bool = False,
    reason: str,
    now: datetime,
) -> Change:
    """Restrict a customer for one reason; the caller holds the customer's lock.

    The same reason again changes nothing but its strictness. Raises as `ledger.set_account_state`.
    """
    check_reason(reason)
    if await _is_over(uow, customer, kind):
        return Change(AccountState.CLOSED, is_changed=False)
    await _adopt(uow, customer, now)
    is_changed = await uow.fetch_value(
        _PLACE,
        customer_id=customer.id,
        kind=kind.value,
        are_credits_frozen=are_credits_frozen,
        reason=reason,
        now=now,
    )
    if is_changed:
        await _record(uow, customer, "place", kind, reason)
    return Change(await _apply(uow, customer, reason, now), bool(is_changed))


async def lift(
    uow: UnitOfWork, customer: Customer, kind: RestrictionKind, *, reason: str, now: datetime
) -> Change:
    """Lift one reason; others that hold keep the account restricted.

    The caller holds the customer's lock. Raises as `ledger.set_account_state`.
    """
    check_reason(reason)
    if await _is_over(uow, customer, kind):
        return Change(AccountState.CLOSED, is_changed=False)
    await _adopt(uow, customer, now)
    is_lifted = await uow.fetch_value(
        "DELETE FROM customers.restrictions WHERE customer_id = :customer_id AND kind = :kind "
        "RETURNING 1",
        customer_id=customer.id,
        kind=kind.value,
    )
    if is_lifted:
        await _record(uow, customer, "lift", kind, reason)
    return Change(await _apply(uow, customer, reason, now), bool(is_lifted))


async def _is_over(uow: UnitOfWork, customer: Customer, kind: RestrictionKind) -> bool:
    """Whether there is no account left to restrict; staff are told so by the ledger's refusal."""
    if kind is RestrictionKind.STAFF:
        return False
    balance = await ledger.get_balance(uow, customer.account_id)
    return balance.state is AccountState.CLOSED


async def _adopt(uow: UnitOfWork, customer: Customer, now: datetime) -> None:
    """Note a freeze that stands on the ledger without a reason here: an earlier version's."""
    balance = await ledger.get_balance(uow, customer.account_id)
    expected = _strictest(await list_restrictions(uow, customer.id))
    if expected < balance.state < AccountState.CLOSED:
        await uow.execute(
            _PLACE,
            customer_id=customer.id,
            kind=RestrictionKind.STAFF.value,
            are_credits_frozen=balance.state is AccountState.FROZEN,
            reason=_FOUND_ON_LEDGER,
            now=now,
        )


async def _apply(uow: UnitOfWork, customer: Customer, reason: str, now: datetime) -> AccountState:
    state = _strictest(await list_restrictions(uow, customer.id))
    balance = await ledger.set_account_state(
        uow, customer.account_id, state=state, reason=reason, now=now
    )
    return balance.state


def _strictest(restrictions: tuple[Restriction, ...]) -> AccountState:
    if not restrictions:
        return AccountState.OPEN
    is_all = any(each.are_credits_frozen for each in restrictions)
    return AccountState.FROZEN if is_all else AccountState.DEBITS_FROZEN


async def _record(
    uow: UnitOfWork, customer: Customer, what: str, kind: RestrictionKind, reason: str
) -> None:
    await audit.record(
        uow,
        action=f"customers.{what}_restriction",
        subject=show_id(CUSTOMER, customer.id),
        details={"kind": kind.value, "reason": reason},
    )
