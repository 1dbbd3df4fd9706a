"""What is done when staff agreed: `identity` decides on it, the rooms do it, and they meet here."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final

from huitong import identity, ledger, payments, risk
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import PAYMENT, REFUND, RULE_VERSION, read_id, show_id
from huitong.kernel.money import Money


async def _set_account_state(
    uow: UnitOfWork, approval: identity.Approval, payload: Mapping[str, Any], *, now: datetime
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
    uow: UnitOfWork, approval: identity.Approval, payload: Mapping[str, Any], *, now: datetime
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


async def _set_rules_live(
    uow: UnitOfWork, approval: identity.Approval, payload: Mapping[str, Any], *, now: datetime
) -> identity.Executed:
    version = await risk.set_rules_live(
        uow,
        version_id=read_id(RULE_VERSION, payload["version"], field="version"),
        digest=payload["digest"],
        effective_from=_read_day(payload["effective_from"]),
        approval_id=approval.id,
        now=now,
    )
    return identity.Executed(outcome={"version": show_id(RULE_VERSION, version.id)})


async def _retire_rules(
    uow: UnitOfWork, approval: identity.Approval, payload: Mapping[str, Any], *, now: datetime
) -> identity.Executed:
    version = await risk.retire_rules(
        uow,
        version_id=read_id(RULE_VERSION, payload["version"], field="version"),
        approval_id=approval.id,
        now=now,
    )
    return identity.Executed(outcome={"version": show_id(RULE_VERSION, version.id)})


async def _change_list(
    uow: UnitOfWork, approval: identity.Approval, payload: Mapping[str, Any], *, now: datetime
) -> identity.Executed:
    change = risk.read_list_change(payload)
    await risk.change_list(uow, change, reason=approval.reason, approval_id=approval.id, now=now)
    return identity.Executed(outcome={"list": change.list.value})


def _read_day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise InvalidField("must be a day like 2026-12-31", field="effective_from") from error


APPROVED_ACTS: Final[identity.Handlers] = {
    **identity.APPROVED_ACTS,
    "ledger.set_account_state": _set_account_state,
    "payments.refund": _refund,
    "risk.set_rules_live": _set_rules_live,
    "risk.retire_rules": _retire_rules,
    "risk.change_list": _change_list,
}
