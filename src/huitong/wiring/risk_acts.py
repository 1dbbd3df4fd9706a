"""Acts on rules, lists, models, tables and decisions of risk that take two people."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final

from huitong import identity, risk
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import DECISION, MODEL, RULE_VERSION, TABLE_VERSION, read_id, show_id
from huitong.kernel.rulebook import Rulebook
from huitong.wiring import overturning


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


async def _set_model_status(
    uow: UnitOfWork, approval: identity.Approval, payload: Mapping[str, Any], *, now: datetime
) -> identity.Executed:
    model = await risk.set_model_status(
        uow,
        model_id=read_id(MODEL, payload["model"], field="model"),
        status=risk.ModelStatus(payload["status"]),
        approval_id=approval.id,
        rulebook=Rulebook.load(),
        now=now,
    )
    return identity.Executed(
        outcome={"model": show_id(MODEL, model.id), "status": model.status.value}
    )


async def _reuse_model(
    uow: UnitOfWork, approval: identity.Approval, payload: Mapping[str, Any], *, now: datetime
) -> identity.Executed:
    model_id = read_id(MODEL, payload["model"], field="model")
    await risk.reuse_model(uow, model_id=model_id, approval_id=approval.id, now=now)
    return identity.Executed(outcome={"model": show_id(MODEL, model_id)})


async def _set_table_live(
    uow: UnitOfWork, approval: identity.Approval, payload: Mapping[str, Any], *, now: datetime
) -> identity.Executed:
    version = await risk.set_table_live(
        uow,
        version_id=read_id(TABLE_VERSION, payload["version"], field="version"),
        digest=payload["digest"],
        effective_from=_read_day(payload["effective_from"]),
        approval_id=approval.id,
        now=now,
    )
    return identity.Executed(outcome={"version": show_id(TABLE_VERSION, version.id)})


async def _retire_table(
    uow: UnitOfWork, approval: identity.Approval, payload: Mapping[str, Any], *, now: datetime
) -> identity.Executed:
    version = await risk.retire_table(
        uow,
        version_id=read_id(TABLE_VERSION, payload["version"], field="version"),
        approval_id=approval.id,
        now=now,
    )
    return identity.Executed(outcome={"version": show_id(TABLE_VERSION, version.id)})


def _read_day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise InvalidField("must be a day like 2026-12-31", field="effective_from") from error


_ACTS: Final[identity.Handlers] = {
    "risk.set_rules_live": _set_rules_live,
    "risk.retire_rules": _retire_rules,
    "risk.change_list": _change_list,
    "risk.set_model_status": _set_model_status,
    "risk.reuse_model": _reuse_model,
    "risk.set_table_live": _set_table_live,
    "risk.retire_table": _retire_table,
}


def make_risk_acts(rulebook: Rulebook) -> identity.Handlers:
    """Return what does each act of risk that takes two people."""

    async def overturn_decision(
        uow: UnitOfWork, approval: identity.Approval, payload: Mapping[str, Any], *, now: datetime
    ) -> identity.Executed:
        outcome = await overturning.overturn_decision(
            uow,
            decision_id=read_id(DECISION, payload["decision"], field="decision"),
            approval_id=approval.id,
            reason=approval.reason,
            rulebook=rulebook,
            now=now,
        )
        return identity.Executed(outcome=outcome)

    return {**_ACTS, "risk.overturn_decision": overturn_decision}
