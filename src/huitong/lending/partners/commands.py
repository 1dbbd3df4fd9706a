"""Commands: partners and agreements by versions that two people agreed on."""

import uuid
from dataclasses import replace
from datetime import date, datetime

from huitong.kernel import audit
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField
from huitong.kernel.rulebook import Rulebook
from huitong.lending.partners import limits, store
from huitong.lending.partners.accounts import open_partner_accounts, open_plan_accounts
from huitong.lending.partners.checks import (
    check_agreement_fields,
    check_agreement_rules,
    check_partner_fields,
)
from huitong.lending.partners.errors import AgreementNotFound, PartnerNotFound, PartnerRefused
from huitong.lending.partners.types import NewAgreement, NewPartner, Partner, Plan
from huitong.lending.products import RATE_SCALE, get_product


async def check_partner(uow: UnitOfWork, new: NewPartner, *, now: datetime) -> int:
    """Return the number that a version would have; raises InvalidField, PartnerRefused."""
    check_partner_fields(new, business_day(now))
    versions = await store.list_partner_versions(uow, new.code)
    if not versions:
        if await store.count_partners(uow) >= limits.PARTNERS_MAX:
            raise PartnerRefused(f"there are {limits.PARTNERS_MAX} partners already")
        return 1
    last = versions[-1]
    if last.currency != new.currency:
        raise PartnerRefused(f"the partner's money is {last.currency}", field="currency")
    _check_later(new.effective_from, last.effective_from, last.version)
    return last.version + 1


async def add_partner_version(
    uow: UnitOfWork, new: NewPartner, *, approval_id: uuid.UUID, now: datetime
) -> Partner:
    """Write a version of a partner; with the first one the partner and its accounts.

    What was agreed on after its first day begins today. Raises what `check_partner` raises.
    """
    await store.lock_partners(uow)
    new = replace(new, effective_from=max(new.effective_from, business_day(now)))
    version = await check_partner(uow, new, now=now)
    if version == 1:
        accounts = await open_partner_accounts(uow, new.code, new.currency)
        partner_id = await store.insert_partner(uow, new, accounts, now=now)
    else:
        partner_id = (await store.list_partner_versions(uow, new.code))[0].id
    await store.insert_partner_version(
        uow, partner_id, version, new, approval_id=approval_id, now=now
    )
    await audit.record(
        uow,
        action="lending.add_partner",
        subject=new.code,
        details={"version": version, "effective_from": new.effective_from.isoformat()},
    )
    return (await store.list_partner_versions(uow, new.code))[-1]


async def check_agreement(
    uow: UnitOfWork, new: NewAgreement, *, rulebook: Rulebook, now: datetime
) -> tuple[int, list[Partner]]:
    """Return the number that a version would have, and its partners in order.

    Raises InvalidField, PartnerNotFound, ProductNotFound, PartnerRefused, AgreementAgainstRule.
    """
    check_agreement_fields(new, business_day(now))
    partners = [await _find_partner(uow, new, place) for place in range(len(new.shares))]
    check_agreement_rules(new, partners, rulebook=rulebook, on=new.effective_from)
    for place, code in enumerate(new.products):
        product = await get_product(uow, code, on=new.effective_from)
        if product.currency != new.currency:
            raise InvalidField(f"must be in {new.currency}", field=f"products.{place}")
    await _check_products_are_free(uow, new)
    versions = await store.list_agreement_versions(uow, new.code)
    if not versions:
        return 1, partners
    last = versions[-1]
    if last.currency != new.currency:
        raise PartnerRefused(f"the agreement is in {last.currency}", field="currency")
    assert last.version is not None, "it is an agreement's"
    _check_later(new.effective_from, last.effective_from, last.version)
    return last.version + 1, partners


