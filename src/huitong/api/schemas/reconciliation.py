"""Reconciliation as it travels: files of channels, breaks, cures, suspense."""

from datetime import date, datetime
from typing import Annotated, Literal

from fastapi import Path
from pydantic import Field

from huitong import payments
from huitong.api.schemas.approvals import StaffId, Why
from huitong.api.schemas.common import (
    Body,
    Instant,
    MoneyView,
    View,
    example_id,
    id_pattern,
    show_money,
)
from huitong.kernel import ids
from huitong.kernel.ids import show_id
from huitong.kernel.money import Money

reconciliation = payments.reconciliation
BreakPath = Annotated[
    str,
    Path(
        pattern=id_pattern(ids.BREAK),
        description="The break's id.",
        examples=[example_id(ids.BREAK)],
    ),
]
ItemPath = Annotated[
    str,
    Path(
        pattern=id_pattern(ids.SUSPENSE),
        description="The item's id.",
        examples=[example_id(ids.SUSPENSE)],
    ),
]
KindName = Literal[
    "missing_at_channel",
    "missing_with_us",
    "unknown_reference",
    "amount_differs",
    "fee_differs",
    "currency_differs",
    "direction_differs",
    "state_differs",
    "doubled_in_file",
    "doubled_with_us",
    "ledger_missing",
    "ledger_amount_differs",
    "ledger_without_order",
    "late",
]
CureName = Literal["replay", "reverse", "suspense", "accept_fee", "wait", "accept"]
StateName = Literal["timing", "open", "cured", "matched"]


class ChannelFileView(View):
    """A file in which a channel says what it carried on a day."""

    id: Annotated[str, Field(pattern=id_pattern(ids.CHANNEL_FILE))]
    channel: str
    day: date
    format: Literal["csv", "camt.053"]
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    state: Literal["loading", "loaded", "matched", "refused", "abandoned"]
    lines: int
    matched: int = Field(description="Lines that agree with us in everything.")
    matched_otherwise: int = Field(description="Lines matched by reference, amount, other day.")
    received_at: Instant
    matched_at: Instant | None


class CountView(View):
    """How many breaks of a kind there are in a state, and what is at stake."""

    kind: KindName
    kind_zh: str
    kind_en: str
    state: StateName
    count: int
    amount: MoneyView


class DayView(View):
    """How a day stands."""

    day: date
    files: list[ChannelFileView]
    breaks: list[CountView]
    waiting: int = Field(description="Breaks of the day that have not ended.")


class SideView(View):
    """What one side says of a payment."""

    amount: MoneyView
    direction: Literal["in", "out"]
    state: str
    is_moved: bool = Field(description="Whether money moved by it.")
    at: Instant
    fee: MoneyView | None


class BreakView(View):
    """What does not agree between us, the journal and a channel."""

    id: Annotated[str, Field(pattern=id_pattern(ids.BREAK), examples=[example_id(ids.BREAK)])]
    kind: KindName
    kind_zh: str
    kind_en: str
    state: StateName
    channel: str | None
    day: date
    amount: MoneyView = Field(description="What is at stake.")
    differs: list[str]
    ours: SideView | None
    theirs: SideView | None
    payment: str | None
    transfer: str | None
    line: int | None = Field(description="The line of the channel's file.")
    reference: str | None = Field(description="The channel's own reference.")
    owner: StaffId | None
    age_days: int
    is_overdue: bool
    proposed: CureName
    cures: list[CureName] = Field(description="What can be done about it.")
    cure: CureName | None
    found_at: Instant
    due_at: Instant | None = Field(description="Until when it may be only a matter of time.")
    ended_at: Instant | None


class ContradictionView(View):
    """What a channel took back of its word, which is cured where channels are."""

    payment: str
    channel: str
    kind: Literal["success_after_failure", "failure_after_success", "wrong_amount"]
    amount: MoneyView
    transfer: str | None
    found_at: Instant


class QueueView(View):
    """A page of breaks, and with the first page what channels took back of their word."""

    data: list[BreakView]
    channel_breaks: list[ContradictionView]
    next_cursor: str | None = Field(description="Leads to the next page; null on the last one.")


class HistoryView(View):
    """What was done about a break, and by whom."""

    act: str
    actor: str
    at: Instant


class SuspenseItemView(View):
    """Money in suspense: `payable` is owed by us, `receivable` is owed to us."""

    id: Annotated[str, Field(pattern=id_pattern(ids.SUSPENSE), examples=[example_id(ids.SUSPENSE)])]
    break_id: Annotated[str, Field(pattern=id_pattern(ids.BREAK))]
    side: Literal["payable", "receivable"]
    amount: MoneyView
    age_days: int
    opened_at: Instant
    cleared_to: Literal["customer", "channel", "result"] | None
    cleared_at: Instant | None


class BreakDetailsView(View):
    """A break with its history and what is in suspense because of it."""

    found: BreakView
    history: list[HistoryView]
    suspense: list[SuspenseItemView]


