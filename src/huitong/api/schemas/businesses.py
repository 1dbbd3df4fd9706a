"""Businesses as they travel: evidence comes in, masks go out."""

from datetime import date
from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field

from huitong import customers
from huitong.api.schemas.common import Body, GivenDay, Instant, MerchantId, Name, View
from huitong.api.schemas.customers import MerchantView, OpenMerchant, show_merchant
from huitong.api.schemas.ledger import Reason
from huitong.api.schemas.onboarding import NumberText, RemarkView
from huitong.customers import BusinessDetails, Document, DocumentKind, Person, StakeDetails
from huitong.kernel import limits
from huitong.kernel.ids import MERCHANT, show_id

PersonKey = Annotated[str, Field(pattern="^[a-z0-9_]{1,32}$", examples=["zhao"])]


class PersonBody(Body):
    """A person behind the business; others name them by `key`."""

    key: PersonKey
    name: Name
    id_number: NumberText
    valid_until: GivenDay | None = Field(default=None, description="None for 长期.")


class StakeBody(Body):
    """That a person or company holds a share of a company."""

    owner: Name = Field(description="A person's key, or a company's name or credit code.")
    owned: Name = Field(description="A company; the business itself by its credit code.")
    share: str = Field(pattern=r"^(0(\.[0-9]{1,12})?|1(\.0{1,12})?)$", examples=["0.6"])


class DocumentBody(Body):
    """A document that was seen."""

    kind: Literal["business_licence", "articles", "account_permit", "industry_permit"]
    reference: Name
    valid_until: GivenDay | None = Field(default=None, description="None never expires.")


class OpenBusiness(OpenMerchant):
    """A merchant with the evidence of its business."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "三味书屋",
                    "name_latin": "SANWEI BOOKS",
                    "city_latin": "SHAOXING",
                    "category_code": "5942",
                    "fee_rate": "0.006",
                    "credit_code": "91350100M000100Y43",
                    "legal_representative": "zhao",
                    "people": [{"key": "zhao", "name": "赵一", "id_number": "11010519491231002X"}],
                    "stakes": [{"owner": "zhao", "owned": "91350100M000100Y43", "share": "0.6"}],
                    "documents": [{"kind": "business_licence", "reference": "licence-1"}],
                }
            ]
        }
    )

    credit_code: NumberText = Field(description="统一社会信用代码 (GB 32100).")
    legal_representative: PersonKey
    people: list[PersonBody] = Field(min_length=1, max_length=limits.BUSINESS_PEOPLE_MAX)
    stakes: list[StakeBody] = Field(default=[], max_length=limits.OWNERSHIP_STAKES_MAX)
    controllers: list[PersonKey] = Field(
        default=[],
        max_length=limits.BUSINESS_PEOPLE_MAX,
        description="Who controls it otherwise; counts if nobody owns enough.",
    )
    senior_managers: list[PersonKey] = Field(
        default=[],
        max_length=limits.BUSINESS_PEOPLE_MAX,
        description="Counts if nobody owns enough and nobody controls it.",
    )
    documents: list[DocumentBody] = Field(default=[], max_length=limits.BUSINESS_DOCUMENTS_MAX)

    def read_business(self) -> BusinessDetails:
        """Return the evidence."""
        return BusinessDetails(
            credit_code=self.credit_code,
            legal_representative=self.legal_representative,
            people=tuple(
                Person(
                    key=each.key,
                    name=each.name,
                    id_number=each.id_number,
                    valid_until_on=each.valid_until,
                )
                for each in self.people
            ),
            stakes=tuple(
                StakeDetails(owner=each.owner, owned=each.owned, share=each.share)
                for each in self.stakes
            ),
            controllers=tuple(self.controllers),
            senior_managers=tuple(self.senior_managers),
            documents=tuple(
                Document(
                    kind=DocumentKind(each.kind),
                    reference=each.reference,
                    valid_until_on=each.valid_until,
                )
                for each in self.documents
            ),
        )


BusinessReviewReason = Literal["document_expired", "periodic", "registry"]
_REVIEW_REASONS: dict[str, BusinessReviewReason] = {
    "document_expired": "document_expired",
    "periodic": "periodic",
    "registry": "registry",
}


class CompleteBusinessReview(Body):
    """What staff saw when they looked at a business again."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        json_schema_extra={
            "examples": [{"documents_until": "2036-05-31", "reason": "new permit seen"}]
        }
    )

    documents_until: GivenDay | None = Field(
        default=None, description="The last day of whatever expires first; none if nothing does."
    )
    reason: Reason


class DueBusinessReviewView(View):
    """A business that staff have to look at."""

    merchant: MerchantId
    reason: BusinessReviewReason = Field(
        description="`registry`: the business register did not answer, or says something else."
    )
    marked_at: Instant
    documents_until: date | None
    review_due_on: date


class OwnerView(View):
    """A beneficial owner, masked."""

    name: str = Field(examples=["赵*"])
    basis: Literal["ownership", "control", "senior_manager"]
    share: str | None = Field(examples=["0.6"])


class BusinessView(View):
    """The business behind a merchant."""

    merchant: MerchantId
    credit_code: str = Field(description="Masked.")
    legal_representative: str = Field(description="Masked.")
    beneficial_owners: list[OwnerView]
    remarks: list[RemarkView]
    documents_until: date | None = Field(description="When the first document expires.")
    verified_at: Instant
    review_due_on: date
    review_reason: BusinessReviewReason | None = Field(
        description="Why staff have to look at it; null while they need not."
    )


class OpenedBusinessView(View):
    """The merchant as opened, and its business."""

    merchant: MerchantView
    business: BusinessView


def show_business(business: customers.Business, shown: customers.ShownBusiness) -> BusinessView:
    """Return a business as a view."""
    reason = business.review_reason
    return BusinessView(
        merchant=show_id(MERCHANT, business.merchant_id),
        credit_code=shown.credit_code,
        legal_representative=shown.legal_representative,
        beneficial_owners=[
            OwnerView(name=owner.name, basis=owner.basis.value, share=owner.share)
            for owner in shown.beneficial_owners
        ],
        remarks=[
            RemarkView(code=remark.code, field=remark.field, weight=remark.weight.value)
            for remark in business.remarks
        ],
        documents_until=business.documents_until_on,
        verified_at=business.verified_at,
        review_due_on=business.review_due_on,
        review_reason=None if reason is None else _REVIEW_REASONS[reason],
    )


def show_due_business_review(due: customers.DueBusinessReview) -> DueBusinessReviewView:
    """Return a due review as a view."""
    return DueBusinessReviewView(
        merchant=show_id(MERCHANT, due.merchant_id),
        reason=_REVIEW_REASONS[due.reason],
        marked_at=due.marked_at,
        documents_until=due.documents_until_on,
        review_due_on=due.review_due_on,
    )


def show_opened(
    merchant: customers.Merchant, business: customers.Business, shown: customers.ShownBusiness
) -> OpenedBusinessView:
    """Return a merchant with its business as a view."""
    return OpenedBusinessView(
        merchant=show_merchant(merchant), business=show_business(business, shown)
    )
