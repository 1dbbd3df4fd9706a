"""Stores and terminals of merchants as they travel."""

from datetime import date
from typing import Annotated

from fastapi import Path
from pydantic import Field

from huitong import payments
from huitong.api.schemas.common import (
    Body,
    CodeId,
    Instant,
    MerchantId,
    MoneyView,
    Name,
    TerminalId,
    View,
    example_id,
    id_pattern,
    show_money,
)
from huitong.kernel import ids
from huitong.kernel.ids import show_id
from huitong.kernel.money import Money

StoreId = Annotated[str, Field(pattern=id_pattern(ids.STORE), examples=[example_id(ids.STORE)])]
StorePath = Annotated[
    str,
    Path(
        pattern=id_pattern(ids.STORE),
        description="The store's id.",
        examples=[example_id(ids.STORE)],
    ),
]
TerminalPath = Annotated[
    str,
    Path(
        pattern=id_pattern(ids.TERMINAL),
        description="The terminal's id.",
        examples=[example_id(ids.TERMINAL)],
    ),
]


class OpenStore(Body):
    """A place where a merchant sells."""

    name: Name
    city: Annotated[str, Field(min_length=1, max_length=64, examples=["平遥"])]


class OpenTerminal(Body):
    """A till of a store."""

    label: Annotated[str, Field(min_length=1, max_length=64, examples=["till 7"])]
    code: CodeId | None = Field(
        default=None, description="The static code that stands there: payments by it are its own."
    )


class StoreView(View):
    """A store."""

    id: StoreId
    merchant: MerchantId
    name: str
    city: str
    opened_at: Instant
    closed_at: Instant | None


class StoresView(View):
    """All stores of a merchant."""

    data: list[StoreView]


class TerminalView(View):
    """A terminal; closed from when its store was."""

    id: TerminalId
    store: StoreId
    label: str
    code: CodeId | None
    opened_at: Instant
    closed_at: Instant | None


class TerminalsView(View):
    """All terminals of a store."""

    data: list[TerminalView]


class StoreReportRow(View):
    """What was paid at a store; without one, what names no terminal."""

    store: StoreId | None
    name: str | None
    count: int
    amount: MoneyView
    refunded: MoneyView
    fee: MoneyView


class StoreReportView(View):
    """What was paid at each store on days, both included."""

    first_day: date
    last_day: date
    data: list[StoreReportRow]


def show_store(store: payments.merchants.Store) -> StoreView:
    """Return a store as a view."""
    return StoreView(
        id=show_id(ids.STORE, store.id),
        merchant=show_id(ids.MERCHANT, store.merchant_id),
        name=store.name,
        city=store.city,
        opened_at=store.opened_at,
        closed_at=store.closed_at,
    )


def show_terminal(terminal: payments.merchants.Terminal) -> TerminalView:
    """Return a terminal as a view."""
    return TerminalView(
        id=show_id(ids.TERMINAL, terminal.id),
        store=show_id(ids.STORE, terminal.store_id),
        label=terminal.label,
        code=None if terminal.code_id is None else show_id(ids.CODE, terminal.code_id),
        opened_at=terminal.opened_at,
        closed_at=terminal.closed_at,
    )


def show_report(row: payments.merchants.StoreReport, currency: str) -> StoreReportRow:
    """Return a row of a report as a view."""
    return StoreReportRow(
        store=None if row.store_id is None else show_id(ids.STORE, row.store_id),
        name=row.name,
        count=row.count,
        amount=show_money(Money(row.amount, currency)),
        refunded=show_money(Money(row.refunded, currency)),
        fee=show_money(Money(row.fee, currency)),
    )
