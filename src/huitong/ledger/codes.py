"""Transfer codes: what kind of business a movement of money was, in a word, for ever.

The journal keeps the number; statements, exports and reports show the names. A number is never
given a second meaning. Hundreds group them: 1 money in and out, 2 between accounts, 3 payments,
4 what a payment entails, 5 cards and clearing, 6 currencies and payments abroad, 7 loans, 9 the
books themselves.
"""

from enum import IntEnum
from typing import Final, Self


class TransferCode(IntEnum):
    """The kinds of business; `name_en` and `name_zh` are what people read on a statement."""

    name_en: str
    name_zh: str

    def __new__(cls, number: int, name_en: str, name_zh: str) -> Self:
        """Make a member that is its number and carries its two names."""
        member = int.__new__(cls, number)
        member._value_ = number
        member.name_en = name_en
        member.name_zh = name_zh
        return member

    TOP_UP = 101, "Top-up", "充值"
    TOP_UP_REVERSAL = 102, "Top-up reversed", "充值撤销"
    PAY_IN = 103, "Incoming payment", "来账"
    PAY_IN_ASSIGNED = 104, "Incoming payment assigned", "来账认领"
    WITHDRAWAL = 111, "Withdrawal", "提现"
    WITHDRAWAL_HOLD = 112, "Withdrawal under way", "提现冻结"
    WITHDRAWAL_RETURN = 113, "Withdrawal returned", "提现退回"

    TRANSFER = 201, "Transfer", "转账"
    TRANSFER_RETURN = 202, "Transfer returned", "转账退回"
    BULK_HOLD = 211, "Money of a payment file held", "批量付款冻结"
    BULK_FUNDS = 212, "Money of a payment file", "批量付款"
    BULK_RETURN = 213, "Unpaid lines given back", "批量付款退回"
    PAYROLL = 214, "Payroll", "代发工资"
    SUPPLIER_PAYMENT = 215, "Supplier payment", "供应商付款"
    CORPORATE_PAYMENT = 221, "Corporate payment", "对公付款"
    POOL_UP = 222, "Swept to the pool", "资金归集"
    POOL_DOWN = 223, "Funded from the pool", "资金下拨"
    COLLECTION = 224, "Collected from a virtual account", "子账户划转"

    PAYMENT = 301, "Payment", "消费"
    PAYMENT_HOLD = 302, "Payment authorised", "预授权"
    PAYMENT_CAPTURE = 303, "Payment captured", "预授权完成"
    PAYMENT_VOID = 304, "Authorisation cancelled", "预授权撤销"
    PAYMENT_HELD = 305, "Payment held back", "付款暂缓"
    PAYMENT_GIVEN_BACK = 306, "Held payment given back", "暂缓付款退回"
    REFUND = 311, "Refund", "退款"

    FEE = 401, "Fee", "手续费"
    FEE_REFUND = 402, "Fee refunded", "手续费退回"
    PROFIT_SHARE = 411, "Profit share", "分账"
    PROFIT_SHARE_RETURN = 412, "Profit share returned", "分账回退"
    PROFIT_SHARE_HELD = 413, "Profit share held back", "分账暂缓"
    PROFIT_SHARE_GIVEN_BACK = 414, "Held profit share given back", "暂缓分账退回"
    INTEREST = 421, "Interest", "利息"

    HOLD = 501, "Funds held", "资金冻结"
    HOLD_RELEASE = 502, "Held funds released", "资金解冻"
    HOLD_EXPIRY = 503, "Hold expired", "冻结到期"
    SETTLEMENT = 511, "Settlement", "结算"
    CLEARING = 512, "Clearing", "清算"
    MERCHANT_SETTLEMENT = 520, "Paid out to the merchant", "商户结算"
    PLAN_FEE = 521, "Fee by plan", "结算手续费"
    PLAN_FEE_RETURN = 522, "Fee by plan returned", "结算手续费退回"
    RESERVE_HELD = 523, "Reserve held", "风险保证金留存"
    RESERVE_RELEASED = 524, "Reserve released", "风险保证金释放"
    FEE_ADVANCED = 525, "Fee that the merchant owes", "商户欠费垫付"
    DEBT_RECOVERED = 526, "Recovered from the merchant", "商户欠款收回"
    CHARGEBACK = 531, "Chargeback", "拒付扣款"
    CHARGEBACK_RETURN = 532, "Chargeback given back", "拒付退回"
    DISPUTE_FEE = 533, "Dispute fee", "争议处理费"
    DISPUTE_FEE_RETURN = 534, "Dispute fee given back", "争议处理费退回"
    DISPUTE_PAID = 535, "Disputed money paid out", "争议款支付"
    REFUND_FROM_RESERVE = 541, "Refund out of the reserve", "保证金垫付退款"
    REFUND_ADVANCED = 542, "Refund that the merchant owes", "商户退款垫付"

    EXCHANGE_PURCHASE = 601, "Foreign currency bought", "购汇"
    EXCHANGE_SETTLEMENT = 602, "Foreign currency sold", "结汇"
    EXCHANGE = 603, "Currencies exchanged", "外汇买卖"
    EXCHANGE_RESULT = 604, "Exchange gain or loss", "汇兑损益"
    EXCHANGE_COVER = 605, "Position covered", "外汇平盘"
    EXCHANGE_REVERSAL = 606, "Exchange taken back", "外汇交易撤销"
    EXCHANGE_REVALUATION = 607, "Position revalued", "外汇头寸重估"
    ABROAD_PAYMENT = 611, "Payment abroad", "跨境汇出"
    ABROAD_RECEIPT = 612, "Payment from abroad", "跨境汇入"
    ABROAD_GIVEN_BACK = 613, "Payment abroad given back", "跨境汇款退回"
    ABROAD_SETTLED = 614, "Payment abroad settled", "跨境汇款清算"

    LOAN_LENT = 701, "Loan paid out", "贷款发放"
    LOAN_REPAYMENT = 702, "Loan repayment", "贷款还款"
    LOAN_REPAID_EARLY = 703, "Loan repaid early", "贷款提前还款"
    LOAN_RECALCULATED = 704, "Loan recalculated", "贷款重算调整"
    LOAN_DAY = 711, "Close of a loan's day", "贷款日终"
    LOAN_FEE = 712, "Loan fee", "贷款费用"
    LOAN_WAIVED = 713, "Loan interest waived", "贷款息费减免"
    LOAN_WRITTEN_OFF = 714, "Loan written off", "贷款核销"
    LOAN_RECOVERED = 715, "Written-off loan recovered", "已核销贷款收回"
    LOAN_RESCHEDULED = 716, "Loan rescheduled", "贷款展期重组"
    LOAN_SOLD = 721, "Loans sold", "贷款转让"
    LOAN_BOUGHT_BACK = 722, "Loans bought back", "贷款回购"
    LOAN_PARTNER_SETTLED = 723, "Settled with a partner in lending", "贷款合作方清算"

    OPENING = 901, "Opening balance", "期初余额"
    ADJUSTMENT = 902, "Adjustment", "调账"
    CORRECTION = 903, "Correction", "冲正"
    CLOSING = 904, "Closing of an account", "销户结清"
    WRITE_OFF = 905, "Write-off", "核销"


_BY_NUMBER: Final = {int(code): code for code in TransferCode}


def find_code(number: int) -> TransferCode | None:
    """Return the code with this number, or None: a journal may hold numbers of a later version."""
    return _BY_NUMBER.get(number)
