"""All SQL of data keys, of the secrets in use and of disclosures."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy.engine import Row

from huitong.kernel import limits
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.privacy.types import Disclosure, StoredKey

# Any number that nothing else in this database locks.
_MASTER_KEYS_LOCK: Final = 4_071_902
# Locked in the order of their ids, so that two batches that share subjects never wait in a circle.
_TAKE: Final = """
    WITH wanted AS (
        SELECT k.subject_id, w.seals
          FROM privacy.subject_keys k
          JOIN unnest(CAST(:ids AS uuid[]), CAST(:seals AS bigint[])) AS w (subject_id, seals)
            ON w.subject_id = k.subject_id
         WHERE k.destroyed_at IS NULL AND k.seals + w.seals <= :seals_max
         ORDER BY k.subject_id
           FOR NO KEY UPDATE OF k
    )
    UPDATE privacy.subject_keys k SET seals = k.seals + wanted.seals
      FROM wanted
     WHERE k.subject_id = wanted.subject_id
    RETURNING k.subject_id, k.wrapped, k.master_key, k.seals
"""
_INSERT: Final = """
    INSERT INTO privacy.subject_keys AS k (subject_id, wrapped, master_key, seals)
    SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:wrapped AS bytea[]),
                         CAST(:master_keys AS integer[]), CAST(:seals AS bigint[]))
                  AS new (subject_id, wrapped, master_key, seals)
     ORDER BY subject_id
        ON CONFLICT (subject_id) DO NOTHING
    RETURNING k.subject_id, k.wrapped, k.master_key, k.seals
"""
_FIND: Final = """
    SELECT subject_id, wrapped, master_key, seals
      FROM privacy.subject_keys
     WHERE subject_id = ANY(CAST(:ids AS uuid[]))
"""
_FIND_WRAPPED: Final = (
    "SELECT subject_id, wrapped FROM privacy.subject_keys WHERE subject_id = ANY($1::uuid[])"
)
# A subject that has no key yet gets a destroyed one: a seal that is on its way must not make one.
_DESTROY: Final = """
    INSERT INTO privacy.subject_keys AS k (subject_id, seals, destroyed_at)
    VALUES (:id, 0, :now)
        ON CONFLICT (subject_id) DO UPDATE
       SET wrapped = NULL, master_key = NULL, destroyed_at = excluded.destroyed_at
     WHERE k.destroyed_at IS NULL
    RETURNING k.seals
"""
_LOCK_OUTDATED: Final = """
    SELECT subject_id, wrapped, master_key, seals
      FROM privacy.subject_keys
     WHERE destroyed_at IS NULL AND master_key < :newest
     ORDER BY master_key, subject_id
     LIMIT :limit
       FOR NO KEY UPDATE SKIP LOCKED
"""
_REWRAP: Final = """
    UPDATE privacy.subject_keys k SET wrapped = new.wrapped, master_key = :newest
      FROM unnest(CAST(:ids AS uuid[]), CAST(:wrapped AS bytea[])) AS new (subject_id, wrapped)
     WHERE k.subject_id = new.subject_id
"""
_RECORD_SECRETS: Final = """
    INSERT INTO privacy.secrets_in_use (name, fingerprint)
    SELECT * FROM unnest(CAST(:names AS text[]), CAST(:fingerprints AS bytea[]))
        ON CONFLICT (name) DO NOTHING
"""
_LIST_DISCLOSURES: Final = """
    SELECT id, viewer, role, subject_id, fields, purpose, reason, request_id, disclosed_at
      FROM privacy.disclosures
     WHERE id < :before_id
       AND (CAST(:subject_id AS uuid) IS NULL OR subject_id = :subject_id)
       AND (CAST(:viewer AS text) IS NULL OR viewer = :viewer)
     ORDER BY id DESC
     LIMIT :limit
