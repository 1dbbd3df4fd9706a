"""How far a version has come."""

import uuid
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Protocol


class VersionState(StrEnum):
    """How far a version has come: draft → shadow → live → retired, or retired from anywhere.

    Decision tables have no shadow.
    """

    DRAFT = "draft"
    #: Evaluated and recorded, without effect.
    SHADOW = "shadow"
    #: Decides from `effective_from` until before `effective_to`.
    LIVE = "live"
    RETIRED = "retired"


class Version(Protocol):
    """What the life of a version has to know of it."""

    @property
    def id(self) -> uuid.UUID:
        """Return its id."""
        ...

    @property
    def scope(self) -> str:
        """Return what it is a version of."""
        ...

    @property
    def number(self) -> int:
        """Return its number among the versions of its scope, from 1."""
        ...

    @property
    def digest(self) -> str:
        """Return the SHA-256 of its content, 64 hexadecimal digits."""
        ...

    @property
    def state(self) -> VersionState:
        """Return how far it has come."""
        ...

    @property
    def effective_from(self) -> date | None:
        """Return the first business day on which it decides."""
        ...

    @property
    def effective_to(self) -> date | None:
        """Return the first business day on which it does not decide any more."""
        ...


@dataclass(frozen=True, slots=True)
class LiveVersion:
    """A live version without an end, as the next one finds it."""

    id: uuid.UUID
    number: int
    effective_from: date


def decides_on(version: Version, day: date) -> bool:
    """Say whether a version decides on a business day."""
    is_begun = version.effective_from is not None and version.effective_from <= day
    is_over = version.effective_to is not None and version.effective_to <= day
    return version.state is VersionState.LIVE and is_begun and not is_over
