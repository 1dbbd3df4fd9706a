"""The vault: sealing and opening people's data with a key of their own, and destroying that key."""

import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from huitong.kernel import audit, limits
from huitong.kernel.cryptography import (
    CipherName,
    DataKey,
    KeyRing,
    MasterKey,
    SealBroken,
    check_cipher,
    open_record,
    read_key_name,
    seal_record,
)
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import SUBJECT, show_id
from huitong.privacy import secrets_in_use, store
from huitong.privacy.data_keys import DataKeyCache
from huitong.privacy.errors import DataDestroyed, SealsExhausted, SubjectUnknown
from huitong.privacy.types import StoredKey


class Vault:
    """Seals and opens fields. One for each process; it may be used by many tasks at once."""

    def __init__(
        self,
        ring: KeyRing,
        *,
        cipher: CipherName = "aes-256-gcm",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Make a vault over the master keys; new values are sealed with `cipher`.

        `clock` tells seconds, for the cache. Raises CipherUnavailable.
        """
        check_cipher(cipher)
        self._ring = ring
        self._cipher: CipherName = cipher
        self._cache = DataKeyCache(clock)
        self._checked: set[int] = set()

    def __repr__(self) -> str:
        return f"Vault(cipher={self._cipher!r}, ring={self._ring!r})"

    async def seal(
        self, uow: UnitOfWork, subject_id: uuid.UUID, fields: Mapping[str, str]
    ) -> dict[str, bytes]:
        """Return a subject's fields, named `room.table.column`, sealed with the subject's key.

        The first call for a subject makes the key. Raises DataDestroyed, and InvalidField naming
        the field. A destruction waits for this transaction, or this call for a destruction.
        """
        return (await self.seal_many(uow, {subject_id: fields}))[subject_id]

    async def seal_many(
        self, uow: UnitOfWork, records: Mapping[uuid.UUID, Mapping[str, str]]
    ) -> dict[uuid.UUID, dict[str, bytes]]:
        """Seal the fields of up to `limits.SUBJECTS_AT_ONCE_MAX` subjects, with one query.

        New subjects take a few queries more, all of them together. Raises as `seal` does.
        """
        _check_count(records)
        for fields in records.values():
            if not fields:
                raise InvalidField("must be at least one to be sealed", field="fields")
        keys = await self._take_keys(uow, records)
        return {
            subject_id: seal_record(keys[subject_id], self._cipher, subject_id, fields)
            for subject_id, fields in records.items()
        }

    async def open(
        self, uow: UnitOfWork, subject_id: uuid.UUID, sealed: Mapping[str, bytes]
    ) -> dict[str, str]:
        """Return a subject's sealed fields as text.

        Raises DataDestroyed once the key was destroyed, by whichever process; SubjectUnknown if
        nothing was ever sealed for the subject; SealBroken for a value that was changed or moved.
        """
        opened = (await self.open_many(uow, {subject_id: sealed}))[subject_id]
        if opened is None:
            raise _destroyed(subject_id)
        return opened

    async def open_many(
        self, uow: UnitOfWork, sealed: Mapping[uuid.UUID, Mapping[str, bytes]]
    ) -> dict[uuid.UUID, dict[str, str] | None]:
        """Open the fields of up to `limits.SUBJECTS_AT_ONCE_MAX` subjects, with one query.

        A subject whose data was destroyed gets None: one of them must not hide a page of others.
        Otherwise raises as `open` does.
        """
        _check_count(sealed)
        stored = await store.find_wrapped(uow, sealed)
        opened: dict[uuid.UUID, dict[str, str] | None] = {}
        for subject_id, fields in sealed.items():
            if subject_id not in stored:
                raise SubjectUnknown(f"There is no data key for {_show(subject_id)}")
            wrapped = stored[subject_id]
            if wrapped is None:
                self._cache.forget(subject_id)
                opened[subject_id] = None
            else:
                key = self._unwrap(subject_id, wrapped)
                opened[subject_id] = open_record(key, subject_id, fields)
        return opened

    def blind_index(self, kind: str, value: str) -> bytes:
        """Return 32 bytes by which a value can be found again among those of its kind.

        HMAC-SHA-256 under a key for the kind. Write the value in one way only before asking: what
        looks equal to people but differs in a byte has another index. Raises InvalidField.
        """
        return self._ring.indexer.index(kind, value)

    async def destroy(self, uow: UnitOfWork, subject_id: uuid.UUID, *, now: datetime) -> bool:
        """Destroy a subject's data key: everything sealed for the subject is unreadable for good.

        Nothing can be sealed for the subject afterwards either, whether or not there was a key.
        Returns False if there was none, or it was destroyed before. A key that lies in a backup
        stays wrapped by a master key; see `huitong keys retire-master`.
        """
        is_destroyed = await store.destroy_key(uow, subject_id, now)
        self._cache.forget(subject_id)
        if is_destroyed:
            await audit.record(uow, action="privacy.destroy_data", subject=_show(subject_id))
        return is_destroyed

    async def check(self, uow: UnitOfWork) -> None:
        """Raise WrongSecrets if this process has other secrets than the database was used with.

        For a process's start: with a wrong index secret every look-up would find nothing, and with
        wrong master keys nothing would open. It only reads.
        """
        await secrets_in_use.compare(uow, secrets_in_use.of_ring(self._ring))

    async def _take_keys(
        self, uow: UnitOfWork, records: Mapping[uuid.UUID, Mapping[str, str]]
    ) -> dict[uuid.UUID, DataKey]:
        wanted = {subject_id: len(fields) for subject_id, fields in records.items()}
        stored = await store.take_keys(uow, wanted)
        missing = wanted.keys() - stored.keys()
        if missing:
            stored |= await self._make_keys(uow, {each: wanted[each] for each in sorted(missing)})
            missing = wanted.keys() - stored.keys()
        if missing:
            # Destroyed, used up, or made by another transaction in between.
            stored |= await store.take_keys(uow, {each: wanted[each] for each in sorted(missing)})
            missing = wanted.keys() - stored.keys()
        if missing:
            await _explain_missing(uow, missing)
        return {
            subject_id: self._unwrap(subject_id, _require(key.wrapped))
            for subject_id, key in stored.items()
        }

    async def _make_keys(
        self, uow: UnitOfWork, seals: Mapping[uuid.UUID, int]
    ) -> dict[uuid.UUID, StoredKey]:
        await store.share_master_keys(uow)
        master = self._ring.newest
        await self._check_secrets(uow, master)
        made = [
            StoredKey(
                subject_id=subject_id,
                wrapped=master.wrap(
                    DataKey.generate(), cipher=self._cipher, owner=subject_id.bytes
                ),
                master_key=master.number,
                seals=count,
            )
            for subject_id, count in seals.items()
        ]
        return await store.insert_keys(uow, made)

    async def _check_secrets(self, uow: UnitOfWork, master: MasterKey) -> None:
        if master.number in self._checked:
            return
        secrets = secrets_in_use.of_master_key(master) | secrets_in_use.of_index(self._ring)
        # Remembered only once it is committed for sure: this transaction may yet be undone.
        if await secrets_in_use.check(uow, secrets):
            self._checked.add(master.number)

    def _unwrap(self, subject_id: uuid.UUID, wrapped: bytes) -> DataKey:
        key = self._cache.find(subject_id, wrapped)
        if key is None:
            master = self._ring.get(read_key_name(wrapped))
            try:
                key = master.unwrap(wrapped, owner=subject_id.bytes)
            except SealBroken as error:
                raise SealBroken(
                    f"The data key of {_show(subject_id)} does not open with master key "
                    f"{master.number}: it was changed, or the master key is another one"
                ) from error
            self._cache.remember(subject_id, wrapped, key)
        return key


async def _explain_missing(uow: UnitOfWork, missing: Iterable[uuid.UUID]) -> None:
    first = min(missing)
    stored = await store.find_keys(uow, [first])
    if stored[first].wrapped is None:
        raise _destroyed(first)
    raise SealsExhausted(
        f"The data key of {_show(first)} sealed nearly {limits.SEALS_PER_KEY_MAX} values, and no "
        "more are safe"
    )


def _check_count(subjects: Mapping[uuid.UUID, object]) -> None:
    if len(subjects) > limits.SUBJECTS_AT_ONCE_MAX:
        raise InvalidField(
            f"must be at most {limits.SUBJECTS_AT_ONCE_MAX} at once", field="subjects"
        )


def _require(wrapped: bytes | None) -> bytes:
    assert wrapped is not None, "a key that is not destroyed has its wrapped form"
    return wrapped


def _destroyed(subject_id: uuid.UUID) -> DataDestroyed:
    return DataDestroyed(
        f"The data of {_show(subject_id)} was destroyed", context={"subject": _show(subject_id)}
    )


def _show(subject_id: uuid.UUID) -> str:
    return show_id(SUBJECT, subject_id)
