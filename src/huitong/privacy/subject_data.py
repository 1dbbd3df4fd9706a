"""What every room that keeps people's data offers, so that people's requests reach all of it."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol, TypeAlias

from huitong.kernel.database.unit_of_work import UnitOfWork

#: What JSON carries: amounts and instants as text.
Json: TypeAlias = "str | int | bool | Sequence[Json] | Mapping[str, Json] | None"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Data that a room must keep: which class of the retention schedule, and its last day."""

    data_class: str
    until_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """What a room did: how many rows it erased, and what the law makes it keep."""

    erased: int
    kept: tuple[Kept, ...] = ()


class SubjectData(Protocol):
    """One room's data of people; it works in the caller's transaction and never commits.

    All of it may be called again after a failure, and for people of whom the room knows nothing.
    """

    @property
    def room(self) -> str:
        """The room's name, under which its part stands in an export."""
        ...

    @property
    def correctable(self) -> frozenset[str]:
        """The fields, `room.table.column`, that a person may have corrected."""
        ...

    async def export(self, uow: UnitOfWork, subject_id: uuid.UUID) -> Mapping[str, Json]:
        """Return everything that the room keeps about a person, in words that they understand."""
        ...

    async def correct(
        self,
        uow: UnitOfWork,
        subject_id: uuid.UUID,
        corrections: Mapping[str, str],
        *,
        now: datetime,
    ) -> None:
        """Write the corrected fields, all of them the room's; raises a refusal if one is bad."""
        ...

    async def blockers(self, uow: UnitOfWork, subject_id: uuid.UUID) -> Sequence[str]:
        """Return codes of what must end before the person can go, like `open_balance`."""
        ...

    async def erase(self, uow: UnitOfWork, subject_id: uuid.UUID, *, now: datetime) -> Erasure:
        """Erase what no law makes the room keep on that day, and say what is kept until when."""
        ...

    async def forget(self, uow: UnitOfWork, subject_id: uuid.UUID) -> None:
        """Take away what would still name a person whose data key is destroyed in this transaction.

        Blind indexes, by which somebody who knows a number would find the rows; free text.
        """
        ...


Providers: TypeAlias = Sequence[SubjectData]
