"""Lines of files beside our attempts: sets find what does not agree, and only that is read."""

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime
from io import BytesIO
from typing import Any, Final

from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.payments.reconciliation import limits
from huitong.payments.reconciliation.types import (
    ChannelFile,
    FileLine,
    OurPayment,
    PairRule,
    Side,
)
from huitong.payments.types import ChannelDirection

_COLUMNS: Final = (
    "file_number",
    "number",
    "attempt_id",
    "reference",
    "direction",
    "amount",
    "currency",
    "fee",
    "state",
    "booked_at",
)
# A success that the channel told of after a failure has moved money, whatever the attempt says;
# one that it took back, and that staff undid, has not.
_OURS: Final = """
    SELECT c.id, c.order_id, c.channel, c.direction, c.state, c.fee, o.amount, o.currency,
           b.transfer_id IS NOT NULL AS is_late, coalesce(b.found_at, c.updated_at) AS at,
           EXISTS (SELECT FROM payments.channel_breaks u
                    WHERE u.channel_order_id = c.id AND u.kind = 'failure_after_success'
                      AND u.cure = 'undo') AS is_undone
      FROM payments.channel_orders c
      JOIN payments.orders o ON o.id = c.order_id
      LEFT JOIN payments.channel_breaks b
             ON b.channel_order_id = c.id AND b.kind = 'success_after_failure'
"""
# Everything that does not agree at first sight; what it is is decided over these few.
_UNLIKE: Final = """
    SELECT l.number
      FROM payments.recon_lines l
      LEFT JOIN payments.channel_orders c ON c.id = l.attempt_id
      LEFT JOIN payments.orders o ON o.id = c.order_id
     WHERE l.file_number = $1
       AND (c.channel = $2 AND c.direction = l.direction AND o.currency = l.currency
            AND o.amount = l.amount AND c.state = l.state
            AND (c.fee = l.fee OR c.fee IS NULL OR l.fee IS NULL OR l.state = 'failed')
            AND c.updated_at >= $3 AND c.updated_at < $4
            AND l.booked_at >= $3 AND l.booked_at < $4) IS NOT TRUE
     ORDER BY l.number LIMIT $5
"""
_REPEATED: Final = """
    WITH ids AS (
        SELECT attempt_id FROM payments.recon_lines
         WHERE file_number = $1 AND attempt_id IS NOT NULL
         GROUP BY attempt_id HAVING count(*) > 1
    ), texts AS (
        SELECT reference, direction, amount, currency FROM payments.recon_lines
         WHERE file_number = $1 AND attempt_id IS NULL
         GROUP BY reference, direction, amount, currency HAVING count(*) > 1
    )
    SELECT number FROM (
        SELECT l.number, row_number() OVER (PARTITION BY l.attempt_id ORDER BY l.number) AS time
          FROM ids JOIN payments.recon_lines l
            ON l.file_number = $1 AND l.attempt_id = ids.attempt_id
         UNION ALL
        SELECT l.number, row_number() OVER (
                   PARTITION BY l.reference, l.direction, l.amount, l.currency ORDER BY l.number)
          FROM texts t JOIN payments.recon_lines l
            ON l.file_number = $1 AND l.attempt_id IS NULL AND l.reference = t.reference
           AND l.direction = t.direction AND l.amount = t.amount AND l.currency = t.currency
    ) x
     WHERE time > 1 GROUP BY number ORDER BY number LIMIT $2
"""
_NOT_IN_FILE: Final = """
    SELECT c.id
      FROM payments.channel_orders c
      LEFT JOIN payments.channel_breaks b
             ON b.channel_order_id = c.id AND b.kind = 'success_after_failure'
     WHERE c.channel = $2 AND c.updated_at >= $3 AND c.updated_at < $4
       AND (c.state = 'succeeded' OR (c.state = 'failed' AND b.transfer_id IS NOT NULL))
       AND NOT EXISTS (SELECT FROM payments.recon_lines l
                        WHERE l.file_number = $1 AND l.attempt_id = c.id)
       AND NOT EXISTS (SELECT FROM payments.recon_pairs p WHERE p.attempt_id = c.id)
     LIMIT $5
"""
_LINES: Final = """
    SELECT number, attempt_id, reference, direction, amount, currency, fee, state, booked_at
      FROM payments.recon_lines
     WHERE file_number = $1 AND number = ANY($2::integer[]) ORDER BY number
"""
_STILL_MISSING: Final = """
    SELECT attempt_id FROM payments.recon_breaks
     WHERE kind = 'missing_at_channel' AND channel = :channel AND state IN ('timing', 'open')
       AND day < :day ORDER BY id DESC LIMIT :limit
"""


