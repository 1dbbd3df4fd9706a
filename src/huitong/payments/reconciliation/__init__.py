"""Reconciliation: orders, journal and channels compared, and every difference found and explained.

Owns the files in which channels say what they carried, breaks with kind, age, owner, cure and
history, the cures by two, and the items of suspense that must return to zero.
"""

from huitong.payments.channels import ChannelBreak
from huitong.payments.reconciliation.books import compare_books
from huitong.payments.reconciliation.calculations import CURES, Tolerance
from huitong.payments.reconciliation.clearing_items import check_clearing, clear_suspense
from huitong.payments.reconciliation.commands import assign_break, reconcile_file
from huitong.payments.reconciliation.cures import apply_cure, check_cure, get_break, propose_cure
from huitong.payments.reconciliation.errors import (
    BreakEnded,
    BreakNotFound,
    ChannelFileDiffers,
    ChannelFileKnown,
    ChannelFileNotFound,
    ChannelFileOfAnotherDay,
    ChannelFileTooLarge,
    ChannelFileTotalsDiffer,
    ChannelFileUnreadable,
    CureNotPossible,
    ReconciledChannelNotFound,
    SuspenseCleared,
    SuspenseNotFound,
)
from huitong.payments.reconciliation.fetching import fetch_file
from huitong.payments.reconciliation.invariants import INVARIANTS
from huitong.payments.reconciliation.jobs import fetch_night, prune_lines, reconcile_always
from huitong.payments.reconciliation.limits import UPLOAD_BYTES_MAX
from huitong.payments.reconciliation.loading import open_file, store_file, take_file
from huitong.payments.reconciliation.matching import match_file
from huitong.payments.reconciliation.queries import (
    BreakDetails,
    DayReport,
    SuspenseReport,
    count_waiting,
    describe_break,
    list_accounts,
    list_breaks,
    list_contradictions,
    list_files,
    report_day,
    report_suspense,
)
from huitong.payments.reconciliation.reading import Head, check_file, write_head
from huitong.payments.reconciliation.types import (
    Break,
    BreakKind,
    BreakState,
    ChannelFile,
    ClearedTo,
    Cure,
    FileFormat,
    FileState,
    HistoryLine,
    KindCount,
    Side,
    SuspenseItem,
    SuspenseSide,
)
from huitong.payments.reconciliation.wording import name_cure, name_kind, name_state

__all__ = [
    "CURES",
    "INVARIANTS",
    "UPLOAD_BYTES_MAX",
    "Break",
    "BreakDetails",
    "BreakEnded",
    "BreakKind",
    "BreakNotFound",
    "BreakState",
    "ChannelBreak",
    "ChannelFile",
    "ChannelFileDiffers",
    "ChannelFileKnown",
    "ChannelFileNotFound",
    "ChannelFileOfAnotherDay",
    "ChannelFileTooLarge",
    "ChannelFileTotalsDiffer",
    "ChannelFileUnreadable",
    "ClearedTo",
    "Cure",
    "CureNotPossible",
    "DayReport",
    "FileFormat",
    "FileState",
    "Head",
    "HistoryLine",
    "KindCount",
    "ReconciledChannelNotFound",
    "Side",
    "SuspenseCleared",
    "SuspenseItem",
    "SuspenseNotFound",
    "SuspenseReport",
    "SuspenseSide",
    "Tolerance",
    "apply_cure",
    "assign_break",
    "check_clearing",
    "check_cure",
    "check_file",
    "clear_suspense",
    "compare_books",
    "count_waiting",
    "describe_break",
    "fetch_file",
    "fetch_night",
    "get_break",
    "list_accounts",
    "list_breaks",
    "list_contradictions",
    "list_files",
    "match_file",
    "name_cure",
    "name_kind",
    "name_state",
    "open_file",
    "propose_cure",
    "prune_lines",
    "reconcile_always",
    "reconcile_file",
    "report_day",
    "report_suspense",
    "store_file",
    "take_file",
    "write_head",
]
