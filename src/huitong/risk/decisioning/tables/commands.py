"""The life of a version of a decision table: saved, live by two people, retired.

A table has no shadow and no back-test: its own test cases must come out before it goes live.
"""

import asyncio
import uuid
from datetime import date, datetime
from typing import Final

from huitong.kernel import limits
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.ids import TABLE_VERSION, show_id
from huitong.risk.decisioning.tables import store
from huitong.risk.decisioning.tables.decision_table import (
    DecisionTable,
    digest_content,
    write_content,
)
from huitong.risk.decisioning.tables.errors import (
    TableAltered,
    TableStateRefused,
    TableTestsFailed,
    TableVersionNotFound,
)
from huitong.risk.decisioning.tables.reading import reload_table
from huitong.risk.decisioning.tables.schemas import get_schema
from huitong.risk.decisioning.tables.types import TableVersion
from huitong.risk.decisioning.versions import life
from huitong.risk.decisioning.versions.types import VersionState

_KIND: Final = life.VersionKind(
    versions=store.VERSIONS,
    thing="table",
    prefix=TABLE_VERSION,
    scope="table",
    refusal=TableStateRefused,
    numbers_max=limits.TABLE_VERSIONS_MAX,
)


async def save_table(
    uow: UnitOfWork, *, version_id: uuid.UUID, table: DecisionTable, now: datetime
) -> TableVersion:
    """Save a table, which `read_table` compiled, as the next version of its name: a draft.

    Raises InvalidField for one that is too long, and LimitExceeded.
    """
    name, content = table.schema.name, write_content(table)
    await store.lock_table(uow, name)
    number = await life.find_next_number(uow, _KIND, name)
    version = TableVersion(
        id=version_id,
        name=name,
        number=number,
        content=content,
        digest=digest_content(content),
        state=VersionState.DRAFT,
        created_by=uow.caller.actor,
        created_at=now,
    )
    await store.insert_version(uow, version)
    await life.record(uow, _KIND, "save_table", version)
    return version


async def check_table_can_go_live(
    uow: UnitOfWork, *, version_id: uuid.UUID, digest: str, effective_from: date, now: datetime
) -> TableVersion:
    """Return a draft whose own test cases come out, held until the end.

    Raises TableVersionNotFound, TableStateRefused, TableAltered, TableTestsFailed naming the cases,
    InvalidField for a day that is over.
    """
    version = await _hold(uow, version_id, VersionState.DRAFT)
    if digest != version.digest:
        raise TableAltered("The digest is not that of this table.", field="digest")
    life.check_day(effective_from, now)
    # Payments that wait on this process need not wait for the test cases.
    failed = await asyncio.to_thread(lambda: reload_table(version.content).run_tests())
    if failed:
        raise TableTestsFailed("; ".join(each.name for each in failed), field="tests")
    return version


async def set_table_live(
    uow: UnitOfWork,
    *,
    version_id: uuid.UUID,
    digest: str,
    effective_from: date,
    approval_id: uuid.UUID,
    now: datetime,
) -> TableVersion:
    """Let a draft answer from a business day on; the version before answers until then.

    Raises what `check_table_can_go_live` raises, and TableStateRefused if another version begins on
    that day or later.
    """
    version = await check_table_can_go_live(
        uow, version_id=version_id, digest=digest, effective_from=effective_from, now=now
    )
    await life.begin(
        uow, _KIND, version, effective_from=effective_from, approval_id=approval_id, now=now
    )
    return await get_table_version(uow, version_id)


async def retire_table(
    uow: UnitOfWork,
    *,
    version_id: uuid.UUID,
    now: datetime,
    approval_id: uuid.UUID | None = None,
) -> TableVersion:
    """End a version for good, at once; one that has not begun leaves its time to the one before.

    What is live wants an approval. Raises TableVersionNotFound and TableStateRefused.
    """
    version = await _hold(uow, version_id, VersionState.DRAFT, VersionState.LIVE)
    await life.end(uow, _KIND, version, approval_id=approval_id, now=now)
    return await get_table_version(uow, version_id)


async def get_table_version(uow: UnitOfWork, version_id: uuid.UUID) -> TableVersion:
    """Return a version; raises TableVersionNotFound."""
    version = await store.find_version(uow, version_id)
    if version is None:
        raise TableVersionNotFound(f"There is no version {show_id(TABLE_VERSION, version_id)}")
    return version


async def list_table_versions(
    uow: UnitOfWork,
    name: str,
    *,
    before: int = limits.TABLE_VERSIONS_MAX + 1,
    limit: int = limits.RULE_VERSIONS_PAGE,
) -> list[TableVersion]:
    """Return a page of versions, newest first, with numbers below `before`; raises InvalidField."""
    get_schema(name)
    life.check_page(limit)
    return await store.list_versions(uow, name, before=before, limit=limit)


async def _hold(uow: UnitOfWork, version_id: uuid.UUID, *states: VersionState) -> TableVersion:
    """Return a version in one of the states, while nobody else changes its table."""
    await store.lock_table(uow, (await get_table_version(uow, version_id)).name)
    version = await get_table_version(uow, version_id)
    life.check_state(_KIND, version, states)
    return version
