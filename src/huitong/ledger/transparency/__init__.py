"""The transparency log: every journal row as a leaf of a Merkle tree that anybody can check.

Owns the tree (RFC 6962) in tiles, the sealer that appends final rows, checkpoints signed with
Ed25519 in the formats that other transparency logs use (C2SP), and proofs: that a transfer is in
the log, and that the log has only grown. A proof is a small JSON document; checking it needs the
public key and neither the platform nor its database.
"""

from huitong.kernel.checkpoints import Checkpoint, Published
from huitong.kernel.merkle import ProofNotValid
from huitong.kernel.notes import NoteNotValid, PublicKey
from huitong.ledger.transparency.differences import LogDifference, find_log_differences
from huitong.ledger.transparency.documents import (
    Proven,
    ProvenCheckpoint,
    ProvenGrowth,
    ProvenTransfer,
    check_proof,
)
from huitong.ledger.transparency.keys import LogKeyUnreadable, load_log_key
from huitong.ledger.transparency.proofs import (
    TransferNotPublished,
    prove_consistency,
    prove_inclusion,
)
from huitong.ledger.transparency.publishing import (
    LogInconsistent,
    LogKeyDiffers,
    get_checkpoint,
    get_log_key,
    list_checkpoints,
    publish_checkpoint,
)
from huitong.ledger.transparency.sealer import seal_transfers

__all__ = [
    "Checkpoint",
    "LogDifference",
    "LogInconsistent",
    "LogKeyDiffers",
    "LogKeyUnreadable",
    "NoteNotValid",
    "ProofNotValid",
    "Proven",
    "ProvenCheckpoint",
    "ProvenGrowth",
    "ProvenTransfer",
    "PublicKey",
    "Published",
    "TransferNotPublished",
    "check_proof",
    "find_log_differences",
    "get_checkpoint",
    "get_log_key",
    "list_checkpoints",
    "load_log_key",
    "prove_consistency",
    "prove_inclusion",
    "publish_checkpoint",
    "seal_transfers",
]
