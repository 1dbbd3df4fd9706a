"""From a step of a file to journal entries. 2011.04 holds the money while lines are being paid."""

import uuid
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Final

import numpy as np

from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.money import Money
from huitong.ledger import (
    Columns,
    Entry,
    MeterUse,
    Request,
    Transfer,
    TransferCode,
    TransferKind,
    ensure_system_account,
)
from huitong.payments.bulk.types import BulkFile, DueLine, Purpose
from huitong.payments.calculations import derive_ids

CODES: Final = {
    Purpose.PAYROLL: TransferCode.PAYROLL,
    Purpose.SUPPLIERS: TransferCode.SUPPLIER_PAYMENT,
}
#: What the payment of a line is called.
LINE_CODES: Final = frozenset(CODES.values())


async def find_transit_account(uow: UnitOfWork, currency: str) -> int:
    """Return our account that files are paid out of; it is opened if it is missing."""
    account = await ensure_system_account(
        uow,
        f"payments.bulk.{currency}",
        chart_code="2011.04",
        currency=currency,
        name="批量付款在途 Payment files under way",
    )
    return account.id


def line_ids(pay_id: uuid.UUID, numbers: Iterable[int]) -> list[uuid.UUID]:
    """Return the identifiers of the transfers that pay lines: the same on every try."""
    return derive_ids(pay_id, numbers)


def hold_funds(
    file: BulkFile, pay_id: uuid.UUID, transit: int, uses: Sequence[MeterUse], on_day: date
) -> Request:
    """Reserve the money of the whole file, and count it."""
    return _request(
        Transfer(
            id=pay_id,
            debit_account_id=file.payer_account_id,
            credit_account_id=transit,
            amount=file.total.minor,
            currency=file.total.currency,
            code=TransferCode.BULK_HOLD,
            effective_on=on_day,
            kind=TransferKind.PENDING,
        ),
        uses,
    )


def end_hold(
    transfer_id: uuid.UUID, pay_id: uuid.UUID, kind: TransferKind, on_day: date
) -> Request:
    """Take what was reserved (POST_PENDING), or free it (VOID_PENDING).

    `transfer_id` is a new one: the ledger ends a hold once, and refuses identifiers of last week.
    """
    is_taken = kind is TransferKind.POST_PENDING
    return _request(
        Transfer(
            id=transfer_id,
            amount=None,
            code=TransferCode.BULK_FUNDS if is_taken else TransferCode.BULK_RETURN,
            effective_on=on_day,
            kind=kind,
            pending_id=pay_id,
        )
    )


def pay_lines(
    file: BulkFile,
    lines: Sequence[DueLine],
    ids: Sequence[uuid.UUID],
    transit: int,
    on_day: date,
) -> Columns:
    """Pay lines, at least one, by transfers with their `ids`."""
    return Columns(
        ids=b"".join([each.bytes for each in ids]),
        debit_account_ids=np.full(len(lines), transit, np.int64),
        credit_account_ids=np.array([line.account_id for line in lines], np.int64),
        amounts=np.array([line.amount for line in lines], np.int64),
        currency=file.total.currency,
        code=int(CODES[file.purpose]),
        effective_on=on_day,
    )


def give_back(
    transfer_id: uuid.UUID, amount: Money, transit: int, receiver: int, on_day: date
) -> Request:
    """Return the money of the lines that failed to the payer, or keep it apart for him."""
    return _request(
        Transfer(
            id=transfer_id,
            debit_account_id=transit,
            credit_account_id=receiver,
            amount=amount.minor,
            currency=amount.currency,
            code=TransferCode.BULK_RETURN,
            effective_on=on_day,
        )
    )


def _request(transfer: Transfer, uses: Sequence[MeterUse] = ()) -> Request:
    return Request(Entry((transfer,)), uses)
