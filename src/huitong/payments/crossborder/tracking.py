"""Messages from banks abroad: what became of payments (pacs.002), returns (pacs.004), receipts.

They come doubled and in any order. A message is taken once; a step of a payment is written once;
and a later step counts although an earlier one is still to come.
"""

import hashlib
import io
import uuid
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal

from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.ids import CROSS_BORDER, show_id, uuid7
from huitong.kernel.rulebook import Rulebook
from huitong.payments.crossborder import limits, record_store, store
from huitong.payments.crossborder.errors import (
    CrossBorderMessageRefused,
    CrossBorderMessageReused,
)
from huitong.payments.crossborder.giving_back import end_step, give_back, settle, take_return
from huitong.payments.crossborder.rates import check_currency
from huitong.payments.crossborder.receiving import receive_transfer
from huitong.payments.crossborder.types import (
    ON_ITS_WAY,
    Direction,
    LegCharge,
    Payment,
    PaymentState,
    Reason,
)
from huitong.payments.iso20022 import (
    CustomerTransfers,
    PaymentReturn,
    Return,
    StatusReport,
    TransactionStatus,
    read_message,
)
from huitong.privacy import Vault

#: What statuses of pacs.002 mean; others say nothing that moves a payment.
_STEPS: Final = {
    "ACTC": PaymentState.ACCEPTED,
    "ACCP": PaymentState.ACCEPTED,
    "ACSP": PaymentState.ACCEPTED,
    "ACSC": PaymentState.ACCEPTED,
    "ACWC": PaymentState.ACCEPTED,
    "ACCC": PaymentState.CREDITED,
    "RJCT": PaymentState.REJECTED,
}


