"""What is done when staff agreed: `identity` decides on it, the rooms do it, and they meet here."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from huitong import customers, identity, ledger, payments
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.ids import APPLICATION, CUSTOMER, PAYMENT, REFUND, read_id, show_id
from huitong.kernel.money import Money
from huitong.kernel.rulebook import Rulebook
from huitong.privacy import Vault
from huitong.wiring.business_user_acts import BUSINESS_USER_ACTS
from huitong.wiring.channel_acts import CHANNEL_ACTS
from huitong.wiring.clearing_acts import make_clearing_acts
from huitong.wiring.collection_acts import make_collection_acts
from huitong.wiring.corporate_acts import CORPORATE_ACTS
from huitong.wiring.crossborder_acts import make_crossborder_acts
from huitong.wiring.lending_acts import make_lending_acts
from huitong.wiring.merchant_acts import make_merchant_acts
from huitong.wiring.reactions import react_to_decisions
from huitong.wiring.reconciling import make_reconciliation_acts
from huitong.wiring.risk_acts import make_risk_acts

Payload = Mapping[str, Any]


def make_approved_acts(vault: Vault, rulebook: Rulebook) -> identity.Handlers:
    """Return what does each act that takes two people."""
    evidence = _ActsOnEvidence(vault, rulebook)
    return {
        **identity.APPROVED_ACTS,
        **_ACTS,
        **CHANNEL_ACTS,
        **BUSINESS_USER_ACTS,
        **make_clearing_acts(rulebook),
        **CORPORATE_ACTS,
        **make_risk_acts(rulebook),
        **make_reconciliation_acts(rulebook),
        **make_merchant_acts(rulebook),
        **make_lending_acts(rulebook),
        **make_collection_acts(rulebook),
        **make_crossborder_acts(rulebook),
        "customers.approve_in_person": evidence.approve_in_person,
        "customers.confirm_in_person": evidence.confirm_in_person,
    }


class _ActsOnEvidence:
    """Acts that read what people handed in, and the rules of classes."""

    def __init__(self, vault: Vault, rulebook: Rulebook) -> None:
        self._vault, self._rulebook = vault, rulebook

    async def approve_in_person(
        self, uow: UnitOfWork, approval: identity.Approval, payload: Payload, *, now: datetime
    ) -> identity.Executed:
        """Open the customer, or refuse somebody who is one already, as the outcome then says."""
        application = await customers.approve_application(
            uow,
            self._vault,
            application_id=read_id(APPLICATION, payload["application"], field="application"),
            is_in_person=True,
            reason=approval.reason,
            rulebook=self._rulebook,
            on_decision=react_to_decisions(self._vault),
            now=now,
        )
        return identity.Executed(
            outcome={
                "application": show_id(APPLICATION, application.id),
                "state": application.state.value,
            }
        )

    async def confirm_in_person(
        self, uow: UnitOfWork, approval: identity.Approval, payload: Payload, *, now: datetime
    ) -> identity.Executed:
        """Raise the account to the highest class."""
        del approval
        customer = await customers.add_channels(
            uow,
            customer_id=_read_customer(payload),
            is_in_person=True,
            rulebook=self._rulebook,
            now=now,
        )
        return identity.Executed(outcome=_show_customer(customer.id))


async def _set_account_state(
    uow: UnitOfWork, approval: identity.Approval, payload: Payload, *, now: datetime
) -> identity.Executed:
    await ledger.set_account_state(
        uow,
        ledger.read_account(payload["account"], field="account"),
        state=ledger.AccountState[payload["state"]],
        reason=approval.reason,
        now=now,
    )
    return identity.Executed(outcome={"account": payload["account"]})


async def _refund(
    uow: UnitOfWork, approval: identity.Approval, payload: Payload, *, now: datetime
) -> identity.Executed:
    refund = await payments.refund(
        uow,
        order_id=read_id(PAYMENT, payload["payment"], field="payment"),
        # The request's own id: whatever happens, it is one refund.
        refund_id=approval.id,
        amount=Money.from_json(payload["amount"]),
        reason=approval.reason,
        now=now,
    )
    return identity.Executed(outcome={"refund": show_id(REFUND, refund.id)})


async def _release_withdrawal(
    uow: UnitOfWork,
    approval: identity.Approval,  # noqa: ARG001 - as every act has it
    payload: Payload,
    *,
    now: datetime,
) -> identity.Executed:
    order_id = read_id(PAYMENT, payload["payment"], field="payment")
    order = await payments.release_withdrawal(uow, order_id=order_id, now=now)
    return identity.Executed(outcome={"payment": show_id(PAYMENT, order.id)})


async def _stop_withdrawal(
    uow: UnitOfWork,
    approval: identity.Approval,  # noqa: ARG001 - as every act has it
    payload: Payload,
    *,
    now: datetime,
) -> identity.Executed:
    order_id = read_id(PAYMENT, payload["payment"], field="payment")
    order = await payments.stop_withdrawal(uow, order_id=order_id, now=now)
    return identity.Executed(outcome={"payment": show_id(PAYMENT, order.id)})


async def _freeze_customer(
    uow: UnitOfWork, approval: identity.Approval, payload: Payload, *, now: datetime
) -> identity.Executed:
    customer = await customers.freeze_customer(
        uow,
        customer_id=_read_customer(payload),
        are_credits_frozen=payload["scope"] == "all",
        reason=approval.reason,
        now=now,
    )
    return identity.Executed(outcome=_show_customer(customer.id))


async def _unfreeze_customer(
    uow: UnitOfWork, approval: identity.Approval, payload: Payload, *, now: datetime
) -> identity.Executed:
    customer = await customers.unfreeze_customer(
        uow, customer_id=_read_customer(payload), reason=approval.reason, now=now
    )
    return identity.Executed(outcome=_show_customer(customer.id))


async def _close_customer(
    uow: UnitOfWork, approval: identity.Approval, payload: Payload, *, now: datetime
) -> identity.Executed:
    customer = await payments.close_customer(
        uow, customer_id=_read_customer(payload), reason=approval.reason, now=now
    )
    await payments.crossborder.close_accounts(
        uow, party_id=customer.id, reason=approval.reason, now=now
    )
    return identity.Executed(outcome=_show_customer(customer.id))


def _read_customer(payload: Payload) -> uuid.UUID:
    return read_id(CUSTOMER, payload["customer"], field="customer")


def _show_customer(customer_id: uuid.UUID) -> dict[str, str]:
    return {"customer": show_id(CUSTOMER, customer_id)}


_ACTS: Final[identity.Handlers] = {
    "ledger.set_account_state": _set_account_state,
    "payments.refund": _refund,
    "payments.release_withdrawal": _release_withdrawal,
    "payments.stop_withdrawal": _stop_withdrawal,
    "customers.freeze": _freeze_customer,
    "customers.unfreeze": _unfreeze_customer,
    "customers.close": _close_customer,
}
