"""Why loans say no."""

from huitong.kernel.errors import Conflict, NotFound, Refusal


class LoanNotFound(NotFound):
    """There is no such loan."""

    code = "loan_not_found"
    title = "There is no such loan"


class LoanEventNotFound(NotFound):
    """There is no such event of the loan."""

    code = "loan_event_not_found"
    title = "Nothing like that happened to the loan"


class LoanTermsRefused(Refusal):
    """The terms are outside the product's."""

    code = "loan_terms_refused"
    title = "The loan's terms are outside its product"


class LoanEnded(Conflict):
    """The loan is paid off or written off."""

    code = "loan_ended"
    title = "The loan has ended"


class LoanIdReused(Conflict):
    """The id of a loan or an event was sent with other content."""

    code = "loan_id_reused"
    title = "The id was used for something else"


class NothingDue(Conflict):
    """Nothing is to be paid now."""

    code = "loan_nothing_due"
    title = "Nothing is due now"


class MoreThanOwed(Refusal):
    """The amount is more than is owed; the context says how much that is."""

    code = "loan_more_than_owed"
    title = "The amount is more than is owed"


class QuoteChanged(Conflict):
    """What pays the loan off is another amount by now."""

    code = "loan_quote_changed"
    title = "The loan is paid off with another amount"


class LoanMoneyRefused(Refusal):
    """The ledger refuses the movement; the context says why."""

    code = "loan_money_refused"
    title = "The money cannot be moved"


class LoanChangeRefused(Conflict):
    """The loan is not in the state for it."""

    code = "loan_change_refused"
    title = "The loan cannot be changed like that"


class DayNotOpen(Conflict):
    """The day is before the loan, in the future, or too long ago."""

    code = "loan_day_refused"
    title = "The day cannot be taken"
