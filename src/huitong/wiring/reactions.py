"""Which event triggers what, and which jobs the worker can run.

Rooms do not know each other; what one of them must do because of another's event is said here.
"""

from typing import Final

from huitong import customers, identity, ledger, payments, privacy
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.jobs import JobDefinition
from huitong.kernel.outbox import Delivery, Handlers
from huitong.privacy import Vault
from huitong.wiring.backtests import BACKTEST_JOB
from huitong.wiring.corporate_notices import CORPORATE_NOTICE_HANDLERS
from huitong.wiring.notices import NOTICE_HANDLERS


async def _close_order_of_hold(uow: UnitOfWork, delivery: Delivery) -> None:
    event = delivery.event
    assert isinstance(event, ledger.HoldExpired)
    await payments.close_order_of_hold(uow, hold_id=event.hold_id, now=event.expired_at)


async def _lose_guardian_consent(uow: UnitOfWork, delivery: Delivery) -> None:
    event = delivery.event
    assert isinstance(event, privacy.ConsentWithdrawn)
    if event.purpose == customers.CHILD_DATA:
        await customers.lose_consent(uow, event.subject_id, now=event.withdrawn_at)


async def _close_login_of_customer(uow: UnitOfWork, delivery: Delivery) -> None:
    event = delivery.event
    assert isinstance(event, customers.CustomerClosed)
    # Their number is free for another customer from now on, who must not get into this login.
    await identity.close_login_of_subject(
        uow,
        audience=identity.Audience.CUSTOMER,
        subject_id=event.customer_id,
        now=event.closed_at,
    )


HANDLERS: Final[Handlers] = {
    ledger.HoldExpired: (_close_order_of_hold,),
    privacy.ConsentWithdrawn: (_lose_guardian_consent,),
    customers.CustomerClosed: (_close_login_of_customer,),
    **NOTICE_HANDLERS,
    **CORPORATE_NOTICE_HANDLERS,
}
JOBS: Final[tuple[JobDefinition, ...]] = (BACKTEST_JOB,)


def react_to_decisions(vault: Vault) -> customers.OnDecision:
    """Return what follows from a decision on an application, in the transaction that decides.

    Who signed up with their own number gets the login that it opens; who is refused may begin anew.
    An application that a partner made has no sign-up, and nothing follows.
    """

    async def react(uow: UnitOfWork, decision: customers.Decision) -> None:
        subject_id, now = decision.application_id, decision.decided_at
        if decision.mobile is None:
            await identity.end_sign_up(uow, subject_id=subject_id, now=now)
            return
        await identity.complete_sign_up(
            uow, vault=vault, subject_id=subject_id, mobile=decision.mobile, now=now
        )

    return react
