"""Instructions of a business: somebody makes one, as many others as the mandate says approve it.

The last approval makes the payment, or puts the standing order in force, in its own transaction.
"""

import uuid
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from huitong import risk
from huitong.kernel import audit, outbox
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import CUSTOMER, INSTRUCTION, show_id, uuid7
from huitong.kernel.money import Money
from huitong.kernel.rulebook import Rulebook
from huitong.payments.bulk import Role
from huitong.payments.commands import moving
from huitong.payments.corporate import limits, store
from huitong.payments.corporate.content import Content, SinglePayment, read_content, write_content
from huitong.payments.corporate.errors import (
    CorporateNotAllowed,
    InstructionChanged,
    InstructionExpired,
    InstructionNotWaiting,
    MandateChanged,
)
from huitong.payments.corporate.events import InstructionDecided, InstructionWaiting
from huitong.payments.corporate.mandates import check_payment, check_role, get_mandate
from huitong.payments.corporate.payees import add_payee
from huitong.payments.corporate.paying import pay
from huitong.payments.corporate.plans import Plan, check_plan
from huitong.payments.corporate.queries import get_instruction
from huitong.payments.corporate.standing import check_first_date, start
from huitong.payments.corporate.types import (
    Instruction,
    InstructionKind,
    InstructionState,
    Mandate,
    NewPayee,
    Payee,
)
from huitong.privacy import Vault

#: How long an instruction waits for its approvers.
_HOURS_KEY: Final = "corporate.instruction.hours"


async def instruct_payment(
    uow: UnitOfWork,
    vault: Vault,
    *,
    instruction_id: uuid.UUID,
    merchant_id: uuid.UUID,
    made_by: uuid.UUID,
    payee: NewPayee,
    amount: Money,
    description: str,
    now: datetime,
) -> Instruction:
    """Ask for one payment of a business, as a submitter; others approve it.

    Raises CorporateNotAllowed, MandateMissing, MandateExceeded, InvalidField, PayeeNameDiffers,
    AccountNotFound, SameAccount.
    """
    mandate = await _get_mandate(uow, merchant_id, made_by)
    moving.check_amount(amount, mandate.payment_max.currency)
    _check_description(description)
    made = SinglePayment(currency=amount.currency, amount=amount.minor, description=description)
    return await _instruct(
        uow,
        vault,
        mandate,
        payee,
        made,
        instruction_id=instruction_id,
        made_by=made_by,
        amount=amount,
        now=now,
    )


async def instruct_schedule(
    uow: UnitOfWork,
    vault: Vault,
    *,
    instruction_id: uuid.UUID,
    merchant_id: uuid.UUID,
    made_by: uuid.UUID,
    payee: NewPayee,
    plan: Plan,
    now: datetime,
) -> Instruction:
    """Ask for a standing order or a later payment, as a submitter; others approve it.

    Raises as `instruct_payment`, and ScheduleInvalid.
    """
    mandate = await _get_mandate(uow, merchant_id, made_by)
    if plan.currency != mandate.payment_max.currency:
        raise InvalidField(f"must be {mandate.payment_max.currency}", field="amount.currency")
    _check_description(plan.description)
    check_first_date(plan, now)
    check_plan(plan)
    amount = Money(plan.payment_max, plan.currency)
    return await _instruct(
        uow,
        vault,
        mandate,
        payee,
        plan,
        instruction_id=instruction_id,
        made_by=made_by,
        amount=amount,
        now=now,
    )


async def _get_mandate(uow: UnitOfWork, merchant_id: uuid.UUID, made_by: uuid.UUID) -> Mandate:
    # Who acts for the business comes first: what it may pay is not for others to learn.
    await check_role(uow, merchant_id, made_by, Role.SUBMITTER)
    return await get_mandate(uow, merchant_id, is_kept=True)


