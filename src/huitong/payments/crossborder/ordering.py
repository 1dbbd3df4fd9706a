"""Ordering a payment abroad: everything is checked, then quote, quota, position and money at once.

A person's payment begins at once. A business's waits for its second user, who takes the quote: it
must not have expired by then.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from huitong import customers, risk
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField
from huitong.kernel.money import Money
from huitong.kernel.rulebook import Rulebook
from huitong.payments.crossborder import papers, store
from huitong.payments.crossborder.beginning import begin, record, worth
from huitong.payments.crossborder.calculations import (
    calculate_fee,
    divide,
    value_in_usd,
)
from huitong.payments.crossborder.errors import (
    ActingNotAllowed,
    AmountTooSmall,
    CrossBorderNotFound,
    CrossBorderStateRefused,
    QuoteDiffers,
    QuoteTaken,
)
from huitong.payments.crossborder.parties import check_second, check_user, ensure_account
from huitong.payments.crossborder.purposes import (
    PaperKind,
    Purpose,
    check_papers,
    get_rule,
    read_purpose,
)
from huitong.payments.crossborder.quotes import hold_quote
from huitong.payments.crossborder.rates import check_currency, get_mids
from huitong.payments.crossborder.travel_rule import check_counterparty
from huitong.payments.crossborder.types import (
    HOME,
    ChargeBearer,
    Counterparty,
    Direction,
    Party,
    Payment,
    PaymentState,
    Quote,
)
from huitong.privacy import Vault

#: Blind indexes of accounts abroad are of this kind.
INDEX_KIND: Final = "account_abroad"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a payer asks for: `amount` for the payee, by a quote or from the currency's account."""

    payment_id: uuid.UUID
    amount: Money
    counterparty: Counterparty
    purpose: str
    charge_bearer: ChargeBearer
    quote_id: uuid.UUID | None = None
    paper_ids: Sequence[uuid.UUID] = ()


async def order_payment(
    uow: UnitOfWork,
    vault: Vault,
    order: Order,
    *,
    party: Party,
    ordered_by: uuid.UUID,
    decider: risk.PaymentDecider | None = None,
    rulebook: Rulebook,
    now: datetime,
) -> Payment:
    """Take a payment abroad: a person's moves its money now, a business's awaits approval.

    Raises what is in `errors`, InvalidField, PaymentBlocked, and what the ledger refuses.
    """
    await _check_amount(uow, order, party, rulebook=rulebook, now=now)
    counterparty = check_counterparty(order.counterparty)
    mids = await get_mids(uow, (order.amount.currency, "USD"), now=now)
    usd = value_in_usd(order.amount, mids)
    purpose = await _check_purpose(uow, order, party, usd, rulebook=rulebook, on=business_day(now))
    quote = await _check_quote(uow, order, party)
    fee, settled = _price_fees(order, quote, rulebook=rulebook, now=now, mids=mids)
    source = order.amount.currency if quote is None else quote.sell.currency
    payment = replace(
        _draft(order, party, ordered_by=ordered_by, usd=usd, now=now),
        settled=settled,
        fee=fee,
        account_id=await ensure_account(uow, party, source),
        purpose=purpose.value,
        country=counterparty.country,
        agent_bic=counterparty.agent_bic,
        sealed=await seal_counterparty(uow, vault, order.payment_id, counterparty),
        counterparty_index=index_account(vault, counterparty),
    )
    await store.add_payment(uow, payment)
    await papers.attach(uow, party, order.paper_ids, payment.id)
    await record(uow, "order", payment)
    if party.is_business:
        return payment
    return await begin(uow, payment, party, decider=decider, rulebook=rulebook, now=now)


