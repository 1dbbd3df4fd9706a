"""What a person is told: a kind, at most an amount and a time, and nothing that names anybody."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from huitong.kernel.money import Money


class NoticeKind(StrEnum):
    """What happened; each has its text in `notice_texts.yaml`."""

    LOG_IN_NEW = "log_in_new"
    LOG_IN_STOPPED = "log_in_stopped"
    PAYMENT_DELAYED = "payment_delayed"
    PAYMENT_REVIEWED = "payment_reviewed"
    PAYMENT_GIVEN_BACK = "payment_given_back"
    WITHDRAWAL_DELAYED = "withdrawal_delayed"
    WITHDRAWAL_REVIEWED = "withdrawal_reviewed"
    WITHDRAWAL_RELEASED = "withdrawal_released"
    INSTRUCTION_WAITING = "instruction_waiting"
    STANDING_SKIPPED = "standing_skipped"
    LOAN_REMINDER = "loan_reminder"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One notice; `id` is the event's, `until` the time that its text names.

    `texts` are a reminder's own words by language, instead of the kind's; they name nobody. From
    `lapses_at` on it is not sent any more.
    """

    id: uuid.UUID
    kind: NoticeKind
    amount: Money | None = None
    until: datetime | None = None
    texts: Mapping[str, str] | None = None
    lapses_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DueNotice:
    """A notice that is to be sent now, to whom, and the how-manieth try it is."""

    notice: Notice
    login_id: uuid.UUID
    asked_at: datetime
    tries: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeMessage:
    """A message as it goes to the gateway; neither number nor text is shown in logs."""

    id: uuid.UUID
    mobile: str = field(repr=False)
    text: str = field(repr=False)