async def _instruct(
    uow: UnitOfWork,
    vault: Vault,
    mandate: Mandate,
    new_payee: NewPayee,
    what: SinglePayment | Plan,
    *,
    instruction_id: uuid.UUID,
    made_by: uuid.UUID,
    amount: Money,
    now: datetime,
) -> Instruction:
    merchant_id = mandate.merchant_id
    await check_role(uow, merchant_id, made_by, Role.SUBMITTER, amount)
    check_payment(mandate, amount)
    payee = await add_payee(uow, vault, merchant_id, new_payee)
    is_plan = isinstance(what, Plan)
    instruction = Instruction(
        id=instruction_id,
        merchant_id=merchant_id,
        mandate_id=mandate.id,
        payee=payee,
        kind=InstructionKind.SCHEDULE if is_plan else InstructionKind.PAYMENT,
        content=_write(merchant_id, payee, what),
        amount=amount,
        approvers=mandate.approvers_for(amount),
        made_by=made_by,
        made_at=now,
        expires_at=_find_end(what, now),
    )
    await store.add_instruction(uow, instruction)
    await _record(uow, "instruct", instruction, made_by)
    await _tell_waiting(uow, instruction)
    return instruction


def _write(merchant_id: uuid.UUID, payee: Payee, what: SinglePayment | Plan) -> str:
    """Return what approvers approve by its digest."""
    content = Content(
        merchant=merchant_id.hex,
        payee=payee.id.hex,
        payment=what if isinstance(what, SinglePayment) else None,
        plan=what if isinstance(what, Plan) else None,
    )
    return write_content(content)


def _find_end(what: SinglePayment | Plan, now: datetime) -> datetime:
    """Return until when it may be approved: not after a payment that has a time of its own."""
    end = now + timedelta(hours=Rulebook.load().integer(_HOURS_KEY, business_day(now)))
    if isinstance(what, Plan) and what.pay_at is not None:
        return min(end, what.pay_at)
    return end


async def _tell_waiting(uow: UnitOfWork, instruction: Instruction) -> None:
    event = InstructionWaiting(
        instruction_id=instruction.id,
        merchant_id=instruction.merchant_id,
        amount=instruction.amount,
        approvers=instruction.approvers,
        expires_at=instruction.expires_at,
    )
    await outbox.append(uow, [event])


async def approve_instruction(
    uow: UnitOfWork,
    decider: risk.PaymentDecider | None,
    *,
    instruction_id: uuid.UUID,
    approved_by: uuid.UUID,
    digest: bytes,
    now: datetime,
) -> Instruction:
    """Approve exactly this content; the last approval that it takes has it done.

    Raises InstructionNotFound, CorporateNotAllowed for whoever made it, has approved it, or has too
    low a limit, InstructionNotWaiting, InstructionExpired, InstructionChanged, MandateChanged, and
    for the last approval what `pay` raises.
    """
    instruction = await _lock_waiting(uow, instruction_id, approved_by, digest, now)
    await check_role(uow, instruction.merchant_id, approved_by, Role.APPROVER, instruction.amount)
    if approved_by == instruction.made_by:
        raise CorporateNotAllowed("whoever made an instruction does not approve it")
    if approved_by in instruction.approved_by:
        raise CorporateNotAllowed("this person has approved it already")
    mandate = await get_mandate(uow, instruction.merchant_id, is_kept=True)
    if mandate.id != instruction.mandate_id:
        raise MandateChanged("another mandate is in force: make the instruction anew")
    await store.add_approval(uow, instruction, approved_by, now)
    approved = replace(instruction, approved_by=(*instruction.approved_by, approved_by))
    if len(approved.approved_by) == approved.approvers:
        approved = await _carry_out(uow, decider, approved, mandate, now)
    await store.save_instruction(uow, approved, now=now)
    await _record(uow, "approve", approved, approved_by)
    if approved.state is InstructionState.APPROVED:
        await _tell(uow, approved, now)
    return approved


async def reject_instruction(
    uow: UnitOfWork,
    *,
    instruction_id: uuid.UUID,
    rejected_by: uuid.UUID,
    digest: bytes,
    now: datetime,
) -> Instruction:
    """Reject an instruction for ever, as an approver; raises as approving does."""
    instruction = await _lock_waiting(uow, instruction_id, rejected_by, digest, now)
    await check_role(uow, instruction.merchant_id, rejected_by, Role.APPROVER)
    if rejected_by == instruction.made_by:
        raise CorporateNotAllowed("whoever made an instruction takes it back instead")
    return await _end(uow, instruction, InstructionState.REJECTED, rejected_by, now)


