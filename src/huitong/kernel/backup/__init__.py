"""Encrypted copies of the database: their key, their file format, the programs that make them.

A backup file is `huitong-backup v1`, a line of JSON that anybody may read, and chunks of ciphertext
(AES-256-GCM). Inside are a manifest, which may hold the home's key files, and the compressed script
of `pg_dump`. Nothing here knows what the tables mean.
"""

from huitong.kernel.backup.archive import (
    ArchiveReader,
    ArchiveWriter,
    Contents,
    Header,
    Manifest,
)
from huitong.kernel.backup.dumping import (
    DatabaseNotEmpty,
    DumpFailed,
    dump_database,
    load_script,
    restoring,
)
from huitong.kernel.backup.faults import BackupDamaged, BackupFault, WrongRecoveryKey
from huitong.kernel.backup.recovery_key import RecoveryKey

__all__ = [
    "ArchiveReader",
    "ArchiveWriter",
    "BackupDamaged",
    "BackupFault",
    "Contents",
    "DatabaseNotEmpty",
    "DumpFailed",
    "Header",
    "Manifest",
    "RecoveryKey",
    "WrongRecoveryKey",
    "dump_database",
    "load_script",
    "restoring",
]
