"""Why products say no."""

from huitong.kernel.errors import Conflict, NotFound, Refusal


class ProductNotFound(NotFound):
    """There is no such product, or none that has begun."""

    code = "loan_product_not_found"
    title = "There is no such product of lending"


class ProductRefused(Conflict):
    """A version contradicts the ones before it."""

    code = "loan_product_refused"
    title = "The product cannot be changed like that"


class ProductAgainstRule(Refusal):
    """A version's terms are outside what the rulebook allows; the context names the rule."""

    code = "loan_product_against_rule"
    title = "The terms are outside a rule"
