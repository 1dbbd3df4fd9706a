"""Risk: what may happen, decided in real time and recorded with what it was decided from.

`decisioning` owns online features, rules, lists, models and the decisions themselves; `fraud` owns
the model of payment fraud, its training and evaluation, and the cases that people work on; `credit`
owns scorecards, grades, limits and prices, classes and expected loss, and early warning.

**Rules.** A set of rules is a document that `read_rules` compiles against the features of its
purpose; `RuleSet.assess` runs it over a batch, `run_backtest` over a table of history in DuckDB.
Versions live by `save_rules`, `shadow_rules`, `record_backtest`, `set_rules_live`, `retire_rules`;
`request_backtest` has a worker test one over stored decisions, `backtest_now` does it here;
`RuleCache` holds what decides in a process. **Lists.** `ListCache` knows who is on one, and
`change_list` changes them when two people agreed. **Decisions.** `PaymentDecider` decides about a
batch, `make_records` and `make_update` are the statements that go with the posting, `get_decision`,
`explain_decision` and `replay_decision` are for afterwards. `Decider` decides about what is not a
payment from features that its room computes, and `record_decisions` writes that down. `put_labels`
takes what became known of decisions. `score_log_ins` says how unlike a login's habits log-ins are.

**Models.** `train_on_platform` and
`train_on_simulator` make one, `register_model` keeps it in the shadow, `install_start_model` gives
a new installation its first; `set_model_status` and `reuse_model` take two people; `ModelCache`
holds what scores in a process, `watch_models` measures drift and decay.
**Tables.** `read_table` compiles a decision table against the
schema of its name; `save_table`, `set_table_live` and `retire_table` are its life, `ask_table`
answers by the one that is live.
**Credit.** `score_application` gives points, probability, grade and reasons by a `Scorecard`, the
shipped one or the champion of `load_scorecard`; `propose_terms` a limit and price,
`propose_adjustment` their change. `grade_assets`, `reckon_special_provisions` and `reckon_losses`
work over columns of loans; `warn_of_borrowers`, `find_concentrations` and `find_bad_vintages` warn.
`evaluate_credit` measures models on public data.
**Cases.** Decisions that people should look at raise alerts in their own transaction;
`group_alerts` puts them into cases by who took part and what links them. `assign_case`,
`release_case`, `add_note` and `close_case` are the work, `draw_case` is the graph.
`overturn_decision` says that a decision was wrong, when two people agreed.
"""

