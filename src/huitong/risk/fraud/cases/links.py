"""Who belongs to whom: links between entities, out of alerts and of the history of other rooms."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import product
from typing import Protocol

from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.risk.decisioning.decisions.types import Participant, Side
from huitong.risk.decisioning.rules.lists.types import Entity, EntityKind

_HOLDERS = frozenset({EntityKind.CUSTOMER, EntityKind.MERCHANT})


class LinkType(StrEnum):
    """What one entity has to do with another."""

    #: A customer or merchant has an account.
    OWNS = "owns"
    #: A customer (or account) acts from a device or address.
    USES = "uses"
    #: An account pays, or tried to pay, another one.
    PAYS = "pays"


@dataclass(frozen=True, slots=True)
class Link:
    """That `source` owns, uses or pays `target`; several times are one link."""

    type: LinkType
    source: Entity
    target: Entity

    def find_other(self, entity: Entity) -> Entity:
        """Return the other end."""
        return self.target if entity == self.source else self.source


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """How often and when a link was there."""

    times: int
    first_at: datetime
    last_at: datetime


class LinkSource(Protocol):
    """What the rooms beside risk know of who belongs to whom."""

    async def find_links(
        self, uow: UnitOfWork, entities: Sequence[Entity], *, since: datetime, each_max: int
    ) -> dict[Link, Seen]:
        """Return the links of entities that were there since an instant, `each_max` of each."""
        ...


def list_links(participants: Sequence[Participant]) -> Iterator[Link]:
    """Yield the links that one alert itself tells of."""
    sides: dict[Side, list[Entity]] = {side: [] for side in Side}
    for each in participants:
        sides[each.side].append(each.entity)
    for side in (Side.ACTOR, Side.COUNTERPARTY):
        for holder, account in product(_holders(sides[side]), _accounts(sides[side])):
            yield Link(LinkType.OWNS, holder, account)
    actors, payees = sides[Side.ACTOR], sides[Side.COUNTERPARTY]
    for payer, payee in product(_accounts(actors), _accounts(payees)):
        yield Link(LinkType.PAYS, payer, payee)
    users = _holders(actors) or _accounts(actors)
    for user, means in product(users, sides[Side.MEANS]):
        yield Link(LinkType.USES, user, means)


def _holders(entities: Sequence[Entity]) -> list[Entity]:
    return [each for each in entities if each.kind in _HOLDERS]


def _accounts(entities: Sequence[Entity]) -> list[Entity]:
    return [each for each in entities if each.kind is EntityKind.ACCOUNT]
