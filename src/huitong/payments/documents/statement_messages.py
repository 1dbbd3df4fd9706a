"""Statements as ISO 20022: camt.053, the report of a part of a day (camt.052), and camt.054."""

from collections.abc import AsyncIterator, Mapping
from enum import StrEnum
from typing import Final

from huitong.kernel.money import Money
from huitong.ledger import Side, StatementLine, show_account
from huitong.payments.documents.statements import AccountStatement, Pieces, Row, Totals
from huitong.payments.documents.texts import Text, name_kind
from huitong.payments.iso20022 import (
    Account,
    Agent,
    Balance,
    BankCode,
    CashHeader,
    CashNotification,
    CashReport,
    CashStatement,
    Entry,
    EntryBatch,
    EntryDetail,
    OtherId,
    Party,
    PieceWriter,
    Remittance,
    Statement,
)

_NAME_LENGTH_MAX: Final = 140
_NOTE_LENGTH_MAX: Final = 140
_OWN_CODES: Final = "HUITONG"
_CREDIT, _DEBIT = "CRDT", "DBIT"


class CashMessage(StrEnum):
    """Which message a statement is written as."""

    REPORT = "camt.052"
    STATEMENT = "camt.053"
    NOTIFICATION = "camt.054"


_BODIES: Final[Mapping[CashMessage, type[CashReport | CashStatement | CashNotification]]] = {
    CashMessage.REPORT: CashReport,
    CashMessage.STATEMENT: CashStatement,
    CashMessage.NOTIFICATION: CashNotification,
}
# Opening and closing balance: booked ones of a whole period, or interim ones of a part of a day.
_BALANCES: Final = {
    CashMessage.REPORT: ("OPBD", "ITBD"),
    CashMessage.STATEMENT: ("OPBD", "CLBD"),
    CashMessage.NOTIFICATION: (),
}


async def write_cash_message(
    statement: AccountStatement,
    pieces: Pieces,
    message: CashMessage = CashMessage.STATEMENT,
) -> AsyncIterator[bytes]:
    """Yield a statement as XML of version .08, its entries as they are read."""
    totals = Totals.zero(statement.account.currency)
    header = CashHeader(message_id=_identify(statement), created=statement.made_at)
    body = _BODIES[message](header, (_describe(statement, message),))
    writer = PieceWriter(body, "statements", "entries")
    yield writer.begin()
    async for piece in pieces:
        for row in piece:
            totals.add(row.line)
        yield writer.write(_enter(statement, row) for row in piece)
    totals.prove(statement.span)
    yield writer.end()


def _identify(statement: AccountStatement) -> str:
    return (
        f"{statement.account.id}-{statement.first_on:%y%m%d}{statement.last_on:%y%m%d}"
        f"-{statement.span.last}"
    )[:35]


def _describe(statement: AccountStatement, message: CashMessage) -> Statement:
    account, span = statement.account, statement.span
    sides = (span.opening, span.closing)
    days = (statement.first_on, statement.last_on)
    assert statement.period.start_at is not None
    assert statement.period.end_at is not None
    return Statement(
        id=_identify(statement),
        account=Account(
            other=OtherId(id=show_account(account.id)),
            currency=account.currency,
            owner=Party(name=_clean(statement.holder.name, _NAME_LENGTH_MAX)),
            servicer=Agent(name=Text.INSTITUTION.en),
        ),
        created=statement.made_at,
        begin=statement.period.start_at,
        end=statement.period.end_at,
        balances=tuple(
            Balance(*_sign(statement, balance), code=code, day=day)
            for code, balance, day in zip(_BALANCES[message], sides, days, strict=False)
        ),
    )


def _sign(statement: AccountStatement, balance: Money) -> tuple[Money, str]:
    is_credit = (statement.span.normal_side is Side.CREDIT) is not balance.is_negative
    return abs(balance), _CREDIT if is_credit else _DEBIT


def _enter(statement: AccountStatement, row: Row) -> Entry:
    line = row.line
    direction = _DEBIT if line.side is Side.DEBIT else _CREDIT
    return Entry(
        amount=line.amount,
        direction=direction,
        bank_code=_classify(line),
        status="BOOK",
        reference=str(line.line),
        booking_day=line.effective_on,
        value_day=line.effective_on,
        servicer_reference=f"tr_{line.transfer_id.hex}",
        batches=(EntryBatch(details=(_detail(statement, row, direction),)),),
        text=" ".join(name_kind(line.code)),
    )


def _detail(statement: AccountStatement, row: Row, direction: str) -> EntryDetail:
    own, other = _party(statement.holder.name), _party(row.other.name)
    debtor, creditor = (own, other) if row.line.side is Side.DEBIT else (other, own)
    note = _clean(row.note, _NOTE_LENGTH_MAX)
    return EntryDetail(
        servicer_reference=f"tr_{row.line.transfer_id.hex}",
        amount=row.line.amount,
        direction=direction,
        debtor=debtor,
        creditor=creditor,
        remittance=Remittance(lines=(note,)) if note else None,
    )


def _party(name: str) -> Party:
    return Party(name=_clean(name, _NAME_LENGTH_MAX))


def _classify(line: StatementLine) -> BankCode:
    """Return the transaction's code of the list of ISO 20022, and our own beside it."""
    family = "ICDT" if line.side is Side.DEBIT else "RCDT"
    return BankCode(
        domain="PMNT",
        family=family,
        sub_family="OTHR",
        proprietary=str(line.code),
        issuer=_OWN_CODES,
    )


def _clean(text: str, length_max: int) -> str:
    """Return a text without what XML cannot hold, and no longer than a message's element."""
    return "".join(each if each.isprintable() else " " for each in text).strip()[:length_max]
