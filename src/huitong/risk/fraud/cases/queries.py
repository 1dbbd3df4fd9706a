"""Reading cases: queues, one case, its alerts and timeline, and the graph around it."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from huitong.kernel import limits
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import CASE, show_id
from huitong.kernel.rulebook import Rulebook
from huitong.risk.decisioning.rules.lists.types import Entity
from huitong.risk.fraud.cases import store, work_store
from huitong.risk.fraud.cases.errors import CaseNotFound
from huitong.risk.fraud.cases.graph import DegreeLimits
from huitong.risk.fraud.cases.links import Link, LinkSource, Seen
from huitong.risk.fraud.cases.neighbours import find_links, read_degree_limits, start_of_window
from huitong.risk.fraud.cases.types import Alert, Case, Entry, Queue

_AFTER_ALL_IDS: Final = uuid.UUID(int=2**128 - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One entity of a graph. `has_more` if it has more links than are shown."""

    entity: Entity
    is_of_case: bool
    has_more: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseGraph:
    """What to draw: nodes, and links of which both ends are among them."""

    nodes: tuple[Node, ...]
    links: tuple[tuple[Link, Seen], ...]
    #: Whether nodes were left out.
    is_cut: bool


async def get_case(uow: UnitOfWork, case_id: uuid.UUID, *, is_locked: bool = False) -> Case:
    """Return a case, held until the end of the transaction if asked for; raises CaseNotFound."""
    case = await store.find_case(uow, case_id, is_locked=is_locked)
    if case is None:
        raise CaseNotFound(f"there is no case {show_id(CASE, case_id)}")
    return case


async def list_cases(
    uow: UnitOfWork,
    queue: Queue,
    *,
    staff_id: uuid.UUID | None = None,
    after: uuid.UUID | None = None,
    limit: int = limits.PAGE_SIZE_DEFAULT,
) -> list[Case]:
    """Return a page of a queue after a case; `mine` takes `staff_id`. Raises InvalidField."""
    if not 1 <= limit <= limits.PAGE_SIZE_MAX:
        raise InvalidField(f"must be from 1 to {limits.PAGE_SIZE_MAX}", field="limit")
    if queue is Queue.MINE and staff_id is None:
        raise InvalidField("must be given for the queue of one member", field="staff_id")
    return await store.list_cases(uow, queue, staff_id=staff_id, after=after, count=limit)


async def list_case_alerts(
    uow: UnitOfWork,
    case_id: uuid.UUID,
    *,
    after: uuid.UUID | None = None,
    limit: int = limits.PAGE_SIZE_DEFAULT,
) -> list[Alert]:
    """Return a page of a case's alerts, oldest first; raises CaseNotFound."""
    await get_case(uow, case_id)
    return await store.list_alerts(uow, case_id, after=after, count=limit)


async def list_case_entries(
    uow: UnitOfWork,
    case_id: uuid.UUID,
    *,
    before_id: uuid.UUID | None = None,
    limit: int = limits.PAGE_SIZE_DEFAULT,
) -> list[Entry]:
    """Return a page of what happened with a case, newest first; raises CaseNotFound."""
    await get_case(uow, case_id)
    return await store.list_entries(uow, case_id, before=before_id or _AFTER_ALL_IDS, count=limit)


async def count_ungrouped(uow: UnitOfWork) -> int:
    """Return how many alerts are in no case yet."""
    return await store.count_ungrouped(uow)


async def find_people_in_cases(
    uow: UnitOfWork, people: Collection[uuid.UUID], *, staff_id: uuid.UUID
) -> frozenset[uuid.UUID]:
    """Return those of some customers who take part in an open case of a member of staff."""
    return await work_store.find_people_in_cases(uow, people, staff_id=staff_id)


async def draw_case(
    uow: UnitOfWork,
    case_id: uuid.UUID,
    *,
    sources: Sequence[LinkSource],
    rulebook: Rulebook,
    now: datetime,
) -> CaseGraph:
    """Return the entities of a case and whom they are linked to, for drawing.

    Of one entity as many links as would still connect cases; `CASE_NODES_MAX` nodes in all, those
    of the case first. Raises CaseNotFound.
    """
    await get_case(uow, case_id)
    day = business_day(now)
    degrees = read_degree_limits(rulebook, day)
    own = await work_store.list_entities(uow, case_id, count=limits.CASE_NODES_MAX + 1)
    found = await find_links(
        uow,
        own[: limits.CASE_NODES_MAX],
        sources,
        since=start_of_window(rulebook, day, now),
        each_max=degrees.largest + 1,
    )
    return _draw(own, found, degrees)


def _draw(own: Sequence[Entity], found: Mapping[Link, Seen], degrees: DegreeLimits) -> CaseGraph:
    """Return what fits of the entities of a case and their links."""
    is_cut = len(own) > limits.CASE_NODES_MAX
    shown: dict[Entity, set[Entity]] = {each: set() for each in own[: limits.CASE_NODES_MAX]}
    is_own, cut = set(shown), set()
    links = []
    for link in sorted(found, key=_order):
        ends = {link.source, link.target}
        full = {
            end
            for end in ends & shown.keys()
            if link.find_other(end) not in shown[end] and len(shown[end]) >= degrees.of(end.kind)
        }
        if full or len(shown) + len(ends - shown.keys()) > limits.CASE_NODES_MAX:
            cut |= full
            is_cut = True
            continue
        for end in (link.source, link.target):
            shown.setdefault(end, set()).add(link.find_other(end))
        links.append((link, found[link]))
    nodes = tuple(
        Node(entity=each, is_of_case=each in is_own, has_more=each in cut) for each in shown
    )
    return CaseGraph(nodes=nodes, links=tuple(links), is_cut=is_cut)


def _order(link: Link) -> tuple[str, bytes, bytes]:
    return link.type.value, link.source.key, link.target.key
