"""What the other rooms know of who belongs to whom, for the graph around cases of risk."""

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from huitong import customers, identity, payments, risk
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.ids import uuid7_time
from huitong.risk import Entity, EntityKind, Link, LinkType, Seen

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class PaymentLinks:
    """Who paid whom, out of the orders of accounts."""

    async def find_links(
        self, uow: UnitOfWork, entities: Sequence[Entity], *, since: datetime, each_max: int
    ) -> dict[Link, Seen]:
        """Return the payments of accounts to and from others."""
        accounts = [int.from_bytes(key) for key in _keys_of(entities, EntityKind.ACCOUNT)]
        if not accounts:
            return {}
        found = await payments.find_counterparties(uow, accounts, since=since, each_max=each_max)
        links = {}
        for each in found:
            ends = Entity.of_account(each.account_id), Entity.of_account(each.other_account_id)
            source, target = ends if each.is_payer else ends[::-1]
            links[Link(LinkType.PAYS, source, target)] = Seen(
                times=each.times, first_at=each.first_at, last_at=each.last_at
            )
        return links


class AccountLinks:
    """Who owns which account. Owning does not end, so the window does not bound it."""

    async def find_links(
        self, uow: UnitOfWork, entities: Sequence[Entity], *, since: datetime, each_max: int
    ) -> dict[Link, Seen]:
        """Return the accounts of customers and merchants, and the owners of accounts."""
        del since, each_max
        accounts = [int.from_bytes(key) for key in _keys_of(entities, EntityKind.ACCOUNT)]
        people = _ids_of(entities, EntityKind.CUSTOMER)
        merchants = _ids_of(entities, EntityKind.MERCHANT)
        driver = await uow.driver()
        owned = [
            (kind, identifier, account_id)
            for kind, found in (
                (EntityKind.CUSTOMER, await customers.find_accounts_by_customer(driver, people)),
                (EntityKind.MERCHANT, await customers.find_accounts_by_merchant(driver, merchants)),
            )
            for identifier, account_id in found.items()
        ]
        for account_id, party in (await customers.find_parties(driver, accounts)).items():
            if party.customer_id is not None:
                owned.append((EntityKind.CUSTOMER, party.customer_id, account_id))
            if party.merchant_id is not None:
                owned.append((EntityKind.MERCHANT, party.merchant_id, account_id))
        links = {}
        for kind, identifier, account_id in owned:
            owner, account = Entity.of_id(kind, identifier), Entity.of_account(account_id)
            opened_at = uuid7_time(identifier) if identifier.version == 7 else _EPOCH  # noqa: PLR2004
            links[Link(LinkType.OWNS, owner, account)] = Seen(
                times=1, first_at=opened_at, last_at=opened_at
            )
        return links


class DeviceLinks:
    """Which devices customers use."""

    async def find_links(
        self, uow: UnitOfWork, entities: Sequence[Entity], *, since: datetime, each_max: int
    ) -> dict[Link, Seen]:
        """Return the devices of customers, and the customers of devices."""
        people = _ids_of(entities, EntityKind.CUSTOMER)
        devices = _ids_of(entities, EntityKind.DEVICE)
        found = await identity.find_device_uses(
            uow, subject_ids=people, device_ids=devices, since=since, each_max=each_max
        )
        return {
            Link(
                LinkType.USES,
                Entity.of_id(EntityKind.CUSTOMER, each.subject_id),
                Entity.of_id(EntityKind.DEVICE, each.device_id),
            ): Seen(times=1, first_at=each.first_at, last_at=each.last_at)
            for each in found
        }


def _keys_of(entities: Sequence[Entity], kind: EntityKind) -> list[bytes]:
    return [each.key for each in entities if each.kind is kind]


def _ids_of(entities: Sequence[Entity], kind: EntityKind) -> list[uuid.UUID]:
    return [uuid.UUID(bytes=key) for key in _keys_of(entities, kind)]


LINK_SOURCES: Final[tuple[risk.LinkSource, ...]] = (AccountLinks(), PaymentLinks(), DeviceLinks())
