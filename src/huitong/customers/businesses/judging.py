"""Judging the evidence of a business: numbers, documents, and who stands behind it. Pure."""

from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Final

from huitong.customers.businesses.ownership import BeneficialOwner, Stake, find_beneficial_owners
from huitong.customers.businesses.types import BusinessDetails, DocumentKind
from huitong.customers.evidence import (
    Finding,
    FindingCode,
    Severity,
    check_credit_code,
    check_resident_id,
)
from huitong.customers.onboarding.types import Remark, Weight
from huitong.kernel.errors import InvalidField
from huitong.kernel.rulebook import Rulebook

_SHARE_MIN_KEY: Final = "aml.beneficial_owner.ownership.min"


def judge_business(
    business: BusinessDetails, *, rulebook: Rulebook, today: date
) -> tuple[Remark, ...]:
    """Return what is found about a business; anything that refuses is a no.

    Raises InvalidField for keys that name nobody and shares that cannot be.
    """
    remarks = [_weigh(finding) for finding in check_credit_code(business.credit_code).findings]
    for place, person in enumerate(business.people):
        field = f"people.{place}.id_number"
        checked = check_resident_id(person.id_number, today=today, field=field)
        remarks += [_weigh(finding) for finding in checked.findings]
        if person.valid_until_on is not None and person.valid_until_on < today:
            remarks.append(_refuse("expired", f"people.{place}.valid_until_on"))
    remarks += _judge_documents(business, today)
    if not list_owners(business, rulebook=rulebook, today=today):
        remarks.append(_refuse("beneficial_owner_unknown", "people"))
    return tuple(remarks)


def list_owners(
    business: BusinessDetails, *, rulebook: Rulebook, today: date
) -> tuple[BeneficialOwner, ...]:
    """Return the beneficial owners by the threshold of the day; raises as `judge_business`."""
    keys = {person.key for person in business.people}
    named = {
        "legal_representative": (business.legal_representative,),
        "controllers": business.controllers,
        "senior_managers": business.senior_managers,
    }
    for field, names in named.items():
        if not keys.issuperset(names):
            raise InvalidField("must be keys of people", field=field)
    if len(keys) != len(business.people):
        raise InvalidField("must have a key of its own each", field="people")
    return find_beneficial_owners(
        business.credit_code,
        [
            Stake(owner=each.owner, owned=each.owned, share=_read_share(each.share, place))
            for place, each in enumerate(business.stakes)
        ],
        people=keys,
        share_min=rulebook.decimal(_SHARE_MIN_KEY, today),
        controllers=business.controllers,
        senior_managers=business.senior_managers,
    )


def find_first_expiry(business: BusinessDetails) -> date | None:
    """Return the last day of whatever expires first: a document, or the representative's card."""
    days = [
        document.valid_until_on
        for document in business.documents
        if document.valid_until_on is not None
    ]
    days += [
        person.valid_until_on
        for person in business.people
        if person.key == business.legal_representative and person.valid_until_on is not None
    ]
    return min(days, default=None)


def _judge_documents(business: BusinessDetails, today: date) -> list[Remark]:
    remarks = [
        _refuse("expired", f"documents.{place}")
        for place, document in enumerate(business.documents)
        if document.valid_until_on is not None and document.valid_until_on < today
    ]
    kinds = {document.kind for document in business.documents}
    if DocumentKind.BUSINESS_LICENCE not in kinds:
        remarks.append(_refuse("missing", "documents.business_licence"))
    return remarks


def _read_share(text: str, place: int) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise InvalidField("must be a decimal number", field=f"stakes.{place}.share") from None


def _weigh(finding: Finding) -> Remark:
    is_note = finding.severity is Severity.WARNING or finding.code is FindingCode.AGE_IMPLAUSIBLE
    weight = Weight.NOTE if is_note else Weight.REFUSE
    return Remark(code=finding.code.value, field=finding.field, weight=weight)


def _refuse(code: str, field: str) -> Remark:
    return Remark(code=code, field=field, weight=Weight.REFUSE)