async def store_lines(
    uow: UnitOfWork, file: ChannelFile, first: int, lines: Sequence[bytes], digest: bytes
) -> None:
    """Store a range of checked lines and the range's digest.

    Points are in amounts only, and these have the decimals of their currency: without the points
    they are minor units.
    """
    rows = [
        b"%d,%d,%s" % (file.number, number, line[line.index(b",") + 1 :])
        for number, line in enumerate(lines, first)
    ]
    text = b"\n".join([*rows, b""]).translate(None, b".")
    driver = await uow.driver()
    await driver.copy_to_table(
        "recon_lines",
        schema_name="payments",
        source=BytesIO(text),
        columns=_COLUMNS,
        format="csv",
    )
    await driver.execute(
        "INSERT INTO payments.recon_ranges (file_number, first_line, line_count, digest) "
        "VALUES ($1, $2, $3, $4)",
        file.number,
        first,
        len(lines),
        digest,
    )


async def prepare_to_match(uow: UnitOfWork, file: ChannelFile) -> None:
    """Give this transaction the time and the memory for a whole file.

    The planner knows nothing of lines that were just stored, and would look each up by itself.
    """
    driver = await uow.driver()
    await driver.execute(f"SET LOCAL statement_timeout = '{limits.MATCH_SECONDS_MAX}s'")
    await driver.execute(f"SET LOCAL work_mem = '{limits.JOIN_MEMORY}'")
    if file.line_count >= limits.WHOLE_JOIN_LINES:
        await driver.execute("SET LOCAL enable_nestloop = off")
        await driver.execute("SET LOCAL enable_mergejoin = off")


async def end_matching(uow: UnitOfWork) -> None:
    """Let the planner choose again."""
    driver = await uow.driver()
    await driver.execute("SET LOCAL enable_nestloop = on")
    await driver.execute("SET LOCAL enable_mergejoin = on")


async def find_unlike(
    uow: UnitOfWork, file: ChannelFile, begin: datetime, end: datetime
) -> tuple[list[int], set[int]]:
    """Return the numbers of the lines that do not agree, and of those that repeat an earlier one.

    At most one more than DIFFERENCES_MAX of each.
    """
    driver, most = await uow.driver(), limits.DIFFERENCES_MAX + 1
    unlike = await driver.fetch(_UNLIKE, file.number, file.channel, begin, end, most)
    repeated = await driver.fetch(_REPEATED, file.number, most)
    return [row["number"] for row in unlike], {row["number"] for row in repeated}


async def find_not_in_file(
    uow: UnitOfWork, file: ChannelFile, begin: datetime, end: datetime
) -> list[uuid.UUID]:
    """Return the attempts that moved money on the file's day and are not in it."""
    driver, most = await uow.driver(), limits.DIFFERENCES_MAX + 1
    rows = await driver.fetch(_NOT_IN_FILE, file.number, file.channel, begin, end, most)
    return [row["id"] for row in rows]