class SuspenseBalanceView(View):
    """What an account of suspense holds."""

    account: str
    amount: MoneyView


class SuspenseView(View):
    """The accounts of suspense, which must return to zero, and a page of open items."""

    balances: list[SuspenseBalanceView]
    data: list[SuspenseItemView]
    next_cursor: str | None = Field(description="Leads to the next page; null on the last one.")


class AssignBreak(Body):
    """Who is to look after a break."""

    owner: StaffId


class AskForCure(Body):
    """What is to be done about a break."""

    cure: CureName
    reason: Why


class AskToClear(Body):
    """Where the money of an item of suspense goes, or comes from."""

    to: Literal["customer", "channel", "result"]
    account: str | None = Field(
        None,
        pattern=f"^{ids.ACCOUNT}_[0-9]{{1,19}}$",
        description="The customer's account, if it goes to one.",
    )
    reason: Why


def show_file(file: payments.reconciliation.ChannelFile) -> ChannelFileView:
    """Return a file as a view."""
    return ChannelFileView(
        id=show_id(ids.CHANNEL_FILE, file.id),
        channel=file.channel,
        day=file.day,
        format=file.format.value,
        sha256=file.digest.hex(),
        state=file.state.value,
        lines=file.line_count,
        matched=file.matched,
        matched_otherwise=file.tolerated,
        received_at=file.received_at,
        matched_at=file.matched_at,
    )


def show_day(report: payments.reconciliation.DayReport) -> DayView:
    """Return how a day stands as a view."""
    return DayView(
        day=report.day,
        files=[show_file(each) for each in report.files],
        breaks=[_show_count(each) for each in report.counts],
        waiting=report.waiting,
    )


def show_break(
    found: payments.reconciliation.Break, *, now: datetime, overdue_days: int
) -> BreakView:
    """Return a break as a view, with its age."""
    zh, en = reconciliation.name_kind(found.kind)
    age = ((found.ended_at or now) - found.found_at).days
    return BreakView(
        id=show_id(ids.BREAK, found.id),
        kind=found.kind.value,
        kind_zh=zh,
        kind_en=en,
        state=found.state.value,
        channel=found.channel,
        day=found.day,
        amount=show_money(found.amount),
        differs=list(found.differs),
        ours=_show_side(found.ours),
        theirs=_show_side(found.theirs),
        payment=None if found.order_id is None else show_id(ids.PAYMENT, found.order_id),
        transfer=None if found.transfer_id is None else show_id(ids.TRANSFER, found.transfer_id),
        line=found.line,
        reference=found.reference,
        owner=None if found.owner_id is None else show_id(ids.STAFF, found.owner_id),
        age_days=max(0, age),
        is_overdue=not found.is_ended and age >= overdue_days,
        proposed=found.proposed.value,
        cures=[] if found.is_ended else [e.value for e in reconciliation.CURES[found.kind]],
        cure=None if found.cure is None else found.cure.value,
        found_at=found.found_at,
        due_at=found.due_at,
        ended_at=found.ended_at,
    )


def show_contradiction(found: payments.reconciliation.ChannelBreak) -> ContradictionView:
    """Return what a channel took back as a view."""
    return ContradictionView(
        payment=show_id(ids.PAYMENT, found.order_id),
        channel=found.channel,
        kind=found.kind.value,
        amount=show_money(found.amount),
        transfer=None if found.transfer_id is None else show_id(ids.TRANSFER, found.transfer_id),
        found_at=found.found_at,
    )


def show_item(item: payments.reconciliation.SuspenseItem, *, now: datetime) -> SuspenseItemView:
    """Return an item of suspense as a view."""
    return SuspenseItemView(
        id=show_id(ids.SUSPENSE, item.id),
        break_id=show_id(ids.BREAK, item.break_id),
        side=item.side.value,
        amount=show_money(item.amount),
        age_days=max(0, ((item.cleared_at or now) - item.opened_at).days),
        opened_at=item.opened_at,
        cleared_to=None if item.cleared_to is None else item.cleared_to.value,
        cleared_at=item.cleared_at,
    )


def show_balance(key: str, amount: Money) -> SuspenseBalanceView:
    """Return what an account of suspense holds as a view."""
    return SuspenseBalanceView(account=key.removeprefix("payments."), amount=show_money(amount))


def _show_count(count: payments.reconciliation.KindCount) -> CountView:
    zh, en = reconciliation.name_kind(count.kind)
    return CountView(
        kind=count.kind.value,
        kind_zh=zh,
        kind_en=en,
        state=count.state.value,
        count=count.count,
        amount=show_money(Money(count.amount, count.currency)),
    )


def _show_side(side: payments.reconciliation.Side | None) -> SideView | None:
    if side is None:
        return None
    return SideView(
        amount=show_money(Money(side.amount, side.currency)),
        direction=side.direction.value,
        state=side.state,
        is_moved=side.is_moved,
        at=side.at,
        fee=None if side.fee is None else show_money(Money(side.fee, side.currency)),
    )
