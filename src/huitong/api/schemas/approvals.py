"""Requests of staff and decisions on them as they travel."""

import json
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal

from fastapi import Path
from pydantic import AfterValidator, ConfigDict, Field

from huitong import identity
from huitong.api.schemas.common import Body, Instant, View, example_id, id_pattern
from huitong.kernel import ids, limits
from huitong.kernel.ids import show_id

_DIGEST = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


def _check_text(text: str) -> str:
    if not text.strip() or not text.isprintable():
        raise ValueError("must be readable text")
    return text


Why = Annotated[
    str,
    Field(
        min_length=1,
        max_length=limits.APPROVAL_REASON_LENGTH_MAX,
        description="Why; colleagues and auditors read it. Name no person in it.",
        examples=["ticket 4711"],
    ),
    AfterValidator(_check_text),
]
StaffId = Annotated[str, Field(pattern=id_pattern(ids.STAFF), examples=[example_id(ids.STAFF)])]
ApprovalPath = Annotated[
    str,
    Path(
        pattern=id_pattern(ids.APPROVAL),
        description="The request's id.",
        examples=[example_id(ids.APPROVAL)],
    ),
]


class ApprovalView(View):
    """What one member of staff asks for, and what another one decided."""

    id: Annotated[str, Field(pattern=id_pattern(ids.APPROVAL), examples=[example_id(ids.APPROVAL)])]
    act: str = Field(examples=["ledger.set_account_state"])
    payload: dict[str, Any] = Field(description="What will be done, exactly.")
    digest: str = Field(
        description="SHA-256 of act and payload; the checker sends it back.", examples=[_DIGEST]
    )
    reason: str
    requested_by: StaffId
    requested_at: Instant
    expires_at: Instant
    state: Literal["pending", "approved", "rejected", "withdrawn", "expired"]
    decided_by: StaffId | None
    decided_at: Instant | None
    decision_reason: str | None
    outcome: dict[str, str] | None = Field(description="What came of it: ids.")


class Approve(Body):
    """The digest of what was read, and why it is right."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        json_schema_extra={"examples": [{"digest": _DIGEST, "reason": "court order was seen"}]}
    )

    digest: str = Field(pattern="^[0-9a-f]{64}$", examples=[_DIGEST])
    reason: Why


class Decline(Body):
    """Why it is not to be done."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        json_schema_extra={"examples": [{"reason": "wrong account"}]}
    )

    reason: Why


class DecidedView(View):
    """An approved request. What it made that is secret is shown here and never again."""

    approval: ApprovalView
    secret: str | None = Field(
        description="An API key's secret, or the token that enrols a member of staff; else null."
    )


class InvitationView(View):
    """The maker's half of an enrolment."""

    invitation: str = Field(pattern="^[A-Z2-7]{4}-[A-Z2-7]{4}$", examples=["ABCD-EFGH"])


def show_approval(approval: identity.Approval, now: datetime) -> ApprovalView:
    """Return a request as a view; one that nobody decided in time has expired."""
    is_expired = approval.state is identity.ApprovalState.PENDING and not approval.is_open(now)
    state: Any = "expired" if is_expired else approval.state.value
    by = approval.decided_by
    return ApprovalView(
        id=show_id(ids.APPROVAL, approval.id),
        act=approval.act,
        payload=json.loads(approval.payload),
        digest=approval.digest,
        reason=approval.reason,
        requested_by=show_id(ids.STAFF, approval.requested_by),
        requested_at=approval.requested_at,
        expires_at=approval.expires_at,
        state=state,
        decided_by=None if by is None else show_id(ids.STAFF, by),
        decided_at=approval.decided_at,
        decision_reason=approval.decision_reason,
        outcome=None if approval.outcome is None else dict(approval.outcome),
    )
