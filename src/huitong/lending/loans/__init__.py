"""Loans: made under a product, paid out, repaid, eased, written off; their balances and events.

A loan is its contract's terms, its schedule and what happened to it. `lending.balances` is the
sub-ledger; the general ledger has a control account for each part of each product.
"""

from huitong.lending.loans.caring import (
    change_rate,
    charge,
    recover,
    reschedule,
    reverse,
    waive,
    write_off,
)
from huitong.lending.loans.changing import bring_to_today, get_loan
from huitong.lending.loans.errors import (
    DayNotOpen,
    LoanChangeRefused,
    LoanEnded,
    LoanEventNotFound,
    LoanIdReused,
    LoanMoneyRefused,
    LoanNotFound,
    LoanTermsRefused,
    MoreThanOwed,
    NothingDue,
    QuoteChanged,
)
from huitong.lending.loans.events import LoanChanged, LoanLent, LoanSold
from huitong.lending.loans.opening import check_loan_rate, check_loan_terms, open_loan
from huitong.lending.loans.payloads import read_loan_terms, write_loan_terms
from huitong.lending.loans.queries import (
    get_schedule,
    get_state,
    list_lenders,
    list_loan_events,
    list_loans,
)
from huitong.lending.loans.repaying import (
    debit_due,
    pay_off,
    quote_payoff,
    repay,
    repay_early,
)
from huitong.lending.loans.repricing import reprice_due
from huitong.lending.loans.state import State
from huitong.lending.loans.types import (
    EarlyMode,
    Easing,
    EventKind,
    Instalment,
    Loan,
    LoanEvent,
    LoanState,
    LoanTerms,
    Quote,
)

__all__ = [
    "DayNotOpen",
    "EarlyMode",
    "Easing",
    "EventKind",
    "Instalment",
    "Loan",
    "LoanChangeRefused",
    "LoanChanged",
    "LoanEnded",
    "LoanEvent",
    "LoanEventNotFound",
    "LoanIdReused",
    "LoanLent",
    "LoanMoneyRefused",
    "LoanNotFound",
    "LoanSold",
    "LoanState",
    "LoanTerms",
    "LoanTermsRefused",
    "MoreThanOwed",
    "NothingDue",
    "Quote",
    "QuoteChanged",
    "State",
    "bring_to_today",
    "change_rate",
    "charge",
    "check_loan_rate",
    "check_loan_terms",
    "debit_due",
    "get_loan",
    "get_schedule",
    "get_state",
    "list_lenders",
    "list_loan_events",
    "list_loans",
    "open_loan",
    "pay_off",
    "quote_payoff",
    "read_loan_terms",
    "recover",
    "repay",
    "repay_early",
    "reprice_due",
    "reschedule",
    "reverse",
    "waive",
    "write_loan_terms",
    "write_off",
]
