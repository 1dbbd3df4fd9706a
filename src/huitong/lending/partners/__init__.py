"""Partners in lending: who they are, by which agreements we lend with them, what is between us.

A plan says who has which share of a loan: a version of an agreement, or a sale. What a partner has
of each flow of money stands in `lending.partner_flows`, beside the entry that moved it.
"""

from huitong.lending.partners.accounts import (
    POSITION,
    PartnerPart,
    open_plan_accounts,
    open_sale_result,
)
from huitong.lending.partners.commands import (
    add_agreement_version,
    add_partner_version,
    check_agreement,
    check_partner,
    find_plan,
    get_partner,
    list_agreement_versions,
    list_agreements,
    list_partners,
)
from huitong.lending.partners.errors import (
    AgreementAgainstRule,
    AgreementNotFound,
    PartnerMoneyRefused,
    PartnerNotFound,
    PartnerRefused,
)
from huitong.lending.partners.exposures import check_exposure
from huitong.lending.partners.payloads import (
    read_agreement,
    read_partner,
    write_agreement,
    write_partner,
)
from huitong.lending.partners.statements import (
    get_partner_statement,
    settle_partner,
    settle_partners,
)
from huitong.lending.partners.store import insert_flow, insert_plan, insert_share, list_plans
from huitong.lending.partners.types import (
    Flow,
    NewAgreement,
    NewPartner,
    NewShare,
    Partner,
    PartnerStatement,
    Plan,
    Share,
    StatementDay,
)

__all__ = [
    "POSITION",
    "AgreementAgainstRule",
    "AgreementNotFound",
    "Flow",
    "NewAgreement",
    "NewPartner",
    "NewShare",
    "Partner",
    "PartnerMoneyRefused",
    "PartnerNotFound",
    "PartnerPart",
    "PartnerRefused",
    "PartnerStatement",
    "Plan",
    "Share",
    "StatementDay",
    "add_agreement_version",
    "add_partner_version",
    "check_agreement",
    "check_exposure",
    "check_partner",
    "find_plan",
    "get_partner",
    "get_partner_statement",
    "insert_flow",
    "insert_plan",
    "insert_share",
    "list_agreement_versions",
    "list_agreements",
    "list_partners",
    "list_plans",
    "open_plan_accounts",
    "open_sale_result",
    "read_agreement",
    "read_partner",
    "settle_partner",
    "settle_partners",
    "write_agreement",
    "write_partner",
]
