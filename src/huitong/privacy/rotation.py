"""Rotating master keys: wrapping data keys again, a step at a time, while everything goes on."""

from huitong.kernel import audit, limits
from huitong.kernel.cryptography import CipherName, KeyRing
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.privacy import secrets_in_use, store
from huitong.privacy.errors import MasterKeyInUse


async def rewrap(
    uow: UnitOfWork,
    ring: KeyRing,
    *,
    cipher: CipherName = "aes-256-gcm",
    limit: int = limits.REWRAP_KEYS_MAX,
) -> int:
    """Wrap up to `limit` outdated data keys with the newest master key; return how many.

    What is sealed stays as it is: only the wrapping changes. Each step stands for itself, so a run
    that was interrupted goes on where it stopped, and several may run at once: keys that another
    transaction holds are left for a later step. Raises WrongSecrets, MasterKeyUnknown, SealBroken.
    """
    await store.share_master_keys(uow)
    newest = ring.newest
    outdated = await store.lock_outdated_keys(uow, newest.number, limit)
    if not outdated:
        return 0
    await secrets_in_use.check(uow, secrets_in_use.of_master_key(newest))
    wrapped = {}
    for stored in outdated:
        assert stored.wrapped is not None, "a destroyed key is not outdated"
        assert stored.master_key is not None, "a wrapped key names its master key"
        owner = stored.subject_id.bytes
        key = ring.get(stored.master_key).unwrap(stored.wrapped, owner=owner)
        wrapped[stored.subject_id] = newest.wrap(key, cipher=cipher, owner=owner)
    await store.replace_wrapped(uow, wrapped, newest.number)
    return len(outdated)


async def count_outdated(uow: UnitOfWork, ring: KeyRing) -> int:
    """Return how many data keys an older master key than the newest still wraps."""
    return await store.count_outdated_keys(uow, ring.newest.number)


async def rotate_master_key(uow: UnitOfWork, ring: KeyRing) -> int:
    """Add a new master key to the home's key file, record it in the audit trail, return its number.

    New data keys are wrapped with it at once, old ones by `rewrap`. Raises MasterKeysUnchangeable
    if the keys come from outside.
    """
    number = ring.add_master_key()
    await audit.record(uow, action="privacy.rotate_master_key", subject=_show(number))
    return number


async def retire_master_key(uow: UnitOfWork, ring: KeyRing, number: int) -> None:
    """Remove an old master key for good, once it wraps nothing any more.

    From then on no backup of the database that is older than its rewrapping can be opened: this is
    what makes destroyed data unreadable in backups too. Raises MasterKeyInUse, MasterKeyUnknown,
    and MasterKeysUnchangeable for the newest key.
    """
    await store.own_master_keys(uow)
    left = await store.count_keys_of(uow, number)
    if left:
        raise MasterKeyInUse(
            f"Master key {number} still wraps {left} data keys: run `huitong keys rewrap` first"
        )
    # Recorded first: a key that is gone without a trace would be worse than a trace without.
    await audit.record(uow, action="privacy.retire_master_key", subject=_show(number))
    ring.retire_master_key(number)


def _show(number: int) -> str:
    return f"master_key {number}"
