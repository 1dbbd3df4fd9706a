"""On whom there is work: what the monitoring of access takes for a reason to look at somebody.

Facts of the rooms decide, not the viewer: an application or a review that waits for staff, a
request of the person about their data, a colleague's request that waits for a second person, an
open case of risk that is the viewer's own, and a late loan that the viewer works on.
"""

import uuid
from collections.abc import Collection
from datetime import datetime

from huitong import customers, identity, lending, privacy, risk
from huitong.kernel.database.unit_of_work import UnitOfWork


async def find_people_with_open_work(
    uow: UnitOfWork, people: Collection[uuid.UUID], *, staff: identity.Staff, now: datetime
) -> frozenset[uuid.UUID]:
    """Return those of some people on whom a member of staff may have something to do."""
    if not people:
        return frozenset()
    waiting = await customers.find_people_with_work(uow, people)
    asking = await privacy.find_with_open_requests(uow, people)
    to_decide = await identity.find_people_to_decide_on(uow, people, staff=staff, now=now)
    in_cases = await risk.find_people_in_cases(uow, people, staff_id=staff.id)
    late = await lending.collections.find_people_in_collection(uow, people, staff_id=staff.id)
    return waiting | asking | to_decide | in_cases | late
