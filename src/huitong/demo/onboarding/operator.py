"""What only whoever runs the platform can do: open a way in, decide, look into the database.

The commands are the operator's own (`huitong privacy approve`, `huitong ledger verify`). Sealed
values are taken from the tables as somebody with the whole database would take them.
"""

import asyncio
import contextlib
import subprocess
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, TypeVar

import httpx

from huitong import identity, ledger, privacy
from huitong.demo.day import StoryBroken
from huitong.kernel.cryptography import SealBroken, load_key_ring, open_record, read_key_name
from huitong.kernel.database.unit_of_work import Database
from huitong.kernel.ids import CUSTOMER, read_id, uuid7
from huitong.kernel.trust import load_trust
from huitong.wiring.people_data import make_retained
from huitong.wiring.simulators import find_simulator
from huitong.wiring.trial import Trial

Result = TypeVar("Result")

NAME_FIELD: Final = "customers.customers.name"
_SMS_GATEWAY: Final = "sms-gateway"
_CODE: Final = "验证码"
_SEALED_NAME: Final = "SELECT name_sealed FROM customers.customers WHERE id = :id"
_KEY: Final = "SELECT wrapped, destroyed_at FROM privacy.subject_keys WHERE subject_id = :id"
_OTHERS: Final = """
    SELECT subject_id, wrapped FROM privacy.subject_keys
     WHERE subject_id <> :id AND destroyed_at IS NULL ORDER BY subject_id LIMIT 1000
"""
_PEOPLE: Final = "restricted_people"
_DESTRUCTION_STEPS_MAX: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Safe:
    """A sealed name as it lies in the database, and what is left of the key to it."""

    sealed: bytes
    wrapped_key: bytes | None
    destroyed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Operator:
    """The operator of one trial platform."""

    trial: Trial

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command of ours against the platform."""
        return self.trial.run(*arguments)

    def read_phone(self, mobile: str) -> str:
        """Return the newest code on the simulated phone; raises StoryBroken if there is none."""
        url = find_simulator(self.trial.home, _SMS_GATEWAY)
        if url is None:
            raise StoryBroken("No simulated SMS gateway runs on this platform", retryable=False)
        with httpx.Client(base_url=url, trust_env=False, verify=load_trust()) as phone:
            found = phone.get("/messages", params={"mobile": mobile}).json()["messages"]
        codes = [text for text in found if _CODE in text]
        if not codes:
            raise StoryBroken("No code has arrived", retryable=False)
        return str(codes[0])

    def open_login(self, customer: str, mobile: str, *, now: datetime) -> None:
        """Open a way in for a customer, as the counter of a branch would."""

        async def work(database: Database, vault: privacy.Vault) -> None:
            async with database.unit_of_work() as uow:
                await identity.open_login(
                    uow,
                    vault=vault,
                    login_id=uuid7(),
                    audience=identity.Audience.CUSTOMER,
                    subject_id=_read(customer),
                    mobile=mobile,
                    now=now,
                )

        self._work(work)

    def prepare_months(self, months: int, *, now: datetime) -> None:
        """Make the journal's partitions so many months ahead; the worker looks once an hour."""

        async def work(database: Database, _vault: privacy.Vault) -> None:
            async with database.unit_of_work() as uow:
                await ledger.add_partitions(uow, now=now, months_ahead=months)

        self._work(work)

    def take_sealed_name(self, customer: str) -> Safe:
        """Return the sealed name of a customer and the wrapped key, straight from the tables."""

        async def work(database: Database, _vault: privacy.Vault) -> Safe:
            async with database.reading() as uow:
                sealed = await uow.fetch_value(_SEALED_NAME, id=_read(customer))
                key = await uow.fetch_one(_KEY, id=_read(customer))
            if sealed is None or key is None:
                raise StoryBroken(f"{customer} is not in the database", retryable=False)
            return Safe(sealed=sealed, wrapped_key=key.wrapped, destroyed_at=key.destroyed_at)

        return self._work(work)

    def open_sealed_name(self, customer: str, sealed: bytes, *, purpose: str | None = None) -> str:
        """Open it with the platform's own keys, as its programs do, for a purpose if one is named.

        Raises DataDestroyed, and for a purpose what `privacy.open_for` raises.
        """

        async def work(database: Database, vault: privacy.Vault) -> str:
            subject_id, fields = _read(customer), {NAME_FIELD: sealed}
            async with database.reading() as uow:
                if purpose is None:
                    return (await vault.open(uow, subject_id, fields))[NAME_FIELD]
                opened = await privacy.open_for(
                    uow,
                    vault,
                    subject_id=subject_id,
                    sealed=fields,
                    purpose=purpose,
                    now=datetime.now(UTC),
                )
                return opened[NAME_FIELD]

        return self._work(work)

    def try_other_keys(self, customer: str, sealed: bytes) -> tuple[int, int]:
        """Try the key of every other person; return how many there were and how many opened it."""
        settings, subject_id = self.trial.settings, _read(customer)

        async def work(database: Database, _vault: privacy.Vault) -> tuple[int, int]:
            ring = load_key_ring(settings.home, settings.master_keys)
            async with database.reading() as uow:
                rows = await uow.execute(_OTHERS, id=subject_id)
            opened = 0
            for row in rows:
                master = ring.get(read_key_name(row.wrapped))
                key = master.unwrap(row.wrapped, owner=row.subject_id.bytes)
                with contextlib.suppress(SealBroken):
                    open_record(key, subject_id, {NAME_FIELD: sealed})
                    opened += 1
            return len(rows), opened

        return self._work(work)

    def destroy_people_due(self, at: datetime) -> None:
        """Do what the worker's hourly loop does with people, as if it were `at`.

        Only on a trial platform. Logs are left out: the database goes by its own clock there.
        """

        async def work(database: Database, vault: privacy.Vault) -> None:
            retained = [each for each in make_retained(vault) if each.data_class == _PEOPLE]
            for _ in range(_DESTRUCTION_STEPS_MAX):
                if not await privacy.destroy_all_due(database, retained, now=at):
                    return

        self._work(work)

    def find_last_day(self, customer: str) -> str:
        """Return the last day on which a restricted person's data is kept, as ISO 8601 has it."""

        async def work(database: Database, _vault: privacy.Vault) -> str:
            async with database.reading() as uow:
                found = await uow.fetch_value(
                    "SELECT until_on FROM privacy.restrictions WHERE subject_id = :id",
                    id=_read(customer),
                )
            return str(found)

        return self._work(work)

    def _work(self, work: Callable[[Database, privacy.Vault], Awaitable[Result]]) -> Result:
        settings = self.trial.settings

        async def run() -> Result:
            url, role = settings.database_app_url, settings.database_app_role
            # A vault of its own each time: nothing that was opened before is remembered.
            vault = privacy.Vault(load_key_ring(settings.home, settings.master_keys))
            async with Database(url, role=role, size=2) as database:
                return await work(database, vault)

        return asyncio.run(run())


def _read(customer: str) -> uuid.UUID:
    return read_id(CUSTOMER, customer, field="customer")
