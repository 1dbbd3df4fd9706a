"""Evidence in disputes: files that are what they say, named by their digest, kept sealed."""

import base64
import hashlib
import uuid
from datetime import datetime
from typing import Final

from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import LimitExceeded
from huitong.kernel.ids import DISPUTE, show_id
from huitong.payments.merchants import dispute_store, limits
from huitong.payments.merchants.dispute_types import Dispute, Evidence
from huitong.payments.merchants.errors import (
    DisputeMoveRefused,
    DisputeNotFound,
    EvidenceRefused,
)
from huitong.payments.merchants.plans import check_name
from huitong.privacy import Vault

_BEGINNINGS: Final = {
    "application/pdf": b"%PDF-",
    "image/jpeg": b"\xff\xd8\xff",
    "image/png": b"\x89PNG\r\n\x1a\n",
}


async def add_evidence(
    uow: UnitOfWork,
    vault: Vault,
    *,
    evidence_id: uuid.UUID,
    dispute_id: uuid.UUID,
    name: str,
    media_type: str,
    content: bytes,
    now: datetime,
) -> Evidence:
    """Keep a file in an open dispute, sealed with the merchant's key; the same file is kept once.

    Raises DisputeNotFound, DisputeMoveRefused after its end, InvalidField, EvidenceRefused for what
    is empty, too large, or not a PDF, JPEG or PNG as it says, and LimitExceeded.
    """
    check_name(name, "name")
    _check_content(media_type, content)
    dispute = await dispute_store.lock_dispute(uow, dispute_id)
    if dispute is None:
        raise DisputeNotFound(f"there is no dispute {show_id(DISPUTE, dispute_id)}")
    if dispute.outcome is not None:
        raise DisputeMoveRefused("the dispute is over")
    digest = hashlib.sha256(content).digest()
    known = await dispute_store.list_evidence(uow, dispute_id)
    for each in known:
        if each.digest == digest:
            return each
    if len(known) >= limits.EVIDENCE_FILES_MAX:
        raise LimitExceeded(f"a dispute has at most {limits.EVIDENCE_FILES_MAX} files")
    evidence = Evidence(
        id=evidence_id,
        dispute_id=dispute_id,
        name=name,
        media_type=media_type,
        size=len(content),
        digest=digest,
        added_at=now,
    )
    step = limits.EVIDENCE_PART_BYTES
    fields = {
        _part_name(place): base64.b64encode(content[start : start + step]).decode()
        for place, start in enumerate(range(0, len(content), step))
    }
    sealed = await vault.seal(uow, dispute.merchant_id, fields)
    await dispute_store.insert_evidence(uow, evidence, [sealed[field] for field in fields])
    return evidence


async def read_evidence(
    uow: UnitOfWork, vault: Vault, *, dispute: Dispute, evidence: Evidence
) -> bytes:
    """Return a file as it came; raises EvidenceRefused if it is not what its digest says."""
    parts = await dispute_store.read_parts(uow, evidence.id)
    sealed = {_part_name(place): part for place, part in enumerate(parts)}
    opened = await vault.open(uow, dispute.merchant_id, sealed)
    content = b"".join(base64.b64decode(opened[field]) for field in sealed)
    if hashlib.sha256(content).digest() != evidence.digest:
        raise EvidenceRefused("the file is not the one that was handed in")
    return content


def _check_content(media_type: str, content: bytes) -> None:
    beginning = _BEGINNINGS.get(media_type)
    if beginning is None or not content.startswith(beginning):
        raise EvidenceRefused("must be a PDF, JPEG or PNG, and what it says", field="content")
    if len(content) > limits.EVIDENCE_BYTES_MAX:
        raise EvidenceRefused(f"must be at most {limits.EVIDENCE_BYTES_MAX} bytes", field="content")


def _part_name(place: int) -> str:
    # Bound to its place; that it is of this file is what the digest says.
    return f"payments.dispute_evidence.part_{place:02d}"
