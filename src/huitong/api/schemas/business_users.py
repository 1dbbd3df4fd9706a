"""Who acts for a business, as it travels."""

from typing import Annotated, Any, Literal

from pydantic import Field

from huitong import payments
from huitong.api.schemas.approvals import Why
from huitong.api.schemas.common import (
    Body,
    CustomerId,
    MerchantId,
    MoneyBody,
    MoneyView,
    View,
    show_money,
)
from huitong.kernel.ids import CUSTOMER, MERCHANT, read_id, show_id

RoleField = Annotated[
    Literal["submitter", "approver", "viewer"],
    Field(description="Whether the person makes payments and files, approves them, or only looks."),
]


class BusinessUserView(View):
    """A person who acts for a business."""

    merchant: MerchantId
    customer: CustomerId
    role: RoleField
    amount_max: MoneyView = Field(
        description="The most that one payment or file may be; zero for a viewer."
    )


class EndBusinessUser(Body):
    """Whose role for a business is to end."""

    merchant: MerchantId
    customer: CustomerId
    role: RoleField
    reason: Why


class NameBusinessUser(EndBusinessUser):
    """Who is to act for a business, or to have another limit."""

    amount_max: MoneyBody

    def read_user(self) -> payments.bulk.BusinessUser:
        """Return whom the body names; raises InvalidField."""
        return payments.bulk.BusinessUser(
            merchant_id=read_id(MERCHANT, self.merchant, field="merchant"),
            customer_id=read_id(CUSTOMER, self.customer, field="customer"),
            role=payments.bulk.Role(self.role),
            amount_max=self.amount_max.read("amount_max"),
        )


def make_payload(body: EndBusinessUser) -> dict[str, Any]:
    """Return what is kept of a request until somebody decides about it."""
    return {"merchant": body.merchant, "customer": body.customer, "role": body.role}


def show_user(user: payments.bulk.BusinessUser) -> BusinessUserView:
    """Return a user as a view."""
    return BusinessUserView(
        merchant=show_id(MERCHANT, user.merchant_id),
        customer=show_id(CUSTOMER, user.customer_id),
        role=user.role.value,
        amount_max=show_money(user.amount_max),
    )
