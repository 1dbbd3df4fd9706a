"""Lists: who is on one now, and how that changes."""

import asyncio
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError

from huitong import risk
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import uuid7
from huitong.risk import Entity, EntityKind, ListChange, ListEntryNotFound, ListKind

DEVICE = Entity.of_id(EntityKind.DEVICE, uuid7())
CUSTOMER = Entity.of_id(EntityKind.CUSTOMER, uuid7())
ACCOUNT = Entity.of_account(100_000_000_190)
MOBILE = Entity.of_mobile(b"\x07" * 32)
ADDRESS = Entity.of_address(ip_address("203.0.113.7"))


async def change(desk: Any, listed: ListKind, **what: Any) -> Any:
    approval_id = await desk.approve("risk.change_list")
    return await desk.run(
        lambda uow: risk.change_list(
            uow,
            ListChange(list=listed, **what),
            reason="seen in case 12",
            approval_id=approval_id,
            now=desk.now,
        )
    )


async def look(desk: Any, *entities: Entity, later: timedelta = timedelta()) -> Any:
    async def find(uow: Any) -> Any:
        return await risk.find_listed(await uow.driver(), entities, now=desk.now + later)

    return await desk.run(find)


async def test_a_batch_is_looked_up_at_once(desk: Any) -> None:
    await change(desk, ListKind.BLOCK, add=[(DEVICE, None), (MOBILE, None)])
    await change(desk, ListKind.WATCH, add=[(DEVICE, None), (ACCOUNT, None), (ADDRESS, None)])

    found = await look(desk, CUSTOMER, DEVICE, ACCOUNT, DEVICE, MOBILE, ADDRESS)

    assert found == {
        DEVICE: {ListKind.BLOCK, ListKind.WATCH},
        ACCOUNT: {ListKind.WATCH},
        MOBILE: {ListKind.BLOCK},
        ADDRESS: {ListKind.WATCH},
    }
    assert await look(desk) == {}


async def test_an_entry_ends_by_itself_and_can_be_made_anew(desk: Any) -> None:
    day = timedelta(days=1)
    await change(desk, ListKind.ALLOW, add=[(CUSTOMER, desk.now + day)])
    assert await look(desk, CUSTOMER, later=day - timedelta(seconds=1)) == {
        CUSTOMER: {ListKind.ALLOW}
    }
    assert await look(desk, CUSTOMER, later=day) == {}

    desk.now += 2 * day
    await change(desk, ListKind.ALLOW, add=[(CUSTOMER, desk.now + day)])

    assert await look(desk, CUSTOMER) == {CUSTOMER: {ListKind.ALLOW}}
    assert await desk.count("risk.list_entries") == 2


async def test_what_is_taken_off_stays_known(desk: Any) -> None:
    await change(desk, ListKind.BLOCK, add=[(DEVICE, None)])
    await change(desk, ListKind.BLOCK, remove=[DEVICE])

    assert await look(desk, DEVICE) == {}
    assert await desk.count("risk.list_entries WHERE removed_at IS NOT NULL") == 1
    with pytest.raises(DBAPIError):
        await desk.run(lambda uow: uow.execute("DELETE FROM risk.list_entries"))
    with pytest.raises(DBAPIError, match="set for good"):
        await desk.run(
            lambda uow: uow.execute(
                "UPDATE risk.list_entries SET removed_at = NULL, removed_by = NULL"
            )
        )


async def test_a_change_is_made_whole_or_not_at_all(desk: Any) -> None:
    with pytest.raises(ListEntryNotFound) as refused:
        await change(desk, ListKind.BLOCK, add=[(DEVICE, None)], remove=[CUSTOMER])

    assert refused.value.field == "remove[0]"
    assert await desk.count("risk.list_entries") == 0


@pytest.mark.parametrize("days", [-1, 0, 3_661])
async def test_an_end_that_is_over_or_too_far_is_refused(desk: Any, days: int) -> None:
    with pytest.raises(InvalidField) as refused:
        await change(desk, ListKind.BLOCK, add=[(DEVICE, desk.now + timedelta(days=days))])

    assert refused.value.field == "add[0].expires_at"


async def test_nobody_is_allowed_for_ever(desk: Any) -> None:
    with pytest.raises(InvalidField, match="nobody is allowed for ever"):
        await change(desk, ListKind.ALLOW, add=[(DEVICE, None)])


async def test_two_changes_of_one_entity_come_one_after_the_other(desk: Any) -> None:
    await asyncio.gather(
        *(change(desk, ListKind.BLOCK, add=[(DEVICE, None), (CUSTOMER, None)]) for _ in range(4))
    )

    assert await desk.count("risk.list_entries WHERE removed_at IS NULL") == 2
    page = await desk.run(lambda uow: risk.list_entries(uow, ListKind.BLOCK, now=desk.now))
    assert {entry.entity for entry in page} == {DEVICE, CUSTOMER}
    assert page[0].reason == "seen in case 12"


def test_both_writings_of_an_address_are_one() -> None:
    assert Entity.of_address(ip_address("::ffff:203.0.113.7")) == ADDRESS


