"""Technical limits of papers."""

from typing import Final

#: Receipts in one ZIP; the next part has the next ones.
RECEIPTS_PER_PART_MAX: Final = 500
#: How many receipts are made in one transaction.
RECEIPTS_AT_ONCE_MAX: Final = 50
#: What somebody may hand in to be verified.
PAPER_BYTES_MAX: Final = 2_097_152
#: Lines of a statement that are read at a time.
STATEMENT_LINES_AT_ONCE: Final = 1_000
#: Lines of one statement as a paper or file.
STATEMENT_LINES_MAX: Final = 1_000_000
#: Keys of receipts that a home may have, and the size of their file.
RECEIPT_KEYS_MAX: Final = 1_000
RECEIPT_KEYS_BYTES_MAX: Final = 262_144
#: Tries to find a number that no other receipt has.
NUMBER_TRIES_MAX: Final = 8
#: The last line of a receipt.
PAPER_TAIL_BYTES: Final = 20_000
#: Names of other sides that are kept while a statement is made.
STATEMENT_NAMES_MAX: Final = 20_000
