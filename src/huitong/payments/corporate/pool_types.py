"""Pools (资金池): a header account, members, and what each sweep moves. Pure."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from enum import StrEnum
from typing import Final

_WHOLE_BPS: Final = 10_000


class SweepRule(StrEnum):
    """What of a member's balance goes up."""

    #: All of it.
    ZERO = "zero"
    #: What is above `keeps`.
    TARGET = "target"
    #: Nothing up to `above`, and beyond it what is above `keeps`.
    ABOVE = "above"
    #: A part of what is above `keeps`.
    SHARE = "share"


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """An account that is swept; amounts are minor units of the pool's currency.

    A balance beyond `above` goes up down to `keeps`, or `share_bps` of that; one below `keeps` is
    filled from the header if the member is funded. Nothing below `least` is moved. Members take
    their turn by `position`.
    """

    position: int
    merchant_id: uuid.UUID
    account_id: int
    rule: SweepRule
    keeps: int = 0
    above: int = 0
    share_bps: int = _WHOLE_BPS
    least: int = 1
    is_funded: bool = False

    def wants(self, available: int) -> int:
        """Return what is to go up while so much is available; below zero, what it lacks.

        Worked: with keeps 100, above 300 and half a share, 500 gives 200, 300 nothing, and 40,
        funded, lacks 60. Parts are rounded down to the minor unit.
        """
        if available > self.above:
            up = (available - self.keeps) * self.share_bps // _WHOLE_BPS
            return up if up >= self.least else 0
        lack = self.keeps - available
        return -lack if self.is_funded and lack >= self.least else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPool:
    """A pool as staff ask for it: swept daily at `sweeps_at` (Asia/Shanghai), or at intervals."""

    name: str
    merchant_id: uuid.UUID
    members: tuple[Member, ...]
    sweeps_at: time | None = None
    interval_minutes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool(NewPool):
    """A pool; `number` is that of its next sweep."""

    id: uuid.UUID
    account_id: int
    currency: str
    number: int
    next_sweep_at: datetime | None
    opened_at: datetime
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """What a sweep did with one member: above zero it went up, below it was funded, or why not."""

    account_id: int
    amount: int
    reason: str | None = None
    transfer_id: uuid.UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """One sweep of a pool: one journal entry, with all legs that moved money."""

    id: uuid.UUID
    pool_id: uuid.UUID
    number: int
    due_at: datetime
    swept_at: datetime
    entry_id: uuid.UUID | None
    legs: tuple[Leg, ...]

    @property
    def up(self) -> int:
        """What came to the header."""
        return sum(leg.amount for leg in self.legs if leg.amount > 0)

    @property
    def down(self) -> int:
        """What the header gave."""
        return -sum(leg.amount for leg in self.legs if leg.amount < 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """What a member has lent to the header of its pools; below zero it owes it."""

    header_account_id: int
    member_account_id: int
    lent: int


NOTHING_TO_MOVE: Final = "nothing_to_move"
HEADER_SHORT: Final = "header_short"


def plan_sweep(members: Sequence[Member], available: Mapping[int, int], header: int) -> list[Leg]:
    """Return one leg for each member in the order of positions.

    `available` says what members have that can be moved, and leaves out those whose account cannot
    be; `header` is what the header has. What goes up comes first, then members are funded in their
    order as far as the header's money reaches; the one at which it ends gets the rest, unless that
    is below its `least`.
    """
    ordered = sorted(members, key=lambda member: member.position)
    wanted = {
        member.account_id: member.wants(available[member.account_id])
        for member in ordered
        if member.account_id in available
    }
    left = header + sum(up for up in wanted.values() if up > 0)
    legs = []
    for member in ordered:
        amount = wanted.get(member.account_id)
        reason = "account_not_open" if amount is None else NOTHING_TO_MOVE
        moved = amount or 0
        if moved < 0:
            given = min(-moved, left)
            moved = -given if given >= member.least else 0
            reason = HEADER_SHORT
            left += moved
        legs.append(
            Leg(account_id=member.account_id, amount=moved, reason=None if moved else reason)
        )
    return legs
