"""The graph around an alert, and which cases lie near enough to be the same.

A path costs what its links cost: owning nothing, using the same device or address 1, paying 2; a
case lies near up to `DISTANCE_MAX`. So two customers with one device, or a payee and whom they paid
on, are near; two who pay the same payee are near only if both did so in alerts. What has more links
than the limit of its kind (a carrier's address, a merchant that everybody pays) connects nothing,
but for the alerts of one and the same payer.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

import rustworkx as rx

from huitong.risk.decisioning.decisions.types import Participant, Side
from huitong.risk.decisioning.rules.lists.types import Entity, EntityKind
from huitong.risk.fraud.cases.links import Link, LinkType

DISTANCE_MAX: Final = 2.0
_COSTS: Final[Mapping[LinkType, float]] = {
    LinkType.OWNS: 0.0,
    LinkType.USES: 1.0,
    LinkType.PAYS: 2.0,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DegreeLimits:
    """From how many links on an entity connects nothing any more."""

    account: int
    device: int
    address: int

    @property
    def largest(self) -> int:
        """The largest of the limits."""
        return max(self.account, self.device, self.address)

    def of(self, kind: EntityKind) -> int:
        """Return the limit of a kind; that of accounts for whoever owns some."""
        if kind in (EntityKind.DEVICE, EntityKind.MOBILE):
            return self.device
        return self.address if kind is EntityKind.ADDRESS else self.account


@dataclass(slots=True)
class Neighbourhood:
    """What is known of the entities around one alert."""

    participants: tuple[Participant, ...]
    limits: DegreeLimits
    links: set[Link] = field(default_factory=set)
    #: Whose links were looked for: of the others nobody knows whether they are hubs.
    known: set[Entity] = field(default_factory=set)
    _around: dict[Entity, set[Entity]] = field(default_factory=dict)
    _owned: dict[Entity, set[Entity]] = field(default_factory=dict)

    def add(self, links: Iterable[Link]) -> None:
        """Add links that were found."""
        for link in links:
            self.links.add(link)
            self._around.setdefault(link.source, set()).add(link.target)
            self._around.setdefault(link.target, set()).add(link.source)
            if link.type is LinkType.OWNS:
                self._owned.setdefault(link.source, set()).add(link.target)

    def is_hub(self, entity: Entity) -> bool:
        """Say whether an entity has too many links, or owns what has."""
        return self._is_large(entity) or any(map(self._is_large, self._owned.get(entity, ())))

    def measure(self) -> dict[Entity, float]:
        """Return what lies within the distance, with it; its own participants are at 0."""
        graph: rx.PyGraph[Entity | None, float] = rx.PyGraph()
        start = graph.add_node(None)
        nodes: dict[Entity, int] = {}
        hubs = {entity for entity in self._entities() if self.is_hub(entity)}
        for link in self.links:
            if not hubs & {link.source, link.target}:
                ends = [_put(graph, nodes, end) for end in (link.source, link.target)]
                graph.add_edge(ends[0], ends[1], _COSTS[link.type])
        for each in self.participants:
            if each.entity not in hubs:
                graph.add_edge(start, _put(graph, nodes, each.entity), 0.0)
        costs = rx.dijkstra_shortest_path_lengths(graph, start, edge_cost_fn=float)
        return {
            entity: costs[node]
            for entity, node in nodes.items()
            if node in costs and costs[node] <= DISTANCE_MAX
        }

    def find_actors(self) -> set[Entity]:
        """Return who acts in the alert: their other alerts belong to it, however many links."""
        return {each.entity for each in self.participants if each.side is Side.ACTOR}

    def _entities(self) -> Collection[Entity]:
        return {*self._around, *(each.entity for each in self.participants)}

    def _is_large(self, entity: Entity) -> bool:
        return len(self._around.get(entity, ())) > self.limits.of(entity.kind)


def _put(graph: "rx.PyGraph[Entity | None, float]", nodes: dict[Entity, int], key: Entity) -> int:
    if key not in nodes:
        nodes[key] = graph.add_node(key)
    return nodes[key]
