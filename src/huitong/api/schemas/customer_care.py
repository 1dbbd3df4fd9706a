"""Limits, freezes, reviews and the end of a relationship, as they travel."""

from datetime import date
from typing import ClassVar, Literal

from pydantic import ConfigDict, Field

from huitong import customers, payments
from huitong.api.schemas.common import (
    Body,
    CustomerId,
    GivenDay,
    Instant,
    MoneyView,
    View,
    show_money,
)
from huitong.api.schemas.customers import AccountClass, CustomerView
from huitong.api.schemas.ledger import Reason
from huitong.api.schemas.onboarding import NumberText
from huitong.kernel.ids import CUSTOMER, show_id

MeterName = Literal["balance_payments", "static_code", "dynamic_code"]


ReviewReason = Literal["document_expired", "periodic", "guardian_lost", "came_of_age"]


class ChangeCustomer(Body):
    """Why a customer is unfrozen, closed, or was seen in person."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        json_schema_extra={"examples": [{"reason": "asked for by the customer"}]}
    )

    reason: Reason


class CompleteReview(Body):
    """What staff saw when they looked at a customer again."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        json_schema_extra={
            "examples": [{"valid_until": "2046-05-01", "reason": "new card shown at the counter"}]
        }
    )

    valid_until: GivenDay | None = Field(
        default=None, description="The document's last day; none for 长期."
    )
    reason: Reason


class ReplaceGuardian(Body):
    """Who acts for a minor from now on, and why."""

    guardian: CustomerId
    reason: Reason


class ProveBankCard(Body):
    """A card of another bank, which confirms the customer."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        json_schema_extra={"examples": [{"card_number": "6222021000000000017"}]}
    )

    card_number: NumberText


class BankCardProofView(View):
    """What the bank said, and the customer as it then stands."""

    verdict: Literal["consistent", "inconsistent", "not_found", "unavailable"]
    customer: CustomerView


class CapView(View):
    """A cap, what is used of it, and what is left."""

    maximum: MoneyView
    used: MoneyView
    left: MoneyView


class MeterView(View):
    """What counts against caps; a cap that is null does not bind."""

    meter: MeterName
    day: CapView | None
    year: CapView | None
    total: CapView | None


class LimitsView(View):
    """How much a customer may still pay."""

    account_class: AccountClass
    meters: list[MeterView]


class DueReviewView(View):
    """A customer whom staff have to look at."""

    customer: CustomerId
    reason: ReviewReason
    marked_at: Instant
    valid_until: date | None
    review_due_on: date


class RestrictionView(View):
    """One reason for which a customer's account is restricted."""

    kind: Literal["staff", "document", "guardian"] = Field(
        description="`staff`: somebody decided so. `document`: the identity document has expired. "
        "`guardian`: nobody can act for the minor."
    )
    scope: Literal["debits", "all"]
    reason: str
    since: Instant


class RestrictionsView(View):
    """Everything that restricts a customer's account."""

    restrictions: list[RestrictionView]


def show_restrictions(found: tuple[customers.Restriction, ...]) -> RestrictionsView:
    """Return the reasons as a view."""
    return RestrictionsView(
        restrictions=[
            RestrictionView(
                kind=each.kind.value,
                scope="all" if each.are_credits_frozen else "debits",
                reason=each.reason,
                since=each.placed_at,
            )
            for each in found
        ]
    )


def show_limits(
    customer: customers.Customer, usages: tuple[payments.MeterUsage, ...]
) -> LimitsView:
    """Return a customer's caps as a view."""
    return LimitsView(
        account_class=customer.account_class,
        meters=[
            MeterView(
                meter=_NAMES[usage.meter],
                day=_show_cap(usage.day),
                year=_show_cap(usage.year),
                total=_show_cap(usage.total),
            )
            for usage in usages
        ],
    )


def show_due_review(due: customers.DueReview) -> DueReviewView:
    """Return a due review as a view."""
    return DueReviewView(
        customer=show_id(CUSTOMER, due.customer_id),
        reason=_REVIEW_REASONS[due.reason],
        marked_at=due.marked_at,
        valid_until=due.valid_until_on,
        review_due_on=due.review_due_on,
    )


def _show_cap(use: payments.CapUse | None) -> CapView | None:
    if use is None:
        return None
    return CapView(
        maximum=show_money(use.maximum), used=show_money(use.used), left=show_money(use.left)
    )


_REVIEW_REASONS: dict[str, ReviewReason] = {
    "document_expired": "document_expired",
    "periodic": "periodic",
    "guardian_lost": "guardian_lost",
    "came_of_age": "came_of_age",
}
_NAMES: dict[payments.Meter, MeterName] = {
    payments.Meter.BALANCE_PAYMENTS: "balance_payments",
    payments.Meter.STATIC_CODE: "static_code",
    payments.Meter.DYNAMIC_CODE: "dynamic_code",
}
