"""Every technical maximum of the platform, by name, so that nothing grows without a bound.

Regulatory and product limits are not here: they are dated rules in `kernel.rulebook`.
Units come last in the name. A room that needs a new maximum adds it here.
"""

from typing import Final

# Money: PostgreSQL's BIGINT, in minor units.
MINOR_UNITS_MIN: Final = -(2**63)
MINOR_UNITS_MAX: Final = 2**63 - 1
# A sign, nineteen digits and a decimal point fit; anything longer cannot be an amount.
AMOUNT_TEXT_LENGTH_MAX: Final = 24
ALLOCATION_PARTS_MAX: Final = 10_000
# Rates and shares carry at most this many significant digits; more is a mistake upstream.
FACTOR_DIGITS_MAX: Final = 60

# Reading.
PAGE_SIZE_DEFAULT: Final = 50
PAGE_SIZE_MAX: Final = 200
CURSOR_LENGTH_MAX: Final = 512
STATEMENT_DAYS_MAX: Final = 366

# Writing.
BATCH_TRANSFERS_MAX: Final = 50_000
# Plain transfers as columns: the more of them share a balance, the less each one costs.
COLUMNS_TRANSFERS_MAX: Final = 400_000
# From here on a batch is written before its balances are locked; below, the detour costs more.
COLUMNS_AHEAD_MIN: Final = 5_000
# Numbers of batches that others may draw while a large batch is on its way to its place.
PLACE_GAP: Final = 4_096
ENTRY_TRANSFERS_MAX: Final = 1_000
BATCH_GATHER_MILLISECONDS_MAX: Final = 1
BATCH_REQUESTS_MAX: Final = 1_000
QUEUE_REQUESTS_MAX: Final = 4_096
RETRY_AFTER_SECONDS: Final = 1
ACCOUNTS_PER_BATCH_MAX: Final = 1_000
PROFIT_SHARES_MAX: Final = 50
REFUNDS_PER_PAYMENT_MAX: Final = 100
# A payer needs minutes to pay; a hotel or a car rental holds money for weeks.
CHECKOUT_SECONDS_DEFAULT: Final = 30 * 60
CHECKOUT_SECONDS_MAX: Final = 7 * 86_400
AUTHORISATION_SECONDS_DEFAULT: Final = 7 * 86_400
AUTHORISATION_SECONDS_MAX: Final = 30 * 86_400
ORDERS_CLOSED_AT_ONCE_MAX: Final = 500
HOLDS_EXPIRED_AT_ONCE_MAX: Final = 500
HELD_PAYMENTS_ENDED_AT_ONCE_MAX: Final = 200
#: What a payer may say about a payment that was stopped, and what is answered.
APPEAL_LENGTH_MAX: Final = 500
CUSTOMER_CODES_KEEP_HOURS: Final = 24
CHANNEL_ORDERS_AT_ONCE_MAX: Final = 50
CHANNEL_LEASE_SECONDS: Final = 60
CHANNEL_RETRY_SECONDS_MAX: Final = 300
CHANNEL_TIMEOUT_SECONDS_MAX: Final = 5
CHANNEL_ANSWER_BYTES_MAX: Final = 16_384
CHANNEL_ATTEMPTS_OF_ORDER_MAX: Final = 5
CHANNEL_SILENCES_MAX: Final = 5
CHANNEL_CIRCUIT_OPEN_SECONDS: Final = 30
CHANNEL_HEALTH_WINDOW_SECONDS: Final = 600
CHANNEL_HEALTH_REPORT_SECONDS: Final = 10
CHANNEL_HEALTH_KEEP_SECONDS: Final = 120
CHANNEL_OUTCOMES_KEPT_MAX: Final = 1_000
CHANNELS_MAX: Final = 100
CHANNEL_RULES_MAX: Final = 1_000
CHANNEL_FEE_TIERS_MAX: Final = 100
CALLBACK_AGE_SECONDS_MAX: Final = 300
CALLBACK_BYTES_MAX: Final = 16_384
CALLBACKS_KEEP_HOURS: Final = 24
SIMULATED_ORDERS_MAX: Final = 100_000
SIMULATED_FAULTS_MAX: Final = 1_000

