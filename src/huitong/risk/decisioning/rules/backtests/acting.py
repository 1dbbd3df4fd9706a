"""The action that a set of rules asks for, as one expression of SQL."""

from huitong.risk.decisioning.rules.programs.duckdb_sql import render
from huitong.risk.decisioning.rules.rule_sets import RuleSet
from huitong.risk.decisioning.types import Action


def write_action(rules: RuleSet) -> str:
    """Return what yields each row's hardest action, 0 to 4; a rule that fails asks for a review."""
    parts, failures = ["0"], []
    for rule, predicate in zip(rules.rules, rules.predicates, strict=True):
        if predicate is None:
            failures.append("TRUE")
            continue
        sql = render(predicate)
        parts.append(f"CASE WHEN ({sql.value}) IS TRUE THEN {int(rule.action)} ELSE 0 END")
        failures.append(sql.failed)
    if failures:
        parts.append(f"CASE WHEN {' OR '.join(failures)} THEN {int(Action.REVIEW)} ELSE 0 END")
    return f"CAST(greatest({', '.join(parts)}) AS TINYINT)"
