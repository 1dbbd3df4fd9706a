"""Accounts, balances, statements, the journal and the trial balance as they travel."""

from datetime import date
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, ConfigDict, Field

from huitong import ledger
from huitong.api.schemas.common import (
    AccountId,
    Body,
    EntryId,
    Instant,
    MoneyView,
    TransferId,
    View,
    show_money,
    show_money_or_none,
)
from huitong.kernel import limits
from huitong.kernel.ids import ENTRY, TRANSFER, show_id
from huitong.kernel.money import Money

State = Literal["open", "debits_frozen", "frozen", "closed"]
Kind = Literal["posted", "pending", "post_pending", "void_pending", "expire_pending"]


def _check_text(text: str) -> str:
    if not text.strip() or not text.isprintable():
        raise ValueError("must be readable text")
    return text


Reason = Annotated[
    str,
    Field(
        min_length=1,
        max_length=limits.DESCRIPTION_LENGTH_MAX,
        description="Why, for the audit trail.",
        examples=["court order 2026-118"],
    ),
    AfterValidator(_check_text),
]


class FreezeAccount(Body):
    """What is to be frozen."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        json_schema_extra={"examples": [{"scope": "debits", "reason": "court order 2026-118"}]}
    )

    scope: Literal["debits", "all"] = Field(
        description="`debits`: money may still come in (只收不付). `all`: nothing moves (不收不付)."
    )
    reason: Reason


class ChangeAccount(Body):
    """Why an account is unfrozen or closed."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        json_schema_extra={"examples": [{"reason": "asked for by the customer"}]}
    )

    reason: Reason


class AccountView(View):
    """A ledger account with its balance now."""

    id: AccountId
    chart_code: str = Field(examples=["2011.01"])
    name: str
    currency: str
    normal_side: Literal["debit", "credit"]
    state: State
    balance: MoneyView = Field(description="What is posted, on the account's normal side.")
    available: MoneyView = Field(description="The balance less what holds reserve.")
    balance_max: MoneyView | None
    opened_at: Instant
    closed_at: Instant | None


class BalanceView(View):
    """An account's balance, now or as it was."""

    account: AccountId
    balance: MoneyView
    available: MoneyView | None = Field(description="Only for the balance of now.")
    at: Instant | None = Field(description="The instant that was asked for.")
    on: date | None = Field(description="The business day that was asked for.")


class StatementLineView(View):
    """One line of a statement, newest first."""

    line: int = Field(description="Counts from 1 in each account and never changes.", ge=1)
    transfer: TransferId
    side: Literal["debit", "credit"]
    amount: MoneyView
    balance_after: MoneyView
    other_account: AccountId
    code: int
    description: str = Field(examples=["Payment"])
    description_zh: str = Field(examples=["消费"])
    effective_on: date
    recorded_at: Instant


class TransferView(View):
    """A transfer as it stands in the journal."""

    id: TransferId
    debit_account: AccountId
    credit_account: AccountId
    amount: MoneyView
    kind: Kind
    code: int
    description: str
    description_zh: str
    effective_on: date
    recorded_at: Instant
    entry: EntryId | None
    pending: TransferId | None = Field(description="The hold that it posts, voids or expires.")
    corrects: TransferId | None


class EntryView(View):
    """Linked transfers that succeeded together."""

    id: EntryId
    transfers: list[TransferView]


class TrialBalanceLineView(View):
    """All accounts of one chart code in one currency."""

    chart_code: str
    name: str
    name_zh: str
    accounts: int
    debits: MoneyView
    credits: MoneyView
    balance: MoneyView


class TrialBalanceView(View):
    """The books in one currency; they tie when debits equal credits."""

    currency: str
    is_tied: bool
    debits: MoneyView
    credits: MoneyView
    lines: list[TrialBalanceLineView]


class TrialBalances(View):
    """The books in every currency that has accounts."""

    data: list[TrialBalanceView]


def show_account(account: ledger.Account, balance: ledger.Balance) -> AccountView:
    """Return an account as a view."""
    return AccountView(
        id=ledger.show_account(account.id),
        chart_code=account.chart_code,
        name=account.name,
        currency=account.currency,
        normal_side=account.normal_side.value,
        state=balance.state.name.lower(),  # type: ignore[arg-type]
        balance=show_money(balance.posted),
        available=show_money(balance.available),
        balance_max=show_money_or_none(
            None if balance.balance_max is None else Money(balance.balance_max, account.currency)
        ),
        opened_at=account.opened_at,
        closed_at=account.closed_at,
    )


def show_statement_line(line: ledger.StatementLine) -> StatementLineView:
    """Return a line of a statement as a view."""
    name, name_zh = _describe(line.code)
    return StatementLineView(
        line=line.line,
        transfer=show_id(TRANSFER, line.transfer_id),
        side=line.side.value,
        amount=show_money(line.amount),
        balance_after=show_money(line.balance_after),
        other_account=ledger.show_account(line.other_account_id),
        code=line.code,
        description=name,
        description_zh=name_zh,
        effective_on=line.effective_on,
        recorded_at=line.recorded_at,
    )


def show_transfer(transfer: ledger.RecordedTransfer) -> TransferView:
    """Return a transfer as a view."""
    name, name_zh = _describe(transfer.code)
    return TransferView(
        id=show_id(TRANSFER, transfer.id),
        debit_account=ledger.show_account(transfer.debit_account_id),
        credit_account=ledger.show_account(transfer.credit_account_id),
        amount=show_money(transfer.amount),
        kind=transfer.kind.name.lower(),  # type: ignore[arg-type]
        code=transfer.code,
        description=name,
        description_zh=name_zh,
        effective_on=transfer.effective_on,
        recorded_at=transfer.recorded_at,
        entry=None if transfer.entry_id is None else show_id(ENTRY, transfer.entry_id),
        pending=None if transfer.pending_id is None else show_id(TRANSFER, transfer.pending_id),
        corrects=None if transfer.corrects_id is None else show_id(TRANSFER, transfer.corrects_id),
    )


def show_trial_balance(balance: ledger.TrialBalance) -> TrialBalanceView:
    """Return the books in one currency as a view."""
    return TrialBalanceView(
        currency=balance.currency,
        is_tied=balance.is_tied,
        debits=show_money(balance.debits),
        credits=show_money(balance.credits),
        lines=[
            TrialBalanceLineView(
                chart_code=line.chart.code,
                name=line.chart.name_en,
                name_zh=line.chart.name_zh,
                accounts=line.accounts,
                debits=show_money(line.debits),
                credits=show_money(line.credits),
                balance=show_money(line.balance),
            )
            for line in balance.lines
        ],
    )


def _describe(number: int) -> tuple[str, str]:
    code = ledger.find_code(number)
    # A journal may hold codes of a later version of ours.
    return (f"Code {number}", f"代码 {number}") if code is None else (code.name_en, code.name_zh)
