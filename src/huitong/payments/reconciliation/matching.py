"""Comparing a day's file of a channel with our attempts: one transaction, from sets to breaks.

First columns of both sides say which lines do not agree at once; what each of these few is, is
decided here. A file whose matching was broken off is as it was, and is matched again.
"""

import asyncio
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from huitong.kernel.clock import SHANGHAI, business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.rulebook import Rulebook
from huitong.payments.reconciliation import columns, limits, postings
from huitong.payments.reconciliation.calculations import (
    Tolerance,
    compare,
    is_matter_of_time,
    match_by_amount,
    match_by_reference,
)
from huitong.payments.reconciliation.cures import post
from huitong.payments.reconciliation.errors import ChannelFileNotFound
from huitong.payments.reconciliation.store import attempts, breaks, files, ranges
from huitong.payments.reconciliation.types import (
    BreakKind,
    ChannelFile,
    FileLine,
    FileState,
    Found,
    OurPayment,
    PairRule,
)

_ZONE: Final = ZoneInfo(SHANGHAI)


def day_bounds(day: date) -> tuple[datetime, datetime]:
    """Return the first instant of a business day and the first one after it."""
    begin = datetime.combine(day, time(), _ZONE)
    return begin, datetime.combine(day + timedelta(days=1), time(), _ZONE)


def read_tolerance(rulebook: Rulebook, day: date) -> Tolerance:
    """Return how far two sides may be apart by the rules of a day."""
    return Tolerance(
        timing=timedelta(minutes=rulebook.integer("reconciliation.timing.minutes", day)),
        window=timedelta(minutes=rulebook.integer("reconciliation.tolerance.minutes", day)),
        amount=rulebook.amount("reconciliation.tolerance.amount", day).minor,
    )


async def match_file(
    uow: UnitOfWork, file_id: uuid.UUID, *, rulebook: Rulebook, now: datetime
) -> ChannelFile:
    """Match a file that is loaded, or refuse it if next to nothing agrees; return it.

    One that is matched or refused stays as it is. Raises ChannelFileNotFound unless it is loaded.
    """
    await breaks.lock(uow)
    file = await files.find_file(uow, file_id=file_id, is_locked=True)
    if file is None or file.state is FileState.LOADING:
        raise ChannelFileNotFound("there is no such file that is loaded", field="file")
    if file.state is not FileState.LOADED:
        return file
    begin, end = day_bounds(file.day)
    lines = await ranges.load_columns(uow, file)
    ours = await attempts.load_day(uow, file, begin, end)
    most = limits.DIFFERENCES_MAX
    left = await asyncio.to_thread(columns.compare, lines, ours, begin, end, most + 1)
    if max(len(left.unlike), len(left.repeated), len(left.absent)) > most:
        return await files.refuse_file(uow, file)
    few = await _load_few(uow, file, left)
    work = _Matching(few, read_tolerance(rulebook, file.day), end)
    work.waits_until = end + timedelta(
        days=rulebook.integer("reconciliation.timing.days", file.day)
    )
    work.match()
    await attempts.add_pairs(uow, file, work.pairs)
    await breaks.match_missing(uow, sorted(work.came), now=now)
    await breaks.add_breaks(uow, work.found, file_number=file.number, now=now)
    fees = lines.sum_charged(sorted(work.not_charged))
    entry = await postings.fees_entry(uow, file.id, fees, business_day(now))
    if entry is not None:
        await post(uow, entry, now)
    differing = {each.line for each in work.found if each.line is not None}
    tolerated = {line for line, _, _ in work.pairs}
    matched = file.line_count - len(differing | tolerated)
    await files.set_matched(uow, file, matched=matched, tolerated=len(tolerated), now=now)
    done = await files.find_file(uow, file_id=file_id)
    assert done is not None
    return done


@dataclass(slots=True, kw_only=True)
class _Few:
    """The lines and payments that do not agree at once, and what is known about them."""

    file: ChannelFile
    lines: list[FileLine]
    repeated: set[int]
    ours: dict[uuid.UUID, OurPayment]
    #: Of the file's day and not in it, and of earlier days and in no file yet.
    absent: list[uuid.UUID]
    still_missing: list[uuid.UUID]
    paired: set[uuid.UUID]
    days_matched: set[date]


async def _load_few(
    uow: UnitOfWork,
    file: ChannelFile,
    left: columns.Compared,
) -> _Few:
    loaded = await ranges.load_lines(uow, file, sorted({*left.unlike, *left.repeated}))
    absent = [uuid.UUID(bytes=each) for each in left.absent]
    still_missing = await attempts.find_still_missing(uow, file)
    named = {each.attempt_id for each in loaded if each.attempt_id is not None}
    ours = await attempts.load_ours(uow, {*named, *absent, *still_missing})
    days = {business_day(each.side.at) for each in ours.values()} - {file.day}
    return _Few(
        file=file,
        lines=loaded,
        repeated={*left.repeated, *_find_repeated(loaded)},
        ours=ours,
        absent=absent,
        still_missing=still_missing,
        paired=await attempts.find_paired(uow, ours),
        days_matched=await files.find_days_matched(uow, file.channel, days),
    )


def _find_repeated(lines: Iterable[FileLine]) -> set[int]:
    """Return the numbers of lines without an id that say again what an earlier one says."""
    known, repeated = set[tuple[object, ...]](), set[int]()
    for line in lines:
        side = line.side
        if line.attempt_id is None:
            text = (line.reference, side.direction, side.amount, side.currency)
            if text in known:
                repeated.add(line.number)
            known.add(text)
    return repeated


