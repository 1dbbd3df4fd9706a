"""What other rooms tell risk about who belongs to whom."""

import uuid
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import httpx
from tests.api.test_authentication import make_merchant

from huitong import ledger
from huitong.kernel.clock import SystemClock
from huitong.kernel.ids import CUSTOMER, MERCHANT, read_id
from huitong.risk import Entity, EntityKind, Link, LinkType, Seen
from huitong.wiring.risk_links import LINK_SOURCES

Found = dict[Link, Seen]


async def find(api: Any, *entities: Entity, since: datetime | None = None, most: int = 31) -> Found:
    async def command(uow: Any) -> Found:
        found: Found = {}
        for source in LINK_SOURCES:
            found |= await source.find_links(
                uow,
                entities,
                since=since or SystemClock().now() - timedelta(days=30),
                each_max=most,
            )
        return found

    found: Found = await api.run(command)
    return found


async def open_customers(post: Any, count: int) -> list[tuple[Entity, Entity, dict[str, Any]]]:
    opened = []
    for _ in range(count):
        body = {"name": "李雷", "mobile": f"13{uuid.uuid4().int % 10**9:09d}", "account_class": 3}
        customer = (await post("/v1/customers", body)).json()
        opened.append(
            (
                Entity.of_id(EntityKind.CUSTOMER, read_id(CUSTOMER, customer["id"], field="id")),
                account_of(customer),
                customer,
            )
        )
    return opened


def account_of(shown: dict[str, Any]) -> Entity:
    return Entity.of_account(ledger.read_account(shown["account"], field="account"))


async def pay(post: Any, payer: dict[str, Any], payee: dict[str, Any]) -> None:
    body = {
        "payer": payer["account"],
        "payee": payee["account"],
        "amount": {"amount": "1.00", "currency": "CNY"},
    }
    answer: httpx.Response = await post("/v1/payments", body)
    assert answer.status_code == 201, answer.text


async def test_payments_are_links_of_both_accounts_counted_and_bounded(
    api: Any, post: Callable[..., Awaitable[Any]]
) -> None:
    before = SystemClock().now() - timedelta(seconds=1)
    (_, one, payer), (_, two, payee), (_, three, other) = await open_customers(post, 3)
    await api.fund(payer["account"], 10_000)
    for receiver in (payee, payee, other):
        await pay(post, payer, receiver)
    to_payee = Link(LinkType.PAYS, one, two)

    found = await find(api, one, since=before)
    assert {link for link in found if link.type is LinkType.PAYS} == {
        to_payee,
        Link(LinkType.PAYS, one, three),
    }
    assert found[to_payee].times == 2
    assert before < found[to_payee].first_at <= found[to_payee].last_at
    assert to_payee in await find(api, two, since=before)
    newest = await find(api, one, since=before, most=1)
    assert [link for link in newest if link.type is LinkType.PAYS] == [
        Link(LinkType.PAYS, one, three)
    ]
    later = await find(api, one, since=SystemClock().now() + timedelta(seconds=1))
    assert [link for link in later if link.type is LinkType.PAYS] == []


async def test_customers_and_merchants_own_their_accounts(
    api: Any, post: Callable[..., Awaitable[Any]]
) -> None:
    ((customer, account, _),) = await open_customers(post, 1)
    shop = await make_merchant(post)
    merchant = Entity.of_id(EntityKind.MERCHANT, read_id(MERCHANT, shop["id"], field="id"))
    owns = Link(LinkType.OWNS, customer, account)
    sells = Link(LinkType.OWNS, merchant, account_of(shop))
    for asked in ((customer, merchant), (account, account_of(shop))):
        assert set(await find(api, *asked)) == {owns, sells}


async def test_devices_are_those_that_customers_log_in_with(
    api: Any, post: Callable[..., Awaitable[Any]], customer_headers: Any
) -> None:
    ((customer, _, shown),) = await open_customers(post, 1)
    await customer_headers(shown["id"])
    device_id = await api.run(
        lambda uow: uow.fetch_value(
            "SELECT d.id FROM identity.devices d JOIN identity.logins l ON l.id = d.login_id "
            "WHERE l.subject_id = :id",
            id=uuid.UUID(bytes=customer.key),
        )
    )
    uses = Link(LinkType.USES, customer, Entity.of_id(EntityKind.DEVICE, device_id))
    assert uses in await find(api, customer)
    assert set(await find(api, uses.target)) == {uses}
    assert uses not in await find(api, customer, since=SystemClock().now() + timedelta(seconds=1))


async def test_what_is_unknown_has_no_links(api: Any) -> None:
    nobody = [
        Entity.of_id(kind, uuid.uuid4())
        for kind in (EntityKind.CUSTOMER, EntityKind.MERCHANT, EntityKind.DEVICE)
    ]
    assert await find(api, *nobody, Entity.of_account(99_999_999)) == {}
