"""Applications as they travel: evidence comes in, and only masks, codes and states go out."""

import base64
import binascii
import dataclasses
from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Field

from huitong import customers
from huitong.api.schemas.common import (
    ApplicationId,
    Body,
    CustomerId,
    Description,
    GivenDay,
    Instant,
    Mobile,
    Name,
    Reference,
    View,
)
from huitong.api.schemas.customers import AccountClass
from huitong.api.schemas.ledger import Reason
from huitong.customers import GuardianRelation, IdentityDocument, PersonDetails, PictureKind, Sex
from huitong.kernel import limits
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import APPLICATION, CONSENT, CUSTOMER, read_id, show_id

#: Four characters carry three bytes.
_BASE64_LENGTH_MAX = 4 * (limits.APPLICATION_PICTURE_BYTES_MAX // 3 + 1)

#: Remarks on what the person typed and uploaded, and no others.
_OWN_REMARKS = frozenset(customers.FindingCode) | {
    "class_lowered",
    "guardian_missing",
    "minor_under_16",
    "minor_under_18",
    "risk_refused",
}

StateName = Literal["draft", "checking", "pending_review", "approved", "refused"]
NumberText = Annotated[str, Field(min_length=1, max_length=limits.IDENTITY_NUMBER_TEXT_LENGTH_MAX)]


class StartApplication(Body):
    """What an application begins with."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        json_schema_extra={"examples": [{"requested_class": 2, "consent": "consent-2026-0001"}]}
    )

    requested_class: AccountClass
    consent: Reference = Field(
        description="Where the person's separate consent to the use of identity and biometric "
        "data is kept (个人信息保护法, Art. 29)."
    )


class SavePerson(Body):
    """The nine items (九要素) of an individual, and what may prove more."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "李雷",
                    "sex": "male",
                    "nationality": "CHN",
                    "occupation": "教师",
                    "address": "北京市东城区青松路1号",
                    "mobile": "13800000001",
                    "id_number": "110101199003070011",
                    "valid_from": "2016-05-01",
                    "valid_until": "2036-05-01",
                    "bank_cards": ["6222021000000000017"],
                }
            ]
        }
    )

    name: Name
    sex: Literal["male", "female"]
    nationality: str = Field(pattern="^[A-Z]{3}$", description="ISO 3166-1, three letters.")
    occupation: Name
    address: Description
    mobile: Mobile
    document: Literal["resident_id", "passport"] = Field(
        default="resident_id",
        description="A passport is for foreigners, and for Chinese citizens who live abroad; "
        "staff look at each one.",
    )
    id_number: NumberText = Field(
        description="Of the resident identity card (GB 11643), or of the passport."
    )
    issuer: str | None = Field(
        default=None,
        pattern="^[A-Z]{3}$",
        description="Of a passport: the issuing state, ISO 3166-1, three letters.",
    )
    name_latin: Name | None = Field(
        default=None,
        description="Of a passport: surname and given names as its lines for machines have them.",
        examples=["ERIKSSON ANNA MARIA"],
    )
    birth: GivenDay | None = Field(default=None, description="Of a passport: the day of birth.")
    valid_from: GivenDay
    valid_until: GivenDay | None = Field(
        default=None, description="The card's last day; none for 长期."
    )
    bank_cards: list[NumberText] = Field(
        default=[],
        max_length=limits.BANK_CARDS_PER_APPLICATION_MAX,
        description="Cards of other banks, each bank being one more channel.",
    )
    guardian: CustomerId | None = Field(
        default=None, description="The customer who is a child's guardian."
    )

    def read(self) -> PersonDetails:
        """Return the items; raises InvalidField."""
        guardian = self.guardian
        return PersonDetails(
            name=self.name.strip(),
            sex=Sex(self.sex),
            nationality=self.nationality,
            occupation=self.occupation,
            address=self.address,
            mobile=self.mobile,
            id_number=self.id_number,
            document=IdentityDocument(self.document),
            issuer=self.issuer,
            name_latin=self.name_latin,
            birth_on=self.birth,
            valid_from_on=self.valid_from,
            valid_until_on=self.valid_until,
            bank_cards=tuple(self.bank_cards),
            guardian_id=None if guardian is None else read_id(CUSTOMER, guardian, field="guardian"),
        )


class SavePicture(Body):
    """A picture of the evidence."""

    kind: Literal["id_front", "id_back", "passport", "selfie"]
    content: str = Field(
        min_length=4,
        max_length=_BASE64_LENGTH_MAX,
        pattern="^[A-Za-z0-9+/]+={0,2}$",
        description=f"JPEG, PNG or WebP in Base64, at most "
        f"{limits.APPLICATION_PICTURE_BYTES_MAX:,} bytes of picture.",
        examples=["iVBORw0KGgo="],
    )

    def read(self) -> tuple[PictureKind, bytes]:
        """Return kind and bytes; raises InvalidField for what is not Base64."""
        try:
            return PictureKind(self.kind), base64.b64decode(self.content, validate=True)
        except binascii.Error:
            raise InvalidField("must be Base64", field="content") from None


