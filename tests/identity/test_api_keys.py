"""API keys open what they were issued for, until they are revoked."""

import asyncio
import hashlib
import uuid
from datetime import UTC, datetime, timedelta

import pytest

from huitong import identity
from huitong.identity import ApiKey, ApiKeyNotFound, IssuedKey, KeyCache
from huitong.kernel import audit, limits
from huitong.kernel.database.unit_of_work import Database
from huitong.kernel.errors import InvalidField

_NOW = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
_MERCHANT = uuid.UUID(int=7)


async def _issue(database: Database, name: str = "till 1") -> IssuedKey:
    async with database.unit_of_work() as uow:
        return await identity.issue_api_key(
            uow,
            name=name,
            scopes=["payments:write", "payments:read", "payments:read"],
            merchant_id=_MERCHANT,
            now=_NOW,
        )


async def test_finds_a_key_by_its_secret(database: Database) -> None:
    issued = await _issue(database)

    async with database.unit_of_work() as uow:
        found = await identity.find_api_key(uow, issued.secret)

    assert found == issued.key
    assert found.scopes == {"payments:read", "payments:write"}
    assert (found.name, found.merchant_id, found.created_at) == ("till 1", _MERCHANT, _NOW)
    assert issued.secret.startswith("htk_")
    assert len(issued.secret) == 47


async def test_keeps_a_digest_and_nowhere_the_secret(database: Database) -> None:
    issued = await _issue(database)

    async with database.unit_of_work() as uow:
        digest = await uow.fetch_value("SELECT digest FROM kernel.api_keys")
        stored = await uow.fetch_value("SELECT CAST(k AS text) FROM kernel.api_keys k")
        (trail,) = await audit.list_records(uow)

    assert digest == hashlib.sha256(issued.secret.encode()).digest()
    assert issued.secret not in stored
    assert issued.secret not in repr(issued)
    assert trail.action == "identity.issue_api_key"
    assert trail.details == {
        "name": "till 1",
        "scopes": ["payments:read", "payments:write"],
        "merchant_id": f"mer_{_MERCHANT.hex}",
    }


@pytest.mark.parametrize("secret", ["", "htk_", "htk_" + "a" * 43, "htk_" + "é" * 43, "x" * 9_999])
async def test_finds_nothing_for_a_secret_that_was_not_issued(
    database: Database, secret: str
) -> None:
    await _issue(database)

    async with database.unit_of_work() as uow:
        assert await identity.find_api_key(uow, secret) is None


async def test_a_revoked_key_opens_nothing(database: Database) -> None:
    issued = await _issue(database)
    later = _NOW + timedelta(days=1)

    async with database.unit_of_work() as uow:
        revoked = await identity.revoke_api_key(uow, issued.key.id, now=_NOW)
        again = await identity.revoke_api_key(uow, issued.key.id, now=later)
        found = await identity.find_api_key(uow, issued.secret)
        trail = await audit.list_records(uow)

    assert revoked.revoked_at == again.revoked_at == _NOW
    assert found is None
    assert [each.action for each in trail] == ["identity.revoke_api_key", "identity.issue_api_key"]


async def test_refuses_to_revoke_what_does_not_exist(database: Database) -> None:
    async with database.unit_of_work() as uow:
        with pytest.raises(ApiKeyNotFound):
            await identity.revoke_api_key(uow, uuid.UUID(int=1), now=_NOW)


async def test_lists_keys_in_pages(database: Database) -> None:
    issued = [await _issue(database, f"till {number}") for number in range(3)]

    async with database.unit_of_work() as uow:
        first = await identity.list_api_keys(uow, limit=2)
        second = await identity.list_api_keys(uow, after_id=first[-1].id, limit=2)

    assert [key.id for key in (*first, *second)] == [each.key.id for each in issued]


