"""Why partners and agreements say no."""

from huitong.kernel.errors import Conflict, NotFound, Refusal


class PartnerNotFound(NotFound):
    """There is no such partner on that day."""

    code = "loan_partner_not_found"
    title = "There is no such partner in lending"


class AgreementNotFound(NotFound):
    """There is no such agreement."""

    code = "loan_agreement_not_found"
    title = "There is no such agreement with partners"


class PartnerRefused(Conflict):
    """The partner or agreement cannot be changed like that."""

    code = "loan_partner_refused"
    title = "The partner or agreement cannot be like that"


class AgreementAgainstRule(Refusal):
    """The rulebook forbids it; the context names the rule."""

    code = "loan_agreement_against_rule"
    title = "The rulebook forbids such an agreement"


class PartnerMoneyRefused(Refusal):
    """The ledger refuses the movement; the context says why."""

    code = "loan_partner_money_refused"
    title = "The partner's money cannot be moved"