# Requests.
REQUEST_BODY_BYTES_MAX: Final = 1_048_576
REQUEST_SECONDS_MAX: Final = 30
HEADER_LENGTH_MAX: Final = 8_192
# Request line and headers as they come; beyond it the connection ends.
REQUEST_HEAD_BYTES_MAX: Final = 65_536
IDEMPOTENCY_KEY_LENGTH_MAX: Final = 64
IDEMPOTENCY_KEEP_HOURS_MAX: Final = 24 * 7
API_KEY_LENGTH_MAX: Final = 128
REQUEST_ID_LENGTH_MAX: Final = 64
# Log lines of one process about refused requests; a flood of them must not fill the disk.
SECURITY_LINES_PER_SECOND_MAX: Final = 20

# Evidence of identity: typed numbers, uploaded pictures, and the process that reads them.
IDENTITY_NUMBER_TEXT_LENGTH_MAX: Final = 64
PICTURE_BYTES_MAX: Final = 8 * 1_048_576
PICTURE_PIXELS_MAX: Final = 40_000_000
PICTURE_SIDE_PIXELS_MAX: Final = 12_000
PICTURE_SIDE_PIXELS_MIN: Final = 200
# What is read is scaled down to this: a card needs no more, and time grows with the area.
CARD_SIDE_PIXELS_MAX: Final = 1_600
CARD_DETECTION_PIXELS_MAX: Final = 960
FACE_SIDE_PIXELS_MAX: Final = 800
# The better face detector needs seconds for a megapixel, and faces of 80 pixels.
FACE_SIDE_PIXELS_SLOW_MAX: Final = 560
CARD_LINES_MAX: Final = 200
PICTURE_SECONDS_MAX: Final = 30
PICTURE_START_SECONDS_MAX: Final = 60
PICTURE_IDLE_SECONDS_MAX: Final = 300
# Address space, of which about a tenth is in memory.
PICTURE_PROCESS_BYTES_MAX: Final = 4 * 1_073_741_824
PICTURES_WAITING_MAX: Final = 16
PICTURE_THREADS_MAX: Final = 2
PICTURE_ANSWER_BYTES_MAX: Final = 262_144

# Customers stored plain by an earlier version, sealed in one transaction.
CUSTOMERS_SEALED_AT_ONCE_MAX: Final = 500

# Applications of people.
APPLICATION_PICTURE_BYTES_MAX: Final = 720_000
PICTURE_PART_BYTES: Final = 48_000
BANK_CARDS_PER_APPLICATION_MAX: Final = 5
APPLICATION_CHECKS_AT_ONCE_MAX: Final = 10
APPLICATION_CHECK_ATTEMPTS_MAX: Final = 3
APPLICATION_CHECK_LEASE_SECONDS: Final = 120
APPLICATION_CHECK_RETRY_SECONDS: Final = 30
APPLICATION_REMARKS_MAX: Final = 64
REVIEWS_MARKED_AT_ONCE_MAX: Final = 500
# Each takes a lock and changes an account, so a step takes fewer of them.
CUSTOMERS_RESTRICTED_AT_ONCE_MAX: Final = 100
MINORS_CHECKED_AT_ONCE_MAX: Final = 100
# Businesses: exact elimination over this many stakes takes milliseconds.
OWNERSHIP_STAKES_MAX: Final = 100
BUSINESS_PEOPLE_MAX: Final = 50
BUSINESS_DOCUMENTS_MAX: Final = 20
# The business, and the companies above it that the register names.
BUSINESS_QUESTIONS_MAX: Final = 20
SIMULATED_COMPANIES_MAX: Final = 1_000

# Registries outside: identity, bank cards, mobile operators.
REGISTRY_TIMEOUT_SECONDS_MAX: Final = 5
REGISTRY_ATTEMPTS_MAX: Final = 2
REGISTRY_ANSWER_BYTES_MAX: Final = 16_384
REGISTRY_REQUEST_BYTES_MAX: Final = 12 * 1_048_576
REGISTRY_CLOCK_SECONDS_MAX: Final = 300
REGISTRY_NONCES_MAX: Final = 100_000

# Text that people and partners send.
NAME_LENGTH_MAX: Final = 128
REFERENCE_LENGTH_MAX: Final = 64
DESCRIPTION_LENGTH_MAX: Final = 256
TEXT_LENGTH_MAX: Final = 2_000
METADATA_ENTRIES_MAX: Final = 20
METADATA_KEY_LENGTH_MAX: Final = 40
METADATA_VALUE_LENGTH_MAX: Final = 500
QR_PAYLOAD_LENGTH_MAX: Final = 512
IDENTIFIER_ECHO_LENGTH_MAX: Final = 48
CURRENCY_ECHO_LENGTH_MAX: Final = 8

