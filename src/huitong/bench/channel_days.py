"""A day of payments over a channel with its file, and breaks of every kind planted in known places.

Everything that is ours stands as real payments leave it: orders, attempts, posted transfers and
their lines. Amounts are all different, so that what is planted is found for what it is.
"""

import random
import uuid
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from huitong import payments
from huitong.kernel.clock import SHANGHAI
from huitong.kernel.database.unit_of_work import Database, DriverConnection
from huitong.ledger import Columns, TransferCode, post_columns, project_all

reconciliation: Final = payments.reconciliation
Kind: Final = reconciliation.BreakKind
CHANNEL: Final = "bank"
_BATCH: Final = 10_000
_SMALLEST: Final = 1_00
_ODD: Final = 100_000_00
_ADD_ORDERS: Final = """
    INSERT INTO payments.orders (id, kind, status, currency, amount, payer_account_id,
                                 payee_account_id, transfer_id, created_at, completed_at)
    SELECT order_id, CASE WHEN is_in THEN 'top_up' ELSE 'withdrawal' END, 'succeeded', 'CNY',
           amount, CASE WHEN is_in THEN $1 ELSE account_id END,
           CASE WHEN is_in THEN account_id ELSE $1 END, transfer_id, at, at
      FROM bench_day
"""
_ADD_ATTEMPTS: Final = """
    INSERT INTO payments.channel_orders (id, order_id, direction, state, attempts, due_at,
                                         updated_at, channel, kind, number, fee)
    SELECT attempt_id, order_id, CASE WHEN is_in THEN 'in' ELSE 'out' END, 'succeeded', 1, at, at,
           'bank', 'bank_transfer', 1, fee
      FROM bench_day
"""
_COLUMNS: Final = (
    "order_id",
    "attempt_id",
    "transfer_id",
    "account_id",
    "amount",
    "fee",
    "is_in",
    "at",
)


#: Transfer, the customer's account, amount, whether money came in.
_Entry = tuple[uuid.UUID, int, int, bool]
_OF_LINES: Final = frozenset({Kind.DOUBLED_IN_FILE, Kind.MISSING_WITH_US, Kind.UNKNOWN_REFERENCE})
_OF_TRANSFERS: Final = frozenset({Kind.DOUBLED_WITH_US, Kind.LEDGER_WITHOUT_ORDER})


class _Line(NamedTuple):
    """A line of the file, amounts in minor units of a currency with two decimals."""

    attempt: str
    reference: str
    is_in: bool
    amount: int
    currency: str
    fee: int
    state: str
    at: datetime

    def write(self) -> str:
        amount = f"{self.amount // 100}.{self.amount % 100:02d}"
        fee = f"{self.fee // 100}.{self.fee % 100:02d}"
        direction = "in" if self.is_in else "out"
        return (
            f"{CHANNEL},{self.attempt},{self.reference},{direction},{amount},{self.currency},"
            f"{fee},{self.state},{self.at:%Y-%m-%dT%H:%M:%SZ}"
        )


@dataclass(frozen=True, slots=True)
class Payment:
    """A payment of the day as we have it; `posted` is what the journal has of it, None nothing."""

    number: int
    order_id: uuid.UUID
    attempt_id: uuid.UUID
    transfer_id: uuid.UUID
    account_id: int
    amount: int
    fee: int
    is_in: bool
    at: datetime
    posted: int | None


