"""Bodies and views of electronic receipts."""

from datetime import date, datetime

from pydantic import Field

from huitong import payments
from huitong.api.schemas.common import Body, MoneyView, View, show_money

documents = payments.documents


class VerifyReceipt(Body):
    """What stands on a paper, as somebody types it."""

    number: str = Field(
        pattern="^[0-9 ]{22,32}$",
        description="The receipt's number.",
        examples=["20261126 1234 5678 9012 90"],
    )
    code: str = Field(
        pattern="^[0-9A-Za-z -]{20,32}$",
        description="The verification code; case, spaces and dashes do not matter.",
        examples=["JHKVN-M1GY8-J0A5V-PVJMC"],
    )


class ReceiptPartyView(View):
    """Payer or payee: the names of people and all numbers are masked."""

    name: str
    account: str


class VerifiedReceiptView(View):
    """What a genuine receipt says, for comparing it with the paper."""

    number: str
    is_debit: bool = Field(description="Whether it is the payer's paper.")
    payer: ReceiptPartyView
    payee: ReceiptPartyView
    amount: MoneyView
    capitals: str | None = Field(description="The amount in Chinese capitals, for renminbi.")
    kind_zh: str
    kind_en: str
    effective_on: date
    recorded_at: datetime
    transfer: str


def show_verified(facts: payments.documents.ReceiptFacts) -> VerifiedReceiptView:
    """Return the view of what a receipt says."""
    kind_zh, kind_en = documents.name_kind(facts.code)
    is_renminbi = facts.currency == "CNY"
    return VerifiedReceiptView(
        number=facts.number,
        is_debit=facts.is_debit,
        payer=_show_party(facts.payer),
        payee=_show_party(facts.payee),
        amount=show_money(facts.money),
        capitals=documents.write_capitals(facts.money) if is_renminbi else None,
        kind_zh=kind_zh,
        kind_en=kind_en,
        effective_on=facts.effective_on,
        recorded_at=facts.recorded_at,
        transfer=facts.transfer,
    )


def _show_party(party: payments.documents.Named) -> ReceiptPartyView:
    return ReceiptPartyView(name=party.name, account=party.account)