@dataclass(slots=True)
class _Matching:
    """Decides about the few, line by line."""

    few: _Few
    tolerance: Tolerance
    day_ends_at: datetime
    waits_until: datetime = field(init=False)
    found: list[Found] = field(default_factory=list)
    pairs: list[tuple[int, uuid.UUID, PairRule]] = field(default_factory=list)
    #: Attempts that were missing in an earlier file, and are here.
    came: set[uuid.UUID] = field(default_factory=set)

    @property
    def not_charged(self) -> set[int]:
        """Lines whose fee is booked when their break is cured, or is not owed."""
        kinds = (BreakKind.FEE_DIFFERS, BreakKind.DOUBLED_IN_FILE)
        return {each.line for each in self.found if each.kind in kinds and each.line is not None}

    def match(self) -> None:
        """Decide about all of them."""
        waiting = set(self.few.still_missing)
        strangers: list[FileLine] = []
        for line in self.few.lines:
            ours = None if line.attempt_id is None else self.few.ours.get(line.attempt_id)
            if line.number in self.few.repeated:
                self._add(BreakKind.DOUBLED_IN_FILE, line, ours)
            elif ours is None or ours.channel != self.few.file.channel:
                strangers.append(line)
            elif self._is_in_another_file(ours, waiting):
                self._add(BreakKind.DOUBLED_IN_FILE, line, ours)
            else:
                self._match_known(line, ours)
        gone = [self.few.ours[each] for each in [*self.few.absent, *self.few.still_missing]]
        for line, ours, rule in self._match_strangers(strangers, gone):
            self._pair(line, ours, rule)
            self._compare(line, ours)
        self._add_strangers(strangers)
        self._add_absent()

    def _match_known(self, line: FileLine, ours: OurPayment) -> None:
        if business_day(ours.side.at) != self.few.file.day and ours.side.is_moved:
            self._pair(line, ours, PairRule.OTHER_DAY)
        self._compare(line, ours)

    def _is_in_another_file(self, ours: OurPayment, waiting: set[uuid.UUID]) -> bool:
        """Return whether an earlier file has had this payment."""
        if ours.attempt_id in self.few.paired:
            return True
        day = business_day(ours.side.at)
        is_expected = ours.side.is_moved and ours.attempt_id not in waiting
        return is_expected and day in self.few.days_matched

    def _pair(self, line: FileLine, ours: OurPayment, rule: PairRule) -> None:
        self.pairs.append((line.number, ours.attempt_id, rule))
        self.came.add(ours.attempt_id)

    def _compare(self, line: FileLine, ours: OurPayment) -> None:
        kind, differs = compare(ours.side, line.side, self.tolerance)
        if kind is not None:
            self._add(kind, line, ours, differs)

    def _match_strangers(
        self, strangers: list[FileLine], gone: list[OurPayment]
    ) -> list[tuple[FileLine, OurPayment, PairRule]]:
        moved = [line for line in strangers if line.side.is_moved]
        first = match_by_reference(moved, gone)
        taken_lines = {line.number for line, _, _ in first}
        taken = {ours.attempt_id for _, ours, _ in first}
        # An id that we do not know is another payment, however alike the amounts are.
        nameless = [
            line for line in moved if line.attempt_id is None and line.number not in taken_lines
        ]
        left = [each for each in gone if each.attempt_id not in taken]
        return first + match_by_amount(nameless, left, self.tolerance)

    def _add_strangers(self, strangers: Iterable[FileLine]) -> None:
        paired = {number for number, _, _ in self.pairs}
        for line in strangers:
            if line.number in paired:
                continue
            is_unknown = line.attempt_id is not None and line.attempt_id not in self.few.ours
            kind = BreakKind.MISSING_WITH_US if is_unknown else BreakKind.UNKNOWN_REFERENCE
            self._add(kind, line, None)

    def _add_absent(self) -> None:
        for attempt_id in self.few.absent:
            ours = self.few.ours[attempt_id]
            if attempt_id in self.came or not ours.side.is_moved:
                continue
            is_timing = is_matter_of_time(ours.side.at, self.day_ends_at, self.tolerance)
            self.found.append(
                Found(
                    kind=BreakKind.MISSING_AT_CHANNEL,
                    key=f"attempt:{attempt_id.hex}",
                    channel=self.few.file.channel,
                    day=self.few.file.day,
                    ours=ours.side,
                    theirs=None,
                    attempt_id=attempt_id,
                    order_id=ours.order_id,
                    due_at=self.waits_until if is_timing else None,
                )
            )

    def _add(
        self,
        kind: BreakKind,
        line: FileLine,
        ours: OurPayment | None,
        differs: tuple[str, ...] = (),
    ) -> None:
        file = self.few.file
        # What is doubled is there once rightly: the second one has nothing beside it.
        beside = None if kind is BreakKind.DOUBLED_IN_FILE else ours
        key = (
            f"line:{file.number}:{line.number}"
            if beside is None
            else f"attempt:{beside.attempt_id.hex}"
        )
        self.found.append(
            Found(
                kind=kind,
                key=key,
                channel=file.channel,
                day=file.day,
                ours=None if beside is None else beside.side,
                theirs=line.side,
                attempt_id=None if ours is None else ours.attempt_id,
                order_id=None if ours is None else ours.order_id,
                line=line.number,
                reference=line.reference,
                differs=differs,
            )
        )
