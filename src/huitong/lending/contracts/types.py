"""A contract that was signed."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedContract:
    """What was signed, when and by which proof; `digest` is the SHA-256 of `content`."""

    application_id: uuid.UUID
    customer_id: uuid.UUID
    loan_id: uuid.UUID
    content: Mapping[str, Any]
    digest: bytes
    signed_at: datetime
    #: The step-up by which the borrower proved who signs.
    proof: str


class ContractSeals(Protocol):
    """Keys that prove the bytes of a paper."""

    @property
    def newest(self) -> int:
        """The number of the key for new papers."""
        ...

    def make_seal(self, number: int, paper: bytes) -> str:
        """Return the 64 signs that prove the bytes of a paper; raises KeyError for no key."""
        ...
