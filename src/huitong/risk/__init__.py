"""Risk: what may happen, decided in real time and recorded with what it was decided from.

`decisioning` owns online features, rules, lists, models and the decisions themselves; `fraud` owns
the model of payment fraud, its training and evaluation, and the cases that people work on.

**Rules.** A set of rules is a document that `read_rules` compiles against the features of its
purpose; `RuleSet.assess` runs it over a batch, `run_backtest` over a table of history in DuckDB.
Versions live by `save_rules`, `shadow_rules`, `record_backtest`, `set_rules_live`, `retire_rules`;
`RuleCache` holds what decides in a process. **Lists.** `ListCache` knows who is on one, and
`change_list` changes them when two people agreed. **Decisions.** `PaymentDecider` decides about a
batch, `make_records` and `make_update` are the statements that go with the posting, `get_decision`,
`explain_decision` and `replay_decision` are for afterwards. `Decider` decides about what is not a
payment from features that its room computes, and `record_decisions` writes that down. `put_labels`
takes what became known of decisions. `score_log_ins` says how unlike a login's habits log-ins are.
"""

from huitong.risk.decisioning.decisions.batches import decide_batch
from huitong.risk.decisioning.decisions.deciding import Decider, record_decisions
from huitong.risk.decisioning.decisions.engine import (
    PaymentDecider,
    PaymentSubject,
    make_records,
    make_update,
)
from huitong.risk.decisioning.decisions.queries import (
    DecisionNotFound,
    DecisionNotReplayable,
    Replay,
    explain_decision,
    get_decision,
    list_decisions,
    name_values,
    replay_decision,
    show_decision,
)
from huitong.risk.decisioning.decisions.types import Decision, Fallback, Listed, Reason, Value
from huitong.risk.decisioning.features.columns import PAYMENT_FEATURES
from huitong.risk.decisioning.features.facts import PaymentFacts
from huitong.risk.decisioning.rules.backtests.running import (
    HistoryUnusableError,
    Period,
    run_backtest,
)
from huitong.risk.decisioning.rules.backtests.types import BacktestResult, RuleResult, Share
from huitong.risk.decisioning.rules.commands import (
    check_can_go_live,
    get_backtest,
    get_rule_version,
    list_rule_versions,
    record_backtest,
    retire_rules,
    save_rules,
    set_rules_live,
    shadow_rules,
)
from huitong.risk.decisioning.rules.defaults.loading import (
    NamedFeature,
    default_catalogue,
    default_rules,
    list_features,
)
from huitong.risk.decisioning.rules.errors import (
    BacktestMissing,
    ListEntryNotFound,
    RulesAltered,
    RulesNotLoaded,
    RuleStateRefused,
    RuleVersionNotFound,
)
from huitong.risk.decisioning.rules.language.checking import Catalogue, check_predicate
from huitong.risk.decisioning.rules.lists.changing import (
    ListChange,
    change_list,
    check_list_change,
    find_listed,
    list_entries,
    read_list_change,
    show_list_change,
)
from huitong.risk.decisioning.rules.lists.list_cache import ListCache
from huitong.risk.decisioning.rules.lists.types import Entity, EntityKind, ListEntry, ListKind
from huitong.risk.decisioning.rules.programs.duckdb_sql import COLUMN_TYPES
from huitong.risk.decisioning.rules.programs.program import check_features
from huitong.risk.decisioning.rules.rule_cache import CompiledVersion, Deciding, RuleCache
from huitong.risk.decisioning.rules.rule_sets import (
    Assessment,
    RuleSet,
    read_rules,
    reload_rules,
    report_failures,
    show_rule,
)
from huitong.risk.decisioning.rules.types import Backtest, Purpose, Rule, RuleState, RuleVersion
from huitong.risk.decisioning.types import Action, Column, Features, FeatureType
from huitong.risk.fraud.evaluate import evaluate_fraud, evaluate_log_ins
from huitong.risk.fraud.labels import Label, LabelSource, find_labels, put_labels
from huitong.risk.fraud.log_ins.score import LogInCounts, LogInScores, score_log_ins

__all__ = [
    "COLUMN_TYPES",
    "PAYMENT_FEATURES",
    "Action",
    "Assessment",
    "Backtest",
    "BacktestMissing",
    "BacktestResult",
    "Catalogue",
    "Column",
    "CompiledVersion",
    "Decider",
    "Deciding",
    "Decision",
    "DecisionNotFound",
    "DecisionNotReplayable",
    "Entity",
    "EntityKind",
    "Fallback",
    "FeatureType",
    "Features",
    "HistoryUnusableError",
    "Label",
    "LabelSource",
    "ListCache",
    "ListChange",
    "ListEntry",
    "ListEntryNotFound",
    "ListKind",
    "Listed",
    "LogInCounts",
    "LogInScores",
    "NamedFeature",
    "PaymentDecider",
    "PaymentFacts",
    "PaymentSubject",
    "Period",
    "Purpose",
    "Reason",
    "Replay",
    "Rule",
    "RuleCache",
    "RuleResult",
    "RuleSet",
    "RuleState",
    "RuleStateRefused",
    "RuleVersion",
    "RuleVersionNotFound",
    "RulesAltered",
    "RulesNotLoaded",
    "Share",
    "Value",
    "change_list",
    "check_can_go_live",
    "check_features",
    "check_list_change",
    "check_predicate",
    "decide_batch",
    "default_catalogue",
    "default_rules",
    "evaluate_fraud",
    "evaluate_log_ins",
    "explain_decision",
    "find_labels",
    "find_listed",
    "get_backtest",
    "get_decision",
    "get_rule_version",
    "list_decisions",
    "list_entries",
    "list_features",
    "list_rule_versions",
    "make_records",
    "make_update",
    "name_values",
    "put_labels",
    "read_list_change",
    "read_rules",
    "record_backtest",
    "record_decisions",
    "reload_rules",
    "replay_decision",
    "report_failures",
    "retire_rules",
    "run_backtest",
    "save_rules",
    "score_log_ins",
    "set_rules_live",
    "shadow_rules",
    "show_decision",
    "show_list_change",
    "show_rule",
]
