"""The rulebook: regulatory and product parameters as dated, sourced data.

Owns what a rule is, the packs of rules (`packs/<jurisdiction>/<topic>.yaml`, one pack for each
jurisdiction, with the same keys), and choosing the value that was in force on a business day.
A number from a regulation is never a constant in code.
"""

from huitong.kernel.rulebook.book import Rulebook
from huitong.kernel.rulebook.types import (
    Confidence,
    Enforcement,
    NoRuleInForce,
    Rule,
    RulebookInvalidError,
    RuleValue,
    Source,
    Unit,
    UnknownRuleError,
)

__all__ = [
    "Confidence",
    "Enforcement",
    "NoRuleInForce",
    "Rule",
    "RuleValue",
    "Rulebook",
    "RulebookInvalidError",
    "Source",
    "Unit",
    "UnknownRuleError",
]
