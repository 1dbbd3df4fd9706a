"""Identifiers: time-ordered UUIDs (version 7) and the prefixed text in which people see them.

UUIDv7 (RFC 9562, section 5.7) keeps new rows at the end of every index, and can be made by
whoever starts a movement of money before anything is stored.
"""

import os
import re
import struct
import threading
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from time import time_ns
from typing import Final

from huitong.kernel import limits
from huitong.kernel.errors import InvalidField

ACCESS_ALERT: Final = "alt"
ACCOUNT: Final = "acct"
API_KEY: Final = "key"
APPLICATION: Final = "app"
APPROVAL: Final = "apr"
AUDIT_RECORD: Final = "aud"
BACKTEST: Final = "bkt"
BATCH: Final = "bat"
BREAK: Final = "brk"
BULK_FILE: Final = "blk"
CASE: Final = "cas"
CHALLENGE: Final = "chl"
CHANNEL_ATTEMPT: Final = "att"
CHANNEL_FILE: Final = "chf"
CHECKOUT: Final = "chk"
CLEARING_WINDOW: Final = "clw"
CODE: Final = "qr"
CROSS_BORDER: Final = "cbp"
COLLECTION_CASE: Final = "clc"
COLLECTION_COMPLAINT: Final = "ccp"
COLLECTION_CONTACT: Final = "clt"
COLLECTION_TASK: Final = "ctk"
CONSENT: Final = "con"
COUNTERMEASURE: Final = "cms"
EXCHANGE_DEAL: Final = "fxd"
CUSTOMER: Final = "cus"
DECISION: Final = "dec"
DEVICE: Final = "dev"
DISPUTE: Final = "dsp"
ENTRY: Final = "je"
EVENT: Final = "evt"
EVIDENCE: Final = "evd"
HARDSHIP: Final = "hds"
HOLD: Final = "hold"
INCIDENT: Final = "inc"
INSTRUCTION: Final = "ins"
JOB: Final = "job"
LOAN: Final = "loan"
LOAN_APPLICATION: Final = "lap"
LOAN_EVENT: Final = "lev"
LOAN_LINE: Final = "lln"
LOAN_SALE: Final = "lsl"
LOAN_WARNING: Final = "lwn"
LOGIN: Final = "lgn"
MERCHANT: Final = "mer"
MODEL: Final = "mdl"
ONE_TIME_CODE: Final = "otc"
PAPER: Final = "ppr"
PARTNER: Final = "ptn"
PASSKEY: Final = "psk"
PAYMENT: Final = "pay"
PAY_IN: Final = "pin"
POOL: Final = "pol"
PROFIT_SHARE: Final = "shr"
PROMISE: Final = "prm"
QUOTE: Final = "fxq"
REFUND: Final = "rfd"
REQUEST: Final = "req"
RULE_VERSION: Final = "rul"
SETTLEMENT_SHEET: Final = "sht"
SESSION: Final = "ses"
SIGN_UP: Final = "sgn"
STAFF: Final = "stf"
STEP_UP: Final = "stp"
STORE: Final = "sto"
SUBJECT: Final = "sub"
SUBJECT_REQUEST: Final = "srq"
SUSPENSE: Final = "sus"
TABLE_ANSWER: Final = "tba"
TABLE_VERSION: Final = "tbl"
TERMINAL: Final = "trm"
TOP_UP: Final = "top"
TRANSFER: Final = "tr"
VIRTUAL_ACCOUNT: Final = "vac"
WEBHOOK: Final = "whk"
WITHDRAWAL: Final = "wdr"

PREFIXES: Final = frozenset(
    {
        ACCESS_ALERT,
        ACCOUNT,
        API_KEY,
        APPLICATION,
        APPROVAL,
        AUDIT_RECORD,
        BACKTEST,
        BATCH,
        BREAK,
        BULK_FILE,
        CASE,
        CHALLENGE,
        CHANNEL_ATTEMPT,
        CHANNEL_FILE,
        CHECKOUT,
        CLEARING_WINDOW,
        CODE,
        COLLECTION_CASE,
        COLLECTION_COMPLAINT,
        COLLECTION_CONTACT,
        COLLECTION_TASK,
        CONSENT,
        COUNTERMEASURE,
        CROSS_BORDER,
        CUSTOMER,
        DECISION,
        DEVICE,
        DISPUTE,
        ENTRY,
        EVENT,
        EVIDENCE,
        EXCHANGE_DEAL,
        HARDSHIP,
        HOLD,
        INCIDENT,
        INSTRUCTION,
        JOB,
        LOAN,
        LOAN_APPLICATION,
        LOAN_EVENT,
        LOAN_LINE,
        LOAN_SALE,
        LOAN_WARNING,
        LOGIN,
        MERCHANT,
        MODEL,
        ONE_TIME_CODE,
        PAPER,
        PARTNER,
        PASSKEY,
        PAYMENT,
        PAY_IN,
        POOL,
        PROFIT_SHARE,
        PROMISE,
        QUOTE,
        REFUND,
        REQUEST,
        RULE_VERSION,
        SESSION,
        SETTLEMENT_SHEET,
        SIGN_UP,
        STAFF,
        STEP_UP,
        STORE,
        SUBJECT,
        SUBJECT_REQUEST,
        SUSPENSE,
        TABLE_ANSWER,
        TABLE_VERSION,
        TERMINAL,
        TOP_UP,
        TRANSFER,
        VIRTUAL_ACCOUNT,
        WEBHOOK,
        WITHDRAWAL,
    }
)