# The ledger's projection, in journal rows and batches a step.
PROJECTION_ROWS_MAX: Final = 200_000
PROJECTION_BATCHES_MAX: Final = 64
PROJECTION_SECONDS_MAX: Final = 300
VERIFY_EXAMPLES_MAX: Final = 5
# The transparency log, in journal rows and ranges of batches a step.
SEAL_TRANSFERS_MAX: Final = 20_000
SEAL_RANGES_MAX: Final = 256
# The log counts its leaves in PostgreSQL's BIGINT.
LOG_SIZE_MAX: Final = 2**63 - 1
LOG_NOTE_BYTES_MAX: Final = 4_096
LOG_NOTE_SIGNATURES_MAX: Final = 16
LOG_PROOF_BYTES_MAX: Final = 65_536

# Database and outside world.
DATABASE_CONNECTIONS_MAX: Final = 16
DATABASE_CONNECT_SECONDS_MAX: Final = 10
TRANSACTION_RETRIES_MAX: Final = 5
STATEMENT_TIMEOUT_SECONDS_MAX: Final = 30
OUTBOX_BATCH_MAX: Final = 500
OUTBOX_ATTEMPTS_MAX: Final = 12
JOB_ATTEMPTS_MAX: Final = 10
WEBHOOK_TIMEOUT_SECONDS_MAX: Final = 10
EVENT_PAYLOAD_BYTES_MAX: Final = 65_536
IMPORT_LINES_MAX: Final = 1_000_000

# Trails, events and replies.
AUDIT_ACTION_LENGTH_MAX: Final = 128
AUDIT_SUBJECT_LENGTH_MAX: Final = 256
AUDIT_DETAILS_BYTES_MAX: Final = 65_536
AUDIT_SEAL_ROWS_MAX: Final = 1_000
AUDIT_DIFFERENCES_SHOWN_MAX: Final = 50
REPLY_SCOPE_LENGTH_MAX: Final = 64
OUTBOX_LEASE_SECONDS: Final = 60
OUTBOX_RETRY_SECONDS_MAX: Final = 3_600
OUTBOX_KEEP_HOURS: Final = 24 * 3
OUTBOX_COUNT_MAX: Final = 100_000
ERROR_TEXT_LENGTH_MAX: Final = 2_000
REPLY_BYTES_MAX: Final = 65_536
PRUNE_ROWS_MAX: Final = 5_000
API_KEY_SCOPES_MAX: Final = 32
API_KEY_CACHE_ENTRIES_MAX: Final = 10_000
API_KEY_UNKNOWN_ENTRIES_MAX: Final = 1_000
JOB_RETRY_SECONDS_MAX: Final = 3_600
JOB_ARGUMENTS_BYTES_MAX: Final = 65_536
JOBS_AT_ONCE_MAX: Final = 4
# A worker that is told to stop lets what it does end; the supervisor waits a little longer.
WORKER_STOP_SECONDS_MAX: Final = 15

# TLS.
HOST_NAME_LENGTH_MAX: Final = 253
TLS_NAMES_MAX: Final = 32
TLS_WATCH_SECONDS: Final = 30
TLS_RENEWAL_CHECK_SECONDS: Final = 6 * 3_600
HSTS_SECONDS: Final = 365 * 86_400

