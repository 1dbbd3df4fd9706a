"""Opening merchants with evidence of the business and of the people behind it (KYB)."""

import uuid
from collections.abc import Sequence
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from typing import Final

import msgspec

from huitong.customers.businesses import store
from huitong.customers.businesses.judging import find_first_expiry, judge_business, list_owners
from huitong.customers.businesses.registry import RegistryAnswers, judge_registry
from huitong.customers.businesses.types import (
    Business,
    BusinessDetails,
    ShownBusiness,
    ShownOwner,
)
from huitong.customers.calendar import add_months
from huitong.customers.commands.opening import open_merchant
from huitong.customers.errors import BusinessExists, BusinessRefused
from huitong.customers.events import BusinessReviewDue, BusinessVerified
from huitong.customers.evidence import check_credit_code
from huitong.customers.onboarding.judging import has_weight
from huitong.customers.onboarding.types import Remark, Weight
from huitong.customers.types import Merchant
from huitong.kernel import audit, limits, outbox
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField, NotFound
from huitong.kernel.ids import MERCHANT, show_id
from huitong.kernel.money import Money
from huitong.kernel.rulebook import Rulebook
from huitong.privacy import DataKind, Vault, mask

CREDIT_CODE_FIELD: Final = "customers.businesses.credit_code"
DETAILS_FIELD: Final = "customers.businesses.details"
_CREDIT_CODE_INDEX: Final = "uscc"
_SHARE_PLACES: Final = Decimal("0.000001")


async def open_business(
    uow: UnitOfWork,
    vault: Vault,
    *,
    merchant_id: uuid.UUID,
    name: str,
    name_latin: str,
    city_latin: str,
    category_code: str,
    fee_rate: Decimal,
    fee_max: Money | None = None,
    currency: str = "CNY",
    business: BusinessDetails,
    answers: RegistryAnswers | None = None,
    rulebook: Rulebook,
    now: datetime,
) -> Merchant:
    """Open a merchant whose business gave evidence, and return it; all of it or nothing.

    `answers` is what `ask_about_business` gave, before the transaction. Where the register is out
    or says something else about owners, the business is before staff from the start.

    The same identifier with the same facts returns the merchant as opened. Raises InvalidField,
    BusinessRefused with the findings that are a no, BusinessExists for a credit code that another
    merchant has, MerchantExists, DataDestroyed.
    """
    _check_counts(business)
    today = business_day(now)
    remarks = (
        *judge_business(business, rulebook=rulebook, today=today),
        *judge_registry(business, answers, rulebook=rulebook, today=today),
    )
    _check_remarks(remarks)
    merchant = await open_merchant(
        uow,
        merchant_id=merchant_id,
        name=name,
        name_latin=name_latin,
        city_latin=city_latin,
        category_code=category_code,
        fee_rate=fee_rate,
        fee_max=fee_max,
        currency=currency,
        now=now,
    )
    facts = check_credit_code(business.credit_code).facts
    assert facts is not None, "a code that cannot be taken apart was refused"
    known = await store.find_business(uow, merchant_id)
    if known is not None:
        if await _open_details(uow, vault, known) != business:
            raise _exists()
        return merchant
    texts = {
        CREDIT_CODE_FIELD: facts.code,
        DETAILS_FIELD: msgspec.json.encode(business).decode(),
    }
    sealed = await vault.seal(uow, merchant_id, texts)
    made = Business(
        merchant_id=merchant_id,
        sealed_credit_code=sealed[CREDIT_CODE_FIELD],
        sealed_details=sealed[DETAILS_FIELD],
        remarks=remarks,
        documents_until_on=find_first_expiry(business),
        verified_at=now,
        review_due_on=add_months(today, rulebook.integer("aml.review.months", today)),
        review_reason="registry" if has_weight(remarks, Weight.REVIEW) else None,
    )
    index = vault.blind_index(_CREDIT_CODE_INDEX, facts.code)
    if not await store.insert_business(uow, made, index):
        raise _exists()
    if answers is not None:
        await store.insert_checks(uow, merchant_id, answers.all_answers, now)
    await _tell(uow, made, len(list_owners(business, rulebook=rulebook, today=today)))
    return merchant


def _check_remarks(remarks: Sequence[Remark]) -> None:
    refusing = [remark for remark in remarks if remark.weight is Weight.REFUSE]
    if refusing:
        found = [{"code": remark.code, "field": remark.field} for remark in refusing]
        raise BusinessRefused(
            f"{refusing[0].field}: {refusing[0].code}", context={"findings": found}
        )


async def get_business(uow: UnitOfWork, merchant_id: uuid.UUID) -> Business:
    """Return the business behind a merchant; raises NotFound if it gave no evidence."""
    business = await store.find_business(uow, merchant_id)
    if business is None:
        shown = show_id(MERCHANT, merchant_id)
        raise NotFound(f"there is no business behind {shown}", context={"id": shown})
    return business


async def show_business(
    uow: UnitOfWork, vault: Vault, business: Business, *, rulebook: Rulebook, today: date
) -> ShownBusiness:
    """Return a business as staff see it, masked, with its beneficial owners of `today`.

    Raises DataDestroyed.
    """
    details = await _open_details(uow, vault, business)
    names = {person.key: person.name for person in details.people}
    owners = list_owners(details, rulebook=rulebook, today=today)
    return ShownBusiness(
        credit_code=mask(DataKind.USCC, details.credit_code),
        legal_representative=mask(DataKind.NAME, names[details.legal_representative]),
        beneficial_owners=tuple(
            ShownOwner(
                name=mask(DataKind.NAME, names[owner.person]),
                basis=owner.basis,
                share=None if owner.share is None else _show_share(owner.share),
            )
            for owner in owners
        ),
    )


async def _open_details(uow: UnitOfWork, vault: Vault, business: Business) -> BusinessDetails:
    opened = await vault.open(uow, business.merchant_id, {DETAILS_FIELD: business.sealed_details})
    return msgspec.json.decode(opened[DETAILS_FIELD], type=BusinessDetails)


async def _tell(uow: UnitOfWork, business: Business, owners: int) -> None:
    await audit.record(
        uow,
        action="customers.open_business",
        subject=show_id(MERCHANT, business.merchant_id),
        details={"beneficial_owners": owners, "review_due_on": business.review_due_on},
    )
    events: list[outbox.Event] = [
        BusinessVerified(
            merchant_id=business.merchant_id,
            beneficial_owners=owners,
            verified_at=business.verified_at,
        )
    ]
    if business.review_reason is not None:
        events.append(
            BusinessReviewDue(
                merchant_id=business.merchant_id,
                reason=business.review_reason,
                due_at=business.verified_at,
            )
        )
    await outbox.append(uow, events)


def _check_counts(business: BusinessDetails) -> None:
    if not 1 <= len(business.people) <= limits.BUSINESS_PEOPLE_MAX:
        raise InvalidField(f"must be 1 to {limits.BUSINESS_PEOPLE_MAX}", field="people")
    if len(business.documents) > limits.BUSINESS_DOCUMENTS_MAX:
        raise InvalidField(f"must be at most {limits.BUSINESS_DOCUMENTS_MAX}", field="documents")


def _show_share(share: Fraction) -> str:
    value = Decimal(share.numerator) / Decimal(share.denominator)
    return format(value.quantize(_SHARE_PLACES, ROUND_HALF_EVEN).normalize(), "f")


def _exists() -> BusinessExists:
    return BusinessExists("another merchant has this credit code", field="credit_code")
