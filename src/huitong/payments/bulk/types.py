"""What a file of payments is made of: its head, its lines, what is wrong with them, its states."""

import uuid
from dataclasses import dataclass
from datetime import date, datetime
from enum import IntEnum, StrEnum
from typing import NamedTuple, Self

import msgspec

from huitong.kernel.money import Money


class Purpose(StrEnum):
    """What a file pays."""

    #: 代发工资.
    PAYROLL = "payroll"
    #: 批量付款 to suppliers.
    SUPPLIERS = "suppliers"


class Charset(StrEnum):
    """How the text of a CSV file is encoded, as its sender declares it."""

    #: With or without a byte order mark.
    UTF_8 = "utf-8"
    GB18030 = "gb18030"


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """The first row of a file: what it pays, and the control totals that its lines must meet."""

    purpose: Purpose
    currency: str
    line_count: int
    total: Money
    #: What a pain.001 says besides: whose account pays, from which day on, and what it is called.
    payer: str | None = None
    execution_on: date | None = None
    message_id: str | None = None
    message_name: str | None = None
    batch_id: str | None = None


class RawLine(msgspec.Struct, frozen=True, gc=False):
    """One row as read, before anything in it is believed.

    `number` is 1 for the first line after the row of titles. `trouble` says that the row could not
    be read into fields at all.
    """

    number: int
    fields: tuple[str, ...]
    trouble: "ProblemCode | None" = None


class Line(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One payment of a file whose text is sound; `amount` counts minor units."""

    number: int
    reference: str
    account_id: int
    name: str
    amount: int
    note: str


class ProblemCode(StrEnum):
    """Why a line cannot be paid; stable, and part of the public API."""

    zh: str
    en: str

    def __new__(cls, code: str, zh: str, en: str) -> Self:
        """Make a member that is its code and carries what people read."""
        member = str.__new__(cls, code)
        member._value_ = code
        member.zh = zh
        member.en = en
        return member

    CHARSET_WRONG = "charset_wrong", "字符编码不符", "Not in the declared character set"
    CONTROL_CHARACTER = "control_character", "含有控制字符", "Holds a control character"
    LINE_TOO_LONG = "line_too_long", "行过长", "The line is too long"
    QUOTES_WRONG = "quotes_wrong", "引号不成对", "The quotes do not match"
    FIELDS_WRONG = "fields_wrong", "字段数量不符", "The number of fields is wrong"
    FIELD_TOO_LONG = "field_too_long", "字段过长", "The field is too long"
    FIELD_EMPTY = "field_empty", "字段为空", "The field is empty"
    FORMULA = "formula", "疑似公式注入", "Looks like a formula"
    REFERENCE_MALFORMED = (
        "reference_malformed",
        "行编号只能用字母、数字和 . _ / -",
        "A reference has letters, digits and . _ / - only",
    )
    REFERENCE_DUPLICATE = (
        "reference_duplicate",
        "行编号重复",
        "Another line has the same reference",
    )
    ACCOUNT_UNKNOWN = "account_unknown", "账户不存在", "There is no such account"
    ACCOUNT_CLOSED = "account_closed", "账户已销户", "The account is closed"
    ACCOUNT_FROZEN = "account_frozen", "账户已冻结", "The account is frozen"
    ACCOUNT_OWN = "account_own", "收款账户为付款账户", "The payee's account is the payer's"
    NAME_DIFFERS = "name_differs", "户名不符", "The name is not the account holder's"
    AMOUNT_MALFORMED = "amount_malformed", "金额格式错误", "Not an amount"
    AMOUNT_DECIMALS = "amount_decimals", "金额小数位过多", "The amount has too many decimals"
    AMOUNT_NOT_POSITIVE = "amount_not_positive", "金额必须大于零", "The amount is not above zero"
    AMOUNT_TOO_LARGE = "amount_too_large", "金额过大", "The amount is too large"
    CURRENCY_WRONG = "currency_wrong", "币种不符", "Not in the currency of the file"
    ELEMENT_WRONG = (
        "element_wrong",
        "报文要素不符合规范",
        "An element is not as the message defines it",
    )
    #: About the file as a whole: line 0.
    PAYER_WRONG = (
        "payer_wrong",
        "付款账户不是本单位账户",
        "The debtor's account is not the business's",
    )
    EXECUTION_LATER = (
        "execution_later",
        "指定执行日晚于提交日",
        "It asks to be paid on a later day",
    )
    COUNT_DIFFERS = "count_differs", "总笔数不符", "The number of lines is not the head's"
    TOTAL_DIFFERS = "total_differs", "总金额不符", "The sum of the lines is not the head's"


class Problem(msgspec.Struct, frozen=True, gc=False):
    """One thing that is wrong with one line; line 0 is the head."""

    number: int
    code: ProblemCode
    field: str


class FileState(StrEnum):
    """Where a file is in its life."""

    #: Some line is bad: nothing of it is ever paid.
    INVALID = "invalid"
    #: It waits for a second person.
    SUBMITTED = "submitted"
    REJECTED = "rejected"
    #: The money of all lines is reserved.
    APPROVED = "approved"
    #: The money has left the payer, and lines are being paid.
    PAYING = "paying"
    #: Every line is paid, or failed and its money is given back.
    DONE = "done"
    #: What is stored is not what was approved, or the money was not to be had: nothing is paid.
    STOPPED = "stopped"


class LineState(IntEnum):
    """What became of a line, as stored."""

    WAITING = 0
    PAID = 1
    FAILED = 2


class Role(StrEnum):
    """What a user of a business may do for it: make, check, or only look."""

    SUBMITTER = "submitter"
    APPROVER = "approver"
    #: Up to an amount of zero.
    VIEWER = "viewer"


@dataclass(frozen=True, slots=True, kw_only=True)
class BusinessUser:
    """A person who acts for a business, in one role and up to an amount for each file."""

    merchant_id: uuid.UUID
    customer_id: uuid.UUID
    role: Role
    amount_max: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkFile:
    """A file of payments; `digest` is the SHA-256 of its bytes."""

    id: uuid.UUID
    merchant_id: uuid.UUID
    payer_account_id: int
    digest: bytes
    lines_digest: bytes
    purpose: Purpose
    line_count: int
    total: Money
    state: FileState
    submitted_by: uuid.UUID
    submitted_at: datetime
    paid: Money
    failed: Money
    paid_count: int = 0
    failed_count: int = 0
    decided_by: uuid.UUID | None = None
    decided_at: datetime | None = None
    #: The hold of the whole file; the identifier of each line's transfer follows from it.
    pay_id: uuid.UUID | None = None
    stop_reason: str | None = None
    done_at: datetime | None = None
    #: What a pain.001 is called, and its batch: the answer names them.
    message_id: str | None = None
    message_name: str | None = None
    batch_id: str | None = None

    @property
    def next_number(self) -> int:
        """The number of the first line that nothing was decided about."""
        return self.paid_count + self.failed_count + 1


class DueLine(NamedTuple):
    """What of a line is needed to pay it; `amount` is in minor units of the file's currency."""

    number: int
    account_id: int
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FileLine:
    """A line as stored: `reason` says why it was not paid."""

    number: int
    reference: str
    account_id: int
    amount: Money
    note: str
    state: LineState
    reason: str | None
