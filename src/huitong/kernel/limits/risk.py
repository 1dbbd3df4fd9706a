"""Risk: rules, lists, models, back-tests, cases."""

from typing import Final

# Rules of risk, lists and back-tests.
RULE_PREDICATE_LENGTH_MAX: Final = 2_000
RULE_DEPTH_MAX: Final = 8
RULE_NODES_MAX: Final = 256
RULE_VALUES_MAX: Final = 64
RULE_SUGGESTIONS_MAX: Final = 3
RULE_WEIGHT_MAX: Final = 1_000
RULE_REASON_LENGTH_MAX: Final = 300
RULE_VARIANTS_MAX: Final = 64
RULE_KERNELS_MAX: Final = 1_024
RULES_IN_SET_MAX: Final = 200
RULE_SET_BYTES_MAX: Final = 1_048_576
RULE_VERSIONS_MAX: Final = 10_000
# Each may hold a megabyte.
RULE_VERSIONS_PAGE: Final = 10
# How long a process may decide by rules that it has not asked about again.
RULE_NEWS_INTERVAL_SECONDS: Final = 0.5
RULE_NEWS_SECONDS_MAX: Final = 5.0
LIST_CHANGES_MAX: Final = 100
LIST_REASON_LENGTH_MAX: Final = 300
LIST_DAYS_MAX: Final = 3_660
LISTED_AT_ONCE_MAX: Final = 100_000
BACKTEST_PATTERNS_MAX: Final = 50_000
LABELS_AT_ONCE_MAX: Final = 10_000
# Some forty features of each are in memory at once, as doubles.
LOG_INS_EVALUATED_MAX: Final = 2_000_000
BACKTEST_DAYS_MAX: Final = 366
BACKTEST_EXAMPLES_MAX: Final = 10
# A run that was begun so long ago will not end any more.
BACKTEST_RUN_HOURS_MAX: Final = 6
BACKTEST_ERROR_LENGTH_MAX: Final = 500
BACKTEST_MEMORY_MB_MAX: Final = 1_024
BACKTEST_THREADS_MAX: Final = 2
# One row group of a table of history: decisions that are in memory at a time.
HISTORY_ROWS_AT_ONCE: Final = 20_000
# Decision tables.
TABLE_BYTES_MAX: Final = 1_048_576
TABLE_ROWS_MAX: Final = 200
TABLE_TESTS_MAX: Final = 200
TABLE_CELL_LENGTH_MAX: Final = 500
TABLE_CELL_PARTS_MAX: Final = 64
TABLE_TEXT_LENGTH_MAX: Final = 200
# Digits of a number in a table: the engine computes with 96 bits and rounds what has more.
TABLE_DIGITS_MAX: Final = 18
# How many boxes the check of what rows leave over may need, before it says that it does not know.
TABLE_BOXES_MAX: Final = 2_000
TABLE_SECONDS_MAX: Final = 1.0
TABLE_VERSIONS_MAX: Final = 10_000
TABLES_COMPILED_MAX: Final = 64
# Cases. The database's checks of `risk.cases` and `risk.case_entries` say the same.
CASE_ALERTS_MAX: Final = 500
CASE_NOTE_LENGTH_MAX: Final = 2_000
ALERTS_GROUPED_AT_ONCE_MAX: Final = 50
# Around one alert, and in the picture of one case.
CASE_NODES_MAX: Final = 300
# How far back in an account's orders links are looked for, beside the window in days.
LINK_ORDERS_MAX: Final = 200
RULE_DAYS_CACHED_MAX: Final = 8
# Deciding about a batch: what is too slow, how often in a row, and how long it then rests.
RISK_BUDGET_SECONDS: Final = 0.25
RISK_SLOW_BATCHES_MAX: Final = 5
RISK_REST_SECONDS: Final = 5.0
# Training: fewer teach nothing, more do not fit into memory.
TRAINING_PAYMENTS_MIN: Final = 5_000
TRAINING_PAYMENTS_MAX: Final = 2_000_000
TRAINING_PAYMENTS_PAGE: Final = 5_000
TRAINING_FRAUDS_MIN: Final = 100
TRAINING_FRAUDS_OF_PART_MIN: Final = 10
# Risk. The database's checks of `risk.models` say the same.
MODEL_BYTES_MAX: Final = 33_554_432
MODEL_CARD_LENGTH_MAX: Final = 65_536
# Models beside the rules: what is too slow, how often in a row, and how long one then rests.
MODEL_BUDGET_SECONDS: Final = 0.05
MODEL_SLOW_BATCHES_MAX: Final = 3
MODEL_REST_SECONDS: Final = 30.0
# Of how many scores a process compares the distribution with training.
MODEL_DRIFT_ROWS: Final = 10_000
# The log hears of the same trouble of a model once in this time; the metric counts all of it.
MODEL_ALARM_SECONDS: Final = 60.0
MODELS_PAGE: Final = 20
MODEL_VERSIONS_MAX: Final = 100_000
# Watching reads so many stored decisions of each hour of a week, and says nothing from fewer.
MODEL_WATCH_HOURS: Final = 168
MODEL_WATCH_ROWS_AN_HOUR: Final = 120
MODEL_WATCH_ROWS_MIN: Final = 1_000
MODEL_WEEKS_MAX: Final = 8
MODEL_WATCH_INTERVAL_SECONDS: Final = 3_600.0
MODEL_WEEK_AGAIN_HOURS: Final = 24
#: Of how many decisions the last hour is counted.
DECISIONS_COUNTED_MAX: Final = 500_000
