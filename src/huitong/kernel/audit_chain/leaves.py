"""The bytes that stand for an audit record in the chain, and nothing but that record.

Version 1, numbers big-endian: the version (1 byte), the id (16), when it was recorded in
microseconds since 2000-01-01T00:00:00Z (8, signed), then actor, action, subject, request id and
details, each as its length (4) and UTF-8. Details are the text of PostgreSQL's jsonb, whose keys
have one order. A request id that is not there has the length 2**32 - 1, which no text has. So two
records never have the same bytes. A later version begins with another number.
"""

import struct
import uuid
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

VERSION: Final = 1
_START: Final = struct.Struct(">B16sq")
_LENGTH: Final = struct.Struct(">I")
_NOTHING: Final = _LENGTH.pack(2**32 - 1)
_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


class AuditRow(NamedTuple):
    """A record as it stands in the table; `details` is the text of its jsonb."""

    id: uuid.UUID
    recorded_at: datetime
    actor: str
    action: str
    subject: str
    request_id: str | None
    details: str


def encode_row(row: AuditRow) -> bytes:
    """Return the leaf of a record."""
    recorded = (row.recorded_at - _EPOCH) // _MICROSECOND
    texts = (row.actor, row.action, row.subject, row.request_id, row.details)
    return _START.pack(VERSION, row.id.bytes, recorded) + b"".join(map(_encode_text, texts))


def _encode_text(text: str | None) -> bytes:
    if text is None:
        return _NOTHING
    encoded = text.encode()
    return _LENGTH.pack(len(encoded)) + encoded