Result = Literal["taken", "known", "ignored", "unknown", "contradicts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of one part of a message.

    `taken`; `known` (said before, or overtaken); `ignored` (says nothing that counts here);
    `unknown` (no such payment); `contradicts` (cannot be, and somebody has to look).
    """

    uetr: str | None
    result: Result
    payment: str | None = None


async def take_message(
    uow: UnitOfWork,
    vault: Vault,
    *,
    sender: str,
    content: bytes,
    rulebook: Rulebook,
    now: datetime,
) -> list[Outcome]:
    """Take a pacs.002, pacs.004 or pacs.008; the same one again gets the same answer.

    Raises InvalidMessage, CrossBorderMessageRefused, CrossBorderMessageReused, RateUnavailable.
    """
    if len(content) > limits.MESSAGE_BYTES_MAX:
        raise CrossBorderMessageRefused("the message is too long")
    message = read_message(io.BytesIO(content))
    body = message.body
    if not isinstance(body, StatusReport | PaymentReturn | CustomerTransfers):
        raise CrossBorderMessageRefused(f"{message.name} is not taken here")
    digest = hashlib.sha256(content).digest()
    message_id = body.header.message_id
    earlier = await record_store.add_message(
        uow, sender=sender, message_id=message_id, name=message.name, digest=digest, now=now
    )
    if earlier is not None:
        if earlier[0] != digest:
            raise CrossBorderMessageReused(f"{message_id} came with other content before")
        return [Outcome(**part) for part in earlier[1]["parts"]]  # type: ignore[attr-defined]
    tracker = _Tracker(uow, vault, rulebook, now)
    outcomes = await tracker.take(body)
    parts = [{"uetr": o.uetr, "result": o.result, "payment": o.payment} for o in outcomes]
    await record_store.set_outcome(
        uow, sender=sender, message_id=message_id, outcome={"parts": parts}
    )
    return outcomes


class _Tracker:
    def __init__(self, uow: UnitOfWork, vault: Vault, rulebook: Rulebook, now: datetime) -> None:
        self._uow, self._vault, self._rulebook, self._now = uow, vault, rulebook, now

    async def take(self, body: StatusReport | PaymentReturn | CustomerTransfers) -> list[Outcome]:
        if isinstance(body, StatusReport):
            _check_count(len(body.transactions))
            at = _utc(body.header.created, self._now)
            ordered = sorted(body.transactions, key=lambda each: each.uetr or "")
            return [await self._take_status(status, at) for status in ordered]
        if isinstance(body, PaymentReturn):
            _check_count(len(body.returns))
            at = _utc(body.header.created, self._now)
            returns = sorted(body.returns, key=lambda each: each.uetr or "")
            return [await self._take_return(part, at) for part in returns]
        return await self._take_transfers(body)

    async def _take_status(self, status: TransactionStatus, at: datetime) -> Outcome:
        step = _STEPS.get(status.status or "")
        if step is None:
            return Outcome(uetr=status.uetr, result="ignored")
        payment = await self._lock(status.uetr)
        if payment is None:
            return Outcome(uetr=status.uetr, result="unknown")
        if step is PaymentState.REJECTED:
            codes = [reason.code or reason.proprietary or "" for reason in status.reasons]
            result = await self._reject(payment, at, ", ".join(codes) or None)
        else:
            result = await self._advance(payment, step, at)
        return _outcome(status.uetr, result, payment)

    async def _advance(self, payment: Payment, step: PaymentState, at: datetime) -> Result:
        """Take a payment on to ACCEPTED or CREDITED, whatever of it is known."""
        later = {PaymentState.CREDITED, PaymentState.RETURNED}
        may_go_on = payment.state in ON_ITS_WAY and payment.state is not step
        if may_go_on:
            settled = await settle(self._uow, payment, rulebook=self._rulebook, now=self._now)
            changed = replace(settled, state=step, changed_at=self._now)
            await store.change_payment(self._uow, changed)
            await self._fill(changed, at)
            await end_step(self._uow, changed, happened_at=at, now=self._now)
            return "taken"
        if payment.state is step or payment.state in later:
            # It was overtaken: the tracker still learns when it happened.
            is_new = await record_store.add_event(
                self._uow, payment.id, step.value, happened_at=at, now=self._now
            )
            return "taken" if is_new else "known"
        return "contradicts"

    async def _reject(self, payment: Payment, at: datetime, detail: str | None) -> Result:
        if payment.state is PaymentState.REJECTED:
            return "known"
        if payment.state not in {PaymentState.SENDING, PaymentState.SENT}:
            return "contradicts"
        await give_back(
            self._uow,
            payment,
            PaymentState.REJECTED,
            Reason.REJECTED_ON_THE_WAY,
            rulebook=self._rulebook,
            happened_at=at,
            now=self._now,
            detail=detail,
        )
        return "taken"

    async def _take_return(self, part: Return, at: datetime) -> Outcome:
        payment = await self._lock(part.uetr)
        if payment is None:
            return Outcome(uetr=part.uetr, result="unknown")
        if payment.state is PaymentState.RETURNED:
            result: Result = "known" if part.amount == payment.returned else "contradicts"
            return _outcome(part.uetr, result, payment)
        is_possible = (
            payment.state in ON_ITS_WAY | {PaymentState.CREDITED}
            and part.amount.currency == payment.settled.currency
            and part.amount.is_positive
            and part.amount <= payment.settled
        )
        if not is_possible:
            return _outcome(part.uetr, "contradicts", payment)
        settled = await settle(self._uow, payment, rulebook=self._rulebook, now=self._now)
        returned = await take_return(self._uow, settled, part.amount, happened_at=at, now=self._now)
        await self._fill(returned, at)
        charges = [
            LegCharge(
                leg="return",
                agent=charge.agent.bic or charge.agent.name or "-",
                amount=charge.amount,
            )
            for charge in part.charges[: limits.CHARGES_PER_LEG_MAX]
        ]
        await record_store.add_charges(self._uow, payment.id, charges)
        return _outcome(part.uetr, "taken", payment)

    async def _take_transfers(self, body: CustomerTransfers) -> list[Outcome]:
        _check_count(len(body.transfers))
        today = business_day(self._now)
        uetrs = [each.uetr for each in body.transfers]
        if None in uetrs or len(set(uetrs)) < len(uetrs):
            raise CrossBorderMessageRefused("each transfer must have a UETR of its own")
        for transfer in body.transfers:
            check_currency(self._rulebook, transfer.amount.currency, today, field="IntrBkSttlmAmt")
        outcomes = []
        for transfer in sorted(body.transfers, key=lambda each: each.uetr or ""):
            uetr = uuid.UUID(transfer.uetr)
            known = await store.lock_by_uetr(self._uow, uetr, Direction.IN)
            if known is not None:
                result: Result = "known" if known.settled == transfer.amount else "contradicts"
                outcomes.append(_outcome(transfer.uetr, result, known))
                continue
            payment = await receive_transfer(
                self._uow,
                self._vault,
                transfer,
                payment_id=uuid7(int(self._now.timestamp() * 1_000)),
                uetr=uetr,
                message_id=body.header.message_id,
                rulebook=self._rulebook,
                now=self._now,
            )
            outcomes.append(_outcome(transfer.uetr, "taken", payment))
        return outcomes

    async def _lock(self, uetr: str | None) -> Payment | None:
        if uetr is None:
            return None
        return await store.lock_by_uetr(self._uow, uuid.UUID(uetr), Direction.OUT)

    async def _fill(self, payment: Payment, at: datetime) -> None:
        """Write that it was sent, where a later step is known before our own attempt's answer."""
        sent = PaymentState.SENT.value
        await record_store.add_event(self._uow, payment.id, sent, happened_at=at, now=self._now)


def _check_count(count: int) -> None:
    if count > limits.TRANSFERS_PER_MESSAGE_MAX:
        raise CrossBorderMessageRefused(
            f"a message has at most {limits.TRANSFERS_PER_MESSAGE_MAX} parts here"
        )


def _utc(at: datetime, now: datetime) -> datetime:
    """Return when a message was made; one without a zone says nothing that can be compared."""
    return now if at.tzinfo is None else at


def _outcome(uetr: str | None, result: Result, payment: Payment) -> Outcome:
    return Outcome(uetr=uetr, result=result, payment=show_id(CROSS_BORDER, payment.id))
