"""The audit trail's chain: whoever changes, deletes or slips in a record is found out.

Owns the leaves (one for each committed record, in a Merkle tree of RFC 6962), the sealer that
appends them, checkpoints signed with Ed25519, and the check of all of it. Triggers and grants keep
honest programs from changing the trail; this finds what a superuser did who took them away.
"""

from huitong.kernel.audit_chain.leaves import AuditRow, encode_row
from huitong.kernel.audit_chain.publishing import (
    CHECKPOINT_FILE,
    AuditKeyDiffers,
    AuditTrailChanged,
    find_audit_key,
    get_audit_key,
    keep_checkpoint,
    load_audit_key,
    publish_audit_checkpoint,
    read_kept_checkpoint,
)
from huitong.kernel.audit_chain.sealing import seal_records
from huitong.kernel.audit_chain.verifying import (
    AuditDifference,
    AuditReport,
    Trust,
    verify_audit,
)

__all__ = [
    "CHECKPOINT_FILE",
    "AuditDifference",
    "AuditKeyDiffers",
    "AuditReport",
    "AuditRow",
    "AuditTrailChanged",
    "Trust",
    "encode_row",
    "find_audit_key",
    "get_audit_key",
    "keep_checkpoint",
    "load_audit_key",
    "publish_audit_checkpoint",
    "read_kept_checkpoint",
    "seal_records",
    "verify_audit",
]
