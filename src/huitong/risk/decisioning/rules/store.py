"""SQL of versions of rules and their back-tests."""

import uuid
from datetime import date
from typing import Any, Final

import msgspec
from sqlalchemy.engine import Row

from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.risk.decisioning.rules.types import Backtest, Purpose, RuleState, RuleVersion
from huitong.risk.decisioning.versions.store import VersionTable

VERSIONS: Final = VersionTable("risk.rule_versions", "purpose")
_VERSIONS: Final = """
    SELECT id, purpose, number, rules, digest, state, backtest_id, effective_from, effective_to,
           created_by, created_at
      FROM risk.rule_versions
"""
_LIST_DECIDING: Final = (
    _VERSIONS
    + """
     WHERE state = 'shadow' OR (state = 'live' AND (effective_to IS NULL OR effective_to > :day))
     ORDER BY purpose, number
"""
)


async def lock_purpose(uow: UnitOfWork, purpose: Purpose) -> None:
    """Hold a purpose until the end: who changes its versions does so one after the other."""
    await uow.execute(
        "SELECT 1 FROM risk.rule_news WHERE purpose = :purpose FOR UPDATE", purpose=purpose.value
    )


async def read_news(uow: UnitOfWork) -> dict[Purpose, int]:
    """Return how often the versions of each purpose have changed."""
    rows = await uow.execute("SELECT purpose, revision FROM risk.rule_news")
    return {Purpose(row.purpose): row.revision for row in rows}


async def insert_version(uow: UnitOfWork, version: RuleVersion) -> None:
    """Insert a draft."""
    await uow.execute(
        """
        INSERT INTO risk.rule_versions (id, purpose, number, rules, digest, created_by, created_at)
        VALUES (:id, :purpose, :number, :rules, :digest, :created_by, :created_at)
        """,
        id=version.id,
        purpose=version.purpose.value,
        number=version.number,
        rules=version.rules,
        digest=bytes.fromhex(version.digest),
        created_by=version.created_by,
        created_at=version.created_at,
    )


async def find_version(uow: UnitOfWork, version_id: uuid.UUID) -> RuleVersion | None:
    """Return a version, or None."""
    row = await uow.fetch_one(f"{_VERSIONS} WHERE id = :id", id=version_id)
    return None if row is None else _read(row)


async def list_versions(
    uow: UnitOfWork, purpose: Purpose, *, before: int, limit: int
) -> list[RuleVersion]:
    """Return versions of a purpose with numbers below `before`, newest first."""
    rows = await uow.execute(
        f"{_VERSIONS} WHERE purpose = :purpose AND number < :before ORDER BY number DESC "
        "LIMIT :limit",
        purpose=purpose.value,
        before=before,
        limit=limit,
    )
    return [_read(row) for row in rows]


async def list_deciding(uow: UnitOfWork, day: date) -> list[RuleVersion]:
    """Return all shadows, and what is live on a business day or will be."""
    return [_read(row) for row in await uow.execute(_LIST_DECIDING, day=day)]


async def find_in_state(uow: UnitOfWork, purpose: Purpose, state: RuleState) -> list[RuleVersion]:
    """Return the versions of a purpose in a state, oldest first."""
    rows = await uow.execute(
        f"{_VERSIONS} WHERE purpose = :purpose AND state = :state ORDER BY number",
        purpose=purpose.value,
        state=state.value,
    )
    return [_read(row) for row in rows]


async def insert_backtest(uow: UnitOfWork, backtest: Backtest) -> None:
    """Store a back-test, which becomes the one of its version."""
    await uow.execute(
        """
        INSERT INTO risk.backtests (id, version_id, result, created_by, created_at)
        VALUES (:id, :version_id, CAST(:result AS jsonb), :created_by, :created_at)
        """,
        id=backtest.id,
        version_id=backtest.version_id,
        result=msgspec.json.encode(backtest.result).decode(),
        created_by=backtest.created_by,
        created_at=backtest.created_at,
    )
    await uow.execute(
        "UPDATE risk.rule_versions SET backtest_id = :backtest_id WHERE id = :id",
        id=backtest.version_id,
        backtest_id=backtest.id,
    )


async def find_backtest(uow: UnitOfWork, backtest_id: uuid.UUID) -> Backtest | None:
    """Return a back-test, or None."""
    row = await uow.fetch_one(
        "SELECT id, version_id, result, created_by, created_at FROM risk.backtests WHERE id = :id",
        id=backtest_id,
    )
    if row is None:
        return None
    return Backtest(
        id=row.id,
        version_id=row.version_id,
        result=row.result,
        created_by=row.created_by,
        created_at=row.created_at,
    )


def _read(row: Row[Any]) -> RuleVersion:
    return RuleVersion(
        id=row.id,
        purpose=Purpose(row.purpose),
        number=row.number,
        rules=row.rules,
        digest=row.digest.hex(),
        state=RuleState(row.state),
        created_by=row.created_by,
        created_at=row.created_at,
        backtest_id=row.backtest_id,
        effective_from=row.effective_from,
        effective_to=row.effective_to,
    )
