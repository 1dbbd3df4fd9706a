"""The ledger: double-entry accounts in minor units, an append-only journal, holds, meters.

Owns the chart of accounts, accounts and their states, posting (exact, fast and queued), and what
is read from the journal: balances now and in the past, statements, the trial balance.
"""

from huitong.ledger.accounts import (
    AccountIsClosed,
    AccountNotEmpty,
    BalanceAboveMaximum,
    NewAccount,
    SystemKeyTaken,
    ensure_system_account,
    open_account,
    open_accounts,
    set_account_state,
    set_balance_max,
)
from huitong.ledger.batch import Answer, Job, Writer
from huitong.ledger.chart import ChartCode, ChartKind, install_chart, list_chart, load_chart
from huitong.ledger.codes import TransferCode, find_code
from huitong.ledger.columns import Columns
from huitong.ledger.history import DayBalance, get_balance_at, get_balance_on
from huitong.ledger.lines import is_projected, project_all, project_lines
from huitong.ledger.numbers import make_account_number, read_account, show_account
from huitong.ledger.partitions import add_partitions
from huitong.ledger.poster import OutcomeUnknown, Poster, QueueFull
from huitong.ledger.posting import post_columns, post_entries
from huitong.ledger.queries import (
    find_system_account,
    get_account,
    get_balance,
    get_balances,
    get_entry,
    get_hold,
    get_transfer,
    list_accounts,
    list_corrections,
    list_holds,
)
from huitong.ledger.snapshots import (
    ClosedDay,
    DayNotOver,
    DayNotProjected,
    DayOutOfOrder,
    close_day,
)
from huitong.ledger.statements import Period, list_statement
from huitong.ledger.trial_balance import TrialBalance, TrialBalanceLine, get_trial_balances
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
from huitong.ledger.verify import Difference, Finding, VerifyProgress, VerifyReport, verify_ledger
from huitong.ledger.views import Hold, Page, RecordedTransfer, StatementLine

__all__ = [
    "Account",
    "AccountIsClosed",
    "AccountNotEmpty",
    "AccountState",
    "Answer",
    "Balance",
    "BalanceAboveMaximum",
    "BalanceLimit",
    "ChartCode",
    "ChartKind",
    "ClosedDay",
    "Columns",
    "DayBalance",
    "DayNotOver",
    "DayNotProjected",
    "DayOutOfOrder",
    "Difference",
    "Entry",
    "Finding",
    "Hold",
    "Job",
    "MeterUse",
    "NewAccount",
    "Outcome",
    "OutcomeUnknown",
    "Page",
    "Period",
    "Poster",
    "QueueFull",
    "Reason",
    "RecordedTransfer",
    "Request",
    "Side",
    "StatementLine",
    "SystemKeyTaken",
    "Transfer",
    "TransferCode",
    "TransferKind",
    "TrialBalance",
    "TrialBalanceLine",
    "Verdict",
    "VerifyProgress",
    "VerifyReport",
    "Writer",
    "add_partitions",
    "close_day",
    "ensure_system_account",
    "find_code",
    "find_system_account",
    "get_account",
    "get_balance",
    "get_balance_at",
    "get_balance_on",
    "get_balances",
    "get_entry",
    "get_hold",
    "get_transfer",
    "get_trial_balances",
    "install_chart",
    "is_projected",
    "list_accounts",
    "list_chart",
    "list_corrections",
    "list_holds",
    "list_statement",
    "load_chart",
    "make_account_number",
    "open_account",
    "open_accounts",
    "post_columns",
    "post_entries",
    "project_all",
    "project_lines",
    "read_account",
    "set_account_state",
    "set_balance_max",
    "show_account",
    "verify_ledger",
]
