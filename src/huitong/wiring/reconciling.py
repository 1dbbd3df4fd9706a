"""Reconciliation in the worker, and what staff agreed on there."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from huitong import identity, ledger, payments
from huitong.kernel.database.unit_of_work import Database, UnitOfWork
from huitong.kernel.ids import BREAK, SUSPENSE, read_id
from huitong.kernel.rulebook import Rulebook
from huitong.wiring.loop_types import Loop

Payload = Mapping[str, Any]
reconciliation: Final = payments.reconciliation


def make_reconciliation_acts(rulebook: Rulebook) -> identity.Handlers:
    """Return what does each act of reconciliation that takes two people."""

    async def cure(
        uow: UnitOfWork, approval: identity.Approval, payload: Payload, *, now: datetime
    ) -> identity.Executed:
        found = await reconciliation.apply_cure(
            uow,
            break_id=read_id(BREAK, payload["break"], field="break"),
            cure=reconciliation.Cure(payload["cure"]),
            approval_id=approval.id,
            reason=approval.reason,
            rulebook=rulebook,
            now=now,
        )
        return identity.Executed(outcome={"break": payload["break"], "state": found.state.value})

    async def clear(
        uow: UnitOfWork, approval: identity.Approval, payload: Payload, *, now: datetime
    ) -> identity.Executed:
        account = payload.get("account")
        await reconciliation.clear_suspense(
            uow,
            item_id=read_id(SUSPENSE, payload["item"], field="item"),
            to=reconciliation.ClearedTo(payload["to"]),
            account_id=None if account is None else ledger.read_account(account, field="account"),
            approval_id=approval.id,
            reason=approval.reason,
            now=now,
        )
        return identity.Executed(outcome={"item": payload["item"]})

    return {"reconciliation.cure": cure, "reconciliation.clear_suspense": clear}


async def _reconcile(database: Database, now: datetime) -> bool:
    return await reconciliation.reconcile_always(database, rulebook=Rulebook.load(), now=now)


async def _prune_lines(database: Database, now: datetime) -> bool:
    return await reconciliation.prune_lines(database, now=now)


RECONCILIATION_LOOPS: Final = (
    Loop("payments.reconcile", 1.0, _reconcile),
    Loop("payments.prune_reconciled_lines", 300.0, _prune_lines),
)
