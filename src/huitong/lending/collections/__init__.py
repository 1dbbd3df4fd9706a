"""Collections: what is done about loans that are due or overdue, within caps and hours.

The close of business opens a case for each loan that is overdue and ends it when nothing is. A
strategy, which two people agreed on, says which steps follow on which day: messages that go by
themselves, and tasks that agents take. Every contact is counted before it is made, for the debtor
over all loans and agents, and refused where a rule of the rulebook forbids it. Only the borrower is
contacted, and nobody else is told anything.
"""

from huitong.lending.collections.complaints import (
    answer_complaint,
    complain,
    get_complaint,
    open_words,
)
from huitong.lending.collections.contacting import (
    Message,
    Tell,
    begin_contact,
    carry_out_steps,
    end_contact,
)
from huitong.lending.collections.errors import (
    AlreadyEnded,
    AlreadyOpen,
    CollectionIdReused,
    CollectionNotFound,
    ContactRefused,
    DebtorUnreachable,
    NotOverdue,
    OwnContacts,
    RequestRefused,
    StrategyNotFound,
    StrategyRefused,
    TaskTaken,
)
from huitong.lending.collections.hardships import (
    ask_for_hardship,
    get_hardship,
    grant_hardship,
    lock_open,
    refuse_hardship,
)
from huitong.lending.collections.invariants import INVARIANTS
from huitong.lending.collections.judging import CollectedDay, collect_chunk, collect_days
from huitong.lending.collections.limits import AUTOMATIC_AT_ONCE_MAX
from huitong.lending.collections.payloads import read_strategy, write_strategy
from huitong.lending.collections.promises import make_promise
from huitong.lending.collections.queries import (
    TaskQueue,
    find_people_in_collection,
    get_case,
    get_contact,
    get_history,
    list_cases,
    list_complaints,
    list_open_complaints,
    list_open_hardships,
    list_tasks,
)
from huitong.lending.collections.strategies import (
    add_strategy,
    check_strategy,
    list_strategies,
    list_warnings,
    standard_strategy,
)
from huitong.lending.collections.tasks import (
    assign_task,
    get_task,
    release_task,
    take_next_task,
)
from huitong.lending.collections.types import (
    About,
    Case,
    Cause,
    Channel,
    Complaint,
    Contact,
    Hardship,
    HardshipState,
    History,
    NewStep,
    NewStrategy,
    Outcome,
    Promise,
    PromiseState,
    Segment,
    Strategy,
    Task,
    TaskState,
)

__all__ = [
    "AUTOMATIC_AT_ONCE_MAX",
    "INVARIANTS",
    "About",
    "AlreadyEnded",
    "AlreadyOpen",
    "Case",
    "Cause",
    "Channel",
    "CollectedDay",
    "CollectionIdReused",
    "CollectionNotFound",
    "Complaint",
    "Contact",
    "ContactRefused",
    "DebtorUnreachable",
    "Hardship",
    "HardshipState",
    "History",
    "Message",
    "NewStep",
    "NewStrategy",
    "NotOverdue",
    "Outcome",
    "OwnContacts",
    "Promise",
    "PromiseState",
    "RequestRefused",
    "Segment",
    "Strategy",
    "StrategyNotFound",
    "StrategyRefused",
    "Task",
    "TaskQueue",
    "TaskState",
    "TaskTaken",
    "Tell",
    "add_strategy",
    "answer_complaint",
    "ask_for_hardship",
    "assign_task",
    "begin_contact",
    "carry_out_steps",
    "check_strategy",
    "collect_chunk",
    "collect_days",
    "complain",
    "end_contact",
    "find_people_in_collection",
    "get_case",
    "get_complaint",
    "get_contact",
    "get_hardship",
    "get_history",
    "get_task",
    "grant_hardship",
    "list_cases",
    "list_complaints",
    "list_open_complaints",
    "list_open_hardships",
    "list_strategies",
    "list_tasks",
    "list_warnings",
    "lock_open",
    "make_promise",
    "open_words",
    "read_strategy",
    "refuse_hardship",
    "release_task",
    "standard_strategy",
    "take_next_task",
    "write_strategy",
]
