"""Sets of rules: reading them strictly, and deciding by all of them at once."""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from huitong.kernel import limits
from huitong.kernel.errors import InvalidField
from huitong.kernel.logs import get_logger
from huitong.kernel.metrics import RULE_FAILURES
from huitong.risk.decisioning.rules.language.checking import Catalogue, check_predicate
from huitong.risk.decisioning.rules.language.tree import Node
from huitong.risk.decisioning.rules.programs.program import Program
from huitong.risk.decisioning.rules.types import Purpose, Rule, RuleVersion
from huitong.risk.decisioning.types import Action, Features

_log = get_logger(__name__)
_KEY_SHAPE: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")
_ACTIONS: Final = {each.code: each for each in Action if each is not Action.ALLOW}
_TEXTS: Final = ("predicate", "reason_zh", "reason_en", "source")


@dataclass(frozen=True, slots=True, eq=False)
class Assessment:
    """What a set says of a batch.

    `hits` and `failed` have a row for each rule and a column for each row of the batch; `failed` is
    None where nothing failed. `actions` holds each row's hardest action, where a rule that failed
    counts as `review`; `weights` the sum of the weights of what hit.
    """

    hits: NDArray[np.bool_]
    failed: NDArray[np.bool_] | None
    actions: NDArray[np.int64]
    weights: NDArray[np.int64]


