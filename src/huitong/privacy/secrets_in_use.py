"""Noticing a wrong key file before it seals anything.

A process whose home lost its keys makes new ones, and would seal with keys that no other process
has, and index values so that nobody finds them. The database keeps a fingerprint of each secret
that was used on it, and a process with another one is stopped.
"""

from collections.abc import Mapping
from typing import Final

from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.privacy import store
from huitong.privacy.errors import WrongSecrets

INDEX_SECRET: Final = "index_secret"  # noqa: S105 - a name


def name_master_key(number: int) -> str:
    """Return the name under which a master key is recorded."""
    return f"master_key_{number}"


async def check(uow: UnitOfWork, secrets: Mapping[str, bytes]) -> bool:
    """Compare fingerprints with the recorded ones, and record those that are new.

    Returns whether all were recorded before. Raises WrongSecrets naming the first that differs.
    """
    recorded = await store.find_secrets(uow, secrets)
    is_known = recorded.keys() == secrets.keys()
    if not is_known:
        await store.record_secrets(uow, secrets)
        recorded = await store.find_secrets(uow, secrets)
    for name, fingerprint in secrets.items():
        if recorded[name] != fingerprint:
            raise WrongSecrets(
                f"{name} of this process is not the one that this database was used with. Restore "
                "keys/master.json (or HUITONG_MASTER_KEYS) from a backup of the keys."
            )
    return is_known
