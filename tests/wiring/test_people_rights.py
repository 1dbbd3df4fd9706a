"""From consent to destruction: one customer's data in all rooms, while the ledger stays whole."""

import json
import uuid
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from huitong import customers, ledger, payments, privacy
from huitong.kernel.clock import FixedClock
from huitong.kernel.cryptography import load_key_ring
from huitong.kernel.database.unit_of_work import Caller, Database
from huitong.kernel.ids import uuid7
from huitong.kernel.money import Money
from huitong.wiring.people_data import make_providers, make_retained

NOW = datetime(2026, 11, 26, 6, 0, tzinfo=UTC)
DAY = timedelta(days=1)
FIELDS = {"club.members.name": "张小三", "club.members.mobile": "13812341234"}
CNY_10 = Money.parse("10.00", "CNY")


class Story:
    """One customer, and what happens to their data."""

    def __init__(self, database: Database, vault: privacy.Vault) -> None:
        self.database, self.vault = database, vault
        self.clock = FixedClock(NOW)
        self.customer_id = uuid7()
        self.account_id = 0

    async def open(self) -> None:
        async with self.database.unit_of_work() as uow:
            await ledger.install_chart(uow)
            customer = await customers.open_customer(
                uow,
                self.vault,
                customer_id=self.customer_id,
                name="张小三",
                mobile="13812341234",
                account_class=2,
                now=NOW,
            )
            self.account_id = customer.account_id
            self.sealed = await self.vault.seal(uow, self.customer_id, FIELDS)
            self.mobile_index = bytes(
                await uow.fetch_value("SELECT mobile_index FROM customers.customers")
            )

    async def move(self, request: Any) -> None:
        """Let money in or out through the bank."""
        order_id = uuid7()
        async with self.database.unit_of_work() as uow:
            await request(
                uow, order_id=order_id, account_id=self.account_id, amount=CNY_10, now=NOW
            )
        async with self.database.unit_of_work() as uow:
            await payments.record_channel_answer(
                uow,
                channel_order_id=payments.derive_id(order_id, 1),
                order_id=order_id,
                answer=payments.ChannelAnswer(verdict=payments.ChannelVerdict.SUCCEEDED),
                now=NOW,
            )

    async def ask(self, kind: str) -> uuid.UUID:
        async with self.database.unit_of_work(Caller(actor="cus")) as uow:
            request = await privacy.create_request(
                uow,
                self.vault,
                make_providers(self.vault),
                request_id=uuid7(),
                subject_id=self.customer_id,
                kind=privacy.RequestKind(kind),
                now=self.clock.now(),
            )
        return request.id

    async def approve(self, request_id: uuid.UUID) -> privacy.RequestState:
        async with self.database.unit_of_work(Caller(actor="staff_li")) as uow:
            request = await privacy.approve_request(
                uow, make_providers(self.vault), request_id=request_id, now=self.clock.now()
            )
        return request.state

    async def work(self) -> bool:
        return await privacy.fulfil_next(
            self.database, self.vault, make_providers(self.vault), now=self.clock.now()
        )

    async def destroy_due(self) -> bool:
        return await privacy.destroy_all_due(
            self.database, make_retained(self.vault), now=self.clock.now()
        )

    async def check_nobody_is_found(self) -> None:
        """Who knows the number finds nobody by it, and what was written into payments is gone."""
        async with self.database.reading() as uow:
            index = await uow.fetch_value("SELECT mobile_index FROM customers.customers")
            written = await uow.fetch_value("SELECT count(description) FROM payments.orders")
        assert bytes(index) != self.mobile_index
        assert written == 0

    async def read(self) -> dict[str, str]:
        async with self.database.reading() as uow:
            return await self.vault.open(uow, self.customer_id, self.sealed)


@pytest.fixture
async def story(database: Database, tmp_path: Path) -> Story:
    story = Story(database, privacy.Vault(load_key_ring(tmp_path)))
    await story.open()
    return story


def check_copy(exported: dict[str, Any]) -> None:
    assert exported["rooms"]["customers"]["mobile"] == "13812341234"
    assert exported["privacy"]["consents"][0]["purpose"] == "marketing"
    (order,) = exported["rooms"]["payments"]["orders"]
    assert (order["kind"], order["amount"]["amount"]) == ("top_up", "10.00")
    assert exported["rooms"]["identity"] == {}