# Backups. At 64 KiB a chunk the most chunks are 256 TiB.
BACKUP_CHUNK_BYTES: Final = 65_536
BACKUP_CHUNKS_MAX: Final = 2**32 - 1
BACKUP_HEADER_BYTES_MAX: Final = 4_096
BACKUP_MANIFEST_BYTES_MAX: Final = 4_194_304
BACKUP_KEY_FILES_MAX: Final = 32
BACKUP_KEY_FILE_BYTES_MAX: Final = 65_536
BACKUP_BLOCK_BYTES_MAX: Final = 1_048_576
BACKUP_LOCK_SECONDS_MAX: Final = 60
BACKUP_PROGRAM_WORDS_MAX: Final = 2_000
# Logging in. A code of six digits is tried five times at most: one chance in 200,000.
ONE_TIME_CODE_SECONDS: Final = 300
ONE_TIME_CODE_TRIES_MAX: Final = 5
ONE_TIME_CODE_RESEND_SECONDS: Final = 60
ONE_TIME_CODES_PER_NUMBER_HOUR_MAX: Final = 5
ONE_TIME_CODES_PER_NUMBER_DAY_MAX: Final = 10
# Many people share one address behind their provider's translation.
ONE_TIME_CODES_PER_ADDRESS_HOUR_MAX: Final = 300
ONE_TIME_CODES_PER_ADDRESS_DAY_MAX: Final = 2_000
CHALLENGES_PER_ADDRESS_HOUR_MAX: Final = 1_000
PASSWORD_LENGTH_MIN: Final = 10
PASSWORD_LENGTH_MAX: Final = 128
PIN_DIGITS: Final = 6
# A hash takes tens of mebibytes and a whole processor for tens of milliseconds.
HASHES_AT_ONCE_MAX: Final = 2
HASHES_WAITING_MAX: Final = 64
DEVICE_NAME_LENGTH_MAX: Final = 64
DEVICES_PER_LOGIN_MAX: Final = 20
SESSIONS_PER_LOGIN_MAX: Final = 10
PASSKEYS_PER_LOGIN_MAX: Final = 10
PASSKEY_RESPONSE_BYTES_MAX: Final = 16_384
PASSKEY_ORIGINS_MAX: Final = 8
NETWORKS_MAX: Final = 32
CHALLENGE_SECONDS: Final = 300
STEP_UP_SECONDS: Final = 300
# What a log-in is decided from, and for how long it waits for its second factor.
LOG_INS_LOOKED_AT_MAX: Final = 200
ADDRESS_TRIES_COUNTED_MAX: Final = 1_000
LOG_IN_PROOF_SECONDS: Final = 600
LOG_INS_WAITING_MAX: Final = 5
# Earlier applications that share something with a new one.
APPLICATIONS_COMPARED_MAX: Final = 1_000
ACT_PAYEE_LENGTH_MAX: Final = 128
SESSION_CACHE_ENTRIES_MAX: Final = 50_000
SESSION_UNKNOWN_ENTRIES_MAX: Final = 1_000
SESSION_REVOCATIONS_AT_ONCE_MAX: Final = 10_000
SESSION_RENEWALS_AT_ONCE_MAX: Final = 4
# How old the news of revocations may be, and what one process learns late by.
SESSION_NEWS_SECONDS_MAX: Final = 2.0
SESSION_NEWS_INTERVAL_SECONDS: Final = 0.5
SESSION_RENEWAL_SECONDS: Final = 60
SMS_TIMEOUT_SECONDS_MAX: Final = 3
SIMULATED_MESSAGES_MAX: Final = 10_000
LOG_IN_KEEP_HOURS: Final = 48
# Long enough to take three pictures twice; a table allows an hour at most.
SIGN_UP_SECONDS: Final = 1_800

# Staff and what they decide together.
STAFF_SESSION_TOUCH_SECONDS: Final = 30
STAFF_SESSIONS_MAX: Final = 3
# How long after signing in a member may change their passkeys.
STAFF_FRESH_SECONDS: Final = 600
STAFF_NAME_LENGTH_MAX: Final = 64
STAFF_ROLES_MAX: Final = 4
STAFF_ENROLMENT_SECONDS: Final = 86_400
STAFF_ENROLMENT_TRIES_MAX: Final = 5
# While there are fewer, the machine's operator may add one; from then on two of them do.
STAFF_FIRST_ADMINISTRATORS: Final = 2
EMAIL_LENGTH_MAX: Final = 254
RECOVERY_CODES: Final = 10
TOTP_SECONDS: Final = 30
# A telephone's clock may be half a minute off (RFC 6238, section 5.2).
TOTP_STEPS_AROUND: Final = 1
APPROVAL_PAYLOAD_BYTES_MAX: Final = 16_384
APPROVAL_REASON_LENGTH_MAX: Final = 500
# A change of a list may name so many pairs, each of two people.
APPROVAL_CONCERNS_MAX: Final = 200
APPROVAL_HOURS_MAX: Final = 168
APPROVAL_ACTS_MAX: Final = 256
ROLES_MAX: Final = 32
PERMISSIONS_MAX: Final = 256

# Rulebook files, which are read at start.
RULES_MAX: Final = 10_000
RULE_FILE_BYTES_MAX: Final = 1_048_576

