"""What customers offer to people's requests about their data: copying, blocking, keeping by law."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from huitong import ledger
from huitong.customers import store
from huitong.kernel import limits
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import CUSTOMER, show_id
from huitong.privacy import Erasure, Json, Kept, kept_until

_IDENTITY: Final = "identity_records"


class CustomerData:
    """The customers' part in people's requests; nothing of it may be corrected or erased yet.

    Names and mobile numbers are identity records, which the law keeps for ten years after the
    relationship has ended.
    """

    room: Final = "customers"
    correctable: Final[frozenset[str]] = frozenset()

    async def export(self, uow: UnitOfWork, subject_id: uuid.UUID) -> Mapping[str, Json]:
        """Return the customer's facts, or nothing for people who are no customers."""
        customer = await store.find_customer(uow, subject_id)
        if customer is None:
            return {}
        return {
            "id": show_id(CUSTOMER, customer.id),
            "name": customer.name,
            "mobile": customer.mobile,
            "account": ledger.show_account(customer.account_id),
            "account_class": customer.account_class,
            "currency": customer.currency,
            "opened_at": customer.opened_at.isoformat(),
        }

    async def correct(
        self,
        uow: UnitOfWork,  # noqa: ARG002 - the protocol's, as the others below
        subject_id: uuid.UUID,  # noqa: ARG002
        corrections: Mapping[str, str],
        *,
        now: datetime,  # noqa: ARG002
    ) -> None:
        """Refuse: nothing is correctable."""
        raise InvalidField("cannot be corrected here", field=min(corrections))

    async def blockers(self, uow: UnitOfWork, subject_id: uuid.UUID) -> Sequence[str]:
        """Return `open_balance` or `open_holds` while money is on an account of the person."""
        accounts = await _list_accounts(uow, subject_id)
        balances = await ledger.get_balances(uow, [account.id for account in accounts])
        found = set()
        for balance in balances.values():
            if not balance.posted.is_zero:
                found.add("open_balance")
            if balance.debits_pending or balance.credits_pending:
                found.add("open_holds")
        return sorted(found)

    async def erase(self, uow: UnitOfWork, subject_id: uuid.UUID, *, now: datetime) -> Erasure:
        """Close the person's accounts, which ends the relationship, and say what is kept from then.

        Raises AccountNotEmpty if money came in since the blockers were asked.
        """
        customer = await store.find_customer(uow, subject_id)
        if customer is None:
            return Erasure(erased=0)
        ended_on = business_day(customer.opened_at)
        for account in await _list_accounts(uow, subject_id):
            if account.closed_at is None:
                await ledger.set_account_state(
                    uow,
                    account.id,
                    state=ledger.AccountState.CLOSED,
                    reason="The person's data is being erased",
                    now=now,
                )
            ended_on = max(ended_on, business_day(account.closed_at or now))
        until_on = kept_until(_IDENTITY, ended_on, on=business_day(now))
        return Erasure(erased=0, kept=(Kept(data_class=_IDENTITY, until_on=until_on),))


async def _list_accounts(uow: UnitOfWork, owner_id: uuid.UUID) -> list[ledger.Account]:
    found: list[ledger.Account] = []
    cursor: str | None = None
    while True:
        page = await ledger.list_accounts(
            uow, owner_id=owner_id, cursor=cursor, limit=limits.PAGE_SIZE_MAX
        )
        found += page.items
        cursor = page.next_cursor
        if cursor is None:
            return found
