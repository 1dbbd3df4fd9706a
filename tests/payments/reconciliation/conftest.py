"""A town whose payments go over a channel, and the channel's files."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest

from huitong import ledger, payments
from huitong.bench.channel_days import ChannelDay
from huitong.kernel.clock import business_day
from huitong.kernel.ids import uuid7
from huitong.kernel.rulebook import Rulebook

if TYPE_CHECKING:
    from tests.payments.conftest import Town

reconciliation = payments.reconciliation


@dataclass
class Desk:
    """The reconciliation desk of a town, at `now`."""

    town: "Town"
    now: datetime

    async def take(self, content: bytes, **more: Any) -> payments.reconciliation.ChannelFile:
        return await reconciliation.reconcile_file(
            self.town.database,
            BytesIO(content),
            rulebook=Rulebook.load(),
            now=self.now,
            **more,
        )

    async def compare(self) -> None:
        """Bring statement lines up to date and compare the books to the end."""
        await ledger.project_all(self.town.database)
        later = self.now + timedelta(seconds=120)
        while await reconciliation.compare_books(self.town.database, now=later):
            pass

    async def breaks(self, **more: Any) -> list[payments.reconciliation.Break]:
        return await self.town.read(reconciliation.list_breaks, **more)

    async def cure(
        self, found: payments.reconciliation.Break, cure: str, **more: Any
    ) -> payments.reconciliation.Break:
        """Cure a break as two members of staff do, without the two."""
        values = {"approval_id": uuid7(int(self.now.timestamp() * 1_000)), "reason": "test"}
        return await self.town.run(
            reconciliation.apply_cure,
            break_id=found.id,
            cure=reconciliation.Cure(cure),
            rulebook=Rulebook.load(),
            **(values | {"now": self.now} | more),
        )

    async def clear(
        self, item: payments.reconciliation.SuspenseItem, to: str, account_id: int | None = None
    ) -> payments.reconciliation.SuspenseItem:
        return await self.town.run(
            reconciliation.clear_suspense,
            item_id=item.id,
            to=reconciliation.ClearedTo(to),
            account_id=account_id,
            approval_id=uuid7(int(self.now.timestamp() * 1_000)),
            reason="test",
            now=self.now,
        )

    async def suspense(self) -> dict[str, str]:
        """Return what is in suspense of reconciliation, by the account's key."""
        report = await self.town.read(reconciliation.report_suspense)
        return {
            key.removeprefix("payments.reconciliation."): amount.format()
            for key, amount in report.balances
            if key.startswith("payments.reconciliation.")
        }

    async def items(self) -> list[payments.reconciliation.SuspenseItem]:
        return (await self.town.read(reconciliation.report_suspense)).items

    async def verify(self) -> None:
        """Assert that every invariant holds but that of approvals, which are not made here."""
        report = await ledger.verify_ledger(self.town.database, more=payments.INVARIANTS)
        wrong = [each.invariant for each in report.findings]
        assert [each for each in wrong if each != "reconciliation_cures_are_approved"] == []


@pytest.fixture
def desk(town: "Town", now: datetime) -> Desk:
    return Desk(town, now)


Write = Callable[..., bytes]


def line(
    order: payments.Order,
    *,
    attempt: str | None = None,
    reference: str | None = None,
    direction: str | None = None,
    amount: str | None = None,
    currency: str = "CNY",
    fee: str = "0.00",
    state: str = "succeeded",
    at: str = "2026-11-23T04:00:00Z",
    channel: str = "bank",
) -> str:
    """Return what a channel says of an order; by default what we have too."""
    is_in = order.kind is payments.OrderKind.TOP_UP
    return ",".join(
        (
            channel,
            payments.derive_id(order.id, 1).hex if attempt is None else attempt,
            reference or f"B{order.id.hex[-8:]}",
            direction or ("in" if is_in else "out"),
            amount or order.amount.format(),
            currency,
            fee,
            state,
            at,
        )
    )


def write_file(lines: list[str], day: date = date(2026, 11, 23), channel: str = "bank") -> bytes:
    """Return a sound file of these lines."""
    totals: dict[str, list[int]] = {}
    for each in lines:
        _, _, _, direction, amount, currency, fee, _, _ = each.split(",")
        sums = totals.setdefault(currency, [0, 0, 0])
        sums[0 if direction == "in" else 1] += int(amount.replace(".", ""))
        sums[2] += int(fee.replace(".", "") or 0)
    head = reconciliation.Head(
        channel, day, len(lines), {code: (a, b, c) for code, (a, b, c) in totals.items()}
    )
    return reconciliation.write_head(head) + "".join(f"{each}\n" for each in lines).encode()


async def store_half(
    town: "Town", content: bytes, now: datetime
) -> payments.reconciliation.ChannelFile:
    """Begin to take a file whose last line never comes; return it."""
    source = BytesIO(content)
    checked = await asyncio.to_thread(reconciliation.open_file, source)
    source.truncate(content[:-1].rindex(b"\n") + 1)
    _, known, file_format = checked
    return await reconciliation.take_file(town.database, source, known, file_format, now=now)


@dataclass
class PlantedDay:
    """A day over the channel with a break of each kind, its file not taken yet."""

    day: ChannelDay
    desk: Desk
    accounts: list[int]


async def plant_day(town: "Town", owner_url: str, count: int) -> PlantedDay:
    """Make a day of `count` payments before today with one break of each kind."""
    now = datetime.now(UTC)
    accounts = [(await town.add_customer(f"客户{at}")).account_id for at in range(5)]
    own = await town.read(payments.find_own_accounts, "CNY")
    day = ChannelDay(business_day(now) - timedelta(days=1), count, planted=1)
    owner = await asyncpg.connect(owner_url, server_settings={"timezone": "UTC"})
    try:
        opening = [
            ledger.Transfer(
                id=uuid7(),
                debit_account_id=own.channel,
                credit_account_id=account,
                amount=5_000_000_00,
                currency="CNY",
                code=ledger.TransferCode.OPENING,
                effective_on=business_day(now),
            )
            for account in accounts
        ]
        await ledger.post_columns(owner, ledger.Columns.of(opening), now=now)
        await day.fill(town.database, owner, accounts, own.channel)
    finally:
        await owner.close()
    return PlantedDay(day, Desk(town, now), accounts)
