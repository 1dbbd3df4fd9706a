"""Early warnings on loans as they travel."""

from datetime import date
from typing import Annotated, Literal

from fastapi import Path, Query
from pydantic import Field

from huitong import lending
from huitong.api.schemas.common import Body, CustomerId, View, example_id, id_pattern
from huitong.kernel import ids
from huitong.kernel.ids import show_id

WarningPath = Annotated[
    str,
    Path(
        pattern=id_pattern(ids.LOAN_WARNING),
        description="The warning's id.",
        examples=[example_id(ids.LOAN_WARNING)],
    ),
]
StateQuery = Annotated[
    Literal["open", "closed"] | None, Query(description="Only warnings in this state.")
]


class CloseWarning(Body):
    """How a person ends a warning; a watched borrower's loans are in stage 2 at least."""

    outcome: Literal["handled", "unfounded", "watched"]
    note: str = Field(min_length=1, max_length=1000, examples=["called, pays on Friday"])


class LoanWarningView(View):
    """An early warning: its sign in words, the figures behind it, and how it ended."""

    id: Annotated[str, Field(pattern=id_pattern(ids.LOAN_WARNING))]
    sign: str
    reason_zh: str
    reason_en: str
    subject: str
    customer: CustomerId | None
    details: dict[str, str | int]
    found_on: date
    last_seen_on: date
    state: Literal["open", "closed"]
    outcome: str | None
    note: str | None
    closed_on: date | None


def show_warning(found: lending.portfolio.CreditWarning) -> LoanWarningView:
    """Return a warning as it travels."""
    zh, en = lending.portfolio.SIGN_TEXTS[found.sign]
    return LoanWarningView(
        id=show_id(ids.LOAN_WARNING, found.id),
        sign=found.sign,
        reason_zh=zh,
        reason_en=en,
        subject=found.subject,
        customer=None if found.customer_id is None else show_id(ids.CUSTOMER, found.customer_id),
        details=dict(found.details),
        found_on=found.found_on,
        last_seen_on=found.last_seen_on,
        state="open" if found.outcome is None else "closed",
        outcome=None if found.outcome is None else found.outcome.value,
        note=found.note,
        closed_on=found.closed_on,
    )
