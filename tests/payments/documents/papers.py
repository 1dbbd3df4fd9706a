"""Receipts without a database, and what a reader of papers sees."""

from datetime import UTC, date, datetime
from typing import Any

import pypdfium2

from huitong.payments.documents import Named, Receipt, ReceiptFacts, ReceiptKeys
from huitong.payments.documents.types import write_facts


def make_facts(**changed: Any) -> ReceiptFacts:
    values: dict[str, Any] = {
        "version": 1,
        "number": "2026112612345678901290",
        "transfer": "tr_0199c0a95d0b7c3e8f6f0d6f1a2b3c4d",
        "payer": Named(name="王芳", account="1000****0190", is_person=True),
        "payee": Named(name="青云茶馆（杭州）有限公司", account="1000****0287", is_person=False),
        "amount": "107000.53",
        "currency": "CNY",
        "is_debit": True,
        "code": 301,
        "purpose": "十一月货款",
        "effective_on": date(2026, 11, 26),
        "recorded_at": datetime(2026, 11, 26, 4, 5, 6, tzinfo=UTC),
    }
    return ReceiptFacts(**{**values, **changed})


def make_receipt(keys: ReceiptKeys, **changed: Any) -> Receipt:
    facts = make_facts(**changed)
    number = keys.newest
    return Receipt(facts=facts, key_number=number, code=keys.make_code(number, write_facts(facts)))


def read_pages(paper: bytes) -> list[str]:
    """Return the text of each page, as a reader would copy it."""
    document = pypdfium2.PdfDocument(paper)
    texts = []
    for page in document:
        text = page.get_textpage()
        texts.append(text.get_text_range())
        text.close()
        page.close()
    document.close()
    return texts
