"""What the use cases share: checks of what was sent, parties, orders, and posting with refusals."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from huitong import customers
from huitong.kernel import limits
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField, NotFound
from huitong.kernel.ids import PAYMENT, show_id, uuid7
from huitong.kernel.money import CurrencyMismatch, Money
from huitong.kernel.rulebook import Rulebook
from huitong.ledger import Entry, MeterUse, Request, post_entries, show_account
from huitong.payments.errors import (
    AccountNotFound,
    IdReused,
    ReferenceUsed,
    SameAccount,
    make_refusal,
)
from huitong.payments.limit_rules import list_meter_uses
from huitong.payments.minor_rules import check_minor
from huitong.payments.store import orders as store
from huitong.payments.types import Authentication, Order, OrderKind

_VERSION_7: Final = 7


def make_transfer_id(now: datetime) -> uuid.UUID:
    """Return a new transfer id that carries `now`, as the journal is filed by it."""
    return uuid7(int(now.timestamp() * 1_000))


def check_amount(amount: Money, currency: str, *, field: str = "amount") -> Money:
    """Return `amount` if it is above zero and in `currency`."""
    if amount.currency != currency:
        raise CurrencyMismatch(
            f"{field} must be in {currency}, not {amount.currency}", field=f"{field}.currency"
        )
    if not amount.is_positive:
        raise InvalidField("must be above zero", field=f"{field}.amount")
    return amount


def check_text(text: str | None, length_max: int, *, field: str) -> str | None:
    """Return `text` if it is None, or 1 to `length_max` characters that can be printed."""
    if text is not None and not (1 <= len(text) <= length_max and text.isprintable()):
        raise InvalidField(
            f"must have 1 to {length_max} characters, none of them a control character",
            field=field,
        )
    return text


def check_seconds(seconds: int | None, default: int, maximum: int) -> int:
    """Return how long an order lives; `default` for None."""
    if seconds is None:
        return default
    if type(seconds) is not int or not 1 <= seconds <= maximum:
        raise InvalidField(
            f"must be a whole number from 1 to {maximum}", field="expires_in_seconds"
        )
    return seconds


def check_id(identifier: uuid.UUID, *, field: str) -> uuid.UUID:
    """Return an identifier that its client made; raises InvalidField unless it is a UUIDv7."""
    if identifier.version != _VERSION_7:
        raise InvalidField("must be a UUID of version 7", field=field)
    return identifier


async def get_party(uow: UnitOfWork, account_id: int, *, field: str) -> customers.Party:
    """Return who stands behind an account; raises AccountNotFound for accounts of nobody.

    Our own accounts are of nobody: no request may take money from them or put some there.
    """
    found = await customers.find_parties(await uow.driver(), [account_id])
    if account_id not in found:
        raise AccountNotFound(
            f"no customer or merchant has the account {show_account(account_id)}", field=field
        )
    return found[account_id]


async def get_customer_party(uow: UnitOfWork, account_id: int, *, field: str) -> customers.Party:
    """Return the customer behind an account; raises AccountNotFound for others' accounts."""
    party = await get_party(uow, account_id, field=field)
    if party.customer_id is None:
        raise AccountNotFound(
            f"{show_account(account_id)} is not the payment account of a customer", field=field
        )
    return party


async def lock_order(uow: UnitOfWork, order_id: uuid.UUID) -> Order:
    """Return an order under lock; raises NotFound. Locks on orders come before the ledger's."""
    order = await store.lock_order(uow, order_id)
    if order is None:
        shown = show_id(PAYMENT, order_id)
        raise NotFound(f"there is no payment {shown}", context={"id": shown})
    return order


async def add_order(uow: UnitOfWork, order: Order) -> Order | None:
    """Insert a new order; return the earlier one if the same was asked for before.

    Raises IdReused if the id names another order, ReferenceUsed if the merchant's reference does,
    SameAccount if the payer is the payee.
    """
    check_id(order.id, field="id")
    if order.payer_account_id is not None and order.payer_account_id == order.payee_account_id:
        raise SameAccount("payer and payee are the same account", field="payer")
    if await store.insert_order(uow, order):
        return None
    known = await store.find_order(uow, order.id)
    if known is None:
        raise ReferenceUsed("the merchant has another order with this reference", field="reference")
    if _facts(known) != _facts(order):
        raise id_reused(order.id)
    return known


def id_reused(order_id: uuid.UUID) -> IdReused:
    """Return the refusal for an order's id that came with other content."""
    shown = show_id(PAYMENT, order_id)
    return IdReused(f"{shown} is another order", field="id", context={"id": shown})


def _facts(order: Order) -> tuple[object, ...]:
    # A checkout has no payer when it is made, and what is captured may be less than was asked for.
    is_open_to_payers = order.kind in (OrderKind.CHECKOUT, OrderKind.DYNAMIC_QR)
    return (
        order.kind,
        order.amount if order.authorised is None else order.authorised,
        None if is_open_to_payers else order.payer_account_id,
        order.payee_account_id,
        order.merchant_id,
        order.reference,
        order.description,
    )


def list_uses(
    payer: customers.Party,
    kind: OrderKind,
    amount: Money,
    authentication: Authentication,
    now: datetime,
) -> tuple[MeterUse, ...]:
    """Return what a payment counts against; a merchant's account has no caps of this kind."""
    if payer.account_class is None:
        return ()
    on_day = business_day(now)
    capacity = check_minor(Rulebook.load(), payer, kind=kind, amount=amount, on_day=on_day)
    return list_meter_uses(
        Rulebook.load(),
        account_id=payer.account_id,
        account_class=payer.account_class,
        kind=kind,
        authentication=authentication,
        amount=amount,
        on_day=on_day,
        capacity=capacity,
    )


async def post_entry(
    uow: UnitOfWork,
    entry: Entry,
    *,
    uses: Sequence[MeterUse] = (),
    fields: Mapping[int, str] | None = None,
    now: datetime,
) -> None:
    """Post one entry; raises the refusal that the ledger's answer means, if it is one."""
    outcome = (await post_entries(uow, [Request(entry, uses)], now=now))[0]
    if not outcome.is_posted:
        raise make_refusal(outcome, fields)


def check_description(text: str | None) -> str | None:
    """Return a description that can be stored."""
    return check_text(text, limits.DESCRIPTION_LENGTH_MAX, field="description")


def check_reference(text: str | None) -> str | None:
    """Return a reference that can be stored."""
    return check_text(text, limits.REFERENCE_LENGTH_MAX, field="reference")
