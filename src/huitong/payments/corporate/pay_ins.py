"""Payments that come in from banks for businesses: booked once, matched, and what is not, by hand.

Money that has come is always booked: to the number it names, else to the collection account's part
for what is not matched, and if nobody knows whose it is to an account of ours.
"""

import hashlib
import uuid
from dataclasses import replace
from datetime import datetime
from typing import Final

import msgspec

from huitong.customers import fold_name
from huitong.kernel import audit, outbox
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import PAY_IN, VIRTUAL_ACCOUNT, show_id
from huitong.kernel.money import Money
from huitong.ledger import Entry, Request, TransferCode, post_entries
from huitong.payments.commands.moving import check_text, make_transfer_id, post_entry
from huitong.payments.corporate import limits
from huitong.payments.corporate import virtual_store as store
from huitong.payments.corporate.errors import (
    PayInIdReused,
    PayInNotFound,
    PayInNotOpen,
    VirtualAccountShort,
)
from huitong.payments.corporate.events import PayInReceived
from huitong.payments.corporate.postings import find_unassigned_account, move
from huitong.payments.corporate.virtual import PAYER_INDEX, get_account
from huitong.payments.corporate.virtual_types import (
    Finding,
    Master,
    MatchedBy,
    NewPayIn,
    PayIn,
    VirtualAccount,
    VirtualPurpose,
    find_match,
    is_virtual_number,
    make_virtual_number,
)
from huitong.payments.postings import find_own_accounts
from huitong.privacy import Vault

_PAYER: Final = "payments.pay_ins.payer"
_REMITTANCE: Final = "payments.pay_ins.remittance"
_NUMBER_LENGTH_MAX: Final = 34


async def receive_pay_in(
    uow: UnitOfWork, vault: Vault, new: NewPayIn, *, pay_in_id: uuid.UUID, now: datetime
) -> PayIn:
    """Book a payment that a bank reports, and match it; the same one again is answered as it is.

    Raises InvalidField, PayInIdReused for the bank's reference with other content.
    """
    _check(new)
    if not await store.is_channel(uow, new.channel):
        raise InvalidField("is no channel of ours", field="channel")
    digest = _digest(new)
    await store.lock_reference(uow, new.channel, new.bank_reference)
    known = await store.find_by_reference(uow, new.channel, new.bank_reference)
    if known is not None:
        if known.digest != digest:
            raise PayInIdReused("the bank's reference came with other content before")
        return known
    index = None if new.payer is None else vault.blind_index(PAYER_INDEX, fold_name(new.payer))
    master, account, how, transfer_id = await _place(uow, new, index, now)
    finding = _judge(account, how, new.amount)
    subject_id = pay_in_id if master is None else master.merchant_id
    payer, remittance = await _seal(uow, vault, subject_id, new)
    pay_in = PayIn(
        id=pay_in_id,
        channel=new.channel,
        bank_reference=new.bank_reference,
        digest=digest,
        amount=new.amount,
        number=new.number,
        subject_id=subject_id,
        payer=payer,
        payer_index=index,
        remittance=remittance,
        master_id=None if master is None else master.id,
        account_id=None if account is None else account.id,
        matched_by=how,
        finding=finding,
        transfer_id=transfer_id,
        received_at=now,
        matched_at=None if how is MatchedBy.NOTHING else now,
    )
    await store.add_pay_in(uow, pay_in)
    if account is not None:
        await store.add_entry(
            uow,
            account.id,
            new.amount,
            is_receipt=True,
            pay_in_id=pay_in.id,
            transfer_id=transfer_id,
            now=now,
        )
    await _tell(uow, pay_in, master)
    return pay_in


async def check_resolution(
    uow: UnitOfWork, *, pay_in_id: uuid.UUID, account_id: uuid.UUID
) -> PayIn:
    """Return a payment that waits and could be resolved for an account; raises as resolving."""
    pay_in = await get_pay_in(uow, pay_in_id)
    await _check_open(uow, pay_in, account_id)
    return pay_in


