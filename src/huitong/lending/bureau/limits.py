"""Technical limits of questions to a credit bureau."""

from typing import Final

from huitong.kernel import limits

AMOUNT_MAX: Final = 10**15
CODE_LENGTH_MAX: Final = 32
TEXT_LENGTH_MAX: Final = 100
ACCOUNTS_MAX: Final = 500
RECORDS_MAX: Final = 200
INQUIRIES_MAX: Final = 1_000
REQUEST_BYTES_MAX: Final = 4_096
ANSWER_BYTES_MAX: Final = 1_048_576
#: A report is sealed as one text.
REPORT_BYTES_MAX: Final = limits.SEALED_TEXT_BYTES_MAX
TIMEOUT_SECONDS_MAX: Final = 5.0
ATTEMPTS_MAX: Final = 2
#: After so long a question that has no answer is asked again, by its id: whoever asked is gone.
PATIENCE_SECONDS: Final = 60
#: Requests that the simulator remembers.
SIMULATED_FAULTS_MAX: Final = 1_000
SIMULATED_REQUESTS_MAX: Final = 10_000