def test_what_is_written_is_read_again() -> None:
    given = ListChange(
        list=ListKind.BLOCK,
        add=[(DEVICE, None), (MOBILE, datetime(2027, 1, 1, tzinfo=UTC))],
        remove=[ACCOUNT],
    )

    assert risk.read_list_change(risk.show_list_change(given)) == given


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ([], "change"),
        ({"list": "grey", "add": [], "remove": []}, "list"),
        ({"list": [], "add": [], "remove": []}, "list"),
        ({"list": "block", "add": {}, "remove": []}, "add"),
        ({"list": "block", "add": [], "remove": []}, "add"),
        ({"list": "block", "add": [], "remove": [{"kind": "moon", "key": ""}]}, "remove[0].kind"),
        ({"list": "block", "add": [], "remove": [{"kind": [], "key": ""}]}, "remove[0].kind"),
        (
            {"list": "block", "add": [], "remove": [{"kind": "device", "key": "00"}]},
            "remove[0].key",
        ),
        ({"list": "block", "add": [], "remove": [{"kind": "device", "key": 5}]}, "remove[0].key"),
        ({"list": "block", "add": [], "remove": [{"kind": "device"}]}, "remove[0]"),
        (
            {
                "list": "block",
                "add": [{"kind": "device", "key": "00" * 16, "expires_at": "2027-01-01T00:00:00"}],
                "remove": [],
            },
            "add[0].expires_at",
        ),
        (
            {
                "list": "block",
                "add": [{"kind": "device", "key": "00" * 16, "expires_at": 5}],
                "remove": [],
            },
            "add[0].expires_at",
        ),
        ({"list": "block", "add": [], "remove": [{"kind": "device", "key": "00" * 16}] * 2}, "add"),
    ],
)
def test_a_bad_change_is_refused(document: Any, field: str) -> None:
    with pytest.raises(InvalidField) as refused:
        risk.read_list_change(document)

    assert refused.value.field == field


class TestCache:
    """What a process knows of lists without asking for each payment."""

    @staticmethod
    async def find(desk: Any, cache: risk.ListCache, *entities: Entity, days: int = 0) -> Any:
        async def look_up(uow: Any) -> Any:
            now = desk.now + timedelta(days=days)
            return await cache.find(await uow.driver(), entities, now=now)

        return await desk.run(look_up)

    async def test_it_learns_what_has_changed(self, desk: Any) -> None:
        cache = risk.ListCache(desk.database, clock=lambda: 0.0)
        await change(desk, ListKind.BLOCK, add=[(DEVICE, None)])
        await change(desk, ListKind.ALLOW, add=[(CUSTOMER, desk.now + timedelta(days=1))])
        await cache.learn_news()
        both = {DEVICE: {ListKind.BLOCK}, CUSTOMER: {ListKind.ALLOW}}
        assert await self.find(desk, cache, DEVICE, ACCOUNT, CUSTOMER) == both
        assert await self.find(desk, cache, DEVICE, CUSTOMER, days=2) == {DEVICE: {ListKind.BLOCK}}

        await change(desk, ListKind.BLOCK, remove=[DEVICE])
        await change(desk, ListKind.WATCH, add=[(DEVICE, None)])
        assert await self.find(desk, cache, DEVICE) == {DEVICE: {ListKind.BLOCK}}
        await cache.learn_news()
        assert await self.find(desk, cache, DEVICE) == {DEVICE: {ListKind.WATCH}}
        await change(desk, ListKind.WATCH, remove=[DEVICE])
        await cache.learn_news()
        assert await self.find(desk, cache, DEVICE) == {}

    async def test_it_says_whether_anybody_has_to_be_named_at_all(self, desk: Any) -> None:
        clock = [0.0]
        cache = risk.ListCache(desk.database, clock=lambda: clock[0])
        assert not cache.are_empty
        await cache.learn_news()
        assert cache.are_empty
        clock[0] = 60.0
        assert not cache.are_empty
        await change(desk, ListKind.WATCH, add=[(DEVICE, None)])
        await cache.learn_news()
        assert not cache.are_empty

    async def test_the_same_key_of_another_kind_is_somebody_else(self, desk: Any) -> None:
        cache = risk.ListCache(desk.database, clock=lambda: 0.0)
        await change(desk, ListKind.BLOCK, add=[(DEVICE, None)])
        await cache.learn_news()
        assert await self.find(desk, cache, Entity(EntityKind.CUSTOMER, DEVICE.key)) == {}

    async def test_with_old_news_the_database_is_asked(self, desk: Any) -> None:
        clock = [0.0]
        cache = risk.ListCache(desk.database, clock=lambda: clock[0])
        await cache.learn_news()
        await change(desk, ListKind.BLOCK, add=[(DEVICE, None)])
        assert await self.find(desk, cache, DEVICE) == {}
        clock[0] = 60.0
        assert await self.find(desk, cache, DEVICE) == {DEVICE: {ListKind.BLOCK}}

    async def test_a_change_that_is_not_committed_is_learned_afterwards(self, desk: Any) -> None:
        cache = risk.ListCache(desk.database, clock=lambda: 0.0)
        approval_id = await desk.approve("risk.change_list")
        async with desk.database.unit_of_work() as uow:
            block = ListChange(list=ListKind.BLOCK, add=[(DEVICE, None)])
            await risk.change_list(uow, block, reason="seen", approval_id=approval_id, now=desk.now)
            await cache.learn_news()
        assert await self.find(desk, cache, DEVICE) == {}
        await cache.learn_news()
        assert await self.find(desk, cache, DEVICE) == {DEVICE: {ListKind.BLOCK}}

    async def test_it_watches_by_itself(self, desk: Any) -> None:
        cache = risk.ListCache(desk.database)
        await cache.start()
        try:
            await change(desk, ListKind.BLOCK, add=[(DEVICE, None)])
            async with asyncio.timeout(20):
                while not await self.find(desk, cache, DEVICE):  # noqa: ASYNC110 - polling is the point
                    await asyncio.sleep(0.05)
            assert await self.find(desk, cache, DEVICE) == {DEVICE: {ListKind.BLOCK}}
        finally:
            await cache.stop()
