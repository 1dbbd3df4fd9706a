"""What is printed on papers, in Chinese and English."""

from enum import Enum
from typing import Final

from huitong.kernel.papers import INSTITUTION as _INSTITUTION
from huitong.ledger import find_code


class Text(Enum):
    """A text of papers in its two languages."""

    INSTITUTION = _INSTITUTION
    RECEIPT = "电子回单", "ELECTRONIC RECEIPT"
    DEBIT = "付款回单", "Debit advice"
    CREDIT = "收款回单", "Credit advice"
    NUMBER = "回单编号", "Receipt no."
    PAYER = "付款方", "Payer"
    PAYEE = "收款方", "Payee"
    NAME = "户名", "Name"
    ACCOUNT = "账号", "Account"
    SERVICER = "开户机构", "Institution"
    AMOUNT = "金额", "Amount"
    IN_WORDS = "大写", "In capitals"
    IN_FIGURES = "小写", "In figures"
    KIND = "交易类型", "Kind"
    PURPOSE = "用途", "Purpose"
    DONE_AT = "交易时间", "Time"
    BOOKED_ON = "记账日期", "Booked on"
    ENTRY = "交易流水号", "Entry"
    CODE = "验证码", "Verification code"
    NO_PURPOSE = "—", "—"
    STATEMENT = "对账单", "STATEMENT OF ACCOUNT"
    CURRENCY = "币种", "Currency"
    PERIOD = "期间", "Period"
    OPENING = "期初余额", "Opening balance"
    CLOSING = "期末余额", "Closing balance"
    DEBITS = "借方合计", "Total debits"
    CREDITS = "贷方合计", "Total credits"
    CARRIED = "承前页余额", "Carried forward"
    CARRY = "过次页余额", "To carry forward"
    LINE = "序号", "No."
    SUMMARY = "摘要", "Summary"
    COUNTERPARTY = "对方户名", "Counterparty"
    OTHER_ACCOUNT = "对方账号", "Its account"
    MADE_AT = "出单时间", "Issued at"
    OUT = "借方发生额", "Debit"
    IN = "贷方发生额", "Credit"
    BALANCE = "余额", "Balance"
    NOTE = "附言", "Note"
    NOTHING = "本期无交易", "No entries in this period"
    PAGE = "第 {page} 页 共 {pages} 页", "Page {page} of {pages}"

    @property
    def zh(self) -> str:
        """The Chinese text."""
        return str(self.value[0])

    @property
    def en(self) -> str:
        """The English text."""
        return str(self.value[1])

    @property
    def both(self) -> str:
        """Both, the Chinese first."""
        return f"{self.zh} {self.en}"


SEAL_AROUND: Final = "汇通网络金融服务平台"
SEAL_BELOW: Final = "电子回单专用章"
STATEMENT_SEAL_BELOW: Final = "对账专用章"
HOW_TO_VERIFY: Final = (
    "凭回单编号和验证码可在网上核验；改动任何内容，核验即不通过。本回单可重复打印，请勿重复记账。",
    "Verify online with number and code; any change shows. May be reprinted: do not book it twice.",
)


def name_kind(code: int) -> tuple[str, str]:
    """Return the Chinese and English names of a transfer's kind, or its number for a new one."""
    found = find_code(code)
    return (str(code), str(code)) if found is None else (found.name_zh, found.name_en)
