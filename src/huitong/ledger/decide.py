"""Deciding a batch, entry by entry in its order: the ledger's rules, without any I/O.

What this module accepts, and nothing else, may be written. The fast way (`columns`) is a shortcut
for batches in which nothing could be refused, and must never disagree with it.
"""

import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from huitong.ledger.books import Books, JournalRow, KnownRefusal, KnownTransfer
from huitong.ledger.rules import Refused, apply_transfer, fits_hold, use_meter
from huitong.ledger.types import (
    RESOLVING_KINDS,
    Entry,
    Outcome,
    Reason,
    Request,
    Transfer,
    TransferKind,
    Verdict,
)
from huitong.ledger.undo import Undo

#: Refusals that follow from the request alone: they will be the same for ever, and reusing the
#: identifier in a corrected request harms nobody, so they are not remembered.
_FORGOTTEN: Final = frozenset(
    {
        Reason.AMOUNT_NOT_POSITIVE,
        Reason.AMOUNT_TOO_LARGE,
        Reason.EXPIRY_IN_PAST,
        Reason.ID_REUSED,
        Reason.ID_TIME_OUT_OF_RANGE,
        Reason.SAME_ACCOUNT,
    }
)


@dataclass(slots=True)
class Decision:
    """What a batch comes to: an outcome for each request, and what has to be written.

    A posted outcome without `recorded_at` is of this batch; the writer knows the time.
    """

    outcomes: list[Outcome] = field(default_factory=list)
    journal: list[JournalRow] = field(default_factory=list)
    holds_made: list[uuid.UUID] = field(default_factory=list)
    holds_resolved: list[uuid.UUID] = field(default_factory=list)
    meters_used: set[tuple[int, int]] = field(default_factory=set)
    refusals: dict[uuid.UUID, KnownRefusal] = field(default_factory=dict)


def decide(requests: Sequence[Request], books: Books, *, now: datetime) -> Decision:
    """Decide `requests` in order and bring `books` to the state after them.

    Each request sees the effect of those before it. A refused one changes nothing in `books`.
    """
    decision = Decision()
    for request in requests:
        decision.outcomes.append(_decide_one(request, books, decision, now))
    return decision


def fingerprint_entry(entry: Entry) -> bytes:
    """Return 32 bytes that are the same only for an entry with the same content."""
    parts = [repr(entry.id)]
    parts.extend(
        repr(
            (
                transfer.id.int,
                transfer.debit_account_id,
                transfer.credit_account_id,
                transfer.amount,
                transfer.currency,
                int(transfer.code),
                transfer.effective_on.toordinal(),
                int(transfer.kind),
                transfer.pending_id and transfer.pending_id.int,
                transfer.expires_at and transfer.expires_at.timestamp(),
                transfer.corrects_id and transfer.corrects_id.int,
            )
        )
        for transfer in entry.transfers
    )
    return hashlib.sha256("\n".join(parts).encode()).digest()


def _decide_one(request: Request, books: Books, decision: Decision, now: datetime) -> Outcome:
    entry = request.entry
    known = _find_known(entry, books)
    if known is not None:
        return known
    undo = Undo(books)
    rows: list[JournalRow] = []
    index: int | None = None
    try:
        for use in request.meters:
            use_meter(use, books, undo)
        for index, transfer in enumerate(entry.transfers):  # noqa: B007 (read in the except)
            rows.append(apply_transfer(transfer, entry, books, undo, now))
    except Refused as refused:
        undo.run()
        return _refuse(entry, books, decision, refused, index)
    decision.journal.extend(rows)
    decision.meters_used.update((use.account_id, use.meter) for use in request.meters)
    for row in rows:
        books.transfers[row.id] = KnownTransfer(row, None)
        if row.kind is TransferKind.PENDING:
            decision.holds_made.append(row.id)
        elif row.pending_id is not None:
            decision.holds_resolved.append(row.pending_id)
    return Outcome(Verdict.POSTED)


def _refuse(
    entry: Entry, books: Books, decision: Decision, refused: Refused, index: int | None
) -> Outcome:
    if refused.reason not in _FORGOTTEN:
        known = KnownRefusal(fingerprint_entry(entry), refused.reason, index, refused.account_id)
        for transfer in entry.transfers:
            books.refusals[transfer.id] = known
            decision.refusals[transfer.id] = known
    return Outcome(
        Verdict.REFUSED, reason=refused.reason, index=index, account_id=refused.account_id
    )


def _find_known(entry: Entry, books: Books) -> Outcome | None:
    """Return the first answer if the entry, or part of it, was seen before."""
    found = [
        (index, known)
        for index, transfer in enumerate(entry.transfers)
        if (known := books.transfers.get(transfer.id)) is not None
    ]
    if found:
        for index, known in found:
            if not _is_same(entry.transfers[index], entry, known.row, books):
                return Outcome(Verdict.REFUSED, reason=Reason.ID_REUSED, index=index)
        first, known = found[0]
        if len(found) < len(entry.transfers):
            return Outcome(Verdict.REFUSED, reason=Reason.ID_REUSED, index=first)
        return Outcome(Verdict.REPLAYED, recorded_at=known.recorded_at)
    for index, transfer in enumerate(entry.transfers):
        refusal = books.refusals.get(transfer.id)
        if refusal is None:
            continue
        if refusal.fingerprint != fingerprint_entry(entry):
            return Outcome(Verdict.REFUSED, reason=Reason.ID_REUSED, index=index)
        return Outcome(
            Verdict.REFUSED,
            reason=refusal.reason,
            index=refusal.index,
            account_id=refusal.account_id,
        )
    if len({transfer.id for transfer in entry.transfers}) != len(entry.transfers):
        return Outcome(Verdict.REFUSED, reason=Reason.ID_REUSED)
    return None


def _is_same(transfer: Transfer, entry: Entry, row: JournalRow, books: Books) -> bool:
    if (
        transfer.kind is not row.kind
        or transfer.code != row.code
        or transfer.effective_on != row.effective_on
        or transfer.pending_id != row.pending_id
        or transfer.corrects_id != row.corrects_id
        or entry.id != row.entry_id
    ):
        return False
    if transfer.kind in RESOLVING_KINDS:
        hold = books.holds.get(transfer.pending_id) if transfer.pending_id else None
        if hold is None or not fits_hold(transfer, hold):
            return False
        if transfer.kind is not TransferKind.POST_PENDING:
            return True
        return row.amount == (hold.amount if transfer.amount is None else transfer.amount)
    if transfer.kind is TransferKind.PENDING:
        hold = books.holds.get(transfer.id)
        if hold is None or hold.expires_at != transfer.expires_at:
            return False
    return (
        transfer.debit_account_id == row.debit_account_id
        and transfer.credit_account_id == row.credit_account_id
        and transfer.amount == row.amount
        and transfer.currency == row.currency
    )
