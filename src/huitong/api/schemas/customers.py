"""Customers and merchants as they travel."""

from decimal import Decimal
from typing import Annotated, ClassVar

from pydantic import ConfigDict, Field

from huitong import customers, ledger
from huitong.api.schemas.common import (
    CURRENCY_PATTERN,
    AccountId,
    Body,
    CustomerId,
    Instant,
    MerchantId,
    Mobile,
    MoneyBody,
    MoneyView,
    Name,
    View,
    show_money_or_none,
)
from huitong.kernel.ids import CUSTOMER, MERCHANT, show_id

_RATE_PATTERN = r"^0(\.[0-9]{1,6})?$"

NameLatin = Annotated[str, Field(pattern="^[!-~]([ -~]{0,23}[!-~])?$")]
CityLatin = Annotated[str, Field(pattern="^[!-~]([ -~]{0,13}[!-~])?$")]
CategoryCode = Annotated[str, Field(pattern="^[0-9]{4}$", description="ISO 18245.")]
# Not a Literal: for that 2.0 and True are 2 and 1.
AccountClass = Annotated[
    int,
    Field(
        ge=1,
        le=3,
        description="The class of the payment account, which decides how much it may pay.",
    ),
]
Currency = Annotated[str, Field(pattern=CURRENCY_PATTERN, description="ISO 4217.")]


class OpenCustomer(Body):
    """A person who gets a payment account."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        json_schema_extra={
            "examples": [{"name": "李雷", "mobile": "13800000001", "account_class": 2}]
        }
    )

    name: Name
    mobile: Mobile
    account_class: AccountClass
    currency: Currency = "CNY"


class CustomerView(View):
    """A customer; name and mobile number are masked."""

    id: CustomerId
    name: str | None = Field(
        description="Masked; null once the person's data was destroyed.", examples=["李*"]
    )
    mobile: str | None = Field(
        description="Masked; null once the person's data was destroyed.", examples=["138****0001"]
    )
    account_class: AccountClass
    account: AccountId
    currency: Currency
    opened_at: Instant
    closed_at: Instant | None = Field(description="When the relationship ended.")


class OpenMerchant(Body):
    """A business that gets paid."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "三味书屋",
                    "name_latin": "SANWEI BOOKS",
                    "city_latin": "SHAOXING",
                    "category_code": "5942",
                    "fee_rate": "0.006",
                }
            ]
        }
    )

    name: Name
    name_latin: NameLatin = Field(description="For payment codes: printable ASCII.")
    city_latin: CityLatin = Field(description="For payment codes: printable ASCII.")
    category_code: CategoryCode
    fee_rate: str = Field(
        pattern=_RATE_PATTERN,
        description="What a payment costs the merchant: 0.006 is 0.6 %. At most 0.1.",
    )
    fee_max: MoneyBody | None = Field(
        default=None, description="The most that one payment may cost; none for no cap."
    )
    currency: Currency = "CNY"

    def read_fee_rate(self) -> Decimal:
        """Return the rate, exactly as written."""
        return Decimal(self.fee_rate)


class MerchantView(View):
    """A merchant."""

    id: MerchantId
    name: str = Field(examples=["三味书屋"])
    name_latin: str
    city_latin: str
    category_code: CategoryCode
    fee_rate: str = Field(pattern=r"^[0-9]+(\.[0-9]+)?$", examples=["0.006"])
    fee_max: MoneyView | None
    account: AccountId
    currency: Currency
    opened_at: Instant


def show_customer(customer: customers.Customer, person: customers.ShownPerson) -> CustomerView:
    """Return a customer as a view, with what may be seen of the person."""
    return CustomerView(
        id=show_id(CUSTOMER, customer.id),
        name=person.name,
        mobile=person.mobile,
        account_class=customer.account_class,
        account=ledger.show_account(customer.account_id),
        currency=customer.currency,
        opened_at=customer.opened_at,
        closed_at=customer.closed_at,
    )


def show_merchant(merchant: customers.Merchant) -> MerchantView:
    """Return a merchant as a view."""
    return MerchantView(
        id=show_id(MERCHANT, merchant.id),
        name=merchant.name,
        name_latin=merchant.name_latin,
        city_latin=merchant.city_latin,
        category_code=merchant.category_code,
        fee_rate=format(merchant.fee_rate.normalize(), "f"),
        fee_max=show_money_or_none(merchant.fee_max),
        account=ledger.show_account(merchant.account_id),
        currency=merchant.currency,
        opened_at=merchant.opened_at,
    )
