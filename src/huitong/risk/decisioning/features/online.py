"""Features of payments in the path: read before the decision, counted with the posting."""

from collections.abc import Sequence
from datetime import datetime

from huitong.kernel.database.statement import Statement
from huitong.kernel.database.unit_of_work import DriverConnection
from huitong.risk.decisioning.features import store
from huitong.risk.decisioning.features.columns import is_night, make_columns
from huitong.risk.decisioning.features.facts import PaymentFacts
from huitong.risk.decisioning.features.marks import MarkRules, find_marks
from huitong.risk.decisioning.features.meetings import Earlier, Meetings
from huitong.risk.decisioning.features.views import add_marks, make_views
from huitong.risk.decisioning.types import Features


async def load_features(
    connection: DriverConnection,
    facts: Sequence[PaymentFacts],
    *,
    at: datetime,
    marks: MarkRules,
) -> Features:
    """Return the features of payments that are decided at `at`, in the order of `facts`.

    Sets the marks of the payments, which `make_update` needs.

    They say what was known before each payment: the stored rows and the payments in front of it in
    the same batch, so that a hundred at once look no different from a hundred in a row. One query
    for the whole batch.
    """
    meetings = Meetings(facts)
    earlier = Earlier(meetings) if meetings.are_shared else None
    found = await store.find_rows(connection, meetings.keys)
    at_us = store.to_microseconds(at)
    views = make_views(meetings, earlier, found, at_us=at_us, day=store.to_day_number(at))
    found_marks = find_marks(facts, views, rules=marks, at_us=at_us, is_night=is_night(at))
    if earlier is not None:
        add_marks(views, earlier, found_marks)
    for each, own in zip(facts, found_marks.tolist(), strict=True):
        each.marks = own
    return make_columns(facts, views, at=at, at_us=at_us)


def make_update(facts: Sequence[PaymentFacts], *, at: datetime) -> Statement:
    """Return the statement that counts payments which were posted at `at`."""
    return store.make_update(facts, at=at)
