"""Payments from abroad: pacs.008 for an account here, checked, screened, then credited or returned.

The money is on our account abroad when the message comes, so it is booked at once, to nobody's
account yet. A receipt stays in its currency: in the payee's account for it, to be exchanged by a
quote when the payee wants.
"""

import uuid
from dataclasses import dataclass, replace
from datetime import datetime

from huitong import customers
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField, Refusal
from huitong.kernel.ids import uuid7
from huitong.kernel.money import Money
from huitong.kernel.rulebook import Rulebook
from huitong.ledger import TransferCode, read_account
from huitong.payments.crossborder import limits, record_store, store
from huitong.payments.crossborder import travel_rule as travel
from huitong.payments.crossborder.calculations import value_in_usd
from huitong.payments.crossborder.deals import post
from huitong.payments.crossborder.giving_back import end_step, report
from huitong.payments.crossborder.names import is_same
from huitong.payments.crossborder.ordering import index_account, seal_counterparty
from huitong.payments.crossborder.parties import ensure_account
from huitong.payments.crossborder.postings import Move, find_account
from huitong.payments.crossborder.purposes import find_purpose
from huitong.payments.crossborder.rates import get_mids
from huitong.payments.crossborder.types import (
    HOME,
    ChargeBearer,
    Counterparty,
    Direction,
    LegCharge,
    Party,
    Payment,
    PaymentState,
    Reason,
)
from huitong.payments.iso20022 import Transfer
from huitong.privacy import Vault

_UNKNOWN = "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Checked:
    """What an incoming transfer comes to: whose it is, and what speaks against it."""

    party: Party | None
    refusal: Reason | None
    detail: str | None
    reasons: tuple[str, ...]


async def receive_transfer(
    uow: UnitOfWork,
    vault: Vault,
    transfer: Transfer,
    *,
    payment_id: uuid.UUID,
    uetr: uuid.UUID,
    message_id: str,
    rulebook: Rulebook,
    now: datetime,
) -> Payment:
    """Take one transfer of a pacs.008: INITIATED, or REFUSED and to be returned.

    Raises RateUnavailable.
    """
    mids = await get_mids(uow, (transfer.amount.currency, "USD"), now=now)
    usd = value_in_usd(transfer.amount, mids)
    checked = await _check(uow, vault, transfer, usd, rulebook=rulebook, now=now)
    counterparty = _read_payer(transfer)
    party = checked.party
    account_id = None
    if party is not None:
        account_id = await ensure_account(uow, party, transfer.amount.currency)
    drafted = _draft(transfer, payment_id, uetr, checked, now)
    payment = replace(
        drafted,
        account_id=account_id,
        usd=usd,
        sealed=await seal_counterparty(uow, vault, payment_id, counterparty),
        counterparty_index=index_account(vault, counterparty),
        entry_id=await _book_arrival(uow, transfer.amount, now),
    )
    await _record_arrival(uow, payment, transfer, message_id, now)
    if checked.refusal is None:
        return payment
    return await refuse_receipt(uow, payment, checked.refusal, now=now, detail=checked.detail)


def _draft(
    transfer: Transfer, payment_id: uuid.UUID, uetr: uuid.UUID, checked: _Checked, now: datetime
) -> Payment:
    """Return the receipt that a message tells of, before it is booked and its payer sealed."""
    party, payer = checked.party, _read_payer(transfer)
    return Payment(
        id=payment_id,
        direction=Direction.IN,
        uetr=uetr,
        party_id=None if party is None else party.id,
        is_business=party is not None and party.is_business,
        state=PaymentState.INITIATED,
        reasons=checked.reasons,
        amount=_find_amount(transfer),
        settled=transfer.amount,
        charge_bearer=_find_bearer(transfer),
        fee=Money.zero(_fee_currency(transfer)),
        account_id=None,
        fee_account_id=None if party is None else party.account_id,
        purpose=find_purpose(None if transfer.purpose is None else transfer.purpose.code).value,
        usd=Money.zero("USD"),
        country=payer.country,
        agent_bic=payer.agent_bic,
        sealed={},
        counterparty_index=b"",
        due_at=now,
        created_at=now,
        changed_at=now,
    )


async def _record_arrival(
    uow: UnitOfWork, payment: Payment, transfer: Transfer, message_id: str, now: datetime
) -> None:
    await store.add_payment(uow, payment)
    await store.set_original(uow, payment.id, message_id)
    await record_store.add_event(uow, payment.id, "initiated", happened_at=now, now=now)
    await record_store.add_charges(uow, payment.id, _list_charges(transfer))


async def _check(
    uow: UnitOfWork,
    vault: Vault,
    transfer: Transfer,
    usd: Money,
    *,
    rulebook: Rulebook,
    now: datetime,
) -> _Checked:
    threshold = rulebook.amount("crossborder.travel_rule.from", business_day(now))
    missing = travel.find_missing(transfer, usd, threshold)
    party = await _find_party(uow, transfer)
    if missing:
        detail = "missing: " + ", ".join(missing)
        return _Checked(party=party, refusal=Reason.TRAVEL_RULE, detail=detail, reasons=())
    if party is None:
        return _Checked(party=None, refusal=Reason.ACCOUNT_UNKNOWN, detail=None, reasons=())
    names = await customers.find_holder_names(uow, vault, [party.account_id])
    is_theirs = any(is_same(name, transfer.creditor.name or "") for name in names.values())
    reasons = () if is_theirs else (Reason.NAME_DIFFERS.value,)
    return _Checked(party=party, refusal=None, detail=None, reasons=reasons)


