"""What is asked of the registries outside, and what they answer."""

import re
import uuid
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Protocol

import msgspec

#: Kinds of documents that an identity number may be of.
RESIDENT_ID: Final = "resident_id"
PASSPORT: Final = "passport"
#: A share from 0 to 1, as decimal text.
SHARE_SHAPE: Final = re.compile(r"0(\.[0-9]{1,12})?|1(\.0{1,12})?")
REFERENCE_SHAPE: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


class CheckKind(StrEnum):
    """The registries: who keeps what is compared."""

    #: Name and number, with or without a photo, at the register of identity cards.
    IDENTITY = "identity"
    #: Card number and name, with identity number and mobile, at the card's bank.
    BANK_CARD = "bank_card"
    #: Name, identity number and mobile at the operator.
    MOBILE = "mobile"
    #: Whether a picture was taken of somebody who was there.
    LIVENESS = "liveness"
    #: A company's code, name and legal representative at the business register.
    BUSINESS = "business"


class CheckVerdict(StrEnum):
    """What a registry says; UNAVAILABLE is ours, when it says nothing that can be used."""

    CONSISTENT = "consistent"
    INCONSISTENT = "inconsistent"
    NOT_FOUND = "not_found"
    UNAVAILABLE = "unavailable"


class Trouble(StrEnum):
    """Why there is no answer that can be used. Only REFUSED does not pass by itself."""

    TIMED_OUT = "timed_out"
    UNREACHABLE = "unreachable"
    BROKEN = "broken"
    MEANINGLESS = "meaningless"
    NOT_AUTHENTIC = "not_authentic"
    OTHER_REQUEST = "other_request"
    REFUSED = "refused"


class BusinessStatus(StrEnum):
    """What the register says about a company's life; only ACTIVE may do business."""

    ACTIVE = "active"
    #: 吊销: the licence was taken away.
    REVOKED = "revoked"
    #: 注销: the company has ended.
    DEREGISTERED = "deregistered"
    #: 经营异常: on the list of those that cannot be found or do not report.
    ABNORMAL = "abnormal"


class Shareholder(msgspec.Struct, frozen=True, kw_only=True):
    """Who holds a share of a company, as decimal text; a company has its code, a person none."""

    name: str
    share: str
    credit_code: str | None = None

    def __repr__(self) -> str:
        return "Shareholder(…)"


class BusinessFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What the register knows of a company. `shareholders` is None where it keeps none."""

    status: BusinessStatus
    shareholders: tuple[Shareholder, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckAnswer:
    """The answer to one request. `reference` is the registry's own, for its invoice and disputes.

    `trouble` says why an answer is UNAVAILABLE, `attempts` how often it was asked. `business` is
    what the business register knows, of a company that it found.
    """

    request_id: uuid.UUID
    kind: CheckKind
    verdict: CheckVerdict
    reference: str | None = None
    trouble: Trouble | None = None
    attempts: int = 1
    business: BusinessFacts | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityQuestion:
    """Do name and identity number belong together, and is this the holder's face?"""

    name: str = field(repr=False)
    id_number: str = field(repr=False)
    photo: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class BankCardQuestion:
    """Do card and holder belong together? Two elements, three with a number, four with a mobile."""

    card_number: str = field(repr=False)
    name: str = field(repr=False)
    id_number: str | None = field(default=None, repr=False)
    mobile: str | None = field(default=None, repr=False)
    id_kind: str = RESIDENT_ID

    def __post_init__(self) -> None:
        """Refuse a mobile without an identity number: no bank compares these three."""
        if self.mobile is not None and self.id_number is None:
            raise ValueError("A mobile is compared only together with an identity number")

    @property
    def element_count(self) -> int:
        """How many elements are compared: 2, 3 or 4."""
        return 2 + (self.id_number is not None) + (self.mobile is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class MobileQuestion:
    """Is this the number of the person with this name and identity number?"""

    mobile: str = field(repr=False)
    name: str = field(repr=False)
    id_number: str = field(repr=False)
    id_kind: str = RESIDENT_ID


@dataclass(frozen=True, slots=True, kw_only=True)
class LivenessQuestion:
    """Was this picture taken now of somebody who was there?"""

    picture: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class BusinessQuestion:
    """Do code, name and legal representative belong together, and how is the company?

    Without a name and a representative only the code is looked up, as for owners of a company.
    """

    credit_code: str
    name: str | None = None
    legal_representative: str | None = field(default=None, repr=False)


class IdentityRegistry(Protocol):
    """The register of identity cards."""

    async def check_identity(
        self, question: IdentityQuestion, *, request_id: uuid.UUID
    ) -> CheckAnswer:
        """Ask; the same id asks the same question again and is not charged twice. Never raises."""
        ...


class BankCardRegistry(Protocol):
    """The banks, through a clearing house."""

    async def check_bank_card(
        self, question: BankCardQuestion, *, request_id: uuid.UUID
    ) -> CheckAnswer:
        """Ask; as in `IdentityRegistry`."""
        ...


class MobileRegistry(Protocol):
    """The mobile operators."""

    async def check_mobile(self, question: MobileQuestion, *, request_id: uuid.UUID) -> CheckAnswer:
        """Ask; as in `IdentityRegistry`."""
        ...


class LivenessRegistry(Protocol):
    """A service that tells people from pictures of people."""

    async def check_liveness(
        self, question: LivenessQuestion, *, request_id: uuid.UUID
    ) -> CheckAnswer:
        """Ask; as in `IdentityRegistry`."""
        ...


class BusinessRegistry(Protocol):
    """The business register (国家企业信用信息公示系统), or a gateway to it."""

    async def check_business(
        self, question: BusinessQuestion, *, request_id: uuid.UUID
    ) -> CheckAnswer:
        """Ask; as in `IdentityRegistry`."""
        ...
