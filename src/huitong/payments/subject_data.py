"""What payments offer to people's requests about their data: their orders, kept by law."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy.engine import Row

from huitong import ledger
from huitong.kernel import limits
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import DISPUTE, PAYMENT, show_id
from huitong.kernel.money import Money
from huitong.payments.stop_types import StoppedPayment
from huitong.payments.store import disputed, orders, stops
from huitong.payments.types import Order
from huitong.privacy import Erasure, Json, Kept, kept_until

_TRANSACTIONS: Final = "transaction_records"
_AFTER_ALL_IDS: Final = uuid.UUID(int=2**128 - 1)


class PaymentsData:
    """The payments of a customer's accounts; the ledger's entries stay whatever is asked."""

    room: Final = "payments"
    correctable: Final[frozenset[str]] = frozenset()

    async def export(self, uow: UnitOfWork, subject_id: uuid.UUID) -> Mapping[str, Json]:
        """Return the newest `limits.EXPORT_ORDERS_MAX` orders, stops and disputes of each."""
        shown: list[Json] = []
        stopped: list[Json] = []
        disputes: list[Json] = []
        for account in await ledger.list_accounts_of(uow, subject_id):
            found = await orders.list_orders_of_account(
                uow, account.id, _AFTER_ALL_IDS, limits.EXPORT_ORDERS_MAX
            )
            shown += [_show(order) for order in found]
            stopped += [
                _show_stop(stop)
                for stop in await stops.list_stops_of_payer(
                    uow, account.id, count=limits.EXPORT_ORDERS_MAX
                )
            ]
            disputes += [
                _show_dispute(row)
                for row in await disputed.list_disputes_of_payer(
                    uow, account.id, count=limits.EXPORT_ORDERS_MAX
                )
            ]
        data: dict[str, Json] = {
            "orders": shown,
            "stopped_payments": stopped,
            "disputes": disputes,
        }
        return {name: listed for name, listed in data.items() if listed}

    async def correct(
        self,
        uow: UnitOfWork,  # noqa: ARG002 - the protocol's, as the others below
        subject_id: uuid.UUID,  # noqa: ARG002
        corrections: Mapping[str, str],
        *,
        now: datetime,  # noqa: ARG002
    ) -> None:
        """Refuse: what was paid was paid."""
        raise InvalidField("cannot be corrected here", field=min(corrections))

    async def blockers(self, uow: UnitOfWork, subject_id: uuid.UUID) -> Sequence[str]:
        """Return `open_orders` while a payment has no outcome, `open_disputes` while a dispute."""
        found: set[str] = set()
        for account in await ledger.list_accounts_of(uow, subject_id):
            if await orders.has_open_orders(uow, account.id):
                found.add("open_orders")
            if await disputed.has_open_dispute(uow, account.id):
                found.add("open_disputes")
        return tuple(sorted(found))

    async def erase(self, uow: UnitOfWork, subject_id: uuid.UUID, *, now: datetime) -> Erasure:
        """Erase nothing, and say until when the law keeps the last transaction."""
        last_at: datetime | None = None
        for account in await ledger.list_accounts_of(uow, subject_id):
            made_at = await orders.find_last_day(uow, account.id)
            if made_at is not None and (last_at is None or made_at > last_at):
                last_at = made_at
        if last_at is None:
            return Erasure(erased=0)
        until_on = kept_until(_TRANSACTIONS, business_day(last_at), on=business_day(now))
        return Erasure(erased=0, kept=(Kept(data_class=_TRANSACTIONS, until_on=until_on),))

    async def forget(self, uow: UnitOfWork, subject_id: uuid.UUID) -> None:
        """Take away what the person wrote into payments; who paid whom stays, by number."""
        for account in await ledger.list_accounts_of(uow, subject_id):
            await orders.forget_descriptions(uow, account.id)
            await stops.forget_appeals(uow, account.id)
            await disputed.forget_statements(uow, account.id)


def _show(order: Order) -> dict[str, Json]:
    shown: dict[str, Json] = {
        "id": show_id(PAYMENT, order.id),
        "kind": order.kind.value,
        "status": order.status.value,
        "amount": order.amount.to_json(),
        "refunded": order.refunded.to_json(),
        "created_at": order.created_at.isoformat(),
    }
    for name, account in (("payer", order.payer_account_id), ("payee", order.payee_account_id)):
        shown[name] = None if account is None else ledger.show_account(account)
    return shown | {"reference": order.reference, "description": order.description}


def _show_dispute(row: Row[Any]) -> Json:
    return {
        "id": show_id(DISPUTE, row.id),
        "payment": show_id(PAYMENT, row.order_id),
        "reason": row.reason,
        "statement": row.statement,
        "amount": Money(row.amount, row.currency).to_json(),
        "stage": row.stage,
        "outcome": row.outcome,
        "opened_at": row.opened_at.isoformat(),
    }


def _show_stop(stop: StoppedPayment) -> Json:
    return {
        "id": show_id(PAYMENT, stop.id),
        "action": stop.action.value,
        "state": stop.state.value,
        "outcome": stop.outcome,
        "amount": stop.amount.to_json(),
        "payee": ledger.show_account(stop.payee_account_id),
        "stopped_at": stop.stopped_at.isoformat(),
        "reasons": [{"zh": why.zh, "en": why.en} for why in stop.reasons],
        "appeal": stop.appeal,
        "answer": stop.answer,
    }