async def resolve_pay_in(
    uow: UnitOfWork, *, pay_in_id: uuid.UUID, account_id: uuid.UUID, now: datetime
) -> PayIn:
    """Say which virtual account a payment is for that waits; its own means that it stays there.

    For staff, by two. Raises PayInNotFound, PayInNotOpen, VirtualAccountNotFound, InvalidField for
    an account that cannot be meant, VirtualAccountShort if its money was released already.
    """
    seen = await get_pay_in(uow, pay_in_id)
    target = await get_account(uow, account_id)
    # The masters first and in order, then the payment, as whoever receives one: two that resolve
    # the same one wait here.
    masters = {target.master_id, *(() if seen.master_id is None else (seen.master_id,))}
    locked = {
        each: await store.find_master(uow, master_id=each, is_locked=True)
        for each in sorted(masters)
    }
    pay_in = await store.find_pay_in(uow, pay_in_id, is_locked=True)
    assert pay_in is not None
    target = await _check_open(uow, pay_in, account_id)
    master = locked[target.master_id]
    assert master is not None
    finding = pay_in.finding if pay_in.account_id == target.id else target.judge(pay_in.amount)
    is_kept = pay_in.account_id == target.id
    if not is_kept:
        await _assign(uow, pay_in, master, target, now)
    resolved = replace(
        pay_in,
        master_id=master.id,
        account_id=target.id,
        matched_by=pay_in.matched_by if is_kept else MatchedBy.HAND,
        finding=finding,
        matched_at=pay_in.matched_at if is_kept else now,
        resolution="kept" if is_kept else "matched",
        resolved_at=now,
    )
    await store.save_pay_in(uow, resolved)
    await audit.record(
        uow,
        action="payments.resolve_pay_in",
        subject=show_id(PAY_IN, pay_in.id),
        details={"account": show_id(VIRTUAL_ACCOUNT, target.id), "finding": finding.value},
    )
    return resolved


async def get_pay_in(uow: UnitOfWork, pay_in_id: uuid.UUID) -> PayIn:
    """Return a payment that came in; raises PayInNotFound."""
    found = await store.find_pay_in(uow, pay_in_id)
    if found is None:
        raise PayInNotFound(f"there is no incoming payment {show_id(PAY_IN, pay_in_id)}")
    return found


async def list_pay_in_queue(
    uow: UnitOfWork, *, after: uuid.UUID | None = None, limit: int
) -> list[PayIn]:
    """Return payments that somebody has to look at, oldest first."""
    return await store.list_queue(uow, after=after or uuid.UUID(int=0), count=limit)


async def list_pay_ins(
    uow: UnitOfWork, master: Master, *, before: uuid.UUID | None = None, limit: int
) -> list[PayIn]:
    """Return what came in for a collection account, newest first."""
    return await store.list_pay_ins(uow, master, before=before, count=limit)


async def open_pay_in(
    uow: UnitOfWork, vault: Vault, pay_in: PayIn
) -> tuple[str | None, str | None]:
    """Return payer and text of a payment, for the people of the business that it is for."""
    sealed = {
        name: value
        for name, value in ((_PAYER, pay_in.payer), (_REMITTANCE, pay_in.remittance))
        if value is not None
    }
    opened = await vault.open(uow, pay_in.subject_id, sealed) if sealed else {}
    return opened.get(_PAYER), opened.get(_REMITTANCE)


async def _place(
    uow: UnitOfWork, new: NewPayIn, payer_index: bytes | None, now: datetime
) -> tuple[Master | None, VirtualAccount | None, MatchedBy, uuid.UUID]:
    """Book a payment for whom it is; with us if nobody is found, or cannot take it."""
    master, account, how = await _find_account(uow, new, payer_index)
    transfer_id = make_transfer_id(now)
    if master is not None and await _book(uow, new.amount, master.account_id, transfer_id, now):
        return master, account, how, transfer_id
    own = await find_unassigned_account(uow, new.amount.currency)
    # A new one: the ledger remembers ids that it refused.
    transfer_id = make_transfer_id(now)
    is_booked = await _book(uow, new.amount, own, transfer_id, now)
    assert is_booked, "our own account has no limit, and no state but open"
    return None, None, MatchedBy.NOTHING, transfer_id


async def _find_account(
    uow: UnitOfWork, new: NewPayIn, payer_index: bytes | None
) -> tuple[Master | None, VirtualAccount | None, MatchedBy]:
    """Return whose payment it is and for which part; under the lock of the whole."""
    if not is_virtual_number(new.number):
        return None, None, MatchedBy.NOTHING
    master = await store.lock_master_of(uow, new.number)
    if master is None or master.currency != new.amount.currency:
        return None, None, MatchedBy.NOTHING
    named = await store.find_account(uow, number=new.number)
    assert named is not None
    if named.closed_at is None and named.purpose is not VirtualPurpose.UNMATCHED:
        return master, named, MatchedBy.NUMBER
    candidates = await store.list_open(uow, master, limits.INVOICES_MATCHED_MAX + 1)
    if len(candidates) <= limits.INVOICES_MATCHED_MAX:
        found, how = find_match(
            candidates,
            amount=new.amount,
            remittance=new.remittance or "",
            payer_index=payer_index,
        )
        if found is not None:
            return master, found, how
    rest = await store.find_account(uow, number=make_virtual_number(master.serial, 0))
    return master, rest, MatchedBy.NOTHING


