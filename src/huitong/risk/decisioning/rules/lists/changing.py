"""Changing lists, which takes two people, and looking them up for a batch."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from huitong.kernel import audit, limits
from huitong.kernel.database.unit_of_work import DriverConnection, UnitOfWork
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import APPROVAL, show_id, uuid7
from huitong.risk.decisioning.rules.errors import ListEntryNotFound
from huitong.risk.decisioning.rules.lists import store
from huitong.risk.decisioning.rules.lists.types import Entity, EntityKind, ListEntry, ListKind

_AFTER_ALL_IDS: Final = uuid.UUID(int=2**128 - 1)
_LONGEST: Final = timedelta(days=limits.LIST_DAYS_MAX)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListChange:
    """Who comes onto a list, each until an instant or for good (None), and who is taken off."""

    list: ListKind
    add: Sequence[tuple[Entity, datetime | None]] = ()
    remove: Sequence[Entity] = ()

    @property
    def entities(self) -> tuple[Entity, ...]:
        """All whom it names, added and removed."""
        return (*(entity for entity, _ in self.add), *self.remove)


def read_list_change(document: object) -> ListChange:
    """Return the change that a JSON object writes.

    `{"list": "block", "add": [{"kind": "device", "key": "<hex>", "expires_at": null}], "remove":
    [{"kind": "device", "key": "<hex>"}]}`. Raises InvalidField naming the part.
    """
    if not isinstance(document, Mapping) or set(document) != {"list", "add", "remove"}:
        raise InvalidField("must have exactly list, add and remove", field="change")
    listed, add, remove = document["list"], document["add"], document["remove"]
    if listed not in [each.value for each in ListKind]:
        raise InvalidField(f"must be among {', '.join(ListKind)}", field="list")
    if not isinstance(add, list) or not isinstance(remove, list):
        raise InvalidField("must be lists", field="add")
    if not 1 <= len(add) + len(remove) <= limits.LIST_CHANGES_MAX:
        raise InvalidField(f"must have 1 to {limits.LIST_CHANGES_MAX} entries", field="add")
    added = [
        (
            _read_entity(each, f"add[{at}]", {"kind", "key", "expires_at"}),
            _read_instant(each["expires_at"], f"add[{at}].expires_at"),
        )
        for at, each in enumerate(add)
    ]
    removed = [
        _read_entity(each, f"remove[{at}]", {"kind", "key"}) for at, each in enumerate(remove)
    ]
    named = [entity for entity, _ in added] + removed
    if len(set(named)) < len(named):
        raise InvalidField("must name nobody twice", field="add")
    return ListChange(list=ListKind(listed), add=added, remove=removed)


def show_list_change(change: ListChange) -> dict[str, object]:
    """Return a change as `read_list_change` takes it: what an approval is asked for."""
    return {
        "list": change.list.value,
        "add": [
            {
                "kind": entity.kind.value,
                "key": entity.key.hex(),
                "expires_at": None if expires is None else expires.isoformat(),
            }
            for entity, expires in change.add
        ],
        "remove": [{"kind": each.kind.value, "key": each.key.hex()} for each in change.remove],
    }


def check_list_change(change: ListChange, *, now: datetime) -> None:
    """Refuse a change with an end that is over, too far away or missing; raises InvalidField."""
    for at, (entity, expires_at) in enumerate(change.add):
        if entity.kind is EntityKind.PAIR and change.list is not ListKind.ALLOW:
            raise InvalidField(
                "must not be a pair: pairs are only allowed", field=f"add[{at}].kind"
            )
        _check_end(change.list, expires_at, now=now, field=f"add[{at}].expires_at")


async def change_list(
    uow: UnitOfWork, change: ListChange, *, reason: str, approval_id: uuid.UUID, now: datetime
) -> list[ListEntry]:
    """Make a change that two people agreed on, and return who came onto the list.

    Who is on it already stands there anew, with the new reason and end. Raises InvalidField for an
    end that is over, too far away or missing (`allow`), and ListEntryNotFound.
    """
    check_list_change(change, now=now)
    await store.lock_lists(uow)
    for at, entity in enumerate(change.remove):
        if await store.remove(uow, change.list, entity, by=approval_id, now=now) is None:
            raise ListEntryNotFound("This is not on the list.", field=f"remove[{at}]")
    entries = []
    for entity, expires_at in change.add:
        await store.remove(uow, change.list, entity, by=approval_id, now=now)
        entry = ListEntry(
            id=uuid7(),
            list=change.list,
            entity=entity,
            reason=reason,
            added_at=now,
            expires_at=expires_at,
        )
        await store.insert(uow, entry, by=approval_id)
        entries.append(entry)
    await audit.record(
        uow,
        action="risk.change_list",
        subject=show_id(APPROVAL, approval_id),
        details={
            "list": change.list.value,
            "added": len(change.add),
            "removed": len(change.remove),
        },
    )
    return entries


async def find_listed(
    connection: DriverConnection, entities: Sequence[Entity], *, now: datetime
) -> dict[Entity, frozenset[ListKind]]:
    """Return the lists on which entities are now, in one query; who is on none is not in it."""
    if len(entities) > limits.LISTED_AT_ONCE_MAX:
        raise ValueError(f"more than {limits.LISTED_AT_ONCE_MAX} entities at once")
    wanted = list(dict.fromkeys(entities))
    found: dict[Entity, set[ListKind]] = {}
    if wanted:
        for place, listed in await store.find_listed(connection, wanted, now):
            found.setdefault(wanted[place], set()).add(listed)
    return {entity: frozenset(lists) for entity, lists in found.items()}


async def list_entries(
    uow: UnitOfWork,
    listed: ListKind,
    *,
    now: datetime,
    before_id: uuid.UUID | None = None,
    limit: int = limits.PAGE_SIZE_DEFAULT,
) -> list[ListEntry]:
    """Return a page of who is on a list now, newest first; raises InvalidField."""
    if not 1 <= limit <= limits.PAGE_SIZE_MAX:
        raise InvalidField(f"must be from 1 to {limits.PAGE_SIZE_MAX}, not {limit}", field="limit")
    return await store.list_entries(
        uow, listed, now=now, before_id=before_id or _AFTER_ALL_IDS, limit=limit
    )


def _check_end(listed: ListKind, expires_at: datetime | None, *, now: datetime, field: str) -> None:
    if expires_at is None:
        # An exception that nobody has to think of again is a hole.
        if listed is ListKind.ALLOW:
            raise InvalidField("must be given: nobody is allowed for ever", field=field)
    elif not now < expires_at <= now + _LONGEST:
        raise InvalidField(f"must be within {limits.LIST_DAYS_MAX} days from now", field=field)


def _read_entity(given: object, field: str, wanted: set[str]) -> Entity:
    if not isinstance(given, Mapping) or set(given) != wanted:
        raise InvalidField(f"must have exactly {', '.join(sorted(wanted))}", field=field)
    kind, key = given["kind"], given["key"]
    if kind not in [each.value for each in EntityKind]:
        raise InvalidField(f"must be among {', '.join(EntityKind)}", field=f"{field}.kind")
    try:
        return Entity(EntityKind(kind), bytes.fromhex(key))
    except (ValueError, TypeError) as error:
        raise InvalidField(f"must be the key of a {kind}", field=f"{field}.key") from error


def _read_instant(given: object, field: str) -> datetime | None:
    if given is None:
        return None
    try:
        instant = datetime.fromisoformat(given)  # type: ignore[arg-type]
    except (ValueError, TypeError) as error:
        raise InvalidField("must be an instant like 2026-12-31T00:00:00Z", field=field) from error
    if instant.tzinfo is None:
        raise InvalidField("must say its time zone", field=field)
    return instant
