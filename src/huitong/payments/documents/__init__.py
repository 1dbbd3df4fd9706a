"""Papers of payments: electronic receipts that prove themselves, and statements of accounts.

Owns the table of receipts, their keys, the layout of papers, and the files that statements are.
"""

from huitong.payments.documents.capitals import write_capitals
from huitong.payments.documents.errors import (
    NoReceiptsLeft,
    PaperChanged,
    PaperUnreadable,
    ReceiptKeysUnreadable,
    ReceiptNotFound,
    StatementTooLong,
)
from huitong.payments.documents.receipt_keys import ReceiptKeys, load_receipt_keys
from huitong.payments.documents.receipt_packs import list_day, pack_receipts
from huitong.payments.documents.receipt_paper import check_paper, draw_receipt, read_paper
from huitong.payments.documents.receipts import make_receipt, verify_receipt
from huitong.payments.documents.statement_csv import StatementCharset, write_csv
from huitong.payments.documents.statement_messages import CashMessage, write_cash_message
from huitong.payments.documents.statement_paper import write_pdf
from huitong.payments.documents.statements import (
    AccountStatement,
    Pieces,
    open_statement,
    read_rows,
)
from huitong.payments.documents.texts import name_kind
from huitong.payments.documents.types import Named, Receipt, ReceiptFacts

__all__ = [
    "AccountStatement",
    "CashMessage",
    "Named",
    "NoReceiptsLeft",
    "PaperChanged",
    "PaperUnreadable",
    "Pieces",
    "Receipt",
    "ReceiptFacts",
    "ReceiptKeys",
    "ReceiptKeysUnreadable",
    "ReceiptNotFound",
    "StatementCharset",
    "StatementTooLong",
    "check_paper",
    "draw_receipt",
    "list_day",
    "load_receipt_keys",
    "make_receipt",
    "name_kind",
    "open_statement",
    "pack_receipts",
    "read_paper",
    "read_rows",
    "verify_receipt",
    "write_capitals",
    "write_cash_message",
    "write_csv",
    "write_pdf",
]
