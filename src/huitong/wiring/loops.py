"""What the worker does over and over: name, pause and step of each loop.

A step does a bounded piece of work in transactions of its own and says whether there is more. Many
workers run the same loops at once; every step copes with that.
"""

from datetime import datetime
from functools import cache
from typing import Final

from huitong import customers, identity, ledger, payments, privacy, risk
from huitong.kernel import audit_chain, idempotency, limits, outbox, outbox_delivery
from huitong.kernel.cryptography import load_key_ring
from huitong.kernel.database.unit_of_work import Database
from huitong.kernel.rulebook import Rulebook
from huitong.kernel.settings import Settings
from huitong.privacy import Vault
from huitong.wiring.abroad import make_abroad_loops
from huitong.wiring.bulk_paying import make_bulk_loop
from huitong.wiring.channel_clients import make_clients
from huitong.wiring.clocks import make_clock
from huitong.wiring.collecting import COLLECTING_LOOPS
from huitong.wiring.corporate_paying import make_corporate_loops
from huitong.wiring.evidence_desk import make_evidence_desk
from huitong.wiring.lending_loops import LENDING_LOOPS
from huitong.wiring.loop_types import Loop, Step
from huitong.wiring.merchant_loops import MERCHANT_LOOPS
from huitong.wiring.notices import make_notice_loops
from huitong.wiring.people_data import make_providers, make_retained
from huitong.wiring.reactions import HANDLERS, react_to_decisions
from huitong.wiring.reconciling import make_reconciliation_loops
from huitong.wiring.risk_links import LINK_SOURCES
from huitong.wiring.watching import WATCH_LOOPS

__all__ = ["LOOPS", "Loop", "Step", "make_loops"]


async def _deliver_events(database: Database, now: datetime) -> bool:
    report = await outbox_delivery.deliver(database, HANDLERS, now=now)
    return report.taken == limits.OUTBOX_BATCH_MAX


async def _measure_outbox(database: Database, _now: datetime) -> bool:
    await database.run(outbox.measure)
    return False


async def _prune_events(database: Database, now: datetime) -> bool:
    pruned = await database.run(lambda uow: outbox.prune_delivered(uow, now=now))
    return pruned == limits.PRUNE_ROWS_MAX


async def _prune_replies(database: Database, now: datetime) -> bool:
    pruned = await database.run(lambda uow: idempotency.prune_expired(uow, now=now))
    return pruned == limits.PRUNE_ROWS_MAX


async def _add_partitions(database: Database, now: datetime) -> bool:
    await database.run(lambda uow: ledger.add_partitions(uow, now=now))
    return False


async def _project_lines(database: Database, _now: datetime) -> bool:
    return await database.run(ledger.project_lines) > 0


async def _seal_transfers(database: Database, _now: datetime) -> bool:
    return await database.run(ledger.seal_transfers) == limits.SEAL_TRANSFERS_MAX


async def _expire_orders(database: Database, now: datetime) -> bool:
    closed = await database.run(lambda uow: payments.expire_orders(uow, now=now))
    return closed == limits.ORDERS_CLOSED_AT_ONCE_MAX


async def _end_held_payments(database: Database, now: datetime) -> bool:
    ended = await database.run(lambda uow: payments.end_due_payments(uow, now=now))
    if await database.run(lambda uow: payments.end_due_share(uow, now=now)):
        return True
    return ended == limits.HELD_PAYMENTS_ENDED_AT_ONCE_MAX


async def _run_clearing(database: Database, now: datetime) -> bool:
    return await payments.clearing.run_schedule(database, rulebook=Rulebook.load(), now=now)


async def _expire_holds(database: Database, now: datetime) -> bool:
    found = await database.run(lambda uow: ledger.expire_holds(uow, now=now))
    return found == limits.HOLDS_EXPIRED_AT_ONCE_MAX


async def _mark_reviews_due(database: Database, now: datetime) -> bool:
    marked = await database.run(lambda uow: customers.mark_reviews_due(uow, now=now))
    return marked == limits.REVIEWS_MARKED_AT_ONCE_MAX


async def _mark_business_reviews_due(database: Database, now: datetime) -> bool:
    marked = await database.run(lambda uow: customers.mark_business_reviews_due(uow, now=now))
    return marked == limits.REVIEWS_MARKED_AT_ONCE_MAX