"""


async def share_master_keys(uow: UnitOfWork) -> None:
    """Keep the master keys from being retired until this transaction has ended.

    Whoever wraps asks first and chooses the master key afterwards; otherwise a key could be wrapped
    with one that is gone when it is committed.
    """
    await uow.execute("SELECT pg_advisory_xact_lock_shared(:number)", number=_MASTER_KEYS_LOCK)


async def own_master_keys(uow: UnitOfWork) -> None:
    """Wait until nobody wraps, and keep others from it until this transaction has ended."""
    await uow.execute("SELECT pg_advisory_xact_lock(:number)", number=_MASTER_KEYS_LOCK)


async def take_keys(uow: UnitOfWork, seals: Mapping[uuid.UUID, int]) -> dict[uuid.UUID, StoredKey]:
    """Lock the keys of subjects and count the values that are about to be sealed with each.

    Subjects without a key, with a destroyed one, or with one that is used up are left out. The
    locks let a destruction wait until what is sealed now is committed, or refuse it afterwards.
    """
    rows = await uow.execute(
        _TAKE, ids=list(seals), seals=list(seals.values()), seals_max=limits.SEALS_PER_KEY_MAX
    )
    return _by_subject(rows)


async def insert_keys(uow: UnitOfWork, keys: Sequence[StoredKey]) -> dict[uuid.UUID, StoredKey]:
    """Insert new keys; those of subjects who have one by now are left out."""
    rows = await uow.execute(
        _INSERT,
        ids=[key.subject_id for key in keys],
        wrapped=[key.wrapped for key in keys],
        master_keys=[key.master_key for key in keys],
        seals=[key.seals for key in keys],
    )
    return _by_subject(rows)


async def find_keys(uow: UnitOfWork, ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, StoredKey]:
    """Return the keys of subjects as they are now, destroyed ones too."""
    return _by_subject(await uow.execute(_FIND, ids=list(ids)))


async def find_wrapped(uow: UnitOfWork, ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, bytes | None]:
    """Return the wrapped keys of subjects as they are now, None for a destroyed one."""
    rows = await (await uow.driver()).fetch(_FIND_WRAPPED, list(ids))
    return dict(rows)


async def destroy_key(uow: UnitOfWork, subject_id: uuid.UUID, now: datetime) -> bool:
    """Destroy a subject's key, now and for any later time; False if there was none to destroy."""
    seals = await uow.fetch_value(_DESTROY, id=subject_id, now=now)
    return bool(seals)


async def lock_outdated_keys(uow: UnitOfWork, newest: int, limit: int) -> list[StoredKey]:
    """Lock some keys that an older master key wraps, passing over those that others hold."""
    rows = await uow.execute(_LOCK_OUTDATED, newest=newest, limit=limit)
    return [StoredKey(**row._asdict()) for row in rows]


async def replace_wrapped(uow: UnitOfWork, wrapped: Mapping[uuid.UUID, bytes], newest: int) -> None:
    """Store keys that were wrapped with the newest master key; the caller holds their locks."""
    await uow.execute(_REWRAP, ids=list(wrapped), wrapped=list(wrapped.values()), newest=newest)


async def count_outdated_keys(uow: UnitOfWork, newest: int) -> int:
    """Return how many keys an older master key still wraps."""
    count: int = await uow.fetch_value(
        "SELECT count(*) FROM privacy.subject_keys "
        "WHERE destroyed_at IS NULL AND master_key < :newest",
        newest=newest,
    )
    return count


async def count_keys_of(uow: UnitOfWork, master_key: int) -> int:
    """Return how many keys a master key wraps."""
    count: int = await uow.fetch_value(
        "SELECT count(*) FROM privacy.subject_keys "
        "WHERE destroyed_at IS NULL AND master_key = :master_key",
        master_key=master_key,
    )
    return count


async def find_secrets(uow: UnitOfWork, names: Iterable[str]) -> dict[str, bytes]:
    """Return the fingerprints of the secrets that were recorded as being in use."""
    rows = await uow.execute(
        "SELECT name, fingerprint FROM privacy.secrets_in_use "
        "WHERE name = ANY(CAST(:names AS text[]))",
        names=list(names),
    )
    return {row.name: row.fingerprint for row in rows}


async def record_secrets(uow: UnitOfWork, secrets: Mapping[str, bytes]) -> None:
    """Record which secrets are in use, by fingerprint, unless something is recorded already."""
    names = sorted(secrets)
    await uow.execute(_RECORD_SECRETS, names=names, fingerprints=[secrets[name] for name in names])


async def insert_disclosure(uow: UnitOfWork, disclosure: Disclosure) -> None:
    """Insert a disclosure."""
    await uow.execute(
        """
        INSERT INTO privacy.disclosures (id, viewer, role, subject_id, fields, purpose, reason,
                                         request_id, disclosed_at)
        VALUES (:id, :viewer, :role, :subject_id, CAST(:fields AS text[]), :purpose, :reason,
                :request_id, :disclosed_at)
        """,
        id=disclosure.id,
        viewer=disclosure.viewer,
        role=disclosure.role,
        subject_id=disclosure.subject_id,
        fields=list(disclosure.fields),
        purpose=disclosure.purpose,
        reason=disclosure.reason,
        request_id=disclosure.request_id,
        disclosed_at=disclosure.disclosed_at,
    )


async def list_disclosures(
    uow: UnitOfWork,
    *,
    subject_id: uuid.UUID | None,
    viewer: str | None,
    before_id: uuid.UUID,
    limit: int,
) -> tuple[Disclosure, ...]:
    """Return the next disclosures, newest first."""
    rows = await uow.execute(
        _LIST_DISCLOSURES, subject_id=subject_id, viewer=viewer, before_id=before_id, limit=limit
    )
    return tuple(Disclosure(**{**row._asdict(), "fields": tuple(row.fields)}) for row in rows)


def _by_subject(rows: Sequence[Row[Any]]) -> dict[uuid.UUID, StoredKey]:
    return {
        row.subject_id: StoredKey(
            subject_id=row.subject_id,
            wrapped=row.wrapped,
            master_key=row.master_key,
            seals=row.seals,
        )
        for row in rows
    }
