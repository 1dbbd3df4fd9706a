"""Payments, channels, clearing, files and messages."""

from typing import Final

PROFIT_SHARES_MAX: Final = 50
REFUNDS_PER_PAYMENT_MAX: Final = 100
#: How often what covers a refund is worked out again because balances moved meanwhile.
REFUND_COVER_TRIES_MAX: Final = 3
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
# How old an assessment of lines may be when they are paid.
BULK_AHEAD_SECONDS_MAX: Final = 10
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
#: How many orders a page of a search looks through, and of how many the last hour is counted.
PAYMENT_SEARCH_ROWS_MAX: Final = 50_000
PAYMENT_PACE_ROWS_MAX: Final = 500_000
PAYMENT_PACE_MINUTES: Final = 60
