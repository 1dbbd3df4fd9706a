"""What is printed on contracts, in Chinese and English."""

from enum import Enum
from typing import Final


class Text(Enum):
    """A text of contracts in its two languages."""

    CONTRACT = "贷款合同", "LOAN CONTRACT"
    LENDER = "贷款人", "Lender"
    BORROWER = "借款人", "Borrower"
    PARTIES = "共同借款人／保证人", "Other parties"
    COLLATERAL = "担保物", "Collateral"
    LOAN = "贷款编号", "Loan"
    APPLICATION = "申请编号", "Application"
    PRODUCT = "产品", "Product"
    PRINCIPAL = "贷款本金", "Principal"
    USE = "用途", "Use"
    RATE = "年利率", "Rate a year"
    METHOD = "还款方式", "Repayment"
    COUNT = "期数", "Payments"
    LENT_ON = "放款日", "Lent on"
    TOTAL_COST = "息费合计", "Total cost"
    NOMINAL = "年化成本（单利）", "A year, nominal"
    EFFECTIVE = "年化成本（内部收益率）", "A year, effective"
    SCHEDULE = "还款计划", "Payments"
    NUMBER = "期次", "No."
    DUE_ON = "还款日", "Due on"
    INTEREST = "利息", "Interest"
    TOTAL = "合计", "Total"
    DIGEST = "合同摘要", "SHA-256"
    SIGNED_AT = "签署时间", "Signed at"
    PROOF = "签署验证", "Proof of the signature"
    NONE = "无", "None"
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


ROLES: Final = {
    "co_borrower": "共同借款人 Co-borrower",
    "guarantor": "保证人 Guarantor",
}
COSTS: Final = {
    "interest": "利息 Interest",
    "penalty": "逾期罚息 Penalty interest, if late",
    "compound_interest": "未付利息复利 Compound interest, if late",
    "early_repayment_fee": "提前还款违约金 Fee on principal paid early",
}
METHODS: Final = {
    "level_payment": "等额本息 Level payments",
    "equal_principal": "等额本金 Equal principal",
    "interest_first": "先息后本 Interest first",
    "single_payment": "一次还本付息 Single payment",
}
CLAUSES: Final = (
    "除上列息费外，贷款人不收取其他任何费用。",
    "Nothing is charged beside the costs listed above.",
    "借款人按还款计划还款；可提前还清，按当日报价结清。",
    "The borrower pays by the schedule, and may pay off early by the quote of the day.",
    "借款人以本合同摘要为对象，经再次验证身份后电子签署；改动任何内容，核验即不通过。",
    "Signed electronically over the digest with one more factor; any change shows.",
)
SEAL_AROUND: Final = "汇通网络金融服务平台"
SEAL_BELOW: Final = "合同专用章"
