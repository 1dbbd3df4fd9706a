"""What the people of a business see of its instructions."""

import uuid

from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.ids import INSTRUCTION, show_id
from huitong.payments.bulk import is_business_user
from huitong.payments.corporate import store
from huitong.payments.corporate.errors import InstructionNotFound
from huitong.payments.corporate.mandates import check_user
from huitong.payments.corporate.types import Instruction, InstructionState


async def get_instruction(
    uow: UnitOfWork, instruction_id: uuid.UUID, *, customer_id: uuid.UUID, is_locked: bool = False
) -> Instruction:
    """Return an instruction of a business that the customer acts for, locked to decide about it.

    Raises InstructionNotFound, also for one of others: whether it exists is not theirs to know.
    """
    found = await store.find_instruction(uow, instruction_id, is_locked=is_locked)
    if found is None or not await is_business_user(uow, found.merchant_id, customer_id):
        raise InstructionNotFound(f"there is no instruction {show_id(INSTRUCTION, instruction_id)}")
    return found


async def list_instructions(
    uow: UnitOfWork,
    *,
    merchant_id: uuid.UUID,
    customer_id: uuid.UUID,
    state: InstructionState | None = None,
    before: uuid.UUID | None = None,
    limit: int,
) -> list[Instruction]:
    """Return instructions of a business, newest first; raises CorporateNotAllowed."""
    await check_user(uow, merchant_id, customer_id)
    return await store.list_instructions(uow, merchant_id, state=state, before=before, count=limit)
