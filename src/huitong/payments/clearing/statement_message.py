"""A participant's statement of a window as ISO 20022: camt.053 over its position.

The account is the participant's position in the window: it opens at zero, each payment that counts
is an entry, and it closes with what the participant is due, which the settlement then pays.
"""

import uuid
from datetime import datetime
from typing import Final

from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import LimitExceeded
from huitong.kernel.money import Money
from huitong.payments.clearing import limits
from huitong.payments.clearing.errors import WindowStateRefused
from huitong.payments.clearing.statements import (
    Side,
    StatementLine,
    get_position,
    list_statement_lines,
)
from huitong.payments.clearing.types import CURRENCY, PaymentState, Window, WindowState
from huitong.payments.iso20022 import (
    Account,
    Agent,
    Balance,
    BankCode,
    CashHeader,
    CashStatement,
    Entry,
    EntryBatch,
    EntryDetail,
    OtherId,
    Statement,
    write_message,
)

_CREDIT, _DEBIT = "CRDT", "DBIT"
_FAMILIES: Final = {Side.SENT: "ICDT", Side.RECEIVED: "RCDT"}


async def write_camt053(
    uow: UnitOfWork, *, window_id: uuid.UUID, code: str, now: datetime
) -> bytes:
    """Return the statement of a settled window as camt.053, without payments taken back.

    Raises WindowNotFound, ParticipantNotFound, WindowStateRefused for a window that is not settled
    yet, and LimitExceeded for one with more payments than a message takes: then there is the CSV.
    """
    window, position = await get_position(uow, window_id=window_id, code=code)
    if window.state is not WindowState.SETTLED:
        raise WindowStateRefused("a statement message is written of a settled window")
    most = limits.STATEMENT_MESSAGE_LINES_MAX
    lines = await list_statement_lines(uow, window_id=window_id, code=code, count=most + 1)
    if len(lines) > most:
        raise LimitExceeded(
            f"a message has at most {most} payments; ask for CSV", field="participant"
        )
    entries = tuple(
        _enter(line, window, code) for line in lines if line.state is PaymentState.SETTLED
    )
    statement = Statement(
        id=window.id.hex,
        account=Account(
            other=OtherId(code, issuer="CNAPS"),
            currency=CURRENCY,
            servicer=Agent(name="Huitong clearing"),
        ),
        electronic_number=window.number,
        created=now,
        begin=window.opened_at,
        end=window.closed_at,
        balances=(_balance("OPBD", 0, window), _balance("CLBD", position.due, window)),
        entries=entries,
    )
    header = CashHeader(message_id=f"{window.number}-{code}", created=now)
    return write_message(CashStatement(header, (statement,)))


def _balance(kind: str, amount: int, window: Window) -> Balance:
    return Balance(
        amount=Money(abs(amount), CURRENCY),
        direction=_DEBIT if amount < 0 else _CREDIT,
        code=kind,
        moment=window.opened_at if kind == "OPBD" else window.closed_at,
    )


def _enter(line: StatementLine, window: Window, code: str) -> Entry:
    amount = Money(line.amount, CURRENCY)
    is_sent = line.side is Side.SENT
    own, other = _bank(code), _bank(line.counterparty)
    debtor, creditor = (own, other) if is_sent else (other, own)
    direction = _DEBIT if is_sent else _CREDIT
    return Entry(
        amount=amount,
        direction=direction,
        bank_code=BankCode(domain="PMNT", family=_FAMILIES[line.side], sub_family="OTHR"),
        status="BOOK",
        reference=str(line.sequence),
        booking_moment=line.submitted_at,
        value_moment=window.settled_at,
        batches=(
            EntryBatch(
                details=(
                    EntryDetail(
                        transaction_id=line.payment_id.hex,
                        clearing_reference=line.rail.value.upper(),
                        amount=amount,
                        direction=direction,
                        debtor_agent=debtor,
                        creditor_agent=creditor,
                    ),
                )
            ),
        ),
    )


def _bank(code: str) -> Agent:
    return Agent(clearing_system="CNAPS", member=code)