async def test_from_consent_to_destruction(story: Story, database: Database) -> None:
    async with database.unit_of_work() as uow:
        await privacy.give_consent(
            uow,
            subject_id=story.customer_id,
            purpose="marketing",
            version=1,
            channel="app",
            now=NOW,
        )
    await story.move(payments.request_top_up)

    # A copy of everything.
    copy = await story.ask("copy")
    assert await story.work()
    async with database.unit_of_work() as uow:
        text = await privacy.download_export(
            uow, story.vault, request_id=copy, subject_id=story.customer_id, now=NOW
        )
    check_copy(json.loads(text))

    # Not while money is there.
    closing = await story.ask("close_account")
    assert await story.approve(closing) is privacy.RequestState.BLOCKED
    await story.move(payments.request_withdrawal)
    assert await story.approve(closing) is privacy.RequestState.APPROVED
    assert await story.work()

    # The account is closed; the data is only stored, for ten years.
    async with database.reading() as uow:
        account = await ledger.get_account(uow, story.account_id)
        until_on = await uow.fetch_value("SELECT until_on FROM privacy.restrictions")
        with pytest.raises(privacy.ProcessingRestricted):
            await privacy.check_reading(
                uow, subject_id=story.customer_id, purpose="marketing", viewer=None, now=NOW
            )
    assert account.closed_at == NOW
    assert until_on == date(2036, 11, 26)
    assert await story.read() == FIELDS
    story.clock.advance(datetime(2036, 11, 26, 6, 0, tzinfo=UTC) - NOW)
    assert not await story.destroy_due()
    assert await story.read() == FIELDS

    # Then the key goes, and what is left in the tables opens for nobody.
    story.clock.advance(DAY)
    assert await story.destroy_due()
    with pytest.raises(privacy.DataDestroyed):
        await story.read()
    again = privacy.Vault(story.vault._ring)
    async with database.reading() as uow:
        assert await again.open_many(uow, {story.customer_id: story.sealed}) == {
            story.customer_id: None
        }
        (evidence,) = await privacy.list_destructions(uow)
        events = [
            row.topic.split(".")[1]
            for row in await uow.execute(
                "SELECT topic FROM kernel.outbox WHERE topic LIKE 'privacy.%' ORDER BY id"
            )
        ]
    assert (evidence.data_class, evidence.count) == ("restricted_people", 1)
    assert events == ["ConsentGiven", "SubjectRestricted", "SubjectErased"]
    assert (await ledger.verify_ledger(database)).is_clean
    await story.check_nobody_is_found()


async def test_money_that_comes_in_before_the_deletion_stops_it(
    story: Story, database: Database
) -> None:
    deletion = await story.ask("delete")
    assert await story.approve(deletion) is privacy.RequestState.APPROVED
    await story.move(payments.request_top_up)

    assert await story.work()

    async with database.reading() as uow:
        request = await privacy.get_request(uow, deletion)
        account = await ledger.get_account(uow, story.account_id)
    assert request.state is privacy.RequestState.BLOCKED
    assert account.closed_at is None
    assert await story.read() == FIELDS


async def test_nothing_personal_gets_into_trail_or_events(story: Story, database: Database) -> None:
    await story.ask("copy")
    await story.work()
    deletion = await story.ask("delete")
    await story.approve(deletion)
    await story.work()

    async with database.reading() as uow:
        written = await uow.fetch_value(
            """
            SELECT string_agg(line, ' ') FROM (
                SELECT CAST(a AS text) AS line FROM kernel.audit a
                 UNION ALL SELECT CAST(o AS text) FROM kernel.outbox o
                 UNION ALL SELECT CAST(r AS text) FROM privacy.requests r
                 UNION ALL SELECT CAST(h AS text) FROM privacy.request_history h
                 UNION ALL SELECT CAST(e AS text) FROM privacy.export_parts e
            ) AS written
            """
        )
    assert "privacy.create_request" in written
    assert not any(value in written for value in FIELDS.values())
