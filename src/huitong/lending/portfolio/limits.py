"""Technical limits of the portfolio."""

from typing import Final

#: Buckets of days past due after those that are not overdue; columns have room for no more.
BUCKETS: Final = 5
#: First days of what is called 30+ and 90+ days past due.
LATE_FROM: Final = (31, 91)
#: Month-ends of a trend and of a vintage's curve that are shown.
MONTHS_SHOWN: Final = 36
#: Decisions of so many days give loans their grade as of now; each is looked at many times.
GRADES_FOLLOWED_DAYS: Final = 8
#: Words that a person closes a warning with.
NOTE_LENGTH_MAX: Final = 1_000
#: Grades A to E are 1 to 5, 0 is none.
GRADES: Final = "ABCDE"