async def _find_party(uow: UnitOfWork, transfer: Transfer) -> Party | None:
    """Return whose account a transfer is for: of one in CNY, or of one in a foreign currency."""
    text = travel.read_account(transfer.creditor_account)
    if text is None:
        return None
    try:
        number = read_account(text, field="CdtrAcct")
    except InvalidField:
        return None
    owner = await store.find_owner(uow, number)
    if owner is not None:
        party_id, is_business = owner
        own = (
            (await customers.get_merchant(uow, party_id)).account_id
            if is_business
            else (await customers.get_customer(uow, party_id)).account_id
        )
        return Party(id=party_id, is_business=is_business, account_id=own)
    found = (await customers.find_parties(await uow.driver(), [number])).get(number)
    if found is None or found.currency != HOME:
        return None
    party_id_or_none = found.customer_id or found.merchant_id
    assert party_id_or_none is not None, "an account of a party has one"
    return Party(id=party_id_or_none, is_business=found.customer_id is None, account_id=number)


async def _book_arrival(uow: UnitOfWork, amount: Money, now: datetime) -> uuid.UUID:
    entry_id = uuid7(int(now.timestamp() * 1_000))
    move = Move(
        await find_account(uow, "nostro", amount.currency),
        await find_account(uow, "transit_in", amount.currency),
        amount,
        TransferCode.ABROAD_RECEIPT,
    )
    await post(uow, entry_id, [move], now=now)
    return entry_id


async def credit(
    uow: UnitOfWork, payment: Payment, *, rulebook: Rulebook, now: datetime
) -> Payment:
    """Put a screened receipt on the payee's account; one that can take nothing sends it back.

    The bank that sent it is told by the worker (pacs.002).
    """
    assert payment.account_id is not None
    entry_id = uuid7(int(now.timestamp() * 1_000))
    move = Move(
        await find_account(uow, "transit_in", payment.settled.currency),
        payment.account_id,
        payment.settled,
        TransferCode.ABROAD_RECEIPT,
    )
    try:
        await post(uow, entry_id, [move], now=now)
    except Refusal:
        # Frozen, closed, or full: whatever the reason, the money cannot stay with nobody.
        return await refuse_receipt(uow, payment, Reason.ACCOUNT_REFUSES, now=now)
    credited = replace(
        payment,
        state=PaymentState.CREDITED,
        settled_entry=entry_id,
        is_report_due=True,
        attempts=0,
        due_at=now,
        changed_at=now,
    )
    await store.change_payment(uow, credited)
    await report(uow, credited, rulebook=rulebook, now=now)
    await end_step(uow, credited, happened_at=now, now=now)
    return credited


async def refuse_receipt(
    uow: UnitOfWork, payment: Payment, reason: Reason, *, now: datetime, detail: str | None = None
) -> Payment:
    """Send a receipt back: its money leaves our books now, the worker sends the message."""
    entry_id = uuid7(int(now.timestamp() * 1_000))
    move = Move(
        await find_account(uow, "transit_in", payment.settled.currency),
        await find_account(uow, "nostro", payment.settled.currency),
        payment.settled,
        TransferCode.ABROAD_GIVEN_BACK,
    )
    await post(uow, entry_id, [move], now=now)
    refused = replace(
        payment,
        state=PaymentState.REFUSED,
        reasons=(*payment.reasons, reason.value),
        ended_entry=entry_id,
        is_return_due=True,
        attempts=0,
        due_at=now,
        changed_at=now,
    )
    await store.change_payment(uow, refused)
    await end_step(uow, refused, happened_at=now, now=now, detail=detail)
    return refused


def _read_payer(transfer: Transfer) -> Counterparty:
    """Return who pays, as far as the message says; what lacks shows as a dash, a bank as none."""
    address = transfer.debtor.address
    lines = () if address is None else (*address.lines, address.town or "", address.post_code or "")
    text = " ".join(line for line in lines if line)
    bic = transfer.debtor_agent.bic
    note = " ".join(transfer.remittance.lines) if transfer.remittance is not None else ""
    country = (None if address is None else address.country) or (bic[4:6] if bic else None)
    return Counterparty(
        name=transfer.debtor.name or _UNKNOWN,
        account=travel.read_account(transfer.debtor_account) or _UNKNOWN,
        country=country or "ZZ",
        agent_bic=bic,
        address=text[: limits.ADDRESS_LENGTH_MAX] or None,
        note=note[: limits.NOTE_LENGTH_MAX] or None,
    )


def _find_amount(transfer: Transfer) -> Money:
    """Return what the payer gave, where that is known in the currency that came."""
    given = transfer.instructed_amount
    is_known = given is not None and given.currency == transfer.amount.currency
    return given if given is not None and is_known and given >= transfer.amount else transfer.amount


def _find_bearer(transfer: Transfer) -> ChargeBearer:
    # SLEV, "as the service level says", is shared here.
    known = [each.value for each in ChargeBearer]
    bearer = transfer.charge_bearer
    return ChargeBearer(bearer) if bearer in known else ChargeBearer.SHAR


def _fee_currency(transfer: Transfer) -> str:
    is_deducted = _find_bearer(transfer) is ChargeBearer.CRED
    return transfer.amount.currency if is_deducted else HOME


def _list_charges(transfer: Transfer) -> list[LegCharge]:
    return [
        LegCharge(
            leg="in", agent=charge.agent.bic or charge.agent.name or _UNKNOWN, amount=charge.amount
        )
        for charge in transfer.charges[: limits.CHARGES_PER_LEG_MAX]
    ]