async def withdraw_instruction(
    uow: UnitOfWork, *, instruction_id: uuid.UUID, withdrawn_by: uuid.UUID, now: datetime
) -> Instruction:
    """Take an instruction back that waits, as any submitter of the business.

    Raises InstructionNotFound, CorporateNotAllowed, InstructionNotWaiting.
    """
    instruction = await get_instruction(
        uow, instruction_id, customer_id=withdrawn_by, is_locked=True
    )
    await check_role(uow, instruction.merchant_id, withdrawn_by, Role.SUBMITTER)
    _check_waits(instruction)
    return await _end(uow, instruction, InstructionState.WITHDRAWN, withdrawn_by, now)


async def expire_instructions(uow: UnitOfWork, *, now: datetime) -> int:
    """End instructions that nobody approved in time; returns how many."""
    most = limits.INSTRUCTIONS_EXPIRED_AT_ONCE_MAX
    ended = await store.expire(uow, now, most)
    events = [
        InstructionDecided(
            instruction_id=row.id,
            merchant_id=row.merchant_id,
            state=InstructionState.EXPIRED.value,
            order_id=None,
            decided_at=now,
        )
        for row in ended
    ]
    await outbox.append(uow, events)
    return len(ended)


async def _carry_out(
    uow: UnitOfWork,
    decider: risk.PaymentDecider | None,
    instruction: Instruction,
    mandate: Mandate,
    now: datetime,
) -> Instruction:
    content = read_content(instruction)
    approved = replace(instruction, state=InstructionState.APPROVED, decided_at=now)
    if content.plan is not None:
        await start(uow, approved, content.plan, now=now)
        return approved
    assert content.payment is not None
    order = await pay(
        uow,
        decider,
        order_id=uuid7(),
        mandate=mandate,
        payee=instruction.payee,
        amount=Money(content.payment.amount, content.payment.currency),
        description=content.payment.description,
        now=now,
    )
    return replace(approved, order_id=order.id)


async def _end(
    uow: UnitOfWork,
    instruction: Instruction,
    state: InstructionState,
    ended_by: uuid.UUID,
    now: datetime,
) -> Instruction:
    rejected_by = ended_by if state is InstructionState.REJECTED else None
    ended = replace(instruction, state=state, decided_at=now, rejected_by=rejected_by)
    await store.save_instruction(uow, ended, now=now)
    await _record(uow, state.value, ended, ended_by)
    await _tell(uow, ended, now)
    return ended


async def _lock_waiting(
    uow: UnitOfWork, instruction_id: uuid.UUID, customer_id: uuid.UUID, digest: bytes, now: datetime
) -> Instruction:
    instruction = await get_instruction(
        uow, instruction_id, customer_id=customer_id, is_locked=True
    )
    _check_waits(instruction)
    if instruction.expires_at <= now:
        raise InstructionExpired(f"it could be decided until {instruction.expires_at}")
    if digest != instruction.digest:
        raise InstructionChanged("the digest is not that of the instruction", field="sha256")
    return instruction


def _check_waits(instruction: Instruction) -> None:
    if instruction.state is not InstructionState.WAITING:
        raise InstructionNotWaiting(
            f"the instruction is {instruction.state.value}",
            context={"state": instruction.state.value},
        )


def _check_description(text: str) -> None:
    moving.check_text(text, limits.DESCRIPTION_LENGTH_MAX, field="description")


async def _tell(uow: UnitOfWork, instruction: Instruction, now: datetime) -> None:
    event = InstructionDecided(
        instruction_id=instruction.id,
        merchant_id=instruction.merchant_id,
        state=instruction.state.value,
        order_id=instruction.order_id,
        decided_at=now,
    )
    await outbox.append(uow, [event])


async def _record(uow: UnitOfWork, verb: str, instruction: Instruction, by: uuid.UUID) -> None:
    await audit.record(
        uow,
        action=f"payments.{verb}_instruction" if verb != "instruct" else "payments.instruct",
        subject=show_id(INSTRUCTION, instruction.id),
        details={
            "by": show_id(CUSTOMER, by),
            "sha256": instruction.digest.hex(),
            "state": instruction.state.value,
            "amount": str(instruction.amount),
        },
    )