_MILLISECONDS_MAX: Final = 2**48 - 1
_VERSION: Final = 7
_VERSION_AND_VARIANT: Final = (_VERSION << 76) | (0b10 << 62)
_STEPS_POOLED: Final = 1_024
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_HEX_SHAPE = re.compile(r"[0-9a-f]{32}")

# The public constructor spends most of its time on the five other ways to build a UUID, and the
# class forbids plain assignment; its own slots are the shortest way in.
_new_object = object.__new__
_set_number = uuid.UUID.__dict__["int"].__set__
_set_safety = uuid.UUID.__dict__["is_safe"].__set__
_UNKNOWN_SAFETY: Final = uuid.SafeUUID.unknown


class _Sequence:
    """The state that keeps identifiers of one process in order.

    The first identifier of a millisecond has 73 random bits; each later one adds a random step of
    up to 32 bits (RFC 9562, section 6.2, method 2), so that two processes in one millisecond stay
    apart. The bits left clear at the start hold half a billion average steps, far more than a
    process can make in a millisecond. Random bits come from the operating system, the steps in
    pools, and not from `random`, whose state a test or a library may seed, which would make the
    same identifiers again.
    """

    __slots__ = ("last_ms", "lock", "number", "steps")

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget everything, the lock too: a fork may copy it while another thread holds it."""
        self.lock = threading.Lock()
        self.steps: list[int] = []
        self.last_ms = -1
        self.number = 0

    def start(self, now_ms: int) -> int:
        """Return the first number of a millisecond; the caller holds the lock."""
        noise = int.from_bytes(os.urandom(10))
        self.last_ms = now_ms
        self.number = (
            now_ms << 80 | (noise >> 61 & 0xFFF) << 64 | noise & (2**61 - 1) | _VERSION_AND_VARIANT
        )
        return self.number

    def follow(self) -> int:
        """Return the next number of the same millisecond; the caller holds the lock."""
        if not self.steps:
            self.steps.extend(struct.unpack(f"={_STEPS_POOLED}I", os.urandom(4 * _STEPS_POOLED)))
        # One is added, because a step of nothing would be the same identifier again.
        self.number += self.steps.pop() + 1
        return self.number


_by_system_clock = _Sequence()
_by_given_clock = _Sequence()


# A forked child would otherwise continue its parent's state and repeat its identifiers.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_by_system_clock.reset)
    os.register_at_fork(after_in_child=_by_given_clock.reset)


def go_by(read_milliseconds: Callable[[], int]) -> None:
    """Make identifiers of this process carry another clock's time; for demonstrations only.

    The ledger refuses what seems to be from another week than the clock that it goes by.
    """
    global _read_milliseconds  # noqa: PLW0603 - one process has one clock
    _read_milliseconds = read_milliseconds


def _read_system_clock() -> int:
    return time_ns() // 1_000_000


_read_milliseconds: Callable[[], int] = _read_system_clock


def uuid7(now_ms: int | None = None) -> uuid.UUID:
    """Return a new UUIDv7, greater than every one made before it in this process.

    Without an argument the system clock is read; if that clock steps back, the last millisecond
    is kept and counted on. With `now_ms` (milliseconds since 1970, UTC) the identifier carries
    exactly that time, so order then holds for equal or growing times only: a simulation may play
    an earlier day. Raises ValueError outside 48 bits.
    """
    if now_ms is None:
        sequence = _by_system_clock
        now_ms = _read_milliseconds()
        with sequence.lock:
            number = sequence.start(now_ms) if now_ms > sequence.last_ms else sequence.follow()
    elif 0 <= now_ms <= _MILLISECONDS_MAX:
        sequence = _by_given_clock
        with sequence.lock:
            number = sequence.start(now_ms) if now_ms != sequence.last_ms else sequence.follow()
    else:
        raise ValueError(f"{now_ms} is outside the 48 bits that UUIDv7 has for its time")
    return _from_number(number)


def uuid7_time(identifier: uuid.UUID) -> datetime:
    """Return the aware UTC instant, to the millisecond, at which a UUIDv7 was made.

    Raises ValueError for another version: its first bits are not a time.
    """
    if identifier.version != _VERSION:
        raise ValueError(f"{identifier} is not a UUIDv7")
    return _EPOCH + timedelta(milliseconds=identifier.int >> 80)


def show_id(prefix: str, identifier: uuid.UUID) -> str:
    """Return the public form: `show_id("pay", …)` → `pay_` and 32 lowercase hexadecimal digits."""
    return f"{prefix}_{identifier.hex}"


def read_id(prefix: str, text: object, *, field: str) -> uuid.UUID:
    """Return the UUID behind a public identifier.

    Exactly the form that `show_id` writes is accepted, so that one thing has one name in logs,
    caches and signatures. Raises InvalidField, naming `field`, for anything else.
    """
    if isinstance(text, str):
        given, separator, digits = text.partition("_")
        if given == prefix and separator and _HEX_SHAPE.fullmatch(digits):
            return _from_number(int(digits, 16))
    raise InvalidField(
        f"{field} must be an identifier like {prefix}_ followed by 32 lowercase hexadecimal "
        f"digits, not {_shorten(text)}",
        field=field,
        context={"prefix": prefix},
    )


def _from_number(number: int) -> uuid.UUID:
    made = _new_object(uuid.UUID)
    _set_number(made, number)
    _set_safety(made, _UNKNOWN_SAFETY)
    return made


def _shorten(value: object) -> str:
    if not isinstance(value, str):
        return f"a {type(value).__name__}"
    if len(value) <= limits.IDENTIFIER_ECHO_LENGTH_MAX:
        return repr(value)
    return f"{value[: limits.IDENTIFIER_ECHO_LENGTH_MAX]!r}…"
