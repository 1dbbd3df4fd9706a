"""`bench crypto`: sealing and opening people's data, and finding somebody by a blind index."""

import gc
import random
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np
import uvloop

from huitong.bench import naive_sealing
from huitong.bench.machine import describe_machine
from huitong.bench.scratch import Scratch, scratch_database
from huitong.bench.types import BenchmarkFailed, Options, Result, Rounds, Target
from huitong.kernel.cryptography import (
    CipherName,
    DataKey,
    KeyRing,
    load_key_ring,
    open_record,
    seal_record,
)
from huitong.kernel.database.unit_of_work import Database, DriverConnection
from huitong.privacy import Vault

ROWS: Final = 1_000_000
#: Customers whose data keys are at hand, as after a page of them was read.
SUBJECTS: Final = 1_000
BATCH_SUBJECTS: Final = 500
FIELDS: Final = 9
_ROUNDS: Final = 5
_SCANS: Final = 3
_LOOKUPS_WARMING: Final = 20
_MOBILE: Final = "bench.people.mobile"
_TARGETS: Final = (
    Target(figure="sealed_per_second", value=20_000),
    Target(figure="opened_per_second", value=20_000),
    Target(figure="lookup_p99_ms", value=2.0, is_maximum=True),
)
_PREPARE: Final = """
CREATE SCHEMA bench;
CREATE TABLE bench.people (
    subject_id   uuid  NOT NULL PRIMARY KEY,
    mobile_index bytea NOT NULL,
    mobile       bytea NOT NULL
);
GRANT USAGE ON SCHEMA bench TO PUBLIC;
GRANT SELECT ON bench.people TO PUBLIC;
"""
_LOOK_UP: Final = "SELECT subject_id FROM bench.people WHERE mobile_index = :index"


@dataclass(frozen=True, slots=True)
class Customer:
    """A made-up customer with a data key."""

    id: uuid.UUID
    key: DataKey
    fields: dict[str, str]


def measure(options: Options) -> Result:
    """Run the benchmark on a database of its own."""
    with scratch_database() as scratch, TemporaryDirectory(prefix="huitong-bench-") as home:
        return uvloop.run(_measure(scratch, load_key_ring(Path(home)), options))


async def _measure(scratch: Scratch, ring: KeyRing, options: Options) -> Result:
    customers = make_customers(options.scaled(SUBJECTS, least=10), options.seed)
    options.say(f"sealing and opening records of {FIELDS} fields, keys at hand")
    rounds = _measure_records(customers, options.seconds / 2)
    owner = await scratch.connect_owner()
    database = scratch.open()
    try:
        vault = Vault(ring)
        options.say("sealing and opening through the vault, batches with one query each")
        await _measure_vault(database, vault, customers, rounds, options.seconds / 10)
        rows = options.scaled(ROWS, least=1_000)
        options.say(f"making {rows:,} people to look up")
        await _fill(owner, vault, customers, rows)
        plan = await _explain(owner, vault)
        options.say(f"looking people up by their mobile numbers: {plan}")
        chance = random.Random(options.seed)  # noqa: S311 - it is to be repeatable
        lookups, nothing = [], []
        seconds = options.seconds / 8 / _ROUNDS
        with _collector_at_rest():
            for _ in range(_ROUNDS):
                lookups.append(await _look_up(database, vault, rows, chance, seconds))
                nothing.append(await _ask_nothing(database, seconds))
        scans = [await _scan(owner, vault, rows - 1 - each) for each in range(_SCANS)]
        opening = await _open_and_compare(owner, customers, rows)
    finally:
        await database.close()
        await owner.close()
    return _make_result(
        scratch,
        rounds,
        lookups=lookups,
        nothing=nothing,
        scans=scans,
        opening=opening,
        rows=rows,
    )


