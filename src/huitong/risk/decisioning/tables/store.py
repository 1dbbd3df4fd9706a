"""SQL of versions of decision tables and of their answers."""

import uuid
from datetime import date
from typing import Any, Final

import msgspec
from sqlalchemy.engine import Row

from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.risk.decisioning.tables.types import TableAnswer, TableVersion
from huitong.risk.decisioning.versions.store import VersionTable
from huitong.risk.decisioning.versions.types import VersionState

VERSIONS: Final = VersionTable("risk.table_versions", "name")
_VERSIONS: Final = """
    SELECT id, name, number, content, digest, state, effective_from, effective_to, created_by,
           created_at
      FROM risk.table_versions
"""
_ANSWERS: Final = """
    SELECT id, version_id, subject_id, inputs, rows_hit, outputs, asked_by, answered_at, took_us
      FROM risk.table_answers
"""


async def lock_table(uow: UnitOfWork, name: str) -> None:
    """Hold a table until the end: who changes its versions does so one after the other."""
    await uow.execute(
        "INSERT INTO risk.table_locks (name) VALUES (:name) ON CONFLICT DO NOTHING", name=name
    )
    await uow.execute("SELECT 1 FROM risk.table_locks WHERE name = :name FOR UPDATE", name=name)


async def insert_version(uow: UnitOfWork, version: TableVersion) -> None:
    """Insert a draft."""
    await uow.execute(
        """
        INSERT INTO risk.table_versions (id, name, number, content, digest, created_by, created_at)
        VALUES (:id, :name, :number, :content, :digest, :created_by, :created_at)
        """,
        id=version.id,
        name=version.name,
        number=version.number,
        content=version.content,
        digest=bytes.fromhex(version.digest),
        created_by=version.created_by,
        created_at=version.created_at,
    )


async def find_version(uow: UnitOfWork, version_id: uuid.UUID) -> TableVersion | None:
    """Return a version, or None."""
    row = await uow.fetch_one(f"{_VERSIONS} WHERE id = :id", id=version_id)
    return None if row is None else _read(row)


async def find_deciding(uow: UnitOfWork, name: str, day: date) -> TableVersion | None:
    """Return the version that answers on a business day, or None."""
    row = await uow.fetch_one(
        f"{_VERSIONS} WHERE name = :name AND state = 'live' AND effective_from <= :day "
        "AND (effective_to IS NULL OR effective_to > :day)",
        name=name,
        day=day,
    )
    return None if row is None else _read(row)


async def list_versions(
    uow: UnitOfWork, name: str, *, before: int, limit: int
) -> list[TableVersion]:
    """Return versions of a table with numbers below `before`, newest first."""
    rows = await uow.execute(
        f"{_VERSIONS} WHERE name = :name AND number < :before ORDER BY number DESC LIMIT :limit",
        name=name,
        before=before,
        limit=limit,
    )
    return [_read(row) for row in rows]


async def insert_answer(uow: UnitOfWork, answer: TableAnswer) -> None:
    """Write down what a table answered."""
    await uow.execute(
        """
        INSERT INTO risk.table_answers (id, version_id, subject_id, inputs, rows_hit, outputs,
                                        asked_by, answered_at, took_us)
        VALUES (:id, :version_id, :subject_id, CAST(:inputs AS jsonb), :rows_hit,
                CAST(:outputs AS jsonb), :asked_by, :answered_at, :took_us)
        """,
        id=answer.id,
        version_id=answer.version_id,
        subject_id=answer.subject_id,
        inputs=msgspec.json.encode(answer.inputs).decode(),
        rows_hit=list(answer.rows),
        outputs=msgspec.json.encode(answer.outputs).decode(),
        asked_by=answer.asked_by,
        answered_at=answer.answered_at,
        took_us=answer.took_us,
    )


async def find_answer(uow: UnitOfWork, answer_id: uuid.UUID) -> TableAnswer | None:
    """Return an answer, or None."""
    row = await uow.fetch_one(f"{_ANSWERS} WHERE id = :id", id=answer_id)
    if row is None:
        return None
    return TableAnswer(
        id=row.id,
        version_id=row.version_id,
        subject_id=row.subject_id,
        inputs=row.inputs,
        rows=tuple(row.rows_hit),
        outputs=tuple(row.outputs),
        asked_by=row.asked_by,
        answered_at=row.answered_at,
        took_us=row.took_us,
    )


def _read(row: Row[Any]) -> TableVersion:
    return TableVersion(
        id=row.id,
        name=row.name,
        number=row.number,
        content=row.content,
        digest=row.digest.hex(),
        state=VersionState(row.state),
        created_by=row.created_by,
        created_at=row.created_at,
        effective_from=row.effective_from,
        effective_to=row.effective_to,
    )
