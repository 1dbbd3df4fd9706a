"""Netting, pure: who may send now, who waits, and what a whole queue can settle together.

A `Book` knows for each bank what it holds and how low that may go: for netting that is its
position and its net debit cap, for gross settlement its money and nothing. All sums are minor
units.
"""

import uuid
from bisect import insort
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from huitong.payments.clearing.types import Bypass, Unwind


@dataclass(frozen=True, slots=True)
class Item:
    """A payment as netting sees it; `sequence` is its place among all that were handed in."""

    id: uuid.UUID
    debtor: str
    creditor: str
    amount: int
    is_urgent: bool
    sequence: int


#: The place of an item in its bank's queue; the smallest goes first.
Rank: TypeAlias = Callable[[Item], tuple[bool, int]]


@dataclass(slots=True)
class Book:
    """What each bank holds (`net`), may owe (`room`), keeps for urgent payments, and has waiting.

    A payment goes if after it `net >= -room`, plus what is reserved if it is not urgent. Each
    bank's queue is in order: urgent ones first if they may overtake, then first in, first out.
    Nothing overtakes within a rank, however small it is: large payments would wait for ever.
    """

    net: dict[str, int]
    room: Mapping[str, int]
    reserved: Mapping[str, int] = field(default_factory=dict)
    bypass: Bypass = Bypass.URGENT
    queues: dict[str, list[Item]] = field(default_factory=dict)

    def rank(self, item: Item) -> tuple[bool, int]:
        """Return the place of an item in its bank's queue; the smallest goes first."""
        return (self.bypass is Bypass.URGENT and not item.is_urgent, item.sequence)

    def can_send(self, item: Item) -> bool:
        """Whether the bank may send it now, if nothing were waiting."""
        kept = 0 if item.is_urgent else self.reserved.get(item.debtor, 0)
        return self.net[item.debtor] - item.amount >= kept - self.room[item.debtor]

    def would_wait(self, item: Item) -> bool:
        """Whether it cannot go at once: it does not fit, or others are before it."""
        queue = self.queues.get(item.debtor)
        return not self.can_send(item) or bool(queue and self.rank(queue[0]) < self.rank(item))

    def submit(self, item: Item) -> list[Item]:
        """Put an item in its place, and return what goes now, in order: maybe nothing."""
        self.enqueue(item)
        return self.release([item.debtor])

    def enqueue(self, item: Item) -> None:
        """Put an item in its place in the queue."""
        insort(self.queues.setdefault(item.debtor, []), item, key=self.rank)

    def release(self, banks: Iterable[str]) -> list[Item]:
        """Send what these banks have waiting and may send, and what that lets others send."""
        ready = deque(dict.fromkeys(banks))
        sent: list[Item] = []
        while ready:
            queue = self.queues.get(ready.popleft(), [])
            while queue and self.can_send(queue[0]):
                item = queue.pop(0)
                self._move(item)
                sent.append(item)
                if item.creditor not in ready:
                    ready.append(item.creditor)
        return sent

    def resolve_gridlock(self) -> list[Item]:
        """Send the most that all queues can send together, and return it in order of hand-in.

        For banks that wait for each other. What goes of a queue is its front part, so no order is
        broken, and afterwards no bank is below what it may owe. Never less than `release` sends.
        """
        waiting = [item for queue in self.queues.values() for item in queue]
        floors = {bank: self.net[bank] + self.room[bank] for bank in self.net}
        kept = keep_payable(waiting, floors, rank=self.rank)
        for item in kept:
            self._move(item)
        gone = {item.id for item in kept}
        for bank, queue in self.queues.items():
            self.queues[bank] = [item for item in queue if item.id not in gone]
        return kept

    def _move(self, item: Item) -> None:
        self.net[item.debtor] -= item.amount
        self.net[item.creditor] += item.amount


def _default_rank(item: Item) -> tuple[bool, int]:
    return (not item.is_urgent, item.sequence)


def keep_payable(
    items: Sequence[Item],
    funds: Mapping[str, int],
    *,
    unwind: Unwind = Unwind.LAST_FIRST,
    rank: Rank = _default_rank,
) -> list[Item]:
    """Return what all banks can pay together, in order of hand-in; `funds` are not negative.

    All items count at first; while some bank would pay more than its `funds` and what it receives,
    its last item is taken out (LAST_FIRST), or all of its items (WHOLE), and its creditors get
    less. The result does not depend on whose turn it is, and with LAST_FIRST it is the largest
    set: of two sets of front parts that can be paid, the union can be paid too, so there is a
    largest one, and no item of it is ever taken out.
    Source: Bech and Soramäki, "Gridlock resolution in interbank payment systems", Bank of Finland
    Discussion Papers 9/2001. With funds of 0, A→B 5, B→A 3 and B→A 4: B's second one is taken out,
    then A pays 5 and gets 3, so A's is, and then B's first one: nothing can be paid.
    """
    outgoing: dict[str, list[Item]] = {bank: [] for bank in funds}
    left = dict(funds)
    for item in sorted(items, key=rank):
        outgoing[item.debtor].append(item)
        left[item.debtor] -= item.amount
        left[item.creditor] += item.amount
    short = deque(sorted(bank for bank in left if left[bank] < 0))
    while short:
        bank = short.popleft()
        while outgoing[bank] and left[bank] < 0:
            taken = outgoing[bank][-1:] if unwind is Unwind.LAST_FIRST else outgoing[bank][:]
            del outgoing[bank][-len(taken) :]
            for item in taken:
                left[bank] += item.amount
                left[item.creditor] -= item.amount
                if left[item.creditor] < 0:
                    short.append(item.creditor)
    kept = [item for queue in outgoing.values() for item in queue]
    return sorted(kept, key=_by_sequence)


def _by_sequence(item: Item) -> int:
    return item.sequence


def net_of(items: Iterable[Item], banks: Iterable[str]) -> dict[str, int]:
    """Return what each bank receives less what it sends: the sum over all is zero."""
    net = dict.fromkeys(banks, 0)
    for item in items:
        net[item.debtor] -= item.amount
        net[item.creditor] += item.amount
    return net