def _make_result(
    scratch: Scratch,
    rounds: Rounds,
    *,
    lookups: list[list[float]],
    nothing: list[list[float]],
    scans: list[float],
    opening: float,
    rows: int,
) -> Result:
    return Result(
        name="crypto",
        title="Sealing personal data",
        figures={
            **{name: rounds.median(name) for name in rounds.values if "naive" not in name},
            "lookup_p50_ms": round(float(np.percentile(np.concatenate(lookups), 50)), 3),
            "lookup_p99_ms": round(float(np.percentile(np.concatenate(lookups), 99)), 3),
            "median_round_lookup_p99_ms": round(float(np.median(_percentiles(lookups, 99))), 3),
            "rows": rows,
            "fields_in_a_record": FIELDS,
        },
        baselines={
            **{name: rounds.median(name) for name in rounds.values if "naive" in name},
            "empty_query_p50_ms": round(float(np.percentile(np.concatenate(nothing), 50)), 3),
            "empty_query_p99_ms": round(float(np.percentile(np.concatenate(nothing), 99)), 3),
            "lookup_by_scanning_ms": round(float(np.median(scans)), 1),
            "lookup_by_opening_all_ms": round(opening, 1),
        },
        machine=describe_machine(scratch),
        details={
            "rounds": rounds.shown(),
            "lookup_rounds": {
                "lookup_p99_ms": [round(each, 3) for each in _percentiles(lookups, 99)],
                "empty_query_p99_ms": [round(each, 3) for each in _percentiles(nothing, 99)],
                "lookups": [len(each) for each in lookups],
            },
            "notes": _NOTES,
        },
        targets=_TARGETS,
    )


def make_customers(count: int, seed: int) -> list[Customer]:
    """Return made-up customers with data keys, the same for each seed but for the keys."""
    chance = random.Random(seed)  # noqa: S311 - it is to be repeatable
    return [_make_customer(chance) for _ in range(count)]


def _make_customer(chance: random.Random) -> Customer:
    def digits(count: int) -> str:
        return "".join(chance.choices("0123456789", k=count))

    fields = {
        "name": "".join(chance.choices("王李张刘陈杨赵黄周吴伟芳娜敏静丽强磊军洋", k=3)),
        "id_number": f"110105{digits(12)}",
        "mobile": f"1{digits(10)}",
        "card": f"6222{digits(15)}",
        "email": f"user{digits(8)}@example.com",
        "address": f"浙江省杭州市西湖区文三路{digits(3)}号{digits(2)}单元{digits(3)}室",
        "passport": f"E{digits(8)}",
        "birthday": f"19{digits(2)}-0{digits(1)}-1{digits(1)}",
        "employer": f"杭州第{digits(4)}科技有限公司",
    }
    assert len(fields) == FIELDS
    named = {f"bench.customers.{name}": value for name, value in fields.items()}
    return Customer(uuid.UUID(int=chance.getrandbits(128)), DataKey.generate(), named)


def _measure_records(customers: list[Customer], seconds: float) -> Rounds:
    """Measure one thread, the ways in turns."""
    secret = bytes(32)

    def sealer(cipher: CipherName) -> Callable[[int], object]:
        return lambda at: seal_record(
            customers[at].key, cipher, customers[at].id, customers[at].fields
        )

    def opener(cipher: CipherName) -> Callable[[int], object]:
        sealed = [seal_record(each.key, cipher, each.id, each.fields) for each in customers]
        return lambda at: open_record(customers[at].key, customers[at].id, sealed[at])

    naive = [naive_sealing.seal(secret, each.id, each.fields) for each in customers]
    ways: dict[str, Callable[[int], object]] = {
        "sealed_per_second": sealer("aes-256-gcm"),
        "opened_per_second": opener("aes-256-gcm"),
        "sm4_sealed_per_second": sealer("sm4-gcm"),
        "sm4_opened_per_second": opener("sm4-gcm"),
        "naive_sealed_per_second": lambda at: naive_sealing.seal(
            secret, customers[at].id, customers[at].fields
        ),
        "naive_opened_per_second": lambda at: naive_sealing.open_sealed(
            secret, customers[at].id, naive[at]
        ),
    }
    for at, customer in enumerate(customers):
        for name, way in ways.items():
            if "opened" in name and way(at) != customer.fields:
                raise BenchmarkFailed(f"{name}: a record is not what it was", retryable=False)
    rounds = Rounds()
    for _ in range(_ROUNDS):
        for name, way in ways.items():
            rounds.add(name, _count(way, len(customers), seconds / _ROUNDS / len(ways)))
    return rounds


