"""The log over a fresh ledger: seal, publish, prove, with a key and an instant of our own."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from huitong.ledger.transparency import (
    LogDifference,
    PublicKey,
    Published,
    find_log_differences,
    get_log_key,
    prove_consistency,
    prove_inclusion,
    publish_checkpoint,
    seal_transfers,
)

NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)


@dataclass
class Log:
    """The transparency log of some books."""

    books: Any
    key: Ed25519PrivateKey

    async def seal(self, **options: int) -> int:
        await self.books.project()
        return await self.books.database.run(lambda uow: seal_transfers(uow, **options))

    async def publish(self, **options: Any) -> Published | None:
        options = {"key": self.key, "now": NOW, **options}
        return await self.books.database.run(lambda uow: publish_checkpoint(uow, **options))

    async def seal_and_publish(self) -> Published:
        await self.seal()
        published = await self.publish()
        assert published is not None
        return published

    async def public_key(self) -> PublicKey:
        return await self.books.database.run(lambda uow: get_log_key(uow, self.key))

    async def prove(self, transfer_id, **options: Any) -> dict[str, Any]:
        return await self.books.database.run(
            lambda uow: prove_inclusion(uow, transfer_id, **options)
        )

    async def prove_growth(self, old_size: int, new_size: int) -> dict[str, Any]:
        return await self.books.database.run(lambda uow: prove_consistency(uow, old_size, new_size))

    async def differences(self) -> list[LogDifference]:
        connection = await self.books.database.connect()
        try:
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                return [each async for each in find_log_differences(connection)]
        finally:
            await connection.close()

    async def head(self) -> tuple[int, int]:
        ((size, sequence),) = await self.books.fetch("SELECT size, sequence FROM ledger.log_head")
        return size, sequence

    async def tiles(self) -> list[tuple]:
        return await self.books.fetch(
            "SELECT level, number, hashes, first_sequence FROM ledger.log_tiles ORDER BY 1, 2"
        )


@pytest.fixture
def log(books) -> Log:
    return Log(books, Ed25519PrivateKey.from_private_bytes(bytes(range(32))))


@pytest.fixture
async def make_journal(books):
    """Post a number of transfers in one batch and return their ids in order."""
    cash, customer = await books.open_pair()

    async def make(count: int) -> list:
        transfers = [books.transfer(cash, customer, amount) for amount in range(1, count + 1)]
        await books.post(*transfers)
        return [transfer.id for transfer in transfers]

    return make
