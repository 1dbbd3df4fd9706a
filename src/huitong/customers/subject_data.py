"""What customers offer to people's requests about their data: copying, blocking, keeping by law."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

import msgspec

from huitong import ledger
from huitong.customers import identity_store, store
from huitong.customers.commands.minors import lock_with_wards, release_wards
from huitong.customers.onboarding import marks
from huitong.customers.onboarding import store as application_store
from huitong.customers.onboarding.sealing import open_person_details
from huitong.customers.people import open_person
from huitong.kernel import limits
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import CUSTOMER, show_id
from huitong.privacy import Erasure, Json, Kept, Vault, kept_until

_IDENTITY: Final = "identity_records"


class CustomerData:
    """The customers' part in people's requests; nothing of it may be corrected or erased yet.

    Names, numbers, documents and pictures of customers are identity records, which the law keeps
    for ten years after the relationship has ended.
    """

    room: Final = "customers"
    correctable: Final[frozenset[str]] = frozenset()

    def __init__(self, vault: Vault) -> None:
        """Take the vault that the copy of the data is opened with."""
        self._vault = vault

    async def export(self, uow: UnitOfWork, subject_id: uuid.UUID) -> Mapping[str, Json]:
        """Return the facts of the customer and of the application; nothing for other people."""
        exported = await self._export_application(uow, subject_id)
        customer = await store.find_customer(uow, subject_id)
        if customer is None:
            return exported
        name, mobile = await open_person(uow, self._vault, customer)
        closed_at = customer.closed_at
        return exported | {
            "id": show_id(CUSTOMER, customer.id),
            "name": name,
            "mobile": mobile,
            "account": ledger.show_account(customer.account_id),
            "account_class": customer.account_class,
            "currency": customer.currency,
            "opened_at": customer.opened_at.isoformat(),
            "closed_at": None if closed_at is None else closed_at.isoformat(),
        }

    async def _export_application(self, uow: UnitOfWork, subject_id: uuid.UUID) -> dict[str, Json]:
        application = await application_store.find_application(uow, subject_id)
        if application is None:
            return {}
        pictures = await application_store.list_picture_kinds(uow, subject_id)
        items: Json = None
        if application.sealed_person is not None:
            person = await open_person_details(
                uow, self._vault, subject_id, application.sealed_person
            )
            items = msgspec.json.decode(msgspec.json.encode(person))
        shown: dict[str, Json] = {
            "state": application.state.value,
            "consent": application.consent_reference,
            "items": items,
            "pictures": sorted(kind.value for kind in pictures),
            "remarks": [f"{remark.field}: {remark.code}" for remark in application.remarks],
            "confirmed_by": list(application.channels),
        }
        return {"application": shown}

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
        accounts = await ledger.list_accounts_of(uow, subject_id)
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
            # No relationship came of the application, so no law keeps its pictures.
            await marks.delete_marks(uow, subject_id)
            return Erasure(erased=await application_store.delete_pictures(uow, subject_id))
        ended_on = business_day(customer.opened_at)
        for account in await ledger.list_accounts_of(uow, subject_id):
            if account.closed_at is None:
                await ledger.set_account_state(
                    uow,
                    account.id,
                    state=ledger.AccountState.CLOSED,
                    reason="The person's data is being erased",
                    now=now,
                )
            ended_on = max(ended_on, business_day(account.closed_at or now))
        if customer.closed_at is None:
            await lock_with_wards(uow, subject_id)
            await store.set_closed(uow, subject_id, now)
            await identity_store.end_identity(uow, subject_id, now)
            await release_wards(uow, subject_id, now=now)
        until_on = kept_until(_IDENTITY, ended_on, on=business_day(now))
        return Erasure(erased=0, kept=(Kept(data_class=_IDENTITY, until_on=until_on),))

    async def forget(self, uow: UnitOfWork, subject_id: uuid.UUID) -> None:
        """Overwrite the blind indexes of mobile, ID number, name and birth; marks go."""
        await marks.delete_marks(uow, subject_id)
        await store.forget_number(uow, subject_id)
        await identity_store.forget_numbers(uow, subject_id)


@dataclass(frozen=True, slots=True)
class UnopenedApplications:
    """Drafts that nobody handed in and applications that were refused, of nobody who is known."""

    vault: Vault
    data_class: str = "unopened_applications"

    async def count_due(self, uow: UnitOfWork, *, cutoff_on: date, limit: int) -> int:
        """Return how many were changed last on that day or before."""
        return len(await application_store.list_unopened(uow, cutoff_on, limit))

    async def destroy_due(
        self, uow: UnitOfWork, *, cutoff_on: date, now: datetime
    ) -> Sequence[str]:
        """Destroy pictures and data key of up to `limits.RETENTION_SUBJECTS_MAX` of them."""
        found = await application_store.list_unopened(uow, cutoff_on, limits.RETENTION_SUBJECTS_MAX)
        for application_id in found:
            await application_store.delete_pictures(uow, application_id)
            await marks.delete_marks(uow, application_id)
            await application_store.mark_erased(uow, application_id, now=now)
            await self.vault.destroy(uow, application_id, now=now)
        return [str(each) for each in found]
