"""Whose the entities of risk are: the people who may not decide about them as staff."""

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from huitong import customers, identity
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.risk import Entity, EntityKind

_ALWAYS: Final = datetime(1970, 1, 1, tzinfo=UTC)


async def find_owners(uow: UnitOfWork, entities: Sequence[Entity]) -> frozenset[uuid.UUID]:
    """Return the customers and merchants whom some entities belong to, in four queries at most.

    An account and each end of a pair belong to their owner, a device to who logged in with it at
    any time, a mobile number to who has it now. An address is nobody's.
    """
    owners = {
        uuid.UUID(bytes=each.key)
        for each in entities
        if each.kind in {EntityKind.CUSTOMER, EntityKind.MERCHANT}
    }
    driver = await uow.driver()
    accounts = [account for each in entities for account in each.accounts]
    for party in (await customers.find_parties(driver, accounts) if accounts else {}).values():
        parts = (party.customer_id, party.merchant_id)
        owners.update(each for each in parts if each is not None)
    devices = [uuid.UUID(bytes=key) for key in _keys_of(entities, EntityKind.DEVICE)]
    if devices:
        uses = await identity.find_device_uses(
            uow, subject_ids=[], device_ids=devices, since=_ALWAYS, each_max=1
        )
        owners.update(each.subject_id for each in uses)
    mobiles = _keys_of(entities, EntityKind.MOBILE)
    if mobiles:
        owners.update(await customers.find_customers_by_mobile_index(driver, mobiles))
    return frozenset(owners)


def _keys_of(entities: Sequence[Entity], kind: EntityKind) -> list[bytes]:
    return [each.key for each in entities if each.kind is kind]
