"""The ledger: double-entry accounts in minor units, an append-only journal, holds, meters.

Owns the chart of accounts, accounts and their states, posting (exact, fast and queued), and what
is read from the journal: balances now and in the past, statements, the trial balance.
"""

from huitong.ledger.codes import TransferCode
from huitong.ledger.columns import Columns
from huitong.ledger.numbers import make_account_number, read_account, show_account
from huitong.ledger.poster import Answer, Job, OutcomeUnknown, Poster, QueueFull, Writer
from huitong.ledger.posting import post_columns, post_entries
from huitong.ledger.types import (
    Account,
    AccountState,
    Balance,
    BalanceLimit,
    Entry,
    MeterUse,
    Outcome,
    Reason,
    Request,
    Side,
    Transfer,
    TransferKind,
    Verdict,
)

__all__ = [
    "Account",
    "AccountState",
    "Answer",
    "Balance",
    "BalanceLimit",
    "Columns",
    "Entry",
    "Job",
    "MeterUse",
    "Outcome",
    "OutcomeUnknown",
    "Poster",
    "QueueFull",
    "Reason",
    "Request",
    "Side",
    "Transfer",
    "TransferCode",
    "TransferKind",
    "Verdict",
    "Writer",
    "make_account_number",
    "post_columns",
    "post_entries",
    "read_account",
    "show_account",
]
