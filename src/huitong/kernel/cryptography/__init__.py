"""Cryptography: sealing with authenticated ciphers, master keys, wrapped keys, blind indexes.

Owns the ciphers (AES-256-GCM and SM4-GCM), the format of a sealed value, the ring of numbered
master keys, and blind indexes. It has no tables: `privacy` keeps the wrapped keys.
"""

from huitong.kernel.cryptography.blind_index import BlindIndexer
from huitong.kernel.cryptography.ciphers import check_cipher
from huitong.kernel.cryptography.errors import (
    CipherUnavailable,
    MasterKeysUnchangeable,
    MasterKeysUnreadable,
    MasterKeyUnknown,
    SealBroken,
)
from huitong.kernel.cryptography.key_ring import KeyRing, load_key_ring
from huitong.kernel.cryptography.keys import DataKey, MasterKey, read_key_name
from huitong.kernel.cryptography.records import open_record, seal_record
from huitong.kernel.settings import CipherName

__all__ = [
    "BlindIndexer",
    "CipherName",
    "CipherUnavailable",
    "DataKey",
    "KeyRing",
    "MasterKey",
    "MasterKeyUnknown",
    "MasterKeysUnchangeable",
    "MasterKeysUnreadable",
    "SealBroken",
    "check_cipher",
    "load_key_ring",
    "open_record",
    "read_key_name",
    "seal_record",
]
