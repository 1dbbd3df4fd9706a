"""Overturning a decision: two people agree that it was wrong.

What was refused stays refused. The decision is marked, its label says genuine, and rules let the
payer pay the same payee for a limited time, so that trying again works. A payment that is held is
released by its own act.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from huitong.kernel import audit
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.ids import APPROVAL, show_id
from huitong.kernel.rulebook import Rulebook
from huitong.risk.decisioning.decisions.overturns import Overturn, find_overturn
from huitong.risk.decisioning.decisions.queries import get_decision, show_decision
from huitong.risk.decisioning.decisions.types import Side
from huitong.risk.decisioning.rules.lists.changing import ListChange, change_list
from huitong.risk.decisioning.rules.lists.types import Entity, EntityKind, ListKind
from huitong.risk.decisioning.types import Action
from huitong.risk.fraud.cases import store
from huitong.risk.fraud.cases.errors import AlreadyOverturned, NothingToOverturn
from huitong.risk.fraud.cases.types import Alert, EntryType
from huitong.risk.fraud.labels import Label, LabelSource, put_labels

_INSERT: Final = """
    INSERT INTO risk.overturns (decision_id, approval_id, reason, overturned_at, exempt_until)
    VALUES (:id, :approval_id, :reason, :now, :exempt_until)
    ON CONFLICT (decision_id) DO NOTHING RETURNING decision_id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overturnable:
    """A decision that can be overturned: its alert, if it has one, and who took part."""

    decision_id: uuid.UUID
    alert: Alert | None
    entities: tuple[Entity, ...]


async def check_can_overturn(uow: UnitOfWork, decision_id: uuid.UUID) -> Overturnable:
    """Return what overturning a decision is about.

    Raises DecisionNotFound, NothingToOverturn for one that allowed, AlreadyOverturned.
    """
    decision = await get_decision(uow, decision_id)
    if decision.action is Action.ALLOW:
        raise NothingToOverturn("It was let pass, so there is nothing to make good.")
    if await find_overturn(uow, decision_id) is not None:
        raise AlreadyOverturned("It was found wrong before.")
    alert = await store.find_alert(uow, decision_id)
    took_part = () if alert is None else alert.participants
    entities = tuple(each.entity for each in took_part)
    return Overturnable(decision_id=decision_id, alert=alert, entities=entities)


async def overturn_decision(
    uow: UnitOfWork,
    *,
    decision_id: uuid.UUID,
    approval_id: uuid.UUID,
    reason: str,
    rulebook: Rulebook,
    now: datetime,
) -> Overturn:
    """Overturn a decision, as two people agreed.

    Raises DecisionNotFound, NothingToOverturn, AlreadyOverturned.
    """
    found = await check_can_overturn(uow, decision_id)
    pair = None if found.alert is None else _find_pair(found.alert)
    hours = rulebook.integer("risk.overturn.exemption.hours", business_day(now))
    overturn = Overturn(
        decision_id=decision_id,
        approval_id=approval_id,
        reason=reason,
        overturned_at=now,
        exempt_until=None if pair is None else now + timedelta(hours=hours),
    )
    await _insert(uow, overturn)
    if pair is not None:
        change = ListChange(list=ListKind.ALLOW, add=[(pair, overturn.exempt_until)])
        await change_list(uow, change, reason=reason, approval_id=approval_id, now=now)
    label = Label(decision_id=decision_id, is_fraud=False, source=LabelSource.OVERTURN)
    await put_labels(uow, [label], now=now)
    shown = show_decision(decision_id)
    if found.alert is not None and found.alert.case_id is not None:
        await store.put_entry(uow, found.alert.case_id, EntryType.OVERTURNED, now=now, about=shown)
    await audit.record(
        uow,
        action="risk.overturn_decision",
        subject=shown,
        details={"approval": show_id(APPROVAL, approval_id), "exempted": pair is not None},
    )
    return overturn


async def _insert(uow: UnitOfWork, overturn: Overturn) -> None:
    row = await uow.fetch_one(
        _INSERT,
        id=overturn.decision_id,
        approval_id=overturn.approval_id,
        reason=overturn.reason,
        now=overturn.overturned_at,
        exempt_until=overturn.exempt_until,
    )
    if row is None:
        raise AlreadyOverturned("It was found wrong just now.")


def _find_pair(alert: Alert) -> Entity | None:
    payers = _find(alert, Side.ACTOR, EntityKind.ACCOUNT)
    payees = _find(alert, Side.COUNTERPARTY, EntityKind.ACCOUNT)
    if not (payers and payees):
        return None
    return Entity.of_pair(int.from_bytes(payers[0].key), int.from_bytes(payees[0].key))


def _find(alert: Alert, side: Side, kind: EntityKind) -> list[Entity]:
    return [
        each.entity for each in alert.participants if each.side is side and each.entity.kind is kind
    ]
