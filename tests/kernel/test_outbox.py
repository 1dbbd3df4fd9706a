"""The outbox tells what was committed, at least once, and gives up where staff see it."""

import asyncio
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import ClassVar

import pytest

from huitong.kernel import audit, limits, outbox, outbox_delivery
from huitong.kernel.database.unit_of_work import Database, DatabaseUnavailable, UnitOfWork
from huitong.kernel.money import Money
from huitong.kernel.outbox import Delivery, Event
from huitong.kernel.outbox_delivery import DeliveryReport, deliver, retry_pause

# Far in the future of the rows' own clock, so that every one of them is due.
_NOW = datetime(2100, 1, 1, tzinfo=UTC)
_AFTER_LEASE = timedelta(seconds=limits.OUTBOX_LEASE_SECONDS + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ThingHappened(Event):
    topic: ClassVar[str] = "tests.ThingHappened.v1"

    number: int
    amount: Money
    order_id: uuid.UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class NobodyCares(Event):
    topic: ClassVar[str] = "tests.NobodyCares.v1"


class Crash(BaseException):
    """The process ends here: nothing may catch it."""


def _thing(number: int) -> ThingHappened:
    return ThingHappened(number=number, amount=Money(1_050, "CNY"), order_id=uuid.UUID(int=number))


async def _append(database: Database, *events: Event) -> tuple[uuid.UUID, ...]:
    return await database.run(lambda uow: outbox.append(uow, events))


class Seen:
    """A handler that writes the numbers that it saw to the audit trail, in its own transaction."""

    def __init__(self) -> None:
        self.deliveries: list[Delivery] = []

    async def __call__(self, uow: UnitOfWork, delivery: Delivery) -> None:
        self.deliveries.append(delivery)
        assert isinstance(delivery.event, ThingHappened)
        await audit.record(uow, action="test.see", subject=str(delivery.event.number))

    def numbers(self) -> list[int]:
        return [d.event.number for d in self.deliveries if isinstance(d.event, ThingHappened)]


async def _list_subjects(database: Database) -> list[str]:
    async with database.unit_of_work() as uow:
        return [found.subject for found in await audit.list_records(uow)][::-1]


async def test_delivers_in_order_and_only_once(database: Database) -> None:
    ids = await _append(database, *(_thing(number) for number in range(3)))
    seen = Seen()

    report = await deliver(database, {ThingHappened: [seen]}, now=_NOW)
    again = await deliver(database, {ThingHappened: [seen]}, now=_NOW + _AFTER_LEASE)

    assert report == DeliveryReport(taken=3, delivered=3)
    assert again == DeliveryReport()
    assert [d.id for d in seen.deliveries] == list(ids)
    assert [d.event for d in seen.deliveries] == [_thing(0), _thing(1), _thing(2)]
    assert {d.attempt for d in seen.deliveries} == {1}


async def test_says_nothing_of_what_was_rolled_back(database: Database) -> None:
    async def command(uow: UnitOfWork) -> None:
        await outbox.append(uow, [_thing(1)])
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await database.run(command)

    assert await deliver(database, {ThingHappened: [Seen()]}, now=_NOW) == DeliveryReport()


async def test_does_not_keep_what_nobody_listens_to_waiting(database: Database) -> None:
    await _append(database, NobodyCares(), _thing(1))
    seen = Seen()

    report = await deliver(database, {ThingHappened: [seen], NobodyCares: []}, now=_NOW)

    assert report == DeliveryReport(taken=2, delivered=2)
    assert seen.numbers() == [1]
    async with database.unit_of_work() as uow:
        assert await outbox.measure(uow) == 0


async def test_two_dispatchers_at_once_deliver_each_event_once(database: Database) -> None:
    await _append(database, *(_thing(number) for number in range(40)))
    seen = Seen()
    handlers = {ThingHappened: [seen]}

    reports = await asyncio.gather(
        *(deliver(database, handlers, now=_NOW, limit=10) for _ in range(6))
    )

    assert sum(report.delivered for report in reports) == 40
    assert sorted(seen.numbers()) == list(range(40))
    assert len(await _list_subjects(database)) == 40


async def test_retries_a_failing_handler_then_parks_the_event(database: Database) -> None:
    (event_id,) = await _append(database, _thing(7))
    seen = Seen()

    async def fail(_uow: UnitOfWork, _delivery: Delivery) -> None:
        raise ValueError("not today")

    now = _NOW
    outcomes = []
    for attempt in range(1, limits.OUTBOX_ATTEMPTS_MAX + 1):
        report = await deliver(database, {ThingHappened: [seen, fail]}, now=now)
        outcomes.append((report.retried, report.parked))
        early = now + retry_pause(attempt) - timedelta(milliseconds=1)
        assert await deliver(database, {ThingHappened: [seen]}, now=early) == DeliveryReport()
        now += retry_pause(attempt)
    async with database.unit_of_work() as uow:
        (parked,) = await outbox.list_parked(uow)

    assert outcomes == [(1, 0)] * (limits.OUTBOX_ATTEMPTS_MAX - 1) + [(0, 1)]
    assert [d.attempt for d in seen.deliveries] == list(range(1, limits.OUTBOX_ATTEMPTS_MAX + 1))
    assert (parked.id, parked.last_error) == (event_id, "ValueError: not today")
    assert parked.attempts == limits.OUTBOX_ATTEMPTS_MAX
    assert await deliver(database, {ThingHappened: [seen]}, now=now) == DeliveryReport()


async def test_delivers_a_parked_event_that_staff_released(database: Database) -> None:
    (event_id,) = await _append(database, _thing(7))
    async with database.unit_of_work() as uow:
        await uow.execute("UPDATE kernel.outbox SET parked_at = :now, attempts = 12", now=_NOW)
    seen = Seen()

    async with database.unit_of_work() as uow:
        released = await outbox.release_parked(uow, [event_id, uuid.uuid4()], now=_NOW)
    report = await deliver(database, {ThingHappened: [seen]}, now=_NOW)

    assert released == (event_id,)
    assert report == DeliveryReport(taken=1, delivered=1)
    assert await _list_subjects(database) == [f"evt_{event_id.hex}", "7"]
    async with database.unit_of_work() as uow:
        assert await outbox.list_parked(uow) == ()


async def test_delivers_again_after_a_crash_between_handlers_and_mark(database: Database) -> None:
    await _append(database, _thing(1))
    first, second = Seen(), Seen()

    async def crash(_uow: UnitOfWork, _delivery: Delivery) -> None:
        raise Crash

    with pytest.raises(Crash):
        await deliver(database, {ThingHappened: [first, crash]}, now=_NOW)
    in_lease = await deliver(database, {ThingHappened: [first, second]}, now=_NOW)
    after = await deliver(database, {ThingHappened: [first, second]}, now=_NOW + _AFTER_LEASE)

    assert in_lease == DeliveryReport()
    assert after == DeliveryReport(taken=1, delivered=1)
    assert [d.attempt for d in first.deliveries] == [1, 2]
    assert [d.attempt for d in second.deliveries] == [2]


async def test_the_last_handler_and_the_mark_are_one_transaction(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _append(database, _thing(1))
    seen = Seen()

    async def crash(*_: object) -> None:
        raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(outbox_delivery, "_mark_delivered", crash)
        with pytest.raises(Crash):
            await deliver(database, {ThingHappened: [seen]}, now=_NOW)
    after_crash = await _list_subjects(database)
    await deliver(database, {ThingHappened: [seen]}, now=_NOW + _AFTER_LEASE)

    assert after_crash == []
    assert seen.numbers() == [1, 1]
    assert await _list_subjects(database) == ["1"]


async def test_parks_an_event_that_ends_the_process_each_time(database: Database) -> None:
    await _append(database, _thing(1))

    async def crash(_uow: UnitOfWork, _delivery: Delivery) -> None:
        raise Crash

    now = _NOW
    for _ in range(limits.OUTBOX_ATTEMPTS_MAX):
        with pytest.raises(Crash):
            await deliver(database, {ThingHappened: [crash]}, now=now)
        now += _AFTER_LEASE
    report = await deliver(database, {ThingHappened: [crash]}, now=now)

    assert report == DeliveryReport(taken=1, parked=1)
    async with database.unit_of_work() as uow:
        (parked,) = await outbox.list_parked(uow)
    assert parked.last_error == "no attempt came to an end"


async def test_undoes_the_work_of_a_dispatcher_that_lost_its_lease(database: Database) -> None:
    await _append(database, _thing(1))
    fast = Seen()

    async def slow(uow: UnitOfWork, delivery: Delivery) -> None:
        await audit.record(uow, action="test.see", subject="slow")
        later = await deliver(database, {ThingHappened: [fast]}, now=_NOW + _AFTER_LEASE)
        assert (later.delivered, delivery.attempt) == (1, 1)

    report = await deliver(database, {ThingHappened: [slow]}, now=_NOW)

    assert report == DeliveryReport(taken=1)
    assert await _list_subjects(database) == ["1"]


async def test_gives_back_what_its_lease_leaves_no_time_for(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _append(database, _thing(1), _thing(2))
    seen = Seen()
    seconds = iter([0.0, 0.0, 59.0])

    with monkeypatch.context() as patch:
        # The event loop reads the same clock, so only the dispatcher's own name is replaced.
        patch.setattr(outbox_delivery, "time", SimpleNamespace(monotonic=lambda: next(seconds)))
        first = await deliver(database, {ThingHappened: [seen]}, now=_NOW)
    second = await deliver(database, {ThingHappened: [seen]}, now=_NOW)

    assert (first, second) == (
        DeliveryReport(taken=2, delivered=1),
        DeliveryReport(taken=1, delivered=1),
    )
    assert [d.attempt for d in seen.deliveries] == [1, 1]


async def test_does_not_blame_the_handler_for_a_lost_database(database: Database) -> None:
    await _append(database, _thing(1))

    async def lose(_uow: UnitOfWork, _delivery: Delivery) -> None:
        raise DatabaseUnavailable("gone")

    with pytest.raises(DatabaseUnavailable):
        await deliver(database, {ThingHappened: [lose]}, now=_NOW)

    async with database.unit_of_work() as uow:
        row = await uow.fetch_one("SELECT parked_at, last_error FROM kernel.outbox")
    assert row is not None
    assert tuple(row) == (None, None)


async def test_prunes_old_delivered_events_in_bounded_steps(database: Database) -> None:
    await _append(database, *(_thing(number) for number in range(5)))
    await deliver(database, {ThingHappened: [Seen()]}, now=_NOW, limit=4)
    keep = timedelta(hours=limits.OUTBOX_KEEP_HOURS)

    async with database.unit_of_work() as uow:
        too_early = await outbox.prune_delivered(uow, now=_NOW + keep)
        steps = [await outbox.prune_delivered(uow, now=_NOW + keep * 2, limit=3) for _ in range(3)]
        left = await outbox.measure(uow)

    assert too_early == 0
    assert steps == [3, 1, 0]
    assert left == 1


def test_pauses_double_up_to_an_hour() -> None:
    assert [retry_pause(attempt).total_seconds() for attempt in (1, 2, 3, 12, 13, 40)] == [
        1,
        2,
        4,
        2_048,
        3_600,
        3_600,
    ]


def test_refuses_a_topic_without_a_version() -> None:
    with pytest.raises(TypeError, match=r"room\.ThingHappened\.v1"):
        type("Nameless", (Event,), {"topic": "tests.Nameless"})


def test_refuses_two_events_with_one_topic() -> None:
    with pytest.raises(TypeError, match="both use"):
        type("Other", (Event,), {"topic": "tests.ThingHappened.v1"})


def test_refuses_an_event_that_is_too_long() -> None:
    @dataclass(frozen=True, kw_only=True)
    class LongStory(Event):
        topic: ClassVar[str] = "tests.LongStory.v1"
        text: str

    with pytest.raises(ValueError, match="longer than 65536 bytes"):
        outbox.make_row(LongStory(text="x" * 65_536))