async def _book(
    uow: UnitOfWork, amount: Money, credit: int, transfer_id: uuid.UUID, now: datetime
) -> bool:
    own = await find_own_accounts(uow, amount.currency)
    transfer = move(
        transfer_id,
        own.channel,
        credit,
        amount,
        code=TransferCode.PAY_IN,
        on_day=business_day(now),
    )
    (outcome,) = await post_entries(uow, [Request(Entry((transfer,)))], now=now)
    return outcome.is_posted


def _judge(account: VirtualAccount | None, how: MatchedBy, amount: Money) -> Finding:
    if account is None or how is MatchedBy.NOTHING:
        return Finding.UNMATCHED
    return account.judge(amount)


async def _check_open(uow: UnitOfWork, pay_in: PayIn, account_id: uuid.UUID) -> VirtualAccount:
    if not pay_in.is_open:
        raise PayInNotOpen("nothing is left to decide about this payment")
    target = await get_account(uow, account_id)
    if target.closed_at is not None:
        raise InvalidField("is closed", field="account")
    if target.purpose is VirtualPurpose.UNMATCHED:
        raise InvalidField("is for what is not matched", field="account")
    if target.balance.currency != pay_in.amount.currency:
        raise InvalidField(f"must be in {pay_in.amount.currency}", field="account")
    if pay_in.master_id is not None and pay_in.master_id != target.master_id:
        raise InvalidField("is another business's", field="account")
    return target


async def _assign(
    uow: UnitOfWork, pay_in: PayIn, master: Master, target: VirtualAccount, now: datetime
) -> None:
    """Move a payment to another part of the same whole, or out of our own account to a part."""
    transfer_id = None
    if pay_in.account_id is None:
        transfer = move(
            make_transfer_id(now),
            await find_unassigned_account(uow, pay_in.amount.currency),
            master.account_id,
            pay_in.amount,
            code=TransferCode.PAY_IN_ASSIGNED,
            on_day=business_day(now),
        )
        await post_entry(uow, Entry((transfer,)), now=now)
        transfer_id = transfer.id
    else:
        source = await get_account(uow, pay_in.account_id)
        if source.balance < pay_in.amount:
            raise VirtualAccountShort("its money was released already")
        await store.add_entry(
            uow, source.id, -pay_in.amount, is_receipt=True, pay_in_id=pay_in.id, now=now
        )
    await store.add_entry(
        uow,
        target.id,
        pay_in.amount,
        is_receipt=True,
        pay_in_id=pay_in.id,
        transfer_id=transfer_id,
        now=now,
    )


async def _seal(
    uow: UnitOfWork, vault: Vault, subject_id: uuid.UUID, new: NewPayIn
) -> tuple[bytes | None, bytes | None]:
    fields = {
        name: text
        for name, text in ((_PAYER, new.payer), (_REMITTANCE, new.remittance))
        if text is not None
    }
    sealed = await vault.seal(uow, subject_id, fields) if fields else {}
    return sealed.get(_PAYER), sealed.get(_REMITTANCE)


def _check(new: NewPayIn) -> None:
    if not new.amount.is_positive:
        raise InvalidField("must be above zero", field="amount.amount")
    check_text(new.bank_reference, limits.PAY_IN_REFERENCE_LENGTH_MAX, field="bank_reference")
    check_text(new.number, _NUMBER_LENGTH_MAX, field="number")
    check_text(new.payer, limits.PAYEE_NAME_LENGTH_MAX, field="payer")
    check_text(new.remittance, limits.REMITTANCE_LENGTH_MAX, field="remittance")


def _digest(new: NewPayIn) -> bytes:
    content = [new.amount.minor, new.amount.currency, new.number, new.payer, new.remittance]
    return hashlib.sha256(msgspec.json.encode(content)).digest()


async def _tell(uow: UnitOfWork, pay_in: PayIn, master: Master | None) -> None:
    event = PayInReceived(
        pay_in_id=pay_in.id,
        merchant_id=None if master is None else master.merchant_id,
        virtual_account_id=pay_in.account_id,
        amount=pay_in.amount,
        finding=pay_in.finding.value,
    )
    await outbox.append(uow, [event])