def _draft(
    order: Order, party: Party, *, ordered_by: uuid.UUID, usd: Money, now: datetime
) -> Payment:
    """Return the payment that is asked for, before it is priced and its payee sealed."""
    return Payment(
        id=order.payment_id,
        direction=Direction.OUT,
        uetr=uuid.uuid4(),
        party_id=party.id,
        is_business=party.is_business,
        ordered_by=ordered_by,
        state=PaymentState.AWAITING_APPROVAL,
        amount=order.amount,
        settled=order.amount,
        charge_bearer=order.charge_bearer,
        fee=Money.zero(HOME),
        account_id=None,
        fee_account_id=party.account_id,
        quote_id=order.quote_id,
        purpose=order.purpose,
        usd=usd,
        country=order.counterparty.country,
        agent_bic=order.counterparty.agent_bic,
        sealed={},
        counterparty_index=b"",
        due_at=now,
        created_at=now,
        changed_at=now,
    )


async def approve_payment(
    uow: UnitOfWork,
    *,
    payment_id: uuid.UUID,
    approved_by: uuid.UUID,
    decider: risk.PaymentDecider | None = None,
    rulebook: Rulebook,
    now: datetime,
) -> Payment:
    """Approve a business's payment as its second user; its money moves now.

    Raises CrossBorderNotFound, ActingNotAllowed for who ordered it or may not approve that much,
    CrossBorderStateRefused, and what beginning a payment raises.
    """
    payment, party = await _get_waiting(uow, payment_id)
    if approved_by == payment.ordered_by:
        raise ActingNotAllowed("somebody else has to approve what you ordered")
    mids = await get_mids(uow, (payment.amount.currency,), now=now)
    await check_second(
        uow, customer_id=approved_by, merchant_id=party.id, amount=worth(payment.amount, mids)
    )
    approved = replace(payment, approved_by=approved_by)
    return await begin(uow, approved, party, decider=decider, rulebook=rulebook, now=now)


async def withdraw_payment(
    uow: UnitOfWork, *, payment_id: uuid.UUID, withdrawn_by: uuid.UUID, now: datetime
) -> Payment:
    """Withdraw a business's payment that nobody approved; its papers can prove another one.

    Raises CrossBorderNotFound, CrossBorderStateRefused, ActingNotAllowed for who only looks.
    """
    payment, party = await _get_waiting(uow, payment_id)
    await check_user(uow, customer_id=withdrawn_by, merchant_id=party.id)
    withdrawn = replace(payment, state=PaymentState.WITHDRAWN, changed_at=now)
    await store.change_payment(uow, withdrawn)
    await papers.release(uow, payment.id)
    await record(uow, "withdraw", withdrawn, by=str(withdrawn_by))
    return withdrawn


async def check_class(uow: UnitOfWork, party: Party, *, rulebook: Rulebook, now: datetime) -> None:
    """Refuse people whose account's class is too low; raises ActingNotAllowed."""
    if party.is_business:
        return
    least = rulebook.integer("crossborder.account_class.min", business_day(now))
    customer = await customers.get_customer(uow, party.id)
    if customer.account_class < least:
        raise ActingNotAllowed(f"your account has to be of class {least} for this")


async def seal_counterparty(
    uow: UnitOfWork, vault: Vault, payment_id: uuid.UUID, given: Counterparty
) -> dict[str, bytes]:
    """Seal the other side under the payment's own key: it is not our customer's data."""
    plain = {
        "name_sealed": given.name,
        "account_sealed": given.account,
        "address_sealed": given.address,
        "note_sealed": given.note,
    }
    fields = {store.SEALED[name]: text for name, text in plain.items() if text is not None}
    sealed = await vault.seal(uow, payment_id, fields)
    return {name: sealed[field] for name, field in store.SEALED.items() if field in sealed}


async def open_counterparty(uow: UnitOfWork, vault: Vault, payment: Payment) -> Counterparty:
    """Open the other side of a payment: for messages and screening."""
    opened = await vault.open(
        uow, payment.id, {store.SEALED[name]: value for name, value in payment.sealed.items()}
    )
    return Counterparty(
        name=opened[store.SEALED["name_sealed"]],
        account=opened[store.SEALED["account_sealed"]],
        country=payment.country,
        agent_bic=payment.agent_bic,
        address=opened.get(store.SEALED["address_sealed"]),
        note=opened.get(store.SEALED["note_sealed"]),
    )


