"""Reading the default rules, with the rulebook's thresholds of a day, and the names of features."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any, Final

from huitong.kernel.currencies import CURRENCIES
from huitong.kernel.rulebook import Rulebook, Unit
from huitong.kernel.yaml_text import read_yaml
from huitong.risk.decisioning.rules.types import Purpose
from huitong.risk.decisioning.types import FeatureType

_FOLDER: Final = "huitong.risk.decisioning.rules.defaults"
_KEY: Final = re.compile(r"\{([a-z0-9_.]+)(?: \* ([0-9]+))?\}")


@dataclass(frozen=True, slots=True)
class NamedFeature:
    """A feature that rules may name, and what it is, in a line."""

    type: FeatureType
    meaning: str


def list_features(purpose: Purpose) -> Mapping[str, NamedFeature]:
    """Return the features of a purpose by name; none where no rules are shipped."""
    return _read_features().get(purpose, {})


def default_catalogue(purpose: Purpose) -> dict[str, FeatureType]:
    """Return the types of those features, as rules are checked against."""
    return {name: each.type for name, each in list_features(purpose).items()}


def default_rules(purpose: Purpose, rulebook: Rulebook, on: date) -> list[dict[str, Any]]:
    """Return the default rules of a purpose as a document, with the thresholds of a business day.

    Raises UnknownRuleError and NoRuleInForce for a threshold that the rulebook does not have.
    """
    return [
        {**rule, "predicate": _fill(rule["predicate"], rulebook, on)}
        for rule in _read("rules.yaml").get(purpose.value, [])
    ]


def fill_thresholds(given: Any, rulebook: Rulebook, on: date) -> Any:
    """Return a document with every `{rule.key}` in its texts replaced by the rulebook's value.

    Amounts become minor units, `{rule.key * 12}` is a multiple of a whole number, and texts become
    a list of quoted ones. Raises UnknownRuleError and NoRuleInForce.
    """
    if isinstance(given, str):
        return _fill(given, rulebook, on)
    if isinstance(given, list):
        return [fill_thresholds(each, rulebook, on) for each in given]
    if isinstance(given, dict):
        return {name: fill_thresholds(each, rulebook, on) for name, each in given.items()}
    return given


def _fill(predicate: str, rulebook: Rulebook, on: date) -> str:
    return _KEY.sub(
        lambda found: _show(rulebook, found[1], on, times=int(found[2] or 1)), predicate
    )


def _show(rulebook: Rulebook, key: str, on: date, *, times: int) -> str:
    rule = rulebook.rule(key, on)
    if times != 1:
        return str(rulebook.integer(key, on) * times)
    if rule.unit == Unit.TEXTS:
        assert isinstance(rule.value, tuple)
        return ", ".join(f'"{each}"' for each in rule.value)
    if rule.unit in CURRENCIES:
        return str(rulebook.amount(key, on).minor)
    if not isinstance(rule.value, bool | int):
        return format(rulebook.decimal(key, on), "f")
    return str(rule.value).lower()


@cache
def _read_features() -> dict[Purpose, dict[str, NamedFeature]]:
    return {
        Purpose(purpose): {
            name: NamedFeature(FeatureType(given["type"]), given["is"])
            for name, given in features.items()
        }
        for purpose, features in _read("features.yaml").items()
    }


@cache
def _read(name: str) -> dict[str, Any]:
    document: dict[str, Any] = read_yaml((files(_FOLDER) / name).read_text(encoding="utf-8"))
    return document