async def add_agreement_version(
    uow: UnitOfWork,
    new: NewAgreement,
    *,
    approval_id: uuid.UUID,
    rulebook: Rulebook,
    now: datetime,
) -> Plan:
    """Write a version of an agreement with the accounts of its partners.

    Loans keep the version they were lent by. Raises what `check_agreement` raises.
    """
    await store.lock_partners(uow)
    new = replace(new, effective_from=max(new.effective_from, business_day(now)))
    version, partners = await check_agreement(uow, new, rulebook=rulebook, now=now)
    plan_id = await store.insert_plan(
        uow,
        agreement_id=await store.insert_agreement(uow, new),
        version=version,
        sale_id=None,
        effective_from=new.effective_from,
        products=new.products,
        is_open=new.is_open,
        own=(
            RATE_SCALE - sum(each.share for each in new.shares),
            RATE_SCALE - sum(each.loss_share for each in new.shares),
        ),
        approval_id=approval_id,
        now=now,
    )
    await _insert_shares(uow, plan_id, new, partners)
    await audit.record(
        uow,
        action="lending.add_agreement",
        subject=new.code,
        details={"version": version, "effective_from": new.effective_from.isoformat()},
    )
    return (await store.list_plans(uow, [plan_id]))[plan_id]


async def get_partner(uow: UnitOfWork, code: str, *, on: date) -> Partner:
    """Return a partner as it is on a day; raises PartnerNotFound."""
    begun = [e for e in await store.list_partner_versions(uow, code) if e.effective_from <= on]
    if not begun:
        raise PartnerNotFound(f"there is no partner {code} on {on}", field="partner")
    return begun[-1]


async def list_partners(uow: UnitOfWork, *, on: date) -> list[Partner]:
    """Return each partner as it is on a day, by code."""
    return await store.list_partners(uow, on, limit=limits.PARTNERS_MAX)


async def list_agreement_versions(uow: UnitOfWork, code: str) -> list[Plan]:
    """Return all versions of an agreement, first first; raises AgreementNotFound."""
    versions = await store.list_agreement_versions(uow, code)
    if not versions:
        raise AgreementNotFound(f"there is no agreement {code}", field="agreement")
    return versions


async def list_agreements(uow: UnitOfWork, *, on: date) -> list[Plan]:
    """Return the version of each agreement that is in force on a day, by code."""
    return await store.list_in_force(uow, on)


async def find_plan(uow: UnitOfWork, product: str, *, on: date) -> Plan | None:
    """Return what new loans of a product are lent by on a day, or None if we lend alone."""
    for each in await store.list_in_force(uow, on):
        if each.is_open and product in each.products:
            return each
    return None


async def _insert_shares(
    uow: UnitOfWork, plan_id: int, new: NewAgreement, partners: list[Partner]
) -> None:
    for place, (each, partner) in enumerate(zip(new.shares, partners, strict=True), 1):
        accounts = await open_plan_accounts(uow, plan_id, partner.id, new.currency)
        shares = (each.share, each.loss_share, each.fee_share)
        await store.insert_share(
            uow, plan_id, partner.id, place=place, shares=shares, accounts=accounts
        )


async def _find_partner(uow: UnitOfWork, new: NewAgreement, place: int) -> Partner:
    field = f"shares.{place}.partner"
    partner = await get_partner(uow, new.shares[place].partner, on=new.effective_from)
    if partner.currency != new.currency:
        raise InvalidField(f"must be in {new.currency}", field=field)
    if new.is_open and not partner.is_open:
        raise PartnerRefused(f"{partner.code} is not open for new loans", field=field)
    return partner


async def _check_products_are_free(uow: UnitOfWork, new: NewAgreement) -> None:
    """Refuse a product that another agreement lends, now or by a version that begins later."""
    if not new.is_open:
        return
    in_force = await store.list_in_force(uow, date.max)
    in_force += await store.list_in_force(uow, new.effective_from)
    for each in in_force:
        taken = sorted(set(new.products) & set(each.products))
        if each.is_open and each.code != new.code and taken:
            raise PartnerRefused(f"{taken[0]} is lent by agreement {each.code}", field="products")


def _check_later(day: date, last: date, version: int) -> None:
    if day <= last:
        raise PartnerRefused(
            f"version {version} begins on {last}; the next one begins later",
            field="effective_from",
        )
