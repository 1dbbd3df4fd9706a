"""What staff see of people, as it travels: masked records, whole values, pictures."""

import base64
from datetime import date
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from huitong import customers, privacy
from huitong.api.schemas.common import Body, Instant, Mobile, View, check_printable
from huitong.api.schemas.customers import CustomerView, show_customer
from huitong.api.schemas.onboarding import NumberText
from huitong.kernel import limits

PictureName = Literal["id_front", "id_back", "selfie"]
Purpose = Annotated[
    str,
    Field(
        pattern="^[a-z_]{1,64}$",
        description="What the data is needed for, as `privacy/disclosure_policy.yaml` names it.",
        examples=["customer_service"],
    ),
]
Reason = Annotated[
    str,
    Field(
        min_length=1,
        max_length=limits.DISCLOSURE_REASON_LENGTH_MAX,
        description="Why, in the viewer's own words; it is kept.",
        examples=["客户来电核对手机号"],
    ),
    AfterValidator(check_printable),
]


class SearchPeople(Body):
    """One whole number; parts of one find nobody."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        json_schema_extra={"examples": [{"mobile": "13800000001"}]}
    )

    mobile: Mobile | None = None
    id_number: NumberText | None = Field(
        default=None, description="Resident identity card (GB 11643)."
    )

    @model_validator(mode="after")
    def _check_one(self) -> Self:
        if (self.mobile is None) == (self.id_number is None):
            raise ValueError("must have exactly one of mobile and id_number")
        return self


class AskWhole(Body):
    """What somebody's data is needed whole for, and why."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        json_schema_extra={
            "examples": [{"purpose": "customer_service", "reason": "客户来电核对手机号"}]
        }
    )

    purpose: Purpose
    reason: Reason


class AskPicture(AskWhole):
    """Which picture is needed, what for, and why."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        json_schema_extra={
            "examples": [
                {"kind": "id_front", "purpose": "identity_check", "reason": "证件照与自拍复核"}
            ]
        }
    )

    kind: PictureName


class IdentityView(View):
    """A verified identity, masked, and what it rests on."""

    id_number: str = Field(examples=["110***********0011"])
    address: str = Field(examples=["北京市东城区****"])
    valid_until: date | None = Field(description="The document's last day; null for 长期.")
    channels: list[str] = Field(examples=[["identity", "mobile"]])
    in_person: bool
    verified_at: Instant
    review_due: date


class PersonRecordView(View):
    """A customer's record, masked."""

    customer: CustomerView
    identity: IdentityView | None = Field(
        description="Null if none was verified, after the end, and once the data was destroyed."
    )


class FoundPeopleView(View):
    """Who has the number: one record, or none."""

    data: list[PersonRecordView]


class ShownFieldView(View):
    """One value, whole or masked."""

    field: str = Field(examples=["mobile"])
    value: str = Field(examples=["13800000001"])
    whole: bool = Field(description="False: masked, because no role of the viewer's needs it.")


class ShownFieldsView(View):
    """What the viewer gets to see; whatever is whole was recorded with purpose and reason."""

    data: list[ShownFieldView]


class PictureView(View):
    """A picture; that it was seen is recorded with purpose and reason."""

    kind: PictureName
    content: str = Field(description="JPEG, PNG or WebP, as it was uploaded, in Base64.")


def show_record(record: customers.ShownCustomer) -> PersonRecordView:
    """Return a record as a view."""
    identity = record.identity
    shown: IdentityView | None = None
    if identity is not None:
        shown = IdentityView(
            id_number=identity.id_number,
            address=identity.address,
            valid_until=identity.valid_until_on,
            channels=list(identity.channels),
            in_person=identity.is_in_person,
            verified_at=identity.verified_at,
            review_due=identity.review_due_on,
        )
    return PersonRecordView(customer=show_customer(record.customer, record.person), identity=shown)


def show_fields(shown: privacy.Shown) -> ShownFieldsView:
    """Return values as a view; of a field's name the last part is told."""
    return ShownFieldsView(
        data=[
            ShownFieldView(field=name.rpartition(".")[2], value=value, whole=name in shown.unmasked)
            for name, value in shown.values.items()
        ]
    )


def show_picture(kind: Any, content: bytes) -> PictureView:
    """Return a picture as a view."""
    return PictureView(kind=kind, content=base64.b64encode(content).decode())
