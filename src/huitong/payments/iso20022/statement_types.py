"""The values of reports, statements and notifications of accounts (camt.052, .053 and .054)."""

from datetime import date, datetime

from msgspec import Struct

from huitong.kernel.money import Money
from huitong.payments.iso20022.types import Account, Agent, Choice, Party, Remittance


class CashHeader(Struct, frozen=True):
    """Group header; a long message comes in pages."""

    message_id: str
    created: datetime
    recipient: Party | None = None
    page: int | None = None
    last_page: bool | None = None
    text: str | None = None


class Balance(Struct, frozen=True):
    """A balance by its type (`OPBD`, `CLBD` …), with `CRDT` or `DBIT` and the day or moment."""

    amount: Money
    direction: str
    code: str | None = None
    proprietary: str | None = None
    day: date | None = None
    moment: datetime | None = None


class BankCode(Struct, frozen=True):
    """Bank transaction code: domain, family, sub-family, or the bank's own."""

    domain: str | None = None
    family: str | None = None
    sub_family: str | None = None
    proprietary: str | None = None
    issuer: str | None = None


class EntryDetail(Struct, frozen=True):
    """One transaction in an entry; from version .08 a side may be a bank in place of a party."""

    message_id: str | None = None
    servicer_reference: str | None = None
    batch_id: str | None = None
    instruction_id: str | None = None
    end_to_end_id: str | None = None
    uetr: str | None = None
    transaction_id: str | None = None
    clearing_reference: str | None = None
    amount: Money | None = None
    direction: str | None = None
    bank_code: BankCode | None = None
    debtor: Party | None = None
    debtor_bank: Agent | None = None
    debtor_account: Account | None = None
    ultimate_debtor: Party | None = None
    ultimate_debtor_bank: Agent | None = None
    creditor: Party | None = None
    creditor_bank: Agent | None = None
    creditor_account: Account | None = None
    ultimate_creditor: Party | None = None
    ultimate_creditor_bank: Agent | None = None
    debtor_agent: Agent | None = None
    creditor_agent: Agent | None = None
    purpose: Choice | None = None
    remittance: Remittance | None = None
    return_code: str | None = None
    return_proprietary: str | None = None
    text: str | None = None


class EntryBatch(Struct, frozen=True):
    """The transactions of an entry, and the batch that they came in."""

    message_id: str | None = None
    batch_id: str | None = None
    count: int | None = None
    total: Money | None = None
    direction: str | None = None
    details: tuple[EntryDetail, ...] = ()


class Entry(Struct, frozen=True):
    """A line of the account: `status` is `BOOK`, `PDNG` or `INFO`; each date a day or a moment."""

    amount: Money
    direction: str
    bank_code: BankCode
    status: str | None = None
    proprietary_status: str | None = None
    reference: str | None = None
    reversal: bool | None = None
    booking_day: date | None = None
    booking_moment: datetime | None = None
    value_day: date | None = None
    value_moment: datetime | None = None
    servicer_reference: str | None = None
    batches: tuple[EntryBatch, ...] = ()
    text: str | None = None


class Statement(Struct, frozen=True):
    """An account's balances and entries over a time; a notification has no balances."""

    id: str
    account: Account
    page: int | None = None
    last_page: bool | None = None
    electronic_number: int | None = None
    legal_number: int | None = None
    created: datetime | None = None
    begin: datetime | None = None
    end: datetime | None = None
    copy: str | None = None
    balances: tuple[Balance, ...] = ()
    entries: tuple[Entry, ...] = ()
    text: str | None = None


class CashReport(Struct, frozen=True):
    """camt.052, BankToCustomerAccountReport."""

    header: CashHeader
    statements: tuple[Statement, ...]


class CashStatement(Struct, frozen=True):
    """camt.053, BankToCustomerStatement."""

    header: CashHeader
    statements: tuple[Statement, ...]


class CashNotification(Struct, frozen=True):
    """camt.054, BankToCustomerDebitCreditNotification."""

    header: CashHeader
    statements: tuple[Statement, ...]