@pytest.mark.parametrize(
    ("name", "scopes", "field"),
    [
        ("", ["payments:read"], "name"),
        ("a" * 129, ["payments:read"], "name"),
        ("a\x00b", ["payments:read"], "name"),
        ("till", [], "scopes"),
        ("till", ["Payments"], "scopes"),
        ("till", ["payments:read:all"], "scopes"),
        ("till", ["*"], "scopes"),
        ("till", [f"s{'a' * n}" for n in range(33)], "scopes"),
    ],
)
async def test_refuses_a_bad_name_or_scope(
    database: Database, name: str, scopes: list[str], field: str
) -> None:
    async with database.unit_of_work() as uow:
        with pytest.raises(InvalidField) as refused:
            await identity.issue_api_key(uow, name=name, scopes=scopes, now=_NOW)
        assert refused.value.field == field
        assert await uow.fetch_value("SELECT count(*) FROM kernel.api_keys") == 0


_KEY = ApiKey(
    id=uuid.UUID(int=1), name="a", scopes=frozenset({"a"}), merchant_id=None, created_at=_NOW
)


def _secret(number: int) -> str:
    return f"htk_{number:043d}"


class Source:
    """What the cache asks; knows every secret but those above a million."""

    def __init__(self) -> None:
        self.questions: list[str] = []
        self.error: Exception | None = None
        self.seconds = 0.0

    def clock(self) -> float:
        return self.seconds

    async def __call__(self, secret: str) -> ApiKey | None:
        self.questions.append(secret)
        await asyncio.sleep(0)
        if self.error is not None:
            raise self.error
        return _KEY if secret < _secret(1_000_000) else None


@pytest.mark.parametrize(("number", "answer"), [(1, _KEY), (1_000_000, None)])
async def test_asks_again_after_five_seconds(number: int, answer: ApiKey | None) -> None:
    source = Source()
    cache = KeyCache(source, clock=source.clock)

    for source.seconds in (0.0, 4.9, 5.0, 9.9, 10.0):
        assert await cache.find(_secret(number)) == answer

    assert len(source.questions) == 3


async def test_asks_once_for_many_at_the_same_time() -> None:
    source = Source()
    cache = KeyCache(source, clock=source.clock)

    found = await asyncio.gather(*(cache.find(_secret(1)) for _ in range(50)))

    assert found == [_KEY] * 50
    assert len(source.questions) == 1


async def test_does_not_ask_about_text_that_is_no_secret() -> None:
    source = Source()

    assert await KeyCache(source).find("Bearer nonsense") is None
    assert source.questions == []


async def test_does_not_remember_a_fault() -> None:
    source = Source()
    cache = KeyCache(source, clock=source.clock)
    source.error = OSError("gone")
    with pytest.raises(OSError, match="gone"):
        await cache.find(_secret(1))
    source.error = None

    assert await cache.find(_secret(1)) == _KEY


async def test_unknown_secrets_do_not_push_out_known_ones() -> None:
    source = Source()
    cache = KeyCache(source, clock=source.clock)
    await cache.find(_secret(1))

    for number in range(limits.API_KEY_UNKNOWN_ENTRIES_MAX + 1):
        await cache.find(_secret(1_000_000 + number))
    asked = len(source.questions)
    await cache.find(_secret(1))
    await cache.find(_secret(1_000_000 + limits.API_KEY_UNKNOWN_ENTRIES_MAX))
    in_memory = len(source.questions)
    await cache.find(_secret(1_000_000))

    assert asked == in_memory == limits.API_KEY_UNKNOWN_ENTRIES_MAX + 2
    assert source.questions[-1] == _secret(1_000_000)


async def test_holds_no_more_keys_than_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "API_KEY_CACHE_ENTRIES_MAX", 2)
    source = Source()
    cache = KeyCache(source, clock=source.clock)

    for number in (1, 2, 3, 3, 2, 1):
        await cache.find(_secret(number))

    assert source.questions == [_secret(1), _secret(2), _secret(3), _secret(1)]


async def test_forgets_a_revoked_key_after_five_seconds(database: Database) -> None:
    issued = await _issue(database)
    source = Source()

    async def load(secret: str) -> ApiKey | None:
        async with database.unit_of_work() as uow:
            return await identity.find_api_key(uow, secret)

    cache = KeyCache(load, clock=source.clock)
    before = await cache.find(issued.secret)
    async with database.unit_of_work() as uow:
        await identity.revoke_api_key(uow, issued.key.id, now=_NOW)
    source.seconds = identity.API_KEY_CACHE_SECONDS

    assert before == issued.key
    assert await cache.find(issued.secret) is None
