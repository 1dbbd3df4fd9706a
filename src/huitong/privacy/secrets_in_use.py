"""Noticing a wrong key file before it seals anything.

A process whose home lost its keys makes new ones, and would seal with keys that no other process
has, and index values so that nobody finds them. The database keeps a fingerprint of each secret
that was used on it, and a process with another one is stopped.
"""

from collections.abc import Mapping
from typing import Final

from huitong.kernel.cryptography import KeyRing, MasterKey
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.privacy import store
from huitong.privacy.errors import WrongSecrets

_INDEX_SECRET: Final = "index_secret"  # noqa: S105 - a name


def of_master_key(key: MasterKey) -> dict[str, bytes]:
    """Return a master key's name and fingerprint."""
    return {f"master_key_{key.number}": key.fingerprint}


def of_index(ring: KeyRing) -> dict[str, bytes]:
    """Return the index secret's name and fingerprint."""
    return {_INDEX_SECRET: ring.indexer.fingerprint}


def of_ring(ring: KeyRing) -> dict[str, bytes]:
    """Return the names and fingerprints of all secrets of a ring."""
    secrets = of_index(ring)
    for number in ring.numbers:
        secrets |= of_master_key(ring.get(number))
    return secrets


async def compare(uow: UnitOfWork, secrets: Mapping[str, bytes]) -> bool:
    """Compare fingerprints with the recorded ones; say whether all of them are recorded.

    Raises WrongSecrets naming the first that differs.
    """
    recorded = await store.find_secrets(uow, secrets)
    for name, fingerprint in secrets.items():
        if recorded.get(name, fingerprint) != fingerprint:
            raise WrongSecrets(
                f"{name} of this process is not the one that this database was used with. Restore "
                "keys/master.json (or HUITONG_MASTER_KEYS) from a backup of the keys."
            )
    return recorded.keys() == secrets.keys()


async def check(uow: UnitOfWork, secrets: Mapping[str, bytes]) -> bool:
    """Compare fingerprints as `compare` does, and record those that are new.

    Returns whether all were recorded before. Raises WrongSecrets.
    """
    if await compare(uow, secrets):
        return True
    await store.record_secrets(uow, secrets)
    # Another process may have recorded one of its own in between.
    await compare(uow, secrets)
    return False
