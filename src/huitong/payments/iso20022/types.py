"""The values that messages of ISO 20022 hold, in the words of its business model.

Amounts are never negative: a direction stands beside them. Every text is what the file says.
"""

from datetime import date, datetime
from decimal import Decimal

from msgspec import Struct

from huitong.kernel.money import Money


class Choice(Struct, frozen=True):
    """A code of a published list or, in its place, a text agreed between the two sides."""

    code: str | None = None
    proprietary: str | None = None


class OtherId(Struct, frozen=True):
    """An identifier that is not ISO's own, with the scheme that gives it."""

    id: str
    scheme: str | None = None
    proprietary_scheme: str | None = None
    issuer: str | None = None


class Address(Struct, frozen=True):
    """A postal address: its structured country and town, and free lines."""

    country: str | None = None
    town: str | None = None
    post_code: str | None = None
    lines: tuple[str, ...] = ()


class Party(Struct, frozen=True):
    """A person or an organisation; identifiers are those of one or of the other."""

    name: str | None = None
    address: Address | None = None
    bic: str | None = None
    lei: str | None = None
    organisation_ids: tuple[OtherId, ...] = ()
    private_ids: tuple[OtherId, ...] = ()
    residence: str | None = None


class Agent(Struct, frozen=True):
    """A bank by its BIC, its number in a clearing system (`CNAPS`: 12 digits) or its LEI."""

    bic: str | None = None
    clearing_system: str | None = None
    proprietary_system: str | None = None
    member: str | None = None
    lei: str | None = None
    name: str | None = None
    address: Address | None = None
    other: OtherId | None = None
    branch: str | None = None


class Account(Struct, frozen=True):
    """An account by its IBAN or by its number at the bank; owner and bank only in statements."""

    iban: str | None = None
    other: OtherId | None = None
    currency: str | None = None
    name: str | None = None
    owner: Party | None = None
    servicer: Agent | None = None


class PaymentType(Struct, frozen=True):
    """How a payment is to be treated: urgency (`HIGH`, `NORM`), channel, service, purpose."""

    priority: str | None = None
    channel: str | None = None
    service_levels: tuple[Choice, ...] = ()
    local_instrument: Choice | None = None
    category: Choice | None = None


class Charge(Struct, frozen=True):
    """What a bank took for its part."""

    amount: Money
    agent: Agent


class Remittance(Struct, frozen=True):
    """What a payment is for; structured references are passed over."""

    lines: tuple[str, ...] = ()


class Reason(Struct, frozen=True):
    """Why a payment has its status or came back, by the published code or a text."""

    code: str | None = None
    proprietary: str | None = None
    originator: Party | None = None
    texts: tuple[str, ...] = ()


class OriginalGroup(Struct, frozen=True):
    """The message that a report or a return speaks of, e.g. `pacs.008.001.12`."""

    message_id: str
    message_name: str
    created: datetime | None = None


class SettlementHeader(Struct, frozen=True):
    """Group header of payments between banks: how many there are and how they are settled.

    `method` is `CLRG` (by a clearing system), `COVE`, `INDA` or `INGA`; `batch` asks for one entry.
    """

    message_id: str
    created: datetime
    count: int
    method: str
    batch: bool | None = None
    control_sum: Decimal | None = None
    total: Money | None = None
    settlement_date: date | None = None
    settlement_account: Account | None = None
    clearing_system: Choice | None = None
    payment_type: PaymentType | None = None
    instructing: Agent | None = None
    instructed: Agent | None = None


class Transfer(Struct, frozen=True):
    """One credit transfer between banks, for customers (pacs.008)."""

    end_to_end_id: str
    amount: Money
    charge_bearer: str
    debtor: Party
    debtor_agent: Agent
    creditor_agent: Agent
    creditor: Party
    instruction_id: str | None = None
    transaction_id: str | None = None
    uetr: str | None = None
    clearing_reference: str | None = None
    payment_type: PaymentType | None = None
    settlement_date: date | None = None
    settlement_priority: str | None = None
    accepted: datetime | None = None
    instructed_amount: Money | None = None
    exchange_rate: Decimal | None = None
    charges: tuple[Charge, ...] = ()
    instructing: Agent | None = None
    instructed: Agent | None = None
    intermediary: Agent | None = None
    ultimate_debtor: Party | None = None
    initiator: Party | None = None
    debtor_account: Account | None = None
    creditor_account: Account | None = None
    ultimate_creditor: Party | None = None
    purpose: Choice | None = None
    remittance: Remittance | None = None


class CustomerTransfers(Struct, frozen=True):
    """pacs.008, FIToFICustomerCreditTransfer."""

    header: SettlementHeader
    transfers: tuple[Transfer, ...]


class BankTransfer(Struct, frozen=True):
    """One credit transfer for a bank's own account (pacs.009)."""

    end_to_end_id: str
    amount: Money
    debtor: Agent
    creditor: Agent
    instruction_id: str | None = None
    transaction_id: str | None = None
    uetr: str | None = None
    clearing_reference: str | None = None
    payment_type: PaymentType | None = None
    settlement_date: date | None = None
    settlement_priority: str | None = None
    instructing: Agent | None = None
    instructed: Agent | None = None
    debtor_account: Account | None = None
    debtor_agent: Agent | None = None
    creditor_agent: Agent | None = None
    creditor_account: Account | None = None
    purpose: Choice | None = None
    remittance: Remittance | None = None


