"""The messages of a payment: pacs.008 out; of receipts pacs.004 (back) or pacs.002 (credited)."""

from datetime import datetime
from typing import Final

from huitong.kernel.clock import business_day
from huitong.kernel.money import Money
from huitong.kernel.rulebook import Rulebook
from huitong.ledger import show_account
from huitong.payments.crossborder import limits
from huitong.payments.crossborder.purposes import CODES, Purpose
from huitong.payments.crossborder.travel_rule import is_iban
from huitong.payments.crossborder.types import (
    HOME,
    ChargeBearer,
    Counterparty,
    Payment,
    Reason,
)
from huitong.payments.iso20022 import (
    Account,
    Address,
    Agent,
    Charge,
    Choice,
    CustomerTransfers,
    OriginalGroup,
    OtherId,
    Party,
    PaymentReturn,
    Remittance,
    Return,
    SettlementHeader,
    StatusHeader,
    StatusReport,
    TransactionStatus,
    Transfer,
    write_message,
)
from huitong.payments.iso20022 import Reason as ReturnReason

#: ISO 20022 external codes of why a receipt goes back.
_RETURN_CODES: Final = {
    Reason.ACCOUNT_UNKNOWN.value: "AC01",
    Reason.ACCOUNT_REFUSES.value: "AC06",
    Reason.TRAVEL_RULE.value: "RR04",
    Reason.REFUSED_BY_STAFF.value: "RR04",
}


#: The message that every receipt came by.
_TRANSFERS: Final = "pacs.008.001.12"
#: AcceptedSettlementCompletedCreditorAccount: the payee has it.
_CREDITED: Final = "ACCC"


def name_message(payment: Payment, kind: str) -> str:
    """Return a message's id: the payment's own, and which of its messages it is."""
    return f"{kind}{payment.id.hex}"


def write_transfer(
    payment: Payment,
    counterparty: Counterparty,
    payer_name: str,
    *,
    rulebook: Rulebook,
    now: datetime,
) -> bytes:
    """Return the pacs.008 of a payment, with all that has to travel; raises InvalidMessage.

    The payer's customer number stands for the address that the travel rule asks for.
    """
    today = business_day(now)
    house = Agent(bic=rulebook.text("crossborder.house.bic", today))
    assert payment.fee_account_id is not None
    is_taken = payment.charge_bearer is ChargeBearer.CRED
    purpose = CODES.get(Purpose(payment.purpose))
    transfer = Transfer(
        end_to_end_id=payment.id.hex,
        instruction_id=payment.id.hex,
        uetr=str(payment.uetr),
        amount=payment.settled,
        instructed_amount=payment.amount if is_taken else None,
        settlement_date=today,
        charge_bearer=payment.charge_bearer.value,
        charges=(Charge(amount=payment.fee, agent=house),) if is_taken else (),
        debtor=_payer(payment, payer_name),
        debtor_account=Account(other=OtherId(id=show_account(payment.fee_account_id))),
        debtor_agent=house,
        creditor_agent=Agent(bic=counterparty.agent_bic),
        creditor=Party(name=counterparty.name, address=_address(counterparty)),
        creditor_account=_account(counterparty.account),
        purpose=None if purpose is None else Choice(code=purpose),
        remittance=_note(counterparty),
    )
    header = _header(name_message(payment, "A"), payment.settled, now)
    return write_message(CustomerTransfers(header=header, transfers=(transfer,)))


def _payer(payment: Payment, name: str) -> Party:
    assert payment.party_id is not None, "an outgoing payment has a payer"
    # Without its prefix: an identifier has at most 35 characters.
    number = (OtherId(id=payment.party_id.hex, scheme="CUST"),)
    return Party(
        name=name[: limits.NAME_LENGTH_MAX],
        address=Address(country="CN"),
        organisation_ids=number if payment.is_business else (),
        private_ids=() if payment.is_business else number,
    )


def _note(counterparty: Counterparty) -> Remittance | None:
    return None if counterparty.note is None else Remittance(lines=(counterparty.note,))


def write_return(payment: Payment, *, original: str, now: datetime) -> bytes:
    """Return the pacs.004 that sends back a receipt, all of it; `original` is its message's id."""
    code = next((_RETURN_CODES[each] for each in payment.reasons if each in _RETURN_CODES), "NARR")
    return write_message(
        PaymentReturn(
            header=_header(name_message(payment, "R"), payment.settled, now, is_return=True),
            original_group=OriginalGroup(message_id=original, message_name=_TRANSFERS),
            returns=(
                Return(
                    return_id=payment.id.hex,
                    uetr=str(payment.uetr),
                    original_amount=payment.settled,
                    amount=payment.settled,
                    settlement_date=business_day(now),
                    reasons=(ReturnReason(code=code),),
                ),
            ),
        )
    )


def write_confirmation(payment: Payment, *, original: str, now: datetime) -> bytes:
    """Return the pacs.002 that says a receipt is on its payee's account."""
    at = now.replace(microsecond=0)
    return write_message(
        StatusReport(
            header=StatusHeader(message_id=name_message(payment, "C"), created=at),
            transactions=(
                TransactionStatus(
                    original_group=OriginalGroup(message_id=original, message_name=_TRANSFERS),
                    uetr=str(payment.uetr),
                    status=_CREDITED,
                    accepted=at,
                ),
            ),
        )
    )


def _header(
    message_id: str, amount: Money, now: datetime, *, is_return: bool = False
) -> SettlementHeader:
    is_home = amount.currency == HOME
    return SettlementHeader(
        message_id=message_id,
        created=now.replace(microsecond=0),
        count=1,
        total=None if is_return else amount,
        settlement_date=None if is_return else business_day(now),
        # Through CIPS in CNY, over accounts with banks abroad in all other currencies.
        method="CLRG" if is_home else "INDA",
        clearing_system=Choice(proprietary="CIPS") if is_home else None,
    )


def _account(number: str) -> Account:
    return Account(iban=number) if is_iban(number) else Account(other=OtherId(id=number))


def _address(counterparty: Counterparty) -> Address:
    text, width = counterparty.address or "", limits.ADDRESS_LINE_LENGTH_MAX
    lines = tuple(text[at : at + width] for at in range(0, len(text), width))
    return Address(country=counterparty.country, lines=lines)
