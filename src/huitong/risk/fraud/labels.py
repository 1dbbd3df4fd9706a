"""Labels: what became known of decisions afterwards, fraud or not, and who said so."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from huitong.kernel import audit, limits
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import LimitExceeded
from huitong.kernel.ids import uuid7
from huitong.risk.decisioning.decisions.overturns import find_overturned
from huitong.risk.decisioning.decisions.queries import DecisionNotFound, show_decision


class LabelSource(StrEnum):
    """How it became known."""

    #: A case was closed with this outcome.
    CASE = "case"
    #: A dispute or chargeback was decided so.
    DISPUTE = "dispute"
    #: The customer said so.
    CUSTOMER = "customer"
    #: It came with history from elsewhere.
    IMPORT = "import"
    #: Two people overturned the decision.
    OVERTURN = "overturn"
    #: Staff looked at what was held and gave it back as fraud.
    REJECTION = "rejection"


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """Whether what a decision was about was fraud."""

    decision_id: uuid.UUID
    is_fraud: bool
    source: LabelSource


async def put_labels(uow: UnitOfWork, labels: Sequence[Label], *, now: datetime) -> None:
    """Write down what became known; a later label of a decision replaces an earlier one.

    Raises DecisionNotFound, and LimitExceeded for too many at once; then none is written.
    """
    if len(labels) > limits.LABELS_AT_ONCE_MAX:
        raise LimitExceeded(
            f"must be at most {limits.LABELS_AT_ONCE_MAX} at once, not {len(labels)}",
            field="labels",
        )
    if not labels:
        return
    ids = [each.decision_id for each in labels]
    rows = await uow.execute("SELECT id FROM risk.decisions WHERE id = ANY(:ids)", ids=ids)
    for unknown in set(ids) - {row.id for row in rows}:
        raise DecisionNotFound(f"there is no decision {show_decision(unknown)}")
    await uow.execute(
        """
        INSERT INTO risk.labels (id, decision_id, is_fraud, source, labelled_by, labelled_at)
        SELECT n.id, n.decision_id, n.is_fraud, n.source, :actor, :now
          FROM unnest(CAST(:row_ids AS uuid[]), CAST(:ids AS uuid[]), CAST(:frauds AS boolean[]),
                      CAST(:sources AS text[])) AS n(id, decision_id, is_fraud, source)
        """,
        row_ids=[uuid7() for _ in labels],
        ids=ids,
        frauds=[each.is_fraud for each in labels],
        sources=[each.source.value for each in labels],
        actor=uow.caller.actor,
        now=now,
    )
    frauds = sum(each.is_fraud for each in labels)
    await audit.record(
        uow,
        action="risk.label",
        subject=show_decision(ids[0]) if len(ids) == 1 else f"{len(ids)} decisions",
        details={"fraud": frauds, "genuine": len(labels) - frauds},
    )


async def label_rejected(uow: UnitOfWork, decision_id: uuid.UUID, *, now: datetime) -> None:
    """Write down that staff gave back what was held, as fraud.

    What two people overturned keeps its label. Raises DecisionNotFound.
    """
    if not await find_overturned(uow, [decision_id]):
        label = Label(decision_id=decision_id, is_fraud=True, source=LabelSource.REJECTION)
        await put_labels(uow, [label], now=now)


async def find_labels(uow: UnitOfWork, decision_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, Label]:
    """Return what is known now of decisions; those of which nothing is known are not in it."""
    rows = await uow.execute(
        """
        SELECT DISTINCT ON (decision_id) decision_id, is_fraud, source
          FROM risk.labels WHERE decision_id = ANY(:ids)
         ORDER BY decision_id, id DESC
        """,
        ids=list(decision_ids),
    )
    return {
        row.decision_id: Label(
            decision_id=row.decision_id, is_fraud=row.is_fraud, source=LabelSource(row.source)
        )
        for row in rows
    }