def index_account(vault: Vault, counterparty: Counterparty) -> bytes:
    """Return the blind index by which payments to one account abroad are counted."""
    return vault.blind_index(
        INDEX_KIND, f"{(counterparty.agent_bic or '')[:8]} {counterparty.account}"
    )


async def get_payment(uow: UnitOfWork, payment_id: uuid.UUID) -> Payment:
    """Return a payment; raises CrossBorderNotFound."""
    payment = await store.find_payment(uow, payment_id)
    if payment is None:
        raise CrossBorderNotFound("there is no such payment", field="payment")
    return payment


async def _get_waiting(uow: UnitOfWork, payment_id: uuid.UUID) -> tuple[Payment, Party]:
    payment = await store.find_payment(uow, payment_id, is_locked=True)
    if payment is None:
        raise CrossBorderNotFound("there is no such payment", field="payment")
    if payment.state is not PaymentState.AWAITING_APPROVAL:
        raise CrossBorderStateRefused(f"the payment is {payment.state.value}")
    assert payment.party_id is not None
    assert payment.fee_account_id is not None
    party = Party(
        id=payment.party_id, is_business=payment.is_business, account_id=payment.fee_account_id
    )
    return payment, party


async def _check_amount(
    uow: UnitOfWork, order: Order, party: Party, *, rulebook: Rulebook, now: datetime
) -> None:
    if not order.amount.is_positive:
        raise InvalidField("must be above zero", field="amount")
    currency = order.amount.currency
    check_currency(rulebook, currency, business_day(now), field="amount.currency")
    await check_class(uow, party, rulebook=rulebook, now=now)


async def _check_purpose(
    uow: UnitOfWork, order: Order, party: Party, usd: Money, *, rulebook: Rulebook, on: date
) -> Purpose:
    """Return what it is for, with all papers that this needs."""
    purpose = read_purpose(order.purpose, is_business=party.is_business)
    found = await papers.get_papers(uow, party, order.paper_ids)
    kinds = {PaperKind(each.kind) for each in found}
    check_papers(get_rule(rulebook, purpose, on), usd, kinds)
    return purpose


async def _check_quote(uow: UnitOfWork, order: Order, party: Party) -> Quote | None:
    if order.quote_id is None:
        return None
    quote = await hold_quote(uow, order.quote_id, party_id=party.id)
    if quote.buy != order.amount:
        raise QuoteDiffers(f"the quote buys {quote.buy}", field="amount")
    if await store.is_quote_used(uow, order.quote_id):
        raise QuoteTaken("another payment was ordered by this quote", field="quote")
    return quote


def _price_fees(
    order: Order,
    quote: Quote | None,
    *,
    rulebook: Rulebook,
    now: datetime,
    mids: Mapping[str, Decimal],
) -> tuple[Money, Money]:
    """Return our fee and what goes between the banks; the payee's fee comes out of the amount."""
    today = business_day(now)
    amount = worth(order.amount, mids) if quote is None else quote.cny
    fixed = rulebook.amount("crossborder.fee.cable", today)
    if order.charge_bearer is ChargeBearer.DEBT:
        fixed += rulebook.amount("crossborder.fee.correspondents", today)
    fee = calculate_fee(
        amount,
        rate=rulebook.decimal("crossborder.fee.rate", today),
        least=rulebook.amount("crossborder.fee.min", today),
        most=rulebook.amount("crossborder.fee.max", today),
        fixed=fixed,
    )
    if order.charge_bearer is not ChargeBearer.CRED:
        return fee, order.amount
    currency = order.amount.currency
    taken = fee if currency == HOME else divide(fee, mids[currency], currency)
    if taken >= order.amount:
        raise AmountTooSmall("the fee would take all of it", field="amount")
    return taken, order.amount - taken
