"""The baseline that no ledger can beat: COPY of the same rows into a table like the journal.

It keeps no balances, takes no decision and knows no account; what is left is what PostgreSQL
needs to store the rows and their index entries and to make them durable.
"""

import io
import uuid
from datetime import UTC, datetime
from typing import Any, Final

from huitong.bench.types import BenchmarkFailed
from huitong.kernel.database.unit_of_work import DriverConnection
from huitong.ledger import Columns, TransferKind

#: The columns of `Columns.encode_copy`, in its order.
COPY_COLUMNS: Final = (
    "id",
    "sequence",
    "recorded_at",
    "debit_account_id",
    "credit_account_id",
    "amount",
    "effective_on",
    "currency",
    "code",
    "kind",
)
_SCHEMA: Final = "bench"
_TABLE: Final = "transfers"
# The same columns, constraints, storage and indexes, and the same partitions.
_PREPARE: Final = """
CREATE SCHEMA bench;
CREATE TABLE bench.transfers (LIKE ledger.transfers INCLUDING ALL) PARTITION BY RANGE (id);
GRANT USAGE ON SCHEMA bench TO PUBLIC;
GRANT SELECT, INSERT ON bench.transfers TO PUBLIC;
DO $$
DECLARE piece record;
BEGIN
    FOR piece IN
        SELECT c.relname, pg_get_expr(c.relpartbound, c.oid) AS bounds
          FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
         WHERE i.inhparent = 'ledger.transfers'::regclass
    LOOP
        EXECUTE format('CREATE TABLE bench.%I PARTITION OF bench.transfers %s',
                       piece.relname, piece.bounds);
    END LOOP;
END $$;
"""


async def prepare(owner: DriverConnection) -> None:
    """Make the table to copy into."""
    await owner.execute(_PREPARE)


def encode(columns: Columns) -> bytes:
    """Return the rows as PostgreSQL reads them fastest: its own binary format."""
    return columns.encode_copy(0, datetime.now(UTC))


def to_records(columns: Columns) -> list[tuple[Any, ...]]:
    """Return the rows as Python objects, one tuple each."""
    now = datetime.now(UTC)
    return [
        (
            uuid.UUID(bytes=columns.ids[at * 16 : at * 16 + 16]),
            at,
            now,
            debit,
            credit,
            amount,
            columns.effective_on,
            columns.currency,
            columns.code,
            int(TransferKind.POSTED),
        )
        for at, (debit, credit, amount) in enumerate(
            zip(
                columns.debit_account_ids.tolist(),
                columns.credit_account_ids.tolist(),
                columns.amounts.tolist(),
                strict=True,
            )
        )
    ]


async def copy_encoded(connection: DriverConnection, rows: bytes, *, schema: str = _SCHEMA) -> None:
    """COPY encoded rows in a transaction of their own."""
    await connection.copy_to_table(
        _TABLE,
        schema_name=schema,
        columns=COPY_COLUMNS,
        source=io.BytesIO(rows),
        format="binary",
    )


async def copy_records(connection: DriverConnection, records: list[tuple[Any, ...]]) -> None:
    """COPY Python objects in a transaction of their own; the driver encodes them."""
    await connection.copy_records_to_table(
        _TABLE, schema_name=_SCHEMA, columns=COPY_COLUMNS, records=records
    )


async def check(owner: DriverConnection, copied: int) -> None:
    """Raise BenchmarkFailed unless all `copied` rows are there."""
    found = await owner.fetchval("SELECT count(*) FROM bench.transfers")
    if found != copied:
        raise BenchmarkFailed(f"{copied} rows were copied and {found} are there", retryable=False)