async def find_still_missing(uow: UnitOfWork, file: ChannelFile) -> list[uuid.UUID]:
    """Return the attempts of earlier days that no file of the channel had yet."""
    rows = await uow.execute(
        _STILL_MISSING, channel=file.channel, day=file.day, limit=limits.DIFFERENCES_MAX
    )
    return [row.attempt_id for row in rows]


async def load_lines(uow: UnitOfWork, file: ChannelFile, numbers: list[int]) -> list[FileLine]:
    """Return lines of a file by their numbers, in order."""
    driver = await uow.driver()
    return [_read_line(row) for row in await driver.fetch(_LINES, file.number, numbers)]


async def load_ours(uow: UnitOfWork, attempts: Iterable[uuid.UUID]) -> dict[uuid.UUID, OurPayment]:
    """Return attempts by id, with what each moved."""
    driver = await uow.driver()
    rows = await driver.fetch(f"{_OURS} WHERE c.id = ANY($1::uuid[])", list(attempts))
    return {row["id"]: _read_ours(row) for row in rows}


async def find_paired(uow: UnitOfWork, attempts: Iterable[uuid.UUID]) -> set[uuid.UUID]:
    """Return those attempts that a line was matched to otherwise before."""
    driver = await uow.driver()
    rows = await driver.fetch(
        "SELECT attempt_id FROM payments.recon_pairs WHERE attempt_id = ANY($1::uuid[])",
        list(attempts),
    )
    return {row["attempt_id"] for row in rows}


async def sum_fees(uow: UnitOfWork, file: ChannelFile, without: list[int]) -> dict[str, int]:
    """Return by currency what a channel charges for what it carried, some lines left out."""
    driver = await uow.driver()
    rows = await driver.fetch(
        "SELECT currency, sum(fee) AS fee FROM payments.recon_lines "
        "WHERE file_number = $1 AND state = 'succeeded' AND fee > 0 "
        "AND number <> ALL($2::integer[]) GROUP BY currency",
        file.number,
        without,
    )
    return {row["currency"]: int(row["fee"]) for row in rows}


async def add_pairs(
    uow: UnitOfWork, file: ChannelFile, pairs: Sequence[tuple[int, uuid.UUID, PairRule]]
) -> None:
    """Write down lines that were matched otherwise."""
    driver = await uow.driver()
    await driver.executemany(
        "INSERT INTO payments.recon_pairs (file_number, line, attempt_id, rule) "
        "VALUES ($1, $2, $3, $4)",
        [(file.number, number, attempt, rule.value) for number, attempt, rule in pairs],
    )


async def prune_lines(uow: UnitOfWork, *, before: datetime, count: int) -> int:
    """Delete up to `count` lines of files matched before an instant; return how many."""
    rows = await uow.execute(
        "DELETE FROM payments.recon_lines WHERE (file_number, number) IN "
        "(SELECT l.file_number, l.number FROM payments.recon_lines l "
        "   JOIN payments.recon_files f ON f.number = l.file_number "
        "  WHERE f.matched_at < :before LIMIT :count) RETURNING number",
        before=before,
        count=count,
    )
    return len(rows)


def _read_line(row: Any) -> FileLine:
    return FileLine(
        number=row["number"],
        attempt_id=row["attempt_id"],
        reference=row["reference"],
        side=Side(
            amount=row["amount"],
            currency=row["currency"],
            direction=ChannelDirection(row["direction"]),
            is_moved=row["state"] == "succeeded",
            state=row["state"],
            at=row["booked_at"],
            fee=row["fee"],
        ),
    )


def _read_ours(row: Any) -> OurPayment:
    return OurPayment(
        attempt_id=row["id"],
        order_id=row["order_id"],
        channel=row["channel"],
        side=Side(
            amount=row["amount"],
            currency=row["currency"],
            direction=ChannelDirection(row["direction"]),
            is_moved=(row["state"] == "succeeded" and not row["is_undone"]) or row["is_late"],
            state="succeeded" if row["is_late"] else row["state"],
            at=row["at"],
            fee=row["fee"],
        ),
    )
