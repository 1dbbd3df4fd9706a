"""Credit reports of a bureau, what they come to, and who gives them."""

from huitong.lending.bureau.client import HttpBureau
from huitong.lending.bureau.measures import ReportMeasures, measure_report
from huitong.lending.bureau.simulator import SIMULATED_SECRET, BureauSimulator, FaultKind
from huitong.lending.bureau.types import (
    OWN_LENDER,
    Account,
    AccountKind,
    Answer,
    CreditBureau,
    Inquiry,
    InquiryReason,
    PublicRecord,
    Question,
    RecordKind,
    Report,
    Summary,
    Trouble,
    Verdict,
)

__all__ = [
    "OWN_LENDER",
    "SIMULATED_SECRET",
    "Account",
    "AccountKind",
    "Answer",
    "BureauSimulator",
    "CreditBureau",
    "FaultKind",
    "HttpBureau",
    "Inquiry",
    "InquiryReason",
    "PublicRecord",
    "Question",
    "RecordKind",
    "Report",
    "ReportMeasures",
    "Summary",
    "Trouble",
    "Verdict",
    "measure_report",
]
