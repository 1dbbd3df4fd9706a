"""Finding the neighbourhood of an alert, step by step outwards, within limits."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final

from huitong.kernel import limits
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.rulebook import Rulebook
from huitong.risk.decisioning.decisions.types import Participant
from huitong.risk.decisioning.rules.lists.types import Entity
from huitong.risk.fraud.cases import grouping_store
from huitong.risk.fraud.cases.graph import DegreeLimits, Neighbourhood
from huitong.risk.fraud.cases.links import Link, LinkSource, Seen

#: A path within the distance has at most two links that cost, each between two that own.
_ROUNDS_MAX: Final = 4


def read_degree_limits(rulebook: Rulebook, on_day: date) -> DegreeLimits:
    """Return from how many links on something connects no cases."""
    return DegreeLimits(
        account=rulebook.integer("risk.cases.links.account.max", on_day),
        device=rulebook.integer("risk.cases.links.device.max", on_day),
        address=rulebook.integer("risk.cases.links.address.max", on_day),
    )


def start_of_window(rulebook: Rulebook, on_day: date, now: datetime) -> datetime:
    """Return since when links count."""
    return now - timedelta(days=rulebook.integer("risk.cases.window.days", on_day))


async def explore(
    uow: UnitOfWork,
    participants: Sequence[Participant],
    sources: Sequence[LinkSource],
    *,
    degrees: DegreeLimits,
    since: datetime,
) -> Neighbourhood:
    """Return what lies around an alert, with the links of everything that is near."""
    around = Neighbourhood(tuple(participants), degrees)
    wanted = {each.entity for each in participants}
    known: set[Entity] = set()
    for _ in range(_ROUNDS_MAX):
        new = _choose(wanted - known, room=limits.CASE_NODES_MAX - len(known))
        if not new:
            break
        known.update(new)
        found = await find_links(uow, new, sources, since=since, each_max=degrees.largest + 1)
        around.add(found)
        wanted = set(around.measure())
    around.known = known
    return around


@dataclass(slots=True)
class RememberedLinks:
    """A source that is asked once about each entity: for one batch, whose alerts share many."""

    source: LinkSource
    _found: dict[Entity, dict[Link, Seen]] = field(default_factory=dict, init=False)

    async def find_links(
        self, uow: UnitOfWork, entities: Sequence[Entity], *, since: datetime, each_max: int
    ) -> dict[Link, Seen]:
        """Return the links of entities, of those asked about before as they were then."""
        new = [each for each in entities if each not in self._found]
        if new:
            self._found.update((each, {}) for each in new)
            found = await self.source.find_links(uow, new, since=since, each_max=each_max)
            for link, seen in found.items():
                for end in (link.source, link.target):
                    if end in self._found:
                        self._found[end][link] = seen
        return {link: seen for each in entities for link, seen in self._found[each].items()}


async def find_links(
    uow: UnitOfWork,
    entities: Sequence[Entity],
    sources: Sequence[LinkSource],
    *,
    since: datetime,
    each_max: int,
) -> Mapping[Link, Seen]:
    """Return the links of entities from alerts and from every other source, put together."""
    found = await grouping_store.find_links(uow, entities, since=since, each_max=each_max)
    for source in sources:
        more = await source.find_links(uow, entities, since=since, each_max=each_max)
        for link, seen in more.items():
            before = found.get(link)
            found[link] = seen if before is None else _put_together(before, seen)
    return found


def _choose(entities: Collection[Entity], *, room: int) -> list[Entity]:
    ordered = sorted(entities, key=lambda each: (each.kind.value, each.key))
    return ordered[: max(room, 0)]


def _put_together(one: Seen, other: Seen) -> Seen:
    return Seen(
        times=max(one.times, other.times),
        first_at=min(one.first_at, other.first_at),
        last_at=max(one.last_at, other.last_at),
    )