@dataclass(slots=True)
class ChannelDay:
    """A day of `count` payments with `planted` breaks of each kind; accounts must have money."""

    day: date
    count: int
    planted: int
    seed: int = 1
    #: By kind, what each break is about: an attempt, a line's number in the file, a transfer.
    expected: dict[payments.reconciliation.BreakKind, set[object]] = field(default_factory=dict)
    #: The lines of the file without its head.
    lines: list[str] = field(default_factory=list)
    _stray: list[_Entry] = field(default_factory=list)
    _chance: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._chance = random.Random(self.seed)  # noqa: S311 - a day that can be made again

    async def fill(
        self,
        database: Database,
        owner: DriverConnection,
        accounts: list[int],
        channel_account: int,
    ) -> None:
        """Write the day into the database."""
        made = self._make(accounts)
        await owner.execute(
            "CREATE TEMP TABLE bench_day (order_id uuid, attempt_id uuid, transfer_id uuid, "
            "account_id bigint, amount bigint, fee bigint, is_in boolean, at timestamptz)"
        )
        rows = [tuple(getattr(each, name) for name in _COLUMNS) for each in made]
        await owner.copy_records_to_table("bench_day", records=rows, columns=list(_COLUMNS))
        await owner.execute(_ADD_ORDERS, channel_account)
        await owner.execute(_ADD_ATTEMPTS)
        await owner.execute("DROP TABLE bench_day")
        entries = [
            (each.transfer_id, each.account_id, each.posted, each.is_in)
            for each in made
            if each.posted is not None
        ]
        await self._post(owner, entries + self._stray, channel_account, datetime.now(UTC))
        await project_all(database)
        await owner.execute("VACUUM ANALYZE")

    def write(self) -> bytes:
        """Return the channel's file."""
        totals: dict[str, list[int]] = {}
        for line in self.lines:
            _, _, _, direction, amount, currency, fee, _, _ = line.split(",")
            sums = totals.setdefault(currency, [0, 0, 0])
            sums[0 if direction == "in" else 1] += int(amount.replace(".", ""))
            sums[2] += int(fee.replace(".", ""))
        head = reconciliation.Head(
            CHANNEL,
            self.day,
            len(self.lines),
            {code: (into, out, fees) for code, (into, out, fees) in totals.items()},
        )
        return reconciliation.write_head(head) + "\n".join([*self.lines, ""]).encode()

    def _make(self, accounts: list[int]) -> list[Payment]:
        kinds = self._choose()
        noon = datetime.combine(self.day, time(9), ZoneInfo(SHANGHAI)).astimezone(UTC)
        step = timedelta(hours=12) / self.count
        made = []
        for number in range(self.count):
            at, kind = noon + step * number, kinds.get(number)
            if kind is Kind.LATE:
                at -= timedelta(days=1)
            amount = _SMALLEST + number
            posted: int | None = amount
            if kind is Kind.LEDGER_MISSING:
                posted = None
            elif kind is Kind.LEDGER_AMOUNT_DIFFERS:
                posted = amount + 7
            payment = Payment(
                number,
                self._new_id(at),
                self._new_id(at),
                self._new_id(at),
                accounts[number % len(accounts)],
                amount,
                1 + number % 50,
                number % 2 == 0,
                at,
                posted,
            )
            made.append(payment)
            self._write_lines(payment, kind)
        return made

    def _choose(self) -> dict[int, payments.reconciliation.BreakKind]:
        """Return which payments have a break; those of other things get one to stand beside."""
        chosen = self._chance.sample(range(self.count), self.planted * len(Kind))
        return {
            number: kind
            for at, kind in enumerate(Kind)
            for number in chosen[at * self.planted : (at + 1) * self.planted]
        }

    def _new_id(self, at: datetime) -> uuid.UUID:
        low = self._chance.getrandbits(74)
        milliseconds = int(at.timestamp() * 1_000)
        value = milliseconds << 80 | 7 << 76 | (low >> 62) << 64 | 2 << 62 | low & (1 << 62) - 1
        return uuid.UUID(int=value)

    def _expect(self, kind: payments.reconciliation.BreakKind, what: object) -> None:
        self.expected.setdefault(kind, set()).add(what)

    def _write_lines(self, each: Payment, kind: payments.reconciliation.BreakKind | None) -> None:
        """Write what the file has of a payment, and beside it what is planted there."""
        reference = f"B{each.number:08d}"
        line = _Line(
            each.attempt_id.hex,
            reference,
            each.is_in,
            each.amount,
            "CNY",
            each.fee,
            "succeeded",
            each.at,
        )
        if kind is not Kind.MISSING_AT_CHANNEL:
            self.lines.append(_change(line, kind).write())
        if kind in _OF_LINES:
            self.lines.append(self._write_beside(line, kind).write())
            self._expect(kind, len(self.lines))
        elif kind in _OF_TRANSFERS:
            self._add_stray(each, kind)
        elif kind is not None:
            self._expect(kind, each.attempt_id)

    def _write_beside(self, line: _Line, kind: payments.reconciliation.BreakKind) -> _Line:
        if kind is Kind.DOUBLED_IN_FILE:
            return line
        reference = f"X{line.reference}"
        if kind is Kind.MISSING_WITH_US:
            return line._replace(attempt=self._new_id(line.at).hex, reference=reference)
        return line._replace(attempt="", reference=reference, amount=line.amount + _ODD)

    def _add_stray(self, each: Payment, kind: payments.reconciliation.BreakKind) -> None:
        """Plan an entry that no order explains."""
        transfer_id = self._new_id(each.at)
        amount = each.amount if kind is Kind.DOUBLED_WITH_US else each.amount + _ODD
        self._expect(kind, transfer_id)
        self._stray.append((transfer_id, each.account_id, amount, each.is_in))

    async def _post(
        self, owner: DriverConnection, entries: list[_Entry], channel_account: int, now: datetime
    ) -> None:
        for is_in in (True, False):
            some = [entry for entry in entries if entry[3] is is_in]
            for start in range(0, len(some), _BATCH):
                part = some[start : start + _BATCH]
                customers = np.array([entry[1] for entry in part], np.int64)
                ours = np.full(len(part), channel_account, np.int64)
                columns = Columns(
                    ids=b"".join([entry[0].bytes for entry in part]),
                    debit_account_ids=ours if is_in else customers,
                    credit_account_ids=customers if is_in else ours,
                    amounts=np.array([entry[2] for entry in part], np.int64),
                    currency="CNY",
                    code=TransferCode.TOP_UP if is_in else TransferCode.WITHDRAWAL,
                    effective_on=self.day,
                )
                outcomes = await post_columns(owner, columns, now=now)
                refused = [each.reason for each in outcomes if not each.is_posted]
                assert not refused, f"the journal refuses {refused[:3]}"


def _change(line: _Line, kind: payments.reconciliation.BreakKind | None) -> _Line:
    """Return what the channel says of a payment that we have as `line`."""
    changed = {
        Kind.AMOUNT_DIFFERS: line._replace(amount=line.amount + 11),
        Kind.FEE_DIFFERS: line._replace(fee=line.fee + 1),
        Kind.CURRENCY_DIFFERS: line._replace(currency="USD"),
        Kind.DIRECTION_DIFFERS: line._replace(is_in=not line.is_in),
        Kind.STATE_DIFFERS: line._replace(state="failed"),
        Kind.LATE: line._replace(at=line.at + timedelta(days=1)),
    }
    return line if kind is None else changed.get(kind, line)
