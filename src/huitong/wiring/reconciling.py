"""Reconciliation in the worker, and what staff agreed on there."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from huitong import identity, ledger, payments
from huitong.kernel.database.unit_of_work import Database, UnitOfWork
from huitong.kernel.ids import BREAK, SUSPENSE, read_id
from huitong.kernel.rulebook import Rulebook
from huitong.kernel.settings import Settings
from huitong.wiring.loop_types import Loop

Payload = Mapping[str, Any]
reconciliation: Final = payments.reconciliation
#: The channel that `HUITONG_BANK_CHANNEL_URL` is about.
_BANK: Final = "bank"


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


def list_channel_urls(settings: Settings) -> dict[str, str]:
    """Return where each channel answers that the settings name."""
    urls = {name: url for name, _, url in settings.channels}
    return urls if settings.bank_channel_url is None else urls | {_BANK: settings.bank_channel_url}


def make_reconciliation_loops(settings: Settings) -> tuple[Loop, ...]:
    """Return what reconciles, and what fetches files from the channels of the settings."""
    urls = list_channel_urls(settings)

    async def fetch_night(database: Database, now: datetime) -> bool:
        await reconciliation.fetch_night(database, urls, rulebook=Rulebook.load(), now=now)
        return False

    fetching = (Loop("payments.fetch_channel_files", 60.0, fetch_night),) if urls else ()
    return (*_LOOPS, *fetching)


async def _reconcile(database: Database, now: datetime) -> bool:
    return await reconciliation.reconcile_always(database, rulebook=Rulebook.load(), now=now)


async def _prune_lines(database: Database, now: datetime) -> bool:
    return await reconciliation.prune_lines(database, now=now)


_LOOPS: Final = (
    Loop("payments.reconcile", 1.0, _reconcile),
    Loop("payments.prune_reconciled_lines", 300.0, _prune_lines),
)
