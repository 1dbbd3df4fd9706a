"""Choosing the rule that was in force on a business day."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from difflib import get_close_matches
from functools import cache
from types import MappingProxyType
from typing import Final

from huitong.kernel.currencies import CURRENCIES
from huitong.kernel.money import Money
from huitong.kernel.rulebook.loader import load_rules
from huitong.kernel.rulebook.types import (
    DECIMAL_UNITS,
    INTEGER_UNITS,
    NoRuleInForce,
    Rule,
    Scope,
    Unit,
    UnknownRuleError,
)

_SUGGESTIONS_MAX: Final = 3


class Rulebook:
    """All rules of one jurisdiction; immutable.

    Every question takes a business day, and there is no "latest": a payment of last May is judged
    by what held last May, so that history replays to the same answers.
    """

    __slots__ = ("_rules", "jurisdiction")

    jurisdiction: str
    _rules: Mapping[tuple[str, Scope], tuple[Rule, ...]]

    def __init__(self, jurisdiction: str, rules: Iterable[Rule]) -> None:
        """Arrange rules that were checked by `load_rules`."""
        arranged: dict[tuple[str, Scope], list[Rule]] = {}
        for rule in sorted(rules, key=lambda rule: (rule.key, rule.scope, rule.effective_from)):
            arranged.setdefault((rule.key, rule.scope), []).append(rule)
        self.jurisdiction = jurisdiction
        self._rules = MappingProxyType({name: tuple(found) for name, found in arranged.items()})

    @staticmethod
    def load(jurisdiction: str = "CN") -> "Rulebook":
        """Return the rulebook that ships for a jurisdiction, read once in each process.

        Raises LookupError naming the packs that exist, and RulebookInvalidError with every mistake.
        """
        return _load(jurisdiction)

    @property
    def keys(self) -> frozenset[str]:
        """Return every key that has a rule on some day."""
        return frozenset(key for key, _ in self._rules)

    def rule(self, key: str, on: date, *, scope: Scope | None = None) -> Rule:
        """Return the rule of `key` that was in force on the business day `on`.

        `scope` is needed only for a key that is set for several scopes. Raises UnknownRuleError
        with the most similar keys, NoRuleInForce with the nearest days that have a value, and
        ValueError if several scopes answer and none was named.
        """
        # A datetime would compare with dates only by accident, and its day depends on the zone.
        if type(on) is not date:
            raise TypeError(f"A rule is chosen by a business day, not {type(on).__name__}")
        histories = self._histories(key, scope)
        found = [rule for history in histories if (rule := _in_force(history, on)) is not None]
        if len(found) > 1:
            scopes = ", ".join(rule.scope for rule in found)
            raise ValueError(f"{key} is set for several scopes on {on}; name one of {scopes}")
        if not found:
            raise self._nothing_in_force(key, on, [rule for rules in histories for rule in rules])
        return found[0]

    def amount(self, key: str, on: date, *, scope: Scope | None = None) -> Money:
        """Return the amount of `key` on a day; raises TypeError if it is not one."""
        rule = self.rule(key, on, scope=scope)
        if rule.unit not in CURRENCIES or not isinstance(rule.value, Decimal):
            raise _wrong_type(rule, "an amount")
        return Money.parse(format(rule.value, "f"), rule.unit)

    def integer(self, key: str, on: date, *, scope: Scope | None = None) -> int:
        """Return the count or duration of `key` on a day; raises TypeError if it is not one."""
        rule = self.rule(key, on, scope=scope)
        if rule.unit not in INTEGER_UNITS or not isinstance(rule.value, int):
            raise _wrong_type(rule, "a whole number")
        return rule.value

    def decimal(self, key: str, on: date, *, scope: Scope | None = None) -> Decimal:
        """Return the ratio, rate or multiple of `key` on a day; raises TypeError otherwise."""
        rule = self.rule(key, on, scope=scope)
        if rule.unit not in DECIMAL_UNITS or not isinstance(rule.value, Decimal):
            raise _wrong_type(rule, "a ratio")
        return rule.value

    def flag(self, key: str, on: date, *, scope: Scope | None = None) -> bool:
        """Return the yes or no of `key` on a day; raises TypeError if it is not one."""
        rule = self.rule(key, on, scope=scope)
        if rule.unit != Unit.FLAG or not isinstance(rule.value, bool):
            raise _wrong_type(rule, "a flag")
        return rule.value

    def text(self, key: str, on: date, *, scope: Scope | None = None) -> str:
        """Return the text, pattern, time or date of `key`; raises TypeError if it is not one."""
        rule = self.rule(key, on, scope=scope)
        if not isinstance(rule.value, str):
            raise _wrong_type(rule, "a text")
        return rule.value

    def history(self, key: str) -> tuple[Rule, ...]:
        """Return all rules that `key` ever had, by scope and day; raises UnknownRuleError."""
        return tuple(rule for rules in self._histories(key, None) for rule in rules)

    def list_rules(self, on: date) -> tuple[Rule, ...]:
        """Return all rules in force on a day, by key and scope."""
        chosen = (_in_force(history, on) for history in self._rules.values())
        return tuple(rule for rule in chosen if rule is not None)

    def _histories(self, key: str, scope: Scope | None) -> list[tuple[Rule, ...]]:
        if scope is not None:
            histories = [self._rules[key, scope]] if (key, scope) in self._rules else []
        else:
            histories = [self._rules[key, each] for each in Scope if (key, each) in self._rules]
        if not histories:
            raise self._unknown(key, scope)
        return histories

    def _unknown(self, key: str, scope: Scope | None) -> UnknownRuleError:
        similar = get_close_matches(key, self.keys, n=_SUGGESTIONS_MAX)
        measured = "" if scope is None else f" for the scope {scope}"
        hint = f"; similar keys: {', '.join(similar)}" if similar else ""
        return UnknownRuleError(
            f"The {self.jurisdiction} rulebook has no key {key!r}{measured}{hint}"
        )

    def _nothing_in_force(self, key: str, on: date, rules: list[Rule]) -> NoRuleInForce:
        ended = [
            rule.effective_to for rule in rules if rule.effective_to and rule.effective_to <= on
        ]
        starting = [rule.effective_from for rule in rules if rule.effective_from > on]
        nearest: dict[str, object] = {}
        parts = []
        if ended:
            nearest["ended_on"] = max(ended).isoformat()
            parts.append(f"the previous value was in force until before {max(ended)}")
        if starting:
            nearest["starts_on"] = min(starting).isoformat()
            parts.append(f"the next value starts on {min(starting)}")
        return NoRuleInForce(
            f"{key} has no value on {on}: {' and '.join(parts)}",
            context={"key": key, "on": on.isoformat(), **nearest},
        )


def _in_force(history: tuple[Rule, ...], on: date) -> Rule | None:
    """Return the rule of one key and scope on a day; the periods are sorted and do not overlap."""
    position = bisect_right(history, on, key=lambda rule: rule.effective_from) - 1
    if position >= 0 and history[position].is_in_force(on):
        return history[position]
    return None


def _wrong_type(rule: Rule, wanted: str) -> TypeError:
    return TypeError(f"{rule.key} is not {wanted}: its unit is {rule.unit}")


@cache
def _load(jurisdiction: str) -> Rulebook:
    return Rulebook(jurisdiction, load_rules(jurisdiction))
