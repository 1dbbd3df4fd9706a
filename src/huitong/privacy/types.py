"""What privacy speaks about: kinds of personal data, viewers, and what they are shown."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class DataKind(StrEnum):
    """A kind of personal data; it decides how the data is masked and who may see it whole."""

    ID_NUMBER = "id_number"
    MOBILE = "mobile"
    CARD = "card"
    NAME = "name"
    ADDRESS = "address"
    EMAIL = "email"
    PASSPORT = "passport"
    #: 统一社会信用代码, the unified social credit code of a business.
    USCC = "uscc"
    #: A picture of a person or a document: nothing of it can be masked, so it is whole or not.
    PICTURE = "picture"


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedField:
    """A field as it is stored, and what kind of data it holds.

    With `within` it is a member of the JSON object that is sealed under that name, and its own
    name is `within`, a dot, and the member's.
    """

    kind: DataKind
    sealed: bytes
    within: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """Who wants to see: the actor as the audit trail names them, and their roles."""

    actor: str
    roles: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a viewer gets: values by field name, and which of them are whole."""

    values: Mapping[str, str]
    unmasked: frozenset[str]

    def __repr__(self) -> str:
        # Personal data must not reach a log by way of an exception's text.
        return f"Shown(fields={sorted(self.values)}, unmasked={sorted(self.unmasked)})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Disclosure:
    """One recorded full view; it names fields and holds no values."""

    id: uuid.UUID
    viewer: str
    role: str
    subject_id: uuid.UUID
    fields: tuple[str, ...]
    purpose: str
    reason: str
    request_id: str | None
    disclosed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredKey:
    """A subject's data key as it lies in the database; `wrapped` is None once destroyed."""

    subject_id: uuid.UUID
    wrapped: bytes | None
    master_key: int | None
    seals: int
