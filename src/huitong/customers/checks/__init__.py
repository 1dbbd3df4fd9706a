"""Checks at registries outside: identity, bank card, mobile operator, liveness.

Owns the questions and answers, the signed HTTP client, and a simulated outside world that answers
by rule and fails on demand. The client keeps nothing and opens no transaction; an answer that
cannot be used is UNAVAILABLE with its trouble, never an exception.
"""

from huitong.customers.checks.client import HttpRegistry
from huitong.customers.checks.simulated_answers import CompanyRecord, decide
from huitong.customers.checks.simulated_registry import (
    SIMULATED_SECRET,
    FaultKind,
    RegistrySimulator,
)
from huitong.customers.checks.types import (
    BankCardQuestion,
    BankCardRegistry,
    BusinessFacts,
    BusinessQuestion,
    BusinessRegistry,
    BusinessStatus,
    CheckAnswer,
    CheckKind,
    CheckVerdict,
    IdentityQuestion,
    IdentityRegistry,
    LivenessQuestion,
    LivenessRegistry,
    MobileQuestion,
    MobileRegistry,
    Shareholder,
    Trouble,
)

__all__ = [
    "SIMULATED_SECRET",
    "BankCardQuestion",
    "BankCardRegistry",
    "BusinessFacts",
    "BusinessQuestion",
    "BusinessRegistry",
    "BusinessStatus",
    "CheckAnswer",
    "CheckKind",
    "CheckVerdict",
    "CompanyRecord",
    "FaultKind",
    "HttpRegistry",
    "IdentityQuestion",
    "IdentityRegistry",
    "LivenessQuestion",
    "LivenessRegistry",
    "MobileQuestion",
    "MobileRegistry",
    "RegistrySimulator",
    "Shareholder",
    "Trouble",
    "decide",
]
