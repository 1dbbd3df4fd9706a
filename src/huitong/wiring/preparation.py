"""Making a database ready for this version: its schema, and the data that the rooms cannot lack."""

import asyncio
import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Literal

from huitong import customers, ledger, lending, risk
from huitong.kernel import limits
from huitong.kernel.clock import SystemClock
from huitong.kernel.cryptography import load_key_ring
from huitong.kernel.database.migrations import Phase, upgrade_url
from huitong.kernel.database.unit_of_work import Database, UnitOfWork
from huitong.kernel.errors import Fault
from huitong.kernel.settings import Settings
from huitong.privacy import Vault


class PlainDataLeft(Fault):
    """There is personal data to seal, and nobody gave the keys for it."""

    code = "plain_data_left"
    title = "Personal data must be sealed before this migration"


def prepare(
    settings: Settings, phase: Phase | Literal["all"] = "all", *, with_start_model: bool = True
) -> None:
    """Run the migrations of `phase`, seal what is stored plain, install what the rooms need.

    An installation without a model of payment fraud starts with the one that is shipped, unless
    `with_start_model` is false: what was restored is not new.
    """

    def make_vault() -> Vault:
        return Vault(load_key_ring(settings.home, settings.master_keys), cipher=settings.cipher)

    url = settings.database_owner_url
    prepare_url(url, phase, make_vault=make_vault)
    if phase != "post" and with_start_model:
        asyncio.run(install_start_model(url, SystemClock().now()))


def prepare_url(
    url: str,
    phase: Phase | Literal["all"] = "all",
    *,
    make_vault: Callable[[], Vault] | None = None,
) -> None:
    """Do the same but for the model, for the database at `url`, which must be its owner's.

    Raises PlainDataLeft if there is something to seal and no `make_vault`.
    """
    if phase != "post":
        upgrade_url(url, "pre")
        asyncio.run(_install(url, SystemClock().now()))
    # Before the new processes start, so that they find everybody; and again after the old ones,
    # which store new customers plain, have stopped.
    asyncio.run(_seal(url, make_vault))
    if make_vault is not None:
        asyncio.run(_index_names(url, make_vault))
    if phase != "pre":
        upgrade_url(url, "post")


async def _install(url: str, now: datetime) -> None:
    async def install(uow: UnitOfWork) -> None:
        await ledger.install_chart(uow)
        await ledger.add_partitions(uow, now=now)
        await lending.complete_control_accounts(uow)

    async with Database(url, size=1) as database:
        await database.run(install)


async def install_start_model(url: str, now: datetime) -> None:
    """Make the shipped model the champion in the database at `url`, if it has no model yet."""
    async with Database(url, size=1) as database:
        await database.run(lambda uow: risk.install_start_model(uow, now=now))


async def _seal(url: str, make_vault: Callable[[], Vault] | None) -> None:
    async with Database(url, size=1) as database:
        left = await database.run(customers.count_plain_customers)
        if left == 0:
            return
        if make_vault is None:
            raise PlainDataLeft(f"{left} customers are stored plain", retryable=False)
        vault = make_vault()
        full = limits.CUSTOMERS_SEALED_AT_ONCE_MAX
        while await database.run(lambda uow: customers.seal_plain_customers(uow, vault)) == full:
            pass


async def _index_names(url: str, make_vault: Callable[[], Vault]) -> None:
    async with Database(url, size=1) as database:
        if not await database.run(customers.is_any_name_unindexed):
            return
        vault, place = make_vault(), uuid.UUID(int=0)

        async def index_next(uow: UnitOfWork) -> uuid.UUID | None:
            return await customers.index_names_left(uow, vault, after=place)

        while (last := await database.run(index_next)) is not None:
            place = last
