"""What people read of breaks, in Chinese and English."""

from collections.abc import Mapping
from typing import Final

from huitong.payments.reconciliation.types import BreakKind, BreakState, Cure

_KINDS: Final[Mapping[BreakKind, tuple[str, str]]] = {
    BreakKind.MISSING_AT_CHANNEL: ("渠道缺记", "missing at the channel"),
    BreakKind.MISSING_WITH_US: ("我方缺记", "missing with us"),
    BreakKind.UNKNOWN_REFERENCE: ("无法识别的流水", "unknown reference"),
    BreakKind.AMOUNT_DIFFERS: ("金额不符", "amount differs"),
    BreakKind.FEE_DIFFERS: ("手续费不符", "fee differs"),
    BreakKind.CURRENCY_DIFFERS: ("币种不符", "currency differs"),
    BreakKind.DIRECTION_DIFFERS: ("方向不符", "direction differs"),
    BreakKind.STATE_DIFFERS: ("状态不符", "state differs"),
    BreakKind.DOUBLED_IN_FILE: ("渠道重复", "doubled by the channel"),
    BreakKind.DOUBLED_WITH_US: ("我方重复记账", "doubled with us"),
    BreakKind.LEDGER_MISSING: ("账务缺记", "ledger entry missing"),
    BreakKind.LEDGER_AMOUNT_DIFFERS: ("账务金额不符", "ledger entry differs"),
    BreakKind.LEDGER_WITHOUT_ORDER: ("账务无订单", "ledger entry without order"),
    BreakKind.LATE: ("跨日入账", "booked on another day"),
}
_STATES: Final[Mapping[BreakState, tuple[str, str]]] = {
    BreakState.TIMING: ("待跨日", "timing"),
    BreakState.OPEN: ("未处理", "open"),
    BreakState.CURED: ("已处理", "cured"),
    BreakState.MATCHED: ("已对平", "matched"),
}
_CURES: Final[Mapping[Cure, tuple[str, str]]] = {
    Cure.REPLAY: ("重做", "do again"),
    Cure.REVERSE: ("冲正", "reverse"),
    Cure.SUSPENSE: ("挂账", "write to suspense"),
    Cure.ACCEPT_FEE: ("接受手续费差异", "accept the channel's fee"),
    Cure.WAIT: ("等待", "wait"),
    Cure.ACCEPT: ("接受", "accept as it is"),
}


def name_kind(kind: BreakKind) -> tuple[str, str]:
    """Return what a kind of break is called, in Chinese and English."""
    return _KINDS[kind]


def name_state(state: BreakState) -> tuple[str, str]:
    """Return what a state is called, in Chinese and English."""
    return _STATES[state]


def name_cure(cure: Cure) -> tuple[str, str]:
    """Return what a cure is called, in Chinese and English."""
    return _CURES[cure]
