"""Why applications say no."""

from huitong.kernel.errors import Conflict, NotFound, Refusal


class LoanApplicationNotFound(NotFound):
    """There is no such application."""

    code = "loan_application_not_found"
    title = "There is no such application"


class LoanApplicationIdReused(Conflict):
    """The id was sent with another product or applicant."""

    code = "loan_application_id_reused"
    title = "The id was used for another application"


class WrongStage(Conflict):
    """The application is not where this could be done."""

    code = "loan_application_stage"
    title = "The application is at another stage"


class LoanApplicationIncomplete(Refusal):
    """Something that the product asks for is missing."""

    code = "loan_application_incomplete"
    title = "Something is missing"


class AppealedAlready(Conflict):
    """A refusal can be appealed once, and only one that no person has decided."""

    code = "loan_appealed_already"
    title = "People have decided about it"


class StatementNotRead(Refusal):
    """The cost statement was not shown for as long as it must be, or another one was."""

    code = "cost_statement_not_read"
    title = "The cost statement must be read first"


class OfferLapsed(Conflict):
    """The offer was good until a day that has passed."""

    code = "loan_offer_lapsed"
    title = "The offer has lapsed"
