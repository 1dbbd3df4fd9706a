"""Our attempts beside the lines of files: those of a day as columns, and the few in full."""

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.payments.reconciliation import columns, limits
from huitong.payments.reconciliation.store.books import allow_much
from huitong.payments.reconciliation.types import (
    ChannelFile,
    OurPayment,
    PairRule,
    Side,
)
from huitong.payments.types import ChannelDirection

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
# Attempts of a day, as `columns.Receiver` reads them: flags are 1 for money that comes in, 2 for
# success, 4 for what must be in the day's file, as it moved money and no other file had it. Another
# state than these two agrees with nothing.
_OF_DAY: Final = """
    SELECT c.id, o.amount, coalesce(c.fee, -1),
           CASE c.direction WHEN 'in' THEN 1 ELSE 0 END
           + CASE c.state WHEN 'succeeded' THEN 2 ELSE 0 END
           + CASE WHEN (c.state = 'succeeded' OR b.transfer_id IS NOT NULL)
                       AND p.attempt_id IS NULL THEN 4 ELSE 0 END,
           o.currency
      FROM payments.channel_orders c
      JOIN payments.orders o ON o.id = c.order_id
      LEFT JOIN payments.channel_breaks b
             ON b.channel_order_id = c.id AND b.kind = 'success_after_failure'
      LEFT JOIN payments.recon_pairs p ON p.attempt_id = c.id
     WHERE c.channel = $1 AND c.state IN ('succeeded', 'failed')
       AND c.updated_at >= $2 AND c.updated_at < $3
"""
_STILL_MISSING: Final = """
    SELECT attempt_id FROM payments.recon_breaks
     WHERE kind = 'missing_at_channel' AND channel = :channel AND state IN ('timing', 'open')
       AND day < :day ORDER BY id DESC LIMIT :limit
"""


async def load_day(
    uow: UnitOfWork, file: ChannelFile, begin: datetime, end: datetime
) -> columns.Columns:
    """Return the attempts of a file's channel that ended from `begin` to before `end`."""
    driver, receiver = await uow.driver(), columns.Receiver()
    await allow_much(uow)
    if file.line_count >= limits.WHOLE_JOIN_LINES:
        await driver.execute("SET LOCAL enable_nestloop = off; SET LOCAL enable_mergejoin = off")
    await driver.copy_from_query(
        _OF_DAY, file.channel, begin, end, output=receiver.receive, format="binary"
    )
    await driver.execute("SET LOCAL enable_nestloop = on; SET LOCAL enable_mergejoin = on")
    return receiver.finish()


async def find_still_missing(uow: UnitOfWork, file: ChannelFile) -> list[uuid.UUID]:
    """Return the attempts of earlier days that no file of the channel had yet."""
    rows = await uow.execute(
        _STILL_MISSING, channel=file.channel, day=file.day, limit=limits.DIFFERENCES_MAX
    )
    return [row.attempt_id for row in rows]


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