class RuleSet:
    """Rules that were checked, and their program."""

    def __init__(self, rules: Sequence[Rule], predicates: Sequence[Node | None]) -> None:
        """Compile; None in place of a predicate is a rule that fails on every row."""
        self.rules = tuple(rules)
        self.predicates = tuple(predicates)
        self._sound = [at for at, each in enumerate(predicates) if each is not None]
        self._program = Program([each for each in predicates if each is not None])
        # Narrow, and doubles, because numpy multiplies these fastest; sums of weights stay exact.
        self._actions = np.array([rule.action for rule in rules], np.uint8).reshape(-1, 1)
        self._weights = np.array([rule.weight for rule in rules], np.float64)

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the features that the rules look at."""
        return self._program.columns

    @property
    def broken(self) -> tuple[Rule, ...]:
        """The rules that do not compile any more, and fail on every row."""
        return tuple(
            rule
            for rule, predicate in zip(self.rules, self.predicates, strict=True)
            if predicate is None
        )

    def assess(self, features: Features, *, rows: int) -> Assessment:
        """Return what the rules say of a batch of so many rows.

        Raises ValueError for a feature that is missing or not as the catalogue says.
        """
        said = self._program.run(features, rows=rows)
        hits, failed = said.hits, said.failed
        if len(self._sound) < len(self.rules):
            hits = np.zeros((len(self.rules), rows), np.bool_)
            hits[self._sound] = said.hits
            failed = np.ones((len(self.rules), rows), np.bool_)
            failed[self._sound] = False if said.failed is None else said.failed
        if failed is None and not hits.any():
            return Assessment(hits, None, *np.zeros((2, rows), np.int64))
        actions = (hits * self._actions).max(axis=0, initial=Action.ALLOW)
        weights = (self._weights @ hits).astype(np.int64)
        if failed is not None:
            actions = np.where(failed.any(axis=0), np.maximum(actions, Action.REVIEW), actions)
        return Assessment(hits, failed, actions.astype(np.int64), weights)


def read_rules(document: object, catalogue: Catalogue) -> RuleSet:
    """Return the set that a document (a list of objects) writes, compiled.

    Raises InvalidField naming the part (`rules[3].predicate`), with line and column for a
    predicate.
    """
    if not isinstance(document, list) or not 1 <= len(document) <= limits.RULES_IN_SET_MAX:
        detail = f"must be a list of 1 to {limits.RULES_IN_SET_MAX} rules"
        raise InvalidField(detail, field="rules")
    rules: list[Rule] = []
    predicates: list[Node | None] = []
    seen: set[str] = set()
    for number, given in enumerate(document):
        field = f"rules[{number}]"
        rule = _read_rule(given, field)
        if rule.key in seen:
            raise InvalidField("is the key of two rules", field=f"{field}.key")
        seen.add(rule.key)
        rules.append(rule)
        predicates.append(check_predicate(rule.predicate, catalogue, field=f"{field}.predicate"))
    return RuleSet(rules, predicates)


def reload_rules(rules: str, catalogue: Catalogue) -> RuleSet:
    """Return a stored set, compiled for the features of today.

    A rule whose features are gone fails on every row, which makes each of them a review: it was
    live, and must not be passed over without a word. See `RuleSet.broken`.
    """
    kept = [_read_rule(each, "rules") for each in msgspec.json.decode(rules)]
    return RuleSet(kept, [_recheck(rule, catalogue) for rule in kept])


def read_stored_rules(version: RuleVersion) -> list[dict[str, Any]]:
    """Return the rules of a version as `read_rules` takes them."""
    document: list[dict[str, Any]] = msgspec.json.decode(version.rules)
    return document


def write_rules(rules: Iterable[Rule]) -> str:
    """Return rules as canonical JSON; raises InvalidField if it is too long."""
    shown = [show_rule(rule) for rule in rules]
    text = msgspec.json.encode(shown, order="sorted").decode()
    if len(text.encode()) > limits.RULE_SET_BYTES_MAX:
        raise InvalidField(f"must have at most {limits.RULE_SET_BYTES_MAX} bytes", field="rules")
    return text


def show_rule(rule: Rule) -> dict[str, object]:
    """Return a rule as `read_rules` takes it."""
    return {
        "key": rule.key,
        "predicate": rule.predicate,
        "action": rule.action.code,
        "weight": rule.weight,
        "reason_zh": rule.reason_zh,
        "reason_en": rule.reason_en,
        "source": rule.source,
    }


def digest_rules(rules: str) -> str:
    """Return the SHA-256 of rules as they are stored, 64 hexadecimal digits."""
    return hashlib.sha256(rules.encode()).hexdigest()


def report_failures(rules: RuleSet, said: Assessment, *, purpose: Purpose) -> None:
    """Raise the alarm for rules that failed: a count for each purpose, a line for each rule."""
    if said.failed is None:
        return
    for rule, rows in zip(rules.rules, said.failed.sum(axis=1).tolist(), strict=True):
        if rows:
            RULE_FAILURES.labels(purpose.value).inc(rows)
            _log.error("rule_failed", purpose=purpose.value, rule=rule.key, rows=rows)


def _recheck(rule: Rule, catalogue: Catalogue) -> Node | None:
    try:
        return check_predicate(rule.predicate, catalogue)
    except InvalidField:
        return None


def _read_rule(given: object, field: str) -> Rule:
    wanted = {"key", "action", "weight", *_TEXTS}
    if not isinstance(given, Mapping) or set(given) != wanted:
        raise InvalidField(f"must have exactly {', '.join(sorted(wanted))}", field=field)
    key, action, weight = given["key"], given["action"], given["weight"]
    if not (isinstance(key, str) and _KEY_SHAPE.fullmatch(key)):
        raise InvalidField("must be 1 to 64 of a-z, 0-9 and _", field=f"{field}.key")
    if not (isinstance(action, str) and action in _ACTIONS):
        raise InvalidField(f"must be among {', '.join(_ACTIONS)}", field=f"{field}.action")
    if type(weight) is not int or not 0 <= weight <= limits.RULE_WEIGHT_MAX:
        raise InvalidField(
            f"must be a whole number from 0 to {limits.RULE_WEIGHT_MAX}", field=f"{field}.weight"
        )
    texts = {name: _read_text(given[name], f"{field}.{name}") for name in _TEXTS}
    return Rule(key=key, action=_ACTIONS[action], weight=weight, **texts)


def _read_text(given: Any, field: str) -> str:
    if not isinstance(given, str):
        raise InvalidField("must be text", field=field)
    # A predicate is checked by itself, and may have lines.
    if not field.endswith(".predicate"):
        is_fit = given.strip() and given.isprintable()
        if not is_fit or len(given) > limits.RULE_REASON_LENGTH_MAX:
            raise InvalidField(
                f"must be readable text of 1 to {limits.RULE_REASON_LENGTH_MAX} characters",
                field=field,
            )
    return given
