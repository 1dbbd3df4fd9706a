"""All SQL of clearing. Amounts are minor units of CNY."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy.engine import Row

from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.payments.clearing.netting import Item
from huitong.payments.clearing.types import (
    BilateralPosition,
    ClearingPayment,
    NewPayment,
    Participant,
    PaymentState,
    Position,
    Rail,
    Window,
    WindowState,
)

_PARTICIPANT: Final = """
    code, name_zh, name_en, account_id, collateral_account_id, net_debit_cap, reserved, joined_at
"""
_WINDOW: Final = "id, number, state, opened_at, closes_at, closed_at, settled_at, entry_id"
_WINDOWS: Final = f"SELECT {_WINDOW} FROM payments.clearing_windows"  # noqa: S608 - our own text
_OLDEST_UNSETTLED: Final = f"""
    {_WINDOWS} WHERE state IN ('closed', 'settling') ORDER BY number LIMIT 1
"""
_PAYMENT: Final = """
    id, sequence, rail, debtor, creditor, amount, is_urgent, state, window_id, transfer_id,
    submitted_at, reason
"""
_POSITION: Final = """
    window_id, participant, sent, received, unwound_sent, unwound_received, carried, cap
"""
# The order of `unnest` is the order of the queues, so the numbers must be drawn in it.
_ADD_PAYMENTS: Final = f"""
    INSERT INTO payments.clearing_payments
           (id, rail, debtor, creditor, amount, is_urgent, state, submitted_at, changed_at)
    SELECT n.id, n.rail, n.debtor, n.creditor, n.amount, n.is_urgent, 'queued', :now, :now
      FROM unnest(CAST(:ids AS uuid[]), CAST(:rails AS text[]), CAST(:debtors AS text[]),
                  CAST(:creditors AS text[]), CAST(:amounts AS bigint[]),
                  CAST(:urgent AS boolean[]))
           WITH ORDINALITY n(id, rail, debtor, creditor, amount, is_urgent, place)
     ORDER BY n.place
    RETURNING {_PAYMENT}
"""  # noqa: S608 - our own text
_MOVE_POSITIONS: Final = """
    UPDATE payments.clearing_positions p
       SET sent = p.sent + n.sent, received = p.received + n.received
      FROM unnest(CAST(:codes AS text[]), CAST(:sent AS bigint[]), CAST(:received AS bigint[]))
           n(code, sent, received)
     WHERE p.window_id = :window_id AND p.participant = n.code
"""
_UNWIND_POSITIONS: Final = """
    UPDATE payments.clearing_positions p
       SET unwound_sent = p.unwound_sent + n.sent,
           unwound_received = p.unwound_received + n.received
      FROM unnest(CAST(:codes AS text[]), CAST(:sent AS bigint[]), CAST(:received AS bigint[]))
           n(code, sent, received)
     WHERE p.window_id = :window_id AND p.participant = n.code
"""
_MOVE_BILATERAL: Final = """
    INSERT INTO payments.clearing_bilateral AS b (window_id, debtor, creditor, amount, count)
    SELECT :window_id, n.debtor, n.creditor, n.amount, n.count
      FROM unnest(CAST(:debtors AS text[]), CAST(:creditors AS text[]), CAST(:amounts AS bigint[]),
                  CAST(:counts AS bigint[])) n(debtor, creditor, amount, count)
        ON CONFLICT (window_id, debtor, creditor) DO UPDATE
           SET amount = b.amount + excluded.amount, count = b.count + excluded.count
"""
_UNWIND_BILATERAL: Final = """
    UPDATE payments.clearing_bilateral b
       SET unwound = b.unwound + n.amount
      FROM unnest(CAST(:debtors AS text[]), CAST(:creditors AS text[]), CAST(:amounts AS bigint[]))
           n(debtor, creditor, amount)
     WHERE b.window_id = :window_id AND (b.debtor, b.creditor) = (n.debtor, n.creditor)
