"""What is told about a business. Personal values are left out of every repr."""

import uuid
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

import msgspec

from huitong.customers.businesses.ownership import OwnerBasis
from huitong.customers.onboarding.types import Remark


class DocumentKind(StrEnum):
    """Documents of a business."""

    BUSINESS_LICENCE = "business_licence"
    ARTICLES = "articles"
    ACCOUNT_PERMIT = "account_permit"
    INDUSTRY_PERMIT = "industry_permit"


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """A person behind a business; `key` is how stakes name them."""

    key: str
    name: str
    id_number: str
    valid_until_on: date | None = None

    def __repr__(self) -> str:
        return "Person(…)"


class StakeDetails(msgspec.Struct, frozen=True, kw_only=True):
    """That `owner` (a person's key or a company's name) has `share` of `owned`, as decimal text."""

    owner: str
    owned: str
    share: str


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """A document that was seen; `valid_until_on` None never expires."""

    kind: DocumentKind
    reference: str
    valid_until_on: date | None = None


class BusinessDetails(msgspec.Struct, frozen=True, kw_only=True):
    """The evidence of a business. Stakes name the business itself by its credit code.

    `legal_representative`, `controllers` and `senior_managers` are keys of `people`.
    """

    credit_code: str
    legal_representative: str
    people: tuple[Person, ...]
    stakes: tuple[StakeDetails, ...] = ()
    controllers: tuple[str, ...] = ()
    senior_managers: tuple[str, ...] = ()
    documents: tuple[Document, ...] = ()

    def __repr__(self) -> str:
        return "BusinessDetails(…)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Business:
    """A business whose evidence was taken; the merchant with the same id is its account."""

    merchant_id: uuid.UUID
    sealed_credit_code: bytes = field(repr=False)
    sealed_details: bytes = field(repr=False)
    remarks: tuple[Remark, ...]
    documents_until_on: date | None
    verified_at: datetime
    review_due_on: date
    review_reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DueBusinessReview:
    """A business that staff have to look at, since when and why."""

    merchant_id: uuid.UUID
    reason: str
    marked_at: datetime
    documents_until_on: date | None
    review_due_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownOwner:
    """A beneficial owner, masked; `share` has at most six decimals."""

    name: str
    basis: OwnerBasis
    share: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownBusiness:
    """A business as staff see it: people and credit code masked."""

    credit_code: str
    legal_representative: str
    beneficial_owners: tuple[ShownOwner, ...]
