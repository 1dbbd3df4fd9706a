"""Why collections say no."""

from huitong.kernel.errors import Conflict, NotFound, Refusal


class CollectionNotFound(NotFound):
    """There is no such case, task, contact, request or complaint."""

    code = "loan_collection_not_found"
    title = "There is nothing like that in collections"


class StrategyNotFound(NotFound):
    """Nothing was agreed on for loans of this kind."""

    code = "loan_collection_strategy_not_found"
    title = "There is no such strategy of collection"


class StrategyRefused(Conflict):
    """A version contradicts the ones before it."""

    code = "loan_collection_strategy_refused"
    title = "The strategy cannot be changed like that"


class ContactRefused(Refusal):
    """A rule forbids contact now; the context names it."""

    code = "loan_collection_contact_refused"
    title = "The debtor may not be contacted now"


class NotOverdue(Conflict):
    """Nothing is overdue of the loan, or nothing is owed of what a step is about."""

    code = "loan_collection_not_overdue"
    title = "Nothing is overdue"


class TaskTaken(Conflict):
    """Somebody else works on the task, or it is nobody's yet."""

    code = "loan_collection_task_taken"
    title = "The task is not yours"


class AlreadyEnded(Conflict):
    """The task has ended, or the request was decided or answered."""

    code = "loan_collection_ended"
    title = "It has ended already"


class RequestRefused(Refusal):
    """A rule bounds promises or requests; the context names it."""

    code = "loan_collection_request_refused"
    title = "The request is outside a rule"


class AlreadyOpen(Conflict):
    """There is an open promise or request of the loan."""

    code = "loan_collection_already_open"
    title = "There is an open one already"


class OwnContacts(Conflict):
    """Who contacted a debtor does not answer the debtor's complaint."""

    code = "loan_collection_own_contacts"
    title = "Somebody else answers this complaint"


class CollectionIdReused(Conflict):
    """The id was sent with other content."""

    code = "loan_collection_id_reused"
    title = "The id was used for something else"


class DebtorUnreachable(Conflict):
    """The debtor has no login to which messages go."""

    code = "loan_collection_debtor_unreachable"
    title = "The debtor cannot be reached by message"