class GiveGuardianConsent(Body):
    """That a guardian consents to the use of a child's data."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "guardian": "cus_0199c0a95d0b7c3e8f6f0d6f1a2b3c4d",
                    "relation": "parent",
                    "version": 1,
                    "channel": "counter",
                }
            ]
        }
    )

    guardian: CustomerId
    relation: Literal["parent", "relative", "appointed"]
    version: int = Field(ge=1, description="The version of the text `child_data` that was shown.")
    channel: Literal["app", "web", "counter", "api"]

    def read_relation(self) -> GuardianRelation:
        """Return how the guardian came to be one."""
        return GuardianRelation(self.relation)


class GuardianConsentView(View):
    """A guardian's consent as it holds."""

    child: str = Field(description="The application, or the customer that came of it.")
    guardian: CustomerId
    relation: Literal["parent", "relative", "appointed"]
    consent: str
    given_at: Instant


def show_guardian_consent(consent: customers.GuardianConsent) -> GuardianConsentView:
    """Return a consent as a view."""
    return GuardianConsentView(
        child=show_id(APPLICATION, consent.child_id),
        guardian=show_id(CUSTOMER, consent.guardian_id),
        relation=consent.relation.value,
        consent=show_id(CONSENT, consent.consent_id),
        given_at=consent.given_at,
    )


class ApproveApplication(Body):
    """Why staff approve, and whether the person came with the document."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        json_schema_extra={"examples": [{"in_person": True, "reason": "checked at the counter"}]}
    )

    in_person: bool
    reason: Reason


class RefuseApplication(Body):
    """Why staff refuse."""

    reason: Reason


class RemarkView(View):
    """One thing that was found; it never repeats what the field holds."""

    code: str = Field(examples=["check_digit_wrong"])
    field: str = Field(examples=["id_number"])
    weight: Literal["note", "review", "refuse"] = Field(
        description="`note`: nothing follows. `review`: staff look at it. `refuse`: a no."
    )


class ApplicantView(View):
    """Who applies, masked."""

    name: str = Field(examples=["李*"])
    mobile: str = Field(examples=["138****0001"])
    id_number: str = Field(examples=["110***********0011"])


class ApplicationView(View):
    """An application as it stands."""

    id: ApplicationId
    state: StateName
    requested_class: AccountClass
    consent: str
    applicant: ApplicantView | None = Field(
        description="Null before the items are saved, and once the data was destroyed."
    )
    remarks: list[RemarkView]
    channels: list[str] = Field(
        description="Independent outside channels that confirmed the person.",
        examples=[["identity", "mobile"]],
    )
    customer: CustomerId | None = Field(description="The customer, once approved.")
    decided_by: str | None
    reason: str | None
    decided_at: Instant | None
    created_at: Instant


def show_application(
    application: customers.Application, applicant: customers.ShownApplicant | None
) -> ApplicationView:
    """Return an application as a view, with what may be seen of the person."""
    shown: dict[str, Any] | None = None
    if applicant is not None:
        shown = {
            "name": applicant.name,
            "mobile": applicant.mobile,
            "id_number": applicant.id_number,
        }
    is_approved = application.state is customers.ApplicationState.APPROVED
    return ApplicationView(
        id=show_id(APPLICATION, application.id),
        state=application.state.value,
        requested_class=application.requested_class,
        consent=application.consent_reference,
        applicant=None if shown is None else ApplicantView(**shown),
        remarks=[
            RemarkView(code=remark.code, field=remark.field, weight=remark.weight.value)
            for remark in application.remarks
        ],
        channels=list(application.channels),
        customer=show_id(CUSTOMER, application.id) if is_approved else None,
        decided_by=application.decided_by,
        reason=application.reason,
        decided_at=application.decided_at,
        created_at=application.created_at,
    )


def show_own_application(
    application: customers.Application, applicant: customers.ShownApplicant | None
) -> ApplicationView:
    """Return an application as the person themselves sees it.

    Without what others answered or hold: by it, somebody could learn from a stranger's papers
    whether they are a customer here, or which name belongs to a number. The reason of a refusal by
    risk is told: a decision that a program made alone is explained (个人信息保护法 Art. 24).
    """
    is_by_risk = application.decided_by == customers.DECIDED_BY_RISK
    own = [remark for remark in application.remarks if remark.code in _OWN_REMARKS]
    return show_application(
        dataclasses.replace(
            application,
            remarks=tuple(own),
            channels=(),
            decided_by=None,
            reason=application.reason if is_by_risk else None,
        ),
        applicant,
    )
