"""Logging in, staff, and what they decide together."""

from typing import Final

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
