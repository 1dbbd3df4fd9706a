"""Technical limits of lending; thresholds of rules are in the rulebook."""

from typing import Final

#: One loan in minor units: with rates in millionths, products of both fit 63 bits.
PRINCIPAL_MAX: Final = 10**12
PENALTY_RATE_MAX: Final = 4_000_000
INSTALMENTS_MAX: Final = 480
NAME_LENGTH_MAX: Final = 100
WORDS_MAX: Final = 32
WORD_LENGTH_MAX: Final = 32
#: Loans whose day is closed in one transaction.
CHUNK_LOANS: Final = 20_000
#: How many days behind a loan may be when its day is closed.
BEHIND_DAYS_MAX: Final = 4_000
#: Loans that are debited in one run of a worker's step.
DEBITS_AT_ONCE_MAX: Final = 50
EVENTS_OF_LOAN_MAX: Final = 10_000
#: Lines of one customer, and loans drawn on one line, that are listed.
LINES_OF_CUSTOMER_MAX: Final = 100
DRAWINGS_OF_LINE_MAX: Final = 1_000
#: Loans that are sold or bought back at once.
SOLD_AT_ONCE_MAX: Final = 500
#: Loans of one person in a copy of their data.
EXPORT_LOANS_MAX: Final = 1_000
#: Credit reports of one person in a copy of their data; a report may be some pages long.
EXPORT_REPORTS_MAX: Final = 10
#: Loans whose rate is set anew in one run of a worker's step.
REPRICED_AT_ONCE_MAX: Final = 100
#: How far ahead a payoff is quoted.
QUOTE_DAYS_MAX: Final = 31
#: The last of the five classes.
CLASS_LOSS: Final = 4
#: Applications: other people, collateral, facts and their lengths.
PARTIES_MAX: Final = 8
COLLATERAL_MAX: Final = 16
DESCRIPTION_LENGTH_MAX: Final = 200
FACTS_MAX: Final = 32
FACT_LENGTH_MAX: Final = 256
WORDS_LENGTH_MAX: Final = 1_000
#: Drafts, reviews and offers that a customer may have at once.
OPEN_APPLICATIONS_MAX: Final = 5
#: For how many days an offer is good, and a draft is kept.
OFFER_DAYS: Final = 30
LAPSES_AT_ONCE_MAX: Final = 100
#: Applications that the watch over the scorecard reads for a week.
SCORED_STEPS_MAX: Final = 20_000
#: Applications of a page.
APPLICATIONS_PAGE_MAX: Final = 100