"""
_OPEN_POSITIONS: Final = """
    INSERT INTO payments.clearing_positions (window_id, participant, carried, cap)
    SELECT :window_id, p.code, coalesce(owed.amount, 0), p.net_debit_cap
      FROM payments.clearing_participants p
      LEFT JOIN (SELECT q.participant, sum(greatest(q.sent - q.received, 0)) AS amount
                   FROM payments.clearing_positions q
                   JOIN payments.clearing_windows w ON w.id = q.window_id
                  WHERE w.state IN ('closed', 'settling') GROUP BY q.participant) owed
             ON owed.participant = p.code
"""
# What was owed of the window that is settled now is owed no more.
_FREE_CAPS: Final = """
    UPDATE payments.clearing_positions p
       SET carried = p.carried - greatest(q.sent - q.received, 0)
      FROM payments.clearing_positions q, payments.clearing_windows w
     WHERE q.window_id = :window_id AND w.state = 'open' AND p.window_id = w.id
       AND p.participant = q.participant AND q.sent > q.received
"""


async def lock(uow: UnitOfWork) -> None:
    """Let nobody else change anything of clearing until this transaction ends.

    Accepting one payment can release others of any bank, so there is no smaller set of rows that
    could be locked in order; and a batch pays for it once.
    """
    await uow.execute("SELECT pg_advisory_xact_lock(hashtext('payments.clearing'))")


async def add_participant(uow: UnitOfWork, new: Participant) -> None:
    """Write down a new participant."""
    await uow.execute(
        f"""INSERT INTO payments.clearing_participants ({_PARTICIPANT})
            VALUES (:code, :name_zh, :name_en, :account_id, :collateral_account_id,
                    :net_debit_cap, :reserved, :joined_at)""",  # noqa: S608 - our own text
        code=new.code,
        name_zh=new.name_zh,
        name_en=new.name_en,
        account_id=new.account_id,
        collateral_account_id=new.collateral_account_id,
        net_debit_cap=new.net_debit_cap,
        reserved=new.reserved,
        joined_at=new.joined_at,
    )
    await uow.execute(
        """INSERT INTO payments.clearing_positions (window_id, participant, cap)
           SELECT id, :code, :cap FROM payments.clearing_windows WHERE state = 'open'""",
        code=new.code,
        cap=new.net_debit_cap,
    )


async def list_participants(uow: UnitOfWork) -> list[Participant]:
    """Return all participants by their codes."""
    rows = await uow.execute(
        f"SELECT {_PARTICIPANT} FROM payments.clearing_participants ORDER BY code"  # noqa: S608
    )
    return [Participant(**row._asdict()) for row in rows]


async def has_participants(uow: UnitOfWork) -> bool:
    """Whether anybody takes part."""
    found: bool = await uow.fetch_value(
        "SELECT EXISTS (SELECT FROM payments.clearing_participants)"
    )
    return found


async def set_cap(uow: UnitOfWork, code: str, cap: int) -> None:
    """Set the cap of a participant, in the open window too."""
    await uow.execute(
        "UPDATE payments.clearing_participants SET net_debit_cap = :cap WHERE code = :code",
        code=code,
        cap=cap,
    )
    await uow.execute(
        """UPDATE payments.clearing_positions p SET cap = :cap FROM payments.clearing_windows w
            WHERE w.id = p.window_id AND w.state = 'open' AND p.participant = :code""",
        code=code,
        cap=cap,
    )


async def set_reserved(uow: UnitOfWork, code: str, reserved: int) -> None:
    """Set what a participant keeps for urgent payments."""
    await uow.execute(
        "UPDATE payments.clearing_participants SET reserved = :reserved WHERE code = :code",
        code=code,
        reserved=reserved,
    )


async def open_window(
    uow: UnitOfWork, window_id: uuid.UUID, *, now: datetime, closes_at: datetime
) -> None:
    """Open a window with a position for each participant."""
    await uow.execute(
        """INSERT INTO payments.clearing_windows (id, opened_at, closes_at)
           VALUES (:id, :now, :closes_at)""",
        id=window_id,
        now=now,
        closes_at=closes_at,
    )
    await uow.execute(_OPEN_POSITIONS, window_id=window_id)


async def find_window(
    uow: UnitOfWork, *, window_id: uuid.UUID | None = None, is_open: bool = False
) -> Window | None:
    """Return a window by its id, or the open one, or else the oldest that is not settled."""
    if window_id is not None:
        row = await uow.fetch_one(f"{_WINDOWS} WHERE id = :id", id=window_id)
    elif is_open:
        row = await uow.fetch_one(f"{_WINDOWS} WHERE state = 'open'")
    else:
        row = await uow.fetch_one(_OLDEST_UNSETTLED)
    return None if row is None else _read_window(row)


async def list_windows(uow: UnitOfWork, *, before: int | None, limit: int) -> list[Window]:
    """Return windows with a number below `before`, newest first."""
    rows = await uow.execute(
        f"""{_WINDOWS} WHERE CAST(:before AS bigint) IS NULL OR number < :before
             ORDER BY number DESC LIMIT :limit""",
        before=before,
        limit=limit,
    )
    return [_read_window(row) for row in rows]


async def set_window_state(
    uow: UnitOfWork,
    window_id: uuid.UUID,
    state: WindowState,
    *,
    closed_at: datetime | None = None,
    settled_at: datetime | None = None,
    entry_id: uuid.UUID | None = None,
) -> None:
    """Move a window on to its next state."""
    await uow.execute(
        """UPDATE payments.clearing_windows
              SET state = :state, closed_at = coalesce(:closed_at, closed_at),
                  settled_at = :settled_at, entry_id = :entry_id
            WHERE id = :id""",
        id=window_id,
        state=state.value,
        closed_at=closed_at,
        settled_at=settled_at,
        entry_id=entry_id,
    )


async def list_positions(uow: UnitOfWork, window_id: uuid.UUID) -> list[Position]:
    """Return the positions of a window by participant."""
    rows = await uow.execute(
        f"""SELECT {_POSITION} FROM payments.clearing_positions
             WHERE window_id = :window_id ORDER BY participant""",  # noqa: S608 - our own text
        window_id=window_id,
    )
    return [Position(**row._asdict()) for row in rows]


async def list_bilateral(uow: UnitOfWork, window_id: uuid.UUID) -> list[BilateralPosition]:
    """Return what each participant sent each other one in a window."""
    rows = await uow.execute(
        """SELECT debtor, creditor, amount, unwound, count FROM payments.clearing_bilateral
            WHERE window_id = :window_id ORDER BY debtor, creditor""",
        window_id=window_id,
    )
    return [BilateralPosition(**row._asdict()) for row in rows]


async def free_caps(uow: UnitOfWork, window_id: uuid.UUID) -> None:
    """Give back in the open window what was used of caps by a window that is settled now."""
    await uow.execute(_FREE_CAPS, window_id=window_id)


async def add_payments(
    uow: UnitOfWork, new: Sequence[NewPayment], *, now: datetime
) -> list[ClearingPayment]:
    """Write down payments as queued, in order."""
    rows = await uow.execute(
        _ADD_PAYMENTS,
        ids=[each.id for each in new],
        rails=[each.rail.value for each in new],
        debtors=[each.debtor for each in new],
        creditors=[each.creditor for each in new],
        amounts=[each.amount for each in new],
        urgent=[each.is_urgent for each in new],
        now=now,
    )
    return sorted((_read_payment(row) for row in rows), key=lambda each: each.sequence)


async def find_payments(
    uow: UnitOfWork, ids: Sequence[uuid.UUID]
) -> dict[uuid.UUID, ClearingPayment]:
    """Return those of the payments that exist, by id."""
    rows = await uow.execute(
        f"""SELECT {_PAYMENT} FROM payments.clearing_payments
             WHERE id = ANY(CAST(:ids AS uuid[]))""",  # noqa: S608 - our own text
        ids=list(ids),
    )
    return {row.id: _read_payment(row) for row in rows}


async def list_queued(
    uow: UnitOfWork, *, is_gross: bool, limit: int | None = None
) -> list[ClearingPayment]:
    """Return what waits, in order of hand-in; all of it without a limit."""
    rows = await uow.execute(
        f"""SELECT {_PAYMENT} FROM payments.clearing_payments
             WHERE state = 'queued' AND (rail = 'hvps') = :is_gross
             ORDER BY sequence LIMIT CAST(:limit AS bigint)""",  # noqa: S608 - our own text
        is_gross=is_gross,
        limit=limit,
    )
    return [_read_payment(row) for row in rows]


async def list_accepted(uow: UnitOfWork, window_id: uuid.UUID) -> list[Item]:
    """Return what is in the positions of a window, in order of hand-in."""
    rows = await uow.execute(
        """SELECT id, debtor, creditor, amount, is_urgent, sequence
             FROM payments.clearing_payments
            WHERE window_id = :window_id AND state = 'accepted' ORDER BY sequence""",
        window_id=window_id,
    )
    return [Item(**row._asdict()) for row in rows]


async def set_payments_state(
    uow: UnitOfWork,
    ids: Sequence[uuid.UUID],
    state: PaymentState,
    *,
    now: datetime,
    window_id: uuid.UUID | None = None,
    reason: str | None = None,
    transfers: Mapping[uuid.UUID, uuid.UUID] | None = None,
) -> None:
    """Move payments on; `transfers` names the transfer of each gross payment."""
    if not ids:
        return
    moved = transfers or {}
    await uow.execute(
        """UPDATE payments.clearing_payments p
              SET state = :state, window_id = coalesce(CAST(:window_id AS uuid), p.window_id),
                  transfer_id = n.transfer_id, reason = :reason,
                  changed_at = greatest(:now, p.submitted_at)
             FROM unnest(CAST(:ids AS uuid[]), CAST(:transfers AS uuid[])) n(id, transfer_id)
            WHERE p.id = n.id""",
        ids=list(ids),
        transfers=[moved.get(each) for each in ids],
        state=state.value,
        window_id=window_id,
        reason=reason,
        now=now,
    )


async def move_positions(uow: UnitOfWork, window_id: uuid.UUID, items: Sequence[Item]) -> None:
    """Add payments to the bilateral and multilateral positions of a window."""
    pairs = _sum_pairs(items)
    await uow.execute(_MOVE_POSITIONS, window_id=window_id, **_sum_sides(items))
    await uow.execute(
        _MOVE_BILATERAL,
        window_id=window_id,
        debtors=[debtor for debtor, _ in pairs],
        creditors=[creditor for _, creditor in pairs],
        amounts=[amount for amount, _ in pairs.values()],
        counts=[count for _, count in pairs.values()],
    )


async def unwind_positions(uow: UnitOfWork, window_id: uuid.UUID, items: Sequence[Item]) -> None:
    """Note in the positions of a window that payments were taken back."""
    pairs = _sum_pairs(items)
    await uow.execute(_UNWIND_POSITIONS, window_id=window_id, **_sum_sides(items))
    await uow.execute(
        _UNWIND_BILATERAL,
        window_id=window_id,
        debtors=[debtor for debtor, _ in pairs],
        creditors=[creditor for _, creditor in pairs],
        amounts=[amount for amount, _ in pairs.values()],
    )


def _sum_sides(items: Sequence[Item]) -> dict[str, Any]:
    sent: dict[str, int] = {}
    received: dict[str, int] = {}
    for item in items:
        sent[item.debtor] = sent.get(item.debtor, 0) + item.amount
        received[item.creditor] = received.get(item.creditor, 0) + item.amount
    codes = sorted(sent.keys() | received.keys())
    return {
        "codes": codes,
        "sent": [sent.get(code, 0) for code in codes],
        "received": [received.get(code, 0) for code in codes],
    }


def _sum_pairs(items: Sequence[Item]) -> dict[tuple[str, str], tuple[int, int]]:
    pairs: dict[tuple[str, str], tuple[int, int]] = {}
    for item in items:
        amount, count = pairs.get((item.debtor, item.creditor), (0, 0))
        pairs[item.debtor, item.creditor] = amount + item.amount, count + 1
    return pairs


def _read_window(row: Row[Any]) -> Window:
    return Window(**{**row._asdict(), "state": WindowState(row.state)})


def _read_payment(row: Row[Any]) -> ClearingPayment:
    return ClearingPayment(
        **{**row._asdict(), "state": PaymentState(row.state), "rail": Rail(row.rail)}
    )
