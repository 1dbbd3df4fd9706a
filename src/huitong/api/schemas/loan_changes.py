"""Products of lending and changes of loans as they travel."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal

from fastapi import Path
from pydantic import Field

from huitong import lending
from huitong.api.schemas.approvals import Why
from huitong.api.schemas.common import (
    Body,
    GivenDay,
    MoneyBody,
    Name,
    View,
)
from huitong.api.schemas.loans import LoanEventId, show_rate
from huitong.kernel.errors import InvalidField
from huitong.kernel.money import Money

ProductPath = Annotated[
    str,
    Path(pattern="^[a-z][a-z0-9_]{0,31}$", description="The product's code.", examples=["cash"]),
]
Code = Annotated[str, Field(pattern="^[a-z][a-z0-9_]{0,31}$", examples=["cash"])]
Rate = Annotated[
    str,
    Field(
        pattern=r"^(0|1)(\.[0-9]{1,6})?$",
        description="A ratio, of a rate a year, with at most six decimals: 0.108 is 10.8 %.",
        examples=["0.108"],
    ),
]
Part = Literal["principal", "interest", "fee", "penalty"]
Order = Annotated[list[Part], Field(min_length=4, max_length=4)]
Count = Annotated[int, Field(ge=0, le=480)]


class GradeBody(Body):
    """The rates at which borrowers of a grade are lent to."""

    grade: Annotated[str, Field(pattern="^[A-Z][A-Z0-9+-]{0,7}$", examples=["A"])]
    rate_min: Rate
    rate_max: Rate


class AddProduct(Body):
    """A product, or another version of one; names and currency count for a new product."""

    code: Code
    name_zh: Name
    name_en: Name
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$", examples=["CNY"])] = "CNY"
    effective_from: GivenDay
    purpose: Literal["consumer", "business", "farm"]
    uses: Annotated[list[Code], Field(min_length=1, max_length=32)]
    payees: Annotated[list[Literal["borrower", "merchant"]], Field(min_length=1, max_length=2)]
    amount_min: MoneyBody
    amount_max: MoneyBody
    cycle_every: Annotated[int, Field(ge=1, le=365)] = 1
    cycle_unit: Literal["days", "weeks", "months"] = "months"
    count_min: Count
    count_max: Count
    rate_kind: Literal["fixed", "lpr_1y", "lpr_5y"] = "fixed"
    rate_min: Rate
    rate_max: Rate
    reprice_months: Annotated[int, Field(ge=0, le=60)] = 0
    year: Literal["actual", "360", "364", "365"] = "360"
    month: Literal["actual", "30"] = "actual"
    rounding: Literal["half_even", "half_up"] = "half_up"
    methods: Annotated[
        list[Literal["level_payment", "equal_principal", "interest_first", "single_payment"]],
        Field(min_length=1, max_length=4),
    ]
    principal_grace_max: Count = 0
    interest_free_max: Count = 0
    down_payment_max: Rate = "0"
    balloon_max: Rate = "0"
    allows_steps: bool = False
    penalty_share: Rate
    compounds: bool = True
    early_fee: Rate = "0"
    interest: Annotated[
        Literal["declining", "flat"],
        Field(description="Flat is on what was lent, for ever; the cost statement shows its rate."),
    ] = "declining"
    business_days: Annotated[
        Literal["none", "following", "modified_following", "preceding"],
        Field(description="Where due days go that are no business days."),
    ] = "none"
    disbursement_fee: Annotated[Rate, Field(description="Of what is lent, due at once.")] = "0"
    service_fee: Annotated[Rate, Field(description="Of what is lent, with each payment.")] = "0"
    late_fee: Annotated[
        MoneyBody | None, Field(description="For a payment that is not made on its day.")
    ] = None
    line_years: Annotated[
        int, Field(ge=0, le=30, description="How long lines may be from which it is drawn.")
    ] = 0
    order: Order
    order_bad: Order
    bad_days: Annotated[int, Field(ge=0, le=10_000)] = 90
    walk: Literal["by_instalment", "by_part"] = "by_instalment"
    grades: Annotated[list[GradeBody], Field(max_length=32, default_factory=list)]
    mandatory: Annotated[list[Code], Field(max_length=32, default_factory=list)]
    reason: Why


class ProductView(View):
    """A version of a product; shares and rates in millionths, amounts in minor units."""

    code: str
    name_zh: str
    name_en: str
    currency: str
    version: int
    effective_from: date
    rate_min: str
    rate_max: str
    terms: dict[str, Any]


class ProductsView(View):
    """Products, each as it is today."""

    data: list[ProductView]


class ReverseEvent(Body):
    """A repayment or a charge that is to be as if it had never been."""

    event: LoanEventId
    reason: Why


class RecordRepayment(Body):
    """A repayment that was made on an earlier day."""

    amount: MoneyBody
    on: GivenDay
    reason: Why


class Reschedule(Body):
    """The payments in which what is unpaid is to be due from now on."""

    easing: Literal["extension", "re_age", "restructuring"]
    count: Annotated[int, Field(ge=1, le=480)]
    rate: Rate | None = None
    reason: Why


class ChangeRate(Body):
    """Another rate from today on."""

    rate: Rate
    reason: Why


class ChangeAmount(Body):
    """An amount: of a charge, a waiver or a recovery."""

    amount: MoneyBody
    reason: Why


class WriteOff(Body):
    """Why a loan is taken off the balance sheet."""

    reason: Why


def read_rate(shown: str) -> int:
    """Return a ratio in millionths: 0.108 is 108,000."""
    return int(Decimal(shown) * lending.RATE_SCALE)


def read_minor(amount: MoneyBody, currency: str, field: str = "amount") -> int:
    """Return an amount in minor units; raises InvalidField in another currency."""
    read: Money = amount.read(field)
    if read.currency != currency:
        raise InvalidField(f"must be in {currency}", field=f"{field}.currency")
    return read.minor


def read_product(body: AddProduct) -> lending.NewVersion:
    """Return the version that a body asks for."""
    terms: Mapping[str, Any] = {
        name: getattr(body, name)
        for name in (
            *("purpose", "uses", "payees", "count_min", "count_max", "rate_kind", "walk"),
            *("reprice_months", "rounding", "methods", "principal_grace_max", "order_bad"),
            *("interest", "business_days", "line_years"),
            *("interest_free_max", "allows_steps", "compounds", "order", "bad_days", "mandatory"),
        )
    }
    rates = (
        *("rate_min", "rate_max", "down_payment_max", "balloon_max", "penalty_share"),
        *("early_fee", "disbursement_fee", "service_fee"),
    )
    late_fee = body.late_fee
    return lending.NewVersion(
        code=body.code,
        name_zh=body.name_zh,
        name_en=body.name_en,
        currency=body.currency,
        effective_from=body.effective_from,
        terms=lending.read_terms(
            {
                **terms,
                **{name: read_rate(getattr(body, name)) for name in rates},
                "amount_min": read_minor(body.amount_min, body.currency, "amount_min"),
                "amount_max": read_minor(body.amount_max, body.currency, "amount_max"),
                "cycle": {"every": body.cycle_every, "unit": body.cycle_unit},
                "day_count": {"year": body.year, "month": body.month},
                "multiple": 1,
                "late_fee": 0
                if late_fee is None
                else read_minor(late_fee, body.currency, "late_fee"),
                "grades": [
                    {
                        "grade": each.grade,
                        "rate_min": read_rate(each.rate_min),
                        "rate_max": read_rate(each.rate_max),
                    }
                    for each in body.grades
                ],
            }
        ),
    )


def show_product(product: lending.Product) -> ProductView:
    """Return a version of a product as a view."""
    return ProductView(
        code=product.code,
        name_zh=product.name_zh,
        name_en=product.name_en,
        currency=product.currency,
        version=product.version,
        effective_from=product.effective_from,
        rate_min=show_rate(product.terms.rate_min),
        rate_max=show_rate(product.terms.rate_max),
        terms=lending.write_terms(product.terms),
    )
