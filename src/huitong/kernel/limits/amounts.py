"""Money, pages, and text that people and partners send."""

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
