"""Technical limits of credit risk."""

from typing import Final

CHARACTERISTICS_MAX: Final = 64
BINS_MAX: Final = 32
CATEGORIES_MAX: Final = 500
SCORECARD_BYTES_MAX: Final = 1_048_576
SCORED_AT_ONCE_MAX: Final = 5_000_000
REASONS_MAX: Final = 4
FEATURE_LENGTH_MAX: Final = 200
#: Rows of each kind without which nothing can be binned.
TRAINING_ROWS_OF_KIND_MIN: Final = 30
EVALUATED_FILE_BYTES_MAX: Final = 536_870_912
EVALUATED_ROWS_MAX: Final = 1_000_000
FOLDS: Final = 5
CALIBRATION_BINS: Final = 10
HORIZON_MONTHS_MAX: Final = 480
SCENARIOS_MAX: Final = 16
COLUMN_ROWS_MAX: Final = 10_000_000
#: Minor units; whole sums below it stay exact in 64 bits when a million of them are added up.
AMOUNT_MAX: Final = 9_000_000_000_000
#: Applications of a week without which drift is not measured.
WATCHED_APPLICATIONS_MIN: Final = 200
APPLICANTS_MIN: Final = 2_000
APPLICANTS_MAX: Final = 1_000_000
