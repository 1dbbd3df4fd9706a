"""`bench pay`: single payments over HTTP, each durable before its answer.

Everything shares the machine: the load generator, the API as users start it, and PostgreSQL. The
plain FastAPI handler of `naive_payments` takes its turns on the same database, and so does the API
with risk asked about each payment, by the default rules and the shipped model; the other figures of
ours are without.
"""

import asyncio
import json
import random
import tempfile
import uuid
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Final

import uvloop

from huitong import payments
from huitong.bench.acquaintances import Acquaintances
from huitong.bench.live_risk import install_live_risk
from huitong.bench.load import LoadPlan, LoadReport, run_load_in_process
from huitong.bench.machine import describe_machine
from huitong.bench.population import ACCOUNTS, AMOUNT_MAX, CURRENCY, populate
from huitong.bench.scratch import Scratch, scratch_database
from huitong.bench.servers import HOST, Served, run_worker, serve_huitong, serve_naive
from huitong.bench.types import BenchmarkFailed, Options, Result, Rounds, Target
from huitong.kernel.database.unit_of_work import DriverConnection
from huitong.kernel.money import Money
from huitong.ledger import show_account, verify_ledger
from huitong.wiring.trial import issue_key

ROUNDS: Final = 3
#: What `huitong up` starts on two processors: measured a tenth to a quarter faster than one.
API_PROCESSES: Final = 2
_WARM_UP_SECONDS: Final = 1.0
_USUAL_CONNECTIONS: Final = 64
_FIRST_GUESS_PER_SECOND: Final = 8_000
_NO_FEE: Final = "0"
_FEE_RATE: Final = "0.006"
_TARGETS: Final = (
    Target(figure="payments_per_second_64", value=8_000),
    Target(figure="p99_ms_64", value=40, is_maximum=True),
    Target(figure="hot_payments_per_second_64", over="payments_per_second_64", value=0.8),
    Target(figure="payments_per_second_64", over="naive_payments_per_second_64", value=5),
    Target(figure="payments_with_risk_per_second_64", over="payments_per_second_64", value=0.7),
    Target(figure="rss_mb", value=300, is_maximum=True),
)

