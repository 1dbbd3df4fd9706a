"""What the worker does so that the platform watches itself, and what rooms say of themselves."""

from datetime import datetime
from typing import Final

from huitong import ledger, operations, payments
from huitong.kernel import jobs, limits, outbox
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import Database, UnitOfWork
from huitong.kernel.logs import get_logger
from huitong.kernel.rulebook import Rulebook
from huitong.wiring.invariants import INVARIANTS
from huitong.wiring.loop_types import Loop

_log = get_logger(__name__)


def read_policy(now: datetime) -> operations.Policy:
    """Return the policy of the business day, for who evaluates."""
    return operations.read_policy(Rulebook.load(), business_day(now))


async def measure_rooms(
    uow: UnitOfWork, policy: operations.Policy, now: datetime
) -> operations.Measured:
    """Ask the rooms how many things wait, failed and succeeded."""
    due, failed = await jobs.count_waiting(uow, now=now)
    counted = await payments.measure_channels(uow, since=now - policy.health_window)
    return operations.Measured(
        outbox_waiting=await outbox.measure(uow),
        outbox_parked=await outbox.count_parked(uow),
        jobs_due=due,
        jobs_failed=failed,
        channels=tuple(
            operations.ChannelMeasures(
                name=name, succeeded=succeeded, refused=refused, unanswered=unanswered
            )
            for name, succeeded, refused, unanswered in counted
        ),
    )


async def look(uow: UnitOfWork, now: datetime) -> operations.Status:
    """Return the platform's state as it is now."""
    policy = read_policy(now)
    measured = await measure_rooms(uow, policy, now)
    return await operations.get_status(uow, policy=policy, measured=measured, now=now)


async def evaluate(database: Database, now: datetime) -> bool:
    """Look at what was counted; a step of a loop."""
    policy = read_policy(now)

    async def evaluate_once(uow: UnitOfWork) -> operations.Evaluation | None:
        measured = await measure_rooms(uow, policy, now)
        return await operations.evaluate(uow, policy=policy, measured=measured, now=now)

    await database.run(evaluate_once)
    return False


async def verify_books(database: Database, now: datetime) -> bool:
    """See whether the books tie, and once a day whether every invariant holds; a step of a loop."""
    policy = read_policy(now)
    async with database.reading() as uow:
        balances = await ledger.get_trial_balances(uow)
        _, overdue = await payments.reconciliation.count_waiting(
            uow, rulebook=Rulebook.load(), now=now
        )
    differences = {f"untied_{each.currency}": 1 for each in balances if not each.is_tied}
    if overdue:
        differences["reconciliation_breaks_overdue"] = overdue
    async with database.unit_of_work() as uow:
        # Held while the books are read, so a worker that is killed leaves it to the next one.
        is_due = await operations.try_to_verify(uow, before=now - policy.books_every)
        if is_due:
            report = await ledger.verify_ledger(database, more=INVARIANTS)
            differences |= {each.invariant: each.count for each in report.findings}
        finding = operations.find_books_differing(differences)
        if finding is not None:
            _log.error("books_differ", invariants=sorted(differences))
            await operations.report(uow, finding, now=now)
        if is_due:
            await operations.note_verified(uow, now)
    return False


async def prune_signals(database: Database, now: datetime) -> bool:
    """Delete signals that are old; a step of a loop."""
    pruned = await database.run(lambda uow: operations.prune_signals(uow, now=now))
    return pruned == limits.PRUNE_ROWS_MAX


WATCH_LOOPS: Final = (
    Loop("operations.evaluate", limits.EVALUATION_SECONDS, evaluate),
    Loop("operations.verify_books", 300.0, verify_books),
    Loop("operations.prune_signals", 60.0, prune_signals),
)