def _count(way: Callable[[int], object], count: int, seconds: float) -> float:
    """Return how often a second `way` can be called, going round all customers."""
    done = 0
    started = time.perf_counter()
    while (ended := time.perf_counter()) - started < seconds or not done:
        for at in range(count):
            way(at)
        done += count
    return done / (ended - started)


async def _measure_vault(
    database: Database, vault: Vault, customers: list[Customer], rounds: Rounds, seconds: float
) -> None:
    batch = {each.id: each.fields for each in customers[:BATCH_SUBJECTS]}
    async with database.unit_of_work() as uow:
        sealed = await vault.seal_many(uow, batch)
    for _ in range(_ROUNDS):
        for name in ("vault_sealed_per_second", "vault_opened_per_second"):
            done = 0
            started = time.perf_counter()
            while (ended := time.perf_counter()) - started < seconds / _ROUNDS / 2 or not done:
                async with database.unit_of_work() as uow:
                    if name == "vault_sealed_per_second":
                        await vault.seal_many(uow, batch)
                    elif await vault.open_many(uow, sealed) != batch:
                        raise BenchmarkFailed("a record is not what it was", retryable=False)
                done += len(batch)
            rounds.add(name, done / (ended - started))


def _mobile(number: int) -> str:
    return f"13{number:09d}"


async def _fill(
    owner: DriverConnection, vault: Vault, customers: list[Customer], rows: int
) -> None:
    """Make people, each number sealed with the key of one of the customers."""

    def make() -> Any:
        for number, customer in zip(range(rows), cycle(customers), strict=False):
            mobile = _mobile(number)
            sealed = seal_record(customer.key, "aes-256-gcm", customer.id, {_MOBILE: mobile})
            yield uuid.UUID(int=number), vault.blind_index("mobile", mobile), sealed[_MOBILE]

    await owner.execute(_PREPARE)
    await owner.copy_records_to_table("people", schema_name="bench", records=make(), timeout=None)
    await owner.execute("CREATE UNIQUE INDEX ON bench.people (mobile_index)", timeout=None)
    await owner.execute("VACUUM ANALYZE bench.people", timeout=None)


async def _explain(owner: DriverConnection, vault: Vault) -> str:
    """Return how the database looks somebody up; raises BenchmarkFailed if it reads the table."""
    await owner.execute(
        f"PREPARE look_up (bytea) AS {_LOOK_UP.replace(':index', '$1')};"
        "SET plan_cache_mode = force_generic_plan"
    )
    # A utility statement takes no parameters, and this is a digest in hexadecimal digits.
    index = vault.blind_index("mobile", _mobile(0)).hex()
    rows = await owner.fetch(f"EXPLAIN (COSTS off) EXECUTE look_up ('\\x{index}')")
    plan: str = rows[0][0]
    if not plan.startswith("Index Scan"):
        raise BenchmarkFailed(f"people are looked up by {plan}", retryable=False)
    await owner.execute("DEALLOCATE look_up; RESET plan_cache_mode")
    return plan


