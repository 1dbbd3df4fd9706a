"""Customers: evidence, applications, businesses, registries outside."""

from typing import Final

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
