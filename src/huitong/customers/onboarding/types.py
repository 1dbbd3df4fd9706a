"""What an application is made of. Personal values are left out of every repr."""

import uuid
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol

import msgspec

from huitong.customers.checks import (
    BankCardRegistry,
    CheckAnswer,
    IdentityRegistry,
    LivenessRegistry,
    MobileRegistry,
)
from huitong.customers.evidence import (
    CardReading,
    CardSide,
    FaceComparison,
    FaceResult,
    PassportReading,
    Sex,
)
from huitong.kernel.database.unit_of_work import UnitOfWork


class ApplicationState(StrEnum):
    """draft → checking → (pending_review →) approved or refused; the last two are final."""

    DRAFT = "draft"
    CHECKING = "checking"
    PENDING_REVIEW = "pending_review"
    APPROVED = "approved"
    REFUSED = "refused"


class IdentityDocument(StrEnum):
    """What somebody proves who they are with."""

    RESIDENT_ID = "resident_id"
    #: Of foreigners, and of Chinese citizens who live abroad and have no card.
    PASSPORT = "passport"


class PictureKind(StrEnum):
    """The pictures that an application may need, by its document."""

    ID_FRONT = "id_front"
    ID_BACK = "id_back"
    PASSPORT = "passport"
    SELFIE = "selfie"


class Weight(StrEnum):
    """What follows from a remark: nothing, a person looks at it, or a no."""

    NOTE = "note"
    REVIEW = "review"
    REFUSE = "refuse"


class Remark(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was found; `code` is a FindingCode or one of `judging`'s, never a value."""

    code: str
    field: str
    weight: Weight


class PersonDetails(msgspec.Struct, frozen=True, kw_only=True):
    """The nine items (九要素) of an individual, bank cards that prove more, and a guardian.

    The contact is `mobile`; `valid_until_on` None is 长期. A passport also has an `issuer` (ISO
    3166-1, three letters), the name in Latin letters as its lines for machines have it, and the day
    of birth, which a resident's card has in its number.
    """

    name: str
    sex: Sex
    nationality: str
    occupation: str
    address: str
    mobile: str
    id_number: str
    valid_from_on: date
    valid_until_on: date | None
    bank_cards: tuple[str, ...] = ()
    guardian_id: uuid.UUID | None = None
    document: IdentityDocument = IdentityDocument.RESIDENT_ID
    issuer: str | None = None
    name_latin: str | None = None
    birth_on: date | None = None

    def __repr__(self) -> str:
        return "PersonDetails(…)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """An application as it stands; `id` is the customer's id once it is approved."""

    id: uuid.UUID
    state: ApplicationState
    requested_class: int
    consent_reference: str
    document: IdentityDocument
    sealed_person: bytes | None = field(repr=False)
    remarks: tuple[Remark, ...]
    channels: tuple[str, ...]
    check_attempts: int
    is_held_for_review: bool
    decided_by: str | None
    reason: str | None
    decided_at: datetime | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What was decided about an application; `mobile` is the customer's, once approved."""

    application_id: uuid.UUID
    state: ApplicationState
    mobile: str | None = field(default=None, repr=False)
    decided_at: datetime


class OnDecision(Protocol):
    """What others do in the same transaction when an application is decided; a raise undoes all."""

    async def __call__(self, uow: UnitOfWork, decision: Decision, /) -> None:
        """React to a decision, before it is committed."""
        ...


async def do_nothing(_uow: UnitOfWork, _decision: Decision, /) -> None:
    """Let a decision have no consequences elsewhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownApplicant:
    """Who applied, masked."""

    name: str
    mobile: str
    id_number: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What asking outside gave. A reading or comparison is None if the picture desk was out.

    A resident's card has `front` and `back`, a passport `passport`.
    """

    answers: tuple[CheckAnswer, ...]
    front: CardReading | None
    back: CardReading | None
    faces: FaceResult | None
    passport: PassportReading | None = None


class Registries(IdentityRegistry, BankCardRegistry, MobileRegistry, LivenessRegistry, Protocol):
    """All registries outside, as one client speaks to them."""


class CardReader(Protocol):
    """Something that reads identity cards and passports; `PictureDesk` is one."""

    async def read_card(
        self, content: bytes, *, side: CardSide | None = None, field: str = "picture"
    ) -> CardReading:
        """Read one side; what cannot be read is a finding. Raises Fault if it is out."""
        ...

    async def read_passport(
        self, content: bytes, *, today: date, field: str = "picture"
    ) -> PassportReading:
        """Read a passport's lines; what cannot be read is a finding. Raises Fault if it is out."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceDesk:
    """Where evidence is checked: registries (None: nobody answers), card reader, faces."""

    registries: Registries | None
    reader: CardReader
    faces: FaceComparison