# Keys and sealed personal data.
MASTER_KEYS_MAX: Final = 64
MASTER_KEY_NUMBER_MAX: Final = 2**31 - 1
MASTER_KEYS_BYTES_MAX: Final = 65_536
# NIST SP 800-38D, section 8.3: with random nonces of 96 bits no more than 2^32 values under a key.
SEALS_PER_KEY_MAX: Final = 2**32
SEALED_TEXT_BYTES_MAX: Final = 65_536
INDEXED_TEXT_BYTES_MAX: Final = 1_024
INDEX_KINDS_MAX: Final = 64
SUBJECTS_AT_ONCE_MAX: Final = 1_000
FIELDS_PER_SUBJECT_MAX: Final = 64
SEALED_FIELD_NAMES_MAX: Final = 1_024
DATA_KEYS_CACHED_MAX: Final = 10_000
DATA_KEYS_CACHED_SECONDS: Final = 30
REWRAP_KEYS_MAX: Final = 1_000
DISCLOSED_FIELDS_MAX: Final = 64
DISCLOSURE_ROLES_MAX: Final = 32
DISCLOSURE_REASON_LENGTH_MAX: Final = 500
POLICY_FILE_BYTES_MAX: Final = 65_536

# People's rights over their data.
CONSENT_PURPOSES_MAX: Final = 64
PRIVACY_FILE_BYTES_MAX: Final = 262_144
CORRECTIONS_MAX: Final = 16
CORRECTION_LENGTH_MAX: Final = 500
REQUESTS_OF_SUBJECT_MAX: Final = 500
REQUEST_ATTEMPTS_MAX: Final = 10
REQUEST_RETRY_SECONDS_MIN: Final = 60
REQUEST_RETRY_SECONDS_MAX: Final = 3_600
REQUEST_REASONS_MAX: Final = 64
# At four bytes a character a part fits into what may be sealed at once.
EXPORT_PART_CHARACTERS: Final = 16_000
EXPORT_PARTS_MAX: Final = 64
EXPORTED_RECORDS_MAX: Final = 10_000
EXPORT_LOG_INS_MAX: Final = 500
EXPORT_ORDERS_MAX: Final = 2_000
RETENTION_ROWS_MAX: Final = 5_000
RETENTION_SUBJECTS_MAX: Final = 50
SEARCHED_NUMBER_LENGTH_MAX: Final = 32
ACCESS_ALERTS_AT_ONCE_MAX: Final = 1_000

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

# Operational monitoring. What a process has counted waits so long, and is so much at most.
SIGNALS_FLUSH_SECONDS: Final = 2.0
SIGNALS_KEPT_MAX: Final = 20_000
SIGNALS_KEPT_HOURS: Final = 3
SIGNALS_READ_MAX: Final = 1_000
EVALUATION_SECONDS: Final = 2.0
COUNTERMEASURE_NEWS_SECONDS: Final = 0.5
COUNTERMEASURES_IN_FORCE_MAX: Final = 10_000
RATE_LIMITED_CALLERS_MAX: Final = 50_000
KNOWN_CREDENTIALS_MAX: Final = 50_000
WATCHED_ADDRESSES_MAX: Final = 20_000
WATCHERS_READ_MAX: Final = 1_000
INCIDENT_STEPS_READ_MAX: Final = 500
INCIDENT_TEXT_LENGTH_MAX: Final = 500

# Clearing between banks: payments that are taken, and gross ones settled, in one transaction.
CLEARING_PAYMENTS_MAX: Final = 10_000
CLEARING_WINDOWS_PAGE: Final = 200
# Files of payments.
BULK_FILE_BYTES_MAX: Final = 32 * 1_048_576
BULK_LINES_MAX: Final = 100_000
BULK_LINE_CHARACTERS_MAX: Final = 1_000
BULK_REFERENCE_LENGTH_MAX: Final = 35
BULK_NAME_LENGTH_MAX: Final = 128
BULK_NOTE_LENGTH_MAX: Final = 60
BULK_REASON_LENGTH_MAX: Final = 200
# A worker holds the rows of the payees of one batch while it posts them.
BULK_BATCH_LINES_MAX: Final = 10_000
# For deciding about the lines of one batch, before the written policy takes over.
BULK_RISK_BUDGET_SECONDS: Final = 30.0
# A workbook of the largest file unpacks to some twenty times its size.
BULK_UNPACKED_BYTES_MAX: Final = 128 * 1_048_576
BULK_UNPACKED_RATIO_MAX: Final = 100
BULK_WORKBOOK_PARTS_MAX: Final = 200
# ISO 20022 messages. 512 MiB hold more than 100,000 transactions of a few kilobytes each.
ISO20022_BYTES_MAX: Final = 536_870_912
ISO20022_CHUNK_BYTES: Final = 65_536
ISO20022_DEPTH_MAX: Final = 64
ISO20022_TEXT_MAX: Final = 100_000
ISO20022_MARKUP_BYTES_MAX: Final = 1_048_576
