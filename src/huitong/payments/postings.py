"""From a business fact to a journal entry: the only place that names ledger accounts.

The accounts of our own books, one of each for a currency: 6021.01 for the fees that merchants
pay, 1011.01 for what the channel banks hold for us, 2011.04 for money that came in and could not
be put on its account, and 1221.02 for money that a channel paid out after it had said no.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.money import Money
from huitong.ledger import Entry, Transfer, TransferCode, TransferKind, ensure_system_account
from huitong.payments.calculations import derive_id


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnAccounts:
    """The numbers of our own accounts in one currency."""

    fee_income: int
    channel: int
    unattributed: int


async def find_own_accounts(uow: UnitOfWork, currency: str) -> OwnAccounts:
    """Return our own accounts in `currency`; those that are missing are opened."""
    opened = [
        await ensure_system_account(
            uow, f"payments.{key}.{currency}", chart_code=code, currency=currency, name=name
        )
        for key, code, name in (
            ("fee_income", "6021.01", "支付手续费收入 Payment fees"),
            ("channel", "1011.01", "支付渠道存款 Payment channels"),
            ("unattributed", "2011.04", "待确认客户资金 Money to be attributed"),
        )
    ]
    return OwnAccounts(fee_income=opened[0].id, channel=opened[1].id, unattributed=opened[2].id)


def payment_entry(
    *,
    transfer_id: uuid.UUID,
    payer_account_id: int,
    payee_account_id: int,
    amount: Money,
    fee: Money,
    own: OwnAccounts,
    code: TransferCode,
    effective_on: date,
) -> Entry:
    """Payer → payee, and the fee from the payee to our income if there is one.

    The fee's transfer is `derive_id(transfer_id, 1)`; with a fee the entry's id is `transfer_id`.
    """
    paid = _move(
        transfer_id,
        payer_account_id,
        payee_account_id,
        amount,
        code=code,
        effective_on=effective_on,
    )
    if not fee.is_positive:
        return Entry((paid,))
    return Entry((paid, _fee(transfer_id, payee_account_id, fee, own, effective_on)), transfer_id)


def hold_entry(
    *,
    transfer_id: uuid.UUID,
    payer_account_id: int,
    payee_account_id: int,
    amount: Money,
    code: TransferCode,
    effective_on: date,
    expires_at: datetime | None,
) -> Entry:
    """Reserve money of the payer for the payee."""
    return Entry(
        (
            Transfer(
                id=transfer_id,
                debit_account_id=payer_account_id,
                credit_account_id=payee_account_id,
                amount=amount.minor,
                currency=amount.currency,
                code=code,
                effective_on=effective_on,
                kind=TransferKind.PENDING,
                expires_at=expires_at,
            ),
        )
    )


def capture_entry(
    *,
    transfer_id: uuid.UUID,
    hold_id: uuid.UUID,
    payee_account_id: int,
    amount: Money,
    fee: Money,
    own: OwnAccounts,
    code: TransferCode,
    effective_on: date,
) -> Entry:
    """Pay what was reserved, all or part, and the fee on what is paid; the rest is free again."""
    paid = Transfer(
        id=transfer_id,
        amount=amount.minor,
        code=code,
        effective_on=effective_on,
        kind=TransferKind.POST_PENDING,
        pending_id=hold_id,
    )
    if not fee.is_positive:
        return Entry((paid,))
    return Entry((paid, _fee(transfer_id, payee_account_id, fee, own, effective_on)), transfer_id)


def release_entry(
    *,
    transfer_id: uuid.UUID,
    hold_id: uuid.UUID,
    kind: TransferKind,
    code: TransferCode,
    effective_on: date,
) -> Entry:
    """Free what was reserved: `kind` is VOID_PENDING or EXPIRE_PENDING."""
    return Entry(
        (
            Transfer(
                id=transfer_id,
                amount=None,
                code=code,
                effective_on=effective_on,
                kind=kind,
                pending_id=hold_id,
            ),
        )
    )


def refund_entry(
    *,
    refund_id: uuid.UUID,
    paid_transfer_id: uuid.UUID,
    merchant_account_id: int,
    payer_account_id: int,
    amount: Money,
    fee_returned: Money,
    share_returns: Sequence[tuple[int, Money]],
    covers: Sequence[tuple[int, int, TransferCode]] = (),
    own: OwnAccounts,
    effective_on: date,
) -> Entry:
    """Merchant → payer, after the merchant got back its part of the fee and of the shares.

    Fee, shares and what covers the refund from elsewhere (account, minor units, code) come first:
    the merchant may need them to be able to pay. Every transfer but those of shares, which belong
    to entries of their own, names the payment that it takes back.
    """
    parts: list[Transfer] = []
    if fee_returned.is_positive:
        parts.append(
            _move(
                derive_id(refund_id, 1),
                own.fee_income,
                merchant_account_id,
                fee_returned,
                code=TransferCode.FEE_REFUND,
                effective_on=effective_on,
                corrects_id=paid_transfer_id,
            )
        )
    parts.extend(
        _move(
            derive_id(refund_id, 2 + position),
            receiver,
            merchant_account_id,
            returned,
            code=TransferCode.PROFIT_SHARE_RETURN,
            effective_on=effective_on,
        )
        for position, (receiver, returned) in enumerate(share_returns)
        if returned.is_positive
    )
    parts.extend(
        _move(
            derive_id(refund_id, 2 + len(share_returns) + position),
            source,
            merchant_account_id,
            Money(minor, amount.currency),
            code=code,
            effective_on=effective_on,
            corrects_id=paid_transfer_id,
        )
        for position, (source, minor, code) in enumerate(covers)
    )
    parts.append(
        _move(
            refund_id,
            merchant_account_id,
            payer_account_id,
            amount,
            code=TransferCode.REFUND,
            effective_on=effective_on,
            corrects_id=paid_transfer_id,
        )
    )
    return Entry(tuple(parts), refund_id)


def share_entry(
    *,
    entry_id: uuid.UUID,
    merchant_account_id: int,
    receivers: Sequence[tuple[int, Money]],
    effective_on: date,
) -> Entry:
    """Merchant → each receiver; transfer n is `derive_id(entry_id, n + 1)`."""
    return Entry(
        tuple(
            _move(
                derive_id(entry_id, position + 1),
                merchant_account_id,
                receiver,
                amount,
                code=TransferCode.PROFIT_SHARE,
                effective_on=effective_on,
            )
            for position, (receiver, amount) in enumerate(receivers)
        ),
        entry_id,
    )


def top_up_entry(
    *,
    transfer_id: uuid.UUID,
    account_id: int,
    amount: Money,
    own: OwnAccounts,
    effective_on: date,
) -> Entry:
    """Channel bank → customer: the bank holds more for us, and we owe the customer more."""
    return Entry(
        (
            _move(
                transfer_id,
                own.channel,
                account_id,
                amount,
                code=TransferCode.TOP_UP,
                effective_on=effective_on,
            ),
        )
    )


async def find_suspense_account(uow: UnitOfWork, currency: str) -> int:
    """Return our account for what channels paid out and should not have; opened if missing."""
    account = await ensure_system_account(
        uow,
        f"payments.channel_suspense.{currency}",
        chart_code="1221.02",
        currency=currency,
        name="渠道差错挂账 Channel suspense",
    )
    return account.id


def late_payout_entry(
    *,
    transfer_id: uuid.UUID,
    suspense_account_id: int,
    amount: Money,
    own: OwnAccounts,
    effective_on: date,
) -> Entry:
    """Suspense → channel bank: it paid out although it had said no, and somebody owes us that."""
    return Entry(
        (
            _move(
                transfer_id,
                suspense_account_id,
                own.channel,
                amount,
                code=TransferCode.WITHDRAWAL,
                effective_on=effective_on,
            ),
        )
    )


def cure_entry(
    *,
    transfer_id: uuid.UUID,
    payer_account_id: int,
    payee_account_id: int,
    amount: Money,
    code: TransferCode,
    effective_on: date,
) -> Entry:
    """Between suspense, channel bank and customer: what two people found to be right after all."""
    return Entry(
        (
            _move(
                transfer_id,
                payer_account_id,
                payee_account_id,
                amount,
                code=code,
                effective_on=effective_on,
            ),
        )
    )


def _fee(
    base_id: uuid.UUID, merchant_account_id: int, fee: Money, own: OwnAccounts, effective_on: date
) -> Transfer:
    return _move(
        derive_id(base_id, 1),
        merchant_account_id,
        own.fee_income,
        fee,
        code=TransferCode.FEE,
        effective_on=effective_on,
    )


def _move(
    transfer_id: uuid.UUID,
    debit_account_id: int,
    credit_account_id: int,
    amount: Money,
    *,
    code: TransferCode,
    effective_on: date,
    corrects_id: uuid.UUID | None = None,
) -> Transfer:
    return Transfer(
        id=transfer_id,
        debit_account_id=debit_account_id,
        credit_account_id=credit_account_id,
        amount=amount.minor,
        currency=amount.currency,
        code=code,
        effective_on=effective_on,
        corrects_id=corrects_id,
    )