class BankTransfers(Struct, frozen=True):
    """pacs.009, FinancialInstitutionCreditTransfer."""

    header: SettlementHeader
    transfers: tuple[BankTransfer, ...]


class StatusHeader(Struct, frozen=True):
    """Group header of a status report between banks."""

    message_id: str
    created: datetime
    instructing: Agent | None = None
    instructed: Agent | None = None


class GroupStatus(Struct, frozen=True):
    """What became of a whole message: `ACCP`, `ACSC`, `PART`, `RJCT` …"""

    message_id: str
    message_name: str
    created: datetime | None = None
    count: int | None = None
    control_sum: Decimal | None = None
    status: str | None = None
    reasons: tuple[Reason, ...] = ()


class TransactionStatus(Struct, frozen=True):
    """What became of one transfer of the message that is named by its identifiers."""

    status_id: str | None = None
    original_group: OriginalGroup | None = None
    instruction_id: str | None = None
    end_to_end_id: str | None = None
    transaction_id: str | None = None
    uetr: str | None = None
    status: str | None = None
    reasons: tuple[Reason, ...] = ()
    accepted: datetime | None = None
    servicer_reference: str | None = None
    clearing_reference: str | None = None
    instructing: Agent | None = None
    instructed: Agent | None = None


class StatusReport(Struct, frozen=True):
    """pacs.002, FIToFIPaymentStatusReport."""

    header: StatusHeader
    groups: tuple[GroupStatus, ...] = ()
    transactions: tuple[TransactionStatus, ...] = ()


class Return(Struct, frozen=True):
    """One transfer that goes back, in whole or in part."""

    amount: Money
    return_id: str | None = None
    original_group: OriginalGroup | None = None
    instruction_id: str | None = None
    end_to_end_id: str | None = None
    transaction_id: str | None = None
    uetr: str | None = None
    original_amount: Money | None = None
    original_settlement_date: date | None = None
    settlement_date: date | None = None
    instructed_amount: Money | None = None
    charge_bearer: str | None = None
    charges: tuple[Charge, ...] = ()
    clearing_reference: str | None = None
    instructing: Agent | None = None
    instructed: Agent | None = None
    reasons: tuple[Reason, ...] = ()


class PaymentReturn(Struct, frozen=True):
    """pacs.004, PaymentReturn."""

    header: SettlementHeader
    original_group: OriginalGroup | None = None
    returns: tuple[Return, ...] = ()


class InitiationHeader(Struct, frozen=True):
    """Group header of a customer's instructions; `initiator` sent them."""

    message_id: str
    created: datetime
    count: int
    initiator: Party
    control_sum: Decimal | None = None
    forwarding: Agent | None = None


class Instruction(Struct, frozen=True):
    """One payment that a customer asks for."""

    end_to_end_id: str
    amount: Money | None = None
    equivalent: Money | None = None
    equivalent_currency: str | None = None
    instruction_id: str | None = None
    uetr: str | None = None
    payment_type: PaymentType | None = None
    charge_bearer: str | None = None
    ultimate_debtor: Party | None = None
    creditor_agent: Agent | None = None
    creditor: Party | None = None
    creditor_account: Account | None = None
    ultimate_creditor: Party | None = None
    purpose: Choice | None = None
    remittance: Remittance | None = None


class Batch(Struct, frozen=True):
    """Instructions of one debtor for one day; `method` is `TRF`, `CHK` or `TRA`."""

    id: str
    method: str
    debtor: Party
    debtor_account: Account
    debtor_agent: Agent
    execution_date: date | None = None
    execution_time: datetime | None = None
    batch: bool | None = None
    count: int | None = None
    control_sum: Decimal | None = None
    payment_type: PaymentType | None = None
    ultimate_debtor: Party | None = None
    charge_bearer: str | None = None
    instructions: tuple[Instruction, ...] = ()


class Initiation(Struct, frozen=True):
    """pain.001, CustomerCreditTransferInitiation."""

    header: InitiationHeader
    batches: tuple[Batch, ...]


class ReportHeader(Struct, frozen=True):
    """Group header of a status report to a customer."""

    message_id: str
    created: datetime
    initiator: Party | None = None
    debtor_agent: Agent | None = None
    creditor_agent: Agent | None = None


class InstructionStatus(Struct, frozen=True):
    """What became of one instruction."""

    status_id: str | None = None
    instruction_id: str | None = None
    end_to_end_id: str | None = None
    uetr: str | None = None
    status: str | None = None
    reasons: tuple[Reason, ...] = ()
    accepted: datetime | None = None
    servicer_reference: str | None = None
    clearing_reference: str | None = None


class BatchStatus(Struct, frozen=True):
    """What became of one batch."""

    id: str
    count: int | None = None
    control_sum: Decimal | None = None
    status: str | None = None
    reasons: tuple[Reason, ...] = ()
    instructions: tuple[InstructionStatus, ...] = ()


class InitiationReport(Struct, frozen=True):
    """pain.002, CustomerPaymentStatusReport."""

    header: ReportHeader
    group: GroupStatus
    batches: tuple[BatchStatus, ...] = ()
