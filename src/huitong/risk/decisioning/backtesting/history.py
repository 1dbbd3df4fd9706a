"""Stored decisions as a table of history in Parquet, with what became known of them.

Decisions are read through one cursor and written in row groups of `limits.HISTORY_ROWS_AT_ONCE`:
memory does not grow with the history. A feature that a decision was
not made from, because it did not exist then, is NULL in its row and counted in `Exported.absent`.
"""

import asyncio
import uuid
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import date, datetime, time
from pathlib import Path
from typing import Any, Final, TypeAlias
from zoneinfo import ZoneInfo

from huitong.kernel import limits
from huitong.kernel.clock import SHANGHAI, business_day
from huitong.kernel.database.unit_of_work import Database, UnitOfWork
from huitong.risk.decisioning.decisions import store
from huitong.risk.decisioning.decisions.types import FeatureNames
from huitong.risk.decisioning.decisions.values import unpack_columns
from huitong.risk.decisioning.rules.backtests.running import Period
from huitong.risk.decisioning.rules.types import Purpose
from huitong.risk.decisioning.types import FeatureType

#: Returns who stands behind decisions, as numbers that mean nothing here: one number, one customer.
FindParties: TypeAlias = Callable[
    [UnitOfWork, Sequence[uuid.UUID]], Awaitable[Mapping[uuid.UUID, int]]
]
#: Hears how many decisions were read so far.
Say: TypeAlias = Callable[[int], Awaitable[None]]

#: Rows of decisions, who stands behind them, and the names of their features.
_Chunk: TypeAlias = tuple[Sequence[Any], Mapping[uuid.UUID, int], Mapping[uuid.UUID, FeatureNames]]

_ZONE: Final = ZoneInfo(SHANGHAI)
_READ: Final = """
    SELECT d.id, d.decided_at, d.names_id, d.feature_values, l.is_fraud
      FROM risk.decisions d
      LEFT JOIN LATERAL (SELECT is_fraud FROM risk.labels WHERE decision_id = d.id
                          ORDER BY id DESC LIMIT 1) l ON true
     WHERE d.purpose = $1 AND d.decided_at >= $2 AND d.decided_at < $3
"""


@dataclass(slots=True, kw_only=True)
class Exported:
    """What a table of history holds and lacks.

    `rows` decisions are in it; `unassessed` fell back and were made from nothing, so they are not.
    `absent` counts, by feature, the rows whose decision did not have it.
    """

    rows: int = 0
    unassessed: int = 0
    unlabelled: int = 0
    absent: Counter[str] = field(default_factory=Counter)


async def export_history(
    database: Database,
    path: Path,
    *,
    purpose: Purpose,
    period: Period,
    columns: Mapping[str, FeatureType],
    find_parties: FindParties | None = None,
    say: Say | None = None,
) -> Exported:
    """Write the decisions of a period into a Parquet file, and return what it holds.

    It has `id` (32 hexadecimal digits), `day`, `is_fraud` (the newest label; NULL where nobody
    knows), `party` (NULL without `find_parties`), `amount` (minor units; NULL where the purpose has
    none) and each of `columns`, as `run_backtest` takes them. Raises OSError.
    """
    exported = Exported()
    writer = await asyncio.to_thread(_Writer, path, columns, exported)
    try:
        async with aclosing(_read(database, purpose, period, find_parties)) as chunks:
            async for rows, parties, names in chunks:
                await asyncio.to_thread(writer.write, rows, parties, names)
                if say is not None:
                    await say(exported.rows + exported.unassessed)
    finally:
        await asyncio.to_thread(writer.close)
    return exported


async def _read(
    database: Database, purpose: Purpose, period: Period, find_parties: FindParties | None
) -> AsyncGenerator[_Chunk, None]:
    names: dict[uuid.UUID, FeatureNames] = {}
    async with database.unit_of_work() as uow:
        connection = await uow.driver()
        cursor = await connection.cursor(
            _READ, purpose.value, _begin(period.first), _begin(period.end)
        )
        while rows := await cursor.fetch(limits.HISTORY_ROWS_AT_ONCE):
            for names_id in {row["names_id"] for row in rows} - names.keys() - {None}:
                found = await store.find_names(uow, names_id)
                if found is not None:
                    names[names_id] = found
            ids = [row["id"] for row in rows]
            parties = {} if find_parties is None else await find_parties(uow, ids)
            yield rows, parties, names


def _begin(day: date) -> datetime:
    return datetime.combine(day, time(), _ZONE)


class _Writer:
    """Writes rows of decisions as columns; one call at a time, in any thread."""

    def __init__(self, path: Path, columns: Mapping[str, FeatureType], exported: Exported) -> None:
        # Loading Arrow takes longer than most commands run.
        import pyarrow as pa  # noqa: PLC0415
        import pyarrow.parquet  # noqa: PLC0415

        self._pa = pa
        self._columns = {**columns, "amount": FeatureType.INTEGER}
        self._types = {
            FeatureType.INTEGER: pa.int64(),
            FeatureType.NUMBER: pa.float64(),
            FeatureType.FLAG: pa.bool_(),
            FeatureType.TEXT: pa.string(),
        }
        own = [("id", pa.string()), ("day", pa.date32()), ("is_fraud", pa.bool_())]
        own += [("party", pa.int64())]
        features = [(name, self._types[kind]) for name, kind in self._columns.items()]
        self._schema = pa.schema([*own, *features])
        self._file = pyarrow.parquet.ParquetWriter(path, self._schema, compression="zstd")
        self._exported = exported
        self._wanted = columns

    def write(
        self,
        rows: Sequence[Any],
        parties: Mapping[uuid.UUID, int],
        names: Mapping[uuid.UUID, FeatureNames],
    ) -> None:
        """Write decisions, those made from the same features together."""
        by_names: dict[uuid.UUID, list[Any]] = {}
        for row in rows:
            if row["names_id"] in names:
                by_names.setdefault(row["names_id"], []).append(row)
            else:
                self._exported.unassessed += 1
        for names_id, own in by_names.items():
            self._write_alike(own, parties, names[names_id])

    def _write_alike(
        self, rows: Sequence[Any], parties: Mapping[uuid.UUID, int], names: FeatureNames
    ) -> None:
        pa, count = self._pa, len(rows)
        # A feature of another type than today's is another feature.
        found = {
            name: column
            for name, column in unpack_columns(
                [row["feature_values"] for row in rows], names
            ).items()
            if self._columns.get(name) is column.type
        }
        arrays = [
            pa.array([row["id"].hex for row in rows], pa.string()),
            pa.array([business_day(row["decided_at"]) for row in rows], pa.date32()),
            pa.array([row["is_fraud"] for row in rows], pa.bool_()),
            pa.array([parties.get(row["id"]) for row in rows], pa.int64()),
        ]
        for name, kind in self._columns.items():
            column = found.get(name)
            if column is None:
                arrays.append(pa.nulls(count, self._types[kind]))
            else:
                known = column.known
                mask = None if known is None else ~known
                arrays.append(pa.array(column.values, self._types[kind], mask=mask))
            if column is None and name in self._wanted:
                self._exported.absent[name] += count
        self._file.write_table(pa.Table.from_arrays(arrays, schema=self._schema))
        self._exported.rows += count
        self._exported.unlabelled += sum(row["is_fraud"] is None for row in rows)

    def close(self) -> None:
        """End the file; a file without rows is one too."""
        self._file.close()
