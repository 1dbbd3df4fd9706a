"""Clearing between banks as it travels."""

from typing import Annotated, Literal

from fastapi import Path
from pydantic import Field

from huitong import payments
from huitong.api.schemas.approvals import Why
from huitong.api.schemas.common import (
    Body,
    Instant,
    MoneyBody,
    MoneyView,
    View,
    example_id,
    id_pattern,
    show_money,
)
from huitong.kernel import ids
from huitong.kernel.ids import show_id
from huitong.kernel.money import Money

_BANK_CODE_EXAMPLE = "102100099996"
BankCode = Annotated[
    str,
    Field(pattern="^[0-9]{12}$", description="A CNAPS bank code.", examples=[_BANK_CODE_EXAMPLE]),
]
WindowPath = Annotated[
    str,
    Path(
        pattern=id_pattern(ids.CLEARING_WINDOW),
        description="The window's id.",
        examples=[example_id(ids.CLEARING_WINDOW)],
    ),
]


class ParticipantView(View):
    """A bank that takes part."""

    code: BankCode
    name_zh: str
    name_en: str
    net_debit_cap: MoneyView
    reserved: MoneyView
    joined_at: Instant


class ParticipantsView(View):
    """All banks that take part."""

    data: list[ParticipantView]


class WindowView(View):
    """A netting window."""

    id: Annotated[str, Field(pattern=id_pattern(ids.CLEARING_WINDOW))]
    number: int
    state: Literal["open", "closed", "settling", "settled"]
    opened_at: Instant
    closes_at: Instant
    closed_at: Instant | None
    settled_at: Instant | None
    entry: str | None = Field(description="The journal entry that settled it, if money moved.")


class PositionView(View):
    """A participant's position in a window."""

    participant: BankCode
    sent: MoneyView
    received: MoneyView
    due: MoneyView = Field(description="What is settled; negative if the participant pays.")
    cap: MoneyView
    used: MoneyView = Field(description="How much of the cap is used, earlier windows included.")


class BilateralView(View):
    """What one participant sent another one in a window."""

    debtor: BankCode
    creditor: BankCode
    amount: MoneyView
    unwound: MoneyView = Field(description="Of it, taken back because a bank could not pay.")
    count: int


class PositionsView(View):
    """The positions of a window."""

    window: WindowView
    positions: list[PositionView]
    bilateral: list[BilateralView]


class QueuedView(View):
    """A payment between banks that waits."""

    rail: Literal["hvps", "beps", "ibps"]
    debtor: BankCode
    creditor: BankCode
    amount: MoneyView
    is_urgent: bool
    submitted_at: Instant


class QueueView(View):
    """What waits, in order of hand-in: for a cap (net) or for liquidity (gross)."""

    net: list[QueuedView]
    gross: list[QueuedView]


class StatementLineView(View):
    """A payment of a window as one participant sees it."""

    payment: str = Field(description="The payment's id, as the bank made it.")
    sequence: int
    side: Literal["sent", "received"]
    counterparty: BankCode
    rail: Literal["hvps", "beps", "ibps"]
    amount: MoneyView
    state: Literal["queued", "accepted", "settled", "refused", "unwound"]
    submitted_at: Instant


class StatementView(View):
    """A participant's statement of a window: its position, and a page of its payments."""

    window: WindowView
    position: PositionView
    data: list[StatementLineView]
    next_cursor: str | None


class OffsetView(View):
    """A run that set queued gross payments off against each other."""

    ran_at: Instant
    groups: int = Field(description="Sets of payments, each settled at once.")
    count: int
    amount: MoneyView


class OffsetsView(View):
    """The latest runs, newest first."""

    data: list[OffsetView]


class JoinClearing(Body):
    """A bank that is to take part."""

    participant: BankCode
    name_zh: str = Field(min_length=1, max_length=100, examples=["中国工商银行"])
    name_en: str = Field(min_length=1, max_length=100, examples=["ICBC"])
    net_debit_cap: MoneyBody
    reserved: MoneyBody | None = Field(
        default=None, description="What only its urgent gross payments may use."
    )
    reason: Why


class DepositForClearing(Body):
    """Money that came through the central bank for a participant."""

    participant: BankCode
    amount: MoneyBody
    is_collateral: bool = False
    reason: Why


class SetReserved(Body):
    """What a participant is to keep for urgent gross payments."""

    participant: BankCode
    reserved: MoneyBody
    reason: Why


class SetCap(Body):
    """Another net debit cap for a participant."""

    participant: BankCode
    cap: MoneyBody
    reason: Why


def show_participant(bank: payments.clearing.Participant) -> ParticipantView:
    """Return a participant as a view."""
    return ParticipantView(
        code=bank.code,
        name_zh=bank.name_zh,
        name_en=bank.name_en,
        net_debit_cap=_show(bank.net_debit_cap),
        reserved=_show(bank.reserved),
        joined_at=bank.joined_at,
    )


def show_window(window: payments.clearing.Window) -> WindowView:
    """Return a window as a view."""
    return WindowView(
        id=show_id(ids.CLEARING_WINDOW, window.id),
        number=window.number,
        state=window.state.value,
        opened_at=window.opened_at,
        closes_at=window.closes_at,
        closed_at=window.closed_at,
        settled_at=window.settled_at,
        entry=None if window.entry_id is None else show_id(ids.ENTRY, window.entry_id),
    )


def show_position(position: payments.clearing.Position) -> PositionView:
    """Return a position as a view."""
    return PositionView(
        participant=position.participant,
        sent=_show(position.sent),
        received=_show(position.received),
        due=_show(position.due),
        cap=_show(position.cap),
        used=_show(position.used),
    )


def show_bilateral(position: payments.clearing.BilateralPosition) -> BilateralView:
    """Return a bilateral position as a view."""
    return BilateralView(
        debtor=position.debtor,
        creditor=position.creditor,
        amount=_show(position.amount),
        unwound=_show(position.unwound),
        count=position.count,
    )


def show_queued(payment: payments.clearing.ClearingPayment) -> QueuedView:
    """Return a payment that waits as a view."""
    return QueuedView(
        rail=payment.rail.value,
        debtor=payment.debtor,
        creditor=payment.creditor,
        amount=_show(payment.amount),
        is_urgent=payment.is_urgent,
        submitted_at=payment.submitted_at,
    )


def show_line(line: payments.clearing.StatementLine) -> StatementLineView:
    """Return a line of a statement as a view."""
    return StatementLineView(
        payment=str(line.payment_id),
        sequence=line.sequence,
        side=line.side.value,
        counterparty=line.counterparty,
        rail=line.rail.value,
        amount=_show(line.amount),
        state=line.state.value,
        submitted_at=line.submitted_at,
    )


def show_offset(run: payments.clearing.OffsetRun) -> OffsetView:
    """Return a run as a view."""
    return OffsetView(
        ran_at=run.ran_at, groups=run.groups, count=run.count, amount=_show(run.amount)
    )


def _show(minor: int) -> MoneyView:
    return show_money(Money(minor, payments.clearing.CURRENCY))
