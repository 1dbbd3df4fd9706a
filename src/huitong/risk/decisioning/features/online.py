"""Features of payments in the path: read before the decision, counted with the posting."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from huitong.kernel.database.statement import Statement
from huitong.kernel.database.unit_of_work import DriverConnection
from huitong.risk.decisioning.features import store
from huitong.risk.decisioning.features.columns import is_night, make_columns
from huitong.risk.decisioning.features.facts import PaymentFacts
from huitong.risk.decisioning.features.marks import MarkRules, find_marks
from huitong.risk.decisioning.features.views import BatchRows, View
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
    rows = BatchRows(facts)
    found = await store.find_rows(connection, rows.wanted)
    at_us = store.to_microseconds(at)
    night = is_night(at)

    def mark(views: Mapping[str, View], number: int) -> None:
        each = facts[number]
        each.marks = find_marks(each, views, number, rules=marks, at_us=at_us, is_night=night)

    views = rows.look(found, at_us=at_us, day=store.to_day_number(at), mark=mark)
    return make_columns(facts, views, at=at, at_us=at_us)


def make_update(facts: Sequence[PaymentFacts], *, at: datetime) -> Statement:
    """Return the statement that counts payments which were posted at `at`."""
    return store.make_update(facts, at=at)
