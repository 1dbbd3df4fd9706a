"""Data that travels with a payment: complete, field by field, or the payment is refused.

Source: FATF Recommendation 16 and its interpretive note: always the names and account numbers of
payer and payee; from an amount in the rulebook on also the payer's address, official or customer
number. Outgoing payments always carry the payer's customer number.
"""

import re
from typing import Final

from huitong import customers
from huitong.kernel.errors import InvalidField
from huitong.kernel.money import Money
from huitong.payments.crossborder import limits
from huitong.payments.crossborder.errors import TravelDataMissing
from huitong.payments.crossborder.types import Counterparty
from huitong.payments.iso20022 import Account, Party, Transfer

_ACCOUNT: Final = re.compile(r"[A-Za-z0-9/-]{1,34}")
_IBAN_LIKE: Final = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}")
_COUNTRY: Final = re.compile(r"[A-Z]{2}")


def check_counterparty(given: Counterparty) -> Counterparty:
    """Return whom to pay, tidied; raises TravelDataMissing naming all that lacks, InvalidField."""
    missing = [
        name
        for name, value in (
            ("payee.name", given.name),
            ("payee.account", given.account),
            ("payee.country", given.country),
            ("payee.bank", given.agent_bic or ""),
        )
        if not value.strip()
    ]
    if missing:
        raise TravelDataMissing(
            f"必须填写 / must be given: {', '.join(missing)}",
            field=missing[0],
            context={"missing": list(missing)},
        )
    account = given.account.replace(" ", "").upper()
    if _ACCOUNT.fullmatch(account) is None:
        raise InvalidField("must be an IBAN or 1 to 34 letters and digits", field="payee.account")
    if _IBAN_LIKE.fullmatch(account) and customers.check_iban(account).facts is None:
        raise InvalidField("looks like an IBAN and is none", field="payee.account")
    if _COUNTRY.fullmatch(given.country) is None:
        raise InvalidField("must be two capital letters (ISO 3166)", field="payee.country")
    bic = (given.agent_bic or "").strip().upper()
    if customers.check_bic(bic).facts is None:
        raise InvalidField("must be a BIC", field="payee.bank")
    return Counterparty(
        name=_check_text(given.name, limits.NAME_LENGTH_MAX, "payee.name"),
        account=account,
        country=given.country,
        agent_bic=bic,
        address=_check_optional(given.address, limits.ADDRESS_LENGTH_MAX, "payee.address"),
        note=_check_optional(given.note, limits.NOTE_LENGTH_MAX, "note"),
    )


def _check_text(text: str, length_max: int, field: str) -> str:
    stripped = " ".join(text.split())
    if not 1 <= len(stripped) <= length_max or not stripped.isprintable():
        raise InvalidField(f"must have 1 to {length_max} printable characters", field=field)
    return stripped


def _check_optional(text: str | None, length_max: int, field: str) -> str | None:
    return None if text is None else _check_text(text, length_max, field)


def is_iban(account: str) -> bool:
    """Say whether an account's number is an IBAN."""
    return _IBAN_LIKE.fullmatch(account) is not None and (
        customers.check_iban(account).facts is not None
    )


def find_missing(transfer: Transfer, usd: Money, threshold: Money) -> list[str]:
    """Return what an incoming transfer lacks, by its path in the message."""
    missing = []
    if not (transfer.debtor.name or "").strip():
        missing.append("Dbtr/Nm")
    if read_account(transfer.debtor_account) is None:
        missing.append("DbtrAcct/Id")
    if not (transfer.creditor.name or "").strip():
        missing.append("Cdtr/Nm")
    if read_account(transfer.creditor_account) is None:
        missing.append("CdtrAcct/Id")
    if usd >= threshold and not _is_identified(transfer.debtor):
        missing.append("Dbtr/PstlAdr or Dbtr/Id")
    return missing


def read_account(account: Account | None) -> str | None:
    """Return the number of an account in a message."""
    if account is None:
        return None
    return account.iban or (account.other.id if account.other is not None else None)


def _is_identified(party: Party) -> bool:
    address = party.address
    has_address = address is not None and bool(address.town or address.lines)
    numbers = (party.bic, party.lei, party.organisation_ids, party.private_ids)
    return has_address or any(numbers)
