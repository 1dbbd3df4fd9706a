"""`bench decide`: how long one decision takes, and how many a processor makes in batches.

The default rules and the shipped model decide about random payments between many accounts, whose
rows of counters lie in PostgreSQL. The baseline decides about the same payments one at a time, each
with its own queries.
"""

import random
import sys
import time
import uuid
from datetime import UTC, datetime
from typing import Final, TypeAlias

import numpy as np
import uvloop
from numpy.typing import NDArray

from huitong import risk
from huitong.bench.live_risk import install_live_risk
from huitong.bench.machine import describe_machine
from huitong.bench.scratch import Scratch, scratch_database
from huitong.bench.types import Options, Result, Rounds, Target
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import Database, DriverConnection
from huitong.kernel.ids import uuid7
from huitong.kernel.rulebook import Rulebook

Latencies: TypeAlias = NDArray[np.float64]

ACCOUNTS: Final = 100_000
KNOWN_PAYMENTS: Final = 40_000
BATCH: Final = 256
_ROUNDS: Final = 5
_FIRST_ACCOUNT: Final = 100_000_000_000
_AMOUNT_MAX: Final = 2_000_000
_TARGETS: Final = (
    Target(figure="one_p99_ms", value=3.0, is_maximum=True),
    Target(figure="decisions_per_second_a_core", value=30_000),
)
_NOTES: Final = (
    "one: features from PostgreSQL, lists, rules, the model, the decision; no posting beside it",
    "decisions_per_second_a_core: rules and model, features at hand, by processor time",
    "batch_per_second: batches of 256 with their queries, by the clock, one connection",
)


def measure(options: Options) -> Result:
    """Run the benchmark on a database of its own."""
    with scratch_database() as scratch:
        return uvloop.run(_measure(scratch, options))


async def _measure(scratch: Scratch, options: Options) -> Result:
    chance = random.Random(options.seed)  # noqa: S311 - it is to be repeatable
    rounds = Rounds()
    latencies: list[Latencies] = []
    rules_count = await install_live_risk(scratch, now=_now())
    database = scratch.open()
    lists = risk.ListCache(database)
    try:
        await lists.start()
        decider = await _make_decider(database, lists)
        async with database.unit_of_work() as uow:
            connection = await uow.driver()
            known = options.scaled(KNOWN_PAYMENTS, least=BATCH)
            options.say(f"counting {known:,} payments that were made before")
            await _fill(connection, decider, chance, known)
            seconds = options.seconds / (3 * _ROUNDS)
            for number in range(1, _ROUNDS + 1):
                options.say(f"round {number} of {_ROUNDS}")
                latencies.append(await _one_by_one(connection, decider, chance, seconds, rounds))
                await _in_batches(connection, decider, chance, seconds, rounds)
                await _without_queries(connection, decider, chance, seconds, rounds)
    finally:
        await lists.stop()
        await database.close()
    return _make_result(scratch, rounds, np.concatenate(latencies), rules_count)


async def _make_decider(database: Database, lists: risk.ListCache) -> risk.PaymentDecider:
    """Return who decides as in a process of the platform; it has read all that there is to read."""
    catalogues = {risk.Purpose.PAYMENT: risk.PAYMENT_FEATURES}
    rules = risk.RuleCache(database, catalogues, now=_now)
    models = risk.ModelCache(database, catalogues, now=_now)
    await rules.learn_news()
    await models.learn_news()
    champion = models.find(risk.Purpose.PAYMENT).champion
    assert champion is not None, "the shipped model was installed"
    # Payments drawn by chance are unlike any customers', for which a model would soon be let rest.
    champion.guard.drift_rows = sys.maxsize
    decider = risk.PaymentDecider(
        database,
        rules,
        Rulebook.load(),
        models=models,
        lists=lists,
    )
    await decider.prepare()
    return decider


def _make_subjects(chance: random.Random, count: int) -> list[risk.PaymentSubject]:
    made = []
    for _ in range(count):
        payer, payee = (_FIRST_ACCOUNT + each for each in chance.sample(range(ACCOUNTS), 2))
        facts = risk.PaymentFacts(
            payer_account_id=payer,
            payee_account_id=payee,
            amount=chance.randint(1, _AMOUNT_MAX),
            kind="transfer",
            account_class=3,
            device_id=uuid.UUID(int=payer),
        )
        entities = tuple(risk.Entity.of_account(each) for each in (payer, payee))
        made.append(risk.PaymentSubject(id=uuid7(), facts=facts, entities=entities))
    return made


async def _fill(
    connection: DriverConnection,
    decider: risk.PaymentDecider,
    chance: random.Random,
    count: int,
) -> None:
    for _ in range(count // BATCH):
        subjects, at = _make_subjects(chance, BATCH), datetime.now(UTC)
        await decider.decide(connection, subjects, at=at)
        update = risk.make_update([each.facts for each in subjects], at=at)
        await connection.execute(update.text, *update.arguments)


async def _one_by_one(
    connection: DriverConnection,
    decider: risk.PaymentDecider,
    chance: random.Random,
    seconds: float,
    rounds: Rounds,
) -> Latencies:
    subjects = _make_subjects(chance, BATCH)
    taken, started = [], time.perf_counter()
    while time.perf_counter() - started < seconds:
        for each in subjects:
            before = time.perf_counter()
            await decider.decide(connection, [each], at=_now())
            taken.append((time.perf_counter() - before) * 1_000)
    rounds.add("one_at_a_time_per_second", len(taken) / (time.perf_counter() - started))
    return np.array(taken)


async def _in_batches(
    connection: DriverConnection,
    decider: risk.PaymentDecider,
    chance: random.Random,
    seconds: float,
    rounds: Rounds,
) -> None:
    batches = [_make_subjects(chance, BATCH) for _ in range(8)]
    decided, started = 0, time.perf_counter()
    while time.perf_counter() - started < seconds:
        for each in batches:
            decided += len(await decider.decide(connection, each, at=_now()))
    rounds.add("batch_per_second", decided / (time.perf_counter() - started))


async def _without_queries(
    connection: DriverConnection,
    decider: risk.PaymentDecider,
    chance: random.Random,
    seconds: float,
    rounds: Rounds,
) -> None:
    at = _now()
    subjects = _make_subjects(chance, BATCH)
    loaded = await decider.load(connection, subjects, at=at)
    deciding = decider.rules.find(risk.Purpose.PAYMENT, business_day(at))
    decided, started = 0, time.process_time()
    while time.process_time() - started < seconds:
        decided += len(decider.decide_loaded(subjects, deciding, loaded, at=at))
    rounds.add("decisions_per_second_a_core", decided / (time.process_time() - started))


def _now() -> datetime:
    return datetime.now(UTC)


def _make_result(scratch: Scratch, rounds: Rounds, latencies: Latencies, rules: int) -> Result:
    return Result(
        name="decide",
        title="Decisions",
        figures={
            "one_p50_ms": round(float(np.percentile(latencies, 50)), 3),
            "one_p99_ms": round(float(np.percentile(latencies, 99)), 3),
            "batch_per_second": rounds.median("batch_per_second"),
            "decisions_per_second_a_core": rounds.median("decisions_per_second_a_core"),
            "rules": rules,
            "decisions_one_by_one": len(latencies),
        },
        baselines={"one_at_a_time_per_second": rounds.median("one_at_a_time_per_second")},
        machine=describe_machine(scratch),
        details={"rounds": rounds.shown(), "notes": _NOTES},
        targets=_TARGETS,
    )
