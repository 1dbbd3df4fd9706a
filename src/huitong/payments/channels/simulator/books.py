"""What a simulated channel knows: its orders, in a journal that survives it, and its daily file."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final, Literal

import msgspec

from huitong.kernel import limits
from huitong.kernel.clock import business_day
from huitong.kernel.money import Money

#: What a card authorisation waits for.
Stage = Literal["", "authorised", "captured", "voided"]
COLUMNS: Final = (
    "channel,attempt_id,channel_reference,direction,amount,currency,fee,state,booked_at"
)


class OrderRequest(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What an order asks for; cards have a token, wallets a code, borders a UETR.

    `payee` is a digest of whose account it is for: the journal has no names.
    """

    direction: Literal["in", "out"]
    amount: dict[str, str]
    card_token: str | None = None
    code: str | None = None
    uetr: str | None = None
    payee: str | None = None


class SimulatedOrder(msgspec.Struct):
    """What a channel knows of an order; `bookings` must never be more than one."""

    id: str
    request: OrderRequest
    is_refused: bool
    decided_at: datetime
    #: When a no turns out to have been a yes.
    late_at: datetime | None = None
    stage: Stage = ""
    bookings: int = 0
    booked_at: datetime | None = None
    #: What stands in the channel's books, if it is another amount than was asked for.
    booked_amount: dict[str, str] | None = None
    #: The order that a refund gives back.
    refund_of: str | None = None
    #: What is wrong with the payee, as a code of ISO 20022.
    code: str | None = None

    @property
    def amount(self) -> dict[str, str]:
        """What the channel says that the order is about."""
        return self.booked_amount or self.request.amount

    def settle(self, now: datetime) -> str:
        """Book the order when its time has come, and return its state."""
        if self.late_at is not None and now >= self.late_at:
            self.is_refused = False
        if now < self.decided_at:
            return "accepted"
        if self.is_refused or self.stage == "voided":
            self.booked_at = self.booked_at or now
            return "failed"
        if self.stage == "authorised":
            return "accepted"
        if self.bookings == 0:
            self.bookings, self.booked_at = 1, now
        return "succeeded"


class Books:
    """The orders of one channel by id; with a path they are there again after a restart."""

    def __init__(self, path: Path | None = None) -> None:
        """Read the journal, if there is one."""
        self.orders: dict[str, SimulatedOrder] = {}
        self._path = path
        if path is not None:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if path.exists():
                self._load(path)
                # What was cut off must not swallow the next line.
                with path.open("ab") as journal:
                    journal.write(b"\n")

    def keep(self, order: SimulatedOrder) -> SimulatedOrder:
        """Write how an order is now."""
        if order.id not in self.orders and len(self.orders) >= limits.SIMULATED_ORDERS_MAX:
            # The oldest was decided long ago: dictionaries keep the order of insertion.
            self.orders.pop(next(iter(self.orders)))
        self.orders[order.id] = order
        if self._path is not None:
            # One write a line, so that a process that is killed leaves at most one that is cut off.
            with self._path.open("ab", buffering=0) as journal:
                journal.write(msgspec.json.encode(order) + b"\n")
        return order

    def settle(self, order: SimulatedOrder, now: datetime) -> str:
        """Let an order go on, and return its state."""
        before = (order.bookings, order.booked_at, order.is_refused)
        state = order.settle(now)
        if before != (order.bookings, order.booked_at, order.is_refused):
            self.keep(order)
        return state

    def write_day(self, channel: str, day: date, now: datetime) -> str:
        """Return the file of a business day: head with count and sums, columns, a line each.

        A refused order is in it too; sums are of all lines.
        """
        lines, sums = [], dict[str, list[Money]]()
        for order in self.orders.values():
            state = self.settle(order, now)
            at = order.booked_at
            if state == "accepted" or at is None or business_day(at) != day:
                continue
            amount = Money.from_json(order.amount)
            nothing = Money.zero(amount.currency)
            found = sums.setdefault(amount.currency, [nothing, nothing, nothing])
            is_in = order.request.direction == "in"
            found[0 if is_in else 1] += amount
            lines.append(_line(channel, order, amount, state, at))
        groups = (
            f"{currency}:{':'.join(each.format() for each in sums[currency])}"
            for currency in sorted(sums)
        )
        head = ",".join(
            ("huitong-channel-file", "1", channel, day.isoformat(), str(len(lines)), *groups)
        )
        return "".join(f"{line}\n" for line in (head, COLUMNS, *lines))

    def _load(self, path: Path) -> None:
        with path.open(encoding="utf-8") as journal:
            for order in _read(journal):
                self.orders.pop(order.id, None)
                if len(self.orders) >= limits.SIMULATED_ORDERS_MAX:
                    self.orders.pop(next(iter(self.orders)))
                self.orders[order.id] = order


def _read(lines: Iterable[str]) -> Iterable[SimulatedOrder]:
    for line in lines:
        try:
            yield msgspec.json.decode(line, type=SimulatedOrder)
        except msgspec.MsgspecError:
            # The last line of a process that was killed while it wrote.
            continue


def _line(channel: str, order: SimulatedOrder, amount: Money, state: str, at: datetime) -> str:
    local = (at + timedelta(hours=8)).replace(tzinfo=None, microsecond=0)
    return ",".join(
        (
            channel,
            order.id,
            f"{channel.upper()}-{order.id[-12:]}",
            order.request.direction,
            amount.format(),
            amount.currency,
            Money.zero(amount.currency).format(),
            state,
            f"{local.isoformat()}+08:00",
        )
    )
