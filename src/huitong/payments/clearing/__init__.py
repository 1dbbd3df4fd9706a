"""Clearing between banks: routing, participants, netting windows, positions, settlement.

Owns which system (HVPS, BEPS, IBPS) an outgoing payment takes and when; the banks that take part,
with settlement and collateral accounts, net debit caps and reserves; queues with priority and
gridlock resolution; multilateral netting settled in one journal entry, and gross settlement.
"""

from huitong.payments.clearing.bank_codes import check_bank_code
from huitong.payments.clearing.commands import submit_payments
from huitong.payments.clearing.errors import (
    AmountAboveRailCap,
    CapBelowUse,
    ClearingPaymentIdReused,
    DepositRefused,
    ParticipantExists,
    ParticipantNotFound,
    SettlementRaced,
    WindowNotFound,
    WindowStateRefused,
)
from huitong.payments.clearing.invariants import INVARIANTS
from huitong.payments.clearing.jobs import run_schedule, settle_oldest
from huitong.payments.clearing.offset_store import OffsetRun
from huitong.payments.clearing.offsetting import list_offsets, offset_gross
from huitong.payments.clearing.queries import (
    find_open_window,
    list_bilateral,
    list_participants,
    list_positions,
    list_queued,
    list_windows,
)
from huitong.payments.clearing.routing import (
    Reason,
    Route,
    Session,
    find_hvps_session,
    route_payment,
)
from huitong.payments.clearing.statement_message import write_camt053
from huitong.payments.clearing.statements import (
    Side,
    StatementLine,
    get_position,
    list_statement_lines,
    write_statement_after,
)
from huitong.payments.clearing.terms import (
    check_cap,
    check_deposit,
    check_join,
    check_reserved,
    deposit,
    join,
    set_net_debit_cap,
    set_reserved,
)
from huitong.payments.clearing.types import (
    CURRENCY,
    AtClose,
    BilateralPosition,
    Bypass,
    ClearingPayment,
    NewPayment,
    OverCap,
    Participant,
    PaymentState,
    Position,
    Rail,
    Settlement,
    Unwind,
    Window,
    WindowState,
)
from huitong.payments.clearing.windows import (
    close_window,
    get_window,
    settle_window,
    start_settling,
)
from huitong.payments.iso20022 import compute_check_digit

__all__ = [
    "CURRENCY",
    "INVARIANTS",
    "AmountAboveRailCap",
    "AtClose",
    "BilateralPosition",
    "Bypass",
    "CapBelowUse",
    "ClearingPayment",
    "ClearingPaymentIdReused",
    "DepositRefused",
    "NewPayment",
    "OffsetRun",
    "OverCap",
    "Participant",
    "ParticipantExists",
    "ParticipantNotFound",
    "PaymentState",
    "Position",
    "Rail",
    "Reason",
    "Route",
    "Session",
    "Settlement",
    "SettlementRaced",
    "Side",
    "StatementLine",
    "Unwind",
    "Window",
    "WindowNotFound",
    "WindowState",
    "WindowStateRefused",
    "check_bank_code",
    "check_cap",
    "check_deposit",
    "check_join",
    "check_reserved",
    "close_window",
    "compute_check_digit",
    "deposit",
    "find_hvps_session",
    "find_open_window",
    "get_position",
    "get_window",
    "join",
    "list_bilateral",
    "list_offsets",
    "list_participants",
    "list_positions",
    "list_queued",
    "list_statement_lines",
    "list_windows",
    "offset_gross",
    "route_payment",
    "run_schedule",
    "set_net_debit_cap",
    "set_reserved",
    "settle_oldest",
    "settle_window",
    "start_settling",
    "submit_payments",
    "write_camt053",
    "write_statement_after",
]
