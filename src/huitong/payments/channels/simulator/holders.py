"""Whose the accounts are that a simulated bank pays to.

A holder that was told with `PUT /accounts` is compared with the name of every payment; an account
of which nobody told belongs to whoever is named, unless its number begins like one that is none.
"""

import hashlib
from typing import Final

import msgspec

from huitong.customers import fold_name
from huitong.kernel import limits

#: How the numbers begin that no bank has.
NO_ACCOUNT: Final = "0000"
#: InvalidCreditorAccountNumber of ExternalStatusReason1Code.
ACCOUNT_UNKNOWN: Final = "AC03"
#: InconsistentWithEndCustomer.
NAME_DIFFERS: Final = "BE01"
REASONS: Final = {
    ACCOUNT_UNKNOWN: "there is no such account",
    NAME_DIFFERS: "the name is not the account holder's",
}


class SimulatedPayee(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """An account at a bank by its CNAPS code and number, and whose it is."""

    bank_code: str
    account: str
    name: str

    def digest(self) -> str:
        """Return what tells it from others and says nobody's name."""
        return hashlib.sha256(msgspec.json.encode(self)).hexdigest()


class Holders:
    """The holders that one simulated bank was told of; they are forgotten when it ends."""

    def __init__(self) -> None:
        """Know nobody."""
        self._names: dict[tuple[str, str], str] = {}

    def put(self, holder: SimulatedPayee) -> None:
        """Remember whose an account is; beyond a bound the oldest is forgotten."""
        if len(self._names) >= limits.SIMULATED_ORDERS_MAX:
            self._names.pop(next(iter(self._names)))
        self._names[holder.bank_code, holder.account] = fold_name(holder.name)

    def refuse(self, payee: SimulatedPayee | None) -> str | None:
        """Return the code of why this payee cannot be paid; None if it can, or none is named."""
        if payee is None:
            return None
        if payee.account.startswith(NO_ACCOUNT):
            return ACCOUNT_UNKNOWN
        known = self._names.get((payee.bank_code, payee.account))
        return NAME_DIFFERS if known not in (None, fold_name(payee.name)) else None
