"""The projector: brings committed journal rows into statement lines, behind the hot path.

Rows go over in the order of their sequence, once each, in large steps. The difficulty is that a
batch with a smaller sequence may commit after one with a larger: whoever simply read "everything
after the last sequence seen" would pass over it for ever. So nothing is projected before a fence
has been passed:

1. A poster draws its sequence inside a transaction that has its transaction id (xid) already,
   because it has locked and changed balances before. So: xid first, sequence second.
2. The projector first reads S, the last sequence drawn, and only then obtains X, an xid of its
   own. So every transaction that has drawn a sequence up to S had its xid before X was given out,
   and has a smaller one.
3. Once no transaction with an xid below X is in progress (the xmin of a snapshot is X or more),
   all sequences up to S are either visible or rolled back for good, and may be projected.

X must be an xid that was really given out. The xmax of a snapshot would not do: it is one past the
highest xid that has *ended*, so a running poster may have that very xid, and a snapshot taken while
it still runs would already have it as its xmin.

One transaction of this or any other database that stays open with an old xid holds the fence back,
and the lines with it. Statements read the rest from the journal, so they are right all the same.
"""

from dataclasses import dataclass
from typing import Final

from huitong.kernel import limits
from huitong.kernel.database.unit_of_work import Caller, Database, UnitOfWork
from huitong.ledger.columns import POSITION_BITS

PROJECTOR: Final = Caller(actor="ledger.projector")

# The sequence must hand out numbers one by one (CACHE 1, the default): a session that keeps a
# stock of numbers would use some that are below its neighbours' last_value later on. Before the
# first batch, last_value is 1 and is_called false: nothing was drawn.
_READ_DRAWN: Final = """
    SELECT CASE WHEN is_called THEN (last_value << 16) | 65535 ELSE 0 END AS drawn,
           p.sequence AS done, pg_current_xact_id_if_assigned() IS NOT NULL AS has_xid
      FROM ledger.batches CROSS JOIN ledger.projection p
"""
_LOCK_PROJECTION: Final = """
    SELECT sequence, fence_sequence, fence_xid::text AS fence_xid
      FROM ledger.projection
       FOR UPDATE SKIP LOCKED
"""
# A step is bounded by batches, not by rows, and after a run of small ones may meet large ones: the
# limit for requests would then break off the same step again and again.
_ALLOW_TIME: Final = "SELECT set_config('statement_timeout', :milliseconds, true)"
_OWN_XID: Final = "SELECT pg_current_xact_id()::text AS xid"
# By itself, so that its snapshot is older than those of the statements that read the journal:
# what had ended for this one has ended for them.
_OLDEST_RUNNING: Final = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text AS xmin"
_MOVE_ON: Final = """
    UPDATE ledger.projection
       SET sequence = :sequence, fence_sequence = :fence_sequence,
           fence_xid = CAST(CAST(:fence_xid AS text) AS xid8)
"""
# A large batch carries the time before its locks (`post_columns`), so a line may stand behind one
# with a later time; it is shown from that time on, and the times along an account never fall.
# One statement, so that all its parts see the heads as they were before. Numbers and balances run
# on from an account's head; only posted money makes lines (kinds 0 and 2).
_PROJECT: Final = """
    WITH journal AS MATERIALIZED (
        SELECT id, sequence, debit_account_id, credit_account_id, amount, code, effective_on,
               recorded_at
          FROM ledger.transfers
         WHERE sequence > :after AND sequence <= :up_to AND kind IN (0, 2)
    ), sides AS (
        SELECT debit_account_id AS account_id, credit_account_id AS other_id, 1 AS side, j.*
          FROM journal j
         UNION ALL
        SELECT credit_account_id, debit_account_id, -1, j.* FROM journal j
    ), running AS (
        SELECT s.*, row_number() OVER by_account AS nth,
               sum(-s.side * s.amount) OVER by_account AS change,
               max(s.recorded_at) OVER by_account AS reached_at
          FROM sides s
        WINDOW by_account AS (PARTITION BY s.account_id ORDER BY s.sequence
                              ROWS UNBOUNDED PRECEDING)
    ), new_lines AS (
        INSERT INTO ledger.lines (account_id, line, transfer_id, side, amount, balance_after,
                                  other_id, code, effective_on, recorded_at)
        SELECT r.account_id, coalesce(h.line, 0) + r.nth, r.id, r.side, r.amount,
               coalesce(h.balance, 0) + r.change, r.other_id, r.code, r.effective_on,
               greatest(r.reached_at, h.recorded_at)
          FROM running r LEFT JOIN ledger.line_heads h ON h.account_id = r.account_id
    ), new_heads AS (
        INSERT INTO ledger.line_heads AS h (account_id, line, balance, recorded_at)
        SELECT account_id, count(*), sum(-side * amount), max(recorded_at)
          FROM running GROUP BY account_id
            ON CONFLICT (account_id) DO UPDATE
           SET line = h.line + excluded.line, balance = h.balance + excluded.balance,
               recorded_at = greatest(h.recorded_at, excluded.recorded_at)
    ), new_movements AS (
        INSERT INTO ledger.movements AS m (account_id, effective_on, debits, credits, lines)
        SELECT account_id, effective_on, coalesce(sum(amount) FILTER (WHERE side = 1), 0),
               coalesce(sum(amount) FILTER (WHERE side = -1), 0), count(*)
          FROM running
         GROUP BY account_id, effective_on
            ON CONFLICT (account_id, effective_on) DO UPDATE
           SET debits = m.debits + excluded.debits, credits = m.credits + excluded.credits,
               lines = m.lines + excluded.lines
    )
    SELECT count(*) AS lines FROM running
"""
#: What must be run in the transaction that fills a database from a backup. A fence names a
#: transaction id of the server that it was set on; on another server it might never be passed. And
#: none is needed: no transaction was carried over, so every sequence drawn is final.
AFTER_RESTORE: Final = "UPDATE ledger.projection SET fence_sequence = sequence, fence_xid = '0';"
# Statements look for unprojected rows through the index on sequences, which must therefore know
# what was appended; last, because its locks stay until the commit.
_SUMMARIZE: Final = "SELECT ledger.summarize_sequences()"
_LAG: Final = """
    SELECT p.sequence AS projected,
           CASE WHEN b.is_called THEN (b.last_value << 16) | 65535 ELSE 0 END AS drawn
      FROM ledger.projection p CROSS JOIN ledger.batches b
"""


