"""One fault run from an empty home to the verdict."""

import asyncio
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import cycle
from typing import Any, Final

import httpx

from huitong.bench.chaos import accounting
from huitong.bench.chaos.accounting import Findings
from huitong.bench.chaos.clients import Attempted, Parties, Till, money
from huitong.bench.chaos.plan import Strike, make_plan
from huitong.bench.chaos.strikes import Struck, strike_all
from huitong.bench.machine import describe_machine
from huitong.bench.scratch import prepare_database
from huitong.bench.types import BenchmarkFailed, Options, Result
from huitong.wiring.trial import Trial, issue_key, trial_platform

_CLIENTS: Final = 16
_CUSTOMERS: Final = 12
_FEE_RATE: Final = "0.05"
#: Rich and poor in turn: a "no" has to survive a crash as well as a "yes".
_OPENINGS: Final = (5_000, 100)
_FUND_SECONDS_MAX: Final = 60.0
_EVENTS_SECONDS_MAX: Final = 30.0
_SCOPES: Final = (
    "accounts:read",
    "channels:simulate",
    "customers:write",
    "merchants:write",
    "payments:read",
    "payments:write",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChaosResult:
    """What was done to the platform, what clients saw, and what was wrong in the end."""

    seed: int
    seconds: float
    plan: tuple[Strike, ...]
    struck: tuple[Struck, ...]
    payments: tuple[Attempted, ...]
    asked_again: int
    findings: Findings
    machine: dict[str, Any] = field(default_factory=dict)

    @property
    def is_clean(self) -> bool:
        """Whether every promise was kept."""
        return not self.findings.counts

    def figures(self) -> dict[str, Any]:
        """Return the counts of the run."""
        refused = Counter(
            accounting.read_problem_code(payment)
            for payment in self.payments
            if payment.status is not None and not payment.is_acknowledged
        )
        kills = Counter(
            struck.strike.victim.value for struck in self.struck if struck.pid is not None
        )
        return {
            "seed": self.seed,
            "seconds": self.seconds,
            "payments": len(self.payments),
            "acknowledged": sum(payment.is_acknowledged for payment in self.payments),
            "refused": dict(sorted(refused.items())),
            "unresolved": sum(payment.status is None for payment in self.payments),
            "attempts": sum(payment.attempts for payment in self.payments),
            "asked_again": self.asked_again,
            "kills": dict(sorted(kills.items())),
            "plan": [strike.to_json() for strike in self.plan],
            "findings": self.findings.to_json(),
            "is_clean": self.is_clean,
        }


def measure(options: Options) -> Result:
    """Do a fault run and return it in the shape of the other benchmarks."""
    result = run_chaos(options)
    for question, finding in result.findings.to_json().items():
        options.say(f"NOT SO: {question}: {finding['count']} times, {finding['examples']}")
    return Result(
        name="chaos",
        title="payments while processes are killed with -9",
        figures=result.figures(),
        baselines={},
        machine=result.machine,
        details={"strikes": [struck.to_json() for struck in result.struck]},
        failures=tuple(result.findings.counts),
    )


def run_chaos(options: Options) -> ChaosResult:
    """Run the platform in a temporary home, do the plan of `options.seed` to it, and count.

    Raises BenchmarkFailed if the run itself could not be carried out; what the platform did wrong
    is in the result's findings.
    """
    plan = make_plan(options.seed, options.seconds)
    options.say(f"Plan of seed {options.seed}: {len(plan)} kills in {options.seconds:.0f} s")
    for strike in plan:
        options.say(f"{strike.at_seconds:6.2f} s  {strike.victim.value}")
    with trial_platform(workers=2, say=options.say) as trial:
        result = asyncio.run(_run(trial, plan, options))
        scratch = prepare_database(trial.home, trial.settings)
        return replace(result, machine=describe_machine(scratch))


async def _run(trial: Trial, plan: tuple[Strike, ...], options: Options) -> ChaosResult:
    issued = await issue_key(trial.settings, name="chaos", scopes=_SCOPES, now=datetime.now(UTC))
    parties, opening = await _open_parties(trial.url, issued.secret)
    till = Till(trial.url, issued.secret, parties, options.seed)
    options.say(f"{_CLIENTS} clients pay at {trial.url}")
    started = time.monotonic()
    paying = asyncio.create_task(till.run(clients=_CLIENTS, until=started + options.seconds))
    try:
        struck = await strike_all(trial, plan, started=started, say=options.say)
        await paying
    finally:
        paying.cancel()
    await asyncio.to_thread(trial.wait_until_ready)
    options.say("The clients are done; counting.")
    findings = Findings()
    asked_again = await _count(trial, till, opening, findings)
    return ChaosResult(
        seed=options.seed,
        seconds=options.seconds,
        plan=plan,
        struck=tuple(struck),
        payments=tuple(till.payments),
        asked_again=asked_again,
        findings=findings,
    )


async def _count(trial: Trial, till: Till, opening: dict[str, int], findings: Findings) -> int:
    for_owner = trial.settings.database_owner_url
    async with till.connect(_CLIENTS) as http:
        accounting.count_answers(till.payments, findings)
        await accounting.count_rows(for_owner, till.payments, findings)
        expected = accounting.expect_balances(opening, till.payments)
        await accounting.compare_balances(http, expected, findings)
        # Last, because asking again would make a lost payment anew and hide that it was lost.
        asked_again = await accounting.ask_again(http, till.payments, till.seed, findings)
    if not await accounting.wait_for_events(for_owner, _EVENTS_SECONDS_MAX):
        findings.add("every event is told in the end", "some still wait in the outbox")
    verified = await asyncio.to_thread(trial.run, "ledger", "verify")
    if verified.returncode != 0:
        findings.add("`huitong ledger verify` is clean", verified.stdout + verified.stderr)
    return asked_again


async def _open_parties(url: str, secret: str) -> tuple[Parties, dict[str, int]]:
    headers = {"Authorization": f"Bearer {secret}"}
    async with httpx.AsyncClient(
        base_url=url, headers=headers, timeout=30, trust_env=False
    ) as http:
        customers = [
            await _post(
                http,
                "/v1/customers",
                {
                    "name": f"客户{number}",
                    "mobile": f"1390000{number:04d}",
                    "account_class": 3,
                },
            )
            for number in range(_CUSTOMERS)
        ]
        merchant = await _post(
            http,
            "/v1/merchants",
            {
                "name": "混沌杂货",
                "name_latin": "CHAOS STORE",
                "city_latin": "PINGYAO",
                "category_code": "5411",
                "fee_rate": _FEE_RATE,
            },
        )
        accounts = [customer["account"] for customer in customers]
        opening = dict(zip(accounts, cycle(_OPENINGS), strict=False))
        await _fund(http, opening)
    return Parties(accounts, merchant["account"]), opening | {merchant["account"]: 0}


async def _fund(http: httpx.AsyncClient, opening: dict[str, int]) -> None:
    for account, amount in opening.items():
        await _post(http, "/v1/top-ups", {"account": account, "amount": money(amount)})
    deadline = time.monotonic() + _FUND_SECONDS_MAX
    for account, amount in opening.items():
        while True:
            answer = (await http.get(f"/v1/accounts/{account}/balance")).raise_for_status().json()
            if answer["balance"] == money(amount):
                break
            if time.monotonic() >= deadline:
                raise BenchmarkFailed(
                    f"the top-up of {account} has not arrived: {answer}", retryable=False
                )
            await asyncio.sleep(0.1)


async def _post(http: httpx.AsyncClient, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = await http.post(path, json=body, headers={"Idempotency-Key": uuid.uuid4().hex})
    if not answer.is_success:
        raise BenchmarkFailed(f"{path}: {answer.status_code} {answer.text}", retryable=False)
    made: dict[str, Any] = answer.json()
    return made
