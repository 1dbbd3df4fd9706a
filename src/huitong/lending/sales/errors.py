"""Why sales of loans say no."""

from huitong.kernel.errors import Conflict, NotFound, Refusal


class SaleNotFound(NotFound):
    """There is no such sale."""

    code = "loan_sale_not_found"
    title = "There is no such sale of loans"


class SaleRefused(Conflict):
    """A loan is not to be sold or bought back; the context names it."""

    code = "loan_sale_refused"
    title = "These loans cannot be sold or bought back"


class SaleAgainstRule(Refusal):
    """The rulebook forbids it; the context names the rule."""

    code = "loan_sale_against_rule"
    title = "The rulebook forbids such a sale"