@dataclass(frozen=True, slots=True)
class _Fence:
    """Once nothing below `xid` runs any more, no row up to `sequence` can appear."""

    sequence: int
    xid: int


async def project_lines(uow: UnitOfWork) -> int:
    """Project what may be projected now, at most about PROJECTION_ROWS_MAX journal rows.

    Returns the number of lines made: 0 when there is nothing new, when the fence has not been
    passed yet (call again later), or when another projector is at work. `uow` must be fresh and
    do nothing else. Raises RuntimeError if it has written already.
    """
    row = await uow.fetch_one(_READ_DRAWN)
    assert row is not None
    if row.has_xid:
        # Its xid would be older than those of posters that drew a sequence since; the fence would
        # then wait for too little, and lines would be lost.
        raise RuntimeError("project_lines needs a unit of work in which nothing was written yet")
    drawn: int = row.drawn
    if drawn <= row.done:
        return 0
    row = await uow.fetch_one(_LOCK_PROJECTION)
    if row is None:
        return 0
    done: int = row.sequence
    standing = _Fence(row.fence_sequence, int(row.fence_xid))
    fresh = _Fence(drawn, int(await uow.fetch_value(_OWN_XID)))
    oldest_running = int(await uow.fetch_value(_OLDEST_RUNNING))
    # Without other writers the fresh fence is passed at once. With them, the one that an earlier
    # step left behind is: it must stand until then, or it would run ahead of us for ever.
    passed = fresh if fresh.xid <= oldest_running else standing
    if passed.xid > oldest_running:
        return 0
    milliseconds = str(limits.PROJECTION_SECONDS_MAX * 1_000)
    await uow.fetch_value(_ALLOW_TIME, milliseconds=milliseconds)
    reached, lines = await _project_up_to(uow, done, passed.sequence)
    kept = fresh if reached >= passed.sequence else passed
    await uow.execute(
        _MOVE_ON, sequence=reached, fence_sequence=kept.sequence, fence_xid=str(kept.xid)
    )
    if lines:
        await uow.execute(_SUMMARIZE)
    return lines


async def project_all(database: Database) -> int:
    """Project until everything that was drawn when this began is in, or a fence holds it back.

    Returns the number of lines made.
    """
    total = 0
    target = (await database.run(_read_lag, PROJECTOR))[1]
    while True:
        total += (lines := await database.run(project_lines, PROJECTOR))
        projected, _ = await database.run(_read_lag, PROJECTOR)
        if projected >= target or lines == 0:
            return total


async def is_projected(uow: UnitOfWork) -> bool:
    """Whether every sequence that was drawn so far has been projected or came to nothing."""
    projected, drawn = await _read_lag(uow)
    return drawn <= projected


async def _read_lag(uow: UnitOfWork) -> tuple[int, int]:
    row = await uow.fetch_one(_LAG)
    assert row is not None
    return row.projected, row.drawn


async def _project_up_to(uow: UnitOfWork, done: int, passed: int) -> tuple[int, int]:
    """Project rows after `done` up to `passed`; returns how far it came, and the lines made.

    By ranges of batches, not by a number of rows: the index on sequences is a BRIN, which finds a
    range but gives no order, so "the next 10,000" would read the whole backlog every time.
    """
    lines = 0
    batches = 1
    while done < passed and lines < 2 * limits.PROJECTION_ROWS_MAX:
        up_to = min(passed, done + (batches << POSITION_BITS))
        made: int = await uow.fetch_value(_PROJECT, after=done, up_to=up_to)
        lines += made
        done = up_to
        # Batches hold from one row to ten thousand: feel the way to a good step.
        if made * 4 <= limits.PROJECTION_ROWS_MAX:
            batches = min(batches * 2, limits.PROJECTION_BATCHES_MAX)
        elif made >= limits.PROJECTION_ROWS_MAX:
            batches = max(1, batches // 2)
    return done, lines
