"""The HTTP edge and TLS."""

from typing import Final

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

# TLS.
HOST_NAME_LENGTH_MAX: Final = 253
TLS_NAMES_MAX: Final = 32
TLS_WATCH_SECONDS: Final = 30
TLS_RENEWAL_CHECK_SECONDS: Final = 6 * 3_600
HSTS_SECONDS: Final = 365 * 86_400
RULE_KEY_LENGTH_MAX: Final = 128