from huitong.risk.credit.assets.adequacy import Adequacy, check_provisions
from huitong.risk.credit.assets.classes import (
    AssetClass,
    AssetColumns,
    grade_assets,
    reckon_special_provisions,
)
from huitong.risk.credit.assets.losses import LossColumns, Losses, find_stages, reckon_losses
from huitong.risk.credit.assets.scenarios import Scenario, list_scenarios
from huitong.risk.credit.assets.stages import StageColumns, settle_stages
from huitong.risk.credit.doors import (
    CREDIT_DATA_SETS,
    evaluate_credit,
    make_credit_bench,
    train_start_scorecard,
)
from huitong.risk.credit.grading import Grade
from huitong.risk.credit.lines.adjusting import (
    Adjustment,
    CreditLine,
    MonthEnd,
    propose_adjustment,
)
from huitong.risk.credit.lines.terms import (
    Ability,
    Bound,
    PriceAboveCeiling,
    Terms,
    propose_terms,
)
from huitong.risk.credit.lines.warnings import (
    WARNING_TEXTS,
    BorrowerColumns,
    WarningSign,
    find_bad_vintages,
    find_concentrations,
    warn_of_borrowers,
)
from huitong.risk.credit.protected import ProtectedAttribute, is_protected
from huitong.risk.credit.scorecards.registering import (
    CREDIT_MODEL_NAME,
    ScorecardNotLive,
    load_scorecard,
    measure_stability,
)
from huitong.risk.credit.scorecards.scoring import Feature, PointsLost, score_columns
from huitong.risk.credit.scorecards.types import Scorecard, read_scorecard, write_scorecard
from huitong.risk.credit.scorecards.watching import (
    ScoredApplications,
    is_scorecard_out,
    watch_scorecard,
)
from huitong.risk.credit.scoring import CreditScore, score_application
from huitong.risk.credit.starting.features import APPLICATION_FEATURES, ApplicationFeature
from huitong.risk.credit.starting.shipping import start_scorecard
from huitong.risk.decisioning.backtesting.commands import (
    BACKTEST_JOB,
    BacktestNotFound,
    BacktestRunning,
    backtest_now,
    get_backtest_run,
    perform_backtest,
    request_backtest,
)
from huitong.risk.decisioning.backtesting.history import (
    Exported,
    FindParties,
    Say,
    export_history,
)
from huitong.risk.decisioning.backtesting.types import BacktestRun, RunState
from huitong.risk.decisioning.decisions.batches import decide_batch
from huitong.risk.decisioning.decisions.breaker import Breaker
from huitong.risk.decisioning.decisions.deciding import Decider, record_decisions
from huitong.risk.decisioning.decisions.engine import (
    PaymentDecider,
    PaymentSubject,
    make_records,
    make_update,
)
from huitong.risk.decisioning.decisions.overturns import Overturn, find_overturn
from huitong.risk.decisioning.decisions.queries import (
    DecisionNotFound,
    DecisionNotReplayable,
    Replay,
    count_actions,
    explain_decision,
    get_decision,
    list_decisions,
    name_values,
    replay_decision,
    show_decision,
)
from huitong.risk.decisioning.decisions.telling import CHECKS_NOT_PASSED
from huitong.risk.decisioning.decisions.types import (
    Decision,
    Fallback,
    Listed,
    Participant,
    Reason,
    Scoring,
    Side,
    Value,
)
from huitong.risk.decisioning.features.columns import PAYMENT_FEATURES
from huitong.risk.decisioning.features.facts import PaymentFacts
from huitong.risk.decisioning.models.alarms import (
    AlarmCause,
    ModelAlarm,
    ModelNotOut,
    check_can_reuse,
    list_alarms,
    reuse_model,
)
from huitong.risk.decisioning.models.fairness import ModelUnfair
from huitong.risk.decisioning.models.model_cache import (
    MODEL_NAMES,
    ModelCache,
    ServedModel,
    ServedModels,
)
from huitong.risk.decisioning.models.registry import (
    ModelDamaged,
    ModelNotFound,
    ModelStatusConflict,
    ModelUntried,
    check_model_status,
    get_model,
    install_first_model,
    list_models,
    register_model,
    set_model_status,
)
from huitong.risk.decisioning.models.serving import FallbackReason
from huitong.risk.decisioning.models.types import ModelStatus, RegisteredModel, TrainedModel
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
from huitong.risk.decisioning.rules.lists.types import (
    Entity,
    EntityKind,
    ListEntry,
    ListKind,
    number_address,
)
from huitong.risk.decisioning.rules.programs.duckdb_sql import COLUMN_TYPES
from huitong.risk.decisioning.rules.programs.program import check_features
from huitong.risk.decisioning.rules.rule_cache import CompiledVersion, Deciding, RuleCache
from huitong.risk.decisioning.rules.rule_sets import (
    Assessment,
    RuleSet,
    read_rules,
    read_stored_rules,
    reload_rules,
    report_failures,
    show_rule,
)
from huitong.risk.decisioning.rules.types import Backtest, Purpose, Rule, RuleState, RuleVersion
from huitong.risk.decisioning.tables.asking import (
    AnswerReplay,
    ask_table,
    get_table_answer,
    replay_table_answer,
    try_table,
)
from huitong.risk.decisioning.tables.commands import (
    check_table_can_go_live,
    get_table_version,
    list_table_versions,
    retire_table,
    save_table,
    set_table_live,
)
from huitong.risk.decisioning.tables.decision_table import (
    DecisionTable,
    FailedTest,
    show_schema,
    show_table,
    show_values,
)
from huitong.risk.decisioning.tables.errors import (
    NoRowHit,
    TableAltered,
    TableAnswerNotFound,
    TableNotLive,
    TableStateRefused,
    TableTestsFailed,
    TableTooSlow,
    TableVersionNotFound,
)
from huitong.risk.decisioning.tables.reading import read_table, reload_table
from huitong.risk.decisioning.tables.schemas import default_table, get_schema, list_schemas
from huitong.risk.decisioning.tables.types import (
    HitPolicy,
    TableAnswer,
    TableField,
    TableSchema,
    TableType,
    TableVersion,
)
from huitong.risk.decisioning.types import Action, Column, Features, FeatureType
from huitong.risk.decisioning.versions.types import VersionState
from huitong.risk.decisioning.watching.store import list_drift, list_weeks
from huitong.risk.decisioning.watching.types import DriftMeasure, WeekMeasure
from huitong.risk.decisioning.watching.watching import watch_models
from huitong.risk.fraud.cases.commands import (
    Finding,
    add_note,
    assign_case,
    check_can_propose,
    close_case,
    note_proposal,
    release_case,
)
from huitong.risk.fraud.cases.errors import (
    AlreadyOverturned,
    CaseChanged,
    CaseClosed,
    CaseNotFound,
    CaseNotTaken,
    CaseTaken,
    NothingToOverturn,
)
from huitong.risk.fraud.cases.grouping import group_alerts
from huitong.risk.fraud.cases.links import Link, LinkSource, LinkType, Seen
from huitong.risk.fraud.cases.overturning import (
    Overturnable,
    check_can_overturn,
    overturn_decision,
)
from huitong.risk.fraud.cases.queries import (
    CaseGraph,
    count_ungrouped,
    draw_case,
    find_people_in_cases,
    get_case,
    list_case_alerts,
    list_case_entries,
    list_cases,
)
from huitong.risk.fraud.cases.retention import CaseNotes, OldLinks
from huitong.risk.fraud.cases.types import (
    Alert,
    Case,
    CaseState,
    Entry,
    EntryType,
    Outcome,
    Queue,
)
from huitong.risk.fraud.evaluate import evaluate_fraud, evaluate_log_ins
from huitong.risk.fraud.labels import Label, LabelSource, find_labels, label_rejected, put_labels
from huitong.risk.fraud.log_ins.score import LogInCounts, LogInScores, score_log_ins
from huitong.risk.fraud.shipping import install_start_model, write_model
from huitong.risk.fraud.train import train_on_platform, train_on_simulator

