"""Which events of corporate accounts the people of a business are told of by text message."""

import uuid
from typing import Final

from huitong import identity, payments
from huitong.kernel import limits
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.outbox import Delivery, Handlers

corporate: Final = payments.corporate
Role = payments.bulk.Role
_LOW_BITS: Final = 2**32 - 1


async def _tell_of_instruction(uow: UnitOfWork, delivery: Delivery) -> None:
    event = delivery.event
    assert isinstance(event, corporate.InstructionWaiting)
    notice = identity.notices.Notice(
        id=delivery.id,
        kind=identity.notices.NoticeKind.INSTRUCTION_WAITING,
        amount=event.amount,
        until=event.expires_at,
    )
    await _tell_people(uow, notice, delivery, event.merchant_id, {Role.APPROVER})


async def _tell_of_skipped_payment(uow: UnitOfWork, delivery: Delivery) -> None:
    event = delivery.event
    assert isinstance(event, corporate.StandingPaymentSkipped)
    notice = identity.notices.Notice(
        id=delivery.id, kind=identity.notices.NoticeKind.STANDING_SKIPPED
    )
    roles = {Role.SUBMITTER, Role.APPROVER}
    await _tell_people(uow, notice, delivery, event.merchant_id, roles)


async def _tell_people(
    uow: UnitOfWork,
    notice: identity.notices.Notice,
    delivery: Delivery,
    merchant_id: uuid.UUID,
    roles: set[payments.bulk.Role],
) -> None:
    """Have everybody told who acts for a business in one of these roles, each once."""
    page = await payments.bulk.list_business_users(
        uow, merchant_id=merchant_id, limit=limits.PAGE_SIZE_MAX
    )
    for customer_id in sorted({user.customer_id for user in page.items if user.role in roles}):
        # An id of each reader's own that is the same when the event is told again.
        role = (customer_id.int & _LOW_BITS) or 1
        own = identity.notices.Notice(
            id=payments.derive_id(notice.id, role),
            kind=notice.kind,
            amount=notice.amount,
            until=notice.until,
        )
        await identity.notices.ask_notice_of_subject(
            uow,
            own,
            audience=identity.Audience.CUSTOMER,
            subject_id=customer_id,
            now=delivery.recorded_at,
        )


CORPORATE_NOTICE_HANDLERS: Final[Handlers] = {
    corporate.InstructionWaiting: (_tell_of_instruction,),
    corporate.StandingPaymentSkipped: (_tell_of_skipped_payment,),
}
