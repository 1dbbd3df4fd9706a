"""The sealer: gives committed audit records their place in the chain.

A trigger puts each record into a queue in the record's own transaction. So the sealer sees a record
exactly when it is committed, whatever its id says about when it was begun, and a transaction that
stays open holds nobody back. Leaves, head and queue change in one transaction: a crash leaves the
chain as it was.
"""

import uuid

from huitong.kernel import limits
from huitong.kernel.audit_chain import store
from huitong.kernel.audit_chain.leaves import encode_row
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.merkle import hash_leaf


async def seal_records(uow: UnitOfWork, *, limit: int = limits.AUDIT_SEAL_ROWS_MAX) -> int:
    """Append up to `limit` waiting records to the chain and return their number.

    Returns 0 while another sealer is at it: many may run, one does the work. A record that was
    deleted before it was sealed is left in the queue, where `verify_audit` finds it.
    """
    assert limit > 0, "a sealer that may seal nothing is never done"
    connection = await uow.driver()
    head = await store.lock_head(connection)
    if head is None:
        return 0
    waiting = await store.list_waiting(connection, limit)
    rows = [row for row in waiting if not isinstance(row, uuid.UUID)]
    if not rows:
        return 0
    first = head.tree.size
    hashes = [hash_leaf(encode_row(row)) for row in rows]
    head.tree.extend(hashes)
    await store.save_leaves(connection, first, [row.id for row in rows], hashes)
    await store.move_head(connection, head.tree)
    return len(rows)
