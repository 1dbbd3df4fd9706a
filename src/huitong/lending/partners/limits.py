"""Technical limits of partners."""

from typing import Final

#: With more, a share may be off by more than one minor unit; the rulebook's least shares allow two.
PARTNERS_OF_PLAN_MAX: Final = 2
PRODUCTS_OF_AGREEMENT_MAX: Final = 32
STATEMENT_DAYS_MAX: Final = 366
#: All partners: they are listed, and settled with, in one go.
PARTNERS_MAX: Final = 1_000