__all__ = [
    "APPLICATION_FEATURES",
    "BACKTEST_JOB",
    "CHECKS_NOT_PASSED",
    "COLUMN_TYPES",
    "CREDIT_DATA_SETS",
    "CREDIT_MODEL_NAME",
    "MODEL_NAMES",
    "PAYMENT_FEATURES",
    "WARNING_TEXTS",
    "Ability",
    "Action",
    "Adequacy",
    "Adjustment",
    "AlarmCause",
    "Alert",
    "AlreadyOverturned",
    "AnswerReplay",
    "ApplicationFeature",
    "Assessment",
    "AssetClass",
    "AssetColumns",
    "Backtest",
    "BacktestMissing",
    "BacktestNotFound",
    "BacktestResult",
    "BacktestRun",
    "BacktestRunning",
    "BorrowerColumns",
    "Bound",
    "Breaker",
    "Case",
    "CaseChanged",
    "CaseClosed",
    "CaseGraph",
    "CaseNotFound",
    "CaseNotTaken",
    "CaseNotes",
    "CaseState",
    "CaseTaken",
    "Catalogue",
    "Column",
    "CompiledVersion",
    "CreditLine",
    "CreditScore",
    "Decider",
    "Deciding",
    "Decision",
    "DecisionNotFound",
    "DecisionNotReplayable",
    "DecisionTable",
    "DriftMeasure",
    "Entity",
    "EntityKind",
    "Entry",
    "EntryType",
    "Exported",
    "FailedTest",
    "Fallback",
    "FallbackReason",
    "Feature",
    "FeatureType",
    "Features",
    "FindParties",
    "Finding",
    "Grade",
    "HistoryUnusableError",
    "HitPolicy",
    "Label",
    "LabelSource",
    "Link",
    "LinkSource",
    "LinkType",
    "ListCache",
    "ListChange",
    "ListEntry",
    "ListEntryNotFound",
    "ListKind",
    "Listed",
    "LogInCounts",
    "LogInScores",
    "LossColumns",
    "Losses",
    "ModelAlarm",
    "ModelCache",
    "ModelDamaged",
    "ModelNotFound",
    "ModelNotOut",
    "ModelStatus",
    "ModelStatusConflict",
    "ModelUnfair",
    "ModelUntried",
    "MonthEnd",
    "NamedFeature",
    "NoRowHit",
    "NothingToOverturn",
    "OldLinks",
    "Outcome",
    "Overturn",
    "Overturnable",
    "Participant",
    "PaymentDecider",
    "PaymentFacts",
    "PaymentSubject",
    "Period",
    "PointsLost",
    "PriceAboveCeiling",
    "ProtectedAttribute",
    "Purpose",
    "Queue",
    "Reason",
    "RegisteredModel",
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
    "RunState",
    "Say",
    "Scenario",
    "Scorecard",
    "ScorecardNotLive",
    "ScoredApplications",
    "Scoring",
    "Seen",
    "ServedModel",
    "ServedModels",
    "Share",
    "Side",
    "StageColumns",
    "TableAltered",
    "TableAnswer",
    "TableAnswerNotFound",
    "TableField",
    "TableNotLive",
    "TableSchema",
    "TableStateRefused",
    "TableTestsFailed",
    "TableTooSlow",
    "TableType",
    "TableVersion",
    "TableVersionNotFound",
    "Terms",
    "TrainedModel",
    "Value",
    "VersionState",
    "WarningSign",
    "WeekMeasure",
    "add_note",
    "ask_table",
    "assign_case",
    "backtest_now",
    "change_list",
    "check_can_go_live",
    "check_can_overturn",
    "check_can_propose",
    "check_can_reuse",
    "check_features",
    "check_list_change",
    "check_model_status",
    "check_predicate",
    "check_provisions",
    "check_table_can_go_live",
    "close_case",
    "count_actions",
    "count_ungrouped",
    "decide_batch",
    "default_catalogue",
    "default_rules",
    "default_table",
    "draw_case",
    "evaluate_credit",
    "evaluate_fraud",
    "evaluate_log_ins",
    "explain_decision",
    "export_history",
    "find_bad_vintages",
    "find_concentrations",
    "find_labels",
    "find_listed",
    "find_overturn",
    "find_people_in_cases",
    "find_stages",
    "get_backtest",
    "get_backtest_run",
    "get_case",
    "get_decision",
    "get_model",
    "get_rule_version",
    "get_schema",
    "get_table_answer",
    "get_table_version",
    "grade_assets",
    "group_alerts",
    "install_first_model",
    "install_start_model",
    "is_protected",
    "is_scorecard_out",
    "label_rejected",
    "list_alarms",
    "list_case_alerts",
    "list_case_entries",
    "list_cases",
    "list_decisions",
    "list_drift",
    "list_entries",
    "list_features",
    "list_models",
    "list_rule_versions",
    "list_scenarios",
    "list_schemas",
    "list_table_versions",
    "list_weeks",
    "load_scorecard",
    "make_credit_bench",
    "make_records",
    "make_update",
    "measure_stability",
    "name_values",
    "note_proposal",
    "number_address",
    "overturn_decision",
    "perform_backtest",
    "propose_adjustment",
    "propose_terms",
    "put_labels",
    "read_list_change",
    "read_rules",
    "read_scorecard",
    "read_stored_rules",
    "read_table",
    "reckon_losses",
    "reckon_special_provisions",
    "record_backtest",
    "record_decisions",
    "register_model",
    "release_case",
    "reload_rules",
    "reload_table",
    "replay_decision",
    "replay_table_answer",
    "report_failures",
    "request_backtest",
    "retire_rules",
    "retire_table",
    "reuse_model",
    "run_backtest",
    "save_rules",
    "save_table",
    "score_application",
    "score_columns",
    "score_log_ins",
    "set_model_status",
    "set_rules_live",
    "set_table_live",
    "settle_stages",
    "shadow_rules",
    "show_decision",
    "show_list_change",
    "show_rule",
    "show_schema",
    "show_table",
    "show_values",
    "start_scorecard",
    "train_on_platform",
    "train_on_simulator",
    "train_start_scorecard",
    "try_table",
    "warn_of_borrowers",
    "watch_models",
    "watch_scorecard",
    "write_model",
    "write_scorecard",
]
