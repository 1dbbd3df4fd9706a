"""Parties on the block list, where money moves without a decision of risk or long after it."""

from collections.abc import Collection
from datetime import datetime

from huitong import risk
from huitong.customers import Party
from huitong.kernel.database.unit_of_work import DriverConnection
from huitong.payments.assessing import STOPPED, list_party
from huitong.payments.errors import PaymentBlocked


async def find_blocked(
    connection: DriverConnection, parties: Collection[Party], *, now: datetime
) -> frozenset[int]:
    """Return the accounts of those parties that are on the block list now, in one query."""
    entities = {party.account_id: list_party(party) for party in parties}
    asked = [entity for each in entities.values() for entity in each]
    listed = await risk.find_listed(connection, asked, now=now)
    return frozenset(
        account_id
        for account_id, own in entities.items()
        if any(risk.ListKind.BLOCK in listed.get(entity, ()) for entity in own)
    )


def refuse_blocked(*, field: str | None = None) -> PaymentBlocked:
    """Return the refusal for a party on the block list, with the reason that payers are told."""
    why = risk.CHECKS_NOT_PASSED
    return PaymentBlocked(STOPPED, field=field, context={"reasons": [{"zh": why.zh, "en": why.en}]})
