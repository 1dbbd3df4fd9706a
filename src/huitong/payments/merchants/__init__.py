"""Merchants: fee plans, terms, settlement by sheets, reserves, stores and terminals, disputes.

Owns what a merchant pays and when it is paid: plans and terms by versions that two people agreed
on, settlement of payables (2011.03) and of profit shares (2011.05) in a cycle of business days,
reserves, what merchants owe us, and disputes with their deadlines.
"""

from huitong.payments.merchants.csv_sheets import PARTS as SHEET_PARTS
from huitong.payments.merchants.csv_sheets import signed as signed_part
from huitong.payments.merchants.csv_sheets import write_head as write_sheet_head
from huitong.payments.merchants.csv_sheets import write_lines as write_sheet_lines
from huitong.payments.merchants.cycles import Cycle, cutoff_of, find_due_cutoff, settles_at
from huitong.payments.merchants.errors import (
    CategoryRefused,
    FeePlanNotFound,
    FeePlanRefused,
    PayoutRefused,
    ReceiverRefused,
    SettlementMoved,
    SheetNotFound,
    TermsNotFound,
    TermsRefused,
)
from huitong.payments.merchants.events import DisputeMoved, SettlementMade
from huitong.payments.merchants.fees import (
    FeeRule,
    PlanVersion,
    calculate_fee_back,
    calculate_plan_fee,
)
from huitong.payments.merchants.invariants import INVARIANTS
from huitong.payments.merchants.jobs import hand_over_payouts, settle_due
from huitong.payments.merchants.payloads import (
    read_merchant,
    read_plan,
    read_terms,
    write_plan,
    write_terms,
)
from huitong.payments.merchants.payouts import retry_payout
from huitong.payments.merchants.plans import NewVersion, add_plan_version, check_plan
from huitong.payments.merchants.queries import (
    get_settled_account,
    get_sheet,
    list_people,
    list_plan_versions,
    list_plans,
    list_settled_accounts,
    list_sheet_lines,
    list_sheets,
    list_terms,
)
from huitong.payments.merchants.receivers import add_share_receiver
from huitong.payments.merchants.terms import (
    NewTerms,
    check_terms,
    get_terms,
    make_reserve_terms,
    read_minor,
    set_reserve,
    set_terms,
)
from huitong.payments.merchants.types import (
    LineKind,
    PayoutWay,
    Recovery,
    Role,
    SettledAccount,
    Sheet,
    SheetLine,
    Terms,
)

__all__ = [
    "INVARIANTS",
    "SHEET_PARTS",
    "CategoryRefused",
    "Cycle",
    "DisputeMoved",
    "FeePlanNotFound",
    "FeePlanRefused",
    "FeeRule",
    "LineKind",
    "NewTerms",
    "NewVersion",
    "PayoutRefused",
    "PayoutWay",
    "PlanVersion",
    "ReceiverRefused",
    "Recovery",
    "Role",
    "SettledAccount",
    "SettlementMade",
    "SettlementMoved",
    "Sheet",
    "SheetLine",
    "SheetNotFound",
    "Terms",
    "TermsNotFound",
    "TermsRefused",
    "add_plan_version",
    "add_share_receiver",
    "calculate_fee_back",
    "calculate_plan_fee",
    "check_plan",
    "check_terms",
    "cutoff_of",
    "find_due_cutoff",
    "get_settled_account",
    "get_sheet",
    "get_terms",
    "hand_over_payouts",
    "list_people",
    "list_plan_versions",
    "list_plans",
    "list_settled_accounts",
    "list_sheet_lines",
    "list_sheets",
    "list_terms",
    "make_reserve_terms",
    "read_merchant",
    "read_minor",
    "read_plan",
    "read_terms",
    "retry_payout",
    "set_reserve",
    "set_terms",
    "settle_due",
    "settles_at",
    "signed_part",
    "write_plan",
    "write_sheet_head",
    "write_sheet_lines",
    "write_terms",
]