async def _restrict_expired(database: Database, now: datetime) -> bool:
    rulebook = Rulebook.load()
    found = await database.run(
        lambda uow: customers.restrict_expired(uow, rulebook=rulebook, now=now)
    )
    return found == limits.CUSTOMERS_RESTRICTED_AT_ONCE_MAX


async def _group_alerts(database: Database, now: datetime) -> bool:
    rulebook = Rulebook.load()
    grouped = await database.run(
        lambda uow: risk.group_alerts(uow, sources=LINK_SOURCES, rulebook=rulebook, now=now)
    )
    return grouped == limits.ALERTS_GROUPED_AT_ONCE_MAX


async def _scan_access(database: Database, now: datetime) -> bool:
    await database.run(lambda uow: privacy.scan_access(uow, now=now))
    return False


async def _seal_audit(database: Database, _now: datetime) -> bool:
    return await database.run(audit_chain.seal_records) == limits.AUDIT_SEAL_ROWS_MAX


async def _prune_customer_codes(database: Database, now: datetime) -> bool:
    pruned = await database.run(lambda uow: payments.prune_customer_codes(uow, now=now))
    return pruned == limits.PRUNE_ROWS_MAX


async def _prune_callbacks(database: Database, now: datetime) -> bool:
    pruned = await database.run(lambda uow: payments.prune_callbacks(uow, now=now))
    return pruned == limits.PRUNE_ROWS_MAX


async def _prune_log_ins(database: Database, now: datetime) -> bool:
    pruned = await database.run(lambda uow: identity.prune_what_is_over(uow, now=now))
    return pruned == limits.PRUNE_ROWS_MAX


async def _watch_models(database: Database, now: datetime) -> bool:
    return await risk.watch_models(database, rulebook=Rulebook.load(), now=now)


def make_loops(settings: Settings) -> tuple[Loop, ...]:
    """Return all loops of a worker: `LOOPS`, and those that need its settings."""
    return (
        *LOOPS,
        *_make_customer_loops(settings),
        *_make_privacy_loops(settings),
        *_make_publishing_loops(settings),
        make_bulk_loop(settings),
        *make_reconciliation_loops(settings),
        *make_corporate_loops(settings),
        *make_abroad_loops(settings),
        *_make_channel_loops(settings),
        *make_notice_loops(settings),
    )


def _make_customer_loops(settings: Settings) -> tuple[Loop, ...]:
    vault = Vault(load_key_ring(settings.home, settings.master_keys), cipher=settings.cipher)
    desk = make_evidence_desk(settings)
    clock = make_clock(settings)

    async def check_applications(database: Database, _now: datetime) -> bool:
        taken = await customers.check_applications(
            database,
            vault,
            desk,
            rulebook=Rulebook.load(),
            on_decision=react_to_decisions(vault),
            clock=clock,
        )
        return taken == limits.APPLICATION_CHECKS_AT_ONCE_MAX

    async def check_minors(database: Database, now: datetime) -> bool:
        found = await database.run(
            lambda uow: customers.check_minors(uow, vault, rulebook=Rulebook.load(), now=now)
        )
        return found == limits.MINORS_CHECKED_AT_ONCE_MAX

    return (
        Loop("customers.check_minors", 300.0, check_minors),
        Loop("customers.check_applications", 1.0, check_applications),
    )


def _make_publishing_loops(settings: Settings) -> tuple[Loop, ...]:
    async def publish_checkpoint(database: Database, now: datetime) -> bool:
        key = ledger.load_log_key(settings.home)
        await database.run(lambda uow: ledger.publish_checkpoint(uow, key=key, now=now))
        return False

    async def publish_audit_checkpoint(database: Database, now: datetime) -> bool:
        key = audit_chain.load_audit_key(settings.home)
        kept = audit_chain.read_kept_checkpoint(settings.home / audit_chain.CHECKPOINT_FILE)
        published = await database.run(
            lambda uow: audit_chain.publish_audit_checkpoint(uow, key=key, now=now, kept=kept)
        )
        if published is not None:
            audit_chain.keep_checkpoint(settings.home, published)
        return False

    return (
        Loop("ledger.publish_checkpoint", 60.0, publish_checkpoint),
        Loop("kernel.publish_audit_checkpoint", 60.0, publish_audit_checkpoint),
    )


