"""Keys of programs that call the API: issued, found by their secret, revoked.

The secret is shown once and only its SHA-256 digest is kept. It has 256 random bits, so nothing is
gained by the slow hashes that passwords need. The table is `kernel.api_keys`, where it began: the
hot path reads it, and processes of two releases must find it in one place.
"""

import asyncio
import hashlib
import re
import secrets
import time
import uuid
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy.engine import Row

from huitong.kernel import audit, limits
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField, NotFound
from huitong.kernel.ids import API_KEY, MERCHANT, show_id, uuid7

SECRET_PREFIX: Final = "htk_"  # noqa: S105 - what makes a leaked secret easy to find, not a secret
CACHE_SECONDS: Final = 5.0
_SECRET_BYTES: Final = 32
_SECRET_SHAPE: Final = re.compile(r"htk_[A-Za-z0-9_-]{43}")
_SCOPE_SHAPE: Final = re.compile(r"[a-z][a-z_]{0,31}(:[a-z][a-z_]{0,31})?")
_BEFORE_ALL_IDS: Final = uuid.UUID(int=0)


class ApiKeyNotFound(NotFound):
    """No API key has this id."""

    code = "api_key_not_found"
    title = "There is no such API key"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A key without its secret. With a merchant it acts for that merchant only."""

    id: uuid.UUID
    name: str
    scopes: frozenset[str]
    merchant_id: uuid.UUID | None
    created_at: datetime
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedKey:
    """A new key and its secret, which nobody can read again."""

    key: ApiKey
    secret: str

    def __repr__(self) -> str:
        # A secret must not reach a log by way of an exception's text.
        return f"IssuedKey(key={self.key!r}, secret=***)"


def digest_secret(secret: str) -> bytes | None:
    """Return the digest of a secret, or None if the text cannot be one of ours."""
    if _SECRET_SHAPE.fullmatch(secret) is None:
        return None
    return hashlib.sha256(secret.encode("ascii")).digest()


async def issue_api_key(
    uow: UnitOfWork,
    *,
    name: str,
    scopes: Iterable[str],
    now: datetime,
    merchant_id: uuid.UUID | None = None,
) -> IssuedKey:
    """Make a key with a new secret, to be shown once. Scopes look like `payments:write`.

    Raises InvalidField for a name or scopes that cannot be stored.
    """
    if not 1 <= len(name) <= limits.NAME_LENGTH_MAX or not name.isprintable():
        raise InvalidField(
            f"must have 1 to {limits.NAME_LENGTH_MAX} printable characters", field="name"
        )
    granted = _check_scopes(scopes)
    secret = SECRET_PREFIX + secrets.token_urlsafe(_SECRET_BYTES)
    key = ApiKey(id=uuid7(), name=name, scopes=granted, merchant_id=merchant_id, created_at=now)
    await uow.execute(
        """
        INSERT INTO kernel.api_keys (id, digest, name, scopes, merchant_id, created_at)
        VALUES (:id, :digest, :name, CAST(:scopes AS text[]), :merchant_id, :now)
        """,
        id=key.id,
        digest=digest_secret(secret),
        name=name,
        scopes=sorted(granted),
        merchant_id=merchant_id,
        now=now,
    )
    await audit.record(
        uow,
        action="identity.issue_api_key",
        subject=show_id(API_KEY, key.id),
        details={
            "name": name,
            "scopes": sorted(granted),
            "merchant_id": None if merchant_id is None else show_id(MERCHANT, merchant_id),
        },
    )
    return IssuedKey(key=key, secret=secret)


def _check_scopes(scopes: Iterable[str]) -> frozenset[str]:
    granted = frozenset(scopes)
    if not 1 <= len(granted) <= limits.API_KEY_SCOPES_MAX:
        raise InvalidField(
            f"must name 1 to {limits.API_KEY_SCOPES_MAX} different scopes", field="scopes"
        )
    for scope in sorted(granted):
        if _SCOPE_SHAPE.fullmatch(scope) is None:
            raise InvalidField(
                "must look like payments:write, in lowercase letters", field="scopes"
            )
    return granted


async def revoke_api_key(uow: UnitOfWork, key_id: uuid.UUID, *, now: datetime) -> ApiKey:
    """Revoke a key from now on; a key that is revoked already stays as it is.

    Caches forget it within `CACHE_SECONDS`. Raises ApiKeyNotFound.
    """
    row = await uow.fetch_one(
        """
        UPDATE kernel.api_keys SET revoked_at = :now WHERE id = :id AND revoked_at IS NULL
        RETURNING id, name, scopes, merchant_id, created_at, revoked_at
        """,
        id=key_id,
        now=now,
    )
    if row is not None:
        await audit.record(uow, action="identity.revoke_api_key", subject=show_id(API_KEY, key_id))
        return _read_key(row)
    row = await uow.fetch_one(
        "SELECT id, name, scopes, merchant_id, created_at, revoked_at "
        "FROM kernel.api_keys WHERE id = :id",
        id=key_id,
    )
    if row is None:
        raise ApiKeyNotFound(f"There is no API key {show_id(API_KEY, key_id)}")
    return _read_key(row)


async def find_api_key(uow: UnitOfWork, secret: str) -> ApiKey | None:
    """Return the key with this secret, or None if there is none or it was revoked."""
    digest = digest_secret(secret)
    if digest is None:
        return None
    row = await uow.fetch_one(
        """
        SELECT id, name, scopes, merchant_id, created_at, revoked_at
          FROM kernel.api_keys
         WHERE digest = :digest AND revoked_at IS NULL
        """,
        digest=digest,
    )
    return None if row is None else _read_key(row)


async def list_api_keys(
    uow: UnitOfWork, *, after_id: uuid.UUID | None = None, limit: int = limits.PAGE_SIZE_DEFAULT
) -> tuple[ApiKey, ...]:
    """Return a page of keys, oldest first, revoked ones too; raises InvalidField for the limit."""
    if not 1 <= limit <= limits.PAGE_SIZE_MAX:
        raise InvalidField(f"must be from 1 to {limits.PAGE_SIZE_MAX}, not {limit}", field="limit")
    rows = await uow.execute(
        """
        SELECT id, name, scopes, merchant_id, created_at, revoked_at
          FROM kernel.api_keys WHERE id > :after_id ORDER BY id LIMIT :limit
        """,
        after_id=after_id or _BEFORE_ALL_IDS,
        limit=limit,
    )
    return tuple(_read_key(row) for row in rows)


def _read_key(row: Row[Any]) -> ApiKey:
    return ApiKey(
        id=row.id,
        name=row.name,
        scopes=frozenset(row.scopes),
        merchant_id=row.merchant_id,
        created_at=row.created_at,
        revoked_at=row.revoked_at,
    )


class KeyCache:
    """Remembers for a few seconds which key a secret opens, and that it opens none.

    Unknown secrets have a small store of their own, so that somebody who tries many of them cannot
    push the real keys out. Equal secrets that arrive together ask the database once.
    """

    def __init__(
        self,
        load: Callable[[str], Awaitable[ApiKey | None]],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Make a cache over `load`, which asks the database; `clock` tells seconds."""
        self._load = load
        self._clock = clock
        self._known: OrderedDict[bytes, tuple[float, ApiKey]] = OrderedDict()
        self._unknown: OrderedDict[bytes, float] = OrderedDict()
        self._loading: dict[bytes, asyncio.Task[ApiKey | None]] = {}

    async def find(self, secret: str) -> ApiKey | None:
        """Return the key with this secret, as it was at most `CACHE_SECONDS` ago, or None."""
        digest = digest_secret(secret)
        if digest is None:
            return None
        now = self._clock()
        found = self._known.get(digest)
        if found is not None and now < found[0]:
            return found[1]
        if now < self._unknown.get(digest, 0.0):
            return None
        task = self._loading.get(digest)
        if task is None:
            task = asyncio.ensure_future(self._look_up(digest, secret))
            self._loading[digest] = task
            task.add_done_callback(lambda _: self._loading.pop(digest, None))
        # One caller that gives up must not take the answer from the others.
        return await asyncio.shield(task)

    async def _look_up(self, digest: bytes, secret: str) -> ApiKey | None:
        # The time before the question: a key that is revoked while it travels is not kept longer.
        until = self._clock() + CACHE_SECONDS
        key = await self._load(secret)
        self._known.pop(digest, None)
        self._unknown.pop(digest, None)
        if key is None:
            self._unknown[digest] = until
            if len(self._unknown) > limits.API_KEY_UNKNOWN_ENTRIES_MAX:
                self._unknown.popitem(last=False)
        else:
            self._known[digest] = (until, key)
            if len(self._known) > limits.API_KEY_CACHE_ENTRIES_MAX:
                self._known.popitem(last=False)
        return key
