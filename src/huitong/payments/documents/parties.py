"""Who stands on a paper: names as its reader may see them, numbers with their middle covered."""

import uuid
from collections.abc import Collection
from typing import Final

from huitong import customers, ledger
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.payments.documents.types import Named
from huitong.privacy import DataKind, Vault, mask

#: Somebody who has left, or whose data was destroyed.
GONE: Final = "（已销户 closed）"
_SHOWN_DIGITS: Final = 4


async def name_parties(
    uow: UnitOfWork, vault: Vault, account_ids: Collection[int], *, reader_id: uuid.UUID | None
) -> dict[int, Named]:
    """Return who holds each account, for a paper that `reader_id` reads (None: staff).

    Businesses and the reader are named whole, other people masked, accounts of our own by what
    they are for.
    """
    numbers = sorted(set(account_ids))
    parties = await customers.find_parties(await uow.driver(), numbers)
    names = await customers.find_holder_names(uow, vault, numbers)
    found: dict[int, Named] = {}
    for number in numbers:
        party = parties.get(number)
        if party is None:
            name = await _name_own_account(uow, number)
        elif number not in names:
            name = GONE
        elif party.merchant_id is not None or party.customer_id == reader_id:
            name = names[number]
        else:
            name = mask(DataKind.NAME, names[number])
        is_person = party is not None and party.customer_id is not None
        found[number] = Named(name=name, account=mask_account(number), is_person=is_person)
    return found


def mask_account(number: int) -> str:
    """Return an account's number with its middle covered: `1000****0190`."""
    digits = str(number)
    if len(digits) <= 2 * _SHOWN_DIGITS:
        return "*" * len(digits)
    return f"{digits[:_SHOWN_DIGITS]}****{digits[-_SHOWN_DIGITS:]}"


async def _name_own_account(uow: UnitOfWork, number: int) -> str:
    account = await ledger.get_account(uow, number)
    for each in ledger.load_chart():
        if each.code == account.chart_code:
            return f"{each.name_zh} {each.name_en}"
    return account.name
