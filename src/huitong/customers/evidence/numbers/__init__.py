"""Numbers by which people, bodies and accounts are known: judged by the standard of each.

Owns the rules (GB 11643, GB 32100, GB/T 2260, ISO/IEC 7812, ICAO Doc 9303) and what follows from a
number. Nothing raises for bad input: the answer is the facts and a list of findings.
"""

from huitong.customers.evidence.numbers.divisions import find_division
from huitong.customers.evidence.numbers.organisations import (
    check_bank_card,
    check_bic,
    check_credit_code,
    check_iban,
    check_lei,
)
from huitong.customers.evidence.numbers.people import (
    check_digit_icao,
    check_mobile,
    check_passport,
    check_resident_id,
    check_validity,
    has_right_check_digit,
    years_between,
)
from huitong.customers.evidence.numbers.types import (
    BankCard,
    CreditCode,
    Division,
    InternationalNumber,
    Mobile,
    Passport,
    PassportKind,
    ResidentId,
    Sex,
    Validity,
)

__all__ = [
    "BankCard",
    "CreditCode",
    "Division",
    "InternationalNumber",
    "Mobile",
    "Passport",
    "PassportKind",
    "ResidentId",
    "Sex",
    "Validity",
    "check_bank_card",
    "check_bic",
    "check_credit_code",
    "check_digit_icao",
    "check_iban",
    "check_lei",
    "check_mobile",
    "check_passport",
    "check_resident_id",
    "check_validity",
    "find_division",
    "has_right_check_digit",
    "years_between",
]
