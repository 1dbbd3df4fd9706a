"""Which event triggers what, and which jobs the worker can run.

Rooms do not know each other; what one of them must do because of another's event is said here.
"""

from typing import Final

from huitong import customers, ledger, payments, privacy
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.jobs import JobDefinition
from huitong.kernel.outbox import Delivery, Handlers


async def _close_order_of_hold(uow: UnitOfWork, delivery: Delivery) -> None:
    event = delivery.event
    assert isinstance(event, ledger.HoldExpired)
    await payments.close_order_of_hold(uow, hold_id=event.hold_id, now=event.expired_at)


async def _lose_guardian_consent(uow: UnitOfWork, delivery: Delivery) -> None:
    event = delivery.event
    assert isinstance(event, privacy.ConsentWithdrawn)
    if event.purpose == customers.CHILD_DATA:
        await customers.lose_consent(uow, event.subject_id, now=event.withdrawn_at)


HANDLERS: Final[Handlers] = {
    ledger.HoldExpired: (_close_order_of_hold,),
    privacy.ConsentWithdrawn: (_lose_guardian_consent,),
}
JOBS: Final[tuple[JobDefinition, ...]] = ()
