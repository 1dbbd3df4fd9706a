"""The transparency log over HTTP: what is handed out convinces a checker who has only the key."""

import asyncio
import uuid
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jsonschema_rs import validator_for

from huitong import ledger
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import Database
from huitong.kernel.ids import TRANSFER, show_id, uuid7

LOG = "/v1/ledger/log"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


async def post_transfers(api: Any, count: int) -> list[uuid.UUID]:
    now = datetime.now(UTC)
    made = [uuid7() for _ in range(count)]

    async def command(uow: Any) -> None:
        cash, lent = [
            await ledger.ensure_system_account(
                uow, f"test:{code}", chart_code=code, currency="CNY", name="An account of the test"
            )
            for code in ("1002.01", "1011.01")
        ]
        transfers = [
            ledger.Transfer(
                id=each,
                debit_account_id=cash.id,
                credit_account_id=lent.id,
                amount=100,
                currency="CNY",
                code=ledger.TransferCode.OPENING,
                effective_on=business_day(now),
            )
            for each in made
        ]
        outcomes = await ledger.post_entries(
            uow, [ledger.Request(ledger.Entry((each,))) for each in transfers], now=now
        )
        assert all(outcome.is_posted for outcome in outcomes)

    await api.run(command)
    return made


async def publish(api: Any) -> ledger.Published:
    async with Database(api.owner_url, size=2) as database:
        await ledger.project_all(database)
    await api.run(ledger.seal_transfers)
    published: ledger.Published = await api.run(
        lambda uow: ledger.publish_checkpoint(uow, key=KEY, now=datetime.now(UTC))
    )
    return published


@pytest.fixture(scope="module")
def published(api: Any) -> tuple[list[uuid.UUID], ledger.Published, ledger.Published]:
    """Five transfers in one checkpoint, and eight in the next."""

    async def make() -> tuple[list[uuid.UUID], ledger.Published, ledger.Published]:
        first = await post_transfers(api, 5)
        old = await publish(api)
        return [*first, *await post_transfers(api, 3)], old, await publish(api)

    return asyncio.run(make())


async def get_key(client: httpx.AsyncClient) -> ledger.PublicKey:
    answer = await client.get(f"{LOG}/key")
    assert answer.status_code == 200, answer.text
    return ledger.PublicKey.parse(answer.json()["public_key"])


async def check_schema(client: httpx.AsyncClient, path: str, shown: object) -> None:
    document = (await client.get("/openapi.json")).json()
    answer = document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]
    schema = {**answer["schema"], "components": document["components"]}
    validator_for(schema).validate(shown)


async def test_a_checkpoint_opens_with_the_key_that_is_handed_out(
    client: httpx.AsyncClient, published: Any
) -> None:
    _, old, new = published
    key = await get_key(client)
    for query, expected in (("", new), (f"?size={old.size}", old)):
        answer = await client.get(f"{LOG}/checkpoint{query}")
        assert answer.status_code == 200, answer.text
        shown = answer.json()
        assert (shown["size"], shown["note"]) == (expected.size, expected.note)
        assert shown["public_key"] == str(key)
        proven = ledger.check_proof(shown["note"].encode(), key)
        assert isinstance(proven, ledger.ProvenCheckpoint)
        assert (proven.checkpoint.size, proven.checkpoint.root) == (expected.size, expected.root)
        await check_schema(client, f"{LOG}/checkpoint", shown)


async def test_a_transfer_is_proven_by_the_very_bytes_of_the_answer(
    client: httpx.AsyncClient, published: Any
) -> None:
    made, old, new = published
    key = await get_key(client)
    shown = show_id(TRANSFER, made[0])
    for query, size in (("", new.size), (f"?size={old.size}", old.size)):
        answer = await client.get(f"{LOG}/proofs/{shown}{query}")
        assert answer.status_code == 200, answer.text
        proven = ledger.check_proof(answer.content, key)
        assert isinstance(proven, ledger.ProvenTransfer)
        assert (proven.transfer.id, proven.checkpoint.size) == (made[0], size)
        await check_schema(client, f"{LOG}/proofs/{{transfer}}", answer.json())


async def test_growth_is_proven_by_the_very_bytes_of_the_answer(
    client: httpx.AsyncClient, published: Any
) -> None:
    _, old, new = published
    query = {"from": old.size, "to": new.size}
    answer = await client.get(f"{LOG}/consistency", params=query)
    assert answer.status_code == 200, answer.text
    proven = ledger.check_proof(answer.content, await get_key(client))
    assert isinstance(proven, ledger.ProvenGrowth)
    assert (proven.old.size, proven.new.size) == (old.size, new.size)
    await check_schema(client, f"{LOG}/consistency", answer.json())


async def test_a_transfer_after_the_checkpoint_is_not_proven_by_it(
    client: httpx.AsyncClient, published: Any
) -> None:
    made, old, _ = published
    shown = show_id(TRANSFER, made[-1])
    answer = await client.get(f"{LOG}/proofs/{shown}", params={"size": old.size})
    assert (answer.status_code, answer.json()["code"]) == (409, "transfer_not_published")


async def test_what_was_never_published_is_not_found(
    client: httpx.AsyncClient, published: Any
) -> None:
    made, old, new = published
    for path in (
        f"{LOG}/checkpoint?size={new.size + 1}",
        f"{LOG}/proofs/{show_id(TRANSFER, made[0])}?size={old.size + 1}",
        f"{LOG}/proofs/{show_id(TRANSFER, uuid7())}",
        f"{LOG}/consistency?from={old.size}&to={new.size + 1}",
    ):
        answer = await client.get(path)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), path


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("checkpoint?size=0", "size"),
        ("checkpoint?size=x", "size"),
        (f"checkpoint?size={2**63}", "size"),
        ("proofs/tr_x", "transfer"),
        ("consistency?to=5", "from"),
        ("consistency?from=5", "to"),
        ("consistency?from=0&to=5", "from"),
        ("consistency?from=8&to=5", "from"),
    ],
)
async def test_a_bad_query_is_named(client: httpx.AsyncClient, path: str, field: str) -> None:
    answer = await client.get(f"{LOG}/{path}")
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["field"]) == (422, "invalid_field", field)


@pytest.mark.parametrize(
    "path", ["checkpoint", "key", f"proofs/tr_{'0' * 32}", "consistency?from=1&to=2"]
)
async def test_the_log_needs_a_key_that_may_read_the_ledger(
    api: Any, anonymous: httpx.AsyncClient, path: str
) -> None:
    assert (await anonymous.get(f"{LOG}/{path}")).status_code == 401
    headers = {"Authorization": f"Bearer {await api.make_key('payments:read')}"}
    answer = await anonymous.get(f"{LOG}/{path}", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")
