"""Privacy: people's data sealed with a key for each person, masked by default, shown with a reason.

Owns the data key of each subject (anyone whose data we keep), sealing and opening fields, finding
them by blind index, destroying a subject's data with the key, rotating master keys, masks, and the
record of who saw what in full. See docs/people.md.
"""

from huitong.privacy.disclosing import disclose, list_disclosures
from huitong.privacy.errors import (
    DataDestroyed,
    MasterKeyInUse,
    SealsExhausted,
    SubjectUnknown,
    WrongSecrets,
)
from huitong.privacy.masking import mask
from huitong.privacy.policy import Policy, PolicyInvalidError
from huitong.privacy.rotation import (
    count_outdated,
    retire_master_key,
    rewrap,
    rotate_master_key,
)
from huitong.privacy.types import DataKind, Disclosure, SealedField, Shown, Viewer
from huitong.privacy.vault import Vault

__all__ = [
    "DataDestroyed",
    "DataKind",
    "Disclosure",
    "MasterKeyInUse",
    "Policy",
    "PolicyInvalidError",
    "SealedField",
    "SealsExhausted",
    "Shown",
    "SubjectUnknown",
    "Vault",
    "Viewer",
    "WrongSecrets",
    "count_outdated",
    "disclose",
    "list_disclosures",
    "mask",
    "retire_master_key",
    "rewrap",
    "rotate_master_key",
]