def _make_channel_loops(settings: Settings) -> tuple[Loop, ...]:
    """Return what asks the channels, if there is one to ask."""
    clients = make_clients(settings)
    if not clients:
        return ()
    channels = payments.Channels(clients)
    clock = make_clock(settings)
    vaults: list[Vault] = []

    async def settle_channel_orders(database: Database, _now: datetime) -> bool:
        if not vaults:
            # At the first step and not at start, so that a missing key file stops this loop only.
            ring = load_key_ring(settings.home, settings.master_keys)
            vaults.append(Vault(ring, cipher=settings.cipher))
        taken = await payments.settle_channel_orders(
            database,
            channels,
            clock=clock,
            vault=vaults[0],
            is_counted=settings.is_risk_asked,
        )
        return taken == limits.CHANNEL_ORDERS_AT_ONCE_MAX

    async def report_channel_health(database: Database, now: datetime) -> bool:
        await payments.report_channel_health(database, channels, now=now)
        return False

    return (
        Loop("payments.settle_channel_orders", 0.2, settle_channel_orders),
        Loop(
            "payments.report_channel_health",
            limits.CHANNEL_HEALTH_REPORT_SECONDS,
            report_channel_health,
        ),
    )


def _make_privacy_loops(settings: Settings) -> tuple[Loop, ...]:
    async def rewrap_data_keys(database: Database, _now: datetime) -> bool:
        ring = load_key_ring(settings.home, settings.master_keys)
        wrapped = await database.run(lambda uow: privacy.rewrap(uow, ring, cipher=settings.cipher))
        return wrapped == limits.REWRAP_KEYS_MAX

    async def fulfil_requests(database: Database, now: datetime) -> bool:
        vault = make_vault()
        return await privacy.fulfil_next(database, vault, make_providers(vault), now=now)

    async def destroy_due(database: Database, now: datetime) -> bool:
        return await privacy.destroy_all_due(database, make_retained(make_vault()), now=now)

    @cache
    def make_vault() -> privacy.Vault:
        # At the first step and not at start, so that a missing key file stops these loops only.
        ring = load_key_ring(settings.home, settings.master_keys)
        return privacy.Vault(ring, cipher=settings.cipher)

    return (
        Loop("privacy.rewrap_data_keys", 60.0, rewrap_data_keys),
        Loop("privacy.fulfil_requests", 1.0, fulfil_requests),
        Loop("privacy.destroy_due", 3_600.0, destroy_due),
    )


LOOPS: Final[tuple[Loop, ...]] = (
    Loop("ledger.add_partitions", 3_600.0, _add_partitions),
    Loop("ledger.project_lines", 0.1, _project_lines),
    Loop("ledger.seal_transfers", 1.0, _seal_transfers),
    Loop("payments.expire_orders", 1.0, _expire_orders),
    Loop("payments.end_held_payments", 1.0, _end_held_payments),
    Loop("ledger.expire_holds", 1.0, _expire_holds),
    Loop("payments.run_clearing", 1.0, _run_clearing),
    Loop("customers.mark_reviews_due", 300.0, _mark_reviews_due),
    Loop("customers.restrict_expired", 300.0, _restrict_expired),
    Loop("customers.mark_business_reviews_due", 300.0, _mark_business_reviews_due),
    Loop("payments.prune_callbacks", 60.0, _prune_callbacks),
    Loop("payments.prune_customer_codes", 60.0, _prune_customer_codes),
    Loop("risk.group_alerts", 1.0, _group_alerts),
    Loop("privacy.scan_access", 60.0, _scan_access),
    Loop("risk.watch_models", limits.MODEL_WATCH_INTERVAL_SECONDS, _watch_models),
    Loop("kernel.seal_audit", 1.0, _seal_audit),
    Loop("identity.prune_what_is_over", 300.0, _prune_log_ins),
    Loop("kernel.deliver_events", 0.2, _deliver_events),
    Loop("kernel.measure_outbox", 15.0, _measure_outbox),
    Loop("kernel.prune_events", 60.0, _prune_events),
    Loop("kernel.prune_replies", 60.0, _prune_replies),
    *MERCHANT_LOOPS,
    *LENDING_LOOPS,
    *COLLECTING_LOOPS,
    *WATCH_LOOPS,
)