@contextmanager
def _collector_at_rest() -> Iterator[None]:
    """Let the garbage collector leave alone what is there by now, as it does in API processes."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


async def _look_up(
    database: Database, vault: Vault, rows: int, chance: random.Random, seconds: float
) -> list[float]:
    """Look one after the other up for `seconds`; returns the milliseconds of each."""
    times: list[float] = []
    deadline = time.perf_counter() + seconds
    while time.perf_counter() < deadline or len(times) <= _LOOKUPS_WARMING:
        number = chance.randrange(rows)
        mobile = _mobile(number)
        started = time.perf_counter()
        async with database.reading() as uow:
            found = await uow.fetch_value(_LOOK_UP, index=vault.blind_index("mobile", mobile))
        times.append((time.perf_counter() - started) * 1_000)
        if found != uuid.UUID(int=number):
            raise BenchmarkFailed("somebody else was found", retryable=False)
    return times[_LOOKUPS_WARMING:]


async def _ask_nothing(database: Database, seconds: float) -> list[float]:
    """Ask a query that needs no table, in the same way; returns the milliseconds of each."""
    times: list[float] = []
    deadline = time.perf_counter() + seconds
    while time.perf_counter() < deadline or len(times) <= _LOOKUPS_WARMING:
        started = time.perf_counter()
        async with database.reading() as uow:
            await uow.fetch_value("SELECT CAST(:index AS bytea)", index=b"nobody")
        times.append((time.perf_counter() - started) * 1_000)
    return times[_LOOKUPS_WARMING:]


def _percentiles(lookups: list[list[float]], at: int) -> list[float]:
    return [float(np.percentile(times, at)) for times in lookups]


async def _scan(owner: DriverConnection, vault: Vault, number: int) -> float:
    """Return the milliseconds of the same look-up without the database's index."""
    index = vault.blind_index("mobile", _mobile(number))
    async with owner.transaction():
        for way in ("indexscan", "indexonlyscan", "bitmapscan"):
            await owner.execute(f"SET LOCAL enable_{way} = off")
        started = time.perf_counter()
        found = await owner.fetchval(
            "SELECT subject_id FROM bench.people WHERE mobile_index = $1", index, timeout=None
        )
        ended = time.perf_counter()
    if found != uuid.UUID(int=number):
        raise BenchmarkFailed("somebody else was found", retryable=False)
    return (ended - started) * 1_000


async def _open_and_compare(owner: DriverConnection, customers: list[Customer], rows: int) -> float:
    """Return the milliseconds of a look-up without blind indexes: open all and compare."""
    wanted, matches = _mobile(rows - 1), 0
    started = time.perf_counter()
    async with owner.transaction():
        people = owner.cursor("SELECT mobile FROM bench.people ORDER BY subject_id", prefetch=5_000)
        keys = cycle(customers)
        async for person in people:
            customer = next(keys)
            opened = open_record(customer.key, customer.id, {_MOBILE: person["mobile"]})
            matches += opened[_MOBILE] == wanted
    ended = time.perf_counter()
    if matches != 1:
        raise BenchmarkFailed(f"{matches} people were found", retryable=False)
    return (ended - started) * 1_000


_NOTES: Final = {
    "sealed_per_second": "records of nine fields a second on one core, AES-256-GCM, data keys "
    "unwrapped, no database",
    "sm4_sealed_per_second": "the same with SM4-GCM",
    "vault_sealed_per_second": "records a second through Vault.seal_many, one transaction and "
    f"one query for {BATCH_SUBJECTS} subjects, committed",
    "naive_sealed_per_second": "one HKDF, one cipher and one call for random bytes a field",
    "lookup_p99_ms": "blind index computed, one query, one reader, random people; over all rounds",
    "median_round_lookup_p99_ms": "the percentile of each round for itself, and the median of "
    "those: one burst of other work on the machine does not show in it",
    "empty_query_p99_ms": "the same way to the database and back with nobody looked up, in turns "
    "with the look-ups: what of their time is the machine's",
    "lookup_by_scanning_ms": "the same query without the database's index",
    "lookup_by_opening_all_ms": "no blind index: every sealed number fetched, opened, compared; "
    "the people share the data keys of a thousand, all at hand",
}
