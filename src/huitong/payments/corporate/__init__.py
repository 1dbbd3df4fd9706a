"""Corporate accounts (对公账户): what businesses pay by several people's word, pools, collection.

Owns mandates (limits, and how many approvers from which amount), instructions and their approvals,
standing orders and scheduled payments.
"""

from huitong.payments.corporate.content import read_content
from huitong.payments.corporate.errors import (
    CorporateNotAllowed,
    InstructionChanged,
    InstructionExpired,
    InstructionNotFound,
    InstructionNotWaiting,
    MandateChanged,
    MandateExceeded,
    MandateMissing,
    NothingToPay,
    PayeeNameDiffers,
    ScheduleInvalid,
    StandingOrderNotFound,
    StandingOrderOver,
)
from huitong.payments.corporate.instructions import (
    approve_instruction,
    expire_instructions,
    instruct_payment,
    instruct_schedule,
    reject_instruction,
    withdraw_instruction,
)
from huitong.payments.corporate.invariants import INVARIANTS
from huitong.payments.corporate.limits import INSTRUCTIONS_EXPIRED_AT_ONCE_MAX
from huitong.payments.corporate.mandates import (
    check_mandate,
    check_user,
    get_mandate,
    set_mandate,
)
from huitong.payments.corporate.payees import show_payee
from huitong.payments.corporate.plans import (
    AmountRule,
    Convention,
    Plan,
    Rhythm,
    due_date,
    nominal_date,
)
from huitong.payments.corporate.queries import get_instruction, list_instructions
from huitong.payments.corporate.standing import (
    cancel_standing_order,
    get_standing_order,
    is_any_standing_order_due,
    list_standing_orders,
    list_standing_runs,
    run_next_standing_order,
)
from huitong.payments.corporate.standing_store import (
    RunState,
    StandingOrder,
    StandingRun,
    StandingState,
)
from huitong.payments.corporate.types import (
    Band,
    Instruction,
    InstructionKind,
    InstructionState,
    Mandate,
    NewMandate,
    NewPayee,
    Payee,
)

__all__ = [
    "INSTRUCTIONS_EXPIRED_AT_ONCE_MAX",
    "INVARIANTS",
    "AmountRule",
    "Band",
    "Convention",
    "CorporateNotAllowed",
    "Instruction",
    "InstructionChanged",
    "InstructionExpired",
    "InstructionKind",
    "InstructionNotFound",
    "InstructionNotWaiting",
    "InstructionState",
    "Mandate",
    "MandateChanged",
    "MandateExceeded",
    "MandateMissing",
    "NewMandate",
    "NewPayee",
    "NothingToPay",
    "Payee",
    "PayeeNameDiffers",
    "Plan",
    "Rhythm",
    "RunState",
    "ScheduleInvalid",
    "StandingOrder",
    "StandingOrderNotFound",
    "StandingOrderOver",
    "StandingRun",
    "StandingState",
    "approve_instruction",
    "cancel_standing_order",
    "check_mandate",
    "check_user",
    "due_date",
    "expire_instructions",
    "get_instruction",
    "get_mandate",
    "get_standing_order",
    "instruct_payment",
    "instruct_schedule",
    "is_any_standing_order_due",
    "list_instructions",
    "list_standing_orders",
    "list_standing_runs",
    "nominal_date",
    "read_content",
    "reject_instruction",
    "run_next_standing_order",
    "set_mandate",
    "show_payee",
    "withdraw_instruction",
]
