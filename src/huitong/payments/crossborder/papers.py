"""Papers that prove what a payment is for: sealed, with a digest, each for one payment only."""

import base64
import hashlib
import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy.engine import Row

from huitong.kernel import audit
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField, LimitExceeded
from huitong.kernel.ids import PAPER, show_id
from huitong.payments.crossborder import limits
from huitong.payments.crossborder.errors import PaperNotFound, PaperUsed
from huitong.payments.crossborder.purposes import PaperKind
from huitong.payments.crossborder.types import Paper, Party
from huitong.privacy import Vault

_PAPER: Final = "id, party_id, kind, digest, size, added_at, payment_id"
_MAGIC: Final = (b"%PDF-", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")
_ADD: Final = f"""
    INSERT INTO payments.crossborder_papers ({_PAPER}, added_by)
    VALUES (:id, :party_id, :kind, :digest, :size, :now, NULL, :added_by)
    ON CONFLICT (party_id, kind, digest) DO NOTHING RETURNING id
"""  # noqa: S608 - our own text


async def add_paper(
    uow: UnitOfWork,
    vault: Vault,
    *,
    paper_id: uuid.UUID,
    party: Party,
    added_by: uuid.UUID,
    kind: str,
    content: bytes,
    now: datetime,
) -> Paper:
    """Keep a paper (PDF, PNG or JPEG), sealed; raises InvalidField, LimitExceeded, PaperUsed."""
    _check_content(kind, content)
    await _check_unused(uow, party)
    digest = hashlib.sha256(content).digest()
    added = await uow.execute(
        _ADD,
        id=paper_id,
        party_id=party.id,
        kind=kind,
        digest=digest,
        size=len(content),
        now=now,
        added_by=added_by,
    )
    if not added:
        raise PaperUsed("the same paper stands already", field="content")
    await _seal(uow, vault, paper_id, content)
    return Paper(
        id=paper_id,
        party_id=party.id,
        kind=kind,
        digest=digest,
        size=len(content),
        added_at=now,
    )


def _check_content(kind: str, content: bytes) -> None:
    if kind not in [each.value for each in PaperKind]:
        raise InvalidField(f"must be among {', '.join(sorted(PaperKind))}", field="kind")
    if not content.startswith(_MAGIC):
        raise InvalidField("must be a PDF, a PNG or a JPEG", field="content")
    if len(content) > limits.PAPER_BYTES_MAX:
        raise InvalidField(f"must have at most {limits.PAPER_BYTES_MAX} bytes", field="content")


async def _check_unused(uow: UnitOfWork, party: Party) -> None:
    unused = await uow.fetch_value(
        """SELECT count(*) FROM payments.crossborder_papers
            WHERE party_id = :party_id AND payment_id IS NULL""",
        party_id=party.id,
    )
    if unused >= limits.PAPERS_UNUSED_MAX:
        raise LimitExceeded(f"at most {limits.PAPERS_UNUSED_MAX} papers wait for a payment")


async def _seal(uow: UnitOfWork, vault: Vault, paper_id: uuid.UUID, content: bytes) -> None:
    step = limits.PAPER_PART_BYTES
    parts = {
        _field(place): base64.b64encode(content[start : start + step]).decode()
        for place, start in enumerate(range(0, len(content), step))
    }
    sealed = await vault.seal(uow, paper_id, parts)
    for place, name in enumerate(parts):
        await uow.execute(
            """INSERT INTO payments.crossborder_paper_parts (paper_id, place, sealed)
               VALUES (:paper_id, :place, :sealed)""",
            paper_id=paper_id,
            place=place,
            sealed=sealed[name],
        )


async def open_paper(uow: UnitOfWork, vault: Vault, paper_id: uuid.UUID) -> tuple[Paper, bytes]:
    """Return a paper and its bytes, for staff who decide; raises PaperNotFound.

    That it was opened is in the audit trail.
    """
    found = await _find(uow, [paper_id])
    if not found:
        raise PaperNotFound("there is no such paper", field="paper")
    rows = await uow.execute(
        """SELECT place, sealed FROM payments.crossborder_paper_parts
            WHERE paper_id = :id ORDER BY place""",
        id=paper_id,
    )
    opened = await vault.open(uow, paper_id, {_field(row.place): row.sealed for row in rows})
    content = b"".join(base64.b64decode(opened[_field(row.place)]) for row in rows)
    assert hashlib.sha256(content).digest() == found[0].digest, "sealed bytes do not change"
    await audit.record(uow, action="payments.open_paper", subject=show_id(PAPER, paper_id))
    return found[0], content


async def attach(
    uow: UnitOfWork, party: Party, paper_ids: Sequence[uuid.UUID], payment_id: uuid.UUID
) -> None:
    """Use papers for a payment; raises PaperUsed if one was used meanwhile."""
    for paper_id in sorted(set(paper_ids)):
        rows = await uow.execute(
            """UPDATE payments.crossborder_papers SET payment_id = :payment_id
                WHERE id = :id AND party_id = :party_id AND payment_id IS NULL RETURNING id""",
            id=paper_id,
            party_id=party.id,
            payment_id=payment_id,
        )
        if not rows:
            raise PaperUsed("a paper proves another payment already", field="papers")


async def release(uow: UnitOfWork, payment_id: uuid.UUID) -> None:
    """Let the papers of a payment that was not done prove another one."""
    await uow.execute(
        """UPDATE payments.crossborder_papers SET payment_id = NULL
            WHERE payment_id = :payment_id""",
        payment_id=payment_id,
    )


async def get_papers(uow: UnitOfWork, party: Party, paper_ids: Sequence[uuid.UUID]) -> list[Paper]:
    """Return papers of a party that are not used yet; raises PaperNotFound, PaperUsed."""
    if len(paper_ids) > limits.PAPERS_PER_PAYMENT_MAX:
        raise LimitExceeded(
            f"at most {limits.PAPERS_PER_PAYMENT_MAX} papers for a payment", field="papers"
        )
    found = {each.id: each for each in await _find(uow, paper_ids) if each.party_id == party.id}
    if len(found) < len(set(paper_ids)):
        raise PaperNotFound("there is no such paper of yours", field="papers")
    if any(each.payment_id is not None for each in found.values()):
        raise PaperUsed("a paper proves another payment already", field="papers")
    return list(found.values())


async def list_papers(uow: UnitOfWork, payment_id: uuid.UUID) -> list[Paper]:
    """Return the papers of a payment."""
    rows = await uow.execute(
        f"""SELECT {_PAPER} FROM payments.crossborder_papers
             WHERE payment_id = :id ORDER BY id""",  # noqa: S608 - our own text
        id=payment_id,
    )
    return [_read(row) for row in rows]


async def _find(uow: UnitOfWork, paper_ids: Sequence[uuid.UUID]) -> list[Paper]:
    rows = await uow.execute(
        f"""SELECT {_PAPER} FROM payments.crossborder_papers
             WHERE id = ANY(CAST(:ids AS uuid[]))""",  # noqa: S608 - our own text
        ids=list(paper_ids),
    )
    return [_read(row) for row in rows]


def _read(row: Row[Any]) -> Paper:
    return Paper(**row._asdict())


def _field(place: int) -> str:
    return f"payments.crossborder_paper_parts.part_{place}"