# Nobody reads or looks up these people, so noise stands for what is sealed.
_ADD_CUSTOMERS: Final = """
INSERT INTO customers.customers (id, name_sealed, mobile_sealed, mobile_index, account_class,
                                 account_id, currency, opened_at)
SELECT gen_random_uuid(), n.noise || n.noise, n.noise || n.noise, n.noise, 3, n.account_id, $2,
       now() - interval '400 days'
  FROM (SELECT account_id, sha256(int8send(account_id)) AS noise
          FROM unnest($1::bigint[]) account_id) n
"""
_ADD_MERCHANT: Final = """
INSERT INTO customers.merchants (id, name, name_latin, city_latin, category_code, fee_rate,
                                 account_id, currency, opened_at)
VALUES (gen_random_uuid(), 'Benchmark', 'BENCHMARK', 'PINGYAO', '5411', $3::text::numeric, $1, $2,
        now())
"""
_SET_FEE: Final = "UPDATE customers.merchants SET fee_rate = $1::text::numeric"
_SCORED: Final = """
SELECT count(*) AS decided, count(score) AS scored, count(*) FILTER (WHERE action > 0) AS alerts
  FROM risk.decisions
"""
_COUNTS: Final = """
SELECT (SELECT count(*) FROM payments.orders WHERE status = 'succeeded') AS orders,
       (SELECT count(*) FROM ledger.transfers WHERE code IN (201, 301)) AS transfers,
       (SELECT count(*) FROM kernel.replies WHERE status = 201) AS replies
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Turn:
    """One kind of load: to whom, over how many connections, and what of it is noted."""

    name: str
    connections: int
    is_hot: bool = False
    is_naive: bool = False
    has_risk: bool = False
    has_fee: bool = False
    has_worker: bool = False

    @property
    def server(self) -> str:
        """Who answers it."""
        return "naive" if self.is_naive else "with_risk" if self.has_risk else "ours"


_TURNS: Final = (
    _Turn(name="payments_per_second_64", connections=_USUAL_CONNECTIONS),
    _Turn(name="payments_per_second_256", connections=256),
    _Turn(name="hot_payments_per_second_64", connections=_USUAL_CONNECTIONS, is_hot=True),
    _Turn(
        name="hot_payments_with_fee_per_second_64",
        connections=_USUAL_CONNECTIONS,
        is_hot=True,
        has_fee=True,
    ),
    _Turn(
        name="payments_beside_worker_per_second_64", connections=_USUAL_CONNECTIONS, has_worker=True
    ),
    _Turn(name="payments_with_risk_per_second_64", connections=_USUAL_CONNECTIONS, has_risk=True),
    _Turn(name="naive_payments_per_second_64", connections=_USUAL_CONNECTIONS, is_naive=True),
    _Turn(
        name="naive_hot_payments_per_second_64",
        connections=_USUAL_CONNECTIONS,
        is_naive=True,
        is_hot=True,
    ),
)
_WARM_UP_TURNS: Final = tuple(
    turn
    for turn in _TURNS
    if turn.connections == _USUAL_CONNECTIONS and not (turn.is_hot or turn.has_worker)
)
_LATENCIES: Final = {
    "payments_per_second_64": ("p50_ms_64", "p99_ms_64", "max_ms_64"),
    "payments_per_second_256": ("p50_ms_256", "p99_ms_256", "max_ms_256"),
    "hot_payments_per_second_64": ("hot_p50_ms_64", "hot_p99_ms_64", "hot_max_ms_64"),
    "payments_with_risk_per_second_64": ("with_risk_p50_ms_64", "with_risk_p99_ms_64"),
    "naive_payments_per_second_64": ("naive_p50_ms_64", "naive_p99_ms_64", "naive_max_ms_64"),
}
_LATENCY_PERCENTS: Final = (50, 99, 100)


def measure(options: Options) -> Result:
    """Run the benchmark on a platform of its own."""
    with ExitStack() as stack:
        scratch = stack.enter_context(scratch_database())
        acquaintances, merchant, secret = asyncio.run(_prepare(scratch, options))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="huitong-log-")))
        log = stack.enter_context((folder / "servers.log").open("wb"))
        ours = stack.enter_context(serve_huitong(scratch, processes=API_PROCESSES, log=log))
        with_risk = stack.enter_context(
            serve_huitong(scratch, processes=API_PROCESSES, log=log, is_risk_asked=True)
        )
        naive = stack.enter_context(serve_naive(scratch, log=log))
        run = _Run(
            scratch=scratch,
            acquaintances=acquaintances,
            merchant=merchant,
            secret=secret,
            served={"ours": ours, "with_risk": with_risk, "naive": naive},
            log=log,
            options=options,
        )
        try:
            run.take_turns()
        except BenchmarkFailed as failure:
            last = (folder / "servers.log").read_text(encoding="utf-8", errors="replace")[-2_000:]
            raise BenchmarkFailed(f"{failure}\n{last}", retryable=False) from failure
        asyncio.run(_check(scratch, run.acknowledged))
        return _result(run, asyncio.run(_count_decisions(scratch)))


class _Run:
    """The turns, and what they gave."""

    def __init__(
        self,
        *,
        scratch: Scratch,
        acquaintances: Acquaintances,
        merchant: str,
        secret: str,
        served: dict[str, Served],
        log: IO[bytes],
        options: Options,
    ) -> None:
        self.scratch = scratch
        self.served = served
        self.rounds = Rounds()
        # A run of a second or two has no time for more than one.
        self.rounds_taken = max(1, min(ROUNDS, int(options.seconds)))
        self.acknowledged = 0
        self._log = log
        self._options = options
        self._head = _request_head(secret)
        self._acquaintances = acquaintances
        self._merchant = merchant
        self._chance = random.Random(options.seed)  # noqa: S311 - it is to be repeatable
        self._rates: dict[str, float] = {}
        self._rate = _NO_FEE

    def take_turns(self) -> None:
        """Give every kind of load its turn, ROUNDS times after a warm-up."""
        slot = self._options.seconds / (len(_TURNS) * self.rounds_taken)
        for turn in _WARM_UP_TURNS:
            self._take(turn, min(_WARM_UP_SECONDS, slot))
        for number in range(1, self.rounds_taken + 1):
            for turn in _TURNS:
                report = self._take(turn, slot)
                self._note(turn, report)
                self._options.say(
                    f"round {number} of {self.rounds_taken}: {turn.name} {report.per_second:,.0f}, "
                    f"p99 {report.percentile_ms(99):.1f} ms"
                )

    def _take(self, turn: _Turn, seconds: float) -> LoadReport:
        rate = _FEE_RATE if turn.has_fee else _NO_FEE
        if rate != self._rate:
            uvloop.run(_set_fee(self.scratch, rate))
            self._rate = rate
        expected = self._rates.get(turn.name, _FIRST_GUESS_PER_SECOND) * seconds
        count = max(turn.connections, int(expected * 2))
        plan = LoadPlan(
            host=HOST,
            port=self.served[turn.server].port,
            connections=turn.connections,
            seconds=seconds,
            requests=[self._make_request(is_hot=turn.is_hot) for _ in range(count)],
        )
        with ExitStack() as stack:
            if turn.has_worker:
                stack.enter_context(run_worker(self.scratch, log=self._log))
            report = run_load_in_process(plan)
        # Rules may hold a payment: it is answered, and not done.
        allowed = {201, 202} if turn.has_risk else {201}
        if report.unanswered or not report.by_status.keys() <= allowed:
            raise BenchmarkFailed(
                f"{turn.name}: {report.by_status}, {report.unanswered} without an answer; "
                f"{report.examples[:1]!r}",
                retryable=False,
            )
        self.acknowledged += report.by_status[201]
        self._rates[turn.name] = report.per_second
        return report

    def _make_request(self, *, is_hot: bool) -> bytes:
        payer, payee = map(show_account, self._acquaintances.draw())
        if is_hot and self._chance.getrandbits(1):
            payee = self._merchant
        amount = Money(self._chance.randint(1, AMOUNT_MAX), CURRENCY)
        body = json.dumps(
            {
                "payer": payer,
                "payee": payee,
                "amount": amount.to_json(),
                "reference": uuid.uuid4().hex,
            }
        ).encode()
        key = uuid.uuid4().hex.encode()
        return b"%bidempotency-key: %b\r\ncontent-length: %d\r\n\r\n%b" % (
            self._head, key, len(body), body,
        )  # fmt: skip

    def _note(self, turn: _Turn, report: LoadReport) -> None:
        self.rounds.add(turn.name, report.per_second)
        if turn.name == "payments_per_second_64":
            self.rounds.add("generator_us_per_request", report.cpu_us_per_request)
        for name, percent in zip(_LATENCIES.get(turn.name, ()), _LATENCY_PERCENTS, strict=False):
            self.rounds.add(name, report.percentile_ms(percent))


def _request_head(secret: str) -> bytes:
    return (
        f"POST /v1/payments HTTP/1.1\r\nhost: {HOST}\r\nauthorization: Bearer {secret}\r\n"
        "content-type: application/json\r\n"
    ).encode()


async def _prepare(scratch: Scratch, options: Options) -> tuple[Acquaintances, str, str]:
    accounts = options.scaled(ACCOUNTS, least=500)
    options.say(f"opening {accounts:,} customers")
    owner = await scratch.connect_owner()
    try:
        population = await populate(scratch, owner, accounts=accounts, seed=options.seed)
        await owner.execute(_ADD_CUSTOMERS, population.customers.tolist(), CURRENCY)
        await owner.execute(_ADD_MERCHANT, population.merchant, CURRENCY, _NO_FEE)
        await owner.execute("VACUUM ANALYZE")
    finally:
        await owner.close()
    chance = random.Random(options.seed)  # noqa: S311 - it is to be repeatable
    acquaintances = Acquaintances(population.customers.tolist(), chance)
    await install_live_risk(scratch, now=datetime.now(UTC))
    known = await acquaintances.remember(scratch, now=datetime.now(UTC))
    options.say(f"{known:,} payments of the month before are counted")
    issued = await issue_key(
        scratch.settings_for_processes,
        name="bench",
        scopes=["payments:write"],
        now=datetime.now(UTC),
    )
    return acquaintances, show_account(population.merchant), issued.secret


async def _set_fee(scratch: Scratch, rate: str) -> None:
    owner = await scratch.connect_owner()
    try:
        await owner.execute(_SET_FEE, rate)
    finally:
        await owner.close()


async def _check(scratch: Scratch, acknowledged: int) -> None:
    """Raise BenchmarkFailed unless each 201 is one order, one transfer and one reply."""
    owner: DriverConnection = await scratch.connect_owner()
    try:
        counts = dict(await owner.fetchrow(_COUNTS))
    finally:
        await owner.close()
    if set(counts.values()) != {acknowledged}:
        raise BenchmarkFailed(
            f"{acknowledged} payments were acknowledged, and there are {counts}", retryable=False
        )
    async with scratch.open() as database:
        report = await verify_ledger(database, more=payments.INVARIANTS)
    if not report.is_clean:
        raise BenchmarkFailed(f"the ledger's invariants: {report.findings}", retryable=False)


async def _count_decisions(scratch: Scratch) -> dict[str, float]:
    """Return which share of the decisions a model scored, and which did not just allow."""
    owner: DriverConnection = await scratch.connect_owner()
    try:
        counts = await owner.fetchrow(_SCORED)
    finally:
        await owner.close()
    decided = max(1, counts["decided"])
    return {
        "with_risk_scored_percent": round(100 * counts["scored"] / decided, 1),
        "with_risk_alerts_percent": round(100 * counts["alerts"] / decided, 1),
    }


def _result(run: _Run, decided: dict[str, float]) -> Result:
    rounds = run.rounds
    values: dict[str, Any] = {
        name: rounds.median(name, digits=0 if "per_second" in name else 1) for name in rounds.values
    }
    figures = {name: value for name, value in values.items() if "naive" not in name}
    return Result(
        name="pay",
        title="Payments over HTTP",
        figures=figures
        | decided
        | {
            "rss_mb": round(run.served["ours"].peak_memory_mb(), 1),
            "api_processes": API_PROCESSES,
            "rounds": run.rounds_taken,
            "payments_acknowledged_and_checked": run.acknowledged,
        },
        baselines={name: value for name, value in values.items() if "naive" in name}
        | {"naive_rss_mb": round(run.served["naive"].peak_memory_mb(), 1)},
        machine=describe_machine(run.scratch),
        details={"rounds": rounds.shown(), "notes": _NOTES},
        targets=_TARGETS,
    )


_NOTES: Final = {
    "payments_per_second_64": "POST /v1/payments between random customers over 64 kept-alive "
    "connections in a closed loop; `huitong serve`, PostgreSQL and the load share the machine",
    "hot_payments_per_second_64": "the same; half of all payments go to one merchant",
    "hot_payments_with_fee_per_second_64": "the same; the merchant pays 0.6 %, a second transfer",
    "payments_beside_worker_per_second_64": "as the first, while `huitong worker` delivers events",
    "naive_payments_per_second_64": "a plain FastAPI handler, one asyncpg transaction a payment "
    "with the same checks on the same tables, pool of 8, in a uvicorn process of its own",
    "rss_mb": "the most resident memory of an API process during the whole run",
}
